package dev.tarn.catalog;

import static dev.tarn.access.Privilege.ALL_PRIVILEGES;
import static dev.tarn.access.Privilege.CREATE_CATALOG;
import static dev.tarn.access.Privilege.CREATE_CONNECTION;
import static dev.tarn.access.Privilege.CREATE_EXTERNAL_LOCATION;
import static dev.tarn.access.Privilege.CREATE_FUNCTION;
import static dev.tarn.access.Privilege.CREATE_MATERIALIZED_VIEW;
import static dev.tarn.access.Privilege.CREATE_MODEL;
import static dev.tarn.access.Privilege.CREATE_SERVICE_CREDENTIAL;
import static dev.tarn.access.Privilege.CREATE_STORAGE_CREDENTIAL;
import static dev.tarn.access.Privilege.CREATE_TABLE;
import static dev.tarn.access.Privilege.CREATE_VOLUME;
import static dev.tarn.access.Privilege.MANAGE;
import static dev.tarn.access.Privilege.SELECT;
import static dev.tarn.access.Privilege.USE_CATALOG;
import static dev.tarn.access.Privilege.USE_SCHEMA;

import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.WorkspaceBindingBindingType;
import dev.tarn.access.Bindings;
import dev.tarn.access.Grants;
import dev.tarn.access.People;
import dev.tarn.access.Privilege;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Json;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * What everybody has to begin with, as the platform gives it to workspaces that it enables by
 * itself. A workspace is given it once: what an administrator takes back stays taken.
 */
final class Defaults {
  private static final List<Privilege> OF_ADMINS =
      List.of(
          CREATE_CATALOG,
          CREATE_EXTERNAL_LOCATION,
          CREATE_STORAGE_CREDENTIAL,
          CREATE_SERVICE_CREDENTIAL,
          CREATE_CONNECTION);
  private static final List<Privilege> IN_DEFAULT_SCHEMA =
      List.of(
          USE_SCHEMA,
          CREATE_TABLE,
          CREATE_VOLUME,
          CREATE_MODEL,
          CREATE_FUNCTION,
          CREATE_MATERIALIZED_VIEW);

  private Defaults() {}

  /** In the catalogs that a metastore comes with. */
  static void ofMetastore(
      Handle handle, Securable main, Securable samples, long everybody, long now) {
    give(handle, main, everybody, List.of(USE_CATALOG), now);
    give(handle, samples, everybody, List.of(USE_CATALOG, USE_SCHEMA, SELECT), now);
  }

  private static void give(
      Handle handle, Securable securable, long principal, List<Privilege> privileges, long now) {
    Grants.give(handle, securable, principal, privileges, Securable.SYSTEM, now);
  }

  /** Of a workspace in its metastore, unless it was given before. */
  static void ofWorkspace(Handle handle, Catalog.Place place, People.Groups groups, long now) {
    if (!MetastoreDao.giveDefaults(handle, place.workspaceId())) {
      return;
    }
    Securable metastore = Securables.metastoreOf(handle, place.workspaceId()).orElseThrow();
    give(handle, metastore, groups.admins(), OF_ADMINS, now);
    Securables.child(handle, metastore, SecurableType.CATALOG, "main")
        .ifPresent(
            main -> give(handle, main, groups.admins(), List.of(ALL_PRIVILEGES, MANAGE), now));
    rootLocation(handle, metastore, place, groups, now);
    workspaceCatalog(handle, place.workspaceId())
        .filter(catalog -> catalog.metastoreId().equals(metastore.id()))
        .ifPresent(catalog -> ofWorkspaceCatalog(handle, catalog, groups, now));
  }

  /** The root bucket as an external location of the workspace alone. */
  private static void rootLocation(
      Handle handle, Securable metastore, Catalog.Place place, People.Groups groups, long now) {
    String name = "workspace_" + place.workspaceId();
    String document =
        Json.write(
            Map.of(
                "comment",
                "Root bucket of the workspace " + place.name(),
                "created_at",
                now,
                "created_by",
                Securable.SYSTEM,
                "updated_at",
                now,
                "updated_by",
                Securable.SYSTEM));
    Securable credential =
        child(
            handle,
            Securable.of(
                UUID.randomUUID().toString(),
                SecurableType.CREDENTIAL,
                "STORAGE",
                metastore,
                name,
                groups.admins(),
                null,
                document),
            place);
    child(
        handle,
        Securable.of(
                UUID.randomUUID().toString(),
                SecurableType.EXTERNAL_LOCATION,
                "",
                metastore,
                name,
                groups.admins(),
                "s3://" + place.rootBucket(),
                document)
            .using(credential.id()),
        place);
  }

  private static Securable child(Handle handle, Securable wanted, Catalog.Place place) {
    return Securables.child(handle, wanted.parent(), wanted.type(), wanted.name())
        .orElseGet(
            () -> {
              Securable made = Securables.insert(handle, wanted.isolated(true));
              Bindings.bind(
                  handle,
                  made,
                  place.workspaceId(),
                  WorkspaceBindingBindingType.BINDING_TYPE_READ_WRITE);
              return made;
            });
  }

  /** Its admins own the catalog of a workspace; its users work in the schema {@code default}. */
  static void ofWorkspaceCatalog(Handle handle, Securable catalog, People.Groups groups, long now) {
    own(handle, catalog, groups);
    give(handle, catalog, groups.users(), List.of(USE_CATALOG), now);
    Securables.child(handle, catalog, SecurableType.SCHEMA, "default")
        .ifPresent(
            schema -> {
              own(handle, schema, groups);
              give(handle, schema, groups.users(), IN_DEFAULT_SCHEMA, now);
            });
  }

  private static void own(Handle handle, Securable securable, People.Groups groups) {
    if (securable.ownerId() == null) {
      Securables.update(handle, securable, securable.ownedBy(groups.admins()));
    }
  }

  /** The catalog that a workspace came into the world with. */
  static Optional<Securable> workspaceCatalog(Handle handle, long workspaceId) {
    return handle
        .createQuery("SELECT securable_id FROM workspace_catalog WHERE workspace_id = :workspace")
        .bind("workspace", workspaceId)
        .mapTo(String.class)
        .findOne()
        .flatMap(id -> Securables.find(handle, id));
  }

  /** Takes away what {@link #ofWorkspace} made and goes with the workspace. */
  static void removeWorkspace(Handle handle, long workspaceId) {
    Securables.metastoreOf(handle, workspaceId)
        .ifPresent(
            metastore -> {
              for (SecurableType type :
                  List.of(SecurableType.EXTERNAL_LOCATION, SecurableType.CREDENTIAL)) {
                Securables.child(handle, metastore, type, "workspace_" + workspaceId)
                    .ifPresent(made -> Securables.delete(handle, made));
              }
            });
    handle
        .createUpdate("DELETE FROM workspace_binding WHERE workspace_id = :workspace")
        .bind("workspace", workspaceId)
        .execute();
  }
}
