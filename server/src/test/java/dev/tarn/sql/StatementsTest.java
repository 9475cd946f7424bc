package dev.tarn.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.sql.CancelExecutionRequest;
import com.databricks.sdk.service.sql.CreateWarehouseRequest;
import com.databricks.sdk.service.sql.Disposition;
import com.databricks.sdk.service.sql.ExecuteStatementRequest;
import com.databricks.sdk.service.sql.ExecuteStatementRequestOnWaitTimeout;
import com.databricks.sdk.service.sql.ExternalLink;
import com.databricks.sdk.service.sql.Format;
import com.databricks.sdk.service.sql.GetStatementRequest;
import com.databricks.sdk.service.sql.GetStatementResultChunkNRequest;
import com.databricks.sdk.service.sql.ResultData;
import com.databricks.sdk.service.sql.ServiceErrorCode;
import com.databricks.sdk.service.sql.StatementParameterListItem;
import com.databricks.sdk.service.sql.StatementResponse;
import com.databricks.sdk.service.sql.StatementState;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import dev.tarn.iam.TestClock;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class StatementsTest {
  private static final URI SELF = URI.create("http://127.0.0.1:8484");

  @TempDir Path folder;
  private final TestClock clock = new TestClock();
  private final TestCompute compute = new TestCompute();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private Database database;
  private Warehouses warehouses;
  private Statements statements;
  private String warehouse;

  @BeforeEach
  void open() {
    database = Database.open(TestDatabase.of(folder));
    reopen();
    warehouse =
        warehouses
            .create(admin(), new CreateWarehouseRequest().setName("w").setClusterSize("2X-Small"))
            .getId();
  }

  /** As a new process finds it. */
  private void reopen() {
    warehouses = new Warehouses(database, compute, clock, () -> SELF, 30, timer);
    warehouses.recover();
    statements =
        new Statements(
            database,
            warehouses,
            workspace -> folder.resolve("bucket-" + workspace),
            clock,
            () -> SELF,
            Duration.ofHours(24));
    statements.recover(List.of(folder.resolve("bucket-1")));
  }

  @AfterEach
  void close() {
    statements.close();
    timer.shutdownNow();
    database.close();
  }

  @Test
  void aSmallResultIsAnsweredAtOnceAndCanBeFetchedAgain() {
    StatementResponse response = run(statement("range 3"));
    assertThat(response.getStatus().getState()).isEqualTo(StatementState.SUCCEEDED);
    assertThat(response.getResult().getDataArray())
        .containsExactly(List.of("0"), List.of("1"), List.of("2"));
    assertThat(response.getManifest().getTotalRowCount()).isEqualTo(3);
    assertThat(response.getManifest().getTruncated()).isFalse();
    assertThat(response.getManifest().getSchema().getColumns())
        .singleElement()
        .satisfies(column -> assertThat(column.getTypeText()).isEqualTo("BIGINT"));
    assertThat(get(response.getStatementId())).isEqualTo(response);
    reopen();
    assertThat(get(response.getStatementId())).isEqualTo(response);
    assertThat(folder.resolve("bucket-1")).doesNotExist();
  }

  @Test
  void aStatementWithoutRowsHasNoColumnsAndAnEmptyResult() {
    StatementResponse response = run(statement("nothing"));
    assertThat(response.getManifest().getSchema().getColumnCount()).isZero();
    assertThat(response.getManifest().getTotalChunkCount()).isZero();
    assertThat(response.getResult()).isEqualTo(new ResultData());
  }

  @Test
  void aLargeInlineResultComesInChunksThatAreFiles() {
    compute.perBatch = 100_000;
    StatementResponse response = run(statement("range 1200000"));
    assertThat(response.getManifest().getTotalChunkCount()).isEqualTo(2);
    assertThat(response.getResult().getNextChunkInternalLink())
        .isEqualTo("/api/2.0/sql/statements/" + response.getStatementId() + "/result/chunks/1");
    ResultData second = chunk(response.getStatementId(), 1);
    assertThat(second.getNextChunkIndex()).isNull();
    assertThat(second.getRowOffset()).isEqualTo(response.getResult().getRowCount());
    assertThat(second.getDataArray().iterator().next())
        .containsExactly(String.valueOf(second.getRowOffset()));
    assertThat(response.getResult().getRowCount() + second.getRowCount()).isEqualTo(1_200_000);
    assertThatThrownBy(() -> chunk(response.getStatementId(), 2))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("'2' (expected: less than 2");
  }

  @Test
  void anInlineResultOverTheLimitFailsInTheWordsOfTheService() {
    compute.perBatch = 400_000;
    StatementResponse response = run(statement("range 4000000"));
    assertThat(response.getStatus().getState()).isEqualTo(StatementState.FAILED);
    assertThat(response.getStatus().getError().getMessage())
        .startsWith("Inline byte limit exceeded.")
        .contains("26214400");
    assertThat(resultFolder(response)).doesNotExist();
  }

  @Test
  void limitsTruncateAndSaySo() {
    StatementResponse rows = run(statement("range 10").setRowLimit(5L));
    assertThat(rows.getResult().getDataArray()).hasSize(5);
    assertThat(rows.getManifest().getTruncated()).isTrue();
    StatementResponse exact = run(statement("range 10").setRowLimit(10L));
    assertThat(exact.getManifest().getTruncated()).isFalse();
    StatementResponse bytes = run(statement("range 10").setByteLimit(500L));
    assertThat(bytes.getManifest().getTruncated()).isTrue();
    assertThat(bytes.getManifest().getTotalRowCount()).isLessThan(10);
  }

  @Test
  void arrowBatchesPassThroughALinkThatNeedsNoToken() throws Exception {
    compute.perBatch = 400_000;
    StatementResponse response =
        run(
            statement("range 3000000")
                .setDisposition(Disposition.EXTERNAL_LINKS)
                .setFormat(Format.ARROW_STREAM));
    assertThat(response.getManifest().getTotalChunkCount()).isEqualTo(2);
    ExternalLink link = response.getResult().getExternalLinks().iterator().next();
    ExternalLink next = chunk(response.getStatementId(), 1).getExternalLinks().iterator().next();
    List<Long> numbers = TestCompute.read(follow(link.getExternalLink()));
    numbers.addAll(TestCompute.read(follow(next.getExternalLink())));
    assertThat(numbers).isEqualTo(LongStream.range(0, 3_000_000).boxed().toList());
    assertThat(link.getByteCount())
        .isEqualTo(Files.size(resultFolder(response).resolve("chunk-0")));
    assertThat(link.getExpiration()).isEqualTo("2026-01-01T00:15:00Z");
  }

  @Test
  void aRowLimitCutsThroughAnArrowBatch() throws Exception {
    compute.perBatch = 100;
    StatementResponse response =
        run(
            statement("range 1000")
                .setRowLimit(150L)
                .setDisposition(Disposition.EXTERNAL_LINKS)
                .setFormat(Format.ARROW_STREAM));
    ExternalLink link = response.getResult().getExternalLinks().iterator().next();
    assertThat(TestCompute.read(follow(link.getExternalLink())))
        .isEqualTo(LongStream.range(0, 150).boxed().toList());
  }

  @Test
  void aLinkThatIsForgedOrExpiredIsRefused() throws Exception {
    StatementResponse response =
        run(statement("range 2").setDisposition(Disposition.EXTERNAL_LINKS).setFormat(Format.CSV));
    String link = response.getResult().getExternalLinks().iterator().next().getExternalLink();
    assertThat(new String(follow(link).readAllBytes(), StandardCharsets.UTF_8))
        .isEqualTo("id\r\n0\r\n1\r\n");
    assertThatThrownBy(() -> follow(link.replace("expires=1", "expires=2")))
        .isInstanceOf(PermissionDenied.class);
    clock.advance(Duration.ofMinutes(16));
    assertThatThrownBy(() -> follow(link)).isInstanceOf(PermissionDenied.class);
  }

  @Test
  void anErrorOfSparksIsAFailedStatementWithItsWordsAndSqlState() {
    StatementResponse response = run(statement("SELEC 1"));
    assertThat(response.getStatus().getState()).isEqualTo(StatementState.FAILED);
    assertThat(response.getStatus().getSqlState()).isEqualTo("42601");
    assertThat(response.getStatus().getError().getErrorCode())
        .isEqualTo(ServiceErrorCode.BAD_REQUEST);
    assertThat(response.getStatus().getError().getMessage())
        .isEqualTo("[PARSE_SYNTAX_ERROR] Syntax error at or near 'SELEC'");
  }

  @Test
  void parametersReachSparkAsLiteralsAndNotAsText() {
    run(
        statement("range 1")
            .setParameters(
                List.of(
                    new StatementParameterListItem().setName("x").setType("INT").setValue("7"))));
    assertThat(compute.engines.getFirst().parameters.getLast().get("x").getInteger()).isEqualTo(7);
  }

  @Test
  void aStatementThatGoesOnIsPolledAndCanBeCanceled() throws Exception {
    StatementResponse response = run(statement("wait").setWaitTimeout("0s"));
    assertThat(response.getStatus().getState())
        .isIn(StatementState.PENDING, StatementState.RUNNING);
    assertThat(response.getManifest()).isNull();
    compute.waits.await();
    assertThat(get(response.getStatementId()).getStatus().getState())
        .isEqualTo(StatementState.RUNNING);
    statements.cancelExecution(
        admin(), new CancelExecutionRequest().setStatementId(response.getStatementId()));
    assertThat(get(response.getStatementId()).getStatus().getState())
        .isEqualTo(StatementState.CANCELED);
    statements.cancelExecution(
        admin(), new CancelExecutionRequest().setStatementId(response.getStatementId()));
  }

  @Test
  void aStatementCanBeCanceledWhileItsEngineStarts() {
    compute.mayStart.drainPermits();
    String second =
        warehouses
            .create(admin(), new CreateWarehouseRequest().setName("w2").setClusterSize("Small"))
            .getId();
    StatementResponse response =
        run(statement("range 1").setWarehouseId(second).setWaitTimeout("0s"));
    assertThat(response.getStatus().getState()).isEqualTo(StatementState.PENDING);
    statements.cancelExecution(
        admin(), new CancelExecutionRequest().setStatementId(response.getStatementId()));
    assertThat(get(response.getStatementId()).getStatus().getState())
        .isEqualTo(StatementState.CANCELED);
    compute.mayStart.release(10);
  }

  @Test
  void onWaitTimeoutCancelEndsTheStatement() {
    StatementResponse response =
        run(
            statement("wait")
                .setWaitTimeout("5s")
                .setOnWaitTimeout(ExecuteStatementRequestOnWaitTimeout.CANCEL));
    assertThat(response.getStatus().getState()).isEqualTo(StatementState.CANCELED);
  }

  @Test
  void anEngineThatDiesFailsItsStatementAndTheNextStatementStartsAnother() throws Exception {
    StatementResponse response = run(statement("wait").setWaitTimeout("0s"));
    compute.waits.await();
    compute.engines.getFirst().die("killed by signal 9");
    StatementResponse after = run(statement("range 1"));
    assertThat(after.getStatus().getState()).isEqualTo(StatementState.SUCCEEDED);
    assertThat(compute.engines).hasSize(2);
    StatementResponse failed = ended(response.getStatementId());
    assertThat(failed.getStatus().getState()).isEqualTo(StatementState.FAILED);
    assertThat(failed.getStatus().getError().getMessage()).contains("it was killed");
  }

  @Test
  void aStatementThatFindsItsEngineDeadRunsOnTheNext() {
    assertThat(run(statement("range 1")).getStatus().getState())
        .isEqualTo(StatementState.SUCCEEDED);
    TestCompute.TestEngine engine = compute.engines.getFirst();
    engine.gone.complete(null); // Nobody answers there any more, and nobody has noticed.
    StatementResponse waits = run(statement("range 1").setWaitTimeout("0s"));
    engine.died.complete("killed by signal 9");
    assertThat(ended(waits.getStatementId()).getStatus().getState())
        .isEqualTo(StatementState.SUCCEEDED);
    assertThat(compute.engines).hasSize(2);
  }

  @Test
  void whatRanWhenTheProcessDiedIsFailedWithThatReasonAndItsFilesAreGone() throws Exception {
    StatementResponse running = run(statement("wait").setWaitTimeout("0s"));
    Path orphan = folder.resolve("bucket-1/tarn-results/00000000-0000-0000-0000-000000000000");
    Files.createDirectories(orphan);
    Files.writeString(orphan.resolve("chunk-0"), "[]");
    reopen();
    StatementResponse after = get(running.getStatementId());
    assertThat(after.getStatus().getState()).isEqualTo(StatementState.FAILED);
    assertThat(after.getStatus().getError().getMessage()).contains("server was stopped");
    assertThat(orphan).doesNotExist();
  }

  @Test
  void aResultGoesWhenItsTimeIsOverAndTheStatementIsForgottenLater() {
    compute.perBatch = 100_000;
    StatementResponse response = run(statement("range 500000"));
    assertThat(resultFolder(response)).exists();
    clock.advance(Duration.ofHours(25));
    statements.expire();
    assertThat(resultFolder(response)).doesNotExist();
    assertThat(get(response.getStatementId()).getStatus().getState())
        .isEqualTo(StatementState.CLOSED);
    clock.advance(Duration.ofHours(13));
    statements.expire();
    assertThatThrownBy(() -> get(response.getStatementId()))
        .isInstanceOf(ResourceDoesNotExist.class);
  }

  @Test
  void aStatementIsNotFoundForAnybodyElse() {
    String id = run(statement("range 1")).getStatementId();
    Caller other = caller("8", 1, Role.WORKSPACE_ADMIN);
    Caller elsewhere = caller("7", 2, Role.WORKSPACE_ADMIN);
    for (Caller stranger : List.of(other, elsewhere)) {
      assertThatThrownBy(
              () -> statements.getStatement(stranger, new GetStatementRequest().setStatementId(id)))
          .isInstanceOf(ResourceDoesNotExist.class);
      assertThatThrownBy(
              () ->
                  statements.cancelExecution(
                      stranger, new CancelExecutionRequest().setStatementId(id)))
          .isInstanceOf(ResourceDoesNotExist.class);
    }
  }

  @Test
  void whoeverIsInTheWorkspaceRunsStatements() {
    StatementResponse response =
        read(
            statements.executeStatement(
                caller("8", 1, Role.WORKSPACE_USER), statement("range 1"), none()),
            StatementResponse.class);
    assertThat(response.getStatus().getState()).isEqualTo(StatementState.SUCCEEDED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"4s", "51s", "10", "-5s", "10m", "", "1000s"})
  void aWaitTimeoutIsZeroOrFiveToFiftySeconds(String wait) {
    assertThatThrownBy(() -> run(statement("range 1").setWaitTimeout(wait)))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("wait_timeout: '" + wait + "' (expected: 0s, or 5s to 50s)");
  }

  @Test
  void whatCannotBeHonouredIsRefusedAndLeavesNothing() {
    assertThatThrownBy(() -> run(statement("range 1").setFormat(Format.ARROW_STREAM)))
        .hasMessageContaining("JSON_ARRAY when disposition is INLINE");
    assertThatThrownBy(() -> run(statement(" "))).hasMessageContaining("expected: a SQL statement");
    assertThatThrownBy(() -> run(statement("range 1").setRowLimit(0L)))
        .hasMessageContaining("row_limit");
    assertThatThrownBy(() -> run(statement("range 1").setWarehouseId("nope")))
        .isInstanceOf(ResourceDoesNotExist.class);
    assertThatThrownBy(
            () ->
                statements.executeStatement(
                    admin(), statement("range 1"), new Presence(Set.of("result_compression"))))
        .hasMessageContaining("result_compression");
    assertThat(
            database.<Integer, RuntimeException>read(
                handle ->
                    handle.createQuery("SELECT COUNT(*) FROM statement").mapTo(int.class).one()))
        .isZero();
  }

  private ExecuteStatementRequest statement(String sql) {
    return new ExecuteStatementRequest()
        .setStatement(sql)
        .setWarehouseId(warehouse)
        .setWaitTimeout("50s");
  }

  private StatementResponse run(ExecuteStatementRequest request) {
    return read(statements.executeStatement(admin(), request, none()), StatementResponse.class);
  }

  private StatementResponse get(String id) {
    return read(
        statements.getStatement(admin(), new GetStatementRequest().setStatementId(id)),
        StatementResponse.class);
  }

  /** Its end, for which its thread does not need anything any more. */
  private StatementResponse ended(String id) {
    while (true) {
      StatementResponse response = get(id);
      StatementState state = response.getStatus().getState();
      if (state != StatementState.PENDING && state != StatementState.RUNNING) {
        return response;
      }
      Thread.onSpinWait();
    }
  }

  private ResultData chunk(String id, long index) {
    return read(
        statements.getStatementResultChunkN(
            admin(), new GetStatementResultChunkNRequest().setStatementId(id).setChunkIndex(index)),
        ResultData.class);
  }

  private InputStream follow(String link) {
    URI uri = URI.create(link);
    List<String> path = List.of(uri.getPath().split("/", -1));
    var query =
        Arrays.stream(uri.getQuery().split("&", -1))
            .map(each -> each.split("=", 2))
            .collect(Collectors.toMap(each -> each[0], each -> each[1]));
    Answer answer =
        statements.download(
            caller("0", 1, Role.ANYONE),
            new Statements.Chunk(
                path.get(2),
                Long.valueOf(path.get(3)),
                Long.valueOf(query.get("expires")),
                query.get("signature")));
    return (InputStream) answer.body();
  }

  private Path resultFolder(StatementResponse response) {
    return folder.resolve("bucket-1/tarn-results/" + response.getStatementId());
  }

  /** As the client reads it: what is answered was saved before. */
  private static <T> T read(Answer answer, Class<T> type) {
    if (answer.saved() != null) {
      try {
        answer.saved().get();
      } catch (InterruptedException | ExecutionException e) {
        throw new IllegalStateException(e);
      }
    }
    return Json.read(Json.write(answer.body()), type);
  }

  private static Presence none() {
    return new Presence(Set.of());
  }

  private static Caller admin() {
    return caller("7", 1, Role.WORKSPACE_ADMIN);
  }

  private static Caller caller(String principal, long workspace, Role role) {
    return new Caller(
        principal,
        Caller.Kind.USER,
        principal + "@example.com",
        EnumSet.of(Role.WORKSPACE_USER, role),
        "account",
        workspace,
        null,
        null,
        "token",
        "request");
  }
}
