package dev.tarn.account;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.AccountClient;
import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.iam.ListAccountUsersRequest;
import com.databricks.sdk.service.iam.MeRequest;
import com.databricks.sdk.service.iam.UpdateWorkspaceAssignments;
import com.databricks.sdk.service.iam.User;
import com.databricks.sdk.service.iam.WorkspacePermission;
import com.databricks.sdk.service.provisioning.CreateCredentialAwsCredentials;
import com.databricks.sdk.service.provisioning.CreateCredentialRequest;
import com.databricks.sdk.service.provisioning.CreateCredentialStsRole;
import com.databricks.sdk.service.provisioning.CreateStorageConfigurationRequest;
import com.databricks.sdk.service.provisioning.CreateWorkspaceRequest;
import com.databricks.sdk.service.provisioning.Credential;
import com.databricks.sdk.service.provisioning.RootBucketInfo;
import com.databricks.sdk.service.provisioning.StorageConfiguration;
import com.databricks.sdk.service.provisioning.Workspace;
import com.databricks.sdk.service.provisioning.WorkspaceStatus;
import com.databricks.sdk.support.Wait;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The provisioning API as the official SDK sees it. */
class AccountApiTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final String PATH = "/api/2.0/accounts/" + TestServer.ACCOUNT_ID;

  private static Credential credential(String name) {
    return server
        .account()
        .credentials()
        .create(
            new CreateCredentialRequest()
                .setCredentialsName(name)
                .setAwsCredentials(
                    new CreateCredentialAwsCredentials()
                        .setStsRole(
                            new CreateCredentialStsRole().setRoleArn(TestServer.ROLE_ARN))));
  }

  private static StorageConfiguration storage(String name, String bucket) {
    return server
        .account()
        .storage()
        .create(
            new CreateStorageConfigurationRequest()
                .setStorageConfigurationName(name)
                .setRootBucketInfo(new RootBucketInfo().setBucketName(bucket)));
  }

  @Test
  void fromCredentialsToARunningWorkspaceAndBack() throws Exception {
    AccountClient account = server.account();
    Credential credential = credential("rd \"🏔\".x");
    StorageConfiguration storage = storage("rd", TestServer.ROOT_BUCKET);
    Workspace made =
        account
            .workspaces()
            .create(
                new CreateWorkspaceRequest()
                    .setWorkspaceName("rd")
                    .setAwsRegion("us-east-1")
                    .setCredentialsId(credential.getCredentialsId())
                    .setStorageConfigurationId(storage.getStorageConfigurationId()))
            .get();
    assertThat(made.getWorkspaceStatus()).isEqualTo(WorkspaceStatus.RUNNING);
    long id = made.getWorkspaceId();
    assertThatThrownBy(() -> account.credentials().delete(credential.getCredentialsId()))
        .isInstanceOf(ResourceConflict.class);
    JsonNode raw = Json.tree(server.send("admin", "GET", PATH + "/workspaces/" + id, null).body());
    assertThat(raw.path("workspace_url").asText()).isEqualTo(server.url().toString());
    assertThat(raw.path("workspace_catalog_name").asText()).isEqualTo("rd");
    JsonNode steps =
        Json.tree(
            server.send("admin", "GET", PATH + "/workspaces/" + id + "/tarn/steps", null).body());
    assertThat(steps.path("steps").findValuesAsText("state")).containsOnly("DONE");
    assertThat(
            server
                .account()
                .getWorkspaceClient(made)
                .currentUser()
                .me(new MeRequest())
                .getUserName())
        .isEqualTo("admin@tarn.local");
    var refused = server.send("admin", "GET", "/api/2.0/token/list", null);
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(refused.body()).contains("X-Databricks-Workspace-Id");
    var nowhere = server.send("admin", "GET", "/api/2.0/no/such/route", null);
    assertThat(nowhere.statusCode()).isEqualTo(404);
    assertThat(nowhere.body()).contains("ENDPOINT_NOT_FOUND");
    assertThat(server.send(null, "GET", "/api/2.0/no/such/route", null).statusCode())
        .isEqualTo(401);

    server.restart();
    assertThat(server.account().workspaces().get(id).getWorkspaceStatus())
        .isEqualTo(WorkspaceStatus.RUNNING);
    assertThat(server.account().workspaces().delete(id).getWorkspaceStatus())
        .isEqualTo(WorkspaceStatus.CANCELLING);
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (server.send("admin", "GET", PATH + "/workspaces/" + id, null).statusCode() != 404) {
      assertThat(System.nanoTime()).isLessThan(until);
    }
    assertThat(
            server
                .account()
                .credentials()
                .delete(credential.getCredentialsId())
                .getCredentialsName())
        .isEqualTo("rd \"🏔\".x");
  }

  @Test
  void aWorkspaceThatFailedIsNotEnteredUntilItIsRepaired() throws Exception {
    Credential wrong =
        server
            .account()
            .credentials()
            .create(
                new CreateCredentialRequest()
                    .setCredentialsName("wrong")
                    .setAwsCredentials(
                        new CreateCredentialAwsCredentials()
                            .setStsRole(
                                new CreateCredentialStsRole()
                                    .setRoleArn("arn:aws:iam::123456789012:role/absent"))));
    Wait<Workspace, Workspace> made =
        server
            .account()
            .workspaces()
            .create(
                new CreateWorkspaceRequest()
                    .setWorkspaceName("unlucky")
                    .setCredentialsId(wrong.getCredentialsId())
                    .setStorageConfigurationId(
                        storage("unlucky", TestServer.ROOT_BUCKET).getStorageConfigurationId()));
    assertThatThrownBy(made::get).hasMessageContaining("FAILED");
    long id = made.getResponse().getWorkspaceId();
    long admin = 0;
    for (User user : server.account().users().list(new ListAccountUsersRequest())) {
      admin = user.getUserName().equals("admin@tarn.local") ? Long.parseLong(user.getId()) : admin;
    }
    server
        .account()
        .workspaceAssignment()
        .update(
            new UpdateWorkspaceAssignments()
                .setWorkspaceId(id)
                .setPrincipalId(admin)
                .setPermissions(List.of(WorkspacePermission.ADMIN)));
    var refused = server.send("admin", "GET", "/api/2.0/token/list?o=" + id, null);
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(refused.body()).contains("INVALID_STATE", "is FAILED and cannot be entered");
    assertThat(
            server
                .send(
                    "admin",
                    "PATCH",
                    PATH + "/workspaces/" + id,
                    "{\"credentials_id\":\"" + credential("lucky").getCredentialsId() + "\"}")
                .statusCode())
        .isEqualTo(200);
    server.account().workspaces().waitGetWorkspaceRunning(id);
    assertThat(server.send("admin", "GET", "/api/2.0/token/list?o=" + id, null).statusCode())
        .isEqualTo(200);
    server.account().workspaces().delete(id);
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (server.send("admin", "GET", PATH + "/workspaces/" + id, null).statusCode() != 404) {
      assertThat(System.nanoTime()).isLessThan(until);
    }
  }

  @Test
  void theStateOfTheSamplesIsShownToAccountAdmins() throws Exception {
    var status = server.send("admin", "GET", PATH + "/tarn/status", null);
    assertThat(Json.tree(status.body()).path("samples").asText()).isIn("loading", "ready");
    assertThat(server.send("bob", "GET", PATH + "/tarn/status", null).statusCode()).isEqualTo(403);
  }

  @Test
  void listsAreBareArrays() throws Exception {
    for (String collection :
        new String[] {"/credentials", "/storage-configurations", "/workspaces"}) {
      assertThat(Json.tree(server.send("admin", "GET", PATH + collection, null).body()).isArray())
          .isTrue();
    }
  }

  @Test
  void errorsAreTheSdksOwn() {
    AccountClient account = server.account();
    credential("once");
    assertThatThrownBy(() -> credential("once")).isInstanceOf(AlreadyExists.class);
    assertThatThrownBy(() -> storage("s", "X")).isInstanceOf(InvalidParameterValue.class);
    assertThatThrownBy(() -> account.credentials().get("nobody"))
        .isInstanceOf(ResourceDoesNotExist.class);
    assertThatThrownBy(() -> account.workspaces().delete(1L))
        .isInstanceOf(ResourceDoesNotExist.class);
    assertThatThrownBy(() -> server.account("alice").credentials().list())
        .isInstanceOf(PermissionDenied.class);
  }
}
