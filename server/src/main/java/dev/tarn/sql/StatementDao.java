package dev.tarn.sql;

import com.databricks.sdk.service.sql.Disposition;
import com.databricks.sdk.service.sql.ResultManifest;
import com.databricks.sdk.service.sql.StatementState;
import com.databricks.sdk.service.sql.StatementStatus;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Future;
import org.jdbi.v3.core.mapper.RowMapper;

/** Rows of statements that clients were told of. */
final class StatementDao {
  private static final RowMapper<Row> ROW =
      (row, context) ->
          new Row(
              row.getString(1),
              row.getLong(2),
              row.getString(3),
              row.getString(4),
              Disposition.valueOf(row.getString(5)),
              Json.read(row.getString(6), StatementStatus.class),
              row.getString(7) == null ? null : Json.read(row.getString(7), ResultManifest.class),
              row.getString(8));

  /** What control planes tell each other when one ends another's statement. */
  static final String TOPIC = "statements";

  private final Database database;

  StatementDao(Database database) {
    this.database = database;
  }

  /**
   * @param manifest set when SUCCEEDED
   * @param content the one chunk of a small result
   */
  record Row(
      String id,
      long workspaceId,
      String principalId,
      String warehouseId,
      Disposition disposition,
      StatementStatus status,
      ResultManifest manifest,
      String content) {}

  /**
   * @param expiresAt null while it runs
   */
  Future<Integer> insert(Row row, long now, Long expiresAt) {
    return database.begin(
        handle ->
            handle
                .createUpdate(
                    """
                    INSERT INTO statement (statement_id, workspace_id, principal_id, warehouse_id,
                      state, disposition, status, manifest, content, created_at, expires_at, plane_id)
                    VALUES (:id, :workspaceId, :principalId, :warehouseId,
                      :state, :disposition, :status, :manifest, :content, :now, :expiresAt, :plane)
                    """)
                .bind("id", row.id())
                .bind("workspaceId", row.workspaceId())
                .bind("principalId", row.principalId())
                .bind("warehouseId", row.warehouseId())
                .bind("state", row.status().getState().name())
                .bind("disposition", row.disposition().name())
                .bind("status", Json.write(row.status()))
                .bind("manifest", row.manifest() == null ? null : Json.write(row.manifest()))
                .bind("content", row.content())
                .bind("now", now)
                .bind("expiresAt", expiresAt)
                .bind("plane", database.leases().plane())
                .execute());
  }

  /** The end of a statement that a client was told of before it ended. */
  void end(Row row, long expiresAt) {
    database.inTransaction(
        handle ->
            handle
                .createUpdate(
                    """
                    UPDATE statement SET state = :state, status = :status, manifest = :manifest,
                      content = :content, expires_at = :expiresAt
                    WHERE statement_id = :id AND state IN ('PENDING', 'RUNNING')
                    """)
                .bind("id", row.id())
                .bind("state", row.status().getState().name())
                .bind("status", Json.write(row.status()))
                .bind("manifest", row.manifest() == null ? null : Json.write(row.manifest()))
                .bind("content", row.content())
                .bind("expiresAt", expiresAt)
                .execute());
  }

  Optional<Row> find(String id) {
    return database.read(
        handle ->
            handle
                .createQuery(
                    """
                    SELECT statement_id, workspace_id, principal_id, warehouse_id, disposition,
                      status, manifest, content
                    FROM statement WHERE statement_id = :id
                    """)
                .bind("id", id)
                .map(ROW)
                .findOne());
  }

  /**
   * Those of control planes that are gone.
   *
   * @param ours also those of this one, which has just begun
   */
  void failOrphans(boolean ours, StatementStatus why, long expiresAt) {
    database.inTransaction(
        handle ->
            handle
                .createUpdate(
                    """
                    UPDATE statement SET state = 'FAILED', status = :status,
                      expires_at = :expiresAt
                    WHERE state IN ('PENDING', 'RUNNING')
                      AND (plane_id IS NULL OR (plane_id = :plane AND :ours)
                        OR (plane_id <> :plane
                          AND plane_id NOT IN (SELECT plane_id FROM control_plane)))
                    """)
                .bind("status", Json.write(why))
                .bind("expiresAt", expiresAt)
                .bind("plane", database.leases().plane())
                .bind("ours", ours)
                .execute());
  }

  /** Ends one that runs in another control plane, and tells it so. */
  void cancelElsewhere(String id, long expiresAt) {
    database.inTransaction(
        handle -> {
          database.announce(handle, TOPIC, id);
          return handle
              .createUpdate(
                  """
                  UPDATE statement SET state = 'CANCELED', status = :status,
                    expires_at = :expiresAt
                  WHERE statement_id = :id AND state IN ('PENDING', 'RUNNING')
                  """)
              .bind("id", id)
              .bind("status", Json.write(new StatementStatus().setState(StatementState.CANCELED)))
              .bind("expiresAt", expiresAt)
              .execute();
        });
  }

  /** Results whose time is over; from then on they are CLOSED, and their files may be deleted. */
  List<Row> closeExpired(long now) {
    return database.inTransaction(
        handle -> {
          List<Row> expired =
              handle
                  .createQuery(
                      """
                      SELECT statement_id, workspace_id, principal_id, warehouse_id, disposition,
                        status, manifest, content
                      FROM statement WHERE state = 'SUCCEEDED' AND expires_at <= :now
                      """)
                  .bind("now", now)
                  .map(ROW)
                  .list();
          handle
              .createUpdate(
                  """
                  UPDATE statement SET state = 'CLOSED', status = :status, manifest = NULL,
                    content = NULL
                  WHERE state = 'SUCCEEDED' AND expires_at <= :now
                  """)
              .bind("status", Json.write(new StatementStatus().setState(StatementState.CLOSED)))
              .bind("now", now)
              .execute();
          return expired;
        });
  }

  /** Forgets statements whose results went before {@code time}. */
  void deleteExpired(long time) {
    database.inTransaction(
        handle ->
            handle
                .createUpdate("DELETE FROM statement WHERE expires_at <= :time")
                .bind("time", time)
                .execute());
  }

  void deleteAll(long workspaceId) {
    database.inTransaction(
        handle ->
            handle
                .createUpdate("DELETE FROM statement WHERE workspace_id = :workspaceId")
                .bind("workspaceId", workspaceId)
                .execute());
  }

  /** When the next result goes. */
  Optional<Long> nextExpiry() {
    return database.read(
        handle ->
            handle
                .createQuery("SELECT MIN(expires_at) FROM statement WHERE state = 'SUCCEEDED'")
                .mapTo(Long.class)
                .findOne());
  }

  Set<String> withResults() {
    return database.read(
        handle ->
            new HashSet<>(
                handle
                    .createQuery("SELECT statement_id FROM statement WHERE state = 'SUCCEEDED'")
                    .mapTo(String.class)
                    .list()));
  }
}
