package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.CatalogInfo;
import com.databricks.sdk.service.catalog.CatalogIsolationMode;
import com.databricks.sdk.service.catalog.SecurableType;
import dev.tarn.database.Json;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.RowMapper;

/** Catalogs, as a workspace sees them: those of its metastore that are not another's alone. */
final class CatalogDao {
  /** The folder below a storage root in which managed data lies, as the real service names it. */
  static final String MANAGED_FOLDER = "__unitystorage";

  /**
   * A catalog and what the API does not show of it.
   *
   * @param ownRoot whether the storage root is its own; else it is the metastore's
   * @param boundWorkspace the only workspace that sees it, or null
   */
  record Row(
      String id,
      String metastoreId,
      String name,
      String storageRoot,
      boolean ownRoot,
      boolean readOnly,
      Long boundWorkspace,
      Long workspaceCatalogOf,
      CatalogInfo document) {

    String storageLocation() {
      return storageRoot + "/" + MANAGED_FOLDER + "/catalogs/" + id;
    }

    /** For the client; the document must have been stored before. */
    CatalogInfo info() {
      return document
          .setName(name)
          .setFullName(name)
          .setMetastoreId(metastoreId)
          .setStorageRoot(storageRoot)
          .setStorageLocation(storageLocation())
          .setSecurableType(SecurableType.CATALOG)
          .setIsolationMode(
              boundWorkspace == null ? CatalogIsolationMode.OPEN : CatalogIsolationMode.ISOLATED);
    }

    Row with(String newName, Long newBinding, CatalogInfo newDocument) {
      return new Row(
          id,
          metastoreId,
          newName,
          storageRoot,
          ownRoot,
          readOnly,
          newBinding,
          workspaceCatalogOf,
          newDocument);
    }

    /** This row, when it may be written. */
    Row writable() {
      if (readOnly) {
        throw new PermissionDenied("Catalog '" + name + "' is read-only", null);
      }
      return this;
    }
  }

  private static final RowMapper<Row> ROW =
      (row, context) ->
          new Row(
              row.getString("catalog_id"),
              row.getString("metastore_id"),
              row.getString("catalog_name"),
              row.getString("storage_root"),
              row.getLong("own_root") == 1,
              row.getLong("read_only") == 1,
              longOrNull(row, "bound_workspace"),
              longOrNull(row, "workspace_catalog_of"),
              Json.read(row.getString("document"), CatalogInfo.class));

  private CatalogDao() {}

  private static Long longOrNull(java.sql.ResultSet row, String column)
      throws java.sql.SQLException {
    long value = row.getLong(column);
    return row.wasNull() ? null : value;
  }

  static void insert(Handle handle, Row catalog) {
    handle
        .createUpdate(
            """
            INSERT INTO catalog (catalog_id, metastore_id, catalog_name, storage_root, own_root,
              read_only, bound_workspace, workspace_catalog_of, document)
            VALUES (:id, :metastoreId, :name, :storageRoot, :own,
              :frozen, :boundWorkspace, :workspaceCatalogOf, :json)
            """)
        .bind("id", catalog.id)
        .bind("metastoreId", catalog.metastoreId)
        .bind("name", catalog.name)
        .bind("storageRoot", catalog.storageRoot)
        .bind("own", catalog.ownRoot ? 1 : 0)
        .bind("frozen", catalog.readOnly ? 1 : 0)
        .bind("boundWorkspace", catalog.boundWorkspace)
        .bind("workspaceCatalogOf", catalog.workspaceCatalogOf)
        .bind("json", Json.write(catalog.document))
        .execute();
    MetastoreDao.catalogsChanged(handle, catalog.metastoreId);
  }

  static void update(Handle handle, Row catalog) {
    handle
        .createUpdate(
            """
            UPDATE catalog
            SET catalog_name = :name, bound_workspace = :boundWorkspace, document = :json
            WHERE catalog_id = :id
            """)
        .bind("id", catalog.id)
        .bind("name", catalog.name)
        .bind("boundWorkspace", catalog.boundWorkspace)
        .bind("json", Json.write(catalog.document))
        .execute();
  }

  /** Its schemas must be gone: the foreign key sees to that. */
  static void delete(Handle handle, Row catalog) {
    handle
        .createUpdate("DELETE FROM catalog WHERE catalog_id = :id")
        .bind("id", catalog.id)
        .execute();
    MetastoreDao.catalogsChanged(handle, catalog.metastoreId);
  }

  /**
   * @throws NotFound it does not exist, as far as this workspace can see
   */
  static Row get(Handle handle, long workspaceId, String name) {
    return handle
        .createQuery(
            """
            SELECT c.* FROM catalog c
            JOIN metastore_assignment a ON a.metastore_id = c.metastore_id
            WHERE a.workspace_id = :workspace AND c.catalog_name = :name
              AND (c.bound_workspace IS NULL OR c.bound_workspace = :workspace)
            """)
        .bind("workspace", workspaceId)
        .bind("name", name)
        .map(ROW)
        .findOne()
        .orElseThrow(
            () ->
                new NotFound(
                    "CATALOG_DOES_NOT_EXIST",
                    "Catalog " + Names.shown(name) + " does not exist.",
                    null));
  }

  /** Catalogs after {@code after} by name. */
  static List<Row> list(Handle handle, long workspaceId, String after, int limit) {
    return handle
        .createQuery(
            """
            SELECT c.* FROM catalog c
            JOIN metastore_assignment a ON a.metastore_id = c.metastore_id
            WHERE a.workspace_id = :workspace AND c.catalog_name > :after
              AND (c.bound_workspace IS NULL OR c.bound_workspace = :workspace)
            ORDER BY c.catalog_name LIMIT :limit
            """)
        .bind("workspace", workspaceId)
        .bind("after", after)
        .bind("limit", limit)
        .map(ROW)
        .list();
  }

  static List<Row> ofMetastore(Handle handle, String metastoreId) {
    return handle
        .createQuery("SELECT * FROM catalog WHERE metastore_id = :id ORDER BY catalog_name")
        .bind("id", metastoreId)
        .map(ROW)
        .list();
  }

  static Optional<Row> named(Handle handle, String metastoreId, String name) {
    return handle
        .createQuery(
            "SELECT * FROM catalog WHERE metastore_id = :metastore AND catalog_name = :name")
        .bind("metastore", metastoreId)
        .bind("name", name)
        .map(ROW)
        .findOne();
  }

  static Optional<Row> ofWorkspace(Handle handle, long workspaceId) {
    return handle
        .createQuery("SELECT * FROM catalog WHERE workspace_catalog_of = :workspace")
        .bind("workspace", workspaceId)
        .map(ROW)
        .findOne();
  }
}
