package dev.tarn.access;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.CatalogInfo;
import com.databricks.sdk.service.catalog.CreateCatalog;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.CreateTableRequest;
import com.databricks.sdk.service.catalog.DataSourceFormat;
import com.databricks.sdk.service.catalog.DeleteCatalogRequest;
import com.databricks.sdk.service.catalog.DeleteSchemaRequest;
import com.databricks.sdk.service.catalog.GetGrantRequest;
import com.databricks.sdk.service.catalog.ListCatalogsRequest;
import com.databricks.sdk.service.catalog.PermissionsChange;
import com.databricks.sdk.service.catalog.SchemaInfo;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.TableType;
import com.databricks.sdk.service.catalog.UpdateCatalog;
import com.databricks.sdk.service.catalog.UpdatePermissions;
import com.databricks.sdk.service.catalog.UpdateSchema;
import com.databricks.sdk.service.catalog.UpdateTableRequest;
import com.databricks.sdk.service.catalog.UpdateWorkspaceBindingsParameters;
import com.databricks.sdk.service.catalog.WorkspaceBinding;
import com.databricks.sdk.service.iam.MeRequest;
import dev.tarn.Server;
import dev.tarn.TestServer;
import dev.tarn.database.Database;
import dev.tarn.enforcement.Authorize;
import dev.tarn.enforcement.Need;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.iam.Iam;
import dev.tarn.storage.Buckets;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Every operation of {@code matrix.md} with each of its smallest sets of privileges, and with each
 * of these less one: by REST, and as the question a driver asks.
 */
class MatrixTest {
  /** A bucket within reach of the credential's role, and not of any workspace. */
  @RegisterExtension
  static final TestServer server =
      new TestServer(
          routes -> {},
          config -> {
            try (Database before = Database.open(config.database())) {
              new Buckets(before, config.storage(), Clock.systemUTC())
                  .create("landing", config.region(), "test");
            }
          });

  private static final String TABLE =
      """
      {"columns": [{"name": "id", "type_name": "INT", "type_text": "int", "type_json": "\\"integer\\"",
       "nullable": false, "position": 0}]}
      """;
  private static final String FUNCTION =
      """
      {"data_type": "BOOLEAN", "full_data_type": "boolean", "routine_body": "SQL",
       "routine_definition": "true", "input_params": {"parameters": []}}
      """;
  private static final String CREDENTIAL =
      "{\"aws_iam_role\": {\"role_arn\": \"" + TestServer.ROLE_ARN + "\"}}";
  private static final String CONNECTION =
      """
      {"connection_type": "MYSQL", "options": {"host": "h"}}
      """;

  /**
   * Whether other tests of this run are left out for knowing no database: then SQLite has had all
   * sets, and here each row has one of its own.
   */
  private static final boolean IN_PART =
      "database-blind".equals(System.getProperty("excludedGroups"));

  private static final Random CHANCE = new Random();

  private static Database database;
  private static Authorization authorization;
  private static WorkspaceClient user;
  private static long userId;
  private static long definerId;
  private static int number;
  private static int allowed;
  private static int refused;

  /** The objects of one try, by the names that the table gives them. */
  private final Map<String, Securable> objects = new HashMap<>();

  /** One line of the table. */
  record Row(String operation, String rest, List<String> needs, List<List<String>> sets) {
    static Row of(String line) {
      String[] cells =
          Arrays.stream(line.split("(?<!\\\\)\\|", -1)).map(String::strip).toArray(String[]::new);
      return new Row(
          cells[1],
          cells[2],
          cells[3].isEmpty() ? List.of() : List.of(cells[3].split("; ")),
          Arrays.stream(cells[6].split(" or "))
              .map(
                  set ->
                      Arrays.stream(set.replaceFirst("^REST: ", "").split(" \\+ "))
                          .flatMap(
                              element ->
                                  element.equals("U")
                                      ? Stream.of("USE CATALOG catalog", "USE SCHEMA schema")
                                      : Stream.of(element))
                          .toList())
              .toList());
    }
  }

  static List<Row> rows() throws IOException {
    try (var in = MatrixTest.class.getResourceAsStream("matrix.md")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> line.startsWith("| ") && !line.startsWith("| Operation"))
          .map(Row::of)
          .toList();
    }
  }

  @BeforeAll
  static void twoPeopleWithoutAnything() {
    user = server.as("matrix");
    userId = Long.parseLong(user.currentUser().me(new MeRequest()).getId());
    definerId = Long.parseLong(server.as("definer").currentUser().me(new MeRequest()).getId());
    database = Database.open(server.config().database());
    Iam iam = new Iam(database, server.config().keys(), Clock.systemUTC());
    authorization = new Authorization(new Access(database, Clock.systemUTC(), Server.people(iam)));
  }

  @AfterAll
  static void counts() {
    database.close();
    System.out.println("matrix: " + allowed + " allowed, " + refused + " refused");
    assertThat(allowed).isGreaterThanOrEqualTo(IN_PART ? 140 : 476);
    assertThat(refused).isGreaterThanOrEqualTo(IN_PART ? 280 : 938);
  }

  @TestFactory
  Stream<DynamicTest> everyOperationTakesWhatTheTableSaysAndNoLess() throws IOException {
    return rows().stream()
        .flatMap(
            row ->
                Stream.concat(
                    row.rest().isEmpty()
                        ? Stream.empty()
                        : Stream.of(
                            DynamicTest.dynamicTest(
                                row.operation() + " by REST", () -> tried(row, this::rest))),
                    row.needs().isEmpty()
                        ? Stream.empty()
                        : Stream.of(
                            DynamicTest.dynamicTest(
                                row.operation() + " by a driver", () -> tried(row, this::asked)))));
  }

  private interface Attempt {
    /** Whether it was allowed. */
    boolean of(Row row) throws Exception;
  }

  private void tried(Row row, Attempt attempt) throws Exception {
    List<List<String>> sets =
        IN_PART ? List.of(row.sets().get(CHANCE.nextInt(row.sets().size()))) : row.sets();
    for (List<String> set : sets) {
      arrange(set);
      assertThat(attempt.of(row)).as("%s with %s", row.operation(), set).isTrue();
      allowed++;
      for (String element : set) {
        List<String> less = new ArrayList<>(set);
        less.remove(element);
        arrange(less);
        assertThat(attempt.of(row)).as("%s with %s only", row.operation(), less).isFalse();
        refused++;
      }
    }
  }

  // What there is, and who has what

  private void arrange(List<String> set) {
    database.inTransaction(
        handle -> {
          handle.execute("DELETE FROM securable_grant WHERE principal_id = ?", userId);
          handle.execute("UPDATE securable SET owner_id = NULL WHERE owner_id = ?", userId);
          make(handle);
          for (String element : set) {
            boolean definer = element.startsWith("definer: ");
            String words = definer ? element.substring("definer: ".length()) : element;
            int end = words.lastIndexOf(' ');
            Securable on = objects.get(words.substring(end + 1));
            String privilege = words.substring(0, end);
            if (privilege.equals("OWN")) {
              Securables.update(handle, on, on.ownedBy(userId));
            } else {
              Grants.give(
                  handle,
                  on,
                  definer ? definerId : userId,
                  List.of(Privilege.of("matrix", privilege)),
                  "matrix",
                  0);
            }
          }
          return null;
        });
  }

  private void make(Handle handle) {
    objects.clear();
    String name = "m" + number++;
    Securable metastore = Securables.metastoreOf(handle, TestServer.WORKSPACE_ID).orElseThrow();
    objects.put("metastore", metastore);
    Securable catalog = add(handle, "catalog", SecurableType.CATALOG, "", metastore, name, null);
    Securable schema = add(handle, "schema", SecurableType.SCHEMA, "", catalog, "s", null);
    add(
        handle,
        "table",
        SecurableType.TABLE,
        "EXTERNAL",
        schema,
        "t",
        "s3://test-root/" + name + "/t");
    define(handle, add(handle, "view", SecurableType.TABLE, "VIEW", schema, "v", null));
    define(handle, add(handle, "function", SecurableType.FUNCTION, "SQL", schema, "f", null));
    add(
        handle,
        "volume",
        SecurableType.VOLUME,
        "MANAGED",
        schema,
        "v",
        "s3://tarn-metastore-us-east-1/volume/" + name);
    Securable credential =
        add(handle, "credential", SecurableType.CREDENTIAL, "STORAGE", metastore, name, null);
    Securable location =
        add(
            handle,
            "location",
            SecurableType.EXTERNAL_LOCATION,
            "",
            metastore,
            name,
            "s3://test-root/" + name);
    objects.put("location", Securables.update(handle, location, location.using(credential.id())));
    add(handle, "connection", SecurableType.CONNECTION, "", metastore, name, null);
    String models = "s3://tarn-metastore-us-east-1/models/" + name;
    Securable model = add(handle, "model", SecurableType.FUNCTION, "MODEL", schema, "m", models);
    handle.execute("INSERT INTO registered_model VALUES (?, 1)", model.id());
    handle.execute(
        "INSERT INTO model_version VALUES (?, 1, ?)",
        model.id(),
        "{\"version\": 1, \"status\": \"READY\", \"storage_location\": \"" + models + "/1\"}");
  }

  private void define(Handle handle, Securable definition) {
    objects.put(
        definition.type() == SecurableType.TABLE ? "view" : "function",
        Securables.update(handle, definition, definition.ownedBy(definerId)));
  }

  private Securable add(
      Handle handle,
      String as,
      SecurableType type,
      String kind,
      Securable parent,
      String name,
      String location) {
    Securable made =
        Securables.insert(
            handle,
            Securable.of(
                UUID.randomUUID().toString(),
                type,
                kind,
                parent,
                name,
                null,
                location,
                switch (as) {
                  case "table" -> TABLE;
                  case "function" -> FUNCTION;
                  case "credential" -> CREDENTIAL;
                  case "connection" -> CONNECTION;
                  default -> "{}";
                }));
    objects.put(as, made);
    return made;
  }

  private String name(String object) {
    return objects.get(object).fullName();
  }

  private String path() {
    return objects.get("location").storageLocation() + "/data";
  }

  // What a driver asks

  private boolean asked(Row row) {
    List<Need> needs = row.needs().stream().map(this::need).toList();
    Caller caller =
        new Caller(
            Long.toString(userId),
            Caller.Kind.USER,
            "matrix@example.com",
            Set.of(Role.ENGINE, Role.WORKSPACE_USER),
            TestServer.ACCOUNT_ID,
            TestServer.WORKSPACE_ID,
            null,
            "engine",
            "token",
            "matrix");
    try {
      assertThat(authorization.authorize(caller, new Authorize(needs)).version()).isNotEmpty();
      return true;
    } catch (PermissionDenied e) {
      return false;
    }
  }

  /** {@code SELECT TABLE table via view}. */
  private Need need(String text) {
    String[] words = text.split(" ", -1);
    String fullName =
        switch (words[2]) {
          case "path" -> path();
          case "file" -> "/Volumes/" + name("volume").replace('.', '/') + "/f.csv";
          default -> name(words[2]);
        };
    List<String> via =
        words.length == 3
            ? List.of()
            : List.of((words.length == 6 ? "FUNCTION " : "") + name(words[words.length - 1]));
    return new Need(words[0], words[1], fullName, via);
  }

  // What is asked of REST, by the names in the table

  private boolean rest(Row row) throws Exception {
    try {
      return switch (row.rest()) {
        case "commentTable" -> sent("PATCH", "tables/" + name("table"), "{\"comment\":\"c\"}");
        case "ownTable" -> {
          user.tables()
              .update(
                  new UpdateTableRequest()
                      .setFullName(name("table"))
                      .setOwner("definer@example.com"));
          yield true;
        }
        case "renameTable" ->
            sent("PATCH", "tables/" + name("table"), "{\"new_name\":\"renamed\"}");
        case "stageTable" ->
            sent(
                "POST",
                "staging-tables",
                "{\"catalog_name\":\"%s\",\"schema_name\":\"s\",\"name\":\"made\"}"
                    .formatted(name("catalog")));
        case "externalTable" -> {
          user.tables()
              .create(
                  new CreateTableRequest()
                      .setName("made")
                      .setCatalogName(name("catalog"))
                      .setSchemaName("s")
                      .setTableType(TableType.EXTERNAL)
                      .setDataSourceFormat(DataSourceFormat.CSV)
                      .setStorageLocation(path()));
          yield true;
        }
        case "createView" ->
            sent(
                "POST",
                "tables",
                """
                {"catalog_name": "%s", "schema_name": "s", "name": "made", "table_type": "VIEW",
                 "view_definition": "SELECT 1 AS id", "columns": [],
                 "view_dependencies": {"dependencies": [{"table": {"table_full_name": "%s"}}]}}
                """
                    .formatted(name("catalog"), name("table")));
        case "redefineView" ->
            sent("PATCH", "tables/" + name("view"), "{\"view_definition\": \"SELECT 1 AS id\"}");
        case "dropTable" -> {
          user.tables().delete(name("table"));
          yield true;
        }
        case "dropView" -> {
          user.tables().delete(name("view"));
          yield true;
        }
        case "dropSchema" -> {
          user.schemas()
              .delete(new DeleteSchemaRequest().setFullName(name("schema")).setForce(true));
          yield true;
        }
        case "dropCatalog" -> {
          user.catalogs()
              .delete(new DeleteCatalogRequest().setName(name("catalog")).setForce(true));
          yield true;
        }
        case "createCatalog" -> {
          user.catalogs().create(new CreateCatalog().setName("made" + number));
          yield true;
        }
        case "createCatalogAt" -> {
          user.catalogs()
              .create(new CreateCatalog().setName("made" + number).setStorageRoot(path()));
          yield true;
        }
        case "createSchema" -> {
          user.schemas().create(new CreateSchema().setCatalogName(name("catalog")).setName("made"));
          yield true;
        }
        case "createSchemaAt" -> {
          user.schemas()
              .create(
                  new CreateSchema()
                      .setCatalogName(name("catalog"))
                      .setName("made")
                      .setStorageRoot(path()));
          yield true;
        }
        case "commentSchema" -> {
          user.schemas().update(new UpdateSchema().setFullName(name("schema")).setComment("c"));
          yield true;
        }
        case "commentCatalog" -> {
          user.catalogs().update(new UpdateCatalog().setName(name("catalog")).setComment("c"));
          yield true;
        }
        case "grantTable" -> granted("table", name("table"), "SELECT");
        case "grantCatalog" -> granted("catalog", name("catalog"), "SELECT");
        case "grantMetastore" ->
            granted("metastore", objects.get("metastore").id(), "CREATE_CATALOG");
        case "grantExternalUse" -> granted("schema", name("schema"), "EXTERNAL_USE_SCHEMA");
        case "grantsOfTable" -> {
          user.grants()
              .get(
                  new GetGrantRequest()
                      .setSecurableType("table")
                      .setFullName(name("table"))
                      .setPrincipal("definer@example.com"));
          yield true;
        }
        case "bindCatalog" -> {
          user.workspaceBindings()
              .updateBindings(
                  new UpdateWorkspaceBindingsParameters()
                      .setSecurableType("catalog")
                      .setSecurableName(name("catalog"))
                      .setAdd(
                          List.of(new WorkspaceBinding().setWorkspaceId(TestServer.WORKSPACE_ID))));
          yield true;
        }
        case "tagTable" -> tagged("tables", name("table"));
        case "tagColumn" -> tagged("columns", name("table") + ".id");
        case "tagSchema" -> tagged("schemas", name("schema"));
        case "tagCatalog" -> tagged("catalogs", name("catalog"));
        case "tagVolume" -> tagged("volumes", name("volume"));
        case "tagFunction" -> tagged("functions", name("function"));
        case "tagModel" -> tagged("models", name("model"));
        case "addKey" ->
            sent(
                "POST",
                "constraints",
                """
                {"full_name_arg": "%s", "constraint": {"primary_key_constraint":
                 {"name": "pk", "child_columns": ["id"]}}}
                """
                    .formatted(name("table")));
        case "filterTable" ->
            sent(
                "PUT",
                "tarn/tables/" + name("table") + "/row-filter",
                "{\"function_name\": \"%s\"}".formatted(name("function")));
        case "policyOnTable" -> policy("TABLE", name("table"));
        case "policyOnCatalog" -> policy("CATALOG", name("catalog"));
        case "createFunction" -> sent("POST", "functions", function("made"));
        case "replaceFunction" -> sent("PUT", "tarn/functions/" + name("function"), function("f"));
        case "getFunction" -> sent("GET", "functions/" + name("function"), null);
        case "listFunction" ->
            listed(
                "functions?catalog_name=" + name("catalog") + "&schema_name=s", name("function"));
        case "dropFunction" -> sent("DELETE", "functions/" + name("function"), null);
        case "createVolume" -> sent("POST", "volumes", volume("MANAGED", ""));
        case "createVolumeAt" ->
            sent(
                "POST",
                "volumes",
                volume("EXTERNAL", ", \"storage_location\": \"" + path() + "\""));
        case "getVolume" -> sent("GET", "volumes/" + name("volume"), null);
        case "listVolume" ->
            listed("volumes?catalog_name=" + name("catalog") + "&schema_name=s", name("volume"));
        case "commentVolume" -> sent("PATCH", "volumes/" + name("volume"), "{\"comment\": \"c\"}");
        case "dropVolume" -> sent("DELETE", "volumes/" + name("volume"), null);
        case "grantVolume" -> granted("volume", name("volume"), "READ_VOLUME");
        case "createLocation" ->
            sent(
                "POST",
                "external-locations",
                "{\"name\": \"made%d\", \"url\": \"s3://landing/%d\", \"credential_name\": \"%s\"}"
                    .formatted(number, number, name("credential")));
        case "getLocation" -> sent("GET", "external-locations/" + name("location"), null);
        case "listLocation" -> listed("external-locations", name("location"));
        case "commentLocation" ->
            sent("PATCH", "external-locations/" + name("location"), "{\"comment\": \"c\"}");
        case "dropLocation" ->
            sent("DELETE", "external-locations/" + name("location") + "?force=true", null);
        case "grantLocation" -> granted("external_location", name("location"), "READ_FILES");
        case "createCredential" -> sent("POST", "storage-credentials", credential(""));
        case "createServiceCredential" ->
            sent("POST", "credentials", credential(", \"purpose\": \"SERVICE\""));
        case "getCredential" -> sent("GET", "storage-credentials/" + name("credential"), null);
        case "listCredential" -> listed("storage-credentials", name("credential"));
        case "commentCredential" ->
            sent("PATCH", "storage-credentials/" + name("credential"), "{\"comment\": \"c\"}");
        case "dropCredential" ->
            sent("DELETE", "storage-credentials/" + name("credential") + "?force=true", null);
        case "createConnection" ->
            sent(
                "POST",
                "connections",
                """
                {"name": "made%d", "connection_type": "MYSQL",
                 "options": {"host": "h", "user": "u", "password": "p"}}
                """
                    .formatted(number));
        case "getConnection" -> sent("GET", "connections/" + name("connection"), null);
        case "listConnection" -> listed("connections", name("connection"));
        case "changeConnection" ->
            sent(
                "PATCH",
                "connections/" + name("connection"),
                "{\"options\": {\"host\": \"h\", \"password\": \"q\"}}");
        case "dropConnection" -> sent("DELETE", "connections/" + name("connection"), null);
        case "grantConnection" -> granted("connection", name("connection"), "USE_CONNECTION");
        case "createModel" ->
            sent(
                "POST",
                "models",
                "{\"catalog_name\": \"%s\", \"schema_name\": \"s\", \"name\": \"made\"}"
                    .formatted(name("catalog")));
        case "getModel" -> sent("GET", "models/" + name("model"), null);
        case "listModel" ->
            listed("models?catalog_name=" + name("catalog") + "&schema_name=s", name("model"));
        case "renameModel" ->
            sent("PATCH", "models/" + name("model"), "{\"new_name\": \"renamed\"}");
        case "commentModel" -> sent("PATCH", "models/" + name("model"), "{\"comment\": \"c\"}");
        case "dropModel" -> sent("DELETE", "models/" + name("model"), null);
        case "grantModel" -> granted("function", name("model"), "EXECUTE");
        case "createVersion" ->
            sent(
                "POST",
                "models/versions",
                """
                {"catalog_name": "%s", "schema_name": "s", "model_name": "m", "source": "run"}
                """
                    .formatted(name("catalog")));
        case "getVersion" -> sent("GET", "models/" + name("model") + "/versions/1", null);
        case "dropVersion" -> sent("DELETE", "models/" + name("model") + "/versions/1", null);
        case "setAlias" ->
            sent(
                "PUT",
                "models/" + name("model") + "/aliases/a",
                "{\"alias\": \"a\", \"version_num\": 1}");
        case "allowArtifacts" ->
            sent("PUT", "artifact-allowlists/LIBRARY_JAR", "{\"artifact_matchers\": []}");
        case "countSchemas" ->
            sent("GET", "resource-quotas/catalog/" + name("catalog") + "/schema-quota", null);
        case "keysOfTable" ->
            keys(
                "table",
                "{\"table_id\": \"%s\", \"operation\": \"READ\"}"
                    .formatted(objects.get("table").id()));
        case "keysToWriteTable" ->
            keys(
                "table",
                "{\"table_id\": \"%s\", \"operation\": \"READ_WRITE\"}"
                    .formatted(objects.get("table").id()));
        case "keysOfVolume" ->
            keys(
                "volume",
                "{\"volume_id\": \"%s\", \"operation\": \"READ_VOLUME\"}"
                    .formatted(objects.get("volume").id()));
        case "keysOfPath" ->
            keys("path", "{\"url\": \"%s\", \"operation\": \"PATH_READ\"}".formatted(path()));
        case "keysOfVersion" ->
            keys(
                "model-version",
                """
                {"catalog_name": "%s", "schema_name": "s", "model_name": "m", "version": 1,
                 "operation": "READ_MODEL_VERSION"}
                """
                    .formatted(name("catalog")));
        case "getTable" -> user.tables().get(name("table")).getName().equals("t");
        case "listTable" ->
            Stream.of(user.tables().list(name("catalog"), "s"))
                .flatMap(MatrixTest::streamed)
                .map(TableInfo::getName)
                .anyMatch("t"::equals);
        case "getSchema" -> user.schemas().get(name("schema")).getName().equals("s");
        case "listSchema" ->
            Stream.of(user.schemas().list(name("catalog")))
                .flatMap(MatrixTest::streamed)
                .map(SchemaInfo::getName)
                .anyMatch("s"::equals);
        case "getCatalog" -> user.catalogs().get(name("catalog")).getName().startsWith("m");
        case "listCatalog" ->
            Stream.of(user.catalogs().list(new ListCatalogsRequest()))
                .flatMap(MatrixTest::streamed)
                .map(CatalogInfo::getName)
                .anyMatch(name("catalog")::equals);
        default -> throw new IllegalArgumentException("no operation " + row.rest());
      };
    } catch (PermissionDenied e) {
      return false;
    }
  }

  private static boolean tagged(String type, String name) throws Exception {
    return sent(
        "POST",
        "entity-tag-assignments",
        "{\"entity_type\": \"%s\", \"entity_name\": \"%s\", \"tag_key\": \"k\"}"
            .formatted(type, name));
  }

  private String function(String name) {
    return """
        {"function_info": {"catalog_name": "%s", "schema_name": "s", "name": "%s",
         "input_params": {"parameters": []}, "data_type": "INT", "full_data_type": "int",
         "routine_body": "SQL", "routine_definition": "1", "parameter_style": "S",
         "is_deterministic": true, "sql_data_access": "CONTAINS_SQL", "is_null_call": false,
         "security_type": "DEFINER", "specific_name": "f"}}
        """
        .formatted(name("catalog"), name);
  }

  private String volume(String type, String more) {
    return "{\"catalog_name\": \"%s\", \"schema_name\": \"s\", \"name\": \"made\", \"volume_type\": \"%s\"%s}"
        .formatted(name("catalog"), type, more);
  }

  private static String credential(String more) {
    return "{\"name\": \"made%d\", \"aws_iam_role\": {\"role_arn\": \"%s\"}%s}"
        .formatted(number, TestServer.ROLE_ARN, more);
  }

  private static boolean listed(String path, String name) throws Exception {
    HttpResponse<String> answer =
        server.send("matrix", "GET", "/api/2.1/unity-catalog/" + path, null);
    return answer.statusCode() == 200 && answer.body().contains("name\":\"" + name + "\"");
  }

  /** Buckets here are folders without keys: who may is asked before that is said. */
  private static boolean keys(String of, String body) throws Exception {
    HttpResponse<String> answer =
        server.send(
            "matrix", "POST", "/api/2.1/unity-catalog/temporary-" + of + "-credentials", body);
    if (answer.statusCode() == 400 && answer.body().contains("UNSUPPORTED_OPERATION")) {
      return true;
    }
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(403);
    return false;
  }

  private static <T> Stream<T> streamed(Iterable<T> items) {
    List<T> all = new ArrayList<>();
    items.forEach(all::add);
    return all.stream();
  }

  private static boolean granted(String type, String name, String privilege) throws Exception {
    if (!privilege.equals("EXTERNAL_USE_SCHEMA")) {
      user.grants()
          .update(
              new UpdatePermissions()
                  .setSecurableType(type)
                  .setFullName(name)
                  .setChanges(
                      List.of(
                          new PermissionsChange()
                              .setPrincipal("definer@example.com")
                              .setAdd(
                                  List.of(
                                      com.databricks.sdk.service.catalog.Privilege.valueOf(
                                          privilege))))));
      return true;
    }
    return sent(
        "PATCH",
        "permissions/" + type + "/" + name,
        "{\"changes\":[{\"principal\":\"definer@example.com\",\"add\":[\"EXTERNAL USE SCHEMA\"]}]}");
  }

  /** What the SDK does not send. */
  private boolean policy(String type, String on) throws Exception {
    return sent(
        "POST",
        "policies",
        """
        {"name": "p", "on_securable_type": "%s", "on_securable_fullname": "%s", "for_securable_type": "TABLE",
         "to_principals": ["account users"], "policy_type": "POLICY_TYPE_ROW_FILTER",
         "row_filter": {"function_name": "%s"}}
        """
            .formatted(type, on, name("function")));
  }

  private static boolean sent(String verb, String path, String body) throws Exception {
    HttpResponse<String> answer =
        server.send("matrix", verb, "/api/2.1/unity-catalog/" + path, body);
    if (answer.statusCode() != 200 && answer.statusCode() != 403) {
      throw new AssertionError(answer.statusCode() + " " + answer.body());
    }
    return answer.statusCode() == 200;
  }
}
