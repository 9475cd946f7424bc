package dev.tarn.account;

import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.service.provisioning.KeyUseCase;
import com.databricks.sdk.service.provisioning.Workspace;
import dev.tarn.database.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/**
 * What a workspace refers to beside its credentials and storage: network, private access settings
 * and keys. The ids are in its document; the row here makes them "in use", and a network used once.
 */
final class WorkspaceReferences {
  private WorkspaceReferences() {}

  /**
   * Refers to what the document names, and to nothing else.
   *
   * @throws ResourceConflict another workspace has the network
   */
  static void write(Handle handle, long workspaceId, Workspace document) {
    String region = document.getAwsRegion();
    String network = document.getNetworkId();
    if (network != null) {
      requireNetwork(handle, network, region);
      otherUser(handle, workspaceId, network)
          .ifPresent(
              other -> {
                throw inUse(network, other);
              });
    }
    requirePrivateAccess(handle, document.getPrivateAccessSettingsId(), region);
    requireKey(
        handle,
        "managed_services_customer_managed_key_id",
        document.getManagedServicesCustomerManagedKeyId(),
        KeyUseCase.MANAGED_SERVICES,
        region);
    requireKey(
        handle,
        "storage_customer_managed_key_id",
        document.getStorageCustomerManagedKeyId(),
        KeyUseCase.STORAGE,
        region);
    handle
        .createUpdate(
            """
            INSERT INTO workspace_reference (workspace_id, network_id, private_access_settings_id,
              managed_services_key_id, storage_key_id)
            VALUES (:id, :network, :access, :servicesKey, :storageKey)
            ON CONFLICT (workspace_id) DO UPDATE SET network_id = :network,
              private_access_settings_id = :access, managed_services_key_id = :servicesKey,
              storage_key_id = :storageKey
            """)
        .bind("id", workspaceId)
        .bind("network", network)
        .bind("access", document.getPrivateAccessSettingsId())
        .bind("servicesKey", document.getManagedServicesCustomerManagedKeyId())
        .bind("storageKey", document.getStorageCustomerManagedKeyId())
        .execute();
  }

  /** The other workspace that has a network. */
  static Optional<Long> otherUser(Handle handle, long workspaceId, String network) {
    return handle
        .createQuery(
            """
            SELECT workspace_id FROM workspace_reference
            WHERE network_id = :network AND workspace_id <> :id
            """)
        .bind("network", network)
        .bind("id", workspaceId)
        .mapTo(Long.class)
        .findOne();
  }

  static ResourceConflict inUse(String network, long workspace) {
    return new ResourceConflict(
        "network_id: '"
            + network
            + "' is used by workspace "
            + workspace
            + " (expected: a network that no other workspace uses)",
        null);
  }

  /** A network has no region of its own; its endpoints have. */
  private static void requireNetwork(Handle handle, String network, String region) {
    List<String> regions =
        handle
            .createQuery(
                """
                SELECT coalesce(e.region, :region) FROM network n
                LEFT JOIN vpc_endpoint e
                  ON e.vpc_endpoint_id IN (n.rest_endpoint_id, n.relay_endpoint_id)
                WHERE n.network_id = :network
                """)
            .bind("network", network)
            .bind("region", region)
            .mapTo(String.class)
            .list();
    if (regions.isEmpty()) {
      throw Checks.invalid("network_id", network, "the id of a network of this account");
    }
    requireRegion("network_id", network, regions, region);
  }

  private static void requirePrivateAccess(Handle handle, String settings, String region) {
    if (settings == null) {
      return;
    }
    List<String> regions =
        handle
            .createQuery(
                """
                SELECT region FROM private_access_settings
                WHERE private_access_settings_id = :settings
                """)
            .bind("settings", settings)
            .mapTo(String.class)
            .list();
    if (regions.isEmpty()) {
      throw Checks.invalid(
          "private_access_settings_id",
          settings,
          "the id of private access settings of this account");
    }
    requireRegion("private_access_settings_id", settings, regions, region);
  }

  private static void requireKey(
      Handle handle, String field, String key, KeyUseCase useCase, String region) {
    if (key == null) {
      return;
    }
    Optional<EncryptionKeys.Row> row =
        handle
            .createQuery("SELECT * FROM customer_managed_key WHERE customer_managed_key_id = :key")
            .bind("key", key)
            .map((columns, context) -> EncryptionKeys.Row.of(columns))
            .findOne();
    if (row.isEmpty() || !row.get().asked().getUseCases().contains(useCase)) {
      throw Checks.invalid(
          field, key, "the id of a customer-managed key of this account for " + useCase);
    }
    requireRegion(field, key, List.of(row.get().asked().getAwsKeyInfo().getKeyRegion()), region);
  }

  private static void requireRegion(
      String field, String id, List<String> regions, String expected) {
    for (String region : regions) {
      if (!region.equals(expected)) {
        throw Checks.invalid(
            field, id + " of " + region, "one of " + expected + ", the workspace's region");
      }
    }
  }

  /** What {@code workspace_status_message} says of a workspace that runs. */
  static String running(Workspace document) {
    List<String> recorded = new ArrayList<>();
    if (document.getNetworkId() != null) {
      recorded.add("network");
    }
    if (document.getPrivateAccessSettingsId() != null) {
      recorded.add("private access settings");
    }
    if (document.getManagedServicesCustomerManagedKeyId() != null
        || document.getStorageCustomerManagedKeyId() != null) {
      recorded.add("customer-managed keys");
    }
    return "Workspace is running."
        + (recorded.isEmpty()
            ? ""
            : " Recorded, not enforced by this installation: " + String.join(", ", recorded) + ".");
  }

  static Workspace copy(Workspace document) {
    return Json.read(Json.write(document), Workspace.class);
  }
}
