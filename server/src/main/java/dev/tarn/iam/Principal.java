package dev.tarn.iam;

import com.databricks.sdk.service.iam.PrincipalOutput;
import dev.tarn.http.Caller;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * A user, service principal or group as stored.
 *
 * @param id decimal number below 2^53, the SCIM id
 * @param name what it is known by, once for its kind: user name, application id, or a group's name
 * @param workspaceId the only workspace a group is known in, null when the account knows it
 * @param version counts its changes, those of a group's members too
 * @param document what else the SCIM resource had, as JSON
 */
record Principal(
    long id,
    Caller.Kind kind,
    Long workspaceId,
    String name,
    String displayName,
    boolean active,
    boolean accountAdmin,
    long createdAt,
    long changedAt,
    long version,
    String document) {

  static Principal of(ResultSet row) throws SQLException {
    return new Principal(
        row.getLong("principal_id"),
        Caller.Kind.valueOf(row.getString("kind")),
        row.getObject("workspace_id") == null ? null : row.getLong("workspace_id"),
        row.getString("name"),
        row.getString("display_name"),
        row.getBoolean("active"),
        row.getBoolean("account_admin"),
        row.getLong("created_at"),
        row.getLong("changed_at"),
        row.getLong("version"),
        row.getString("document"));
  }

  Principal changedAt(long now) {
    return new Principal(
        id,
        kind,
        workspaceId,
        name,
        displayName,
        active,
        accountAdmin,
        createdAt,
        now,
        version + 1,
        document);
  }

  Principal asAccountAdmin() {
    return new Principal(
        id,
        kind,
        workspaceId,
        name,
        displayName,
        active,
        true,
        createdAt,
        changedAt,
        version,
        document);
  }

  /** Its display name, or else its name. */
  String shownAs() {
    return displayName.isEmpty() ? name : displayName;
  }

  /** Where SCIM has it, from its base: {@code Users/123}. */
  String reference() {
    return switch (kind) {
          case USER -> "Users/";
          case GROUP -> "Groups/";
          default -> "ServicePrincipals/";
        }
        + id;
  }

  PrincipalOutput output() {
    PrincipalOutput output = new PrincipalOutput().setPrincipalId(id).setDisplayName(shownAs());
    return switch (kind) {
      case USER -> output.setUserName(name);
      case GROUP -> output.setGroupName(displayName);
      default -> output.setServicePrincipalName(name);
    };
  }
}
