"""Spark Connect: plain PySpark, unmodified, on a warehouse; who calls is whom the token says, whatever the client claims."""

import threading
import time
import uuid

import grpc
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from conftest import eventually


@pytest.fixture(scope="module")
def spark(account):
    session = account.spark()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def other(account):
    """Another administrator of the workspace."""
    return account.person("connect-other", "ADMIN")


def test_dataframes_read_and_write_tables(spark):
    numbers = spark.range(100_000).withColumn("k", F.col("id") % 7)
    numbers.write.mode("overwrite").saveAsTable("default.connected")
    counted = {row.k: row["count"] for row in spark.table("default.connected").groupBy("k").count().collect()}
    assert counted == {k: 14286 if k < 5 else 14285 for k in range(7)}
    assert len(spark.table("default.connected").toPandas()) == 100_000
    spark.sql("DROP TABLE default.connected")


def test_a_large_frame_of_the_client_goes_up_and_comes_back(spark):
    rows = [(i, "x" * 1000) for i in range(20_000)]
    assert spark.createDataFrame(rows, "id BIGINT, text STRING").agg(F.sum(F.length("text"))).collect()[0][0] == 20_000_000


def test_an_error_is_spark_s_own(spark):
    with pytest.raises(PySparkException) as refused:
        spark.sql("SELECT nope FROM VALUES (1) AS t(a)").collect()
    assert refused.value.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION"


def test_who_asks_is_who_the_token_says(account, other):
    user, token, _ = other
    claimed = account.spark(token, user_id="admin@tarn.local")
    assert claimed.sql("SELECT current_user()").collect()[0][0] == user
    claimed.stop()


def test_the_same_session_id_of_another_person_is_another_session(account, other):
    same = str(uuid.uuid4())
    mine, theirs = account.spark(session_id=same), account.spark(other[1], session_id=same)
    mine.range(1).createOrReplaceTempView("only_mine")
    assert mine.table("only_mine").count() == 1
    with pytest.raises(PySparkException) as refused:
        theirs.table("only_mine").count()
    assert refused.value.getCondition() == "TABLE_OR_VIEW_NOT_FOUND"
    theirs.stop()
    assert mine.table("only_mine").count() == 1, "who ends a session ends only its own"
    mine.stop()


@pytest.mark.parametrize("told, code, says", [
    ({"token": "dapi" + "0" * 32}, grpc.StatusCode.UNAUTHENTICATED, "Invalid access token"),
    ({"warehouse": "0" * 16}, grpc.StatusCode.NOT_FOUND, "SQL warehouse 0000000000000000 does not exist"),
])
def test_who_may_not_is_told_why(account, told, code, says):
    with pytest.raises(Exception) as refused:
        account.spark(**told).sql("SELECT 1").collect()
    assert code.name in str(refused.value) and says in str(refused.value)


def test_a_claimed_principal_is_not_handed_on(account, other):
    """What signs principals is the control plane: a header of the client's reaches no driver."""
    session = account.spark(other[1], **{"x-tarn-principal": "forged.forged"})
    assert session.sql("SELECT current_user()").collect()[0][0] == other[0]
    session.stop()


def test_who_is_out_of_the_workspace_is_out_of_its_sessions_within_two_seconds(account):
    _, token, user = account.person("connect-leaver", "ADMIN")
    session, ended = account.spark(token), []

    def run():
        try:
            session.sql("SELECT count(*) FROM range(2000000) a CROSS JOIN range(2000000) b"
                        " WHERE sha2(concat(a.id, '-', b.id), 512) = ''").collect()
        except Exception as problem:
            ended.append((time.monotonic(), problem))

    assert session.sql("SELECT 1").collect()[0][0] == 1
    runs = threading.Thread(target=run)
    runs.start()
    time.sleep(2)
    assert not ended
    out = time.monotonic()
    account.ask("PUT", f"{account.path}/workspaces/{account.workspace}/permissionassignments/principals/{user}", {"permissions": []})
    eventually(lambda: ended, 10)
    runs.join(10)
    assert ended[0][0] - out < 2, ended
    with pytest.raises(Exception):
        session.sql("SELECT 1").collect()
