"""A newcomer's first minutes: quickstart, a question, down, up again."""

import os
import shutil
import socket
import stat
import subprocess

import pytest

from conftest import ROOT, Instance

LINEITEM = "SELECT count(*) AS n FROM samples.tpch.lineitem"
LINEITEM_ROWS = 60175


def tree(home):
    """Every path an instance keeps, but for logs, audit and caches that grow by being asked."""
    return {
        str(path.relative_to(home))
        for path in home.rglob("*")
        if path.relative_to(home).parts[0] not in ("logs", "audit", "engines", "run")
        and "tarn-results" not in path.parts
        and not path.name.startswith("tarn.db")
    }


def test_quickstart_ends_with_a_running_workspace_and_a_token_printed_once(instance):
    status = instance.status()
    assert [w["workspace_name"] for w in status["workspaces"]] == ["dev"]
    assert status["workspaces"][0]["workspace_status"] == "RUNNING"
    assert status["version"] == instance.json("version")["version"] == "0.1.0"
    token = (instance.home / "keys" / "admin-token").read_text().strip()
    assert token.startswith("dapi") and instance.printed.count(token) == 1
    assert f"http://127.0.0.1:{instance.port}" in instance.printed
    for secret in (instance.home / "keys").rglob("*"):
        if secret.is_file():
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600, secret


def test_the_samples_answer(instance):
    assert instance.sql(LINEITEM) == [{"n": LINEITEM_ROWS}]
    assert str(LINEITEM_ROWS) in instance.tarn("sql", LINEITEM).stdout


def test_the_stack_shows_its_nine_resources(instance):
    complete = {
        event["LogicalResourceId"]
        for event in instance.json("stack", "events")["StackEvents"]
        if event["ResourceStatus"] == "CREATE_COMPLETE"
    }
    assert complete >= {
        "workspaceIamRole", "workspaceS3Bucket", "catalogIamRole", "functionRole", "LambdaZipsBucket",
        "databricksApiFunction", "createCredentials", "createStorageConfiguration", "createWorkspace",
    }


def test_a_second_quickstart_changes_nothing(instance):
    before, files = instance.status(), tree(instance.home)
    again = instance.tarn("quickstart").stdout
    assert (instance.home / "keys" / "admin-token").read_text().strip() not in again
    assert instance.status() == before
    assert tree(instance.home) == files


def test_env_points_a_shell_at_the_workspace(instance):
    exports = instance.tarn("env").stdout
    said = subprocess.run(
        ["bash", "-c", exports + '\ncurl -sS -H "Authorization: Bearer $DATABRICKS_TOKEN" '
         "$DATABRICKS_HOST/api/2.0/preview/scim/v2/Me"], capture_output=True, text=True, check=True).stdout
    assert '"userName"' in said
    assert set(instance.env()) == {"DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_WAREHOUSE_ID"}
    assert set(instance.env("--account")) == {"DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_ACCOUNT_ID"}


def test_a_second_server_on_one_directory_and_a_port_in_use_are_refused(instance):
    other = Instance()
    try:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", other.port))
            taken.listen()
            refused = other.tarn("up", check=False)
            assert refused.returncode != 0
            assert str(other.port) in refused.stderr and "TARN_PORT" in refused.stderr
        second = Instance()
        shutil.rmtree(second.home)
        second.environment["TARN_HOME"] = str(instance.home)
        (instance.home / "run" / "server.json").rename(instance.home / "run" / "hidden.json")
        try:
            refused = second.tarn("up", check=False)
        finally:
            (instance.home / "run" / "hidden.json").rename(instance.home / "run" / "server.json")
        assert refused.returncode != 0 and str(instance.status()["pid"]) in refused.stderr
    finally:
        other.remove()


def test_down_leaves_no_process_and_up_finds_everything(instance):
    instance.sql("CREATE OR REPLACE TABLE dev.default.kept AS SELECT 1 AS a")
    workspaces = instance.status()["workspaces"]
    instance.tarn("down")
    assert instance.processes() == {}
    status = instance.status()
    assert status["pid"] is None and status["workspaces"] == [] and status["engines"] == []
    instance.tarn("up")
    assert instance.status()["workspaces"] == workspaces
    assert instance.sql("SELECT a FROM dev.default.kept") == [{"a": 1}]
    assert instance.sql(LINEITEM) == [{"n": LINEITEM_ROWS}]


def test_a_missing_jdk_is_said_plainly(tmp_path):
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in ("bash", "dirname", "readlink", "sed", "env", "cat"):
        os.symlink(shutil.which(tool), bare / tool)
    script = (ROOT / "tarn").read_text().replace("/usr/lib/jvm/*", str(tmp_path / "none"))
    copy = tmp_path / "tarn"
    copy.write_text(script)
    copy.chmod(0o755)
    refused = subprocess.run(["bash", str(copy), "version"], env={"PATH": str(bare)}, capture_output=True, text=True)
    assert refused.returncode == 1 and "JDK 25" in refused.stderr


def test_a_data_directory_of_a_newer_version_is_refused(fresh):
    fresh.tarn("up")
    fresh.tarn("down")
    import sqlite3

    with sqlite3.connect(fresh.home / "tarn.db") as database:
        database.execute(
            "INSERT INTO flyway_schema_history SELECT max(installed_rank) + 1, '9999', 'future', 'SQL', 'V9999__future.sql',"
            " 1, 'x', '2030-01-01 00:00:00', 1, 1 FROM flyway_schema_history")
    refused = fresh.tarn("up", check=False)
    assert refused.returncode != 0 and "newer" in refused.stderr or "does not fit this version" in refused.stderr
