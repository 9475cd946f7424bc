package dev.tarn.iam;

import com.databricks.sdk.service.iam.PrincipalOutput;
import dev.tarn.http.Caller;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * A user or service principal as stored.
 *
 * @param id decimal number below 2^53, the SCIM id
 * @param name e-mail in lower case, or application id
 * @param document what else the SCIM resource had, as JSON
 */
record Principal(
    long id,
    Caller.Kind kind,
    String name,
    String displayName,
    boolean active,
    boolean accountAdmin,
    long createdAt,
    String document) {

  static Principal of(ResultSet row) throws SQLException {
    return new Principal(
        row.getLong("principal_id"),
        Caller.Kind.valueOf(row.getString("kind")),
        row.getString("name"),
        row.getString("display_name"),
        row.getBoolean("active"),
        row.getBoolean("account_admin"),
        row.getLong("created_at"),
        row.getString("document"));
  }

  PrincipalOutput output() {
    PrincipalOutput output = new PrincipalOutput().setPrincipalId(id).setDisplayName(displayName);
    return kind == Caller.Kind.USER
        ? output.setUserName(name)
        : output.setServicePrincipalName(name);
  }
}
