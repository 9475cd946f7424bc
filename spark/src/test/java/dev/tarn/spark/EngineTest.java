package dev.tarn.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.connect.proto.Expression;
import org.apache.spark.connect.proto.GetStatusResponse.OperationStatus.OperationState;
import org.apache.spark.connect.proto.SparkConnectServiceGrpc;
import org.apache.spark.serializer.KryoSerializer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkproject.connect.grpc.CallOptions;
import org.sparkproject.connect.grpc.Context;
import org.sparkproject.connect.grpc.MethodDescriptor;
import org.sparkproject.connect.grpc.Status;
import org.sparkproject.connect.grpc.StatusRuntimeException;
import org.sparkproject.connect.grpc.stub.ClientCalls;

/** One engine for all: its start takes longer than any test. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class EngineTest {
  /** Long enough for a catalog in a busy JVM, short enough to be waited for. */
  private static final long ORPHAN_AFTER_SECONDS = 5;

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
    engine = new TestEngine(folder, catalog, TOKEN, ORPHAN_AFTER_SECONDS);
  }

  @AfterAll
  static void stop() throws Exception {
    engine.stop();
    catalog.close();
    assertThat(Files.readString(engine.log))
        .doesNotContain(TOKEN)
        .doesNotContain("Failed to load session extension");
  }

  // ---- identity ----

  @Test
  void aStatementRunsAsThePrincipalWhoeverTheClientSaysItIs() {
    alice.requestId = "req-of-alice";
    assertThat(alice.sql("SELECT current_user()")).isEqualTo(rows(row("alice@example.com")));
    alice.sql("SHOW TABLES");
    assertThat(catalog.calls).contains("GET tables 42 req-of-alice");
  }

  /**
   * It registers classes by name, among them those of jars that are there without their
   * dependencies.
   */
  @Test
  void kryoStarts() {
    assertThat(new KryoSerializer(new SparkConf()).newKryo()).isNotNull();
  }

  @Test
  void everyCallWithoutASignedPrincipalIsUnauthenticated() {
    var methods = SparkConnectServiceGrpc.getServiceDescriptor().getMethods();
    assertThat(methods).hasSizeGreaterThanOrEqualTo(12);
    for (MethodDescriptor<?, ?> method : methods) {
      assertStatus(Status.Code.UNAUTHENTICATED, () -> callWithoutHeaders(method));
    }
  }

  @SuppressWarnings("unchecked") // An empty message of the method's own request type.
  private static <Q, A> void callWithoutHeaders(MethodDescriptor<Q, A> method) {
    var marshaller = (MethodDescriptor.PrototypeMarshaller<Q>) method.getRequestMarshaller();
    var unary = method.toBuilder().setType(MethodDescriptor.MethodType.SERVER_STREAMING).build();
    ClientCalls.blockingServerStreamingCall(
            engine.channel(), unary, CallOptions.DEFAULT, marshaller.getMessagePrototype())
        .forEachRemaining(answer -> {});
  }

  @Test
  void aPrincipalOfAnotherEngineKeyOrTimeIsUnauthenticated() throws Exception {
    alice.engineId = "engine-2";
    assertStatus(Status.Code.UNAUTHENTICATED, () -> alice.sql("SELECT 1"));
    ConnectSession late = engine.session("42", "alice@example.com");
    late.validSeconds = -5;
    assertStatus(Status.Code.UNAUTHENTICATED, () -> late.sql("SELECT 1"));
    var otherKey = KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPrivate();
    ConnectSession forged = new ConnectSession(engine.channel(), otherKey, "1", "root");
    assertStatus(Status.Code.UNAUTHENTICATED, () -> forged.sql("SELECT 1"));
  }

  @Test
  void aPrincipalSignedForOneSessionCannotEnterAnother() {
    alice.sql("CREATE TEMP VIEW secret AS SELECT 1");
    ConnectSession bob = engine.session("43", "bob@example.com");
    var request = ConnectSession.request(alice.id, "SELECT * FROM secret", Map.of());
    assertStatus(
        Status.Code.PERMISSION_DENIED,
        () -> bob.stub().executePlan(request).forEachRemaining(answer -> {}));
    // Even with a principal for that session id it is another session: the key has the user in it.
    bob.signedSession = alice.id;
    assertThatThrownBy(() -> bob.stub().executePlan(request).forEachRemaining(answer -> {}))
        .hasMessageContaining("TABLE_OR_VIEW_NOT_FOUND");
  }

  @Test
  @Timeout(120)
  void aStatementWhoseClientIsGoneEnds() {
    alice.sql("SELECT 1"); // The session is there before somebody leaves it.
    var request =
        ConnectSession.request(
            alice.id,
            "SELECT sum(a.id * b.id) FROM range(100000000) a CROSS JOIN range(100000000) b",
            Map.of());
    try (var call = Context.current().withCancellation()) {
      call.run(
          () -> {
            var unused = alice.stub().executePlan(request);
          });
      while (alice.state(request.getOperationId()) != OperationState.OPERATION_STATE_RUNNING) {
        // Each look is a call to the engine.
      }
    }
    Set<OperationState> alive =
        Set.of(OperationState.OPERATION_STATE_RUNNING, OperationState.OPERATION_STATE_TERMINATING);
    while (alive.contains(alice.state(request.getOperationId()))) {
      // Without an end the query takes years.
    }
  }

  // ---- one ExecutePlan with a SQL relation as its root ----

  @Test
  void aCommandSentAsARelationRunsOnceEachTime() {
    alice.sql("CREATE TABLE once (id INT)");
    assertThat(alice.sql("INSERT INTO once VALUES (1)")).isEmpty();
    assertThat(alice.sql("INSERT INTO once VALUES (1)")).isEmpty();
    assertThat(alice.sql("SELECT count(*) FROM once")).isEqualTo(rows(row("2")));
    assertThat(alice.sql("SHOW TABLES LIKE 'once'"))
        .isEqualTo(rows(row("default", "once", "false")));
    assertThat(alice.sql("DESCRIBE once")).isEqualTo(rows(row("id", "int", "null")));
    assertThat(alice.sql("UPDATE once SET id = 2")).isEqualTo(rows(row("2")));
  }

  @Test
  void settingsTheCurrentSchemaAndTempViewsStayInTheSession() {
    alice.sql("CREATE SCHEMA kept COMMENT 'of the session'");
    alice.sql("USE kept");
    alice.sql("SET spark.sql.shuffle.partitions = 3");
    alice.sql("CREATE TEMP VIEW five AS SELECT 5 AS n");
    assertThat(alice.sql("SELECT current_catalog(), current_schema(), n FROM five"))
        .isEqualTo(rows(row("main", "kept", "5")));
    assertThat(alice.sql("SET spark.sql.shuffle.partitions"))
        .isEqualTo(rows(row("spark.sql.shuffle.partitions", "3")));
    ConnectSession fresh = engine.session("42", "alice@example.com");
    assertThat(fresh.sql("SELECT current_catalog(), current_schema()"))
        .isEqualTo(rows(row("main", "default")));
  }

  @Test
  void aReleasedSessionTakesItsStateAlong() {
    alice.sql("CREATE TEMPORARY VIEW leftover AS SELECT 1");
    alice.release();
    assertThatThrownBy(() -> alice.sql("SELECT * FROM leftover"))
        .hasMessageContaining("INVALID_HANDLE.SESSION_CLOSED");
  }

  @Test
  void namedArgumentsAreLiterals() {
    assertThat(
            alice.sql(
                "SELECT :name || '!', :n + 1",
                Map.of(
                    "name", Expression.Literal.newBuilder().setString("x' OR 1=1").build(),
                    "n", Expression.Literal.newBuilder().setLong(41).build())))
        .isEqualTo(rows(row("x' OR 1=1!", "42")));
  }

  // ---- managed Delta tables ----

  @Test
  void aManagedTableLivesItsWholeLife() {
    alice.sql("CREATE TABLE life (id INT COMMENT 'the id', name STRING) COMMENT 'first'");
    alice.sql("INSERT INTO life VALUES (1, 'a'), (2, 'b')");
    alice.sql("UPDATE life SET name = 'z' WHERE id = 1");
    alice.sql("DELETE FROM life WHERE id = 2");
    alice.sql(
        "MERGE INTO life USING (SELECT 1 AS id, 'q' AS name UNION ALL SELECT 9, 'n') s ON"
            + " life.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *");
    assertThat(alice.sql("SELECT * FROM life ORDER BY id"))
        .isEqualTo(rows(row("1", "q"), row("9", "n")));
    assertThat(alice.sql("SELECT * FROM life VERSION AS OF 1 ORDER BY id"))
        .isEqualTo(rows(row("1", "a"), row("2", "b")));
    assertThat(alice.sql("OPTIMIZE life")).hasSize(1);
    assertThat(alice.sql("DESCRIBE HISTORY life").stream().map(each -> each.get(4)))
        .contains("CREATE TABLE", "WRITE", "UPDATE", "DELETE", "MERGE");
    alice.sql("CREATE TABLE copied AS SELECT * FROM life");
    alice.sql("CREATE OR REPLACE TABLE copied AS SELECT id * 2 AS twice FROM life");
    alice.sql("INSERT INTO copied SELECT twice FROM copied");
    assertThat(alice.sql("SELECT sum(twice) FROM copied")).isEqualTo(rows(row("40")));
    alice.sql("CREATE TABLE liked LIKE life");
    assertThat(columns("liked")).containsExactly("id int", "name string");
    JsonNode table = catalog.table("main", "default", "life");
    assertThat(table.path("table_type").asText()).isEqualTo("MANAGED");
    assertThat(table.path("comment").asText()).isEqualTo("first");
    assertThat(table.path("columns").path(0).path("comment").asText()).isEqualTo("the id");
    alice.sql("DROP TABLE life");
    assertThat(catalog.table("main", "default", "life")).isNull();
    assertThatThrownBy(() -> alice.sql("SELECT * FROM life"))
        .hasMessageContaining("TABLE_OR_VIEW_NOT_FOUND");
  }

  @Test
  void theServersCopyFollowsAlterEvolutionAndReplace() {
    alice.sql("CREATE TABLE copy (id INT, day DATE) PARTITIONED BY (day)");
    alice.sql("ALTER TABLE copy ADD COLUMN price DECIMAL(10,2) COMMENT 'net'");
    assertThat(columns("copy")).containsExactly("id int", "day date", "price decimal(10,2)");
    alice.sql("COMMENT ON TABLE copy IS 'hello'");
    alice.sql("ALTER TABLE copy SET TBLPROPERTIES ('team' = 'x')");
    JsonNode table = catalog.table("main", "default", "copy");
    assertThat(table.path("comment").asText()).isEqualTo("hello");
    assertThat(table.path("properties").path("team").asText()).isEqualTo("x");
    assertThat(table.path("columns").path(1).path("partition_index").asInt(-1)).isZero();
    alice.sql("INSERT WITH SCHEMA EVOLUTION INTO copy BY NAME SELECT 1 AS id, true AS extra");
    assertThat(columns("copy"))
        .containsExactly("id int", "day date", "price decimal(10,2)", "extra boolean");
    alice.sql("CREATE OR REPLACE TABLE copy AS SELECT 1L AS other");
    assertThat(columns("copy")).containsExactly("other bigint");
  }

  @Test
  void aCopyThatFellBehindIsMendedWhenTheTableIsNextRead() {
    alice.sql("CREATE TABLE behind (id INT, name STRING)");
    ((ObjectNode) catalog.table("main", "default", "behind")).putArray("columns");
    alice.sql("SELECT * FROM behind");
    assertThat(columns("behind")).containsExactly("id int", "name string");
    catalog.calls.clear();
    alice.sql("SELECT * FROM behind");
    assertThat(catalog.calls).noneMatch(call -> call.startsWith("PATCH"));
  }

  @Test
  void aFailedCreationLeavesNoTableAndNoFiles() throws IOException {
    long before = managedFolders();
    assertThatThrownBy(
            () ->
                alice.sql(
                    "CREATE TABLE broken AS SELECT CAST(raise_error('boom') AS INT) AS x FROM range(0, 3, 1, 1)"))
        .hasMessageMatching("(?s).*(boom|TASK_WRITE_FAILED).*");
    assertThatThrownBy(() -> alice.sql("CREATE TABLE forbidden AS SELECT 1 AS x"))
        .hasMessageContaining("User does not have CREATE TABLE");
    assertThatThrownBy(() -> alice.sql("CREATE TABLE forbidden (x INT)"))
        .hasMessageContaining("User does not have CREATE TABLE");
    assertThat(catalog.table("main", "default", "broken")).isNull();
    assertThat(managedFolders()).isEqualTo(before);
  }

  @Test
  void whatExistsOrDoesNotIsSaidInSparksWords() {
    alice.sql("CREATE TABLE there (id INT)");
    assertThatThrownBy(() -> alice.sql("CREATE TABLE there (id INT)"))
        .hasMessageContaining("TABLE_OR_VIEW_ALREADY_EXISTS");
    alice.sql("CREATE TABLE IF NOT EXISTS there (id INT)");
    assertThatThrownBy(() -> alice.sql("CREATE SCHEMA default"))
        .hasMessageContaining("SCHEMA_ALREADY_EXISTS");
    assertThatThrownBy(() -> alice.sql("CREATE TABLE nowhere.t (id INT)"))
        .hasMessageContaining("SCHEMA_NOT_FOUND");
    assertThatThrownBy(() -> alice.sql("USE nowhere")).hasMessageContaining("SCHEMA_NOT_FOUND");
    alice.sql("CREATE SCHEMA full");
    alice.sql("CREATE TABLE full.t (id INT)");
    assertThatThrownBy(() -> alice.sql("DROP SCHEMA full"))
        .hasMessageContaining("SCHEMA_NOT_EMPTY");
    alice.sql("DROP SCHEMA full CASCADE");
    assertThat(alice.sql("SHOW SCHEMAS")).doesNotContain(row("full"));
  }

  @Test
  void strangeNamesSurvive() {
    String name = "a \"quote\" 'and' 100% é 🐟/+&?#";
    alice.sql("CREATE TABLE `" + name + "` (`col🐟` INT)");
    alice.sql("INSERT INTO `" + name + "` VALUES (7)");
    assertThat(alice.sql("SELECT `col🐟` FROM main.default.`" + name + "`"))
        .isEqualTo(rows(row("7")));
    alice.sql("CREATE TABLE `back``tick.dot` (id INT)");
    assertThat(alice.sql("SHOW TABLES"))
        .contains(row("default", name, "false"), row("default", "back`tick.dot", "false"));
    alice.sql("DROP TABLE `back``tick.dot`");
    assertThat(catalog.table("main", "default", "back`tick.dot")).isNull();
  }

  // ---- external tables ----

  @Test
  void externalTablesOfEachFormatAreWrittenReadAndLeftWhenDropped() throws IOException {
    for (String format : List.of("delta", "parquet", "csv", "json", "orc")) {
      String table = "ext_" + format;
      String location = "s3://root/external/" + format;
      alice.sql(
          "CREATE TABLE "
              + table
              + " (id INT, name STRING) USING "
              + format
              + " LOCATION '"
              + location
              + "'");
      alice.sql("INSERT INTO " + table + " VALUES (1, 'a'), (2, 'b')");
      assertThat(alice.sql("SELECT * FROM " + table + " ORDER BY id"))
          .as(format)
          .isEqualTo(rows(row("1", "a"), row("2", "b")));
      assertThat(catalog.table("main", "default", table).path("table_type").asText())
          .isEqualTo("EXTERNAL");
      alice.sql("DROP TABLE " + table);
      assertThat(folder.resolve("storage/root/external/" + format)).isNotEmptyDirectory();
    }
  }

  @Test
  void aTableOverFilesTakesItsColumnsFromThem() throws IOException {
    Path bucket = Files.createDirectories(folder.resolve("storage/root/in"));
    Files.writeString(bucket.resolve("one.csv"), "id;größe\n1;2.5\n");
    alice.sql(
        "CREATE TABLE inferred USING csv OPTIONS (header 'true', sep ';', inferSchema 'true')"
            + " LOCATION 's3://root/in'");
    assertThat(columns("inferred")).containsExactly("id int", "größe double");
    Files.writeString(bucket.resolve("two.csv"), "id;größe\n2;3.5\n");
    assertThat(alice.sql("SELECT sum(`größe`) FROM inferred")).isEqualTo(rows(row("6.0")));
    alice.sql("CREATE TABLE source (id INT) LOCATION 's3://root/shared-delta'");
    alice.sql("CREATE TABLE found LOCATION 's3://root/shared-delta'");
    assertThat(columns("found")).containsExactly("id int");
    catalog.calls.clear();
    assertThat(alice.sql("SELECT * FROM csv.`s3://root/in/one.csv`")).hasSize(2);
    assertThat(catalog.calls).noneMatch(call -> call.startsWith("GET tables"));
    assertThat(alice.sql("SELECT * FROM delta.`s3://root/shared-delta`")).isEmpty();
    assertThatThrownBy(() -> alice.sql("SELECT * FROM csv.`s3://no-such-bucket/x`"))
        .hasMessageContaining("PATH_NOT_FOUND");
    assertThatThrownBy(
            () -> alice.sql("CREATE TABLE lost (id INT) LOCATION 's3://no-such-bucket/x'"))
        .hasMessageContaining("bucket does not exist: 'no-such-bucket'");
  }

  // ---- catalogs ----

  @Test
  void aCatalogCreatedLaterIsUsableAndASteadyStateAsksNothing() {
    alice.sql("SELECT 1");
    catalog.calls.clear();
    alice.sql("SELECT 1");
    assertThat(catalog.calls).isEmpty();
    catalog.createCatalog("later");
    alice.catalogsVersion = "2";
    assertThat(alice.sql("SHOW CATALOGS")).contains(row("later"), row("main"));
    alice.sql("CREATE TABLE later.default.t (id INT)");
    assertThat(alice.sql("SELECT * FROM later.default.t")).isEmpty();
    // The session's own list, and SHOW CATALOGS, which the server answers.
    assertThat(catalog.calls).filteredOn(call -> call.startsWith("GET catalogs")).hasSize(2);
  }

  @Test
  void whatThisEngineCannotDoIsRefusedByName() {
    assertThatThrownBy(() -> alice.sql("CREATE TABLE spark_catalog.default.x (id INT)"))
        .hasMessageContaining("spark_catalog holds nothing");
    assertThatThrownBy(() -> alice.sql("CREATE TABLE p (id INT) USING parquet"))
        .hasMessageContaining("without LOCATION");
    assertThatThrownBy(
            () ->
                alice.sql("CREATE TABLE p USING parquet LOCATION 's3://root/p' AS SELECT 1 AS id"))
        .hasMessageContaining("expected: USING DELTA");
  }

  // ---- the end ----

  /** The last of all tests, for it takes the engine of the others: a second one starts slowly. */
  @Test
  @Order(Integer.MAX_VALUE)
  void anEngineWhoseControlPlaneIsGoneEndsItself() throws Exception {
    assertThat(engine.process.isAlive()).isTrue();
    catalog.healthy = false;
    assertThat(engine.process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(engine.process.exitValue()).isEqualTo(3);
  }

  // ---- words of the tests ----

  private static void assertStatus(Status.Code code, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class, e -> assertThat(e.getStatus().getCode()).isEqualTo(code));
  }

  private static List<String> columns(String table) {
    List<String> columns = new ArrayList<>();
    for (JsonNode column : catalog.table("main", "default", table).path("columns")) {
      columns.add(column.path("name").asText() + " " + column.path("type_text").asText());
    }
    return columns;
  }

  private static long managedFolders() throws IOException {
    Path tables = folder.resolve("storage/root/unity-catalog/tables");
    if (!Files.exists(tables)) {
      return 0;
    }
    try (Stream<Path> folders = Files.list(tables)) {
      return folders.count();
    }
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
