package dev.tarn.sql;

import com.databricks.sdk.service.sql.Disposition;
import com.databricks.sdk.service.sql.ServiceError;
import com.databricks.sdk.service.sql.ServiceErrorCode;
import com.databricks.sdk.service.sql.StatementState;
import com.databricks.sdk.service.sql.StatementStatus;
import dev.tarn.sql.Compute.Query;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * A statement from its coming to its end, whichever of them is first: success, failure, or
 * somebody's cancel. Its row is written when a client must be told of it, and not before: a
 * statement that ends within {@code wait_timeout} costs one transaction, one that goes on costs
 * two.
 */
final class Running {
  final String id;
  final long workspaceId;
  final String principalId;
  final String warehouseId;
  final Disposition disposition;

  private final StatementDao dao;
  private final Clock clock;
  private final Duration kept;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();
  private StatementStatus status = new StatementStatus().setState(StatementState.PENDING);
  private ResultWriter.Result result;
  private Future<?> told;
  private boolean over;
  private Thread thread;
  private Query query;

  /**
   * @param kept how long the row holds its result
   */
  Running(
      String id,
      long workspaceId,
      String principalId,
      String warehouseId,
      Disposition disposition,
      StatementDao dao,
      Clock clock,
      Duration kept) {
    this.id = id;
    this.workspaceId = workspaceId;
    this.principalId = principalId;
    this.warehouseId = warehouseId;
    this.disposition = disposition;
    this.dao = dao;
    this.clock = clock;
    this.kept = kept;
  }

  /** The work on a virtual thread of its own, which {@link #cancel} may interrupt. */
  void start(Consumer<Running> work) {
    lock.lock();
    try {
      thread = Thread.ofVirtual().name("statement-" + id).start(() -> work.accept(this));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Spark has begun.
   *
   * @return whether it is still wanted
   */
  boolean runs(Query query) {
    lock.lock();
    try {
      this.query = query;
      if (!over) {
        status = new StatementStatus().setState(StatementState.RUNNING);
      }
      return !over;
    } finally {
      lock.unlock();
    }
  }

  /**
   * @return false when it was canceled before
   */
  boolean succeeded(ResultWriter.Result result) {
    return end(new StatementStatus().setState(StatementState.SUCCEEDED), result);
  }

  boolean failed(ServiceErrorCode code, String message, String sqlState) {
    return end(
        new StatementStatus()
            .setState(StatementState.FAILED)
            .setSqlState(sqlState)
            .setError(new ServiceError().setErrorCode(code).setMessage(message)),
        null);
  }

  /** Is CANCELED at once; the Spark job is stopped behind it. */
  void cancel() {
    if (end(new StatementStatus().setState(StatementState.CANCELED), null)) {
      lock.lock();
      try {
        Query stop = query;
        if (stop == null) {
          thread.interrupt();
        } else {
          Thread.ofVirtual().name("cancel-" + id).start(stop::interrupt);
        }
      } finally {
        lock.unlock();
      }
    }
  }

  private boolean end(StatementStatus with, ResultWriter.Result result) {
    lock.lock();
    try {
      if (over) {
        return false;
      }
      over = true;
      status = with;
      this.result = result;
      if (told != null) {
        dao.end(row(), expiry());
      }
      ended.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for the end for at most {@code patience}.
   *
   * @return whether it has ended
   */
  boolean await(Duration patience) throws InterruptedException {
    lock.lock();
    try {
      long nanos = patience.toNanos();
      while (!over && nanos > 0) {
        nanos = ended.awaitNanos(nanos);
      }
      return over;
    } finally {
      lock.unlock();
    }
  }

  /** The row as it now is; {@link #saved} says when it is on disk. */
  StatementDao.Row tell() {
    lock.lock();
    try {
      StatementDao.Row row = row();
      if (told == null) {
        told = dao.insert(row, clock.millis(), over ? expiry() : null);
      }
      return row;
    } finally {
      lock.unlock();
    }
  }

  /** The way to disk of the row that was told first. */
  Future<?> saved() {
    lock.lock();
    try {
      return told;
    } finally {
      lock.unlock();
    }
  }

  /** Whether its row says all there is to say. */
  boolean isToldAndOver() {
    lock.lock();
    try {
      return told != null && over;
    } finally {
      lock.unlock();
    }
  }

  private Long expiry() {
    return clock.millis() + kept.toMillis();
  }

  private StatementDao.Row row() {
    return new StatementDao.Row(
        id,
        workspaceId,
        principalId,
        warehouseId,
        disposition,
        status,
        result == null ? null : result.manifest(),
        result == null ? null : result.content());
  }
}
