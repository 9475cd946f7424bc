package dev.tarn.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tarn.TestServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The console's files, as a browser asks for them. */
class WebFilesTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final String HTML = "text/html,application/xhtml+xml,*/*;q=0.8";
  private final HttpClient client = HttpClient.newHttpClient();

  private HttpResponse<byte[]> get(String path, String... headers) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(server.url() + path));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
  }

  private static String text(HttpResponse<byte[]> response) {
    return new String(response.body(), StandardCharsets.UTF_8);
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }

  private String script() throws Exception {
    Matcher script = Pattern.compile("src=\"(/assets/[^\"]+\\.js)\"").matcher(text(get("/")));
    assertThat(script.find()).isTrue();
    return script.group(1);
  }

  @Test
  void everyAddressOfThePageIsThePageForABrowser() throws Exception {
    for (String path : List.of("/", "/workspaces", "/w/123/home?x=1", "/login?next=%2F")) {
      HttpResponse<byte[]> page = get(path, "accept", HTML);
      assertThat(page.statusCode()).as(path).isEqualTo(200);
      assertThat(text(page)).contains("<div id=\"root\">").doesNotContain("%NONCE%");
      assertThat(header(page, "cache-control")).isEqualTo("no-store");
      assertThat(header(page, "content-type")).startsWith("text/html");
    }
    assertThat(get("/").statusCode()).isEqualTo(200);
  }

  @Test
  void scriptsComeFromHereOnlyAndNobodyFramesThePage() throws Exception {
    HttpResponse<byte[]> page = get("/");
    String policy = header(page, "content-security-policy");
    assertThat(policy)
        .contains("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'")
        .doesNotContain("unsafe", "http:", "https:", "*", "script-src");
    String nonce = policy.replaceFirst(".*'nonce-([^']+)'.*", "$1");
    assertThat(text(page)).contains("content=\"" + nonce + "\"");
    assertThat(header(get("/"), "content-security-policy")).doesNotContain(nonce);
  }

  @Test
  void whatHasAHashInItsNameIsKeptForEverAndComesCompressed() throws Exception {
    String script = script();
    HttpResponse<byte[]> plain = get(script);
    HttpResponse<byte[]> small = get(script, "accept-encoding", "gzip");
    assertThat(header(plain, "cache-control")).contains("immutable", "max-age=31536000");
    assertThat(header(plain, "content-type")).contains("javascript");
    assertThat(header(plain, "x-content-type-options")).isEqualTo("nosniff");
    if (plain.body().length >= 512) {
      assertThat(header(small, "content-encoding")).isEqualTo("gzip");
      assertThat(unzipped(small.body())).isEqualTo(plain.body());
    }
    assertThat(get("/assets/none-12345678.js", "accept", HTML).statusCode()).isEqualTo(404);
    assertThat(get("/assets/../index.html").statusCode()).isIn(200, 400, 404);
  }

  private static byte[] unzipped(byte[] bytes) throws IOException {
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
      return in.readAllBytes();
    }
  }

  @Test
  void aClientWithAWrongPathGetsAnErrorAndNoPage() throws Exception {
    for (String path : List.of("/api/2.0/nothing", "/sql/1.0/nothing", "/oidc/nothing")) {
      HttpResponse<byte[]> answer = get(path, "accept", HTML);
      assertThat(answer.statusCode()).as(path).isBetween(400, 499);
      assertThat(header(answer, "content-type")).as(path).contains("json");
    }
    assertThat(get("/workspaces", "accept", "application/json").statusCode()).isEqualTo(401);
    HttpResponse<String> post =
        client.send(
            HttpRequest.newBuilder(URI.create(server.url() + "/workspaces"))
                .header("accept", HTML)
                .POST(HttpRequest.BodyPublishers.noBody())
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(post.statusCode()).isEqualTo(401);
  }
}
