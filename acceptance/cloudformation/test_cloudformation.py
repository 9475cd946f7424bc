"""The same template and the same jar on a CloudFormation that is not ours: MiniStack, with Tarn's account API as the other end."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
import requests

from conftest import ROOT, Instance, eventually

TEMPLATE = ROOT / "stack" / "quickstart.yaml"
JAR = ROOT / "stack" / "target" / "handlers" / "handlers.jar"
STACK = "quickstart"
REGION = "us-east-1"
# Whoever MiniStack is asked by; it takes any.
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MiniStack:
    """One MiniStack on loopback, of the version that requirements.txt pins."""

    def __init__(self, port, **environment):
        self.url = f"http://127.0.0.1:{port}"
        self.home = tempfile.mkdtemp(prefix="ministack-")
        self.log = open(Path(self.home) / "log", "wb")
        self.process = subprocess.Popen(
            [str(Path(sys.executable).parent / "ministack")], stdout=self.log, stderr=subprocess.STDOUT, cwd=self.home,
            env={**os.environ, **KEYS, "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), **environment})
        eventually(lambda: self.client("cloudformation").list_stacks() is not None, 30)

    def client(self, service):
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)


class Functions:
    """Runs the real handlers: each event that is POSTed goes, as it is, to the jar's own bootstrap."""

    def __init__(self):
        self.java = subprocess.Popen(
            [os.environ.get("JAVA_HOME", "/usr/lib/jvm/temurin-25-jdk-amd64") + "/bin/java", "-Xmx128m", "-XX:+UseSerialGC", "-cp", str(JAR),
             "dev.tarn.stack.Bootstrap", "dev.tarn.stack.DatabricksApi::handleRequest", "databricksApiFunction", "2026/[$LATEST]1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self.java.stderr.read, daemon=True).start()
        self.lock, self.events = threading.Lock(), []
        functions = self

        class Proxy(BaseHTTPRequestHandler):
            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                functions.invoke(event)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def invoke(self, event):
        with self.lock:
            self.events.append(event)
            deadline = int((time.time() + 300) * 1000)
            self.java.stdin.write(f"{event['RequestId']} {deadline} {json.dumps(event)}\n")
            self.java.stdin.flush()
            self.java.stdout.readline()

    def stop(self):
        self.server.shutdown()
        self.java.stdin.close()
        self.java.wait(20)


def name_of_function(port):
    """MiniStack makes a function's name from those of stack and resource, the same each time, and is told the way to ours by that name."""
    probe = MiniStack(port)
    try:
        cloudformation = probe.client("cloudformation")
        function = {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Runtime": "python3.11", "Handler": "index.handler", "Role": "arn:aws:iam::000000000000:role/r",
                           "Code": {"ZipFile": "def handler(e, c): pass"}}}
        cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps({"Resources": {"databricksApiFunction": function}}))
        return eventually(
            lambda: cloudformation.describe_stack_resource(StackName=STACK, LogicalResourceId="databricksApiFunction")
            ["StackResourceDetail"]["PhysicalResourceId"])
    finally:
        probe.stop()


@pytest.fixture(scope="module")
def aws():
    functions = Functions()
    port = free_port()
    one = MiniStack(port, **{f"MINISTACK_LAMBDA_PROXY_{name_of_function(port)}": functions.url})
    one.functions = functions
    try:
        yield one
    finally:
        one.stop()
        functions.stop()


@pytest.fixture(scope="module")
def tarn(aws):
    one = Instance(TARN_AWS=aws.url, **KEYS)
    try:
        one.tarn("up")
        yield one
    finally:
        one.remove()


class Account:
    """Tarn's account API, as an administrator calls it."""

    def __init__(self, instance):
        env = instance.env("--account")
        self.host, self.id = env["DATABRICKS_HOST"], env["DATABRICKS_ACCOUNT_ID"]
        self.headers = {"Authorization": f"Bearer {env['DATABRICKS_TOKEN']}"}

    def call(self, verb, path, body=None, headers=None):
        return requests.request(
            verb, f"{self.host}/api/2.0/accounts/{self.id}{path}", json=body, headers=headers or self.headers, timeout=60)

    def session(self):
        answer = self.call("POST", "/stacks/sessions", {"StackName": STACK, "WorkspaceName": "foreign"})
        assert answer.status_code == 200, answer.text
        return answer.json()["Parameters"]

    def everything(self):
        kinds = ("credentials", "storage-configurations", "workspaces")
        return {kind: self.call("GET", f"/{kind}").json() for kind in kinds}


def parameters(values):
    return [{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()]


def finished(aws, stack_id):
    """The stack when nothing of it is in progress any more, and its events."""
    cloudformation = aws.client("cloudformation")

    def ended():
        stack = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    stack = eventually(ended, 120)
    events = [
        f"{e['LogicalResourceId']} {e['ResourceStatus']} {e.get('ResourceStatusReason', '')}"
        for e in reversed(cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"])]
    return stack, events


def outputs(stack):
    return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}


@pytest.fixture(scope="module")
def made(aws, tarn):
    """The stack, made once, with the code copied from a bucket as on AWS."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="artifacts")
    s3.upload_file(str(JAR), "artifacts", "functions/packages/handlers.jar")
    given = {**Account(tarn).session(), "ArtifactSourceBucket": "artifacts"}
    stack_id = aws.client("cloudformation").create_stack(
        StackName=STACK, TemplateBody=TEMPLATE.read_text(), Parameters=parameters(given), Capabilities=["CAPABILITY_NAMED_IAM"])["StackId"]
    stack, events = finished(aws, stack_id)
    assert stack["StackStatus"] == "CREATE_COMPLETE", "\n".join(events)
    return stack_id


def test_the_stack_ends_with_a_running_workspace(aws, tarn, made):
    stack, events = finished(aws, made)
    out = outputs(stack)
    account = Account(tarn)
    workspace = account.call("GET", f"/workspaces/{out['WorkspaceId']}").json()
    assert workspace["workspace_status"] == "RUNNING" and workspace["workspace_name"] == "foreign", workspace
    assert out["WorkspaceStatus"] == "RUNNING" and out["ExternalId"] == account.id
    role = aws.client("iam").get_role(RoleName=out["WorkspaceIamRoleArn"].rsplit("/", 1)[1])["Role"]
    assert role["Arn"] == out["WorkspaceIamRoleArn"]
    aws.client("s3").head_bucket(Bucket=out["S3BucketName"])
    assert tarn.sql("SELECT 1 AS a", "--workspace", "foreign") == [{"a": 1}]
    # The jar that ran is the one that the template names, and the token is shown nowhere.
    token = next(e for e in aws.functions.events)["ResourceProperties"]["sessionToken"]
    assert token not in "\n".join(events) and token not in json.dumps(stack, default=str)


def test_the_session_token_is_this_stacks_alone(aws, tarn, made):
    account = Account(tarn)
    event = next(e for e in aws.functions.events if e["RequestType"] == "Create")
    token = {"Authorization": f"Bearer {event['ResourceProperties']['sessionToken']}"}
    other = made.rsplit("/", 1)[0] + "/00000000-0000-4000-8000-000000000000"
    assert account.call("GET", "/workspaces", headers={**token, "X-Tarn-Stack-Id": other}).status_code == 403
    assert account.call("GET", "/workspaces", headers={**token, "X-Tarn-Stack-Id": made}).status_code == 200
    fresh = {"Authorization": f"Bearer {account.session()['SessionToken']}"}
    assert account.call("GET", "/workspaces", headers=fresh).status_code == 403  # no stack has used it


def test_an_update_gives_the_workspace_another_role(aws, tarn, made):
    before = outputs(finished(aws, made)[0])
    given = {**Account(tarn).session(), "ArtifactSourceBucket": "artifacts", "IamRoleName": "named-by-the-update"}
    aws.client("cloudformation").update_stack(
        StackName=made, UsePreviousTemplate=True, Parameters=parameters(given), Capabilities=["CAPABILITY_NAMED_IAM"])
    stack, events = finished(aws, made)
    assert stack["StackStatus"] == "UPDATE_COMPLETE", "\n".join(events)
    after = outputs(stack)
    assert after["WorkspaceIamRoleArn"].endswith(":role/named-by-the-update"), after
    assert after["WorkspaceId"] == before["WorkspaceId"] and after["CredentialsId"] != before["CredentialsId"]
    everything = Account(tarn).everything()
    assert [w["credentials_id"] for w in everything["workspaces"]] == [after["CredentialsId"]]
    assert [c["credentials_id"] for c in everything["credentials"]] == [after["CredentialsId"]]


def test_a_name_that_may_not_change_is_refused_and_the_update_is_taken_back(aws, tarn, made):
    before = Account(tarn).everything()
    given = {**Account(tarn).session(), "ArtifactSourceBucket": "artifacts", "IamRoleName": "named-by-the-update", "WorkspaceName": "renamed"}
    aws.client("cloudformation").update_stack(
        StackName=made, UsePreviousTemplate=True, Parameters=parameters(given), Capabilities=["CAPABILITY_NAMED_IAM"])
    stack, events = finished(aws, made)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", "\n".join(events)
    assert any(e.startswith("createWorkspace UPDATE_FAILED") for e in events), events
    after = Account(tarn).everything()
    assert [w["workspace_name"] for w in after["workspaces"]] == ["foreign"]
    assert [w["workspace_status"] for w in after["workspaces"]] == ["RUNNING"]
    assert {c["credentials_id"] for c in before["credentials"]} <= {c["credentials_id"] for c in after["credentials"]}


def test_deleting_the_stack_leaves_nothing_on_either_side(aws, tarn, made):
    aws.client("cloudformation").delete_stack(StackName=made)
    stack, events = finished(aws, made)
    assert stack["StackStatus"] == "DELETE_COMPLETE", "\n".join(events)
    assert Account(tarn).everything() == {"credentials": [], "storage-configurations": [], "workspaces": []}
    assert [b["Name"] for b in aws.client("s3").list_buckets()["Buckets"]] == ["artifacts"]
    assert aws.client("iam").list_roles()["Roles"] == []
    assert aws.client("lambda").list_functions()["Functions"] == []
    folders = sorted(p.name for p in (tarn.home / "storage").iterdir() if not p.name.startswith("tarn-"))
    assert folders == [], folders


def test_a_stack_whose_workspace_cannot_be_made_leaves_nothing(aws, tarn):
    given = {**Account(tarn).session(), "ArtifactSourceBucket": "artifacts", "AccountId": "00000000-0000-0000-0000-000000000000"}
    stack_id = aws.client("cloudformation").create_stack(
        StackName=STACK, TemplateBody=TEMPLATE.read_text(), Parameters=parameters(given), Capabilities=["CAPABILITY_NAMED_IAM"])["StackId"]
    stack, events = finished(aws, stack_id)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE", "\n".join(events)
    assert Account(tarn).everything() == {"credentials": [], "storage-configurations": [], "workspaces": []}
    aws.client("cloudformation").delete_stack(StackName=stack_id)
    finished(aws, stack_id)
    assert [b["Name"] for b in aws.client("s3").list_buckets()["Buckets"]] == ["artifacts"]
