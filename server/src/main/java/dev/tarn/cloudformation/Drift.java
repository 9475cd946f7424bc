package dev.tarn.cloudformation;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.tarn.cloudformation.StackDao.ResourceRow;
import dev.tarn.database.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What of a stack is no longer as the template says, read from the objects themselves. Members as
 * in CloudFormation's {@code DescribeStackResourceDrifts}; as there, custom resources are not
 * checked.
 */
final class Drift {
  private Drift() {}

  record StackDrift(
      @JsonProperty("StackId") String stackId,
      @JsonProperty("StackDriftStatus") String status,
      @JsonProperty("StackResourceDrifts") List<ResourceDrift> resources) {}

  record ResourceDrift(
      @JsonProperty("LogicalResourceId") String logicalId,
      @JsonProperty("PhysicalResourceId") String physicalId,
      @JsonProperty("ResourceType") String type,
      @JsonProperty("StackResourceDriftStatus") String status,
      @JsonProperty("PropertyDifferences") List<Difference> differences) {}

  record Difference(
      @JsonProperty("PropertyPath") String path,
      @JsonProperty("DifferenceType") String type,
      @JsonProperty("ExpectedValue") String expected,
      @JsonProperty("ActualValue") String actual) {}

  static StackDrift of(String stackId, StackView view, StackSteps steps) {
    List<ResourceDrift> resources = new ArrayList<>();
    for (String id : view.scope().included()) {
      ResourceRow row = view.rows().get(id);
      if (row != null && row.physicalId() != null && row.status().endsWith("_COMPLETE")) {
        Map<String, Object> expected = view.properties(id);
        resources.add(resource(row, expected, steps.actual(row, expected)));
      }
    }
    boolean drifted =
        resources.stream()
            .anyMatch(r -> r.status().equals("MODIFIED") || r.status().equals("DELETED"));
    return new StackDrift(stackId, drifted ? "DRIFTED" : "IN_SYNC", resources);
  }

  private static ResourceDrift resource(
      ResourceRow row, Map<String, Object> expected, Optional<Map<String, Object>> actual) {
    List<Difference> differences = new ArrayList<>();
    String status;
    if (actual == null) {
      status = "NOT_CHECKED";
    } else if (actual.isEmpty()) {
      status = "DELETED";
    } else {
      differences(expected, actual.get(), differences);
      status = differences.isEmpty() ? "IN_SYNC" : "MODIFIED";
    }
    return new ResourceDrift(row.logicalId(), row.physicalId(), row.type(), status, differences);
  }

  private static void differences(
      Map<String, Object> expected, Map<String, Object> actual, List<Difference> differences) {
    Map<String, Object> all = new LinkedHashMap<>(expected);
    all.putAll(actual);
    for (String name : new TreeSet<>(all.keySet())) {
      Object was = expected.get(name);
      Object is = actual.get(name);
      if (!Objects.equals(was, is)) {
        differences.add(
            new Difference(
                "/" + name,
                was == null ? "ADD" : is == null ? "REMOVE" : "NOT_EQUAL",
                text(was),
                text(is)));
      }
    }
  }

  private static String text(Object value) {
    return value == null ? "" : value instanceof String text ? text : Json.write(value);
  }
}
