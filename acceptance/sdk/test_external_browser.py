"""A person at a browser: the printed link, the password, the Python SDK's `external-browser`, and `tarn account recover`."""

import json
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
import webbrowser

import pytest
from databricks.sdk import AccountClient, errors, oauth

from conftest import Instance, eventually

EMAIL, PASSWORD = "ann@example.com", "correct horse battery"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    """What a browser does on the wire, without one."""

    def __init__(self, url):
        self.url = url
        self.cookie = None
        self.opener = urllib.request.build_opener(NoRedirect)

    def ask(self, path, body=None):
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(), headers={"Origin": self.url})
        if self.cookie:
            request.add_header("Cookie", self.cookie)
        try:
            answer = self.opener.open(request)
        except urllib.error.HTTPError as refused:
            answer = refused
        if answer.headers["Set-Cookie"]:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        return answer

    def sign_in(self, password=PASSWORD):
        return self.ask("/api/2.0/tarn/session", {"user_name": EMAIL, "password": password}).status

    def allow(self, address):
        """Says yes to a program that opened `address`, and calls it back."""
        page = self.ask(address.removeprefix(self.url)).read().decode()
        link = re.search(r'href="([^"]*)" id="allow"', page).group(1).replace("&amp;", "&")
        back = self.ask(link).headers["Location"]
        eventually(lambda: urllib.request.urlopen(back).status == 200)


@pytest.fixture(scope="module")
def person():
    """An instance whose first administrator has signed up by the link that `tarn up` prints."""
    instance = Instance()
    try:
        said = instance.tarn("up").stdout
        link = re.search(r"http://\S+/sign-up#([0-9a-f]+)", said)
        assert link, said
        instance.url = said.split("Tarn is up at ")[1].split()[0]
        instance.browser = Browser(instance.url)
        made = instance.browser.ask("/api/2.0/tarn/invitations/redeem", {
            "token": link.group(1), "user_name": EMAIL, "display_name": "Ann", "password": PASSWORD,
            "account_name": "Acme", "region": "eu-central-1"})
        assert made.status == 200, made.read()
        instance.account = json.loads(made.read())["account_id"]
        yield instance
    finally:
        instance.remove()


def client(person, monkeypatch, tmp_path):
    monkeypatch.setattr(oauth.TokenCache, "BASE_PATH", str(tmp_path))
    monkeypatch.setattr(
        webbrowser, "open_new", lambda url: threading.Thread(target=person.browser.allow, args=(url,)).start())
    return AccountClient(host=person.url, account_id=person.account, auth_type="external-browser")


def test_the_link_is_not_printed_again(person):
    assert "sign-up#" not in person.tarn("up").stdout


def test_the_sdk_acts_as_the_person_at_the_browser(person, monkeypatch, tmp_path):
    account = client(person, monkeypatch, tmp_path)
    assert EMAIL in [user.user_name for user in account.users.list()]
    kept = json.loads(next(tmp_path.iterdir()).read_text())
    assert kept["token"]["refresh_token"]
    # A second process finds the cache, and refreshes.
    monkeypatch.setattr(webbrowser, "open_new", lambda url: pytest.fail("asked again"))
    again = AccountClient(host=person.url, account_id=person.account, auth_type="external-browser")
    assert [user.user_name for user in again.users.list(filter=f'userName eq "{EMAIL}"')] == [EMAIL]


def test_recovery_by_who_administers_the_machine(person, monkeypatch, tmp_path):
    account = client(person, monkeypatch, tmp_path)
    said = person.tarn("account", "recover", "--user", EMAIL).stdout
    token = re.search(r"/recover#([0-9a-f]+)", said).group(1)
    assert EMAIL in said
    again = Browser(person.url)
    assert again.ask("/api/2.0/tarn/invitations/redeem", {"token": token, "password": "another good one"}).status == 200
    assert person.browser.ask("/api/2.0/tarn/session").status == 401
    assert person.browser.sign_in() == 401
    assert person.browser.sign_in("another good one") == 200
    with pytest.raises(errors.DatabricksError):
        list(account.users.list())
    assert again.ask("/api/2.0/tarn/invitations/redeem", {"token": token, "password": "yet another one"}).status == 400
