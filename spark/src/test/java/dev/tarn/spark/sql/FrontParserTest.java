package dev.tarn.spark.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.SparkSqlParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is ours and what is wrong in it, without an engine. */
class FrontParserTest {
  private static final ParserInterface SPARK = new SparkSqlParser();
  private final FrontParser parser = new FrontParser(SPARK);

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GRANT SELECT ON TABLE c.s.t TO `a@b.c`",
        "grant select, Modify on c.s.t to bob;",
        "GRANT USE_CATALOG, use schema ON CATALOG main TO `account users`",
        "GRANT ALL PRIVILEGES ON SCHEMA `🐟 \"x\"` TO 'o''brien'",
        "GRANT EXTERNAL USE SCHEMA ON SCHEMA s TO g",
        "GRANT CREATE CATALOG ON METASTORE TO g",
        "GRANT CREATE EXTERNAL TABLE ON EXTERNAL LOCATION l TO g",
        "GRANT READ FILES ON STORAGE CREDENTIAL l TO g",
        "GRANT SELECT ON CATALOG TO bob",
        "GRANT SELECT ON catalog.schema.table TO to",
        "GRANT SELECT ON IDENTIFIER('c.s.t') TO bob",
        "REVOKE /* of */ SELECT -- why\n ON VIEW v FROM bob",
        "SHOW GRANTS ON TABLE t",
        "SHOW GRANT `a@b.c` ON CATALOG",
        "SHOW GRANTS bob ON EXTERNAL LOCATION l",
        "CREATE CATALOG IF NOT EXISTS c COMMENT 'x' MANAGED LOCATION 's3://b/p'",
        "CREATE CATALOG c PROPERTIES ('a.b' = 'c', d = 'e')",
        "ALTER CATALOG OWNER TO g",
        "ALTER CATALOG c SET OWNER TO g",
        "ALTER TABLE c.s.t OWNER TO `a b`",
        "ALTER VIEW v SET OWNER TO g",
        "ALTER EXTERNAL LOCATION l OWNER TO g",
        "ALTER SCHEMA s ENABLE PREDICTIVE OPTIMIZATION",
        "DROP CATALOG IF EXISTS c CASCADE",
        "DESCRIBE CATALOG c",
        "DESC CATALOG EXTENDED c",
        "SHOW CATALOGS",
        "SHOW CATALOGS LIKE 'a*|b'",
        "CREATE SCHEMA IF NOT EXISTS c.s MANAGED LOCATION 's3://b/p' WITH DBPROPERTIES (a = 'b')",
        "COMMENT ON CATALOG c IS 'x'",
        "COMMENT ON VOLUME c.s.v IS NULL",
        "COMMENT ON STORAGE CREDENTIAL k IS ''",
      })
  void isOurs(String sql) throws ParseException {
    assertThat(parser.parsePlan(sql)).isInstanceOf(ServerCommand.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT 1",
        "CREATE SCHEMA s COMMENT 'MANAGED LOCATION'",
        "CREATE TABLE grant (catalog INT)",
        "SELECT catalog, grants FROM show",
        "SHOW TABLES IN catalogs",
        "USE catalog",
        "DESCRIBE TABLE catalog",
        "DESCRIBE catalog",
        "COMMENT ON TABLE t IS 'x'",
        "COMMENT ON SCHEMA s IS 'x'",
        "ALTER TABLE owner SET TBLPROPERTIES (a = 'b')",
        "ALTER TABLE t ADD COLUMN owner STRING",
        "ALTER TABLE t RENAME TO owner",
        "/* GRANT */ SELECT 'GRANT SELECT ON t TO b'",
      })
  void isSparksAsItWas(String sql) throws ParseException {
    assertThat(shown(parser.parsePlan(sql))).isEqualTo(shown(SPARK.parsePlan(sql)));
  }

  @Test
  void whatSparkHasInOtherWordsBecomesThose() throws ParseException {
    LogicalPlan column = SPARK.parsePlan("ALTER TABLE s.t ALTER COLUMN `a b` COMMENT 'it\\'s'");
    assertThat(shown(parser.parsePlan("COMMENT ON COLUMN s.t.`a b` IS 'it''s'")))
        .isEqualTo(shown(column));
  }

  /** Without the numbers of attributes, which no two plans share. */
  private static String shown(LogicalPlan plan) {
    return plan.toString().replaceAll("#\\d+", "");
  }

  @Test
  void anErrorSaysWhereItIsAndHowTheStatementIsWritten() {
    assertWrong(
        "GRANT SELECT ON TABLE t TOO bob",
        "at or near 'TOO': expected TO",
        "GRANT privilege [, ...] ON securable TO principal");
    assertWrong("GRANT", "at or near end of input: expected a name");
    assertWrong("SHOW GRANTS", "at or near end of input");
    assertWrong("CREATE CATALOG c LOCATION 'x'", "at or near 'LOCATION': expected", "MANAGED");
    assertWrong("DROP CATALOG IF c", "at or near 'c'", "DROP CATALOG [IF EXISTS] name");
    assertWrong("GRANT SELECT ON t TO a@b.c", "at or near '@'", "backticks");
    assertWrong("CREATE CATALOG c COMMENT 'a' COMMENT 'b'", "at or near 'COMMENT'", "once");
    assertWrong("GRANT SELECT ON IDENTIFIER('a b c') TO d", "expected a name in IDENTIFIER(...)");
    assertWrong("COMMENT ON COLUMN c IS 'x'", "expected table.column");
    assertWrong("GRANT SELECT ON t TO :who", "a value for the parameter :who");
    assertWrong("ALTER TABLE t OWNER TO", "at or near end of input: expected a name");
  }

  private void assertWrong(String sql, String... words) {
    assertThatThrownBy(() -> parser.parsePlan(sql))
        .isInstanceOfSatisfying(
            ParseException.class, e -> assertThat(e.getCondition()).isEqualTo("PARSE_SYNTAX_ERROR"))
        .hasMessageContainingAll(words);
  }
}
