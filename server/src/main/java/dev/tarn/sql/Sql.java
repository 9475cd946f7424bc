package dev.tarn.sql;

import com.databricks.sdk.service.sql.DataSourcesService;
import com.databricks.sdk.service.sql.StatementExecutionService;
import com.databricks.sdk.service.sql.WarehousesService;
import dev.tarn.Config;
import dev.tarn.database.Database;
import dev.tarn.engine.Engines;
import dev.tarn.http.Routes;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * SQL: warehouses and the statements that run on them. The facade of the package; what other
 * packages ask of it is here.
 */
public final class Sql implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Sql.class);

  private final Warehouses warehouses;
  private final Statements statements;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("sql-timer").daemon().factory());

  /**
   * @param specs what the warehouse (second) of a workspace (first) needs of its engine; it should
   *     never stop by itself, for the warehouse decides that
   * @param rootFolder the folder of a workspace's root bucket
   * @param self where clients reach this server, such as {@code http://127.0.0.1:8484}
   */
  public Sql(
      Config config,
      Database database,
      Engines engines,
      BiFunction<Long, String, Engines.Spec> specs,
      LongFunction<Path> rootFolder,
      Supplier<URI> self,
      Clock clock) {
    this.warehouses =
        new Warehouses(
            database,
            new EngineCompute(engines, specs),
            clock,
            self,
            config.engineIdleMinutes(),
            timer);
    this.statements =
        new Statements(
            database, warehouses, rootFolder, clock, self, Duration.ofHours(config.resultHours()));
  }

  public void routes(Routes routes) {
    routes.mount(WarehousesService.class, warehouses);
    routes.mount(DataSourcesService.class, new DataSources(warehouses));
    routes.mount(StatementExecutionService.class, statements);
    routes.mountOwn(statements);
  }

  /**
   * Finishes what a killed process left, and begins the work that goes on by itself; the engines
   * that outlived it must have been found before.
   *
   * @param rootFolders the root buckets of all workspaces
   */
  public void start(List<Path> rootFolders) {
    statements.recover(rootFolders);
    warehouses.recover();
    expire();
  }

  /** Notes the end of what ran in control planes that are gone. */
  public void seek() {
    statements.seek();
  }

  /**
   * To be called when somebody may have lost a workspace: what runs there for them is canceled.
   * Does not wait.
   *
   * @param mayEnter whether a principal (first) is still let into a workspace (second)
   */
  public void cancelUnless(BiPredicate<String, Long> mayEnter) {
    if (!statements.isIdle()) {
      Thread.ofVirtual().name("cancel-of-removed").start(() -> statements.cancelUnless(mayEnter));
    }
  }

  /** The warehouse that a new workspace begins with; a second call changes nothing. */
  public void createStarterWarehouse(long workspaceId, String creator) {
    warehouses.createStarter(workspaceId, creator);
  }

  /** Stops and removes what a workspace that goes has here; its results go with its bucket. */
  public void removeWorkspace(long workspaceId) {
    warehouses.deleteAll(workspaceId);
    statements.deleteAll(workspaceId);
  }

  /** What a warehouse is, for who accounts for it. */
  public record Facts(
      String name,
      String size,
      String type,
      boolean serverless,
      String creator,
      Map<String, String> tags) {}

  /** Empty when there is none, or none any more. */
  public Optional<Facts> warehouse(String id) {
    return warehouses.facts(id);
  }

  private void expire() {
    long next = TimeUnit.HOURS.toMillis(1);
    try {
      next = statements.expire();
    } catch (RuntimeException e) {
      LOG.warn("results that expired could not be deleted; it is tried again in an hour", e);
    }
    var unused = timer.schedule(this::expire, next + 1, TimeUnit.MILLISECONDS);
  }

  /** The engines are left to {@link Engines}. */
  @Override
  public void close() {
    statements.close();
    timer.shutdownNow();
  }
}
