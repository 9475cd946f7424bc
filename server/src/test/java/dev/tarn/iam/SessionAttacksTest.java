package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tarn.TestServer;
import dev.tarn.database.Json;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What a page of somebody else's, or somebody else's browser, tries with a session. */
class SessionAttacksTest {
  private static final String SESSION = "/api/2.0/tarn/session";
  private static final String ELSEWHERE = "dbc-test.localhost";
  @RegisterExtension static final TestServer server = new TestServer();

  private TestBrowser browser;

  @BeforeEach
  void signIn() throws Exception {
    browser = new TestBrowser(server);
    browser.withPassword("admin");
    assertThat(browser.signIn("admin").statusCode()).isEqualTo(200);
  }

  private static String users() {
    return "/api/2.0/accounts/" + server.accountId() + "/scim/v2/Users";
  }

  /** Tries to make a user; whoever could, could do anything. */
  private int write() throws Exception {
    return browser
        .send("POST", users(), "{\"userName\":\"" + Tokens.random("u", 8) + "@example.com\"}")
        .statusCode();
  }

  @Test
  void aWriteNeedsTheTokenOfThisVerySession() throws Exception {
    String own = browser.csrf();
    assertThat(write()).isEqualTo(201);
    browser.csrf(null);
    assertThat(write()).isEqualTo(403);
    TestBrowser other = new TestBrowser(server);
    other.signIn("admin");
    browser.csrf(other.csrf());
    assertThat(write()).isEqualTo(403);
    browser.csrf(browser.cookie());
    assertThat(write()).isEqualTo(403);
    browser.csrf(own);
    assertThat(write()).isEqualTo(201);
  }

  @Test
  void aWriteNeedsAPageOfThisHostAndPort() throws Exception {
    int port = server.url().getPort();
    for (String origin :
        new String[] {
          "http://evil.example",
          "null",
          "http://127.0.0.1:" + (port + 1),
          "http://127.0.0.1",
          "http://localhost:" + port,
          "http://127.0.0.1:" + port + ".evil.example",
          "127.0.0.1:" + port,
          null
        }) {
      browser.header("Origin", origin);
      assertThat(write()).as("origin %s", origin).isEqualTo(403);
    }
    browser.header("Origin", server.url().toString()).header("Sec-Fetch-Site", "same-site");
    assertThat(write()).isEqualTo(403);
    browser.header("Sec-Fetch-Site", "same-origin");
    assertThat(write()).isEqualTo(201);
    browser.header("Origin", null);
    assertThat(write()).isEqualTo(201);
  }

  @Test
  void nobodyIsSignedInOrSignedUpByAForeignPage() throws Exception {
    TestBrowser victim = new TestBrowser(server).header("Origin", "http://evil.example");
    assertThat(victim.signIn("admin").statusCode()).isEqualTo(403);
    assertThat(victim.cookie()).isNull();
    assertThat(
            victim
                .send("POST", "/api/2.0/tarn/invitations/redeem", "{\"token\":\"x\"}")
                .statusCode())
        .isEqualTo(403);
  }

  @Test
  void aForeignPagesScriptReadsNothingButALinkMayLeadHere() throws Exception {
    browser.header("Origin", null).header("Sec-Fetch-Site", "same-site");
    browser.header("Sec-Fetch-Mode", "no-cors");
    assertThat(browser.get(SESSION).statusCode()).isEqualTo(403);
    browser.header("Sec-Fetch-Mode", "navigate");
    assertThat(browser.get(SESSION).statusCode()).isEqualTo(200);
  }

  @Test
  void underAReboundNameThereIsNothing() throws Exception {
    for (String host : new String[] {"evil.example", "127.0.0.1.evil.example", "localhost.evil"}) {
      browser.at(host);
      assertThat(browser.get(SESSION).statusCode()).as(host).isEqualTo(403);
      assertThat(browser.signIn("admin").statusCode()).as(host).isEqualTo(403);
    }
  }

  @Test
  void aCookieCountsOnTheHostWhereItWasMade() throws Exception {
    assertThat(browser.at(ELSEWHERE).get(SESSION).statusCode()).isEqualTo(401);
    assertThat(browser.at("localhost").get(SESSION).statusCode()).isEqualTo(401);
    assertThat(browser.at("127.0.0.1").get(SESSION).statusCode()).isEqualTo(200);
    TestBrowser inWorkspace = new TestBrowser(server).at(ELSEWHERE);
    assertThat(inWorkspace.signIn("admin").statusCode()).isEqualTo(200);
    assertThat(inWorkspace.at("127.0.0.1").get(SESSION).statusCode()).isEqualTo(401);
  }

  @Test
  void aWorkspacesSessionIsOfThatWorkspaceAndNotOfTheAccount() throws Exception {
    TestBrowser inWorkspace = new TestBrowser(server).at(ELSEWHERE);
    assertThat(Json.tree(inWorkspace.signIn("admin").body()).path("workspace_id").asLong())
        .isEqualTo(TestServer.WORKSPACE_ID);
    assertThat(inWorkspace.get("/api/2.0/sql/warehouses").statusCode()).isEqualTo(200);
    assertThat(inWorkspace.get(users()).statusCode()).isEqualTo(403);
    inWorkspace.header("X-Databricks-Workspace-Id", "1111111111111111");
    assertThat(inWorkspace.get("/api/2.0/sql/warehouses").statusCode()).isEqualTo(400);
  }

  @Test
  void whoIsNotOfAWorkspaceDoesNotSignInOnItsHost() throws Exception {
    server.send("admin", "POST", users(), "{\"userName\":\"outside@example.com\"}");
    TestBrowser outside = new TestBrowser(server);
    outside.password("outside@example.com");
    assertThat(outside.at(ELSEWHERE).signIn("outside").statusCode()).isEqualTo(403);
    assertThat(outside.cookie()).isNull();
    assertThat(outside.at("nobody.localhost").signIn("outside").statusCode()).isEqualTo(400);
    assertThat(outside.at("127.0.0.1").signIn("outside").statusCode()).isEqualTo(200);
  }

  @Test
  void signingInMakesANewSessionWhateverCookieTheBrowserHad() throws Exception {
    TestBrowser fixed = new TestBrowser(server);
    fixed.cookie("0".repeat(64));
    fixed.signIn("admin");
    assertThat(fixed.cookie()).isNotEqualTo("0".repeat(64));
    String first = fixed.cookie();
    fixed.signIn("admin");
    assertThat(fixed.cookie()).isNotEqualTo(first);
    fixed.cookie(first);
    assertThat(fixed.get(SESSION).statusCode()).isEqualTo(401);
  }

  @Test
  void ofTwoCookiesNoneCounts() throws Exception {
    browser.cookie("tarn_session=" + "0".repeat(64) + "; tarn_session=" + browser.cookie());
    assertThat(browser.get(SESSION).statusCode()).isEqualTo(401);
  }

  @Test
  void aCookieIsNoBearerTokenAndABearerTokenNoCookie() throws Exception {
    String cookie = browser.cookie();
    browser.cookie(null);
    browser.header("Authorization", "Bearer " + cookie);
    assertThat(browser.get(users()).statusCode()).isEqualTo(401);
    browser.header("Authorization", null);
    browser.cookie(server.token("admin"));
    assertThat(browser.get(users()).statusCode()).isEqualTo(401);
  }

  @Test
  void whoIsTakenOutIsSignedOutForGood() throws Exception {
    TestBrowser victim = new TestBrowser(server);
    victim.withPassword("walter");
    victim.signIn("walter");
    assertThat(victim.get(SESSION).statusCode()).isEqualTo(200);
    server.deactivate("walter");
    assertThat(victim.get(SESSION).statusCode()).isEqualTo(401);
  }
}
