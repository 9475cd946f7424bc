package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.DeleteSchemaRequest;
import com.databricks.sdk.service.catalog.GetSchemaRequest;
import com.databricks.sdk.service.catalog.ListSchemasRequest;
import com.databricks.sdk.service.catalog.ListSchemasResponse;
import com.databricks.sdk.service.catalog.SchemaInfo;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.UpdateSchema;
import dev.tarn.access.Access;
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
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.Map;
import java.util.UUID;

/** {@code /api/2.1/unity-catalog/schemas}. */
public final class Schemas {
  private static final int PAGE = 1000;

  private final Access access;
  private final Clock clock;

  Schemas(Access access, Clock clock) {
    this.access = access;
    this.clock = clock;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public SchemaInfo create(Caller caller, CreateSchema request) {
    Catalogs.refuse("custom_max_retention_hours", request.getCustomMaxRetentionHours());
    String name = Names.valid("name", request.getName());
    String root =
        request.getStorageRoot() == null
            ? null
            : Paths.canonical("storage_root", request.getStorageRoot());
    SchemaInfo document =
        document(caller.name(), clock.millis())
            .setComment(request.getComment())
            .setProperties(request.getProperties());
    return access.write(
        caller,
        rights -> {
          Securable catalog = rights.get(SecurableType.CATALOG, request.getCatalogName());
          rights.require(Privilege.CREATE_SCHEMA, catalog);
          if (root != null) {
            Locations.requireGiven(rights, "storage_root", root, Privilege.CREATE_MANAGED_STORAGE);
            Locations.refuseOverlapWithData(rights.handle(), root);
          }
          return info(
              rights.insert(
                  Securable.of(
                      UUID.randomUUID().toString(),
                      SecurableType.SCHEMA,
                      "",
                      catalog,
                      name,
                      rights.principalId(),
                      root,
                      Json.write(document))));
        });
  }

  static SchemaInfo document(String by, long now) {
    return new SchemaInfo().setCreatedAt(now).setCreatedBy(by).setUpdatedAt(now).setUpdatedBy(by);
  }

  /** Below it new managed tables are put. */
  static String managedStorage(Securable schema) {
    return schema.storageLocation() == null
        ? Catalogs.managedStorage(schema.parent())
        : ownStorage(schema);
  }

  private static String ownStorage(Securable schema) {
    return schema.storageLocation() + "/" + Paths.MANAGED_FOLDER + "/schemas/" + schema.id();
  }

  static SchemaInfo info(Securable schema) {
    return Json.read(schema.document(), SchemaInfo.class)
        .setName(schema.name())
        .setCatalogName(schema.parent().name())
        .setFullName(schema.fullName())
        .setSchemaId(schema.id())
        .setOwner(schema.owner())
        .setMetastoreId(schema.metastoreId())
        .setCatalogType(Catalogs.document(schema.parent()).getCatalogType())
        .setStorageRoot(schema.storageLocation())
        .setStorageLocation(schema.storageLocation() == null ? null : ownStorage(schema));
  }

  private static SchemaInfo info(Rights rights, Securable schema, Boolean browse) {
    return info(schema).setBrowseOnly(rights.browseOnly(schema, browse));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  public SchemaInfo get(Caller caller, GetSchemaRequest request) {
    return access.read(
        caller,
        rights ->
            info(
                rights,
                rights.seen(
                    SecurableType.SCHEMA, request.getFullName(), request.getIncludeBrowse()),
                request.getIncludeBrowse()));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  public ListSchemasResponse list(Caller caller, ListSchemasRequest request) {
    int size = Page.size(request.getMaxResults(), PAGE, Page.ALL);
    return access.read(
        caller,
        rights -> {
          Page<Securable> page =
              rights.page(
                  rights.get(SecurableType.CATALOG, request.getCatalogName()),
                  SecurableType.SCHEMA,
                  "",
                  request.getIncludeBrowse(),
                  Page.after(request.getPageToken()),
                  size);
          return new ListSchemasResponse()
              .setSchemas(
                  page.items().stream()
                      .map(schema -> info(rights, schema, request.getIncludeBrowse()))
                      .toList())
              .setNextPageToken(page.next());
        });
  }

  /** By who owns it or something above, or has MANAGE. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public SchemaInfo update(Caller caller, UpdateSchema request, Presence presence) {
    Catalogs.refuse("custom_max_retention_hours", request.getCustomMaxRetentionHours());
    Catalogs.refuseOptimization(request.getEnablePredictiveOptimization());
    String newName = Names.validOrNull("new_name", request.getNewName());
    Long owner = access.principal(request.getOwner());
    return access.write(
        caller,
        rights -> {
          Securable before = rights.get(SecurableType.SCHEMA, request.getFullName());
          rights.requireOwn(before);
          SchemaInfo document =
              Json.read(before.document(), SchemaInfo.class)
                  .setUpdatedAt(clock.millis())
                  .setUpdatedBy(caller.name());
          if (presence.has("comment")) {
            document.setComment(request.getComment());
          }
          if (presence.has("properties")) {
            document.setProperties(request.getProperties());
          }
          if (request.getEnablePredictiveOptimization() != null) {
            document.setEnablePredictiveOptimization(request.getEnablePredictiveOptimization());
          }
          return info(
              rights.update(
                  before, before.named(newName).ownedBy(owner).with(Json.write(document))));
        });
  }

  /** It can be had back for {@link Dropped#KEPT}. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteSchemaRequest request) {
    access.write(
        caller,
        rights -> {
          Securable schema = rights.get(SecurableType.SCHEMA, request.getFullName());
          rights.requireOwn(schema);
          Map<SecurableType, Integer> counts = Securables.count(rights.handle(), schema);
          if (!counts.isEmpty() && !Boolean.TRUE.equals(request.getForce())) {
            throw new BadRequest(
                "SCHEMA_NOT_EMPTY",
                "Schema %s is not empty. The schema has %d tables(s), %d functions(s), %d volumes(s)"
                    .formatted(
                        Names.shown(schema.fullName()),
                        counts.getOrDefault(SecurableType.TABLE, 0),
                        counts.getOrDefault(SecurableType.FUNCTION, 0),
                        counts.getOrDefault(SecurableType.VOLUME, 0)),
                null);
          }
          Securables.drop(rights.handle(), schema, clock.millis());
          return null;
        });
  }
}
