package dev.tarn.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The control plane's Unity Catalog API, called with the engine's own token in the name of a
 * principal. Which principals an engine may name is the control plane's to decide.
 */
public final class CatalogServer {
  public static final ObjectMapper JSON = new ObjectMapper();
  private static final String API = "/api/2.1/unity-catalog/";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(10))
          .build();
  private final URI uri;
  private final String token;
  private final long workspaceId;

  CatalogServer(URI uri, String token, long workspaceId) {
    this.uri = uri;
    this.token = token;
    this.workspaceId = workspaceId;
  }

  /** {@code catalog.schema.table} for a URL: each name encoded by itself, dots within it too. */
  public static String fullName(String... names) {
    return Arrays.stream(names).map(CatalogServer::encoded).collect(Collectors.joining("."));
  }

  public static String encoded(String name) {
    return URLEncoder.encode(name, UTF_8).replace("+", "%20").replace(".", "%2E");
  }

  public JsonNode get(Call who, String path) {
    return call(who, "GET", path, null);
  }

  public JsonNode post(Call who, String path, JsonNode body) {
    return call(who, "POST", path, body);
  }

  public JsonNode put(Call who, String path, JsonNode body) {
    return call(who, "PUT", path, body);
  }

  public JsonNode patch(Call who, String path, JsonNode body) {
    return call(who, "PATCH", path, body);
  }

  public JsonNode delete(Call who, String path) {
    return call(who, "DELETE", path, null);
  }

  /** All pages of a list; {@code path} has its query, {@code field} holds the array. */
  public List<JsonNode> list(Call who, String path, String field) {
    List<JsonNode> all = new ArrayList<>();
    String page = "";
    do {
      JsonNode answer = get(who, page.isEmpty() ? path : path + separator(path) + page);
      answer.path(field).forEach(all::add);
      String next = answer.path("next_page_token").asText("");
      page = next.isEmpty() ? "" : "page_token=" + encoded(next);
    } while (!page.isEmpty());
    return all;
  }

  private static char separator(String path) {
    return path.indexOf('?') < 0 ? '?' : '&';
  }

  boolean isHealthy() {
    try {
      HttpRequest request =
          HttpRequest.newBuilder(uri.resolve("/healthz")).timeout(Duration.ofSeconds(10)).build();
      return http.send(request, BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private JsonNode call(Call who, String method, String path, JsonNode body) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri.resolve(path.startsWith("/") ? path : API + path))
            .timeout(PATIENCE)
            .header("Authorization", "Bearer " + token)
            .header("X-Databricks-Workspace-Id", Long.toString(workspaceId))
            .header("X-Request-Id", who.requestId());
    if (who.principal() != null) {
      request.header("X-Tarn-Principal-Id", who.principal().userId());
    }
    if (body == null) {
      request.method(method, BodyPublishers.noBody());
    } else {
      request.header("Content-Type", "application/json");
      request.method(method, BodyPublishers.ofString(body.toString()));
    }
    HttpResponse<String> answer;
    try {
      answer = http.send(request.build(), BodyHandlers.ofString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unavailable(new InterruptedIOException("interrupted: " + method + " " + path));
    } catch (IOException e) {
      throw unavailable(e);
    }
    JsonNode json = parsed(answer.body());
    if (answer.statusCode() / 100 == 2) {
      return json;
    }
    throw new CatalogError(
        answer.statusCode(),
        json.path("error_code").asText("HTTP_" + answer.statusCode()),
        json.path("message").asText("The catalog answered " + answer.statusCode()));
  }

  private static CatalogError unavailable(IOException cause) {
    CatalogError e =
        new CatalogError(
            503, "TEMPORARILY_UNAVAILABLE", "The catalog server cannot be reached: " + cause);
    e.initCause(cause);
    return e;
  }

  private static JsonNode parsed(String text) {
    try {
      return text.isEmpty() ? MissingNode.getInstance() : JSON.readTree(text);
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    }
  }
}
