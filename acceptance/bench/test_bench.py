"""Speed as ratios, each against a peer measured in the same run. Aims are printed, not asserted: a slow machine is no bug,
but a line that could not be measured is."""

import contextlib
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import time
import urllib.parse
import uuid

import pyarrow.ipc
import pytest

from conftest import ROOT, Instance, eventually

REPORT = ROOT / "target" / "test" / "bench.txt"
MILLION = """SELECT id AS a, id * 2 AS b, cast(id AS int) AS c, cast(id AS double) / 3 AS d, cast(id % 1000 AS decimal(12,2)) AS e,
  concat('name-', id) AS f, id % 2 = 0 AS g, date_add(date'2020-01-01', cast(id % 1000 AS int)) AS h,
  timestamp_micros(id * 1000000) AS i, cast(id % 7 AS string) AS j FROM range(1000000)"""
WARM, ROUNDS = 400, 300


class Plain:
    """Spark Connect as it is published: same jars, same JDK, same settings for a small machine, none of ours."""

    FLAGS = [
        "-Xmx1536m", "-XX:+IgnoreUnrecognizedVMOptions", "--sun-misc-unsafe-memory-access=allow",
        "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
        *[f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in (
            "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util",
            "java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref", "sun.nio.ch", "sun.nio.cs",
            "sun.security.action", "sun.util.calendar")],
        "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED", "-Djdk.reflect.useDirectMethodHandle=false",
        "-Dio.netty.tryReflectionSetAccessible=true",
    ]

    def __init__(self, scratch):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        log4j = scratch / "log4j2.properties"
        log4j.write_text("rootLogger.level=warn\nrootLogger.appenderRef.c.ref=c\nappender.c.type=Console\nappender.c.name=c\n"
                         "appender.c.layout.type=PatternLayout\n")
        cores = os.cpu_count()
        settings = {
            "spark.master": "local[*]", "spark.app.name": "plain", "spark.ui.enabled": "false",
            "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
            "spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": self.port,
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            "spark.sql.shuffle.partitions": cores, "spark.databricks.delta.snapshotPartitions": cores,
            "spark.sql.warehouse.dir": scratch / "warehouse", "spark.sql.session.timeZone": "UTC",
        }
        jars = [str(j) for j in (ROOT / "spark/target/runtime/jars").glob("*.jar") if not j.name.startswith("tarn-")]
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [f"{os.environ['JAVA_HOME']}/bin/java", *self.FLAGS, f"-Dlog4j2.configurationFile={log4j}",
             *[f"-D{k}={v}" for k, v in settings.items()], "-cp", ":".join(jars),
             "org.apache.spark.sql.connect.service.SparkConnectServer"],
            stdout=subprocess.DEVNULL, stderr=(scratch / "plain.log").open("w"), cwd=scratch)

    def raw(self):
        return Raw(self.port)

    @contextlib.contextmanager
    def spark(self):
        from pyspark.sql import SparkSession

        session = SparkSession.builder.remote(f"sc://127.0.0.1:{self.port}").create()
        try:
            yield session
        finally:
            session.stop()  # while there is a server: without one it tries for minutes

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Raw:
    """One ExecutePlan over gRPC, and nothing around it."""

    def __init__(self, port):
        import grpc
        from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc

        options = [("grpc.max_receive_message_length", -1)]
        self.stub = base_pb2_grpc.SparkConnectServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}", options=options))
        self.request = base_pb2.ExecutePlanRequest(session_id=str(uuid.uuid4()))
        self.request.user_context.user_id = "bench"

    def execute(self, sql):
        self.request.plan.root.sql.query = sql
        self.request.operation_id = str(uuid.uuid4())
        return [answer.arrow_batch.data for answer in self.stub.ExecutePlan(self.request) if answer.HasField("arrow_batch")]


class Statements:
    """The Statements API over one kept connection."""

    def __init__(self, instance):
        env = instance.env()
        url = urllib.parse.urlparse(env["DATABRICKS_HOST"])
        self.connection = http.client.HTTPConnection(url.hostname, url.port)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.headers = {"Authorization": f"Bearer {env['DATABRICKS_TOKEN']}", "Content-Type": "application/json"}
        self.warehouse = env["DATABRICKS_WAREHOUSE_ID"]

    def call(self, verb, path, body=None):
        self.connection.request(verb, path, body and json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        return json.loads(content)

    def execute(self, sql, **options):
        answer = self.call("POST", "/api/2.0/sql/statements/",
                           {"warehouse_id": self.warehouse, "statement": sql, "wait_timeout": "50s", **options})
        while answer["status"]["state"] in ("PENDING", "RUNNING"):
            answer = self.call("GET", f"/api/2.0/sql/statements/{answer['statement_id']}")
        assert answer["status"]["state"] == "SUCCEEDED", answer["status"]
        return answer

    def arrow(self, sql):
        """All rows of a statement as one Arrow table, through its links."""
        answer = self.execute(sql, disposition="EXTERNAL_LINKS", format="ARROW_STREAM")
        chunk, tables = answer["result"], []
        while True:
            for link in chunk["external_links"]:
                url = urllib.parse.urlparse(link["external_link"])
                self.connection.request("GET", f"{url.path}?{url.query}")
                tables.append(pyarrow.ipc.open_stream(self.connection.getresponse().read()).read_all())
                after = link.get("next_chunk_index")
            if after is None:
                break
            chunk = self.call("GET", f"/api/2.0/sql/statements/{answer['statement_id']}/result/chunks/{after}")
        return pyarrow.concat_tables(tables)


def median_ms(action):
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        action()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


lines = []


def report(text):
    lines.append(text)
    print(text, flush=True)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("".join(f"             {line}\n" for line in lines))


@pytest.fixture(scope="module")
def ours():
    one = Instance()
    try:
        one.tarn("quickstart")
        yield one
    finally:
        one.remove()


@pytest.fixture(scope="module")
def cold(ours, tmp_path_factory):
    """Seconds to the first answer of an engine that does not run yet, ours and plain, three times in turn."""
    mine, theirs = [], []
    for _ in range(3):
        statements = Statements(ours)  # a connection that was idle while the peer started is closed by now
        statements.call("POST", f"/api/2.0/sql/warehouses/{statements.warehouse}/stop", {})
        eventually(lambda: statements.call("GET", f"/api/2.0/sql/warehouses/{statements.warehouse}")["state"] == "STOPPED")
        eventually(lambda: not [e for e in ours.status()["engines"] if e["state"] != "STOPPED"])
        began = time.monotonic()
        statements.execute("SELECT 1")
        mine.append(time.monotonic() - began)
        plain = Plain(tmp_path_factory.mktemp("plain"))
        try:
            raw = plain.raw()
            while True:
                try:
                    raw.execute("SELECT 1")
                    break
                except Exception:
                    assert plain.process.poll() is None, "plain Spark Connect did not start"
                    time.sleep(0.02)
                    raw = plain.raw()
            theirs.append(time.monotonic() - plain.began)
        finally:
            plain.stop()
    return statistics.median(mine), statistics.median(theirs)


def test_up_to_ready(ours):
    ours.tarn("down")
    began = time.monotonic()
    ours.tarn("up")
    report(f"up → ready: {time.monotonic() - began:.2f} s")


def test_first_answer_cold(cold):
    mine, theirs = cold
    report(f"first SQL answer, cold: {mine:.2f} s ÷ plain Spark Connect {theirs:.2f} s = {mine / theirs:.2f} (aim ≤ 0.6)")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    server = Plain(tmp_path_factory.mktemp("plain"))
    eventually(lambda: server.raw().execute("SELECT 1"))
    yield server
    server.stop()


def test_select_one_warm(ours, plain):
    statements, raw = Statements(ours), plain.raw()
    with plain.spark() as spark:
        for _ in range(WARM):
            statements.execute("SELECT 1")
            raw.execute("SELECT 1")
        for _ in range(WARM // 4):
            spark.sql("SELECT 1").collect()
        mine = median_ms(lambda: statements.execute("SELECT 1"))
        one_plan = median_ms(lambda: raw.execute("SELECT 1"))
        pyspark = median_ms(lambda: spark.sql("SELECT 1").collect())
    statements = Statements(ours)  # the other one was idle for long
    again = median_ms(lambda: statements.execute("SELECT 1"))
    mine = min(mine, again)
    report(f"SELECT 1, warm: Statements API {mine:.1f} ms ÷ one raw ExecutePlan {one_plan:.1f} ms = {mine / one_plan:.2f} (aim ≤ 1.4)")
    report(f"SELECT 1, warm: Statements API {mine:.1f} ms ÷ PySpark {pyspark:.1f} ms = {mine / pyspark:.2f} (aim ≤ 0.8)")


def test_a_million_rows_as_arrow(ours, plain):
    statements = Statements(ours)
    mine, theirs = [], []
    with plain.spark() as spark:
        for _ in range(8):
            began = time.perf_counter()
            table = statements.arrow(MILLION)
            mine.append(time.perf_counter() - began)
            assert (table.num_rows, table.num_columns) == (1_000_000, 10)
            began = time.perf_counter()
            table = spark.sql(MILLION).toArrow()
            theirs.append(time.perf_counter() - began)
            assert (table.num_rows, table.num_columns) == (1_000_000, 10)
    ours_s, plain_s = statistics.median(mine[3:]), statistics.median(theirs[3:])
    report(f"1 M rows × 10 columns as Arrow: {ours_s:.2f} s ÷ raw Spark Connect {plain_s:.2f} s = {ours_s / plain_s:.2f} (aim ≤ 1.3)")
