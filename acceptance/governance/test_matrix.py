"""Who may do what (server/src/test/resources/dev/tarn/access/matrix.md), on a real engine: each operation as SQL and as a DataFrame of
plain PySpark, by tables and by file paths, with each of its smallest sets of privileges (done) and with each of these less one element
(refused). As a part of the whole gate each row has one of its sets, which the seed chooses."""

import contextlib
import io
import itertools
import random
import re

import pytest
from conftest import ROOT
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service.catalog import AwsIamRoleRequest, PermissionsChange, Privilege, VolumeType
from databricks.sdk.service.sql import StatementState
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

TABLE = ROOT / "server/src/test/resources/dev/tarn/access/matrix.md"
USAGE = ["USE CATALOG catalog", "USE SCHEMA schema"]
# What a refusal looks like: of what is seen, and of what is not.
REFUSALS = re.compile(r"INSUFFICIENT_PERMISSIONS|Insufficient privileges|_NOT_FOUND\b|_DOES_NOT_EXIST|does not exist|PATH_NOT_FOUND")
TYPES = {"catalog": "catalog", "schema": "schema", "table": "table", "view": "table", "function": "function", "volume": "volume",
         "location": "external_location", "credential": "storage_credential", "metastore": "metastore"}

# What only somebody who may gets to hear, of what cannot be done twice.
PAST = {"Create an external location": "overlap"}


class Row:
    def __init__(self, line):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        self.operation, self.sql, self.frame = cells[1], cells[4].strip("` "), cells[5].strip("` ")
        self.sql = self.sql + "`" if self.sql.count("`") % 2 else self.sql
        self.sets = [list(itertools.chain(*(USAGE if element == "U" else [element] for element in one.split(" + "))))
                     for one in cells[6].split(" or ") if not one.startswith("REST: ")]


ROWS = [Row(line) for line in TABLE.read_text().splitlines() if line.startswith("| ") and not line.startswith("| Operation")]
# How somebody who may finds it in what the statement gives.
FOUND = {"Find a table in a list": "t", "Find a schema in a list": "s", "Find a catalog in a list": "{catalog}",
         "Find a function in a list": "{function}", "Find a volume in a list": "v", "Find an external location in a list": "{location}",
         "Find a storage credential in a list": "{credential}"}


class World:
    """A catalog with one of everything, its administrator, the user, and the definer of its view and function."""

    def __init__(self, account, home):
        self.warehouse = account.warehouse
        self.admin = WorkspaceClient(host=account.url, token=account.workspace_token)
        self.user_name, token, _ = account.person("matrix-user")
        self.definer_name, _, _ = account.person("matrix-definer")
        self.user = WorkspaceClient(host=account.url, token=token)
        self.spark, self.admin_spark = account.spark(token), account.spark()
        self.me = self.admin.current_user.me().user_name
        self.numbers = itertools.count()
        self.metastore = self.admin.metastores.current().metastore_id
        self.account = account
        self.administer(self.me)  # who may name the owner of what reads with its owner's rights
        location = next(one for one in self.admin.external_locations.list() if one.name.startswith("workspace_"))
        self.root = location.url.rstrip("/")
        self.given = {"location": location.name, "credential": location.credential_name}
        # The workspace's own must not be what is given away and dropped; the stack has another bucket.
        self.spare = {"location": "matrix_location", "credential": "matrix_credential"}
        here = next(one for one in account.ask("GET", f"{account.path}/workspaces") if one["workspace_id"] == account.workspace)
        role = account.ask("GET", f"{account.path}/credentials/{here['credentials_id']}")["aws_credentials"]["sts_role"]["role_arn"]
        self.role = AwsIamRoleRequest(role)
        self.bucket = next(home.glob("storage/*lambdazips*")).name
        self.names, self.owners, self.grants = {}, {}, set()
        self.where = self.given
        self.locations()
        self.renew()

    def administer(self, owner):
        """As the account's administrator says, whoever administers the metastore now."""
        said = self.account.ask("PUT", f"{self.account.path}/metastores/{self.metastore}", {"metastore_info": {"owner": owner}})
        assert said["metastore_info"]["owner"] == owner

    def run(self, client, statement):
        """Its rows, or the text that it fails with."""
        answer = client.statement_execution.execute_statement(statement, self.warehouse, wait_timeout="50s")
        if answer.status.state == StatementState.SUCCEEDED:
            return [tuple(row) for row in (answer.result.data_array or [])] if answer.result else []
        return answer.status.error.message

    def done(self, statement):
        rows = self.run(self.admin, statement.format(**self.names))
        assert isinstance(rows, list), f"{statement}: {rows}"
        return rows

    def renew(self):
        """A new catalog: the last one was dropped, or is of no use any more."""
        catalog = f"mx{next(self.numbers)}"
        self.names = {
            "catalog": catalog, "schema": f"{catalog}.s", "table": f"{catalog}.s.t", "view": f"{catalog}.s.v", "function": f"{catalog}.s.f",
            "volume": f"{catalog}.s.v", **self.where, "metastore": self.metastore,
            "user": f"`{self.user_name}`", "path": f"{self.root}/matrix/{catalog}/data"}
        self.owners = {one: self.owners.get(one) for one in ("location", "credential", "metastore")}
        self.grants = {one for one in self.grants if one[2] in self.owners}
        self.admin.catalogs.create(catalog)
        self.admin.schemas.create("s", catalog)
        self.table()
        self.view()
        self.function()
        self.admin.volumes.create(catalog, "s", "v", VolumeType.MANAGED)
        self.file()
        self.admin_spark.range(1).write.mode("overwrite").csv(self.names["path"])

    def leave(self):
        self.nobody()
        self.spark.stop()
        self.admin_spark.stop()
        self.admin.catalogs.delete(self.names["catalog"], force=True)
        self.without_locations()

    def without_locations(self):
        with contextlib.suppress(NotFound):
            self.admin.external_locations.delete("matrix_location", force=True)
        with contextlib.suppress(NotFound):
            self.admin.storage_credentials.delete("matrix_credential", force=True)

    def locations(self):
        self.without_locations()
        self.admin.storage_credentials.create("matrix_credential", aws_iam_role=self.role)
        self.admin.external_locations.create("matrix_location", f"s3://{self.bucket}/matrix", "matrix_credential")

    def use(self, row):
        """The location that has the row's path in it, or one that nothing is in."""
        self.nobody()
        self.where = self.given if "{path}" in row.sql + row.frame else self.spare
        self.names.update(self.where)

    def table(self):
        self.done("CREATE TABLE {table} (id INT NOT NULL)")

    def view(self):
        self.done("CREATE VIEW {view} AS SELECT * FROM {table}")
        self.own("view", self.definer_name)

    def function(self):
        self.done("CREATE FUNCTION {function}(x INT) RETURNS BOOLEAN RETURN x = (SELECT max(id) FROM {table})")
        self.own("function", self.definer_name)

    def file(self):
        self.admin.files.upload(f"/Volumes/{self.names['catalog']}/s/v/f.csv", io.BytesIO(b"1\n"), overwrite=True)

    def own(self, what, owner):
        name = self.names[what]
        {"table": lambda: self.admin.tables.update(name, owner=owner),
         "view": lambda: self.admin.tables.update(name, owner=owner),
         "function": lambda: self.admin.functions.update(name, owner=owner),
         "schema": lambda: self.admin.schemas.update(name, owner=owner),
         "catalog": lambda: self.admin.catalogs.update(name, owner=owner),
         "volume": lambda: self.admin.volumes.update(name, owner=owner),
         "location": lambda: self.admin.external_locations.update(name, owner=owner),
         "credential": lambda: self.admin.storage_credentials.update(name, owner=owner),
         "metastore": lambda: self.administer(owner)}[what]()

    def former(self, what):
        """Who owned it, to be given back."""
        name = self.names[what]
        return {"location": lambda: self.admin.external_locations.get(name).owner,
                "credential": lambda: self.admin.storage_credentials.get(name).owner}.get(
                    what, lambda: self.definer_name if what in ("view", "function") else self.me)()

    def arrange(self, elements):
        """Gives exactly these, and takes what was given before."""
        owned, grants = set(), set()
        for element in elements:
            who = self.definer_name if element.startswith("definer: ") else self.user_name
            privilege, what = element.removeprefix("definer: ").rsplit(" ", 1)
            if privilege == "OWN":
                owned.add(what)
            else:
                grants.add((who, Privilege(privilege.replace(" ", "_")), what))
        # The metastore last when it is given, first when it is taken back: who administers it may do all the rest.
        for what in sorted(set(self.owners) - owned, key=lambda one: one != "metastore"):
            former = self.owners.pop(what)
            if former:
                with contextlib.suppress(NotFound):  # it was dropped, which was the operation
                    self.own(what, former)
        changes = {}
        for who, privilege, what in grants - self.grants:
            changes.setdefault((what, who), PermissionsChange(principal=who, add=[], remove=[])).add.append(privilege)
        for who, privilege, what in self.grants - grants:
            changes.setdefault((what, who), PermissionsChange(principal=who, add=[], remove=[])).remove.append(privilege)
        for (what, _), change in changes.items():
            with contextlib.suppress(*([] if change.add else [NotFound])):
                self.admin.grants.update(TYPES[what], self.names[what], changes=[change])
        self.grants = grants
        for what in sorted(owned - set(self.owners), key=lambda one: one == "metastore"):
            self.owners[what] = self.former(what)
            self.own(what, self.user_name)

    def nobody(self):
        self.arrange([])


@pytest.fixture(scope="module")
def world(account, instance):
    one = World(account, instance.home)
    try:
        yield one
    finally:
        one.leave()
        print(f"matrix on an engine: {COUNTS['allowed']} done, {COUNTS['refused']} refused")


COUNTS = {"allowed": 0, "refused": 0}


def by_sql(world, row):
    return world.run(world.user, row.sql.format(**world.names))


def by_frame(world, row):
    names = {"spark": world.spark, "df": None}
    if "df." in row.frame:
        names["df"] = world.spark.range(1).selectExpr("CAST(id AS INT) AS id")
    try:
        if row.operation in ("Find a schema in a list", "Use a schema"):
            world.spark.catalog.setCurrentCatalog(world.names["catalog"])
        made = eval(row.frame.format(**world.names), names)
        return [tuple(one) for one in (made.collect() if isinstance(made, DataFrame) else made or [])]
    except PySparkException as problem:
        return f"{problem.getCondition()}: {problem.getMessage()}"
    finally:
        world.spark.catalog.setCurrentCatalog("dev")


def allowed(row, answer, names):
    """Whether it was; anything else than a refusal is a failure of the test."""
    wanted = FOUND.get(row.operation)
    if isinstance(answer, list):
        return not wanted or any(wanted.format(**names) in one for one in answer)
    if PAST.get(row.operation, "nothing") in answer:
        return True
    assert REFUSALS.search(answer), f"{row.operation}: {answer}"
    return False


def undo(world, row):
    """Makes again what the operation took, and takes what it made."""
    world.nobody()
    operation, admin, names = row.operation, world.admin, world.names
    if operation in ("Drop a schema", "Drop a catalog"):
        with contextlib.suppress(NotFound):
            admin.catalogs.delete(names["catalog"], force=True)
        world.renew()
    elif operation == "Set a row filter":
        world.done("ALTER TABLE {table} DROP ROW FILTER")
    elif operation in ("Drop a table", "Rename a table", "Replace a table", "Give a table away", "Declare a primary key"):
        for name in (names["table"], f"{names['schema']}.renamed"):
            with contextlib.suppress(NotFound):
                admin.tables.delete(name)
        world.table()
    elif operation == "Drop a view" or operation == "Change the query of a view":
        with contextlib.suppress(NotFound):
            admin.tables.delete(names["view"])
        world.view()
    elif operation.startswith("Make a policy"):
        world.done(f"DROP POLICY p ON {operation.rsplit(' ', 1)[1]} {{{operation.rsplit(' ', 1)[1]}}}")
    elif operation in ("Drop a function", "Replace a function"):
        with contextlib.suppress(NotFound):
            admin.functions.delete(names["function"])
        world.function()
    elif operation == "Drop a volume":
        admin.volumes.create(names["catalog"], "s", "v", VolumeType.MANAGED)
        world.file()
    elif operation in ("Drop an external location", "Drop a storage credential"):
        world.locations()
    elif operation == "Write a volume":
        world.file()
    elif operation.startswith("Create a"):
        for forget in (lambda: admin.tables.delete(f"{names['schema']}.made"), lambda: admin.schemas.delete(f"{names['catalog']}.made", force=True),
                       lambda: admin.functions.delete(f"{names['schema']}.made"), lambda: admin.volumes.delete(f"{names['schema']}.made"),
                       lambda: admin.catalogs.delete("made", force=True), lambda: admin.external_locations.delete("made", force=True)):
            with contextlib.suppress(NotFound):
                forget()
    elif operation == "Grant on the metastore":
        admin.grants.update("metastore", world.metastore, changes=[
            PermissionsChange(principal=world.user_name, remove=[Privilege.CREATE_CATALOG])])
    elif operation in ("Grant on an external location", "Give an external location away"):
        world.locations()
    elif operation.startswith("Grant"):
        admin.catalogs.delete(names["catalog"], force=True)
        world.renew()


def tried(world, row, attempt, sets):
    world.use(row)
    for one in sets:
        for less in [None, *one]:
            world.arrange([element for element in one if element != less])
            done = allowed(row, answer := attempt(world, row), world.names)
            COUNTS["allowed" if done else "refused"] += 1
            if done:
                undo(world, row)
            assert done == (less is None), f"{row.operation} with {one} less {less}: {answer}"


@pytest.mark.parametrize("row", [row for row in ROWS if row.sql], ids=lambda row: row.operation)
def test_sql(world, row, whole, seed):
    tried(world, row, by_sql, random.Random(f"{seed} {row.operation}").sample(row.sets, 1) if whole else row.sets)


@pytest.mark.parametrize("row", [row for row in ROWS if row.frame], ids=lambda row: row.operation)
def test_data_frame(world, row, whole, seed):
    tried(world, row, by_frame, random.Random(f"{seed} {row.operation}").sample(row.sets, 1) if whole else row.sets)
