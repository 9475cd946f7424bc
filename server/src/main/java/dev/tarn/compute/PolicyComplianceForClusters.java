package dev.tarn.compute;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.compute.ClusterCompliance;
import com.databricks.sdk.service.compute.ClusterSettingsChange;
import com.databricks.sdk.service.compute.ClusterSource;
import com.databricks.sdk.service.compute.EnforceClusterComplianceRequest;
import com.databricks.sdk.service.compute.EnforceClusterComplianceResponse;
import com.databricks.sdk.service.compute.EnforcePolicyComplianceForClusterEnforceMode;
import com.databricks.sdk.service.compute.EnforcePolicyComplianceForClusterResponseEnforceResult;
import com.databricks.sdk.service.compute.GetClusterComplianceRequest;
import com.databricks.sdk.service.compute.GetClusterComplianceResponse;
import com.databricks.sdk.service.compute.ListClusterCompliancesRequest;
import com.databricks.sdk.service.compute.ListClusterCompliancesResponse;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * {@code /api/2.0/policies/clusters/*-compliance}: which clusters are not as their policy is now,
 * and making them so. Nothing of it is kept: a cluster is looked at when somebody asks.
 */
final class PolicyComplianceForClusters {
  private static final int PAGE = 20;
  private static final int LONGEST_PAGE = 100;

  private final ClusterPolicies policies;
  private final Subjects clusters;

  /**
   * A cluster under a policy.
   *
   * @param policyId null when it is under none
   * @param spec what it was asked to be, as the SDK's {@code ClusterSpec}
   */
  record Subject(String clusterId, String policyId, ObjectNode spec, ClusterSource source) {}

  /** The clusters, as far as policies ask of them. */
  interface Subjects {
    /**
     * @param toChange whether the caller must be one who may manage it, not only one who may see it
     * @throws com.databricks.sdk.core.error.platform.ResourceDoesNotExist there is none
     */
    Subject find(Caller caller, String clusterId, boolean toChange);

    /** Those of a policy that the caller may see, by id from the one after {@code after} on. */
    List<Subject> of(Caller caller, String policyId, String after, int count);

    /**
     * Gives a cluster that is RUNNING or TERMINATED another spec, and restarts it when it runs.
     *
     * @throws com.databricks.sdk.core.error.platform.InvalidState it is in another state, or its
     *     spec is no more that of {@code cluster}
     */
    void change(Caller caller, Subject cluster, ObjectNode spec);
  }

  PolicyComplianceForClusters(ClusterPolicies policies, Subjects clusters) {
    this.policies = policies;
    this.clusters = clusters;
  }

  /** Whoever may see the cluster; one without a policy has nothing to break. */
  @Allow(Role.WORKSPACE_USER)
  public GetClusterComplianceResponse getCompliance(
      Caller caller, GetClusterComplianceRequest request) {
    Subject cluster = clusters.find(caller, request.getClusterId(), false);
    Map<String, String> violations =
        cluster.policyId() == null
            ? Map.of()
            : definition(caller, cluster)
                .violations(cluster.spec(), policies.facts(cluster.source()));
    return new GetClusterComplianceResponse()
        .setIsCompliant(violations.isEmpty())
        .setViolations(violations);
  }

  /** Whoever may use the policy, of the clusters that they may see. */
  @Allow(Role.WORKSPACE_USER)
  public ListClusterCompliancesResponse listCompliance(
      Caller caller, ListClusterCompliancesRequest request) {
    PolicyDefinition definition =
        policies.definition(policies.usable(caller, request.getPolicyId()));
    int size = pageSize(request.getPageSize());
    String after = request.getPageToken() == null ? "" : request.getPageToken();
    List<Subject> found = clusters.of(caller, request.getPolicyId(), after, size + 1);
    List<Subject> page = found.subList(0, Math.min(size, found.size()));
    return new ListClusterCompliancesResponse()
        .setClusters(
            page.stream()
                .map(
                    cluster -> {
                      Map<String, String> violations =
                          definition.violations(cluster.spec(), policies.facts(cluster.source()));
                      return new ClusterCompliance()
                          .setClusterId(cluster.clusterId())
                          .setIsCompliant(violations.isEmpty())
                          .setViolations(violations);
                    })
                .toList())
        .setNextPageToken(found.size() > size ? page.getLast().clusterId() : null);
  }

  private static int pageSize(Long size) {
    if (size != null && size < 0) {
      throw new InvalidParameterValue(
          "page_size: " + size + " (expected: 0 for the server's page size, or more)", null);
    }
    return size == null || size == 0 ? PAGE : (int) Math.min(size, LONGEST_PAGE);
  }

  /** Whoever may manage the cluster. */
  @Allow(Role.WORKSPACE_USER)
  public EnforceClusterComplianceResponse enforceCompliance(
      Caller caller, EnforceClusterComplianceRequest request) {
    if (request.getEnforceMode()
        == EnforcePolicyComplianceForClusterEnforceMode.WAIT_FOR_TERMINATION) {
      throw new InvalidParameterValue(
          "enforce_mode: WAIT_FOR_TERMINATION (expected: ENFORCE_IMMEDIATELY, or left out; nothing"
              + " here waits for a cluster to terminate)",
          null);
    }
    Subject cluster = clusters.find(caller, request.getClusterId(), true);
    if (cluster.policyId() == null) {
      throw new InvalidParameterValue(
          "cluster_id: " + cluster.clusterId() + " (expected: a cluster under a policy)", null);
    }
    ObjectNode repaired =
        definition(caller, cluster).repair(cluster.spec(), policies.facts(cluster.source()));
    List<ClusterSettingsChange> changes = changes(cluster.spec(), repaired);
    EnforceClusterComplianceResponse response =
        new EnforceClusterComplianceResponse()
            .setHasChanges(!changes.isEmpty())
            .setChanges(changes);
    if (Boolean.TRUE.equals(request.getValidateOnly())) {
      return response;
    }
    if (changes.isEmpty()) {
      return response.setEnforceResult(
          EnforcePolicyComplianceForClusterResponseEnforceResult.NO_CHANGES);
    }
    clusters.change(caller, cluster, repaired);
    return response.setEnforceResult(
        EnforcePolicyComplianceForClusterResponseEnforceResult.APPLIED);
  }

  /** What the caller may do with the policy does not matter: it is the cluster's. */
  private PolicyDefinition definition(Caller caller, Subject cluster) {
    return policies.definition(policies.find(caller.workspaceId(), cluster.policyId()));
  }

  private static List<ClusterSettingsChange> changes(ObjectNode before, ObjectNode after) {
    SortedMap<String, String> old = leaves(before);
    SortedMap<String, String> now = leaves(after);
    TreeSet<String> fields = new TreeSet<>(old.keySet());
    fields.addAll(now.keySet());
    return fields.stream()
        .filter(field -> !Objects.equals(old.get(field), now.get(field)))
        .map(
            field ->
                new ClusterSettingsChange()
                    .setField(field)
                    .setPreviousValue(old.get(field))
                    .setNewValue(now.get(field)))
        .toList();
  }

  private static SortedMap<String, String> leaves(JsonNode node) {
    SortedMap<String, String> leaves = new TreeMap<>();
    collect("", node, leaves);
    return leaves;
  }

  private static void collect(String path, JsonNode node, Map<String, String> leaves) {
    String within = path.isEmpty() ? "" : path + ".";
    if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        collect(within + i, node.get(i), leaves);
      }
    } else if (node.isObject()) {
      node.properties()
          .forEach(field -> collect(within + field.getKey(), field.getValue(), leaves));
    } else if (!node.isNull()) {
      leaves.put(path, node.asText());
    }
  }
}
