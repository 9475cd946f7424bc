package dev.tarn.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.ArtifactAllowlistInfo;
import com.databricks.sdk.service.catalog.ArtifactMatcher;
import com.databricks.sdk.service.catalog.ArtifactType;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.ColumnTypeName;
import com.databricks.sdk.service.catalog.ConnectionInfo;
import com.databricks.sdk.service.catalog.ConnectionType;
import com.databricks.sdk.service.catalog.CreateConnection;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.CreateTableConstraint;
import com.databricks.sdk.service.catalog.CreateTableRequest;
import com.databricks.sdk.service.catalog.CredentialType;
import com.databricks.sdk.service.catalog.DataSourceFormat;
import com.databricks.sdk.service.catalog.DeleteTableConstraintRequest;
import com.databricks.sdk.service.catalog.ForeignKeyConstraint;
import com.databricks.sdk.service.catalog.ListConnectionsRequest;
import com.databricks.sdk.service.catalog.ListQuotasRequest;
import com.databricks.sdk.service.catalog.MatchType;
import com.databricks.sdk.service.catalog.PermissionsChange;
import com.databricks.sdk.service.catalog.PrimaryKeyConstraint;
import com.databricks.sdk.service.catalog.Privilege;
import com.databricks.sdk.service.catalog.SetArtifactAllowlist;
import com.databricks.sdk.service.catalog.TableConstraint;
import com.databricks.sdk.service.catalog.TableType;
import com.databricks.sdk.service.catalog.UpdateConnection;
import com.databricks.sdk.service.catalog.UpdatePermissions;
import dev.tarn.TestServer;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Connections, keys of tables, quotas and allow-lists as the official SDK sees them. */
class MetastoreObjectsTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final String PASSWORD = "hidden-" + MetastoreObjectsTest.class.hashCode();

  private static WorkspaceClient admin;
  private static WorkspaceClient bob;

  @BeforeAll
  static void people() {
    admin = server.as("admin");
    bob = server.as("bob");
    admin.schemas().create(new CreateSchema().setCatalogName("test").setName("keys"));
  }

  private static CreateConnection connection(String name) {
    return new CreateConnection()
        .setName(name)
        .setConnectionType(ConnectionType.POSTGRESQL)
        .setComment("c")
        .setOptions(
            Map.of("host", "db.example.com", "port", "5432", "user", "u", "password", PASSWORD));
  }

  @Test
  void aConnectionShowsWhereItLeadsAndNeverByWhatOneGetsIn() {
    ConnectionInfo made = admin.connections().create(connection("shown"));
    assertThat(made.getOptions())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of("host", "db.example.com", "port", "5432", "user", "u"));
    assertThat(made.getCredentialType()).isEqualTo(CredentialType.USERNAME_PASSWORD);
    assertThat(admin.connections().get("shown")).isEqualTo(made);
    assertThat(admin.connections().list(new ListConnectionsRequest())).contains(made);
    ConnectionInfo changed =
        admin
            .connections()
            .update(
                new UpdateConnection()
                    .setName("shown")
                    .setNewName("renamed")
                    .setOptions(Map.of("host", "other", "password", PASSWORD)));
    assertThat(changed.getOptions()).containsExactly(Map.entry("host", "other"));
    assertThat(stored()).isNotEmpty().noneMatch(text -> text.contains(PASSWORD));
    admin.connections().delete("renamed");
    assertThatThrownBy(() -> admin.connections().get("renamed")).isInstanceOf(NotFound.class);
    assertThat(stored()).noneMatch(text -> text.contains("other"));
  }

  private static List<String> stored() {
    try (Database database = Database.open(server.config().database())) {
      return database.read(
          handle ->
              handle
                  .createQuery(
                      """
                      SELECT document FROM securable WHERE securable_type = 'CONNECTION'
                      UNION ALL SELECT sealed FROM connection_secret
                      """)
                  .mapTo(String.class)
                  .list());
    }
  }

  @Test
  void whatAConnectionCannotBeIsRefused() {
    assertThatThrownBy(
            () ->
                admin
                    .connections()
                    .create(connection("bad").setOptions(Map.of("host", "h", "pasword", PASSWORD))))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("'pasword'")
        .hasMessageNotContaining(PASSWORD);
    assertThatThrownBy(
            () ->
                admin
                    .connections()
                    .create(connection("bad").setOptions(Map.of("password", PASSWORD))))
        .hasMessageContaining("options.host");
    assertThatThrownBy(
            () ->
                admin
                    .connections()
                    .create(connection("bad").setConnectionType(ConnectionType.ZENDESK)))
        .hasMessageContaining("ZENDESK");
  }

  @Test
  void aConnectionTakesThePrivilegeAndIsSeenByWhoWasGrantedIt() {
    assertThatThrownBy(() -> bob.connections().create(connection("bobs")))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("CREATE CONNECTION");
    admin.connections().create(connection("lent"));
    assertThatThrownBy(() -> bob.connections().get("lent")).isInstanceOf(PermissionDenied.class);
    assertThat(bob.connections().list(new ListConnectionsRequest())).isEmpty();
    admin
        .grants()
        .update(
            new UpdatePermissions()
                .setSecurableType("connection")
                .setFullName("lent")
                .setChanges(
                    List.of(
                        new PermissionsChange()
                            .setPrincipal("bob@example.com")
                            .setAdd(List.of(Privilege.USE_CONNECTION)))));
    assertThat(bob.connections().get("lent").getName()).isEqualTo("lent");
    assertThatThrownBy(() -> bob.connections().delete("lent")).isInstanceOf(PermissionDenied.class);
  }

  @Test
  void secretsOfConnectionsAreSealedAgainWhenKeysAreNew() throws Exception {
    admin.connections().create(connection("resealed"));
    List<String> before = sealed();
    var answer =
        server.send(
            "admin", "POST", "/api/2.0/accounts/" + server.accountId() + "/tarn/keys/rotate", "{}");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(Json.tree(answer.body()).path("resealed").asInt()).isPositive();
    assertThat(sealed()).doesNotContainAnyElementsOf(before).hasSameSizeAs(before);
  }

  private static List<String> sealed() {
    try (Database database = Database.open(server.config().database())) {
      return database.read(
          handle ->
              handle
                  .createQuery("SELECT sealed FROM connection_secret")
                  .mapTo(String.class)
                  .list());
    }
  }

  private static ColumnInfo column(String name, boolean nullable) {
    return new ColumnInfo()
        .setName(name)
        .setTypeText("int")
        .setTypeName(ColumnTypeName.INT)
        .setTypeJson("\"integer\"")
        .setNullable(nullable)
        .setPosition(0L);
  }

  private static void table(String name) {
    admin
        .tables()
        .create(
            new CreateTableRequest()
                .setCatalogName("test")
                .setSchemaName("keys")
                .setName(name)
                .setTableType(TableType.EXTERNAL)
                .setDataSourceFormat(DataSourceFormat.CSV)
                .setStorageLocation("s3://test-root/keys/" + name)
                .setColumns(List.of(column("id", false), column("other", true))));
  }

  private static TableConstraint add(String table, TableConstraint constraint) {
    return admin
        .tableConstraints()
        .create(
            new CreateTableConstraint()
                .setFullNameArg("test.keys." + table)
                .setConstraint(constraint));
  }

  private static TableConstraint primary(String name, String column) {
    return new TableConstraint()
        .setPrimaryKeyConstraint(
            new PrimaryKeyConstraint().setName(name).setChildColumns(List.of(column)));
  }

  private static TableConstraint foreign(String name, String parent, String column) {
    return new TableConstraint()
        .setForeignKeyConstraint(
            new ForeignKeyConstraint()
                .setName(name)
                .setChildColumns(List.of("other"))
                .setParentTable("test.keys." + parent)
                .setParentColumns(List.of(column)));
  }

  @Test
  void keysAreShownWithTheTableAndAPrimaryKeyInUseStays() {
    table("parent");
    table("child");
    assertThatThrownBy(() -> add("child", foreign("fk", "parent", "id")))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("has none");
    assertThatThrownBy(() -> add("parent", primary("pk", "other")))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("NOT NULL");
    add("parent", primary("pk", "id"));
    assertThatThrownBy(() -> add("parent", primary("pk2", "id")))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("at most one");
    assertThatThrownBy(() -> add("child", foreign("fk", "parent", "other")))
        .isInstanceOf(InvalidParameterValue.class);
    TableConstraint made = add("child", foreign("fk", "parent", "id"));
    assertThat(admin.tables().get("test.keys.child").getTableConstraints()).containsExactly(made);
    assertThatThrownBy(() -> add("child", foreign("FK", "parent", "id")))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("already exists");
    DeleteTableConstraintRequest gone =
        new DeleteTableConstraintRequest()
            .setFullName("test.keys.parent")
            .setConstraintName("pk")
            .setCascade(false);
    assertThatThrownBy(() -> admin.tableConstraints().delete(gone))
        .isInstanceOf(InvalidState.class);
    admin.tableConstraints().delete(gone.setCascade(true));
    assertThat(admin.tables().get("test.keys.child").getTableConstraints()).isNull();
    assertThat(admin.tables().get("test.keys.parent").getTableConstraints()).isNull();
    assertThatThrownBy(() -> admin.tableConstraints().delete(gone)).isInstanceOf(NotFound.class);
  }

  @Test
  void quotasCountWhatThereIs() {
    admin.schemas().create(new CreateSchema().setCatalogName("test").setName("counted"));
    long before =
        admin
            .resourceQuotas()
            .getQuota("catalog", "test", "schema-quota")
            .getQuotaInfo()
            .getQuotaCount();
    admin.schemas().create(new CreateSchema().setCatalogName("test").setName("counted2"));
    assertThat(
            admin
                .resourceQuotas()
                .getQuota("catalog", "test", "schema-quota")
                .getQuotaInfo()
                .getQuotaCount())
        .isEqualTo(before + 1);
    assertThat(
            admin
                .resourceQuotas()
                .getQuota("schema", "test.counted", "table-quota")
                .getQuotaInfo()
                .getQuotaCount())
        .isZero();
    assertThatThrownBy(() -> bob.resourceQuotas().getQuota("catalog", "test", "schema-quota"))
        .isInstanceOf(PermissionDenied.class);
    assertThatThrownBy(() -> admin.resourceQuotas().getQuota("catalog", "test", "table-quota"))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("table-quota of a SCHEMA");
    List<String> all = new ArrayList<>();
    admin
        .resourceQuotas()
        .listQuotas(new ListQuotasRequest().setMaxResults(1L))
        .forEach(
            quota ->
                all.add(
                    quota.getQuotaName()
                        + " "
                        + quota.getParentFullName()
                        + " "
                        + quota.getQuotaCount()));
    assertThat(all).contains("schema-quota test " + (before + 1)).doesNotHaveDuplicates();
  }

  @Test
  void anAllowlistIsWhatWasPutThere() {
    assertThat(admin.artifactAllowlists().get(ArtifactType.LIBRARY_MAVEN).getArtifactMatchers())
        .isEmpty();
    ArtifactMatcher matcher =
        new ArtifactMatcher().setArtifact("com.example").setMatchType(MatchType.PREFIX_MATCH);
    ArtifactAllowlistInfo made =
        admin
            .artifactAllowlists()
            .update(
                new SetArtifactAllowlist()
                    .setArtifactType(ArtifactType.LIBRARY_MAVEN)
                    .setArtifactMatchers(List.of(matcher)));
    assertThat(made.getArtifactMatchers()).containsExactly(matcher);
    assertThat(admin.artifactAllowlists().get(ArtifactType.LIBRARY_MAVEN)).isEqualTo(made);
    assertThatThrownBy(() -> bob.artifactAllowlists().get(ArtifactType.LIBRARY_MAVEN))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("MANAGE ALLOWLIST");
  }
}
