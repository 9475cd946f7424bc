package dev.tarn.billing;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Clock;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/**
 * What was used: for each engine and clock hour, how long it ran at which rate. An engine counts
 * from when it is first seen RUNNING until it ends, also while no control plane watches it; what
 * was written is never written twice, for each step moves the engine's meter from where it stood.
 */
final class Usage {
  private static final long HOUR = TimeUnit.HOURS.toMillis(1);
  private static final BigDecimal HOUR_MILLIS = BigDecimal.valueOf(HOUR);

  private final Database database;
  private final Clock clock;
  private final Supplier<List<Running>> engines;
  private final BiFunction<Long, String, Optional<Source>> sources;

  /** An engine, as who runs it knows it. */
  record Running(
      String engineId, String warehouseId, long workspaceId, boolean running, Long endedAt) {}

  /**
   * What an engine runs for.
   *
   * @param tier of the workspace
   * @param tags of the warehouse and the workspace
   */
  record Source(
      @JsonProperty("warehouse_id") String warehouseId,
      @JsonProperty("name") String name,
      @JsonProperty("size") String size,
      @JsonProperty("type") String type,
      @JsonProperty("serverless") boolean serverless,
      @JsonProperty("tier") String tier,
      @JsonProperty("owner") String owner,
      @JsonProperty("tags") Map<String, String> tags) {}

  /** What one engine used in one hour. */
  record Row(
      long workspaceId,
      long hourStart,
      String sku,
      long rate,
      long uptime,
      long price,
      Source source) {

    long hourEnd() {
      return hourStart + HOUR;
    }

    BigDecimal hours() {
      return BigDecimal.valueOf(uptime).divide(HOUR_MILLIS, 9, RoundingMode.HALF_UP);
    }

    BigDecimal dbus() {
      return BigDecimal.valueOf(uptime * rate).divide(HOUR_MILLIS, 9, RoundingMode.HALF_UP);
    }

    BigDecimal dollars() {
      return dbus().multiply(BigDecimal.valueOf(price, 3));
    }
  }

  /**
   * @param sources what the warehouse or cluster (second) of a workspace (first) is, if it is still
   *     there
   */
  Usage(
      Database database,
      Clock clock,
      Supplier<List<Running>> engines,
      BiFunction<Long, String, Optional<Source>> sources) {
    this.database = database;
    this.clock = clock;
    this.engines = engines;
    this.sources = sources;
  }

  /** Writes what was used since the last time. */
  void meter() {
    for (Running engine : engines.get()) {
      Optional<Source> source = sources.apply(engine.workspaceId(), engine.warehouseId());
      long now = clock.millis();
      database.inTransaction(
          handle -> {
            meter(handle, engine, source, now);
            return null;
          });
    }
  }

  private static void meter(Handle handle, Running engine, Optional<Source> found, long now) {
    record Meter(long until, Source source) {}
    Optional<Meter> meter =
        handle
            .createQuery("SELECT metered_until, source FROM usage_meter WHERE engine_id = :engine")
            .bind("engine", engine.engineId())
            .map(
                (row, context) ->
                    new Meter(row.getLong(1), Json.read(row.getString(2), Source.class)))
            .findOne();
    if (meter.isEmpty()) {
      if (engine.running() && found.isPresent()) {
        handle
            .createUpdate(
                """
                INSERT INTO usage_meter (engine_id, metered_until, source)
                VALUES (:engine, :now, :source) ON CONFLICT (engine_id) DO NOTHING
                """)
            .bind("engine", engine.engineId())
            .bind("now", now)
            .bind("source", Json.write(found.get()))
            .execute();
      }
      return;
    }
    long from = meter.get().until();
    long until = engine.endedAt() == null ? now : engine.endedAt();
    Source source = found.orElse(meter.get().source());
    if (until <= from
        || handle
                .createUpdate(
                    """
                    UPDATE usage_meter SET metered_until = :until, source = :source
                    WHERE engine_id = :engine AND metered_until = :from
                    """)
                .bind("until", until)
                .bind("source", Json.write(source))
                .bind("engine", engine.engineId())
                .bind("from", from)
                .execute()
            == 0) {
      return;
    }
    for (long at = from; at < until; ) {
      long hour = Math.floorDiv(at, HOUR) * HOUR;
      long end = Math.min(until, hour + HOUR);
      add(handle, engine, source, hour, end - at);
      at = end;
    }
  }

  private static void add(Handle handle, Running engine, Source source, long hour, long uptime) {
    handle
        .createUpdate(
            """
            INSERT INTO usage_record (record_id, engine_id, hour_start, sku, dbu_rate, uptime,
              price, workspace_id, source)
            VALUES (:id, :engine, :hour, :sku, :rate, :uptime, :price, :workspace, :source)
            ON CONFLICT (engine_id, hour_start, sku, dbu_rate)
              DO UPDATE SET uptime = usage_record.uptime + :uptime, source = :source
            """)
        .bind("id", UUID.randomUUID().toString())
        .bind("engine", engine.engineId())
        .bind("hour", hour)
        .bind("sku", ListPrices.sku(source))
        .bind("rate", ListPrices.dbuAnHour(source))
        .bind("uptime", uptime)
        .bind("price", ListPrices.aDbu(source))
        .bind("workspace", engine.workspaceId())
        .bind("source", Json.write(source))
        .execute();
  }

  YearMonth currentMonth() {
    return YearMonth.from(clock.instant().atZone(ZoneOffset.UTC));
  }

  /** What was used in the months from {@code first} to {@code last}, in order of time. */
  List<Row> rows(YearMonth first, YearMonth last) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT workspace_id, hour_start, sku, dbu_rate, uptime, price, source
                    FROM usage_record WHERE hour_start >= :from AND hour_start < :until
                    ORDER BY hour_start, workspace_id, sku, record_id
                    """)
                .bind("from", start(first))
                .bind("until", start(last.plusMonths(1)))
                .map(
                    (row, context) ->
                        new Row(
                            row.getLong(1),
                            row.getLong(2),
                            row.getString(3),
                            row.getLong(4),
                            row.getLong(5),
                            row.getLong(6),
                            Json.read(row.getString(7), Source.class)))
                .list());
  }

  /** List price of what was used in a month. */
  BigDecimal spent(YearMonth month, Predicate<Row> filter) {
    return rows(month, month).stream()
        .filter(filter)
        .map(Row::dollars)
        .reduce(BigDecimal.ZERO, BigDecimal::add);
  }

  private static long start(YearMonth month) {
    return month.atDay(1).atStartOfDay(ZoneOffset.UTC).toInstant().toEpochMilli();
  }

  /**
   * The billable usage log: one line for a warehouse and hour.
   *
   * @param personal whether it says who made the warehouse
   */
  static String csv(List<Row> rows, boolean personal) {
    StringBuilder csv =
        new StringBuilder(
            "workspaceId,timestamp,clusterId,clusterName,clusterNodeType,clusterOwnerUserId,"
                + "clusterCustomTags,sku,dbus,machineHours,clusterOwnerUserName,tags\n");
    for (Row row : rows) {
      Source source = row.source();
      Map<String, String> tags = new java.util.TreeMap<>(source.tags());
      String custom = Json.write(tags);
      tags.put(ListPrices.isCluster(source) ? "ClusterId" : "SqlEndpointId", source.warehouseId());
      String[] fields = {
        Long.toString(row.workspaceId()),
        Instant.ofEpochMilli(row.hourEnd()).toString(),
        source.warehouseId(),
        source.name(),
        source.size(),
        "",
        custom,
        row.sku(),
        row.dbus().toPlainString(),
        row.hours().toPlainString(),
        personal ? source.owner() : "",
        Json.write(tags)
      };
      for (int i = 0; i < fields.length; i++) {
        csv.append(i == 0 ? "" : ",").append(quoted(fields[i]));
      }
      csv.append('\n');
    }
    return csv.toString();
  }

  private static String quoted(String field) {
    return field.matches("[^\",\\r\\n]*") ? field : '"' + field.replace("\"", "\"\"") + '"';
  }
}
