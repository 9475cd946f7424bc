package dev.tarn.cloudformation;

import com.databricks.sdk.core.DatabricksError;
import dev.tarn.cloudformation.ResourceType.Done;
import dev.tarn.cloudformation.ResourceType.Failed;
import dev.tarn.cloudformation.ResourceType.Work;
import dev.tarn.cloudformation.StackDao.ResourceRow;
import dev.tarn.cloudformation.StackDao.StackRow;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings one stack from where its rows say it is to where it can go no further.
 *
 * <p>Nothing is remembered here that is not in a row. A resource whose row says CREATE_IN_PROGRESS
 * is created (again, under the same request id) whether this process or a killed one began it; when
 * all resources are there the stack is complete, when one has failed and none is under way the
 * stack rolls back. Going back, resources are deleted in reverse, those that failed included.
 * Resources that do not depend on each other are made, and deleted, side by side.
 */
final class StackRun {
  private static final Logger LOG = LoggerFactory.getLogger(StackRun.class);
  private static final Set<String> GONE = Set.of(StackDao.PENDING, "DELETE_COMPLETE");

  private final StackDao dao;
  private final Map<String, ResourceType> types;
  private final String stackId;
  private final Scope scope;
  private final Template template;
  private final UnaryOperator<String> masked;
  private final Runnable gone;
  private final BooleanSupplier stopping;

  /** Why a step ended without writing how; there is no going on without the database. */
  private final AtomicReference<Throwable> broken = new AtomicReference<>();

  /** Resources that this process works on now. */
  private final Map<String, Thread> working = new HashMap<>();

  private final BlockingQueue<String> finished = new LinkedBlockingQueue<>();

  /**
   * @param masked removes the values of NoEcho parameters from a text
   * @param gone called when all resources are deleted, before that is said
   * @param stopping whether the server stops: then nothing is begun, and what fails now has failed
   *     because of that, so the row stays as it is for whoever starts next
   */
  StackRun(
      StackDao dao,
      Map<String, ResourceType> types,
      String stackId,
      Template template,
      Scope scope,
      UnaryOperator<String> masked,
      Runnable gone,
      BooleanSupplier stopping) {
    this.gone = gone;
    this.stopping = stopping;
    this.dao = dao;
    this.types = types;
    this.stackId = stackId;
    this.template = template;
    this.scope = scope;
    this.masked = masked;
  }

  /**
   * Returns when what the stack is at now is done or over; then it may be at something else.
   *
   * @throws IllegalStateException a step could not say how it ended; to be run again
   */
  void run() throws InterruptedException {
    String status = stack().status();
    switch (status) {
      case "CREATE_IN_PROGRESS" -> create();
      case "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS" -> remove(status);
      default -> {}
    }
  }

  private StackRow stack() {
    return dao.find(stackId).orElseThrow();
  }

  private void create() throws InterruptedException {
    Map<String, Set<String>> before = scope.dependencies();
    while (!stopped()) {
      Map<String, ResourceRow> rows = rows();
      List<String> failed = having(rows, "CREATE_FAILED");
      boolean goingOn = failed.isEmpty() && stack().status().equals("CREATE_IN_PROGRESS");
      for (ResourceRow row : rows.values()) {
        boolean begun = row.status().equals("CREATE_IN_PROGRESS");
        boolean ready =
            row.status().equals(StackDao.PENDING)
                && goingOn
                && before.get(row.logicalId()).stream()
                    .allMatch(id -> rows.get(id).status().equals("CREATE_COMPLETE"));
        if ((begun || ready) && !working.containsKey(row.logicalId())) {
          start(row.logicalId(), () -> createOne(row));
        }
      }
      if (!working.isEmpty()) {
        await();
        continue;
      }
      if (!failed.isEmpty()) {
        dao.transition(
            stackId,
            "CREATE_IN_PROGRESS",
            "ROLLBACK_IN_PROGRESS",
            "The following resource(s) failed to create: " + failed + ". Rollback requested.",
            Map.of());
      } else if (goingOn) {
        complete();
      }
      return;
    }
  }

  private void complete() {
    try {
      dao.transition(
          stackId,
          "CREATE_IN_PROGRESS",
          "CREATE_COMPLETE",
          "",
          mask(scope.outputs(id -> physical(rows().get(id)))));
    } catch (DatabricksError e) {
      dao.transition(
          stackId,
          "CREATE_IN_PROGRESS",
          "ROLLBACK_IN_PROGRESS",
          masked.apply(e.getMessage()),
          Map.of());
    }
  }

  private void remove(String status) throws InterruptedException {
    Map<String, Set<String>> before = scope.dependencies();
    while (!stopped()) {
      Map<String, ResourceRow> rows = rows();
      List<ResourceRow> left =
          rows.values().stream().filter(row -> !GONE.contains(row.status())).toList();
      for (ResourceRow row : left) {
        boolean free =
            left.stream()
                .noneMatch(other -> before.get(other.logicalId()).contains(row.logicalId()));
        if (free
            && !row.status().equals("DELETE_FAILED")
            && !working.containsKey(row.logicalId())) {
          start(row.logicalId(), () -> deleteOne(row, rows));
        }
      }
      if (!working.isEmpty()) {
        await();
        continue;
      }
      String end = status.replace("IN_PROGRESS", left.isEmpty() ? "COMPLETE" : "FAILED");
      List<String> failed = having(rows, "DELETE_FAILED");
      if (left.isEmpty()) {
        gone.run();
      }
      dao.transition(
          stackId,
          status,
          end,
          failed.isEmpty()
              ? stack().statusReason()
              : "The following resource(s) failed to delete: " + failed,
          Map.of());
      return;
    }
  }

  /** Whether the server stops; if so, nothing is under way any more. */
  private boolean stopped() throws InterruptedException {
    if (!stopping.getAsBoolean()) {
      return false;
    }
    awaitAll();
    return true;
  }

  private void await() throws InterruptedException {
    working.remove(finished.take()).join();
    if (broken.get() != null) {
      awaitAll();
      throw new IllegalStateException("a step of " + stackId + " broke off", broken.get());
    }
  }

  private void awaitAll() throws InterruptedException {
    while (!working.isEmpty()) {
      working.remove(finished.take()).join();
    }
  }

  private void start(String logicalId, Runnable step) {
    working.put(
        logicalId,
        Thread.ofVirtual()
            .name("stack-" + logicalId)
            .start(
                () -> {
                  try {
                    step.run();
                  } catch (RuntimeException e) {
                    broken.set(e);
                  } finally {
                    finished.add(logicalId);
                  }
                }));
  }

  private void createOne(ResourceRow found) {
    ResourceRow row = found;
    if (row.status().equals(StackDao.PENDING)) {
      row = moved(row, "CREATE_IN_PROGRESS", "", row.physicalId(), UUID.randomUUID().toString());
      dao.resource(row);
    }
    try {
      Done done = types.get(row.type()).create(work(row, rows()));
      dao.resource(
          new ResourceRow(
              stackId,
              row.logicalId(),
              row.type(),
              "CREATE_COMPLETE",
              "",
              done.physicalId(),
              done.attributes(),
              null,
              0));
    } catch (Failed e) {
      failed(row, "CREATE_FAILED", e, e.physicalId());
    } catch (RuntimeException e) {
      failed(row, "CREATE_FAILED", e, row.physicalId());
    }
  }

  private void deleteOne(ResourceRow found, Map<String, ResourceRow> rows) {
    ResourceRow row = found;
    if (!row.status().equals("DELETE_IN_PROGRESS") || row.requestId() == null) {
      row = moved(row, "DELETE_IN_PROGRESS", "", row.physicalId(), UUID.randomUUID().toString());
      dao.resource(row);
    }
    try {
      // Without a physical id nothing of it was made.
      if (row.physicalId() != null) {
        types.get(row.type()).delete(work(row, rows));
      }
      dao.resource(moved(row, "DELETE_COMPLETE", "", row.physicalId(), null));
    } catch (Failed | RuntimeException e) {
      failed(row, "DELETE_FAILED", e, row.physicalId());
    }
  }

  private void failed(ResourceRow row, String status, Exception e, String physicalId) {
    if (stopping.getAsBoolean()) {
      return;
    }
    if (!(e instanceof Failed)) {
      LOG.warn("{} of {} is {}", row.logicalId(), stackId, status, e);
    }
    dao.resource(moved(row, status, String.valueOf(e.getMessage()), physicalId, null));
  }

  private Work work(ResourceRow row, Map<String, ResourceRow> rows) {
    Map<String, Object> properties =
        new LinkedHashMap<>(scope.properties(row.logicalId(), id -> physical(rows.get(id))));
    List<String> staged = stagedKeys(row.logicalId(), rows);
    if (!staged.isEmpty()) {
      properties.put(S3Buckets.STAGED_KEYS, staged);
    }
    return new Work(
        stackId,
        stack().stackName(),
        row.logicalId(),
        row.type(),
        row.physicalId(),
        row.requestId(),
        properties,
        isAbandonedRoot(row.logicalId(), rows));
  }

  /** The keys under which the functions of the template look for their code in this bucket. */
  private List<String> stagedKeys(String bucket, Map<String, ResourceRow> rows) {
    List<String> keys = new ArrayList<>();
    for (String id : scope.included()) {
      Template.Resource resource = template.resources().get(id);
      if (resource.type().equals("AWS::Lambda::Function")
          && Template.map(resource.properties(), id).get("Code") instanceof Map<?, ?> code
          && Template.references(code.get("S3Bucket")).contains(bucket)) {
        keys.add((String) scope.value(code.get("S3Key"), other -> physical(rows.get(other))));
      }
    }
    return keys;
  }

  /**
   * Whether a workspace that was made by this stack, from what was made of this bucket, is deleted:
   * then what is in the bucket was that workspace's.
   */
  private boolean isAbandonedRoot(String bucket, Map<String, ResourceRow> rows) {
    return rows.values().stream()
        .filter(row -> row.type().equals("Custom::CreateWorkspace"))
        .filter(row -> row.status().equals("DELETE_COMPLETE") && row.physicalId() != null)
        .anyMatch(row -> row.physicalId().matches("\\d+") && needs(row.logicalId(), bucket));
  }

  private boolean needs(String logicalId, String what) {
    Set<String> seen = new HashSet<>();
    List<String> open = new ArrayList<>(List.of(logicalId));
    while (!open.isEmpty()) {
      for (String next : scope.dependencies().get(open.removeLast())) {
        if (next.equals(what)) {
          return true;
        }
        if (seen.add(next)) {
          open.add(next);
        }
      }
    }
    return false;
  }

  private Map<String, ResourceRow> rows() {
    Map<String, ResourceRow> rows = new LinkedHashMap<>();
    dao.resources(stackId).forEach(row -> rows.put(row.logicalId(), row));
    return rows;
  }

  private static List<String> having(Map<String, ResourceRow> rows, String status) {
    return rows.values().stream()
        .filter(row -> row.status().equals(status))
        .map(ResourceRow::logicalId)
        .toList();
  }

  private ResourceRow moved(
      ResourceRow row, String status, String reason, String physicalId, String requestId) {
    return new ResourceRow(
        row.stackId(),
        row.logicalId(),
        row.type(),
        status,
        masked.apply(reason),
        physicalId,
        row.attributes(),
        requestId,
        0);
  }

  private Map<String, String> mask(Map<String, String> texts) {
    Map<String, String> result = new LinkedHashMap<>();
    texts.forEach((name, text) -> result.put(name, masked.apply(text)));
    return result;
  }

  private static Scope.Physical physical(ResourceRow row) {
    return row.physicalId() == null ? null : new Scope.Physical(row.physicalId(), row.attributes());
  }
}
