"""The unmodified Java SDK, run from source against the product; each line it prints is one test."""

import os
import subprocess

import pytest

from conftest import ROOT

CHECKS = [
    "workspace with a PAT", "workspace with OAuth M2M", "account with a PAT", "account with OAuth M2M",
    "a statement inline", "a statement as Arrow links", "cancel", "a missing table", "an unbuilt operation",
    "an unknown warehouse", "a warehouse is made, changed and removed",
]


@pytest.fixture(scope="module")
def printed(instance):
    workspace, account = instance.env(), instance.env("--account")
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("DATABRICKS_")},
        "DATABRICKS_CONFIG_FILE": "/dev/null",
        "TARN_HOST": workspace["DATABRICKS_HOST"],
        "TARN_WORKSPACE_TOKEN": workspace["DATABRICKS_TOKEN"],
        "TARN_WAREHOUSE": workspace["DATABRICKS_WAREHOUSE_ID"],
        "TARN_ACCOUNT_TOKEN": account["DATABRICKS_TOKEN"],
        "TARN_ACCOUNT_ID": account["DATABRICKS_ACCOUNT_ID"],
    }
    done = subprocess.run(
        [f"{os.environ['JAVA_HOME']}/bin/java", "-cp", str(ROOT / "server/target/lib/*"), str(ROOT / "acceptance/sdk/JavaSdk.java")],
        env=environment, capture_output=True, text=True, timeout=300)
    return done.stdout + done.stderr


@pytest.mark.parametrize("check", CHECKS)
def test_java_sdk(printed, check):
    assert f"ok {check}\n" in printed, printed
