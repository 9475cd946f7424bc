package dev.tarn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.backup.Backup;
import dev.tarn.backup.Restore;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A backup of an instance on PostgreSQL, while it runs; and restored to either database. */
@Tag("postgres")
class RestoreBetweenDatabasesTest {
  private static final HttpClient CLIENT = HttpClient.newHttpClient();
  private static final String NAME = "Zoë 🏔 'quoted' \\\\ {}";

  @TempDir Path folder;
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
  private Path data;
  private Path keys;

  @BeforeEach
  void files() {
    data = folder.resolve("data.zip");
    keys = folder.resolve("keys.zip");
  }

  private Config config(String home, boolean postgres) throws Exception {
    Path path = folder.resolve(home);
    Files.createDirectories(path); // its database goes with it
    return Config.load(
        path,
        Path.of(".").toAbsolutePath(),
        Map.of("TARN_PORT", "0", "TARN_DATABASE", postgres ? TestDatabase.shared(path) : "sqlite"));
  }

  private static JsonNode send(Server server, Config config, String verb, String path, String body)
      throws Exception {
    String account =
        Json.tree(
                CLIENT
                    .send(
                        HttpRequest.newBuilder(
                                URI.create(server.url() + "/.well-known/databricks-config"))
                            .build(),
                        HttpResponse.BodyHandlers.ofString())
                    .body())
            .path("account_id")
            .asText();
    HttpResponse<String> answer =
        CLIENT.send(
            HttpRequest.newBuilder(URI.create(server.url() + "/api/2.0/accounts/" + account + path))
                .header(
                    "Authorization",
                    "Bearer " + Files.readString(config.keys().resolve("admin-token")).trim())
                .method(
                    verb,
                    body == null
                        ? HttpRequest.BodyPublishers.noBody()
                        : HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 201);
    return Json.tree(answer.body());
  }

  /** Backs up an instance that runs and has things in it. */
  private void backUp(Config config) throws Exception {
    try (Home home = Home.lock(config);
        Server server = TestServer.start(config)) {
      home.ready(server.url(), server.ownUrl());
      send(
          server,
          config,
          "POST",
          "/scim/v2/Users",
          Json.write(Map.of("userName", "zoe@example.com", "displayName", NAME, "active", false)));
      send(server, config, "POST", "/scim/v2/Groups", Json.write(Map.of("displayName", NAME)));
      send(
          server,
          config,
          "POST",
          "/stacks",
          "{\"StackName\":\"s\",\"Parameters\":{\"WorkspaceName\":\"w\"}}");
      new Backup(config, "test", out).write(data, keys, true);
    }
  }

  private void restore(Config to) throws Exception {
    Files.delete(to.home());
    new Restore(to, out).run(data, keys);
  }

  private void restoreAndLook(Config to) throws Exception {
    restore(to);
    try (Server server = TestServer.start(to)) {
      JsonNode users = send(server, to, "GET", "/scim/v2/Users", null).path("Resources");
      assertThat(users)
          .filteredOn(user -> user.path("userName").asText().equals("zoe@example.com"))
          .singleElement()
          .satisfies(
              user -> {
                assertThat(user.path("active").asBoolean(true)).isFalse();
                assertThat(user.path("displayName").asText()).isEqualTo(NAME);
              });
      assertThat(send(server, to, "GET", "/scim/v2/Groups", null).path("Resources"))
          .extracting(group -> group.path("displayName").asText())
          .contains(NAME);
      assertThat(send(server, to, "GET", "/stacks/s", null).path("StackName").asText())
          .isEqualTo("s");
    }
  }

  @Test
  void aRunningInstanceOnPostgresIsRestoredToAnEmptyPostgresAndToAFile() throws Exception {
    backUp(config("from", true));
    restoreAndLook(config("to-postgres", true));
    restoreAndLook(config("to-file", false));
  }

  @Test
  void aRunningInstanceOnAFileIsRestoredToPostgres() throws Exception {
    backUp(config("from", false));
    restoreAndLook(config("to-postgres", true));
  }

  @Test
  void everyRowComesThroughAsItWas() throws Exception {
    backUp(config("from", true));
    Config postgres = config("to-postgres", true);
    restore(postgres);
    Config file = config("to-file", false);
    restore(file);
    Path again = folder.resolve("again.db");
    Database.copy(postgres.database(), again);
    Map<String, List<String>> rows = rows(file.databaseFile());
    assertThat(rows(again)).isEqualTo(rows);
    assertThat(rows.get("principal")).hasSizeGreaterThanOrEqualTo(2);
    assertThat(rows.get("stack_resource")).isNotEmpty();
  }

  /** Of each table, types of values and all. */
  private static Map<String, List<String>> rows(Path file) throws Exception {
    Map<String, List<String>> all = new TreeMap<>();
    try (var connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        var statement = connection.createStatement()) {
      List<String> tables = new ArrayList<>();
      try (ResultSet names =
          statement.executeQuery(
              "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'flyway%'"
                  + " AND name NOT LIKE 'sqlite%'")) {
        while (names.next()) {
          tables.add(names.getString(1));
        }
      }
      for (String table : tables) {
        List<String> rows = new ArrayList<>();
        try (ResultSet each = statement.executeQuery("SELECT * FROM " + table)) {
          while (each.next()) {
            List<String> row = new ArrayList<>();
            for (int i = 1; i <= each.getMetaData().getColumnCount(); i++) {
              Object value = each.getObject(i);
              row.add(value == null ? null : value.getClass().getSimpleName() + " " + value);
            }
            rows.add(row.toString());
          }
        }
        rows.sort(null);
        all.put(table, rows);
      }
    }
    return all;
  }

  @Test
  void aDatabaseThatHoldsARunningInstanceIsRefusedAndStaysAsItIs() throws Exception {
    Config from = config("from", true);
    backUp(from);
    Config onTheSame =
        Config.load(
            folder.resolve("to"),
            Path.of(".").toAbsolutePath(),
            Map.of("TARN_PORT", "0", "TARN_DATABASE", TestDatabase.shared(from.home())));
    try (Server server = TestServer.start(from)) {
      assertThatThrownBy(() -> new Restore(onTheSame, out).run(data, keys))
          .hasMessageContaining("holds an account already (expected: an empty one")
          .hasMessageContaining(onTheSame.database().toString());
      assertThat(onTheSame.home().resolve(".restoring")).doesNotExist();
      assertThat(onTheSame.keys()).doesNotExist();
      assertThat(send(server, from, "GET", "/scim/v2/Users", null).path("Resources")).isNotEmpty();
    }
  }

  @Test
  void aRestoreThatWasKilledAfterTheLastRowIsDoneAgain() throws Exception {
    backUp(config("from", false));
    Config to = config("to", true);
    restore(to);
    String attempt;
    try (Database database = Database.open(to.database())) {
      attempt =
          database.read(
              handle ->
                  handle
                      .createQuery("SELECT obj_description('account'::regclass)")
                      .mapTo(String.class)
                      .one());
    }
    // As it was between the commit and the end: the mark is still there.
    Path mark = Files.createDirectory(to.home().resolve(".restoring"));
    Files.writeString(mark.resolve("lock"), attempt.replace("restored ", ""));
    assertThatThrownBy(() -> Home.lock(to)).hasMessageContaining("was not restored to the end");
    new Restore(to, out).run(data, keys);
    assertThat(mark).doesNotExist();
    try (Server server = TestServer.start(to)) {
      assertThat(send(server, to, "GET", "/scim/v2/Users", null).path("Resources")).isNotEmpty();
    }
  }

  @Test
  void theDatabaseThatTheBackedUpSettingsNameIsNotTheOneOfTheRestored() throws Exception {
    Config from = config("from", true);
    String named = TestDatabase.shared(from.home());
    Files.writeString(
        from.home().resolve("tarn.properties"), "account.name=kept\ndatabase=" + named + "\n");
    backUp(from);
    Config to = config("to", false);
    restoreAndLook(to);
    assertThat(to.home().resolve("tarn.properties"))
        .content()
        .contains("account.name=kept", "# before it was restored: database=" + named);
    assertThat(said.toString(StandardCharsets.UTF_8)).contains("named another database");
    Config asStarted = Config.load(to.home(), Path.of(".").toAbsolutePath(), Map.of());
    assertThat(asStarted.database().isPostgres()).isFalse();
  }
}
