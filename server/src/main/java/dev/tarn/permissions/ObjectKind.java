package dev.tarn.permissions;

import static com.databricks.sdk.service.iam.PermissionLevel.CAN_ATTACH_TO;
import static com.databricks.sdk.service.iam.PermissionLevel.CAN_MANAGE;
import static com.databricks.sdk.service.iam.PermissionLevel.CAN_MONITOR;
import static com.databricks.sdk.service.iam.PermissionLevel.CAN_RESTART;
import static com.databricks.sdk.service.iam.PermissionLevel.CAN_USE;
import static com.databricks.sdk.service.iam.PermissionLevel.CAN_VIEW;
import static com.databricks.sdk.service.iam.PermissionLevel.IS_OWNER;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.iam.PermissionLevel;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What has permissions of its own, and which; each level includes those before it, but for one. */
public enum ObjectKind {
  CLUSTER(
      "clusters",
      "cluster",
      levels(
          CAN_ATTACH_TO, "Can attach to the cluster",
          CAN_RESTART, "Can attach to, start, restart and terminate the cluster",
          CAN_MANAGE, "Can manage the cluster")),

  CLUSTER_POLICY("cluster-policies", "cluster-policy", levels(CAN_USE, "Can use the policy")),

  WAREHOUSE(
      "sql/warehouses",
      "warehouses",
      levels(
          CAN_VIEW, "Can see the warehouse and what runs on it",
          CAN_USE, "Can run statements on the warehouse",
          CAN_MONITOR, "Can run statements, and see those of others",
          CAN_MANAGE, "Can manage the warehouse",
          IS_OWNER, "Is the owner of the warehouse"));

  private final String path;
  private final String type;

  @SuppressWarnings("ImmutableEnumChecker") // Nobody is handed it who could change it.
  private final Map<PermissionLevel, String> levels;

  ObjectKind(String path, String type, Map<PermissionLevel, String> levels) {
    this.path = path;
    this.type = type;
    this.levels = Collections.unmodifiableMap(levels);
  }

  private static Map<PermissionLevel, String> levels(Object... pairs) {
    Map<PermissionLevel, String> levels = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      levels.put((PermissionLevel) pairs[i], (String) pairs[i + 1]);
    }
    return levels;
  }

  /** As paths of requests and ids of objects spell it. */
  String path() {
    return path;
  }

  /** As answers spell it. */
  String type() {
    return type;
  }

  /** In ascending order, each with what it is for. */
  Map<PermissionLevel, String> levels() {
    return levels;
  }

  /** The last of {@link #path}, by which the SDK's own operations call it. */
  String segment() {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  static Optional<ObjectKind> of(String segment) {
    return Arrays.stream(values()).filter(kind -> kind.segment().equals(segment)).findFirst();
  }

  /** Whether who has one level may do what another one allows. */
  boolean includes(PermissionLevel held, PermissionLevel needed) {
    if (held == CAN_USE && needed == CAN_VIEW) {
      return false; // Who runs statements on a warehouse does not see those of others.
    }
    return rank(held) >= rank(needed);
  }

  int rank(PermissionLevel level) {
    return List.copyOf(levels.keySet()).indexOf(level);
  }

  /** What whoever makes an object has of it; null where that is the administrators' alone. */
  PermissionLevel ofCreator() {
    PermissionLevel most = List.copyOf(levels.keySet()).getLast();
    return managed() ? most : null;
  }

  /** Whether others than administrators can be given its management. */
  boolean managed() {
    return levels.containsKey(CAN_MANAGE);
  }

  /** What administrators have of every object. */
  PermissionLevel ofAdmins() {
    return managed() ? CAN_MANAGE : List.copyOf(levels.keySet()).getLast();
  }

  /**
   * @throws InvalidParameterValue objects of this kind have no such level
   */
  void requireLevel(PermissionLevel level) {
    if (level == null || !levels.containsKey(level)) {
      throw new InvalidParameterValue(
          "permission_level: '"
              + (level == null ? "" : level)
              + "' (expected: one of "
              + levels.keySet()
              + " for "
              + type
              + ")",
          null);
    }
  }
}
