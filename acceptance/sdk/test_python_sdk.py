"""The unmodified Python SDK: account objects to a RUNNING workspace, statements both ways, cancel, errors; PAT and OAuth."""

import base64
import concurrent.futures
import time
import urllib.request
import uuid

import pyarrow.ipc
import pytest
from databricks.sdk import AccountClient, WorkspaceClient, errors
from databricks.sdk.service import provisioning
from databricks.sdk.service.sql import (
    Disposition, ExecuteStatementRequestOnWaitTimeout, Format, StatementParameterListItem, StatementState)

from conftest import eventually


@pytest.fixture(scope="module")
def account(instance):
    env = instance.env("--account")
    return AccountClient(host=env["DATABRICKS_HOST"], token=env["DATABRICKS_TOKEN"], account_id=env["DATABRICKS_ACCOUNT_ID"])


@pytest.fixture(scope="module")
def pat(instance):
    env = instance.env()
    client = WorkspaceClient(host=env["DATABRICKS_HOST"], token=env["DATABRICKS_TOKEN"])
    client.warehouse = env["DATABRICKS_WAREHOUSE_ID"]
    return client


@pytest.fixture(scope="module")
def machine(instance, account, pat):
    """A service principal with a secret: account admin, and administrator of the workspace."""
    from databricks.sdk.service import iam

    principal = account.service_principals.create(
        display_name="acceptance", active=True, roles=[iam.ComplexValue(value="account_admin")])
    account.workspace_assignment.update(
        pat.get_workspace_id(), int(principal.id), permissions=[iam.WorkspacePermission.ADMIN])
    secret = account.service_principal_secrets.create(principal.id)
    assert secret.secret and secret.id
    return principal.application_id, secret.secret


@pytest.fixture(scope="module", params=["pat", "oauth-m2m"])
def workspace(request, instance, pat, machine):
    if request.param == "pat":
        return pat
    client = WorkspaceClient(
        host=pat.config.host, client_id=machine[0], client_secret=machine[1], auth_type="oauth-m2m")
    client.warehouse = pat.warehouse
    return client


@pytest.fixture(scope="module", params=["pat", "oauth-m2m"])
def any_account(request, account, machine):
    if request.param == "pat":
        return account
    return AccountClient(
        host=account.config.host, account_id=account.config.account_id, client_id=machine[0], client_secret=machine[1],
        auth_type="oauth-m2m")


def execute(workspace, statement, wait="50s", **options):
    return workspace.statement_execution.execute_statement(
        statement=statement, warehouse_id=workspace.warehouse, wait_timeout=wait, **options)


def rows(workspace, statement, **options):
    answer = execute(workspace, statement, **options)
    assert answer.status.state is StatementState.SUCCEEDED, answer.status
    return answer.result.data_array or []


def test_me_says_who_and_where(workspace, pat):
    me = workspace.current_user.me()
    assert me.id and me.user_name
    assert workspace.get_workspace_id() == pat.get_workspace_id()


def test_account_objects_lead_to_a_running_workspace(instance, any_account):
    """By hand what the stack does: role, bucket, credentials, storage configuration, workspace."""
    outputs = {o["OutputKey"]: o["OutputValue"] for o in instance.json("stack", "outputs")["Outputs"]}
    name = f"by-hand-{uuid.uuid4().hex[:8]}"
    credentials = any_account.credentials.create(
        credentials_name=name,
        aws_credentials=provisioning.CreateCredentialAwsCredentials(
            sts_role=provisioning.CreateCredentialStsRole(role_arn=outputs["WorkspaceIamRoleArn"])))
    with pytest.raises(errors.ResourceConflict if hasattr(errors, "ResourceConflict") else errors.DatabricksError):
        any_account.credentials.create(
            credentials_name=name,
            aws_credentials=provisioning.CreateCredentialAwsCredentials(
                sts_role=provisioning.CreateCredentialStsRole(role_arn=outputs["WorkspaceIamRoleArn"])))
    storage = any_account.storage.create(
        storage_configuration_name=name,
        root_bucket_info=provisioning.RootBucketInfo(bucket_name=outputs["S3BucketName"]))
    workspace = any_account.workspaces.create_and_wait(
        workspace_name=name, aws_region="us-east-1", credentials_id=credentials.credentials_id,
        storage_configuration_id=storage.storage_configuration_id)
    assert workspace.workspace_status is provisioning.WorkspaceStatus.RUNNING
    assert len(str(workspace.workspace_id)) == 16
    with pytest.raises(errors.DatabricksError):
        any_account.credentials.delete(credentials.credentials_id)
    with pytest.raises(errors.DatabricksError):
        any_account.storage.delete(storage.storage_configuration_id)
    client = WorkspaceClient(
        host=any_account.config.host, workspace_id=str(workspace.workspace_id), token=any_account.config.token,
        client_id=any_account.config.client_id, client_secret=any_account.config.client_secret,
        auth_type=any_account.config.auth_type)
    assert client.current_user.me().user_name and client.get_workspace_id() == workspace.workspace_id
    any_account.workspaces.delete(workspace.workspace_id)

    def gone():
        try:
            any_account.workspaces.get(workspace.workspace_id)
        except errors.NotFound:
            return True

    eventually(gone)
    any_account.storage.delete(storage.storage_configuration_id)
    any_account.credentials.delete(credentials.credentials_id)
    with pytest.raises(errors.NotFound):
        any_account.credentials.get(credentials.credentials_id)


def test_a_statement_with_typed_parameters(workspace):
    answer = rows(
        workspace,
        "SELECT :n + 1 AS n, :d AS d, :s AS s, CAST(:amount * 2 AS STRING) AS t, :nothing IS NULL AS x",
        parameters=[
            StatementParameterListItem(name="n", value="41", type="INT"),
            StatementParameterListItem(name="d", value="2024-02-29", type="DATE"),
            StatementParameterListItem(name="s", value="it's; DROP TABLE x --"),
            StatementParameterListItem(name="amount", value="12.50", type="DECIMAL(10,2)"),
            StatementParameterListItem(name="nothing"),
        ])
    assert answer == [["42", "2024-02-29", "it's; DROP TABLE x --", "25.00", "true"]]


def test_inline_chunks_hold_every_row_once(workspace):
    answer = execute(workspace, "SELECT id, repeat('x', 200) AS pad FROM range(50000)")
    assert answer.status.state is StatementState.SUCCEEDED, answer.status
    seen, chunk = [], answer.result
    while True:
        seen += [int(row[0]) for row in chunk.data_array]
        if chunk.next_chunk_index is None:
            break
        chunk = workspace.statement_execution.get_statement_result_chunk_n(answer.statement_id, chunk.next_chunk_index)
    assert sorted(seen) == list(range(50000)) == sorted(set(seen))
    assert answer.manifest.total_row_count == 50000


def test_arrow_links_need_no_token_and_carry_every_row(workspace):
    answer = execute(
        workspace, "SELECT id, cast(id AS decimal(20,3)) AS d, cast(id AS string) AS s FROM range(300000)",
        disposition=Disposition.EXTERNAL_LINKS, format=Format.ARROW_STREAM)
    assert answer.status.state is StatementState.SUCCEEDED, answer.status
    total, index = 0, 0
    while index is not None:
        chunk = workspace.statement_execution.get_statement_result_chunk_n(answer.statement_id, index)
        link = chunk.external_links[0]
        with urllib.request.urlopen(link.external_link) as stream:
            table = pyarrow.ipc.open_stream(stream.read()).read_all()
        total += table.num_rows
        index = link.next_chunk_index
    assert total == 300000


def test_row_and_byte_limits_truncate_and_say_so(workspace):
    answer = execute(workspace, "SELECT id FROM range(1000)", row_limit=7)
    assert len(answer.result.data_array) == 7 and answer.manifest.truncated
    answer = execute(workspace, "SELECT repeat('x', 1000) FROM range(1000)", byte_limit=20000)
    assert answer.manifest.truncated and 0 < len(answer.result.data_array) < 1000


def test_cancel_stops_the_work(workspace):
    slow = "SELECT count(*) FROM range(100000000000) WHERE sqrt(id) + sin(id) > 3"
    answer = execute(workspace, slow, wait="0s")
    eventually(lambda: workspace.statement_execution.get_statement(answer.statement_id).status.state is StatementState.RUNNING)
    workspace.statement_execution.cancel_execution(answer.statement_id)
    eventually(
        lambda: workspace.statement_execution.get_statement(answer.statement_id).status.state is StatementState.CANCELED, 20)
    began = time.monotonic()
    assert rows(workspace, "SELECT sum(id) FROM range(10000000)") == [["49999995000000"]]
    assert time.monotonic() - began < 60, "the canceled work still holds the cores"


def test_on_wait_timeout_cancel(workspace):
    answer = execute(
        workspace, "SELECT count(*) FROM range(100000000000) WHERE sqrt(id) + sin(id) > 3", wait="5s",
        on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CANCEL)
    assert answer.status.state is StatementState.CANCELED


def test_a_failed_statement_says_what_spark_said(workspace):
    answer = execute(workspace, "SELECT * FROM dev.default.no_such_table")
    assert answer.status.state is StatementState.FAILED
    assert "TABLE_OR_VIEW_NOT_FOUND" in answer.status.error.message
    answer = execute(workspace, "SELEC 1")
    assert "PARSE_SYNTAX_ERROR" in answer.status.error.message and "\tat " not in answer.status.error.message


def test_a_table_lives_in_the_catalog_the_api_shows(workspace, pat):
    name = f"t{uuid.uuid4().hex[:8]}"
    rows(workspace, f"CREATE TABLE dev.default.{name} (a INT, b DECIMAL(10,2) COMMENT 'money', c ARRAY<STRUCT<x: DATE>>)")
    rows(workspace, f"INSERT INTO dev.default.{name} VALUES (1, 2.50, array(named_struct('x', date'2024-01-01'))), (2, NULL, NULL)")
    table = workspace.tables.get(f"dev.default.{name}")
    assert [c.name for c in table.columns] == ["a", "b", "c"] and table.columns[1].comment == "money"
    assert table.columns[1].type_text == "decimal(10,2)" and table.table_type.value == "MANAGED"
    assert name in {t.name for t in workspace.tables.list("dev", "default")}
    assert rows(workspace, f"SELECT * FROM dev.default.{name} ORDER BY a") == [
        ["1", "2.50", '[{"x":"2024-01-01"}]'], ["2", None, None]]
    rows(workspace, f"ALTER TABLE dev.default.{name} ADD COLUMN d TIMESTAMP")
    assert [c.name for c in workspace.tables.get(f"dev.default.{name}").columns] == ["a", "b", "c", "d"]
    rows(workspace, f"DROP TABLE dev.default.{name}")
    with pytest.raises(errors.NotFound):
        workspace.tables.get(f"dev.default.{name}")


def test_a_catalog_made_by_the_api_is_there_for_sql_at_once(workspace):
    name = f"c{uuid.uuid4().hex[:8]}"
    workspace.catalogs.create(name)
    workspace.schemas.create("s", name)
    rows(workspace, f"CREATE TABLE {name}.s.t AS SELECT 1 AS a")
    assert [name] in rows(workspace, "SHOW CATALOGS")
    with pytest.raises(errors.DatabricksError):
        workspace.catalogs.delete(name)
    workspace.catalogs.delete(name, force=True)
    with pytest.raises(errors.NotFound):
        workspace.catalogs.get(name)


def test_twenty_callers_of_one_name_make_one_catalog(pat):
    name = f"race{uuid.uuid4().hex[:8]}"

    def create(_):
        try:
            pat.catalogs.create(name)
            return True
        except errors.DatabricksError:
            return False

    with concurrent.futures.ThreadPoolExecutor(20) as callers:
        assert sum(callers.map(create, range(20))) == 1
    pat.catalogs.delete(name, force=True)


def test_an_unbuilt_operation_is_not_found_at_once(workspace):
    began = time.monotonic()
    with pytest.raises(errors.NotFound) as refused:
        workspace.vector_search_indexes.get_index("a.b.c")
    assert refused.value.error_code == "ENDPOINT_NOT_FOUND" and time.monotonic() - began < 5


def test_tokens_end_when_they_are_told_to(pat):
    token = pat.tokens.create(comment="short", lifetime_seconds=3600)
    client = WorkspaceClient(host=pat.config.host, token=token.token_value, auth_type="pat")
    assert client.current_user.me().user_name == pat.current_user.me().user_name
    assert token.token_info.token_id in {t.token_id for t in pat.tokens.list()}
    pat.tokens.delete(token.token_info.token_id)
    with pytest.raises(errors.Unauthenticated):
        client.current_user.me()


def test_every_type_is_printed_as_the_service_prints_it(workspace):
    statement = """
      SELECT true AS a, cast(1 AS tinyint) AS b, cast(2 AS smallint) AS c, 3 AS d, 4L AS e, cast(1.5 AS float) AS f,
        cast(2.5 AS double) AS g, cast(1.10 AS decimal(10,2)) AS h, 'text' AS i, cast('bin' AS binary) AS j,
        date'2024-02-29' AS k, timestamp'2024-02-29 12:34:56.789' AS l, timestamp_ntz'2024-02-29 12:34:56' AS m,
        array(1, 2) AS n, map('k', 1) AS o, named_struct('x', 1, 'y', 'z') AS p, CAST(NULL AS string) AS q"""
    (row,) = rows(workspace, statement)
    assert row[:9] == ["true", "1", "2", "3", "4", "1.5", "2.5", "1.10", "text"]
    assert row[9] == base64.b64encode(b"bin").decode()
    assert row[10:] == [
        "2024-02-29", "2024-02-29T12:34:56.789Z", "2024-02-29T12:34:56.000", '["1","2"]', '{"k":"1"}', '{"x":"1","y":"z"}', None]
