package dev.tarn.iam;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.DatabricksConfig;
import com.databricks.sdk.core.commons.CommonsHttpClient;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.core.oauth.Consent;
import com.databricks.sdk.core.oauth.OAuthClient;
import com.databricks.sdk.core.oauth.OpenIDConnectEndpoints;
import com.databricks.sdk.service.iam.MeRequest;
import com.databricks.sdk.service.oauth2.CreateCustomAppIntegration;
import com.databricks.sdk.service.oauth2.CreateCustomAppIntegrationOutput;
import com.databricks.sdk.service.oauth2.GetCustomAppIntegrationOutput;
import com.databricks.sdk.service.oauth2.ListCustomAppIntegrationsRequest;
import com.databricks.sdk.service.oauth2.TokenAccessPolicy;
import com.databricks.sdk.service.oauth2.UpdateCustomAppIntegration;
import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.oauth2.sdk.pkce.CodeChallenge;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class OAuthTest {
  private static final String CLI = "databricks-cli";
  private static final String LOCAL = "http://localhost:8020";
  private static final Pattern ALLOW = Pattern.compile("href=\"([^\"]*)\" id=\"allow\"");
  @RegisterExtension static final TestServer server = new TestServer();
  private static TestBrowser browser;

  @BeforeAll
  static void signIn() throws Exception {
    browser = new TestBrowser(server);
    browser.withPassword("uma");
    assertThat(browser.signIn("uma").statusCode()).isEqualTo(200);
  }

  private static String oidc() {
    return "/oidc/accounts/" + server.accountId();
  }

  private static String form(Map<String, String> fields) {
    StringBuilder text = new StringBuilder();
    fields.forEach(
        (name, value) ->
            text.append(text.isEmpty() ? "" : "&")
                .append(name)
                .append('=')
                .append(URLEncoder.encode(value, UTF_8)));
    return text.toString();
  }

  private static Map<String, String> wish(
      String client, String redirect, CodeVerifier verifier, String scope) {
    Map<String, String> wish = new LinkedHashMap<>();
    wish.put("response_type", "code");
    wish.put("client_id", client);
    wish.put("redirect_uri", redirect);
    wish.put("scope", scope);
    wish.put("state", "a state&with=\r\nlines");
    if (verifier != null) {
      wish.put(
          "code_challenge", CodeChallenge.compute(CodeChallengeMethod.S256, verifier).getValue());
      wish.put("code_challenge_method", "S256");
    }
    return wish;
  }

  private static HttpResponse<String> authorize(TestBrowser who, Map<String, String> wish)
      throws Exception {
    return who.get(oidc() + "/v1/authorize?" + form(wish));
  }

  private static String allowLink(HttpResponse<String> page) {
    Matcher link = ALLOW.matcher(page.body());
    assertThat(link.find()).as(page.body()).isTrue();
    return link.group(1).replace("&amp;", "&");
  }

  private static String location(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(302);
    return answer.headers().firstValue("location").orElseThrow();
  }

  private static Map<String, String> query(String url) {
    Map<String, String> found = new LinkedHashMap<>();
    for (String pair : URI.create(url).getRawQuery().split("&", -1)) {
      int equals = pair.indexOf('=');
      found.put(pair.substring(0, equals), URLDecoder.decode(pair.substring(equals + 1), UTF_8));
    }
    return found;
  }

  /** What the program on the person's machine is called with in the end. */
  private static String code(TestBrowser who, Map<String, String> wish) throws Exception {
    HttpResponse<String> answer = authorize(who, wish);
    if (answer.statusCode() == 200) {
      answer = who.get(allowLink(answer));
    }
    assertThat(location(answer)).startsWith(wish.get("redirect_uri") + "?");
    Map<String, String> told = query(location(answer));
    assertThat(told).containsEntry("state", wish.get("state"));
    return told.get("code");
  }

  private static HttpResponse<String> token(Map<String, String> fields) throws Exception {
    return post("/v1/token", fields);
  }

  private static HttpResponse<String> post(String path, Map<String, String> fields)
      throws Exception {
    return new TestBrowser(server)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .send("POST", oidc() + path, form(fields));
  }

  private static Map<String, String> exchange(
      String client, String code, String redirect, CodeVerifier verifier) {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("grant_type", "authorization_code");
    fields.put("client_id", client);
    fields.put("code", code);
    fields.put("redirect_uri", redirect);
    if (verifier != null) {
      fields.put("code_verifier", verifier.getValue());
    }
    return fields;
  }

  private static Map<String, String> refreshing(String client, String token) {
    return Map.of("grant_type", "refresh_token", "client_id", client, "refresh_token", token);
  }

  private static JsonNode granted(String scope) throws Exception {
    CodeVerifier verifier = new CodeVerifier();
    String code = code(browser, wish(CLI, LOCAL, verifier, scope));
    HttpResponse<String> answer = token(exchange(CLI, code, LOCAL, verifier));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Json.tree(answer.body());
  }

  private static int me(String accessToken) throws Exception {
    return new TestBrowser(server)
        .header("Authorization", "Bearer " + accessToken)
        .get("/api/2.0/preview/scim/v2/Me")
        .statusCode();
  }

  private static String error(HttpResponse<String> answer) {
    return answer.statusCode() + " " + Json.tree(answer.body()).path("error").asText();
  }

  @Test
  void theJavaSdkSignsAPersonInWithABrowser() throws Exception {
    DatabricksConfig config =
        new DatabricksConfig()
            .setHost(server.url().toString())
            .setAccountId(server.accountId())
            .setConfigFile("/dev/null");
    CommonsHttpClient http = new CommonsHttpClient.Builder().withDatabricksConfig(config).build();
    JsonNode metadata =
        Json.tree(browser.get(oidc() + "/.well-known/oauth-authorization-server").body());
    OAuthClient client =
        new OAuthClient.Builder()
            .withHttpClient(http)
            .withHost(server.url().toString())
            .withAccountId(server.accountId())
            .withClientId(CLI)
            .withRedirectUrl("http://localhost:8080/callback")
            .withScopes(List.of("all-apis", "offline_access"))
            .withOpenIDConnectEndpoints(
                new OpenIDConnectEndpoints(
                    metadata.path("token_endpoint").asText(),
                    metadata.path("authorization_endpoint").asText()))
            .build();
    Consent consent = client.initiateConsent();
    HttpResponse<String> page =
        browser.get(consent.getAuthUrl().substring(server.url().toString().length()));
    String back = location(browser.get(allowLink(page)));
    assertThat(back).startsWith("http://localhost:8080/callback?");
    WorkspaceClient workspace =
        new WorkspaceClient(
            new DatabricksConfig()
                .setHost(server.url().toString())
                .setConfigFile("/dev/null")
                .setCredentialsProvider(consent.exchangeCallbackParameters(query(back))));
    assertThat(workspace.currentUser().me(new MeRequest()).getUserName())
        .isEqualTo("uma@example.com");
  }

  @Test
  void whoIsNotSignedInIsSentToTheSignInPageAndBack() throws Exception {
    Map<String, String> wish = wish(CLI, LOCAL, new CodeVerifier(), "all-apis");
    String login = location(authorize(new TestBrowser(server), wish));
    assertThat(login).startsWith("/login?next=");
    String next = query(login).get("next");
    assertThat(next).startsWith(oidc() + "/v1/authorize?");
    assertThat(browser.get(next).statusCode()).isEqualTo(200);
    wish.put("prompt", "none");
    assertThat(query(location(authorize(new TestBrowser(server), wish))))
        .containsEntry("error", "login_required");
  }

  @Test
  void aProgramOnTheMachineNeedsAClickOfThisPersonForThisVeryRequest() throws Exception {
    CodeVerifier verifier = new CodeVerifier();
    HttpResponse<String> page = authorize(browser, wish(CLI, LOCAL, verifier, "all-apis"));
    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.body()).contains("uma@example.com").doesNotContain("<script");
    assertThat(page.headers().firstValue("content-security-policy").orElseThrow())
        .contains("frame-ancestors 'none'");
    String allow = allowLink(page);
    TestBrowser other = new TestBrowser(server);
    other.signIn("uma");
    assertThat(other.get(allow).statusCode()).isEqualTo(200);
    assertThat(browser.get(allow.replace("8020", "8021")).statusCode()).isEqualTo(200);
    assertThat(browser.get(allow).statusCode()).isEqualTo(302);
  }

  @Test
  void addressesThatAreNotTheProgramsAreToldNothing() throws Exception {
    for (String redirect :
        List.of(
            "https://evil.example/callback",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://evil.example#localhost",
            "http://localhost:8020/#x",
            "http://localhost\r\nSet-Cookie: a=b",
            "javascript:alert(1)",
            "//evil.example",
            "http:localhost",
            "")) {
      HttpResponse<String> answer =
          authorize(browser, wish(CLI, redirect, new CodeVerifier(), "all-apis"));
      assertThat(answer.statusCode()).as(redirect).isEqualTo(400);
      assertThat(answer.headers().firstValue("location")).as(redirect).isEmpty();
    }
    assertThat(authorize(browser, wish("nobody", LOCAL, null, "all-apis")).statusCode())
        .isEqualTo(400);
  }

  @Test
  void whatIsWrongWithARequestTheProgramIsTold() throws Exception {
    assertThat(query(location(authorize(browser, wish(CLI, LOCAL, null, "all-apis")))))
        .containsEntry("error", "invalid_request");
    Map<String, String> plain = wish(CLI, LOCAL, new CodeVerifier(), "all-apis");
    plain.put("code_challenge_method", "plain");
    assertThat(query(location(authorize(browser, plain))))
        .containsEntry("error", "invalid_request");
    assertThat(
            query(location(authorize(browser, wish(CLI, LOCAL, new CodeVerifier(), "clusters")))))
        .containsEntry("error", "invalid_scope");
    Map<String, String> implicit = wish(CLI, LOCAL, new CodeVerifier(), "all-apis");
    implicit.put("response_type", "token");
    assertThat(query(location(authorize(browser, implicit))))
        .containsEntry("error", "unsupported_response_type");
  }

  @Test
  void aCodeCountsOnceForItsProgramAddressAndVerifier() throws Exception {
    CodeVerifier verifier = new CodeVerifier();
    String code = code(browser, wish(CLI, LOCAL, verifier, "all-apis offline_access"));
    assertThat(error(token(exchange(CLI, code, LOCAL, new CodeVerifier()))))
        .isEqualTo("400 invalid_grant");
    assertThat(error(token(exchange(CLI, code, LOCAL, verifier)))).isEqualTo("400 invalid_grant");
    String second = code(browser, wish(CLI, LOCAL, verifier, "all-apis"));
    assertThat(error(token(exchange(CLI, second, LOCAL + "/x", verifier))))
        .isEqualTo("400 invalid_grant");
    String third = code(browser, wish(CLI, LOCAL, verifier, "all-apis offline_access"));
    JsonNode good = Json.tree(token(exchange(CLI, third, LOCAL, verifier)).body());
    assertThat(me(good.path("access_token").asText())).isEqualTo(200);
    assertThat(error(token(exchange(CLI, third, LOCAL, verifier)))).isEqualTo("400 invalid_grant");
    assertThat(me(good.path("access_token").asText())).isEqualTo(401);
    assertThat(error(token(refreshing(CLI, good.path("refresh_token").asText()))))
        .isEqualTo("400 invalid_grant");
  }

  @Test
  void aCodeEndsWithTheSessionThatGaveIt() throws Exception {
    TestBrowser brief = new TestBrowser(server);
    brief.signIn("uma");
    CodeVerifier verifier = new CodeVerifier();
    String code = code(brief, wish(CLI, LOCAL, verifier, "all-apis"));
    brief.send("DELETE", "/api/2.0/tarn/session", null);
    assertThat(error(token(exchange(CLI, code, LOCAL, verifier)))).isEqualTo("400 invalid_grant");
  }

  @Test
  void aRefreshTokenThatComesTwiceEndsTheGrant() throws Exception {
    JsonNode first = granted("all-apis offline_access");
    JsonNode second =
        Json.tree(token(refreshing(CLI, first.path("refresh_token").asText())).body());
    assertThat(me(second.path("access_token").asText())).isEqualTo(200);
    assertThat(second.path("refresh_token").asText())
        .isNotEqualTo(first.path("refresh_token").asText());
    assertThat(error(token(refreshing(CLI, first.path("refresh_token").asText()))))
        .isEqualTo("400 invalid_grant");
    assertThat(me(second.path("access_token").asText())).isEqualTo(401);
    assertThat(error(token(refreshing(CLI, second.path("refresh_token").asText()))))
        .isEqualTo("400 invalid_grant");
  }

  @Test
  void withoutOfflineAccessThereIsNoRefreshTokenAndRevokingEndsEither() throws Exception {
    JsonNode brief = granted("all-apis");
    assertThat(brief.has("refresh_token")).isFalse();
    Map<String, String> fields =
        Map.of("token", brief.path("access_token").asText(), "client_id", CLI);
    assertThat(post("/v1/revoke", fields).statusCode()).isEqualTo(200);
    assertThat(me(brief.path("access_token").asText())).isEqualTo(401);
    JsonNode longer = granted("all-apis offline_access");
    post("/v1/revoke", Map.of("token", longer.path("refresh_token").asText(), "client_id", CLI));
    assertThat(me(longer.path("access_token").asText())).isEqualTo(401);
  }

  @Test
  void openidSaysWhoItIsAndOpensNothing() throws Exception {
    JsonNode granted = granted("openid email");
    SignedJWT id = SignedJWT.parse(granted.path("id_token").asText());
    assertThat(id.getJWTClaimsSet().getStringClaim("email")).isEqualTo("uma@example.com");
    assertThat(id.getJWTClaimsSet().getAudience()).containsExactly(CLI);
    String access = granted.path("access_token").asText();
    assertThat(me(access)).isEqualTo(403);
    assertThat(me(granted.path("id_token").asText())).isEqualTo(401);
    HttpResponse<String> about =
        new TestBrowser(server)
            .header("Authorization", "Bearer " + access)
            .get(oidc() + "/v1/userinfo");
    assertThat(Json.tree(about.body()).path("sub").asText()).isEqualTo("uma@example.com");
    assertThat(browser.get("/oidc/v1/userinfo").statusCode()).isEqualTo(200);
    assertThat(new TestBrowser(server).get("/oidc/v1/userinfo").statusCode()).isEqualTo(401);
  }

  @Test
  void whoIsTakenOutIsOutWithAllPrograms() throws Exception {
    TestBrowser leaving = new TestBrowser(server);
    leaving.withPassword("vic");
    leaving.signIn("vic");
    CodeVerifier verifier = new CodeVerifier();
    String code = code(leaving, wish(CLI, LOCAL, verifier, "all-apis offline_access"));
    JsonNode granted = Json.tree(token(exchange(CLI, code, LOCAL, verifier)).body());
    assertThat(me(granted.path("access_token").asText())).isEqualTo(200);
    server.deactivate("vic");
    assertThat(me(granted.path("access_token").asText())).isEqualTo(401);
    assertThat(error(token(refreshing(CLI, granted.path("refresh_token").asText()))))
        .isEqualTo("400 invalid_grant");
  }

  @Test
  void anAppOfAnAdministratorIsKeptAsWrittenAndItsPolicyHolds() throws Exception {
    var apps = server.account().customAppIntegration();
    String redirect = "https://app.example.com/callback";
    CreateCustomAppIntegrationOutput made =
        apps.create(
            new CreateCustomAppIntegration()
                .setName("dashboard")
                .setConfidential(true)
                .setRedirectUrls(List.of(redirect))
                .setScopes(List.of("all-apis", "offline_access"))
                .setTokenAccessPolicy(
                    new TokenAccessPolicy()
                        .setAccessTokenTtlInMinutes(5L)
                        .setRefreshTokenTtlInMinutes(60L)));
    GetCustomAppIntegrationOutput read = apps.get(made.getIntegrationId());
    assertThat(read.getName()).isEqualTo("dashboard");
    assertThat(read.getClientId()).isEqualTo(made.getClientId());
    assertThat(read.getConfidential()).isTrue();
    assertThat(read.getRedirectUrls()).containsExactly(redirect);
    assertThat(read.getTokenAccessPolicy().getAccessTokenTtlInMinutes()).isEqualTo(5);
    assertThat(read.getCreatorUsername()).isEqualTo("admin@tarn.local");
    assertThat(apps.list(new ListCustomAppIntegrationsRequest().setPageSize(1L)))
        .extracting(GetCustomAppIntegrationOutput::getIntegrationId)
        .contains(made.getIntegrationId());

    String code =
        code(browser, wish(made.getClientId(), redirect, null, "all-apis offline_access"));
    Map<String, String> fields = exchange(made.getClientId(), code, redirect, null);
    assertThat(error(token(fields))).isEqualTo("401 invalid_client");
    fields.put("client_secret", "dose" + "0".repeat(32));
    assertThat(error(token(fields))).isEqualTo("401 invalid_client");
    fields.put("client_secret", made.getClientSecret());
    JsonNode granted = Json.tree(token(fields).body());
    assertThat(granted.path("expires_in").asLong()).isEqualTo(300);
    Map<String, String> refresh =
        new LinkedHashMap<>(refreshing(made.getClientId(), granted.path("refresh_token").asText()));
    refresh.put("client_secret", made.getClientSecret());
    for (int i = 0; i < 2; i++) {
      assertThat(Json.tree(token(refresh).body()).path("refresh_token").asText())
          .isEqualTo(granted.path("refresh_token").asText());
    }
    assertThat(
            authorize(browser, wish(made.getClientId(), redirect + "/", null, "all-apis"))
                .statusCode())
        .isEqualTo(400);

    apps.update(
        new UpdateCustomAppIntegration()
            .setIntegrationId(made.getIntegrationId())
            .setRedirectUrls(List.of("https://other.example.com/")));
    assertThat(apps.get(made.getIntegrationId()).getRedirectUrls())
        .containsExactly("https://other.example.com/");
    assertThat(apps.get(made.getIntegrationId()).getScopes())
        .containsExactly("all-apis", "offline_access");
    assertThat(me(granted.path("access_token").asText())).isEqualTo(200);
    apps.delete(made.getIntegrationId());
    assertThat(me(granted.path("access_token").asText())).isEqualTo(401);
    assertThatThrownBy(() -> apps.get(made.getIntegrationId()))
        .isInstanceOf(ResourceDoesNotExist.class);
  }

  @Test
  void anAppThatCannotBeHonouredIsRefused() {
    var apps = server.account().customAppIntegration();
    for (CreateCustomAppIntegration wrong :
        List.of(
            new CreateCustomAppIntegration().setRedirectUrls(List.of("https://x.example")),
            new CreateCustomAppIntegration().setName("x"),
            new CreateCustomAppIntegration()
                .setName("x")
                .setRedirectUrls(List.of("http://x.example/")),
            new CreateCustomAppIntegration()
                .setName("x")
                .setRedirectUrls(List.of("https://x.example/"))
                .setScopes(List.of("sql")),
            new CreateCustomAppIntegration()
                .setName("x")
                .setRedirectUrls(List.of("https://x.example/"))
                .setUserAuthorizedScopes(List.of("all-apis")),
            new CreateCustomAppIntegration()
                .setName("x")
                .setRedirectUrls(List.of("https://x.example/"))
                .setTokenAccessPolicy(new TokenAccessPolicy().setAccessTokenTtlInMinutes(1L)))) {
      assertThatThrownBy(() -> apps.create(wrong)).isInstanceOf(InvalidParameterValue.class);
    }
  }
}
