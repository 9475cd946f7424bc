"""Instances of the product for acceptance tests: started, driven and stopped only through `./tarn`, as a user would."""

import json
import os
import random
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


class Instance:
    """One TARN_HOME on a free port."""

    def __init__(self, **environment):
        self.home = Path(tempfile.mkdtemp(prefix="tarn-acceptance-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("DATABRICKS_", "TARN_"))},
            "TARN_HOME": str(self.home),
            "TARN_PORT": str(self.port),
            "DATABRICKS_CONFIG_FILE": "/dev/null",
            **{k: v for k, v in os.environ.items() if k.endswith("_JVM_OPTIONS")},  # of run.py
            **environment,
        }

    def tarn(self, *arguments, check=True, timeout=300):
        done = subprocess.run(
            [str(ROOT / "tarn"), *arguments], env=self.environment, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(
                f"tarn {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}\n"
                + self.log_tail())
        return done

    def json(self, *arguments, **options):
        return json.loads(self.tarn(*arguments, "--json", **options).stdout)

    def env(self, *arguments):
        """What clients need to reach it, as `tarn env` says."""
        return self.json("env", *arguments)

    def sql(self, statement, *arguments, **options):
        return json.loads(self.tarn("sql", "--format", "json", *arguments, statement, **options).stdout)

    def status(self):
        return self.json("status")

    def log_tail(self):
        log = self.home / "logs" / "server.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-40:]) if log.exists() else "(no server log)"

    def processes(self):
        """Command lines of every process that has this home in its arguments."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    continue
                if str(self.home) in command and "/tarn " not in command[:200]:
                    found[int(entry.name)] = command
        return found

    def remove(self):
        try:
            self.tarn("down", check=False)
        finally:
            shutil.rmtree(self.home, ignore_errors=True)


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

    def sign_in(self, email, password):
        return self.ask("/api/2.0/tarn/session", {"user_name": email, "password": password}).status

    def approve(self, address):
        """Says yes to a program that opened `address`; returns where the person is sent back to."""
        page = self.ask(address.removeprefix(self.url)).read().decode()
        link = re.search(r'href="([^"]*)" id="allow"', page).group(1).replace("&amp;", "&")
        return self.ask(link).headers["Location"]

    def allow(self, address):
        """Says yes, and calls the program back."""
        back = self.approve(address)
        eventually(lambda: urllib.request.urlopen(back).status == 200)


class Account:
    """An instance's account as its administrator has it, and people who sign up in it."""

    PASSWORD = "correct horse battery"

    def __init__(self, instance):
        env = instance.env()
        self.url = env["DATABRICKS_HOST"]
        self.port = instance.port
        self.warehouse = env["DATABRICKS_WAREHOUSE_ID"]
        self.workspace_token = env["DATABRICKS_TOKEN"]
        self.token = (instance.home / "keys" / "admin-token").read_text().strip()
        self.path = f"/api/2.0/accounts/{self.ask('GET', '/.well-known/databricks-config')['account_id']}"
        workspaces = self.ask("GET", f"{self.path}/workspaces")
        self.workspace = next(w["workspace_id"] for w in workspaces if w["workspace_name"] == "dev")

    def ask(self, verb, path, body=None, token=None):
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(), method=verb,
            headers={"Authorization": f"Bearer {token or self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{verb} {path}: {refused.code} {refused.read().decode()}") from None

    def person(self, name, *permissions):
        """Signs somebody up, lets them into the workspace, and makes a token: (user name, token, id)."""
        email = f"{name}@example.com"
        user = self.ask("POST", f"{self.path}/scim/v2/Users", {"userName": email})["id"]
        self.ask("PUT", f"{self.path}/workspaces/{self.workspace}/permissionassignments/principals/{user}",
                 {"permissions": permissions or ["USER"]})
        link = self.ask("POST", f"{self.path}/tarn/invitations", {"user_name": email})["link"]
        browser = Browser(self.url)
        signed = json.loads(browser.ask(
            "/api/2.0/tarn/invitations/redeem", {"token": link.split("#")[1], "password": self.PASSWORD}).read())
        made = urllib.request.Request(
            self.url + "/api/2.0/token/create", b"{}",
            headers={"Origin": self.url, "Cookie": browser.cookie, "X-CSRF-Token": signed["csrf_token"],
                     "X-Databricks-Workspace-Id": str(self.workspace)})
        with urllib.request.urlopen(made, timeout=60) as answer:
            return email, json.loads(answer.read())["token_value"], user

    def spark(self, token=None, warehouse=None, **parameters):
        """A new session of plain PySpark on the workspace's warehouse."""
        from pyspark.sql import SparkSession

        told = {"token": token or self.workspace_token, "x-databricks-cluster-id": warehouse or self.warehouse, **parameters}
        return SparkSession.builder.remote(
            f"sc://localhost:{self.port}/;" + ";".join(f"{k}={v}" for k, v in told.items())).create()


@pytest.fixture(scope="session")
def account(instance):
    return Account(instance)


@pytest.fixture(scope="session")
def instance():
    """A quickstarted instance with the workspace `dev`, of all groups that run together (see run.py)."""
    one = Instance()
    try:
        one.printed = one.tarn("quickstart").stdout
        yield one
    finally:
        one.remove()


@pytest.fixture
def fresh():
    """An instance that was never started."""
    one = Instance()
    yield one
    one.remove()


@pytest.fixture(scope="session")
def seed():
    value = int(os.environ.get("TARN_TEST_SEED") or random.randrange(1 << 31))
    print(f"seed {value}")
    return value


def pytest_collection_modifyitems(config, items):
    """What is long is left for runs that ask for its group."""
    left = [item for item in items if os.environ.get("TARN_TEST_WHOLE") and item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session")
def soak():
    return bool(os.environ.get("TARN_SOAK"))


@pytest.fixture(scope="session")
def whole():
    """Whether this is a part of the whole gate, which has to end in minutes."""
    return bool(os.environ.get("TARN_TEST_WHOLE"))


def eventually(condition, seconds=60):
    """Waits for a condition of another process; the last exception or value is what a failure shows."""
    end, pause = time.monotonic() + seconds, 0.1
    while True:
        try:
            value = condition()
            if value:
                return value
        except Exception as problem:
            value = problem
        if time.monotonic() > end:
            raise AssertionError(f"still {value!r} after {seconds} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 1.5)  # what is asked is often a command of ours, which costs more than the waiting
