"""The unmodified client of the open Unity Catalog project, run from source against the product; each line it prints is one test."""

import os
import re
import subprocess

import pytest

from conftest import ROOT

SOURCE = ROOT / "acceptance/sdk/UnityCatalogClient.java"
CHECKS = re.findall(r'check\("([^"]+)"', SOURCE.read_text())


@pytest.fixture(scope="module")
def printed(instance):
    workspace = instance.env()
    environment = {**os.environ, "TARN_HOST": workspace["DATABRICKS_HOST"], "TARN_WORKSPACE_TOKEN": workspace["DATABRICKS_TOKEN"]}
    done = subprocess.run(
        [f"{os.environ['JAVA_HOME']}/bin/java", "-cp", str(ROOT / "spark/target/runtime/jars/*"), str(SOURCE)],
        env=environment, capture_output=True, text=True, timeout=300)
    return done.stdout + done.stderr


@pytest.mark.parametrize("check", CHECKS)
def test_unitycatalog_client(printed, check):
    assert f"ok {check}\n" in printed, printed
