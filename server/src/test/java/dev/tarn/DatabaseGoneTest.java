package dev.tarn;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.database.Database;
import dev.tarn.database.DatabaseUrl;
import dev.tarn.database.Json;
import dev.tarn.database.TestDatabase;
import dev.tarn.database.TestProxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * PostgreSQL goes away under a running server, and comes back: after longer than leases live, or
 * after {@code -Doutage.seconds=60}.
 */
@Tag("postgres")
class DatabaseGoneTest {
  private static final Duration OUTAGE = Duration.ofSeconds(Long.getLong("outage.seconds", 12));
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  @TempDir Path folder;

  @Test
  void callsFailClearlyWhileItIsGoneAndAllGoesOnWhenItIsBack() throws Exception {
    String direct = TestDatabase.shared(folder);
    try (TestProxy proxy = TestProxy.to(direct)) {
      Config config =
          Config.load(
              folder,
              Path.of(".").toAbsolutePath(),
              Map.of("TARN_PORT", "0", "TARN_DATABASE", proxy.url(direct)));
      Files.createDirectories(config.keys());
      try (Server server = TestServer.start(config)) {
        String token = Files.readString(config.keys().resolve("admin-token")).trim();
        String account =
            Json.tree(send(server, null, "GET", "/.well-known/databricks-config", null).body())
                .path("account_id")
                .asText();
        String users = "/api/2.0/accounts/" + account + "/scim/v2/Users";
        String stacks = "/api/2.0/accounts/" + account + "/stacks";
        assertThat(send(server, token, "GET", users, null).statusCode()).isEqualTo(200);
        assertThat(
                send(
                        server,
                        token,
                        "POST",
                        stacks,
                        "{\"StackName\":\"s\",\"Parameters\":{\"WorkspaceName\":\"w\"}}")
                    .statusCode())
            .isEqualTo(200);

        CountDownLatch never = new CountDownLatch(1);
        List<String> planes = planes(direct);
        proxy.cut();
        long until = System.nanoTime() + OUTAGE.toNanos();
        do {
          for (String path : new String[] {users, stacks}) {
            long asked = System.nanoTime();
            HttpResponse<String> failed = send(server, token, "GET", path, null);
            assertThat(Duration.ofNanos(System.nanoTime() - asked))
                .as("until a call fails")
                .isLessThan(Duration.ofSeconds(10));
            assertThat(failed.statusCode()).isEqualTo(500);
            JsonNode error = Json.tree(failed.body());
            assertThat(failed.body())
                .contains("PostgreSQL at localhost:")
                .contains("does not answer; nothing was changed");
            assertThat(error.path("error_code").asText("DATABASE_UNREACHABLE"))
                .isEqualTo("DATABASE_UNREACHABLE");
          }
          assertThat(send(server, null, "GET", "/readyz", null).statusCode()).isEqualTo(503);
          assertThat(send(server, null, "GET", "/healthz", null).statusCode()).isEqualTo(200);
          never.await(500, TimeUnit.MILLISECONDS);
        } while (System.nanoTime() < until);

        proxy.mend();
        HttpResponse<String> answer = send(server, null, "GET", "/readyz", null);
        for (int tries = 0; answer.statusCode() != 200 && tries < 100; tries++) {
          never.await(50, TimeUnit.MILLISECONDS);
          answer = send(server, null, "GET", "/readyz", null);
        }
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(send(server, token, "GET", users, null).statusCode()).isEqualTo(200);
        String status = "";
        for (int tries = 0; !status.equals("CREATE_COMPLETE") && tries < 1200; tries++) {
          never.await(50, TimeUnit.MILLISECONDS);
          status =
              Json.tree(send(server, token, "GET", stacks + "/s", null).body())
                  .path("StackStatus")
                  .asText();
          assertThat(status).isIn("CREATE_IN_PROGRESS", "CREATE_COMPLETE");
        }
        assertThat(status).isEqualTo("CREATE_COMPLETE");
        assertThat(planes(direct)).as("it lives on under its name").isEqualTo(planes);
      }
    }
  }

  /** The control planes that are alive by the database's clock. */
  private static List<String> planes(String direct) {
    try (Database database = Database.open(DatabaseUrl.parse(direct, null, null))) {
      return database.read(
          handle ->
              handle
                  .createQuery(
                      "SELECT plane_id FROM control_plane"
                          + " WHERE alive_until > extract(epoch FROM clock_timestamp()) * 1000")
                  .mapTo(String.class)
                  .list());
    }
  }

  private static HttpResponse<String> send(
      Server server, String token, String verb, String path, String body) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(server.url() + path))
            .timeout(Duration.ofSeconds(20))
            .method(
                verb,
                body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(body));
    if (token != null) {
      request.header("Authorization", "Bearer " + token);
    }
    return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }
}
