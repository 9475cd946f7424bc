package dev.tarn.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a driver allows: Alice may everything, Bob and Carol what is granted. */
class GovernanceTest {
  private static GovernedEngine governed;
  private static InMemoryCatalog catalog;
  private final ConnectSession alice = session("42", "alice@example.com");
  private final ConnectSession bob = session("43", "bob@example.com");

  @RegisterExtension
  static final BeforeAllCallback START =
      context -> {
        governed = GovernedEngine.of(context);
        catalog = governed.catalog;
        ConnectSession alice = governed.session("42", "alice@example.com");
        alice.sql("CREATE TABLE salaries (who STRING, amount INT)");
        alice.sql("INSERT INTO salaries VALUES ('alice@example.com', 1), ('bob@example.com', 2)");
      };

  @Test
  void aViewHasItsOwnersRightsAndItsReaderOnlyThoseOnTheView() {
    alice.sql("CREATE VIEW totals AS SELECT sum(amount) AS total FROM salaries");
    refused("'main.default.totals'", () -> bob.sql("SELECT * FROM totals"));
    grant("43", "SELECT main.default.totals");
    assertThat(bob.sql("SELECT * FROM totals")).isEqualTo(List.of(List.of("3")));
    assertThatThrownBy(() -> bob.sql("SELECT * FROM salaries"))
        .hasMessageContaining("User may not see Table 'main.default.salaries'");
    // Spark keeps what the view's body has loaded, for the query around it too.
    assertThatThrownBy(() -> bob.sql("SELECT nope FROM totals JOIN salaries"))
        .hasMessageContaining("User may not see")
        .hasMessageNotContaining("amount");
    assertThat(alice.sql("SHOW VIEWS")).contains(List.of("default", "totals", "false"));
    assertThat(alice.sql("DESCRIBE totals")).isEqualTo(List.of(List.of("total", "bigint", "null")));
    assertThat(alice.sql("SHOW CREATE TABLE totals").toString()).contains("sum(amount)");
    alice.sql("ALTER VIEW totals AS SELECT max(amount) AS total FROM salaries");
    assertThat(bob.sql("SELECT * FROM totals")).isEqualTo(List.of(List.of("2")));
    refused("OWN", () -> bob.sql("ALTER VIEW totals AS SELECT 1 AS total"));
    refused("OWN", () -> bob.sql("CREATE OR REPLACE VIEW totals AS SELECT 1 AS total"));
    alice.sql("CREATE OR REPLACE VIEW totals AS SELECT min(amount) AS total FROM salaries");
    assertThat(bob.sql("SELECT * FROM totals")).isEqualTo(List.of(List.of("1")));
    alice.sql("DROP VIEW totals");
    assertThatThrownBy(() -> alice.sql("SELECT * FROM totals"))
        .hasMessageContaining("TABLE_OR_VIEW_NOT_FOUND");
  }

  @Test
  void aViewWhoseOwnerLostAccessIsClosedToItsReaders() {
    ConnectSession carol = session("44", "carol@example.com");
    grant("44", "SELECT main.default.salaries", "CREATE_TABLE main.default");
    carol.sql("CREATE VIEW hers AS SELECT * FROM salaries");
    grant("43", "SELECT main.default.hers");
    assertThat(bob.sql("SELECT count(*) FROM hers")).isEqualTo(List.of(List.of("2")));
    revoke("44", "SELECT main.default.salaries");
    refused("SELECT main.default.salaries", () -> bob.sql("SELECT count(*) FROM hers"));
  }

  @Test
  void aDynamicViewAnswersEachReaderAlsoFromTheCache() {
    alice.sql(
        "CREATE VIEW own AS SELECT amount FROM salaries WHERE who = current_user() OR is_account_group_member('payroll')");
    grant("43", "SELECT main.default.own");
    alice.sql("CACHE TABLE cached_own AS SELECT * FROM own");
    assertThat(bob.sql("SELECT * FROM own")).isEqualTo(List.of(List.of("2")));
    assertThat(alice.sql("SELECT * FROM own")).isEqualTo(List.of(List.of("1")));
    catalog.groups.put("43", List.of("payroll"));
    changed();
    assertThat(bob.sql("SELECT * FROM own ORDER BY amount"))
        .isEqualTo(List.of(List.of("1"), List.of("2")));
    assertThat(bob.sql("SELECT is_member('payroll'), is_account_group_member('Payroll')"))
        .isEqualTo(List.of(List.of("true", "false")));
  }

  @Test
  void aRevokeBitesOnTheNextExecutionAndAnUnchangedStatementAsksNobody() {
    alice.sql("CREATE TABLE opened AS SELECT 7 AS n");
    grant("43", "SELECT main.default.opened");
    bob.sql("CREATE TEMPORARY VIEW mine AS SELECT * FROM opened");
    bob.sql("CACHE TABLE kept AS SELECT * FROM opened");
    String query = "SELECT n FROM opened";
    assertThat(bob.sql(query)).isEqualTo(List.of(List.of("7")));
    catalog.calls.clear();
    assertThat(bob.sql(query)).isEqualTo(List.of(List.of("7")));
    assertThat(catalog.calls).noneMatch(call -> call.contains("tarn/authorize"));
    revoke("43", "SELECT main.default.opened");
    grant("43", "BROWSE main.default.opened");
    refused("SELECT main.default.opened", () -> bob.sql(query));
    refused("SELECT main.default.opened", () -> bob.sql("SELECT * FROM mine"));
    refused("SELECT main.default.opened", () -> bob.sql("SELECT * FROM kept"));
  }

  @Test
  void nothingIsAllowedWhileTheServerDoesNotAnswer() {
    changed();
    catalog.decides = false;
    try {
      assertThatThrownBy(() -> alice.sql("SELECT * FROM salaries"))
          .hasMessageContaining("nobody knows who may");
    } finally {
      catalog.decides = true;
    }
    assertThat(alice.sql("SELECT * FROM salaries")).hasSize(2);
  }

  @Test
  void writersNeedModifyAndSelectAndOwnersDoTheRest() {
    alice.sql("CREATE TABLE written AS SELECT 1 AS n");
    grant("43", "SELECT main.default.written");
    for (String statement :
        List.of(
            "INSERT INTO written VALUES (2)",
            "INSERT OVERWRITE written VALUES (2)",
            "UPDATE written SET n = 2",
            "DELETE FROM written",
            "MERGE INTO written USING (SELECT 1 AS m) s ON n = m WHEN MATCHED THEN DELETE",
            "TRUNCATE TABLE written",
            "OPTIMIZE written",
            "VACUUM written",
            "ANALYZE TABLE written COMPUTE STATISTICS",
            "RESTORE TABLE written TO VERSION AS OF 0",
            "ALTER TABLE written ADD COLUMN x INT",
            "COMMENT ON TABLE written IS 'x'",
            "ALTER TABLE written SET TBLPROPERTIES ('a' = 'b')")) {
      refused("MODIFY main.default.written", () -> bob.sql(statement));
    }
    grant("43", "MODIFY main.default.written");
    bob.sql("INSERT INTO written VALUES (2)");
    bob.sql("UPDATE written SET n = 3 WHERE n = 2");
    bob.sql("ALTER TABLE written ADD COLUMN x INT");
    assertThat(bob.sql("SELECT n, x FROM written ORDER BY n").toString())
        .isEqualTo("[[1, null], [3, null]]");
    for (String statement :
        List.of(
            "ALTER TABLE written ADD CONSTRAINT c CHECK (n > 0)",
            "ALTER TABLE written CLUSTER BY (n)",
            "CREATE OR REPLACE TABLE written AS SELECT 1 AS n")) {
      refused("main.default", () -> bob.sql(statement));
    }
    refused("CREATE_TABLE main.default", () -> bob.sql("CREATE TABLE his (n INT)"));
    refused("CREATE_TABLE main.default", () -> bob.sql("CREATE TABLE his AS SELECT 1 AS n"));
    grant("43", "CREATE_TABLE main.default");
    bob.sql("CREATE TABLE his AS SELECT 1 AS n");
    assertThat(bob.sql("SELECT * FROM his")).hasSize(1);
    refused(
        "CREATE_EXTERNAL_TABLE s3://root/ext",
        () -> bob.sql("CREATE TABLE outside (n INT) LOCATION 's3://root/ext'"));
  }

  @Test
  void pathsAreReadAndWrittenByTheirPrivileges() {
    refused("READ_FILES s3://root/files", () -> bob.sql("SELECT * FROM csv.`s3://root/files`"));
    alice.sql("CREATE TABLE files (n STRING) USING csv LOCATION 's3://root/files'");
    alice.sql("INSERT INTO files VALUES ('1')");
    grant("43", "READ_FILES s3://root/files");
    assertThat(bob.sql("SELECT * FROM csv.`s3://root/files`")).isEqualTo(List.of(List.of("1")));
  }

  @Test
  void settingsAreListedReadAndSetByName() {
    assertThat(alice.sql("SET").toString())
        .contains("spark.sql.shuffle.partitions")
        .doesNotContain("spark.sql.catalog");
    alice.sql("SET TIMEZONE = 'Europe/Berlin'");
    assertThat(alice.sql("SELECT current_timezone()")).isEqualTo(List.of(List.of("Europe/Berlin")));
    alice.sql("RESET spark.sql.session.timeZone");
    assertThat(alice.sql("SELECT current_timezone()")).isEqualTo(List.of(List.of("UTC")));
  }

  // ---- words of the tests ----

  private static ConnectSession session(String id, String name) {
    return governed.session(id, name);
  }

  private static void grant(String user, String... grants) {
    governed.grant(user, grants);
  }

  private static void revoke(String user, String grant) {
    governed.revoke(user, grant);
  }

  private static void changed() {
    governed.changed();
  }

  private static void refused(String what, ThrowingCallable statement) {
    assertThatThrownBy(statement)
        .hasMessageContaining("Insufficient privileges:")
        .hasMessageContaining(what);
  }
}
