package dev.tarn.catalog;

import com.databricks.sdk.service.catalog.MetastoreAssignment;
import com.databricks.sdk.service.catalog.MetastoreInfo;
import com.databricks.sdk.service.catalog.SecurableType;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Json;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.RowMapper;

/** Metastores and which workspace has which. */
final class MetastoreDao {
  private static final String SELECT =
      """
      SELECT m.*, COALESCE(CASE p.kind WHEN 'GROUP' THEN p.display_name ELSE p.name END, f.name)
        AS owner_name
      FROM metastore m JOIN securable s ON s.securable_id = m.metastore_id
      LEFT JOIN principal p ON p.principal_id = s.owner_id
      LEFT JOIN former_principal f ON f.principal_id = s.owner_id
      """;
  private static final RowMapper<MetastoreInfo> METASTORE =
      (row, context) ->
          Json.read(row.getString("document"), MetastoreInfo.class)
              .setMetastoreId(row.getString("metastore_id"))
              .setName(row.getString("metastore_name"))
              .setOwner(
                  row.getString("owner_name") == null
                      ? Securable.SYSTEM
                      : row.getString("owner_name"))
              .setRegion(row.getString("region"))
              .setStorageRoot(row.getString("storage_root"));
  private static final RowMapper<MetastoreAssignment> ASSIGNMENT =
      (row, context) ->
          new MetastoreAssignment()
              .setWorkspaceId(row.getLong("workspace_id"))
              .setMetastoreId(row.getString("metastore_id"))
              .setDefaultCatalogName(row.getString("default_catalog_name"));

  private MetastoreDao() {}

  static void insert(Handle handle, MetastoreInfo metastore, Long ownerId) {
    handle
        .createUpdate(
            """
            INSERT INTO metastore
              (metastore_id, metastore_name, region, storage_root, catalogs_version, document)
            VALUES (:id, :name, :region, :root, 1, :document)
            """)
        .bind("id", metastore.getMetastoreId())
        .bind("name", metastore.getName())
        .bind("region", metastore.getRegion())
        .bind("root", metastore.getStorageRoot())
        .bind("document", document(metastore))
        .execute();
    Securables.insert(
        handle,
        new Securable(
            metastore.getMetastoreId(),
            metastore.getMetastoreId(),
            SecurableType.METASTORE,
            "",
            null,
            metastore.getName(),
            ownerId,
            null,
            metastore.getStorageRoot(),
            null,
            false,
            false,
            null,
            "{}"));
  }

  static void update(Handle handle, MetastoreInfo metastore) {
    handle
        .createUpdate("UPDATE metastore SET document = :document WHERE metastore_id = :id")
        .bind("id", metastore.getMetastoreId())
        .bind("document", document(metastore))
        .execute();
  }

  private static String document(MetastoreInfo metastore) {
    MetastoreInfo rest = Json.read(Json.write(metastore), MetastoreInfo.class);
    return Json.write(
        rest.setMetastoreId(null)
            .setName(null)
            .setRegion(null)
            .setStorageRoot(null)
            .setOwner(null));
  }

  static Optional<MetastoreInfo> find(Handle handle, String id) {
    return handle
        .createQuery(SELECT + "WHERE m.metastore_id = :id")
        .bind("id", id)
        .map(METASTORE)
        .findOne();
  }

  static Optional<MetastoreInfo> ofRegion(Handle handle, String region) {
    return handle
        .createQuery(SELECT + "WHERE m.region = :region")
        .bind("region", region)
        .map(METASTORE)
        .findOne();
  }

  static List<MetastoreInfo> list(Handle handle) {
    return handle.createQuery(SELECT + "ORDER BY m.metastore_name").map(METASTORE).list();
  }

  static void delete(Handle handle, String id) {
    Securables.delete(handle, Securables.find(handle, id).orElseThrow());
    handle.createUpdate("DELETE FROM metastore WHERE metastore_id = :id").bind("id", id).execute();
  }

  static void assign(Handle handle, long workspaceId, String metastoreId, String defaultCatalog) {
    handle
        .createUpdate(
            """
            INSERT INTO metastore_assignment (workspace_id, metastore_id, default_catalog_name)
            VALUES (:workspace, :metastore, :catalog)
            ON CONFLICT (workspace_id) DO UPDATE
            SET metastore_id = excluded.metastore_id,
                default_catalog_name = excluded.default_catalog_name,
                defaults_given = metastore_assignment.defaults_given
                  AND metastore_assignment.metastore_id = excluded.metastore_id
            """)
        .bind("workspace", workspaceId)
        .bind("metastore", metastoreId)
        .bind("catalog", defaultCatalog)
        .execute();
  }

  static int unassign(Handle handle, long workspaceId) {
    return handle
        .createUpdate("DELETE FROM metastore_assignment WHERE workspace_id = :workspace")
        .bind("workspace", workspaceId)
        .execute();
  }

  static Optional<MetastoreAssignment> assignment(Handle handle, long workspaceId) {
    return handle
        .createQuery("SELECT * FROM metastore_assignment WHERE workspace_id = :workspace")
        .bind("workspace", workspaceId)
        .map(ASSIGNMENT)
        .findOne();
  }

  static List<Long> workspaces(Handle handle, String metastoreId) {
    return handle
        .createQuery(
            """
            SELECT workspace_id FROM metastore_assignment WHERE metastore_id = :metastore
            ORDER BY workspace_id
            """)
        .bind("metastore", metastoreId)
        .mapTo(Long.class)
        .list();
  }

  static void renameDefault(Handle handle, String metastoreId, String from, String to) {
    handle
        .createUpdate(
            """
            UPDATE metastore_assignment SET default_catalog_name = :to
            WHERE metastore_id = :metastore AND default_catalog_name = :from
            """)
        .bind("metastore", metastoreId)
        .bind("from", from)
        .bind("to", to)
        .execute();
  }

  /** Notes that a workspace was given what each starts with; false when it had been already. */
  static boolean giveDefaults(Handle handle, long workspaceId) {
    return handle
            .createUpdate(
                """
                UPDATE metastore_assignment SET defaults_given = TRUE
                WHERE workspace_id = :workspace AND NOT defaults_given
                """)
            .bind("workspace", workspaceId)
            .execute()
        == 1;
  }

  /** Workspaces that were not given it yet. */
  static List<Long> withoutDefaults(Handle handle) {
    return handle
        .createQuery("SELECT workspace_id FROM metastore_assignment WHERE NOT defaults_given")
        .mapTo(Long.class)
        .list();
  }
}
