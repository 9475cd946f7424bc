package dev.tarn.account;

import com.databricks.sdk.service.provisioning.Workspace;
import com.databricks.sdk.service.provisioning.WorkspaceStatus;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Json;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;

/**
 * A workspace as it is known inside the server: the SDK's {@link Workspace} says nothing of the
 * bucket and roles behind its configurations, nor of who made it.
 *
 * @param id 16 digits
 * @param bucket its root bucket, of the storage configuration
 * @param roleArn of the credential configuration
 * @param catalogRoleArn of the storage configuration, or null
 * @param createdBy principal id of who made it, or started the stack that made it
 * @param stackId the stack that made it, or null
 * @param rest the remaining fields of the SDK's Workspace
 */
public record WorkspaceRecord(
    long id,
    String name,
    String deploymentName,
    WorkspaceStatus status,
    String statusMessage,
    String credentialsId,
    String storageConfigurationId,
    String bucket,
    String roleArn,
    String catalogRoleArn,
    String createdBy,
    String stackId,
    long createdAt,
    Workspace rest) {

  /** From a row of workspace joined with its configurations. */
  static WorkspaceRecord of(ResultSet row) throws SQLException {
    return new WorkspaceRecord(
        row.getLong("workspace_id"),
        row.getString("workspace_name"),
        row.getString("deployment_name"),
        WorkspaceStatus.valueOf(row.getString("status")),
        row.getString("status_message"),
        row.getString("credentials_id"),
        row.getString("storage_configuration_id"),
        row.getString("bucket_name"),
        row.getString("credential_role_arn"),
        row.getString("storage_role_arn"),
        Long.toString(row.getLong("created_by")),
        row.getString("stack_id"),
        row.getLong("created_at"),
        Json.read(row.getString("document"), Workspace.class));
  }

  /**
   * What the API shows: the SDK's Workspace and, beside it, the URL that clients use and the
   * workspace's own catalog.
   */
  ObjectNode shown(String accountId, String url, Optional<String> catalog) {
    ObjectNode shown =
        Json.MAPPER.valueToTree(
            Json.read(Json.write(rest), Workspace.class)
                .setAccountId(accountId)
                .setWorkspaceId(id)
                .setWorkspaceName(name)
                .setDeploymentName(deploymentName)
                .setWorkspaceStatus(status)
                .setWorkspaceStatusMessage(statusMessage)
                .setCredentialsId(credentialsId)
                .setStorageConfigurationId(storageConfigurationId)
                .setCreationTime(createdAt));
    shown.put("workspace_url", url);
    catalog.ifPresent(name -> shown.put("workspace_catalog_name", name));
    return shown;
  }
}
