package dev.tarn.account;

import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.provisioning.CreateCredentialRequest;
import com.databricks.sdk.service.provisioning.DeleteCredentialRequest;
import com.databricks.sdk.service.provisioning.GetCredentialRequest;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.iam.StackSessions;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** Credential configurations: under which name the account knows a workspace's IAM role. */
public final class Credentials {
  private static final int LONGEST_NAME = 256;

  private final Database database;
  private final StackSessions sessions;
  private final Clock clock;

  Credentials(Database database, StackSessions sessions, Clock clock) {
    this.database = database;
    this.sessions = sessions;
    this.clock = clock;
  }

  private record Row(
      String id, String name, String roleArn, String stackId, long createdBy, long createdAt) {

    static Row of(ResultSet row) throws SQLException {
      return new Row(
          row.getString("credentials_id"),
          row.getString("credentials_name"),
          row.getString("role_arn"),
          row.getString("stack_id"),
          row.getLong("created_by"),
          row.getLong("created_at"));
    }

    /** With {@code external_id}, which the SDK's type lacks and the quickstart's function reads. */
    ObjectNode shown(String accountId) {
      ObjectNode shown = Json.MAPPER.createObjectNode();
      shown
          .put("account_id", accountId)
          .put("credentials_id", id)
          .put("credentials_name", name)
          .put("creation_time", createdAt)
          .putObject("aws_credentials")
          .putObject("sts_role")
          .put("role_arn", roleArn)
          .put("external_id", accountId);
      return shown;
    }

    String what() {
      return "credentials configuration " + id;
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
            caller.stackId(),
            Long.parseLong(caller.principalId()),
            clock.millis());
    return Answer.json(201, insertOrFind(made).shown(caller.accountId()));
  }

  /** A stack that asks again for what it made is given that: its first answer may be lost. */
  private Row insertOrFind(Row made) {
    try {
      database.inTransaction(
          handle ->
              handle
                  .createUpdate(
                      """
                      INSERT INTO credential (credentials_id, credentials_name, role_arn, stack_id,
                        created_by, created_at)
                      VALUES (:id, :name, :roleArn, :stackId, :createdBy, :createdAt)
                      """)
                  .bind("id", made.id())
                  .bind("name", made.name())
                  .bind("roleArn", made.roleArn())
                  .bind("stackId", made.stackId())
                  .bind("createdBy", made.createdBy())
                  .bind("createdAt", made.createdAt())
                  .execute());
      return made;
    } catch (RuntimeException e) {
      if (!Database.isUniqueViolation(e)) {
        throw e;
      }
      return list().stream()
          .filter(
              row ->
                  row.name().equals(made.name())
                      && made.stackId() != null
                      && made.stackId().equals(row.stackId())
                      && Objects.equals(made.roleArn(), row.roleArn()))
          .findFirst()
          .orElseThrow(
              () ->
                  new AlreadyExists(
                      "credentials_name: '" + made.name() + "' already exists in this account",
                      null));
    }
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer get(Caller caller, GetCredentialRequest request) {
    Row row =
        database.<Row, RuntimeException>read(handle -> find(handle, request.getCredentialsId()));
    Checks.mayTouch(caller, row.what(), row.stackId());
    return Answer.json(200, row.shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public List<ObjectNode> list(Caller caller) {
    return list().stream()
        .filter(row -> caller.is(Role.ACCOUNT_ADMIN) || caller.stackId().equals(row.stackId()))
        .map(row -> row.shown(caller.accountId()))
        .toList();
  }

  private List<Row> list() {
    return database.<List<Row>, RuntimeException>read(
        handle ->
            handle
                .createQuery("SELECT * FROM credential ORDER BY created_at, credentials_id")
                .map((row, context) -> Row.of(row))
                .list());
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer delete(Caller caller, DeleteCredentialRequest request) {
    Row gone;
    try {
      gone =
          database.<Row, RuntimeException>inTransaction(
              handle -> {
                Row row = find(handle, request.getCredentialsId());
                Checks.mayTouch(caller, row.what(), row.stackId());
                handle
                    .createUpdate("DELETE FROM credential WHERE credentials_id = :id")
                    .bind("id", row.id())
                    .execute();
                return row;
              });
    } catch (RuntimeException e) {
      if (Database.isForeignKeyViolation(e)) {
        throw new ResourceConflict(
            "credentials configuration "
                + request.getCredentialsId()
                + " is in use by a workspace; delete the workspace first",
            null);
      }
      throw e;
    }
    return Answer.json(200, gone.shown(caller.accountId()));
  }

  private static Row find(Handle handle, String id) {
    return handle
        .createQuery("SELECT * FROM credential WHERE credentials_id = :id")
        .bind("id", id)
        .map((row, context) -> Row.of(row))
        .findOne()
        .orElseThrow(
            () ->
                new ResourceDoesNotExist(
                    "credentials configuration " + id + " does not exist", null));
  }
}
