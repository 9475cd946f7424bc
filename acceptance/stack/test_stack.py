"""The quickstart stack: lint, two at once, and what is left after one that fails."""

import subprocess
import sys
from pathlib import Path

import pytest
import requests

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
    templates = [str(ROOT / "stack" / name) for name in ("quickstart.yaml", "network.yaml")]
    lint = subprocess.run([str(Path(sys.executable).parent / "cfn-lint"), *templates], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr


SIX = ["prod", "pp", "dev", "qa", "staging", "Prod-EU-DataTeam"]


def answers(env, workspace_id):
    """The status of a call that any workspace answers to its own."""
    return requests.get(
        f"{env['DATABRICKS_HOST']}/api/2.1/unity-catalog/catalogs", timeout=60,
        headers={"Authorization": f"Bearer {env['DATABRICKS_TOKEN']}", "X-Databricks-Workspace-Id": str(workspace_id)})


def test_six_stacks_created_at_once_give_six_workspaces_and_one_less_leaves_five(running):
    for name in SIX:
        running.tarn("stack", "create", f"stack-{name}", "--workspace-name", name)
    eventually(
        lambda: {w["workspace_name"]: w["workspace_status"] for w in running.status()["workspaces"]}
        == {name: "RUNNING" for name in SIX},
        180)
    eventually(lambda: {s["StackStatus"] for s in running.json("stack", "list")["Stacks"]} == {"CREATE_COMPLETE"})
    outputs = {name: {o["OutputKey"]: o["OutputValue"] for o in running.json("stack", "outputs", f"stack-{name}")["Outputs"]} for name in SIX}
    for key in ("S3BucketName", "WorkspaceIamRoleArn", "CatalogIamRoleArn", "CredentialsId", "StorageConfigId", "WorkspaceCatalogName"):
        assert len({o[key].lower() for o in outputs.values()}) == 6, key  # names differ, also where case does not count
    assert all(len(o["S3BucketName"]) <= 63 and o["S3BucketName"] == o["S3BucketName"].lower() for o in outputs.values())
    env = {name: running.env("--workspace", name) for name in SIX}
    own = {o["WorkspaceCatalogName"] for o in outputs.values()}
    for name in SIX:
        seen = {c["name"] for c in answers(env[name], outputs[name]["WorkspaceId"]).json()["catalogs"]}
        assert seen & own == {outputs[name]["WorkspaceCatalogName"]}, (name, seen)
        for other in SIX:
            if other != name:
                assert answers(env[name], outputs[other]["WorkspaceId"]).status_code in (400, 401, 403, 404), (name, other)
    tokens = [w.read_text() for w in (running.home / "keys").rglob("*") if w.is_file()]
    events = running.tarn("stack", "events", "stack-qa", "--json").stdout
    assert not any(t.strip() and t.strip() in events for t in tokens)
    running.tarn("stack", "delete", "stack-qa", "--wait")
    for name in SIX:
        status = answers(env[name], outputs[name]["WorkspaceId"]).status_code
        assert (status == 200) == (name != "qa"), (name, status)
    assert not (running.home / "storage" / outputs["qa"]["S3BucketName"]).exists()
    for name in SIX:
        if name != "qa":
            running.tarn("stack", "delete", f"stack-{name}", "--wait")


def test_an_update_is_followed_to_its_end_and_drift_is_shown(running):
    running.tarn("stack", "create", "changing", "--workspace-name", "changing", "--wait")
    running.tarn("stack", "update", "changing", "--param", "IamRoleName=changed", "--wait")
    outputs = {o["OutputKey"]: o["OutputValue"] for o in running.json("stack", "outputs", "changing")["Outputs"]}
    assert outputs["WorkspaceIamRoleArn"].endswith(":role/changed"), outputs
    again = running.tarn("stack", "update", "changing", "--param", "IamRoleName=changed", check=False)
    assert again.returncode != 0 and "No updates are to be performed." in again.stderr
    refused = running.tarn("stack", "update", "changing", "--param", "WorkspaceName=renamed", "--wait", check=False)
    assert refused.returncode != 0 and "UPDATE_ROLLBACK_COMPLETE" in refused.stdout + refused.stderr
    assert "changing" in {w["workspace_name"] for w in running.status()["workspaces"]}
    assert running.json("stack", "drift", "changing")["StackDriftStatus"] == "IN_SYNC"
    (running.home / "storage" / outputs["S3BucketName"] / "data.csv").write_text("1")
    kept = running.tarn("stack", "delete", "changing", "--wait", check=False)
    assert kept.returncode != 0 and "DELETE_FAILED" in kept.stdout + kept.stderr
    assert "changing" in {w["workspace_name"] for w in running.status()["workspaces"]}
    running.tarn("stack", "delete", "changing", "--empty-buckets", "--wait")
    assert "changing" not in {w["workspace_name"] for w in running.status()["workspaces"]}


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
