package dev.tarn.database;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who does what where several control planes share a database. Each has a row that it renews; work
 * in the background is done by whoever has its lease, a row that refers to the first. When a
 * control plane does not renew its row in time, the next that looks deletes it: its leases go with
 * it, and all others are told to look for work.
 *
 * <p>Time is the database's, so clocks need not agree. A holder that was only slow learns of its
 * loss at its next write: {@link #require} fails in the transaction. After the database was away
 * everybody is given the time to come back before anybody is given up.
 */
public final class Leases implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Leases.class);
  private static final String TOPIC = "leases";
  private static final long VALID_MILLIS = 10_000;
  private static final long BEAT_MILLIS = 2_000;

  /** Once a minute work is looked for whatever was, or was not, heard. */
  private static final int BEATS_BETWEEN = 30;

  private final Database database;
  private final List<Runnable> seekers = new CopyOnWriteArrayList<>();
  private final ScheduledExecutorService beats =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("leases").daemon().factory());
  private volatile String plane;
  private long steadySince;
  private boolean steady;
  private int beatsSinceSought;

  Leases(Database database) {
    this.database = database;
    database.onAnnounced(
        TOPIC,
        text -> {
          if (text != null) {
            seek();
          }
        });
  }

  /** The name kept in {@code file}, made there on first use: a restart is called the same still. */
  public static String name(Path file) {
    try {
      try {
        return Files.readString(file).strip();
      } catch (NoSuchFileException e) {
        Files.createDirectories(file.toAbsolutePath().getParent());
        String name = UUID.randomUUID().toString();
        Seal.writeSecret(file, name + "\n");
        return name;
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read or write " + file, e);
    }
  }

  /** The name of this control plane; {@code alone} until it is started. */
  public String plane() {
    return plane == null ? "alone" : plane;
  }

  /** To be told when work may have become free that nobody does; must not wait. */
  public void onFreed(Runnable seeker) {
    seekers.add(seeker);
  }

  /**
   * From now on this control plane lives. Before, it has every lease: nothing is shared by what
   * only looks at a database.
   *
   * @param name of this control plane; see {@link #name}
   */
  public void start(String name) {
    plane = name;
    if (!database.isShared()) {
      // There was another name: of a data directory that was restored from a backup, say.
      database.inTransaction(
          handle -> handle.execute("DELETE FROM control_plane WHERE plane_id <> ?", name));
    }
    beat();
    var unused =
        beats.scheduleWithFixedDelay(this::beat, BEAT_MILLIS, BEAT_MILLIS, TimeUnit.MILLISECONDS);
  }

  private record Seen(boolean lost, int dead) {}

  private synchronized void beat() {
    try {
      long now = System.nanoTime();
      boolean mayJudge = steady && now - steadySince > TimeUnit.MILLISECONDS.toNanos(VALID_MILLIS);
      boolean back = !steady;
      Seen seen = database.inTransaction(handle -> renew(handle, mayJudge));
      if (!steady) {
        steady = true;
        steadySince = now;
      }
      if (seen.lost()) {
        LOG.info("control plane {} begins, or was given up and begins again", plane);
      }
      if (seen.dead() > 0) {
        LOG.warn("{} control planes did not come back; their work is free", seen.dead());
      }
      if (back || seen.lost() || seen.dead() > 0 || ++beatsSinceSought == BEATS_BETWEEN) {
        beatsSinceSought = 0;
        seek();
      }
    } catch (RuntimeException e) {
      if (steady) {
        LOG.warn("control plane {} cannot renew its leases", plane, e);
      }
      steady = false;
    }
  }

  private Seen renew(Handle handle, boolean mayJudge) {
    int renewed =
        handle
            .createUpdate(
                """
                UPDATE control_plane SET alive_until = <now> + :valid WHERE plane_id = :plane
                """)
            .define("now", database.now())
            .bind("valid", VALID_MILLIS)
            .bind("plane", plane)
            .execute();
    if (renewed == 0) {
      handle
          .createUpdate(
              "INSERT INTO control_plane (plane_id, alive_until) VALUES (:plane, <now> + :valid)")
          .define("now", database.now())
          .bind("valid", VALID_MILLIS)
          .bind("plane", plane)
          .execute();
    }
    int dead =
        mayJudge
            ? handle
                .createUpdate("DELETE FROM control_plane WHERE alive_until < <now>")
                .define("now", database.now())
                .execute()
            : 0;
    if (dead > 0) {
      database.announce(handle, TOPIC, "");
    }
    return new Seen(renewed == 0, dead);
  }

  private void seek() {
    seekers.forEach(seeker -> Thread.ofVirtual().name("seek-work").start(seeker));
  }

  /** Whether this control plane may do {@code work}: it had the lease, or nobody. */
  public boolean take(String work) {
    if (plane == null) {
      return true;
    }
    try {
      return database.inTransaction(
          handle -> {
            handle
                .createUpdate(
                    "INSERT INTO lease (work, plane_id) VALUES (:work, :plane) ON CONFLICT DO NOTHING")
                .bind("work", work)
                .bind("plane", plane)
                .execute();
            return isMine(handle, work);
          });
    } catch (RuntimeException e) {
      if (Database.isForeignKeyViolation(e)) {
        return false; // Given up by the others; the next beat begins again, and looks for work.
      }
      throw e;
    }
  }

  /** Ends the lease; what was asked for meanwhile is for whoever looks next. */
  public void give(String work) {
    if (plane == null) {
      return;
    }
    database.inTransaction(
        handle ->
            handle
                .createUpdate("DELETE FROM lease WHERE work = :work AND plane_id = :plane")
                .bind("work", work)
                .bind("plane", plane)
                .execute());
  }

  /**
   * In a transaction of the work itself.
   *
   * @throws LeaseLost somebody else does it now
   */
  public void require(Handle handle, String work) {
    if (plane != null && !isMine(handle, work)) {
      throw new LeaseLost(work);
    }
  }

  private boolean isMine(Handle handle, String work) {
    return handle
        .createQuery("SELECT plane_id FROM lease WHERE work = :work")
        .bind("work", work)
        .mapTo(String.class)
        .findOne()
        .filter(plane::equals)
        .isPresent();
  }

  /** Whether no other control plane lives. */
  public boolean alone() {
    return database.<Integer, RuntimeException>read(
            handle ->
                handle
                    .createQuery("SELECT count(*) FROM control_plane WHERE plane_id <> :plane")
                    .bind("plane", plane())
                    .mapTo(int.class)
                    .one())
        == 0;
  }

  /** Gives all leases back, and the others the chance to go on at once. */
  @Override
  public synchronized void close() {
    beats.shutdownNow();
    if (!steady) {
      return;
    }
    try {
      database.inTransaction(
          handle -> {
            database.announce(handle, TOPIC, "");
            return handle
                .createUpdate("DELETE FROM control_plane WHERE plane_id = :plane")
                .bind("plane", plane)
                .execute();
          });
    } catch (RuntimeException e) {
      LOG.warn("the leases of {} end by themselves", plane, e);
    }
  }
}
