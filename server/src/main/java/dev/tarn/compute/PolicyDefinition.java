package dev.tarn.compute;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.tarn.database.Json;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * The rules of a cluster policy, one for each path that it names; of what it does not name, a
 * cluster may have anything. Nothing here reads or writes: a cluster is the tree of its spec, and
 * what a spec does not say comes as {@link Facts}.
 */
final class PolicyDefinition {
  private static final int LONGEST = 100_000;

  private static final ObjectMapper READER =
      JsonMapper.builder(
              JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  private final ObjectNode json;
  private final SortedMap<String, PolicyRule> rules = new TreeMap<>();

  /**
   * What a policy asks of a cluster beside its spec.
   *
   * @param versions from an alias such as {@code auto:latest-lts} to what it means now, or to
   *     itself when it means nothing here
   * @param dbusPerHour of a spec when it is at its largest, with its driver
   * @param clusterType all-purpose, job or dlt
   */
  record Facts(
      UnaryOperator<String> versions,
      Function<ObjectNode, BigDecimal> dbusPerHour,
      String clusterType) {}

  private PolicyDefinition(String field, ObjectNode json) {
    this.json = json;
    json.properties()
        .forEach(
            rule ->
                rules.put(rule.getKey(), PolicyRule.parse(field, rule.getKey(), rule.getValue())));
  }

  /**
   * @param field the request's, for messages
   * @throws InvalidParameterValue it is no policy; says where, what is there and what was expected
   */
  static PolicyDefinition parse(String field, String text) {
    if (text.length() > LONGEST) {
      throw PolicyRule.bad(
          field, text.length() + " characters", "at most " + LONGEST + " characters");
    }
    try {
      if (READER.readTree(text) instanceof ObjectNode json) {
        return new PolicyDefinition(field, json);
      }
    } catch (JsonProcessingException e) {
      throw PolicyRule.bad(field, e.getOriginalMessage(), "a JSON object, each path once");
    }
    throw PolicyRule.bad(field, text, "a JSON object");
  }

  /** These rules, but for paths of which {@code overrides} has one of its own. */
  PolicyDefinition with(PolicyDefinition overrides) {
    ObjectNode merged = json.deepCopy();
    merged.setAll(overrides.json);
    return new PolicyDefinition("definition", merged);
  }

  /** As {@link #parse} reads it. */
  String json() {
    return Json.write(json);
  }

  /**
   * What becomes of a request: fixed values are filled in where it says nothing, and so are
   * defaults, when they are asked for. What the request does say stays, for {@link #violations} to
   * find.
   */
  ObjectNode apply(ObjectNode cluster, Facts facts, boolean defaults) {
    ObjectNode view = ClusterAttribute.view(cluster);
    for (PolicyRule rule : rules.values()) {
      if (rule.limit() instanceof PolicyRule.Fixed(JsonNode value)) {
        fill(view, rule, value);
      }
    }
    for (PolicyRule rule : rules.values()) {
      if (defaults && rule.defaultValue() != null) {
        fill(view, rule, rule.defaultValue());
      }
    }
    return resolved(ClusterAttribute.cluster(view), facts);
  }

  private void fill(ObjectNode view, PolicyRule rule, JsonNode value) {
    if (rule.attribute().isVirtual()) {
      return;
    }
    for (List<String> place : places(view, rule)) {
      if (ClusterAttribute.get(view, place) == null && rule.attribute().isOpen(view, place)) {
        rule.attribute().set(view, place, value);
      }
    }
  }

  private static ObjectNode resolved(ObjectNode cluster, Facts facts) {
    if (cluster.path(ClusterAttribute.SPARK_VERSION).isTextual()) {
      cluster.put(
          ClusterAttribute.SPARK_VERSION,
          PolicyRule.version(
              cluster.path(ClusterAttribute.SPARK_VERSION).asText(), facts.versions()));
    }
    return cluster;
  }

  /** Where a rule looks: an element of which another rule speaks by its index is that one's. */
  private List<List<String>> places(ObjectNode view, PolicyRule rule) {
    return rule.attribute().places(view).stream()
        .filter(
            place -> {
              String path = String.join(".", place);
              return path.equals(rule.attribute().path()) || !rules.containsKey(path);
            })
        .toList();
  }

  /** What of a cluster is not as the policy wants it: from path to the reason. */
  SortedMap<String, String> violations(ObjectNode cluster, Facts facts) {
    SortedMap<String, String> violations = new TreeMap<>();
    ObjectNode view = ClusterAttribute.view(cluster);
    for (PolicyRule rule : rules.values()) {
      for (List<String> place : places(view, rule)) {
        String message =
            rule.violation(value(view, cluster, rule.attribute(), place, facts), facts.versions());
        if (message != null) {
          violations.put(String.join(".", place), message);
        }
      }
    }
    return violations;
  }

  private static JsonNode value(
      ObjectNode view,
      ObjectNode cluster,
      ClusterAttribute attribute,
      List<String> place,
      Facts facts) {
    return switch (attribute.path()) {
      case ClusterAttribute.CLUSTER_TYPE -> TextNode.valueOf(facts.clusterType());
      case ClusterAttribute.DBUS_PER_HOUR ->
          DecimalNode.valueOf(facts.dbusPerHour().apply(cluster));
      default -> ClusterAttribute.get(view, place);
    };
  }

  /**
   * The cluster that {@code request} makes under this policy.
   *
   * @throws InvalidParameterValue the policy forbids it; names every path, rule and value
   */
  ObjectNode admit(ObjectNode request, Facts facts, boolean defaults) {
    ObjectNode cluster = apply(request, facts, defaults);
    SortedMap<String, String> violations = violations(cluster, facts);
    if (!violations.isEmpty()) {
      throw refused(violations, "");
    }
    return cluster;
  }

  /**
   * The cluster as it was before the policy's rules are as they are, changed where it breaks them,
   * and nowhere else.
   *
   * @throws InvalidParameterValue the rules name no value that would do
   */
  ObjectNode repair(ObjectNode cluster, Facts facts) {
    ObjectNode view = ClusterAttribute.view(cluster);
    for (PolicyRule rule : rules.values()) {
      // From the last on, as an element that goes moves those behind it.
      for (List<String> place : new ArrayList<>(places(view, rule)).reversed()) {
        JsonNode value = ClusterAttribute.get(view, place);
        if (rule.attribute().isVirtual() || rule.violation(value, facts.versions()) == null) {
          continue;
        }
        JsonNode remedy = rule.remedy(value);
        if (remedy != null) {
          rule.attribute().set(view, place, remedy);
        } else if (rule.limit() instanceof PolicyRule.Forbidden) {
          ClusterAttribute.remove(view, place);
        }
      }
    }
    ObjectNode repaired = apply(ClusterAttribute.cluster(view), facts, false);
    SortedMap<String, String> left = violations(repaired, facts);
    if (!left.isEmpty()) {
      throw refused(left, "; the policy names no value that would do: edit the cluster");
    }
    return repaired;
  }

  private static InvalidParameterValue refused(Map<String, String> violations, String andSo) {
    return new InvalidParameterValue(
        violations.entrySet().stream()
            .map(one -> "Validation failed for " + one.getKey() + ", " + one.getValue())
            .collect(Collectors.joining("; ", "Cluster validation error: ", andSo)),
        null);
  }
}
