package dev.tarn.cloudformation;

import com.databricks.sdk.core.DatabricksError;
import dev.tarn.cloudformation.StackDao.ResourceRow;
import dev.tarn.cloudformation.StackDao.StackRow;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Brings one stack from where its rows say it is to where it can go no further.
 *
 * <p>Nothing is remembered here that is not in a row. A resource whose row says CREATE_IN_PROGRESS
 * is created (again, under the same request id) whether this process or a killed one began it; when
 * all resources are there the stack is complete, when one has failed and none is under way the
 * stack rolls back. Going back, resources are deleted in reverse, those that failed included.
 * Resources that do not depend on each other are made, changed and deleted side by side.
 *
 * <p>An update makes the resources of the new template out of those of the former ({@link
 * StackDao#beginUpdate} keeps how they were): in place, or as another one beside the former. The
 * cleanup deletes what is no longer of the stack. A rollback changes back what was changed in place
 * and takes up again what was replaced; then former and new change places, and the cleanup is the
 * same.
 */
final class StackRun {
  private static final Set<String> GONE =
      Set.of(StackDao.PENDING, "DELETE_COMPLETE", StackDao.SKIPPED);

  private final StackDao dao;
  private final StackSteps steps;
  private final Crew crew;
  private final String stackId;
  private final Template template;
  private final Scope scope;
  private final Other other;
  private final UnaryOperator<String> masked;
  private final Runnable gone;

  /**
   * The other side of an update: what the stack was; while it is rolled back, what it was to be.
   */
  record Other(String updateId, Template template, Scope scope) {}

  /** A resource to be deleted, and how to write what becomes of it. */
  private record Item(String key, ResourceRow row, StackView view, Consumer<ResourceRow> keep) {}

  /**
   * @param other null when no update is under way
   * @param masked removes the values of NoEcho parameters from a text
   * @param gone called when all resources are deleted, before that is said
   */
  StackRun(
      StackDao dao,
      StackSteps steps,
      Crew crew,
      String stackId,
      Template template,
      Scope scope,
      Other other,
      UnaryOperator<String> masked,
      Runnable gone) {
    this.dao = dao;
    this.steps = steps;
    this.crew = crew;
    this.stackId = stackId;
    this.template = template;
    this.scope = scope;
    this.other = other;
    this.masked = masked;
    this.gone = gone;
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
      case "UPDATE_IN_PROGRESS" -> update();
      case "UPDATE_ROLLBACK_IN_PROGRESS" -> rollBack();
      case "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" ->
          cleanUp(status);
      default -> {}
    }
  }

  private StackRow stack() {
    return dao.find(stackId).orElseThrow();
  }

  private void create() throws InterruptedException {
    Map<String, Set<String>> before = scope.dependencies();
    while (!crew.stopped()) {
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
        if ((begun || ready) && !crew.works(row.logicalId())) {
          crew.start(row.logicalId(), () -> steps.create(row, view(), null));
        }
      }
      if (!crew.idle()) {
        crew.await();
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
        complete("CREATE_IN_PROGRESS", "CREATE_COMPLETE", "ROLLBACK_IN_PROGRESS");
      }
      return;
    }
  }

  private void complete(String from, String to, String otherwise) {
    try {
      dao.transition(stackId, from, to, "", mask(view().outputs()));
    } catch (DatabricksError e) {
      dao.transition(stackId, from, otherwise, masked.apply(e.getMessage()), Map.of());
    }
  }

  private void update() throws InterruptedException {
    Map<String, Set<String>> before = scope.dependencies();
    String id = other.updateId();
    while (!crew.stopped()) {
      Map<String, ResourceRow> rows = rows();
      Map<String, ResourceRow> former = former();
      List<ResourceRow> failed = rows.values().stream().filter(row -> failed(row, id)).toList();
      for (String logicalId : scope.included()) {
        ResourceRow row = rows.get(logicalId);
        if (!done(row, id)
            && !failed(row, id)
            && !crew.works(logicalId)
            && (begun(row, id)
                || (failed.isEmpty()
                    && before.get(logicalId).stream().allMatch(b -> done(rows.get(b), id))))) {
          crew.start(
              logicalId,
              former.containsKey(logicalId)
                  ? () -> steps.update(row, view(), formerView(), id, false)
                  : () -> steps.create(row, view(), id));
        }
      }
      if (!crew.idle()) {
        crew.await();
        continue;
      }
      if (failed.isEmpty()) {
        complete(
            "UPDATE_IN_PROGRESS",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_IN_PROGRESS");
      } else {
        dao.transition(
            stackId,
            "UPDATE_IN_PROGRESS",
            "UPDATE_ROLLBACK_IN_PROGRESS",
            failedTo("create", failed) + failedTo("update", failed),
            Map.of());
      }
      return;
    }
  }

  private void rollBack() throws InterruptedException {
    Map<String, Set<String>> before = other.scope().dependencies();
    String id = other.updateId() + "-rollback";
    while (!crew.stopped()) {
      Map<String, ResourceRow> rows = rows();
      List<ResourceRow> failed = rows.values().stream().filter(row -> failed(row, id)).toList();
      boolean passed = false;
      for (ResourceRow former : former().values()) {
        String logicalId = former.logicalId();
        ResourceRow row = rows.get(logicalId);
        if (done(row, id) || failed(row, id) || crew.works(logicalId)) {
          continue;
        }
        boolean ready =
            failed.isEmpty() && before.get(logicalId).stream().allMatch(b -> done(rows.get(b), id));
        if (begun(row, id)) {
          crew.start(logicalId, () -> steps.update(row, formerView(), view(), id, true));
        } else if (ready
            && (former.status().equals(StackDao.CURRENT)
                || !former.physicalId().equals(row.physicalId()))) {
          // Never touched; or replaced, and the one before is still as it was.
          dao.visited(stackId, logicalId, id);
          passed = true;
        } else if (ready) {
          crew.start(logicalId, () -> steps.update(row, formerView(), view(), id, true));
        }
      }
      if (!crew.idle()) {
        crew.await();
      } else if (!passed) {
        if (failed.isEmpty()) {
          dao.exchange(stackId, id);
        } else {
          dao.transition(
              stackId,
              "UPDATE_ROLLBACK_IN_PROGRESS",
              "UPDATE_ROLLBACK_FAILED",
              failedTo("update", failed),
              Map.of());
        }
        return;
      }
    }
  }

  /** Deletes what is of the other side only; what cannot be deleted is left, and named. */
  private void cleanUp(String status) throws InterruptedException {
    Supplier<List<Item>> left =
        () -> {
          List<Item> items = replaced();
          rows()
              .values()
              .forEach(
                  row -> {
                    if (!scope.included().contains(row.logicalId())
                        && !GONE.contains(row.status())) {
                      items.add(new Item(row.logicalId(), row, formerView(), dao::resource));
                    }
                  });
          return items;
        };
    if (deleteAll(left)) {
      List<Item> still = left.get();
      dao.endUpdate(
          stackId,
          status,
          status.replace("_CLEANUP_IN_PROGRESS", ""),
          still.isEmpty()
              ? ""
              : "Update successful. One or more resources could not be deleted, and belong to no"
                  + " stack from now on: "
                  + still.stream()
                      .map(item -> item.row().logicalId() + " " + item.row().physicalId())
                      .toList(),
          scope.included());
    }
  }

  private void remove(String status) throws InterruptedException {
    Supplier<List<Item>> left =
        () -> {
          List<Item> items = replaced();
          rows()
              .values()
              .forEach(
                  row -> {
                    if (!GONE.contains(row.status())) {
                      items.add(
                          new Item(
                              row.logicalId(),
                              row,
                              scope.included().contains(row.logicalId()) ? view() : formerView(),
                              dao::resource));
                    }
                  });
          return items;
        };
    if (status.equals("DELETE_IN_PROGRESS") && keepsData()) {
      dao.transition(
          stackId,
          status,
          "DELETE_FAILED",
          "There is data in the stack's buckets; nothing has been deleted.",
          stack().outputs());
      return;
    }
    if (!deleteAll(left)) {
      return;
    }
    List<Item> still = left.get();
    if (still.isEmpty()) {
      gone.run();
    }
    Set<String> failed = new TreeSet<>();
    still.stream()
        .filter(item -> item.row().status().equals("DELETE_FAILED"))
        .forEach(item -> failed.add(item.row().logicalId()));
    dao.transition(
        stackId,
        status,
        status.replace("IN_PROGRESS", still.isEmpty() ? "COMPLETE" : "FAILED"),
        failed.isEmpty()
            ? stack().statusReason()
            : "The following resource(s) failed to delete: " + failed + ". ",
        Map.of());
  }

  /**
   * Whether there is something in the stack that people put there, which its row then says. Looked
   * at before anything is deleted: what a bucket keeps is of no use without its workspace.
   */
  private boolean keepsData() {
    boolean keeps = false;
    if (!stack().emptyBuckets()) {
      StackView view = view();
      for (ResourceRow row : view.rows().values()) {
        if (!GONE.contains(row.status())
            && row.physicalId() != null
            && scope.included().contains(row.logicalId())
            && !view.isAbandonedRoot(row.logicalId())) {
          Optional<String> held = steps.holds(row, view);
          keeps |= held.isPresent();
          held.ifPresent(
              reason -> dao.resource(row.moved("DELETE_FAILED", reason, row.physicalId(), null)));
        }
      }
    }
    return keeps;
  }

  /** What an update put another one in the place of. */
  private List<Item> replaced() {
    List<Item> items = new ArrayList<>();
    if (other != null) {
      Map<String, ResourceRow> rows = rows();
      former()
          .values()
          .forEach(
              row -> {
                ResourceRow now = rows.get(row.logicalId());
                if (!GONE.contains(row.status())
                    && row.physicalId() != null
                    && !row.physicalId().equals(now.physicalId())) {
                  items.add(new Item("former-" + row.logicalId(), row, formerView(), dao::former));
                }
              });
    }
    return items;
  }

  /**
   * Deletes in the reverse of how things depend on each other, until nothing can be done any more.
   *
   * @return false when the server stops
   */
  private boolean deleteAll(Supplier<List<Item>> left) throws InterruptedException {
    boolean emptied = stack().emptyBuckets();
    while (!crew.stopped()) {
      List<Item> items = left.get();
      for (Item item : items) {
        String logicalId = item.row().logicalId();
        boolean free = items.stream().noneMatch(user -> uses(user.row().logicalId(), logicalId));
        if (free && !item.row().status().equals("DELETE_FAILED") && !crew.works(item.key())) {
          boolean goes = emptied || item.view().isAbandonedRoot(logicalId);
          crew.start(item.key(), () -> steps.delete(item.row(), item.view(), goes, item.keep()));
        }
      }
      if (crew.idle()) {
        return true;
      }
      crew.await();
    }
    return false;
  }

  private boolean uses(String user, String what) {
    return scope.dependencies().getOrDefault(user, Set.of()).contains(what)
        || (other != null
            && other.scope().dependencies().getOrDefault(user, Set.of()).contains(what));
  }

  private StackView view() {
    return new StackView(template, scope, rows());
  }

  /** The other side: its resources as they were, and those that only it has as they are. */
  private StackView formerView() {
    Map<String, ResourceRow> rows = rows();
    rows.putAll(former());
    return new StackView(other.template(), other.scope(), rows);
  }

  private Map<String, ResourceRow> rows() {
    return byId(dao.resources(stackId));
  }

  private Map<String, ResourceRow> former() {
    return byId(dao.formerResources(stackId));
  }

  private static Map<String, ResourceRow> byId(List<ResourceRow> list) {
    Map<String, ResourceRow> rows = new LinkedHashMap<>();
    list.forEach(row -> rows.put(row.logicalId(), row));
    return rows;
  }

  private static boolean done(ResourceRow row, String updateId) {
    return updateId.equals(row.updateId()) && row.status().endsWith("_COMPLETE");
  }

  private static boolean failed(ResourceRow row, String updateId) {
    return updateId.equals(row.updateId()) && row.status().endsWith("_FAILED");
  }

  private static boolean begun(ResourceRow row, String updateId) {
    return updateId.equals(row.updateId()) && row.status().endsWith("_IN_PROGRESS");
  }

  private static String failedTo(String what, List<ResourceRow> failed) {
    List<String> ids =
        failed.stream()
            .filter(row -> row.status().equalsIgnoreCase(what + "_FAILED"))
            .map(ResourceRow::logicalId)
            .toList();
    return ids.isEmpty() ? "" : "The following resource(s) failed to " + what + ": " + ids + ". ";
  }

  private static List<String> having(Map<String, ResourceRow> rows, String status) {
    return rows.values().stream()
        .filter(row -> row.status().equals(status))
        .map(ResourceRow::logicalId)
        .toList();
  }

  private Map<String, String> mask(Map<String, String> texts) {
    Map<String, String> result = new LinkedHashMap<>();
    texts.forEach((name, text) -> result.put(name, masked.apply(text)));
    return result;
  }
}
