package io.unitycatalog.spark;

import dev.tarn.spark.CatalogCopies;
import dev.tarn.spark.CatalogError;
import dev.tarn.spark.Columns;
import dev.tarn.spark.Sessions;
import dev.tarn.spark.sql.InformationSchema;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.analysis.NamespaceAlreadyExistsException;
import org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.analysis.NoSuchViewException;
import org.apache.spark.sql.catalyst.analysis.NonEmptyNamespaceException;
import org.apache.spark.sql.catalyst.analysis.TableAlreadyExistsException;
import org.apache.spark.sql.catalyst.analysis.ViewAlreadyExistsException;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.NamespaceChange;
import org.apache.spark.sql.connector.catalog.Relation;
import org.apache.spark.sql.connector.catalog.RelationCatalog;
import org.apache.spark.sql.connector.catalog.StagedTable;
import org.apache.spark.sql.connector.catalog.StagingTableCatalog;
import org.apache.spark.sql.connector.catalog.SupportsNamespaces;
import org.apache.spark.sql.connector.catalog.SupportsWrite;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.TableCatalogCapability;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.catalog.TableInfo;
import org.apache.spark.sql.connector.catalog.TableSummary;
import org.apache.spark.sql.connector.catalog.TableWritePrivilege;
import org.apache.spark.sql.connector.catalog.View;
import org.apache.spark.sql.connector.catalog.constraints.Constraint;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.connector.metric.CustomTaskMetric;
import org.apache.spark.sql.connector.write.LogicalWriteInfo;
import org.apache.spark.sql.connector.write.WriteBuilder;
import org.apache.spark.sql.delta.actions.Metadata;
import org.apache.spark.sql.delta.catalog.DeltaCatalog;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.jdk.javaapi.CollectionConverters;

/**
 * One Unity Catalog catalog in a Spark session: {@code spark.sql.catalog.<name>} is this class.
 *
 * <p>Delta compares this class's name, so it cannot be another. Three layers: this one decides
 * where a new table lies and cleans up after a failed one; Delta's catalog in the middle makes and
 * changes Delta tables; {@link ServerTables} below asks the control plane. Managed tables are
 * <i>classic</i>: Delta commits to the table's folder through our LogStore.
 */
public final class UCSingleCatalog
    implements StagingTableCatalog, RelationCatalog, SupportsNamespaces {
  private static final Logger LOG = LoggerFactory.getLogger(UCSingleCatalog.class);

  private Sessions.Session session;
  private ServerTables server;
  private DeltaCatalog delta;

  @Override
  public void initialize(String name, CaseInsensitiveStringMap options) {
    session = Sessions.active();
    server = new ServerTables(session);
    server.initialize(name, options);
    Map<String, String> classic = new HashMap<>(options.asCaseSensitiveMap());
    classic.put("deltaRestApi.enabled", "false");
    delta = new DeltaCatalog();
    delta.setDelegateCatalog(server);
    delta.initialize(name, new CaseInsensitiveStringMap(classic));
  }

  @Override
  public String name() {
    return server.name();
  }

  @Override
  public String[] defaultNamespace() {
    return server.defaultNamespace();
  }

  @Override
  public Set<TableCatalogCapability> capabilities() {
    return delta.capabilities();
  }

  // ---- reading ----

  @Override
  public Identifier[] listTables(String[] namespace) throws NoSuchNamespaceException {
    if (InformationSchema.is(namespace)) {
      return InformationSchema.identifiers();
    }
    return server.listTables(namespace);
  }

  @Override
  public TableSummary[] listTableSummaries(String[] namespace) throws NoSuchNamespaceException {
    if (InformationSchema.is(namespace)) {
      return Arrays.stream(InformationSchema.identifiers())
          .map(view -> TableSummary.of(view, TableSummary.VIEW_TABLE_TYPE))
          .toArray(TableSummary[]::new);
    }
    return server.listTableSummaries(namespace);
  }

  @Override
  public TableSummary[] listRelationSummaries(String[] namespace) throws NoSuchNamespaceException {
    return listTableSummaries(namespace);
  }

  @Override
  public boolean tableExists(Identifier ident) {
    if (InformationSchema.is(ident.namespace())) {
      return InformationSchema.has(ident.name());
    }
    return delta.tableExists(ident);
  }

  @Override
  public Relation loadRelation(Identifier ident) throws NoSuchTableException {
    // delta.`s3://bucket/folder` is Delta's to find; no table of the server has such a name.
    if (ident.name().contains("/") || InformationSchema.is(ident.namespace())) {
      return loadTable(ident);
    }
    Relation relation = server.loadRelation(ident);
    return relation instanceof View ? relation : loadTable(ident);
  }

  @Override
  public Table loadTable(Identifier ident) throws NoSuchTableException {
    if (InformationSchema.is(ident.namespace())) {
      return InformationSchema.load(name(), ident.name());
    }
    Table table = delta.loadTable(ident);
    if (table instanceof DeltaTableV2 loaded && loaded.catalogTable().isDefined()) {
      mendCopy(ident, loaded);
    }
    return table;
  }

  @Override
  public Table loadTable(Identifier ident, Set<TableWritePrivilege> privileges)
      throws NoSuchTableException {
    return loadTable(ident);
  }

  @Override
  public Table loadTable(Identifier ident, String version) throws NoSuchTableException {
    return delta.loadTable(ident, version);
  }

  @Override
  public Table loadTable(Identifier ident, long timestamp) throws NoSuchTableException {
    return delta.loadTable(ident, timestamp);
  }

  @Override
  public void invalidateTable(Identifier ident) {
    delta.invalidateTable(ident);
  }

  /** The snapshot is read for every query anyway, so looking whether the copy differs is free. */
  private void mendCopy(Identifier ident, DeltaTableV2 table) {
    if (table.initialSnapshot().version() < 0) {
      return;
    }
    Metadata truth = table.initialSnapshot().metadata();
    List<String> partitionColumns = CollectionConverters.asJava(truth.partitionColumns());
    Map<String, String> properties = CollectionConverters.asJava(truth.configuration());
    CatalogTable copy = table.catalogTable().get();
    boolean fresh =
        Columns.toJson(truth.schema(), partitionColumns)
                .equals(
                    Columns.toJson(
                        copy.schema(), CollectionConverters.asJava(copy.partitionColumnNames())))
            && Objects.equals(truth.description(), copy.comment().getOrElse(() -> null))
            && CollectionConverters.asJava(copy.properties())
                .entrySet()
                .containsAll(properties.entrySet());
    if (fresh) {
      return;
    }
    try {
      CatalogCopies.send(
          server.urlName(ident),
          session,
          truth.schema(),
          partitionColumns,
          truth.description(),
          properties);
    } catch (CatalogError e) {
      // A reader who may not change the table still reads it.
      LOG.info("the catalog's copy of {} is behind: {}", ident, e.getMessage());
    }
  }

  // ---- creating and replacing ----

  @Override
  public Table createTable(Identifier ident, TableInfo info)
      throws TableAlreadyExistsException, NoSuchNamespaceException {
    refuseManagedUnlessDelta(ident, info);
    Placed placed = place(ident, info);
    try {
      return delta.createTable(ident, placed.info);
    } catch (Throwable e) {
      cleanUp(ident, placed);
      throw e;
    }
  }

  /** Delta's own looks for the new table in Spark's built-in catalog; it is an empty copy. */
  @Override
  public Table createTableLike(Identifier ident, TableInfo info, Table source)
      throws TableAlreadyExistsException, NoSuchNamespaceException {
    TableInfo.Builder copy = new TableInfo.Builder();
    copy.withColumns(source.columns());
    copy.withPartitions(source.partitioning());
    copy.withProperties(info.properties());
    return createTable(ident, copy.build());
  }

  @Override
  public StagedTable stageCreate(Identifier ident, TableInfo info)
      throws TableAlreadyExistsException, NoSuchNamespaceException {
    refuseUnlessDelta("CREATE TABLE AS SELECT", ident, info);
    Placed placed = place(ident, info);
    return new Staged(ident, placed, delta.stageCreate(ident, placed.info));
  }

  @Override
  public StagedTable stageReplace(Identifier ident, TableInfo info)
      throws NoSuchNamespaceException, NoSuchTableException {
    refuseUnlessDelta("REPLACE TABLE", ident, info);
    Placed inPlace = new Placed(info, null);
    return new Staged(ident, inPlace, delta.stageReplace(ident, info));
  }

  @Override
  public StagedTable stageCreateOrReplace(Identifier ident, TableInfo info)
      throws NoSuchNamespaceException {
    refuseUnlessDelta("CREATE OR REPLACE TABLE", ident, info);
    Placed placed;
    try {
      placed = delta.tableExists(ident) ? new Placed(info, null) : place(ident, info);
    } catch (TableAlreadyExistsException e) {
      // Created by another since we looked: then it is there to be replaced.
      placed = new Placed(info, null);
    }
    return new Staged(ident, placed, delta.stageCreateOrReplace(ident, placed.info));
  }

  /**
   * What is to be created, and where.
   *
   * @param stagedAt the folder the server chose for a new managed table; null when the table is
   *     external or exists
   */
  private record Placed(TableInfo info, String stagedAt) {}

  private Placed place(Identifier ident, TableInfo info)
      throws TableAlreadyExistsException, NoSuchNamespaceException {
    if (info.properties().containsKey(TableCatalog.PROP_LOCATION)
        || ident.namespace().length != 1) {
      requireBucket(info.properties().get(TableCatalog.PROP_LOCATION));
      return new Placed(info, null);
    }
    String location = server.stagingLocation(ident);
    Map<String, String> properties = new HashMap<>(info.properties());
    properties.put(TableCatalog.PROP_LOCATION, location);
    properties.put(PROP_IS_MANAGED_LOCATION, "true");
    properties.putIfAbsent(PROP_PROVIDER, "delta");
    TableInfo.Builder builder = new TableInfo.Builder();
    builder.withColumns(info.columns());
    builder.withProperties(properties);
    builder.withPartitions(info.partitions());
    builder.withConstraints(info.constraints());
    return new Placed(builder.build(), location);
  }

  /** Spark and Delta would say "cannot create" or "does not exist" of a path, not why. */
  private static void requireBucket(String location) {
    if (location == null) {
      return;
    }
    Path path = new Path(location);
    try {
      FileStatus unused = fileSystem(path).getFileStatus(new Path(path, "/"));
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "LOCATION '"
              + location
              + "' (expected: a path in a bucket that exists): "
              + e.getMessage(),
          e);
    }
  }

  private static FileSystem fileSystem(Path path) throws IOException {
    return path.getFileSystem(
        ((org.apache.spark.sql.classic.SparkSession) SparkSession.active())
            .sessionState()
            .newHadoopConf());
  }

  private static void refuseManagedUnlessDelta(Identifier ident, TableInfo info) {
    if (!isDelta(info) && !info.properties().containsKey(TableCatalog.PROP_LOCATION)) {
      throw new UnsupportedOperationException(
          "CREATE TABLE "
              + ident
              + " USING "
              + info.properties().get(PROP_PROVIDER)
              + " without LOCATION (expected: USING DELTA for a managed table, or a LOCATION)");
    }
  }

  private static void refuseUnlessDelta(String statement, Identifier ident, TableInfo info) {
    if (!isDelta(info)) {
      throw new UnsupportedOperationException(
          statement
              + " "
              + ident
              + " USING "
              + info.properties().get(PROP_PROVIDER)
              + " (expected: USING DELTA; for another format create the table first, then INSERT)");
    }
  }

  private static boolean isDelta(TableInfo info) {
    return info.properties().getOrDefault(PROP_PROVIDER, "delta").equalsIgnoreCase("delta");
  }

  /** Removes the files of a managed table that did not come to be. */
  private void cleanUp(Identifier ident, Placed placed) {
    if (placed.stagedAt == null) {
      return;
    }
    try {
      // The answer to the creation may have been lost: only what the server does not know may go.
      if (isRegisteredAt(ident, placed.stagedAt)) {
        return;
      }
      Path folder = new Path(placed.stagedAt);
      boolean unused = fileSystem(folder).delete(folder, true);
    } catch (IOException | CatalogError e) {
      LOG.warn("files of the failed table {} stay at {}", ident, placed.stagedAt, e);
    }
  }

  private boolean isRegisteredAt(Identifier ident, String location) {
    try {
      String registered =
          server.loadTable(ident).properties().getOrDefault(TableCatalog.PROP_LOCATION, "");
      return new Path(registered).equals(new Path(location));
    } catch (NoSuchTableException e) {
      return false;
    }
  }

  /** Delta's staged table; aborting it also removes the files it wrote. */
  private final class Staged implements StagedTable, SupportsWrite {
    private final Identifier ident;
    private final Placed placed;
    private final StagedTable table;

    Staged(Identifier ident, Placed placed, StagedTable table) {
      this.ident = ident;
      this.placed = placed;
      this.table = table;
    }

    @Override
    public void commitStagedChanges() {
      table.commitStagedChanges();
    }

    @Override
    public void abortStagedChanges() {
      table.abortStagedChanges();
      cleanUp(ident, placed);
    }

    @Override
    public CustomTaskMetric[] reportDriverMetrics() {
      return table.reportDriverMetrics();
    }

    @Override
    public WriteBuilder newWriteBuilder(LogicalWriteInfo write) {
      return ((SupportsWrite) table).newWriteBuilder(write);
    }

    @Override
    public String name() {
      return table.name();
    }

    @Override
    @SuppressWarnings("deprecation") // Delta's staged table has its columns only there.
    public org.apache.spark.sql.types.StructType schema() {
      return table.schema();
    }

    @Override
    public Transform[] partitioning() {
      return table.partitioning();
    }

    @Override
    public Map<String, String> properties() {
      return table.properties();
    }

    @Override
    public Set<TableCapability> capabilities() {
      return table.capabilities();
    }

    @Override
    public Constraint[] constraints() {
      return table.constraints();
    }
  }

  // ---- changing and dropping ----

  @Override
  public Table alterTable(Identifier ident, TableChange... changes) throws NoSuchTableException {
    for (TableChange change : changes) {
      if (change instanceof TableChange.SetProperty set
          && set.property().equals(TableCatalog.PROP_LOCATION)) {
        throw new UnsupportedOperationException(
            "ALTER TABLE " + ident + " SET LOCATION: drop the table and create it there");
      }
    }
    return delta.alterTable(ident, changes);
  }

  @Override
  public boolean dropTable(Identifier ident) {
    return delta.dropTable(ident);
  }

  @Override
  public boolean purgeTable(Identifier ident) {
    return server.purgeTable(ident);
  }

  @Override
  public void renameTable(Identifier from, Identifier to)
      throws NoSuchTableException, TableAlreadyExistsException {
    server.renameTable(from, to);
  }

  // ---- views ----

  @Override
  public Identifier[] listViews(String[] namespace) throws NoSuchNamespaceException {
    return InformationSchema.is(namespace) ? new Identifier[0] : server.listViews(namespace);
  }

  @Override
  public View createView(Identifier ident, View view)
      throws ViewAlreadyExistsException, NoSuchNamespaceException {
    return server.createView(ident, view);
  }

  @Override
  public View replaceView(Identifier ident, View view) throws NoSuchViewException {
    return server.replaceView(ident, view);
  }

  @Override
  public boolean dropView(Identifier ident) {
    return viewExists(ident) && server.dropTable(ident);
  }

  @Override
  public void renameView(Identifier from, Identifier to)
      throws NoSuchViewException, ViewAlreadyExistsException {
    try {
      server.renameTable(from, to);
    } catch (NoSuchTableException e) {
      throw new NoSuchViewException(from);
    } catch (TableAlreadyExistsException e) {
      throw new ViewAlreadyExistsException(to);
    }
  }

  // ---- schemas ----

  @Override
  public String[][] listNamespaces() throws NoSuchNamespaceException {
    return withInformationSchema(server.listNamespaces());
  }

  @Override
  public String[][] listNamespaces(String[] namespace) throws NoSuchNamespaceException {
    return namespace.length == 0 ? listNamespaces() : server.listNamespaces(namespace);
  }

  private static String[][] withInformationSchema(String[][] schemas) {
    String[][] all = Arrays.copyOf(schemas, schemas.length + 1);
    all[schemas.length] = new String[] {InformationSchema.NAME};
    return all;
  }

  @Override
  public boolean namespaceExists(String[] namespace) {
    return InformationSchema.is(namespace) || server.namespaceExists(namespace);
  }

  @Override
  public Map<String, String> loadNamespaceMetadata(String[] namespace)
      throws NoSuchNamespaceException {
    return InformationSchema.is(namespace) ? Map.of() : server.loadNamespaceMetadata(namespace);
  }

  @Override
  public void createNamespace(String[] namespace, Map<String, String> metadata)
      throws NamespaceAlreadyExistsException {
    server.createNamespace(namespace, metadata);
  }

  @Override
  public void alterNamespace(String[] namespace, NamespaceChange... changes)
      throws NoSuchNamespaceException {
    server.alterNamespace(namespace, changes);
  }

  @Override
  public boolean dropNamespace(String[] namespace, boolean cascade)
      throws NoSuchNamespaceException, NonEmptyNamespaceException {
    return server.dropNamespace(namespace, cascade);
  }
}
