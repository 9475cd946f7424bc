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
        "CREATE VOLUME IF NOT EXISTS c.s.v COMMENT 'x'",
        "COPY INTO c.s.t FROM 's3://b/p' FILEFORMAT = CSV",
        "COPY INTO files (a, b) FROM (SELECT a, cast(b AS INT) FROM '/Volumes/c/s/v') FILEFORMAT = json PATTERN = '*.json'",
        "COPY INTO t BY POSITION FROM 'p' FILEFORMAT = PARQUET FILES = ('a', 'b') FORMAT_OPTIONS ('mergeSchema' = 'true') COPY_OPTIONS ('force' = 'true')",
        "ALTER TABLE c.s.t ADD CONSTRAINT pk PRIMARY KEY (a, b TIMESERIES) NOT ENFORCED RELY",
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES c.s.u (b) MATCH FULL ON UPDATE NO ACTION",
        "ALTER TABLE t DROP CONSTRAINT IF EXISTS pk CASCADE",
        "ALTER TABLE t DROP PRIMARY KEY",
        "ALTER TABLE t DROP FOREIGN KEY IF EXISTS (a, b)",
        "CREATE EXTERNAL VOLUME v LOCATION 's3://b/p'",
        "ALTER VOLUME v RENAME TO w",
        "DROP VOLUME IF EXISTS c.s.v",
        "DESCRIBE VOLUME v",
        "SHOW VOLUMES IN c.s LIKE 'a*'",
        "LIST '/Volumes/c/s/v' LIMIT 3",
        "REMOVE '/Volumes/c/s/v/f'",
        "CREATE EXTERNAL LOCATION `a-b` URL 's3://b/p' WITH (STORAGE CREDENTIAL `c-d`) COMMENT 'x'",
        "ALTER EXTERNAL LOCATION l SET URL 's3://b/q' FORCE",
        "ALTER EXTERNAL LOCATION l RENAME TO m",
        "DROP EXTERNAL LOCATION IF EXISTS l FORCE",
        "DESC EXTERNAL LOCATION l",
        "SHOW EXTERNAL LOCATIONS",
        "ALTER STORAGE CREDENTIAL c RENAME TO d",
        "DROP SERVICE CREDENTIAL c",
        "DESCRIBE CREDENTIAL c",
        "SHOW STORAGE CREDENTIALS LIKE 'x'",
        "SHOW CREDENTIALS",
        "ALTER TABLE t SET TAGS ('a' = 'b', c)",
        "ALTER TABLE t ALTER COLUMN id UNSET TAGS ('a')",
        "ALTER CATALOG c UNSET TAGS (`x y`)",
        "SET TAG ON COLUMN s.t.id pii = yes",
        "UNSET TAG ON SCHEMA s pii",
        "ALTER TABLE t SET ROW FILTER f ON (a, 'x', 3)",
        "ALTER TABLE c.s.t SET ROW FILTER c.s.f ON ()",
        "ALTER TABLE t DROP ROW FILTER",
        "ALTER TABLE t ALTER COLUMN c SET MASK s.f USING COLUMNS (d, 'x')",
        "ALTER TABLE t ALTER c DROP MASK",
        "CREATE POLICY p ON CATALOG c ROW FILTER c.s.f TO `account users` FOR TABLES",
        "CREATE POLICY p ON TABLE t ROW FILTER f TO a, b EXCEPT c FOR TABLES WHEN has_tag('x')"
            + " OR NOT has_tag_value('k', 'v') MATCH COLUMNS TRUE USING COLUMNS (1)",
        "create or replace policy policy on schema s column mask f to to for tables"
            + " match columns has_tag(\"a\") a on column a using columns (a, 'b')",
        "DROP POLICY p ON TABLE c.s.t",
        "DESC POLICY p ON CATALOG c",
        "SHOW POLICIES ON SCHEMA c.s",
        "SHOW EFFECTIVE POLICIES ON TABLE t",
        "CREATE TABLE c.s.t (id INT, `a b` STRING NOT NULL MASK c.s.f USING COLUMNS (id, 'x') COMMENT"
            + " 'y', m MAP<INT, DECIMAL(10, 2)> mask f) PARTITIONED BY (id) with row filter g on (id)"
            + " TBLPROPERTIES (a = 'b')",
        "CREATE OR REPLACE TABLE t (id INT) USING delta WITH ROW FILTER f ON ()",
        "ALTER TABLE t ADD COLUMNS (a INT, b STRING MASK f, c INT)",
        "ALTER TABLE t ADD COLUMN b STRING MASK s.f AFTER a",
        "UNDROP TABLE c.s.t",
        "UNDROP TABLE WITH ID '1-2'",
        "SHOW TABLES DROPPED IN s LIMIT 5",
        "CREATE FUNCTION f(x INT DEFAULT 1, y STRUCT<a: ARRAY<INT>>) RETURNS INT RETURN x + 1; ",
        "CREATE OR REPLACE FUNCTION c.s.f() RETURNS TABLE (a INT) RETURN SELECT 1",
        "CREATE FUNCTION IF NOT EXISTS f(x STRING) COMMENT 'it''s' RETURN upper(x)",
        "DROP FUNCTION IF EXISTS f",
        "DESCRIBE FUNCTION EXTENDED c.s.f",
        "SHOW USER FUNCTIONS IN s LIKE 'a*'",
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
        "CREATE TEMPORARY FUNCTION f(x INT) RETURNS INT RETURN x",
        "DROP TEMPORARY FUNCTION f",
        "SHOW TABLES LIKE 'dropped'",
        "SHOW TABLES IN dropped",
        "CREATE TABLE mask (mask STRING, filter INT, CONSTRAINT mask PRIMARY KEY (mask))",
        "CREATE TABLE t (a STRUCT<mask: INT, b: STRING>) COMMENT 'WITH ROW FILTER f ON (a)'",
        "CREATE TABLE t AS SELECT string mask FROM row",
        "ALTER TABLE t ADD COLUMN mask STRING",
        "DESCRIBE volume",
        "DESCRIBE policy",
        "DESCRIBE policy p",
        "SET tag = 1",
        "ALTER TABLE t ALTER COLUMN mask TYPE INT",
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
    assertWrong(
        "CREATE TABLE t WITH ROW FILTER f ON (id) AS SELECT 1 AS id",
        "at or near 'CREATE'",
        "CREATE TABLE without AS");
    assertWrong("GRANT", "at or near end of input: expected a name");
    assertWrong("SHOW GRANTS", "at or near end of input");
    assertWrong("CREATE CATALOG c LOCATION 'x'", "at or near 'LOCATION': expected", "MANAGED");
    assertWrong("DROP CATALOG IF c", "at or near 'c'", "DROP CATALOG [IF EXISTS] name");
    assertWrong("GRANT SELECT ON t TO a@b.c", "at or near '@'", "backticks");
    assertWrong("CREATE CATALOG c COMMENT 'a' COMMENT 'b'", "at or near 'COMMENT'", "once");
    assertWrong("GRANT SELECT ON IDENTIFIER('a b c') TO d", "expected a name in IDENTIFIER(...)");
    assertWrong("COMMENT ON COLUMN c IS 'x'", "expected table.column");
    assertWrong("GRANT SELECT ON t TO :who", "a value for the parameter :who");
    assertWrong("CREATE VOLUME v LOCATION 's3://b/p'", "LOCATION for an EXTERNAL volume");
    assertWrong("LIST 's3://b/p'", "a path in a volume");
    assertWrong("ALTER TABLE t SET ROW FILTER f", "expected '.', ON");
    assertWrong("CREATE FUNCTION f AS 'some.Class' USING JAR 'x.jar'", "RETURN with an expression");
    assertThatThrownBy(
            () -> parser.parsePlan("CREATE FUNCTION f(x INT) LANGUAGE PYTHON AS $$ return 'x $$"))
        .hasMessageContaining("expected: LANGUAGE SQL");
    assertThatThrownBy(() -> parser.parsePlan("PUT '/tmp/x' INTO '/Volumes/c/s/v/x' OVERWRITE"))
        .hasMessageContaining("PUT moves a file of the client");
    assertWrong("ALTER TABLE t OWNER TO", "at or near end of input: expected a name");
  }

  private void assertWrong(String sql, String... words) {
    assertThatThrownBy(() -> parser.parsePlan(sql))
        .isInstanceOfSatisfying(
            ParseException.class, e -> assertThat(e.getCondition()).isEqualTo("PARSE_SYNTAX_ERROR"))
        .hasMessageContainingAll(words);
  }
}
