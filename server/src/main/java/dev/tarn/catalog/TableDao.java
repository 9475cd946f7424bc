package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.TableSummary;
import com.databricks.sdk.service.catalog.TableType;
import dev.tarn.database.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** Tables, and the places that engines write before a table is there. */
final class TableDao {
  /** A table in its schema. */
  record Row(
      String id,
      SchemaDao.Row schema,
      String name,
      TableType type,
      String storageLocation,
      TableInfo document) {

    String fullName() {
      return schema.fullName() + "." + name;
    }

    /** For the client; the document must have been stored before. */
    TableInfo info() {
      return document
          .setName(name)
          .setSchemaName(schema.name())
          .setCatalogName(schema.catalog().name())
          .setFullName(fullName())
          .setTableId(id)
          .setTableType(type)
          .setStorageLocation(storageLocation)
          .setMetastoreId(schema.catalog().metastoreId());
    }
  }

  private TableDao() {}

  static void insert(Handle handle, Row table) {
    handle
        .createUpdate(
            """
            INSERT INTO catalog_table
              (table_id, schema_id, table_name, table_type, storage_location, document)
            VALUES (:id, :schema, :name, :type, :location, :json)
            """)
        .bind("id", table.id)
        .bind("schema", table.schema.id())
        .bind("name", table.name)
        .bind("type", table.type.name())
        .bind("location", table.storageLocation)
        .bind("json", Json.write(table.document))
        .execute();
  }

  static void update(Handle handle, String id, String name, TableInfo document) {
    handle
        .createUpdate(
            "UPDATE catalog_table SET table_name = :name, document = :json WHERE table_id = :id")
        .bind("id", id)
        .bind("name", name)
        .bind("json", Json.write(document))
        .execute();
  }

  static void delete(Handle handle, Row table) {
    handle
        .createUpdate("DELETE FROM catalog_table WHERE table_id = :id")
        .bind("id", table.id)
        .execute();
  }

  /**
   * @throws NotFound the catalog, the schema or the table does not exist, as far as this workspace
   *     can see
   */
  static Row get(Handle handle, long workspaceId, String fullName) {
    String[] names = Names.parts(fullName, 3);
    SchemaDao.Row schema = SchemaDao.get(handle, workspaceId, names[0], names[1]);
    return find(handle, schema, names[2])
        .orElseThrow(
            () ->
                new NotFound(
                    "TABLE_DOES_NOT_EXIST",
                    "Table " + Names.shown(schema.fullName() + "." + names[2]) + " does not exist.",
                    null));
  }

  static Optional<Row> find(Handle handle, SchemaDao.Row schema, String name) {
    return handle
        .createQuery("SELECT * FROM catalog_table WHERE schema_id = :schema AND table_name = :name")
        .bind("schema", schema.id())
        .bind("name", name)
        .map((row, context) -> row(schema, row))
        .findOne();
  }

  /** Tables after {@code after} by name. */
  static List<Row> list(Handle handle, SchemaDao.Row schema, String after, int limit) {
    return handle
        .createQuery(
            """
            SELECT * FROM catalog_table WHERE schema_id = :schema AND table_name > :after
            ORDER BY table_name LIMIT :limit
            """)
        .bind("schema", schema.id())
        .bind("after", after)
        .bind("limit", limit)
        .map((row, context) -> row(schema, row))
        .list();
  }

  /** Tables of a catalog after (schema, table), both names like SQL patterns. */
  static List<TableSummary> summaries(
      Handle handle,
      CatalogDao.Row catalog,
      String schemaLike,
      String tableLike,
      String afterSchema,
      String afterTable,
      int limit) {
    // Two searches in an index; with one OR in their place all of the schema would be read.
    List<TableSummary> found = new ArrayList<>();
    for (String part :
        new String[] {
          "s.schema_name = :afterSchema AND t.table_name > :afterTable",
          "s.schema_name > :afterSchema"
        }) {
      handle
          .createQuery(
              """
              SELECT s.schema_name, t.table_name, t.table_type FROM catalog_schema s
              JOIN catalog_table t ON t.schema_id = s.schema_id
              WHERE s.catalog_id = :catalog AND <part>
                AND s.schema_name LIKE :schemaLike ESCAPE :escape
                AND t.table_name LIKE :tableLike ESCAPE :escape
              ORDER BY s.schema_name, t.table_name LIMIT :limit
              """)
          .define("part", part)
          .bind("catalog", catalog.id())
          .bind("afterSchema", afterSchema)
          .bind("afterTable", afterTable)
          .bind("schemaLike", schemaLike)
          .bind("tableLike", tableLike)
          .bind("escape", "\\")
          .bind("limit", limit - found.size())
          .map(
              (row, context) ->
                  new TableSummary()
                      .setFullName(catalog.name() + "." + row.getString(1) + "." + row.getString(2))
                      .setTableType(TableType.valueOf(row.getString(3))))
          .forEach(found::add);
    }
    return found;
  }

  static int count(Handle handle, SchemaDao.Row schema) {
    return handle
        .createQuery("SELECT count(*) FROM catalog_table WHERE schema_id = :schema")
        .bind("schema", schema.id())
        .mapTo(int.class)
        .one();
  }

  /** Where data lies that goes with the schema: its managed tables and what is being written. */
  static List<String> managedLocations(Handle handle, SchemaDao.Row schema) {
    return handle
        .createQuery(
            """
            SELECT storage_location FROM catalog_table
            WHERE schema_id = :schema AND table_type = 'MANAGED'
            UNION ALL SELECT storage_location FROM staging_table WHERE schema_id = :schema
            """)
        .bind("schema", schema.id())
        .mapTo(String.class)
        .list();
  }

  static void deleteAll(Handle handle, SchemaDao.Row schema) {
    handle
        .createUpdate("DELETE FROM staging_table WHERE schema_id = :schema")
        .bind("schema", schema.id())
        .execute();
    handle
        .createUpdate("DELETE FROM catalog_table WHERE schema_id = :schema")
        .bind("schema", schema.id())
        .execute();
  }

  static void insertStaging(
      Handle handle,
      String id,
      SchemaDao.Row schema,
      String name,
      String location,
      String engineId,
      long now) {
    handle
        .createUpdate(
            """
            INSERT INTO staging_table
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
  static Optional<String> claimStaging(
      Handle handle, SchemaDao.Row schema, String name, String location) {
    Optional<String> id =
        handle
            .createQuery(
                """
                SELECT staging_id FROM staging_table WHERE storage_location = :location
                  AND schema_id = :schema AND table_name = :name
                """)
            .bind("location", location)
            .bind("schema", schema.id())
            .bind("name", name)
            .mapTo(String.class)
            .findOne();
    id.ifPresent(found -> deleteStaging(handle, found));
    return id;
  }

  static int deleteStaging(Handle handle, String id) {
    return handle
        .createUpdate("DELETE FROM staging_table WHERE staging_id = :id")
        .bind("id", id)
        .execute();
  }

  /** A staged place nobody will claim. */
  record Staged(String id, String location) {}

  static List<Staged> stagedBefore(Handle handle, long time) {
    return staged(
        handle
            .createQuery("SELECT * FROM staging_table WHERE created_at < :time")
            .bind("time", time));
  }

  static List<Staged> stagedBy(Handle handle, String engineId) {
    return staged(
        handle
            .createQuery("SELECT * FROM staging_table WHERE engine_id = :engine")
            .bind("engine", engineId));
  }

  private static List<Staged> staged(org.jdbi.v3.core.statement.Query query) {
    return query
        .map(
            (row, context) ->
                new Staged(row.getString("staging_id"), row.getString("storage_location")))
        .list();
  }

  private static Row row(SchemaDao.Row schema, java.sql.ResultSet row)
      throws java.sql.SQLException {
    return new Row(
        row.getString("table_id"),
        schema,
        row.getString("table_name"),
        TableType.valueOf(row.getString("table_type")),
        row.getString("storage_location"),
        Json.read(row.getString("document"), TableInfo.class));
  }
}
