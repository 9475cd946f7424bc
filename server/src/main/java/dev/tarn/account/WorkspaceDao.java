package dev.tarn.account;

import com.databricks.sdk.service.provisioning.WorkspaceStatus;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.Slice;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Update;

/** The rows of workspaces and of what provisioning has done of them. */
final class WorkspaceDao {
  private static final String SELECT =
      """
      SELECT w.*, s.bucket_name, s.role_arn AS storage_role_arn, c.role_arn AS credential_role_arn
      FROM workspace w
      JOIN storage_configuration s ON s.storage_configuration_id = w.storage_configuration_id
      JOIN credential c ON c.credentials_id = w.credentials_id
      """;

  private WorkspaceDao() {}

  /** A step of one workspace as far as it was begun. */
  record Progress(String name, String state, String message, Long startedAt, Long finishedAt) {}

  /** Fails with a unique violation when name or deployment name is taken. */
  static void insert(Handle handle, WorkspaceRecord workspace) {
    bind(
            handle.createUpdate(
                """
                INSERT INTO workspace (workspace_id, workspace_name, deployment_name,
                  credentials_id, storage_configuration_id, status, status_message, stack_id,
                  created_by, created_at, document)
                VALUES (:id, :name, :deployment, :credentials, :storage, :status, :message,
                  :stack, :createdBy, :createdAt, :document)
                """),
            workspace)
        .bind("name", workspace.name())
        .bind("deployment", workspace.deploymentName())
        .bind("stack", workspace.stackId())
        .bind("createdBy", Long.parseLong(workspace.createdBy()))
        .bind("createdAt", workspace.createdAt())
        .execute();
  }

  static void update(Handle handle, WorkspaceRecord workspace) {
    bind(
            handle.createUpdate(
                """
                UPDATE workspace SET credentials_id = :credentials,
                  storage_configuration_id = :storage, status = :status,
                  status_message = :message, document = :document
                WHERE workspace_id = :id
                """),
            workspace)
        .execute();
  }

  private static Update bind(Update update, WorkspaceRecord workspace) {
    return update
        .bind("id", workspace.id())
        .bind("credentials", workspace.credentialsId())
        .bind("storage", workspace.storageConfigurationId())
        .bind("status", workspace.status().name())
        .bind("message", workspace.statusMessage())
        .bind("document", Json.write(workspace.rest()));
  }

  static Optional<WorkspaceRecord> find(Handle handle, long id) {
    return handle
        .createQuery(SELECT + "WHERE w.workspace_id = :id")
        .bind("id", id)
        .map((row, context) -> WorkspaceRecord.of(row))
        .findOne();
  }

  static Optional<WorkspaceStatus> status(Handle handle, long id) {
    return handle
        .createQuery("SELECT status FROM workspace WHERE workspace_id = :id")
        .bind("id", id)
        .mapTo(String.class)
        .findOne()
        .map(WorkspaceStatus::valueOf);
  }

  static Optional<WorkspaceRecord> named(Handle handle, String name) {
    return handle
        .createQuery(SELECT + "WHERE w.workspace_name = :name")
        .bind("name", name)
        .map((row, context) -> WorkspaceRecord.of(row))
        .findOne();
  }

  static List<WorkspaceRecord> list(Handle handle) {
    return handle
        .createQuery(SELECT + "ORDER BY w.created_at, w.workspace_id")
        .map((row, context) -> WorkspaceRecord.of(row))
        .list();
  }

  static Slice<WorkspaceRecord> page(Handle handle, Slice.Wanted wanted) {
    return Slice.read(
        handle,
        SELECT,
        "workspace_name",
        "workspace_id",
        wanted,
        Map.of(),
        (row, context) -> WorkspaceRecord.of(row));
  }

  static Optional<Long> ofDeployment(Database database, String deployment) {
    return database.<Optional<Long>, RuntimeException>read(
        handle ->
            handle
                .createQuery("SELECT workspace_id FROM workspace WHERE deployment_name = :name")
                .bind("name", deployment)
                .mapTo(Long.class)
                .findOne());
  }

  /** Whether it was in one of the states {@code from}, and so is in {@code to} now. */
  static boolean move(
      Handle handle, long id, WorkspaceStatus to, String message, WorkspaceStatus... from) {
    return handle
            .createUpdate(
                """
                UPDATE workspace SET status = :to, status_message = :message
                WHERE workspace_id = :id AND status IN (<from>)
                """)
            .bindList("from", Arrays.stream(from).map(Enum::name).toList())
            .bind("id", id)
            .bind("to", to.name())
            .bind("message", message)
            .execute()
        > 0;
  }

  static int delete(Handle handle, long id) {
    return handle
        .createUpdate("DELETE FROM workspace WHERE workspace_id = :id")
        .bind("id", id)
        .execute();
  }

  static List<Progress> progress(Handle handle, long id) {
    return handle
        .createQuery(
            """
            SELECT name, state, message, started_at, finished_at FROM workspace_step
            WHERE workspace_id = :id ORDER BY position
            """)
        .bind("id", id)
        .map(
            (row, context) -> {
              long finished = row.getLong(5);
              return new Progress(
                  row.getString(1),
                  row.getString(2),
                  row.getString(3),
                  row.getLong(4),
                  row.wasNull() ? null : finished);
            })
        .list();
  }

  static void begin(Handle handle, long id, int position, Step step, long now) {
    handle
        .createUpdate(
            """
            INSERT INTO workspace_step (workspace_id, position, name, state, message, started_at)
            VALUES (:id, :position, :name, 'RUNNING', :message, :now)
            ON CONFLICT (workspace_id, name) DO UPDATE SET position = :position,
              state = 'RUNNING', message = :message, started_at = :now, finished_at = NULL
            """)
        .bind("id", id)
        .bind("position", position)
        .bind("name", step.name())
        .bind("message", step.message())
        .bind("now", now)
        .execute();
  }

  static int end(Handle handle, long id, String step, String state, String message, long now) {
    return handle
        .createUpdate(
            """
            UPDATE workspace_step SET state = :state, message = :message, finished_at = :now
            WHERE workspace_id = :id AND name = :step
            """)
        .bind("id", id)
        .bind("step", step)
        .bind("state", state)
        .bind("message", message)
        .bind("now", now)
        .execute();
  }

  /** All is to be done again; what was right already is found so by the steps themselves. */
  static void forgetSteps(Handle handle, long id) {
    handle
        .createUpdate("DELETE FROM workspace_step WHERE workspace_id = :id")
        .bind("id", id)
        .execute();
  }
}
