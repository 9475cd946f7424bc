package dev.tarn.billing;

import com.databricks.sdk.service.billing.DeliveryStatus;
import com.databricks.sdk.service.billing.LogDeliveryConfigStatus;
import com.databricks.sdk.service.billing.LogDeliveryConfiguration;
import com.databricks.sdk.service.billing.LogDeliveryStatus;
import dev.tarn.database.Json;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Update;

/** The rows of log delivery configurations, and how far each was delivered. */
final class LogDeliveryDao {
  private static final String SELECT =
      """
      SELECT d.*, s.bucket_name FROM log_delivery d
      LEFT JOIN storage_configuration s ON s.storage_configuration_id = d.storage_used
      """;

  private LogDeliveryDao() {}

  /**
   * @param bucket null while it is disabled
   * @param position what comes next
   * @param pendingFrom begin of what is being written, null when nothing is
   */
  record Row(
      LogDeliveryConfiguration asked,
      String bucket,
      String position,
      String pendingFrom,
      String pendingTo,
      DeliveryStatus status,
      String message,
      Long attemptedAt,
      Long succeededAt,
      long createdAt,
      long updatedAt) {

    static Row of(ResultSet row) throws SQLException {
      return new Row(
          Json.read(row.getString("document"), LogDeliveryConfiguration.class),
          row.getString("bucket_name"),
          row.getString("position"),
          row.getString("pending_from"),
          row.getString("pending_to"),
          DeliveryStatus.valueOf(row.getString("delivery_status")),
          row.getString("delivery_message"),
          number(row, "attempted_at"),
          number(row, "succeeded_at"),
          row.getLong("created_at"),
          row.getLong("updated_at"));
    }

    private static Long number(ResultSet row, String column) throws SQLException {
      long number = row.getLong(column);
      return row.wasNull() ? null : number;
    }

    LogDeliveryConfiguration shown(String accountId) {
      return Json.read(Json.write(asked), LogDeliveryConfiguration.class)
          .setAccountId(accountId)
          .setCreationTime(createdAt)
          .setUpdateTime(updatedAt)
          .setLogDeliveryStatus(
              new LogDeliveryStatus()
                  .setStatus(status)
                  .setMessage(message)
                  .setLastAttemptTime(time(attemptedAt))
                  .setLastSuccessfulAttemptTime(time(succeededAt)));
    }

    private static String time(Long millis) {
      return millis == null ? null : Instant.ofEpochMilli(millis).toString();
    }
  }

  static void insert(Handle handle, LogDeliveryConfiguration made, String position, long now) {
    bind(
            handle.createUpdate(
                """
                INSERT INTO log_delivery (config_id, log_type, status, document, credentials_used,
                  storage_used, position, delivery_status, delivery_message, created_at, updated_at)
                VALUES (:id, :type, :status, :document, :credentials, :storage, :position, :outcome,
                  :message, :now, :now)
                """),
            made)
        .bind("type", made.getLogType().name())
        .bind("position", position)
        .bind("outcome", DeliveryStatus.CREATED.name())
        .bind("message", "Nothing was delivered yet.")
        .bind("now", now)
        .execute();
  }

  static void update(
      Handle handle,
      LogDeliveryConfiguration changed,
      String position,
      DeliveryStatus outcome,
      String message,
      long now) {
    bind(
            handle.createUpdate(
                """
                UPDATE log_delivery SET status = :status, document = :document,
                  credentials_used = :credentials, storage_used = :storage, position = :position,
                  delivery_status = :outcome, delivery_message = :message, updated_at = :now
                WHERE config_id = :id
                """),
            changed)
        .bind("position", position)
        .bind("outcome", outcome.name())
        .bind("message", message)
        .bind("now", now)
        .execute();
  }

  private static Update bind(Update update, LogDeliveryConfiguration configuration) {
    boolean enabled = configuration.getStatus() == LogDeliveryConfigStatus.ENABLED;
    return update
        .bind("id", configuration.getConfigId())
        .bind("status", configuration.getStatus().name())
        .bind("document", Json.write(configuration))
        .bind("credentials", enabled ? configuration.getCredentialsId() : null)
        .bind("storage", enabled ? configuration.getStorageConfigurationId() : null);
  }

  static Optional<Row> find(Handle handle, String id) {
    return handle
        .createQuery(SELECT + "WHERE d.config_id = :id")
        .bind("id", id)
        .map((row, context) -> Row.of(row))
        .findOne();
  }

  static List<Row> list(Handle handle) {
    return handle
        .createQuery(SELECT + "ORDER BY d.created_at, d.config_id")
        .map((row, context) -> Row.of(row))
        .list();
  }

  /** Whether this call is the one that writes what is between {@code from} and {@code to}. */
  static boolean begin(Handle handle, String id, String from, String to) {
    return handle
            .createUpdate(
                """
                UPDATE log_delivery SET pending_from = :from, pending_to = :to, position = :to
                WHERE config_id = :id AND pending_to IS NULL AND position = :from
                  AND status = 'ENABLED'
                """)
            .bind("id", id)
            .bind("from", from)
            .bind("to", to)
            .execute()
        > 0;
  }

  static int end(Handle handle, String id, String to) {
    return handle
        .createUpdate(
            """
            UPDATE log_delivery SET pending_from = NULL, pending_to = NULL
            WHERE config_id = :id AND pending_to = :to
            """)
        .bind("id", id)
        .bind("to", to)
        .execute();
  }

  static int position(Handle handle, String id, String position) {
    return handle
        .createUpdate("UPDATE log_delivery SET position = :position WHERE config_id = :id")
        .bind("id", id)
        .bind("position", position)
        .execute();
  }

  /** What became of an attempt, while it is still wanted. */
  static int attempted(Handle handle, String id, DeliveryStatus outcome, String message, long now) {
    return handle
        .createUpdate(
            """
            UPDATE log_delivery SET delivery_status = :outcome, delivery_message = :message,
              attempted_at = :now,
              succeeded_at = CASE WHEN :outcome = 'SUCCEEDED' THEN :now ELSE succeeded_at END
            WHERE config_id = :id AND status = 'ENABLED'
            """)
        .bind("id", id)
        .bind("outcome", outcome.name())
        .bind("message", message)
        .bind("now", now)
        .execute();
  }
}
