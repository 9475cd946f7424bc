package dev.tarn.compute;

import com.databricks.sdk.service.compute.Policy;
import dev.tarn.database.Json;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.SqlStatement;

/** Rows of cluster policies. */
final class ClusterPolicyDao {
  private ClusterPolicyDao() {}

  static void insert(Handle handle, long workspaceId, Policy policy) {
    bind(
            handle.createUpdate(
                """
                INSERT INTO cluster_policy
                  (policy_id, workspace_id, policy_name, is_default, created_at, document)
                VALUES (:id, :workspace, :name, :default, :created, :document)
                """),
            workspaceId,
            policy)
        .bind("default", policy.getIsDefault())
        .bind("created", policy.getCreatedAtTimestamp())
        .execute();
  }

  static void update(Handle handle, long workspaceId, Policy policy) {
    bind(
            handle.createUpdate(
                """
                UPDATE cluster_policy SET policy_name = :name, document = :document
                WHERE workspace_id = :workspace AND policy_id = :id
                """),
            workspaceId,
            policy)
        .execute();
  }

  private static <T extends SqlStatement<T>> T bind(T statement, long workspaceId, Policy policy) {
    return statement
        .bind("id", policy.getPolicyId())
        .bind("workspace", workspaceId)
        .bind("name", policy.getName())
        .bind("document", Json.write(policy));
  }

  static void delete(Handle handle, long workspaceId, String id) {
    handle
        .createUpdate(
            "DELETE FROM cluster_policy WHERE workspace_id = :workspace AND policy_id = :id")
        .bind("workspace", workspaceId)
        .bind("id", id)
        .execute();
  }

  static Optional<Policy> find(Handle handle, long workspaceId, String id) {
    return handle
        .createQuery(
            """
            SELECT document FROM cluster_policy
            WHERE workspace_id = :workspace AND policy_id = :id
            """)
        .bind("workspace", workspaceId)
        .bind("id", id)
        .mapTo(String.class)
        .findOne()
        .map(ClusterPolicyDao::read);
  }

  /** By name, or else by the time of creation, from the least on. */
  static List<Policy> list(Handle handle, long workspaceId, boolean byName) {
    return handle
        .createQuery(
            """
            SELECT document FROM cluster_policy WHERE workspace_id = :workspace
            ORDER BY %s, policy_id
            """
                .formatted(byName ? "policy_name" : "created_at"))
        .bind("workspace", workspaceId)
        .mapTo(String.class)
        .map(ClusterPolicyDao::read)
        .list();
  }

  static boolean hasDefaults(Handle handle, long workspaceId) {
    return handle
        .createQuery(
            "SELECT count(*) FROM cluster_policy WHERE workspace_id = :workspace AND is_default")
        .bind("workspace", workspaceId)
        .mapTo(Long.class)
        .map(count -> count > 0)
        .one();
  }

  private static Policy read(String document) {
    return Json.read(document, Policy.class);
  }
}
