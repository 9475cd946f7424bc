package dev.tarn.spark;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.spark.connect.proto.AddArtifactsRequest;
import org.apache.spark.connect.proto.AddArtifactsResponse;
import org.apache.spark.connect.proto.Aggregate;
import org.apache.spark.connect.proto.Catalog;
import org.apache.spark.connect.proto.CheckpointCommand;
import org.apache.spark.connect.proto.ClearCache;
import org.apache.spark.connect.proto.Command;
import org.apache.spark.connect.proto.CommonInlineUserDefinedDataSource;
import org.apache.spark.connect.proto.CommonInlineUserDefinedFunction;
import org.apache.spark.connect.proto.CommonInlineUserDefinedTableFunction;
import org.apache.spark.connect.proto.CompressionCodec;
import org.apache.spark.connect.proto.ConfigRequest;
import org.apache.spark.connect.proto.CreateDataFrameViewCommand;
import org.apache.spark.connect.proto.CreateExternalTable;
import org.apache.spark.connect.proto.DataType;
import org.apache.spark.connect.proto.ExecuteExternalCommand;
import org.apache.spark.connect.proto.Expression;
import org.apache.spark.connect.proto.GetResourcesCommand;
import org.apache.spark.connect.proto.JavaUDF;
import org.apache.spark.connect.proto.KeyValue;
import org.apache.spark.connect.proto.LocalRelation;
import org.apache.spark.connect.proto.MapPartitions;
import org.apache.spark.connect.proto.MlCommand;
import org.apache.spark.connect.proto.MlOperator;
import org.apache.spark.connect.proto.MlParams;
import org.apache.spark.connect.proto.MlRelation;
import org.apache.spark.connect.proto.PipelineCommand;
import org.apache.spark.connect.proto.Plan;
import org.apache.spark.connect.proto.Project;
import org.apache.spark.connect.proto.PythonDataSource;
import org.apache.spark.connect.proto.PythonUDTF;
import org.apache.spark.connect.proto.Range;
import org.apache.spark.connect.proto.Read;
import org.apache.spark.connect.proto.RefreshByPath;
import org.apache.spark.connect.proto.Relation;
import org.apache.spark.connect.proto.RelationChanges;
import org.apache.spark.connect.proto.ScalarScalaUDF;
import org.apache.spark.connect.proto.StreamingForeachFunction;
import org.apache.spark.connect.proto.StreamingQueryManagerCommand;
import org.apache.spark.connect.proto.StreamingQueryManagerCommand.StreamingQueryListenerCommand;
import org.apache.spark.connect.proto.ToSchema;
import org.apache.spark.connect.proto.Transpose;
import org.apache.spark.connect.proto.TypedAggregateExpression;
import org.apache.spark.connect.proto.UserContext;
import org.apache.spark.connect.proto.WriteOperation;
import org.apache.spark.connect.proto.WriteStreamOperationStart;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.sparkproject.connect.protobuf.Any;
import org.sparkproject.connect.protobuf.ByteString;

/**
 * Ways around the catalog. Each is carried out twice by the same lines: on Spark as it comes, where
 * it must succeed or it proves nothing, and on our engine as somebody without any privilege.
 */
class AttacksTest {
  private static final String TOKEN = "engine-token-of-the-test";
  private static final String SECRET = "6f1c-not-for-everybody";
  private static final String SECRET_KEY = "spark.hadoop.fs.s3a.secret.key";

  /** How a refusal reads, whichever wall it met. */
  private static final Pattern REFUSAL =
      Pattern.compile(
          "Insufficient privileges|PERMISSION_DENIED|cannot be read here|cannot be changed here"
              + "|is not admitted by this engine|spark_catalog holds nothing"
              // LIST is of volumes here.
              + "|near 'JARS': expected a string; LIST '/Volumes/"
              + "|Catalog main does not support Change Data Capture"
              // Without a scheme it would be of a volume.
              + "|Path does not exist: dbfs:/(secret|Volumes/main/default/open/link).txt");

  @TempDir static Path folder;
  private static InMemoryCatalog catalog;
  private static TestEngine stock;
  private static TestEngine engine;
  private static final Map<TestEngine, ConnectSession> LASTING = new HashMap<>();
  private static int refused;

  /** A driver, and what the attacker finds around it. */
  private record Target(TestEngine driver, boolean isStock, Path home, String path, String table) {
    ConnectSession mallory() {
      return driver.session("66", "mallory@example.com");
    }

    ConnectSession alice() {
      return driver.session("42", "alice@example.com");
    }

    /** The session of all statements that leave nothing in theirs. */
    ConnectSession lasting() {
      return LASTING.computeIfAbsent(driver, unused -> mallory());
    }

    boolean canarySings() {
      return Files.exists(home.resolve(Canary.FILE));
    }

    /** Where a volume lies, which for stock Spark is a folder like any other. */
    Path volume(String name) {
      return isStock
          ? home.resolve("volumes").resolve(name)
          : home.resolve("storage/root/unity-catalog/volumes/main.default." + name);
    }

    /** Path in whose folder the volumes are; of them Mallory may read {@code open}. */
    String volumes() {
      return isStock ? home.resolve("volumes").toString() : "/Volumes/main/default";
    }

    String secretFile() {
      return folder.resolve("secret.txt").toString();
    }
  }

  @FunctionalInterface
  private interface Attack {
    /** Whether it succeeded; a refusal may as well be thrown. */
    boolean succeeds(Target target) throws Exception;
  }

  @BeforeAll
  static void start() throws Exception {
    catalog = new InMemoryCatalog(TOKEN);
    catalog.createCatalog("main");
    catalog.grants.put("66", Set.of("READ_FILES /Volumes/main/default/open"));
    Map<String, String> conf = new HashMap<>(TestEngine.UNCOMPILED);
    conf.put(SECRET_KEY, SECRET);
    // What a site may have added, and what is to come: none of it is for everybody.
    conf.put("spark.sql.catalog.site", Canary.Procedures.class.getName());
    conf.put("spark.connect.extensions.relation.classes", Canary.Plugin.class.getName());
    conf.put("spark.connect.extensions.command.classes", Canary.Plugin.class.getName());
    conf.put("spark.databricks.delta.changelogV2.enabled", "true");
    Path stockHome = Files.createDirectories(folder.resolve("stock"));
    Path engineHome = Files.createDirectories(folder.resolve("engine"));
    Files.createDirectories(engineHome.resolve("storage/root"));
    stock = new TestEngine(StockSpark.class, stockHome, catalog, TOKEN, 600, conf);
    engine = new TestEngine(Engine.class, engineHome, catalog, TOKEN, 600, conf);
    Files.writeString(folder.resolve("secret.txt"), SECRET + "\n");
    for (Target target : targets()) {
      Files.writeString(target.home.resolve("secret.txt"), SECRET + "\n");
      Files.createDirectories(target.home.resolve("in"));
      ConnectSession alice = target.alice();
      for (String volume : List.of("open", "hers")) {
        if (!target.isStock) {
          alice.sql("CREATE VOLUME " + volume);
        }
        Path files = Files.createDirectories(target.volume(volume));
        Files.writeString(files.resolve("x.txt"), volume.equals("hers") ? SECRET : "plain");
      }
      Files.createSymbolicLink(
          target.volume("open").resolve("link.txt"), target.volume("hers").resolve("x.txt"));
      alice.sql(
          "CREATE TABLE " + target.table + " USING delta AS SELECT '" + SECRET + "' AS value");
      alice.sql(
          "CREATE TABLE "
              + target.table
              + "_cdf (value STRING) USING delta TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')");
      alice.sql("INSERT INTO " + target.table + "_cdf VALUES ('" + SECRET + "')");
      alice.sql(
          "CREATE TABLE "
              + target.table
              + "_rows (value STRING) USING delta TBLPROPERTIES ('delta.enableRowTracking' = 'true')");
      alice.sql("INSERT INTO " + target.table + "_rows VALUES ('" + SECRET + "')");
    }
  }

  private static List<Target> targets() {
    return List.of(
        new Target(
            stock,
            true,
            folder.resolve("stock"),
            folder.resolve("stock").toString(),
            "default.hers"),
        new Target(
            engine,
            false,
            folder.resolve("engine"),
            "s3://root/unity-catalog",
            "main.default.hers"));
  }

  @AfterAll
  static void stop() throws Exception {
    System.out.println(refused + " attacks that work on stock Spark are refused");
    stock.stop();
    engine.stop();
    catalog.close();
    assertThat(Files.readString(engine.log)).doesNotContain(SECRET);
  }

  @TestFactory
  Stream<DynamicTest> everyAttackWorksOnStockSparkAndIsRefusedHere() {
    Pattern only = Pattern.compile(System.getProperty("attack", ""));
    return attacks().entrySet().stream()
        .filter(attack -> only.matcher(attack.getKey()).find())
        .map(attack -> dynamicTest(attack.getKey(), () -> carryOut(attack.getValue())));
  }

  /**
   * Only tables of Hive can be loaded so, which Spark as it comes has not: it is not shown there.
   */
  @Test
  void loadDataIsRefused() {
    Target here = targets().get(1);
    String table = "main.default.hers";
    List<List<String>> before = here.alice().sql("SELECT count(*) FROM " + table);
    String load = "LOAD DATA LOCAL INPATH '" + here.secretFile() + "' INTO TABLE " + table;
    for (ConnectSession who : List.of(here.mallory(), here.alice())) {
      assertThatThrownBy(() -> who.sql(load)).message().containsPattern(REFUSAL);
    }
    assertThat(here.alice().sql("SELECT count(*) FROM " + table)).isEqualTo(before);
  }

  private static void carryOut(Attack attack) throws Exception {
    for (Target target : targets()) {
      Files.deleteIfExists(target.home.resolve(Canary.FILE));
    }
    Target there = targets().get(0);
    assertThat(attack.succeeds(there)).as("works on stock Spark").isTrue();
    Target here = targets().get(1);
    Throwable thrown = null;
    boolean succeeded = false;
    try {
      succeeded = attack.succeeds(here);
    } catch (Exception e) {
      thrown = e;
    }
    assertThat(here.canarySings()).as("code of the caller ran").isFalse();
    assertThat(succeeded).as("succeeds on our engine").isFalse();
    if (thrown != null) {
      assertThat(thrown.getMessage()).containsPattern(REFUSAL);
    }
    refused++;
  }

  // ---- the list ----

  private static Map<String, Attack> attacks() {
    Map<String, Attack> all = new LinkedHashMap<>();
    settings(all);
    files(all);
    code(all);
    others(all);
    return all;
  }

  private static void settings(Map<String, Attack> all) {
    all.put(
        "Config.Get of a secret",
        t ->
            config(
                    t,
                    ConfigRequest.Operation.newBuilder()
                        .setGet(ConfigRequest.Get.newBuilder().addKeys(SECRET_KEY))
                        .build())
                .contains(SECRET));
    all.put(
        "Config.GetOption of a secret",
        t ->
            config(
                    t,
                    ConfigRequest.Operation.newBuilder()
                        .setGetOption(ConfigRequest.GetOption.newBuilder().addKeys(SECRET_KEY))
                        .build())
                .contains(SECRET));
    all.put(
        "Config.GetWithDefault of a secret",
        t ->
            config(
                    t,
                    ConfigRequest.Operation.newBuilder()
                        .setGetWithDefault(
                            ConfigRequest.GetWithDefault.newBuilder()
                                .addPairs(KeyValue.newBuilder().setKey(SECRET_KEY).setValue("x")))
                        .build())
                .contains(SECRET));
    all.put(
        "Config.GetAll",
        t ->
            config(
                    t,
                    ConfigRequest.Operation.newBuilder()
                        .setGetAll(ConfigRequest.GetAll.newBuilder())
                        .build())
                .contains(SECRET));
    all.put(
        "Config.GetAll with a prefix",
        t ->
            config(
                    t,
                    ConfigRequest.Operation.newBuilder()
                        .setGetAll(ConfigRequest.GetAll.newBuilder().setPrefix("spark.hadoop."))
                        .build())
                .contains(SECRET));
    all.put(
        "the environment through ${env:…}",
        t -> !sql(t, "SELECT '${env:SPARK_LOCAL_IP}'").contains("env"));
    all.put(
        "system properties through ${system:…}",
        t -> !sql(t, "SELECT '${system:java.home}'").contains("system:"));
    all.put(
        "SET of a catalog class",
        t ->
            ranAlone(
                t,
                "SET spark.sql.catalog.evil=org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog"));
    all.put(
        "Config.Set of a catalog class",
        t -> {
          config(
              t,
              ConfigRequest.Operation.newBuilder()
                  .setSet(
                      ConfigRequest.Set.newBuilder()
                          .addPairs(
                              KeyValue.newBuilder()
                                  .setKey("spark.sql.catalog.evil")
                                  .setValue(
                                      "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog")))
                  .build());
          return true;
        });
    all.put(
        "Config.Unset of a catalog class",
        t -> {
          config(
              t,
              ConfigRequest.Operation.newBuilder()
                  .setUnset(
                      ConfigRequest.Unset.newBuilder().addKeys("spark.sql.catalog.spark_catalog"))
                  .build());
          return true;
        });
    all.put("SET of excluded rules", t -> ranAlone(t, "SET spark.sql.optimizer.excludedRules=x"));
    all.put(
        "SET of the other resolver",
        t -> ranAlone(t, "SET spark.sql.analyzer.singlePassResolver.enabled=true"));
    all.put(
        "SET of variable substitution", t -> ranAlone(t, "SET spark.sql.variable.substitute=true"));
    all.put(
        "SET of a committer class",
        t ->
            ranAlone(
                t,
                "SET spark.sql.parquet.output.committer.class=org.apache.parquet.hadoop.ParquetOutputCommitter"));
    all.put("SET of a Hadoop setting", t -> ranAlone(t, "SET fs.s3.impl=x"));
    all.put(
        "SET within a script",
        t -> ranAlone(t, "BEGIN EXECUTE IMMEDIATE 'SET spark.sql.optimizer.excludedRules=x'; END"));
    all.put(
        "SET through EXECUTE IMMEDIATE",
        t -> ranAlone(t, "EXECUTE IMMEDIATE 'SET spark.sql.optimizer.excludedRules=x'"));
    all.put("RESET", t -> ranAlone(t, "RESET"));
    all.put("RESET of a catalog class", t -> ranAlone(t, "RESET spark.sql.catalog.spark_catalog2"));
  }

  private static void files(Map<String, Attack> all) {
    all.put(
        "text.`/file`",
        t -> sql(t, "SELECT * FROM text.`" + t.secretFile() + "`").contains(SECRET));
    all.put(
        "text.`file:/file`",
        t -> sql(t, "SELECT * FROM text.`file://" + t.secretFile() + "`").contains(SECRET));
    all.put(
        "csv.`/file`", t -> sql(t, "SELECT * FROM csv.`" + t.secretFile() + "`").contains(SECRET));
    all.put(
        "binaryFile.`/file`",
        t -> !sql(t, "SELECT content FROM binaryFile.`" + t.secretFile() + "`").isEmpty());
    all.put(
        "a format by its class",
        t ->
            sql(
                    t,
                    "SELECT * FROM `org.apache.spark.sql.execution.datasources.text.TextFileFormat`.`"
                        + t.secretFile()
                        + "`")
                .contains(SECRET));
    all.put(
        "a file of the engine's folder by a relative path",
        t -> sql(t, "SELECT * FROM text.`secret.txt`").contains(SECRET));
    all.put(
        "a path in a subquery",
        t ->
            sql(t, "SELECT (SELECT first(value) FROM text.`" + t.secretFile() + "`)")
                .contains(SECRET));
    all.put(
        "a path in a CTE",
        t ->
            sql(t, "WITH c AS (SELECT * FROM text.`" + t.secretFile() + "`) SELECT * FROM c")
                .contains(SECRET));
    all.put(
        "a path in EXPLAIN",
        t -> sql(t, "EXPLAIN SELECT * FROM text.`" + t.secretFile() + "`").contains("FileScan"));
    all.put(
        "a path through EXECUTE IMMEDIATE",
        t ->
            sql(t, "EXECUTE IMMEDIATE 'SELECT * FROM text.`" + t.secretFile() + "`'")
                .contains(SECRET));
    all.put(
        "a path within a script",
        t -> sql(t, "BEGIN SELECT * FROM text.`" + t.secretFile() + "`; END").contains(SECRET));
    all.put(
        "a path through IDENTIFIER",
        t -> sql(t, "SELECT * FROM IDENTIFIER('text.`" + t.secretFile() + "`')").contains(SECRET));
    all.put(
        "read.load(path)",
        t -> t.mallory().rows(load("text", t.secretFile(), Map.of())).toString().contains(SECRET));
    all.put(
        "read.option('path')",
        t ->
            t.mallory()
                .rows(load("text", null, Map.of("path", t.secretFile())))
                .toString()
                .contains(SECRET));
    all.put(
        "read.table('text.`path`')",
        t -> t.mallory().rows(named("text.`" + t.secretFile() + "`")).toString().contains(SECRET));
    all.put(
        "read.load(path) in a compressed plan",
        t -> {
          ConnectSession mallory = t.mallory();
          return mallory
              .rows(compressed(load("text", t.secretFile(), Map.of()), mallory))
              .toString()
              .contains(SECRET);
        });
    all.put(
        "a temporary view of a path",
        t -> {
          ConnectSession mallory = t.mallory();
          mallory.sql("CREATE TEMPORARY VIEW v USING text OPTIONS (path '" + t.secretFile() + "')");
          return mallory.sql("SELECT * FROM v").toString().contains(SECRET);
        });
    all.put(
        "read.option('fs.….impl') of a class",
        t -> {
          try {
            t.mallory()
                .rows(load("text", "evil://x/y", Map.of("fs.evil.impl", Canary.class.getName())));
          } catch (RuntimeException e) {
            if (!t.canarySings()) {
              throw e;
            }
          }
          return t.canarySings();
        });
    all.put(
        "SELECT … WITH ('fs.….impl') of a class",
        t -> {
          try {
            t.mallory()
                .sql(
                    "SELECT * FROM text.`evil://x/y` WITH ('fs.evil.impl' '"
                        + Canary.class.getName()
                        + "')");
          } catch (RuntimeException e) {
            if (!t.canarySings()) {
              throw e;
            }
          }
          return t.canarySings();
        });
    for (String path :
        List.of(
            "hers/x.txt",
            "/hers//x.txt",
            "open/../hers/x.txt",
            "open/./../hers/x.txt",
            "{open,hers}/x.txt",
            "{open/x.txt,hers/x.txt}",
            "open/{x.txt,../hers/x.txt}",
            "*/x.txt",
            "[h]ers/x.txt",
            "h?rs/x.txt",
            "hers",
            "open/link.txt")) {
      all.put(
          "volumes: text.`" + path + "`",
          t -> sql(t, "SELECT * FROM text.`" + t.volumes() + "/" + path + "`").contains(SECRET));
      all.put(
          "volumes: read.load(" + path + ")",
          t ->
              t.mallory()
                  .rows(load("text", t.volumes() + "/" + path, Map.of()))
                  .toString()
                  .contains(SECRET));
    }
    all.put(
        "volumes: by the folder it is stored in",
        t ->
            sql(
                    t,
                    "SELECT * FROM text.`"
                        + (t.isStock
                            ? t.volume("hers")
                            : "s3://root/unity-catalog/volumes/main.default.hers")
                        + "`")
                .contains(SECRET));
    all.put(
        "volumes: INSERT OVERWRITE DIRECTORY",
        t ->
            ran(
                t,
                "INSERT OVERWRITE DIRECTORY '" + t.volumes() + "/hers/n' USING text SELECT 'x'"));
    all.put(
        "the files of somebody's table",
        t -> sql(t, "SELECT * FROM parquet.`" + tableFolder(t) + "`").contains(SECRET));
    all.put(
        "delta.`path` of somebody's table",
        t -> sql(t, "SELECT * FROM delta.`" + tableFolder(t) + "`").contains(SECRET));
    all.put(
        "DESCRIBE HISTORY of a path",
        t -> ran(t, "DESCRIBE HISTORY delta.`" + tableFolder(t) + "`"));
    all.put("DESCRIBE HISTORY 'path'", t -> ran(t, "DESCRIBE HISTORY '" + tableFolder(t) + "'"));
    all.put(
        "DESCRIBE DETAIL of a path", t -> ran(t, "DESCRIBE DETAIL delta.`" + tableFolder(t) + "`"));
    all.put("DESCRIBE DETAIL 'path'", t -> ran(t, "DESCRIBE DETAIL '" + tableFolder(t) + "'"));
    all.put("VACUUM 'path'", t -> ran(t, "VACUUM '" + tableFolder(t) + "' DRY RUN"));
    all.put(
        "VACUUM … USING INVENTORY (query)",
        t ->
            ran(
                t,
                "VACUUM delta.`"
                    + tableFolder(t)
                    + "` USING INVENTORY (SELECT value AS path, nullif(1L, 2L) AS length, nullif(true, false) AS isDir, nullif(1L, 2L) AS modificationTime FROM text.`"
                    + t.secretFile()
                    + "`) DRY RUN"));
    all.put("OPTIMIZE 'path'", t -> ran(t, "OPTIMIZE '" + tableFolder(t) + "'"));
    all.put(
        "RESTORE of a path",
        t -> ran(t, "RESTORE TABLE delta.`" + tableFolder(t) + "` TO VERSION AS OF 0"));
    all.put(
        "INSERT INTO a path",
        t -> ran(t, "INSERT INTO delta.`" + tableFolder(t) + "` VALUES ('mine')"));
    all.put(
        "UPDATE of a path", t -> ran(t, "UPDATE delta.`" + tableFolder(t) + "` SET value = value"));
    all.put(
        "DELETE FROM a path",
        t -> ran(t, "DELETE FROM delta.`" + tableFolder(t) + "` WHERE value = 'mine'"));
    all.put(
        "MERGE INTO a path",
        t ->
            ran(
                t,
                "MERGE INTO delta.`"
                    + tableFolder(t)
                    + "` USING (SELECT 1 AS one) s ON false WHEN NOT MATCHED THEN INSERT (value) VALUES ('x')"));
    all.put(
        "ALTER TABLE of a path",
        t -> ran(t, "ALTER TABLE delta.`" + tableFolder(t) + "` SET TBLPROPERTIES ('a' = 'b')"));
    all.put(
        "CONVERT TO DELTA of a path",
        t -> {
          if (t.isStock) {
            t.alice()
                .sql(
                    "CREATE TABLE plain"
                        + nonce()
                        + " USING parquet LOCATION '"
                        + t.path
                        + "/plain' AS SELECT 1 AS id");
          }
          return ran(t, "CONVERT TO DELTA parquet.`" + t.path + "/plain`");
        });
    all.put(
        "CREATE TABLE … LOCATION over somebody's files",
        t -> {
          String mine = "mine" + nonce();
          ConnectSession mallory = t.mallory();
          mallory.sql("CREATE TABLE " + mine + " USING delta LOCATION '" + tableFolder(t) + "'");
          return mallory.sql("SELECT * FROM " + mine).toString().contains(SECRET);
        });
    all.put(
        "catalog.createTable over a file",
        t ->
            t.mallory()
                    .rows(
                        Relation.newBuilder()
                            .setCatalog(
                                Catalog.newBuilder()
                                    .setCreateExternalTable(
                                        CreateExternalTable.newBuilder()
                                            .setTableName("stolen" + nonce())
                                            .setPath(t.secretFile())
                                            .setSource("text")))
                            .build())
                != null);
    all.put(
        "SHALLOW CLONE of a path",
        t ->
            ran(
                t,
                "CREATE TABLE cloned" + nonce() + " SHALLOW CLONE delta.`" + tableFolder(t) + "`"));
    all.put(
        "INSERT OVERWRITE DIRECTORY",
        t ->
            ran(
                t,
                "INSERT OVERWRITE DIRECTORY '"
                    + t.path
                    + "/out"
                    + nonce()
                    + "' USING parquet SELECT 1 AS id"));
    all.put(
        "INSERT OVERWRITE LOCAL DIRECTORY",
        t ->
            ran(
                t,
                "INSERT OVERWRITE LOCAL DIRECTORY '"
                    + t.home
                    + "/out"
                    + nonce()
                    + "' USING parquet SELECT 1 AS id"));
    for (String format : List.of("parquet", "delta", "csv")) {
      all.put(
          "write." + format + "(path)",
          t -> {
            t.mallory().run(write(format, t.path + "/written" + nonce(), range()));
            return true;
          });
    }
    all.put(
        "write.format('console')",
        t -> {
          t.mallory().run(write("console", null, range()));
          return true;
        });
    all.put(
        "write.format('noop')",
        t -> {
          t.mallory().run(write("noop", null, range()));
          return true;
        });
    all.put(
        "a stream that reads a path",
        t -> {
          t.mallory()
              .run(
                  stream(
                      t,
                      Relation.newBuilder()
                          .setRead(
                              Read.newBuilder()
                                  .setIsStreaming(true)
                                  .setDataSource(
                                      Read.DataSource.newBuilder()
                                          .setFormat("text")
                                          .setSchema("value STRING")
                                          .addPaths(t.home.resolve("in").toString())))
                          .build(),
                      null));
          return true;
        });
    all.put(
        "a stream's checkpoint among somebody's files",
        t -> t.mallory().run(stream(t, rate(), null)) != null);
    all.put(
        "CREATE TABLE USING jdbc",
        t -> {
          try {
            t.mallory()
                .sql(
                    "CREATE TABLE j"
                        + nonce()
                        + " USING jdbc OPTIONS (url 'jdbc:x:y', dbtable 't', driver '"
                        + Canary.class.getName()
                        + "')");
          } catch (RuntimeException e) {
            if (!t.canarySings()) {
              throw e;
            }
          }
          return t.canarySings();
        });
    all.put(
        "read.format('jdbc')",
        t -> {
          try {
            t.mallory()
                .rows(
                    load(
                        "jdbc",
                        null,
                        Map.of(
                            "url", "jdbc:x:y", "dbtable", "t", "driver", Canary.class.getName())));
          } catch (RuntimeException e) {
            if (!t.canarySings()) {
              throw e;
            }
          }
          return t.canarySings();
        });
    all.put(
        "the XSD of from_xml",
        t -> {
          // The error quotes the file, or says that it is not a schema: either way it was opened.
          try {
            t.mallory()
                .sql(
                    "SELECT from_xml('<p><a>1</a></p>', 'a INT', map('rowValidationXSDPath', '"
                        + t.secretFile()
                        + "'))");
            return false;
          } catch (RuntimeException e) {
            if (e.getMessage().contains("lineNumber") || e.getMessage().contains("prolog")) {
              return true;
            }
            throw e;
          }
        });
  }

  private static void code(Map<String, Attack> all) {
    for (String function : List.of("java_method", "reflect", "try_reflect")) {
      String call = function + "('" + Canary.class.getName() + "', 'sing')";
      all.put(function, t -> !sql(t, "SELECT " + call).isEmpty() && t.canarySings());
      all.put(
          function + " of a DataFrame",
          t ->
              !t.mallory()
                      .rows(project(function(function, Canary.class.getName(), "sing")))
                      .isEmpty()
                  && t.canarySings());
    }
    Map<String, Class<?>> statements =
        Map.of(
            "SELECT %s", Canary.Initialized.class,
            "CREATE TEMPORARY FUNCTION looks() RETURNS STRING RETURN %s",
                Canary.InitializedInABody.class,
            "CREATE TABLE looks (a STRING DEFAULT %s) USING parquet",
                Canary.InitializedInADefault.class);
    statements.forEach(
        (statement, type) ->
            all.put(
                "java_method looks into a class, which runs its initializer: " + statement,
                t -> {
                  String named = "java_method('" + type.getName() + "', 'nothing')";
                  try {
                    t.mallory().sql(statement.formatted(named));
                  } catch (RuntimeException e) {
                    if (!t.canarySings()) {
                      throw e;
                    }
                  }
                  return t.canarySings();
                }));
    for (String property :
        List.of("'java.lang.Integer', 'getInteger'", "'java.lang.Long', 'getLong'")) {
      all.put(
          "java_method " + property + " of a property of the driver",
          t ->
              !sql(t, "SELECT java_method(" + property + ", 'sun.arch.data.model')")
                  .contains("null"));
    }
    String sing = "java_method('" + Canary.class.getName() + "', 'sing')";
    all.put("java_method in a variable", t -> ran(t, "DECLARE v = " + sing) && t.canarySings());
    all.put(
        "java_method in a function of the session",
        t -> {
          ConnectSession mallory = t.mallory();
          mallory.sql("CREATE TEMPORARY FUNCTION f() RETURNS STRING RETURN " + sing);
          mallory.sql("SELECT f()");
          return t.canarySings();
        });
    all.put(
        "java_method by its qualified name",
        t -> ran(t, "SELECT system.builtin." + sing) && t.canarySings());
    all.put(
        "TRANSFORM",
        t ->
            sql(t, "SELECT TRANSFORM(1) USING 'sh -c \"echo " + SECRET + "\"' AS (x STRING)")
                .contains(SECRET));
    all.put(
        "a Scala UDF of Java's serialization",
        t -> sung(t, mallory -> mallory.rows(project(expression(udf())))));
    all.put(
        "a Scala UDF that is registered",
        t ->
            sung(
                t,
                mallory -> mallory.run(Command.newBuilder().setRegisterFunction(udf()).build())));
    all.put(
        "a typed map",
        t ->
            sung(
                t,
                mallory ->
                    mallory.rows(
                        Relation.newBuilder()
                            .setMapPartitions(
                                MapPartitions.newBuilder().setInput(range()).setFunc(udf()))
                            .build())));
    all.put(
        "a typed aggregate",
        t ->
            sung(
                t,
                mallory ->
                    mallory.rows(
                        project(
                            Expression.newBuilder()
                                .setTypedAggregateExpression(
                                    TypedAggregateExpression.newBuilder()
                                        .setScalarScalaUdf(
                                            payload().toBuilder().setAggregate(true)))
                                .build()))));
    all.put(
        "a Java UDF by its class",
        t ->
            sung(
                t,
                mallory ->
                    mallory.run(
                        Command.newBuilder()
                            .setRegisterFunction(
                                CommonInlineUserDefinedFunction.newBuilder()
                                    .setFunctionName("f")
                                    .setJavaUdf(
                                        JavaUDF.newBuilder()
                                            .setClassName(Canary.Udf.class.getName())))
                            .build())));
    all.put(
        "a listener of streams",
        t ->
            sung(
                t,
                mallory ->
                    mallory.run(
                        Command.newBuilder()
                            .setStreamingQueryManagerCommand(
                                StreamingQueryManagerCommand.newBuilder()
                                    .setAddListener(
                                        StreamingQueryListenerCommand.newBuilder()
                                            .setListenerPayload(canary())))
                            .build())));
    all.put(
        "foreachBatch of a stream",
        t ->
            sung(
                t,
                mallory ->
                    mallory.run(
                        stream(
                            t,
                            rate(),
                            StreamingForeachFunction.newBuilder()
                                .setScalaFunction(payload())
                                .build()))));
    all.put(
        "a user-defined type by its class",
        t ->
            sung(
                t,
                mallory ->
                    mallory.rows(
                        Relation.newBuilder()
                            .setToSchema(
                                ToSchema.newBuilder()
                                    .setInput(range())
                                    .setSchema(
                                        DataType.newBuilder()
                                            .setUdt(
                                                DataType.UDT
                                                    .newBuilder()
                                                    .setType("udt")
                                                    .setJvmClass(Canary.Type.class.getName()))))
                            .build())));
    all.put(
        "a user-defined type in a schema",
        t ->
            sung(
                t,
                mallory ->
                    mallory.rows(
                        Relation.newBuilder()
                            .setLocalRelation(
                                LocalRelation.newBuilder()
                                    .setSchema(
                                        "{\"type\":\"struct\",\"fields\":[{\"name\":\"x\",\"nullable\":true,\"metadata\":{},\"type\":{\"type\":\"udt\",\"class\":\""
                                            + Canary.Type.class.getName()
                                            + "\",\"pyClass\":null,\"sqlType\":\"string\"}}]}"))
                            .build())));
    all.put(
        "an external command",
        t ->
            sung(
                t,
                mallory ->
                    mallory.run(
                        Command.newBuilder()
                            .setExecuteExternalCommand(
                                ExecuteExternalCommand.newBuilder()
                                    .setRunner(Canary.Runner.class.getName())
                                    .setCommand("x"))
                            .build())));
    for (String call :
        List.of(
            "CALL site.home.sing()",
            "EXECUTE IMMEDIATE 'CALL site.home.sing()'",
            "BEGIN CALL site.home.sing(); END")) {
      all.put(call, t -> sung(t, mallory -> mallory.sql(call)));
    }
    all.put(
        "an extension that reads",
        t ->
            sung(
                t,
                mallory -> mallory.rows(Relation.newBuilder().setExtension(anything()).build())));
    all.put(
        "an extension that does",
        t ->
            sung(t, mallory -> mallory.run(Command.newBuilder().setExtension(anything()).build())));
    all.put(
        "a statement within a transformer of ML",
        t ->
            t.mallory()
                .rows(
                    Relation.newBuilder()
                        .setMlRelation(
                            MlRelation.newBuilder()
                                .setTransform(
                                    MlRelation.Transform.newBuilder()
                                        .setInput(range())
                                        .setTransformer(
                                            transformer(
                                                "org.apache.spark.ml.feature.SQLTransformer"))
                                        .setParams(
                                            MlParams.newBuilder()
                                                .putParams(
                                                    "statement",
                                                    string(
                                                        "SELECT value FROM __THIS__, "
                                                            + t.table)))))
                        .build())
                .toString()
                .contains(SECRET));
    all.put(
        "a transformer of ML saved to a path",
        t -> {
          Path to = t.home.resolve("ml" + nonce());
          t.mallory()
              .run(
                  Command.newBuilder()
                      .setMlCommand(
                          MlCommand.newBuilder()
                              .setWrite(
                                  MlCommand.Write.newBuilder()
                                      .setOperator(
                                          transformer("org.apache.spark.ml.feature.Tokenizer"))
                                      .setPath(to.toString())))
                      .build());
          return Files.isDirectory(to);
        });
    all.put(
        "CREATE FUNCTION of a class",
        t ->
            sung(
                t,
                mallory ->
                    mallory.sql(
                        "CREATE TEMPORARY FUNCTION c AS '" + Canary.Loaded.class.getName() + "'")));
    all.put("ADD JAR", t -> ran(t, "ADD JAR '" + t.secretFile() + "'"));
    all.put("ADD FILE", t -> ran(t, "ADD FILE '" + t.secretFile() + "'"));
    all.put("ADD ARCHIVE", t -> ran(t, "ADD ARCHIVE '" + archive(t) + "'"));
    all.put("LIST JARS", t -> ran(t, "LIST JARS"));
    all.put("a jar as an artifact", t -> artifact(t, "jars/evil.jar"));
    all.put("a class as an artifact", t -> artifact(t, "classes/Evil.class"));
    all.put("a Python file as an artifact", t -> artifact(t, "pyfiles/evil.py"));
    all.put(
        "a Python data source",
        t ->
            t.mallory()
                    .run(
                        Command.newBuilder()
                            .setRegisterDataSource(
                                CommonInlineUserDefinedDataSource.newBuilder()
                                    .setName("evil")
                                    .setPythonDataSource(
                                        PythonDataSource.newBuilder()
                                            .setCommand(ByteString.copyFromUtf8("x"))
                                            .setPythonVer("3.11")))
                            .build())
                != null);
    all.put(
        "a Python table function",
        t ->
            t.mallory()
                    .run(
                        Command.newBuilder()
                            .setRegisterTableFunction(
                                CommonInlineUserDefinedTableFunction.newBuilder()
                                    .setFunctionName("evil")
                                    .setPythonUdtf(
                                        PythonUDTF.newBuilder()
                                            .setReturnType(
                                                DataType.newBuilder()
                                                    .setStruct(
                                                        DataType.Struct.newBuilder()
                                                            .addFields(
                                                                DataType.StructField.newBuilder()
                                                                    .setName("x")
                                                                    .setDataType(
                                                                        DataType.newBuilder()
                                                                            .setLong(
                                                                                DataType.Long
                                                                                    .newBuilder())))))
                                            .setEvalType(300)
                                            .setCommand(ByteString.copyFromUtf8("x"))
                                            .setPythonVer("3.11")))
                            .build())
                != null);
    all.put(
        "the resources of the driver",
        t ->
            t.mallory()
                    .run(
                        Command.newBuilder()
                            .setGetResourcesCommand(GetResourcesCommand.newBuilder())
                            .build())
                != null);
    all.put(
        "a pipeline",
        t ->
            t.mallory()
                    .run(
                        Command.newBuilder()
                            .setPipelineCommand(
                                PipelineCommand.newBuilder()
                                    .setCreateDataflowGraph(
                                        PipelineCommand.CreateDataflowGraph.newBuilder()
                                            .setDefaultCatalog("spark_catalog")
                                            .setDefaultDatabase("default")))
                            .build())
                != null);
    all.put(
        "a checkpoint on the driver's disk",
        t ->
            t.mallory()
                    .run(
                        Command.newBuilder()
                            .setCheckpointCommand(
                                CheckpointCommand.newBuilder()
                                    .setRelation(range())
                                    .setLocal(true)
                                    .setEager(true))
                            .build())
                != null);
  }

  private static void others(Map<String, Attack> all) {
    all.put(
        "SELECT from somebody's table", t -> sql(t, "SELECT * FROM " + t.table).contains(SECRET));
    all.put(
        "read.table of somebody's table",
        t -> t.mallory().rows(named(t.table)).toString().contains(SECRET));
    all.put(
        "a temporary view of somebody's table",
        t -> {
          ConnectSession mallory = t.mallory();
          mallory.sql("CREATE TEMPORARY VIEW v AS SELECT * FROM " + t.table);
          return mallory.sql("SELECT * FROM v").toString().contains(SECRET);
        });
    all.put(
        "CACHE TABLE of somebody's table",
        t -> ran(t, "CACHE TABLE c" + nonce() + " AS SELECT * FROM " + t.table));
    all.put(
        "EXPLAIN of somebody's table",
        t -> sql(t, "EXPLAIN SELECT * FROM " + t.table).contains("FileScan"));
    all.put(
        "CREATE TABLE AS of somebody's table",
        t -> ran(t, "CREATE TABLE copy" + nonce() + " USING delta AS SELECT * FROM " + t.table));
    all.put(
        "time travel in somebody's table",
        t -> sql(t, "SELECT * FROM " + t.table + " VERSION AS OF 0").contains(SECRET));
    // These read while they are analyzed.
    all.put(
        "the point of a time travel from somebody's table",
        t -> {
          try {
            sql(
                t,
                "SELECT 1 FROM "
                    + t.table
                    + " TIMESTAMP AS OF (SELECT max(value) FROM "
                    + t.table
                    + "_rows)");
          } catch (RuntimeException e) {
            if (e.getMessage().contains(SECRET)) {
              return true;
            }
            throw e;
          }
          return false;
        });
    all.put(
        "transpose of somebody's table",
        t ->
            t.mallory()
                    .rows(
                        Relation.newBuilder()
                            .setTranspose(Transpose.newBuilder().setInput(named(t.table)))
                            .build())
                != null);
    all.put(
        "pivot of somebody's table",
        t ->
            t.mallory()
                    .rows(
                        Relation.newBuilder()
                            .setAggregate(
                                Aggregate.newBuilder()
                                    .setInput(named(t.table))
                                    .setGroupType(Aggregate.GroupType.GROUP_TYPE_PIVOT)
                                    .addAggregateExpressions(function("count", "1"))
                                    .setPivot(
                                        Aggregate.Pivot.newBuilder()
                                            .setCol(
                                                Expression.newBuilder()
                                                    .setUnresolvedAttribute(
                                                        Expression.UnresolvedAttribute.newBuilder()
                                                            .setUnparsedIdentifier("value")))))
                            .build())
                != null);
    all.put(
        "table_changes of somebody's table",
        t -> sql(t, "SELECT * FROM table_changes('" + t.table + "_cdf', 0)").contains(SECRET));
    all.put(
        "table_changes_by_path",
        t ->
            sql(
                    t,
                    "SELECT * FROM table_changes_by_path('"
                        + tableFolder(t, t.table + "_cdf")
                        + "', 0)")
                .contains(SECRET));
    all.put(
        "CHANGES of somebody's table",
        t ->
            sql(t, "SELECT * FROM " + t.table + "_rows CHANGES FROM VERSION 1 TO VERSION 1")
                .contains(SECRET));
    all.put(
        "read.changes of somebody's table",
        t ->
            t.mallory()
                .rows(
                    Relation.newBuilder()
                        .setRelationChanges(
                            RelationChanges.newBuilder()
                                .setUnparsedIdentifier(t.table + "_rows")
                                .putOptions("startingVersion", "1")
                                .putOptions("endingVersion", "1"))
                        .build())
                .toString()
                .contains(SECRET));
    all.put(
        "INSERT into somebody's table", t -> ran(t, "INSERT INTO " + t.table + " VALUES ('mine')"));
    all.put("OPTIMIZE of somebody's table", t -> ran(t, "OPTIMIZE " + t.table));
    all.put("DESCRIBE HISTORY of somebody's table", t -> ran(t, "DESCRIBE HISTORY " + t.table));
    all.put(
        "a global temporary view",
        t -> {
          String view = "g" + nonce();
          t.alice()
              .sql("CREATE GLOBAL TEMPORARY VIEW " + view + " AS SELECT '" + SECRET + "' AS value");
          return sql(t, "SELECT * FROM global_temp." + view).contains(SECRET);
        });
    all.put(
        "a global temporary view of a DataFrame",
        t ->
            t.mallory()
                    .run(
                        Command.newBuilder()
                            .setCreateDataframeView(
                                CreateDataFrameViewCommand.newBuilder()
                                    .setInput(range())
                                    .setName("g" + nonce())
                                    .setIsGlobal(true))
                            .build())
                != null);
    all.put(
        "tables of the catalog all sessions share",
        t -> {
          String table = "spark_catalog.default.shared" + nonce();
          t.alice()
              .sql("CREATE TABLE " + table + " USING delta AS SELECT '" + SECRET + "' AS value");
          return sql(t, "SELECT * FROM " + table).contains(SECRET);
        });
    all.put(
        "somebody's session by its id and name",
        t -> {
          ConnectSession alice = t.alice();
          alice.sql("CREATE TEMPORARY VIEW hidden AS SELECT '" + SECRET + "' AS value");
          return t.mallory()
              .rows(ConnectSession.request(alice.id, "SELECT * FROM hidden", Map.of()))
              .toString()
              .contains(SECRET);
        });
    all.put(
        "what somebody cached with current_user()",
        t -> {
          String query = "SELECT current_user() AS who, " + nonce() + " AS n FROM range(1)";
          t.alice().sql("CACHE TABLE c" + nonce() + " AS " + query);
          return sql(t, query).contains("alice");
        });
    all.put("CLEAR CACHE of what others cached", t -> ran(t, "CLEAR CACHE"));
    all.put(
        "catalog.clearCache",
        t ->
            t.mallory()
                    .rows(
                        Relation.newBuilder()
                            .setCatalog(Catalog.newBuilder().setClearCache(ClearCache.newBuilder()))
                            .build())
                != null);
    all.put("REFRESH of a path", t -> ran(t, "REFRESH '" + t.path + "'"));
    all.put(
        "catalog.refreshByPath",
        t ->
            t.mallory()
                    .rows(
                        Relation.newBuilder()
                            .setCatalog(
                                Catalog.newBuilder()
                                    .setRefreshByPath(RefreshByPath.newBuilder().setPath(t.path)))
                            .build())
                != null);
    all.put(
        "a secret of a table's options",
        t -> {
          String table = "o" + nonce();
          ConnectSession alice = t.alice();
          alice.sql(
              "CREATE TABLE "
                  + table
                  + " (value STRING) USING text OPTIONS ('fs.s3a.my.key' = '"
                  + SECRET
                  + "') LOCATION '"
                  + t.path
                  + "/options'");
          return sql(t, "SHOW CREATE TABLE " + table).contains(SECRET);
        });
  }

  // ---- words of the attacks ----

  private static int counter;

  private static int nonce() {
    return counter++;
  }

  private static String sql(Target target, String statement) {
    return target.lasting().sql(statement).toString();
  }

  private static boolean ran(Target target, String statement) {
    target.lasting().sql(statement);
    return true;
  }

  /** For statements that change their session. */
  private static boolean ranAlone(Target target, String statement) {
    target.mallory().sql(statement);
    return true;
  }

  private interface Action {
    void by(ConnectSession mallory);
  }

  /** Whether the caller's code ran, whatever was answered. */
  private static boolean sung(Target target, Action action) {
    try {
      action.by(target.mallory());
    } catch (RuntimeException e) {
      if (!target.canarySings()) {
        throw e;
      }
    }
    return target.canarySings();
  }

  private static String config(Target target, ConfigRequest.Operation operation) {
    ConnectSession mallory = target.mallory();
    return mallory
        .stub()
        .config(
            ConfigRequest.newBuilder()
                .setSessionId(mallory.id)
                .setUserContext(UserContext.newBuilder().setUserId("root"))
                .setOperation(operation)
                .build())
        .toString();
  }

  private static boolean artifact(Target target, String name) throws Exception {
    ConnectSession mallory = target.mallory();
    var answered = new java.util.concurrent.CompletableFuture<AddArtifactsResponse>();
    var requests =
        mallory
            .asyncStub()
            .addArtifacts(
                new org.sparkproject.connect.grpc.stub.StreamObserver<AddArtifactsResponse>() {
                  @Override
                  public void onNext(AddArtifactsResponse answer) {
                    answered.complete(answer);
                  }

                  @Override
                  public void onError(Throwable e) {
                    answered.completeExceptionally(e);
                  }

                  @Override
                  public void onCompleted() {
                    // The answer came before.
                  }
                });
    ByteString data = ByteString.copyFromUtf8("x");
    var crc = new java.util.zip.CRC32();
    crc.update("x".getBytes(UTF_8));
    requests.onNext(
        AddArtifactsRequest.newBuilder()
            .setSessionId(mallory.id)
            .setUserContext(UserContext.newBuilder().setUserId("root"))
            .setBatch(
                AddArtifactsRequest.Batch.newBuilder()
                    .addArtifacts(
                        AddArtifactsRequest.SingleChunkArtifact.newBuilder()
                            .setName(name)
                            .setData(
                                AddArtifactsRequest.ArtifactChunk.newBuilder()
                                    .setData(data)
                                    .setCrc(crc.getValue()))))
            .build());
    requests.onCompleted();
    try {
      return answered.get().getArtifacts(0).getIsCrcSuccessful();
    } catch (java.util.concurrent.ExecutionException e) {
      throw (Exception) e.getCause();
    }
  }

  private static String tableFolder(Target target) {
    return tableFolder(target, target.table);
  }

  private static String tableFolder(Target target, String table) {
    return target.isStock
        ? target
            .home
            .resolve("spark-warehouse")
            .resolve(table.replaceFirst("^.*\\.", ""))
            .toString()
        : catalog.table(table.split("\\.", -1)).path("storage_location").asText();
  }

  private static Path archive(Target target) throws IOException {
    Path archive = target.home.resolve("a.zip");
    if (!Files.exists(archive)) {
      try (var zip = new java.util.zip.ZipOutputStream(Files.newOutputStream(archive))) {
        zip.putNextEntry(new java.util.zip.ZipEntry("x"));
      }
    }
    return archive;
  }

  private static Any anything() {
    return Any.newBuilder().setTypeUrl("tarn.dev/anything").build();
  }

  private static MlOperator transformer(String name) {
    return MlOperator.newBuilder()
        .setName(name)
        .setUid("u" + nonce())
        .setType(MlOperator.OperatorType.OPERATOR_TYPE_TRANSFORMER)
        .build();
  }

  private static Expression.Literal string(String text) {
    return Expression.Literal.newBuilder().setString(text).build();
  }

  private static Relation range() {
    return Relation.newBuilder()
        .setRange(Range.newBuilder().setStart(0).setEnd(1).setStep(1))
        .build();
  }

  private static Relation rate() {
    return Relation.newBuilder()
        .setRead(
            Read.newBuilder()
                .setIsStreaming(true)
                .setDataSource(Read.DataSource.newBuilder().setFormat("rate")))
        .build();
  }

  private static Relation load(String format, String path, Map<String, String> options) {
    Read.DataSource.Builder source =
        Read.DataSource.newBuilder().setFormat(format).putAllOptions(options);
    if (path != null) {
      source.addPaths(path);
    }
    return Relation.newBuilder().setRead(Read.newBuilder().setDataSource(source)).build();
  }

  private static Relation named(String name) {
    return Relation.newBuilder()
        .setRead(
            Read.newBuilder()
                .setNamedTable(Read.NamedTable.newBuilder().setUnparsedIdentifier(name)))
        .build();
  }

  private static org.apache.spark.connect.proto.ExecutePlanRequest compressed(
      Relation relation, ConnectSession session) {
    return ConnectSession.request(
        session.id,
        Plan.newBuilder()
            .setCompressedOperation(
                Plan.CompressedOperation.newBuilder()
                    .setOpType(Plan.CompressedOperation.OpType.OP_TYPE_RELATION)
                    .setCompressionCodec(CompressionCodec.COMPRESSION_CODEC_ZSTD)
                    .setData(ByteString.copyFrom(Zstd.compress(relation.toByteArray()))))
            .build());
  }

  private static Command write(String format, String path, Relation input) {
    WriteOperation.Builder write =
        WriteOperation.newBuilder()
            .setInput(input)
            .setSource(format)
            .setMode(WriteOperation.SaveMode.SAVE_MODE_APPEND);
    if (path != null) {
      write.setPath(path);
    }
    return Command.newBuilder().setWriteOperation(write).build();
  }

  private static Command stream(Target target, Relation input, StreamingForeachFunction batch) {
    WriteStreamOperationStart.Builder start =
        WriteStreamOperationStart.newBuilder()
            .setInput(input)
            .setOutputMode("append")
            .setAvailableNow(batch == null)
            .putOptions("checkpointLocation", tableFolder(target) + "/cp" + nonce());
    if (batch == null) {
      start.setFormat("console");
    } else {
      start.setForeachBatch(batch);
    }
    return Command.newBuilder().setWriteStreamOperationStart(start).build();
  }

  private static Relation project(Expression expression) {
    return Relation.newBuilder()
        .setProject(Project.newBuilder().setInput(range()).addExpressions(expression))
        .build();
  }

  private static Expression function(String name, String... arguments) {
    Expression.UnresolvedFunction.Builder call =
        Expression.UnresolvedFunction.newBuilder().setFunctionName(name);
    for (String argument : arguments) {
      call.addArguments(Expression.newBuilder().setLiteral(string(argument)));
    }
    return Expression.newBuilder().setUnresolvedFunction(call).build();
  }

  private static Expression expression(CommonInlineUserDefinedFunction function) {
    return Expression.newBuilder().setCommonInlineUserDefinedFunction(function).build();
  }

  private static CommonInlineUserDefinedFunction udf() {
    return CommonInlineUserDefinedFunction.newBuilder()
        .setFunctionName("f")
        .setDeterministic(true)
        .setScalarScalaUdf(payload())
        .build();
  }

  private static ScalarScalaUDF payload() {
    return ScalarScalaUDF.newBuilder()
        .setPayload(canary())
        .setOutputType(DataType.newBuilder().setLong(DataType.Long.newBuilder()))
        .build();
  }

  /** What the driver deserializes, before it looks at what it got. */
  private static ByteString canary() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(Canary.caged());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return ByteString.copyFrom(bytes.toByteArray());
  }
}
