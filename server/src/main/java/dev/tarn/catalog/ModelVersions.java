package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.DeleteModelVersionRequest;
import com.databricks.sdk.service.catalog.GetByAliasRequest;
import com.databricks.sdk.service.catalog.GetModelVersionRequest;
import com.databricks.sdk.service.catalog.ListModelVersionsRequest;
import com.databricks.sdk.service.catalog.ListModelVersionsResponse;
import com.databricks.sdk.service.catalog.ModelVersionInfo;
import com.databricks.sdk.service.catalog.ModelVersionInfoStatus;
import com.databricks.sdk.service.catalog.UpdateModelVersionRequest;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Page;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Operation;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.UUID;

/**
 * {@code /api/2.1/unity-catalog/models/{full_name}/versions}. A version is pending until who makes
 * it has put its files in its place and says so; the calls for both are those of the open Unity
 * Catalog, as the SDK has none.
 */
public final class ModelVersions {
  private static final int PAGE = 100;

  private final Access access;
  private final Trash trash;
  private final Clock clock;

  ModelVersions(Access access, Trash trash, Clock clock) {
    this.access = access;
    this.trash = trash;
    this.clock = clock;
  }

  public record NewVersion(
      String catalogName,
      String schemaName,
      String modelName,
      String source,
      String runId,
      Long runWorkspaceId,
      String comment) {}

  @Operation("POST /api/2.1/unity-catalog/models/versions")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ModelVersionInfo create(Caller caller, NewVersion request) {
    if (request.source() == null || request.source().isBlank()) {
      throw new InvalidParameterValue(
          "source: " + Names.shown(request.source()) + " (expected: where the model comes from)",
          null);
    }
    long now = clock.millis();
    return access.write(
        caller,
        rights -> {
          Securable model =
              Models.get(
                  rights,
                  request.catalogName() + "." + request.schemaName() + "." + request.modelName());
          rights.require(Privilege.CREATE_MODEL_VERSION, model);
          String id = UUID.randomUUID().toString();
          ModelVersionInfo document =
              new ModelVersionInfo()
                  .setId(id)
                  .setVersion(ModelVersionDao.nextVersion(rights.handle(), model))
                  .setStatus(ModelVersionInfoStatus.PENDING_REGISTRATION)
                  .setStorageLocation(model.storageLocation() + "/versions/" + id)
                  .setSource(request.source())
                  .setRunId(request.runId())
                  .setRunWorkspaceId(request.runWorkspaceId())
                  .setComment(request.comment())
                  .setCreatedAt(now)
                  .setCreatedBy(caller.name())
                  .setUpdatedAt(now)
                  .setUpdatedBy(caller.name());
          ModelVersionDao.insert(rights.handle(), model, document);
          return info(model, document);
        });
  }

  public record Finalized(String fullName, Long version) {}

  /** Says that all files are in their place. */
  @Operation("PATCH /api/2.1/unity-catalog/models/{full_name}/versions/{version}/finalize")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ModelVersionInfo complete(Caller caller, Finalized request) {
    return access.write(
        caller,
        rights -> {
          Securable model = Models.get(rights, request.fullName());
          rights.require(Privilege.CREATE_MODEL_VERSION, model);
          ModelVersionInfo version = find(rights, model, request.version());
          if (version.getStatus() != ModelVersionInfoStatus.PENDING_REGISTRATION) {
            throw new InvalidState(
                "Version "
                    + request.version()
                    + " of model "
                    + Names.shown(model.fullName())
                    + " is "
                    + version.getStatus()
                    + " (expected: PENDING_REGISTRATION)",
                null);
          }
          version
              .setStatus(ModelVersionInfoStatus.READY)
              .setUpdatedAt(clock.millis())
              .setUpdatedBy(caller.name());
          ModelVersionDao.update(rights.handle(), model, version);
          return info(model, version);
        });
  }

  /**
   * @throws NotFound the model has no version of that number
   */
  static ModelVersionInfo find(Rights rights, Securable model, Long version) {
    return ModelVersionDao.find(rights.handle(), model, version == null ? 0 : version)
        .orElseThrow(() -> missing(model, "version " + version));
  }

  static NotFound missing(Securable model, String what) {
    return new NotFound(
        "RESOURCE_DOES_NOT_EXIST",
        "Registered model " + Names.shown(model.fullName()) + " has no " + what + ".",
        null);
  }

  private static ModelVersionInfo info(Securable model, ModelVersionInfo document) {
    return document
        .setModelName(model.name())
        .setSchemaName(model.parent().name())
        .setCatalogName(model.parent().parent().name())
        .setMetastoreId(model.metastoreId());
  }

  private static ModelVersionInfo info(
      Rights rights, Securable model, Long number, Boolean includeAliases) {
    ModelVersionInfo version = info(model, find(rights, model, number));
    return Boolean.TRUE.equals(includeAliases)
        ? version.setAliases(
            ModelVersionDao.aliases(rights.handle(), model).stream()
                .filter(alias -> alias.getVersionNum().equals(number))
                .toList())
        : version;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ModelVersionInfo get(Caller caller, GetModelVersionRequest request) {
    return access.read(
        caller,
        rights ->
            info(
                rights,
                Models.seen(rights, request.getFullName(), request.getIncludeBrowse()),
                request.getVersion(),
                request.getIncludeAliases()));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ModelVersionInfo getByAlias(Caller caller, GetByAliasRequest request) {
    return access.read(
        caller,
        rights -> {
          Securable model = Models.seen(rights, request.getFullName(), false);
          Long version =
              ModelVersionDao.ofAlias(rights.handle(), model, Names.stored(request.getAlias()))
                  .orElseThrow(() -> missing(model, "alias " + Names.shown(request.getAlias())));
          return info(rights, model, version, request.getIncludeAliases());
        });
  }

  /** The newest first. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ListModelVersionsResponse list(Caller caller, ListModelVersionsRequest request) {
    int size = Page.size(request.getMaxResults(), PAGE, PAGE);
    String token = Page.after(request.getPageToken());
    if (!token.matches("[0-9]{0,18}")) {
      throw new InvalidParameterValue(
          "page_token: " + Names.shown(token) + " (expected: one that an answer had)", null);
    }
    long before = token.isEmpty() ? Long.MAX_VALUE : Long.parseLong(token);
    return access.read(
        caller,
        rights -> {
          Securable model = Models.seen(rights, request.getFullName(), request.getIncludeBrowse());
          Page<ModelVersionInfo> page =
              Page.of(
                  ModelVersionDao.before(rights.handle(), model, before, size + 1),
                  size,
                  version -> Long.toString(version.getVersion()));
          return new ListModelVersionsResponse()
              .setModelVersions(page.items().stream().map(version -> info(model, version)).toList())
              .setNextPageToken(page.next());
        });
  }

  /** The comment is all that changes. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores({
    "catalog_name: is in the full name",
    "created_at: is an answer's field",
    "created_by: is an answer's field",
    "id: is an answer's field",
    "metastore_id: is the workspace's",
    "model_name: is in the full name",
    "run_id: is said when a version is made",
    "run_workspace_id: is said when a version is made",
    "schema_name: is in the full name",
    "source: is said when a version is made",
    "status: changes by finalize alone",
    "storage_location: is chosen when a version is made",
    "updated_at: is an answer's field",
    "updated_by: is an answer's field"
  })
  public ModelVersionInfo update(
      Caller caller, UpdateModelVersionRequest request, Presence presence) {
    Catalogs.refuse("aliases", request.getAliases());
    Catalogs.refuse("model_version_dependencies", request.getModelVersionDependencies());
    return access.write(
        caller,
        rights -> {
          Securable model = Models.get(rights, request.getFullName());
          rights.requireOwn(model);
          ModelVersionInfo version = find(rights, model, request.getVersion());
          if (presence.has("comment")) {
            version
                .setComment(request.getComment())
                .setUpdatedAt(clock.millis())
                .setUpdatedBy(caller.name());
            ModelVersionDao.update(rights.handle(), model, version);
          }
          return info(model, version);
        });
  }

  /** With its files and aliases; its number is not given again. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteModelVersionRequest request) {
    access.write(
        caller,
        rights -> {
          Securable model = Models.get(rights, request.getFullName());
          rights.requireOwn(model);
          ModelVersionInfo version = find(rights, model, request.getVersion());
          ModelVersionDao.delete(rights.handle(), model, version.getVersion());
          trash.add(rights.handle(), version.getStorageLocation());
          return null;
        });
    trash.wake();
  }
}
