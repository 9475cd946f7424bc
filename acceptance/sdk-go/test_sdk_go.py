"""The unmodified Go SDK against the product: `go test`, each of whose functions is one test here."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHECKS = [line.split("(")[0].removeprefix("func ") for source in sorted(HERE.glob("*_test.go"))
          for line in source.read_text().splitlines() if line.startswith("func Test")]


@pytest.fixture(scope="module")
def outcomes(instance):
    assert shutil.which("go"), "there is no go (expected: Go 1.25 or newer on the PATH, see CONTRIBUTING.md)"
    workspace, account = instance.env(), instance.env("--account")
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("DATABRICKS_")},
        "DATABRICKS_CONFIG_FILE": "/dev/null",
        "TARN_HOST": workspace["DATABRICKS_HOST"],
        "TARN_WORKSPACE_TOKEN": workspace["DATABRICKS_TOKEN"],
        "TARN_ACCOUNT_TOKEN": account["DATABRICKS_TOKEN"],
        "TARN_ACCOUNT_ID": account["DATABRICKS_ACCOUNT_ID"],
    }
    done = subprocess.run(
        ["go", "test", "-json", "-vet=off", "-count=1", "-timeout=10m", "./..."],
        cwd=HERE, env=environment, capture_output=True, text=True, timeout=900)
    results, output = {}, {}
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event.get("Test") and event["Action"] in ("pass", "fail", "skip"):
            results[event["Test"]] = event["Action"]
        elif event["Action"] in ("output", "build-output"):
            output[event.get("Test")] = output.get(event.get("Test"), "") + event["Output"]
    return results, output, done.stderr


@pytest.mark.parametrize("check", CHECKS)
def test_sdk_go(outcomes, check):
    results, output, errors = outcomes
    assert results.get(check) == "pass", output.get(check) or f"{output.get(None, '')}\n{errors[-3000:]}"
