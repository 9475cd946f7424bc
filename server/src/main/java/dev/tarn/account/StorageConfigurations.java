package dev.tarn.account;

import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.provisioning.CreateStorageConfigurationRequest;
import com.databricks.sdk.service.provisioning.DeleteStorageRequest;
import com.databricks.sdk.service.provisioning.GetStorageRequest;
import com.databricks.sdk.service.provisioning.RootBucketInfo;
import com.databricks.sdk.service.provisioning.StorageConfiguration;
import dev.tarn.database.Database;
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

/** Storage configurations: the bucket a workspace has its root in, and the role of its catalog. */
public final class StorageConfigurations {
  private static final int LONGEST_NAME = 256;

  private final Database database;
  private final StackSessions sessions;
  private final Clock clock;

  StorageConfigurations(Database database, StackSessions sessions, Clock clock) {
    this.database = database;
    this.sessions = sessions;
    this.clock = clock;
  }

  private record Row(
      String id,
      String name,
      String bucket,
      String roleArn,
      String stackId,
      long createdBy,
      long createdAt) {

    static Row of(ResultSet row) throws SQLException {
      return new Row(
          row.getString("storage_configuration_id"),
          row.getString("storage_configuration_name"),
          row.getString("bucket_name"),
          row.getString("role_arn"),
          row.getString("stack_id"),
          row.getLong("created_by"),
          row.getLong("created_at"));
    }

    StorageConfiguration shown(String accountId) {
      return new StorageConfiguration()
          .setAccountId(accountId)
          .setStorageConfigurationId(id)
          .setStorageConfigurationName(name)
          .setCreationTime(createdAt)
          .setRootBucketInfo(new RootBucketInfo().setBucketName(bucket))
          .setRoleArn(roleArn);
    }

    String what() {
      return "storage configuration " + id;
    }
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer create(Caller caller, CreateStorageConfigurationRequest request) {
    sessions.requireUnexpired(caller);
    String name =
        Checks.name(
            "storage_configuration_name", request.getStorageConfigurationName(), LONGEST_NAME);
    RootBucketInfo root = request.getRootBucketInfo();
    Row made =
        new Row(
            UUID.randomUUID().toString(),
            name,
            bucket(root == null ? null : root.getBucketName()),
            request.getRoleArn() == null ? null : Checks.roleArn("role_arn", request.getRoleArn()),
            caller.stackId(),
            Long.parseLong(caller.principalId()),
            clock.millis());
    return Answer.json(201, insertOrFind(made).shown(caller.accountId()));
  }

  /** Whether there is such a bucket is seen when a workspace is to have its root in it. */
  private static String bucket(String name) {
    if (name == null || !name.matches("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")) {
      throw Checks.invalid(
          "root_bucket_info.bucket_name",
          name,
          "the name of an S3 bucket, 3 to 63 lower-case letters, digits, dots and hyphens");
    }
    return name;
  }

  /** A stack that asks again for what it made is given that: its first answer may be lost. */
  private Row insertOrFind(Row made) {
    try {
      database.inTransaction(
          handle ->
              handle
                  .createUpdate(
                      """
                      INSERT INTO storage_configuration (storage_configuration_id, storage_configuration_name,
                        bucket_name, role_arn, stack_id, created_by, created_at)
                      VALUES (:id, :name, :bucket, :roleArn, :stackId, :createdBy, :createdAt)
                      """)
                  .bind("id", made.id())
                  .bind("name", made.name())
                  .bind("bucket", made.bucket())
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
                      && made.bucket().equals(row.bucket())
                      && Objects.equals(made.roleArn(), row.roleArn()))
          .findFirst()
          .orElseThrow(
              () ->
                  new AlreadyExists(
                      "storage_configuration_name: '"
                          + made.name()
                          + "' already exists in this account",
                      null));
    }
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer get(Caller caller, GetStorageRequest request) {
    Row row =
        database.<Row, RuntimeException>read(
            handle -> find(handle, request.getStorageConfigurationId()));
    Checks.mayTouch(caller, row.what(), row.stackId());
    return Answer.json(200, row.shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public List<StorageConfiguration> list(Caller caller) {
    return list().stream()
        .filter(row -> caller.is(Role.ACCOUNT_ADMIN) || caller.stackId().equals(row.stackId()))
        .map(row -> row.shown(caller.accountId()))
        .toList();
  }

  private List<Row> list() {
    return database.<List<Row>, RuntimeException>read(
        handle ->
            handle
                .createQuery(
                    "SELECT * FROM storage_configuration ORDER BY created_at, storage_configuration_id")
                .map((row, context) -> Row.of(row))
                .list());
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer delete(Caller caller, DeleteStorageRequest request) {
    Row gone;
    try {
      gone =
          database.<Row, RuntimeException>inTransaction(
              handle -> {
                Row row = find(handle, request.getStorageConfigurationId());
                Checks.mayTouch(caller, row.what(), row.stackId());
                handle
                    .createUpdate(
                        "DELETE FROM storage_configuration WHERE storage_configuration_id = :id")
                    .bind("id", row.id())
                    .execute();
                return row;
              });
    } catch (RuntimeException e) {
      if (Database.isForeignKeyViolation(e)) {
        throw new ResourceConflict(
            "storage configuration "
                + request.getStorageConfigurationId()
                + " is in use by a workspace; delete the workspace first",
            null);
      }
      throw e;
    }
    return Answer.json(200, gone.shown(caller.accountId()));
  }

  private static Row find(Handle handle, String id) {
    return handle
        .createQuery("SELECT * FROM storage_configuration WHERE storage_configuration_id = :id")
        .bind("id", id)
        .map((row, context) -> Row.of(row))
        .findOne()
        .orElseThrow(
            () ->
                new ResourceDoesNotExist("storage configuration " + id + " does not exist", null));
  }
}
