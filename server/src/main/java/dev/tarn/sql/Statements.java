package dev.tarn.sql;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.sql.BaseChunkInfo;
import com.databricks.sdk.service.sql.CancelExecutionRequest;
import com.databricks.sdk.service.sql.Disposition;
import com.databricks.sdk.service.sql.ExecuteStatementRequest;
import com.databricks.sdk.service.sql.ExecuteStatementRequestOnWaitTimeout;
import com.databricks.sdk.service.sql.ExternalLink;
import com.databricks.sdk.service.sql.Format;
import com.databricks.sdk.service.sql.GetStatementRequest;
import com.databricks.sdk.service.sql.GetStatementResultChunkNRequest;
import com.databricks.sdk.service.sql.ResultData;
import com.databricks.sdk.service.sql.ServiceError;
import com.databricks.sdk.service.sql.ServiceErrorCode;
import com.databricks.sdk.service.sql.StatementResponse;
import com.databricks.sdk.service.sql.StatementState;
import com.databricks.sdk.service.sql.StatementStatus;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.engine.EngineLost;
import dev.tarn.engine.Execution.Batch;
import dev.tarn.engine.SparkError;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Operation;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import dev.tarn.sql.Compute.Query;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiPredicate;
import java.util.function.BooleanSupplier;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.spark.connect.proto.Expression.Literal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Statement Execution API. A statement runs on a thread of its own, which reads Spark's batches
 * and writes chunks; the request waits beside it for {@code wait_timeout}. {@link Running} says
 * what state it is in, {@link ResultWriter} what its chunks are, {@link ResultLinks} how they are
 * fetched.
 *
 * <p>A statement is the caller's own: anybody else's is not found. What is answered is first on
 * disk; what ran when the process died is FAILED with that reason at the next start.
 */
final class Statements {
  private static final Logger LOG = LoggerFactory.getLogger(Statements.class);
  private static final String STOPPED = "The server was stopped while the statement ran.";
  private static final int LONGEST = 16 << 20;
  private static final Pattern SECONDS = Pattern.compile("(\\d{1,3})(?:\\.\\d{1,9})?s");

  /** Spark appends the whole plan to what its analyzer says; the service does not. */
  private static final Pattern PLAN = Pattern.compile(";\\n['+A-Z].*", Pattern.DOTALL);

  /** How many engines a statement is tried on that each die before they see it. */
  private static final int ENGINES = 3;

  /** A statement is remembered this long after its result went. */
  private static final Duration REMEMBERED = Duration.ofHours(12);

  private final StatementDao dao;
  private final BooleanSupplier alone;
  private final Warehouses warehouses;
  private final LongFunction<Path> rootFolder;
  private final Clock clock;
  private final Duration kept;
  private final ResultLinks links;
  private final Map<String, Running> running = new ConcurrentHashMap<>();
  private final BufferAllocator allocator = new RootAllocator();

  /**
   * @param rootFolder the root bucket of a workspace; results are in its {@code tarn-results}
   * @param self where clients reach this server
   * @param kept how long results are kept
   */
  Statements(
      Database database,
      Warehouses warehouses,
      LongFunction<Path> rootFolder,
      Clock clock,
      Supplier<URI> self,
      Duration kept) {
    this.dao = new StatementDao(database);
    this.alone = () -> database.leases().alone();
    database.onAnnounced(
        StatementDao.TOPIC,
        text -> {
          if (text != null) { // what was missed is seen by seek()
            Thread.ofVirtual().name("statements").start(this::obeyRows);
          }
        });
    this.warehouses = warehouses;
    this.rootFolder = rootFolder;
    this.clock = clock;
    this.kept = kept;
    this.links = new ResultLinks(self, clock);
  }

  @Allow(Role.WORKSPACE_USER)
  @Ignores("query_tags: not kept")
  public Answer executeStatement(
      Caller caller, ExecuteStatementRequest request, Presence presence) {
    Duration patience = check(request, presence);
    Warehouse warehouse = warehouses.find(caller.workspaceId(), request.getWarehouseId());
    Map<String, Literal> parameters = Parameters.literals(request.getParameters());
    Running statement =
        new Running(
            UUID.randomUUID().toString(),
            caller.workspaceId(),
            caller.principalId(),
            warehouse.id,
            request.getDisposition(),
            dao,
            clock,
            kept);
    running.put(statement.id, statement);
    statement.start(self -> run(self, caller, warehouse, request, parameters));
    try {
      if (!statement.await(patience)
          && !patience.isZero()
          && request.getOnWaitTimeout() == ExecuteStatementRequestOnWaitTimeout.CANCEL) {
        statement.cancel();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    StatementDao.Row row = statement.tell();
    forget(statement);
    return response(row).onceSaved(statement.saved());
  }

  @Allow(Role.WORKSPACE_USER)
  public Answer getStatement(Caller caller, GetStatementRequest request) {
    Running statement = running.get(request.getStatementId());
    Answer answer = response(find(caller, request.getStatementId()));
    return statement == null ? answer : answer.onceSaved(statement.saved());
  }

  @Allow(Role.WORKSPACE_USER)
  public Answer getStatementResultChunkN(Caller caller, GetStatementResultChunkNRequest request) {
    StatementDao.Row row = find(caller, request.getStatementId());
    if (row.manifest() == null) {
      throw new NotFound(
          "statement "
              + row.id()
              + " has no result, it is "
              + row.status().getState()
              + " (expected: a statement that is SUCCEEDED)",
          null);
    }
    long count = row.manifest().getTotalChunkCount();
    Long index = request.getChunkIndex();
    if (index == null || index < 0 || index >= count) {
      throw new InvalidParameterValue(
          "chunk_index: '" + index + "' (expected: less than " + count + ", and not negative)",
          null);
    }
    return Answer.json(200, data(row, index.intValue()));
  }

  /** Is fine also when the statement has ended, as the API says. */
  @Allow(Role.WORKSPACE_USER)
  public void cancelExecution(Caller caller, CancelExecutionRequest request) {
    String id = find(caller, request.getStatementId()).id();
    Running statement = running.get(id);
    if (statement != null) {
      statement.cancel();
      forget(statement);
    } else {
      dao.cancelElsewhere(id, clock.millis() + kept.toMillis());
    }
  }

  /** Ends each whose row says that it has ended: another control plane wrote that. */
  private void obeyRows() {
    for (Running statement : running.values()) {
      StatementState state =
          dao.find(statement.id).map(row -> row.status().getState()).orElse(null);
      if (state == StatementState.CANCELED) {
        statement.cancel();
      } else if (state == StatementState.FAILED) {
        statement.failed(ServiceErrorCode.ABORTED, STOPPED, null);
      }
    }
  }

  /** Notes the end of statements whose control plane is gone. */
  void seek() {
    obeyRows();
    dao.failOrphans(false, stopped(), clock.millis() + kept.toMillis());
  }

  private static StatementStatus stopped() {
    return new StatementStatus()
        .setState(StatementState.FAILED)
        .setError(new ServiceError().setErrorCode(ServiceErrorCode.ABORTED).setMessage(STOPPED));
  }

  /** What a link holds. */
  record Chunk(String statementId, Long chunkIndex, Long expires, String signature) {}

  /** The link itself is the permission; whoever has it needs no token, and should send none. */
  @Allow(Role.ANYONE)
  @Operation("GET /tarn-results/{statement_id}/{chunk_index}")
  public Answer download(Caller caller, Chunk chunk) {
    long expires = chunk.expires() == null ? 0 : chunk.expires();
    links.check(chunk.statementId(), chunk.chunkIndex(), expires, chunk.signature());
    StatementDao.Row row =
        dao.find(chunk.statementId())
            .filter(found -> found.manifest() != null)
            .orElseThrow(() -> missing(chunk.statementId()));
    Content content = content(row, chunk.chunkIndex().intValue());
    return new Answer(
        200,
        Map.of("content-length", Long.toString(content.length())),
        switch (row.manifest().getFormat()) {
          case ARROW_STREAM -> "application/vnd.apache.arrow.stream";
          case CSV -> "text/csv";
          case JSON_ARRAY -> "application/json";
        },
        content.bytes());
  }

  /** Ends what a killed process left: running statements, and files no row speaks of. */
  void recover(List<Path> rootFolders) {
    dao.failOrphans(true, stopped(), clock.millis() + kept.toMillis());
    if (!alone.getAsBoolean()) {
      return; // Another control plane may be writing what no row speaks of yet.
    }
    var withResults = dao.withResults();
    for (Path root : rootFolders) {
      try (var folders = Files.list(root.resolve("tarn-results"))) {
        folders
            .filter(folder -> !withResults.contains(folder.getFileName().toString()))
            .forEach(Statements::delete);
      } catch (NoSuchFileException e) {
        // No result was large enough for a file yet.
      } catch (IOException e) {
        throw new UncheckedIOException("cannot look into " + root, e);
      }
    }
  }

  /**
   * Lets results go whose time is over.
   *
   * @return when the next one is due, in milliseconds from now
   */
  long expire() {
    for (StatementDao.Row row : dao.closeExpired(clock.millis())) {
      delete(folder(row.workspaceId(), row.id()));
    }
    dao.deleteExpired(clock.millis() - REMEMBERED.toMillis());
    return Math.min(
        kept.toMillis(),
        dao.nextExpiry().map(next -> Math.max(0, next - clock.millis())).orElse(kept.toMillis()));
  }

  void deleteAll(long workspaceId) {
    dao.deleteAll(workspaceId);
  }

  /**
   * Cancels what runs for whoever may not be in its workspace any more.
   *
   * @param mayEnter principal, workspace
   */
  void cancelUnless(BiPredicate<String, Long> mayEnter) {
    for (Running statement : running.values()) {
      if (!mayEnter.test(statement.principalId, statement.workspaceId)) {
        statement.cancel();
        forget(statement);
      }
    }
  }

  boolean isIdle() {
    return running.isEmpty();
  }

  /** Ends all that runs; their clients see why. */
  void close() {
    for (Running statement : running.values()) {
      statement.failed(ServiceErrorCode.ABORTED, STOPPED, null);
    }
  }

  private void run(
      Running statement,
      Caller caller,
      Warehouse warehouse,
      ExecuteStatementRequest request,
      Map<String, Literal> parameters) {
    boolean kept = false;
    try {
      kept = runSomewhere(statement, caller, warehouse, request, parameters);
    } catch (SparkError e) {
      fail(
          statement,
          "XX000".equals(e.sqlState())
              ? ServiceErrorCode.INTERNAL_ERROR
              : ServiceErrorCode.BAD_REQUEST,
          PLAN.matcher(e.getMessage()).replaceFirst("").strip(),
          e.sqlState());
    } catch (BadRequest e) {
      fail(statement, ServiceErrorCode.BAD_REQUEST, e.getMessage(), null);
    } catch (EngineLost | IllegalStateException e) {
      fail(
          statement,
          ServiceErrorCode.TEMPORARILY_UNAVAILABLE,
          "The engine of SQL warehouse " + warehouse.id + " is not there: " + e.getMessage(),
          null);
    } catch (IOException | UncheckedIOException e) {
      fail(
          statement,
          ServiceErrorCode.IO_ERROR,
          "The result could not be written: " + e.getMessage(),
          null);
    } catch (InterruptedException e) {
      // It was canceled while it waited, and is CANCELED already.
      statement.cancel();
    } catch (RuntimeException e) {
      LOG.error("statement {} ended by a mistake of ours", statement.id, e);
      fail(statement, ServiceErrorCode.INTERNAL_ERROR, e.toString(), null);
    } finally {
      if (!kept) {
        delete(folder(statement.workspaceId, statement.id));
      }
      forget(statement);
    }
  }

  /**
   * Runs a statement on the warehouse's engine, and on the next one when that died before it saw
   * the statement.
   *
   * @return whether its result is kept
   */
  private boolean runSomewhere(
      Running statement,
      Caller caller,
      Warehouse warehouse,
      ExecuteStatementRequest request,
      Map<String, Literal> parameters)
      throws IOException, InterruptedException {
    for (int engine = 1; ; engine++) {
      try {
        return runOnce(statement, caller, warehouse, request, parameters);
      } catch (EngineLost e) {
        if (e.reached() || engine == ENGINES) {
          throw e;
        }
      }
    }
  }

  private boolean runOnce(
      Running statement,
      Caller caller,
      Warehouse warehouse,
      ExecuteStatementRequest request,
      Map<String, Literal> parameters)
      throws IOException, InterruptedException {
    try (Warehouses.Place place = warehouses.place(warehouse)) {
      try (Query query =
              place.engine.execute(
                  caller,
                  request.getCatalog(),
                  request.getSchema(),
                  request.getStatement(),
                  parameters);
          ResultWriter writer =
              new ResultWriter(
                  allocator,
                  folder(statement.workspaceId, statement.id),
                  request.getFormat(),
                  request.getDisposition() == Disposition.INLINE,
                  request.getRowLimit(),
                  request.getByteLimit())) {
        boolean wanted = statement.runs(query);
        Batch batch = wanted ? query.next() : null;
        if (batch != null) {
          writer.schema(query.schema());
        }
        while (batch != null && wanted) {
          wanted = writer.add(batch);
          batch = wanted ? query.next() : null;
        }
        return statement.succeeded(writer.finish());
      } catch (EngineLost e) {
        if (!e.reached()) {
          place.awaitDeath();
        }
        throw e;
      }
    }
  }

  /** What was written goes first: who is told of the failure finds nothing left of it. */
  private void fail(Running statement, ServiceErrorCode code, String message, String sqlState) {
    delete(folder(statement.workspaceId, statement.id));
    statement.failed(code, message, sqlState);
  }

  private void forget(Running statement) {
    if (statement.isToldAndOver()) {
      running.remove(statement.id);
    }
  }

  private static Duration check(ExecuteStatementRequest request, Presence presence) {
    String sql = request.getStatement();
    if (sql == null || sql.isBlank()) {
      throw invalid("statement", "", "a SQL statement");
    }
    if (sql.length() > LONGEST) {
      throw invalid("statement", sql.substring(0, 40) + "…", "at most 16 MiB");
    }
    if (request.getWarehouseId() == null) {
      throw invalid("warehouse_id", "", "the id of a SQL warehouse");
    }
    if (presence != null && presence.has("result_compression")) {
      throw invalid("result_compression", "set", "none, results are not compressed");
    }
    request.setDisposition(or(request.getDisposition(), Disposition.INLINE));
    request.setFormat(or(request.getFormat(), Format.JSON_ARRAY));
    if (request.getDisposition() == Disposition.INLINE
        && request.getFormat() != Format.JSON_ARRAY) {
      throw invalid("format", request.getFormat().name(), "JSON_ARRAY when disposition is INLINE");
    }
    positive("row_limit", request.getRowLimit());
    positive("byte_limit", request.getByteLimit());
    String wait = or(request.getWaitTimeout(), "10s");
    Matcher seconds = SECONDS.matcher(wait);
    if (seconds.matches()) {
      int number = Integer.parseInt(seconds.group(1));
      if (number == 0 || (number >= 5 && number <= 50)) {
        return Duration.ofSeconds(number);
      }
    }
    throw invalid("wait_timeout", wait, "0s, or 5s to 50s");
  }

  private static <T> T or(T value, T otherwise) {
    return value == null ? otherwise : value;
  }

  private static void positive(String field, Long value) {
    if (value != null && value < 1) {
      throw invalid(field, value.toString(), "at least 1");
    }
  }

  private static InvalidParameterValue invalid(String field, String value, String expected) {
    return new InvalidParameterValue(
        field + ": '" + value + "' (expected: " + expected + ")", null);
  }

  private StatementDao.Row find(Caller caller, String id) {
    Running statement = running.get(id);
    StatementDao.Row row = statement != null ? statement.tell() : dao.find(id).orElse(null);
    if (row == null
        || row.workspaceId() != caller.workspaceId()
        || !row.principalId().equals(caller.principalId())) {
      throw missing(id);
    }
    return row;
  }

  private static ResourceDoesNotExist missing(String id) {
    return new ResourceDoesNotExist("The statement " + id + " was not found.", null);
  }

  private Answer response(StatementDao.Row row) {
    ObjectNode response =
        Json.MAPPER.valueToTree(
            new StatementResponse()
                .setStatementId(row.id())
                .setStatus(row.status())
                .setManifest(row.manifest()));
    if (row.manifest() != null) {
      response.set("result", data(row, 0));
    }
    return Answer.json(200, response);
  }

  /** A chunk as {@code result} shows it; JSON rows go in as they were written. */
  private ObjectNode data(StatementDao.Row row, int index) {
    ResultData data = new ResultData();
    if (row.manifest().getTotalChunkCount() == 0) {
      return Json.MAPPER.valueToTree(data);
    }
    BaseChunkInfo chunk = List.copyOf(row.manifest().getChunks()).get(index);
    Long next = index + 1 < row.manifest().getTotalChunkCount() ? index + 1L : null;
    String nextLink =
        next == null ? null : "/api/2.0/sql/statements/" + row.id() + "/result/chunks/" + next;
    if (row.disposition() == Disposition.EXTERNAL_LINKS) {
      ResultLinks.Link link = links.link(row.id(), index);
      return Json.MAPPER.valueToTree(
          data.setExternalLinks(
              List.of(
                  new ExternalLink()
                      .setChunkIndex(chunk.getChunkIndex())
                      .setRowOffset(chunk.getRowOffset())
                      .setRowCount(chunk.getRowCount())
                      .setByteCount(chunk.getByteCount())
                      .setNextChunkIndex(next)
                      .setNextChunkInternalLink(nextLink)
                      .setExternalLink(link.url())
                      .setExpiration(link.expiration().toString()))));
    }
    ObjectNode node =
        Json.MAPPER.valueToTree(
            data.setChunkIndex(chunk.getChunkIndex())
                .setRowOffset(chunk.getRowOffset())
                .setRowCount(chunk.getRowCount())
                .setNextChunkIndex(next)
                .setNextChunkInternalLink(nextLink));
    try (InputStream rows = content(row, index).bytes()) {
      node.putRawValue(
          "data_array", new RawValue(new String(rows.readAllBytes(), StandardCharsets.UTF_8)));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read chunk " + index + " of " + row.id(), e);
    }
    return node;
  }

  private record Content(InputStream bytes, long length) {}

  private Content content(StatementDao.Row row, int index) {
    if (row.content() != null) {
      byte[] bytes = row.content().getBytes(StandardCharsets.UTF_8);
      return new Content(new ByteArrayInputStream(bytes), bytes.length);
    }
    try {
      Path file = folder(row.workspaceId(), row.id()).resolve("chunk-" + index);
      return new Content(Files.newInputStream(file), Files.size(file));
    } catch (IOException e) {
      throw new NotFound("chunk " + index + " of statement " + row.id() + " is gone", null);
    }
  }

  private Path folder(long workspaceId, String statementId) {
    return rootFolder.apply(workspaceId).resolve("tarn-results").resolve(statementId);
  }

  private static void delete(Path folder) {
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(folder);
    } catch (NoSuchFileException e) {
      // There was nothing, or somebody else deleted it.
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + folder, e);
    }
  }
}
