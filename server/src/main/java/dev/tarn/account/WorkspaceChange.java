package dev.tarn.account;

import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.service.provisioning.Workspace;
import com.databricks.sdk.service.provisioning.WorkspaceStatus;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * What a PATCH asks of a workspace. Clients send whole objects back, so a field that may not change
 * is refused only when it would; one that may be changed cannot be taken away from a workspace that
 * runs.
 *
 * @param fields what counts: {@code update_mask}, else all that the body has
 */
record WorkspaceChange(Workspace asked, Set<String> fields) {
  /** An id that a workspace refers to, by the name of its field. */
  private record Reference(Function<Workspace, String> get, BiConsumer<Workspace, String> set) {}

  private static final Map<String, Reference> REFERENCES =
      Map.of(
          "network_id",
          new Reference(Workspace::getNetworkId, Workspace::setNetworkId),
          "private_access_settings_id",
          new Reference(
              Workspace::getPrivateAccessSettingsId, Workspace::setPrivateAccessSettingsId),
          "managed_services_customer_managed_key_id",
          new Reference(
              Workspace::getManagedServicesCustomerManagedKeyId,
              Workspace::setManagedServicesCustomerManagedKeyId),
          "storage_customer_managed_key_id",
          new Reference(
              Workspace::getStorageCustomerManagedKeyId,
              Workspace::setStorageCustomerManagedKeyId));

  /** Everything that a PATCH may change; storage only of a workspace that FAILED. */
  private static final Set<String> CHANGEABLE =
      union(REFERENCES.keySet(), "credentials_id", "custom_tags", "storage_configuration_id");

  static WorkspaceChange of(Workspace given, String mask) {
    Workspace asked = given == null ? new Workspace() : given;
    Set<String> fields = new TreeSet<>();
    if (mask != null && !mask.isBlank()) {
      fields.addAll(Arrays.asList(mask.trim().split("\\s*,\\s*")));
    } else {
      Json.MAPPER.<ObjectNode>valueToTree(asked).fieldNames().forEachRemaining(fields::add);
    }
    return new WorkspaceChange(asked, fields);
  }

  /**
   * The workspace as it is to be.
   *
   * @param shown how the API shows it now
   */
  WorkspaceRecord apply(WorkspaceRecord before, ObjectNode shown) {
    boolean failed = before.status() == WorkspaceStatus.FAILED;
    if (!failed && before.status() != WorkspaceStatus.RUNNING) {
      throw new InvalidState(
          "workspace "
              + before.id()
              + " is "
              + before.status()
              + " (expected: RUNNING or FAILED, to be updated)",
          null);
    }
    requireSame(shown);
    Workspace document = WorkspaceReferences.copy(before.rest());
    boolean again = failed;
    for (Map.Entry<String, Reference> entry : REFERENCES.entrySet()) {
      String old = entry.getValue().get().apply(document);
      if (fields.contains(entry.getKey())) {
        String id = Optional.ofNullable(entry.getValue().get().apply(asked)).orElse("");
        if (id.isEmpty() && old != null && !failed) {
          throw new InvalidState(
              entry.getKey()
                  + " of workspace "
                  + before.id()
                  + " cannot be taken away while it is RUNNING (expected: '"
                  + old
                  + "', or the id of another one)",
              null);
        }
        entry.getValue().set().accept(document, id.isEmpty() ? null : id);
        again |= !Objects.equals(old, id.isEmpty() ? null : id);
      }
    }
    String credentials =
        fields.contains("credentials_id") ? asked.getCredentialsId() : before.credentialsId();
    String storage =
        fields.contains("storage_configuration_id")
            ? asked.getStorageConfigurationId()
            : before.storageConfigurationId();
    if (!failed && !before.storageConfigurationId().equals(storage)) {
      throw new InvalidState(
          "the storage of workspace "
              + before.id()
              + " cannot be changed while it is RUNNING: its files are there",
          null);
    }
    again |= !before.credentialsId().equals(credentials);
    if (fields.contains("custom_tags")) {
      document.setCustomTags(asked.getCustomTags());
    }
    return new WorkspaceRecord(
        before.id(),
        before.name(),
        before.deploymentName(),
        again ? WorkspaceStatus.PROVISIONING : before.status(),
        again ? "Provisioning has begun again." : before.statusMessage(),
        credentials,
        storage,
        null,
        null,
        null,
        before.createdBy(),
        before.stackId(),
        before.createdAt(),
        document);
  }

  private void requireSame(ObjectNode shown) {
    JsonNode given = Json.MAPPER.valueToTree(asked);
    for (String field : fields) {
      if (!CHANGEABLE.contains(field)) {
        JsonNode now = shown.get(field);
        JsonNode then = given.get(field);
        if (!Objects.equals(now, then)) {
          throw Checks.invalid(
              field,
              then == null ? null : text(then),
              (now == null ? "nothing" : "'" + text(now) + "'")
                  + ", for it cannot be changed; these can: "
                  + String.join(", ", new TreeSet<>(CHANGEABLE)));
        }
      }
    }
  }

  private static String text(JsonNode value) {
    return value.isValueNode() ? value.asText() : value.toString();
  }

  private static Set<String> union(Set<String> some, String... more) {
    Set<String> all = new TreeSet<>(some);
    all.addAll(Arrays.asList(more));
    return Set.copyOf(all);
  }
}
