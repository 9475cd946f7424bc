package dev.tarn.billing;

import com.databricks.sdk.service.billing.BillableUsageService;
import com.databricks.sdk.service.billing.BudgetsService;
import com.databricks.sdk.service.billing.LogDeliveryService;
import dev.tarn.account.WorkspaceRecord;
import dev.tarn.database.Database;
import dev.tarn.engine.Engines;
import dev.tarn.http.Routes;
import dev.tarn.sql.Sql;
import dev.tarn.storage.Buckets;
import dev.tarn.telemetry.Audit;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is used, what it comes to, and the delivery of logs. The facade of the package: usage is
 * metered each minute from the engines that run, budgets are looked at after that, and logs are
 * delivered each {@code log_delivery.minutes}. All of it goes on from rows after a kill.
 */
public final class Billing implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Billing.class);
  private static final long METER_SECONDS = 60;

  private final Usage usage;
  private final Budgets budgets;
  private final Delivery delivery;
  private final LogDelivery logDelivery;
  private final BillableUsage billableUsage;
  private final Supplier<String> accountId;
  private final Duration interval;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("billing").daemon().factory());

  /** Writes to people; whether it could. */
  public interface Mailer {
    boolean send(String to, String subject, String text);
  }

  /**
   * @param engines all that are up and those that ended lately
   * @param warehouses what a warehouse is, while there is one
   * @param audit the log, once it is open
   * @param mailer false for everyone where there is no mail server
   * @param interval between two deliveries
   */
  public Billing(
      Database database,
      Buckets buckets,
      Supplier<String> accountId,
      Supplier<List<Engines.Uptime>> engines,
      Function<String, Optional<Sql.Facts>> warehouses,
      LongFunction<Optional<WorkspaceRecord>> workspaces,
      Supplier<Audit> audit,
      Mailer mailer,
      Duration interval,
      Clock clock) {
    this.accountId = accountId;
    this.interval = interval;
    this.usage =
        new Usage(
            database,
            clock,
            () ->
                engines.get().stream()
                    .map(
                        engine ->
                            new Usage.Running(
                                engine.engineId(),
                                engine.ownerId(),
                                engine.workspaceId(),
                                engine.running(),
                                engine.endedAt()))
                    .toList(),
            (workspace, warehouse) ->
                source(warehouse, warehouses.apply(warehouse), workspaces.apply(workspace)));
    this.budgets =
        new Budgets(
            database,
            usage,
            (addresses, subject, text) -> {
              List<String> notified =
                  addresses.stream()
                      .filter(address -> mailer.send(address, subject, text))
                      .toList();
              LOG.warn("{}; written to: {}", text, notified);
              // Nobody calls when an alert goes off, so it has a record of its own.
              audit
                  .get()
                  .append(
                      Audit.Entry.ofSystem(
                          clock.millis(),
                          "system-budget",
                          "billing.Budgets.alert",
                          Map.of("subject", subject, "notified", notified)));
              return notified;
            },
            clock);
    this.delivery = new Delivery(database, buckets, usage, audit, clock);
    this.logDelivery = new LogDelivery(database, delivery, usage, clock);
    this.billableUsage = new BillableUsage(usage);
  }

  private static Optional<Usage.Source> source(
      String id, Optional<Sql.Facts> warehouse, Optional<WorkspaceRecord> workspace) {
    if (warehouse.isEmpty() || workspace.isEmpty()) {
      return Optional.empty();
    }
    Sql.Facts facts = warehouse.get();
    Map<String, String> tags = new LinkedHashMap<>();
    if (workspace.get().rest().getCustomTags() != null) {
      tags.putAll(workspace.get().rest().getCustomTags());
    }
    tags.putAll(facts.tags());
    return Optional.of(
        new Usage.Source(
            id,
            facts.name(),
            facts.size(),
            facts.type(),
            facts.serverless(),
            workspace.get().rest().getPricingTier().name(),
            facts.creator(),
            tags));
  }

  /**
   * The oldest segment of this control plane's audit log that is yet to be delivered; "" for all of
   * them, empty for none.
   */
  public Optional<String> undelivered() {
    return delivery.undelivered();
  }

  /** What an hour of a node of a type comes to, as usage counts it. */
  public static int dbuAnHour(String nodeType) {
    return ListPrices.dbuAnHour(nodeType);
  }

  public void routes(Routes routes) {
    routes.mount(BillableUsageService.class, billableUsage);
    routes.mount(BudgetsService.class, budgets);
    routes.mountOwn(budgets);
    routes.mount(LogDeliveryService.class, logDelivery);
    routes.mountOwn(logDelivery);
  }

  /** Begins to meter and deliver; the engines that outlived the last process were found before. */
  public void start() {
    every(METER_SECONDS, "usage was not metered", this::meter);
    every(
        interval.toSeconds(),
        "logs were not delivered",
        () -> delivery.deliverAll(accountId.get()));
  }

  private void meter() {
    usage.meter();
    budgets.evaluate();
  }

  /** Tells that an engine changed: what it used until now is known before its warehouse is gone. */
  public void engineChanged() {
    try {
      timer.execute(guarded("usage was not metered", usage::meter));
    } catch (RejectedExecutionException e) {
      LOG.debug("an engine changed after the last metering; the next start goes on from there");
    }
  }

  private void every(long seconds, String otherwise, Runnable work) {
    var unused =
        timer.scheduleWithFixedDelay(guarded(otherwise, work), seconds, seconds, TimeUnit.SECONDS);
  }

  private static Runnable guarded(String otherwise, Runnable work) {
    return () -> {
      try {
        work.run();
      } catch (RuntimeException e) {
        LOG.warn("{}; it is tried again", otherwise, e);
      }
    };
  }

  @Override
  public void close() {
    timer.shutdown();
    try {
      if (!timer.awaitTermination(10, TimeUnit.SECONDS)) {
        timer.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
