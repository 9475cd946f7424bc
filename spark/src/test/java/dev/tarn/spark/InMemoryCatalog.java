package dev.tarn.spark;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/** The control plane's catalog API as far as an engine calls it, kept in memory. */
final class InMemoryCatalog implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String API = "/api/2.1/unity-catalog/";

  private final HttpServer http;
  private final String token;
  private final Map<String, ObjectNode> catalogs = new ConcurrentSkipListMap<>();
  private final Map<List<String>, ObjectNode> schemas = new ConcurrentHashMap<>();
  private final Map<List<String>, ObjectNode> tables = new ConcurrentHashMap<>();

  final InMemoryGovernance governance = new InMemoryGovernance(catalogs, schemas, tables);

  /** By user id: {@code SELECT main.default.t}. Who has no entry may do everything. */
  final Map<String, Set<String>> grants = new ConcurrentHashMap<>();

  /** By table and column, "" for its rows: what was set as a filter or mask. */
  private final Map<String, Map<String, JsonNode>> protections = new ConcurrentHashMap<>();

  /** By user id: names of groups. */
  final Map<String, List<String>> groups = new ConcurrentHashMap<>();

  /** What each call carries as the version of all that decides. */
  volatile String version = "1";

  /** Whether questions of who may are answered. */
  volatile boolean decides = true;

  /** {@code METHOD path principal request-id} of each call. */
  final ConcurrentLinkedQueue<String> calls = new ConcurrentLinkedQueue<>();

  volatile boolean healthy = true;

  InMemoryCatalog(String token) throws IOException {
    this.token = token;
    http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    http.setExecutor(Executors.newCachedThreadPool());
    http.createContext("/", this::serve);
    http.start();
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + http.getAddress().getPort());
  }

  void createCatalog(String name) {
    catalogs.put(name, JSON.createObjectNode().put("name", name));
    ObjectNode schema = JSON.createObjectNode().put("name", "default").put("catalog_name", name);
    schemas.put(List.of(name, "default"), schema);
  }

  JsonNode table(String... name) {
    return tables.get(List.of(name));
  }

  void put(ObjectNode table, String... name) {
    tables.put(List.of(name), table);
  }

  private void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getRawPath();
      if (path.equals("/healthz")) {
        exchange.sendResponseHeaders(healthy ? 200 : 503, -1);
        return;
      }
      var headers = exchange.getRequestHeaders();
      calls.add(
          exchange.getRequestMethod()
              + " "
              + path.substring(API.length())
              + " "
              + headers.getFirst("X-Tarn-Principal-Id")
              + " "
              + headers.getFirst("X-Request-Id"));
      JsonNode body = JSON.readTree(exchange.getRequestBody());
      int status = 200;
      JsonNode answer;
      try {
        if (!("Bearer " + token).equals(headers.getFirst("Authorization"))) {
          throw new Refusal(401, "UNAUTHENTICATED", "no such token");
        }
        answer =
            answer(
                exchange.getRequestMethod(),
                Arrays.asList(path.substring(API.length()).split("/", 2)),
                query(exchange.getRequestURI().getRawQuery()),
                headers.getFirst("X-Tarn-Principal-Id"),
                body);
      } catch (Refusal e) {
        status = e.status;
        answer = JSON.createObjectNode().put("error_code", e.code).put("message", e.getMessage());
      }
      byte[] bytes = answer.toString().getBytes(UTF_8);
      exchange.sendResponseHeaders(status, bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }

  private synchronized JsonNode answer(
      String method, List<String> path, Map<String, String> query, String user, JsonNode body)
      throws Refusal {
    String operation = method + " " + path.get(0) + (path.size() > 1 ? "/name" : "");
    List<String> name =
        path.size() == 1
            ? List.of()
            : Arrays.stream(path.get(1).split("\\.", -1))
                .map(part -> URLDecoder.decode(part, UTF_8))
                .toList();
    return switch (operation) {
      case "GET catalogs" -> array("catalogs", List.copyOf(catalogs.values()));
      case "GET schemas" -> {
        known(catalogs, query.get("catalog_name"), "CATALOG_DOES_NOT_EXIST");
        yield array("schemas", under(schemas, List.of(query.get("catalog_name"))));
      }
      case "POST schemas" -> {
        List<String> key = key(body, "catalog_name", "name");
        known(catalogs, key.get(0), "CATALOG_DOES_NOT_EXIST");
        yield create(schemas, key, body, "SCHEMA_ALREADY_EXISTS");
      }
      case "GET schemas/name" -> known(schemas, name, "SCHEMA_DOES_NOT_EXIST");
      case "PATCH schemas/name" ->
          known(schemas, name, "SCHEMA_DOES_NOT_EXIST").setAll((ObjectNode) body);
      case "DELETE schemas/name" -> {
        known(schemas, name, "SCHEMA_DOES_NOT_EXIST");
        if (!under(tables, name).isEmpty() && !query.containsKey("force")) {
          throw new Refusal(409, "SCHEMA_NOT_EMPTY", name + " is not empty");
        }
        tables.keySet().removeIf(key -> key.subList(0, 2).equals(name));
        schemas.remove(name);
        yield JSON.createObjectNode();
      }
      case "GET tables" -> {
        List<String> schema = List.of(query.get("catalog_name"), query.get("schema_name"));
        known(schemas, schema, "SCHEMA_DOES_NOT_EXIST");
        yield array("tables", under(tables, schema));
      }
      case "POST tables" -> {
        List<String> key = key(body, "catalog_name", "schema_name", "name");
        if (key.get(2).equals("forbidden")) {
          throw new Refusal(403, "PERMISSION_DENIED", "User does not have CREATE TABLE");
        }
        known(schemas, key.subList(0, 2), "SCHEMA_DOES_NOT_EXIST");
        ((ObjectNode) body).put("owner", user);
        yield create(tables, key, body, "TABLE_ALREADY_EXISTS");
      }
      case "GET tables/name" -> {
        String full = String.join(".", name);
        ObjectNode table = known(tables, name, "TABLE_DOES_NOT_EXIST");
        Set<String> held = user == null ? null : grants.get(user);
        if (held != null
            && !table.path("owner").asText().equals(user)
            && held.stream().noneMatch(grant -> grant.endsWith(" " + full))) {
          throw new Refusal(403, "PERMISSION_DENIED", "User may not see Table '" + full + "'.");
        }
        yield table;
      }
      case "PATCH tables/name" ->
          known(tables, name, "TABLE_DOES_NOT_EXIST").setAll((ObjectNode) body);
      case "DELETE tables/name" -> {
        known(tables, name, "TABLE_DOES_NOT_EXIST");
        tables.remove(name);
        protections.remove(String.join(".", name));
        yield JSON.createObjectNode();
      }
      case "PUT tarn/name", "DELETE tarn/name" -> protect(method, path.get(1).split("/", -1), body);
      case "GET tarn/name" ->
          path.get(1).endsWith("/policies")
              ? policies(path.get(1).split("/", -1)[1])
              : governance.answer(method, path, query, body);
      case "POST tarn/name" ->
          path.get(1).equals("authorize")
              ? authorize(user, body)
              : governance.answer(method, path, query, body);
      case "POST staging-tables" -> {
        List<String> key = key(body, "catalog_name", "schema_name", "name");
        known(schemas, key.subList(0, 2), "SCHEMA_DOES_NOT_EXIST");
        if (tables.containsKey(key)) {
          throw new Refusal(409, "TABLE_ALREADY_EXISTS", key + " already exists");
        }
        String id = UUID.randomUUID().toString();
        yield JSON.createObjectNode()
            .put("id", id)
            .put("staging_location", "s3://root/unity-catalog/tables/" + id);
      }
      default -> governance.answer(method, path, query, body);
    };
  }

  /** {@code tables/c.s.t/row-filter} or {@code tables/c.s.t/columns/x/mask}. */
  private JsonNode protect(String method, String[] path, JsonNode body) throws Refusal {
    governance.answer(method, List.of("tarn", String.join("/", path)), Map.of(), body);
    Map<String, JsonNode> rules =
        protections.computeIfAbsent(path[1], table -> new ConcurrentSkipListMap<>());
    String column = path.length > 3 ? path[3] : "";
    if (method.equals("DELETE")) {
      rules.remove(column);
    } else {
      rules.put(column, body);
    }
    return JSON.createObjectNode();
  }

  private JsonNode policies(String table) throws Refusal {
    ObjectNode answer = JSON.createObjectNode().put("version", version);
    ArrayNode masks = answer.putArray("column_masks");
    for (var each : protections.getOrDefault(table, Map.of()).entrySet()) {
      ObjectNode rule =
          each.getKey().isEmpty()
              ? answer.putObject("row_filter")
              : masks.addObject().put("column", each.getKey());
      String name = each.getValue().path("function_name").asText();
      ObjectNode function = governance.find("functions", name);
      if (function == null) {
        throw new Refusal(409, "INVALID_STATE", name + " is not there any more");
      }
      rule.set("function", function.deepCopy().put("full_name", name));
      ArrayNode arguments = rule.putArray("arguments");
      for (String kind : List.of("input", "using")) {
        if (each.getValue().has(kind + "_arguments")) {
          arguments.addAll((ArrayNode) each.getValue().get(kind + "_arguments"));
        } else {
          each.getValue()
              .path(kind + "_column_names")
              .forEach(column -> arguments.addObject().put("column", column.asText()));
        }
      }
    }
    return answer;
  }

  private JsonNode authorize(String user, JsonNode body) throws Refusal {
    if (!decides) {
      throw new Refusal(500, "INTERNAL_ERROR", "nobody knows who may");
    }
    for (JsonNode need : body.path("needs")) {
      JsonNode via = need.path("via");
      String subject = via.isEmpty() ? user : owner(via.path(via.size() - 1).asText());
      String name = need.path("full_name").asText();
      String what = need.path("privilege").asText() + " " + name;
      JsonNode table = tables.get(Arrays.asList(name.split("\\.", -1)));
      if (table != null && table.path("owner").asText().equals(subject)) {
        continue;
      }
      if (grants.containsKey(subject) && !grants.get(subject).contains(what)) {
        throw new Refusal(403, "PERMISSION_DENIED", "User does not have " + what);
      }
    }
    ObjectNode answer = JSON.createObjectNode().put("version", version);
    groups.getOrDefault(user, List.of()).forEach(answer.putArray("groups")::add);
    return answer;
  }

  private String owner(String fullName) throws Refusal {
    if (fullName.startsWith("FUNCTION ")) {
      return "42";
    }
    return known(tables, Arrays.asList(fullName.split("\\.", -1)), "TABLE_DOES_NOT_EXIST")
        .path("owner")
        .asText();
  }

  private static <K> ObjectNode known(Map<K, ObjectNode> all, K key, String code) throws Refusal {
    ObjectNode found = all.get(key);
    if (found == null) {
      throw new Refusal(404, code, key + " does not exist");
    }
    return found;
  }

  private static JsonNode create(
      Map<List<String>, ObjectNode> all, List<String> key, JsonNode body, String code)
      throws Refusal {
    if (all.putIfAbsent(key, (ObjectNode) body) != null) {
      throw new Refusal(409, code, key + " already exists");
    }
    return body;
  }

  private static List<String> key(JsonNode body, String... fields) {
    return Arrays.stream(fields).map(field -> body.path(field).asText()).toList();
  }

  private static List<ObjectNode> under(Map<List<String>, ObjectNode> all, List<String> parent) {
    return all.entrySet().stream()
        .filter(each -> each.getKey().subList(0, parent.size()).equals(parent))
        .map(Map.Entry::getValue)
        .toList();
  }

  private static JsonNode array(String field, List<ObjectNode> values) {
    ObjectNode answer = JSON.createObjectNode();
    ArrayNode array = answer.putArray(field);
    array.addAll(values);
    return answer;
  }

  private static Map<String, String> query(String raw) {
    return raw == null
        ? Map.of()
        : Arrays.stream(raw.split("&", -1))
            .map(pair -> pair.split("=", 2))
            .collect(Collectors.toMap(pair -> pair[0], pair -> URLDecoder.decode(pair[1], UTF_8)));
  }

  @Override
  public void close() {
    http.stop(0);
  }

  static final class Refusal extends Exception {
    final int status;
    final String code;

    Refusal(int status, String code, String message) {
      super(message);
      this.status = status;
      this.code = code;
    }
  }
}
