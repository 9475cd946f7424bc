package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.DataSourceFormat;
import com.databricks.sdk.service.catalog.DeleteTableRequest;
import com.databricks.sdk.service.catalog.Dependency;
import com.databricks.sdk.service.catalog.DependencyList;
import com.databricks.sdk.service.catalog.ExistsRequest;
import com.databricks.sdk.service.catalog.GetTableRequest;
import com.databricks.sdk.service.catalog.ListSummariesRequest;
import com.databricks.sdk.service.catalog.ListTableSummariesResponse;
import com.databricks.sdk.service.catalog.ListTablesRequest;
import com.databricks.sdk.service.catalog.ListTablesResponse;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableExistsResponse;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.TableSummary;
import com.databricks.sdk.service.catalog.TableType;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Page;
import dev.tarn.access.Paths;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Operation;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.jdbi.v3.core.Handle;

/**
 * {@code /api/2.1/unity-catalog/tables}, {@code /table-summaries} and {@code /staging-tables}.
 *
 * <p>A managed table is made in three steps, so that a kill between any two of them leaves no half
 * of one: the engine asks for a place (a staging row), writes the Delta table there, and creates
 * the table, which turns the staging row into the table's row in one transaction. A place that
 * nobody claims is removed with what was written in it. Dropping goes the other way round: the row
 * goes and a note in the {@link Trash} comes in one transaction, the data follows.
 */
public final class Tables {
  private static final int PAGE = 1000;
  private static final int SUMMARY_PAGE = 10_000;
  private static final Duration UNCLAIMED = Duration.ofDays(1);
  private static final Set<DataSourceFormat> FILE_FORMATS =
      Set.of(
          DataSourceFormat.DELTA,
          DataSourceFormat.PARQUET,
          DataSourceFormat.CSV,
          DataSourceFormat.JSON,
          DataSourceFormat.AVRO,
          DataSourceFormat.ORC,
          DataSourceFormat.TEXT);

  private final Database database;
  private final Trash trash;
  private final Clock clock;
  private final Access access;

  Tables(Database database, Access access, Trash trash, Clock clock) {
    this.database = database;
    this.access = access;
    this.trash = trash;
    this.clock = clock;
  }

  /** A place to write a managed table. */
  public record NewStagingTable(String catalogName, String schemaName, String name) {}

  /**
   * @param id becomes the table's id
   * @param stagingLocation a folder that nobody else uses
   */
  public record StagingTable(
      String id, String catalogName, String schemaName, String name, String stagingLocation) {}

  @Operation("POST /api/2.1/unity-catalog/staging-tables")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public StagingTable stage(Caller caller, NewStagingTable request) {
    String name = Names.valid("name", request.name());
    discardStagedBefore(clock.millis() - UNCLAIMED.toMillis());
    String id = UUID.randomUUID().toString();
    return access.write(
        caller,
        rights -> {
          Securable schema = schema(rights, request.catalogName(), request.schemaName());
          rights.require(Privilege.CREATE_TABLE, schema);
          refuseExisting(rights.handle(), schema, name);
          String location = Schemas.managedStorage(schema) + "/tables/" + id;
          Staging.insert(
              rights.handle(), id, schema, name, location, caller.engineId(), clock.millis());
          return new StagingTable(id, schema.parent().name(), schema.name(), name, location);
        });
  }

  private static Securable schema(Rights rights, String catalogName, String schemaName) {
    return rights.child(
        rights.get(SecurableType.CATALOG, catalogName),
        SecurableType.SCHEMA,
        Names.stored(schemaName));
  }

  private static void refuseExisting(Handle handle, Securable schema, String name) {
    Securables.child(handle, schema, SecurableType.TABLE, name)
        .ifPresent(
            found -> {
              throw Securables.existsAlready(found);
            });
  }

  /**
   * The SDK's {@code CreateTableRequest}, the comment that engines have for a table, and what a
   * view is.
   */
  public record NewTable(
      String name,
      String catalogName,
      String schemaName,
      TableType tableType,
      DataSourceFormat dataSourceFormat,
      List<ColumnInfo> columns,
      String storageLocation,
      Map<String, String> properties,
      String comment,
      String viewDefinition,
      DependencyList viewDependencies) {}

  @Operation("POST /api/2.1/unity-catalog/tables")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public TableInfo create(Caller caller, NewTable request) {
    String name = Names.valid("name", request.name());
    long now = clock.millis();
    TableInfo document =
        new TableInfo()
            .setColumns(Columns.valid(request.columns()))
            .setProperties(request.properties())
            .setComment(request.comment())
            .setCreatedAt(now)
            .setCreatedBy(caller.name())
            .setUpdatedAt(now)
            .setUpdatedBy(caller.name());
    Placed placed =
        request.tableType() == TableType.VIEW ? view(request, document) : table(request);
    if (request.tableType() != TableType.VIEW) {
      document.setDataSourceFormat(format(request));
    }
    return access.write(
        caller,
        rights -> {
          Securable schema = schema(rights, request.catalogName(), request.schemaName());
          rights.require(Privilege.CREATE_TABLE, schema);
          refuseExisting(rights.handle(), schema, name);
          String id = placed.in(rights, schema, name);
          return info(
              rights.insert(
                  Securable.of(
                      id,
                      SecurableType.TABLE,
                      request.tableType().name(),
                      schema,
                      name,
                      rights.principalId(),
                      placed.location(),
                      Json.write(document))));
        });
  }

  /** Where a new table or view is, and what is asked before it gets its id. */
  private interface Placed {
    String location();

    String in(Rights rights, Securable schema, String name);
  }

  private static Placed table(NewTable request) {
    Catalogs.refuse("view_definition", request.viewDefinition());
    Catalogs.refuse("view_dependencies", request.viewDependencies());
    boolean managed = request.tableType() == TableType.MANAGED;
    String location = Paths.canonical("storage_location", request.storageLocation());
    return new Placed() {
      @Override
      public String location() {
        return location;
      }

      @Override
      public String in(Rights rights, Securable schema, String name) {
        if (managed) {
          return claim(rights.handle(), schema, name, location);
        }
        Locations.requireGiven(
            rights, "storage_location", location, Privilege.CREATE_EXTERNAL_TABLE);
        Locations.refuseOverlapWithData(rights.handle(), location);
        Locations.refuseOverlapWithManagedStorage(rights.handle(), location);
        return UUID.randomUUID().toString();
      }
    };
  }

  /** Who makes a view must be able to read what it says it reads, as its owner will at each use. */
  private static Placed view(NewTable request, TableInfo document) {
    Catalogs.refuse("storage_location", request.storageLocation());
    Catalogs.refuse("data_source_format", request.dataSourceFormat());
    define(document, request.viewDefinition(), request.viewDependencies());
    return new Placed() {
      @Override
      public String location() {
        return null;
      }

      @Override
      public String in(Rights rights, Securable schema, String name) {
        requireReads(rights, request.viewDependencies());
        return UUID.randomUUID().toString();
      }
    };
  }

  private static void define(TableInfo document, String definition, DependencyList dependencies) {
    if (definition == null || definition.isBlank()) {
      throw new InvalidParameterValue(
          "view_definition: "
              + Names.shown(definition)
              + " (expected: the query of the view, as its table_type is VIEW)",
          null);
    }
    document.setViewDefinition(definition).setViewDependencies(dependencies);
  }

  private static void requireReads(Rights rights, DependencyList dependencies) {
    if (dependencies == null || dependencies.getDependencies() == null) {
      return;
    }
    for (Dependency dependency : dependencies.getDependencies()) {
      if (dependency.getTable() != null) {
        rights.require(
            Privilege.SELECT,
            rights.get(SecurableType.TABLE, dependency.getTable().getTableFullName()));
      }
      if (dependency.getFunction() != null) {
        rights.require(
            Privilege.EXECUTE,
            rights.get(SecurableType.FUNCTION, dependency.getFunction().getFunctionFullName()));
      }
    }
  }

  private static DataSourceFormat format(NewTable request) {
    if (request.tableType() != TableType.MANAGED && request.tableType() != TableType.EXTERNAL) {
      throw new InvalidParameterValue(
          "table_type: " + request.tableType() + " (expected: MANAGED, EXTERNAL or VIEW)", null);
    }
    DataSourceFormat format =
        request.dataSourceFormat() == null ? DataSourceFormat.DELTA : request.dataSourceFormat();
    if (request.tableType() == TableType.MANAGED && format != DataSourceFormat.DELTA) {
      throw new InvalidParameterValue(
          "data_source_format: " + format + " (expected: DELTA, as the table is managed)", null);
    }
    if (!FILE_FORMATS.contains(format)) {
      throw new InvalidParameterValue(
          "data_source_format: "
              + format
              + " (expected: one of "
              + FILE_FORMATS.stream().map(Enum::name).sorted().toList()
              + ")",
          null);
    }
    return format;
  }

  private static String claim(Handle handle, Securable schema, String name, String location) {
    return Staging.claim(handle, schema, name, location)
        .orElseThrow(
            () ->
                new InvalidParameterValue(
                    "storage_location: "
                        + Names.shown(location)
                        + " (expected: the staging_location that POST"
                        + " /api/2.1/unity-catalog/staging-tables gave for "
                        + Names.shown(schema.fullName() + "." + name)
                        + " less than a day ago)",
                    null));
  }

  static TableInfo info(Securable table) {
    return document(table)
        .setName(table.name())
        .setSchemaName(table.parent().name())
        .setCatalogName(table.parent().parent().name())
        .setFullName(table.fullName())
        .setTableId(table.id())
        .setTableType(TableType.valueOf(table.kind()))
        .setStorageLocation(table.storageLocation())
        .setOwner(table.owner())
        .setMetastoreId(table.metastoreId());
  }

  private static TableInfo document(Securable table) {
    return Json.read(table.document(), TableInfo.class);
  }

  private static TableInfo info(Rights rights, Securable table, Boolean browse) {
    return info(table).setBrowseOnly(rights.browseOnly(table, browse));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  @Ignores({
    "include_delta_metadata: the table is answered as the catalog has it",
    "include_manifest_capabilities: tables carry no capabilities"
  })
  public TableInfo get(Caller caller, GetTableRequest request) {
    return access.read(
        caller,
        rights ->
            info(
                rights,
                rights.seen(SecurableType.TABLE, request.getFullName(), request.getIncludeBrowse()),
                request.getIncludeBrowse()));
  }

  /** For who sees into the schema: whether a name is taken is known by trying to take it too. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  public TableExistsResponse exists(Caller caller, ExistsRequest request) {
    String[] names = Names.parts(request.getFullName(), 3);
    return access.read(
        caller,
        rights -> {
          Securable schema = schema(rights, names[0], names[1]);
          rights.requireSees(schema, true);
          return new TableExistsResponse()
              .setTableExists(
                  Securables.child(rights.handle(), schema, SecurableType.TABLE, names[2])
                      .isPresent());
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  @Ignores("include_manifest_capabilities: tables carry no capabilities")
  public ListTablesResponse list(Caller caller, ListTablesRequest request) {
    int size = Page.size(request.getMaxResults(), PAGE, PAGE);
    return access.read(
        caller,
        rights -> {
          Page<Securable> page =
              rights.page(
                  schema(rights, request.getCatalogName(), request.getSchemaName()),
                  SecurableType.TABLE,
                  "",
                  request.getIncludeBrowse(),
                  Page.after(request.getPageToken()),
                  size);
          return new ListTablesResponse()
              .setTables(
                  page.items().stream()
                      .map(
                          table ->
                              shortened(info(rights, table, request.getIncludeBrowse()), request))
                      .toList())
              .setNextPageToken(page.next());
        });
  }

  private static TableInfo shortened(TableInfo table, ListTablesRequest request) {
    if (Boolean.TRUE.equals(request.getOmitColumns())) {
      table.setColumns(null);
    }
    if (Boolean.TRUE.equals(request.getOmitProperties())) {
      table.setProperties(null);
    }
    if (Boolean.TRUE.equals(request.getOmitUsername())) {
      table.setOwner(null).setCreatedBy(null).setUpdatedBy(null);
    }
    return table;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  @Ignores("include_manifest_capabilities: tables carry no capabilities")
  public ListTableSummariesResponse listSummaries(Caller caller, ListSummariesRequest request) {
    int size = Page.size(request.getMaxResults(), SUMMARY_PAGE, SUMMARY_PAGE);
    // schema.table, as neither name has a period
    String[] after = (Page.after(request.getPageToken()) + ".").split("\\.", -1);
    return access.read(
        caller,
        rights -> {
          Page<TableSummary> page =
              Page.of(
                  summaries(rights, request, after[0], after[1], size + 1),
                  size,
                  table -> table.getFullName().substring(table.getFullName().indexOf('.') + 1));
          return new ListTableSummariesResponse()
              .setTables(page.items())
              .setNextPageToken(page.next());
        });
  }

  /** Schema by schema, so that each is asked for what the caller sees of it. */
  private static List<TableSummary> summaries(
      Rights rights, ListSummariesRequest request, String inSchema, String afterTable, int limit) {
    Predicate<String> schemas = Names.like(request.getSchemaNamePattern());
    Predicate<String> tables = Names.like(request.getTableNamePattern());
    Securable catalog = rights.get(SecurableType.CATALOG, request.getCatalogName());
    List<TableSummary> found = new ArrayList<>();
    for (Securable schema :
        rights.page(catalog, SecurableType.SCHEMA, "", false, "", Page.ALL).items()) {
      if (schema.name().compareTo(inSchema) < 0
          || !schemas.test(schema.name())
          || !rights.seesInto(schema)) {
        continue;
      }
      String after = schema.name().equals(inSchema) ? afterTable : "";
      while (after != null && found.size() < limit) {
        Page<Securable> page =
            rights.page(schema, SecurableType.TABLE, "", false, after, SUMMARY_PAGE);
        page.items().stream()
            .filter(table -> tables.test(table.name()))
            .limit((long) limit - found.size())
            .map(
                table ->
                    new TableSummary()
                        .setFullName(table.fullName())
                        .setTableType(TableType.valueOf(table.kind())))
            .forEach(found::add);
        after = page.next();
      }
    }
    return found;
  }

  /**
   * What may change; the SDK knows the owner only. Engines send columns and properties after a
   * commit that changed the table's; those of a view are its owner's.
   */
  public record TableChange(
      String fullName,
      String newName,
      String owner,
      List<ColumnInfo> columns,
      Map<String, String> properties,
      String comment,
      String viewDefinition,
      DependencyList viewDependencies) {}

  @Operation("PATCH /api/2.1/unity-catalog/tables/{full_name}")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  public TableInfo update(Caller caller, TableChange request, Presence presence) {
    String newName = Names.validOrNull("new_name", request.newName());
    Long owner = access.principal(request.owner());
    List<ColumnInfo> columns =
        presence.has("columns") ? Columns.valid(request.columns()) : List.of();
    return access.write(
        caller,
        rights -> {
          Securable before = rights.get(SecurableType.TABLE, request.fullName());
          requireChange(caller, rights, before, request, presence);
          if (owner != null && before.isView()) {
            rights.requireGivable(before, owner);
          }
          TableInfo document =
              document(before).setUpdatedAt(clock.millis()).setUpdatedBy(caller.name());
          if (presence.has("columns")) {
            document.setColumns(TablePolicies.keepMasks(document, columns));
            Policies.requireTagged(rights.handle(), before, columns);
            TableConstraints.keep(document, columns);
          }
          if (presence.has("properties")) {
            document.setProperties(request.properties());
          }
          if (presence.has("comment")) {
            document.setComment(request.comment());
          }
          if (presence.has("view_definition")) {
            define(document, request.viewDefinition(), request.viewDependencies());
            Securables.changed(rights.handle(), before.metastoreId());
          }
          return info(
              rights.update(
                  before, before.named(newName).ownedBy(owner).with(Json.write(document))));
        });
  }

  /** Who may change that of a table or view. */
  private static void requireChange(
      Caller caller, Rights rights, Securable before, TableChange change, Presence presence) {
    boolean copied = presence.has("columns") || presence.has("properties");
    if (presence.has("view_definition") || presence.has("view_dependencies")) {
      if (!before.isView()) {
        throw new InvalidParameterValue(
            "view_definition: is of views only (expected: left out, as "
                + before.shown()
                + " is none)",
            null);
      }
      // With MANAGE alone somebody would say what is read in the owner's name.
      rights.requireOwn(before);
      rights.requireOwnerOf(before);
      requireReads(rights, change.viewDependencies());
    } else if (before.isView() && copied) {
      // The columns of a view that evolves follow what it reads, whoever reads it.
      if (!rights.isEngine() || presence.has("properties")) {
        rights.requireOwn(before);
      }
    } else if (copied && !caller.is(Role.ENGINE)) {
      throw new InvalidParameterValue(
          (presence.has("columns") ? "columns" : "properties")
              + ": is what an engine found in the table (expected: left out; ALTER TABLE changes it)",
          null);
    } else if (!rights.isEngine() && (copied || presence.has("comment"))) {
      if (before.isView()) {
        rights.requireOwn(before);
      } else {
        rights.require(Privilege.MODIFY, before);
      }
    }
    if (change.newName() != null || change.owner() != null) {
      rights.requireOwn(before);
    }
    if (change.newName() != null) {
      rights.require(Privilege.CREATE_TABLE, before.parent());
    }
  }

  /**
   * Drops a table, which can be had back for {@link Dropped#KEPT}; then the data of a managed one
   * goes, that of an external one stays.
   */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteTableRequest request) {
    access.write(
        caller,
        rights -> {
          Securable table = rights.get(SecurableType.TABLE, request.getFullName());
          rights.requireOwn(table);
          if (table.isView()) {
            Securables.delete(rights.handle(), table);
          } else {
            Securables.drop(rights.handle(), table, clock.millis());
          }
          return null;
        });
  }

  /** Gives up what an engine staged and will not claim any more, as it is gone. */
  void discardStagedBy(String engineId) {
    discard(database.read(handle -> Staging.by(handle, engineId)));
  }

  void discardStagedBefore(long time) {
    discard(database.read(handle -> Staging.before(handle, time)));
  }

  private void discard(List<Staging.Staged> unclaimed) {
    for (Staging.Staged staged : unclaimed) {
      database.inTransaction(
          handle -> {
            // Claimed in between: then the place is a table's, and no longer ours to remove.
            if (Staging.delete(handle, staged.id()) == 1) {
              trash.add(handle, staged.location());
            }
            return null;
          });
    }
    if (!unclaimed.isEmpty()) {
      trash.wake();
    }
  }
}
