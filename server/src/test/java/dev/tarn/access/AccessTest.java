package dev.tarn.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.CatalogInfo;
import com.databricks.sdk.service.catalog.CatalogIsolationMode;
import com.databricks.sdk.service.catalog.CreateCatalog;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.CreateTableRequest;
import com.databricks.sdk.service.catalog.DataSourceFormat;
import com.databricks.sdk.service.catalog.DeleteCatalogRequest;
import com.databricks.sdk.service.catalog.GetBindingsRequest;
import com.databricks.sdk.service.catalog.GetGrantRequest;
import com.databricks.sdk.service.catalog.ListCatalogsRequest;
import com.databricks.sdk.service.catalog.PermissionsChange;
import com.databricks.sdk.service.catalog.Privilege;
import com.databricks.sdk.service.catalog.SchemaInfo;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.TableType;
import com.databricks.sdk.service.catalog.UpdateCatalog;
import com.databricks.sdk.service.catalog.UpdatePermissions;
import com.databricks.sdk.service.catalog.UpdateTableRequest;
import com.databricks.sdk.service.catalog.UpdateWorkspaceBindingsParameters;
import com.databricks.sdk.service.catalog.WorkspaceBinding;
import com.databricks.sdk.service.catalog.WorkspaceBindingBindingType;
import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.Group;
import com.databricks.sdk.service.iam.MeRequest;
import dev.tarn.TestServer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Grants, owners, groups and bindings as the official SDK meets them. */
class AccessTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final AtomicInteger NUMBER = new AtomicInteger();

  private final WorkspaceClient admin = server.as("admin");
  private final WorkspaceClient bob = server.as("bob");
  private final WorkspaceClient carol = server.as("carol");
  private final String catalog = "c" + NUMBER.incrementAndGet();
  private final String schema = catalog + ".s";
  private final String table = schema + ".t";

  @BeforeEach
  void aTableOfTheAdmin() {
    admin.catalogs().create(new CreateCatalog().setName(catalog));
    admin.schemas().create(new CreateSchema().setCatalogName(catalog).setName("s"));
    create(admin, "t");
  }

  private TableInfo create(WorkspaceClient by, String name) {
    return by.tables()
        .create(
            new CreateTableRequest()
                .setName(name)
                .setCatalogName(catalog)
                .setSchemaName("s")
                .setTableType(TableType.EXTERNAL)
                .setDataSourceFormat(DataSourceFormat.CSV)
                .setStorageLocation("s3://test-root/access/" + catalog + "/" + name));
  }

  private void grant(String type, String name, String to, Privilege... privileges) {
    change(type, name, new PermissionsChange().setPrincipal(to).setAdd(List.of(privileges)));
  }

  private void revoke(String type, String name, String from, Privilege... privileges) {
    change(type, name, new PermissionsChange().setPrincipal(from).setRemove(List.of(privileges)));
  }

  private void change(String type, String name, PermissionsChange change) {
    admin
        .grants()
        .update(
            new UpdatePermissions()
                .setSecurableType(type)
                .setFullName(name)
                .setChanges(List.of(change)));
  }

  private static void refused(ThrowingCallable call, String wanting) {
    assertThatThrownBy(call)
        .isInstanceOf(PermissionDenied.class)
        .hasMessage("User does not have " + wanting + ".");
  }

  @Test
  void aTableIsSeenWithTheUseOfWhatIsAboveItAndOnePrivilegeOnIt() {
    refused(() -> bob.tables().get(table), "USE CATALOG on Catalog '" + catalog + "'");
    refused(
        () -> bob.tables().get(catalog + ".nope.t"), "USE CATALOG on Catalog '" + catalog + "'");
    assertThat(bob.catalogs().list(new ListCatalogsRequest()))
        .extracting(CatalogInfo::getName)
        .doesNotContain(catalog);
    grant("catalog", catalog, "bob@example.com", Privilege.USE_CATALOG);
    refused(() -> bob.tables().get(table), "USE SCHEMA on Schema '" + schema + "'");
    assertThat(bob.schemas().list(catalog)).isEmpty();
    grant("schema", schema, "bob@example.com", Privilege.USE_SCHEMA);
    refused(() -> bob.tables().get(table), "SELECT on Table '" + table + "'");
    assertThat(bob.schemas().list(catalog)).extracting(SchemaInfo::getName).containsExactly("s");
    assertThat(bob.tables().list(catalog, "s")).isEmpty();
    create(admin, "other");
    grant("table", table, "bob@example.com", Privilege.SELECT);
    assertThat(bob.tables().get(table).getOwner()).isEqualTo("admin@tarn.local");
    assertThat(bob.tables().list(catalog, "s")).extracting(TableInfo::getName).containsExactly("t");
    grant("schema", schema, "bob@example.com", Privilege.SELECT);
    assertThat(bob.tables().list(catalog, "s")).hasSize(2);
    revoke("catalog", catalog, "bob@example.com", Privilege.USE_CATALOG);
    refused(() -> bob.tables().get(table), "USE CATALOG on Catalog '" + catalog + "'");
  }

  @Test
  void whoOwnsASchemaManagesItsTablesAndSeesNoneOfTheirData() {
    grant("catalog", catalog, "bob@example.com", Privilege.USE_CATALOG, Privilege.CREATE_SCHEMA);
    bob.schemas().create(new CreateSchema().setCatalogName(catalog).setName("bobs"));
    assertThat(bob.schemas().get(catalog + ".bobs").getOwner()).isEqualTo("bob@example.com");
    refused(() -> bob.schemas().delete(schema), "MANAGE on Schema '" + schema + "'");
    refused(
        () ->
            bob.grants()
                .update(
                    new UpdatePermissions()
                        .setSecurableType("schema")
                        .setFullName(schema)
                        .setChanges(
                            List.of(
                                new PermissionsChange()
                                    .setPrincipal("bob@example.com")
                                    .setAdd(List.of(Privilege.SELECT))))),
        "MANAGE on Schema '" + schema + "'");
    bob.schemas().delete(catalog + ".bobs");
  }

  @Test
  void aGrantToAGroupReachesItsGroupsAndEndsWithTheMembership() {
    Group inner = group("inner" + catalog, server.as("carol"));
    Group outer =
        server
            .account()
            .groups()
            .create(
                new Group()
                    .setDisplayName("Outer " + catalog)
                    .setMembers(List.of(new ComplexValue().setValue(inner.getId()))));
    grant(
        "catalog",
        catalog,
        "outer " + catalog,
        Privilege.USE_CATALOG,
        Privilege.USE_SCHEMA,
        Privilege.SELECT);
    assertThat(carol.tables().get(table).getName()).isEqualTo("t");
    assertThat(
            admin
                .grants()
                .get(new GetGrantRequest().setSecurableType("catalog").setFullName(catalog))
                .getPrivilegeAssignments())
        .extracting(a -> a.getPrincipal() + " " + a.getPrivileges())
        .containsExactly("Outer " + catalog + " [SELECT, USE_CATALOG, USE_SCHEMA]");
    assertThat(
            carol
                .grants()
                .getEffective(
                    new com.databricks.sdk.service.catalog.GetEffectiveRequest()
                        .setSecurableType("table")
                        .setFullName(table))
                .getPrivilegeAssignments()
                .iterator()
                .next()
                .getPrivileges())
        .singleElement()
        .matches(
            p ->
                p.getPrivilege() == Privilege.SELECT
                    && p.getInheritedFromName().equals(catalog)
                    && p.getInheritedFromType().name().equals("CATALOG"));
    server.account().groups().delete(outer.getId());
    refused(() -> carol.tables().get(table), "USE CATALOG on Catalog '" + catalog + "'");
  }

  private static Group group(String name, WorkspaceClient member) {
    return server
        .account()
        .groups()
        .create(
            new Group()
                .setDisplayName(name)
                .setMembers(
                    List.of(
                        new ComplexValue()
                            .setValue(member.currentUser().me(new MeRequest()).getId()))));
  }

  @Test
  void allPrivilegesAreNoManageAndTakeWithThemWhatTheyStandFor() {
    grant("catalog", catalog, "bob@example.com", Privilege.SELECT, Privilege.ALL_PRIVILEGES);
    assertThat(bob.tables().get(table).getName()).isEqualTo("t");
    String location = "workspace_" + TestServer.WORKSPACE_ID;
    grant("external_location", location, "bob@example.com", Privilege.CREATE_EXTERNAL_TABLE);
    assertThat(create(bob, "bobs").getOwner()).isEqualTo("bob@example.com");
    refused(() -> bob.tables().delete(table), "MANAGE on Table '" + table + "'");
    bob.tables().delete(schema + ".bobs");
    revoke("external_location", location, "bob@example.com", Privilege.CREATE_EXTERNAL_TABLE);
    grant("schema", schema, "bob@example.com", Privilege.MANAGE);
    bob.tables().delete(table);
    revoke("catalog", catalog, "bob@example.com", Privilege.ALL_PRIVILEGES);
    assertThat(
            admin
                .grants()
                .get(new GetGrantRequest().setSecurableType("catalog").setFullName(catalog))
                .getPrivilegeAssignments())
        .isNullOrEmpty();
  }

  @Test
  void anOwnerGivesAnObjectAwayAndIsNoLongerOne() {
    grant("catalog", catalog, "bob@example.com", Privilege.USE_CATALOG, Privilege.USE_SCHEMA);
    admin.tables().update(new UpdateTableRequest().setFullName(table).setOwner("bob@example.com"));
    bob.tables().update(new UpdateTableRequest().setFullName(table).setOwner("carol@example.com"));
    refused(
        () ->
            bob.tables()
                .update(new UpdateTableRequest().setFullName(table).setOwner("bob@example.com")),
        "MANAGE on Table '" + table + "'");
    assertThatThrownBy(
            () ->
                admin
                    .tables()
                    .update(new UpdateTableRequest().setFullName(table).setOwner("ghost")))
        .isInstanceOf(NotFound.class)
        .hasMessage("Could not find principal with name 'ghost'");
  }

  @Test
  void whatCannotBeGrantedIsRefusedAsAWhole() {
    assertThatThrownBy(() -> grant("table", table, "ghost", Privilege.SELECT))
        .isInstanceOf(NotFound.class)
        .hasMessage("Could not find principal with name 'ghost'");
    assertThatThrownBy(() -> grant("table", table, "bob@example.com", Privilege.READ_VOLUME))
        .isInstanceOf(BadRequest.class)
        .hasMessageStartingWith("Privilege READ VOLUME is not applicable to Table '" + table + "'");
    assertThatThrownBy(() -> grant("table", schema + ".nope", "bob@example.com", Privilege.SELECT))
        .isInstanceOf(NotFound.class)
        .extracting(e -> ((DatabricksError) e).getErrorCode())
        .isEqualTo("TABLE_DOES_NOT_EXIST");
    assertThatThrownBy(() -> grant("sofa", table, "bob@example.com", Privilege.SELECT))
        .isInstanceOf(BadRequest.class)
        .hasMessageStartingWith("securable_type: 'sofa' (expected: one of");
    assertThatThrownBy(
            () ->
                admin
                    .grants()
                    .update(
                        new UpdatePermissions()
                            .setSecurableType("table")
                            .setFullName(table)
                            .setChanges(
                                List.of(
                                    new PermissionsChange()
                                        .setPrincipal("bob@example.com")
                                        .setAdd(List.of(Privilege.SELECT)),
                                    new PermissionsChange()
                                        .setPrincipal("carol@example.com")
                                        .setAdd(List.of(Privilege.USE_CATALOG))))))
        .isInstanceOf(BadRequest.class);
    assertThat(
            admin
                .grants()
                .get(new GetGrantRequest().setSecurableType("table").setFullName(table))
                .getPrivilegeAssignments())
        .isNullOrEmpty();
  }

  @Test
  void anIsolatedCatalogIsThereOnlyWhereItIsBoundAndReadOnlyWhereThatIsSaid() {
    admin
        .catalogs()
        .update(
            new UpdateCatalog().setName(catalog).setIsolationMode(CatalogIsolationMode.ISOLATED));
    WorkspaceBinding here = new WorkspaceBinding().setWorkspaceId(TestServer.WORKSPACE_ID);
    assertThat(
            admin
                .workspaceBindings()
                .getBindings(
                    new GetBindingsRequest().setSecurableType("catalog").setSecurableName(catalog)))
        .extracting(WorkspaceBinding::getWorkspaceId)
        .containsExactly(TestServer.WORKSPACE_ID);
    bind(here.setBindingType(WorkspaceBindingBindingType.BINDING_TYPE_READ_ONLY));
    assertThat(admin.tables().get(table).getName()).isEqualTo("t");
    assertThatThrownBy(() -> create(admin, "more"))
        .isInstanceOf(PermissionDenied.class)
        .hasMessage(
            "Catalog '" + catalog + "' is read-only in workspace " + TestServer.WORKSPACE_ID);
    bind(here.setBindingType(WorkspaceBindingBindingType.BINDING_TYPE_READ_WRITE));
    create(admin, "more");
    admin
        .workspaceBindings()
        .updateBindings(
            new UpdateWorkspaceBindingsParameters()
                .setSecurableType("catalog")
                .setSecurableName(catalog)
                .setRemove(List.of(here)));
    assertThatThrownBy(() -> admin.tables().get(table))
        .isInstanceOf(NotFound.class)
        .hasMessage("Catalog '" + catalog + "' does not exist.");
    assertThat(admin.catalogs().list(new ListCatalogsRequest()))
        .extracting(CatalogInfo::getName)
        .doesNotContain(catalog);
  }

  private void bind(WorkspaceBinding binding) {
    admin
        .workspaceBindings()
        .updateBindings(
            new UpdateWorkspaceBindingsParameters()
                .setSecurableType("catalog")
                .setSecurableName(catalog)
                .setAdd(List.of(binding)));
  }

  @Test
  void browseShowsMetadataAndSaysThatItIsNoMore() {
    grant("catalog", catalog, "bob@example.com", Privilege.BROWSE);
    assertThatThrownBy(() -> bob.tables().get(table)).isInstanceOf(PermissionDenied.class);
    assertThat(bob.catalogs().list(new ListCatalogsRequest()))
        .extracting(CatalogInfo::getName)
        .doesNotContain(catalog);
    assertThat(bob.catalogs().list(new ListCatalogsRequest().setIncludeBrowse(true)))
        .filteredOn(c -> c.getName().equals(catalog))
        .singleElement()
        .matches(CatalogInfo::getBrowseOnly);
    assertThat(
            bob.tables()
                .get(
                    new com.databricks.sdk.service.catalog.GetTableRequest()
                        .setFullName(table)
                        .setIncludeBrowse(true))
                .getBrowseOnly())
        .isTrue();
    assertThat(
            bob.tables()
                .list(
                    new com.databricks.sdk.service.catalog.ListTablesRequest()
                        .setCatalogName(catalog)
                        .setSchemaName("s")
                        .setIncludeBrowse(true)))
        .extracting(TableInfo::getBrowseOnly)
        .containsExactly(true);
  }

  @Test
  void whoAdministersTheWorkspaceBeginsWithItsCatalogAndItsUsersWithTheDefaultSchema()
      throws Exception {
    assertThat(admin.catalogs().get("test").getOwner())
        .isEqualTo("_workspace_admins_test_" + TestServer.WORKSPACE_ID);
    assertThat(
            server
                .send(
                    "bob",
                    "POST",
                    "/api/2.1/unity-catalog/staging-tables",
                    """
                    {"catalog_name": "test", "schema_name": "default", "name": "bobs"}
                    """)
                .statusCode())
        .isEqualTo(200);
    refused(
        () ->
            bob.tables()
                .create(
                    new CreateTableRequest()
                        .setName("x")
                        .setCatalogName("test")
                        .setSchemaName("default")
                        .setTableType(TableType.EXTERNAL)
                        .setDataSourceFormat(DataSourceFormat.CSV)
                        .setStorageLocation("s3://test-root/x")),
        "CREATE EXTERNAL TABLE on External location 'workspace_" + TestServer.WORKSPACE_ID + "'");
  }

  @Test
  void grantsOfOthersAreShownToWhoManagesOnly() {
    grant("catalog", catalog, "bob@example.com", Privilege.USE_CATALOG);
    grant("catalog", catalog, "carol@example.com", Privilege.USE_CATALOG);
    GetGrantRequest all = new GetGrantRequest().setSecurableType("catalog").setFullName(catalog);
    assertThat(admin.grants().get(all).getPrivilegeAssignments()).hasSize(2);
    assertThat(bob.grants().get(all).getPrivilegeAssignments())
        .singleElement()
        .matches(a -> a.getPrincipal().equals("bob@example.com"));
    assertThatThrownBy(() -> bob.grants().get(all.setPrincipal("carol@example.com")))
        .isInstanceOf(PermissionDenied.class);
    admin.catalogs().delete(new DeleteCatalogRequest().setName(catalog).setForce(true));
  }
}
