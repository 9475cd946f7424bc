package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.SchemaInfo;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableInfo;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.time.Duration;
import java.util.List;

/** Tables and schemas that were dropped and can be had back; the public API has SQL for it only. */
public final class Dropped {
  static final Duration KEPT = Duration.ofDays(7);
  private static final int MOST = 1000;

  private final Access access;

  Dropped(Access access) {
    this.access = access;
  }

  public record ListRequest(String catalogName, String schemaName, Long maxResults) {}

  public record DroppedTables(List<TableInfo> tables) {}

  /** Those that the caller could have back, the last first. */
  @Operation("GET /api/2.1/unity-catalog/tarn/dropped-tables")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public DroppedTables list(Caller caller, ListRequest request) {
    long most = request.maxResults() == null ? MOST : Math.clamp(request.maxResults(), 1, MOST);
    return access.read(
        caller,
        rights ->
            new DroppedTables(
                Securables.dropped(
                        rights.handle(),
                        rights.get(
                            SecurableType.SCHEMA,
                            request.catalogName() + "." + request.schemaName()),
                        SecurableType.TABLE)
                    .stream()
                    .filter(rights::canOwn)
                    .limit(most)
                    .map(table -> Tables.info(table).setDeletedAt(table.deletedAt()))
                    .toList()));
  }

  /** Which; the last of that name when there are several, or the one of an id. */
  public record UndropRequest(String securableType, String fullName, String id) {}

  /** A TableInfo or SchemaInfo. */
  @Operation("POST /api/2.1/unity-catalog/tarn/undrop")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public Object undrop(Caller caller, UndropRequest request) {
    boolean schema = "SCHEMA".equalsIgnoreCase(request.securableType());
    if (!schema && !"TABLE".equalsIgnoreCase(request.securableType())) {
      throw new InvalidParameterValue(
          "securable_type: "
              + Names.shown(request.securableType())
              + " (expected: TABLE or SCHEMA)",
          null);
    }
    return access.write(
        caller, rights -> schema ? undropSchema(rights, request) : undropTable(rights, request));
  }

  private static TableInfo undropTable(Rights rights, UndropRequest request) {
    Securable table = find(rights, SecurableType.TABLE, request);
    rights.requireOwn(table);
    rights.require(Privilege.CREATE_TABLE, table.parent());
    if (table.kind().equals("EXTERNAL")) {
      Locations.refuseOverlapWithData(rights.handle(), table.storageLocation());
    }
    return Tables.info(rights.restore(table));
  }

  private static SchemaInfo undropSchema(Rights rights, UndropRequest request) {
    Securable schema = find(rights, SecurableType.SCHEMA, request);
    rights.requireOwn(schema);
    rights.require(Privilege.CREATE_SCHEMA, schema.parent());
    Securable restored = rights.restore(schema);
    refuseTwins(rights, restored);
    return Schemas.info(restored);
  }

  /** Refuses what comes back with a schema where something else has its place by now. */
  private static void refuseTwins(Rights rights, Securable schema) {
    for (Securable table : Securables.all(rights.handle(), schema, SecurableType.TABLE)) {
      if (table.kind().equals("EXTERNAL")) {
        Securables.overlapping(
                rights.handle(), table.storageLocation(), List.of(SecurableType.TABLE))
            .stream()
            .filter(other -> !other.id().equals(table.id()))
            .findFirst()
            .ifPresent(
                other -> {
                  throw Locations.overlap(table.storageLocation(), other.shown());
                });
      }
    }
  }

  private static Securable find(Rights rights, SecurableType type, UndropRequest request) {
    if (request.id() != null) {
      return Securables.find(rights.handle(), request.id())
          .filter(found -> found.type() == type && found.deletedAt() != null)
          .filter(found -> found.metastoreId().equals(rights.metastore().id()))
          .filter(found -> found.parent().deletedAt() == null && rights.canOwn(found))
          .orElseThrow(() -> missing(type, request.id()));
    }
    String fullName = Names.stored(request.fullName());
    int end = fullName.lastIndexOf('.');
    if (end < 0) {
      throw new InvalidParameterValue(
          "full_name: " + Names.shown(request.fullName()) + " (expected: catalog.schema.table)",
          null);
    }
    Securable parent =
        rights.get(
            type == SecurableType.TABLE ? SecurableType.SCHEMA : SecurableType.CATALOG,
            fullName.substring(0, end));
    return Securables.dropped(rights.handle(), parent, type).stream()
        .filter(found -> found.name().equals(fullName.substring(end + 1)))
        .findFirst()
        .orElseThrow(() -> missing(type, request.fullName()));
  }

  private static NotFound missing(SecurableType type, String name) {
    return new NotFound(
        type.name() + "_DOES_NOT_EXIST",
        Names.shown(name) + " was not dropped in the last 7 days.",
        null);
  }
}
