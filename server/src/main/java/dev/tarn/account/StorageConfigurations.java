package dev.tarn.account;

import com.databricks.sdk.service.provisioning.CreateStorageConfigurationRequest;
import com.databricks.sdk.service.provisioning.DeleteStorageRequest;
import com.databricks.sdk.service.provisioning.GetStorageRequest;
import com.databricks.sdk.service.provisioning.RootBucketInfo;
import com.databricks.sdk.service.provisioning.StorageConfiguration;
import dev.tarn.database.Database;
import dev.tarn.database.Slice;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.iam.StackSessions;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.jdbi.v3.core.statement.Update;

/** Storage configurations: the bucket a workspace has its root in, and the role of its catalog. */
public final class StorageConfigurations {
  private static final int LONGEST_NAME = 256;

  private final Configurations<Row> rows;
  private final StackSessions sessions;
  private final Clock clock;

  StorageConfigurations(Database database, StackSessions sessions, Clock clock) {
    this.rows =
        new Configurations<>(
            database,
            "storage configuration",
            "storage_configuration",
            "storage_configuration_id",
            "storage_configuration_name",
            """
            INSERT INTO storage_configuration (storage_configuration_id, storage_configuration_name,
              bucket_name, role_arn, stack_id, created_by, created_at)
            VALUES (:id, :name, :bucket, :roleArn, :stackId, :createdBy, :createdAt)
            """,
            (row, context) -> Row.of(row));
    this.sessions = sessions;
    this.clock = clock;
  }

  record Row(String id, String name, String bucket, String roleArn, Configurations.Made made)
      implements Configurations.Row {

    static Row of(ResultSet row) throws SQLException {
      return new Row(
          row.getString("storage_configuration_id"),
          row.getString("storage_configuration_name"),
          row.getString("bucket_name"),
          row.getString("role_arn"),
          Configurations.Made.of(row));
    }

    StorageConfiguration shown(String accountId) {
      return new StorageConfiguration()
          .setAccountId(accountId)
          .setStorageConfigurationId(id)
          .setStorageConfigurationName(name)
          .setCreationTime(made.createdAt())
          .setRootBucketInfo(new RootBucketInfo().setBucketName(bucket))
          .setRoleArn(roleArn);
    }

    @Override
    public Update bind(Update insert) {
      return made.bind(
          insert.bind("id", id).bind("name", name).bind("bucket", bucket).bind("roleArn", roleArn));
    }

    @Override
    public List<?> content() {
      return Arrays.asList(bucket, roleArn);
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
            Configurations.Made.by(caller, clock));
    return Answer.json(201, rows.insertOrFind(made).shown(caller.accountId()));
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

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer get(Caller caller, GetStorageRequest request) {
    return Answer.json(
        200, rows.get(caller, request.getStorageConfigurationId()).shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public List<StorageConfiguration> list(Caller caller) {
    return rows.list(caller).stream().map(row -> row.shown(caller.accountId())).toList();
  }

  Slice<?> page(Caller caller, Slice.Wanted wanted) {
    return rows.page(wanted).map(row -> row.shown(caller.accountId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer delete(Caller caller, DeleteStorageRequest request) {
    return Answer.json(
        200, rows.delete(caller, request.getStorageConfigurationId()).shown(caller.accountId()));
  }
}
