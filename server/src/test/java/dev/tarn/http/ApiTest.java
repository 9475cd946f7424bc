package dev.tarn.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.provisioning.CreateCredentialAwsCredentials;
import com.databricks.sdk.service.provisioning.CreateCredentialRequest;
import com.databricks.sdk.service.provisioning.CreateCredentialStsRole;
import com.databricks.sdk.service.provisioning.Credential;
import com.databricks.sdk.service.provisioning.CredentialsService;
import com.databricks.sdk.service.provisioning.GetCredentialRequest;
import dev.tarn.TestServer;
import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class ApiTest {
  @RegisterExtension
  static final TestServer server =
      new TestServer(routes -> routes.mount(CredentialsService.class, new Credentials()));

  /** Echoes, so that what arrives can be seen. */
  public static final class Credentials {
    @Allow(Role.ACCOUNT_ADMIN)
    public Credential create(Caller caller, CreateCredentialRequest request) {
      return new Credential()
          .setCredentialsName(request.getCredentialsName())
          .setAccountId(caller.accountId());
    }

    @Allow(Role.ACCOUNT_ADMIN)
    public Collection<Credential> list(Caller caller) {
      return List.of(new Credential().setCredentialsName("one"));
    }

    @Allow(Role.ACCOUNT_ADMIN)
    public Credential get(Caller caller, GetCredentialRequest request) {
      if (request.getCredentialsId().equals("one")) {
        return new Credential().setCredentialsName("one");
      }
      throw new ResourceDoesNotExist("no credential " + request.getCredentialsId(), null);
    }
  }

  @Test
  void whatTheOfficialClientSendsArrivesAndComesBack() {
    String name = "🏔 \"quoted\" dotted.name " + "x".repeat(10_000);
    Credential made =
        server
            .account()
            .credentials()
            .create(
                new CreateCredentialRequest()
                    .setCredentialsName(name)
                    .setAwsCredentials(
                        new CreateCredentialAwsCredentials()
                            .setStsRole(new CreateCredentialStsRole().setRoleArn("arn"))));
    assertThat(made.getCredentialsName()).isEqualTo(name);
    assertThat(server.account().credentials().list()).hasSize(1);
  }

  @Test
  void anErrorIsTheSdksOwn() {
    assertThatThrownBy(() -> server.account().credentials().get("no-such"))
        .isInstanceOf(ResourceDoesNotExist.class)
        .hasMessage("no credential no-such");
  }

  @Test
  void whatIsNotBuiltIsNotFound() {
    assertThatThrownBy(() -> server.account().credentials().delete("x"))
        .isInstanceOf(NotFound.class)
        .hasMessageContaining("No API found for 'DELETE /api/2.0/accounts/");
  }

  @Test
  void aUserWithoutTheRoleIsDenied() throws Exception {
    var answer =
        server.send(
            "alice", "GET", "/api/2.0/accounts/" + TestServer.ACCOUNT_ID + "/credentials", null);
    assertThat(answer.statusCode()).isEqualTo(403);
    assertThat(answer.body()).contains("PERMISSION_DENIED");
  }

  @Test
  void nobodyIsUnauthenticatedEverywhere() throws Exception {
    for (String path : List.of("/api/2.0/accounts/x/credentials", "/api/9.9/no/such/thing")) {
      var answer = server.send(null, "GET", path, null);
      assertThat(answer.statusCode()).isEqualTo(401);
      assertThat(answer.body()).contains("UNAUTHENTICATED");
    }
  }

  @Test
  void aWrongTypeIsNamedWithItsPlace() throws Exception {
    var answer =
        server.send(
            "admin",
            "POST",
            "/api/2.0/accounts/" + TestServer.ACCOUNT_ID + "/credentials",
            "{\"aws_credentials\":{\"sts_role\":{\"role_arn\":true}}}");
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body())
        .contains("INVALID_PARAMETER_VALUE")
        .contains("aws_credentials.sts_role.role_arn: 'true' (expected: a string)");
  }
}
