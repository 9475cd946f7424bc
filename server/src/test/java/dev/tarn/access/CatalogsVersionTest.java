package dev.tarn.access;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.CreateVolumeRequestContent;
import com.databricks.sdk.service.catalog.UpdateVolumeRequestContent;
import com.databricks.sdk.service.catalog.VolumeType;
import dev.tarn.Server;
import dev.tarn.TestServer;
import dev.tarn.database.Database;
import dev.tarn.iam.Iam;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A driver keeps what it was told under the name of an object as long as the version stays: so it
 * changes whenever another object may have come under that name, or a path into another's hands.
 */
class CatalogsVersionTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static Database database;
  private static Access access;
  private static WorkspaceClient admin;

  @BeforeAll
  static void schema() {
    database = Database.open(server.config().database());
    Iam iam = new Iam(database, server.config().keys(), Clock.systemUTC());
    access = new Access(database, Clock.systemUTC(), Server.people(iam));
    admin = server.as("admin");
    admin.schemas().create(new CreateSchema().setCatalogName("test").setName("kept"));
  }

  @AfterAll
  static void close() {
    database.close();
  }

  private interface Change {
    void make() throws Exception;
  }

  private static boolean changes(Change change) throws Exception {
    String before = access.version(TestServer.WORKSPACE_ID);
    change.make();
    return !access.version(TestServer.WORKSPACE_ID).equals(before);
  }

  private static void call(String verb, String path, String body) throws Exception {
    HttpResponse<String> answer =
        server.send("admin", verb, "/api/2.1/unity-catalog/" + path, body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
  }

  private static final String TABLE =
      """
      {"catalog_name": "test", "schema_name": "kept", "name": "%s", "table_type": "EXTERNAL",
       "data_source_format": "CSV", "storage_location": "s3://test-root/kept/%s", "columns": []}
      """;
  private static final String VIEW =
      """
      {"catalog_name": "test", "schema_name": "kept", "name": "%s", "table_type": "VIEW",
       "view_definition": "SELECT 1 AS id", "columns": []}
      """;
  private static final String FUNCTION =
      """
      {"function_info": {"catalog_name": "test", "schema_name": "kept", "name": "%s",
       "input_params": {"parameters": []}, "data_type": "INT", "full_data_type": "int",
       "routine_body": "SQL", "routine_definition": "1", "parameter_style": "S",
       "is_deterministic": true, "sql_data_access": "CONTAINS_SQL", "is_null_call": false,
       "security_type": "DEFINER", "specific_name": "f"}}
      """;

  @Test
  void whateverHappensToANameAnotherVersionFollows() throws Exception {
    List<String> unchanged = new ArrayList<>();
    Object[][] all = {
      {"create table", "POST", "tables", TABLE.formatted("t", "t")},
      {"rename table", "PATCH", "tables/test.kept.t", "{\"new_name\": \"u\"}"},
      {"drop table", "DELETE", "tables/test.kept.u", null},
      {
        "undrop table",
        "POST",
        "tarn/undrop",
        "{\"securable_type\": \"TABLE\", \"full_name\": \"test.kept.u\"}"
      },
      {"create view", "POST", "tables", VIEW.formatted("v")},
      {"redefine view", "PATCH", "tables/test.kept.v", "{\"view_definition\": \"SELECT 2 AS id\"}"},
      {"rename view", "PATCH", "tables/test.kept.v", "{\"new_name\": \"w\"}"},
      {"drop view", "DELETE", "tables/test.kept.w", null},
      {"create function", "POST", "functions", FUNCTION.formatted("f")},
      {"replace function", "PUT", "tarn/functions/test.kept.f", FUNCTION.formatted("f")},
      {"drop function", "DELETE", "functions/test.kept.f", null},
      {"drop schema", "DELETE", "schemas/test.kept?force=true", null},
      {
        "undrop schema",
        "POST",
        "tarn/undrop",
        "{\"securable_type\": \"SCHEMA\", \"full_name\": \"test.kept\"}"
      },
    };
    for (Object[] each : all) {
      if (!changes(() -> call((String) each[1], (String) each[2], (String) each[3]))) {
        unchanged.add((String) each[0]);
      }
    }
    assertThat(unchanged).isEmpty();
    assertThat(
            changes(
                () ->
                    admin
                        .volumes()
                        .create(
                            new CreateVolumeRequestContent()
                                .setCatalogName("test")
                                .setSchemaName("kept")
                                .setName("files")
                                .setVolumeType(VolumeType.EXTERNAL)
                                .setStorageLocation("s3://test-root/kept/files"))))
        .isTrue();
    assertThat(
            changes(
                () ->
                    admin
                        .volumes()
                        .update(
                            new UpdateVolumeRequestContent()
                                .setName("test.kept.files")
                                .setNewName("papers"))))
        .isTrue();
    assertThat(changes(() -> admin.volumes().delete("test.kept.papers"))).isTrue();
  }

  @Test
  void readingChangesNothing() throws Exception {
    assertThat(changes(() -> admin.tables().list("test", "kept").forEach(table -> {}))).isFalse();
  }
}
