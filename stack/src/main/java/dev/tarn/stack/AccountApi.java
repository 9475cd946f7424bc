package dev.tarn.stack;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The account API as the stack's session token may use it.
 *
 * <p>A create has three ends: made, refused, and nobody knows (the answer was lost, or
 * CloudFormation retries a function that died). So what cannot be told apart from "made" is looked
 * up before it is made again: {@link #create} never makes a second object.
 */
final class AccountApi {
  /** Longer than the minute for which its database may be gone; the function has four. */
  private static final Duration PERSISTENCE = Duration.ofSeconds(150);

  private static final Duration ONE_CALL = Duration.ofSeconds(60);

  private final HttpClient http;
  private final Patience patience;
  private final Event event;
  private final String root;
  private final String token;

  AccountApi(HttpClient http, Patience patience, Event event) {
    this.http = http;
    this.patience = patience;
    this.event = event;
    this.root =
        event.required("accountApiUrl").replaceAll("/+$", "")
            + "/api/2.0/accounts/"
            + event.required("accountId");
    this.token = event.required("sessionToken");
  }

  /** One GET, repeated while the API is in trouble. */
  Map<String, Object> get(String path) throws InterruptedException {
    return Json.asObject(persistently("GET", path));
  }

  /**
   * DELETE, repeated while the API is in trouble. What is absent already is as good as deleted.
   *
   * @return whether there was something to delete
   */
  boolean delete(String path) throws InterruptedException {
    try {
      persistently("DELETE", path);
      return true;
    } catch (ApiError e) {
      if (e.notFound()) {
        return false;
      }
      throw e;
    }
  }

  Map<String, Object> patch(String path, Map<String, Object> body) throws InterruptedException {
    return Json.asObject(call("PATCH", path, body));
  }

  /**
   * Makes an object, or finds the one that an earlier try of the same request made.
   *
   * @param mine tells this stack's object from a stranger's of the same name
   */
  Map<String, Object> create(
      String path, Map<String, Object> body, Predicate<Map<String, Object>> mine)
      throws InterruptedException {
    long start = patience.now();
    for (int tries = 0; ; tries++) {
      try {
        return Json.asObject(call("POST", path, body));
      } catch (ApiError e) {
        if (e.alreadyExists() || e.transientFailure()) {
          Optional<Map<String, Object>> made = find(path, mine);
          if (made.isPresent()) {
            return made.get();
          }
        }
        if ((!e.transientFailure() && !e.roleNotYetVisible()) || over(start)) {
          throw e;
        }
        pause(tries);
      }
    }
  }

  /** The first object of a collection that the predicate accepts. */
  Optional<Map<String, Object>> find(String path, Predicate<Map<String, Object>> mine)
      throws InterruptedException {
    if (!(persistently("GET", path) instanceof List<?> all)) {
      throw new ApiError(200, "", "GET " + path + " (expected: a JSON array)");
    }
    return all.stream().map(Json::asObject).filter(mine).findFirst();
  }

  Patience patience() {
    return patience;
  }

  private Object persistently(String method, String path) throws InterruptedException {
    long start = patience.now();
    for (int tries = 0; ; tries++) {
      try {
        return call(method, path, null);
      } catch (ApiError e) {
        if (!e.transientFailure() || over(start)) {
          throw e;
        }
        pause(tries);
      }
    }
  }

  private boolean over(long start) {
    return patience.now() - start >= PERSISTENCE.toMillis();
  }

  private void pause(int tries) throws InterruptedException {
    patience.pause(Duration.ofMillis(Math.min(5_000, 250L << Math.min(tries, 10))));
  }

  private Object call(String method, String path, Map<String, Object> body)
      throws InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(root + path))
            .timeout(ONE_CALL)
            .header("Authorization", "Bearer " + token)
            .header("X-Tarn-Stack-Id", event.stackId())
            .header("X-Request-Id", event.requestId());
    if (!event.optional("user_agent").isEmpty()) {
      request.header("User-Agent", event.optional("user_agent"));
    }
    if (body == null) {
      request.method(method, HttpRequest.BodyPublishers.noBody());
    } else {
      request.header("Content-Type", "application/json");
      request.method(method, HttpRequest.BodyPublishers.ofString(Json.write(body)));
    }
    String what = method + " " + path + (body == null ? "" : " " + Json.write(body));
    try {
      HttpResponse<String> response =
          http.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() == 200 || response.statusCode() == 201) {
        return response.body().isEmpty() ? Map.of() : Json.read(response.body());
      }
      throw error(response, what);
    } catch (IOException e) {
      throw new ApiError(0, "", "the account API at " + root + " does not answer: " + e);
    } catch (IllegalArgumentException e) {
      throw new ApiError(200, "", what + " answered " + e.getMessage());
    }
  }

  private static ApiError error(HttpResponse<String> response, String what) {
    String code = "";
    String message = "";
    try {
      Map<String, Object> body = Json.object(response.body());
      code = String.valueOf(body.getOrDefault("error_code", ""));
      message = String.valueOf(body.getOrDefault("message", ""));
    } catch (IllegalArgumentException e) {
      // A proxy's page, perhaps; the status has to do.
      message = "no JSON in the answer";
    }
    return new ApiError(
        response.statusCode(),
        code,
        message + " (" + response.statusCode() + " " + code + " to " + what + ")");
  }
}
