package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class SignInTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static TestBrowser signedIn(String name) throws Exception {
    TestBrowser browser = new TestBrowser(server);
    browser.withPassword(name);
    assertThat(browser.signIn(name).statusCode()).isEqualTo(200);
    return browser;
  }

  private static String workspaces() {
    return "/api/2.0/accounts/" + server.accountId() + "/workspaces";
  }

  @Test
  void whoSignsInActsAtTheAccountAndInTheWorkspaceThatAHeaderNames() throws Exception {
    TestBrowser browser = signedIn("admin");
    HttpResponse<String> session = browser.get("/api/2.0/tarn/session");
    assertThat(session.statusCode()).isEqualTo(200);
    assertThat(Json.tree(session.body()).path("user_name").asText()).isEqualTo("admin@tarn.local");
    assertThat(Json.tree(session.body()).path("account_id").asText()).isEqualTo(server.accountId());
    assertThat(Json.tree(session.body()).path("account_name").asText()).isEqualTo("test");
    assertThat(Json.tree(session.body()).path("account_admin").asBoolean()).isTrue();
    assertThat(Json.tree(session.body()).path("csrf_token").asText()).hasSize(64);
    assertThat(browser.get(workspaces()).statusCode()).isEqualTo(200);
    assertThat(browser.get("/api/2.0/sql/warehouses").statusCode()).isEqualTo(403);
    browser.header("X-Databricks-Workspace-Id", Long.toString(TestServer.WORKSPACE_ID));
    assertThat(browser.get("/api/2.0/sql/warehouses").statusCode()).isEqualTo(200);
  }

  @Test
  void theCookieIsForThisHostAloneAndForNoScript() throws Exception {
    TestBrowser browser = new TestBrowser(server);
    browser.withPassword("carol");
    HttpResponse<String> answer = browser.signIn("carol");
    assertThat(answer.headers().firstValue("set-cookie").orElseThrow())
        .matches("tarn_session=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict");
    assertThat(answer.body()).doesNotContain(browser.cookie());
  }

  @Test
  void aWrongPasswordAnUnknownUserAndADeactivatedOneAreToldTheSame() throws Exception {
    TestBrowser browser = new TestBrowser(server);
    browser.withPassword("dave");
    HttpResponse<String> wrong = browser.signIn("dave", "another password");
    HttpResponse<String> unknown = browser.signIn("nobody", "another password");
    browser.withPassword("erin");
    server.deactivate("erin");
    HttpResponse<String> deactivated = browser.signIn("erin");
    assertThat(wrong.statusCode()).isEqualTo(401);
    assertThat(unknown.statusCode()).isEqualTo(401);
    assertThat(deactivated.statusCode()).isEqualTo(401);
    String told = Json.tree(wrong.body()).path("message").asText();
    assertThat(Json.tree(unknown.body()).path("message").asText()).isEqualTo(told);
    assertThat(Json.tree(deactivated.body()).path("message").asText()).isEqualTo(told);
    assertThat(wrong.headers().firstValue("set-cookie")).isEmpty();
  }

  @Test
  void aSessionThatWasEndedIsRefusedAndItsCookieTaken() throws Exception {
    TestBrowser browser = signedIn("frank");
    String before = browser.cookie();
    HttpResponse<String> end = browser.send("DELETE", "/api/2.0/tarn/session", null);
    assertThat(end.statusCode()).isEqualTo(200);
    assertThat(end.headers().firstValue("set-cookie").orElseThrow()).contains("Max-Age=0");
    browser.cookie(before);
    assertThat(browser.get("/api/2.0/tarn/session").statusCode()).isEqualTo(401);
  }

  @Test
  void aPersonSeesAndEndsTheirOwnSessionsOnly() throws Exception {
    TestBrowser one = signedIn("grace");
    TestBrowser other = new TestBrowser(server);
    other.signIn("grace");
    TestBrowser stranger = signedIn("heidi");
    var sessions = Json.tree(one.get("/api/2.0/tarn/sessions").body()).path("sessions");
    assertThat(sessions).hasSize(2);
    assertThat(sessions.findValuesAsText("current")).containsExactlyInAnyOrder("true", "false");
    String id = null;
    for (var session : sessions) {
      id = session.path("current").asBoolean() ? id : session.path("session_id").asText();
    }
    String path = "/api/2.0/tarn/sessions/" + id;
    assertThat(stranger.send("DELETE", path, null).statusCode()).isEqualTo(404);
    assertThat(other.get("/api/2.0/tarn/session").statusCode()).isEqualTo(200);
    assertThat(one.send("DELETE", path, null).statusCode()).isEqualTo(200);
    assertThat(other.get("/api/2.0/tarn/session").statusCode()).isEqualTo(401);
    assertThat(one.get("/api/2.0/tarn/session").statusCode()).isEqualTo(200);
  }

  @Test
  void aNewPasswordEndsTheOtherSessionsAndTheOldPassword() throws Exception {
    TestBrowser one = signedIn("ivan");
    TestBrowser other = new TestBrowser(server);
    other.signIn("ivan");
    String path = "/api/2.0/tarn/password";
    assertThat(
            one.send(
                    "POST",
                    path,
                    "{\"old_password\":\"wrong wrong wrong\",\"new_password\":\"a better password\"}")
                .statusCode())
        .isEqualTo(401);
    HttpResponse<String> weak =
        one.send(
            "POST",
            path,
            "{\"old_password\":\"%s\",\"new_password\":\"short\"}".formatted(TestBrowser.PASSWORD));
    assertThat(weak.statusCode()).isEqualTo(400);
    assertThat(weak.body()).contains("5 characters").doesNotContain("short\"");
    assertThat(
            one.send(
                    "POST",
                    path,
                    "{\"old_password\":\"%s\",\"new_password\":\"a better password\"}"
                        .formatted(TestBrowser.PASSWORD))
                .statusCode())
        .isEqualTo(200);
    assertThat(one.get("/api/2.0/tarn/session").statusCode()).isEqualTo(200);
    assertThat(other.get("/api/2.0/tarn/session").statusCode()).isEqualTo(401);
    assertThat(other.signIn("ivan").statusCode()).isEqualTo(401);
    assertThat(other.signIn("ivan", "a better password").statusCode()).isEqualTo(200);
  }
}
