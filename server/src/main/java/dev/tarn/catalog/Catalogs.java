package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.catalog.CatalogInfo;
import com.databricks.sdk.service.catalog.CatalogIsolationMode;
import com.databricks.sdk.service.catalog.CatalogType;
import com.databricks.sdk.service.catalog.CreateCatalog;
import com.databricks.sdk.service.catalog.DeleteCatalogRequest;
import com.databricks.sdk.service.catalog.EnablePredictiveOptimization;
import com.databricks.sdk.service.catalog.GetCatalogRequest;
import com.databricks.sdk.service.catalog.ListCatalogsRequest;
import com.databricks.sdk.service.catalog.ListCatalogsResponse;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.UpdateCatalog;
import dev.tarn.access.Access;
import dev.tarn.access.Bindings;
import dev.tarn.access.Names;
import dev.tarn.access.Page;
import dev.tarn.access.Paths;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** {@code /api/2.1/unity-catalog/catalogs}. */
public final class Catalogs {
  private static final int PAGE = 1000;

  /** Names that Spark or the platform gives to catalogs of its own. */
  static final Set<String> RESERVED = Set.of("spark_catalog", "hive_metastore", "system");

  private final Access access;
  private final Trash trash;
  private final Clock clock;

  Catalogs(Access access, Trash trash, Clock clock) {
    this.access = access;
    this.trash = trash;
    this.clock = clock;
  }

  /** A managed catalog with the schema {@code default}. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public CatalogInfo create(Caller caller, CreateCatalog request) {
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
            : Paths.canonical("storage_root", request.getStorageRoot());
    CatalogInfo document =
        document(caller.name(), clock.millis())
            .setComment(request.getComment())
            .setProperties(request.getProperties());
    return access.write(
        caller,
        rights -> {
          rights.require(Privilege.CREATE_CATALOG, rights.metastore());
          if (root != null) {
            Locations.requireGiven(rights, "storage_root", root, Privilege.CREATE_MANAGED_STORAGE);
            Locations.refuseOverlapWithData(rights.handle(), root);
          }
          return info(
              insert(
                  rights.handle(),
                  Securable.of(
                      UUID.randomUUID().toString(),
                      SecurableType.CATALOG,
                      "",
                      rights.metastore(),
                      name,
                      rights.principalId(),
                      root,
                      Json.write(document)),
                  "default"));
        });
  }

  /** Stores a new catalog and its first schema. */
  static Securable insert(Handle handle, Securable catalog, String firstSchema) {
    Securable made;
    try {
      made = Securables.insert(handle, catalog);
    } catch (RuntimeException e) {
      throw Securables.taken(e, catalog);
    }
    CatalogInfo document = document(made);
    Securables.insert(
        handle,
        Securable.of(
            UUID.randomUUID().toString(),
            SecurableType.SCHEMA,
            "",
            made,
            firstSchema,
            made.ownerId(),
            null,
            Json.write(Schemas.document(document.getCreatedBy(), document.getCreatedAt()))));
    return made;
  }

  static CatalogInfo document(String by, long now) {
    return new CatalogInfo()
        .setCatalogType(CatalogType.MANAGED_CATALOG)
        .setCreatedAt(now)
        .setCreatedBy(by)
        .setUpdatedAt(now)
        .setUpdatedBy(by);
  }

  static CatalogInfo document(Securable catalog) {
    return Json.read(catalog.document(), CatalogInfo.class);
  }

  /** Its own root, or the metastore's. */
  static String root(Securable catalog) {
    return catalog.storageLocation() == null
        ? catalog.parent().storageLocation()
        : catalog.storageLocation();
  }

  /** Below it managed tables are put, unless their schema has a root of its own. */
  static String managedStorage(Securable catalog) {
    return root(catalog) + "/" + Paths.MANAGED_FOLDER + "/catalogs/" + catalog.id();
  }

  static CatalogInfo info(Securable catalog) {
    return document(catalog)
        .setName(catalog.name())
        .setFullName(catalog.name())
        .setOwner(catalog.owner())
        .setMetastoreId(catalog.metastoreId())
        .setStorageRoot(root(catalog))
        .setStorageLocation(managedStorage(catalog))
        .setSecurableType(SecurableType.CATALOG)
        .setIsolationMode(
            catalog.isolated() ? CatalogIsolationMode.ISOLATED : CatalogIsolationMode.OPEN);
  }

  /** As the caller sees it: who has no more than BROWSE is told so. */
  private static CatalogInfo info(Rights rights, Securable catalog, Boolean browse) {
    return info(catalog).setBrowseOnly(rights.browseOnly(catalog, browse));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  public CatalogInfo get(Caller caller, GetCatalogRequest request) {
    return access.read(
        caller,
        rights ->
            info(
                rights,
                rights.seen(SecurableType.CATALOG, request.getName(), request.getIncludeBrowse()),
                request.getIncludeBrowse()));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  @Ignores("include_unbound: catalogs of other workspaces are not shown")
  public ListCatalogsResponse list(Caller caller, ListCatalogsRequest request) {
    int size = Page.size(request.getMaxResults(), PAGE, Page.ALL);
    return access.read(
        caller,
        rights -> {
          Page<Securable> page =
              rights.page(
                  rights.metastore(),
                  SecurableType.CATALOG,
                  "",
                  request.getIncludeBrowse(),
                  Page.after(request.getPageToken()),
                  size);
          return new ListCatalogsResponse()
              .setCatalogs(
                  page.items().stream()
                      .map(catalog -> info(rights, catalog, request.getIncludeBrowse()))
                      .toList())
              .setNextPageToken(page.next());
        });
  }

  /** By who owns it, or has MANAGE. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public CatalogInfo update(Caller caller, UpdateCatalog request, Presence presence) {
    refuse("options", request.getOptions());
    refuse("managed_encryption_settings", request.getManagedEncryptionSettings());
    refuse("custom_max_retention_hours", request.getCustomMaxRetentionHours());
    refuseOptimization(request.getEnablePredictiveOptimization());
    String newName =
        request.getNewName() == null
            ? null
            : notReserved(Names.valid("new_name", request.getNewName()));
    Long owner = access.principal(request.getOwner());
    return access.write(
        caller,
        rights -> {
          Securable before = rights.get(SecurableType.CATALOG, request.getName());
          rights.requireOwn(before);
          CatalogInfo document =
              document(before).setUpdatedAt(clock.millis()).setUpdatedBy(caller.name());
          if (presence.has("comment")) {
            document.setComment(request.getComment());
          }
          if (presence.has("properties")) {
            document.setProperties(request.getProperties());
          }
          if (request.getEnablePredictiveOptimization() != null) {
            document.setEnablePredictiveOptimization(request.getEnablePredictiveOptimization());
          }
          Handle handle = rights.handle();
          Securable after = before.named(newName).ownedBy(owner).with(Json.write(document));
          if (request.getIsolationMode() != null) {
            after =
                Bindings.isolate(
                    handle,
                    after,
                    request.getIsolationMode() == CatalogIsolationMode.ISOLATED,
                    rights.workspaceId());
          }
          after = rights.update(before, after);
          if (!Objects.equals(before.name(), after.name())) {
            MetastoreDao.renameDefault(handle, before.metastoreId(), before.name(), after.name());
          }
          return info(after);
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteCatalogRequest request) {
    access.write(
        caller,
        rights -> {
          Securable catalog = rights.get(SecurableType.CATALOG, request.getName());
          rights.requireOwn(catalog);
          if (!Boolean.TRUE.equals(request.getForce())
              && !Securables.count(rights.handle(), catalog).isEmpty()) {
            throw new BadRequest(
                "CATALOG_NOT_EMPTY",
                "Catalog " + Names.shown(catalog.name()) + " is not empty",
                null);
          }
          trash.delete(rights.handle(), catalog);
          return null;
        });
    trash.wake();
  }

  private static String notReserved(String name) {
    if (RESERVED.contains(name)) {
      throw new InvalidParameterValue(
          "name: '" + name + "' (expected: a name that the platform does not use itself)", null);
    }
    return name;
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
