"""kill -9 of server and engines at seeded moments: nothing acknowledged is lost, nothing half-made stays."""

import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
import requests

from conftest import Account, Browser, Instance, eventually


@pytest.fixture(scope="module")
def survivor():
    one = Instance()
    try:
        one.tarn("quickstart")
        one.sql("CREATE TABLE dev.default.ledger (n BIGINT)")
        yield one
    finally:
        one.remove()


class Client:
    """A caller that believes only what was acknowledged."""

    def __init__(self, instance):
        env = instance.env("--workspace", "dev")
        self.host, self.warehouse = env["DATABRICKS_HOST"], env["DATABRICKS_WAREHOUSE_ID"]
        self.headers = {"Authorization": f"Bearer {env['DATABRICKS_TOKEN']}"}

    def execute(self, statement):
        """The final answer, or None when it never came."""
        try:
            answer = requests.post(
                f"{self.host}/api/2.0/sql/statements", headers=self.headers, timeout=120,
                json={"warehouse_id": self.warehouse, "statement": statement, "wait_timeout": "50s"}).json()
            while answer.get("status", {}).get("state") in ("PENDING", "RUNNING"):
                answer = requests.get(
                    f"{self.host}/api/2.0/sql/statements/{answer['statement_id']}", headers=self.headers, timeout=60).json()
            return answer
        except (requests.RequestException, ValueError):
            return None

    def succeeded(self, statement):
        answer = self.execute(statement)
        return answer is not None and answer.get("status", {}).get("state") == "SUCCEEDED"


def kill(instance, victim, chance):
    status = instance.status()
    if victim == "server":
        os.kill(status["pid"], signal.SIGKILL)
        return
    pids = [e["pid"] for e in status["engines"] if e["pid"] and e["state"] in ("RUNNING", "STARTING")]
    if pids:
        os.kill(chance.choice(pids), signal.SIGKILL)


class Round:
    """One activity, one victim, one moment."""

    def __init__(self, instance, number, seed, book):
        # Of its own, so that a round is the same whatever the ones before it did.
        chance = random.Random(f"{seed}-{number}")
        self.instance, self.number, self.chance, self.book = instance, number, chance, book
        self.victim = chance.choice(["server", "engine"])
        self.activity = chance.choice([self.inserts, self.ddl, self.stack])
        self.delay = chance.uniform(0.05, 4.0)
        self.stopped = threading.Event()

    def __str__(self):
        return f"round {self.number}: kill {self.victim} {self.delay:.2f}s into {self.activity.__name__}"

    def inserts(self, client):
        while not self.stopped.is_set():
            self.book["next"] += 1
            n = self.book["next"]
            self.book["tried"].add(n)
            if client.succeeded(f"INSERT INTO dev.default.ledger VALUES ({n})"):
                self.book["inserted"].add(n)

    def ddl(self, client):
        i = 0
        while not self.stopped.is_set():
            i += 1
            name = f"t_{self.number}_{i}"
            if client.succeeded(f"CREATE TABLE dev.default.{name} AS SELECT id FROM range({i})"):
                self.book["tables"][name] = i
                self.book["created"] += 1
            if i > 1 and self.chance.random() < 0.3:
                gone = f"t_{self.number}_{i - 1}"
                self.book["tables"].pop(gone, None)
                if client.succeeded(f"DROP TABLE dev.default.{gone}"):
                    self.book["dropped"].add(gone)

    def stack(self, client):
        name = f"kill-{self.number}"
        done = self.instance.tarn("stack", "create", name, "--workspace-name", name, check=False)
        if done.returncode == 0:
            self.book["stacks"].add(name)
        self.stopped.wait()

    def play(self):
        client = Client(self.instance)
        worker = threading.Thread(target=self.activity, args=(client,))
        worker.start()
        time.sleep(self.delay)
        kill(self.instance, self.victim, self.chance)
        self.stopped.set()
        worker.join(180)
        assert not worker.is_alive(), f"{self}: the client never got an answer"
        self.instance.tarn("up")
        self.check(Client(self.instance))

    def check(self, client):
        answer = client.execute("SELECT n FROM dev.default.ledger")
        assert answer and answer["status"]["state"] == "SUCCEEDED", answer
        rows = [int(row[0]) for row in answer["result"].get("data_array", [])]
        assert len(rows) == len(set(rows)), "a row is there twice"
        assert self.book["inserted"] <= set(rows), f"lost: {sorted(self.book['inserted'] - set(rows))}"
        assert set(rows) <= self.book["tried"]
        api = requests.get(
            f"{client.host}/api/2.1/unity-catalog/tables", headers=client.headers,
            params={"catalog_name": "dev", "schema_name": "default"}).json()
        listed = {t["name"]: t for t in api.get("tables", [])}
        assert set(self.book["tables"]) <= set(listed), "an acknowledged table is gone"
        assert not self.book["dropped"] & set(listed), "an acknowledged DROP came back"
        for name in sorted(set(listed) - {"ledger"}):  # what is there, is whole
            answer = client.execute(f"SELECT count(*) FROM dev.default.{name}")
            assert answer["status"]["state"] == "SUCCEEDED", (name, answer["status"])
            assert int(answer["result"]["data_array"][0][0]) == int(name.rsplit("_", 1)[1])
            assert client.succeeded(f"DROP TABLE dev.default.{name}")
            self.book["dropped"].add(name)
        self.book["tables"].clear()
        eventually(lambda: self.settled(), 180)
        status = self.instance.status()
        for pid, command in self.instance.processes().items():  # each is the server, or around an engine that is known
            assert pid == status["pid"] or any(e["id"] in command for e in status["engines"]), (pid, command[:300])

    def settled(self):
        stacks = {s["StackName"]: s["StackStatus"] for s in self.instance.json("stack", "list")["Stacks"]}
        assert self.book["stacks"] <= set(stacks), "an acknowledged stack is gone"
        if any(s.endswith("_IN_PROGRESS") for s in stacks.values()):
            return False
        assert set(stacks.values()) <= {"CREATE_COMPLETE", "ROLLBACK_COMPLETE"}, stacks
        workspaces = {w["workspace_name"]: w["workspace_status"] for w in self.instance.status()["workspaces"]}
        complete = {n for n, s in stacks.items() if s == "CREATE_COMPLETE" and n.startswith("kill-")}
        assert {n for n in workspaces if n.startswith("kill-")} == complete, (workspaces, stacks)
        return set(workspaces.values()) == {"RUNNING"}


def test_nothing_acknowledged_is_lost(survivor, seed, soak):
    book = {"next": 0, "tried": set(), "inserted": set(), "tables": {}, "created": 0, "dropped": set(), "stacks": set()}
    rounds = 200 if soak else 10
    for number in range(rounds):
        this = Round(survivor, number, seed, book)
        began = time.monotonic()
        print(this, flush=True)
        try:
            this.play()
        except AssertionError as problem:
            raise AssertionError(f"seed {seed}, {this}: {problem}\n{survivor.log_tail()}") from problem
        print(f"  held after {time.monotonic() - began:.1f}s", flush=True)
        for stack in sorted(book["stacks"]):
            survivor.tarn("stack", "delete", stack, "--wait")
            book["stacks"].discard(stack)
    assert book["inserted"] or book["created"], "nothing was acknowledged, so nothing was tried"


def stack_is(instance, name):
    """Its status, its role and whether its workspace is there; None when it is gone."""
    found = [s for s in instance.json("stack", "list")["Stacks"] if s["StackName"] == name]
    if not found:
        return None
    role = next((o["OutputValue"] for o in found[0]["Outputs"] if o["OutputKey"] == "WorkspaceIamRoleArn"), "")
    running = {w["workspace_name"]: w["workspace_status"] for w in instance.status()["workspaces"]}.get(name)
    return found[0]["StackStatus"], role.rsplit("/", 1)[-1], running


def test_a_stack_killed_in_its_update_or_deletion_comes_to_an_end_and_leaves_nothing(survivor, seed, soak):
    for number in range(40 if soak else 2):
        chance = random.Random(f"stack-{seed}-{number}")
        name, what, delay = f"turn-{number}", "delete" if number % 2 else "update", chance.uniform(0.02, 3.0)
        print(f"round {number}: kill server {delay:.2f}s into the {what} of a stack", flush=True)
        before = {p.name for p in (survivor.home / "storage").iterdir()}
        survivor.tarn("stack", "create", name, "--workspace-name", name, "--wait")
        command = ["stack", "update", name, "--param", f"IamRoleName=role-{number}"] if what == "update" else ["stack", "delete", name]
        asked = threading.Thread(target=survivor.tarn, args=command, kwargs={"check": False})
        asked.start()
        time.sleep(delay)
        kill(survivor, "server", chance)
        asked.join(180)
        survivor.tarn("up")
        eventually(lambda: not (stack_is(survivor, name) or ("",))[0].endswith("_IN_PROGRESS"), 180)
        status = stack_is(survivor, name)
        if what == "update":
            assert status in (("UPDATE_COMPLETE", f"role-{number}", "RUNNING"),) or (
                status[0] == "CREATE_COMPLETE" and status[2] == "RUNNING"), f"seed {seed}, round {number}: {status}"
            survivor.tarn("stack", "delete", name, "--wait")
        elif status is not None:  # the kill came before the call was heard
            assert status[0] == "CREATE_COMPLETE", f"seed {seed}, round {number}: {status}"
            survivor.tarn("stack", "delete", name, "--wait")
        assert {p.name for p in (survivor.home / "storage").iterdir()} == before, f"seed {seed}, round {number}"


def test_a_killed_engine_shows_its_cause_and_the_next_statement_starts_another(survivor):
    assert survivor.sql("SELECT 1 AS a", "--workspace", "dev") == [{"a": 1}]
    engine = next(e for e in survivor.status()["engines"] if e["state"] == "RUNNING")
    os.kill(engine["pid"], signal.SIGKILL)
    eventually(lambda: engine["id"] not in {e["id"] for e in survivor.status()["engines"] if e["state"] == "RUNNING"})
    env = survivor.env("--workspace", "dev")
    warehouse = requests.get(
        f"{env['DATABRICKS_HOST']}/api/2.0/sql/warehouses/{env['DATABRICKS_WAREHOUSE_ID']}",
        headers={"Authorization": f"Bearer {env['DATABRICKS_TOKEN']}"}).json()
    assert warehouse["health"]["status"] == "FAILED" and "killed by signal 9" in warehouse["health"]["message"], warehouse
    assert survivor.sql("SELECT 2 AS a", "--workspace", "dev") == [{"a": 2}]


def test_sync_comes_before_the_answer(survivor):
    """Seen in the system calls of the server: a write is answered after the database's log and the audit are synced."""
    env = survivor.env("--workspace", "dev")
    pid = survivor.status()["pid"]
    trace = survivor.home / "trace.txt"
    strace = subprocess.Popen(
        ["strace", "-f", "-y", "-s", "300", "-e", "trace=read,readv,recvfrom,write,writev,sendto,sendmsg,fsync,fdatasync",
         "-o", str(trace), "-p", str(pid)], stderr=subprocess.PIPE, text=True)
    try:
        assert "attached" in strace.stderr.readline()
        time.sleep(1)
        answer = requests.post(
            f"{env['DATABRICKS_HOST']}/api/2.1/unity-catalog/schemas", json={"name": "synced", "catalog_name": "dev"},
            headers={"Authorization": f"Bearer {env['DATABRICKS_TOKEN']}"})
        assert answer.status_code == 200, answer.text
    finally:
        strace.terminate()
        strace.wait()
    calls = trace.read_text(errors="replace").splitlines()
    asked = next(i for i, call in enumerate(calls) if "POST /api/2.1/unity-catalog/schemas" in call)
    answered = next(i for i, call in enumerate(calls) if i > asked and re.search(r"HTTP/1\.1 200", call))
    between = [call for call in calls[asked:answered] if re.search(r"\bf(data)?sync\(", call)]
    assert any("tarn.db" in call for call in between), between
    assert any("/audit/" in call for call in between), between
    assert sqlite3.connect(survivor.home / "tarn.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


class Refused(AssertionError):
    """The caller may not do this."""


class Caller:
    """Somebody who changes things until the server does not answer any more, and believes only what was acknowledged."""

    def __init__(self, url, token, name, seed):
        self.url, self.name, self.chance = url, name, random.Random(f"{seed}-{name}")
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.requests = []  # ids of the changes that were acknowledged
        self.open = None
        self.made = self.acknowledged = 0
        self.problem = None

    def call(self, verb, path, body=None):
        answer = self.session.request(verb, self.url + path, json=body, timeout=30)
        if verb != "GET":
            self.requests.append(answer.headers["x-request-id"])
        if answer.status_code == 403:
            raise Refused(f"{verb} {path} {body}: {answer.text}")
        assert answer.status_code in (200, 201, 204), f"{verb} {path} {body}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def work(self):
        """Until the server does not answer any more."""
        try:
            while True:
                self.change()
        except requests.RequestException:
            pass
        except AssertionError as problem:
            self.problem = problem


class Directory(Caller):
    """A SCIM client with a directory of its own: what was acknowledged, and what the one call may have done that was not."""

    NAMES = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.users, self.groups = {}, {}  # id → what it must say; open: kind, id or name, what it says if the call was heard (None: gone)

    def change(self):
        """One call; what it is about stays open until it is answered."""
        what = self.chance.choice(["user", "user", "group", "rename", "switch", "in", "out", "leave", "drop"])
        user = self.chance.choice(sorted(self.users)) if self.users else None
        group = self.chance.choice(sorted(self.groups)) if self.groups else None
        if what == "user" or not user:
            self.made += 1
            name = f"{self.name}-{self.made}@example.com"
            self.open = ("Users", name, (name, True))
            self.users[self.call("POST", "/Users", {"userName": name})["id"]] = (name, True)
        elif what == "group" or not group:
            self.made += 1
            name, members = f"{self.name} {self.made}", frozenset(self.chance.sample(sorted(self.users), min(3, len(self.users))))
            self.open = ("Groups", name, members)
            body = {"displayName": name, "members": [{"value": m} for m in members]}
            self.groups[self.call("POST", "/Groups", body)["id"]] = members
        elif what in ("rename", "switch"):
            name, active = self.users[user]
            after = (f"{name} {self.made}", active) if what == "rename" else (name, not active)
            self.made += 1
            self.open = ("Users", user, after)
            self.patch(f"/Users/{user}", {"op": "replace", "value": {"displayName": after[0], "active": after[1]}})
            self.users[user] = after
        elif what in ("in", "out"):
            after = self.groups[group] | {user} if what == "in" else self.groups[group] - {user}
            self.open = ("Groups", group, after)
            self.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": user}]} if what == "in"
                       else {"op": "remove", "path": f'members[value eq "{user}"]'})
            self.groups[group] = after
        elif what == "leave":
            self.open = ("Users", user, None)
            self.call("DELETE", f"/Users/{user}")
            self.forget(user)
        else:
            self.open = ("Groups", group, None)
            self.call("DELETE", f"/Groups/{group}")
            del self.groups[group]
        self.open = None
        self.acknowledged += 1

    def patch(self, path, operation):
        self.call("PATCH", path, {"schemas": [self.NAMES], "Operations": [operation]})

    def forget(self, user):
        del self.users[user]
        self.groups = {g: members - {user} for g, members in self.groups.items()}

    def listed(self, kind):
        found, start = [], 1
        while True:
            page = self.call("GET", f"/{kind}?startIndex={start}&count=200")
            found += page["Resources"]
            start += 200
            if start > page["totalResults"]:
                return found

    def check(self):
        """All that was acknowledged is there, nothing else but what the open call may have done; that is then known."""
        assert not self.problem, self.problem
        mine = [r for r in self.listed("Users") if r["userName"].startswith(f"{self.name}-")]
        users = {r["id"]: (r["displayName"], r["active"]) for r in mine}
        groups = {r["id"]: frozenset(m["value"] for m in r.get("members", []))
                  for r in self.listed("Groups") if r["displayName"].startswith(f"{self.name} ")}
        if self.open:
            kind, what, after = self.open
            book, there = (self.users, users) if kind == "Users" else (self.groups, groups)
            new = set(there) - set(book)
            if what in book:  # a change, or a removal
                if there.get(what) == after:
                    if after is None and kind == "Users":
                        self.forget(what)
                    elif after is None:
                        del book[what]
                    else:
                        book[what] = after
            elif new:
                assert [there[i] for i in new] == [after], f"half made: {self.open}, {new}"
                book[new.pop()] = after
            self.open = None
        assert users == self.users, f"users: {set(users.items()) ^ set(self.users.items())}"
        assert groups == self.groups, f"groups: {set(groups.items()) ^ set(self.groups.items())}"


class Steward(Caller):
    """Makes, grants, gives away and drops the securables of a catalog of its own."""

    KINDS = {"schema": "schemas", "volume": "volumes", "view": "tables", "function": "functions"}
    PRIVILEGES = {"schema": ["USE_SCHEMA", "SELECT", "MODIFY", "CREATE_TABLE", "EXECUTE"], "volume": ["READ_VOLUME", "WRITE_VOLUME", "APPLY_TAG"],
                  "view": ["SELECT", "APPLY_TAG", "MANAGE"], "function": ["EXECUTE", "MANAGE"]}

    def __init__(self, url, token, name, seed, people):
        super().__init__(url + "/api/2.1/unity-catalog", token, name, seed)
        self.people = people
        self.catalog = f"steward_{name}"
        self.things = {}  # (kind, full name) → (owner, {(principal, privilege)}); open: all of it, if the call was heard
        self.me = self.call("POST", "/catalogs", {"name": self.catalog})["owner"]

    def change(self):
        schemas = sorted(name for kind, name in self.things if kind == "schema")
        what = self.chance.choice(["schema", "make", "make", "grant", "grant", "grant", "give", "drop", "rename"]) if schemas else "schema"
        after = dict(self.things)
        if what in ("schema", "make"):
            self.made += 1
            kind = "schema" if what == "schema" else self.chance.choice(["volume", "view", "function"])
            schema = None if what == "schema" else self.chance.choice(schemas)
            name = f"{self.catalog if what == 'schema' else schema}.x{self.made}"
            after[kind, name] = (self.me, frozenset())
            call = ("POST", f"/{self.KINDS[kind]}", self.body(kind, name))
        else:
            kind, name = key = self.chance.choice(sorted(self.things))
            owner, grants = self.things[key]
            path = f"/{self.KINDS[kind]}/{name}"
            if what == "grant":
                wanted = {(who, one) for who in self.people for one in self.PRIVILEGES[kind] if self.chance.random() < 0.4}
                changes = [{"principal": who, "add": [p for w, p in sorted(wanted - grants) if w == who],
                            "remove": [p for w, p in sorted(grants - wanted) if w == who]} for who in self.people]
                after[key] = (owner, frozenset(wanted))
                call = ("PATCH", f"/permissions/{'table' if kind == 'view' else kind}/{name}", {"changes": changes})
            elif what == "give":
                if kind in ("view", "function"):  # what runs with its owner's rights is given to nobody
                    return
                owner = self.chance.choice([self.me, *self.people])
                after[key] = (owner, grants)
                call = ("PATCH", path, {"owner": owner})
            elif what == "drop":
                after = {k: v for k, v in after.items() if k != key and not (kind == "schema" and k[1].startswith(f"{name}."))}
                call = ("DELETE", path + "?force=true" * (kind == "schema"), None)
            else:
                if kind in ("view", "function"):  # these have no new names
                    return
                self.made += 1
                new = f"{name.rpartition('.')[0]}.x{self.made}"
                after = {(k, new + n[len(name):] if n == name or kind == "schema" and n.startswith(f"{name}.") else n): v
                         for (k, n), v in after.items()}
                call = ("PATCH", path, {"new_name": new.rpartition(".")[2]})
        self.open = after
        try:
            self.call(*call)
        except Refused:  # of what was given away; then nothing has changed
            others = {n for (k, n), (owner, grants) in self.things.items() if owner != self.me}
            assert any(f"{name}.".startswith(f"{n}.") for n in others), f"{call} was refused, and all of it is {self.me}'s"
            self.open = None
            return
        self.things, self.open = after, None
        self.acknowledged += 1

    def body(self, kind, name):
        parts = name.split(".")
        if kind == "schema":
            return {"catalog_name": parts[0], "name": parts[1]}
        told = {"catalog_name": parts[0], "schema_name": parts[1], "name": parts[2]}
        if kind == "volume":
            return {**told, "volume_type": "MANAGED"}
        if kind == "view":
            return {**told, "table_type": "VIEW", "view_definition": "SELECT 1 AS id", "columns": []}
        return {"function_info": {
            **told, "data_type": "INT", "full_data_type": "INT", "routine_body": "SQL", "routine_definition": "1", "parameter_style": "S",
            "is_deterministic": True, "sql_data_access": "CONTAINS_SQL", "is_null_call": False, "security_type": "DEFINER",
            "specific_name": parts[2]}}

    def there(self):
        """What the server says there is."""
        found = {}
        for schema in self.call("GET", f"/schemas?catalog_name={self.catalog}").get("schemas", []):
            if schema["name"] not in ("default", "information_schema"):
                found["schema", schema["full_name"]] = schema["owner"]
                for kind in ("volume", "view", "function"):
                    path = self.KINDS[kind]
                    for one in self.call("GET", f"/{path}?catalog_name={self.catalog}&schema_name={schema['name']}").get(path, []):
                        found[kind, one["full_name"]] = one["owner"]
        return {(kind, name): (owner, frozenset(
            (one["principal"], privilege) for one in
            self.call("GET", f"/permissions/{'table' if kind == 'view' else kind}/{name}").get("privilege_assignments", [])
            for privilege in one["privileges"])) for (kind, name), owner in found.items()}

    def check(self):
        """What was acknowledged is there whole, and the open call did all that it says or nothing."""
        assert not self.problem, self.problem
        there = self.there()
        if self.open is not None and there == self.open:
            self.things = self.open
        self.open = None
        assert there == self.things, f"{set(there.items()) ^ set(self.things.items())}"


def test_no_securable_is_half_made_no_grant_half_given_and_no_audit_record_missing(survivor, seed, soak):
    account = Account(survivor)
    people = [account.ask("POST", f"{account.path}/scim/v2/Users", {"userName": f"steward{i}@example.com"})["userName"] for i in range(2)]
    stewards = [Steward(account.url, account.workspace_token, f"{i}", seed, people) for i in range(4)]
    for number in range(100 if soak else 3):
        delay = random.Random(f"stewards-{seed}-{number}").uniform(0.3, 3.0)
        print(f"round {number}: kill server {delay:.2f}s into four stewards", flush=True)
        threads = [threading.Thread(target=one.work) for one in stewards]
        for thread in threads:
            thread.start()
        time.sleep(delay)
        os.kill(survivor.status()["pid"], signal.SIGKILL)
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a client never got an answer"
        survivor.tarn("up")
        try:
            for one in stewards:
                one.check()
            whole(survivor.home)
            audited = {json.loads(line)["request_id"] for segment in (survivor.home / "audit").rglob("*.json*")
                       for line in segment.read_text().splitlines()}
            missing = [request for one in stewards for request in one.requests if request not in audited]
            assert not missing, f"acknowledged and not audited: {missing[:5]}"
        except AssertionError as problem:
            raise AssertionError(f"seed {seed}, round {number}: {problem}\n{survivor.log_tail()}") from problem
        print(f"  held; {sum(one.acknowledged for one in stewards)} acknowledged so far", flush=True)
    assert sum(one.acknowledged for one in stewards) > 20, "hardly anything was acknowledged, so nothing was tried"


def whole(home):
    """No row speaks of somebody who is not there, or lets somebody in who is out."""
    with sqlite3.connect(home / "tarn.db") as rows:
        assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert rows.execute("PRAGMA foreign_key_check").fetchall() == []
        for what in (
            "SELECT count(*) FROM principal p WHERE kind <> 'SYSTEM_GROUP' AND NOT EXISTS"
            " (SELECT 1 FROM principal_attribute a WHERE a.principal_id = p.principal_id AND a.path = 'displayname')",
            "SELECT count(*) FROM browser_session s JOIN principal p ON p.principal_id = s.principal_id WHERE NOT p.active",
            "SELECT count(*) FROM oauth_grant g JOIN principal p ON p.principal_id = g.principal_id WHERE NOT p.active",
            "SELECT count(*) FROM securable c JOIN securable p ON p.securable_id = c.parent_id"
            " WHERE c.deleted_at IS NULL AND p.deleted_at IS NOT NULL",
            "SELECT count(*) FROM former_principal f JOIN principal p ON p.principal_id = f.principal_id",
        ):
            assert rows.execute(what).fetchone() == (0,), what


def test_what_scim_acknowledged_survives_a_kill_and_nothing_is_half_done(survivor, seed, soak):
    url = survivor.env()["DATABRICKS_HOST"]
    token = (survivor.home / "keys" / "admin-token").read_text().strip()
    account = requests.get(f"{url}/.well-known/databricks-config", timeout=60).json()["account_id"]
    base = f"/api/2.0/accounts/{account}/scim/v2"
    clients = [Directory(url + base, token, f"round{i}", seed) for i in range(4)]
    signed = Directory(url + base, token, "signed", seed)
    for number in range(100 if soak else 3):
        chance = random.Random(f"scim-{seed}-{number}")
        delay = chance.uniform(0.1, 3.0)
        print(f"round {number}: kill server {delay:.2f}s into four SCIM clients", flush=True)
        # One who is signed in, and is disabled as the server dies.
        email = f"signed-{number}@example.com"
        person = signed.call("POST", "/Users", {"userName": email})["id"]
        link = signed.session.post(f"{url}/api/2.0/accounts/{account}/tarn/invitations", json={"user_name": email}).json()["link"]
        browser = Browser(url)
        answer = browser.ask("/api/2.0/tarn/invitations/redeem", {"token": link.split("#")[1], "password": "correct horse battery"})
        assert answer.status == 200, answer.read()
        threads = [threading.Thread(target=client.work) for client in clients]
        for thread in threads:
            thread.start()
        time.sleep(delay)
        victim = survivor.status()["pid"]
        off = threading.Thread(target=lambda: disable(signed, person))
        off.start()
        time.sleep(chance.uniform(0, 0.03))
        os.kill(victim, signal.SIGKILL)
        for thread in [*threads, off]:
            thread.join(60)
            assert not thread.is_alive(), "a client never got an answer"
        survivor.tarn("up")
        try:
            for client in clients:
                client.check()
            whole(survivor.home)
            active = signed.call("GET", f"/Users/{person}")["active"]
            assert (browser.ask("/api/2.0/tarn/session").status == 200) == active, "a session of somebody disabled, or none of somebody who is not"
            if not active:
                signed.patch(f"/Users/{person}", {"op": "replace", "path": "active", "value": True})
                assert browser.ask("/api/2.0/tarn/session").status == 401, "who comes back has to sign in again"
        except AssertionError as problem:
            raise AssertionError(f"seed {seed}, round {number}: {problem}\n{survivor.log_tail()}") from problem
        print(f"  held; {sum(client.acknowledged for client in clients)} acknowledged so far, disabled: {not active}", flush=True)
    assert sum(client.acknowledged for client in clients) > 20, "hardly anything was acknowledged, so nothing was tried"


def disable(client, person):
    with contextlib.suppress(requests.RequestException):
        client.patch(f"/Users/{person}", {"op": "replace", "path": "active", "value": False})
