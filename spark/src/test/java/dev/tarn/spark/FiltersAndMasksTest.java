package dev.tarn.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.connect.proto.Expression;
import org.apache.spark.connect.proto.Filter;
import org.apache.spark.connect.proto.Project;
import org.apache.spark.connect.proto.Read;
import org.apache.spark.connect.proto.Relation;
import org.apache.spark.connect.proto.RelationCommon;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bob sees one row of {@code staff}, and no number whole; Alice sees all rows, Carol none. */
class FiltersAndMasksTest {
  private static final String SETTINGS =
      "../enforcement/src/main/resources/dev/tarn/enforcement/settings.txt";
  private static GovernedEngine engine;
  private static ConnectSession alice;
  private static ConnectSession bob;

  @RegisterExtension
  static final BeforeAllCallback START =
      context -> {
        engine = GovernedEngine.of(context);
        alice = engine.session("42", "alice@example.com");
        bob = engine.session("43", "bob@example.com");
        alice.sql(
            "CREATE FUNCTION sees(who STRING) RETURNS BOOLEAN"
                + " RETURN who = current_user() OR is_account_group_member('auditors')");
        alice.sql(
            "CREATE FUNCTION last2(ssn STRING, who STRING, mark STRING) RETURNS STRING RETURN"
                + " CASE WHEN who = current_user() AND is_account_group_member('auditors') THEN ssn"
                + " ELSE concat(mark, right(ssn, 2)) END");
        engine.catalog.groups.put("42", List.of("auditors"));
        engine.grant(
            "43",
            "SELECT main.default.staff",
            "MODIFY main.default.staff",
            "SEE main.default.staff");
      };

  /** Whether the table is there as it is made; tests that change nothing of it leave it so. */
  private static boolean made;

  private static final String HARMLESS = "harmless";

  @BeforeEach
  void staff(TestInfo test) {
    boolean ready = made;
    made = test.getTags().contains(HARMLESS);
    if (ready) {
      return;
    }
    alice.sql("DROP TABLE IF EXISTS staff");
    engine.changed();
    alice.sql("CREATE TABLE staff (who STRING, pay INT, ssn STRING)");
    alice.sql(
        "INSERT INTO staff VALUES ('alice@example.com', 100, '111-11-11'),"
            + " ('bob@example.com', 200, '222-22-22'), ('carol@example.com', 300, '333-33-33')");
    assertThat(bob.sql("SELECT * FROM staff")).hasSize(3);
    alice.sql("ALTER TABLE staff SET ROW FILTER sees ON (who)");
    alice.sql("ALTER TABLE staff ALTER COLUMN ssn SET MASK last2 USING COLUMNS (who, '***')");
    engine.changed();
  }

  @ParameterizedTest
  @Tag(HARMLESS)
  @ValueSource(
      strings = {
        "SELECT who, pay, ssn FROM staff",
        "SELECT * FROM main.default.staff",
        "TABLE staff",
        "SELECT s.who, s.pay, s.ssn FROM staff AS s WHERE s.ssn IN ('***22', '***33')",
        "SELECT a.who, b.pay, a.ssn FROM staff a JOIN staff b ON a.ssn = b.ssn",
        "SELECT who, pay, a.ssn FROM staff a JOIN staff b USING (who, pay)",
        "SELECT * FROM staff WHERE pay = (SELECT max(pay) FROM staff)",
        "SELECT * FROM staff WHERE ssn IN (SELECT ssn FROM staff)",
        "SELECT * FROM staff s WHERE EXISTS (SELECT 1 FROM staff x WHERE x.who = s.who)",
        "WITH c AS (SELECT * FROM staff) SELECT * FROM c",
        "SELECT * FROM staff UNION SELECT * FROM staff",
        "SELECT who, max(pay), min(ssn) FROM staff GROUP BY who HAVING count(*) = 1",
        "SELECT /*+ BROADCAST(s) */ * FROM staff s",
        "SELECT who, pay, ssn FROM (SELECT *, row_number() OVER (ORDER BY pay) n FROM staff)",
        "SELECT * FROM staff ORDER BY pay LIMIT 5",
        "SELECT s.* FROM VALUES (1) v(n), LATERAL (SELECT * FROM staff WHERE pay > n) s",
        "SELECT 'bob@example.com', `200`, '***22' FROM (SELECT pay FROM staff)"
            + " PIVOT (max(pay) FOR pay IN (200, 300)) WHERE `300` IS NULL",
        "FROM staff |> SELECT who, pay, ssn",
      })
  void eachFormOfAQueryShowsWhatItsReaderMaySee(String query) {
    assertThat(bob.sql(query)).isEqualTo(List.of(List.of("bob@example.com", "200", "***22")));
    assertThat(alice.sql(query)).isNotEqualTo(bob.sql(query));
  }

  @Test
  void aFrameReadsItsColumnsByThePlanTheyAreOf() {
    Relation staff =
        Relation.newBuilder()
            .setCommon(RelationCommon.newBuilder().setPlanId(7))
            .setRead(
                Read.newBuilder()
                    .setNamedTable(
                        Read.NamedTable.newBuilder().setUnparsedIdentifier("main.default.staff")))
            .build();
    Expression ssn =
        Expression.newBuilder()
            .setUnresolvedAttribute(
                Expression.UnresolvedAttribute.newBuilder()
                    .setUnparsedIdentifier("ssn")
                    .setPlanId(7))
            .build();
    Relation masked =
        Relation.newBuilder()
            .setCommon(RelationCommon.newBuilder().setPlanId(8))
            .setFilter(
                Filter.newBuilder()
                    .setInput(staff)
                    .setCondition(
                        Expression.newBuilder()
                            .setUnresolvedFunction(
                                Expression.UnresolvedFunction.newBuilder()
                                    .setFunctionName("==")
                                    .addArguments(ssn)
                                    .addArguments(
                                        Expression.newBuilder()
                                            .setLiteral(
                                                Expression.Literal.newBuilder()
                                                    .setString("***22"))))))
            .build();
    assertThat(
            bob.rows(
                Relation.newBuilder()
                    .setProject(Project.newBuilder().setInput(masked).addExpressions(ssn))
                    .build()))
        .isEqualTo(List.of(List.of("***22")));
  }

  @Test
  void whatIsMadeOfATableHoldsWhatItsMakerSaw() {
    engine.grant("43", "CREATE_TABLE main.default");
    bob.sql("CREATE TABLE copied AS SELECT * FROM staff");
    assertThat(alice.sql("SELECT ssn FROM copied")).isEqualTo(List.of(List.of("***22")));
    bob.sql("CREATE OR REPLACE TABLE copied AS SELECT pay FROM staff");
    assertThat(alice.sql("SELECT * FROM copied")).isEqualTo(List.of(List.of("200")));
    bob.sql("INSERT INTO copied SELECT pay + 1 FROM staff");
    bob.sql("MERGE INTO copied USING staff ON copied.pay = staff.pay WHEN MATCHED THEN DELETE");
    assertThat(alice.sql("SELECT * FROM copied")).isEqualTo(List.of(List.of("201")));
    alice.sql("DROP TABLE copied");
    engine.revoke("43", "CREATE_TABLE main.default");
  }

  @Test
  void whoeverReadsAViewSeesWhatIsTheirsInTheTablesBelow() {
    alice.sql("CREATE OR REPLACE VIEW people AS SELECT who, ssn FROM staff");
    alice.sql(
        "CREATE OR REPLACE FUNCTION pay_of(name STRING) RETURNS INT"
            + " RETURN SELECT max(pay) FROM staff WHERE who = name");
    engine.grant("43", "SELECT main.default.people", "EXECUTE main.default.pay_of");
    assertThat(bob.sql("SELECT * FROM people"))
        .isEqualTo(List.of(List.of("bob@example.com", "***22")));
    assertThat(alice.sql("SELECT * FROM people")).hasSize(3);
    assertThat(bob.sql("SELECT pay_of('bob@example.com'), pay_of('carol@example.com')"))
        .isEqualTo(List.of(List.of("200", "null")));
    assertThat(alice.sql("SELECT pay_of('carol@example.com')")).isEqualTo(List.of(List.of("300")));
  }

  @Test
  void whatOneCachedAnotherDoesNotSee() {
    alice.sql("CACHE TABLE staff");
    assertThat(alice.sql("SELECT * FROM staff")).hasSize(3);
    assertThat(bob.sql("SELECT * FROM staff")).hasSize(1);
    alice.sql("UNCACHE TABLE staff");
    alice.sql("CACHE TABLE kept AS SELECT * FROM staff");
    bob.sql("CACHE TABLE kept AS SELECT * FROM staff");
    assertThat(alice.sql("SELECT * FROM kept")).hasSize(3);
    assertThat(bob.sql("SELECT * FROM kept")).hasSize(1);
  }

  @ParameterizedTest
  @Tag(HARMLESS)
  @ValueSource(
      strings = {
        "SELECT * FROM staff WHERE 1 / (pay - 300) < 1",
        "SELECT * FROM staff WHERE pay <> 300 OR raise_error(ssn) IS NULL",
        "SELECT * FROM staff WHERE assert_true(pay < 300) IS NULL",
        "SELECT a.* FROM staff a JOIN staff b ON a.who = b.who AND 1 / (b.pay - 300) < 1",
        "SELECT * FROM staff WHERE CAST(IF(pay = 300, ssn, '1') AS INT) = 1",
      })
  void noErrorTellsOfARowThatIsHidden(String query) {
    assertThatThrownBy(() -> alice.sql(query)).isInstanceOf(RuntimeException.class);
    assertThat(bob.sql(query).toString()).contains("bob@example.com");
  }

  @Test
  void noErrorTellsOfAPartitionThatIsHidden() {
    alice.sql(
        "CREATE OR REPLACE TABLE parted (who STRING, pay INT) PARTITIONED BY (pay)"
            + " TBLPROPERTIES ('delta.enableDeletionVectors' = 'false')");
    alice.sql("INSERT INTO parted VALUES ('bob@example.com', 200), ('carol@example.com', 300)");
    alice.sql("ALTER TABLE parted SET ROW FILTER sees ON (who)");
    engine.grant("43", "SELECT main.default.parted", "MODIFY main.default.parted");
    for (String change : List.of("DELETE FROM parted", "UPDATE parted SET who = 'x'")) {
      for (String condition :
          List.of(
              "1 / (pay - 300) > 0",
              "who = 'a' OR NOT (who = 'b' AND 1 / (pay - 300) > 0)",
              "IF(1 / (pay - 300) > 0, who = 'a', false)")) {
        assertThatThrownBy(() -> bob.sql(change + " WHERE " + condition))
            .satisfies(FiltersAndMasksTest::isRefusal);
      }
    }
    bob.sql("UPDATE parted SET pay = 201 WHERE pay >= CAST('100' AS INT) AND length(who) > 1");
    assertThat(alice.sql("SELECT pay FROM parted ORDER BY pay").toString())
        .isEqualTo("[[201], [300]]");
    alice.sql("DROP TABLE parted");
  }

  @Test
  void changesReachTheRowsThatAreSeenAndNoOthers() {
    bob.sql("UPDATE staff SET pay = pay + 1");
    bob.sql("UPDATE staff SET pay = pay + 1 WHERE pay > 0");
    assertThat(pays()).isEqualTo("[[100], [202], [300]]");
    bob.sql(
        "MERGE INTO staff t USING (SELECT explode(array(100, 202, 300)) AS p) s ON t.pay = s.p"
            + " WHEN MATCHED THEN UPDATE SET pay = t.pay + 5");
    assertThat(pays()).isEqualTo("[[100], [207], [300]]");
    bob.sql(
        "MERGE INTO staff t USING (SELECT 0 AS p) s ON t.pay = s.p"
            + " WHEN NOT MATCHED BY SOURCE THEN UPDATE SET pay = 8");
    assertThat(pays()).isEqualTo("[[8], [100], [300]]");
    bob.sql("INSERT INTO staff VALUES ('dave@example.com', 400, '4')");
    bob.sql("DELETE FROM staff WHERE pay < 1000");
    assertThat(pays()).isEqualTo("[[100], [300], [400]]");
    bob.sql("DELETE FROM staff");
    assertThat(pays()).isEqualTo("[[100], [300], [400]]");
    alice.sql("DELETE FROM staff");
    assertThat(pays()).isEqualTo("[]");
  }

  private static String pays() {
    return alice.sql("SELECT pay FROM staff ORDER BY pay").toString();
  }

  @ParameterizedTest
  @Tag(HARMLESS)
  @ValueSource(
      strings = {
        "UPDATE staff SET pay = 1 WHERE ssn = '222-22-22'",
        "UPDATE staff SET who = ssn",
        "DELETE FROM staff WHERE ssn LIKE '2%'",
        "MERGE INTO staff t USING (SELECT '222-22-22' AS x) s ON t.ssn = s.x WHEN MATCHED THEN DELETE",
        "MERGE INTO staff t USING (SELECT 1 AS x) s ON t.pay <> s.x WHEN MATCHED THEN UPDATE SET who = t.ssn",
        "MERGE INTO staff t USING (SELECT 1 AS x) s ON 1 / (t.pay - 300) = s.x WHEN MATCHED THEN DELETE",
        "INSERT OVERWRITE staff SELECT * FROM staff",
        "INSERT INTO staff REPLACE WHERE pay = 300 SELECT 'x', 300, 'y'",
        "TRUNCATE TABLE staff",
        "CREATE OR REPLACE TABLE staff AS SELECT 1 AS n",
        "CREATE TABLE copied DEEP CLONE staff",
        "REPLACE TABLE staff (n INT)",
        "RESTORE TABLE staff TO VERSION AS OF 0",
        "SELECT * FROM staff VERSION AS OF 1",
        "SELECT * FROM staff WITH ('versionAsOf' = '1')",
        "SELECT * FROM staff WITH ('__required_write_privileges__' = 'INSERT')",
        "SELECT * FROM table_changes('staff', 0)",
        "DESCRIBE HISTORY staff",
        "DESCRIBE DETAIL staff",
        "DESCRIBE EXTENDED staff ssn",
        "SHOW PARTITIONS staff",
        "ANALYZE TABLE staff COMPUTE STATISTICS FOR ALL COLUMNS",
        "ALTER TABLE staff ADD CONSTRAINT c CHECK (pay > 0)",
        "ALTER TABLE staff DROP COLUMN ssn",
        "ALTER TABLE staff RENAME COLUMN ssn TO plain",
        "VACUUM staff DRY RUN",
      })
  void whatWouldTellOfHiddenRowsOrValuesIsRefused(String statement) {
    assertThatThrownBy(() -> alice.sql(statement)).satisfies(FiltersAndMasksTest::isRefusal);
    assertThat(alice.sql("SELECT pay FROM staff ORDER BY pay").toString())
        .isEqualTo("[[100], [200], [300]]");
  }

  private static void isRefusal(Throwable e) {
    assertThat(e.getMessage())
        .containsAnyOf(
            "ROW_LEVEL_SECURITY_COLUMN_MASK_FEATURE_NOT_SUPPORTED", "TABLE_OR_VIEW_NOT_FOUND");
  }

  @ParameterizedTest
  @Tag(HARMLESS)
  @ValueSource(
      strings = {
        "SELECT _metadata.file_path FROM staff",
        "SELECT _metadata FROM staff",
        "SELECT *, _metadata.row_index FROM staff",
      })
  void theFilesOfAProtectedTableHaveNoNames(String query) {
    assertThatThrownBy(() -> bob.sql(query)).hasMessageContaining("UNRESOLVED_COLUMN");
  }

  @Test
  void aPlanThatIsReadTellsNothingOfWhatIsBelow() {
    for (String mode : List.of("", "EXTENDED", "COST", "FORMATTED")) {
      assertThat(bob.sql("EXPLAIN " + mode + " SELECT pay FROM staff WHERE pay > 0").toString())
          .doesNotContain("rowCount");
    }
    assertThat(bob.sql("DESCRIBE staff")).hasSize(3);
  }

  @Test
  void aMaskAppliesAlone() {
    alice.sql("ALTER TABLE staff DROP ROW FILTER");
    engine.changed();
    assertThat(bob.sql("SELECT ssn FROM staff ORDER BY ssn").toString())
        .isEqualTo("[[***11], [***22], [***33]]");
    assertThat(bob.sql("SELECT who FROM staff WHERE ssn = '333-33-33'")).isEmpty();
    bob.sql("UPDATE staff SET pay = 1, ssn = '999' WHERE who LIKE 'carol%'");
    assertThat(pays()).isEqualTo("[[1], [100], [200]]");
  }

  @Test
  void aTableIsMadeWithItsFilterAndMasksOrNotAtAll() {
    alice.sql("DROP TABLE staff");
    engine.changed();
    String create =
        "CREATE TABLE IF NOT EXISTS staff (who STRING, pay INT,"
            + " ssn STRING NOT NULL MASK last2 USING COLUMNS (who, '***')) %s TBLPROPERTIES (a = 'b')";
    assertThatThrownBy(() -> alice.sql(create.formatted("WITH ROW FILTER nothing ON (who)")))
        .hasMessageContaining("nothing");
    assertThatThrownBy(() -> alice.sql(create.formatted("WITH ROW FILTER sees ON (who) (")))
        .hasMessageContaining("PARSE_SYNTAX_ERROR");
    assertThat(alice.sql("SHOW TABLES LIKE 'staff'")).isEmpty();
    alice.sql(create.formatted("WITH ROW FILTER sees ON (who)"));
    alice.sql(create.formatted("WITH ROW FILTER nothing ON (who)"));
    engine.changed();
    alice.sql("INSERT INTO staff VALUES ('carol', 1, '1'), ('bob@example.com', 2, '222')");
    assertThat(bob.sql("SELECT * FROM staff"))
        .isEqualTo(List.of(List.of("bob@example.com", "2", "***22")));
    alice.sql(
        "ALTER TABLE staff ADD COLUMNS (card STRING MASK last2 USING COLUMNS (who, '#'), n INT)");
    engine.changed();
    alice.sql("UPDATE staff SET card = '4444', n = 5");
    assertThat(bob.sql("SELECT card, n FROM staff")).isEqualTo(List.of(List.of("#44", "5")));
  }

  @Test
  void aFilterThatGivesNullHidesAndOneThatCannotBeAppliedClosesTheTable() {
    alice.sql("CREATE OR REPLACE FUNCTION unknown(who STRING) RETURNS BOOLEAN RETURN NULL");
    alice.sql("ALTER TABLE staff SET ROW FILTER unknown ON (who)");
    engine.changed();
    assertThat(alice.sql("SELECT * FROM staff")).isEmpty();
    alice.sql("DELETE FROM staff");
    alice.sql("UPDATE staff SET pay = 1 WHERE 1 / (pay - 300) > 0");
    alice.sql("DROP FUNCTION unknown");
    engine.changed();
    assertThatThrownBy(() -> alice.sql("SELECT * FROM staff"))
        .hasMessageContaining("not there any more");
    alice.sql("ALTER TABLE staff DROP ROW FILTER");
    engine.changed();
    assertThat(pays()).isEqualTo("[[100], [200], [300]]");
  }

  @Test
  void aFilterMayReadAnotherTableAsItsOwnerAndNotItsOwn() {
    alice.sql(
        "CREATE OR REPLACE TABLE seen_by AS SELECT 'carol@example.com' AS who, 'bob@example.com' AS by");
    alice.sql(
        "CREATE OR REPLACE FUNCTION mapped(name STRING) RETURNS BOOLEAN RETURN"
            + " EXISTS (SELECT 1 FROM seen_by m WHERE m.who = name AND m.by = current_user())");
    alice.sql("ALTER TABLE staff SET ROW FILTER mapped ON (who)");
    engine.changed();
    assertThatThrownBy(() -> bob.sql("SELECT * FROM seen_by")).hasMessageContaining("may not see");
    assertThat(bob.sql("SELECT pay FROM staff")).isEqualTo(List.of(List.of("300")));
    assertThatThrownBy(() -> bob.sql("DELETE FROM staff"))
        .satisfies(FiltersAndMasksTest::isRefusal);
    alice.sql(
        "CREATE OR REPLACE FUNCTION itself(name STRING) RETURNS BOOLEAN RETURN"
            + " EXISTS (SELECT 1 FROM staff m WHERE m.who = name)");
    alice.sql("ALTER TABLE staff SET ROW FILTER itself ON (who)");
    engine.changed();
    assertThatThrownBy(() -> bob.sql("SELECT * FROM staff"))
        .hasMessageContaining("itself calls main.default.itself");
  }

  @Test
  void whatWasAnalyzedBeforeAFilterWasSetIsClosedByIt() {
    alice.sql("ALTER TABLE staff DROP ROW FILTER");
    alice.sql("ALTER TABLE staff ALTER COLUMN ssn DROP MASK");
    engine.changed();
    bob.sql("CREATE TEMPORARY VIEW saved AS SELECT * FROM staff");
    bob.sql("CACHE TABLE saved2 AS SELECT * FROM staff");
    assertThat(bob.sql("SELECT * FROM saved")).hasSize(3);
    assertThat(bob.sql("SELECT * FROM saved2")).hasSize(3);
    alice.sql("ALTER TABLE staff SET ROW FILTER sees ON (who)");
    engine.changed();
    for (String view : List.of("saved", "saved2")) {
      try {
        assertThat(bob.sql("SELECT * FROM " + view)).hasSize(1);
      } catch (RuntimeException e) {
        isRefusal(e);
      }
    }
    bob.sql("DROP VIEW saved");
    bob.sql("DROP VIEW saved2");
  }

  @Test
  void whoLeavesAGroupSeesLessOnTheNextExecution() {
    assertThat(alice.sql("SELECT * FROM staff")).hasSize(3);
    engine.catalog.groups.put("42", List.of());
    engine.changed();
    try {
      assertThat(alice.sql("SELECT * FROM staff")).hasSize(1);
    } finally {
      engine.catalog.groups.put("42", List.of("auditors"));
      engine.changed();
    }
  }

  @Test
  void noSettingOfTheOptimizerChangesWhatAMaskAsks() throws Exception {
    alice.sql("CREATE OR REPLACE TABLE trusted AS SELECT 'nobody' AS who");
    alice.sql(
        "CREATE OR REPLACE FUNCTION unlessTrusted(ssn STRING, name STRING) RETURNS STRING RETURN"
            + " CASE WHEN 0 IN (SELECT count(*) FROM trusted t WHERE t.who = name) THEN '***'"
            + " ELSE ssn END");
    alice.sql("ALTER TABLE staff ALTER COLUMN ssn DROP MASK");
    alice.sql("ALTER TABLE staff ALTER COLUMN ssn SET MASK unlessTrusted USING COLUMNS (who)");
    engine.changed();
    int fixed = 0;
    int tried = 0;
    for (String line : Files.readAllLines(Path.of(SETTINGS))) {
      String[] words = line.split(" ", -1);
      if (words[0].equals("fixed")) {
        fixed++;
        String set = "SET " + words[1] + " = ";
        bob.sql(set + words[2]);
        bob.sql("RESET " + words[1]);
        // With decorrelateExistsSubqueryLegacyIncorrectCountHandling Bob would read the number.
        assertThatThrownBy(() -> bob.sql(set + !Boolean.parseBoolean(words[2])))
            .hasMessageContaining("cannot be changed here");
      } else if (words[0].equals("set") && words[1].startsWith("spark.sql.optimizer.")) {
        tried++;
        for (boolean value : new boolean[] {true, false}) {
          bob.sql("SET " + words[1] + " = " + value);
          assertThat(bob.sql("SELECT ssn FROM staff"))
              .as(words[1])
              .isEqualTo(List.of(List.of("***")));
          assertThat(
                  bob.sql(
                      "SELECT s.ssn FROM staff s LEFT JOIN VALUES (1) t(n) ON s.who IN (SELECT who"
                          + " FROM staff) WHERE EXISTS (SELECT 1 FROM staff x WHERE x.pay = s.pay)"
                          + " AND s.pay = (SELECT max(pay) FROM staff y WHERE y.who = s.who)"))
              .as(words[1])
              .isEqualTo(List.of(List.of("***")));
        }
        bob.sql("RESET " + words[1]);
      }
    }
    assertThat(fixed).isEqualTo(6);
    assertThat(tried).isEqualTo(5);
    alice.sql("DROP TABLE trusted");
  }

  @Test
  void anUnchangedStatementAsksTheServerForNoPolicy() {
    assertThat(bob.sql("SELECT * FROM staff")).hasSize(1);
    engine.catalog.calls.clear();
    assertThat(bob.sql("SELECT * FROM staff")).hasSize(1);
    assertThat(engine.catalog.calls).noneMatch(call -> call.contains("/policies"));
  }
}
