"""A cluster's whole life with real Spark, by the unmodified Python SDK and plain PySpark."""

import os
import signal

import pytest
from databricks.sdk import WorkspaceClient, errors
from databricks.sdk.service import compute
from pyspark.errors import PySparkException

from conftest import eventually


@pytest.fixture(scope="module")
def workspace(instance):
    env = instance.env()
    return WorkspaceClient(host=env["DATABRICKS_HOST"], token=env["DATABRICKS_TOKEN"])


@pytest.fixture(scope="module")
def cluster(workspace):
    details = workspace.clusters.create(
        cluster_name="acceptance",
        spark_version=workspace.clusters.select_spark_version(long_term_support=True),
        node_type_id=workspace.clusters.select_node_type(local_disk=True, min_memory_gb=8),
        num_workers=0,
        autotermination_minutes=30,
        spark_conf={"spark.sql.shuffle.partitions": "3"},
        custom_tags={"Team": "acceptance"},
    ).result()
    yield details
    workspace.clusters.permanent_delete(details.cluster_id)


def types(workspace, cluster):
    return [event.type.value for event in workspace.clusters.events(cluster.cluster_id, order=compute.GetEventsOrder.ASC)]


def test_it_runs_what_plain_pyspark_sends_with_its_own_settings(account, cluster):
    assert cluster.state == compute.State.RUNNING
    spark = account.spark(warehouse=cluster.cluster_id)
    assert spark.range(1000).selectExpr("sum(id)").collect()[0][0] == 499500
    assert spark.conf.get("spark.sql.shuffle.partitions") == "3"
    assert spark.sql("SELECT current_user()").collect()[0][0] == "admin@tarn.local"
    spark.stop()


def test_who_was_given_nothing_does_not_attach_and_who_was_does(account, workspace, cluster):
    user, token, _ = account.person("cluster-user", "USER")
    with pytest.raises(PySparkException) as refused:
        account.spark(token, warehouse=cluster.cluster_id).range(1).collect()
    assert "does not have CAN_ATTACH_TO" in str(refused.value)
    workspace.clusters.update_permissions(cluster.cluster_id, access_control_list=[
        compute.ClusterAccessControlRequest(user_name=user, permission_level=compute.ClusterPermissionLevel.CAN_ATTACH_TO)])
    spark = account.spark(token, warehouse=cluster.cluster_id)
    assert spark.sql("SELECT current_user()").collect()[0][0] == user
    spark.stop()


def test_restart_terminate_and_start_are_told_by_states_and_events(instance, workspace, cluster):
    workspace.clusters.restart(cluster.cluster_id).result()
    workspace.clusters.delete(cluster.cluster_id).result()
    with pytest.raises(errors.DatabricksError, match="unexpected state TERMINATED"):
        workspace.clusters.restart(cluster.cluster_id)
    started = workspace.clusters.start(cluster.cluster_id).result()
    assert started.state == compute.State.RUNNING and started.termination_reason is None
    assert types(workspace, cluster) == [
        "CREATING", "RUNNING", "RESTARTING", "RUNNING", "TERMINATING", "STARTING", "RUNNING"]
    [engine] = [each for each in instance.status()["engines"] if each["kind"] == "CLUSTER"]


def test_an_engine_that_is_killed_ends_its_cluster_with_the_cause(instance, workspace, cluster):
    [engine] = [each for each in instance.status()["engines"] if each["kind"] == "CLUSTER"]
    os.kill(engine["pid"], signal.SIGKILL)
    ended = eventually(lambda: (lambda now: now if now.state == compute.State.TERMINATED else None)(workspace.clusters.get(cluster.cluster_id)), 10)
    assert ended.termination_reason.code == compute.TerminationReasonCode.DRIVER_UNREACHABLE
    assert "killed" in ended.termination_reason.parameters["databricks_error_message"]
