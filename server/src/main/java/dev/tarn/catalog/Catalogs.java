package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.CatalogInfo;
import com.databricks.sdk.service.catalog.CatalogIsolationMode;
import com.databricks.sdk.service.catalog.CatalogType;
import com.databricks.sdk.service.catalog.CreateCatalog;
import com.databricks.sdk.service.catalog.DeleteCatalogRequest;
import com.databricks.sdk.service.catalog.EnablePredictiveOptimization;
import com.databricks.sdk.service.catalog.GetCatalogRequest;
import com.databricks.sdk.service.catalog.ListCatalogsRequest;
import com.databricks.sdk.service.catalog.ListCatalogsResponse;
import com.databricks.sdk.service.catalog.MetastoreInfo;
import com.databricks.sdk.service.catalog.UpdateCatalog;
import dev.tarn.database.Database;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.jdbi.v3.core.Handle;

/** {@code /api/2.1/unity-catalog/catalogs}. */
public final class Catalogs {
  private static final int PAGE = 1000;

  /** Names that Spark or the platform gives to catalogs of its own. */
  static final Set<String> RESERVED = Set.of("spark_catalog", "hive_metastore", "system");

  private final Database database;
  private final Trash trash;
  private final Clock clock;
  private final Catalog.Workspaces workspaces;
  private final Predicate<String> principals;

  Catalogs(
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

  /** A managed catalog with the schema {@code default}. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public CatalogInfo create(Caller caller, CreateCatalog request) {
    long workspace = Access.write(caller);
    refuse("connection_name", request.getConnectionName());
    refuse("provider_name", request.getProviderName());
    refuse("share_name", request.getShareName());
    refuse("options", request.getOptions());
    refuse("managed_encryption_settings", request.getManagedEncryptionSettings());
    refuse("custom_max_retention_hours", request.getCustomMaxRetentionHours());
    String name = notReserved(Names.valid("name", request.getName()));
    String root =
        request.getStorageRoot() == null
            ? null
            : Locations.given("storage_root", request.getStorageRoot(), workspaces.get(workspace));
    CatalogInfo document =
        document(caller.name(), clock.millis())
            .setComment(request.getComment())
            .setProperties(request.getProperties());
    return database.inTransaction(
        handle -> {
          MetastoreInfo metastore = Metastores.assigned(handle, workspace);
          if (root != null) {
            Locations.refuseOverlapWithTables(handle, root);
          }
          CatalogDao.Row catalog =
              new CatalogDao.Row(
                  UUID.randomUUID().toString(),
                  metastore.getMetastoreId(),
                  name,
                  root == null ? metastore.getStorageRoot() : root,
                  root != null,
                  false,
                  null,
                  null,
                  document);
          insert(handle, catalog, "default");
          return catalog.info();
        });
  }

  /** Stores a new catalog and its first schema. */
  static void insert(Handle handle, CatalogDao.Row catalog, String firstSchema) {
    try {
      CatalogDao.insert(handle, catalog);
    } catch (RuntimeException e) {
      throw existsAlready(e, catalog.name());
    }
    CatalogInfo made = catalog.document();
    SchemaDao.insert(
        handle,
        new SchemaDao.Row(
            UUID.randomUUID().toString(),
            catalog,
            firstSchema,
            null,
            Schemas.document(made.getOwner(), made.getCreatedAt())));
  }

  static CatalogInfo document(String owner, long now) {
    return new CatalogInfo()
        .setCatalogType(CatalogType.MANAGED_CATALOG)
        .setOwner(owner)
        .setCreatedAt(now)
        .setCreatedBy(owner)
        .setUpdatedAt(now)
        .setUpdatedBy(owner);
  }

  static RuntimeException existsAlready(RuntimeException e, String name) {
    return Database.isUniqueViolation(e)
        ? new BadRequest(
            "CATALOG_ALREADY_EXISTS", "Catalog " + Names.shown(name) + " already exists", null)
        : e;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  @Ignores("include_browse: there is no BROWSE privilege yet")
  public CatalogInfo get(Caller caller, GetCatalogRequest request) {
    long workspace = Access.read(caller);
    return database.read(
        handle -> CatalogDao.get(handle, workspace, Names.stored(request.getName())).info());
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  @Ignores({
    "include_browse: there is no BROWSE privilege yet",
    "include_unbound: catalogs of other workspaces are not shown"
  })
  public ListCatalogsResponse list(Caller caller, ListCatalogsRequest request) {
    long workspace = Access.read(caller);
    int size = Page.size(request.getMaxResults(), PAGE, Page.ALL);
    Page<CatalogDao.Row> page =
        Page.of(
            database.read(
                handle ->
                    CatalogDao.list(
                        handle, workspace, Page.after(request.getPageToken()), size + 1)),
            size,
            CatalogDao.Row::name);
    return new ListCatalogsResponse()
        .setCatalogs(page.items().stream().map(CatalogDao.Row::info).toList())
        .setNextPageToken(page.next());
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public CatalogInfo update(Caller caller, UpdateCatalog request, Presence presence) {
    long workspace = Access.write(caller);
    refuse("options", request.getOptions());
    refuse("managed_encryption_settings", request.getManagedEncryptionSettings());
    refuse("custom_max_retention_hours", request.getCustomMaxRetentionHours());
    refuseOptimization(request.getEnablePredictiveOptimization());
    String newName =
        request.getNewName() == null
            ? null
            : notReserved(Names.valid("new_name", request.getNewName()));
    String owner = owner(request.getOwner(), principals);
    return database.inTransaction(
        handle -> {
          CatalogDao.Row before =
              CatalogDao.get(handle, workspace, Names.stored(request.getName())).writable();
          CatalogInfo document =
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
          Long binding = binding(before, request.getIsolationMode(), workspace);
          CatalogDao.Row after =
              before.with(newName == null ? before.name() : newName, binding, document);
          try {
            CatalogDao.update(handle, after);
          } catch (RuntimeException e) {
            throw existsAlready(e, newName);
          }
          MetastoreDao.renameDefault(handle, before.metastoreId(), before.name(), after.name());
          MetastoreDao.catalogsChanged(handle, before.metastoreId());
          return after.info();
        });
  }

  /** As on the platform, a catalog that becomes ISOLATED is bound to where that was asked. */
  private static Long binding(CatalogDao.Row before, CatalogIsolationMode mode, long workspace) {
    if (mode == null) {
      return before.boundWorkspace();
    }
    if (mode == CatalogIsolationMode.OPEN) {
      return null;
    }
    return before.boundWorkspace() == null ? Long.valueOf(workspace) : before.boundWorkspace();
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteCatalogRequest request) {
    long workspace = Access.write(caller);
    database.inTransaction(
        handle -> {
          CatalogDao.Row catalog =
              CatalogDao.get(handle, workspace, Names.stored(request.getName())).writable();
          if (!Boolean.TRUE.equals(request.getForce())
              && !SchemaDao.list(handle, catalog, "", 1).isEmpty()) {
            throw new BadRequest(
                "CATALOG_NOT_EMPTY",
                "Catalog " + Names.shown(catalog.name()) + " is not empty",
                null);
          }
          deleteWithContent(handle, catalog, trash);
          return null;
        });
    trash.wake();
  }

  static void deleteWithContent(Handle handle, CatalogDao.Row catalog, Trash trash) {
    for (SchemaDao.Row schema : SchemaDao.list(handle, catalog, "", Page.ALL)) {
      Schemas.deleteWithContent(handle, schema, trash);
    }
    CatalogDao.delete(handle, catalog);
  }

  private static String notReserved(String name) {
    if (RESERVED.contains(name)) {
      throw new InvalidParameterValue(
          "name: '" + name + "' (expected: a name that the platform does not use itself)", null);
    }
    return name;
  }

  /**
   * @throws NotFound nobody has that name
   */
  static String owner(String owner, Predicate<String> principals) {
    if (owner != null && !principals.test(owner)) {
      throw new NotFound(
          "PRINCIPAL_DOES_NOT_EXIST",
          "Could not find principal with name " + Names.shown(owner),
          null);
    }
    return owner;
  }

  static void refuseOptimization(EnablePredictiveOptimization asked) {
    if (asked == EnablePredictiveOptimization.ENABLE) {
      throw new InvalidParameterValue(
          "enable_predictive_optimization: ENABLE (expected: DISABLE or INHERIT; nothing is"
              + " optimized in the background here)",
          null);
    }
  }

  /** A field whose promise cannot be kept is an error, not a silence. */
  static void refuse(String field, Object value) {
    boolean given =
        switch (value) {
          case null -> false;
          case String text -> !text.isEmpty();
          case Map<?, ?> map -> !map.isEmpty();
          case List<?> list -> !list.isEmpty();
          default -> true;
        };
    if (given) {
      throw new InvalidParameterValue(field + ": is not supported here (expected: left out)", null);
    }
  }
}
