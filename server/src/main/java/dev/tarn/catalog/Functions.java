package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.CreateFunction;
import com.databricks.sdk.service.catalog.CreateFunctionRequest;
import com.databricks.sdk.service.catalog.CreateFunctionRoutineBody;
import com.databricks.sdk.service.catalog.DeleteFunctionRequest;
import com.databricks.sdk.service.catalog.FunctionInfo;
import com.databricks.sdk.service.catalog.GetFunctionRequest;
import com.databricks.sdk.service.catalog.ListFunctionsRequest;
import com.databricks.sdk.service.catalog.ListFunctionsResponse;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.UpdateFunction;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Page;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.UUID;

/**
 * {@code /api/2.1/unity-catalog/functions}: functions with a body in SQL, which engines run with
 * the rights of the function's owner. They share names with models, as on the platform.
 */
public final class Functions {
  private static final int PAGE = 1000;
  static final String KIND = "SQL";

  private final Access access;
  private final Clock clock;

  Functions(Access access, Clock clock) {
    this.access = access;
    this.clock = clock;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public FunctionInfo create(Caller caller, CreateFunctionRequest request) {
    CreateFunction given = valid(request.getFunctionInfo());
    String name = Names.valid("function_info.name", given.getName());
    long now = clock.millis();
    FunctionInfo document =
        document(given, caller, now).setCreatedAt(now).setCreatedBy(caller.name());
    return access.write(
        caller,
        rights -> {
          Securable schema =
              rights.get(
                  SecurableType.SCHEMA, given.getCatalogName() + "." + given.getSchemaName());
          rights.require(Privilege.CREATE_FUNCTION, schema);
          return info(
              rights.insert(
                  Securable.of(
                      UUID.randomUUID().toString(),
                      SecurableType.FUNCTION,
                      KIND,
                      schema,
                      name,
                      rights.principalId(),
                      null,
                      Json.write(document))));
        });
  }

  private static CreateFunction valid(CreateFunction given) {
    if (given == null) {
      throw new InvalidParameterValue("function_info: null (expected: a function)", null);
    }
    if (given.getRoutineBody() != CreateFunctionRoutineBody.SQL) {
      throw new InvalidParameterValue(
          "function_info.routine_body: "
              + given.getRoutineBody()
              + " (expected: SQL; other languages are not supported here)",
          null);
    }
    Catalogs.refuse("function_info.external_language", given.getExternalLanguage());
    Catalogs.refuse("function_info.external_name", given.getExternalName());
    required("routine_definition", given.getRoutineDefinition());
    required("full_data_type", given.getFullDataType());
    if (given.getDataType() == null) {
      throw new InvalidParameterValue(
          "function_info.data_type: null (expected: a type such as STRING, or TABLE_TYPE)", null);
    }
    return given;
  }

  private static void required(String field, String value) {
    if (value == null || value.isBlank()) {
      throw new InvalidParameterValue(
          "function_info." + field + ": " + Names.shown(value) + " (expected: a text)", null);
    }
  }

  /** The SDK has enums of the same words for what is sent and what is shown. */
  private static FunctionInfo document(CreateFunction given, Caller caller, long now) {
    return Json.read(Json.write(given), FunctionInfo.class)
        .setUpdatedAt(now)
        .setUpdatedBy(caller.name());
  }

  static FunctionInfo document(Securable function) {
    return Json.read(function.document(), FunctionInfo.class);
  }

  static FunctionInfo info(Securable function) {
    return document(function)
        .setName(function.name())
        .setSchemaName(function.parent().name())
        .setCatalogName(function.parent().parent().name())
        .setFullName(function.fullName())
        .setFunctionId(function.id())
        .setOwner(function.owner())
        .setMetastoreId(function.metastoreId());
  }

  private static FunctionInfo info(Rights rights, Securable function, Boolean browse) {
    return info(function).setBrowseOnly(rights.browseOnly(function, browse));
  }

  /**
   * The function of that name, found as {@link Rights#get}.
   *
   * @throws NotFound also when it is a model
   */
  static Securable get(Rights rights, String fullName) {
    return notModel(rights.get(SecurableType.FUNCTION, fullName));
  }

  private static Securable notModel(Securable found) {
    if (found.kind().equals(Models.KIND)) {
      throw new NotFound(
          "FUNCTION_DOES_NOT_EXIST",
          "Function " + Names.shown(found.fullName()) + " does not exist: it is a model",
          null);
    }
    return found;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  public FunctionInfo get(Caller caller, GetFunctionRequest request) {
    return access.read(
        caller,
        rights ->
            info(
                rights,
                notModel(
                    rights.seen(
                        SecurableType.FUNCTION, request.getName(), request.getIncludeBrowse())),
                request.getIncludeBrowse()));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  public ListFunctionsResponse list(Caller caller, ListFunctionsRequest request) {
    int size = Page.size(request.getMaxResults(), PAGE, PAGE);
    return access.read(
        caller,
        rights -> {
          Page<Securable> page =
              rights.page(
                  rights.get(
                      SecurableType.SCHEMA,
                      request.getCatalogName() + "." + request.getSchemaName()),
                  SecurableType.FUNCTION,
                  KIND,
                  request.getIncludeBrowse(),
                  Page.after(request.getPageToken()),
                  size);
          return new ListFunctionsResponse()
              .setFunctions(
                  page.items().stream()
                      .map(function -> info(rights, function, request.getIncludeBrowse()))
                      .toList())
              .setNextPageToken(page.next());
        });
  }

  /** The owner is all that the public API changes. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public FunctionInfo update(Caller caller, UpdateFunction request) {
    Long owner = access.principal(request.getOwner());
    return access.write(
        caller,
        rights -> {
          Securable before = get(rights, request.getName());
          rights.requireOwn(before);
          if (owner != null) {
            rights.requireGivable(before, owner);
          }
          FunctionInfo document =
              document(before).setUpdatedAt(clock.millis()).setUpdatedBy(caller.name());
          return info(
              Securables.update(
                  rights.handle(), before, before.ownedBy(owner).with(Json.write(document))));
        });
  }

  /** What {@code CREATE OR REPLACE FUNCTION} puts in the place of one that exists. */
  public record Replacement(String fullName, CreateFunction functionInfo) {}

  /** By its owner alone: the body runs with the owner's rights. Grants stay. */
  @Operation("PUT /api/2.1/unity-catalog/tarn/functions/{full_name}")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public FunctionInfo replace(Caller caller, Replacement request) {
    CreateFunction given = valid(request.functionInfo());
    return access.write(
        caller,
        rights -> {
          Securable before = get(rights, request.fullName());
          rights.requireOwn(before);
          rights.requireOwnerOf(before);
          FunctionInfo was = document(before);
          FunctionInfo document =
              document(given, caller, clock.millis())
                  .setCreatedAt(was.getCreatedAt())
                  .setCreatedBy(was.getCreatedBy());
          Securables.changed(rights.handle(), before.metastoreId());
          return info(
              Securables.update(rights.handle(), before, before.with(Json.write(document))));
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteFunctionRequest request) {
    access.write(
        caller,
        rights -> {
          Securable function = get(rights, request.getName());
          rights.requireOwn(function);
          if (!Boolean.TRUE.equals(request.getForce())
              && TablePolicies.isUsed(rights.handle(), function)) {
            throw new InvalidState(
                function.shown()
                    + " is the row filter or a mask of a table, or of a policy (expected: of none, or force)",
                null);
          }
          Securables.delete(rights.handle(), function);
          return null;
        });
  }
}
