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
   * @param month usage: the first that is not closed; audit logs have a {@link Stretch} each
   * @param updatedAt when it was made, enabled or disabled last
   */
  record Row(
      LogDeliveryConfiguration asked,
      String bucket,
      String month,
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

  static void insert(Handle handle, LogDeliveryConfiguration made, long now) {
    bind(
            handle.createUpdate(
                """
                INSERT INTO log_delivery (config_id, log_type, status, document, credentials_used,
                  storage_used, position, delivery_status, delivery_message, created_at, updated_at)
                VALUES (:id, :type, :status, :document, :credentials, :storage, :month, :outcome,
                  :message, :now, :now)
                """),
            made)
        .bind("type", made.getLogType().name())
        .bind("month", made.getDeliveryStartTime() == null ? "" : made.getDeliveryStartTime())
        .bind("outcome", DeliveryStatus.CREATED.name())
        .bind("message", "Nothing was delivered yet.")
        .bind("now", now)
        .execute();
  }

  static int update(
      Handle handle,
      LogDeliveryConfiguration changed,
      DeliveryStatus outcome,
      String message,
      long now) {
    return bind(
            handle.createUpdate(
                """
                UPDATE log_delivery SET status = :status, document = :document,
                  credentials_used = :credentials, storage_used = :storage,
                  delivery_status = :outcome, delivery_message = :message, updated_at = :now
                WHERE config_id = :id
                """),
            changed)
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

  /**
   * How far an audit log was delivered.
   *
   * @param position what comes next
   * @param pendingFrom begin of what is being written, null when nothing is
   */
  record Stretch(String position, String pendingFrom, String pendingTo) {}

  static Optional<Stretch> stretch(Handle handle, String id, String log) {
    return handle
        .createQuery(
            """
            SELECT position, pending_from, pending_to FROM log_delivery_position
            WHERE config_id = :id AND log_id = :log
            """)
        .bind("id", id)
        .bind("log", log)
        .map((row, context) -> new Stretch(row.getString(1), row.getString(2), row.getString(3)))
        .findOne();
  }

  /** The least far of the enabled configurations in a log; "" when one has not begun with it. */
  static Optional<String> oldest(Handle handle, String log) {
    return handle
        .createQuery(
            """
            SELECT COALESCE(p.pending_from, p.position, '') AS oldest FROM log_delivery d
            LEFT JOIN log_delivery_position p ON p.config_id = d.config_id AND p.log_id = :log
            WHERE d.status = 'ENABLED' AND d.log_type = 'AUDIT_LOGS'
            ORDER BY oldest LIMIT 1
            """)
        .bind("log", log)
        .mapTo(String.class)
        .findOne();
  }

  /** Forgets how far the logs were delivered: it begins anew. */
  static int restart(Handle handle, String id) {
    return handle
        .createUpdate("DELETE FROM log_delivery_position WHERE config_id = :id")
        .bind("id", id)
        .execute();
  }

  /** Where to go on with a log, if that is not known yet. */
  static int startAt(Handle handle, String id, String log, String position) {
    return handle
        .createUpdate(
            """
            INSERT INTO log_delivery_position (config_id, log_id, position)
            SELECT config_id, :log, :position FROM log_delivery WHERE config_id = :id
            ON CONFLICT (config_id, log_id) DO NOTHING
            """)
        .bind("id", id)
        .bind("log", log)
        .bind("position", position)
        .execute();
  }

  /** Whether this call is the one that writes what is between {@code from} and {@code to}. */
  static boolean begin(Handle handle, String id, String log, String from, String to) {
    return handle
            .createUpdate(
                """
                UPDATE log_delivery_position
                SET pending_from = :from, pending_to = :to, position = :to
                WHERE config_id = :id AND log_id = :log AND pending_to IS NULL AND position = :from
                """)
            .bind("id", id)
            .bind("log", log)
            .bind("from", from)
            .bind("to", to)
            .execute()
        > 0;
  }

  static int end(Handle handle, String id, String log, String to) {
    return handle
        .createUpdate(
            """
            UPDATE log_delivery_position SET pending_from = NULL, pending_to = NULL
            WHERE config_id = :id AND log_id = :log AND pending_to = :to
            """)
        .bind("id", id)
        .bind("log", log)
        .bind("to", to)
        .execute();
  }

  static int month(Handle handle, String id, String month) {
    return handle
        .createUpdate("UPDATE log_delivery SET position = :month WHERE config_id = :id")
        .bind("id", id)
        .bind("month", month)
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
