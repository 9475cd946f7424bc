package dev.tarn.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
    engine = new TestEngine(folder, catalog, TOKEN, 600);
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
