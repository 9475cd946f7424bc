package dev.tarn.stack;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An account that keeps what is made in it, over HTTP, with the troubles a test asks for; and the
 * place where CloudFormation waits for answers.
 */
final class TestAccount implements AutoCloseable {
  static final String ACCOUNT = "11111111-2222-3333-4444-555555555555";
  static final String TOKEN = "session-token-nobody-may-see";
  static final String STACK =
      "arn:aws:cloudformation:us-east-1:123456789012:stack/s/0a1b2c3d-0000-4000-8000-000000000001";

  /** One answer instead of the account's own, or beside it. */
  record Trouble(int status, String body, boolean carriedOut) {}

  final Map<String, Map<String, Object>> objects =
      Collections.synchronizedMap(new LinkedHashMap<>());
  final List<String> calls = Collections.synchronizedList(new ArrayList<>());
  final List<Trouble> troubles = Collections.synchronizedList(new ArrayList<>());
  final List<String> answers = Collections.synchronizedList(new ArrayList<>());
  final List<String> log = Collections.synchronizedList(new ArrayList<>());
  final AtomicLong time = new AtomicLong();
  final List<String> statuses = Collections.synchronizedList(new ArrayList<>());
  private final AtomicLong workspaces = new AtomicLong(7_000_000_000_000_000L);
  private final HttpServer server;

  TestAccount() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::serve);
    server.start();
  }

  /** Waiting takes no time, and is seen. */
  Patience patience() {
    return new Patience() {
      @Override
      public long now() {
        return time.get();
      }

      @Override
      public void pause(Duration wait) {
        time.addAndGet(wait.toMillis());
      }
    };
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /**
   * What CloudFormation got for this event, and every guarantee about it that needs no knowledge.
   */
  Map<String, Object> send(String type, String physicalId, Map<String, String> properties)
      throws IOException {
    return send(type, physicalId, properties, Map.of(), 60_000);
  }

  Map<String, Object> send(
      String type,
      String physicalId,
      Map<String, String> properties,
      Map<String, String> old,
      int millis)
      throws IOException {
    answers.clear();
    new DatabricksApi(patience())
        .handleRequest(
            new ByteArrayInputStream(event(type, physicalId, properties, old).getBytes(UTF_8)),
            OutputStream.nullOutputStream(),
            new TestContext(millis));
    return answer();
  }

  Map<String, Object> answer() {
    if (answers.size() != 1) {
      throw new AssertionError("CloudFormation got " + answers.size() + " answers, not one");
    }
    String answer = answers.getFirst();
    if (answer.contains(TOKEN) || log.toString().contains(TOKEN)) {
      throw new AssertionError("the session token is in an answer or a log");
    }
    if (answer.getBytes(UTF_8).length > 4096) {
      throw new AssertionError("the answer has " + answer.getBytes(UTF_8).length + " bytes");
    }
    return Json.object(answer);
  }

  String event(
      String type, String physicalId, Map<String, String> properties, Map<String, String> old) {
    Map<String, Object> event = new LinkedHashMap<>();
    event.put("RequestType", type);
    event.put("ResponseURL", url() + "/answer?secret=1");
    event.put("StackId", STACK);
    event.put("RequestId", "5f0c1a2b-1111-4222-8333-444444444444");
    event.put("ResourceType", "Custom::Thing");
    event.put("LogicalResourceId", "thing");
    if (physicalId != null) {
      event.put("PhysicalResourceId", physicalId);
    }
    event.put("ResourceProperties", complete(properties));
    if (!old.isEmpty()) {
      event.put("OldResourceProperties", complete(old));
    }
    return Json.write(event);
  }

  private Map<String, String> complete(Map<String, String> properties) {
    Map<String, String> complete = new LinkedHashMap<>();
    complete.put("accountApiUrl", url());
    complete.put("accountId", ACCOUNT);
    complete.put("sessionToken", TOKEN);
    complete.putAll(properties);
    return complete;
  }

  Context context(int millis) {
    return new TestContext(millis);
  }

  private void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
      String path = exchange.getRequestURI().getPath();
      if (path.equals("/answer")) {
        answers.add(body);
        reply(exchange, 200, "");
        return;
      }
      String prefix = "/api/2.0/accounts/" + ACCOUNT;
      calls.add(exchange.getRequestMethod() + " " + path.replace(prefix, ""));
      Trouble trouble = troubles.isEmpty() ? null : troubles.removeFirst();
      if (trouble != null && !trouble.carriedOut()) {
        reply(exchange, trouble.status(), trouble.body());
        return;
      }
      if (!path.startsWith(prefix)
          || !("Bearer " + TOKEN).equals(exchange.getRequestHeaders().getFirst("Authorization"))
          || !STACK.equals(exchange.getRequestHeaders().getFirst("X-Tarn-Stack-Id"))
          || exchange.getRequestHeaders().getFirst("X-Request-Id") == null) {
        reply(exchange, 401, "{\"error_code\":\"UNAUTHENTICATED\",\"message\":\"who?\"}");
        return;
      }
      String answer = carryOut(exchange.getRequestMethod(), path.replace(prefix, ""), body);
      if (trouble != null) {
        // Carried out, and nobody heard.
        reply(exchange, trouble.status(), trouble.body());
      } else if (answer == null) {
        reply(exchange, 404, "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"no\"}");
      } else if (answer.isEmpty()) {
        reply(exchange, 409, "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\",\"message\":\"it is\"}");
      } else {
        reply(exchange, exchange.getRequestMethod().equals("POST") ? 201 : 200, answer);
      }
    }
  }

  private synchronized String carryOut(String method, String path, String body) {
    switch (method) {
      case "POST" -> {
        Map<String, Object> object = Json.object(body);
        String name =
            object.keySet().stream().filter(k -> k.endsWith("_name")).findFirst().orElse("none");
        if (objects.values().stream()
            .anyMatch(o -> o.containsKey(name) && object.get(name).equals(o.get(name)))) {
          return "";
        }
        String id = UUID.randomUUID().toString();
        if (path.equals("/workspaces")) {
          id = Long.toString(workspaces.incrementAndGet());
          object.put("workspace_id", Long.parseLong(id));
          object.put("workspace_status", "PROVISIONING");
          object.put("deployment_name", "dbc-1");
        } else {
          object.put(idField(path), id);
        }
        objects.put(path + "/" + id, object);
        return Json.write(object);
      }
      case "PATCH" -> {
        if (Json.object(body).containsKey("workspace_name")) {
          return "";
        }
        objects.get(path).putAll(Json.object(body));
        return Json.write(objects.get(path));
      }
      case "DELETE" -> {
        Map<String, Object> gone = objects.remove(path);
        return gone == null ? null : Json.write(gone);
      }
      default -> {
        if (path.matches("/[a-z-]+")) {
          List<Object> all = new ArrayList<>();
          objects.forEach(
              (key, object) -> {
                if (key.startsWith(path + "/")) {
                  all.add(object);
                }
              });
          return Json.write(all);
        }
        Map<String, Object> object = objects.get(path);
        if (object != null && object.containsKey("workspace_status") && !statuses.isEmpty()) {
          object.put("workspace_status", statuses.removeFirst());
          object.put("workspace_status_message", "because of " + TOKEN + " \"ümlaut\"".repeat(900));
        }
        return object == null ? null : Json.write(object);
      }
    }
  }

  private static String idField(String path) {
    return switch (path) {
      case "/credentials" -> "credentials_id";
      case "/storage-configurations" -> "storage_configuration_id";
      case "/networks" -> "network_id";
      case "/vpc-endpoints" -> "vpc_endpoint_id";
      case "/private-access-settings" -> "private_access_settings_id";
      default -> "customer_managed_key_id";
    };
  }

  private static void reply(HttpExchange exchange, int status, String body) throws IOException {
    if (status == 0) {
      // The answer gets lost: the connection just ends.
      return;
    }
    byte[] bytes = body.getBytes(UTF_8);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private final class TestContext implements Context {
    private final int millis;

    TestContext(int millis) {
      this.millis = millis;
    }

    @Override
    public String getAwsRequestId() {
      return "invocation";
    }

    @Override
    public String getLogGroupName() {
      return "/aws/lambda/databricksApiFunction";
    }

    @Override
    public String getLogStreamName() {
      return "2026/11/22/[$LATEST]0123456789abcdef";
    }

    @Override
    public String getFunctionName() {
      return "databricksApiFunction";
    }

    @Override
    public String getFunctionVersion() {
      return "$LATEST";
    }

    @Override
    public String getInvokedFunctionArn() {
      return "arn";
    }

    @Override
    public CognitoIdentity getIdentity() {
      return null;
    }

    @Override
    public ClientContext getClientContext() {
      return null;
    }

    @Override
    public int getRemainingTimeInMillis() {
      return millis;
    }

    @Override
    public int getMemoryLimitInMB() {
      return 512;
    }

    @Override
    public LambdaLogger getLogger() {
      return new LambdaLogger() {
        @Override
        public void log(String message) {
          log.add(message);
        }

        @Override
        public void log(byte[] message) {
          log.add(new String(message, UTF_8));
        }
      };
    }
  }
}
