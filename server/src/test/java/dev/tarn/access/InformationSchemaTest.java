package dev.tarn.access;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.ColumnTypeName;
import com.databricks.sdk.service.catalog.CreateCatalog;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.CreateTableRequest;
import com.databricks.sdk.service.catalog.DataSourceFormat;
import com.databricks.sdk.service.catalog.PermissionsChange;
import com.databricks.sdk.service.catalog.Privilege;
import com.databricks.sdk.service.catalog.TableType;
import com.databricks.sdk.service.catalog.UpdatePermissions;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What each reader sees in {@code information_schema}. */
class InformationSchemaTest {
  @RegisterExtension static final TestServer server = new TestServer();

  @BeforeAll
  static void tablesInTwoCatalogs() {
    WorkspaceClient admin = server.as("admin");
    server.token("bob");
    server.token("carol");
    for (String catalog : List.of("one", "two")) {
      admin.catalogs().create(new CreateCatalog().setName(catalog).setComment("the " + catalog));
      for (String schema : List.of("a", "b")) {
        admin.schemas().create(new CreateSchema().setCatalogName(catalog).setName(schema));
        for (String table : List.of("t1", "t2", "t3")) {
          admin
              .tables()
              .create(
                  new CreateTableRequest()
                      .setName(table)
                      .setCatalogName(catalog)
                      .setSchemaName(schema)
                      .setTableType(TableType.EXTERNAL)
                      .setDataSourceFormat(DataSourceFormat.CSV)
                      .setStorageLocation("s3://test-root/" + catalog + "/" + schema + "/" + table)
                      .setColumns(
                          List.of(
                              new ColumnInfo()
                                  .setName("id")
                                  .setTypeText("int")
                                  .setTypeName(ColumnTypeName.INT)
                                  .setTypeJson("\"integer\"")
                                  .setNullable(false)
                                  .setPosition(0L))));
        }
      }
    }
    grant("catalog", "one", Privilege.USE_CATALOG);
    grant("schema", "one.b", Privilege.USE_SCHEMA);
    grant("table", "one.b.t2", Privilege.SELECT);
  }

  private static void grant(String type, String name, Privilege privilege) {
    server
        .as("admin")
        .grants()
        .update(
            new UpdatePermissions()
                .setSecurableType(type)
                .setFullName(name)
                .setChanges(
                    List.of(
                        new PermissionsChange()
                            .setPrincipal("bob@example.com")
                            .setAdd(List.of(privilege)))));
  }

  @Test
  void everybodySeesWhatTheyHaveAnythingOn() throws Exception {
    assertThat(names("bob", "tables", "catalog_name=one", "table_schema", "table_name"))
        .containsExactly("b.t2");
    assertThat(names("bob", "columns", "catalog_name=one", "table_name", "column_name"))
        .containsExactly("t2.id");
    assertThat(names("bob", "schemata", "catalog_name=one", "schema_name")).containsExactly("b");
    assertThat(names("bob", "catalogs", "catalog_name=one", "catalog_name", "comment"))
        .containsExactly("one.the one");
    assertThat(names("bob", "tables", "catalog_name=two", "table_name")).isEmpty();
    assertThat(names("admin", "tables", "catalog_name=two", "table_schema", "table_name"))
        .containsExactly("a.t1", "a.t2", "a.t3", "b.t1", "b.t2", "b.t3");
  }

  @Test
  void ofAllCatalogsPageByPageNothingIsMissedAndNothingComesTwice() throws Exception {
    List<String> whole =
        names("admin", "tables", "", "table_catalog", "table_schema", "table_name");
    assertThat(whole)
        .contains("one.a.t1", "one.b.t3", "two.a.t1", "two.b.t3")
        .doesNotHaveDuplicates();
    for (int size = 1; size <= 7; size++) {
      assertThat(
              names(
                  "admin",
                  "tables",
                  "max_results=" + size,
                  "table_catalog",
                  "table_schema",
                  "table_name"))
          .as("pages of %d", size)
          .isEqualTo(whole);
    }
    assertThat(names("bob", "tables", "max_results=1", "table_catalog", "table_name"))
        .contains("one.t2")
        .doesNotContain("one.t1", "two.t1");
  }

  @Test
  void grantsAreShownToWhoManagesAndToWhoHasThem() throws Exception {
    grant("table", "two.a.t1", Privilege.MODIFY);
    assertThat(
            names(
                "admin",
                "table_privileges",
                "catalog_name=one",
                "table_name",
                "grantee",
                "privilege_type",
                "inherited_from"))
        .containsExactly("t2.bob@example.com.SELECT.NONE");
    assertThat(names("bob", "schema_privileges", "catalog_name=one", "schema_name", "grantee"))
        .containsExactly("b.bob@example.com");
    assertThat(names("carol", "table_privileges", "catalog_name=one", "table_name")).isEmpty();
  }

  @Test
  void tagsFiltersAndKeysAreShownWithTheirTables() throws Exception {
    admin(
        "POST",
        "entity-tag-assignments",
        "{\"entity_type\": \"tables\", \"entity_name\": \"one.b.t2\", \"tag_key\": \"k\"}");
    admin(
        "POST",
        "entity-tag-assignments",
        "{\"entity_type\": \"columns\", \"entity_name\": \"one.b.t2.id\", \"tag_key\": \"pii\","
            + " \"tag_value\": \"v\"}");
    admin(
        "POST",
        "entity-tag-assignments",
        "{\"entity_type\": \"tables\", \"entity_name\": \"one.b.t1\", \"tag_key\": \"hidden\"}");
    assertThat(
            names("bob", "table_tags", "catalog_name=one", "table_name", "tag_name", "tag_value"))
        .containsExactly("t2.k.");
    assertThat(names("bob", "column_tags", "", "catalog_name", "column_name", "tag_name"))
        .containsExactly("one.id.pii");
    admin(
        "POST",
        "functions",
        """
        {"function_info": {"catalog_name": "one", "schema_name": "b", "name": "keep",
         "input_params": {"parameters": []}, "data_type": "BOOLEAN", "full_data_type": "boolean",
         "routine_body": "SQL", "routine_definition": "true", "parameter_style": "S",
         "is_deterministic": true, "sql_data_access": "CONTAINS_SQL", "is_null_call": false,
         "security_type": "DEFINER", "specific_name": "keep"}}
        """);
    admin("PUT", "tarn/tables/one.b.t3/row-filter", "{\"function_name\": \"one.b.keep\"}");
    assertThat(names("admin", "row_filters", "catalog_name=one", "table_name", "filter_name"))
        .containsExactly("t3.one.b.keep");
    admin(
        "POST",
        "constraints",
        "{\"full_name_arg\": \"one.b.t2\", \"constraint\": {\"primary_key_constraint\":"
            + " {\"name\": \"pk\", \"child_columns\": [\"id\"]}}}");
    assertThat(
            names(
                "bob", "table_constraints", "", "table_name", "constraint_name", "constraint_type"))
        .containsExactly("t2.pk.PRIMARY KEY");
    assertThat(names("bob", "key_column_usage", "", "constraint_name", "column_name"))
        .containsExactly("pk.id");
  }

  private static void admin(String verb, String path, String body) throws Exception {
    HttpResponse<String> answer =
        server.send("admin", verb, "/api/2.1/unity-catalog/" + path, body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
  }

  @Test
  void aViewThatIsNotThereIsNotFound() throws Exception {
    HttpResponse<String> answer =
        server.send("bob", "GET", "/api/2.1/unity-catalog/tarn/information-schema/nothing", null);
    assertThat(answer.statusCode()).isEqualTo(404);
    assertThat(answer.body()).contains("information_schema.nothing");
    assertThat(
            server
                .send(
                    "bob",
                    "GET",
                    "/api/2.1/unity-catalog/tarn/information-schema/tables?page_token=x!",
                    null)
                .statusCode())
        .isEqualTo(400);
  }

  /** Values of the columns of each row, joined by periods, of all pages. */
  private static List<String> names(String who, String view, String query, String... columns)
      throws Exception {
    List<String> names = new ArrayList<>();
    String page = "";
    do {
      HttpResponse<String> answer =
          server.send(
              who,
              "GET",
              "/api/2.1/unity-catalog/tarn/information-schema/" + view + "?" + query + page,
              null);
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      JsonNode json = Json.tree(answer.body());
      for (JsonNode row : json.path("rows")) {
        List<String> values = new ArrayList<>();
        for (String column : columns) {
          values.add(row.path(column).asText());
        }
        names.add(String.join(".", values));
      }
      page =
          json.path("next_page_token").asText("").isEmpty()
              ? ""
              : "&page_token=" + json.path("next_page_token").asText();
    } while (!page.isEmpty());
    return names;
  }
}
