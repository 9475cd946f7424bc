package dev.tarn.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.DatabricksError;
import dev.tarn.Config;
import dev.tarn.Server;
import dev.tarn.database.Json;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("database-blind") // see CONTRIBUTING
class DiskTest {
  @TempDir Path home;

  @Test
  void belowTheWatermarkWritesAreRefusedWhileReadsAndDeletesGoOn() {
    Disk full = new Disk(() -> 99, 100);
    for (String action : new String[] {"iam.Users.create", "catalog.Tables.createStaging"}) {
      assertThatThrownBy(() -> full.admit("POST", action))
          .isInstanceOf(DatabricksError.class)
          .hasMessageContaining("disk.watermark")
          .extracting(e -> ((DatabricksError) e).getStatusCode())
          .isEqualTo(507);
    }
    assertThatThrownBy(() -> full.admit("PATCH", "iam.Users.patch"))
        .isInstanceOf(DatabricksError.class);
    for (String action :
        new String[] {
          "sql.StatementExecution.executeStatement",
          "access.Authorization.authorize",
          "sql.Warehouses.stop",
          "iam.Oidc.token"
        }) {
      assertThatCode(() -> full.admit("POST", action)).doesNotThrowAnyException();
    }
    assertThatCode(() -> full.admit("DELETE", "iam.Users.delete")).doesNotThrowAnyException();
    assertThatCode(() -> full.admit("GET", "iam.Users.list")).doesNotThrowAnyException();
  }

  @Test
  void withRoomAgainWritesGoOnByThemselves() throws Exception {
    long[] free = {10};
    Disk disk = new Disk(() -> free[0], 100);
    assertThat(disk.isLow()).isTrue();
    free[0] = 1000;
    long until = System.nanoTime() + 5_000_000_000L;
    while (disk.isLow() && System.nanoTime() < until) {
      Thread.onSpinWait();
    }
    assertThatCode(() -> disk.admit("POST", "iam.Users.create")).doesNotThrowAnyException();
  }

  @Test
  void aServerWithLittleRoomSays507AndStillReads() throws Exception {
    Config config =
        Config.load(home, home, Map.of("TARN_PORT", "0", "TARN_DISK_WATERMARK", "900000g"));
    Files.createDirectories(config.keys());
    Server.init(config, Clock.systemUTC());
    String token = Files.readString(config.keys().resolve("admin-token")).trim();
    try (Server server = Server.start(config, Clock.systemUTC());
        HttpClient client = HttpClient.newHttpClient()) {
      String discovery = ask(client, server, token, "GET", "/.well-known/databricks-config").body();
      String users =
          "/api/2.0/accounts/"
              + Json.tree(discovery).path("account_id").asText()
              + "/scim/v2/Users";
      HttpResponse<String> refused = ask(client, server, token, "POST", users);
      assertThat(refused.statusCode()).isEqualTo(507);
      assertThat(refused.body()).contains("disk.watermark").contains("507");
      assertThat(ask(client, server, token, "GET", users).statusCode()).isEqualTo(200);
      assertThat(ask(client, server, token, "GET", "/metrics").body())
          .contains("tarn_disk_low 1.0");
    }
  }

  private static HttpResponse<String> ask(
      HttpClient client, Server server, String token, String verb, String path) throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create(server.ownUrl() + path))
            .method(verb, HttpRequest.BodyPublishers.ofString(verb.equals("GET") ? "" : "{}"))
            .header("authorization", "Bearer " + token)
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }
}
