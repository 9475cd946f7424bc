package dev.tarn.cloudformation;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.databricks.sdk.core.DatabricksError;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tarn.database.Json;
import dev.tarn.http.Caller;
import dev.tarn.iam.StackSessions.Unbound;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The account API as the handlers see it, with troubles on demand, and the door through which they
 * answer. It outlives a {@link Stacks} that is stopped, as a client's view of a server does.
 */
final class TestDoor implements Sessions, AutoCloseable {
  static final String ACCOUNT = "11111111-2222-3333-4444-555555555555";

  final Map<String, ObjectNode> objects = Collections.synchronizedMap(new LinkedHashMap<>());
  final List<String> calls = Collections.synchronizedList(new ArrayList<>());

  /** Token by stack id; what is not in it is refused. */
  final Map<String, String> tokens = new ConcurrentHashMap<>();

  /** Stacks whose session may not make anything any more. */
  final Set<String> expired = ConcurrentHashMap.newKeySet();

  /** Path prefixes of POST that are refused. */
  final Set<String> refused = ConcurrentHashMap.newKeySet();

  /** Names of workspaces that are not RUNNING before the latch is down. */
  final Map<String, CountDownLatch> held = new ConcurrentHashMap<>();

  /** Names of workspaces that are FAILED. */
  final Set<String> failed = ConcurrentHashMap.newKeySet();

  /** Counted down by the first workspace that is made. */
  final CountDownLatch workspaceMade = new CountDownLatch(1);

  volatile Stacks stacks;
  private final AtomicLong ids = new AtomicLong(7_000_000_000_000_000L);
  private final HttpServer server;

  TestDoor() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::serve);
    server.start();
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  @Override
  public String mint(Caller by, String stackId) {
    String token = "dstk-" + UUID.randomUUID();
    tokens.put(stackId, token);
    return token;
  }

  @Override
  public Unbound mintUnbound(Caller by) {
    throw new UnsupportedOperationException("only the product has such sessions");
  }

  @Override
  public void close(String stackId) {
    tokens.remove(stackId);
  }

  private void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      String path = exchange.getRequestURI().getPath();
      if (path.startsWith(CustomResources.ANSWERS)) {
        reply(exchange, answer(path.substring(CustomResources.ANSWERS.length()), body), "{}");
        return;
      }
      String stackId = exchange.getRequestHeaders().getFirst("X-Tarn-Stack-Id");
      String prefix = "/api/2.0/accounts/" + ACCOUNT;
      calls.add(exchange.getRequestMethod() + " " + path.replace(prefix, ""));
      if (!path.startsWith(prefix)) {
        reply(exchange, 404, "{\"error_code\":\"NOT_FOUND\",\"message\":\"no such account\"}");
      } else if (!("Bearer " + tokens.get(stackId))
          .equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
        reply(exchange, 401, "{\"error_code\":\"UNAUTHENTICATED\",\"message\":\"who are you?\"}");
      } else {
        carryOut(exchange, path.replace(prefix, ""), stackId, body);
      }
    }
  }

  private int answer(String token, byte[] body) {
    try {
      ObjectNode answer = (ObjectNode) Json.tree(new String(body, UTF_8));
      answer.put("token", token);
      stacks.answer(null, Json.MAPPER.convertValue(answer, Stacks.FunctionAnswer.class));
      return 200;
    } catch (DatabricksError e) {
      return e.getStatusCode();
    }
  }

  private void carryOut(HttpExchange exchange, String path, String stackId, byte[] body)
      throws IOException {
    switch (exchange.getRequestMethod()) {
      case "POST" -> {
        if (expired.contains(stackId)) {
          reply(exchange, 401, "{\"error_code\":\"UNAUTHENTICATED\",\"message\":\"expired\"}");
          return;
        }
        if (refused.contains(path)) {
          reply(exchange, 400, "{\"error_code\":\"INVALID_STATE\",\"message\":\"told to\"}");
          return;
        }
        ObjectNode object = (ObjectNode) Json.tree(new String(body, UTF_8));
        object.put("stack", stackId);
        String id = UUID.randomUUID().toString();
        switch (path) {
          case "/credentials" -> object.put("credentials_id", id);
          case "/storage-configurations" -> object.put("storage_configuration_id", id);
          case "/networks" -> object.put("network_id", id);
          case "/vpc-endpoints" -> object.put("vpc_endpoint_id", id);
          case "/private-access-settings" -> object.put("private_access_settings_id", id);
          case "/customer-managed-keys" -> object.put("customer_managed_key_id", id);
          default -> {
            id = Long.toString(ids.incrementAndGet());
            object.put("workspace_id", Long.parseLong(id));
            object.put("workspace_status", "PROVISIONING");
            object.put("deployment_name", "dbc-" + id);
          }
        }
        String name =
            object.properties().stream()
                .map(Map.Entry::getKey)
                .filter(key -> key.endsWith("_name"))
                .findFirst()
                .orElse("none");
        synchronized (objects) {
          if (objects.values().stream()
              .anyMatch(o -> o.has(name) && object.get(name).equals(o.get(name)))) {
            reply(
                exchange,
                409,
                "{\"error_code\":\"RESOURCE_ALREADY_EXISTS\",\"message\":\"name taken\"}");
            return;
          }
          objects.put(path + "/" + id, object);
        }
        if (path.equals("/workspaces")) {
          workspaceMade.countDown();
        }
        reply(exchange, 201, object.toString());
      }
      case "DELETE" -> {
        ObjectNode gone = objects.get(path);
        if (gone == null || !gone.get("stack").asText().equals(stackId)) {
          reply(exchange, 404, "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"\"}");
        } else {
          objects.remove(path);
          reply(exchange, 200, gone.toString());
        }
      }
      case "PATCH" -> {
        ObjectNode object = objects.get(path);
        ObjectNode asked = (ObjectNode) Json.tree(new String(body, UTF_8));
        if (asked.has("workspace_name") || refused.contains("PATCH")) {
          reply(exchange, 400, "{\"error_code\":\"INVALID_STATE\",\"message\":\"it stays\"}");
          return;
        }
        object.setAll(asked);
        reply(exchange, 200, object.toString());
      }
      default -> {
        if (path.lastIndexOf('/') == 0) {
          ArrayNode all = Json.MAPPER.createArrayNode();
          synchronized (objects) {
            objects.forEach(
                (key, object) -> {
                  if (key.startsWith(path + "/")) {
                    all.add(object);
                  }
                });
          }
          reply(exchange, 200, all.toString());
          return;
        }
        ObjectNode object = objects.get(path);
        if (object == null) {
          reply(exchange, 404, "{\"error_code\":\"RESOURCE_DOES_NOT_EXIST\",\"message\":\"\"}");
          return;
        }
        if (object.has("workspace_name")) {
          CountDownLatch latch = held.get(object.get("workspace_name").asText());
          object.put(
              "workspace_status",
              failed.contains(object.get("workspace_name").asText())
                  ? "FAILED"
                  : latch == null || latch.getCount() == 0 ? "RUNNING" : "PROVISIONING");
        }
        reply(exchange, 200, object.toString());
      }
    }
  }

  private static void reply(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
