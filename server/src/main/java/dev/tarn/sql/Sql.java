package dev.tarn.sql;

import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.service.sql.DataSourcesService;
import com.databricks.sdk.service.sql.StatementExecutionService;
import com.databricks.sdk.service.sql.WarehousesService;
import dev.tarn.Config;
import dev.tarn.database.Database;
import dev.tarn.engine.Engines;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
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

  /** What a call of Spark Connect wants of a warehouse's engine. */
  public enum Need {
    /** To run a statement, after those before it while too many run. */
    STATEMENT,
    /** A session, in which something is prepared or asked. */
    SESSION,
    /** Something that was begun there; where there is no engine, it is gone. */
    BEGUN
  }

  /** The engine of a warehouse that is in use until this is closed. */
  public interface Use extends AutoCloseable {
    String engineId();

    @Override
    void close();
  }

  /**
   * The engine of a warehouse, which is started where it has to be, for calls of Spark Connect.
   *
   * @param need what the call is
   * @throws com.databricks.sdk.core.error.platform.ResourceDoesNotExist the caller's workspace has
   *     no such warehouse
   * @throws com.databricks.sdk.core.error.platform.PermissionDenied the caller is in no workspace
   * @throws InvalidState the engine did not start; the message says why
   */
  public Use use(Caller caller, String warehouseId, Need need) {
    caller.require(Role.WORKSPACE_USER);
    Warehouse warehouse = warehouses.find(caller.workspaceId(), warehouseId);
    Warehouses.Place place;
    try {
      place =
          need == Need.STATEMENT
              ? warehouses.place(warehouse)
              : warehouses.beside(warehouse, need == Need.SESSION);
    } catch (IllegalStateException e) {
      throw new InvalidState(e.getMessage(), null);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InvalidState("interrupted while the warehouse was starting", null);
    }
    return new Use() {
      @Override
      public String engineId() {
        return place.engine.id();
      }

      @Override
      public void close() {
        place.close();
      }
    };
  }

  /**
   * What a warehouse is, or a cluster, for who accounts for it.
   *
   * @param size of a warehouse, or the node type of a cluster's driver
   * @param type of a warehouse, or {@value #ALL_PURPOSE}
   */
  public record Facts(
      String name,
      String size,
      String type,
      boolean serverless,
      String creator,
      Map<String, String> tags) {
    public static final String ALL_PURPOSE = "ALL_PURPOSE";
  }

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
