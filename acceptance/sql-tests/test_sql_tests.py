"""Spark's own SQL query tests: governed, and with every right granted, Spark answers as plain Spark does.

The inputs are those inside Spark's published test jar. A file counts when plain Spark 4.2, asked through Connect, gives what
the file itself expects: the schema of each answer, or the class of each error. It is then run by an ordinary user on a
warehouse, and all is compared: schema, rows, error class. A managed table is one of Delta in Unity Catalog, so on both sides
these are of Delta whatever the file says, and plain Spark must give what the file expects all the same.

It takes long, so this group runs with --soak (all files) or when it is asked for by name (until 160 files count).
"""

import decimal
import itertools
import json
import logging
import math
import os
import random
import re
import socket
import subprocess
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from conftest import ROOT, eventually

logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)  # errors are answers here

JAR = "org/apache/spark/spark-sql_2.13/4.2.0/spark-sql_2.13-4.2.0-tests.jar"
ENOUGH = 150
PATIENCE = 300  # seconds for a file on one side: some multiply tables for minutes
REPORT = ROOT / "target" / "test" / "sql-tests.txt"

# Why a file is not looked at: it is about something else than answers.
LEFT_OUT = {
    "explain": "prints plans, with paths and numbers of expressions",
    "udf/": "wants user-defined functions that the suite registers in Spark's own process",
    "udaf": "the same",
    "udtf": "the same",
    "show-": "prints what there is in the catalog, which differs",
    "describe": "prints owners, paths and times",
    "variant/": "needs the suite's own files",
    "scripting/randomly_generated_scripts": "its loops end because UPDATE fails on tables of parquet; on those of Delta they never do",
}

# What a statement prints of the catalog: paths, owners, times. Of these the schema is compared, or the error.
PRINTS = re.compile(r"\s*(DESC(RIBE)?\b.*\b(EXTENDED|FORMATTED)\b|SHOW\s|EXPLAIN\s)", re.I | re.S)

MANAGED = re.compile(r"(\bCREATE\s+(?:OR\s+REPLACE\s+)?TABLE\b(?:(?!\bLOCATION\b|;).)*?\bUSING\s+)(parquet|orc|json|csv)\b", re.I | re.S)

# What differs by intention, by the error class that the governed engine gives instead.
MEANT = {
    "INSUFFICIENT_PERMISSIONS": "refused in shared modes, whoever asks",
}


def jar():
    repository = Path(os.environ.get("MAVEN_REPOSITORY", Path.home() / ".m2/repository"))
    if not (repository / JAR).exists():
        subprocess.run(
            ["mvn", "-q", "-B", "dependency:get", "-Dartifact=org.apache.spark:spark-sql_2.13:4.2.0:jar:tests", "-Dtransitive=false",
             f"-Dmaven.repo.local={repository}"], check=True, timeout=600, stdout=subprocess.DEVNULL)
    return repository / JAR


class File:
    """One file of the suite: the statements as its results spell them, and what each is expected to give."""

    def __init__(self, archive, name):
        self.name = name
        text = archive.read(f"sql-tests/results/{name}.sql.out").decode()
        self.cases = []
        for block in re.split(r"^-- !query\n", text, flags=re.M)[1:]:
            statement, rest = block.split("\n-- !query schema\n", 1)
            schema, output = rest.split("\n-- !query output\n", 1)
            if not re.search(r"\bLOCATION\b|\bpath\b", statement, re.I):
                statement = MANAGED.sub(r"\1DELTA", statement)
            self.cases.append((statement, schema, output.strip()))
        self.settings = {}
        inputs = [archive.read(f"sql-tests/inputs/{name}.sql").decode()]
        for imported in re.findall(r"^--IMPORT (.*)$", inputs[0], re.M):
            inputs.append(archive.read(f"sql-tests/inputs/{imported.strip()}").decode())
        for line in re.findall(r"^--SET (.*)$", "\n".join(inputs), re.M):
            for pair in re.split(r",(?=spark\.)", line.strip()):
                key, _, value = pair.partition("=")
                self.settings[key.strip()] = value.strip()
        if name.startswith("nonansi/"):
            self.settings["spark.sql.ansi.enabled"] = "false"
        if name.startswith("timestampNTZ/"):
            self.settings["spark.sql.timestampType"] = "TIMESTAMP_NTZ"


def files():
    with zipfile.ZipFile(jar()) as archive:
        known = {n for n in archive.namelist() if n.startswith("sql-tests/results/")}
        names = [n.removeprefix("sql-tests/inputs/").removesuffix(".sql") for n in archive.namelist()
                 if n.startswith("sql-tests/inputs/") and n.endswith(".sql")]
        return [File(archive, n) for n in sorted(names)
                if f"sql-tests/results/{n}.sql.out" in known and not any(n.startswith(left) for left in LEFT_OUT)]


def plain_value(value):
    """A value as it can be compared: doubles to 12 digits, since sums may be added in another order."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else float(f"{value:.12g}")
    if isinstance(value, dict):
        return sorted((repr(plain_value(k)), repr(plain_value(v))) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return [plain_value(v) for v in value]
    return str(value) if isinstance(value, decimal.Decimal) else value


def answered(spark, statement):
    """(schema, rows in an order of their own) or the error class."""
    try:
        frame = spark.sql(statement)
        schema = frame.schema.simpleString()
        rows = frame.collect()
        return schema, [] if PRINTS.match(statement) else sorted(repr(plain_value(tuple(row))) for row in rows)
    except PySparkException as refused:
        return refused.getCondition() or type(refused).__name__
    except Exception as problem:  # of the client: what Arrow or Python cannot hold
        return f"client {type(problem).__name__}"


def outcomes(session, file, place):
    """What each statement of a file gives, in a session and a schema of its own."""
    done = threading.Event()

    def interrupt():
        """Again and again: a script's handler may take it for an error of its own, and each statement wants one."""
        pause = PATIENCE
        while not done.wait(pause):
            session.interruptAll()
            pause = 5

    threading.Thread(target=interrupt, daemon=True).start()
    try:
        session.conf.set("spark.sql.session.timeZone", "America/Los_Angeles")
        for key, value in file.settings.items():
            try:
                session.conf.set(key, value)
            except PySparkException:
                return None
        for statement in place:
            session.sql(statement)
        return [answered(session, statement) for statement, _, _ in file.cases]
    finally:
        done.set()
        session.stop()


def as_expected(case, outcome):
    _, schema, output = case
    failure = re.match(r"[\w.$]+(Exception|Error)\n(\{.*)", output, re.S)
    if failure:
        try:
            expected = json.loads(failure.group(2)).get("errorClass") or json.loads(failure.group(2)).get("condition")
        except json.JSONDecodeError:
            expected = None
        return isinstance(outcome, str) and (expected is None or outcome == expected)
    # A command's answer has no schema in the file.
    return not isinstance(outcome, str) and (schema == "struct<>" or outcome[0] == schema)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Spark 4.2 as it is published, with its Connect server."""
    folder = tmp_path_factory.mktemp("plain")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [f"-Dspark.{k}={v}" for k, v in {
        "connect.grpc.binding.port": port, "connect.grpc.binding.address": "127.0.0.1", "ui.enabled": "false", "master": "local[2]",
        "driver.host": "127.0.0.1", "sql.shuffle.partitions": 2, "sql.warehouse.dir": folder / "warehouse",
        "sql.sources.parallelPartitionDiscovery.parallelism": 2, "databricks.delta.snapshotPartitions": 2,
        "sql.sources.default": "delta", "sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog"}.items()]
    opens = [f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in (
        "java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent"
        " java.util.concurrent.atomic jdk.internal.ref sun.nio.ch sun.nio.cs sun.security.action sun.util.calendar").split()]
    java = os.path.join(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [java, "-Xmx2g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Duser.timezone=UTC", *opens, "--sun-misc-unsafe-memory-access=allow",
             "--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector", *options,
             "-cp", str(ROOT / "spark/target/runtime/jars/*"), "org.apache.spark.sql.connect.service.SparkConnectServer"],
            cwd=folder, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "LC_ALL": "C.UTF-8"})
    try:
        def up():
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            with socket.create_connection(("127.0.0.1", port), 1):
                return True
        eventually(up, 120)
        yield lambda: SparkSession.builder.remote(f"sc://127.0.0.1:{port}").create()
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def governed(account):
    """An ordinary user who was granted everything on one catalog."""
    user, token, _ = account.person("sql-tests")
    admin = account.spark()
    admin.sql("CREATE CATALOG sql_tests")
    admin.sql(f"GRANT ALL PRIVILEGES ON CATALOG sql_tests TO `{user}`")
    admin.stop()
    return lambda: account.spark(token)


class Comparison:
    """Files in an order of chance, two at a time, until enough of them pass on plain Spark; with --soak all of them."""

    def __init__(self, plain, governed, enough):
        self.plain, self.governed, self.enough = plain, governed, enough
        self.found = {}  # file → (how many statements, what differs)
        self.runs = itertools.count()

    def of(self, file):
        """(how many statements, what differs); None when plain Spark does not give what the file expects."""
        schema = f"s{next(self.runs)}"
        expected = outcomes(self.plain(), file, [f"CREATE SCHEMA {schema}", f"USE {schema}"])
        if expected is None or not all(as_expected(c, o) for c, o in zip(file.cases, expected)):
            return None
        found = outcomes(self.governed(), file, [f"CREATE SCHEMA sql_tests.{schema}", f"USE sql_tests.{schema}"])
        if found is None:
            return len(file.cases), [(file.name, "a setting", "SET", "allowed", "refused")]
        return len(file.cases), [(file.name, i, case[0], e, f) for i, (case, e, f) in enumerate(zip(file.cases, expected, found)) if e != f]

    def one(self, file):
        if len(self.found) < self.enough and (result := self.of(file)):
            self.found[file] = result
            with REPORT.open("a") as report:  # what is known so far, for a run that is cut off
                report.write(f"{len(self.found)} {file.name}: {result[0]} statements, {len(result[1])} differ\n")

    def run(self, all_files):
        with ThreadPoolExecutor(2) as two:
            list(two.map(self.one, all_files))
        # Two files may name the same thing outside their schemas: what differs is looked at again alone.
        for file in [file for file, (_, differences) in self.found.items() if differences]:
            if again := self.of(file):
                self.found[file] = again
            else:
                del self.found[file]


def test_governed_spark_answers_as_plain_spark_does(plain, governed, soak, seed):
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("")
    comparison = Comparison(plain, governed, 10_000 if soak else ENOUGH + 10)
    comparison.run(random.Random(seed).sample(all_files := files(), len(all_files)))
    passing, statements = len(comparison.found), sum(number for number, _ in comparison.found.values())
    differences = list(itertools.chain(*(found for _, found in comparison.found.values())))
    meant = [d for d in differences if isinstance(d[4], str) and d[4] in MEANT]
    report = [f"{passing} files, {statements} statements, {len(differences)} differ ({len(meant)} by intention)"]
    report += [f"{d[0]} #{d[1]}: {d[2][:200]!r}\n    plain:    {str(d[3])[:300]}\n    governed: {str(d[4])[:300]}" for d in differences]
    REPORT.write_text("\n".join(report))
    print("\n".join(report[:60]))
    assert passing >= ENOUGH, f"{passing} files pass on plain Spark (expected: {ENOUGH} or more)"
    assert len(differences) < max(1, statements / 100), "\n".join(report[:40])
