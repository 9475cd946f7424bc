package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.AccountClient;
import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.service.catalog.AccountsUpdateMetastore;
import com.databricks.sdk.service.catalog.CreateCatalog;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.MetastoreInfo;
import com.databricks.sdk.service.catalog.UpdateAccountsMetastore;
import com.databricks.sdk.service.catalog.UpdateCatalog;
import com.databricks.sdk.service.catalog.UpdateSchema;
import com.databricks.sdk.service.catalog.UpdateTableRequest;
import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.Group;
import com.databricks.sdk.service.iam.MeRequest;
import com.databricks.sdk.service.iam.ServicePrincipal;
import com.databricks.sdk.service.iam.UpdateWorkspaceAssignments;
import com.databricks.sdk.service.iam.User;
import com.databricks.sdk.service.iam.WorkspacePermission;
import com.databricks.sdk.service.oauth2.CreateServicePrincipalSecretRequest;
import com.databricks.sdk.service.provisioning.CreateCredentialAwsCredentials;
import com.databricks.sdk.service.provisioning.CreateCredentialRequest;
import com.databricks.sdk.service.provisioning.CreateCredentialStsRole;
import com.databricks.sdk.service.provisioning.CreateWorkspaceRequest;
import com.databricks.sdk.service.provisioning.UpdateWorkspaceRequest;
import com.databricks.sdk.service.provisioning.Workspace;
import com.databricks.sdk.service.provisioning.WorkspaceStatus;
import com.databricks.sdk.service.sql.CreateWarehouseRequest;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a removed person leaves behind stays, and others carry it on through the public API. */
class OwnershipTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final String LEAVER = "leaver@example.com";

  /** Somebody who may do all that the administrator may. */
  private static User leaver() {
    server.token("leaver");
    User leaver = new User().setId(server.as("leaver").currentUser().me(new MeRequest()).getId());
    AccountClient account = server.account();
    account
        .users()
        .update(
            account
                .users()
                .get(leaver.getId())
                .setRoles(List.of(new ComplexValue().setValue("account_admin"))));
    account
        .workspaceAssignment()
        .update(
            new UpdateWorkspaceAssignments()
                .setWorkspaceId(TestServer.WORKSPACE_ID)
                .setPrincipalId(Long.parseLong(leaver.getId()))
                .setPermissions(List.of(WorkspacePermission.ADMIN)));
    return leaver;
  }

  @Test
  void whatARemovedPersonOwnsStaysAndIsGivenToOthers() throws Exception {
    User leaver = leaver();
    AccountClient account = server.account("leaver");
    WorkspaceClient workspace = server.as("leaver");
    workspace.catalogs().create(new CreateCatalog().setName("left"));
    workspace.schemas().create(new CreateSchema().setName("behind").setCatalogName("left"));
    String location =
        sent(
            "POST",
            "/api/2.1/unity-catalog/staging-tables",
            "{\"catalog_name\":\"left\",\"schema_name\":\"behind\",\"name\":\"t\"}",
            "staging_location");
    sent(
        "POST",
        "/api/2.1/unity-catalog/tables",
        "{\"catalog_name\":\"left\",\"schema_name\":\"behind\",\"name\":\"t\",\"columns\":[],"
            + "\"table_type\":\"MANAGED\",\"data_source_format\":\"DELTA\",\"storage_location\":\""
            + location
            + "\"}",
        "table_id");
    String warehouse =
        workspace
            .warehouses()
            .create(
                new CreateWarehouseRequest()
                    .setName("left")
                    .setClusterSize("2X-Small")
                    .setMaxNumClusters(1L))
            .getResponse()
            .getId();
    MetastoreInfo metastore = account.metastores().list().iterator().next();
    own(metastore, LEAVER);
    ServicePrincipal machine =
        account.servicePrincipals().create(new ServicePrincipal().setDisplayName("left"));
    account
        .servicePrincipalSecrets()
        .create(new CreateServicePrincipalSecretRequest().setServicePrincipalId(machine.getId()));
    long made =
        account
            .workspaces()
            .create(
                new CreateWorkspaceRequest()
                    .setWorkspaceName("left")
                    .setAwsRegion("us-east-1")
                    .setCredentialsId("test")
                    .setStorageConfigurationId("test"))
            .get(Duration.ofMinutes(1))
            .getWorkspaceId();

    server.account().users().delete(leaver.getId());

    WorkspaceClient admin = server.as("admin");
    own(metastore, "admin@tarn.local"); // who administers the metastore manages all that is in it
    assertThat(admin.catalogs().get("left").getOwner()).isEqualTo(LEAVER);
    assertThat(admin.schemas().get("left.behind").getOwner()).isEqualTo(LEAVER);
    assertThat(admin.tables().get("left.behind.t").getOwner()).isEqualTo(LEAVER);
    assertThat(admin.warehouses().get(warehouse).getCreatorName()).isEqualTo(LEAVER);
    assertThatThrownBy(
            () -> admin.catalogs().update(new UpdateCatalog().setName("left").setOwner(LEAVER)))
        .isInstanceOf(DatabricksError.class)
        .hasMessageContaining(LEAVER);
    Group heirs = server.account().groups().create(new Group().setDisplayName("heirs"));
    for (String heir : List.of("admin@tarn.local", "heirs", machine.getApplicationId())) {
      assertThat(
              admin
                  .catalogs()
                  .update(new UpdateCatalog().setName("left").setOwner(heir))
                  .getOwner())
          .isEqualTo(heir);
      admin.schemas().update(new UpdateSchema().setFullName("left.behind").setOwner(heir));
      admin.tables().update(new UpdateTableRequest().setFullName("left.behind.t").setOwner(heir));
      own(metastore, heir);
      own(metastore, "admin@tarn.local");
      assertThat(admin.schemas().get("left.behind").getOwner()).isEqualTo(heir);
      assertThat(admin.tables().get("left.behind.t").getOwner()).isEqualTo(heir);
    }
    admin.warehouses().delete(warehouse);
    assertThat(
            server.account().servicePrincipalSecrets().list(machine.getId()).iterator().hasNext())
        .isTrue();
    // Its steps run again, and who made it first is not there to be its administrator.
    String other =
        server
            .account()
            .credentials()
            .create(
                new CreateCredentialRequest()
                    .setCredentialsName("other")
                    .setAwsCredentials(
                        new CreateCredentialAwsCredentials()
                            .setStsRole(
                                new CreateCredentialStsRole().setRoleArn(TestServer.ROLE_ARN))))
            .getCredentialsId();
    WorkspaceStatus after =
        server
            .account()
            .workspaces()
            .update(
                new UpdateWorkspaceRequest()
                    .setWorkspaceId(made)
                    .setCustomerFacingWorkspace(new Workspace().setCredentialsId(other)))
            .get(Duration.ofMinutes(1))
            .getWorkspaceStatus();
    assertThat(after).isEqualTo(WorkspaceStatus.RUNNING);
    server
        .account()
        .workspaceAssignment()
        .update(
            new UpdateWorkspaceAssignments()
                .setWorkspaceId(made)
                .setPrincipalId(Long.parseLong(heirs.getId()))
                .setPermissions(List.of(WorkspacePermission.ADMIN)));
  }

  private static void own(MetastoreInfo metastore, String owner) {
    assertThat(
            server
                .account()
                .metastores()
                .update(
                    new AccountsUpdateMetastore()
                        .setMetastoreId(metastore.getMetastoreId())
                        .setMetastoreInfo(new UpdateAccountsMetastore().setOwner(owner)))
                .getMetastoreInfo()
                .getOwner())
        .isEqualTo(owner);
  }

  private static String sent(String verb, String path, String body, String field) throws Exception {
    var answer = server.send("leaver", verb, path, body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Json.tree(answer.body()).path(field).asText();
  }
}
