"""A backup of an instance that is being written, everything deleted, a restore elsewhere: the answers are the same."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import duckdb
import pytest
from databricks.sdk import WorkspaceClient

from conftest import ROOT, Instance

sys.path.insert(0, str(ROOT / "acceptance" / "tpch"))
from queries import QUERIES, query  # noqa: E402
from test_tpch import TABLES, execute, same  # noqa: E402

SCALE = 0.01


def client(instance):
    env = instance.env("--workspace", "dev")
    made = WorkspaceClient(host=env["DATABRICKS_HOST"], token=env["DATABRICKS_TOKEN"])
    made.warehouse = env["DATABRICKS_WAREHOUSE_ID"]
    return made


class Writer(threading.Thread):
    """Inserts 1, 2, 3, … into one table, and knows what was acknowledged."""

    def __init__(self, workspace, table):
        super().__init__(daemon=True)
        self.workspace, self.table, self.acknowledged, self.going = workspace, table, 0, True
        execute(workspace, f"CREATE TABLE dev.default.{table} (n BIGINT)")

    def run(self):
        while self.going:
            execute(self.workspace, f"INSERT INTO dev.default.{self.table} VALUES ({self.acknowledged + 1})")
            self.acknowledged += 1


class Killed:
    """A command that is killed with all it started, after some seconds."""

    def __init__(self, instance, seconds, *arguments):
        process = subprocess.Popen(
            [str(ROOT / "tarn"), *map(str, arguments)], env=instance.environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.finished = process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            self.finished = False
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def story(tmp_path_factory, seed):
    """An instance with data and writers; a backup of it, taken while they write; then it is gone."""
    place = tmp_path_factory.mktemp("backups")
    chance = random.Random(seed)
    source, target = Instance(), Instance()
    try:
        source.tarn("quickstart")
        workspace = client(source)
        bucket = next(r["PhysicalResourceId"] for r in source.json("stack", "resources")["StackResources"]
                      if r["LogicalResourceId"] == "workspaceS3Bucket")
        files = source.home / "storage" / bucket / "incoming"
        files.mkdir(parents=True)
        subprocess.run([str(Path(sys.executable).parent / "tpchgen-cli"), "parquet", "-s", str(SCALE),
                        f"--output-dir={files}"], check=True, capture_output=True)
        peer = duckdb.connect()
        execute(workspace, "CREATE SCHEMA dev.tpch")
        for table in TABLES:
            execute(workspace, f"CREATE TABLE dev.tpch.{table} AS SELECT * FROM parquet.`s3://{bucket}/incoming/{table}.parquet`")
            peer.execute(f"CREATE TABLE {table} AS SELECT * FROM read_parquet('{files / table}.parquet')")
        writers = [Writer(workspace, "one"), Writer(workspace, "two")]
        for writer in writers:
            writer.start()
        killed = [place / f"killed-{i}.zip" for i in range(2)]
        for data in killed:  # a kill leaves nothing or a whole, and the next one does not mind
            done = Killed(source, chance.uniform(0.5, 4), "backup", data)
            assert done.finished or not data.exists() or subprocess.run(["unzip", "-tq", data]).returncode == 0
        before = [writer.acknowledged for writer in writers]
        said = source.tarn("backup", str(place / "data.zip"), "--with-keys-to", str(place / "keys.zip"))
        during = [writer.acknowledged for writer in writers]
        assert not list((source.home / "storage").glob(".backup-*")), said.stdout
        for writer in writers:
            writer.going = False
        for writer in writers:
            writer.join(60)
        refused = source.tarn("restore", str(place / "data.zip"), "--keys", str(place / "keys.zip"), check=False)
        assert refused.returncode != 0 and "is not empty" in refused.stderr and "an instance runs on it" in refused.stderr
        source.tarn("down")
        shutil.rmtree(source.home)
        for _ in range(2):
            done = Killed(target, chance.uniform(0.5, 3), "restore", place / "data.zip", "--keys", place / "keys.zip")
            if done.finished:
                shutil.rmtree(target.home)
            elif (target.home / ".restoring").exists():
                half = target.tarn("up", check=False)
                assert half.returncode != 0 and "not restored to the end" in half.stderr
        target.tarn("restore", str(place / "data.zip"), "--keys", str(place / "keys.zip"))
        target.tarn("up")
        yield {"target": target, "workspace": client(target), "peer": peer, "before": before, "during": during}
    finally:
        source.remove()
        target.remove()


def test_the_workspace_is_there_and_runs(story):
    assert [w["workspace_status"] for w in story["target"].status()["workspaces"]] == ["RUNNING"]


@pytest.mark.parametrize("number", sorted(QUERIES))
def test_a_query_of_tpch_has_the_same_values_as_before(story, number):
    _, ours = execute(story["workspace"], query(number, SCALE), catalog="dev", schema="tpch")
    theirs = story["peer"].execute(query(number, SCALE)).fetchall()
    assert len(ours) == len(theirs)
    for our_row, their_row in zip(ours, theirs):
        assert all(same(our, their) for our, their in zip(our_row, their_row)), (our_row, their_row)


def test_what_was_written_meanwhile_is_there_up_to_one_commit(story):
    for table, before, during in zip(["one", "two"], story["before"], story["during"]):
        _, rows = execute(story["workspace"], f"SELECT n FROM dev.default.{table} ORDER BY n")
        numbers = [int(row[0]) for row in rows]
        assert numbers == list(range(1, len(numbers) + 1)), "a row is lost, or there twice"
        assert before <= len(numbers) <= during + 1
        execute(story["workspace"], f"INSERT INTO dev.default.{table} VALUES (0)")


def test_a_data_directory_of_the_third_issues_last_commit_opens(fresh):
    """Made by `quickstart` and three statements of commit 97e168a; the samples and what a start makes anew are left out."""
    with tarfile.open(Path(__file__).parent / "issue3-home.tar.gz") as archive:
        archive.extractall(fresh.home, filter="fully_trusted")
    fresh.tarn("up")
    assert [w["workspace_name"] for w in fresh.status()["workspaces"]] == ["dev"]
    assert fresh.sql("SELECT n, name FROM dev.default.kept ORDER BY n") == [{"n": 1, "name": "one"}, {"n": 3, "name": "drei"}]
    fresh.sql("INSERT INTO dev.default.kept VALUES (4, 'four')")
    assert fresh.sql("SELECT count(*) AS c FROM dev.default.kept") == [{"c": 3}]
