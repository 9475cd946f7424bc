package dev.tarn.catalog;

import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Database;
import dev.tarn.database.Leases;
import dev.tarn.storage.Folders;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes the folders of tables that are gone. The row that says so is written in the transaction
 * that deletes the table, so a killed process leaves either a table or a row of work to finish, and
 * never a table without its data.
 */
final class Trash implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Trash.class);

  private final Database database;
  private final Leases leases;
  private final Locations locations;
  private final Clock clock;
  private final Semaphore work = new Semaphore(0);
  private volatile boolean closing;
  private Thread worker;

  Trash(Database database, Locations locations, Clock clock) {
    this.database = database;
    this.leases = database.leases();
    this.locations = locations;
    this.clock = clock;
  }

  /** Marks a folder for removal, in the caller's transaction; {@link #wake} when it is through. */
  void add(Handle handle, String location) {
    handle
        .createUpdate(
            """
            INSERT INTO storage_trash (storage_location, created_at) VALUES (:location, :now)
            ON CONFLICT DO NOTHING
            """)
        .bind("location", location)
        .bind("now", clock.millis())
        .execute();
  }

  /** Deletes for good what was dropped before a time. */
  void deleteDroppedBefore(long time) {
    List<String> dropped = database.read(handle -> Securables.droppedBefore(handle, time));
    for (String id : dropped) {
      database.inTransaction(
          handle -> {
            Securables.find(handle, id)
                .filter(found -> found.deletedAt() != null) // else it was taken back meanwhile
                .ifPresent(found -> delete(handle, found));
            return null;
          });
    }
    wake();
  }

  /** Deletes rows, the securable's and all below it; its managed data becomes trash. */
  void delete(Handle handle, Securable securable) {
    Securables.managedData(handle, securable).forEach(location -> add(handle, location));
    for (Staging.Staged staged : Staging.in(handle, securable)) {
      Staging.delete(handle, staged.id());
      add(handle, staged.location());
    }
    Securables.delete(handle, securable);
  }

  void wake() {
    work.release();
  }

  /** Begins to work, first at what an earlier process left. */
  synchronized void start() {
    worker =
        Thread.ofVirtual()
            .name("storage-trash")
            .start(
                () -> {
                  empty();
                  while (!closing) {
                    work.acquireUninterruptibly();
                    work.drainPermits();
                    empty();
                  }
                });
  }

  /** Removes what is marked, now. What cannot be removed stays marked. */
  void empty() {
    for (String location : marked()) {
      try {
        if (!leases.take("trash/" + location)) {
          continue; // Another control plane is at it.
        }
        if (locations.bucketExists(location)) {
          locations.deleting(() -> Folders.delete(locations.folder(location)));
        }
        database.inTransaction(
            handle ->
                handle
                    .createUpdate("DELETE FROM storage_trash WHERE storage_location = :location")
                    .bind("location", location)
                    .execute());
        leases.give("trash/" + location);
      } catch (RuntimeException e) {
        LOG.warn("{} could not be removed and is left for later", location, e);
      }
    }
  }

  List<String> marked() {
    return database.read(
        handle ->
            handle
                .createQuery("SELECT storage_location FROM storage_trash ORDER BY created_at")
                .mapTo(String.class)
                .list());
  }

  /** Returns when all that was marked so far was tried. */
  @Override
  public synchronized void close() {
    closing = true;
    work.release();
    if (worker != null) {
      try {
        worker.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
