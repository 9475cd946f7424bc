"""kill -9 of server and engines at seeded moments: nothing acknowledged is lost, nothing half-made stays."""

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

from conftest import Instance, eventually


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
