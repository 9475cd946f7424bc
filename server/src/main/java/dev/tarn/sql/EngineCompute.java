package dev.tarn.sql;

import dev.tarn.engine.ConnectClient;
import dev.tarn.engine.Engine.State;
import dev.tarn.engine.EngineLost;
import dev.tarn.engine.Engines;
import dev.tarn.engine.Execution;
import dev.tarn.engine.Lease;
import dev.tarn.engine.Session;
import dev.tarn.engine.SparkError;
import dev.tarn.http.Caller;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.regex.Pattern;
import org.apache.spark.connect.proto.DataType;
import org.apache.spark.connect.proto.Expression.Literal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Warehouses' engines are Spark's, of {@link Engines}. */
final class EngineCompute implements Compute {
  private static final Logger LOG = LoggerFactory.getLogger(EngineCompute.class);

  /**
   * Statements of this API share no state. What can leave some in its session ({@code SET}, {@code
   * USE}, a temporary view, a variable) gets a session of its own; the others share a warm one,
   * which saves more than a small query costs.
   */
  private static final Pattern STATELESS =
      Pattern.compile(
          "\\s*(?:SELECT|WITH|VALUES|TABLE|FROM|INSERT|UPDATE|DELETE|MERGE|SHOW|DESCRIBE|DESC|EXPLAIN)\\b.*",
          Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

  private static final long BETWEEN_MILLIS = 200;

  private final Engines engines;
  private final BiFunction<Long, String, Engines.Spec> specs;
  private final Map<String, CompletableFuture<String>> deaths = new ConcurrentHashMap<>();

  /**
   * @param specs what a warehouse of a workspace needs of its engine
   */
  EngineCompute(Engines engines, BiFunction<Long, String, Engines.Spec> specs) {
    this.engines = engines;
    this.specs = specs;
    engines.onChange(
        engine -> {
          if (isOver(engine)) {
            CompletableFuture<String> death = deaths.remove(engine.id());
            if (death != null) {
              death.complete(cause(engine));
            }
          }
        });
  }

  /** Whether it takes no more statements. */
  private static boolean isOver(dev.tarn.engine.Engine engine) {
    return engine.state() == State.DRAINING || !engine.state().isUp();
  }

  /** None when it was stopped, if by another control plane. */
  private static String cause(dev.tarn.engine.Engine engine) {
    return engine.state() == State.FAILED ? engine.reason() : null;
  }

  @Override
  public List<State> elsewhere(String warehouseId) {
    return engines.elsewhere(warehouseId);
  }

  @Override
  public void stopElsewhere(String warehouseId, String reason) {
    engines.stopElsewhere(warehouseId, reason);
  }

  @Override
  public Engine start(long workspaceId, String warehouseId) {
    try (Lease lease = engines.acquire(specs.apply(workspaceId, warehouseId))) {
      return new Running(lease.engineId(), warehouseId);
    }
  }

  @Override
  public Engine find(long workspaceId, String warehouseId) {
    return engines
        .current(warehouseId, 0)
        .filter(engine -> engine.state() == State.RUNNING)
        .map(engine -> new Running(engine.id(), warehouseId))
        .orElse(null);
  }

  @Override
  public String lost(String warehouseId) {
    return engines
        .current(warehouseId, 0)
        .filter(engine -> !engine.state().isUp())
        .map(dev.tarn.engine.Engine::reason)
        .orElse(null);
  }

  private final class Running implements Engine {
    private final String id;
    private final String warehouseId;
    private final CompletableFuture<String> death = new CompletableFuture<>();

    Running(String id, String warehouseId) {
      this.id = id;
      this.warehouseId = warehouseId;
      deaths.put(id, death);
      // It may have died before it could be noted that somebody wants to know.
      engines
          .current(warehouseId, 0)
          .filter(engine -> engine.id().equals(id) && isOver(engine))
          .ifPresent(engine -> death.complete(cause(engine)));
    }

    @Override
    public String id() {
      return id;
    }

    @Override
    public Query execute(
        Caller caller, String catalog, String schema, String sql, Map<String, Literal> parameters) {
      Lease lease =
          engines
              .lease(id)
              .orElseThrow(() -> new EngineLost("engine " + id + " has ended", null, false));
      try {
        boolean shared = STATELESS.matcher(sql).matches();
        Session session =
            shared
                ? lease.session(caller, catalog, schema)
                : lease.privateSession(caller, catalog, schema);
        return new SparkQuery(
            lease,
            session,
            shared,
            caller.requestId(),
            lease.client().execute(session, caller.requestId(), sql, parameters));
      } catch (RuntimeException e) {
        lease.close();
        throw e;
      }
    }

    @Override
    public CompletionStage<String> died() {
      return death;
    }

    @Override
    public void stop(String reason) {
      engines.stop(warehouseId, reason);
    }
  }

  private static final class SparkQuery implements Query {
    private final Lease lease;
    private final Session session;
    private final boolean shared;
    private final String requestId;
    private final Execution execution;
    private final CountDownLatch ended = new CountDownLatch(1);

    SparkQuery(
        Lease lease, Session session, boolean shared, String requestId, Execution execution) {
      this.lease = lease;
      this.session = session;
      this.shared = shared;
      this.requestId = requestId;
      this.execution = execution;
    }

    @Override
    public Execution.Batch next() {
      try {
        Execution.Batch batch = execution.next();
        if (batch == null) {
          ended.countDown();
        }
        return batch;
      } catch (SparkError e) {
        ended.countDown();
        throw e;
      }
    }

    @Override
    public DataType schema() {
      return execution.schema();
    }

    @Override
    public void interrupt() {
      ConnectClient client = lease.client();
      try {
        // Spark stops the jobs that run now: told while it still plans, it may begin one after all.
        // So it is told again until the statement has ended.
        do {
          var unused = client.interrupt(session, requestId, execution.operationId());
        } while (!ended.await(BETWEEN_MILLIS, TimeUnit.MILLISECONDS));
      } catch (EngineLost e) {
        // Nothing runs on an engine that is gone.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    /** One that was not read to its end goes on in Spark unless it is stopped. */
    @Override
    public void close() {
      if (ended.getCount() == 0) {
        release();
        return;
      }
      Thread.ofVirtual()
          .name("stop-" + execution.operationId())
          .start(
              () -> {
                Thread.ofVirtual().name("drain-" + execution.operationId()).start(this::drain);
                interrupt();
                release();
              });
    }

    /** Reads what nobody wants, to learn when it has ended. */
    private void drain() {
      try {
        while (next() != null) {
          // Only that it ends matters.
        }
      } catch (SparkError e) {
        // As it should: it was stopped.
      } catch (EngineLost e) {
        ended.countDown();
      }
    }

    private void release() {
      execution.close();
      if (shared) {
        lease.close();
        return;
      }
      // The client that waits need not wait for this.
      Thread.ofVirtual()
          .name("release-" + session.id())
          .start(
              () -> {
                try (lease) {
                  lease.release(session, requestId);
                } catch (EngineLost e) {
                  // It took its sessions along.
                } catch (SparkError e) {
                  LOG.warn("session {} was not released: {}", session.id(), e.getMessage());
                }
              });
    }
  }
}
