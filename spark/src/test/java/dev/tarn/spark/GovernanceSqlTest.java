package dev.tarn.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.connect.proto.Expression;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Our statements on an engine: what they ask of the server, and what they answer. */
class GovernanceSqlTest {
  private static final String TOKEN = "engine-token-of-the-test";

  @TempDir static Path folder;
  private static InMemoryCatalog catalog;
  private static TestEngine engine;
  private final ConnectSession alice = engine.session("42", "alice@example.com");

  @BeforeAll
  static void start() throws Exception {
    Files.createDirectories(folder.resolve("storage/root"));
    catalog = new InMemoryCatalog(TOKEN);
    catalog.createCatalog("main");
    engine = new TestEngine(Engine.class, folder, catalog, TOKEN, 600, TestEngine.UNCOMPILED);
  }

  @AfterAll
  static void stop() throws Exception {
    engine.stop();
    catalog.close();
  }

  @BeforeEach
  void nothingChanged() {
    catalog.governance.changes.clear();
    catalog.calls.clear();
  }

  // ---- privileges ----

  @Test
  void aGrantIsAChangeOfPermissionsAskedForThePrincipal() {
    assertThat(alice.sql("GRANT SELECT, use_schema, CREATE TABLE ON SCHEMA default TO `b@x.y`"))
        .isEmpty();
    assertChanged(
        "PATCH permissions/schema/main.default"
            + " {\"changes\":[{\"principal\":\"b@x.y\",\"add\":[\"SELECT\",\"USE_SCHEMA\",\"CREATE_TABLE\"]}]}");
    assertThat(catalog.calls)
        .contains("PATCH permissions/schema/main.default 42 " + alice.requestId);
    alice.sql("REVOKE USE SCHEMA ON SCHEMA main.default FROM `b@x.y`");
    assertThat(alice.sql("SHOW GRANTS ON SCHEMA default"))
        .isEqualTo(
            rows(
                row("b@x.y", "CREATE TABLE", "SCHEMA", "main.default"),
                row("b@x.y", "SELECT", "SCHEMA", "main.default")));
    alice.sql("REVOKE ALL PRIVILEGES, SELECT, CREATE TABLE ON SCHEMA default FROM `b@x.y`");
    assertThat(alice.sql("SHOW GRANTS ON SCHEMA default")).isEmpty();
  }

  @Test
  void showGrantsNamesWhereEachComesFrom() {
    alice.sql("GRANT USE CATALOG ON CATALOG TO `account users`");
    alice.sql("GRANT MODIFY ON `t \"🐟\"` TO bob");
    assertThat(alice.sql("SHOW GRANTS ON TABLE main.default.`t \"🐟\"`"))
        .isEqualTo(
            rows(
                row("bob", "MODIFY", "TABLE", "main.default.t \"🐟\""),
                row("account users", "USE CATALOG", "CATALOG", "main")));
    assertThat(alice.sql("SHOW GRANTS bob ON `t \"🐟\"`"))
        .isEqualTo(rows(row("bob", "MODIFY", "TABLE", "main.default.t \"🐟\"")));
    alice.sql("GRANT CREATE CATALOG ON METASTORE TO bob");
    assertChanged(
        "PATCH permissions/metastore/m-1"
            + " {\"changes\":[{\"principal\":\"bob\",\"add\":[\"CREATE_CATALOG\"]}]}");
    alice.sql("GRANT READ FILES ON EXTERNAL LOCATION `a-b` TO bob");
    assertChanged(
        "PATCH permissions/external_location/a-b"
            + " {\"changes\":[{\"principal\":\"bob\",\"add\":[\"READ_FILES\"]}]}");
  }

  @Test
  void parametersAreTextsAndNames() {
    alice.sql(
        "GRANT SELECT ON TABLE IDENTIFIER(:t) TO :who",
        Map.of("t", text("main.default.p"), "who", text("it's \"me\"")));
    assertThat(alice.sql("SHOW GRANTS ON TABLE p"))
        .isEqualTo(rows(row("it's \"me\"", "SELECT", "TABLE", "main.default.p")));
    assertThat(alice.sql("SELECT :a", Map.of("a", text("b")))).isEqualTo(rows(row("b")));
    alice.sql("EXECUTE IMMEDIATE 'REVOKE SELECT ON p FROM `it\\'s \"me\"`'");
    assertThat(alice.sql("SHOW GRANTS ON TABLE p")).isEmpty();
  }

  @Test
  void whatTheServerRefusesIsSaidInItsWords() {
    assertThatThrownBy(() -> alice.sql("GRANT SELECT ON TABLE t TO nobody"))
        .hasMessageContaining("Could not find principal: nobody");
    assertThatThrownBy(() -> alice.sql("GRANT EXECUTE ON TABLE t TO bob"))
        .hasMessageContaining("Privilege EXECUTE is not applicable to table/main.default.t");
    assertThatThrownBy(() -> alice.sql("ALTER SHARE s OWNER TO bob"))
        .hasMessageContaining("ALTER SHARE OWNER TO is not supported: No API found");
    assertThatThrownBy(() -> alice.sql("GRANT SELECT ON a.b.c.d TO bob"))
        .hasMessageContaining("a name of at most 3 parts");
    assertThatThrownBy(() -> alice.sql("GRANT SELECT TABLE t TO bob"))
        .hasMessageContaining("Syntax error at or near 'TO': expected");
  }

  // ---- catalogs, schemas, owners, comments ----

  @Test
  void aCatalogLivesItsWholeLife() {
    alice.sql("CREATE CATALOG life MANAGED LOCATION 's3://root/life' COMMENT 'it''s' ");
    assertThat(catalog.governance.changes.peek())
        .isEqualTo(
            "POST catalogs {\"storage_root\":\"s3://root/life\",\"comment\":\"it's\",\"name\":\"life\"}");
    assertThatThrownBy(() -> alice.sql("CREATE CATALOG life"))
        .hasMessageContaining("already exists");
    alice.sql("CREATE CATALOG IF NOT EXISTS life");
    catalog.createCatalog("other");
    alice.catalogsVersion = "of the whole life";
    assertThat(alice.sql("SHOW CATALOGS LIKE 'l*'")).isEqualTo(rows(row("life")));
    assertThat(alice.sql("SHOW CATALOGS")).contains(row("life"), row("main"));
    alice.sql("USE CATALOG life");
    assertThat(alice.sql("SELECT current_catalog()")).isEqualTo(rows(row("life")));
    alice.sql("ALTER CATALOG SET OWNER TO `the team`");
    alice.sql("COMMENT ON CATALOG life IS 'new'");
    assertThat(alice.sql("DESCRIBE CATALOG life"))
        .isEqualTo(
            rows(
                row("Catalog Name", "life"),
                row("Comment", "new"),
                row("Owner", "the team"),
                row("Catalog Type", "Regular")));
    assertThat(alice.sql("DESC CATALOG EXTENDED life"))
        .contains(row("Created At", "2023-11-14 22:13:20.000"));
    alice.sql("USE CATALOG main");
    alice.sql("DROP CATALOG life CASCADE");
    assertThatThrownBy(() -> alice.sql("DROP CATALOG life")).hasMessageContaining("does not exist");
    alice.sql("DROP CATALOG IF EXISTS life");
  }

  @Test
  void aSchemaMayHaveItsOwnLocationAndOwner() {
    alice.sql("CREATE SCHEMA placed MANAGED LOCATION 's3://root/x' WITH DBPROPERTIES (a.b = 'c')");
    assertThat(alice.sql("SHOW SCHEMAS")).contains(row("placed"));
    alice.sql("CREATE SCHEMA IF NOT EXISTS main.placed MANAGED LOCATION 's3://root/x'");
    alice.sql("ALTER SCHEMA placed OWNER TO bob");
    assertThat(alice.sql("DESCRIBE SCHEMA EXTENDED placed")).contains(row("Owner", "bob"));
    alice.sql("CREATE TABLE placed.t (id INT)");
    alice.sql("ALTER TABLE placed.t SET OWNER TO bob");
    assertThat(catalog.table("main", "placed", "t").path("owner").asText()).isEqualTo("bob");
    alice.sql("COMMENT ON COLUMN placed.t.id IS 'the id'");
    assertThat(alice.sql("DESCRIBE placed.t")).isEqualTo(rows(row("id", "int", "the id")));
  }

  // ---- keys ----

  @Test
  void keysAreTheServersAndOtherConstraintsDeltas() {
    alice.sql("CREATE TABLE parents (id INT NOT NULL, at TIMESTAMP NOT NULL)");
    alice.sql("CREATE TABLE children (id INT, parent INT)");
    alice.sql("ALTER TABLE parents ADD CONSTRAINT pk PRIMARY KEY (id, at TIMESERIES) RELY");
    assertChanged(
        "POST constraints {\"full_name_arg\":\"main.default.parents\",\"constraint\":{\"primary_key_constraint\":"
            + "{\"name\":\"pk\",\"child_columns\":[\"id\",\"at\"],\"timeseries_columns\":[\"at\"],\"rely\":true}}}");
    alice.sql(
        "ALTER TABLE main.default.children ADD FOREIGN KEY (parent) REFERENCES parents NOT ENFORCED");
    assertChanged(
        "POST constraints {\"full_name_arg\":\"main.default.children\",\"constraint\":{\"foreign_key_constraint\":"
            + "{\"child_columns\":[\"parent\"],\"parent_table\":\"main.default.parents\",\"name\":\"children_parents_fk\"}}}");
    alice.sql("ALTER TABLE children DROP FOREIGN KEY IF EXISTS (id)");
    assertThatThrownBy(() -> alice.sql("ALTER TABLE children DROP FOREIGN KEY (id)"))
        .hasMessageContaining("has no such foreign key, of [id]");
    alice.sql("ALTER TABLE children DROP FOREIGN KEY (PARENT)");
    assertChanged("DELETE constraints/main.default.children ");
    alice.sql("ALTER TABLE parents DROP PRIMARY KEY CASCADE");
    assertChanged("DELETE constraints/main.default.parents ");
    alice.sql("ALTER TABLE parents DROP PRIMARY KEY IF EXISTS");
    alice.sql("ALTER TABLE parents ADD PRIMARY KEY (id)");
    alice.sql("ALTER TABLE parents DROP CONSTRAINT parents_pk");
    assertChanged("DELETE constraints/main.default.parents ");

    alice.sql("ALTER TABLE children ADD CONSTRAINT positive CHECK (id > 0)");
    assertThatThrownBy(() -> alice.sql("INSERT INTO children VALUES (0, 0)"))
        .hasMessageContaining("positive");
    alice.sql("ALTER TABLE children DROP CONSTRAINT positive");
    alice.sql("INSERT INTO children VALUES (0, 0)");
    alice.sql("ALTER TABLE children DROP CONSTRAINT IF EXISTS positive");
    assertThatThrownBy(() -> alice.sql("CREATE TABLE inl (id INT NOT NULL PRIMARY KEY)"))
        .hasMessageContaining("UNSUPPORTED_FEATURE");
  }

  @Test
  void aDeepCloneHasTheRowsLayoutCommentsAndPropertiesOfItsSource() {
    alice.sql(
        "CREATE TABLE cloned (id INT COMMENT 'it''s', p STRING) PARTITIONED BY (p)"
            + " COMMENT 'all' TBLPROPERTIES ('a.b' = 'c\\\\d', 'delta.logRetentionDuration' = 'interval 7 days')");
    alice.sql("INSERT INTO cloned VALUES (1, 'x'), (2, 'y')");
    assertThat(alice.sql("CREATE TABLE clone1 DEEP CLONE cloned TBLPROPERTIES ('e' = 'f')").get(0))
        .element(3)
        .isEqualTo("2");
    assertThat(alice.sql("SELECT id, p FROM clone1 ORDER BY id"))
        .isEqualTo(rows(row("1", "x"), row("2", "y")));
    assertThat(alice.sql("SHOW TBLPROPERTIES clone1").toString())
        .contains("[a.b, c\\d]", "[delta.logRetentionDuration, interval 7 days]", "[e, f]");
    assertThat(alice.sql("DESCRIBE EXTENDED clone1").toString())
        .contains("[id, int, it's]", "# Partition Information", "[Comment, all, ]");
    alice.sql("CREATE TABLE IF NOT EXISTS clone1 CLONE cloned");
    assertThatThrownBy(() -> alice.sql("CREATE TABLE clone1 CLONE cloned"))
        .hasMessageContaining("already exists");
    assertThat(alice.sql("CREATE OR REPLACE TABLE clone1 CLONE main.default.cloned").get(0))
        .element(2)
        .isEqualTo("2");
    alice.sql("CREATE TABLE strict (id INT NOT NULL)");
    assertThatThrownBy(() -> alice.sql("CREATE TABLE clone2 CLONE strict"))
        .hasMessageContaining("would lose NOT NULL of column 'id'");
    assertThatThrownBy(() -> alice.sql("CREATE TABLE clone2 SHALLOW CLONE cloned"))
        .hasMessageContaining("expected: DEEP CLONE");
  }

  // ---- volumes, locations, tags, protection ----

  @Test
  void aVolumeLivesItsWholeLife() {
    alice.sql("CREATE VOLUME `a b` COMMENT 'first'");
    assertChanged(
        "POST volumes {\"volume_type\":\"MANAGED\",\"comment\":\"first\",\"catalog_name\":\"main\","
            + "\"schema_name\":\"default\",\"name\":\"a b\"}");
    alice.sql("CREATE VOLUME IF NOT EXISTS `a b`");
    alice.sql("CREATE EXTERNAL VOLUME main.default.outside LOCATION 's3://root/v'");
    assertThat(alice.sql("SHOW VOLUMES"))
        .isEqualTo(rows(row("default", "a b"), row("default", "outside")));
    assertThat(alice.sql("SHOW VOLUMES IN main.default LIKE 'OUT*'"))
        .isEqualTo(rows(row("default", "outside")));
    alice.sql("COMMENT ON VOLUME outside IS 'other'");
    alice.sql("ALTER VOLUME outside OWNER TO bob");
    assertThat(alice.sql("DESCRIBE VOLUME outside"))
        .isEqualTo(
            rows(row("outside", "main", "default", "bob", "s3://root/v", "EXTERNAL", "other")));
    alice.sql("ALTER VOLUME outside RENAME TO default.inside");
    assertChanged("PATCH volumes/main.default.outside {\"new_name\":\"inside\"}");
    alice.sql("DROP VOLUME outside");
    alice.sql("DROP VOLUME IF EXISTS outside");
    assertThatThrownBy(() -> alice.sql("LIST '/Volumes/main/default/a b/x'"))
        .hasMessageContaining("LIST is not supported");
  }

  @Test
  void locationsAndCredentialsAreTheServers() {
    alice.sql(
        "CREATE EXTERNAL LOCATION `a-b` URL 's3://root/x' WITH (STORAGE CREDENTIAL `c-d`) COMMENT 'z'");
    assertChanged(
        "POST external-locations {\"url\":\"s3://root/x\",\"comment\":\"z\",\"name\":\"a-b\","
            + "\"credential_name\":\"c-d\"}");
    assertThat(alice.sql("SHOW EXTERNAL LOCATIONS"))
        .isEqualTo(rows(row("a-b", "s3://root/x", "z")));
    assertThat(alice.sql("DESCRIBE EXTERNAL LOCATION `a-b`").get(0))
        .startsWith("a-b", "s3://root/x", "c-d", "alice@example.com");
    alice.sql("ALTER EXTERNAL LOCATION `a-b` SET URL 's3://root/y' FORCE");
    assertChanged("PATCH external-locations/a-b {\"url\":\"s3://root/y\",\"force\":true}");
    alice.sql("DROP EXTERNAL LOCATION `a-b`");
    assertThat(alice.sql("SHOW STORAGE CREDENTIALS")).isEmpty();
    assertThatThrownBy(() -> alice.sql("DESCRIBE STORAGE CREDENTIAL none"))
        .hasMessageContaining("none does not exist");
  }

  @Test
  void tagsFiltersAndMasksOfAServerThatHasNoneAreNotSupported() {
    for (String sql :
        List.of(
            "ALTER TABLE t SET TAGS ('a' = 'b')",
            "UNSET TAG ON COLUMN t.c a",
            "ALTER TABLE t SET ROW FILTER f ON (c)",
            "ALTER TABLE t ALTER COLUMN c DROP MASK",
            "UNDROP TABLE t",
            "SHOW TABLES DROPPED")) {
      assertThatThrownBy(() -> alice.sql(sql)).as(sql).hasMessageContaining("is not supported: No");
    }
    assertThat(catalog.governance.changes)
        .contains(
            "POST entity-tag-assignments {\"entity_type\":\"tables\",\"entity_name\":\"main.default.t\","
                + "\"tag_key\":\"a\",\"tag_value\":\"b\"}",
            "PUT tarn/tables/main.default.t/row-filter {\"input_column_names\":[\"c\"],"
                + "\"function_name\":\"main.default.f\"}");
  }

  @Test
  void aPolicyIsMadeReplacedInOneStepShownAndDropped() {
    String policy =
        "POLICY hide ON SCHEMA default COMMENT 'c' COLUMN MASK hidden TO `account users`, bob"
            + " EXCEPT `a@b.c` FOR TABLES WHEN has_tag_value('level', 'high')"
            + " MATCH COLUMNS has_tag('pii') AND NOT (hasTag('open')) AS c, has_tag('who') w"
            + " ON COLUMN c USING COLUMNS (w, 'x', 2)";
    String sent =
        "{\"name\":\"hide\",\"policy_type\":\"POLICY_TYPE_COLUMN_MASK\",\"for_securable_type\":\"TABLE\","
            + "\"on_securable_type\":\"SCHEMA\",\"comment\":\"c\",\"to_principals\":[\"account users\",\"bob\"],"
            + "\"except_principals\":[\"a@b.c\"],\"when_condition\":\"has_tag_value('level', 'high')\","
            + "\"match_columns\":[{\"condition\":\"has_tag('pii') AND NOT (hasTag('open'))\",\"alias\":\"c\"},"
            + "{\"condition\":\"has_tag('who')\",\"alias\":\"w\"}],"
            + "\"column_mask\":{\"on_column\":\"c\",\"using\":[{\"alias\":\"w\"},{\"constant\":\"x\"},{\"constant\":\"2\"}],"
            + "\"function_name\":\"main.default.hidden\"},\"on_securable_fullname\":\"main.default\"}";
    alice.sql("CREATE OR REPLACE " + policy);
    alice.sql("CREATE OR REPLACE " + policy);
    String patch = "PATCH policies/SCHEMA/main.default/hide " + sent;
    assertThat(catalog.governance.changes).containsExactly(patch, "POST policies " + sent, patch);
    assertThat(alice.sql("SHOW EFFECTIVE POLICIES ON SCHEMA default"))
        .isEqualTo(
            rows(
                row(
                    "hide",
                    "COLUMN MASK",
                    "main.default.hidden",
                    "account users, bob",
                    "a@b.c",
                    "SCHEMA",
                    "main.default")));
    assertThat(alice.sql("DESCRIBE POLICY hide ON SCHEMA default"))
        .contains(row("On Column", "c"), row("Using Columns", "w, 'x', '2'"))
        .contains(row("Match Columns", "has_tag('who') AS w"));
    alice.sql("DROP POLICY hide ON SCHEMA main.default");
    assertThat(alice.sql("SHOW POLICIES ON SCHEMA default")).isEmpty();
    assertThatThrownBy(() -> alice.sql("DROP POLICY hide ON SCHEMA default"))
        .hasMessageContaining("does not exist");
  }

  // ---- functions ----

  @Test
  void aStoredFunctionIsCalledByItsNameInExpressions() {
    alice.sql(
        "CREATE FUNCTION plus(x INT COMMENT 'the x', y INT DEFAULT 10) RETURNS INT RETURN x + y");
    JsonNode info = catalog.governance.find("functions", "main.default.plus");
    assertThat(info.path("routine_definition").asText()).isEqualTo("x + y");
    assertThat(info.path("data_type").asText()).isEqualTo("INT");
    assertThat(
            info.path("input_params").path("parameters").path(1).path("parameter_default").asText())
        .isEqualTo("10");
    assertThat(alice.sql("SELECT main.default.plus(1, 2), default.plus(3), plus(y => 5, x => 1)"))
        .isEqualTo(rows(row("3", "13", "6")));
    alice.sql("CREATE TABLE numbers (n INT)");
    alice.sql("INSERT INTO numbers VALUES (1), (2), (3)");
    assertThat(
            alice.sql(
                "SELECT plus(n, 1) AS m, count(*) FROM numbers WHERE plus(n) > 11 GROUP BY 1"
                    + " HAVING sum(plus(n)) > 12 ORDER BY m"))
        .isEqualTo(rows(row("4", "1")));
    // Spark's own limit for SQL functions, whosever they are.
    assertThatThrownBy(() -> alice.sql("UPDATE numbers SET n = plus(n)"))
        .hasMessageContaining("UNSUPPORTED_SQL_UDF_USAGE");
    assertThatThrownBy(() -> alice.sql("SELECT plus()")).hasMessageContaining("WRONG_NUM_ARGS");
    assertThatThrownBy(() -> alice.sql("SELECT nothing(1)"))
        .hasMessageContaining("UNRESOLVED_ROUTINE");
    assertThatThrownBy(() -> alice.sql("SELECT * FROM nothing(1)"))
        .hasMessageContaining("UNRESOLVABLE_TABLE_VALUED_FUNCTION");
    assertThatThrownBy(() -> alice.sql("CREATE FUNCTION plus() RETURN 1"))
        .hasMessageContaining("already exists");
    alice.sql("CREATE FUNCTION IF NOT EXISTS plus() RETURN 1");
    assertThat(alice.sql("DESCRIBE FUNCTION plus"))
        .contains(row("Type:          SCALAR"), row("Returns:       INT"));
    assertThat(alice.sql("SHOW USER FUNCTIONS LIKE 'plu*'"))
        .isEqualTo(rows(row("main.default.plus")));
    assertThat(alice.sql("SHOW FUNCTIONS LIKE 'abs'")).isEqualTo(rows(row("abs")));
    alice.sql("DROP FUNCTION plus");
    alice.sql("DROP FUNCTION IF EXISTS plus");
    assertThatThrownBy(() -> alice.sql("SELECT plus(1)"))
        .hasMessageContaining("UNRESOLVED_ROUTINE");
  }

  @Test
  void aBodyMeansItsNamesWhereTheFunctionWasMade() {
    alice.sql("CREATE SCHEMA home");
    alice.sql("CREATE SCHEMA away");
    alice.sql("USE home");
    alice.sql("CREATE TABLE known (n INT)");
    alice.sql("INSERT INTO known VALUES (7), (8)");
    alice.sql(
        "CREATE FUNCTION best(floor INT) RETURNS INT RETURN (SELECT max(n) FROM known WHERE n > floor)");
    alice.sql("CREATE FUNCTION twice(n INT) RETURN 2 * best(n)");
    alice.sql(
        "CREATE FUNCTION above(floor INT) RETURNS TABLE (n INT, double INT)"
            + " RETURN WITH w AS (SELECT n FROM known) SELECT n, n * 2 FROM w WHERE n > floor");
    alice.sql("USE away");
    assertThat(alice.sql("SELECT home.best(0), home.twice(7)")).isEqualTo(rows(row("8", "16")));
    assertThat(alice.sql("SELECT * FROM home.above(7)")).isEqualTo(rows(row("8", "16")));
    assertThat(
            alice.sql(
                "SELECT v, t.double FROM VALUES (6), (7) AS x(v), LATERAL main.home.above(v) t ORDER BY ALL"))
        .isEqualTo(rows(row("6", "14"), row("6", "16"), row("7", "16")));
    assertThat(alice.sql("DESCRIBE FUNCTION home.above")).contains(row("Type:          TABLE"));
    assertThatThrownBy(() -> alice.sql("CREATE FUNCTION bad() RETURN (SELECT max(n) FROM known)"))
        .hasMessageContaining("TABLE_OR_VIEW_NOT_FOUND");
    assertThatThrownBy(() -> alice.sql("CREATE FUNCTION bad(x INT) RETURNS INT RETURN x + nothing"))
        .hasMessageContaining("UNRESOLVED_COLUMN");
    alice.sql("CREATE TEMP VIEW passing AS SELECT 1 AS n");
    assertThatThrownBy(() -> alice.sql("CREATE FUNCTION bad() RETURN (SELECT n FROM passing)"))
        .hasMessageContaining("TABLE_OR_VIEW_NOT_FOUND");
    alice.sql("CREATE TEMPORARY FUNCTION mine(x INT) RETURNS INT RETURN -x");
    alice.sql("CREATE FUNCTION mine(x INT) RETURN x * 3");
    assertThat(alice.sql("SELECT mine(1), away.mine(1)")).isEqualTo(rows(row("-1", "3")));
    alice.sql("CREATE TEMPORARY FUNCTION abs(x INT) RETURNS INT RETURN 666");
    alice.sql("CREATE TEMPORARY FUNCTION own(x INT) RETURNS INT RETURN 667");
    alice.sql("CREATE FUNCTION size_of(x INT) RETURNS INT RETURN abs(x)");
    assertThat(alice.sql("SELECT size_of(-2)")).isEqualTo(rows(row("2")));
    assertThatThrownBy(() -> alice.sql("CREATE FUNCTION bad(x INT) RETURN own(x)"))
        .hasMessageContaining("is temporary");
  }

  @Test
  void aFunctionThatCallsItselfIsRefused() {
    alice.sql("CREATE FUNCTION loop(x INT) RETURNS INT RETURN x");
    catalog
        .governance
        .find("functions", "main.default.loop")
        .put("routine_definition", "main.default.loop(x) + 1");
    assertThatThrownBy(() -> alice.sql("SELECT loop(1)"))
        .hasMessageContaining("calls main.default.loop (expected: none that calls itself)");
  }

  // ---- information_schema ----

  @Test
  void informationSchemaIsReadThroughTheServer() {
    catalog.createCatalog("informed");
    alice.catalogsVersion = "of information";
    assertThat(
            alice.sql(
                "SELECT schema_name, year(created), comment FROM informed.information_schema.schemata"
                    + " WHERE catalog_name = 'informed'"))
        .isEqualTo(rows(row("default", "2023", "null")));
    assertThat(
            alice.sql(
                "SELECT count(DISTINCT catalog_name) > 1 FROM system.information_schema.schemata"))
        .isEqualTo(rows(row("true")));
    assertThat(
            alice.sql("SELECT * FROM informed.information_schema.information_schema_catalog_name"))
        .isEqualTo(rows(row("informed")));
    assertThat(catalog.calls)
        .anyMatch(call -> call.startsWith("GET tarn/information-schema/schemata 42"));
    assertThat(alice.sql("SHOW SCHEMAS IN informed"))
        .isEqualTo(rows(row("default"), row("information_schema")));
    assertThat(alice.sql("SHOW TABLES IN informed.information_schema LIKE 'col*'"))
        .isEqualTo(
            rows(
                row("information_schema", "column_masks", "false"),
                row("information_schema", "column_tags", "false"),
                row("information_schema", "columns", "false")));
    assertThat(alice.sql("DESCRIBE informed.information_schema.catalogs"))
        .contains(row("created", "timestamp", "null"));
    alice.sql("USE CATALOG informed");
    assertThat(alice.sql("SELECT count(*) FROM information_schema.schemata"))
        .isEqualTo(rows(row("1")));
    assertThatThrownBy(() -> alice.sql("SELECT * FROM informed.information_schema.nothing"))
        .hasMessageContaining("TABLE_OR_VIEW_NOT_FOUND");
    assertThatThrownBy(() -> alice.sql("CREATE TABLE system.default.t (id INT)"))
        .hasMessageContaining("catalog system is the platform's own");
    assertThatThrownBy(() -> alice.sql("INSERT INTO information_schema.schemata VALUES (1)"))
        .isInstanceOf(RuntimeException.class);
  }

  // ---- words of the tests ----

  private static void assertChanged(String change) {
    assertThat(catalog.governance.changes).contains(change);
  }

  private static Expression.Literal text(String value) {
    return Expression.Literal.newBuilder().setString(value).build();
  }

  private static List<String> row(String... values) {
    return List.of(values);
  }

  @SafeVarargs
  @SuppressWarnings("varargs")
  private static List<List<String>> rows(List<String>... rows) {
    return List.of(rows);
  }
}
