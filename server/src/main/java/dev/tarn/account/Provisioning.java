package dev.tarn.account;

import static com.databricks.sdk.service.provisioning.WorkspaceStatus.CANCELLING;
import static com.databricks.sdk.service.provisioning.WorkspaceStatus.FAILED;
import static com.databricks.sdk.service.provisioning.WorkspaceStatus.NOT_PROVISIONED;
import static com.databricks.sdk.service.provisioning.WorkspaceStatus.PROVISIONING;
import static com.databricks.sdk.service.provisioning.WorkspaceStatus.RUNNING;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.service.provisioning.WorkspaceStatus;
import dev.tarn.database.Database;
import dev.tarn.database.LeaseLost;
import dev.tarn.database.Leases;
import dev.tarn.database.Unreachable;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jdbi.v3.core.HandleCallback;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings workspaces up and takes them down, behind the API's back.
 *
 * <p>What is to be done of a workspace follows from its row: NOT_PROVISIONED and PROVISIONING ask
 * for the steps that have not ended, CANCELLING asks for taking it apart. So whoever changed a row
 * calls {@link #wake}, and a start after a kill wakes all. One thread of one control plane at a
 * time, the one with the lease, works on one workspace; it looks at the row again after every step,
 * so a deletion stops provisioning between two steps and follows it.
 */
final class Provisioning implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Provisioning.class);
  private static final Duration AGAIN = Duration.ofSeconds(5);
  private static final Set<WorkspaceStatus> TO_DO =
      Set.of(NOT_PROVISIONED, PROVISIONING, CANCELLING);

  private final Database database;
  private final Doors doors;
  private final Leases leases;
  private final Clock clock;
  private final List<Step> steps;
  private final List<StepAction> teardown;
  private final Runnable gone;
  private final ConcurrentHashMap<Long, ReentrantLock> locks = new ConcurrentHashMap<>();
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("workspace-", 0).factory());
  private final CountDownLatch closing = new CountDownLatch(1);

  /**
   * @param gone told after a workspace's row, and what hung on it, was deleted
   */
  Provisioning(
      Database database,
      Doors doors,
      Clock clock,
      List<Step> steps,
      List<StepAction> teardown,
      Runnable gone) {
    this.database = database;
    this.doors = doors;
    this.leases = database.leases();
    this.clock = clock;
    this.steps = List.copyOf(steps);
    this.teardown = List.copyOf(teardown);
    this.gone = gone;
  }

  List<Step> steps() {
    return steps;
  }

  void recover() {
    database.<List<WorkspaceRecord>, RuntimeException>read(WorkspaceDao::list).stream()
        .filter(workspace -> TO_DO.contains(workspace.status()))
        .forEach(workspace -> wake(workspace.id()));
  }

  void wake(long id) {
    threads.execute(
        () -> {
          ReentrantLock lock = locks.computeIfAbsent(id, ignored -> new ReentrantLock());
          lock.lock();
          try {
            boolean again = true;
            while (again && !isClosing()) {
              again = attempt(id);
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          } finally {
            lock.unlock();
          }
        });
  }

  /** Whether there is, or may be, more to do. */
  private boolean attempt(long id) throws InterruptedException {
    try {
      if (!leases.take(lease(id))) {
        return false; // Another control plane is at it, and looks at the row as we would.
      }
      boolean stuck = work(id);
      leases.give(lease(id));
      // Asked for while we had the lease, and so refused elsewhere.
      return !stuck
          && database
              .<Optional<WorkspaceRecord>, RuntimeException>read(
                  handle -> WorkspaceDao.find(handle, id))
              .filter(workspace -> TO_DO.contains(workspace.status()))
              .isPresent();
    } catch (LeaseLost e) {
      LOG.info("workspace {} is another control plane's work now", id, e);
      return false;
    } catch (RuntimeException e) {
      if (!isClosing()) {
        LOG.error("work on workspace {} broke off; it goes on in {}", id, AGAIN, e);
      }
      return !closing.await(AGAIN.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private static String lease(long id) {
    return "workspace/" + id;
  }

  private boolean isClosing() {
    return closing.getCount() == 0;
  }

  private <T> T write(long id, HandleCallback<T, RuntimeException> work) {
    return doors.write(
        handle -> {
          leases.require(handle, lease(id));
          return work.withHandle(handle);
        });
  }

  /** Whether it cannot go on, though there is more to do. */
  private boolean work(long id) throws InterruptedException {
    while (!isClosing()) {
      Optional<WorkspaceRecord> workspace =
          database.<Optional<WorkspaceRecord>, RuntimeException>read(
              handle -> WorkspaceDao.find(handle, id));
      if (workspace.isEmpty()) {
        locks.remove(id);
        return false;
      }
      switch (workspace.get().status()) {
        case NOT_PROVISIONED -> start(id);
        case PROVISIONING -> nextStep(workspace.get());
        case CANCELLING -> {
          if (!takeApart(workspace.get())) {
            return true;
          }
        }
        default -> {
          return false;
        }
      }
    }
    return true;
  }

  private void start(long id) {
    write(
        id,
        handle ->
            WorkspaceDao.move(
                handle, id, PROVISIONING, "Provisioning has begun.", NOT_PROVISIONED));
  }

  /** Does the first step that has not ended. */
  private void nextStep(WorkspaceRecord workspace) throws InterruptedException {
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
      write(
          id,
          handle ->
              WorkspaceDao.move(
                  handle,
                  id,
                  RUNNING,
                  WorkspaceReferences.running(workspace.rest()),
                  PROVISIONING));
      return;
    }
    Step step = steps.get(position);
    int at = position;
    boolean begun =
        write(
            id,
            handle -> {
              WorkspaceDao.begin(handle, id, at, step, clock.millis());
              return WorkspaceDao.move(handle, id, PROVISIONING, step.message(), PROVISIONING);
            });
    if (!begun) {
      return;
    }
    try {
      step.action().run(workspace);
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      if (Unreachable.isCauseOf(e)) {
        throw new IllegalStateException("step " + step.name() + " has no end yet", e);
      }
      if (!isClosing()) {
        fail(workspace, step, e);
      }
      return;
    }
    write(
        id,
        handle ->
            WorkspaceDao.end(handle, id, step.name(), "DONE", step.message(), clock.millis()));
  }

  private void fail(WorkspaceRecord workspace, Step step, Exception e) {
    LOG.warn("workspace {} failed in step {}", workspace.id(), step.name(), e);
    String reason =
        e instanceof DatabricksError
            ? e.getMessage()
            : "step " + step.name() + " failed: " + e.getMessage();
    write(
        workspace.id(),
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
        if (Unreachable.isCauseOf(e)) {
          throw new IllegalStateException("taking it apart has no end yet", e);
        }
        if (!isClosing()) {
          LOG.error("workspace {} cannot be taken apart", workspace.id(), e);
          write(
              workspace.id(),
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
    write(workspace.id(), handle -> WorkspaceDao.delete(handle, workspace.id()));
    gone.run();
    return true;
  }

  /** Stops between two steps; what was begun goes on at the next start. */
  @Override
  public void close() {
    closing.countDown();
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
