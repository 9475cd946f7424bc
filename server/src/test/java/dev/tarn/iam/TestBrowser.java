package dev.tarn.iam;

import dev.tarn.TestServer;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a browser does on the wire: keeps the cookie of the host it spoke to, says from which page
 * it asks, and repeats the CSRF token it was told. Headers can be set to lie about each.
 */
public final class TestBrowser {
  public static final String PASSWORD = "correct horse battery";

  private final TestServer server;
  private final HttpClient client;
  private final Map<String, String> headers = new LinkedHashMap<>();
  private String cookie;
  private String csrf;

  public TestBrowser(TestServer server) {
    this(server, "127.0.0.1");
  }

  /**
   * @param address which it comes from, on this machine
   */
  public TestBrowser(TestServer server, String address) {
    this.server = server;
    try {
      this.client = HttpClient.newBuilder().localAddress(InetAddress.getByName(address)).build();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    headers.put("Origin", server.url().toString());
  }

  /** Asks a workspace's host, or anybody else's, at this server's address. */
  TestBrowser at(String host) {
    String authority = host + ":" + server.url().getPort();
    return header("Host", authority).header("Origin", "http://" + authority);
  }

  /** Replaces what is sent from now on; null for nothing. */
  public TestBrowser header(String name, String value) {
    headers.put(name, value);
    return this;
  }

  public String cookie() {
    return cookie;
  }

  public void cookie(String value) {
    cookie = value;
  }

  public String csrf() {
    return csrf;
  }

  public void csrf(String value) {
    csrf = value;
  }

  static String email(String name) {
    return name.equals("admin") ? "admin@tarn.local" : name + "@example.com";
  }

  /** Gives a user of the test's the one password of all. */
  public void withPassword(String name) {
    server.token(name);
    password(email(name));
  }

  void password(String email) {
    String hash = new Passwords().hash(PASSWORD);
    try (Database database = Database.open(server.config().database())) {
      database.inTransaction(
          handle -> {
            long id =
                handle
                    .createQuery("SELECT principal_id FROM principal WHERE name = :name")
                    .bind("name", email)
                    .mapTo(Long.class)
                    .one();
            Passwords.set(handle, id, hash, 0);
            return null;
          });
    }
  }

  public HttpResponse<String> signIn(String name) throws IOException, InterruptedException {
    return signIn(name, PASSWORD);
  }

  public HttpResponse<String> signIn(String name, String password)
      throws IOException, InterruptedException {
    return send(
        "POST",
        "/api/2.0/tarn/session",
        Json.MAPPER
            .createObjectNode()
            .put("user_name", email(name))
            .put("password", password)
            .toString());
  }

  /** A wrong password, from a thread that can throw nothing. */
  HttpResponse<String> guess(String name) {
    try {
      return signIn(name, "not the password");
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  public HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return send("GET", path, null);
  }

  public HttpResponse<String> send(String verb, String path, String body)
      throws IOException, InterruptedException {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(server.url() + path));
    request.version(HttpClient.Version.HTTP_1_1); // with 2 no Host can be set
    headers.forEach(
        (name, value) -> {
          if (value != null) {
            request.header(name, value);
          }
        });
    if (cookie != null) {
      request.header("Cookie", cookie.contains("=") ? cookie : "tarn_session=" + cookie);
    }
    if (csrf != null && !headers.containsKey("X-CSRF-Token")) {
      request.header("X-CSRF-Token", csrf);
    }
    request.method(
        verb,
        body == null
            ? HttpRequest.BodyPublishers.noBody()
            : HttpRequest.BodyPublishers.ofString(body));
    HttpResponse<String> answer =
        client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    answer
        .headers()
        .firstValue("set-cookie")
        .ifPresent(set -> cookie = set.substring(set.indexOf('=') + 1, set.indexOf(';')));
    if (answer.statusCode() == 200 && answer.body().contains("\"csrf_token\"")) {
      csrf = Json.tree(answer.body()).path("csrf_token").asText();
    }
    return answer;
  }
}
