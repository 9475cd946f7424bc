package io.unitycatalog.spark;

import static dev.tarn.spark.CatalogServer.encoded;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.CatalogCopies;
import dev.tarn.spark.CatalogError;
import dev.tarn.spark.CatalogServer;
import dev.tarn.spark.Columns;
import dev.tarn.spark.Sessions;
import dev.tarn.spark.VolumePath;
import dev.tarn.spark.governance.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.analysis.NamespaceAlreadyExistsException;
import org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.analysis.NoSuchViewException;
import org.apache.spark.sql.catalyst.analysis.NonEmptyNamespaceException;
import org.apache.spark.sql.catalyst.analysis.TableAlreadyExistsException;
import org.apache.spark.sql.catalyst.analysis.ViewAlreadyExistsException;
import org.apache.spark.sql.catalyst.catalog.CatalogStorageFormat;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.CatalogTableType;
import org.apache.spark.sql.catalyst.catalog.CatalogUtils;
import org.apache.spark.sql.connector.catalog.CatalogV2Util;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.NamespaceChange;
import org.apache.spark.sql.connector.catalog.Relation;
import org.apache.spark.sql.connector.catalog.SupportsNamespaces;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.catalog.TableSummary;
import org.apache.spark.sql.connector.catalog.V1Table;
import org.apache.spark.sql.connector.catalog.View;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.delta.actions.Metadata;
import org.apache.spark.sql.execution.datasources.DataSource;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.sources.BaseRelation;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The catalog server's schemas and tables as Spark sees them, under Delta's catalog: it stores and
 * answers metadata and knows nothing of Delta's log but how to read the columns of a new table.
 *
 * <p>Delta believes a table location that came from a catalog only when the class under it is in a
 * package {@code io.unitycatalog}.
 */
final class ServerTables implements TableCatalog, SupportsNamespaces {
  private static final Set<String> RESERVED =
      Set.of(
          TableCatalog.PROP_LOCATION,
          PROP_IS_MANAGED_LOCATION,
          PROP_EXTERNAL,
          PROP_TABLE_TYPE,
          TableCatalog.PROP_COMMENT,
          PROP_PROVIDER,
          TableCatalog.PROP_OWNER);

  /** The table this thread has loaded last, for Delta's catalog, which asks for it again. */
  private static final ThreadLocal<Loaded> LOADED = new ThreadLocal<>();

  private static final String VIEW_CATALOG = "view.catalog";
  private static final String VIEW_NAMESPACE = "view.namespace";
  private static final String VIEW_COLUMNS = "view.queryColumns";
  private static final String VIEW_SCHEMA_MODE = "view.schemaMode";
  private static final String VIEW_SETTING = "view.sqlConfig.";

  private final Sessions.Session session;
  private String catalog;

  private record Loaded(ServerTables by, Identifier ident, Table table) {}

  ServerTables(Sessions.Session session) {
    this.session = session;
  }

  @Override
  public void initialize(String name, CaseInsensitiveStringMap options) {
    catalog = name;
  }

  @Override
  public String name() {
    return catalog;
  }

  @Override
  public String[] defaultNamespace() {
    return new String[] {"default"};
  }

  // ---- tables ----

  @Override
  public Identifier[] listTables(String[] namespace) throws NoSuchNamespaceException {
    return named(namespace, false);
  }

  Identifier[] listViews(String[] namespace) throws NoSuchNamespaceException {
    return named(namespace, true);
  }

  private Identifier[] named(String[] namespace, boolean views) throws NoSuchNamespaceException {
    return tables(namespace).stream()
        .filter(table -> isView(table) == views)
        .map(table -> Identifier.of(namespace, table.path("name").asText()))
        .toArray(Identifier[]::new);
  }

  private static boolean isView(JsonNode table) {
    return table.path("table_type").asText().equals(TableSummary.VIEW_TABLE_TYPE);
  }

  /** Spark's own would load every table to learn its kind; the list has it. */
  @Override
  public TableSummary[] listTableSummaries(String[] namespace) throws NoSuchNamespaceException {
    List<TableSummary> found = new ArrayList<>();
    for (JsonNode table : tables(namespace)) {
      found.add(
          TableSummary.of(
              Identifier.of(namespace, table.path("name").asText()),
              table.path("table_type").asText()));
    }
    return found.toArray(new TableSummary[0]);
  }

  private List<JsonNode> tables(String[] namespace) throws NoSuchNamespaceException {
    try {
      return server()
          .list(
              session.call(),
              "tables?catalog_name="
                  + encoded(catalog)
                  + "&schema_name="
                  + encoded(schema(namespace)),
              "tables");
    } catch (CatalogError e) {
      if (e.isNotFound()) {
        throw new NoSuchNamespaceException(qualified(namespace));
      }
      throw e;
    }
  }

  @Override
  public Table loadTable(Identifier ident) throws NoSuchTableException {
    Loaded known = LOADED.get();
    if (known != null && known.by == this && known.ident.equals(ident)) {
      LOADED.remove();
      return known.table;
    }
    if (loadRelation(ident) instanceof Table table) {
      LOADED.remove();
      return table;
    }
    throw new NoSuchTableException(ident);
  }

  /** A table or a view; the table is what the next {@link #loadTable} of this thread answers. */
  Relation loadRelation(Identifier ident) throws NoSuchTableException {
    LOADED.remove();
    // parquet.`s3://bucket/one.parquet` is tried as a table first; the server takes its periods for
    // more parts of a name and refuses to read it, where Spark must hear that there is none.
    if (ident.namespace().length != 1 || isPath(ident.name())) {
      throw new NoSuchTableException(ident);
    }
    try {
      JsonNode json = server().get(session.reader(), "tables/" + urlName(ident));
      if (isView(json)) {
        return view(json);
      }
      Table table = table(ident, json);
      LOADED.set(new Loaded(this, ident, table));
      return table;
    } catch (CatalogError e) {
      if (e.isNotFound()) {
        throw new NoSuchTableException(ident);
      }
      throw e;
    }
  }

  private static boolean isPath(String name) {
    return name.contains("://")
        || name.startsWith("/")
        || name.startsWith(VolumePath.SCHEME + ":/");
  }

  // ---- views ----

  /** What Spark needs to read a view's text again as its maker meant it, among its properties. */
  private static View view(JsonNode json) {
    View.Builder view = new View.Builder();
    Map<String, String> properties = new HashMap<>();
    Map<String, String> settings = new HashMap<>();
    List<String> namespace = new ArrayList<>();
    List<String> columns = new ArrayList<>();
    for (Map.Entry<String, JsonNode> each : json.path("properties").properties()) {
      String name = each.getKey();
      String value = each.getValue().asText();
      if (name.equals(VIEW_CATALOG)) {
        view.withCurrentCatalog(value);
      } else if (name.equals(VIEW_NAMESPACE)) {
        namespace.addAll(texts(value));
      } else if (name.equals(VIEW_COLUMNS)) {
        columns.addAll(texts(value));
      } else if (name.equals(VIEW_SCHEMA_MODE)) {
        view.withSchemaMode(value);
      } else if (name.startsWith(VIEW_SETTING)) {
        String setting = name.substring(VIEW_SETTING.length());
        if (Settings.isSettable(setting)) {
          settings.put(setting, value);
        }
      } else {
        properties.put(name, value);
      }
    }
    view.withSchema(Columns.schema(json.path("columns")));
    view.withProperties(properties);
    view.withQueryText(json.path("view_definition").asText());
    view.withCurrentNamespace(namespace.toArray(new String[0]));
    view.withQueryColumnNames(columns.toArray(new String[0]));
    view.withSqlConfigs(settings);
    view.withOwner(json.path("owner").asText(""));
    if (json.hasNonNull("comment")) {
      view.withComment(json.path("comment").asText());
    }
    return view.build();
  }

  private static List<String> texts(String json) {
    try {
      return List.of(CatalogServer.JSON.readValue(json, String[].class));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("'" + json + "' (expected: a list of names)", e);
    }
  }

  View createView(Identifier ident, View view)
      throws ViewAlreadyExistsException, NoSuchNamespaceException {
    ObjectNode body = toJson(view);
    body.put("name", ident.name());
    body.put("catalog_name", catalog);
    body.put("schema_name", schema(ident.namespace()));
    body.put("table_type", TableSummary.VIEW_TABLE_TYPE);
    try {
      return view(server().post(session.call(), "tables", body));
    } catch (CatalogError e) {
      if (e.isAlreadyExists()) {
        throw new ViewAlreadyExistsException(ident);
      } else if (e.isNotFound()) {
        throw new NoSuchNamespaceException(qualified(ident.namespace()));
      }
      throw e;
    }
  }

  View replaceView(Identifier ident, View view) throws NoSuchViewException {
    try {
      return view(server().patch(session.call(), "tables/" + urlName(ident), toJson(view)));
    } catch (CatalogError e) {
      if (e.isNotFound()) {
        throw new NoSuchViewException(ident);
      }
      throw e;
    }
  }

  private static ObjectNode toJson(View view) {
    Map<String, String> properties = new HashMap<>(view.properties());
    properties.keySet().removeAll(RESERVED);
    view.sqlConfigs()
        .forEach(
            (name, value) -> {
              if (Settings.isSettable(name)) {
                properties.put(VIEW_SETTING + name, value);
              }
            });
    if (view.currentCatalog() != null) {
      properties.put(VIEW_CATALOG, view.currentCatalog());
      properties.put(
          VIEW_NAMESPACE, CatalogServer.JSON.valueToTree(view.currentNamespace()).toString());
    }
    if (view.queryColumnNames().length > 0) {
      properties.put(
          VIEW_COLUMNS, CatalogServer.JSON.valueToTree(view.queryColumnNames()).toString());
    }
    if (view.schemaMode() != null) {
      properties.put(VIEW_SCHEMA_MODE, view.schemaMode());
    }
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    body.put("view_definition", view.queryText());
    body.set("columns", Columns.toJson(view.schema(), List.of()));
    body.set("properties", CatalogServer.JSON.valueToTree(properties));
    putIfPresent(body, "comment", view.properties().get(TableCatalog.PROP_COMMENT));
    return body;
  }

  private Table table(Identifier ident, JsonNode json) {
    String provider = json.path("data_source_format").asText("").toLowerCase(Locale.ROOT);
    String location = json.path("storage_location").asText("");
    if (location.isEmpty()) {
      throw new UnsupportedOperationException(
          json.path("table_type").asText()
              + " "
              + ident
              + " has no storage location (expected: a MANAGED or EXTERNAL table)");
    }
    Map<String, String> options = new HashMap<>();
    Map<String, String> properties = new HashMap<>();
    for (Map.Entry<String, JsonNode> each : json.path("properties").properties()) {
      if (each.getKey().startsWith(OPTION_PREFIX)) {
        options.put(each.getKey().substring(OPTION_PREFIX.length()), each.getValue().asText());
      } else {
        properties.put(each.getKey(), each.getValue().asText());
      }
    }
    if (provider.equals("delta")) {
      CatalogCopies.registered(location, urlName(ident), session);
    }
    boolean managed = json.path("table_type").asText().equals("MANAGED");
    return new V1Table(
        new CatalogTable(
            new TableIdentifier(
                ident.name(), Option.apply(ident.namespace()[0]), Option.apply(catalog)),
            managed ? CatalogTableType.MANAGED() : CatalogTableType.EXTERNAL(),
            new CatalogStorageFormat(
                Option.apply(CatalogUtils.stringToURI(location)),
                Option.empty(),
                Option.empty(),
                Option.empty(),
                false,
                scalaMap(options),
                Option.empty()),
            Columns.schema(json.path("columns")),
            Option.apply(provider),
            scalaList(Columns.partitionColumns(json.path("columns"))),
            Option.empty(),
            json.path("owner").asText(""),
            json.path("created_at").asLong(0),
            -1L,
            "",
            scalaMap(properties),
            Option.empty(),
            Option.empty(),
            Option.apply(json.path("comment").asText(null)),
            Option.empty(),
            scalaList(List.of()),
            false,
            true,
            scalaMap(Map.of()),
            Option.empty(),
            Option.empty()));
  }

  @Override
  @SuppressWarnings("deprecation") // It is the one Delta's catalog calls.
  public Table createTable(
      Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties)
      throws TableAlreadyExistsException, NoSuchNamespaceException {
    String provider = properties.getOrDefault(PROP_PROVIDER, "delta").toLowerCase(Locale.ROOT);
    String location = properties.get(TableCatalog.PROP_LOCATION);
    if (location == null) {
      throw new IllegalArgumentException("table " + ident + " has no location");
    }
    boolean managed =
        !Boolean.parseBoolean(properties.getOrDefault(PROP_EXTERNAL, "false"))
            && provider.equals("delta");
    StructType schema = CatalogV2Util.v2ColumnsToStructType(columns);
    List<String> partitionColumns = identityColumns(partitions);
    String comment = properties.get(TableCatalog.PROP_COMMENT);
    Map<String, String> kept = new HashMap<>(properties);
    kept.keySet().removeAll(RESERVED);
    if (provider.equals("delta")) {
      // Delta has committed: its log says what was created, also when the table was there before.
      Metadata metadata = DeltaLog.forTable(spark(), new Path(location)).unsafeVolatileMetadata();
      schema = metadata.schema();
      partitionColumns = CollectionConverters.asJava(metadata.partitionColumns());
      comment = metadata.description();
      kept = new HashMap<>(CollectionConverters.asJava(metadata.configuration()));
    } else if (schema.isEmpty()) {
      BaseRelation found = inferred(provider, location, kept);
      schema = found.schema();
      if (found instanceof HadoopFsRelation files) {
        partitionColumns = List.of(files.partitionSchema().fieldNames());
      }
    }
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    body.put("name", ident.name());
    body.put("catalog_name", catalog);
    body.put("schema_name", schema(ident.namespace()));
    body.put("table_type", managed ? "MANAGED" : "EXTERNAL");
    body.put("data_source_format", provider.toUpperCase(Locale.ROOT));
    body.set("columns", Columns.toJson(schema, partitionColumns));
    body.put("storage_location", location);
    if (comment != null) {
      body.put("comment", comment);
    }
    body.set("properties", CatalogServer.JSON.valueToTree(kept));
    try {
      return table(ident, server().post(session.call(), "tables", body));
    } catch (CatalogError e) {
      if (e.isAlreadyExists()) {
        throw new TableAlreadyExistsException(ident);
      } else if (e.isNotFound()) {
        throw new NoSuchNamespaceException(qualified(ident.namespace()));
      }
      throw e;
    }
  }

  @Override
  @SuppressWarnings("deprecation") // It is the one Delta's catalog calls for other formats.
  public Table createTable(
      Identifier ident, StructType schema, Transform[] partitions, Map<String, String> properties)
      throws TableAlreadyExistsException, NoSuchNamespaceException {
    return createTable(
        ident, CatalogV2Util.structTypeToV2Columns(schema, false), partitions, properties);
  }

  private static BaseRelation inferred(
      String provider, String location, Map<String, String> properties) {
    Map<String, String> options = new HashMap<>();
    properties.forEach(
        (key, value) -> {
          if (key.startsWith(OPTION_PREFIX)) {
            options.put(key.substring(OPTION_PREFIX.length()), value);
          }
        });
    options.put("path", location);
    return new DataSource(
            spark(),
            provider,
            scalaList(List.of()),
            Option.empty(),
            scalaList(List.of()),
            Option.empty(),
            scalaMap(options),
            Option.empty(),
            Option.empty())
        .resolveRelation(true, false, false);
  }

  private static List<String> identityColumns(Transform[] partitions) {
    List<String> names = new ArrayList<>();
    for (Transform transform : partitions) {
      if (!transform.name().equals("identity")) {
        throw new UnsupportedOperationException(
            "PARTITIONED BY (" + transform + ") (expected: column names)");
      }
      names.add(String.join(".", transform.references()[0].fieldNames()));
    }
    return names;
  }

  /** Delta alters its own tables in their log; here it is the others, and only their labels. */
  @Override
  public Table alterTable(Identifier ident, TableChange... changes) throws NoSuchTableException {
    CatalogTable table = ((V1Table) loadTable(ident)).catalogTable();
    Map<String, String> properties = new HashMap<>(CollectionConverters.asJava(table.properties()));
    CollectionConverters.asJava(table.storage().properties())
        .forEach((key, value) -> properties.put(OPTION_PREFIX + key, value));
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    for (TableChange change : changes) {
      if (change instanceof TableChange.SetProperty set
          && set.property().equals(TableCatalog.PROP_COMMENT)) {
        body.put("comment", set.value());
      } else if (change instanceof TableChange.SetProperty set
          && !RESERVED.contains(set.property())) {
        properties.put(set.property(), set.value());
      } else if (change instanceof TableChange.RemoveProperty remove) {
        properties.remove(remove.property());
      } else {
        throw new UnsupportedOperationException(
            "ALTER TABLE "
                + ident
                + ": "
                + change.getClass().getSimpleName()
                + " (expected for a table that is not DELTA: comment or properties)");
      }
    }
    body.set("properties", CatalogServer.JSON.valueToTree(properties));
    return table(ident, server().patch(session.call(), "tables/" + urlName(ident), body));
  }

  @Override
  public boolean dropTable(Identifier ident) {
    try {
      server().delete(session.call(), "tables/" + urlName(ident));
      return true;
    } catch (CatalogError e) {
      if (e.isNotFound()) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public boolean purgeTable(Identifier ident) {
    throw new UnsupportedOperationException(
        "DROP TABLE " + ident + " PURGE (expected: DROP TABLE without PURGE)");
  }

  /** Within its schema; nothing of it moves but its name. */
  @Override
  public void renameTable(Identifier from, Identifier to)
      throws NoSuchTableException, TableAlreadyExistsException {
    String[] into = to.namespace();
    boolean stays =
        (into.length == 1 && into[0].equalsIgnoreCase(from.namespace()[0]))
            || Arrays.equals(into, qualified(from.namespace()));
    if (!stays) {
      throw new UnsupportedOperationException(
          "RENAME TO "
              + to
              + ": it would leave its schema (expected: a name in "
              + String.join(".", qualified(from.namespace()))
              + ")");
    }
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    body.put("new_name", to.name());
    try {
      server().patch(session.call(), "tables/" + urlName(from), body);
    } catch (CatalogError e) {
      if (e.isAlreadyExists()) {
        throw new TableAlreadyExistsException(to);
      } else if (e.isNotFound()) {
        throw new NoSuchTableException(from);
      }
      throw e;
    }
  }

  /** Where a managed table that is about to be created must lie. */
  String stagingLocation(Identifier ident)
      throws NoSuchNamespaceException, TableAlreadyExistsException {
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    body.put("catalog_name", catalog);
    body.put("schema_name", schema(ident.namespace()));
    body.put("name", ident.name());
    try {
      return server()
          .post(session.call(), "staging-tables", body)
          .path("staging_location")
          .asText();
    } catch (CatalogError e) {
      if (e.isAlreadyExists()) {
        throw new TableAlreadyExistsException(ident);
      } else if (e.isNotFound()) {
        throw new NoSuchNamespaceException(qualified(ident.namespace()));
      }
      throw e;
    }
  }

  // ---- schemas ----

  @Override
  public String[][] listNamespaces() throws NoSuchNamespaceException {
    try {
      return server()
          .list(session.call(), "schemas?catalog_name=" + encoded(catalog), "schemas")
          .stream()
          .map(schema -> new String[] {schema.path("name").asText()})
          .toArray(String[][]::new);
    } catch (CatalogError e) {
      if (e.isNotFound()) {
        throw new NoSuchNamespaceException(new String[] {catalog});
      }
      throw e;
    }
  }

  @Override
  public String[][] listNamespaces(String[] namespace) throws NoSuchNamespaceException {
    if (namespace.length == 0) {
      return listNamespaces();
    }
    loadNamespaceMetadata(namespace);
    return new String[0][];
  }

  @Override
  public boolean namespaceExists(String[] namespace) {
    try {
      loadNamespaceMetadata(namespace);
      return true;
    } catch (NoSuchNamespaceException e) {
      return false;
    }
  }

  @Override
  public Map<String, String> loadNamespaceMetadata(String[] namespace)
      throws NoSuchNamespaceException {
    JsonNode json;
    try {
      json = server().get(session.reader(), "schemas/" + urlName(namespace));
    } catch (CatalogError e) {
      if (e.isNotFound()) {
        throw new NoSuchNamespaceException(qualified(namespace));
      }
      throw e;
    }
    Map<String, String> metadata = new HashMap<>();
    json.path("properties")
        .properties()
        .forEach(e -> metadata.put(e.getKey(), e.getValue().asText()));
    putIfText(metadata, SupportsNamespaces.PROP_COMMENT, json.path("comment"));
    putIfText(metadata, SupportsNamespaces.PROP_OWNER, json.path("owner"));
    putIfText(metadata, SupportsNamespaces.PROP_LOCATION, json.path("storage_location"));
    return metadata;
  }

  private static void putIfText(Map<String, String> metadata, String key, JsonNode value) {
    if (!value.asText("").isEmpty()) {
      metadata.put(key, value.asText());
    }
  }

  @Override
  public void createNamespace(String[] namespace, Map<String, String> metadata)
      throws NamespaceAlreadyExistsException {
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    body.put("name", schema(namespace));
    body.put("catalog_name", catalog);
    Map<String, String> properties = new HashMap<>(metadata);
    // Spark names the process's user as owner; the server knows who asked.
    properties.remove(SupportsNamespaces.PROP_OWNER);
    putIfPresent(body, "comment", properties.remove(SupportsNamespaces.PROP_COMMENT));
    putIfPresent(body, "storage_root", properties.remove(SupportsNamespaces.PROP_LOCATION));
    body.set("properties", CatalogServer.JSON.valueToTree(properties));
    try {
      server().post(session.call(), "schemas", body);
    } catch (CatalogError e) {
      if (e.isAlreadyExists()) {
        throw new NamespaceAlreadyExistsException(qualified(namespace));
      }
      throw e;
    }
  }

  private static void putIfPresent(ObjectNode body, String key, String value) {
    if (value != null) {
      body.put(key, value);
    }
  }

  @Override
  public void alterNamespace(String[] namespace, NamespaceChange... changes)
      throws NoSuchNamespaceException {
    Map<String, String> metadata = new HashMap<>(loadNamespaceMetadata(namespace));
    ObjectNode body = CatalogServer.JSON.createObjectNode();
    for (NamespaceChange change : changes) {
      if (change instanceof NamespaceChange.SetProperty set) {
        if (set.property().equals(SupportsNamespaces.PROP_COMMENT)) {
          body.put("comment", set.value());
        } else if (set.property().equals(SupportsNamespaces.PROP_LOCATION)) {
          throw new UnsupportedOperationException(
              "ALTER SCHEMA " + schema(namespace) + " SET LOCATION: a schema cannot be moved");
        } else {
          metadata.put(set.property(), set.value());
        }
      } else if (change instanceof NamespaceChange.RemoveProperty remove) {
        metadata.remove(remove.property());
      }
    }
    metadata.remove(SupportsNamespaces.PROP_COMMENT);
    metadata.remove(SupportsNamespaces.PROP_OWNER);
    metadata.remove(SupportsNamespaces.PROP_LOCATION);
    body.set("properties", CatalogServer.JSON.valueToTree(metadata));
    server().patch(session.call(), "schemas/" + urlName(namespace), body);
  }

  @Override
  public boolean dropNamespace(String[] namespace, boolean cascade)
      throws NoSuchNamespaceException, NonEmptyNamespaceException {
    if (!cascade && tables(namespace).size() > 0) {
      throw new NonEmptyNamespaceException(qualified(namespace));
    }
    try {
      server()
          .delete(session.call(), "schemas/" + urlName(namespace) + (cascade ? "?force=true" : ""));
      return true;
    } catch (CatalogError e) {
      if (e.isNotFound()) {
        throw new NoSuchNamespaceException(qualified(namespace));
      }
      throw e;
    }
  }

  // ---- names ----

  String urlName(Identifier ident) {
    return CatalogServer.fullName(catalog, schema(ident.namespace()), ident.name());
  }

  private String urlName(String[] namespace) throws NoSuchNamespaceException {
    if (namespace.length != 1) {
      throw new NoSuchNamespaceException(qualified(namespace));
    }
    return CatalogServer.fullName(catalog, namespace[0]);
  }

  private String[] qualified(String[] namespace) {
    String[] names = new String[namespace.length + 1];
    names[0] = catalog;
    System.arraycopy(namespace, 0, names, 1, namespace.length);
    return names;
  }

  /** Of {@code a.b}, Spark takes {@code a} for a schema when the session sees no such catalog. */
  private static String schema(String[] namespace) {
    if (namespace.length == 2) {
      throw CatalogError.noCatalog(namespace[0]);
    }
    if (namespace.length != 1) {
      throw new CatalogError(
          404,
          "CATALOG_DOES_NOT_EXIST",
          "'" + String.join(".", namespace) + "' (expected: catalog.schema)");
    }
    return namespace[0];
  }

  private static CatalogServer server() {
    return Sessions.server();
  }

  private static org.apache.spark.sql.classic.SparkSession spark() {
    return (org.apache.spark.sql.classic.SparkSession) SparkSession.active();
  }

  private static <K, V> scala.collection.immutable.Map<K, V> scalaMap(Map<K, V> map) {
    return scala.collection.immutable.Map$.MODULE$.from(CollectionConverters.asScala(map));
  }

  private static <T> scala.collection.immutable.Seq<T> scalaList(List<T> list) {
    return CollectionConverters.asScala(list).toSeq();
  }
}
