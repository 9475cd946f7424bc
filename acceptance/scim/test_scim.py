"""SCIM: the public conformance suite at both levels, what three identity providers send, and how fast who is out is out."""

import base64
import hashlib
import json
import os
import secrets
import sqlite3
import time
import urllib.parse
from pathlib import Path

import httpx2
import pytest
import requests
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from conftest import Browser, eventually

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ADSCIM = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
PASSWORD = "correct horse battery"
REDIRECT = "http://localhost:8020"
# Work for every core of the engine, for hours.
FOREVER = """SELECT count(*) FROM range(2000000) a CROSS JOIN range(2000000) b
  WHERE sha2(concat(a.id, '-', b.id), 512) = ''"""


class Api:
    """What one token may ask, or a browser's cookie."""

    def __init__(self, url, token=None, workspace=None, cookie=None):
        self.url = url
        self.session = requests.Session()
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"
        if cookie:
            self.session.headers["Cookie"] = cookie
        if workspace:
            self.session.headers["X-Databricks-Workspace-Id"] = workspace

    def ask(self, verb, path, body=None, **options):
        return self.session.request(verb, self.url + path, json=body, timeout=60, **options)

    def call(self, verb, path, body=None, status=200, **options):
        answer = self.ask(verb, path, body, **options)
        assert answer.status_code == status, f"{verb} {path} {body}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def status(self, path):
        return self.ask("GET", path).status_code


class Place:
    """The instance, its account and its workspace, as their administrator has them."""

    def __init__(self, instance):
        env = instance.env()
        self.instance = instance
        self.url = env["DATABRICKS_HOST"]
        self.warehouse = env["DATABRICKS_WAREHOUSE_ID"]
        self.token = (instance.home / "keys" / "admin-token").read_text().strip()
        self.workspace_token = env["DATABRICKS_TOKEN"]
        self.admin = Api(self.url, self.token)
        config = self.admin.call("GET", "/.well-known/databricks-config")
        self.account = f"/api/2.0/accounts/{config['account_id']}"
        self.of_account = f"{self.account}/scim/v2"
        self.of_workspace = "/api/2.0/preview/scim/v2"
        me = Api(self.url, self.workspace_token).ask("GET", f"{self.of_workspace}/Me")
        self.workspace = me.headers["x-databricks-org-id"]
        self.member = Api(self.url, self.workspace_token)  # administers the workspace, and nothing else

    def assign(self, principal, permissions):
        self.admin.call(
            "PUT", f"{self.account}/workspaces/{self.workspace}/permissionassignments/principals/{principal}",
            {"permissions": permissions})

    def worked(self):
        """Seconds of CPU that the engine has used."""
        engines = [pid for pid, command in self.instance.processes().items() if "-Dtarn.engine" in command and "/java" in command[:99]]
        fields = [Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split() for pid in engines]
        return sum(int(f[11]) + int(f[12]) for f in fields) / os.sysconf("SC_CLK_TCK")

    def statement(self, statement):
        with sqlite3.connect(self.instance.home / "tarn.db") as rows:
            return rows.execute("SELECT state FROM statement WHERE statement_id = ?", (statement,)).fetchone()[0]


@pytest.fixture(scope="module")
def place(instance):
    return Place(instance)


LEVELS = pytest.mark.parametrize("level", ["account", "workspace"])


def scim(place, level):
    """The API of a SCIM client at that level, and its base path."""
    return (place.admin, place.of_account) if level == "account" else (place.member, place.of_workspace)


@LEVELS
def test_scim2_tester_finds_no_error(place, level):
    token, base = (place.token, place.of_account) if level == "account" else (place.workspace_token, place.of_workspace)
    with httpx2.Client(base_url=place.url + base, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        results = check_server(SyncSCIMClient(client))
    print(f"{len(results)} checks at {level} level")
    assert [f"{r.title} {r.resource_type}: {r.status} {r.reason}" for r in results if r.status is not Status.SUCCESS] == []
    assert len(results) > 100


class Client:
    """A SCIM client that is not ours: its own media type, and lists by filter."""

    def __init__(self, place, level):
        self.api, self.base = scim(place, level)

    def ask(self, verb, path, body=None):
        return self.api.ask(
            verb, self.base + path, body,
            headers={"Accept": "application/scim+json", "Content-Type": "application/scim+json; charset=utf-8"})

    def call(self, verb, path, body=None, status=200):
        answer = self.ask(verb, path, body)
        assert answer.status_code == status, f"{verb} {path} {body}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def find(self, kind, expression, **options):
        query = urllib.parse.urlencode({"filter": expression, **options})
        return self.call("GET", f"/{kind}?{query}")["Resources"]

    def patch(self, path, *operations):
        """What Okta and Entra ID accept: the resource, or nothing."""
        answer = self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})
        assert answer.status_code in (200, 204), f"{path} {operations}: {answer.status_code} {answer.text}"

    def members(self, group):
        return sorted(member["value"] for member in self.call("GET", f"/Groups/{group}").get("members", []))


@LEVELS
def test_okta_takes_somebody_in_and_out(place, level):
    okta = Client(place, level)
    name = f"okta-{level}@example.com"
    assert okta.find("Users", f'userName eq "{name}"', startIndex=1, count=100) == []
    person = {
        "schemas": [USER], "userName": name, "name": {"givenName": "Olive", "familyName": "Kay"},
        "emails": [{"primary": True, "value": name, "type": "work"}], "displayName": "Olive Kay",
        "locale": "en-US", "externalId": f"00u-{level}", "groups": [], "active": True}
    made = okta.call("POST", "/Users", person, 201)
    assert okta.call("POST", "/Users", {**person, "userName": name.upper()}, 409)["scimType"] == "uniqueness"
    path = f"/Users/{made['id']}"
    assert okta.find("Users", f'userName eq "{name.upper()}"', startIndex=1, count=100)[0]["id"] == made["id"]
    renamed = {**person, "id": made["id"], "name": {"givenName": "Olive", "familyName": "Kay-Moss"},
               "displayName": "Olive Kay-Moss", "meta": {"resourceType": "User"}}
    okta.call("PUT", path, renamed)
    read = okta.call("GET", path)
    assert (read["displayName"], read["name"]["familyName"], read["externalId"]) == ("Olive Kay-Moss", "Kay-Moss", f"00u-{level}")

    group = okta.call("POST", "/Groups", {"schemas": [GROUP], "displayName": f"okta {level}", "members": []}, 201)["id"]
    okta.patch(
        f"/Groups/{group}",
        {"op": "remove", "path": 'members[value eq "1"]'},
        {"op": "add", "path": "members", "value": [{"value": made["id"], "display": name}]})
    assert okta.members(group) == [made["id"]]
    okta.patch(f"/Groups/{group}", {"op": "replace", "value": {"id": group, "displayName": f"okta {level} 2"}})
    assert okta.call("GET", f"/Groups/{group}")["displayName"] == f"okta {level} 2"
    okta.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{made["id"]}"]'})
    assert okta.members(group) == []

    okta.patch(path, {"op": "replace", "value": {"active": False}})
    assert okta.call("GET", path)["active"] is False
    okta.patch(path, {"op": "replace", "value": {"active": True}})
    assert okta.call("GET", path)["active"] is True
    okta.call("DELETE", f"/Groups/{group}", status=204)
    okta.call("DELETE", path, status=204)
    assert okta.call("GET", path, status=404)["status"] == "404"


@LEVELS
def test_entra_id_takes_somebody_in_and_out(place, level):
    entra = Client(place, level)
    name = f"entra-{level}@example.com"
    assert entra.find("Users", f'externalId eq "entra-{level}"') == []
    boss = entra.call("POST", "/Users", {"schemas": [USER], "userName": f"boss-{level}@example.com"}, 201)["id"]
    made = entra.call("POST", "/Users", {
        "schemas": [USER, ENTERPRISE], "externalId": f"entra-{level}", "userName": name, "active": True,
        "emails": [{"primary": True, "type": "work", "value": name}], "meta": {"resourceType": "User"},
        "name": {"formatted": "Enno Traut", "familyName": "Traut", "givenName": "Enno"}, "roles": [],
        ENTERPRISE: {"department": "Data"}}, 201)
    path = f"/Users/{made['id']}"
    entra.patch(
        path,
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": f"new-{name}"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+49 1"},
        {"op": "Replace", "path": "name.familyName", "value": "Treu"},
        {"op": "Replace", "path": "displayName", "value": "Enno Treu"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Lakes"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": boss})
    read = entra.call("GET", path)
    assert (read["emails"][0]["value"], read["name"]["familyName"]) == (f"new-{name}", "Treu")
    assert (read[ENTERPRISE]["department"], read[ENTERPRISE]["manager"]["value"]) == ("Lakes", boss)
    assert read["phoneNumbers"] == [{"type": "mobile", "value": "+49 1"}]

    label = f"entra {level}"
    group = entra.call("POST", "/Groups", {
        "schemas": [GROUP, ADSCIM], "externalId": f"group-{level}", "displayName": label,
        "meta": {"resourceType": "Group"}}, 201)["id"]
    found = entra.find("Groups", f'displayName eq "{label}"', excludedAttributes="members")
    assert [g["id"] for g in found] == [group] and "members" not in found[0]
    entra.patch(f"/Groups/{group}", {"op": "Add", "path": "members", "value": [{"$ref": None, "value": made["id"]}]})
    assert entra.members(group) == [made["id"]]
    member_of = urllib.parse.urlencode({"filter": f'id eq "{group}" and members eq "{made["id"]}"', "attributes": "id"})
    assert [g["id"] for g in entra.call("GET", f"/Groups?{member_of}")["Resources"]] == [group]
    entra.patch(f"/Groups/{group}", {"op": "Replace", "path": "displayName", "value": f"{label} 2"})
    entra.patch(f"/Groups/{group}", {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": made["id"]}]})
    assert entra.members(group) == []

    entra.patch(path, {"op": "Replace", "path": "active", "value": "False"})
    assert entra.call("GET", path)["active"] is False
    entra.patch(path, {"op": "Replace", "value": {"active": "True"}})
    assert entra.call("GET", path)["active"] is True
    for gone in (f"/Groups/{group}", path, f"/Users/{boss}"):
        entra.call("DELETE", gone, status=204)


@LEVELS
def test_keycloak_takes_somebody_in_and_out(place, level):
    keycloak = Client(place, level)
    name = f"keycloak-{level}@example.com"
    person = {
        "schemas": [USER], "userName": name, "externalId": f"f:{level}:1", "active": True, "displayName": "Key Cloak",
        "name": {"givenName": "Key", "familyName": "Cloak"}, "emails": [{"primary": True, "value": name}]}
    made = keycloak.call("POST", "/Users", person, 201)
    path = f"/Users/{made['id']}"
    found = keycloak.call("POST", "/.search", {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": f'userName eq "{name}"'})
    assert [r["id"] for r in found["Resources"]] == [made["id"]]
    group = {"schemas": [GROUP], "displayName": f"keycloak {level}", "externalId": f"g:{level}"}
    members = [{"value": made["id"], "$ref": f"Users/{made['id']}", "type": "User"}]
    group_path = f"/Groups/{keycloak.call('POST', '/Groups', {**group, 'members': members}, 201)['id']}"
    keycloak.call("PUT", group_path, {**group, "displayName": f"keycloak {level} 2", "members": members})
    assert keycloak.members(group_path.removeprefix("/Groups/")) == [made["id"]]
    keycloak.call("PUT", group_path, {**group, "members": []})
    assert keycloak.members(group_path.removeprefix("/Groups/")) == []

    keycloak.call("PUT", path, {**person, "displayName": "Key Cloak-Room", "active": False})
    read = keycloak.call("GET", path)
    assert (read["displayName"], read["active"]) == ("Key Cloak-Room", False)
    keycloak.patch(path, {"op": "replace", "value": json.loads('{"active": true, "name": {"familyName": "Room"}}')})
    read = keycloak.call("GET", path)
    assert (read["active"], read["name"]) == (True, {"givenName": "Key", "familyName": "Room"})
    keycloak.call("DELETE", group_path, status=204)
    keycloak.call("DELETE", path, status=204)
    assert keycloak.find("Users", f'externalId eq "f:{level}:1"') == []


class Person:
    """Somebody who has signed up, let a program act, made a token, and runs a statement that takes hours."""

    def __init__(self, place, name):
        self.place, email = place, f"{name}@example.com"
        self.id = place.admin.call("POST", f"{place.of_account}/Users", {"userName": email}, 201)["id"]
        self.group = place.admin.call(
            "POST", f"{place.of_account}/Groups", {"displayName": f"of {name}", "members": [{"value": self.id}]}, 201)["id"]

    def begin(self):
        place = self.place
        email = place.admin.call("GET", f"{place.of_account}/Users/{self.id}")["userName"]
        link = place.admin.call("POST", f"{place.account}/tarn/invitations", {"user_name": email})["link"]
        browser = Browser(place.url)
        signed = browser.ask(
            "/api/2.0/tarn/invitations/redeem", {"token": link.split("#")[1], "password": PASSWORD})
        assert signed.status == 200, signed.read()
        self.session = Api(place.url, cookie=browser.cookie)
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        back = browser.approve("/oidc/v1/authorize?" + urllib.parse.urlencode({
            "response_type": "code", "client_id": "databricks-cli", "redirect_uri": REDIRECT, "state": "s",
            "scope": "all-apis offline_access", "code_challenge": challenge, "code_challenge_method": "S256"}))
        code = urllib.parse.parse_qs(urllib.parse.urlparse(back).query)["code"][0]
        granted = self.grant("authorization_code", code=code, redirect_uri=REDIRECT, code_verifier=verifier).json()
        self.refresh = granted["refresh_token"]
        self.oauth = Api(place.url, granted["access_token"], place.workspace)
        self.pat = Api(place.url, self.oauth.call("POST", "/api/2.0/token/create", {})["token_value"])
        self.statement = self.pat.call("POST", "/api/2.0/sql/statements/", {
            "warehouse_id": place.warehouse, "wait_timeout": "0s", "statement": FOREVER})["statement_id"]
        eventually(lambda: self.pat.call("GET", f"/api/2.0/sql/statements/{self.statement}")["status"]["state"] == "RUNNING")
        begun = place.worked()
        eventually(lambda: place.worked() > begun + 1)  # all cores of the engine are this statement's now
        assert [self.me(self.pat), self.me(self.oauth), self.signed_in()] == [200, 200, 200]

    def grant(self, kind, **parameters):
        return requests.post(
            f"{self.place.url}/oidc/v1/token", timeout=60,
            data={"grant_type": kind, "client_id": "databricks-cli", **parameters})

    def me(self, api):
        return api.status(f"{self.place.of_workspace}/Me")

    def signed_in(self):
        return self.session.status("/api/2.0/tarn/session")

    def refreshed(self):
        """400 when the refresh token has ended; else there is a new one."""
        answer = self.grant("refresh_token", refresh_token=self.refresh)
        if answer.status_code == 200:
            self.refresh = answer.json()["refresh_token"]
        return answer.status_code


def patched(*operations):
    return {"schemas": [PATCH], "Operations": list(operations)}


def disable(place, person):
    place.admin.call("PATCH", f"{place.of_account}/Users/{person.id}", patched({"op": "replace", "value": {"active": "False"}}))


def remove(place, person):
    place.admin.call("DELETE", f"{place.of_account}/Users/{person.id}", status=204)


def take_out_of_the_group(place, person):
    place.admin.call(
        "PATCH", f"{place.of_account}/Groups/{person.group}",
        patched({"op": "remove", "path": f'members[value eq "{person.id}"]'}), 204)


def unassign_the_group(place, person):
    place.assign(person.group, [])


def disable_in_the_workspace(place, person):
    place.member.call("PATCH", f"{place.of_workspace}/Users/{person.id}", patched({"op": "replace", "path": "active", "value": False}))


def remove_from_the_workspace(place, person):
    place.member.call("DELETE", f"{place.of_workspace}/Users/{person.id}", status=204)


OUT = {"session": 401, "pat": 401, "oauth": 401, "refresh": 400}  # of everything
ELSEWHERE = {"session": 200, "pat": 403, "oauth": 403, "refresh": 200}  # of the workspace only


@pytest.mark.parametrize("way, after", [
    (disable, OUT),
    (remove, OUT),
    (take_out_of_the_group, ELSEWHERE),
    (unassign_the_group, ELSEWHERE),
    (disable_in_the_workspace, ELSEWHERE),
    (remove_from_the_workspace, {**ELSEWHERE, "pat": 401}),  # whose tokens of the workspace go too
])
def test_who_is_out_is_out_everywhere_within_two_seconds(place, way, after):
    person = Person(place, way.__name__.replace("_", "-"))
    if way is remove_from_the_workspace:
        place.assign(person.id, ["ADMIN"])  # who alone may run statements so far
    else:
        place.assign(person.group, ["ADMIN"])
    person.begin()
    statement = {"session": person.signed_in, "pat": lambda: person.me(person.pat), "oauth": lambda: person.me(person.oauth),
                 "refresh": person.refreshed, "statement": lambda: place.statement(person.statement)}
    wanted, took = {**after, "statement": "CANCELED"}, {}
    began = time.monotonic()
    way(place, person)
    answered = time.monotonic() - began
    for what, look in statement.items():
        eventually(lambda: look() == wanted[what], 2 - (time.monotonic() - began))
        took[what] = f"{time.monotonic() - began:.2f}"
    # Nobody works for it any more: what needs a core gets one.
    rows = place.member.call("POST", "/api/2.0/sql/statements/", {
        "warehouse_id": place.warehouse, "wait_timeout": "50s", "statement": "SELECT count(*) FROM range(1000)"})
    freed = time.monotonic() - began
    assert rows["result"]["data_array"] == [["1000"]], rows
    print(f"{way.__name__}: answered after {answered:.2f} s, {took}, the next statement after {freed:.2f} s")
    assert time.monotonic() - began < 2
    if after["session"] == 200:
        assert person.session.ask(
            "GET", f"{place.of_workspace}/Me", headers={"X-Databricks-Workspace-Id": place.workspace}).status_code == 403
    elif way is remove:
        # Whoever comes under that name is somebody else.
        again = place.admin.call("POST", f"{place.of_account}/Users", {"userName": "Remove@Example.com"}, 201)
        assert again["id"] != person.id
        assert place.admin.call("GET", f"{place.of_account}/Groups/{person.group}").get("members") is None
        assert person.signed_in() == 401 and person.me(person.pat) == 401
