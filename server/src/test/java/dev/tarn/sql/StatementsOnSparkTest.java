package dev.tarn.sql;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.service.sql.CancelExecutionRequest;
import com.databricks.sdk.service.sql.CreateWarehouseRequest;
import com.databricks.sdk.service.sql.Disposition;
import com.databricks.sdk.service.sql.ExecuteStatementRequest;
import com.databricks.sdk.service.sql.Format;
import com.databricks.sdk.service.sql.GetStatementRequest;
import com.databricks.sdk.service.sql.GetWarehouseRequest;
import com.databricks.sdk.service.sql.State;
import com.databricks.sdk.service.sql.StatementParameterListItem;
import com.databricks.sdk.service.sql.StatementResponse;
import com.databricks.sdk.service.sql.StatementState;
import com.sun.net.httpserver.HttpServer;
import dev.tarn.Config;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.Seal;
import dev.tarn.engine.Engine;
import dev.tarn.engine.Engines;
import dev.tarn.engine.Sandbox;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Statements on a real engine, which the build of module spark must have made before. */
@Tag("database-blind") // see CONTRIBUTING
@Timeout(300)
class StatementsOnSparkTest {
  private static final String FOREVER =
      "SELECT count(*) FROM range(100000000000) WHERE sqrt(id) + sin(id) > 3";

  /** A client polls; spinning would take the engine's processor. */
  private static final long POLL_NANOS = 20_000_000;

  @TempDir static Path home;
  private static HttpServer catalog;
  private static Database database;
  private static Engines engines;
  private static Statements statements;
  private static Warehouses warehouses;
  private static final ScheduledExecutorService TIMER =
      Executors.newSingleThreadScheduledExecutor();
  private static String warehouse;

  @BeforeAll
  static void open() throws Exception {
    Files.createDirectories(home.resolve("keys"));
    Files.createDirectories(home.resolve("storage/root"));
    catalog = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    catalog.createContext(
        "/",
        exchange -> {
          String path = exchange.getRequestURI().getPath();
          String answer =
              path.endsWith("/catalogs")
                  ? "{\"catalogs\":[{\"name\":\"main\"}]}"
                  : path.endsWith("/catalogs/main")
                      ? "{\"name\":\"main\"}"
                      : path.endsWith("/schemas/main.default")
                          ? "{\"name\":\"default\",\"catalog_name\":\"main\"}"
                          : path.endsWith("/tarn/authorize")
                              ? "{\"version\":\"1\",\"groups\":[]}"
                              : null;
          byte[] body =
              (answer == null
                      ? "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"" + path + "\"}"
                      : answer)
                  .getBytes(UTF_8);
          exchange.sendResponseHeaders(answer == null ? 404 : 200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    catalog.start();
    URI here = URI.create("http://127.0.0.1:" + catalog.getAddress().getPort());
    Path distribution = Path.of("..").toAbsolutePath().normalize();
    Config config =
        Config.load(
            home,
            distribution,
            Map.of("TARN_PORT", "0", "TARN_ENGINE_MEMORY", "800m", "TARN_ENGINE_CORES", "2"));
    database = Database.open(config.database());
    engines =
        new Engines(
            config,
            database,
            Seal.open(config.keys()),
            Sandbox.open("required", home),
            new Engines.Tokens() {
              @Override
              public String mint(String engineId, long workspaceId) {
                return "token";
              }

              @Override
              public void revoke(String engineId) {}
            },
            workspace -> "1",
            Clock.systemUTC());
    engines.start(here);
    Compute compute =
        new EngineCompute(
            engines,
            (workspace, id) ->
                Engines.Spec.ofWarehouse(id, workspace, Map.of("root", true), "main"));
    warehouses = new Warehouses(database, compute, Clock.systemUTC(), () -> here, 30, TIMER);
    statements =
        new Statements(
            database,
            warehouses,
            workspace -> home.resolve("storage/root"),
            Clock.systemUTC(),
            () -> here,
            Duration.ofHours(24));
    warehouse =
        warehouses
            .create(admin(), new CreateWarehouseRequest().setName("w").setClusterSize("Small"))
            .getId();
  }

  @AfterAll
  static void close() {
    statements.close();
    engines.close();
    TIMER.shutdownNow();
    database.close();
    catalog.stop(0);
  }

  @Test
  void everyTypeIsPrintedAndNamed() {
    List<List<String>> cases =
        List.of(
            List.of("true", "BOOLEAN", "true"),
            List.of("1Y", "TINYINT", "1"),
            List.of("-2S", "SMALLINT", "-2"),
            List.of("3", "INT", "3"),
            List.of("4L", "BIGINT", "4"),
            List.of("cast(1.5 as float)", "FLOAT", "1.5"),
            List.of("1e20D", "DOUBLE", "1.0E20"),
            List.of("double('NaN')", "DOUBLE", "NaN"),
            List.of("1.10BD", "DECIMAL(3,2)", "1.10"),
            List.of("cast(0 as decimal(38,10))", "DECIMAL(38,10)", "0.0000000000"),
            List.of("'it''s é'", "STRING", "it's é"),
            List.of("X'00ff'", "BINARY", "AP8="),
            List.of("date'2020-01-02'", "DATE", "2020-01-02"),
            List.of(
                "timestamp'2020-01-02 03:04:05.123456'", "TIMESTAMP", "2020-01-02T03:04:05.123Z"),
            List.of(
                "timestamp_ntz'2020-01-02 03:04:05'", "TIMESTAMP_NTZ", "2020-01-02T03:04:05.000"),
            List.of("interval '1-2' year to month", "INTERVAL YEAR TO MONTH", "1-2"),
            List.of("interval 3 month", "INTERVAL MONTH", "0-3"),
            List.of(
                "interval '1 02:03:04.5' day to second",
                "INTERVAL DAY TO SECOND",
                "1 02:03:04.500000000"),
            List.of(
                "make_interval(1,2,3,4,5,6,7.5)",
                "INTERVAL",
                "1 years 2 months 25 days 5 hours 6 minutes 7.5 seconds"),
            List.of("array(1,null)", "ARRAY<INT>", "[\"1\",null]"),
            List.of("map('k',1.5BD)", "MAP<STRING, DECIMAL(2,1)>", "{\"k\":\"1.5\"}"),
            List.of(
                "named_struct('x',1,'y',array(date'2020-01-01'),'z',cast(null as int))",
                "STRUCT<x: INT NOT NULL, y: ARRAY<DATE> NOT NULL, z: INT>",
                "{\"x\":\"1\",\"y\":[\"2020-01-01\"],\"z\":null}"),
            List.of(
                "parse_json('{\"b\":1.5,\"a\":[null,true,\"q\"]}')",
                "VARIANT",
                "{\"a\":[null,true,\"q\"],\"b\":1.5}"));
    String sql =
        "SELECT " + String.join(", ", cases.stream().map(List::getFirst).toList()) + ", null";
    StatementResponse response = run(statement(sql));
    assertThat(response.getStatus().getState())
        .as(Json.write(response.getStatus()))
        .isEqualTo(StatementState.SUCCEEDED);
    var columns = List.copyOf(response.getManifest().getSchema().getColumns());
    List<String> row =
        List.copyOf(response.getResult().getDataArray()).getFirst().stream().toList();
    for (int i = 0; i < cases.size(); i++) {
      assertThat(columns.get(i).getTypeText())
          .as(cases.get(i).get(0))
          .isEqualTo(cases.get(i).get(1));
      assertThat(row.get(i)).as(cases.get(i).get(0)).isEqualTo(cases.get(i).get(2));
    }
    assertThat(row.getLast()).isNull();
    assertThat(columns.getLast().getTypeText()).isEqualTo("VOID");
  }

  @Test
  void namedParametersAreValuesAndNeverText() {
    StatementResponse response =
        run(
            statement("SELECT :s, :n + 1, :d, :x, typeof(:i)")
                .setParameters(
                    List.of(
                        parameter("s", null, "'; DROP TABLE t; --"),
                        parameter("n", "DECIMAL(10,2)", "41.00"),
                        parameter("d", "DATE", "2020-02-29"),
                        parameter("x", "INT", null),
                        parameter("i", "INTERVAL DAY TO SECOND", "1 00:00:00"))));
    assertThat(response.getResult().getDataArray().iterator().next())
        .containsExactly(
            "'; DROP TABLE t; --", "42.00", "2020-02-29", null, "interval day to second");
  }

  @Test
  void arrowComesByLinkAndCanBeRead() throws Exception {
    StatementResponse response =
        run(
            statement("SELECT id FROM range(100000)")
                .setDisposition(Disposition.EXTERNAL_LINKS)
                .setFormat(Format.ARROW_STREAM));
    assertThat(response.getManifest().getTotalRowCount()).isEqualTo(100_000);
    Path chunk =
        home.resolve("storage/root/tarn-results/" + response.getStatementId() + "/chunk-0");
    try (var stream = Files.newInputStream(chunk)) {
      assertThat(TestCompute.read(stream)).hasSize(100_000).startsWith(0L).endsWith(99_999L);
    }
  }

  @Test
  void whatSparkRefusesIsSaidAsSparkSaysIt() {
    StatementResponse syntax = run(statement("SELEC 1"));
    assertThat(syntax.getStatus().getError().getMessage())
        .startsWith("[PARSE_SYNTAX_ERROR] Syntax error at or near 'SELEC'.");
    assertThat(syntax.getStatus().getSqlState()).isEqualTo("42601");
    StatementResponse zero = run(statement("SELECT 1/0"));
    assertThat(zero.getStatus().getError().getMessage()).startsWith("[DIVIDE_BY_ZERO]");
    StatementResponse column = run(statement("SELECT nope FROM range(1)"));
    assertThat(column.getStatus().getError().getMessage())
        .startsWith("[UNRESOLVED_COLUMN")
        .doesNotContain("'Project");
  }

  @Test
  void aSettingOfOneStatementIsNotThereInTheNext() {
    run(statement("SET spark.sql.ansi.enabled = false"));
    assertThat(run(statement("SELECT 1/0")).getStatus().getState())
        .isEqualTo(StatementState.FAILED);
  }

  @Test
  void cancelStopsTheSparkJob() throws Exception {
    run(statement("SELECT 1"));
    String id = submit(statement(FOREVER).setWaitTimeout("5s")).getStatementId();
    assertThat(get(id).getStatus().getState()).isEqualTo(StatementState.RUNNING);
    statements.cancelExecution(admin(), new CancelExecutionRequest().setStatementId(id));
    assertThat(get(id).getStatus().getState()).isEqualTo(StatementState.CANCELED);
    // Its place is free again only when Spark has ended the job.
    Warehouse its = warehouses.find(1, warehouse);
    its.places.acquire(Warehouse.CONCURRENT);
    its.places.release(Warehouse.CONCURRENT);
    assertThat(run(statement("SELECT 1")).getStatus().getState())
        .isEqualTo(StatementState.SUCCEEDED);
  }

  @Test
  void aKilledEngineShowsItsCauseAndTheNextStatementStartsAnother() {
    run(statement("SELECT 1"));
    String id = submit(statement(FOREVER).setWaitTimeout("5s")).getStatementId();
    Engine engine = engines.current(warehouse, 0).orElseThrow();
    ProcessHandle.of(engine.jvmPid()).orElseThrow().destroyForcibly();
    StatementResponse killed = ended(id);
    assertThat(killed.getStatus().getState()).isEqualTo(StatementState.FAILED);
    assertThat(killed.getStatus().getError().getMessage()).contains("engine");
    GetWarehouseRequest its = new GetWarehouseRequest().setId(warehouse);
    while (warehouses.get(admin(), its).getState() == State.RUNNING) {
      LockSupport.parkNanos(POLL_NANOS);
    }
    assertThat(warehouses.get(admin(), its).getHealth().getMessage()).contains("killed");
    assertThat(run(statement("SELECT 2")).getStatus().getState())
        .isEqualTo(StatementState.SUCCEEDED);
    assertThat(engines.current(warehouse, 0).orElseThrow().id()).isNotEqualTo(engine.id());
  }

  private static StatementParameterListItem parameter(String name, String type, String value) {
    return new StatementParameterListItem().setName(name).setType(type).setValue(value);
  }

  private static ExecuteStatementRequest statement(String sql) {
    return new ExecuteStatementRequest()
        .setStatement(sql)
        .setWarehouseId(warehouse)
        .setWaitTimeout("50s");
  }

  /** Its end, also when the engine takes longer to start than a call may wait. */
  private static StatementResponse run(ExecuteStatementRequest request) {
    return ended(submit(request).getStatementId());
  }

  private static StatementResponse submit(ExecuteStatementRequest request) {
    return read(statements.executeStatement(admin(), request, new Presence(Set.of())));
  }

  private static StatementResponse get(String id) {
    return read(statements.getStatement(admin(), new GetStatementRequest().setStatementId(id)));
  }

  private static StatementResponse ended(String id) {
    while (true) {
      StatementResponse response = get(id);
      StatementState state = response.getStatus().getState();
      if (state != StatementState.PENDING && state != StatementState.RUNNING) {
        return response;
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  /** As the client reads it: what is answered was saved before. */
  private static StatementResponse read(Answer answer) {
    if (answer.saved() != null) {
      try {
        answer.saved().get();
      } catch (InterruptedException | ExecutionException e) {
        throw new IllegalStateException(e);
      }
    }
    return Json.read(Json.write(answer.body()), StatementResponse.class);
  }

  private static Caller admin() {
    return new Caller(
        "7",
        Caller.Kind.USER,
        "7@example.com",
        Set.of(Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN),
        "account",
        1L,
        null,
        null,
        "token",
        "request");
  }
}
