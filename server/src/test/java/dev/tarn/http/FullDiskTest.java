package dev.tarn.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tarn.TestServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class FullDiskTest {
  @RegisterExtension
  static final TestServer server =
      new TestServer(
          routes -> routes.mountOwn(new Own()),
          config -> {
            try {
              Files.createDirectories(config.audit());
              Files.createSymbolicLink(
                  config.audit().resolve("audit-0.jsonl"), Path.of("/dev/full"));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });

  /** One call that would succeed. */
  public static final class Own {
    @Allow(Role.WORKSPACE_USER)
    @Operation("GET /api/2.0/tarn-test/works")
    public Map<String, String> works(Caller caller) {
      return Map.of("answer", "given");
    }
  }

  @Test
  void aCallThatCannotBeAuditedIsNotAnswered() throws Exception {
    for (String path : new String[] {"/api/2.0/tarn-test/works", "/api/2.0/not/built"}) {
      HttpResponse<String> answer = server.send("admin", "GET", path, null);
      assertThat(answer.statusCode()).isEqualTo(507);
      assertThat(answer.body()).contains("RESOURCE_EXHAUSTED").doesNotContain("given");
    }
    assertThat(server.send(null, "GET", "/healthz", null).statusCode()).isEqualTo(200);
  }
}
