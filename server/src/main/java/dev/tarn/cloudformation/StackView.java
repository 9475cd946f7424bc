package dev.tarn.cloudformation;

import dev.tarn.cloudformation.StackDao.ResourceRow;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A template with its parameters, and what its resources are at the moment. */
record StackView(Template template, Scope scope, Map<String, ResourceRow> rows) {

  /** The properties of a resource as its type gets them: with what the runner adds. */
  Map<String, Object> properties(String logicalId) {
    Map<String, Object> properties =
        new LinkedHashMap<>(scope.properties(logicalId, this::physical));
    List<String> staged = stagedKeys(logicalId);
    if (!staged.isEmpty()) {
      properties.put(S3Buckets.STAGED_KEYS, staged);
    }
    return properties;
  }

  Map<String, String> outputs() {
    return scope.outputs(this::physical);
  }

  /**
   * Whether a workspace that was made by this stack, from what was made of this bucket, is deleted:
   * then what is in the bucket was that workspace's.
   */
  boolean isAbandonedRoot(String bucket) {
    return rows.values().stream()
        .filter(row -> row.type().equals("Custom::CreateWorkspace"))
        .filter(row -> row.status().equals("DELETE_COMPLETE") && row.physicalId() != null)
        .anyMatch(row -> row.physicalId().matches("\\d+") && needs(row.logicalId(), bucket));
  }

  /** Whether a resource needs another one, by way of others too. */
  boolean needs(String logicalId, String what) {
    Map<String, Set<String>> before = scope.dependencies();
    Set<String> seen = new HashSet<>();
    List<String> open = new ArrayList<>(List.of(logicalId));
    while (!open.isEmpty()) {
      for (String next : before.getOrDefault(open.removeLast(), Set.of())) {
        if (next.equals(what)) {
          return true;
        }
        if (seen.add(next)) {
          open.add(next);
        }
      }
    }
    return false;
  }

  /** The keys under which the functions of the template look for their code in this bucket. */
  private List<String> stagedKeys(String bucket) {
    List<String> keys = new ArrayList<>();
    for (String id : scope.included()) {
      Template.Resource resource = template.resources().get(id);
      if (resource.type().equals("AWS::Lambda::Function")
          && Template.map(resource.properties(), id).get("Code") instanceof Map<?, ?> code
          && Template.references(code.get("S3Bucket")).contains(bucket)) {
        keys.add((String) scope.value(code.get("S3Key"), this::physical));
      }
    }
    return keys;
  }

  private Scope.Physical physical(String logicalId) {
    ResourceRow row = rows.get(logicalId);
    return row == null || row.physicalId() == null
        ? null
        : new Scope.Physical(row.physicalId(), row.attributes());
  }
}
