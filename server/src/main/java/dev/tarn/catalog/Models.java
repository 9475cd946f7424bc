package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.CreateRegisteredModelRequest;
import com.databricks.sdk.service.catalog.DeleteAliasRequest;
import com.databricks.sdk.service.catalog.DeleteRegisteredModelRequest;
import com.databricks.sdk.service.catalog.GetRegisteredModelRequest;
import com.databricks.sdk.service.catalog.ListRegisteredModelsRequest;
import com.databricks.sdk.service.catalog.ListRegisteredModelsResponse;
import com.databricks.sdk.service.catalog.RegisteredModelAlias;
import com.databricks.sdk.service.catalog.RegisteredModelInfo;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.SetRegisteredModelAliasRequest;
import com.databricks.sdk.service.catalog.UpdateRegisteredModelRequest;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Page;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * {@code /api/2.1/unity-catalog/models}: registered models, whose files lie in managed storage. To
 * everything else they are functions of kind MODEL, with which they share names.
 */
public final class Models {
  static final String KIND = "MODEL";
  private static final int PAGE = 100;
  private static final Pattern ALIAS = Pattern.compile("[a-z0-9_-]{1,255}");
  private static final Pattern LIKE_A_VERSION = Pattern.compile("v?[0-9]+");

  private final Access access;
  private final Trash trash;
  private final Clock clock;

  Models(Access access, Trash trash, Clock clock) {
    this.access = access;
    this.trash = trash;
    this.clock = clock;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores({
    "browse_only: is an answer's field",
    "created_at: is an answer's field",
    "created_by: is an answer's field",
    "full_name: is made of the three names",
    "metastore_id: is the workspace's",
    "updated_at: is an answer's field",
    "updated_by: is an answer's field"
  })
  public RegisteredModelInfo create(Caller caller, CreateRegisteredModelRequest request) {
    Catalogs.refuse("storage_location", request.getStorageLocation());
    Catalogs.refuse("aliases", request.getAliases());
    String name = Names.valid("name", request.getName());
    Long owner = access.principal(request.getOwner());
    long now = clock.millis();
    RegisteredModelInfo document =
        new RegisteredModelInfo()
            .setComment(request.getComment())
            .setCreatedAt(now)
            .setCreatedBy(caller.name())
            .setUpdatedAt(now)
            .setUpdatedBy(caller.name());
    return access.write(
        caller,
        rights -> {
          Securable schema =
              rights.get(
                  SecurableType.SCHEMA, request.getCatalogName() + "." + request.getSchemaName());
          rights.require(Privilege.CREATE_MODEL, schema);
          String id = UUID.randomUUID().toString();
          Securable model =
              rights.insert(
                  Securable.of(
                          id,
                          SecurableType.FUNCTION,
                          KIND,
                          schema,
                          name,
                          rights.principalId(),
                          Schemas.managedStorage(schema) + "/models/" + id,
                          Json.write(document))
                      .ownedBy(owner));
          ModelVersionDao.insertModel(rights.handle(), model);
          return info(model);
        });
  }

  private static RegisteredModelInfo document(Securable model) {
    return Json.read(model.document(), RegisteredModelInfo.class);
  }

  private static RegisteredModelInfo info(Securable model) {
    return document(model)
        .setName(model.name())
        .setSchemaName(model.parent().name())
        .setCatalogName(model.parent().parent().name())
        .setFullName(model.fullName())
        .setStorageLocation(model.storageLocation())
        .setOwner(model.owner())
        .setMetastoreId(model.metastoreId());
  }

  private static RegisteredModelInfo info(Rights rights, Securable model, Boolean browse) {
    return info(model).setBrowseOnly(rights.browseOnly(model, browse));
  }

  /**
   * The model of that name, found as {@link Rights#get}.
   *
   * @throws NotFound also when it is a function
   */
  static Securable get(Rights rights, String fullName) {
    return model(rights.get(SecurableType.FUNCTION, fullName));
  }

  /** The same, of what the caller sees. */
  static Securable seen(Rights rights, String fullName, Boolean browse) {
    return model(rights.seen(SecurableType.FUNCTION, fullName, browse));
  }

  private static Securable model(Securable found) {
    if (!found.kind().equals(KIND)) {
      throw new NotFound(
          "RESOURCE_DOES_NOT_EXIST",
          "Registered model " + Names.shown(found.fullName()) + " does not exist: it is a function",
          null);
    }
    return found;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public RegisteredModelInfo get(Caller caller, GetRegisteredModelRequest request) {
    return access.read(
        caller,
        rights -> {
          Securable model = seen(rights, request.getFullName(), request.getIncludeBrowse());
          RegisteredModelInfo info = info(rights, model, request.getIncludeBrowse());
          return Boolean.TRUE.equals(request.getIncludeAliases())
              ? info.setAliases(ModelVersionDao.aliases(rights.handle(), model))
              : info;
        });
  }

  /** Of a schema, or of all schemas into which the caller sees. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ListRegisteredModelsResponse list(Caller caller, ListRegisteredModelsRequest request) {
    int size = Page.size(request.getMaxResults(), PAGE, PAGE);
    boolean one = request.getCatalogName() != null;
    if (one != (request.getSchemaName() != null)) {
      throw new InvalidParameterValue(
          "catalog_name and schema_name: one without the other (expected: both or neither)", null);
    }
    return access.read(
        caller,
        rights -> {
          Page<Securable> page =
              one
                  ? page(
                      rights,
                      request.getCatalogName() + "." + request.getSchemaName(),
                      request,
                      Page.after(request.getPageToken()),
                      size)
                  : everywhere(rights, request, size);
          return new ListRegisteredModelsResponse()
              .setRegisteredModels(
                  page.items().stream()
                      .map(model -> info(rights, model, request.getIncludeBrowse()))
                      .toList())
              .setNextPageToken(page.next());
        });
  }

  private static Page<Securable> page(
      Rights rights, String schema, ListRegisteredModelsRequest request, String after, int size) {
    return rights.page(
        rights.get(SecurableType.SCHEMA, schema),
        SecurableType.FUNCTION,
        KIND,
        request.getIncludeBrowse(),
        after,
        size);
  }

  /** Schema by schema, as each is asked for what the caller sees of it; a token is a full name. */
  private static Page<Securable> everywhere(
      Rights rights, ListRegisteredModelsRequest request, int size) {
    String token = Page.after(request.getPageToken());
    int end = token.lastIndexOf('.');
    String from = end < 0 ? "" : token.substring(0, end);
    List<Securable> found = new ArrayList<>();
    for (String schema :
        ModelVersionDao.schemasWithModels(rights.handle(), rights.metastore(), from)) {
      if (found.size() > size) {
        break;
      }
      String after = schema.equals(from) ? token.substring(end + 1) : "";
      try {
        found.addAll(page(rights, schema, request, after, size + 1 - found.size()).items());
      } catch (NotFound | PermissionDenied e) {
        // Not for the caller, who is not told of it.
      }
    }
    return Page.of(found, size, Securable::fullName);
  }

  /** By who owns it or something above, or has MANAGE. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores({
    "browse_only: is an answer's field",
    "catalog_name: is in the full name",
    "created_at: is an answer's field",
    "created_by: is an answer's field",
    "metastore_id: is the workspace's",
    "name: is in the full name",
    "schema_name: is in the full name",
    "storage_location: is chosen when a model is made",
    "updated_at: is an answer's field",
    "updated_by: is an answer's field"
  })
  public RegisteredModelInfo update(
      Caller caller, UpdateRegisteredModelRequest request, Presence presence) {
    Catalogs.refuse("aliases", request.getAliases());
    String newName = Names.validOrNull("new_name", request.getNewName());
    Long owner = access.principal(request.getOwner());
    return access.write(
        caller,
        rights -> {
          Securable before = get(rights, request.getFullName());
          rights.requireOwn(before);
          if (newName != null && !newName.equals(before.name())) {
            rights.require(Privilege.CREATE_MODEL, before.parent());
          }
          RegisteredModelInfo document =
              document(before).setUpdatedAt(clock.millis()).setUpdatedBy(caller.name());
          if (presence.has("comment")) {
            document.setComment(request.getComment());
          }
          return info(
              rights.update(
                  before, before.named(newName).ownedBy(owner).with(Json.write(document))));
        });
  }

  /** With all versions and their files: a model cannot be had back. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteRegisteredModelRequest request) {
    access.write(
        caller,
        rights -> {
          Securable model = get(rights, request.getFullName());
          rights.requireOwn(model);
          trash.delete(rights.handle(), model);
          return null;
        });
    trash.wake();
  }

  private static String alias(String given) {
    String alias = String.valueOf(given).toLowerCase(Locale.ROOT);
    if (!ALIAS.matcher(alias).matches()
        || LIKE_A_VERSION.matcher(alias).matches()
        || alias.equals("latest")) {
      throw new InvalidParameterValue(
          "alias: "
              + Names.shown(given)
              + " (expected: letters, digits, _ and -, not latest and not like a version)",
          null);
    }
    return alias;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public RegisteredModelAlias setAlias(Caller caller, SetRegisteredModelAliasRequest request) {
    String alias = alias(request.getAlias());
    if (request.getVersionNum() == null) {
      throw new InvalidParameterValue("version_num: null (expected: a version)", null);
    }
    return access.write(
        caller,
        rights -> {
          Securable model = get(rights, request.getFullName());
          rights.requireOwn(model);
          ModelVersions.find(rights, model, request.getVersionNum());
          ModelVersionDao.setAlias(rights.handle(), model, alias, request.getVersionNum());
          return ModelVersionDao.alias(model, alias, request.getVersionNum());
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void deleteAlias(Caller caller, DeleteAliasRequest request) {
    access.write(
        caller,
        rights -> {
          Securable model = get(rights, request.getFullName());
          rights.requireOwn(model);
          if (!ModelVersionDao.deleteAlias(
              rights.handle(), model, Names.stored(request.getAlias()))) {
            throw ModelVersions.missing(model, "alias " + Names.shown(request.getAlias()));
          }
          return null;
        });
  }
}
