package dev.tarn.billing;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.service.billing.DeliveryStatus;
import com.databricks.sdk.service.billing.LogDeliveryConfigStatus;
import com.databricks.sdk.service.billing.LogDeliveryConfiguration;
import com.databricks.sdk.service.billing.LogType;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.TestDatabase;
import dev.tarn.iam.TestClock;
import dev.tarn.storage.Buckets;
import dev.tarn.telemetry.Audit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Logs on their way into a bucket, also when the one who brings them dies. */
class DeliveryTest {
  @TempDir Path folder;
  private final TestClock clock = new TestClock();
  private final List<Usage.Running> engines = new ArrayList<>();
  private Database database;
  private Buckets buckets;
  private Audit audit;
  private int calls;

  @BeforeEach
  void open() {
    database = Database.open(TestDatabase.of(folder));
    buckets = new Buckets(database, folder.resolve("storage"), clock);
    buckets.create("logs", "us-east-1", "test");
    audit = Audit.open(folder.resolve("audit"), clock);
    database.inTransaction(
        handle -> {
          handle.execute("INSERT INTO credential VALUES ('c', 'c', 'arn', NULL, 0, 0)");
          return handle.execute(
              "INSERT INTO storage_configuration VALUES ('s', 's', 'logs', NULL, NULL, 0, 0)");
        });
  }

  @AfterEach
  void close() {
    audit.close();
    database.close();
  }

  private Delivery delivery() {
    Usage usage =
        new Usage(
            database,
            clock,
            () -> List.copyOf(engines),
            (workspace, warehouse) ->
                Optional.of(
                    new Usage.Source(
                        warehouse, "w", "Small", "PRO", false, "PREMIUM", "ann", Map.of())));
    return new Delivery(database, buckets, usage, () -> audit, clock);
  }

  private void configure(String id, LogType type, String prefix, List<Long> workspaces) {
    database.inTransaction(
        handle -> {
          LogDeliveryDao.insert(
              handle,
              new LogDeliveryConfiguration()
                  .setConfigId(id)
                  .setLogType(type)
                  .setCredentialsId("c")
                  .setStorageConfigurationId("s")
                  .setDeliveryPathPrefix(prefix)
                  .setWorkspaceIdsFilter(workspaces)
                  .setDeliveryStartTime(type == LogType.AUDIT_LOGS ? null : "2026-01")
                  .setStatus(LogDeliveryConfigStatus.ENABLED),
              clock.millis());
          return type == LogType.AUDIT_LOGS
              ? LogDeliveryDao.startAt(handle, id, audit.id(), audit.end().toString())
              : null;
        });
  }

  private void call(Long workspace) {
    audit.append(
        new Audit.Entry(
            clock.millis(),
            "r" + calls++,
            "1",
            "ann@example.com",
            null,
            null,
            null,
            workspace,
            "sql.Warehouses.list",
            "GET",
            "/x",
            Map.of("deep", Map.of("a", 1)),
            200,
            null,
            List.of(),
            "127.0.0.1",
            "test"));
  }

  /** Request ids in the files below a folder of the bucket. */
  private List<String> delivered(String below) throws Exception {
    List<String> ids = new ArrayList<>();
    Path root = buckets.folder("logs").resolve(below);
    if (!Files.exists(root)) {
      return ids;
    }
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(file.getFileName().toString()).matches("auditlogs_[\\w.-]+\\.json");
        for (String line : Files.readAllLines(file)) {
          ids.add(Json.tree(line).path("requestId").asText());
        }
      }
    }
    return ids;
  }

  @Test
  void recordsGoToTheFolderOfTheirWorkspaceAndDate() throws Exception {
    call(1L); // before the configuration: not its own
    configure("all", LogType.AUDIT_LOGS, "logs/audit", null);
    configure("one", LogType.AUDIT_LOGS, null, List.of(2L));
    call(1L);
    call(2L);
    call(null);
    clock.advance(Duration.ofDays(1));
    call(2L);
    delivery().deliverAll("acc");
    assertThat(delivered("logs/audit/workspaceId=1/date=2026-01-01")).containsExactly("r1");
    assertThat(delivered("logs/audit/workspaceId=2/date=2026-01-01")).containsExactly("r2");
    assertThat(delivered("logs/audit/workspaceId=0/date=2026-01-01")).containsExactly("r3");
    assertThat(delivered("logs/audit/workspaceId=2/date=2026-01-02")).containsExactly("r4");
    assertThat(delivered("workspaceId=2")).containsExactlyInAnyOrder("r2", "r4");
    assertThat(delivered("workspaceId=1")).isEmpty();
    assertThat(delivered("workspaceId=0")).isEmpty();
    Path file;
    try (Stream<Path> files =
        Files.walk(buckets.folder("logs").resolve("logs/audit/workspaceId=1"))) {
      file = files.filter(Files::isRegularFile).findFirst().orElseThrow();
    }
    JsonNode event = Json.tree(Files.readAllLines(file).getFirst());
    assertThat(event.path("version").asText()).isEqualTo("2.0");
    assertThat(event.path("auditLevel").asText()).isEqualTo("WORKSPACE_LEVEL");
    assertThat(event.path("serviceName").asText()).isEqualTo("sql.Warehouses");
    assertThat(event.path("actionName").asText()).isEqualTo("list");
    assertThat(event.at("/userIdentity/email").asText()).isEqualTo("ann@example.com");
    assertThat(event.at("/requestParams/deep").asText()).isEqualTo("{\"a\":1}");
    assertThat(event.at("/response/statusCode").asInt()).isEqualTo(200);
    assertThat(find("all").succeededAt()).isEqualTo(clock.millis());
  }

  private LogDeliveryDao.Row find(String id) {
    return database.<LogDeliveryDao.Row, RuntimeException>read(
        handle -> LogDeliveryDao.find(handle, id).orElseThrow());
  }

  private LogDeliveryDao.Stretch stretch() {
    return database.<LogDeliveryDao.Stretch, RuntimeException>read(
        handle -> LogDeliveryDao.stretch(handle, "all", audit.id()).orElseThrow());
  }

  @Test
  void twoControlPlanesEachDeliverTheirOwnLog() throws Exception {
    call(1L); // before the configuration
    Audit first = audit;
    audit = Audit.open(folder.resolve("audit-of-another"), clock);
    call(2L); // before it too, in the other log
    clock.advance(Duration.ofSeconds(1));
    configure("all", LogType.AUDIT_LOGS, null, null);
    call(2L);
    delivery().deliverAll("acc");
    Audit other = audit;
    audit = first;
    call(1L);
    delivery().deliverAll("acc");
    call(1L);
    delivery().deliverAll("acc");
    audit = other;
    call(2L);
    delivery().deliverAll("acc");
    assertThat(delivered("workspaceId=1")).containsExactlyInAnyOrder("r3", "r4");
    assertThat(delivered("workspaceId=2")).containsExactlyInAnyOrder("r2", "r5");
    first.close();
  }

  /** The one who delivers dies after the stretch was noted, or after some of its files. */
  @Test
  void whoDiesInBetweenLeavesNoRecordOutAndNoneTwice() throws Exception {
    configure("all", LogType.AUDIT_LOGS, null, null);
    Random random = new Random(4711);
    for (int round = 0; round < 30; round++) {
      int more = random.nextInt(5);
      for (int i = 0; i < more; i++) {
        call((long) random.nextInt(3));
      }
      Audit.Position from = Audit.Position.of(stretch().position());
      Audit.Position to = audit.next(from, 1 + random.nextInt(2000));
      boolean begun =
          !to.equals(from)
              && database.inTransaction(
                  handle ->
                      LogDeliveryDao.begin(
                          handle, "all", audit.id(), from.toString(), to.toString()));
      if (random.nextBoolean()) {
        delivery().deliverAll("acc");
        if (begun) { // as if it had died before it was noted that the files are there
          database.inTransaction(
              handle ->
                  handle.execute(
                      "UPDATE log_delivery_position SET pending_from = ?, pending_to = ?",
                      from.toString(),
                      to.toString()));
        }
      }
      if (random.nextInt(4) == 0) {
        audit.close(); // the process begins again, some day in a segment of its own
        audit = Audit.open(folder.resolve("audit"), clock);
      }
    }
    delivery().deliverAll("acc");
    assertThat(delivered("")).hasSize(calls).doesNotHaveDuplicates();
    assertThat(stretch().pendingTo()).isNull();
  }

  @Test
  void manyThatDeliverAtOnceDeliverOnce() throws Exception {
    configure("all", LogType.AUDIT_LOGS, null, null);
    Delivery one = delivery();
    Delivery other = delivery();
    for (int round = 0; round < 10; round++) {
      call(1L);
      call(2L);
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int i = 0; i < 10; i++) {
          Delivery each = i % 2 == 0 ? one : other;
          var unused = threads.submit(() -> each.deliverAll("acc"));
        }
      }
    }
    one.deliverAll("acc");
    assertThat(delivered("")).hasSize(calls).doesNotHaveDuplicates();
  }

  @Test
  void aBucketThatIsGoneIsSaidAndTriedAgain() throws Exception {
    configure("all", LogType.AUDIT_LOGS, null, null);
    buckets.delete("logs", true);
    call(1L);
    delivery().deliverAll("acc");
    assertThat(find("all").status()).isEqualTo(DeliveryStatus.USER_FAILURE);
    assertThat(find("all").message()).isEqualTo("the bucket logs does not exist");
    assertThat(find("all").succeededAt()).isNull();
    buckets.create("logs", "us-east-1", "test");
    call(1L);
    delivery().deliverAll("acc");
    assertThat(find("all").status()).isEqualTo(DeliveryStatus.SUCCEEDED);
    assertThat(delivered("")).containsExactlyInAnyOrder("r0", "r1");
  }

  @Test
  void whatWasDeletedUndeliveredIsRecordedAndTheRestIsDelivered() throws Exception {
    configure("all", LogType.AUDIT_LOGS, null, null);
    String first = audit.end().segment();
    buckets.delete("logs", true);
    call(1L);
    delivery().deliverAll("acc");
    assertThat(delivery().undelivered()).contains(first);
    audit.close();
    Files.createFile(folder.resolve("audit/audit-29990101T000000.000-0000.jsonl"));
    audit = Audit.open(folder.resolve("audit"), clock);
    call(1L);
    Files.delete(folder.resolve("audit").resolve(first));
    buckets.create("logs", "us-east-1", "test");
    delivery().deliverAll("acc");
    delivery().deliverAll("acc"); // with the record of it
    assertThat(find("all").status()).isEqualTo(DeliveryStatus.SUCCEEDED);
    assertThat(delivered("")).containsOnly("r1", "system-log-delivery");
    assertThat(delivery().undelivered()).contains(audit.end().segment());
  }

  @Test
  void whatIsEnabledAgainBeginsAnewInEveryLog() throws Exception {
    configure("all", LogType.AUDIT_LOGS, null, null);
    call(1L);
    clock.advance(Duration.ofSeconds(1));
    LogDeliveryDao.Row before = find("all");
    database.inTransaction(
        handle -> {
          LogDeliveryDao.restart(handle, "all");
          return LogDeliveryDao.update(
              handle,
              before.asked().setStatus(LogDeliveryConfigStatus.ENABLED),
              DeliveryStatus.CREATED,
              "",
              clock.millis());
        });
    assertThat(delivery().undelivered()).contains("");
    call(1L);
    delivery().deliverAll("acc");
    assertThat(delivered("")).containsExactly("r1");
  }

  @Test
  void aLinkInTheBucketIsNotFollowed() throws Exception {
    configure("all", LogType.AUDIT_LOGS, null, null);
    Path outside = Files.createDirectory(folder.resolve("outside"));
    Files.createSymbolicLink(buckets.folder("logs").resolve("workspaceId=1"), outside);
    call(1L);
    delivery().deliverAll("acc");
    assertThat(find("all").status()).isEqualTo(DeliveryStatus.USER_FAILURE);
    assertThat(outside).isEmptyDirectory();
  }

  @Test
  void aMonthsUsageIsPutInPlaceOfTheOneBeforeUntilItIsOver() throws Exception {
    configure("usage", LogType.BILLABLE_USAGE, "billing", null);
    configure("filtered", LogType.BILLABLE_USAGE, "filtered", List.of(9L));
    engines.add(new Usage.Running("e", "w1", 7, true, null));
    delivery().deliverAll("acc");
    clock.advance(Duration.ofMinutes(30));
    delivery().deliverAll("acc");
    Path january =
        buckets
            .folder("logs")
            .resolve("billing/billable-usage/csv/workspaceId=7-usageMonth=2026-01.csv");
    assertThat(Files.readAllLines(january)).hasSize(2).last().asString().contains(",6.000000000,");
    clock.advance(Duration.ofMinutes(60));
    delivery().deliverAll("acc");
    assertThat(Files.readAllLines(january)).hasSize(3);
    clock.advance(Duration.ofDays(31));
    delivery().deliverAll("acc");
    assertThat(Files.readAllLines(january)).hasSize(1 + 31 * 24);
    assertThat(january.resolveSibling("workspaceId=7-usageMonth=2026-02.csv")).exists();
    assertThat(find("usage").month()).isEqualTo("2026-02");
    try (Stream<Path> files =
        Files.list(buckets.folder("logs").resolve("filtered/billable-usage/csv"))) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "workspaceId=9-usageMonth=2026-01.csv", "workspaceId=9-usageMonth=2026-02.csv");
    }
  }
}
