package dev.tarn;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.database.Json;
import dev.tarn.database.TestDatabase;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two control planes, each a process with a data directory of its own, on one PostgreSQL and the
 * same {@code keys/} and {@code storage/}.
 */
@Tag("postgres")
class ControlPlanesTest {
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  @TempDir Path folder;
  private Plane one;
  private Plane other;
  private String token;
  private String account;

  @BeforeEach
  void start() throws Exception {
    one = new Plane("one");
    other = new Plane("other");
    for (String shared : List.of("keys", "storage")) {
      Files.createDirectories(one.home.resolve(shared));
      Files.createDirectories(other.home);
      Files.createSymbolicLink(other.home.resolve(shared), one.home.resolve(shared));
    }
    one.start();
    other.start();
    token = Files.readString(one.home.resolve("keys/admin-token")).trim();
    account =
        Json.tree(one.send("GET", "/.well-known/databricks-config", null).body())
            .path("account_id")
            .asText();
  }

  @AfterEach
  void stop() throws Exception {
    one.kill();
    other.kill();
  }

  @Test
  void whicheverIsKilledWhileItMakesAStackTheOtherFinishesIt() throws Exception {
    String stacks = "/api/2.0/accounts/" + account + "/stacks";
    create(one, stacks, "first");
    until(other, stacks + "/first/events", isMaking("createCredentials"));
    one.kill();
    until(other, stacks + "/first", status("CREATE_COMPLETE"));
    one.start();

    create(other, stacks, "second");
    until(one, stacks + "/second/events", isMaking("createWorkspace"));
    other.kill();
    until(one, stacks + "/second", status("CREATE_COMPLETE"));
    JsonNode workspaces =
        Json.tree(one.send("GET", "/api/2.0/accounts/" + account + "/workspaces", null).body());
    assertThat(workspaces)
        .hasSize(2)
        .allMatch(workspace -> workspace.path("workspace_status").asText().equals("RUNNING"));

    // Asked for at one, in the middle of the other's work.
    other.start();
    create(one, stacks, "third");
    until(one, stacks + "/third/events", isMaking("createCredentials"));
    assertThat(other.send("DELETE", stacks + "/third", null).statusCode()).isEqualTo(200);
    for (String name : List.of("first", "second")) {
      assertThat(other.send("DELETE", stacks + "/" + name, null).statusCode()).isEqualTo(200);
    }
    for (String name : List.of("first", "second", "third")) {
      until(one, stacks + "/" + name, answer -> answer.statusCode() == 404);
    }
    assertThat(one.send("GET", "/api/2.0/accounts/" + account + "/workspaces", null).body())
        .isEqualTo("[]");
  }

  @Test
  void whoIsDisabledAtOneIsOutAtTheOtherWithinTwoSeconds() throws Exception {
    String users = "/api/2.0/accounts/" + account + "/scim/v2/Users";
    String id =
        Json.tree(one.send("POST", users, "{\"userName\":\"ann@example.com\"}").body())
            .path("id")
            .asText();
    String hers =
        Json.tree(
                one.send(
                        "POST",
                        "/api/2.0/accounts/" + account + "/tarn/tokens",
                        "{\"user_name\":\"ann@example.com\"}")
                    .body())
            .path("token_value")
            .asText();
    String me = users + "/" + id;
    String known = "/api/2.0/no/such/operation"; // 404 for who is known, 401 for who is not
    assertThat(other.send(hers, "GET", known, null).statusCode()).isEqualTo(404);
    assertThat(
            one.send(
                    "PATCH",
                    me,
                    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],"
                        + "\"Operations\":[{\"op\":\"replace\",\"path\":\"active\",\"value\":false}]}")
                .statusCode())
        .isEqualTo(200);
    long asked = System.nanoTime();
    while (other.send(hers, "GET", known, null).statusCode() == 404) {
      assertThat(System.nanoTime() - asked).isLessThan(TimeUnit.SECONDS.toNanos(2));
    }
  }

  private void create(Plane plane, String stacks, String name) throws Exception {
    HttpResponse<String> made =
        plane.send(
            "POST",
            stacks,
            "{\"StackName\":\"%s\",\"Parameters\":{\"WorkspaceName\":\"%s\"}}"
                .formatted(name, name));
    assertThat(made.statusCode()).as(made.body()).isEqualTo(200);
  }

  private static Predicate<HttpResponse<String>> isMaking(String resource) {
    return answer ->
        StreamSupport.stream(Json.tree(answer.body()).path("StackEvents").spliterator(), false)
            .anyMatch(event -> event.path("LogicalResourceId").asText().equals(resource));
  }

  private static Predicate<HttpResponse<String>> status(String expected) {
    return answer -> {
      String status = Json.tree(answer.body()).path("StackStatus").asText();
      assertThat(status).as(answer.body()).doesNotContain("ROLLBACK");
      return status.equals(expected);
    };
  }

  private static void until(Plane plane, String path, Predicate<HttpResponse<String>> expected)
      throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    HttpResponse<String> answer = plane.send("GET", path, null);
    for (int tries = 0; !expected.test(answer); tries++) {
      assertThat(tries).as(path + " is still " + answer.body()).isLessThan(1200);
      never.await(50, TimeUnit.MILLISECONDS);
      answer = plane.send("GET", path, null);
    }
  }

  /** A process of the server. */
  private final class Plane {
    final Path home;
    private Process process;
    private URI url;

    Plane(String name) {
      home = folder.resolve(name);
    }

    void start() throws IOException, InterruptedException {
      Path announced = home.resolve("run/server.json");
      Files.deleteIfExists(announced);
      ProcessBuilder builder =
          new ProcessBuilder(
                  System.getProperty("java.home") + "/bin/java",
                  "-XX:TieredStopAtLevel=1",
                  "-XX:+UseSerialGC",
                  "--add-opens=java.base/java.nio=ALL-UNNAMED",
                  "--sun-misc-unsafe-memory-access=allow",
                  "--enable-native-access=ALL-UNNAMED",
                  "-cp",
                  System.getProperty("java.class.path"),
                  "dev.tarn.Main",
                  "serve",
                  "--home",
                  home.toString())
              .redirectErrorStream(true)
              .redirectOutput(
                  ProcessBuilder.Redirect.appendTo(
                      new File(folder.toFile(), home.getFileName() + ".log")));
      builder.environment().put("TARN_PORT", "0");
      builder.environment().put("TARN_DATABASE", TestDatabase.shared(folder));
      process = builder.start();
      CountDownLatch never = new CountDownLatch(1);
      while (!Files.exists(announced)) {
        assertThat(process.isAlive()).as(home + " says: " + log()).isTrue();
        never.await(50, TimeUnit.MILLISECONDS);
      }
      url = URI.create(Json.tree(Files.readString(announced)).path("url").asText());
    }

    String log() throws IOException {
      return Files.readString(folder.resolve(home.getFileName() + ".log"));
    }

    /** As {@code kill -9} does. */
    void kill() throws InterruptedException {
      if (process != null) {
        process.destroyForcibly().waitFor();
      }
    }

    HttpResponse<String> send(String verb, String path, String body) throws Exception {
      return send(token, verb, path, body);
    }

    HttpResponse<String> send(String bearer, String verb, String path, String body)
        throws Exception {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create(url + path))
              .method(
                  verb,
                  body == null
                      ? HttpRequest.BodyPublishers.noBody()
                      : HttpRequest.BodyPublishers.ofString(body));
      if (bearer != null) {
        request.header("Authorization", "Bearer " + bearer);
      }
      return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
  }
}
