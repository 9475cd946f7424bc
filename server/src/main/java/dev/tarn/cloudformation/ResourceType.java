package dev.tarn.cloudformation;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How one type of AWS is carried out here. Both operations may be asked for again after the process
 * died in the middle, under the same request id, and then go on or find it done.
 */
interface ResourceType {
  /**
   * One resource of one stack at work.
   *
   * @param physicalId null before it has one
   * @param requestId the same when the work is repeated
   * @param properties with every function replaced by its value
   * @param replacement whether it takes the place of another one, which must not have its name
   * @param emptied of a bucket: whether what is in it goes with it, because it was the root of a
   *     workspace of this stack that is deleted, or because who deletes said so
   */
  record Work(
      String stackId,
      String stackName,
      String logicalId,
      String type,
      String physicalId,
      String requestId,
      Map<String, Object> properties,
      boolean replacement,
      boolean emptied) {

    String text(String name) {
      return properties.get(name) instanceof String text ? text : "";
    }
  }

  record Done(String physicalId, Map<String, String> attributes) {}

  /**
   * The properties that are carried out, or recorded; others are refused before anything is made.
   */
  Set<String> properties();

  /** Refuses, before anything is made, what the values of this resource ask for in vain. */
  default void check(String logicalId, Map<String, Object> rawProperties) {}

  /** Properties that cannot be changed: with another value it is another resource. */
  default Set<String> replacedBy() {
    return Set.of();
  }

  /** What people keep in it, in words that say what to do; a stack with such is not deleted. */
  default Optional<String> holds(Work work) {
    return Optional.empty();
  }

  /**
   * The properties as they really are, as far as they can be looked at here; empty when it is gone.
   * {@code null} when this type of resource is not looked at.
   */
  default Optional<Map<String, Object>> actual(Work work) {
    return null;
  }

  Done create(Work work) throws Failed;

  /**
   * Gives what is there other properties. With another physical id in its answer it is another
   * resource, and the former is deleted when the update is done.
   */
  Done update(Work work, Map<String, Object> oldProperties) throws Failed;

  /** Before others change that use it: renews what this build gives to what does not change. */
  default void refresh(Work work) throws Failed {}

  void delete(Work work) throws Failed;

  /** Why a resource could not be made or deleted, in words for people. */
  final class Failed extends Exception {
    private final String physicalId;

    Failed(String reason) {
      this(reason, null);
    }

    /**
     * @param physicalId of what there is all the same, to be deleted by the rollback; or null
     */
    Failed(String reason, String physicalId) {
      super(reason);
      this.physicalId = physicalId;
    }

    String physicalId() {
      return physicalId;
    }
  }
}
