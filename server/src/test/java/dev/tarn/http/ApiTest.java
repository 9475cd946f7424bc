package dev.tarn.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.billing.BudgetPolicy;
import com.databricks.sdk.service.billing.BudgetPolicyService;
import com.databricks.sdk.service.billing.CreateBudgetPolicyRequest;
import com.databricks.sdk.service.billing.GetBudgetPolicyRequest;
import com.databricks.sdk.service.billing.ListBudgetPoliciesRequest;
import com.databricks.sdk.service.billing.ListBudgetPoliciesResponse;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tarn.TestServer;
import dev.tarn.telemetry.Audit;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

@Tag("database-blind")
class ApiTest {
  private static final long STREAM = 512L * 1024 * 1024;
  private static final AtomicLong TAKEN = new AtomicLong();
  private static final AtomicLong LEAD = new AtomicLong();

  @RegisterExtension
  static final TestServer server =
      new TestServer(
          routes -> {
            // An SDK service that the product does not have.
            routes.mount(BudgetPolicyService.class, new Policies());
            routes.mountOwn(new Own());
          });

  /** Echoes, so that what arrives can be seen. */
  public static final class Policies {
    @Allow(Role.ACCOUNT_ADMIN)
    public BudgetPolicy create(Caller caller, CreateBudgetPolicyRequest request) {
      return new BudgetPolicy()
          .setPolicyId(caller.accountId())
          .setPolicyName(request.getPolicy() == null ? null : request.getPolicy().getPolicyName());
    }

    @Allow(Role.ACCOUNT_ADMIN)
    public ListBudgetPoliciesResponse list(Caller caller, ListBudgetPoliciesRequest request) {
      return new ListBudgetPoliciesResponse()
          .setPolicies(List.of(new BudgetPolicy().setPolicyId("one")));
    }

    @Allow(Role.ACCOUNT_ADMIN)
    public BudgetPolicy get(Caller caller, GetBudgetPolicyRequest request) {
      return switch (request.getPolicyId()) {
        case "state" -> throw new InvalidState("it is deleting", null);
        case "bug" -> throw new IllegalStateException("password=hunter2 at /secret/place");
        case "full" -> throw new IllegalStateException(new IOException("No space left on device"));
        case "legacy" ->
            throw new DatabricksError("INVALID_PARAMETER_VALUE", "Cluster x does not exist", 400);
        case "one" -> new BudgetPolicy().setPolicyId("one");
        default -> throw new ResourceDoesNotExist("no policy " + request.getPolicyId(), null);
      };
    }
  }

  public record Drain(InputStream body) {}

  public record Anything(String text, String sessionToken) {}

  /** Routes beside the SDK's. */
  public static final class Own {
    @Allow(Role.WORKSPACE_USER)
    @Operation("POST /api/2.0/tarn-test/drain")
    public Map<String, Long> drain(Caller caller, Drain request) throws IOException {
      byte[] buffer = new byte[64 * 1024];
      TAKEN.set(0);
      for (int n = request.body().read(buffer); n >= 0; n = request.body().read(buffer)) {
        TAKEN.addAndGet(n);
      }
      return Map.of("bytes", TAKEN.get());
    }

    @Allow(Role.WORKSPACE_USER)
    @Operation("GET /api/2.0/tarn-test/pour")
    public Answer pour(Caller caller) {
      TAKEN.set(0);
      LEAD.set(0);
      return new Answer(200, Map.of(), "application/octet-stream", new Zeros());
    }

    @Allow(Role.ANYONE)
    @Operation("POST /api/2.0/tarn-test/anything")
    public Anything anything(Caller caller, Anything request) {
      return request;
    }

    @Allow(Role.WORKSPACE_USER)
    @Operation("GET /api/1.2/tarn-test/fails")
    public void old(Caller caller) {
      if (caller.is(Role.WORKSPACE_USER)) {
        throw new InvalidState("old shape", null);
      }
    }

    @Allow(Role.WORKSPACE_USER)
    @Operation("GET /api/2.0/preview/scim/v2/TarnTest")
    public void scim(Caller caller) {
      if (caller.is(Role.WORKSPACE_USER)) {
        throw new ResourceDoesNotExist("scim shape", null);
      }
    }
  }

  /** Notes how far it was read ahead of what the client took. */
  private static final class Zeros extends InputStream {
    private long given;

    @Override
    public int read() {
      throw new UnsupportedOperationException("read in blocks");
    }

    @Override
    public int read(byte[] buffer, int offset, int length) {
      if (given >= STREAM) {
        return -1;
      }
      given += length;
      LEAD.accumulateAndGet(given - TAKEN.get(), Math::max);
      return length;
    }
  }

  private static String policies() {
    return "/api/2.1/accounts/" + server.accountId() + "/budget-policies";
  }

  @Test
  void whatTheOfficialClientSendsArrivesAndComesBack() {
    String name = "🏔 \"quoted\" dotted.name " + "x".repeat(10_000);
    BudgetPolicy made =
        server
            .account()
            .budgetPolicy()
            .create(
                new CreateBudgetPolicyRequest().setPolicy(new BudgetPolicy().setPolicyName(name)));
    assertThat(made.getPolicyName()).isEqualTo(name);
    assertThat(server.account().budgetPolicy().list(new ListBudgetPoliciesRequest())).hasSize(1);
  }

  @Test
  void aNameOfTenThousandCharactersFitsIntoAPath() throws Exception {
    String name = "🏔".repeat(10_000);
    HttpResponse<String> answer =
        server.send(
            "admin",
            "GET",
            policies() + "/" + java.net.URLEncoder.encode(name, StandardCharsets.UTF_8),
            null);
    assertThat(answer.statusCode()).isEqualTo(404);
    assertThat(answer.body()).contains("no policy " + name);
  }

  @Test
  void anErrorIsTheSdksOwnWithTheRequestIdInItsDetails() {
    assertThatThrownBy(() -> server.account().budgetPolicy().get("no-such"))
        .isInstanceOfSatisfying(
            ResourceDoesNotExist.class,
            e -> {
              assertThat(e.getErrorDetails().requestInfo().orElseThrow().requestId()).isNotEmpty();
              assertThat(e.getErrorDetails().errorInfo().orElseThrow().reason())
                  .isEqualTo("RESOURCE_DOES_NOT_EXIST");
            })
        .hasMessage("no policy no-such");
    assertThatThrownBy(() -> server.account().budgetPolicy().get("state"))
        .isInstanceOf(InvalidState.class);
    assertThatThrownBy(() -> server.account().budgetPolicy().get("legacy"))
        .hasMessage("Cluster x does not exist");
  }

  @Test
  void aBugTellsTheRequestIdAndNothingElse() throws Exception {
    HttpResponse<String> answer = server.send("admin", "GET", policies() + "/bug", null);
    assertThat(answer.statusCode()).isEqualTo(500);
    assertThat(answer.body())
        .contains("INTERNAL_ERROR")
        .contains(answer.headers().firstValue("x-request-id").orElseThrow())
        .doesNotContain("hunter2")
        .doesNotContain("IllegalState");
  }

  @Test
  void aFullDiskIsSaidWithAStatusThatNoClientRepeats() throws Exception {
    HttpResponse<String> answer = server.send("admin", "GET", policies() + "/full", null);
    assertThat(answer.statusCode()).isEqualTo(507);
    assertThat(answer.body()).contains("RESOURCE_EXHAUSTED").contains("disk");
  }

  @Test
  void olderApisHaveTheirOwnShapesOfErrors() throws Exception {
    assertThat(server.send("alice", "GET", "/api/1.2/tarn-test/fails", null).body())
        .isEqualTo("{\"error\":\"old shape\"}");
    assertThat(server.send("alice", "GET", "/api/2.0/preview/scim/v2/TarnTest", null).body())
        .isEqualTo(
            "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],"
                + "\"detail\":\"scim shape\",\"status\":\"404\"}");
  }

  @Test
  void whatIsNotBuiltIsNotFound() {
    assertThatThrownBy(() -> server.account().budgetPolicy().delete("x"))
        .isInstanceOf(NotFound.class)
        .hasMessageContaining("No API found for 'DELETE /api/2.1/accounts/");
  }

  @Test
  void aUserWithoutTheRoleIsDenied() throws Exception {
    HttpResponse<String> answer = server.send("alice", "GET", policies(), null);
    assertThat(answer.statusCode()).isEqualTo(403);
    assertThat(answer.body()).contains("PERMISSION_DENIED");
  }

  @Test
  void nobodyIsUnauthenticatedEverywhere() throws Exception {
    for (String path : List.of(policies(), "/api/9.9/no/such/thing", "/index.html")) {
      HttpResponse<String> answer = server.send(null, "GET", path, null);
      assertThat(answer.statusCode()).as(path).isEqualTo(401);
      assertThat(answer.body()).contains("UNAUTHENTICATED");
    }
  }

  @Test
  void aHostThatIsNotOursIsRefused() throws Exception {
    for (String path : List.of("/healthz", "/readyz", "/api/2.0/tarn-test/pour")) {
      assertThat(raw("GET " + path + " HTTP/1.1\r\nHost: evil.example:80\r\n\r\n"))
          .startsWith("HTTP/1.1 403 ")
          .contains("evil.example");
      assertThat(raw("GET " + path + " HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n"))
          .startsWith("HTTP/1.1 403 ");
    }
    for (String host : List.of("localhost:1", "rd.LOCALHOST", "[::1]:8484", "127.0.0.1")) {
      assertThat(raw("GET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n"))
          .as(host)
          .startsWith("HTTP/1.1 200 ");
    }
    assertThat(raw("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")).startsWith("HTTP/1.1 200 ");
  }

  /** One exchange, sent as it is; what is read ends with the first part of the body. */
  private static String raw(String request) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.url().getPort())) {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      StringBuilder answer = new StringBuilder();
      byte[] buffer = new byte[8192];
      int n = socket.getInputStream().read(buffer);
      while (n > 0) {
        answer.append(new String(buffer, 0, n, StandardCharsets.UTF_8));
        int head = answer.indexOf("\r\n\r\n");
        if (head > 0 && answer.length() > head + 4) {
          break;
        }
        n = socket.getInputStream().read(buffer);
      }
      return answer.toString();
    }
  }

  @Test
  void aSaneRequestIdIsKeptAndAnotherIsReplaced() throws Exception {
    for (var pair : Map.of("abc-1.2_3:4", true, "x".repeat(129), false, "a b", false).entrySet()) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(server.url() + policies()))
              .header("Authorization", "Bearer " + server.token("admin"))
              .header("X-Request-Id", pair.getKey())
              .build();
      try (HttpClient client = HttpClient.newHttpClient()) {
        String id =
            client
                .send(request, HttpResponse.BodyHandlers.ofString())
                .headers()
                .firstValue("x-request-id")
                .orElseThrow();
        assertThat(id.equals(pair.getKey())).isEqualTo(pair.getValue());
        assertThat(id).hasSizeBetween(5, 128);
      }
    }
  }

  @Test
  void onePortSpeaksHttp1AndHttp2() throws Exception {
    for (HttpClient.Version version :
        List.of(HttpClient.Version.HTTP_1_1, HttpClient.Version.HTTP_2)) {
      try (HttpClient client = HttpClient.newBuilder().version(version).build()) {
        assertThat(
                client
                    .send(
                        HttpRequest.newBuilder(URI.create(server.url() + "/healthz")).build(),
                        HttpResponse.BodyHandlers.ofString())
                    .version())
            .isEqualTo(version);
      }
    }
  }

  @Test
  void aBodyOfMoreThanTenMebibytesIsRefusedBeforeItIsRead() throws Exception {
    String head =
        "POST "
            + policies()
            + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
            + server.token("admin")
            + "\r\n";
    assertThat(raw(head + "Content-Length: 10485761\r\n\r\n{"))
        .startsWith("HTTP/1.1 400 ")
        .contains("MALFORMED_REQUEST")
        .contains("10485761 bytes");
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.url().getPort())) {
      OutputStream out = socket.getOutputStream();
      out.write((head + "Transfer-Encoding: chunked\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
      byte[] chunk = ("10000\r\n" + " ".repeat(65536) + "\r\n").getBytes(StandardCharsets.US_ASCII);
      for (int i = 0; i < 161; i++) {
        out.write(chunk);
      }
      out.flush();
      byte[] buffer = new byte[8192];
      int n = socket.getInputStream().read(buffer);
      assertThat(new String(buffer, 0, n, StandardCharsets.UTF_8)).startsWith("HTTP/1.1 400 ");
    }
    assertThat(
            server
                .send("admin", "POST", policies(), "{\"x\":\"" + "x".repeat(10_485_700) + "\"}")
                .statusCode())
        .isEqualTo(200);
  }

  /** Over HTTP/2 the rest of the body may be on its way when the answer is there. */
  @Test
  void whoIsRefusedReadsTheAnswerAndNotABrokenStream() throws Exception {
    String body = "{\"x\":\"" + "x".repeat(1_000_000) + "\"}";
    for (int i = 0; i < 20; i++) {
      assertThat(server.send(null, "POST", policies(), body).statusCode()).isEqualTo(401);
      assertThat(server.send("alice", "POST", "/api/2.0/nowhere", body).statusCode())
          .isEqualTo(404);
    }
  }

  @Test
  void aStreamIsProducedNoFasterThanItIsTaken() throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(server.url() + "/api/2.0/tarn-test/pour"))
            .header("Authorization", "Bearer " + server.token("alice"))
            .build();
    try (HttpClient client = HttpClient.newHttpClient();
        InputStream in = client.send(request, HttpResponse.BodyHandlers.ofInputStream()).body()) {
      byte[] buffer = new byte[64 * 1024];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        TAKEN.addAndGet(n);
      }
    }
    assertThat(TAKEN.get()).isGreaterThanOrEqualTo(STREAM);
    assertThat(LEAD.get()).isLessThan(64L * 1024 * 1024);
  }

  @Test
  void aStreamIsTakenNoFasterThanItIsRead() throws Exception {
    AtomicLong sent = new AtomicLong();
    AtomicLong lead = new AtomicLong();
    InputStream body =
        new InputStream() {
          @Override
          public int read() {
            throw new UnsupportedOperationException("read in blocks");
          }

          @Override
          public int read(byte[] buffer, int offset, int length) {
            if (sent.get() >= STREAM) {
              return -1;
            }
            lead.accumulateAndGet(sent.addAndGet(length) - TAKEN.get(), Math::max);
            return length;
          }
        };
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(server.url() + "/api/2.0/tarn-test/drain"))
            .header("Authorization", "Bearer " + server.token("alice"))
            .version(HttpClient.Version.HTTP_1_1)
            .POST(HttpRequest.BodyPublishers.ofInputStream(() -> body))
            .build();
    TAKEN.set(0);
    try (HttpClient client = HttpClient.newHttpClient()) {
      assertThat(client.send(request, HttpResponse.BodyHandlers.ofString()).body())
          .isEqualTo("{\"bytes\":" + sent.get() + "}");
    }
    assertThat(sent.get()).isGreaterThanOrEqualTo(STREAM);
    assertThat(lead.get()).isLessThan(64L * 1024 * 1024);
  }

  @Test
  void everyCallIsAuditedWithItsOutcomeAndWithoutItsSecrets() throws Exception {
    String body =
        "{\"text\":\"kept\",\"session_token\":\"dapi-very-secret\",\"typo\":1,"
            + "\"parameters\":[{\"key\":\"SessionToken\",\"value\":\"dapi-very-secret\"}]}";
    String path = "/api/2.0/tarn-test/anything?token=dapi-very-secret&o=" + TestServer.WORKSPACE_ID;
    assertThat(server.send("alice", "POST", path, body).statusCode()).isEqualTo(200);
    server.send(null, "GET", "/api/2.0/clusters/get?cluster_id=dapi-very-secret", null);
    server.send("alice", "GET", policies(), null);

    String all = audited();
    assertThat(all).doesNotContain("very-secret").doesNotContain(server.token("alice"));
    JsonNode allowed = last(all, "http.Own.anything");
    assertThat(allowed.get("principal").asText()).isEqualTo("alice@example.com");
    assertThat(allowed.get("status").asInt()).isEqualTo(200);
    assertThat(allowed.get("params").get("text").asText()).isEqualTo("kept");
    assertThat(allowed.get("unknown_fields").toString())
        .isEqualTo("[\"?token\",\"parameters\",\"typo\"]");
    assertThat(allowed.get("source_ip").asText()).isEqualTo("127.0.0.1");
    JsonNode denied = last(all, "billing.BudgetPolicy.list");
    assertThat(denied.get("error_code").asText()).isEqualTo("PERMISSION_DENIED");
    assertThat(denied.get("path").asText())
        .isEqualTo("/api/2.1/accounts/{account_id}/budget-policies");
    assertThat(all).contains("\"status\":401,\"error_code\":\"UNAUTHENTICATED\"");
  }

  private static String audited() throws IOException {
    StringBuilder all = new StringBuilder();
    for (Path segment : Audit.segments(server.config().audit())) {
      all.append(Files.readString(segment));
    }
    return all.toString();
  }

  private static JsonNode last(String lines, String action) throws IOException {
    JsonNode found = null;
    for (String line : lines.lines().toList()) {
      JsonNode entry = new ObjectMapper().readTree(line);
      if (entry.path("action").asText().equals(action)) {
        found = entry;
      }
    }
    return found;
  }

  @Test
  void twoWorkspacesInOneRequestAreRefused() throws Exception {
    HttpResponse<String> answer =
        server.send("alice", "GET", "/api/2.0/tarn-test/pour?o=1&w=2", null);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(server.send("alice", "GET", "/api/1.2/tarn-test/fails?o=abc", null).body())
        .contains("workspace id: 'abc'");
  }
}
