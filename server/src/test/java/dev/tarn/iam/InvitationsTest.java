package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.service.iam.User;
import com.fasterxml.jackson.databind.JsonNode;
import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import dev.tarn.mail.Mail;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class InvitationsTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static String invitations() {
    return "/api/2.0/accounts/" + server.accountId() + "/tarn/invitations";
  }

  private static String token(JsonNode made) {
    String link = made.path("link").asText();
    return link.substring(link.indexOf('#') + 1);
  }

  private static JsonNode invite(String email) throws Exception {
    HttpResponse<String> made =
        server.send("admin", "POST", invitations(), "{\"user_name\":\"" + email + "\"}");
    assertThat(made.statusCode()).isEqualTo(200);
    return Json.tree(made.body());
  }

  private static HttpResponse<String> inspect(String token) throws Exception {
    return new TestBrowser(server)
        .send("POST", "/api/2.0/tarn/invitations/inspect", "{\"token\":\"" + token + "\"}");
  }

  private static HttpResponse<String> redeem(TestBrowser browser, String token, String more)
      throws Exception {
    return browser.send(
        "POST",
        "/api/2.0/tarn/invitations/redeem",
        "{\"token\":\"%s\",\"password\":\"%s\"%s}".formatted(token, TestBrowser.PASSWORD, more));
  }

  @Test
  void whoIsInvitedChoosesAPasswordAndIsSignedIn() throws Exception {
    JsonNode made = invite("Kim@Example.com");
    assertThat(made.path("sent").asBoolean()).isFalse();
    assertThat(made.path("link").asText()).startsWith(server.url() + "/sign-up#");
    JsonNode told = Json.tree(inspect(token(made)).body());
    assertThat(told.path("kind").asText()).isEqualTo("INVITATION");
    assertThat(told.path("user_name").asText()).isEqualTo("kim@example.com");
    TestBrowser browser = new TestBrowser(server);
    HttpResponse<String> answer = redeem(browser, token(made), ",\"display_name\":\"Kim\"");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(Json.tree(answer.body()).path("display_name").asText()).isEqualTo("Kim");
    assertThat(Json.tree(answer.body()).path("account_admin").asBoolean()).isFalse();
    assertThat(browser.get("/api/2.0/tarn/session").statusCode()).isEqualTo(200);
    assertThat(browser.signIn("kim").statusCode()).isEqualTo(200);
  }

  @Test
  void ofTwentyWhoUseALinkAtOnceOneIsSignedIn() throws Exception {
    String token = token(invite("race@example.com"));
    List<Callable<Integer>> callers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      TestBrowser browser = new TestBrowser(server);
      callers.add(() -> redeem(browser, token, "").statusCode());
    }
    List<Integer> statuses = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Integer> each : threads.invokeAll(callers)) {
        statuses.add(each.get());
      }
    }
    assertThat(statuses).containsOnlyOnce(200).isSubsetOf(200, 400, 429);
    HttpResponse<String> again = inspect(token);
    assertThat(again.statusCode()).isEqualTo(400);
    assertThat(again.body()).contains("was used at");
  }

  @Test
  void aNewInvitationReplacesTheOneBeforeAndARevokedOneIsNone() throws Exception {
    String first = token(invite("lee@example.com"));
    JsonNode second = invite("lee@example.com");
    assertThat(inspect(first).statusCode()).isEqualTo(404);
    String path = invitations() + "/" + second.path("invitation_id").asText();
    assertThat(server.send("admin", "GET", invitations(), null).body())
        .contains("lee@example.com")
        .doesNotContain(token(second));
    assertThat(server.send("admin", "DELETE", path, null).statusCode()).isEqualTo(200);
    assertThat(server.send("admin", "DELETE", path, null).statusCode()).isEqualTo(404);
    assertThat(redeem(new TestBrowser(server), token(second), "").statusCode()).isEqualTo(404);
    assertThat(server.send("admin", "GET", invitations(), null).body())
        .doesNotContain("lee@example.com");
  }

  @Test
  void anInvitationGivesNobodyAnotherName() throws Exception {
    String token = token(invite("mia@example.com"));
    HttpResponse<String> answer =
        redeem(new TestBrowser(server), token, ",\"user_name\":\"admin@tarn.local\"");
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(redeem(new TestBrowser(server), token, "").statusCode()).isEqualTo(200);
  }

  @Test
  void whoHasSignedUpIsNotInvitedAgainAndOnlyAnAdminInvites() throws Exception {
    redeem(new TestBrowser(server), token(invite("noa@example.com")), "");
    HttpResponse<String> again =
        server.send("admin", "POST", invitations(), "{\"user_name\":\"noa@example.com\"}");
    assertThat(again.statusCode()).isEqualTo(409);
    assertThat(
            server
                .send("olga", "POST", invitations(), "{\"user_name\":\"x@example.com\"}")
                .statusCode())
        .isEqualTo(403);
  }

  @Test
  void aLinkOfSomebodyWhoWasRemovedOpensNothing() throws Exception {
    String token = token(invite("gone@example.com"));
    for (User user :
        server
            .account()
            .users()
            .list(
                new com.databricks.sdk.service.iam.ListAccountUsersRequest()
                    .setFilter("userName eq \"gone@example.com\""))) {
      server.account().users().delete(user.getId());
    }
    assertThat(inspect(token).statusCode()).isEqualTo(404);
    assertThat(redeem(new TestBrowser(server), token, "").statusCode()).isEqualTo(404);
  }

  @Test
  void theMachinesAdministratorGivesAForgetfulOneANewPassword() throws Exception {
    TestBrowser old = new TestBrowser(server);
    redeem(old, token(invite("pat@example.com")), "");
    String secret = Files.readString(server.config().keys().resolve("machine-secret")).trim();
    String body = "{\"machine_secret\":\"%s\",\"user_name\":\"pat@example.com\"}";
    assertThat(
            new TestBrowser(server)
                .send("POST", "/api/2.0/tarn/recoveries", body.formatted("guess"))
                .statusCode())
        .isEqualTo(403);
    HttpResponse<String> made =
        new TestBrowser(server).send("POST", "/api/2.0/tarn/recoveries", body.formatted(secret));
    assertThat(made.statusCode()).isEqualTo(200);
    String token = token(Json.tree(made.body()));
    assertThat(Json.tree(made.body()).path("link").asText()).contains("/recover#");
    TestBrowser browser = new TestBrowser(server);
    HttpResponse<String> answer =
        browser.send(
            "POST",
            "/api/2.0/tarn/invitations/redeem",
            "{\"token\":\"" + token + "\",\"password\":\"something quite new\"}");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(old.get("/api/2.0/tarn/session").statusCode()).isEqualTo(401);
    assertThat(browser.signIn("pat").statusCode()).isEqualTo(401);
    assertThat(browser.signIn("pat", "something quite new").statusCode()).isEqualTo(200);
  }

  @Test
  void noTokenOfALinkIsInTheDatabaseOrTheAuditLog() throws Exception {
    String token = token(invite("quinn@example.com"));
    inspect(token);
    redeem(new TestBrowser(server), token, "");
    try (var files = Files.walk(server.config().home())) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (!file.startsWith(server.config().keys())) {
          assertThat(Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1))
              .doesNotContain(token)
              .doesNotContain(TestBrowser.PASSWORD);
        }
      }
    }
  }

  @Test
  void anInvitationGoesOutByMailWhereAServerIsConfigured() throws Exception {
    GreenMail smtp = new GreenMail(new ServerSetup(0, "127.0.0.1", "smtp"));
    smtp.start();
    try {
      Mail mail =
          new Mail(
              new Mail.Settings(
                  "127.0.0.1", smtp.getSmtp().getPort(), "tarn@example.com", "", "", "off"));
      assertThat(mail.send("ruth@example.com", "You are invited to Ärzte", "https://x/#y\n"))
          .isEmpty();
      assertThat(mail.send("a@example.com, b@example.com", "two", "text")).isPresent();
      assertThat(smtp.getReceivedMessages()).hasSize(1);
      assertThat(smtp.getReceivedMessages()[0].getSubject()).isEqualTo("You are invited to Ärzte");
      assertThat(smtp.getReceivedMessages()[0].getContent().toString()).contains("https://x/#y");
    } finally {
      smtp.stop();
    }
    Mail gone = new Mail(new Mail.Settings("127.0.0.1", 1, "tarn@example.com", "", "", "starttls"));
    assertThat(gone.send("ruth@example.com", "x", "y").orElseThrow()).contains("127.0.0.1:1");
  }
}
