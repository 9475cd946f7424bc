package dev.tarn.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.AccountClient;
import com.databricks.sdk.core.DatabricksConfig;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.Config;
import dev.tarn.Server;
import dev.tarn.database.Json;
import dev.tarn.telemetry.Audit;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsTest {
  private static final String DISCOVERY = "/.well-known/databricks-config";

  @TempDir Path home;

  private Config config(Map<String, String> settings) throws Exception {
    Map<String, String> all = new HashMap<>(Map.of("TARN_PORT", "0"));
    all.putAll(settings);
    Config config = Config.load(home, home, all);
    Files.createDirectories(config.keys());
    Server.init(config, Clock.systemUTC());
    return config;
  }

  private SSLContext trusting() throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry(
        "tarn",
        CertificateFactory.getInstance("X.509")
            .generateCertificate(
                new ByteArrayInputStream(Files.readAllBytes(home.resolve("tls/ca.pem")))));
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private static HttpResponse<String> get(HttpClient client, String url, String... headers)
      throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void whoTrustsTheAuthoritySpeaksHttp2AndIsToldHttpsAddresses() throws Exception {
    try (Server server = Server.start(config(Map.of("TARN_TLS", "local")), Clock.systemUTC());
        HttpClient client = HttpClient.newBuilder().sslContext(trusting()).build();
        HttpClient stranger = HttpClient.newHttpClient()) {
      assertThat(server.url().getScheme()).isEqualTo("https");
      HttpResponse<String> answer = get(client, server.url() + DISCOVERY);
      assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
      assertThat(Json.tree(answer.body()).path("oidc_endpoint").asText())
          .startsWith(server.url().toString());
      assertThat(answer.headers().firstValue("strict-transport-security")).isEmpty();
      assertThatThrownBy(() -> get(stranger, server.url() + DISCOVERY))
          .isInstanceOf(SSLHandshakeException.class);
      // Engines and functions of this machine go on as before.
      HttpResponse<String> own = get(stranger, server.ownUrl() + DISCOVERY);
      assertThat(Json.tree(own.body()).path("oidc_endpoint").asText()).startsWith("http://");
    }
  }

  @Test
  void beyondLoopbackNothingIsBoundWithoutTls() {
    assertThatThrownBy(() -> config(Map.of("TARN_BIND", "0.0.0.0")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("bind: '0.0.0.0'")
        .hasMessageContaining("tls=local");
  }

  @Test
  void aTrustedProxySaysHostSchemeAndClientAndIsBelieved() throws Exception {
    Config config = config(Map.of("TARN_ZONE", "lake.test", "TARN_TRUSTED_PROXIES", "127.0.0.0/8"));
    try (Server server = Server.start(config, Clock.systemUTC());
        HttpClient client = HttpClient.newHttpClient()) {
      HttpResponse<String> answer =
          get(
              client,
              server.ownUrl() + DISCOVERY,
              "x-forwarded-host",
              "accounts.lake.test",
              "x-forwarded-proto",
              "https",
              "x-forwarded-for",
              "203.0.113.9");
      assertThat(Json.tree(answer.body()).path("oidc_endpoint").asText())
          .startsWith("https://accounts.lake.test/oidc/");
      assertThat(answer.headers().firstValue("strict-transport-security")).isPresent();
      assertThat(get(client, server.ownUrl() + DISCOVERY, "x-forwarded-host", "evil.test"))
          .extracting(HttpResponse::statusCode)
          .isEqualTo(403);
    }
    assertThat(addresses()).contains("203.0.113.9");
  }

  @Test
  void whatAStrangerSaysOfHostSchemeAndClientIsNotHeard() throws Exception {
    Config config = config(Map.of("TARN_ZONE", "lake.test", "TARN_TRUSTED_PROXIES", "10.0.0.0/8"));
    try (Server server = Server.start(config, Clock.systemUTC());
        HttpClient client = HttpClient.newHttpClient()) {
      HttpResponse<String> answer =
          get(
              client,
              server.ownUrl() + DISCOVERY,
              "x-forwarded-host",
              "accounts.lake.test",
              "x-forwarded-proto",
              "https",
              "x-forwarded-for",
              "203.0.113.9");
      assertThat(Json.tree(answer.body()).path("oidc_endpoint").asText())
          .startsWith(server.ownUrl().toString());
    }
    assertThat(addresses()).containsOnly("127.0.0.1");
  }

  private List<String> addresses() throws Exception {
    List<String> found = new java.util.ArrayList<>();
    for (Path segment : Audit.segments(home.resolve("audit"))) {
      for (String line : Files.readAllLines(segment)) {
        JsonNode entry = Json.tree(line);
        if (entry.hasNonNull("source_ip")) {
          found.add(entry.get("source_ip").asText());
        }
      }
    }
    return found;
  }

  @Test
  void theAccountIsReachedByTheOfficialClientBehindAProxy() throws Exception {
    Config config = config(Map.of("TARN_URL", "https://tarn.example"));
    try (Server server = Server.start(config, Clock.systemUTC())) {
      assertThat(server.url()).hasToString("https://tarn.example");
      AccountClient account =
          new AccountClient(
              new DatabricksConfig()
                  .setHost(server.ownUrl().toString())
                  .setToken(Files.readString(config.keys().resolve("admin-token")).trim())
                  .setAccountId(accountId(server))
                  .setConfigFile("/dev/null")
                  .setAuthType("pat"));
      assertThat(account.users().list(new com.databricks.sdk.service.iam.ListAccountUsersRequest()))
          .isNotEmpty();
    }
  }

  private static String accountId(Server server) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return Json.tree(get(client, server.ownUrl() + DISCOVERY).body()).path("account_id").asText();
    }
  }
}
