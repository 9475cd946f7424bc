package dev.tarn.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tarn.TestServer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

class MetricsTest {
  @RegisterExtension static final TestServer server = new TestServer();

  @TempDir Path folder;

  @Test
  void aCallIsCountedByItsOperationAndStatus() throws Exception {
    server.account().users().list(new com.databricks.sdk.service.iam.ListAccountUsersRequest());
    assertThat(server.send("admin", "GET", "/api/2.0/not/built", null).statusCode()).isEqualTo(404);
    assertThat(server.send(null, "GET", "/metrics", null).body())
        .containsPattern(
            "tarn_calls_seconds_count\\{operation=\"iam\\.[^\"]*list\",status=\"200\"\\}")
        .contains("tarn_calls_seconds_count{operation=\"none\",status=\"404\"}")
        .containsPattern("(?m)^tarn_disk_free \\d")
        .contains("tarn_database_up 1.0")
        .contains("tarn_engines{state=\"running\"} 0.0");
  }

  @Test
  void whoAsksThroughAProxyMustBeAnAccountAdmin() throws Exception {
    assertThat(status(null)).isEqualTo(401);
    assertThat(status(server.token("metrics-reader"))).isEqualTo(401);
    assertThat(status("dapi00000000000000000000000000000000")).isEqualTo(401);
    assertThat(status(server.token("admin"))).isEqualTo(200);
  }

  private static int status(String token) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(server.url() + "/metrics"))
            .header("x-forwarded-for", "203.0.113.9");
    if (token != null) {
      request.header("authorization", "Bearer " + token);
    }
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString()).statusCode();
    }
  }

  @Test
  void auditSegmentsAreKeptForAsLongAsTheSettingSaysAndTheNewestAlways() throws Exception {
    for (int day : new int[] {1, 5, 9}) {
      Path segment = Files.writeString(folder.resolve("audit-2026010" + day + ".jsonl"), "{}\n");
      Files.setLastModifiedTime(
          segment, FileTime.from(Instant.now().minus(Duration.ofDays(20 - day))));
    }
    assertThat(sweep(16, null, false)).isEqualTo(1);
    assertThat(Audit.segments(folder)).hasSize(2);
    assertThat(sweep(1, null, false)).isEqualTo(1);
    assertThat(Audit.segments(folder)).hasSize(1);
  }

  @Test
  void whatIsNotDeliveredYetIsKeptTwiceAsLongWhileThereIsRoom() throws Exception {
    for (int day : new int[] {1, 5, 9}) {
      Path segment = Files.writeString(folder.resolve("audit-2026010" + day + ".jsonl"), "{}\n");
      Files.setLastModifiedTime(
          segment, FileTime.from(Instant.now().minus(Duration.ofDays(20 - day))));
    }
    assertThat(sweep(10, "audit-20260101.jsonl", false)).isEqualTo(0);
    assertThat(sweep(10, "audit-20260105.jsonl", false)).isEqualTo(1);
    assertThat(sweep(7, "", false)).isEqualTo(1);
    Files.createFile(folder.resolve("audit-20260110.jsonl"));
    assertThat(sweep(10, "", false)).isEqualTo(0);
    assertThat(sweep(10, "", true)).isEqualTo(1);
    assertThat(Audit.segments(folder)).hasSize(1);
  }

  private int sweep(int days, String undelivered, boolean noRoom) {
    return Retention.audit(
        folder, Clock.systemUTC(), Duration.ofDays(days), Optional.ofNullable(undelivered), noRoom);
  }
}
