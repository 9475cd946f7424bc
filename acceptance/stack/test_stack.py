"""The quickstart stack: lint, two at once, and what is left after one that fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, Instance, eventually


@pytest.fixture(scope="module")
def running():
    one = Instance()
    try:
        one.tarn("up")
        yield one
    finally:
        one.remove()


def everything(instance):
    """All a stack could leave behind."""
    from databricks.sdk import AccountClient

    env = instance.env("--account")
    account = AccountClient(host=env["DATABRICKS_HOST"], token=env["DATABRICKS_TOKEN"], account_id=env["DATABRICKS_ACCOUNT_ID"])
    return {
        "credentials": sorted(c.credentials_name for c in account.credentials.list()),
        "storage": sorted(s.storage_configuration_name for s in account.storage.list()),
        "workspaces": sorted(w.workspace_name for w in account.workspaces.list()),
        "buckets": sorted(path.name for path in (instance.home / "storage").iterdir() if not path.name.startswith("tarn-")),
        "processes": sorted(c for c in instance.processes().values() if "dev.tarn.Main" not in c),
    }


def test_cfn_lint_is_clean():
    lint = subprocess.run(
        [str(Path(sys.executable).parent / "cfn-lint"), str(ROOT / "stack" / "quickstart.yaml")], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_two_stacks_created_at_once_give_two_workspaces(running):
    for name in ("rd", "Prod-EU-DataTeam"):
        running.tarn("stack", "create", f"stack-{name}", "--workspace-name", name)
    eventually(
        lambda: {w["workspace_name"]: w["workspace_status"] for w in running.status()["workspaces"]}
        == {"rd": "RUNNING", "Prod-EU-DataTeam": "RUNNING"},
        120)
    eventually(lambda: {s["StackStatus"] for s in running.json("stack", "list")["Stacks"]} == {"CREATE_COMPLETE"})
    for name, catalog in (("rd", "rd"), ("Prod-EU-DataTeam", "prod_eu_datateam")):
        env = running.env("--workspace", name)
        from databricks.sdk import WorkspaceClient

        workspace = WorkspaceClient(host=env["DATABRICKS_HOST"], token=env["DATABRICKS_TOKEN"])
        names = {c.name for c in workspace.catalogs.list()}
        assert catalog in names and len(names & {"rd", "prod_eu_datateam"}) == 1, names
    tokens = [w.read_text() for w in (running.home / "keys").rglob("*") if w.is_file()]
    events = running.tarn("stack", "events", "stack-rd", "--json").stdout
    assert not any(t.strip() and t.strip() in events for t in tokens)


@pytest.mark.parametrize(
    "parameter, reason",
    [
        ("AccountId=00000000-0000-0000-0000-000000000000", "account"),
        ("AccountId=not-an-account", "AccountId"),
        ("Bogus=1", "Bogus"),
    ])
def test_a_stack_with_a_wrong_parameter_leaves_nothing(running, parameter, reason):
    before = everything(running)
    refused = running.tarn(
        "stack", "create", "wrong", "--workspace-name", "wrong", "--param", parameter, "--wait", check=False)
    assert refused.returncode != 0
    stacks = [s for s in running.json("stack", "list")["Stacks"] if s["StackName"] == "wrong"]
    said = refused.stderr + refused.stdout + "".join(
        e.get("ResourceStatusReason") or "" for s in stacks for e in running.json("stack", "events", "wrong")["StackEvents"])
    assert reason.lower() in said.lower()
    if stacks:
        running.tarn("stack", "delete", "wrong", "--wait", check=False)
    eventually(lambda: everything(running) == before)


def test_a_stack_whose_workspace_name_is_taken_rolls_back_and_leaves_nothing(running):
    running.tarn("stack", "create", "first", "--workspace-name", "taken", "--wait")
    before = everything(running)
    refused = running.tarn("stack", "create", "second", "--workspace-name", "taken", "--wait", check=False)
    assert refused.returncode != 0
    events = running.json("stack", "events", "second")["StackEvents"]
    assert events[-1]["ResourceStatus"] == "ROLLBACK_COMPLETE", events[-1]
    assert any(e["ResourceStatus"] == "CREATE_FAILED" and e["ResourceStatusReason"] for e in events)
    eventually(lambda: everything(running) == before)
    assert {w["workspace_name"] for w in running.status()["workspaces"]} >= {"taken"}


def test_deleting_a_stack_removes_all_it_made_and_nothing_else(running):
    before = everything(running)
    running.tarn("stack", "create", "passing", "--workspace-name", "passing", "--wait")
    assert "passing" in everything(running)["workspaces"]
    running.tarn("stack", "delete", "passing", "--wait")
    eventually(lambda: everything(running) == before)


def test_a_swapped_handler_jar_is_not_run_and_its_stack_can_still_be_deleted(running):
    """A create compares the jar with the pinned digest (StacksTest); a delete runs this build's own code instead."""
    before = everything(running)
    running.tarn("stack", "create", "swapped", "--workspace-name", "swapped", "--wait")
    bucket = next(
        r["PhysicalResourceId"] for r in running.json("stack", "resources", "swapped")["StackResources"]
        if r["LogicalResourceId"] == "LambdaZipsBucket")
    jar = next((running.home / "storage" / bucket).rglob("*.jar"))
    jar.chmod(0o644)
    jar.write_bytes(b"not what the build pinned")
    running.tarn("stack", "delete", "swapped", "--wait")
    eventually(lambda: everything(running) == before)
