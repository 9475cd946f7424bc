package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.GenerateTemporaryPathCredentialRequest;
import com.databricks.sdk.service.catalog.GenerateTemporaryPathCredentialResponse;
import com.databricks.sdk.service.catalog.GenerateTemporaryTableCredentialRequest;
import com.databricks.sdk.service.catalog.GenerateTemporaryTableCredentialResponse;
import com.databricks.sdk.service.catalog.GenerateTemporaryVolumeCredentialRequest;
import com.databricks.sdk.service.catalog.GenerateTemporaryVolumeCredentialResponse;
import com.databricks.sdk.service.catalog.PathOperation;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableOperation;
import com.databricks.sdk.service.catalog.VolumeOperation;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Paths;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;

/**
 * {@code /api/2.0/unity-catalog/temporary-{table,path,volume,model-version}-credentials}: keys by
 * which engines of others would read a bucket. Who may is asked; then the answer is no, as buckets
 * are folders here and a folder has no keys.
 */
public final class TemporaryCredentials {
  private final Access access;

  TemporaryCredentials(Access access) {
    this.access = access;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public GenerateTemporaryTableCredentialResponse generateTemporaryTableCredentials(
      Caller caller, GenerateTemporaryTableCredentialRequest request) {
    required("operation", request.getOperation());
    access.read(
        caller,
        rights -> {
          Securable table = byId(rights, SecurableType.TABLE, request.getTableId());
          rights.require(Privilege.SELECT, table);
          if (request.getOperation() == TableOperation.READ_WRITE) {
            rights.require(Privilege.MODIFY, table);
          }
          rights.require(Privilege.EXTERNAL_USE_SCHEMA, table.parent());
          return null;
        });
    throw noKeys();
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public GenerateTemporaryVolumeCredentialResponse generateTemporaryVolumeCredentials(
      Caller caller, GenerateTemporaryVolumeCredentialRequest request) {
    required("operation", request.getOperation());
    access.read(
        caller,
        rights -> {
          Securable volume = byId(rights, SecurableType.VOLUME, request.getVolumeId());
          rights.require(Privilege.READ_VOLUME, volume);
          if (request.getOperation() == VolumeOperation.WRITE_VOLUME) {
            rights.require(Privilege.WRITE_VOLUME, volume);
          }
          rights.require(Privilege.EXTERNAL_USE_SCHEMA, volume.parent());
          return null;
        });
    throw noKeys();
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores("dry_run: nothing is given in either case")
  public GenerateTemporaryPathCredentialResponse generateTemporaryPathCredentials(
      Caller caller, GenerateTemporaryPathCredentialRequest request) {
    required("operation", request.getOperation());
    String path = Paths.canonical("url", request.getUrl());
    access.read(
        caller,
        rights -> {
          rights.requirePath(Privilege.READ_FILES, path);
          if (request.getOperation() != PathOperation.PATH_READ) {
            rights.requirePath(Privilege.WRITE_FILES, path);
          }
          Securable location = rights.location(path);
          if (location != null) {
            rights.require(Privilege.EXTERNAL_USE_LOCATION, location);
          }
          return null;
        });
    throw noKeys();
  }

  public enum ModelVersionOperation {
    READ_MODEL_VERSION,
    READ_WRITE_MODEL_VERSION
  }

  public record OfModelVersion(
      String catalogName,
      String schemaName,
      String modelName,
      Long version,
      ModelVersionOperation operation) {}

  /** As the open Unity Catalog has it; the SDK does not. */
  @Operation("POST /api/2.1/unity-catalog/temporary-model-version-credentials")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public com.databricks.sdk.service.catalog.TemporaryCredentials
      generateTemporaryModelVersionCredentials(Caller caller, OfModelVersion request) {
    required("operation", request.operation());
    access.read(
        caller,
        rights -> {
          Securable model =
              Models.get(
                  rights,
                  request.catalogName() + "." + request.schemaName() + "." + request.modelName());
          rights.require(Privilege.EXECUTE, model);
          if (request.operation() == ModelVersionOperation.READ_WRITE_MODEL_VERSION) {
            rights.require(Privilege.CREATE_MODEL_VERSION, model);
          }
          rights.require(Privilege.EXTERNAL_USE_SCHEMA, model.parent());
          ModelVersions.find(rights, model, request.version());
          return null;
        });
    throw noKeys();
  }

  /** By its id, and as far as the caller may look. */
  private static Securable byId(Rights rights, SecurableType type, String id) {
    String name =
        Securables.find(rights.handle(), id)
            .filter(found -> found.type() == type && found.deletedAt() == null)
            .filter(found -> found.metastoreId().equals(rights.metastore().id()))
            .map(Securable::fullName)
            .orElseThrow(
                () ->
                    new NotFound(
                        type + "_DOES_NOT_EXIST",
                        "There is no " + type + " of id " + Names.shown(id),
                        null));
    return rights.get(type, name);
  }

  private static void required(String field, Object value) {
    if (value == null) {
      throw new InvalidParameterValue(field + ": null (expected: what is to be done)", null);
    }
  }

  private static BadRequest noKeys() {
    return new BadRequest(
        "UNSUPPORTED_OPERATION",
        "The buckets of this installation are folders, and have no temporary credentials (expected:"
            + " a warehouse, or the Files API)",
        null);
  }
}
