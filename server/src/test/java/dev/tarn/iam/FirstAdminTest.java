package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An installation's first administrator becomes a person once. */
@TestMethodOrder(OrderAnnotation.class)
class FirstAdminTest {
  @RegisterExtension static final TestServer server = new TestServer();
  private static String token;

  private static Path file() {
    return server.config().keys().resolve("first-admin-link");
  }

  private static HttpResponse<String> redeem(TestBrowser browser, String more) throws Exception {
    return browser.send(
        "POST",
        "/api/2.0/tarn/invitations/redeem",
        "{\"token\":\"%s\",\"password\":\"%s\"%s}".formatted(token, TestBrowser.PASSWORD, more));
  }

  @Test
  @Order(1)
  void theLinkIsKeptForWhoOwnsTheMachineAndStaysTheSame() throws Exception {
    token = Files.readString(file()).trim();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file())))
        .isEqualTo("rw-------");
    server.restart();
    assertThat(Files.readString(file()).trim()).isEqualTo(token);
    HttpResponse<String> told =
        new TestBrowser(server)
            .send("POST", "/api/2.0/tarn/invitations/inspect", "{\"token\":\"" + token + "\"}");
    assertThat(Json.tree(told.body()).path("kind").asText()).isEqualTo("FIRST_ADMIN");
    assertThat(Json.tree(told.body()).path("region").asText()).isEqualTo("us-east-1");
    assertThat(told.body()).doesNotContain("admin@tarn.local");
  }

  @Test
  @Order(2)
  void whatCannotBeIsRefusedAndTheLinkStays() throws Exception {
    TestBrowser browser = new TestBrowser(server);
    assertThat(redeem(browser, "").body()).contains("user_name");
    assertThat(redeem(browser, ",\"user_name\":\"no e-mail\"").statusCode()).isEqualTo(400);
    assertThat(
            redeem(browser, ",\"user_name\":\"ann@example.com\",\"region\":\"mars\"").statusCode())
        .isEqualTo(400);
    HttpResponse<String> moved =
        redeem(browser, ",\"user_name\":\"ann@example.com\",\"region\":\"eu-west-1\"");
    assertThat(moved.statusCode()).isEqualTo(400);
    assertThat(moved.body()).contains("has workspaces or stacks already");
    assertThat(redeem(browser, ",\"user_name\":\"ann@example.com\",\"account_name\":\"\"").body())
        .contains("account_name");
    server.token("taken");
    assertThat(redeem(browser, ",\"user_name\":\"taken@example.com\"").statusCode()).isEqualTo(409);
  }

  @Test
  @Order(3)
  void thePersonIsAdministratorUnderTheirOwnNameAndTheMachinesTokenIsTheirs() throws Exception {
    TestBrowser browser = new TestBrowser(server);
    HttpResponse<String> answer =
        redeem(
            browser,
            ",\"user_name\":\"Ann@Example.com\",\"display_name\":\"Ann\",\"account_name\":\"Acme\""
                + ",\"region\":\"us-east-1\"");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(Json.tree(answer.body()).path("user_name").asText()).isEqualTo("ann@example.com");
    assertThat(Json.tree(answer.body()).path("display_name").asText()).isEqualTo("Ann");
    assertThat(Json.tree(answer.body()).path("account_name").asText()).isEqualTo("Acme");
    assertThat(Json.tree(answer.body()).path("account_admin").asBoolean()).isTrue();
    assertThat(
            server
                .as("admin")
                .currentUser()
                .me(new com.databricks.sdk.service.iam.MeRequest())
                .getUserName())
        .isEqualTo("ann@example.com");
    assertThat(Files.exists(file())).isFalse();
    assertThat(redeem(browser, ",\"user_name\":\"eve@example.com\"").statusCode()).isEqualTo(400);
    server.restart();
    assertThat(Files.exists(file())).isFalse();
  }
}
