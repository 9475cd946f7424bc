"""Code of users in the engine's sandbox and in the handlers' sandbox sees its own storage and nothing else of ours."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import ROOT, eventually


def namespaces(pid):
    return {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in ("pid", "mnt", "ipc", "uts", "user")}


@pytest.fixture(scope="module")
def engine(instance):
    instance.sql("SELECT 1")
    if not any(w["workspace_name"] == "other" for w in instance.status()["workspaces"]):
        instance.tarn("stack", "create", "other-stack", "--workspace-name", "other", "--wait")
    return next(e for e in instance.status()["engines"] if e["state"] == "RUNNING")


@pytest.fixture(scope="module")
def handler(instance):
    """A handler of a stack in the middle of its work: stopped, so that one can look around where it is."""
    instance.tarn("stack", "create", "watched", "--workspace-name", "watched")

    def running():
        return next((pid for pid, command in instance.processes().items()
                     if command.split(" ")[0].endswith("/java") and "-Dtarn.functions=" in command), None)

    end, pid = time.monotonic() + 60, None
    while pid is None and time.monotonic() < end:
        pid = running()
    assert pid, "no handler was seen"
    os.kill(pid, signal.SIGSTOP)
    try:
        yield {"pid": pid}
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: all(
        not s["StackStatus"].endswith("_IN_PROGRESS") for s in instance.json("stack", "list")["Stacks"]))
    # What was looked at was the real thing: it still made its workspace.
    assert {"watched"} <= {w["workspace_name"] for w in instance.status()["workspaces"] if w["workspace_status"] == "RUNNING"}


def inside(process, script):
    """Runs a shell script in the very namespaces a process lives in, as its user."""
    done = subprocess.run(
        ["nsenter", "-t", str(process["pid"]), "-m", "-p", "-i", "-u", "-r", "-w", "--", "/bin/sh", "-c", script],
        capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def secrets_in_sight(process):
    return inside(process, "find / -xdev \\( -name admin-token -o -name 'tarn.db*' -o -name seal.json \\) 2>/dev/null")


def written(process, path):
    """What a try to write there says; WRITTEN when it could."""
    return inside(process, f"touch {path}/x 2>/dev/null || touch {path} 2>&1 && echo WRITTEN")


def assert_own_namespaces(process):
    ours, theirs = namespaces(os.getpid()), namespaces(process["pid"])
    for kind in ("pid", "mnt", "ipc", "uts"):
        assert theirs[kind] != ours[kind], kind


def test_the_engine_has_namespaces_of_its_own(engine):
    assert_own_namespaces(engine)


def test_the_engine_sees_neither_keys_nor_database_nor_anothers_bucket(instance, engine):
    buckets = {p.name for p in (instance.home / "storage").iterdir()}
    resources = instance.json("stack", "resources", "other-stack")["StackResources"]
    others = {r["PhysicalResourceId"] for r in resources if r["ResourceType"] == "AWS::S3::Bucket"}
    assert others and others <= buckets
    home = instance.home
    seen = inside(engine, f"ls -la {home} {home}/keys {home}/tarn.db {home}/audit {home}/storage 2>&1; ls /storage")
    assert "admin-token" not in seen and not re.search(r"tarn\.db\s*$", seen.replace("No such file or directory", ""), re.M)
    for bucket in others:
        assert bucket not in seen, seen
    found = secrets_in_sight(engine)
    assert found.strip() == "", found


def test_the_engine_sees_no_other_process_and_no_environment(instance, engine):
    pids = inside(engine, "ls /proc | grep -E '^[0-9]+$' | wc -l")
    assert int(pids.strip()) < 12, pids
    commands = inside(engine, "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'")
    assert "dev.tarn.Main" not in commands
    token = (instance.home / "keys" / "admin-token").read_text().strip()
    assert token not in commands
    assert not re.search(r"dapi[0-9a-f]{20,}", commands)


def test_the_engine_cannot_change_what_the_server_runs(engine):
    for path in (ROOT / "server/target/tarn-server-0.1.0.jar", ROOT / "spark/target/runtime/jars", "/usr/bin/env", "/etc/passwd"):
        said = written(engine, path)
        assert "WRITTEN" not in said, (path, said)


def test_a_handler_sees_neither_keys_nor_database_nor_any_bucket(instance, handler):
    assert_own_namespaces(handler)
    home = instance.home
    assert "java" in inside(handler, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"), "this is not where the handler is"
    found = secrets_in_sight(handler)
    assert found.strip() == "", found
    seen = inside(handler, f"ls {home} {home}/keys {home}/storage /storage 2>&1; cat {home}/keys/admin-token {home}/tarn.db 2>&1")
    assert (home / "keys" / "admin-token").read_text().strip() not in seen
    for bucket in (home / "storage").iterdir():
        assert bucket.name not in seen, seen


def test_a_handler_sees_no_other_process_and_no_token(instance, handler):
    pids = inside(handler, "ls /proc | grep -E '^[0-9]+$' | wc -l")
    assert int(pids.strip()) < 12, pids
    seen = inside(handler, "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'")
    assert "dev.tarn.Main" not in seen and "dev.tarn.spark" not in seen
    assert (instance.home / "keys" / "admin-token").read_text().strip() not in seen
    assert not re.search(r"dapi[0-9a-f]{20,}", seen)


def test_a_handler_cannot_change_what_the_server_runs(handler):
    for path in (ROOT / "server/target/tarn-server-0.1.0.jar", ROOT / "stack/target", ROOT / "spark/target/runtime/jars",
                 "/usr/bin/env", "/etc/passwd"):
        said = written(handler, path)
        assert "WRITTEN" not in said, (path, said)
    jars = inside(handler, "cat /proc/1/cmdline /proc/2/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -o '/[^:]*\\.jar'").split()
    assert jars, "the handler's own jar was not found"
    for jar in jars:
        assert "WRITTEN" not in inside(handler, f"test -e {jar} && touch {jar} && echo WRITTEN"), jar


def test_sql_cannot_read_what_the_sandbox_hides(instance):
    for path in (f"{instance.home}/keys/admin-token", f"{instance.home}/tarn.db", "/proc/1/environ"):
        refused = instance.tarn("sql", f"SELECT * FROM text.`file://{path}`", check=False)
        assert "dapi" not in refused.stdout and "TARN" not in refused.stdout, path
    other = next(
        r["PhysicalResourceId"] for r in instance.json("stack", "resources", "other-stack")["StackResources"]
        if r["LogicalResourceId"] == "workspaceS3Bucket")
    (instance.home / "storage" / other / "secret.txt").write_text("only for the other workspace")
    for path in (f"s3://{other}/secret.txt", f"s3://tarn-samples/../{other}/secret.txt", f"file:///storage/{other}/secret.txt"):
        refused = instance.tarn("sql", "--workspace", "dev", f"SELECT * FROM text.`{path}`", check=False)
        assert refused.returncode != 0 and "only for the other" not in refused.stdout, path


def secrets_of(instance):
    """What the files in keys/ hold; a lock among them holds nothing."""
    files = [p for p in (instance.home / "keys").rglob("*") if p.is_file()]
    assert {"admin-token", "first-admin-link", "machine-secret"} <= {p.name for p in files}
    return {p.read_text().strip() for p in files} - {""}


def test_no_token_is_visible_on_any_command_line_or_in_any_environment(instance, engine):
    secrets = secrets_of(instance)
    for pid, command in instance.processes().items():
        environment = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
        for secret in secrets:
            assert secret not in command and secret not in environment
        assert not re.search(r"dapi[0-9a-f]{20,}", command + environment), command


def test_the_log_and_the_audit_hold_no_secret(instance):
    secrets = secrets_of(instance)
    for folder in ("logs", "audit", "engines"):
        for file in (instance.home / folder).rglob("*"):
            if file.is_file():
                text = file.read_bytes().decode(errors="replace")
                for secret in secrets:
                    assert secret not in text, file


def test_a_raw_connect_call_without_a_signed_principal_is_refused(instance, engine):
    """Whoever finds the port on loopback still has no principal."""
    import grpc
    from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc

    ports = [p for p in listening(engine["pid"])]
    assert ports
    refused = 0
    for port in ports:
        stub = base_pb2_grpc.SparkConnectServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
        request = base_pb2.ExecutePlanRequest(session_id="00000000-0000-0000-0000-000000000001")
        request.plan.root.sql.query = "SELECT 1"
        try:
            list(stub.ExecutePlan(request, timeout=10))
            raise AssertionError("an unsigned call was served")
        except grpc.RpcError as problem:
            refused += problem.code() == grpc.StatusCode.UNAUTHENTICATED
    assert refused == 1


def listening(pid):
    """Loopback ports on which a process listens."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            match = re.match(r"socket:\[(\d+)\]", os.readlink(fd))
        except OSError:
            continue
        if match:
            inodes.add(match.group(1))
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                yield int(fields[1].rsplit(":", 1)[1], 16)
