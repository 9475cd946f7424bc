package dev.tarn.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** The server's REST API with one token. */
final class Api {
  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
  private final String url;
  private final String token;

  /**
   * @param token null for what needs none
   */
  Api(String url, String token) {
    this.url = url;
    this.token = token;
  }

  String url() {
    return url;
  }

  /** The server said no, in words. */
  static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final int status;

    Refused(int status, String message) {
      super(message);
      this.status = status;
    }

    int status() {
      return status;
    }
  }

  JsonNode get(String path) {
    return send("GET", path, null);
  }

  JsonNode post(String path, ObjectNode body) {
    return send("POST", path, body);
  }

  JsonNode put(String path, ObjectNode body) {
    return send("PUT", path, body);
  }

  JsonNode patch(String path, ObjectNode body) {
    return send("PATCH", path, body);
  }

  JsonNode delete(String path) {
    return send("DELETE", path, null);
  }

  String text(String path) {
    return exchange("GET", path, null);
  }

  private JsonNode send(String verb, String path, ObjectNode body) {
    try {
      return Home.JSON.readTree(exchange(verb, path, body));
    } catch (IOException e) {
      throw new Refused(0, url + path + " did not answer with JSON: " + e.getMessage());
    }
  }

  private String exchange(String verb, String path, ObjectNode body) {
    HttpRequest.BodyPublisher content =
        body == null
            ? HttpRequest.BodyPublishers.noBody()
            : HttpRequest.BodyPublishers.ofString(body.toString());
    HttpRequest.Builder wish = HttpRequest.newBuilder(URI.create(url + path));
    if (token != null) {
      wish.header("Authorization", "Bearer " + token);
    }
    HttpRequest request =
        wish.method(verb, content)
            .header("Content-Type", "application/json")
            .header("User-Agent", "tarn-cli")
            .timeout(Duration.ofMinutes(10))
            .build();
    try {
      HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() >= 400) {
        throw new Refused(answer.statusCode(), message(answer));
      }
      return answer.body();
    } catch (IOException e) {
      throw new Refused(0, "no answer from " + url + ": " + e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Refused(0, "interrupted");
    }
  }

  private static String message(HttpResponse<String> answer) {
    try {
      JsonNode error = Home.JSON.readTree(answer.body());
      if (error.hasNonNull("message")) {
        return error.path("error_code").asText("error") + ": " + error.get("message").asText();
      }
    } catch (IOException e) {
      // Not JSON: the status is what there is to say.
    }
    return "the server answered " + answer.statusCode();
  }
}
