package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.SchemaInfo;
import dev.tarn.database.Json;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** Schemas of a catalog that the caller was found to see. */
final class SchemaDao {
  /** A schema in its catalog. */
  record Row(
      String id, CatalogDao.Row catalog, String name, String storageRoot, SchemaInfo document) {

    String fullName() {
      return catalog.name() + "." + name;
    }

    /** Below it new managed tables are put. */
    String managedStorage() {
      return storageRoot == null ? catalog.storageLocation() : storageLocation();
    }

    private String storageLocation() {
      return storageRoot == null
          ? null
          : storageRoot + "/" + CatalogDao.MANAGED_FOLDER + "/schemas/" + id;
    }

    /** For the client; the document must have been stored before. */
    SchemaInfo info() {
      return document
          .setName(name)
          .setCatalogName(catalog.name())
          .setFullName(fullName())
          .setSchemaId(id)
          .setMetastoreId(catalog.metastoreId())
          .setCatalogType(catalog.document().getCatalogType())
          .setStorageRoot(storageRoot)
          .setStorageLocation(storageLocation());
    }

    Row with(String newName, SchemaInfo newDocument) {
      return new Row(id, catalog, newName, storageRoot, newDocument);
    }
  }

  private SchemaDao() {}

  static void insert(Handle handle, Row schema) {
    handle
        .createUpdate(
            """
            INSERT INTO catalog_schema (schema_id, catalog_id, schema_name, storage_root, document)
            VALUES (:id, :catalog, :name, :root, :json)
            """)
        .bind("id", schema.id)
        .bind("catalog", schema.catalog.id())
        .bind("name", schema.name)
        .bind("root", schema.storageRoot)
        .bind("json", Json.write(schema.document))
        .execute();
  }

  static void update(Handle handle, Row schema) {
    handle
        .createUpdate(
            """
            UPDATE catalog_schema SET schema_name = :name, document = :json
            WHERE schema_id = :id
            """)
        .bind("id", schema.id)
        .bind("name", schema.name)
        .bind("json", Json.write(schema.document))
        .execute();
  }

  /** Its tables must be gone: the foreign key sees to that. */
  static void delete(Handle handle, Row schema) {
    handle
        .createUpdate("DELETE FROM catalog_schema WHERE schema_id = :id")
        .bind("id", schema.id)
        .execute();
  }

  /**
   * @throws NotFound the catalog or the schema does not exist, as far as this workspace can see
   */
  static Row get(Handle handle, long workspaceId, String catalogName, String name) {
    CatalogDao.Row catalog = CatalogDao.get(handle, workspaceId, catalogName);
    return find(handle, catalog, name)
        .orElseThrow(
            () ->
                new NotFound(
                    "SCHEMA_DOES_NOT_EXIST",
                    "Schema " + Names.shown(catalog.name() + "." + name) + " does not exist.",
                    null));
  }

  static Optional<Row> find(Handle handle, CatalogDao.Row catalog, String name) {
    return handle
        .createQuery(
            "SELECT * FROM catalog_schema WHERE catalog_id = :catalog AND schema_name = :name")
        .bind("catalog", catalog.id())
        .bind("name", name)
        .map((row, context) -> row(catalog, row))
        .findOne();
  }

  /** Schemas after {@code after} by name. */
  static List<Row> list(Handle handle, CatalogDao.Row catalog, String after, int limit) {
    return handle
        .createQuery(
            """
            SELECT * FROM catalog_schema WHERE catalog_id = :catalog AND schema_name > :after
            ORDER BY schema_name LIMIT :limit
            """)
        .bind("catalog", catalog.id())
        .bind("after", after)
        .bind("limit", limit)
        .map((row, context) -> row(catalog, row))
        .list();
  }

  private static Row row(CatalogDao.Row catalog, java.sql.ResultSet row)
      throws java.sql.SQLException {
    return new Row(
        row.getString("schema_id"),
        catalog,
        row.getString("schema_name"),
        row.getString("storage_root"),
        Json.read(row.getString("document"), SchemaInfo.class));
  }
}
