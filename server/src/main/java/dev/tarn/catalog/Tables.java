package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.DataSourceFormat;
import com.databricks.sdk.service.catalog.DeleteTableRequest;
import com.databricks.sdk.service.catalog.ExistsRequest;
import com.databricks.sdk.service.catalog.GetTableRequest;
import com.databricks.sdk.service.catalog.ListSummariesRequest;
import com.databricks.sdk.service.catalog.ListTableSummariesResponse;
import com.databricks.sdk.service.catalog.ListTablesRequest;
import com.databricks.sdk.service.catalog.ListTablesResponse;
import com.databricks.sdk.service.catalog.TableExistsResponse;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.TableSummary;
import com.databricks.sdk.service.catalog.TableType;
import dev.tarn.database.Database;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Operation;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import java.time.Clock;
import java.time.Duration;
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
  private final Catalog.Workspaces workspaces;
  private final Predicate<String> principals;

  Tables(
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
    long workspace = Access.write(caller);
    String name = Names.valid("name", request.name());
    discardStagedBefore(clock.millis() - UNCLAIMED.toMillis());
    String id = UUID.randomUUID().toString();
    return database.inTransaction(
        handle -> {
          SchemaDao.Row schema =
              writableSchema(handle, workspace, request.catalogName(), request.schemaName());
          if (TableDao.find(handle, schema, name).isPresent()) {
            throw existsAlready(name);
          }
          String location = schema.managedStorage() + "/tables/" + id;
          TableDao.insertStaging(
              handle, id, schema, name, location, caller.engineId(), clock.millis());
          return new StagingTable(id, schema.catalog().name(), schema.name(), name, location);
        });
  }

  /** The SDK's {@code CreateTableRequest}, and the comment that engines have for a table. */
  public record NewTable(
      String name,
      String catalogName,
      String schemaName,
      TableType tableType,
      DataSourceFormat dataSourceFormat,
      List<ColumnInfo> columns,
      String storageLocation,
      Map<String, String> properties,
      String comment) {}

  @Operation("POST /api/2.1/unity-catalog/tables")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public TableInfo create(Caller caller, NewTable request) {
    long workspace = Access.write(caller);
    String name = Names.valid("name", request.name());
    DataSourceFormat format = format(request);
    boolean managed = request.tableType() == TableType.MANAGED;
    String location =
        managed
            ? Locations.canonical("storage_location", request.storageLocation())
            : Locations.given(
                "storage_location", request.storageLocation(), workspaces.get(workspace));
    long now = clock.millis();
    TableInfo document =
        new TableInfo()
            .setColumns(Columns.valid(request.columns()))
            .setProperties(request.properties())
            .setComment(request.comment())
            .setDataSourceFormat(format)
            .setOwner(caller.name())
            .setCreatedAt(now)
            .setCreatedBy(caller.name())
            .setUpdatedAt(now)
            .setUpdatedBy(caller.name());
    return database.inTransaction(
        handle -> {
          SchemaDao.Row schema =
              writableSchema(handle, workspace, request.catalogName(), request.schemaName());
          if (TableDao.find(handle, schema, name).isPresent()) {
            throw existsAlready(name);
          }
          String id;
          if (managed) {
            id = claim(handle, schema, name, location);
          } else {
            id = UUID.randomUUID().toString();
            Locations.refuseOverlapWithTables(handle, location);
            Locations.refuseOverlapWithManagedStorage(handle, location);
          }
          TableDao.Row table =
              new TableDao.Row(id, schema, name, request.tableType(), location, document);
          try {
            TableDao.insert(handle, table);
          } catch (RuntimeException e) {
            throw Database.isUniqueViolation(e) ? existsAlready(name) : e;
          }
          return table.info();
        });
  }

  private static DataSourceFormat format(NewTable request) {
    if (request.tableType() != TableType.MANAGED && request.tableType() != TableType.EXTERNAL) {
      throw new InvalidParameterValue(
          "table_type: " + request.tableType() + " (expected: MANAGED or EXTERNAL)", null);
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

  private static String claim(Handle handle, SchemaDao.Row schema, String name, String location) {
    return TableDao.claimStaging(handle, schema, name, location)
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

  private static SchemaDao.Row writableSchema(
      Handle handle, long workspace, String catalogName, String schemaName) {
    SchemaDao.Row schema =
        SchemaDao.get(handle, workspace, Names.stored(catalogName), Names.stored(schemaName));
    schema.catalog().writable();
    return schema;
  }

  private static BadRequest existsAlready(String name) {
    return new BadRequest(
        "TABLE_ALREADY_EXISTS", "Table " + Names.shown(name) + " already exists", null);
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  @Ignores({
    "include_browse: there is no BROWSE privilege yet",
    "include_delta_metadata: the table is answered as the catalog has it",
    "include_manifest_capabilities: tables carry no capabilities"
  })
  public TableInfo get(Caller caller, GetTableRequest request) {
    long workspace = Access.read(caller);
    return database.read(handle -> TableDao.get(handle, workspace, request.getFullName()).info());
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  public TableExistsResponse exists(Caller caller, ExistsRequest request) {
    long workspace = Access.read(caller);
    String[] names = Names.parts(request.getFullName(), 3);
    return database.read(
        handle -> {
          SchemaDao.Row schema = SchemaDao.get(handle, workspace, names[0], names[1]);
          return new TableExistsResponse()
              .setTableExists(TableDao.find(handle, schema, names[2]).isPresent());
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  @Ignores({
    "include_browse: there is no BROWSE privilege yet",
    "include_manifest_capabilities: tables carry no capabilities"
  })
  public ListTablesResponse list(Caller caller, ListTablesRequest request) {
    long workspace = Access.read(caller);
    int size = Page.size(request.getMaxResults(), PAGE, PAGE);
    Page<TableDao.Row> page =
        Page.of(
            database.read(
                handle ->
                    TableDao.list(
                        handle,
                        SchemaDao.get(
                            handle,
                            workspace,
                            Names.stored(request.getCatalogName()),
                            Names.stored(request.getSchemaName())),
                        Page.after(request.getPageToken()),
                        size + 1)),
            size,
            TableDao.Row::name);
    return new ListTablesResponse()
        .setTables(page.items().stream().map(row -> shortened(row.info(), request)).toList())
        .setNextPageToken(page.next());
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
    long workspace = Access.read(caller);
    int size = Page.size(request.getMaxResults(), SUMMARY_PAGE, SUMMARY_PAGE);
    // schema.table, as neither name has a period
    String[] after = (Page.after(request.getPageToken()) + ".").split("\\.", -1);
    Page<TableSummary> page =
        Page.of(
            database.read(
                handle -> {
                  CatalogDao.Row catalog =
                      CatalogDao.get(handle, workspace, Names.stored(request.getCatalogName()));
                  return TableDao.summaries(
                      handle,
                      catalog,
                      pattern(request.getSchemaNamePattern()),
                      pattern(request.getTableNamePattern()),
                      after[0],
                      after[1],
                      size + 1);
                }),
            size,
            table -> table.getFullName().substring(table.getFullName().indexOf('.') + 1));
    return new ListTableSummariesResponse().setTables(page.items()).setNextPageToken(page.next());
  }

  private static String pattern(String given) {
    return given == null || given.isEmpty() ? "%" : Names.stored(given);
  }

  /**
   * What may change of a table; the SDK knows the owner only. Engines send the rest after a commit
   * that changed the table's schema.
   */
  public record TableChange(
      String fullName,
      String newName,
      String owner,
      List<ColumnInfo> columns,
      Map<String, String> properties,
      String comment) {}

  @Operation("PATCH /api/2.1/unity-catalog/tables/{full_name}")
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public TableInfo update(Caller caller, TableChange request, Presence presence) {
    long workspace = Access.write(caller);
    String newName = request.newName() == null ? null : Names.valid("new_name", request.newName());
    String owner = Catalogs.owner(request.owner(), principals);
    List<ColumnInfo> columns =
        presence.has("columns") ? Columns.valid(request.columns()) : List.of();
    return database.inTransaction(
        handle -> {
          TableDao.Row table = TableDao.get(handle, workspace, request.fullName());
          table.schema().catalog().writable();
          TableInfo document =
              table.document().setUpdatedAt(clock.millis()).setUpdatedBy(caller.name());
          if (presence.has("columns")) {
            document.setColumns(columns);
          }
          if (presence.has("properties")) {
            document.setProperties(request.properties());
          }
          if (presence.has("comment")) {
            document.setComment(request.comment());
          }
          if (owner != null) {
            document.setOwner(owner);
          }
          TableDao.Row after =
              new TableDao.Row(
                  table.id(),
                  table.schema(),
                  newName == null ? table.name() : newName,
                  table.type(),
                  table.storageLocation(),
                  document);
          try {
            TableDao.update(handle, after.id(), after.name(), document);
          } catch (RuntimeException e) {
            throw Database.isUniqueViolation(e) ? existsAlready(newName) : e;
          }
          return after.info();
        });
  }

  /** Drops a table: the data of a managed one goes with it, that of an external one stays. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteTableRequest request) {
    long workspace = Access.write(caller);
    database.inTransaction(
        handle -> {
          TableDao.Row table = TableDao.get(handle, workspace, request.getFullName());
          table.schema().catalog().writable();
          TableDao.delete(handle, table);
          if (table.type() == TableType.MANAGED) {
            trash.add(handle, table.storageLocation());
          }
          return null;
        });
    trash.wake();
  }

  /** Gives up what an engine staged and will not claim any more, as it is gone. */
  void discardStagedBy(String engineId) {
    discard(database.read(handle -> TableDao.stagedBy(handle, engineId)));
  }

  void discardStagedBefore(long time) {
    discard(database.read(handle -> TableDao.stagedBefore(handle, time)));
  }

  private void discard(List<TableDao.Staged> unclaimed) {
    for (TableDao.Staged staged : unclaimed) {
      database.inTransaction(
          handle -> {
            // Claimed in between: then the place is a table's, and no longer ours to remove.
            if (TableDao.deleteStaging(handle, staged.id()) == 1) {
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
