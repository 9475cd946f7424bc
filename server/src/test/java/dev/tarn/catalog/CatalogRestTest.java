package dev.tarn.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.AccountsCreateMetastore;
import com.databricks.sdk.service.catalog.AccountsCreateMetastoreAssignment;
import com.databricks.sdk.service.catalog.CatalogInfo;
import com.databricks.sdk.service.catalog.CreateAccountsMetastore;
import com.databricks.sdk.service.catalog.CreateCatalog;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.CreateTableRequest;
import com.databricks.sdk.service.catalog.DataSourceFormat;
import com.databricks.sdk.service.catalog.DeleteAccountMetastoreRequest;
import com.databricks.sdk.service.catalog.ListCatalogsRequest;
import com.databricks.sdk.service.catalog.ListSummariesRequest;
import com.databricks.sdk.service.catalog.MetastoreInfo;
import com.databricks.sdk.service.catalog.SchemaInfo;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.TableType;
import com.databricks.sdk.service.catalog.UpdateCatalog;
import com.databricks.sdk.service.catalog.UpdateTableRequest;
import dev.tarn.TestServer;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The catalog as the official SDK sees it. */
class CatalogRestTest {
  @RegisterExtension static final TestServer server = new TestServer();

  @BeforeAll
  static void waitForSamples() throws Exception {
    String status = "/api/2.0/accounts/" + TestServer.ACCOUNT_ID + "/tarn/status";
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!Json.tree(server.send("admin", "GET", status, null).body())
        .path("samples")
        .asText()
        .equals("ready")) {
      assertThat(System.nanoTime()).isLessThan(until);
    }
    server.token("bob"); // who is to own things must be there
  }

  private static CreateTableRequest request(
      String name, String catalog, TableType type, DataSourceFormat format, String location) {
    return new CreateTableRequest()
        .setName(name)
        .setCatalogName(catalog)
        .setSchemaName("default")
        .setTableType(type)
        .setDataSourceFormat(format)
        .setStorageLocation(location);
  }

  @Test
  void theSdkWalksFromTheMetastoreToTheTables() {
    WorkspaceClient workspace = server.as("admin");
    assertThat(workspace.metastores().current().getDefaultCatalogName()).isEqualTo("test");
    assertThat(workspace.metastores().summary().getRegion()).isEqualTo("us-east-1");
    assertThat(workspace.catalogs().list(new ListCatalogsRequest()))
        .extracting(CatalogInfo::getName)
        .contains("main", "test", "samples");
    assertThat(workspace.schemas().list("samples"))
        .extracting(SchemaInfo::getName)
        .contains("tpch");
    assertThat(workspace.tables().list("samples", "tpch"))
        .extracting(TableInfo::getName)
        .hasSize(8)
        .contains("lineitem");
    assertThat(workspace.tables().get("samples.tpch.orders").getColumns()).hasSize(9);
    assertThat(workspace.tables().exists("samples.tpch.nothing").getTableExists()).isFalse();
    assertThat(
            workspace.tables().listSummaries(new ListSummariesRequest().setCatalogName("samples")))
        .hasSize(8);
  }

  @Test
  void namesSurviveTheWayThroughUrls() throws Exception {
    WorkspaceClient workspace = server.as("admin");
    for (String name : new String[] {"it's", "目录", "🦆", "a+b&c=d"}) {
      workspace.catalogs().create(new CreateCatalog().setName(name).setComment(name));
      assertThat(workspace.catalogs().get(name).getComment()).isEqualTo(name);
      workspace.schemas().create(new CreateSchema().setCatalogName(name).setName(name));
      assertThat(workspace.schemas().get(name + "." + name).getFullName())
          .isEqualTo(name + "." + name);
      assertThat(workspace.schemas().list(name)).hasSize(2);
      assertThatThrownBy(() -> workspace.catalogs().create(new CreateCatalog().setName(name)))
          .isInstanceOf(BadRequest.class)
          .hasMessage("Catalog '" + name + "' already exists");
      workspace.schemas().delete(name + ".default");
      workspace.schemas().delete(name + "." + name);
      workspace.catalogs().delete(name);
    }
    // The SDK itself does not encode these in a path.
    workspace.catalogs().create(new CreateCatalog().setName("100%?#\""));
    String path = "/api/2.1/unity-catalog/catalogs/100%25%3F%23%22";
    assertThat(server.send("admin", "GET", path, null).body()).contains("\"100%?#\\\"\"");
    assertThat(server.send("admin", "DELETE", path + "?force=true", null).statusCode())
        .isEqualTo(200);
    assertThatThrownBy(() -> workspace.catalogs().get("x".repeat(10_000)))
        .isInstanceOf(NotFound.class)
        .hasMessageContaining("(10000 characters) does not exist.");
    assertThatThrownBy(() -> workspace.catalogs().create(new CreateCatalog().setName("a.b")))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("name: 'a.b' (expected: 1 to 255 characters");
    assertThat(workspace.catalogs().list(new ListCatalogsRequest())).hasSize(3);
  }

  @Test
  void anExternalTableIsMadeChangedAndDropped() throws Exception {
    WorkspaceClient workspace = server.as("admin");
    TableInfo made =
        workspace
            .tables()
            .create(
                request(
                    "t",
                    "main",
                    TableType.EXTERNAL,
                    DataSourceFormat.CSV,
                    "s3://test-root/landing/t"));
    assertThat(made.getFullName()).isEqualTo("main.default.t");
    var patched =
        server.send(
            "admin",
            "PATCH",
            "/api/2.1/unity-catalog/tables/main.default.t",
            """
            {"columns":[{"name":"a","type_name":"INT","type_text":"int","type_json":"\\"integer\\"",
             "position":0,"nullable":false}]}
            """);
    assertThat(patched.statusCode()).as(patched.body()).isEqualTo(400);
    assertThat(patched.body()).contains("columns: is what an engine found in the table");
    assertThat(workspace.tables().get("MAIN.default.T").getName()).isEqualTo("t");
    workspace
        .tables()
        .update(new UpdateTableRequest().setFullName("main.default.t").setOwner("bob@example.com"));
    assertThat(workspace.tables().get("main.default.t").getOwner()).isEqualTo("bob@example.com");
    var bogus =
        server.send(
            "admin",
            "POST",
            "/api/2.1/unity-catalog/tables",
            """
            {"name":"u","catalog_name":"main","schema_name":"default","table_type":"BOGUS",
             "data_source_format":"CSV","storage_location":"s3://test-root/landing/u"}
            """);
    assertThat(bogus.statusCode()).isEqualTo(400);
    assertThat(bogus.body()).contains("INVALID_PARAMETER_VALUE").contains("BOGUS");
    workspace.tables().delete("main.default.t");
    assertThat(workspace.tables().exists("main.default.t").getTableExists()).isFalse();
    var missing = server.send("admin", "GET", "/api/2.1/unity-catalog/tables/main.default.t", null);
    assertThat(missing.statusCode()).isEqualTo(404);
    assertThat(Json.tree(missing.body()).path("error_code").asText())
        .isEqualTo("TABLE_DOES_NOT_EXIST");
  }

  @Test
  void aPlaceIsStagedOverRest() throws Exception {
    var staged =
        server.send(
            "admin",
            "POST",
            "/api/2.1/unity-catalog/staging-tables",
            "{\"catalog_name\":\"TEST\",\"schema_name\":\"default\",\"name\":\"s\"}");
    assertThat(staged.statusCode()).as(staged.body()).isEqualTo(200);
    String location = Json.tree(staged.body()).path("staging_location").asText();
    assertThat(location)
        .startsWith("s3://test-root/unity-catalog/" + TestServer.WORKSPACE_ID + "/__unitystorage/");
    TableInfo made =
        server
            .as("admin")
            .tables()
            .create(request("s", "test", TableType.MANAGED, DataSourceFormat.DELTA, location));
    assertThat(made.getTableId()).isEqualTo(Json.tree(staged.body()).path("id").asText());
    server.as("admin").tables().delete("test.default.s");
  }

  @Test
  void theAccountMakesAMetastoreForARegionAndOnlyOne() {
    var account = server.account();
    MetastoreInfo made =
        account
            .metastores()
            .create(
                new AccountsCreateMetastore()
                    .setMetastoreInfo(
                        new CreateAccountsMetastore().setName("Paris").setRegion("eu-west-3")))
            .getMetastoreInfo();
    assertThat(made.getName()).isEqualTo("paris");
    assertThat(account.metastores().list()).hasSize(2);
    assertThatThrownBy(
            () ->
                account
                    .metastores()
                    .create(
                        new AccountsCreateMetastore()
                            .setMetastoreInfo(
                                new CreateAccountsMetastore()
                                    .setName("paris2")
                                    .setRegion("eu-west-3"))))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("limit for metastores in region eu-west-3");
    assertThat(account.metastores().get(made.getMetastoreId()).getMetastoreInfo().getOwner())
        .isEqualTo("admin@tarn.local");
    String ofWorkspace =
        account
            .metastoreAssignments()
            .get(TestServer.WORKSPACE_ID)
            .getMetastoreAssignment()
            .getMetastoreId();
    assertThat(account.metastoreAssignments().list(ofWorkspace))
        .containsExactly(TestServer.WORKSPACE_ID);
    assertThatThrownBy(
            () ->
                account
                    .metastoreAssignments()
                    .create(
                        new AccountsCreateMetastoreAssignment()
                            .setWorkspaceId(TestServer.WORKSPACE_ID)
                            .setMetastoreId(made.getMetastoreId())))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("expected: the metastore of the workspace's region us-east-1");
    assertThatThrownBy(
            () ->
                account
                    .metastores()
                    .delete(
                        new DeleteAccountMetastoreRequest()
                            .setMetastoreId(ofWorkspace)
                            .setForce(true)))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("is in use");
    try (Database database = Database.open(server.config().database())) {
      database.inTransaction(
          handle -> {
            Securable main =
                Securables.child(
                        handle,
                        Securables.metastore(handle, made.getMetastoreId()).orElseThrow(),
                        SecurableType.CATALOG,
                        "main")
                    .orElseThrow();
            Securables.insert(
                handle,
                Securable.of(
                    "id",
                    SecurableType.TABLE,
                    "EXTERNAL",
                    Securables.child(handle, main, SecurableType.SCHEMA, "default").orElseThrow(),
                    "kept",
                    null,
                    "s3://test-root/kept",
                    "{}"));
            return null;
          });
    }
    assertThatThrownBy(() -> account.metastores().delete(made.getMetastoreId()))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("an empty main");
    account
        .metastores()
        .delete(
            new DeleteAccountMetastoreRequest()
                .setMetastoreId(made.getMetastoreId())
                .setForce(true));
    assertThat(account.metastores().list()).hasSize(1);
    assertThatThrownBy(
            () ->
                account
                    .metastores()
                    .create(
                        new AccountsCreateMetastore()
                            .setMetastoreInfo(
                                new CreateAccountsMetastore()
                                    .setName(made.getName())
                                    .setRegion("nowhere"))))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("metastore_info.region: 'nowhere' (expected:");
  }

  @Test
  void absentIsNotNullWhenACatalogIsChanged() throws Exception {
    WorkspaceClient workspace = server.as("admin");
    workspace.catalogs().create(new CreateCatalog().setName("noted").setComment("keep me"));
    assertThat(
            workspace
                .catalogs()
                .update(new UpdateCatalog().setName("noted").setOwner("bob@example.com"))
                .getComment())
        .isEqualTo("keep me");
    var cleared =
        server.send("bob", "PATCH", "/api/2.1/unity-catalog/catalogs/noted", "{\"comment\":null}");
    assertThat(Json.tree(cleared.body()).has("comment")).isFalse();
    server
        .as("bob")
        .catalogs()
        .delete(
            new com.databricks.sdk.service.catalog.DeleteCatalogRequest()
                .setName("noted")
                .setForce(true));
  }

  @Test
  void aUserWhoHasNoGrantIsToldWhichOneIsWanting() {
    WorkspaceClient bob = server.as("bob");
    assertThat(bob.catalogs().list(new ListCatalogsRequest()))
        .extracting(CatalogInfo::getName)
        .containsExactly("main", "samples", "test");
    assertThat(bob.tables().get("samples.tpch.orders").getOwner()).isEqualTo("System user");
    assertThatThrownBy(() -> bob.tables().get("main.default.nothing"))
        .isInstanceOf(PermissionDenied.class)
        .hasMessage("User does not have USE SCHEMA on Schema 'main.default'.");
    assertThatThrownBy(() -> bob.catalogs().create(new CreateCatalog().setName("mine")))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageStartingWith("User does not have CREATE CATALOG on Metastore");
    assertThat(bob.metastores().current().getWorkspaceId()).isEqualTo(TestServer.WORKSPACE_ID);
    assertThat(
            StreamSupport.stream(
                server
                    .as("admin")
                    .metastores()
                    .list(new com.databricks.sdk.service.catalog.ListMetastoresRequest())
                    .spliterator(),
                false))
        .isNotEmpty();
  }
}
