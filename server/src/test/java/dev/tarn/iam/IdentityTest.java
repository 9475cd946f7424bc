package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.AccountClient;
import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.DatabricksConfig;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.core.error.platform.Unauthenticated;
import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.Group;
import com.databricks.sdk.service.iam.ListAccountUsersRequest;
import com.databricks.sdk.service.iam.ListUsersRequest;
import com.databricks.sdk.service.iam.MeRequest;
import com.databricks.sdk.service.iam.PartialUpdate;
import com.databricks.sdk.service.iam.Patch;
import com.databricks.sdk.service.iam.PatchOp;
import com.databricks.sdk.service.iam.PatchSchema;
import com.databricks.sdk.service.iam.ServicePrincipal;
import com.databricks.sdk.service.iam.UpdateWorkspaceAssignments;
import com.databricks.sdk.service.iam.User;
import com.databricks.sdk.service.iam.WorkspacePermission;
import com.databricks.sdk.service.oauth2.CreateServicePrincipalSecretRequest;
import com.databricks.sdk.service.oauth2.CreateServicePrincipalSecretResponse;
import com.databricks.sdk.service.settings.CreateTokenRequest;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Identity as the official SDK sees it. */
class IdentityTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private record Machine(ServicePrincipal principal, String secret) {}

  private static Machine machine(String name) {
    ServicePrincipal principal =
        server.account().servicePrincipals().create(new ServicePrincipal().setDisplayName(name));
    CreateServicePrincipalSecretResponse secret =
        server
            .account()
            .servicePrincipalSecrets()
            .create(
                new CreateServicePrincipalSecretRequest()
                    .setServicePrincipalId(principal.getId())
                    .setLifetime("3600s"));
    return new Machine(principal, secret.getSecret());
  }

  private static void assign(String principalId, WorkspacePermission... permissions) {
    server
        .account()
        .workspaceAssignment()
        .update(
            new UpdateWorkspaceAssignments()
                .setWorkspaceId(TestServer.WORKSPACE_ID)
                .setPrincipalId(Long.parseLong(principalId))
                .setPermissions(List.of(permissions)));
  }

  private static DatabricksConfig config(Machine machine) {
    return new DatabricksConfig()
        .setHost(server.url().toString())
        .setClientId(machine.principal().getApplicationId())
        .setClientSecret(machine.secret())
        .setConfigFile("/dev/null")
        .setAuthType("oauth-m2m");
  }

  private static HttpResponse<String> form(String path, String authorization, String body)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(server.url() + path))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(
                // Without a length it is sent in chunks.
                HttpRequest.BodyPublishers.fromPublisher(
                    HttpRequest.BodyPublishers.ofString(body)));
    if (authorization != null) {
      request.header("Authorization", authorization);
    }
    try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
  }

  @Test
  void theOfficialClientLearnsWhoItIsAndWhere() throws Exception {
    User me = server.as("alice").currentUser().me(new MeRequest());
    assertThat(me.getUserName()).isEqualTo("alice@example.com");
    assertThat(me.getEmails()).extracting(ComplexValue::getValue).contains("alice@example.com");
    assertThat(me.getGroups()).extracting(ComplexValue::getDisplay).containsExactly("users");
    var answer = server.send("alice", "GET", "/api/2.0/preview/scim/v2/Me", null);
    assertThat(answer.headers().firstValue("X-Databricks-Org-Id"))
        .hasValue(Long.toString(TestServer.WORKSPACE_ID));
    assertThat(server.as("admin").currentUser().me(new MeRequest()).getGroups())
        .extracting(ComplexValue::getDisplay)
        .containsExactly("admins", "users");
    assertThat(
            server
                .as("admin")
                .groups()
                .list(
                    new com.databricks.sdk.service.iam.ListGroupsRequest()
                        .setFilter("displayName eq \"admins\"")))
        .extracting(Group::getDisplayName)
        .containsExactly("admins");
  }

  @Test
  void aMachineLogsInWithItsSecretToTheAccountAndToItsWorkspace() {
    Machine machine = machine("m2m");
    WorkspaceClient workspace = new WorkspaceClient(config(machine));
    assertThat(workspace.currentUser().me(new MeRequest()).getUserName())
        .isEqualTo(machine.principal().getApplicationId());
    assertThatThrownBy(() -> workspace.tokens().create(new CreateTokenRequest()))
        .isInstanceOf(PermissionDenied.class);
    assign(machine.principal().getId(), WorkspacePermission.USER);
    assertThat(workspace.tokens().create(new CreateTokenRequest()).getTokenValue())
        .startsWith("dapi");
    AccountClient account = new AccountClient(config(machine).setAccountId(TestServer.ACCOUNT_ID));
    assertThatThrownBy(() -> account.users().list(new ListAccountUsersRequest()).iterator().next())
        .isInstanceOf(PermissionDenied.class);
    server
        .account()
        .servicePrincipals()
        .patch(
            new PartialUpdate()
                .setId(machine.principal().getId())
                .setSchemas(List.of(PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP))
                .setOperations(
                    List.of(
                        new Patch()
                            .setOp(PatchOp.ADD)
                            .setPath("roles")
                            .setValue(List.of(new ComplexValue().setValue("account_admin"))))));
    assertThat(account.users().list(new ListAccountUsersRequest())).isNotEmpty();
  }

  @Test
  void theTokenEndpointSpeaksOAuth() throws Exception {
    Machine machine = machine("oauth");
    String id = machine.principal().getApplicationId();
    String basic =
        "Basic "
            + Base64.getEncoder()
                .encodeToString((id + ":" + machine.secret()).getBytes(StandardCharsets.US_ASCII));
    String grant = "grant_type=client_credentials&scope=all-apis";
    String inAccount = "/oidc/accounts/" + TestServer.ACCOUNT_ID + "/v1/token";
    for (String path : List.of("/oidc/v1/token", inAccount)) {
      JsonNode token = Json.tree(form(path, basic, grant).body());
      assertThat(token.path("token_type").asText()).isEqualTo("Bearer");
      assertThat(token.path("expires_in").asInt()).isEqualTo(3600);
      assertThat(token.path("access_token").asText().split("\\.")).hasSize(3);
    }
    String post = grant + "&client_id=" + id + "&client_secret=" + machine.secret();
    assertThat(form("/oidc/v1/token", null, post).statusCode()).isEqualTo(200);
    assertError(form("/oidc/v1/token", null, grant), 401, "invalid_client");
    assertError(form("/oidc/v1/token", null, post + "x"), 401, "invalid_client");
    assertError(form("/oidc/v1/token", "Basic !", grant), 401, "invalid_client");
    assertError(form("/oidc/v1/token", basic, "scope=all-apis"), 400, "invalid_request");
    assertError(
        form("/oidc/v1/token", basic, "grant_type=password"), 400, "unsupported_grant_type");
    assertError(form("/oidc/v1/token", basic, grant + "x"), 400, "invalid_scope");
    assertThat(form("/oidc/accounts/x/v1/token", basic, grant).statusCode()).isEqualTo(404);
  }

  private static void assertError(HttpResponse<String> answer, int status, String error) {
    assertThat(answer.statusCode()).isEqualTo(status);
    assertThat(Json.tree(answer.body()).path("error").asText()).isEqualTo(error);
  }

  @Test
  void aDeletedSecretLogsNobodyIn() {
    Machine machine = machine("deleted");
    var secrets = server.account().servicePrincipalSecrets();
    var listed = new ArrayList<>();
    secrets
        .list(
            new com.databricks.sdk.service.oauth2.ListServicePrincipalSecretsRequest()
                .setServicePrincipalId(machine.principal().getId()))
        .forEach(
            secret -> {
              listed.add(secret.getStatus());
              secrets.delete(machine.principal().getId(), secret.getId());
            });
    assertThat(listed).containsExactly("ACTIVE");
    assertThatThrownBy(() -> new WorkspaceClient(config(machine)).currentUser().me(new MeRequest()))
        .hasStackTraceContaining("invalid_client");
  }

  @Test
  void aDeactivatedMachineIsOutThoughItsTokenHasNotExpired() {
    Machine machine = machine("deactivated");
    assign(machine.principal().getId(), WorkspacePermission.USER);
    WorkspaceClient client = new WorkspaceClient(config(machine));
    client.currentUser().me(new MeRequest());
    server.account().servicePrincipals().update(machine.principal().setActive(false));
    assertThatThrownBy(() -> client.currentUser().me(new MeRequest()))
        .isInstanceOf(Unauthenticated.class);
  }

  @Test
  void usersAreMadeFoundAndDeletedOverScim() {
    var users = server.account().users();
    User made =
        users.create(
            new User().setUserName("Bob.O'Hara+x@Example.com").setDisplayName("Bob \"🌊\""));
    assertThat(made.getUserName()).isEqualTo("bob.o'hara+x@example.com");
    assertThatThrownBy(() -> users.create(new User().setUserName("bob.o'hara+x@example.com")))
        .isInstanceOf(ResourceConflict.class)
        .hasMessageContaining(
            "User with email bob.o'hara+x@example.com already exists in this account");
    assertThat(
            users.list(
                new ListAccountUsersRequest()
                    .setFilter("userName eq \"bob.o'hara+x@example.com\"")))
        .extracting(User::getId)
        .containsExactly(made.getId());
    assertThat(users.list(new ListAccountUsersRequest().setFilter("displayName co \"🌊\"")))
        .hasSize(1);
    assertThat(users.list(new ListAccountUsersRequest().setFilter("displayName sw \"%\"")))
        .isEmpty();
    assertThatThrownBy(
            () -> users.list(new ListAccountUsersRequest().setFilter("nonsense")).iterator().next())
        .isInstanceOf(BadRequest.class);
    users.delete(made.getId());
    assertThatThrownBy(() -> users.get(made.getId())).isInstanceOf(NotFound.class);
  }

  @Test
  void aWorkspaceHasTheUsersThatAreAssignedToIt() {
    WorkspaceClient admin = server.as("admin");
    User carol = admin.users().create(new User().setUserName("carol@example.com"));
    assertThatThrownBy(() -> admin.users().create(new User().setUserName("carol@example.com")))
        .isInstanceOf(ResourceConflict.class)
        .hasMessageContaining("User with username carol@example.com already exists.");
    assertThat(server.account().users().get(carol.getId()).getUserName())
        .isEqualTo("carol@example.com");
    admin.users().delete(carol.getId());
    assertThat(
            admin
                .users()
                .list(new ListUsersRequest().setFilter("userName eq \"carol@example.com\"")))
        .isEmpty();
    assertThat(server.account().users().get(carol.getId()).getActive()).isTrue();
    assertThatThrownBy(
            () -> server.as("alice").users().create(new User().setUserName("x@example.com")))
        .isInstanceOf(PermissionDenied.class);
  }

  @Test
  void thisHostSaysThatItIsNoWorkspaceInParticularAndADeploymentsHostThatItIs() throws Exception {
    JsonNode config =
        Json.tree(server.send(null, "GET", "/.well-known/databricks-config", null).body());
    assertThat(config.path("account_id").asText()).isEqualTo(TestServer.ACCOUNT_ID);
    assertThat(config.has("workspace_id")).isFalse();
    assertThat(config.path("oidc_endpoint").asText())
        .isEqualTo(server.url() + "/oidc/accounts/{account_id}");
    for (String issuer : List.of("/oidc", "/oidc/accounts/" + TestServer.ACCOUNT_ID)) {
      JsonNode metadata =
          Json.tree(
              server
                  .send(null, "GET", issuer + "/.well-known/oauth-authorization-server", null)
                  .body());
      assertThat(metadata.path("token_endpoint").asText())
          .isEqualTo(server.url() + issuer + "/v1/token");
    }
    JsonNode keys = Json.tree(server.send(null, "GET", "/oidc/jwks.json", null).body());
    assertThat(keys.at("/keys/0/crv").asText()).isEqualTo("P-256");
    assertThat(keys.at("/keys/0").has("d")).isFalse();
  }
}
