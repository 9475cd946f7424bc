package dev.tarn.billing;

import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.billing.DeliveryStatus;
import com.databricks.sdk.service.billing.LogDeliveryConfigStatus;
import com.databricks.sdk.service.billing.LogDeliveryConfiguration;
import com.databricks.sdk.service.billing.LogType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.storage.Buckets;
import dev.tarn.telemetry.Audit;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings logs into buckets.
 *
 * <p>Audit: what comes next is a position in the log; control planes that share a database each
 * deliver their own. A stretch of it is first noted as pending, then written into files whose names
 * follow from where it begins, then no longer pending. So who dies in between writes the same files
 * again, and each record is in one file. Usage: a month's file follows from the records of the
 * month, and is put in place of the one before until the month is over.
 */
final class Delivery {
  private static final Logger LOG = LoggerFactory.getLogger(Delivery.class);
  private static final int STRETCH = 4 * 1024 * 1024;

  private final Database database;
  private final Buckets buckets;
  private final Usage usage;
  private final Supplier<Audit> audit;
  private final Clock clock;
  private final ConcurrentHashMap<String, ReentrantLock> locks = new ConcurrentHashMap<>();

  Delivery(Database database, Buckets buckets, Usage usage, Supplier<Audit> audit, Clock clock) {
    this.database = database;
    this.buckets = buckets;
    this.usage = usage;
    this.audit = audit;
    this.clock = clock;
  }

  /** What the client did: the bucket is not there, or cannot be used. */
  private static final class Unusable extends IOException {
    private static final long serialVersionUID = 1;

    Unusable(String message) {
      super(message);
    }
  }

  String auditId() {
    return audit.get().id();
  }

  String auditEnd() {
    return audit.get().end().toString();
  }

  void deliverAll(String accountId) {
    for (LogDeliveryDao.Row row :
        database.<List<LogDeliveryDao.Row>, RuntimeException>read(LogDeliveryDao::list)) {
      deliver(row.asked().getConfigId(), accountId);
    }
  }

  /** One at a time; a failure is kept with the configuration, and tried again the next time. */
  void deliver(String id, String accountId) {
    ReentrantLock lock = locks.computeIfAbsent(id, ignored -> new ReentrantLock());
    lock.lock();
    try {
      Optional<LogDeliveryDao.Row> row = find(id);
      if (row.isEmpty() || row.get().asked().getStatus() != LogDeliveryConfigStatus.ENABLED) {
        return;
      }
      // Each control plane delivers the audit log it has; usage is in the database they share.
      if (row.get().asked().getLogType() == LogType.BILLABLE_USAGE
          && !database.leases().take("log-delivery/" + id)) {
        return;
      }
      DeliveryStatus status = DeliveryStatus.SUCCEEDED;
      String message = "Delivered.";
      try {
        if (row.get().asked().getLogType() == LogType.AUDIT_LOGS) {
          audit(id, accountId);
        } else {
          usage(row.get());
        }
      } catch (Unusable e) {
        status = DeliveryStatus.USER_FAILURE;
        message = e.getMessage();
      } catch (IOException e) {
        LOG.warn("log delivery {} failed", id, e);
        status = DeliveryStatus.SYSTEM_FAILURE;
        message =
            "cannot write into the bucket "
                + row.get().bucket()
                + ": "
                + e.getClass().getSimpleName()
                + "; it is tried again";
      }
      DeliveryStatus outcome = status;
      String said = message;
      database.inTransaction(
          handle -> LogDeliveryDao.attempted(handle, id, outcome, said, clock.millis()));
    } finally {
      lock.unlock();
    }
  }

  private Optional<LogDeliveryDao.Row> find(String id) {
    return database.<Optional<LogDeliveryDao.Row>, RuntimeException>read(
        handle -> LogDeliveryDao.find(handle, id));
  }

  /** Until nothing follows; what comes meanwhile is for the next time. */
  private void audit(String id, String accountId) throws IOException {
    Audit.Position last = audit.get().end();
    String log = audit.get().id();
    Instant enabled = Instant.ofEpochMilli(find(id).orElseThrow().updatedAt());
    String begin = audit.get().since(enabled).toString();
    database.inTransaction(handle -> LogDeliveryDao.startAt(handle, id, log, begin));
    while (true) {
      Optional<LogDeliveryDao.Row> found = find(id);
      if (found.isEmpty() || found.get().bucket() == null) {
        return; // disabled meanwhile
      }
      LogDeliveryDao.Row row = found.get();
      Optional<LogDeliveryDao.Stretch> next =
          database.<Optional<LogDeliveryDao.Stretch>, RuntimeException>read(
              handle -> LogDeliveryDao.stretch(handle, id, log));
      if (next.isEmpty()) {
        return; // disabled and enabled again meanwhile
      }
      LogDeliveryDao.Stretch stretch = next.get();
      if (stretch.pendingTo() != null) {
        Audit.Position from = Audit.Position.of(stretch.pendingFrom());
        Audit.Position to = Audit.Position.of(stretch.pendingTo());
        if (audit.get().has(from.segment())) {
          write(row, accountId, from, audit.get().lines(from, to));
        } else {
          lost(id, from, to);
        }
        database.inTransaction(handle -> LogDeliveryDao.end(handle, id, log, stretch.pendingTo()));
        continue;
      }
      Audit.Position from = Audit.Position.of(stretch.position());
      Audit.Position to = isPast(from, last) ? from : audit.get().next(from, STRETCH);
      if (to.equals(from)) {
        return;
      }
      database.inTransaction(
          handle -> LogDeliveryDao.begin(handle, id, log, from.toString(), to.toString()));
    }
  }

  /**
   * What was waited for longer than it could be kept. Nobody calls, so it has a record of its own.
   */
  private void lost(String id, Audit.Position from, Audit.Position to) {
    LOG.warn("log delivery {}: the audit log from {} to {} was deleted undelivered", id, from, to);
    audit
        .get()
        .append(
            Audit.Entry.ofSystem(
                clock.millis(),
                "system-log-delivery",
                "billing.LogDelivery.lost",
                Map.of("config_id", id, "from", from.toString(), "to", to.toString())));
  }

  /**
   * The oldest segment of this control plane's audit log that an enabled configuration has not
   * passed; "" for all of them, empty for none.
   */
  Optional<String> undelivered() {
    return database
        .<Optional<String>, RuntimeException>read(
            handle -> LogDeliveryDao.oldest(handle, audit.get().id()))
        .map(position -> position.isEmpty() ? "" : Audit.Position.of(position).segment());
  }

  private static boolean isPast(Audit.Position at, Audit.Position last) {
    int order = at.segment().compareTo(last.segment());
    return order > 0 || (order == 0 && at.offset() >= last.offset());
  }

  private void write(
      LogDeliveryDao.Row row, String accountId, Audit.Position from, List<String> lines)
      throws IOException {
    Collection<Long> filter = row.asked().getWorkspaceIdsFilter();
    Map<String, StringBuilder> files = new TreeMap<>();
    for (String line : lines) {
      JsonNode entry = Json.tree(line);
      long workspace = entry.path("workspace_id").asLong(0);
      if (entry.path("time").asLong() >= row.updatedAt()
          && (filter == null || filter.isEmpty() || filter.contains(workspace))) {
        LocalDate date =
            LocalDate.ofInstant(Instant.ofEpochMilli(entry.path("time").asLong()), ZoneOffset.UTC);
        files
            .computeIfAbsent(
                "workspaceId=" + workspace + "/date=" + date, ignored -> new StringBuilder())
            .append(event(entry, workspace, accountId))
            .append('\n');
      }
    }
    for (Map.Entry<String, StringBuilder> file : files.entrySet()) {
      put(
          row,
          file.getKey(),
          "auditlogs_"
              + row.asked().getConfigId()
              + "_"
              + auditId().substring(0, 8)
              + "_"
              + from.segment().replace(".jsonl", "")
              + "_"
              + from.offset()
              + ".json",
          file.getValue().toString());
    }
  }

  /** One record in the words of the public audit log. */
  private static String event(JsonNode entry, long workspace, String accountId) {
    String action = entry.path("action").asText("");
    int dot = action.lastIndexOf('.');
    ObjectNode event = Json.MAPPER.createObjectNode();
    event
        .put("version", "2.0")
        .put("auditLevel", workspace == 0 ? "ACCOUNT_LEVEL" : "WORKSPACE_LEVEL")
        .put("timestamp", entry.path("time").asLong())
        .put("orgId", Long.toString(workspace))
        .put("shardName", "tarn")
        .put("accountId", accountId)
        .put("sourceIPAddress", entry.path("source_ip").asText(""))
        .put("userAgent", entry.path("user_agent").asText(""));
    event.putObject("userIdentity").put("email", entry.path("principal").asText(""));
    event
        .put("serviceName", dot < 0 ? "" : action.substring(0, dot))
        .put("actionName", dot < 0 ? entry.path("verb").asText("") : action.substring(dot + 1))
        .put("requestId", entry.path("request_id").asText(""));
    ObjectNode parameters = event.putObject("requestParams");
    for (Map.Entry<String, JsonNode> parameter : entry.path("params").properties()) {
      JsonNode value = parameter.getValue();
      parameters.put(parameter.getKey(), value.isTextual() ? value.asText() : value.toString());
    }
    event
        .putObject("response")
        .put("statusCode", entry.path("status").asInt())
        .put("errorMessage", entry.path("error_code").asText(null))
        .putNull("result");
    return event.toString();
  }

  private void usage(LogDeliveryDao.Row row) throws IOException {
    LogDeliveryConfiguration asked = row.asked();
    YearMonth current = usage.currentMonth();
    usage.meter();
    for (YearMonth month = YearMonth.parse(row.month());
        !month.isAfter(current);
        month = month.plusMonths(1)) {
      Map<Long, List<Usage.Row>> byWorkspace =
          usage.rows(month, month).stream().collect(Collectors.groupingBy(Usage.Row::workspaceId));
      Collection<Long> workspaces =
          asked.getWorkspaceIdsFilter() == null || asked.getWorkspaceIdsFilter().isEmpty()
              ? new TreeSet<>(byWorkspace.keySet())
              : asked.getWorkspaceIdsFilter();
      for (long workspace : workspaces) {
        put(
            row,
            "billable-usage/csv",
            "workspaceId=" + workspace + "-usageMonth=" + month + ".csv",
            Usage.csv(byWorkspace.getOrDefault(workspace, List.of()), true));
      }
    }
    // What ended in the month before is metered within the hour; then that month is closed.
    YearMonth closed = YearMonth.from(clock.instant().atZone(ZoneOffset.UTC).minusHours(1));
    if (closed.toString().compareTo(row.month()) > 0) {
      database.inTransaction(
          handle -> LogDeliveryDao.month(handle, asked.getConfigId(), closed.toString()));
    }
  }

  /** Puts an object in place, whole or not at all. */
  private void put(LogDeliveryDao.Row row, String folder, String name, String content)
      throws IOException {
    Path bucket;
    try {
      bucket = buckets.folder(row.bucket());
    } catch (ResourceDoesNotExist e) {
      throw new Unusable("the bucket " + row.bucket() + " does not exist");
    }
    String prefix = row.asked().getDeliveryPathPrefix();
    Path at = bucket;
    for (String step :
        ((prefix == null || prefix.isEmpty() ? "" : prefix + "/") + folder).split("/", -1)) {
      at = at.resolve(step);
      // Engines write into buckets too: a link there must not lead us out of it.
      if (Files.isSymbolicLink(at)) {
        throw new Unusable(bucket.relativize(at) + " in bucket " + row.bucket() + " is a link");
      }
      if (!Files.isDirectory(at)) {
        Files.createDirectory(at);
      }
    }
    Path file = at.resolve(name);
    Path written = at.resolve("." + name + ".tmp");
    Files.deleteIfExists(written);
    try (FileChannel channel =
        FileChannel.open(written, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ByteBuffer bytes = ByteBuffer.wrap(content.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    try (FileChannel directory = FileChannel.open(at, StandardOpenOption.READ)) {
      directory.force(true);
    }
  }
}
