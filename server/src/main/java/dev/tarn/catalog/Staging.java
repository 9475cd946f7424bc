package dev.tarn.catalog;

import dev.tarn.access.Securable;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** The places that engines write before a managed table is there. */
final class Staging {
  private Staging() {}

  static void insert(
      Handle handle,
      String id,
      Securable schema,
      String name,
      String location,
      String engineId,
      long now) {
    handle
        .createUpdate(
            """
            INSERT INTO staged_table
              (staging_id, schema_id, table_name, storage_location, engine_id, created_at)
            VALUES (:id, :schema, :name, :location, :engine, :now)
            """)
        .bind("id", id)
        .bind("schema", schema.id())
        .bind("name", name)
        .bind("location", location)
        .bind("engine", engineId)
        .bind("now", now)
        .execute();
  }

  /** Takes a staged place out of the list; its id becomes the table's. Empty: there is none. */
  static Optional<String> claim(Handle handle, Securable schema, String name, String location) {
    Optional<String> id =
        handle
            .createQuery(
                """
                SELECT staging_id FROM staged_table WHERE storage_location = :location
                  AND schema_id = :schema AND table_name = :name
                """)
            .bind("location", location)
            .bind("schema", schema.id())
            .bind("name", name)
            .mapTo(String.class)
            .findOne();
    id.ifPresent(found -> delete(handle, found));
    return id;
  }

  static int delete(Handle handle, String id) {
    return handle
        .createUpdate("DELETE FROM staged_table WHERE staging_id = :id")
        .bind("id", id)
        .execute();
  }

  /** A staged place nobody will claim. */
  record Staged(String id, String location) {}

  static List<Staged> before(Handle handle, long time) {
    return staged(
        handle
            .createQuery("SELECT * FROM staged_table WHERE created_at < :time")
            .bind("time", time));
  }

  static List<Staged> by(Handle handle, String engineId) {
    return staged(
        handle
            .createQuery("SELECT * FROM staged_table WHERE engine_id = :engine")
            .bind("engine", engineId));
  }

  /** What is being written into a schema, or into those of a catalog. */
  static List<Staged> in(Handle handle, Securable container) {
    return staged(
        handle
            .createQuery(
                """
                SELECT * FROM staged_table WHERE schema_id = :id
                  OR schema_id IN (SELECT securable_id FROM securable WHERE parent_id = :id)
                """)
            .bind("id", container.id()));
  }

  private static List<Staged> staged(org.jdbi.v3.core.statement.Query query) {
    return query
        .map(
            (row, context) ->
                new Staged(row.getString("staging_id"), row.getString("storage_location")))
        .list();
  }
}
