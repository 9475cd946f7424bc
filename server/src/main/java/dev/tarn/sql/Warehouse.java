package dev.tarn.sql;

import com.databricks.sdk.service.sql.EditWarehouseRequest;
import com.databricks.sdk.service.sql.State;
import dev.tarn.sql.Compute.Engine;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;

/**
 * One warehouse while the process lives: what its row says, and what only a process can know. All
 * fields that change are guarded by the object itself.
 */
final class Warehouse {
  /** As many statements run at once on a cluster of a warehouse; the others wait in turn. */
  static final int CONCURRENT = 10;

  final String id;
  final long workspaceId;
  final String creator;
  final Semaphore places = new Semaphore(CONCURRENT, true);
  EditWarehouseRequest settings;
  State state = State.STOPPED;

  /** Why the last engine did not start or died; null when it did as it was told. */
  String failure;

  /** Set while RUNNING. */
  Engine engine;

  /** Ends when that engine has died and this says so. */
  CompletionStage<Void> died;

  /** Ends with the engine; set while STARTING. */
  CompletableFuture<Engine> starting;

  /** Ends when the engine is gone; set while STOPPING. */
  CompletableFuture<Void> stopping;

  /** Statements that wait or run here. */
  int active;

  long idleSince;
  boolean deleted;

  Warehouse(String id, long workspaceId, String creator, EditWarehouseRequest settings) {
    this.id = id;
    this.workspaceId = workspaceId;
    this.creator = creator;
    this.settings = settings;
  }
}
