package dev.tarn.sql;

import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.databricks.sdk.service.sql.EditWarehouseRequest;
import com.databricks.sdk.service.sql.State;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.mapper.RowMapper;

/** Rows of warehouses. */
final class WarehouseDao {
  private static final String SELECT =
      """
      SELECT warehouse_id, workspace_id, state, failure, settings, creator_name FROM warehouse
      """;
  private static final RowMapper<Row> ROW =
      (row, context) ->
          new Row(
              row.getString(1),
              row.getLong(2),
              State.valueOf(row.getString(3)),
              row.getString(4),
              Json.read(row.getString(5), EditWarehouseRequest.class),
              row.getString(6));

  private final Database database;

  WarehouseDao(Database database) {
    this.database = database;
  }

  /** A warehouse as it was when the process last ran. */
  record Row(
      String id,
      long workspaceId,
      State state,
      String failure,
      EditWarehouseRequest settings,
      String creator) {}

  /**
   * @throws ResourceAlreadyExists the workspace has a warehouse of that name
   */
  void insert(Row row, long now) {
    named(
        row.settings().getName(),
        () ->
            database.inTransaction(
                handle ->
                    handle
                        .createUpdate(
                            """
                            INSERT INTO warehouse (warehouse_id, workspace_id, warehouse_name,
                              state, settings, creator_name, created_at)
                            VALUES (:id, :workspaceId, :name, :state, :settings, :creator, :now)
                            """)
                        .bind("id", row.id())
                        .bind("workspaceId", row.workspaceId())
                        .bind("name", row.settings().getName())
                        .bind("state", row.state().name())
                        .bind("settings", Json.write(row.settings()))
                        .bind("creator", row.creator())
                        .bind("now", now)
                        .execute()));
  }

  /**
   * @throws ResourceAlreadyExists the workspace has a warehouse of that name
   */
  void setSettings(String id, EditWarehouseRequest settings) {
    named(
        settings.getName(),
        () ->
            database.inTransaction(
                handle ->
                    handle
                        .createUpdate(
                            """
                            UPDATE warehouse SET warehouse_name = :name, settings = :settings
                            WHERE warehouse_id = :id
                            """)
                        .bind("id", id)
                        .bind("name", settings.getName())
                        .bind("settings", Json.write(settings))
                        .execute()));
  }

  /** The engine and the failure are null where there is none. */
  void setState(String id, State state, String engineId, String failure) {
    database.inTransaction(
        handle ->
            handle
                .createUpdate(
                    """
                    UPDATE warehouse SET state = :state, engine_id = :engineId, failure = :failure
                    WHERE warehouse_id = :id
                    """)
                .bind("id", id)
                .bind("state", state.name())
                .bind("engineId", engineId)
                .bind("failure", failure)
                .execute());
  }

  void delete(String id) {
    database.inTransaction(
        handle ->
            handle
                .createUpdate("DELETE FROM warehouse WHERE warehouse_id = :id")
                .bind("id", id)
                .execute());
  }

  List<Row> all() {
    return database.read(handle -> handle.createQuery(SELECT).map(ROW).list());
  }

  List<Row> of(long workspaceId) {
    return database.read(
        handle ->
            handle
                .createQuery(SELECT + " WHERE workspace_id = :id")
                .bind("id", workspaceId)
                .map(ROW)
                .list());
  }

  Optional<Row> find(String id) {
    return database.read(
        handle ->
            handle
                .createQuery(SELECT + " WHERE warehouse_id = :id")
                .bind("id", id)
                .map(ROW)
                .findOne());
  }

  private static void named(String name, Runnable work) {
    try {
      work.run();
    } catch (RuntimeException e) {
      if (Database.isUniqueViolation(e)) {
        throw new ResourceAlreadyExists(
            "SQL warehouse with name `" + name + "` already exists", null);
      }
      throw e;
    }
  }
}
