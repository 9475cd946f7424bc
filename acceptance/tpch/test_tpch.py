"""TPC-H over files another tool made: loaded by the unmodified Python SDK, asked 22 questions, compared with DuckDB."""

import decimal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.sql import Disposition, Format, StatementState

from queries import QUERIES, query

SCALE = 0.1
TABLES = ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"]


@pytest.fixture(scope="module")
def workspace(instance):
    env = instance.env()
    client = WorkspaceClient(host=env["DATABRICKS_HOST"], token=env["DATABRICKS_TOKEN"])
    client.warehouse = env["DATABRICKS_WAREHOUSE_ID"]
    return client


def execute(workspace, statement, **options):
    """One statement to its end; all rows, each value text or None."""
    answer = workspace.statement_execution.execute_statement(
        statement=statement, warehouse_id=workspace.warehouse, wait_timeout="50s", **options)
    while answer.status.state in (StatementState.PENDING, StatementState.RUNNING):
        answer = workspace.statement_execution.get_statement(answer.statement_id)
    assert answer.status.state is StatementState.SUCCEEDED, answer.status
    rows, chunk = [], answer.result
    while chunk is not None:
        rows += chunk.data_array or []
        if chunk.next_chunk_index is None:
            break
        chunk = workspace.statement_execution.get_statement_result_chunk_n(answer.statement_id, chunk.next_chunk_index)
    return [column.type_name.value for column in answer.manifest.schema.columns or []], rows


@pytest.fixture(scope="module")
def loaded(instance, workspace):
    """Parquet in the workspace's bucket, as tables of schema tpch; and the same files in DuckDB."""
    bucket = next(r["PhysicalResourceId"] for r in instance.json("stack", "resources")["StackResources"]
                  if r["LogicalResourceId"] == "workspaceS3Bucket")
    files = instance.home / "storage" / bucket / "incoming" / "tpch"
    files.mkdir(parents=True)
    subprocess.run(
        [str(Path(sys.executable).parent / "tpchgen-cli"), "parquet", "-s", str(SCALE), f"--output-dir={files}"],
        check=True, capture_output=True)
    peer = duckdb.connect()
    execute(workspace, "CREATE SCHEMA IF NOT EXISTS dev.tpch")
    for table in TABLES:
        name = f"{table}.parquet"
        execute(workspace, f"CREATE TABLE dev.tpch.{table} AS SELECT * FROM parquet.`s3://{bucket}/incoming/tpch/{name}`")
        peer.execute(f"CREATE TABLE {table} AS SELECT * FROM read_parquet('{files / name}')")
    return peer


def test_every_row_was_loaded(workspace, loaded):
    for table in TABLES:
        _, rows = execute(workspace, f"SELECT count(*) FROM dev.tpch.{table}")
        assert int(rows[0][0]) == loaded.execute(f"SELECT count(*) FROM {table}").fetchone()[0], table


def same(ours, theirs):
    """Text from the API against a value of DuckDB. A quotient or a mean of decimals has as many digits as Spark gives
    it and is a double in DuckDB; so it must agree to the last digit Spark prints, and everything else exactly."""
    if ours is None or theirs is None:
        return ours is None and theirs is None
    if isinstance(theirs, float):
        printed = decimal.Decimal(ours)
        last_digit = decimal.Decimal(1).scaleb(max(printed.as_tuple().exponent, -10))
        return abs(printed - decimal.Decimal(theirs)) <= last_digit
    if isinstance(theirs, decimal.Decimal):
        return decimal.Decimal(ours) == theirs
    if isinstance(theirs, int):
        return int(ours) == theirs
    return ours == str(theirs)


@pytest.mark.parametrize("number", sorted(QUERIES))
def test_a_query_has_the_same_values_as_duckdb(workspace, loaded, number):
    _, ours = execute(workspace, query(number, SCALE), catalog="dev", schema="tpch")
    theirs = loaded.execute(query(number, SCALE)).fetchall()
    assert len(ours) == len(theirs)
    assert theirs, "a query without rows compares nothing"
    for at, (our_row, their_row) in enumerate(zip(ours, theirs)):
        assert len(our_row) == len(their_row)
        for column, (our_value, their_value) in enumerate(zip(our_row, their_row)):
            assert same(our_value, their_value), (number, at, column, our_value, their_value)


def test_arrow_links_carry_the_same_rows_as_the_table(workspace, loaded):
    import pyarrow.ipc
    import urllib.request

    answer = workspace.statement_execution.execute_statement(
        statement="SELECT l_orderkey, l_linenumber, l_extendedprice, l_shipdate FROM dev.tpch.lineitem",
        warehouse_id=workspace.warehouse, disposition=Disposition.EXTERNAL_LINKS, format=Format.ARROW_STREAM, wait_timeout="50s")
    assert answer.status.state is StatementState.SUCCEEDED, answer.status
    peer, index = [], 0
    while index is not None:
        chunk = workspace.statement_execution.get_statement_result_chunk_n(answer.statement_id, index)
        link = chunk.external_links[0]
        with urllib.request.urlopen(link.external_link) as stream:
            table = pyarrow.ipc.open_stream(stream.read()).read_all()
        assert table.num_rows == link.row_count
        peer.append(table)
        index = link.next_chunk_index
    import pyarrow

    arrow = pyarrow.concat_tables(peer)
    assert arrow.num_rows == answer.manifest.total_row_count
    ours = duckdb.connect().from_arrow(arrow)
    digest = "SELECT count(*), sum(l_orderkey), sum(l_linenumber), sum(l_extendedprice), min(l_shipdate), max(l_shipdate) FROM "
    assert ours.query("t", digest + "t").fetchall() == loaded.execute(digest + "lineitem").fetchall()
