package dev.tarn.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.service.iam.ServicePrincipal;
import com.databricks.sdk.service.oauth2.CreateServicePrincipalSecretRequest;
import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jwt.SignedJWT;
import dev.tarn.Config;
import dev.tarn.TestServer;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.KeyRing;
import dev.tarn.database.Seal;
import dev.tarn.database.TestDatabase;
import dev.tarn.iam.TestClock;
import dev.tarn.telemetry.Audit;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** New keys under a running server, and what becomes of the old. */
class KeysTest {
  private static final String SECRET = "a secret of a stack";

  @RegisterExtension
  static final TestServer server = new TestServer(routes -> {}, KeysTest::stackWithASecret);

  @TempDir Path folder;

  private static void stackWithASecret(Config config) {
    String sealed = Seal.open(config.keys()).seal(SECRET, "sealed");
    try (Database database = Database.open(config.database())) {
      database.inTransaction(
          handle -> {
            handle.execute(
                "INSERT INTO stack (stack_id, stack_name, status, status_reason, template,"
                    + " parameters, sealed, outputs, created_by, created_at) VALUES ('sealed',"
                    + " 'sealed', 'CREATE_COMPLETE', '', '', '{}', ?, '{}', 'test', 0)",
                sealed);
            return handle.execute(
                "INSERT INTO stack_update (stack_id, update_id, template, parameters, sealed,"
                    + " outputs) VALUES ('sealed', 'u', '', '{}', ?, '{}')",
                sealed);
          });
    }
  }

  private static List<String> sealed() {
    try (Database database = Database.open(server.config().database())) {
      return database.read(
          handle ->
              handle
                  .createQuery(
                      "SELECT sealed FROM stack WHERE stack_id = 'sealed'"
                          + " UNION ALL SELECT sealed FROM stack_update")
                  .mapTo(String.class)
                  .list());
    }
  }

  private static JsonNode keys(String verb, String path, String body) throws Exception {
    HttpResponse<String> answer =
        server.send(
            "admin", verb, "/api/2.0/accounts/" + server.accountId() + "/tarn/keys" + path, body);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Json.tree(answer.body());
  }

  private static HttpResponse<String> form(String basic) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(
          HttpRequest.newBuilder(URI.create(server.url() + "/oidc/v1/token"))
              .header("Content-Type", "application/x-www-form-urlencoded")
              .header("Authorization", basic)
              .POST(
                  HttpRequest.BodyPublishers.ofString(
                      "grant_type=client_credentials&scope=all-apis"))
              .build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }

  /** What a service principal signs in with. */
  private static String machine(String name) {
    ServicePrincipal principal =
        server.account().servicePrincipals().create(new ServicePrincipal().setDisplayName(name));
    String secret =
        server
            .account()
            .servicePrincipalSecrets()
            .create(
                new CreateServicePrincipalSecretRequest().setServicePrincipalId(principal.getId()))
            .getSecret();
    return "Basic "
        + Base64.getEncoder()
            .encodeToString(
                (principal.getApplicationId() + ":" + secret).getBytes(StandardCharsets.US_ASCII));
  }

  private static String token(String basic) throws Exception {
    return Json.tree(form(basic).body()).path("access_token").asText();
  }

  private static int me(String token) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client
          .send(
              HttpRequest.newBuilder(
                      URI.create(
                          server.url()
                              + "/api/2.0/accounts/"
                              + server.accountId()
                              + "/scim/v2/Schemas"))
                  .header("Authorization", "Bearer " + token)
                  .build(),
              HttpResponse.BodyHandlers.ofString())
          .statusCode();
    }
  }

  private static List<String> published() throws Exception {
    List<String> ids = new ArrayList<>();
    String body = server.send(null, "GET", "/oidc/jwks.json", null).body();
    for (JsonNode key : Json.tree(body).path("keys")) {
      assertThat(key.has("d")).as("the private half").isFalse();
      ids.add(key.path("kid").asText());
    }
    return ids;
  }

  private static String kid(String token) throws Exception {
    return SignedJWT.parse(token).getHeader().getKeyID();
  }

  @Test
  void tokensOfTheFormerKeyGoOnUntilItIsRetiredAndNewOnesNameTheNewKey() throws Exception {
    String machine = machine("rotated");
    String before = token(machine);
    assertThat(published()).containsExactly(kid(before));
    JsonNode said = keys("POST", "/rotate", "{}");
    assertThat(said.path("removed")).isEmpty();
    String after = token(machine);
    assertThat(kid(after)).isNotEqualTo(kid(before));
    assertThat(published()).containsExactly(kid(after), kid(before));
    assertThat(me(before)).isEqualTo(200);
    assertThat(me(after)).isEqualTo(200);
    server.restart();
    assertThat(me(before)).isEqualTo(200);
    assertThat(kid(token(machine))).isEqualTo(kid(after));

    said = keys("POST", "/retire", null);
    assertThat(said.path("removed").findValuesAsText("purpose")).contains("tokens");
    assertThat(published()).containsExactly(kid(after));
    assertThat(me(before)).isEqualTo(401);
    assertThat(me(after)).isEqualTo(200);
  }

  @Test
  void whatIsSealedIsReadableAfterARotationAndWhenTheFormerKeyIsGone() throws Exception {
    List<String> before = sealed();
    JsonNode said = keys("POST", "/rotate", "{\"retire\": true}");
    assertThat(said.path("resealed").asInt()).isGreaterThanOrEqualTo(3); // with keys of engines
    Seal seal = Seal.open(server.config().keys());
    assertThat(sealed()).hasSize(2).allMatch(seal::isCurrent).doesNotContainAnyElementsOf(before);
    // What was sealed and is on its way to its row has a minute; then the former keys go.
    assertThat(seal.keys())
        .filteredOn(key -> !key.current())
        .isNotEmpty()
        .allMatch(key -> key.until().isBefore(java.time.Instant.now().plusSeconds(61)));
    assertThat(seal.retire(java.time.Instant.now().plusSeconds(61), true)).isNotEmpty();
    assertThat(seal.keys()).hasSize(1);
    assertThat(sealed())
        .allSatisfy(text -> assertThat(seal.open(text, "sealed")).isEqualTo(SECRET));
    assertThatThrownBy(() -> seal.open(before.getFirst(), "sealed"))
        .hasMessageContaining("cannot open the sealed secret of sealed");
    server.restart();
    assertThat(keys("GET", "", null).path("keys")).hasSizeGreaterThanOrEqualTo(3);
  }

  @Test
  void onlyAnAccountAdminMayAndWhatWasDoneIsInTheAuditLog() throws Exception {
    String path = "/api/2.0/accounts/" + server.accountId() + "/tarn/keys";
    for (String verb : List.of("/rotate", "/retire")) {
      assertThat(server.send("alice", "POST", path + verb, "{}").statusCode()).isEqualTo(403);
    }
    assertThat(server.send("alice", "GET", path, null).statusCode()).isEqualTo(403);
    String answer = keys("POST", "/rotate", "{}").toString();
    StringBuilder log = new StringBuilder();
    for (Path segment : Audit.segments(server.config().audit())) {
      log.append(Files.readString(segment));
    }
    assertThat(log.toString()).contains("keys.Keys.rotate");
    JsonNode oauth = Json.tree(Files.readString(server.config().keys().resolve("oauth.json")));
    for (JsonNode key : oauth.path("keys")) {
      assertThat(answer).doesNotContain(key.path("d").asText());
      assertThat(log.toString()).doesNotContain(key.path("d").asText());
    }
  }

  /** As if the process ended there: nothing after it runs. */
  private static final class Killed extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  @Test
  void aRotationThatIsKilledBetweenTwoSecretsLeavesAllReadableAndTheNextStartFinishesIt()
      throws Exception {
    Seal seal = Seal.open(folder);
    Map<String, String> rows = new ConcurrentHashMap<>();
    for (String id : List.of("1", "2", "3")) {
      rows.put(id, seal.seal("secret " + id, id));
    }
    TestClock clock = new TestClock();
    try (Database database = Database.open(TestDatabase.of(folder))) {
      try (Keys killed = keys(seal, () -> reseal(seal, rows, 1), database, clock)) {
        assertThatThrownBy(() -> killed.rotate(null, new Keys.RotateRequest("a", true)))
            .isInstanceOf(Killed.class);
      }
      Seal next = Seal.open(folder);
      assertThat(rows.values().stream().filter(next::isCurrent)).hasSize(1);
      assertAllOpen(next, rows);
      assertThat(next.keys()).hasSize(2);
      try (Keys keys = keys(next, () -> reseal(next, rows, 9), database, clock)) {
        keys.sweep();
        assertThat(rows.values()).allMatch(next::isCurrent);
        assertThat(next.keys()).as("it is kept for backups").hasSize(2);
        clock.advance(Duration.ofDays(31));
        keys.sweep();
      }
      assertThat(next.keys()).hasSize(1);
      assertAllOpen(Seal.open(folder), rows);
    }
  }

  private static void assertAllOpen(Seal seal, Map<String, String> rows) {
    rows.forEach((id, text) -> assertThat(seal.open(text, id)).isEqualTo("secret " + id));
  }

  private static Keys keys(
      KeyRing ring, java.util.function.IntSupplier reseal, Database database, TestClock clock) {
    return new Keys(Map.of("sealing", ring), List.of(reseal), database, clock, (why, what) -> {});
  }

  private static int reseal(Seal seal, Map<String, String> rows, int killedAfter) {
    int done = 0;
    for (Map.Entry<String, String> row : rows.entrySet()) {
      if (!seal.isCurrent(row.getValue())) {
        if (done++ == killedAfter) {
          throw new Killed();
        }
        row.setValue(seal.reseal(row.getValue(), row.getKey()));
      }
    }
    return done;
  }

  @Test
  void anotherControlPlaneOnTheSameKeysReadsWhatTheFirstSealsWithANewOne() {
    Seal first = Seal.open(folder);
    Seal second = Seal.open(folder);
    String old = second.seal("old", "x");
    first.rotate(new TestClock().instant());
    assertThat(second.open(first.seal("new", "x"), "x")).isEqualTo("new");
    assertThat(first.open(old, "x")).isEqualTo("old");
    assertThat(first.isCurrent(second.seal("newer", "x"))).isTrue();
  }
}
