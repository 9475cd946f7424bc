"""An instance on a small disk that fills up, its metrics, its support bundle, and TLS, each as an administrator meets it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import zipfile

import pytest
import requests

from conftest import ROOT, Instance, eventually

MARK_MB = 128


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """An instance whose data directory is a file system of 900 MB, of which 128 MB are to stay free."""
    assert os.geteuid() == 0, "a file system of its own needs root (or run this in `unshare --map-root-user --mount`)"
    one = Instance(TARN_DISK_WATERMARK=f"{MARK_MB}m", TARN_LOG_FORMAT="json")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=900m,mode=0700", "tmpfs", str(one.home)], check=True)
    try:
        one.tarn("quickstart")
        one.sql("CREATE TABLE dev.default.t AS SELECT 1 AS a")
        one.sql("CREATE TABLE dev.default.gone AS SELECT 1 AS a")
        yield one
    finally:
        one.tarn("down", check=False)
        subprocess.run(["umount", "-l", str(one.home)], check=False)
        one.remove()


def fill(instance, leave_mb):
    """A file that leaves so much; none at all with None."""
    filler = instance.home / "filler"
    filler.unlink(missing_ok=True)
    if leave_mb is None:
        return
    taken = 0
    with open(filler, "wb") as out:
        for _ in range(100):
            space = os.statvfs(instance.home)
            more = space.f_bavail * space.f_frsize - leave_mb * (1 << 20)
            if more < space.f_frsize:
                return
            try:
                os.posix_fallocate(out.fileno(), 0, taken + more)
                taken += more
            except OSError:  # a little more was taken meanwhile, and nothing is allocated
                pass
    raise AssertionError("somebody else frees space as fast as it is taken")


def add_user(instance, name, env=None):
    env = env or instance.env("--account")
    return requests.post(
        f"{env['DATABRICKS_HOST']}/api/2.0/accounts/{env['DATABRICKS_ACCOUNT_ID']}/scim/v2/Users",
        headers={"Authorization": f"Bearer {env['DATABRICKS_TOKEN']}"}, json={"userName": name})


def metric(instance, name):
    text = requests.get(f"{instance.status()['url']}/metrics").text
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " "))


def test_each_line_of_the_log_is_an_object(small):
    """Before the disk is full: then a line may be cut."""
    lines = (small.home / "logs" / "server.log").read_text().splitlines()
    assert lines and all(json.loads(line)["level"] in ("INFO", "WARN", "ERROR") for line in lines)


def test_below_the_watermark_writes_are_refused_and_reads_and_drops_go_on(small):
    assert metric(small, "tarn_disk_low") == 0
    fill(small, MARK_MB - 40)
    try:
        eventually(lambda: metric(small, "tarn_disk_low") == 1, 10)
        refused = add_user(small, "late@example.com")
        assert refused.status_code == 507 and "disk.watermark" in refused.json()["detail"], refused.text
        insert = small.tarn("sql", "INSERT INTO dev.default.t VALUES (2)", check=False)
        assert insert.returncode != 0 and "disk.watermark" in insert.stdout + insert.stderr
        assert small.sql("SELECT a FROM dev.default.t") == [{"a": 1}]
        small.sql("DROP TABLE dev.default.gone")
    finally:
        fill(small, None)
    eventually(lambda: metric(small, "tarn_disk_low") == 0, 10)
    assert add_user(small, "late@example.com").status_code == 201
    small.sql("INSERT INTO dev.default.t VALUES (2)")


def test_a_disk_that_is_full_to_the_last_byte_is_said_so_and_recovered_from_without_help(small):
    env = small.env("--account")  # asks the server, which answers nothing when it can audit nothing
    fill(small, 0)
    try:
        refused = add_user(small, "later@example.com", env)
        assert refused.status_code == 507, refused.text
    finally:
        fill(small, None)
    eventually(lambda: metric(small, "tarn_disk_low") == 0, 10)
    assert add_user(small, "later@example.com").status_code == 201
    assert sorted(row["a"] for row in small.sql("SELECT a FROM dev.default.t")) == [1, 2]
    small.sql("INSERT INTO dev.default.t VALUES (3)")


def test_the_support_bundle_has_no_secret_in_it(small, tmp_path):
    words = set()
    for file in (small.home / "keys").rglob("*"):
        if file.is_file():
            words |= {w for w in file.read_text().replace('"', " ").replace(",", " ").split() if len(w) >= 20}
    assert (small.home / "keys" / "admin-token").read_text().strip() in words
    token = small.env()["DATABRICKS_TOKEN"]
    with open(small.home / "logs" / "server.log", "a") as log:  # as if somebody had logged them
        log.write(f'{{"message": "Authorization: Bearer {token}"}}\n')
        log.write('{"message": "-----BEGIN PRIVATE KEY----- MIGHAgEAMBMGByqGSM49 -----END PRIVATE KEY-----"}\n')
    bundle = tmp_path / "support.zip"
    small.tarn("support", str(bundle))
    with zipfile.ZipFile(bundle) as archive:
        names = set(archive.namelist())
        everything = "\n".join(archive.read(name).decode() for name in names)
    assert {"status.json", "metrics.txt", "sizes.txt", "logs/server.log"} <= names
    assert '"workspaces"' in everything and "tarn_calls_seconds" in everything
    for word in words | {token, "MIGHAgEAMBMGByqGSM49"}:
        assert word not in everything, "a secret is in the bundle"


def ended(client, statement):
    answer = client.statement_execution.get_statement(statement)
    return answer if answer.status.state.value not in ("PENDING", "RUNNING") else None


def keys_of(said, purpose):
    return [key["key_id"] for key in said["keys"] if key["purpose"] == purpose]


def test_keys_are_rotated_under_a_running_engine_and_a_kill_in_the_middle_loses_nothing(small):
    kept = sorted(row["a"] for row in small.sql("SELECT a FROM dev.default.t"))
    engines = [engine["id"] for engine in small.status()["engines"]]
    before = small.json("keys")
    after = small.json("keys", "rotate")
    for purpose in ["sealing", "tokens", "engines"]:
        assert keys_of(after, purpose)[1:] == keys_of(before, purpose), after
    assert after["resealed"] >= 2, "the stack's secret and the engine's key"
    assert sorted(row["a"] for row in small.sql("SELECT a FROM dev.default.t")) == kept
    assert [engine["id"] for engine in small.status()["engines"]] == engines, "it is the same engine"

    rotation = subprocess.Popen([str(ROOT / "tarn"), "keys", "rotate"], env=small.environment,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: (small.home / "keys" / "seal.json").read_text().count("keyId") > len(keys_of(after, "sealing")), 20)
    os.kill(small.status()["pid"], signal.SIGKILL)
    rotation.wait(60)
    small.tarn("up")
    assert sorted(row["a"] for row in small.sql("SELECT a FROM dev.default.t")) == kept
    assert [engine["id"] for engine in small.status()["engines"]] == engines, "it was taken over with its own key"

    gone = small.json("keys", "rotate", "--retire")
    assert {key["purpose"] for key in gone["removed"]} == {"tokens", "engines"}
    assert sorted(row["a"] for row in small.sql("SELECT a FROM dev.default.t")) == kept
    eventually(lambda: engines[0] not in [engine["id"] for engine in small.status()["engines"]])


def test_an_engine_that_an_upgraded_server_cannot_take_over_is_replaced_and_all_is_said(small):
    """A killed server, and the next one somewhere else: to its engines it is as foreign as one of another build."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.sql import ExecuteStatementRequestOnWaitTimeout

    env = small.env()
    client = WorkspaceClient(host=env["DATABRICKS_HOST"], token=env["DATABRICKS_TOKEN"])
    warehouse = env["DATABRICKS_WAREHOUSE_ID"]
    running = client.statement_execution.execute_statement(
        statement="SELECT count(*) FROM range(1000000000000) WHERE id % 7 = 3", warehouse_id=warehouse, wait_timeout="5s",
        on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CONTINUE)
    assert running.status.state.value in ("PENDING", "RUNNING")
    engine = small.status()["engines"][0]["pid"]
    os.kill(small.status()["pid"], signal.SIGKILL)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        small.environment["TARN_PORT"] = str(probe.getsockname()[1])
    small.tarn("up")
    eventually(lambda: not os.path.exists(f"/proc/{engine}"), 10)
    client = WorkspaceClient(host=small.env()["DATABRICKS_HOST"], token=env["DATABRICKS_TOKEN"])
    ended = client.statement_execution.get_statement(running.statement_id).status
    assert ended.state.value == "FAILED" and "stopped while the statement ran" in ended.error.message
    health = client.warehouses.get(warehouse).health
    assert "the next statement starts one of this build" in health.message, health
    assert small.sql("SELECT count(*) AS c FROM dev.default.t")[0]["c"] > 0


def test_tls_by_one_setting(small):
    """On the same data: plain before, TLS now, and the engines' own way in unchanged."""
    small.tarn("down")
    small.environment["TARN_TLS"] = "local"
    small.tarn("up")
    env = small.env()
    assert env["DATABRICKS_HOST"].startswith("https://")
    me = f"{env['DATABRICKS_HOST']}/api/2.0/preview/scim/v2/Me"
    headers = {"Authorization": f"Bearer {env['DATABRICKS_TOKEN']}"}
    assert requests.get(me, headers=headers, verify=env["REQUESTS_CA_BUNDLE"]).status_code == 200
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(me, headers=headers)
    from databricks.sdk import WorkspaceClient

    said = subprocess.run(
        ["curl", "-sS", "--cacert", env["NODE_EXTRA_CA_CERTS"], "-o", "/dev/null", "-w", "%{http_version}", me],
        capture_output=True, text=True, check=True).stdout
    assert said == "2"
    os.environ["REQUESTS_CA_BUNDLE"] = env["REQUESTS_CA_BUNDLE"]
    try:
        client = WorkspaceClient(host=env["DATABRICKS_HOST"], token=env["DATABRICKS_TOKEN"])
        assert client.current_user.me().user_name
        answer = client.statement_execution.execute_statement(
            statement="SELECT count(*) FROM dev.default.t", warehouse_id=env["DATABRICKS_WAREHOUSE_ID"], wait_timeout="50s")
        answer = eventually(lambda: ended(client, answer.statement_id), 120)
        assert answer.status.state.value == "SUCCEEDED", answer.status
    finally:
        del os.environ["REQUESTS_CA_BUNDLE"]
    assert "authority" in small.json("trust")


def test_the_system_is_told_to_trust_the_authority_and_told_to_forget_it(small, tmp_path):
    """In a mount namespace of its own, so that this machine's store stays as it is."""
    (tmp_path / "local").mkdir()
    shutil.copytree("/etc/ssl", tmp_path / "ssl", symlinks=True)
    script = """
        set -eu
        mount --bind "$1/ssl" /etc/ssl
        mount --bind "$1/local" /usr/local/share/ca-certificates
        export HOME="$1"
        asked() { curl -sS -o /dev/null "$2/healthz" 2> /dev/null && echo "$1 trusted" || echo "$1 not trusted"; }
        browser() { ! command -v certutil > /dev/null || { certutil -d "sql:$HOME/.pki/nssdb" -L | grep -c tarn- || true; }; }
        asked before "$2"
        "$3" trust --install
        asked installed "$2"
        browser > "$1/browser-installed"
        "$3" trust --remove
        asked removed "$2"
        browser > "$1/browser-removed"
    """
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", script, "bash", str(tmp_path), small.status()["url"], str(ROOT / "tarn")],
        env=small.environment, capture_output=True, text=True, timeout=120)
    said = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in said if "trusted" in line and "tarn-" not in line] == [
        "before not trusted", "installed trusted", "removed not trusted"], done.stdout + done.stderr
    assert any(line.startswith("wrote /usr/local/share/ca-certificates/tarn-") for line in said), said
    if shutil.which("certutil"):
        assert (tmp_path / "browser-installed").read_text() == "1\n"
        assert (tmp_path / "browser-removed").read_text() == "0\n"
    else:
        assert any("libnss3-tools" in line for line in said), said
