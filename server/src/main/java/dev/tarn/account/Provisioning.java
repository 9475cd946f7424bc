package dev.tarn.account;

import static com.databricks.sdk.service.provisioning.WorkspaceStatus.CANCELLING;
import static com.databricks.sdk.service.provisioning.WorkspaceStatus.FAILED;
import static com.databricks.sdk.service.provisioning.WorkspaceStatus.NOT_PROVISIONED;
import static com.databricks.sdk.service.provisioning.WorkspaceStatus.PROVISIONING;
import static com.databricks.sdk.service.provisioning.WorkspaceStatus.RUNNING;

import com.databricks.sdk.core.DatabricksError;
import dev.tarn.database.Database;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings workspaces up and takes them down, behind the API's back.
 *
 * <p>What is to be done of a workspace follows from its row: NOT_PROVISIONED and PROVISIONING ask
 * for the steps that have not ended, CANCELLING asks for taking it apart. So whoever changed a row
 * calls {@link #wake}, and a start after a kill wakes all. One thread at a time works on one
 * workspace; it looks at the row again after every step, so a deletion stops provisioning between
 * two steps and follows it.
 */
final class Provisioning implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Provisioning.class);

  private final Database database;
  private final Clock clock;
  private final List<Step> steps;
  private final List<StepAction> teardown;
  private final Runnable gone;
  private final ConcurrentHashMap<Long, ReentrantLock> locks = new ConcurrentHashMap<>();
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("workspace-", 0).factory());
  private volatile boolean closing;

  /**
   * @param gone told after a workspace's row, and what hung on it, was deleted
   */
  Provisioning(
      Database database, Clock clock, List<Step> steps, List<StepAction> teardown, Runnable gone) {
    this.database = database;
    this.clock = clock;
    this.steps = List.copyOf(steps);
    this.teardown = List.copyOf(teardown);
    this.gone = gone;
  }

  List<Step> steps() {
    return steps;
  }

  void recover() {
    database
        .<List<WorkspaceRecord>, RuntimeException>read(WorkspaceDao::list)
        .forEach(workspace -> wake(workspace.id()));
  }

  void wake(long id) {
    threads.execute(
        () -> {
          ReentrantLock lock = locks.computeIfAbsent(id, ignored -> new ReentrantLock());
          lock.lock();
          try {
            work(id);
          } catch (RuntimeException | InterruptedException e) {
            if (!closing) {
              LOG.error("work on workspace {} ended; it goes on at the next start", id, e);
            }
          } finally {
            lock.unlock();
          }
        });
  }

  private void work(long id) throws InterruptedException {
    while (!closing) {
      Optional<WorkspaceRecord> workspace =
          database.<Optional<WorkspaceRecord>, RuntimeException>read(
              handle -> WorkspaceDao.find(handle, id));
      if (workspace.isEmpty()) {
        locks.remove(id);
        return;
      }
      boolean more =
          switch (workspace.get().status()) {
            case NOT_PROVISIONED -> start(id);
            case PROVISIONING -> nextStep(workspace.get());
            case CANCELLING -> takeApart(workspace.get());
            default -> false;
          };
      if (!more) {
        return;
      }
    }
  }

  private boolean start(long id) {
    database.inTransaction(
        handle ->
            WorkspaceDao.move(
                handle, id, PROVISIONING, "Provisioning has begun.", NOT_PROVISIONED));
    return true;
  }

  /** Does the first step that has not ended; false when nothing is left to do. */
  private boolean nextStep(WorkspaceRecord workspace) throws InterruptedException {
    long id = workspace.id();
    Set<String> done =
        database
            .<List<WorkspaceDao.Progress>, RuntimeException>read(
                handle -> WorkspaceDao.progress(handle, id))
            .stream()
            .filter(progress -> progress.state().equals("DONE"))
            .map(WorkspaceDao.Progress::name)
            .collect(Collectors.toSet());
    int position = 0;
    while (position < steps.size() && done.contains(steps.get(position).name())) {
      position++;
    }
    if (position == steps.size()) {
      database.inTransaction(
          handle ->
              WorkspaceDao.move(
                  handle,
                  id,
                  RUNNING,
                  WorkspaceReferences.running(workspace.rest()),
                  PROVISIONING));
      return true;
    }
    Step step = steps.get(position);
    int at = position;
    boolean begun =
        database.inTransaction(
            handle -> {
              WorkspaceDao.begin(handle, id, at, step, clock.millis());
              return WorkspaceDao.move(handle, id, PROVISIONING, step.message(), PROVISIONING);
            });
    if (!begun) {
      return true;
    }
    try {
      step.action().run(workspace);
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      if (closing) {
        return false;
      }
      fail(workspace, step, e);
      return true;
    }
    database.inTransaction(
        handle ->
            WorkspaceDao.end(handle, id, step.name(), "DONE", step.message(), clock.millis()));
    return true;
  }

  private void fail(WorkspaceRecord workspace, Step step, Exception e) {
    LOG.warn("workspace {} failed in step {}", workspace.id(), step.name(), e);
    String reason =
        e instanceof DatabricksError
            ? e.getMessage()
            : "step " + step.name() + " failed: " + e.getMessage();
    database.inTransaction(
        handle -> {
          WorkspaceDao.end(handle, workspace.id(), step.name(), "FAILED", reason, clock.millis());
          return WorkspaceDao.move(handle, workspace.id(), FAILED, reason, PROVISIONING);
        });
  }

  private boolean takeApart(WorkspaceRecord workspace) throws InterruptedException {
    for (StepAction action : teardown) {
      try {
        action.run(workspace);
      } catch (InterruptedException e) {
        throw e;
      } catch (Exception e) {
        if (!closing) {
          LOG.error("workspace {} cannot be taken apart", workspace.id(), e);
          database.inTransaction(
              handle ->
                  WorkspaceDao.move(
                      handle,
                      workspace.id(),
                      CANCELLING,
                      "Deletion stopped: " + e.getMessage() + "; delete again to go on.",
                      CANCELLING));
        }
        return false;
      }
    }
    database.inTransaction(handle -> WorkspaceDao.delete(handle, workspace.id()));
    gone.run();
    return true;
  }

  /** Stops between two steps; what was begun goes on at the next start. */
  @Override
  public void close() {
    closing = true;
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(10, TimeUnit.SECONDS)) {
        LOG.warn("a step of a workspace did not stop; it is run again at the next start");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
