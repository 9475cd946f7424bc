package dev.tarn.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.AccountClient;
import com.databricks.sdk.core.DatabricksConfig;
import com.fasterxml.jackson.databind.JsonNode;
import com.linecorp.armeria.client.ClientFactory;
import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.RequestHeaders;
import dev.tarn.Config;
import dev.tarn.Server;
import dev.tarn.database.Json;
import dev.tarn.iam.TestClock;
import dev.tarn.telemetry.Audit;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("database-blind")
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
  void aCertificateThatNearsItsEndIsReplacedUnderTheConnectionsToCome() throws Exception {
    TestClock clock = new TestClock();
    Config config = config(Map.of("TARN_TLS", "local"));
    try (Server server = Server.start(config, clock)) {
      BigInteger first = shown(server.port()).getSerialNumber();
      clock.advance(Duration.ofDays(61));
      X509Certificate now = shown(server.port());
      for (int tries = 0; now.getSerialNumber().equals(first) && tries < 300; tries++) {
        new CountDownLatch(1).await(50, TimeUnit.MILLISECONDS);
        now = shown(server.port());
      }
      assertThat(now.getSerialNumber()).isNotEqualTo(first);
      assertThat(now.getNotAfter().toInstant())
          .isEqualTo(clock.instant().plus(Duration.ofDays(90)));
    }
  }

  /** What a handshake shows to who believes anything: its clock is not the server's. */
  private static X509Certificate shown(int port) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(
        null,
        new TrustManager[] {
          new X509TrustManager() {
            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type) {}

            @Override
            public X509Certificate[] getAcceptedIssuers() {
              return new X509Certificate[0];
            }
          }
        },
        null);
    try (SSLSocket socket =
        (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port)) {
      socket.startHandshake();
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }
  }

  @Test
  void aNameThatSomebodyPointsAtUsIsRefusedUnderTlsToo() throws Exception {
    try (Server server = Server.start(config(Map.of("TARN_TLS", "local")), Clock.systemUTC());
        HttpClient first =
            HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .sslContext(trusting())
                .build();
        // The certificate is not for that name, which stops browsers before we do.
        ClientFactory careless = ClientFactory.builder().tlsNoVerify().build()) {
      for (String name : List.of("rebound.example", "rebound.example:" + server.port())) {
        HttpResponse<String> refused = get(first, server.url() + DISCOVERY, "Host", name);
        assertThat(refused.statusCode()).isEqualTo(403);
        assertThat(refused.body()).doesNotContain("account_id");
        var second =
            WebClient.builder("h2://127.0.0.1:" + server.port())
                .factory(careless)
                .build()
                .execute(RequestHeaders.builder(HttpMethod.GET, DISCOVERY).authority(name).build())
                .aggregate()
                .join();
        assertThat(second.status().code()).isEqualTo(403);
        assertThat(second.contentUtf8()).doesNotContain("account_id");
      }
      assertThat(get(first, server.url() + DISCOVERY).statusCode()).isEqualTo(200);
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
