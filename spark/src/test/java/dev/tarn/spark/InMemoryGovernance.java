package dev.tarn.spark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.spark.InMemoryCatalog.Refusal;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Grants, and the kinds of objects that only our statements reach: kept as they were sent. */
final class InMemoryGovernance {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Those of a schema are named in full; of the others, and of shares for one, there is no API. */
  private static final Set<String> COLLECTIONS =
      Set.of(
          "catalogs",
          "schemas",
          "tables",
          "volumes",
          "functions",
          "external-locations",
          "storage-credentials",
          "credentials",
          "connections");

  private final Map<String, ObjectNode> objects = new ConcurrentSkipListMap<>();
  private final Map<String, Map<String, Set<String>>> grants = new ConcurrentSkipListMap<>();
  private final Map<String, ObjectNode> catalogs;
  private final Map<List<String>, ObjectNode> schemas;
  private final Map<List<String>, ObjectNode> tables;

  /** {@code METHOD path body} of each change. */
  final ConcurrentLinkedQueue<String> changes = new ConcurrentLinkedQueue<>();

  InMemoryGovernance(
      Map<String, ObjectNode> catalogs,
      Map<List<String>, ObjectNode> schemas,
      Map<List<String>, ObjectNode> tables) {
    this.catalogs = catalogs;
    this.schemas = schemas;
    this.tables = tables;
  }

  JsonNode answer(String method, List<String> path, Map<String, String> query, JsonNode body)
      throws Refusal {
    if (!method.equals("GET")) {
      changes.add(method + " " + String.join("/", path) + " " + body);
    }
    String operation = method + " " + path.get(0);
    if (List.of("PUT tarn", "DELETE tarn").contains(operation)
        && find("tables", path.get(1).split("/", -1)[1]) != null) {
      return JSON.createObjectNode();
    }
    if (operation.equals("PUT tarn") && path.get(1).startsWith("functions/")) {
      return replaced(decoded(path.get(1).substring("functions/".length())), body);
    }
    if (operation.equals("GET metastore_summary")) {
      return JSON.createObjectNode().put("metastore_id", "m-1");
    }
    if (operation.equals("PUT tarn") && path.get(1).startsWith("functions/")) {
      ObjectNode function = find("functions", decoded(path.get(1).split("/", -1)[1]));
      if (function == null) {
        throw new Refusal(404, "FUNCTION_DOES_NOT_EXIST", path.get(1) + " does not exist");
      }
      return function.setAll((ObjectNode) body.get("function_info"));
    }
    if (operation.equals("POST constraints")) {
      ObjectNode table = find("tables", body.path("full_name_arg").asText());
      ArrayNode constraints = table.putArray("table_constraints");
      return constraints.add(body.get("constraint")).get(0);
    }
    if (operation.equals("DELETE constraints")) {
      find("tables", decoded(path.get(1))).remove("table_constraints");
      return JSON.createObjectNode();
    }
    if (operation.equals("PATCH permissions")) {
      return grant(decoded(path.get(1)), body);
    }
    if (operation.equals("GET effective-permissions")) {
      return effective(decoded(path.get(1)), query.get("principal"));
    }
    if (operation.equals("GET tarn") && path.get(1).equals("information-schema/schemata")) {
      ObjectNode answer = JSON.createObjectNode();
      ArrayNode rows = answer.putArray("rows");
      for (List<String> schema : schemas.keySet()) {
        if (List.of("system", schema.get(0)).contains(query.get("catalog_name"))) {
          rows.addObject()
              .put("catalog_name", schema.get(0))
              .put("schema_name", schema.get(1))
              .put("created", 1_700_000_000_000L);
        }
      }
      return answer;
    }
    if (path.get(0).equals("policies")) {
      return policy(method, path, body);
    }
    if (COLLECTIONS.contains(path.get(0))) {
      return object(method, path, query, body);
    }
    throw new Refusal(404, "ENDPOINT_NOT_FOUND", "No API found for " + operation);
  }

  private JsonNode grant(String on, JsonNode body) throws Refusal {
    for (JsonNode change : body.path("changes")) {
      String principal = change.path("principal").asText();
      if (principal.equals("nobody")) {
        throw new Refusal(404, "PRINCIPAL_DOES_NOT_EXIST", "Could not find principal: nobody");
      }
      Set<String> held =
          grants
              .computeIfAbsent(on, key -> new ConcurrentSkipListMap<>())
              .computeIfAbsent(
                  principal, key -> new java.util.concurrent.ConcurrentSkipListSet<>());
      for (JsonNode privilege : change.path("add")) {
        if (privilege.asText().equals("EXECUTE") && !on.startsWith("function/")) {
          throw new Refusal(
              400, "INVALID_PARAMETER_VALUE", "Privilege EXECUTE is not applicable to " + on);
        }
        held.add(privilege.asText());
      }
      change.path("remove").forEach(privilege -> held.remove(privilege.asText()));
    }
    return JSON.createObjectNode();
  }

  private JsonNode effective(String on, String principal) {
    String type = on.substring(0, on.indexOf('/'));
    String name = on.substring(on.indexOf('/') + 1);
    ArrayNode assignments = JSON.createArrayNode();
    String parentType = type;
    String parent = name;
    while (parent != null) {
      String inherited = parent.equals(name) ? null : parent;
      String inheritedType = parentType.toUpperCase(java.util.Locale.ROOT);
      grants
          .getOrDefault(parentType + "/" + parent, Map.of())
          .forEach(
              (who, privileges) -> {
                if (principal == null || principal.equals(who)) {
                  ArrayNode all =
                      assignments.addObject().put("principal", who).putArray("privileges");
                  for (String privilege : privileges) {
                    ObjectNode one = all.addObject().put("privilege", privilege);
                    if (inherited != null) {
                      one.put("inherited_from_type", inheritedType);
                      one.put("inherited_from_name", inherited);
                    }
                  }
                }
              });
      parentType = parentType.equals("schema") ? "catalog" : "schema";
      parent = parent.indexOf('.') < 0 ? null : parent.substring(0, parent.lastIndexOf('.'));
    }
    ObjectNode answer = JSON.createObjectNode();
    answer.set("privilege_assignments", assignments);
    return answer;
  }

  /** {@code policies/SCHEMA/main.default[/name]}. */
  private JsonNode policy(String method, List<String> path, JsonNode body) throws Refusal {
    String at =
        path.size() > 1
            ? "policies/" + decoded(path.get(1))
            : String.join(
                "/",
                "policies",
                body.path("on_securable_type").asText(),
                body.path("on_securable_fullname").asText(),
                body.path("name").asText());
    if (method.equals("POST")) {
      objects.put(at, body.deepCopy());
    } else if (at.split("/", -1).length == 3) {
      ArrayNode all = JSON.createArrayNode();
      objects.forEach(
          (key, policy) -> {
            if (key.startsWith(at + "/")) {
              all.add(policy);
            }
          });
      return JSON.createObjectNode().set("policies", all);
    }
    ObjectNode found = objects.get(at);
    if (found == null) {
      throw new Refusal(404, "POLICY_DOES_NOT_EXIST", at + " does not exist");
    }
    if (method.equals("PATCH")) {
      found.setAll((ObjectNode) body);
    } else if (method.equals("DELETE")) {
      objects.remove(at);
    }
    return found;
  }

  private JsonNode replaced(String function, JsonNode body) throws Refusal {
    ObjectNode before = find("functions", function);
    if (before == null) {
      throw new Refusal(404, "FUNCTION_DOES_NOT_EXIST", function + " does not exist");
    }
    ObjectNode sent = (ObjectNode) body.get("function_info");
    sent.set("owner", before.get("owner"));
    sent.set("created_at", before.get("created_at"));
    objects.put("functions/" + function, sent);
    return sent;
  }

  private JsonNode object(
      String method, List<String> path, Map<String, String> query, JsonNode body) throws Refusal {
    String collection = path.get(0);
    if (path.size() == 1 && method.equals("POST")) {
      ObjectNode sent = (ObjectNode) (body.has("function_info") ? body.get("function_info") : body);
      String name =
          Stream.of("catalog_name", "schema_name", "name")
              .filter(sent::has)
              .map(field -> sent.path(field).asText())
              .collect(Collectors.joining("."));
      if (find(collection, name) != null) {
        throw new Refusal(409, "RESOURCE_ALREADY_EXISTS", name + " already exists");
      }
      sent.put("owner", "alice@example.com").put("created_at", 1_700_000_000_000L);
      if (collection.equals("volumes") && !sent.has("storage_location")) {
        sent.put("storage_location", "s3://root/unity-catalog/volumes/" + name);
      }
      if (collection.equals("catalogs")) {
        catalogs.put(name, sent.put("catalog_type", "MANAGED_CATALOG"));
      } else {
        objects.put(collection + "/" + name, sent);
      }
      return sent;
    }
    if (path.size() == 1) {
      ObjectNode answer = JSON.createObjectNode();
      ArrayNode all = answer.putArray(collection.replace('-', '_'));
      objects.forEach(
          (key, value) -> {
            if (key.startsWith(collection + "/")
                && Stream.of("catalog_name", "schema_name")
                    .allMatch(
                        field ->
                            !query.containsKey(field)
                                || query.get(field).equals(value.path(field).asText()))) {
              all.add(value);
            }
          });
      return answer;
    }
    String name = decoded(path.get(1));
    ObjectNode found = find(collection, name);
    if (found == null) {
      throw new Refusal(404, "RESOURCE_DOES_NOT_EXIST", name + " does not exist");
    }
    switch (method) {
      case "PATCH" -> found.setAll((ObjectNode) body);
      case "DELETE" -> {
        objects.remove(collection + "/" + name);
        catalogs.remove(collection.equals("catalogs") ? name : "");
      }
      default -> {}
    }
    return found;
  }

  ObjectNode find(String collection, String name) {
    List<String> parts = Arrays.asList(name.split("\\."));
    return switch (collection) {
      case "catalogs" -> catalogs.get(name);
      case "schemas" -> schemas.get(parts);
      case "tables" -> tables.get(parts);
      default -> objects.get(collection + "/" + name);
    };
  }

  private static String decoded(String path) {
    return URLDecoder.decode(path, StandardCharsets.UTF_8);
  }
}
