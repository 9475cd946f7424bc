package dev.tarn.account;

import com.databricks.sdk.service.provisioning.CreateCredentialRequest;
import com.databricks.sdk.service.provisioning.DeleteCredentialRequest;
import com.databricks.sdk.service.provisioning.GetCredentialRequest;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.Slice;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.iam.StackSessions;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.UUID;
import org.jdbi.v3.core.statement.Update;

/** Credential configurations: under which name the account knows a workspace's IAM role. */
public final class Credentials {
  private static final int LONGEST_NAME = 256;

  private final Configurations<Row> rows;
  private final StackSessions sessions;
  private final Clock clock;

  Credentials(Database database, StackSessions sessions, Clock clock) {
    this.rows =
        new Configurations<>(
            database,
            "credentials configuration",
            "credential",
            "credentials_id",
            "credentials_name",
            """
            INSERT INTO credential (credentials_id, credentials_name, role_arn, stack_id,
              created_by, created_at)
            VALUES (:id, :name, :roleArn, :stackId, :createdBy, :createdAt)
            """,
            (row, context) -> Row.of(row));
    this.sessions = sessions;
    this.clock = clock;
  }

  record Row(String id, String name, String roleArn, Configurations.Made made)
      implements Configurations.Row {

    static Row of(ResultSet row) throws SQLException {
      return new Row(
          row.getString("credentials_id"),
          row.getString("credentials_name"),
          row.getString("role_arn"),
          Configurations.Made.of(row));
    }

    /** With {@code external_id}, which the SDK's type lacks and the quickstart's function reads. */
    ObjectNode shown(String accountId) {
      ObjectNode shown = Json.MAPPER.createObjectNode();
      shown
          .put("account_id", accountId)
          .put("credentials_id", id)
          .put("credentials_name", name)
          .put("creation_time", made.createdAt())
          .putObject("aws_credentials")
          .putObject("sts_role")
          .put("role_arn", roleArn)
          .put("external_id", accountId);
      return shown;
    }

    @Override
    public Update bind(Update insert) {
      return made.bind(insert.bind("id", id).bind("name", name).bind("roleArn", roleArn));
    }

    @Override
    public List<?> content() {
      return List.of(roleArn);
    }
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer create(Caller caller, CreateCredentialRequest request) {
    sessions.requireUnexpired(caller);
    String name = Checks.name("credentials_name", request.getCredentialsName(), LONGEST_NAME);
    var aws = request.getAwsCredentials();
    Row made =
        new Row(
            UUID.randomUUID().toString(),
            name,
            Checks.roleArn(
                "aws_credentials.sts_role.role_arn",
                aws == null || aws.getStsRole() == null ? null : aws.getStsRole().getRoleArn()),
            Configurations.Made.by(caller, clock));
    return Answer.json(201, rows.insertOrFind(made).shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer get(Caller caller, GetCredentialRequest request) {
    return Answer.json(200, rows.get(caller, request.getCredentialsId()).shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public List<ObjectNode> list(Caller caller) {
    return rows.list(caller).stream().map(row -> row.shown(caller.accountId())).toList();
  }

  Slice<?> page(Caller caller, Slice.Wanted wanted) {
    return rows.page(wanted).map(row -> row.shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer delete(Caller caller, DeleteCredentialRequest request) {
    return Answer.json(
        200, rows.delete(caller, request.getCredentialsId()).shown(caller.accountId()));
  }
}
