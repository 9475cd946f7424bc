"""A person at a browser: the printed link, the password, the Python SDK's `external-browser`, and `tarn account recover`."""

import json
import re
import sqlite3
import threading
import webbrowser

import pytest
from databricks.sdk import AccountClient, errors, oauth

from conftest import Browser, Instance

EMAIL, PASSWORD = "ann@example.com", "correct horse battery"


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


def test_the_password_is_kept_as_a_hash_that_costs_what_owasp_asks_for(person):
    with sqlite3.connect(person.home / "tarn.db") as rows:
        hashes = [row[0] for row in rows.execute("SELECT hash FROM password")]
    assert hashes and all(h.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for h in hashes), hashes


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
    assert person.browser.sign_in(EMAIL, PASSWORD) == 401
    assert person.browser.sign_in(EMAIL, "another good one") == 200
    with pytest.raises(errors.DatabricksError):
        list(account.users.list())
    assert again.ask("/api/2.0/tarn/invitations/redeem", {"token": token, "password": "yet another one"}).status == 400
