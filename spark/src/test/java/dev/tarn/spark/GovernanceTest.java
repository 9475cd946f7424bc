package dev.tarn.spark;

import static java.util.concurrent.CompletableFuture.supplyAsync;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.spark.connect.proto.Command;
import org.apache.spark.connect.proto.Range;
import org.apache.spark.connect.proto.Read;
import org.apache.spark.connect.proto.Relation;
import org.apache.spark.connect.proto.WriteOperation;
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
  void aViewFollowsItsTableAsItsMakerSaid() {
    alice.sql("CREATE TABLE grows (n INT)");
    alice.sql("CREATE VIEW types WITH SCHEMA TYPE EVOLUTION AS SELECT * FROM grows");
    alice.sql("CREATE VIEW whole WITH SCHEMA EVOLUTION AS SELECT * FROM grows");
    alice.sql("CREATE VIEW above WITH SCHEMA EVOLUTION AS SELECT * FROM whole");
    grant("43", "SELECT main.default.types", "SELECT main.default.above");
    alice.sql("DROP TABLE grows");
    alice.sql("CREATE TABLE grows (n STRING, more INT)");
    alice.sql("INSERT INTO grows VALUES ('a', 1)");
    assertThat(bob.sql("SELECT * FROM types")).isEqualTo(List.of(List.of("a")));
    assertThat(bob.sql("SELECT * FROM above")).isEqualTo(List.of(List.of("a", "1")));
    assertThat(alice.sql("DESCRIBE types")).isEqualTo(List.of(List.of("n", "string", "null")));
    for (String view : List.of("whole", "above")) {
      assertThat(alice.sql("DESCRIBE " + view))
          .isEqualTo(List.of(List.of("n", "string", "null"), List.of("more", "int", "null")));
    }
    List.of("above", "whole", "types").forEach(view -> alice.sql("DROP VIEW " + view));
    alice.sql("DROP TABLE grows");
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
  void aVolumeIsReadAndWrittenByItsPath() {
    alice.sql("CREATE VOLUME files");
    String files = "/Volumes/main/default/files";
    alice.sql(
        "INSERT OVERWRITE DIRECTORY '"
            + files
            + "/out' USING csv OPTIONS (header 'true') SELECT 1 AS n UNION ALL SELECT 2");
    String read = "SELECT * FROM csv.`" + files + "/out`";
    for (String form : List.of(files, "dbfs:" + files, "dbfs://" + files, "//" + files)) {
      refused(
          "READ_FILES " + files, () -> bob.sql(read.replace(files, form).replace("`//", "`///")));
    }
    refused("READ_FILES " + files, () -> bob.rows(load("csv", files + "/*/part-*", Map.of())));
    refused(
        "READ_FILES " + files, () -> bob.rows(load("csv", null, Map.of("path", files + "/out"))));
    grant("43", "READ_FILES " + files);
    assertThat(bob.rows(load("csv", files + "/o?t", Map.of("header", "true")))).hasSize(2);
    assertThat(bob.rows(load("csv", "dbfs:" + files + "//out", Map.of()))).hasSize(4);
    assertThat(
            bob.sql("SELECT DISTINCT input_file_name(), _metadata.file_path " + read.substring(9)))
        .allSatisfy(
            row ->
                assertThat(row).allSatisfy(path -> assertThat(path).startsWith("dbfs:" + files)));
    // What is not there is named as it was asked for.
    assertThatThrownBy(() -> bob.sql("SELECT * FROM csv.`" + files + "/nope`"))
        .hasMessageContaining("dbfs:" + files + "/nope")
        .hasMessageNotContaining("s3:");

    refused(
        "WRITE_FILES " + files,
        () -> bob.sql("INSERT OVERWRITE DIRECTORY '" + files + "/o' USING json SELECT 1 AS n"));
    refused("WRITE_FILES " + files, () -> bob.run(write("parquet", files + "/p")));
    revoke("43", "READ_FILES " + files);
    grant("43", "WRITE_FILES " + files);
    bob.run(write("parquet", files + "/p"));
    bob.run(write("parquet", "dbfs:" + files + "/p"));
    refused("READ_FILES " + files, () -> bob.sql("SELECT * FROM parquet.`" + files + "/p`"));
    assertThat(alice.sql("SELECT id FROM parquet.`" + files + "/p`")).hasSize(2);
    alice.run(write("delta", files + "/d"));
    assertThat(alice.sql("SELECT id FROM delta.`" + files + "/d`")).hasSize(1);
    refused("READ_FILES " + files, () -> bob.sql("SELECT * FROM delta.`" + files + "/d`"));
    refused(
        "is in a volume, where no table can be",
        () -> alice.sql("CREATE TABLE t_in_v (n INT) LOCATION '" + files + "/t'"));

    alice.sql("CREATE VIEW over_files AS SELECT * FROM csv.`" + files + "/out`");
    grant("43", "SELECT main.default.over_files");
    assertThat(bob.sql("SELECT * FROM over_files")).hasSize(4);
  }

  @Test
  void aPathThatMayLeaveItsVolumeIsRefused() {
    alice.sql("CREATE VOLUME open");
    alice.sql("CREATE VOLUME shut");
    alice.sql("INSERT OVERWRITE DIRECTORY '/Volumes/main/default/shut/x' USING text SELECT 'a'");
    grant("43", "READ_FILES /Volumes/main/default/open", "WRITE_FILES /Volumes/main/default/open");
    for (String path :
        List.of(
            "main/default/open/../shut/x",
            "main/default/open/./../shut/x",
            "main/default/open/{../shut,}/x",
            "main/default/open/{a,../../default/shut/x}",
            "main/default/open/\\.\\./shut/x",
            "main/default/*/x",
            "main/default/{open,shut}/x",
            "main/default/{open/x,shut/x}",
            "main/default/[os]*/x",
            "main/*/open/x",
            "main/default/open/../../../../etc/passwd",
            "main/default",
            "main/default/")) {
      refused(
          "expected: /Volumes/catalog/schema/volume/path",
          () -> bob.rows(load("text", "/Volumes/" + path, Map.of())));
    }
    for (String path : List.of("main/default/open/../shut/x", "main/default/*/x", "../tmp/x")) {
      refused("", () -> bob.run(write("parquet", "/Volumes/" + path)));
    }
    for (String path :
        List.of(
            "/Volumes/main/default/%73hut/x",
            "/Volumes/main/default//shut/x",
            "/Volumes/MAIN/default/shut/x",
            "/Volumes/other/default/shut/x",
            "/volumes/main/default/shut/x",
            "//main/Volumes/main/default/shut/x",
            "dbfs://main/Volumes/main/default/shut/x",
            "dbfs:Volumes/main/default/shut/x",
            "Volumes/main/default/shut/x",
            "file:/Volumes/main/default/shut/x",
            "hdfs:/Volumes/main/default/shut/x",
            "/",
            "/Volumes",
            "/tmp",
            "dbfs:/",
            "dbfs:/tmp")) {
      refused("READ_FILES", () -> bob.rows(load("text", path, Map.of())));
    }
    // A name is a name, also when it looks like what a URL would mean by it.
    assertThatThrownBy(
            () -> bob.rows(load("text", "/Volumes/main/default/open/%2e%2e/shut/x", Map.of())))
        .hasMessageContaining("Path does not exist: dbfs:/Volumes/main/default/open/%2e%2e/shut/x");
  }

  @Test
  void copyIntoLoadsEachFileOnce() throws Exception {
    alice.sql("CREATE VOLUME landed");
    String in = "/Volumes/main/default/landed/in";
    alice.sql(
        "INSERT OVERWRITE DIRECTORY '"
            + in
            + "/a' USING csv OPTIONS (header 'true') SELECT 1 AS n, 'one' AS s");
    alice.sql("CREATE TABLE loaded (n INT, s STRING)");
    String copy =
        "COPY INTO loaded FROM '" + in + "/*' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true')";
    refused("MODIFY main.default.loaded", () -> bob.sql(copy));
    grant("43", "MODIFY main.default.loaded", "SELECT main.default.loaded");
    refused("READ_FILES /Volumes/main/default/landed", () -> bob.sql(copy));
    grant("43", "READ_FILES /Volumes/main/default/landed");
    assertThat(bob.sql(copy)).isEqualTo(List.of(List.of("1", "1", "0")));
    assertThat(bob.sql(copy)).isEqualTo(List.of(List.of("0", "0", "0")));
    // The same file by its other name.
    assertThat(alice.sql(copy.replace("/Volumes", "dbfs:/Volumes")))
        .isEqualTo(List.of(List.of("0", "0", "0")));
    alice.sql(
        "INSERT OVERWRITE DIRECTORY '"
            + in
            + "/b' USING csv OPTIONS (header 'true') SELECT 2 AS n, 'two' AS s");
    assertThat(alice.sql(copy)).isEqualTo(List.of(List.of("1", "1", "0")));
    assertThat(alice.sql(copy + " COPY_OPTIONS ('force' = 'true')"))
        .isEqualTo(List.of(List.of("2", "2", "0")));
    assertThat(alice.sql("SELECT n, s FROM loaded ORDER BY n").toString())
        .isEqualTo("[[1, one], [1, one], [2, two], [2, two]]");

    // What fails has loaded nothing.
    String broken = in.replace("/in", "/broken");
    alice.sql(
        "INSERT OVERWRITE DIRECTORY '"
            + broken
            + "' USING csv OPTIONS (header 'true') SELECT 'x' AS n, 3 AS more");
    String fails =
        "COPY INTO loaded FROM '"
            + broken
            + "' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true') COPY_OPTIONS ('mergeSchema' = 'true')";
    assertThatThrownBy(() -> alice.sql(fails)).hasMessageContaining("TASK_WRITE_FAILED");
    String selects =
        fails.replace("FROM '" + broken + "'", "FROM (SELECT 3 AS n, more FROM '" + broken + "')");
    assertThatThrownBy(() -> alice.sql(selects.replaceFirst("COPY_OPTIONS.*", "")))
        .hasMessageContaining("schema mismatch");
    assertThat(alice.sql(selects)).isEqualTo(List.of(List.of("1", "1", "0")));
    assertThat(alice.sql("SELECT n, s, more FROM loaded WHERE n = 3").toString())
        .isEqualTo("[[3, null, 3]]");

    assertThatThrownBy(() -> alice.sql(copy.replace("CSV", "CSV FILES = ('../x')")))
        .hasMessageContaining("expected: a file below");
    assertThatThrownBy(() -> alice.sql(copy.replace("/*'", "/nope'")))
        .hasMessageContaining("Path does not exist: dbfs:" + in + "/nope");
    assertThatThrownBy(
            () ->
                alice.sql(
                    copy.replace("'header'", "'fs.s3.impl'") + " COPY_OPTIONS ('force' = 'true')"))
        .hasMessageContaining("option 'fs.s3.impl' cannot be used here");
    assertThatThrownBy(() -> alice.sql(copy.replace("CSV", "jdbc")))
        .hasMessageContaining("expected one of");
  }

  @Test
  void copyIntoTakesFilesByNameByPatternAndByPosition() {
    alice.sql("CREATE VOLUME sorted");
    String in = "/Volumes/main/default/sorted";
    for (String name : List.of("k=1/a", "k=2/b")) {
      alice.sql(
          "INSERT OVERWRITE DIRECTORY '"
              + in
              + "/"
              + name
              + "' USING json SELECT '"
              + name
              + "' AS v");
    }
    alice.sql("CREATE TABLE sorted (v STRING, k INT)");
    String copy = "COPY INTO sorted FROM '" + in + "' FILEFORMAT = JSON ";
    assertThat(alice.sql(copy)).isEqualTo(List.of(List.of("0", "0", "0")));
    assertThat(alice.sql(copy + "PATTERN = 'k=2/*/part-*.json'"))
        .isEqualTo(List.of(List.of("1", "1", "0")));
    String all = copy + "FORMAT_OPTIONS ('recursiveFileLookup' = 'true')";
    assertThat(alice.sql(all.replace("INTO sorted", "INTO sorted (v)")))
        .isEqualTo(List.of(List.of("1", "1", "0")));
    assertThat(alice.sql("SELECT v, k FROM sorted ORDER BY v").toString())
        .isEqualTo("[[k=1/a, null], [k=2/b, 2]]");
    String file =
        alice.sql("SELECT DISTINCT _metadata.file_name FROM json.`" + in + "/k=1/a`").get(0).get(0);
    alice.sql("CREATE TABLE named (x STRING)");
    String named =
        "COPY INTO named BY POSITION FROM '"
            + in
            + "/k=1/a' FILEFORMAT = JSON FILES = ('"
            + file
            + "')";
    assertThat(alice.sql(named)).isEqualTo(List.of(List.of("1", "1", "0")));
    assertThat(alice.sql("SELECT x FROM named")).isEqualTo(List.of(List.of("k=1/a")));
    alice.sql("CREATE OR REPLACE TABLE named (x STRING)");
    assertThat(alice.sql(named)).isEqualTo(List.of(List.of("1", "1", "0")));
  }

  @Test
  void whoLoadAtTheSameTimeLoadEachFileOnce() throws Exception {
    alice.sql("CREATE VOLUME shared");
    String in = "/Volumes/main/default/shared";
    alice.sql("CREATE TABLE shared (id BIGINT)");
    for (int i = 0; i < 4; i++) {
      alice.run(write("parquet", in));
    }
    String copy = "COPY INTO shared FROM '" + in + "' FILEFORMAT = PARQUET";
    List<CompletableFuture<Long>> loads =
        Stream.generate(() -> session("42", "alice@example.com"))
            .limit(4)
            .map(each -> supplyAsync(() -> Long.parseLong(each.sql(copy).get(0).get(0))))
            .toList();
    assertThat(loads.stream().mapToLong(CompletableFuture::join).sum()).isEqualTo(4);
    assertThat(alice.sql("SELECT count(*) FROM shared")).isEqualTo(List.of(List.of("4")));
  }

  @Test
  void settingsAreListedReadAndSetByName() {
    assertThat(alice.sql("SET").toString())
        .contains("spark.sql.shuffle.partitions")
        .doesNotContain("spark.sql.catalog");
    assertThat(
            alice.sql(
                "SELECT reflect('java.net.URLDecoder', 'decode', 'a%20b', 'UTF-8'),"
                    + " java_method('java.lang.Math', 'max', 2, 3),"
                    + " try_reflect('java.util.UUID', 'fromString', 'no')"))
        .isEqualTo(List.of(List.of("a b", "3", "null")));
    alice.sql("SET TIMEZONE = 'Europe/Berlin'");
    assertThat(alice.sql("SELECT current_timezone()")).isEqualTo(List.of(List.of("Europe/Berlin")));
    alice.sql("RESET spark.sql.session.timeZone");
    assertThat(alice.sql("SELECT current_timezone()")).isEqualTo(List.of(List.of("UTC")));
  }

  // ---- words of the tests ----

  private static Relation load(String format, String path, Map<String, String> options) {
    Read.DataSource.Builder source =
        Read.DataSource.newBuilder().setFormat(format).putAllOptions(options);
    if (path != null) {
      source.addPaths(path);
    }
    return Relation.newBuilder().setRead(Read.newBuilder().setDataSource(source)).build();
  }

  private static Command write(String format, String path) {
    return Command.newBuilder()
        .setWriteOperation(
            WriteOperation.newBuilder()
                .setInput(
                    Relation.newBuilder()
                        .setRange(Range.newBuilder().setStart(0).setEnd(1).setStep(1)))
                .setSource(format)
                .setPath(path)
                .setMode(WriteOperation.SaveMode.SAVE_MODE_APPEND))
        .build();
  }

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
