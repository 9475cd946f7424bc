package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.DeleteSchemaRequest;
import com.databricks.sdk.service.catalog.GetSchemaRequest;
import com.databricks.sdk.service.catalog.ListSchemasRequest;
import com.databricks.sdk.service.catalog.ListSchemasResponse;
import com.databricks.sdk.service.catalog.SchemaInfo;
import com.databricks.sdk.service.catalog.UpdateSchema;
import dev.tarn.database.Database;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.UUID;
import java.util.function.Predicate;
import org.jdbi.v3.core.Handle;

/** {@code /api/2.1/unity-catalog/schemas}. */
public final class Schemas {
  private static final int PAGE = 1000;

  private final Database database;
  private final Trash trash;
  private final Clock clock;
  private final Catalog.Workspaces workspaces;
  private final Predicate<String> principals;

  Schemas(
      Database database,
      Trash trash,
      Clock clock,
      Catalog.Workspaces workspaces,
      Predicate<String> principals) {
    this.database = database;
    this.trash = trash;
    this.clock = clock;
    this.workspaces = workspaces;
    this.principals = principals;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public SchemaInfo create(Caller caller, CreateSchema request) {
    long workspace = Access.write(caller);
    Catalogs.refuse("custom_max_retention_hours", request.getCustomMaxRetentionHours());
    String name = Names.valid("name", request.getName());
    String root =
        request.getStorageRoot() == null
            ? null
            : Locations.given("storage_root", request.getStorageRoot(), workspaces.get(workspace));
    SchemaInfo document =
        document(caller.name(), clock.millis())
            .setComment(request.getComment())
            .setProperties(request.getProperties());
    return database.inTransaction(
        handle -> {
          CatalogDao.Row catalog =
              CatalogDao.get(handle, workspace, Names.stored(request.getCatalogName())).writable();
          if (root != null) {
            Locations.refuseOverlapWithTables(handle, root);
          }
          SchemaDao.Row schema =
              new SchemaDao.Row(UUID.randomUUID().toString(), catalog, name, root, document);
          try {
            SchemaDao.insert(handle, schema);
          } catch (RuntimeException e) {
            throw existsAlready(e, name);
          }
          return schema.info();
        });
  }

  static SchemaInfo document(String owner, long now) {
    return new SchemaInfo()
        .setOwner(owner)
        .setCreatedAt(now)
        .setCreatedBy(owner)
        .setUpdatedAt(now)
        .setUpdatedBy(owner);
  }

  private static RuntimeException existsAlready(RuntimeException e, String name) {
    return Database.isUniqueViolation(e)
        ? new BadRequest(
            "SCHEMA_ALREADY_EXISTS", "Schema " + Names.shown(name) + " already exists", null)
        : e;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  @Ignores("include_browse: there is no BROWSE privilege yet")
  public SchemaInfo get(Caller caller, GetSchemaRequest request) {
    long workspace = Access.read(caller);
    String[] names = Names.parts(request.getFullName(), 2);
    return database.read(handle -> SchemaDao.get(handle, workspace, names[0], names[1]).info());
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  @Ignores("include_browse: there is no BROWSE privilege yet")
  public ListSchemasResponse list(Caller caller, ListSchemasRequest request) {
    long workspace = Access.read(caller);
    int size = Page.size(request.getMaxResults(), PAGE, Page.ALL);
    Page<SchemaDao.Row> page =
        Page.of(
            database.read(
                handle ->
                    SchemaDao.list(
                        handle,
                        CatalogDao.get(handle, workspace, Names.stored(request.getCatalogName())),
                        Page.after(request.getPageToken()),
                        size + 1)),
            size,
            SchemaDao.Row::name);
    return new ListSchemasResponse()
        .setSchemas(page.items().stream().map(SchemaDao.Row::info).toList())
        .setNextPageToken(page.next());
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public SchemaInfo update(Caller caller, UpdateSchema request, Presence presence) {
    long workspace = Access.write(caller);
    Catalogs.refuse("custom_max_retention_hours", request.getCustomMaxRetentionHours());
    Catalogs.refuseOptimization(request.getEnablePredictiveOptimization());
    String[] names = Names.parts(request.getFullName(), 2);
    String newName =
        request.getNewName() == null ? null : Names.valid("new_name", request.getNewName());
    String owner = Catalogs.owner(request.getOwner(), principals);
    return database.inTransaction(
        handle -> {
          SchemaDao.Row before = SchemaDao.get(handle, workspace, names[0], names[1]);
          before.catalog().writable();
          SchemaInfo document =
              before.document().setUpdatedAt(clock.millis()).setUpdatedBy(caller.name());
          if (presence.has("comment")) {
            document.setComment(request.getComment());
          }
          if (presence.has("properties")) {
            document.setProperties(request.getProperties());
          }
          if (request.getEnablePredictiveOptimization() != null) {
            document.setEnablePredictiveOptimization(request.getEnablePredictiveOptimization());
          }
          if (owner != null) {
            document.setOwner(owner);
          }
          SchemaDao.Row after = before.with(newName == null ? before.name() : newName, document);
          try {
            SchemaDao.update(handle, after);
          } catch (RuntimeException e) {
            throw existsAlready(e, newName);
          }
          return after.info();
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteSchemaRequest request) {
    long workspace = Access.write(caller);
    String[] names = Names.parts(request.getFullName(), 2);
    database.inTransaction(
        handle -> {
          SchemaDao.Row schema = SchemaDao.get(handle, workspace, names[0], names[1]);
          schema.catalog().writable();
          int tables = TableDao.count(handle, schema);
          if (tables > 0 && !Boolean.TRUE.equals(request.getForce())) {
            throw new BadRequest(
                "SCHEMA_NOT_EMPTY",
                "Schema "
                    + Names.shown(schema.fullName())
                    + " is not empty. The schema has "
                    + tables
                    + " tables(s), 0 functions(s), 0 volumes(s)",
                null);
          }
          deleteWithContent(handle, schema, trash);
          return null;
        });
    trash.wake();
  }

  static void deleteWithContent(Handle handle, SchemaDao.Row schema, Trash trash) {
    TableDao.managedLocations(handle, schema).forEach(location -> trash.add(handle, location));
    TableDao.deleteAll(handle, schema);
    SchemaDao.delete(handle, schema);
  }
}
