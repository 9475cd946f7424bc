package dev.tarn.sql;

import dev.tarn.engine.Engine.State;
import dev.tarn.engine.Execution;
import dev.tarn.http.Caller;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.apache.spark.connect.proto.DataType;
import org.apache.spark.connect.proto.Expression.Literal;

/**
 * What warehouses and statements need of engines, and no more: so that their states can be tested
 * without waiting for Spark.
 */
interface Compute {
  /**
   * Starts the engine of a warehouse and waits until it answers.
   *
   * @throws RuntimeException why it does not
   */
  Engine start(long workspaceId, String warehouseId);

  /** The engine of a warehouse that outlived the process that started it, or null. */
  Engine find(long workspaceId, String warehouseId);

  /** Why the last engine of a warehouse is gone, or null. */
  String lost(String warehouseId);

  /** The states of the warehouse's engines in other control planes. */
  List<State> elsewhere(String warehouseId);

  /** Asks the other control planes to stop theirs. */
  void stopElsewhere(String warehouseId, String reason);

  /** An engine that runs. */
  interface Engine {
    String id();

    /**
     * Starts a statement; reading its batches waits.
     *
     * @param catalog the current one, or null for the engine's default
     * @param schema the current one, or null for {@code default}
     * @throws dev.tarn.engine.SparkError there is no such catalog or schema
     */
    Query execute(
        Caller caller, String catalog, String schema, String sql, Map<String, Literal> parameters);

    /** Completes with the cause when the engine died without having been told to stop. */
    CompletionStage<String> died();

    /** Stops it and waits until it is gone. */
    void stop(String reason);
  }

  /** A statement that runs. Close it always. */
  interface Query extends AutoCloseable {
    /**
     * @return the next batch, or null after the last
     * @throws dev.tarn.engine.SparkError Spark refused or failed
     * @throws dev.tarn.engine.EngineLost the engine went away
     */
    Execution.Batch next();

    /** The type of the rows, known once {@link #next} has returned. */
    DataType schema();

    /** Stops the Spark job; to be called from another thread than the one that reads. */
    void interrupt();

    @Override
    void close();
  }
}
