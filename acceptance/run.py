"""Runs the groups of tests and closes with one line, `N passed, N failed`. Started by `./tarn test`.

A group that cannot run is a failure, and so is a skipped test. What needs no instance begins at once; beside it the Python
clients are installed and the AOT caches are made, which the other groups wait for; the longest of those start first. The
bench needs the machine for itself: it runs with --soak, or when it is asked for. What TARN_TEST_WHOLE says is for groups
that make fewer rounds as a part of the whole than when they are asked for by name.
"""

import argparse
import glob
import hashlib
import itertools
import os
import queue
import random
import shutil
import subprocess
import sys
import threading
import time
import venv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "target" / "test"
VENV = ROOT / "target" / "venv"

# In the order in which they start; a name is also a folder of acceptance/ (but for those that JUNIT and web run).
GROUPS = ["unit", "postgres", "web", "engine", "quickstart", "tpch", "scim", "sdk-go", "sdk", "connect", "compute", "governance", "foreign-process", "two-writers", "kill", "stack", "backup",
          "browser", "operations", "cloudformation"]
# One after the other on one instance, which the first of them has quickstarted.
TOGETHER = ["quickstart", "tpch", "scim", "sdk-go", "sdk", "connect", "compute", "governance", "foreign-process", "two-writers"]
ALONE = ["sql-tests", "bench"]

QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

began = time.monotonic()


def say(text):
    print(f"  {time.monotonic() - began:6.1f}s  {text}", flush=True)


def run(command, log, **options):
    with open(log, "wb") as out:
        return subprocess.call(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=ROOT, **options)


def prepare_venv():
    """The real clients, at pinned versions; made once, and again when the pins change."""
    wanted = (ROOT / "acceptance" / "requirements.txt").read_bytes()
    mark = VENV / hashlib.sha256(wanted).hexdigest()
    if mark.exists():
        return
    say("installing the Python clients")
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=True)
    log = REPORTS / "pip.log"
    if run([VENV / "bin" / "pip", "install", "-q", "--no-compile", "-r", "acceptance/requirements.txt"], log) != 0:
        raise RuntimeError(f"the Python clients could not be installed; see {log}")
    mark.touch()


def train():
    """The AOT caches that server and engines start with; made once for a build. Returns whether they are there."""
    log = REPORTS / "train.log"
    say("training the AOT caches, unless they are there")
    trained = run([ROOT / "tarn", "train"], log) == 0
    if not trained:
        say(f"FAILED the AOT caches could not be made; see {log}")
    return trained


def unit(log, soak):
    """The JUnit tests of all modules but `spark`, and the formatter; jars stay as they are, instances run from them."""
    return junit(log, [module for module in MODULES if module != "spark"], "-Dspark.skipTests=true", "spotless:check", "test")


def postgres(log, soak):
    """The server's tests again, on PostgreSQL, and those of two control planes. Left out is only what is tagged so."""
    return junit(log, ["server"], "-pl", "server", "-am", "-DskipTests", "-Dserver.skipTests=false", "-Ddatabase=postgres",
                 f"-DexcludedGroups={'none' if soak else 'database-blind'}", "test")


def engine(log, soak):
    """The JUnit tests of what runs inside an engine; they start engines of their own."""
    return junit(log, ["spark"], "-pl", "spark", "-am", "-DskipTests", "-Dspark.skipTests=false", "test")


def compile_tests():
    """Of all modules, before two of the groups that run them would do it at once in the same folders."""
    log = REPORTS / "compile.log"
    say("compiling the tests")
    if maven(log, "-q", "-T", "2", "test-compile") != 0:
        raise RuntimeError(f"the tests could not be compiled; see {log}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-25:]))


def maven(log, *arguments):
    # What the build makes by running programs (the console, the samples, lists of operations) is there already.
    command = ["mvn", "-B", "-Dmaven.test.failure.ignore=true", "-Dexec.skip=true", *arguments]
    # Its compilers and the tests are over before the JVM's second compiler pays off (as in pom.xml for the tests).
    return run(command, log, env={**os.environ, "MAVEN_OPTS": f"{os.environ.get('MAVEN_OPTS', '')} {QUICK}"})


def junit(log, modules, *arguments):
    reports = [str(ROOT / module / "target/surefire-reports/TEST-*.xml") for module in modules]
    for report in itertools.chain(*map(glob.glob, reports)):
        os.remove(report)
    code = maven(log, *arguments)
    return code, [*itertools.chain(*map(glob.glob, reports))]


MODULES = [path.parent.name for path in ROOT.glob("*/pom.xml")]
JUNIT = {"unit": unit, "postgres": postgres, "engine": engine}
def web(log):
    """The console: types against the server's, lint, components, and what its built files weigh."""
    report = ROOT / "web" / "target" / "vitest.xml"
    report.unlink(missing_ok=True)
    check = "npx --no tsc --noEmit && npx --no oxlint --deny-warnings && npx --no vitest run --reporter=default --reporter=junit --outputFile=target/vitest.xml"
    code = run(["bash", "-c", f"cd web && {check}"], log)
    return code, [report] if report.exists() else []


def acceptance(names, log, arguments):
    report = REPORTS / f"{names[0]}.xml"
    report.unlink(missing_ok=True)
    soak = arguments.soak
    environment = {**os.environ, "TARN_TEST_SEED": str(arguments.seed), "TARN_SOAK": "1" if soak else "",
                   "TARN_TEST_WHOLE": "" if soak or arguments.only else "1"}
    if names[0] != "bench" and (names[0] in ALONE or not soak):
        # Most JVMs of the gate live for a minute, and those of sql-tests run nothing twice: the second compiler, and a collector in threads, cost more than they give there
        # (as in pom.xml).
        environment |= {"TARN_SERVER_JVM_OPTIONS": QUICK, "TARN_ENGINE_JVM_OPTIONS": QUICK}
    for variable in ["TARN_HOME", "TARN_PORT", *[v for v in environment if v.startswith("DATABRICKS_")]]:
        environment.pop(variable, None)
    code = run(
        [VENV / "bin" / "python", "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "--rootdir=acceptance", f"--junitxml={report}",
         *[f"acceptance/{name}" for name in names]],
        log,
        env=environment,
    )
    return code, [report] if report.exists() else []


def count(reports, folder=""):
    """Passed tests of a folder, and the names of those that did not: failed, broken or skipped."""
    passed, failed = 0, []
    for report in reports:
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}".lstrip(".")
            if not name.startswith(folder):
                continue
            if any(case.find(kind) is not None for kind in ("failure", "error", "skipped")):
                failed.append(name)
            else:
                passed += 1
    return passed, failed


def run_groups(names, arguments, totals):
    """Groups that run as one, each of which is counted."""
    start = time.monotonic()
    say(f"{', '.join(names)} …")
    log = REPORTS / f"{names[0]}.log"
    if names[0] in JUNIT:
        code, reports = JUNIT[names[0]](log, arguments.soak)
    elif names == ["web"]:
        code, reports = web(log)
    else:
        code, reports = acceptance(names, log, arguments)
    counted = {name: count(reports, f"{name}." if len(names) > 1 else "") for name in names}
    failures = any(failed for _, failed in counted.values())
    for name, (passed, failed) in counted.items():
        if passed + len(failed) == 0 or (code != 0 and not failures):
            failed.append(f"{name}: the group itself failed (exit code {code})")
        totals.append((passed, len(failed)))
        say(f"{name}: {passed} passed, {len(failed)} failed in {time.monotonic() - start:.0f}s"
            + (f" with {len(names) - 1} more" if len(names) > 1 else ""))
        for test in failed[:20]:
            print(f"           FAILED {test}")
    if any(failed for _, failed in counted.values()):
        print(f"           log: {log}")
        print("           " + "\n           ".join(log.read_text(errors="replace").splitlines()[-25:]))
    if names == ["bench"]:
        print((REPORTS / "bench.txt").read_text() if (REPORTS / "bench.txt").exists() else "")


def main():
    parser = argparse.ArgumentParser(prog="tarn test", description=__doc__)
    parser.add_argument("--only", action="append", choices=[*GROUPS, *ALONE], help="run one group (may be repeated)")
    parser.add_argument("--soak", action="store_true", help="the long rounds and the bench too")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31), help="of the random tests")
    arguments = parser.parse_args()
    REPORTS.mkdir(parents=True, exist_ok=True)
    print(f"seed {arguments.seed}; logs in {REPORTS}", flush=True)
    wanted = arguments.only or [*GROUPS, *(ALONE if arguments.soak else [])]
    totals, problems = [], []
    # The server's tests share its target folder, so they run one after the other; the others of these need no instance.
    first, second = (["unit", "postgres"], ["web", "engine"])
    needs_instances = not set(wanted) <= {*first, *second}
    waiting = queue.SimpleQueue()
    for name in [group for group in GROUPS if group in wanted and group not in first + second]:
        names = [group for group in TOGETHER if group in wanted] if name in TOGETHER else [name]
        if name == names[0]:
            waiting.put(names)
    compiled, prepared = threading.Event(), threading.Event()

    def run_some(names):
        try:
            run_groups(names, arguments, totals)
        except Exception as problem:  # they count as failed, the others go on
            totals.append((0, len(names)))
            say(f"{', '.join(names)}: {problem!r}")

    def lane(first_of_all):
        first_of_all()
        prepared.wait()
        while not problems:
            try:
                run_some(waiting.get_nowait())
            except queue.Empty:
                return

    def begin(step, done):
        try:
            step()
        except Exception as problem:
            problems.append(problem)
        finally:
            done.set()

    def prepare():
        if needs_instances:
            prepare_venv()
            if not train():  # a failure, and yet no reason not to try the rest
                totals.append((0, 1))

    def at_once(names):
        for name in [name for name in names if name in wanted]:
            if name in JUNIT:
                compiled.wait()
                if problems:
                    return
            run_some([name])

    def tests_of_modules():
        begin(compile_tests if set(wanted) & set(JUNIT) else lambda: None, compiled)
        at_once(first)

    lanes = [
        threading.Thread(target=lane, args=(lambda: begin(prepare, prepared),)),
        threading.Thread(target=lane, args=(tests_of_modules,)),
        # One more than there are cores: rounds of kills and races wait for most of their time.
        threading.Thread(target=lane, args=(lambda: at_once(second),)),
    ]
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()
    for name in [group for group in ALONE if group in wanted and not problems]:
        run_some([name])
    for problem in problems:
        say(f"not all groups were run: {problem}")
        totals.append((0, 1))
    passed, failed = (sum(column) for column in zip(*totals))
    say("done")
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if failed == 0 else 1)


if __name__ == "__main__":
    main()
