package dev.tarn.cloudformation;

import dev.tarn.cloudformation.ResourceType.Done;
import dev.tarn.cloudformation.ResourceType.Failed;
import dev.tarn.cloudformation.ResourceType.Work;
import dev.tarn.cloudformation.StackDao.ResourceRow;
import dev.tarn.cloudformation.StackDao.StackRow;
import dev.tarn.database.LeaseLost;
import dev.tarn.database.Unreachable;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One step with one resource: the row says that it is begun before anything is done, and how it
 * ended afterwards. A step that was begun and has no end is done again under the same request id.
 */
final class StackSteps {
  private static final Logger LOG = LoggerFactory.getLogger(StackSteps.class);

  private final StackDao dao;
  private final Map<String, ResourceType> types;
  private final StackRow stack;
  private final UnaryOperator<String> masked;
  private final BooleanSupplier stopping;

  /**
   * @param masked removes the values of NoEcho parameters from a text
   * @param stopping whether the server stops: then what fails has failed because of that, so the
   *     row stays as it is for whoever starts next
   */
  StackSteps(
      StackDao dao,
      Map<String, ResourceType> types,
      StackRow stack,
      UnaryOperator<String> masked,
      BooleanSupplier stopping) {
    this.dao = dao;
    this.types = types;
    this.stack = stack;
    this.masked = masked;
    this.stopping = stopping;
  }

  /**
   * @param updateId the update this is a part of, or null
   */
  void create(ResourceRow found, StackView view, String updateId) {
    ResourceRow row = found;
    if (row.status().equals(StackDao.PENDING)) {
      row = row.moved("CREATE_IN_PROGRESS", "", row.physicalId(), newRequest()).partOf(updateId);
      dao.resource(row);
    }
    try {
      Done done = type(row).create(work(row, view.properties(row.logicalId()), false, false));
      dao.resource(
          row.moved("CREATE_COMPLETE", "", done.physicalId(), null).having(done.attributes()));
    } catch (Failed e) {
      failed(row, "CREATE_FAILED", e, e.physicalId(), dao::resource);
    } catch (RuntimeException e) {
      failed(row, "CREATE_FAILED", e, row.physicalId(), dao::resource);
    }
  }

  /**
   * Makes a resource what {@code view} says, if that is another thing than {@code former} says.
   *
   * @param back whether this takes an update back: then what would be replaced by another one was
   *     not, and is as it was
   */
  void update(ResourceRow found, StackView view, StackView former, String updateId, boolean back) {
    ResourceRow row = found.partOf(updateId);
    try {
      Map<String, Object> wanted = view.properties(row.logicalId());
      Map<String, Object> was = former.properties(row.logicalId());
      boolean replaced =
          type(row).replacedBy().stream()
              .anyMatch(name -> !Objects.equals(wanted.get(name), was.get(name)));
      boolean begun =
          found.status().equals("UPDATE_IN_PROGRESS") && updateId.equals(found.updateId());
      if (!begun && wanted.equals(was)) {
        type(row).refresh(work(row, wanted, false, false));
        dao.visited(row.stackId(), row.logicalId(), updateId);
        return;
      }
      if (!begun) {
        row =
            row.moved(
                "UPDATE_IN_PROGRESS",
                replaced && !back
                    ? "Requested update requires the creation of a new physical resource; hence"
                        + " creating one."
                    : "",
                row.physicalId(),
                newRequest());
        dao.resource(row);
      }
      Done done;
      if (replaced && back) {
        done = new Done(row.physicalId(), row.attributes());
      } else if (replaced) {
        done = type(row).create(work(row, wanted, true, false));
      } else {
        done = type(row).update(work(row, wanted, false, false), was);
        if (!done.physicalId().equals(row.physicalId())) {
          dao.event(
              row.moved(
                  "UPDATE_IN_PROGRESS",
                  "Requested update required the provider to create a new physical resource.",
                  done.physicalId(),
                  null));
        }
      }
      dao.resource(
          row.moved("UPDATE_COMPLETE", "", done.physicalId(), null).having(done.attributes()));
    } catch (Failed e) {
      failed(
          row,
          "UPDATE_FAILED",
          e,
          e.physicalId() == null ? row.physicalId() : e.physicalId(),
          dao::resource);
    } catch (RuntimeException e) {
      failed(row, "UPDATE_FAILED", e, row.physicalId(), dao::resource);
    }
  }

  /**
   * @param keep writes what becomes of the row
   * @param emptied of a bucket: whether what is in it goes with it
   */
  void delete(ResourceRow found, StackView view, boolean emptied, Consumer<ResourceRow> keep) {
    ResourceRow row = found;
    if (!row.status().equals("DELETE_IN_PROGRESS") || row.requestId() == null) {
      row = row.moved("DELETE_IN_PROGRESS", "", row.physicalId(), newRequest());
      keep.accept(row);
    }
    try {
      // Without a physical id nothing of it was made.
      if (row.physicalId() != null) {
        type(row).delete(work(row, view.properties(row.logicalId()), false, emptied));
      }
      keep.accept(row.moved("DELETE_COMPLETE", "", row.physicalId(), null));
    } catch (Failed | RuntimeException e) {
      failed(row, "DELETE_FAILED", e, row.physicalId(), keep);
    }
  }

  /** What people keep in it; see {@link ResourceType#holds}. */
  Optional<String> holds(ResourceRow row, StackView view) {
    return type(row).holds(work(row, view.properties(row.logicalId()), false, false));
  }

  /** The properties as they really are; see {@link ResourceType#actual}. */
  Optional<Map<String, Object>> actual(ResourceRow row, Map<String, Object> properties) {
    return type(row).actual(work(row, properties, false, false));
  }

  private void failed(
      ResourceRow row, String status, Exception e, String physicalId, Consumer<ResourceRow> keep) {
    if (stopping.getAsBoolean()) {
      return;
    }
    if (e instanceof LeaseLost || Unreachable.isCauseOf(e)) {
      throw new IllegalStateException(row.logicalId() + " has no end yet", e);
    }
    if (!(e instanceof Failed)) {
      LOG.warn("{} of {} is {}", row.logicalId(), row.stackId(), status, e);
    }
    keep.accept(row.moved(status, masked.apply(String.valueOf(e.getMessage())), physicalId, null));
  }

  private ResourceType type(ResourceRow row) {
    return types.get(row.type());
  }

  private Work work(
      ResourceRow row, Map<String, Object> properties, boolean replacement, boolean emptied) {
    return new Work(
        row.stackId(),
        stack.stackName(),
        row.logicalId(),
        row.type(),
        row.physicalId(),
        row.requestId(),
        properties,
        replacement,
        emptied);
  }

  private static String newRequest() {
    return UUID.randomUUID().toString();
  }
}
