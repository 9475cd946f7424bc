"""Two people on one warehouse: each sees exactly what was granted, by SQL, by the Python SDK and by plain PySpark."""

import io

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, PolicyInfo, PolicyType, Privilege, SecurableType
from databricks.sdk.service.sql import StatementState
from pyspark.errors import PySparkException

TABLE = "governed.sales.orders"


class Person:
    def __init__(self, account, name, *permissions):
        self.email, self.token, _ = account.person(name, *permissions)
        self.warehouse = account.warehouse
        self.sdk = WorkspaceClient(host=account.url, token=self.token)
        self.spark = account.spark(self.token)

    def rows(self, statement):
        """The rows of a statement, or the text of what it is refused with."""
        answer = self.sdk.statement_execution.execute_statement(statement, self.warehouse)
        if answer.status.state == StatementState.SUCCEEDED:
            return answer.result.data_array or [] if answer.result else []
        return answer.status.error.message


@pytest.fixture(scope="module")
def owner(account):
    """Owns a catalog with a table, and a view of some of its rows."""
    one = Person(account, "governed-owner", "ADMIN")
    one.sdk.catalogs.create("governed")
    for statement in (
            "CREATE SCHEMA governed.sales",
            f"CREATE TABLE {TABLE} (id INT, region STRING, card STRING)",
            f"INSERT INTO {TABLE} VALUES (1, 'EU', '4111'), (2, 'US', '4222')",
            f"CREATE VIEW governed.sales.european AS SELECT id, region FROM {TABLE} WHERE region = 'EU'"):
        assert isinstance(one.rows(statement), list), one.rows(statement)
    yield one
    one.spark.stop()


@pytest.fixture(scope="module")
def reader(account):
    one = Person(account, "governed-reader")
    yield one
    one.spark.stop()


def change(owner, kind, name, reader, add=(), remove=()):
    owner.sdk.grants.update(kind, name, changes=[PermissionsChange(principal=reader.email, add=list(add), remove=list(remove))])


def refused(call):
    with pytest.raises(PySparkException) as problem:
        call()
    assert problem.value.getCondition() == "INSUFFICIENT_PERMISSIONS", problem.value
    assert problem.value.getSqlState() == "42501"
    return str(problem.value)


def test_who_was_granted_nothing_sees_nothing(owner, reader):
    assert "TABLE_OR_VIEW_NOT_FOUND" in reader.rows(f"SELECT * FROM {TABLE}")
    with pytest.raises(PySparkException) as unknown:
        reader.spark.table(TABLE).collect()
    assert unknown.value.getCondition() == "TABLE_OR_VIEW_NOT_FOUND"
    assert "governed" not in [row.catalog for row in reader.spark.sql("SHOW CATALOGS").collect()]
    assert "governed" not in [c.name for c in reader.sdk.catalogs.list()]
    with pytest.raises(PermissionDenied):
        reader.sdk.tables.get(TABLE)


def test_a_name_that_is_wrong_tells_nothing_of_a_table_one_may_not_see(owner, reader):
    assert "card" not in reader.rows(f"SELECT nope FROM {TABLE}")


def test_a_view_shows_what_its_owner_may_see_and_no_more(owner, reader):
    change(owner, "catalog", "governed", reader, [Privilege.USE_CATALOG])
    change(owner, "schema", "governed.sales", reader, [Privilege.USE_SCHEMA])
    change(owner, "table", "governed.sales.european", reader, [Privilege.SELECT])
    assert reader.rows("SELECT id FROM governed.sales.european") == [["1"]]
    assert [row.id for row in reader.spark.table("governed.sales.european").collect()] == [1]
    assert "SELECT on Table" in reader.rows(f"SELECT * FROM {TABLE}")
    assert "SELECT on Table" in refused(lambda: reader.spark.sql(f"SELECT e.id FROM governed.sales.european e JOIN {TABLE} o USING (id)").collect())


def test_a_view_that_evolves_has_the_columns_of_its_table_whoever_reads_it_first(owner, reader):
    for statement in ("CREATE TABLE governed.sales.grows (id INT)",
                      "CREATE VIEW governed.sales.evolves WITH SCHEMA EVOLUTION AS SELECT * FROM governed.sales.grows",
                      "DROP TABLE governed.sales.grows",
                      "CREATE TABLE governed.sales.grows (id BIGINT, more STRING)"):
        assert owner.rows(statement) == [], statement
    change(owner, "table", "governed.sales.evolves", reader, [Privilege.SELECT])
    assert reader.spark.table("governed.sales.evolves").columns == ["id", "more"]
    found = reader.sdk.tables.get("governed.sales.evolves")
    assert [(c.name, c.type_text) for c in found.columns] == [("id", "bigint"), ("more", "string")]
    assert found.owner == owner.email
    for statement in "DROP VIEW governed.sales.evolves", "DROP TABLE governed.sales.grows":
        assert owner.rows(statement) == [], statement


def test_information_schema_has_for_each_reader_what_is_theirs_to_see(owner, reader):
    tables = "SELECT table_name FROM {}.information_schema.tables WHERE table_catalog = 'governed' AND table_schema = 'sales' ORDER BY 1"
    grants = "SELECT grantee, privilege_type FROM governed.information_schema.table_privileges WHERE table_name = 'european' AND inherited_from = 'NONE'"
    for catalog in "governed", "system":
        assert owner.rows(tables.format(catalog)) == [["european"], ["orders"]]
        assert reader.rows(tables.format(catalog)) == [["european"]]
    assert [row.table_name for row in reader.spark.sql(tables.format("system")).collect()] == ["european"]
    assert owner.rows(grants) == reader.rows(grants) == [[reader.email, "SELECT"]]
    columns = "SELECT DISTINCT table_name FROM governed.information_schema.columns WHERE table_schema = 'sales'"
    assert reader.rows(columns) == [["european"]]
    made = reader.rows("SELECT count(*), max(created) IS NOT NULL FROM governed.information_schema.schemata WHERE schema_name = 'sales'")
    assert made == [["1", "true"]]
    assert owner.rows(f"ALTER TABLE {TABLE} SET TAGS ('k' = 'v')") == []
    tags = "SELECT table_name, tag_name, tag_value FROM governed.information_schema.table_tags"
    assert owner.rows(tags) == [["orders", "k", "v"]] and reader.rows(tags) == []


def test_every_view_of_information_schema_answers(reader):
    views = [row[1] for row in reader.rows("SHOW TABLES IN system.information_schema")]
    assert len(views) >= 30
    assert {view: rows for view in views if not isinstance(rows := reader.rows(f"SELECT * FROM system.information_schema.{view} LIMIT 1"), list)} == {}


def test_select_is_not_modify_and_a_revoke_bites_on_the_next_execution(owner, reader):
    change(owner, "table", TABLE, reader, [Privilege.SELECT])
    frame = reader.spark.table(TABLE)
    assert frame.count() == 2 and len(reader.rows(f"SELECT * FROM {TABLE}")) == 2
    assert "MODIFY on Table" in reader.rows(f"DELETE FROM {TABLE}")
    assert "MODIFY on Table" in refused(lambda: reader.spark.range(1).selectExpr("3 AS id", "'EU' AS region", "'x' AS card").writeTo(TABLE).append())
    reader.spark.sql(f"CACHE TABLE kept AS SELECT * FROM {TABLE}")
    assert reader.spark.table("kept").count() == 2
    change(owner, "table", TABLE, reader, remove=[Privilege.SELECT])
    refused(frame.count)
    refused(lambda: reader.spark.table("kept").count())
    assert "SELECT on Table" in reader.rows(f"SELECT * FROM {TABLE}")
    assert len(owner.rows(f"SELECT * FROM {TABLE}")) == 2


@pytest.mark.parametrize("attack", [
    "SELECT java_method('java.lang.System', 'getProperty', 'user.home')",
    "SELECT TRANSFORM(1) USING 'cat' AS (x)",
    "SELECT * FROM text.`file:///etc/passwd`",
    "SET spark.sql.catalog.evil=org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog",
    "CREATE GLOBAL TEMPORARY VIEW shared AS SELECT 1",
    "ADD JAR '/tmp/x.jar'",
])
def test_what_reaches_beyond_the_catalog_is_refused(reader, attack):
    assert "INSUFFICIENT" in str(reader.rows(attack)), reader.rows(attack)
    refused(lambda: reader.spark.sql(attack).collect())


def test_a_volume_is_one_place_for_files_sql_and_dataframes(owner, reader):
    files = "/Volumes/governed/sales/files"
    assert owner.rows("CREATE VOLUME governed.sales.files") == []
    owner.sdk.files.upload(f"{files}/in/a.csv", io.BytesIO(b"id,name\n1,one\n2,two\n"))
    assert "READ VOLUME on Volume 'governed.sales.files'" in reader.rows(f"SELECT * FROM csv.`{files}/in`")
    refused(reader.spark.read.csv(f"dbfs:{files}/in").collect)
    change(owner, "volume", "governed.sales.files", reader, [Privilege.READ_VOLUME])
    frame = reader.spark.read.csv(f"{files}/in/*.csv", header=True)
    assert [row.name for row in frame.select("name").collect()] == ["one", "two"]
    assert {row[0] for row in reader.rows(f"SELECT _metadata.file_path FROM csv.`{files}/in`")} == {f"dbfs:{files}/in/a.csv"}
    assert "WRITE VOLUME on Volume 'governed.sales.files'" in refused(lambda: frame.write.json(f"{files}/out"))
    owner.spark.read.csv(f"{files}/in", header=True).coalesce(1).write.json(f"{files}/out")
    part = next(entry.path for entry in reader.sdk.files.list_directory_contents(f"{files}/out") if entry.name.endswith(".json"))
    assert reader.sdk.files.download(part).contents.read() == b'{"id":"1","name":"one"}\n{"id":"2","name":"two"}\n'
    assert owner.rows("CREATE TABLE governed.sales.copied (id INT, name STRING)") == []
    copy = f"COPY INTO governed.sales.copied FROM '{files}/in' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true')"
    assert "MODIFY on Table 'governed.sales.copied'" in reader.rows(copy)
    assert [owner.rows(copy), owner.rows(copy)] == [[["2", "2", "0"]], [["0", "0", "0"]]]
    assert owner.rows("SELECT sum(id) FROM governed.sales.copied") == [["3"]]
    change(owner, "volume", "governed.sales.files", reader, remove=[Privilege.READ_VOLUME])
    refused(frame.collect)


def test_what_current_user_gives_is_not_shared_through_the_cache(owner, reader):
    text = "SELECT current_user() AS me"
    owner.spark.sql(text).cache().count()
    assert owner.spark.sql(text).collect()[0].me == owner.email
    assert reader.spark.sql(text).collect()[0].me == reader.email


def test_no_setting_of_the_engine_can_be_read(reader):
    for name in ("spark.connect.authenticate.token", "spark.hadoop.fs.s3a.secret.key", "spark.sql.extensions"):
        with pytest.raises(PySparkException):
            reader.spark.conf.get(name)


@pytest.fixture(scope="module")
def staff(owner, reader):
    """A table of which each sees their own row, and the card of nobody else whole."""
    name = "governed.sales.staff"
    change(owner, "catalog", "governed", reader, [Privilege.USE_CATALOG])
    change(owner, "schema", "governed.sales", reader, [Privilege.USE_SCHEMA])
    for statement in (
            f"CREATE TABLE {name} (who STRING, card STRING, pay INT)",
            f"INSERT INTO {name} VALUES ('{owner.email}', '4111', 1), ('{reader.email}', '4222', 2), ('nobody', '4333', 3)",
            "CREATE FUNCTION governed.sales.sees(who STRING) RETURNS BOOLEAN RETURN who = current_user() OR who = 'nobody' AND"
            " is_account_group_member('admins')",
            "CREATE FUNCTION governed.sales.last(card STRING, shown INT) RETURNS STRING RETURN concat('*', right(card, shown))",
            f"CREATE VIEW governed.sales.all_staff AS SELECT who, card FROM {name}",
            f"CREATE VIEW governed.sales.mine AS SELECT id FROM {TABLE} WHERE region = if(current_user() = '{owner.email}', 'EU', 'US')"):
        assert isinstance(owner.rows(statement), list), owner.rows(statement)
    for table in (name, "governed.sales.all_staff", "governed.sales.mine"):
        change(owner, "table", table, reader, [Privilege.SELECT])
    assert len(reader.rows(f"SELECT * FROM {name}")) == 3  # what is hidden below can be seen
    for statement in (
            f"ALTER TABLE {name} SET ROW FILTER governed.sales.sees ON (who)",
            f"ALTER TABLE {name} ALTER COLUMN card SET MASK governed.sales.last USING COLUMNS (2)"):
        assert owner.rows(statement) == [], owner.rows(statement)
    return name


def test_two_people_see_different_rows_of_one_table_through_a_filter_and_a_mask(owner, reader, staff):
    for one, card in ((owner, "*11"), (reader, "*22")):
        assert one.rows(f"SELECT who, card FROM {staff}") == [[one.email, card]]
        frame = one.spark.table(staff)
        assert [(row.who, row.card) for row in frame.collect()] == [(one.email, card)]
        assert frame.filter(frame.card == card).select(frame.card, frame["who"]).count() == 1
        assert frame.alias("a").join(frame.alias("b"), "who").count() == 1
        assert frame.filter("card like '%1'").count() == (1 if one is owner else 0)
        assert one.rows("SELECT who, card FROM governed.sales.all_staff") == [[one.email, card]]
    change(owner, "table", staff, reader, [Privilege.MODIFY])
    assert isinstance(reader.rows(f"UPDATE {staff} SET pay = pay + 10"), list)
    assert owner.rows(f"SELECT pay FROM {staff}") == [["1"]] and reader.rows(f"SELECT pay FROM {staff}") == [["12"]]
    assert "divide" not in str(reader.rows(f"SELECT * FROM {staff} WHERE 1 / (pay - 1) > 5")).lower()


def test_two_people_see_different_rows_through_a_dynamic_view_and_a_cached_query(owner, reader, staff):
    for one, row in ((owner, "1"), (reader, "2")):
        assert one.rows("SELECT id FROM governed.sales.mine") == [[row]]
        one.spark.sql(f"CACHE TABLE kept_staff AS SELECT * FROM {staff}")
        one.spark.table("governed.sales.mine").cache().count()
    for one, row in ((owner, 1), (reader, 2)):
        assert [each.id for each in one.spark.table("governed.sales.mine").collect()] == [row]
        assert [each.who for each in one.spark.table("kept_staff").collect()] == [one.email]
        assert [each.who for each in one.spark.table(staff).collect()] == [one.email]


def test_what_would_tell_of_hidden_rows_is_refused_to_the_owner_too(owner, staff):
    for statement in (f"DESCRIBE HISTORY {staff}", f"SELECT * FROM {staff} VERSION AS OF 1", f"TRUNCATE TABLE {staff}",
                      f"SELECT * FROM table_changes('{staff}', 0)"):
        assert "ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED" in owner.rows(statement), statement


def test_a_filter_that_is_set_or_dropped_and_a_revoke_bite_on_the_next_execution(owner, reader, staff):
    frame = reader.spark.table(staff)
    assert frame.count() == 1
    assert owner.rows(f"ALTER TABLE {staff} DROP ROW FILTER") == []
    assert frame.count() == 3
    assert owner.rows(f"ALTER TABLE {staff} SET ROW FILTER governed.sales.sees ON (who)") == []
    assert frame.count() == 1
    change(owner, "table", staff, reader, remove=[Privilege.SELECT])
    refused(frame.count)
    assert "SELECT on Table" in reader.rows(f"SELECT * FROM {staff}")
    assert len(owner.rows(f"SELECT * FROM {staff}")) == 1


def test_a_policy_masks_whatever_is_tagged_for_whom_it_is_and_a_change_bites_on_the_next_execution(owner, reader, staff):
    change(owner, "table", staff, reader, [Privilege.SELECT])
    for statement in (
            f"ALTER TABLE {staff} DROP ROW FILTER",
            f"ALTER TABLE {staff} ALTER COLUMN card DROP MASK",
            "CREATE FUNCTION governed.sales.tagged(value STRING, mark STRING) RETURNS STRING RETURN concat(mark, right(value, 1))",
            f"CREATE POLICY cards ON CATALOG governed COLUMN MASK governed.sales.tagged TO `account users` EXCEPT `{owner.email}`"
            " FOR TABLES WHEN has_tag_value('level', 'high') MATCH COLUMNS has_tag('pii') AS c ON COLUMN c USING COLUMNS ('#')"):
        assert owner.rows(statement) == [], owner.rows(statement)
    text = f"SELECT card FROM {staff} ORDER BY card"
    frame = reader.spark.table(staff).select("card").orderBy("card")
    plain = [["4111"], ["4222"], ["4333"]]
    assert reader.rows(text) == plain and [row.card for row in frame.collect()] == ["4111", "4222", "4333"]
    assert owner.rows("ALTER SCHEMA governed.sales SET TAGS ('level' = 'high')") == []
    assert reader.rows(text) == plain
    assert owner.rows(f"ALTER TABLE {staff} ALTER COLUMN card SET TAGS ('pii')") == []
    assert reader.rows(text) == [["#1"], ["#2"], ["#3"]] and [row.card for row in frame.collect()] == ["#1", "#2", "#3"]
    assert reader.rows("SELECT DISTINCT left(card, 1) FROM governed.sales.all_staff") == [["#"]]
    assert owner.rows(text) == plain
    assert "does not have" in reader.rows(f"SHOW POLICIES ON TABLE {staff}")
    inherited = owner.sdk.policies.list_policies("TABLE", staff, include_inherited=True)
    assert [(policy.name, policy.column_mask.on_column) for policy in inherited] == [("cards", "c")]
    # A second mask of the column is never chosen in silence.
    assert owner.rows(f"ALTER TABLE {staff} ALTER COLUMN card SET MASK governed.sales.last USING COLUMNS (2)") == []
    assert "2 different masks of column 'card'" in reader.rows(text)
    assert owner.rows(text) == [["*11"], ["*22"], ["*33"]]
    assert owner.rows(f"ALTER TABLE {staff} ALTER COLUMN card DROP MASK") == []
    owner.sdk.policies.update_policy("CATALOG", "governed", "cards", PolicyInfo(
        to_principals=["account users"], for_securable_type=SecurableType.TABLE, policy_type=PolicyType.POLICY_TYPE_COLUMN_MASK,
        except_principals=[owner.email, reader.email]), update_mask="except_principals")
    assert reader.rows(text) == plain
    assert owner.rows("DROP POLICY cards ON CATALOG governed") == []
    # A table is made with its masks, or not at all.
    assert "takes 2 arguments" in owner.rows("CREATE TABLE governed.sales.badges (code STRING MASK governed.sales.last)")
    assert "TABLE_OR_VIEW_NOT_FOUND" in owner.rows("SELECT * FROM governed.sales.badges")
    for statement in ("CREATE TABLE governed.sales.badges (code STRING MASK governed.sales.last USING COLUMNS (1))"
                      f" WITH ROW FILTER governed.sales.sees ON ('{owner.email}')", "INSERT INTO governed.sales.badges VALUES ('123')"):
        assert isinstance(owner.rows(statement), list), owner.rows(statement)
    assert owner.rows("SELECT * FROM governed.sales.badges") == [["*3"]]
