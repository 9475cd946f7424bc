package dev.tarn.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.compute.ClusterCompliance;
import com.databricks.sdk.service.compute.ClusterSettingsChange;
import com.databricks.sdk.service.compute.ClusterSource;
import com.databricks.sdk.service.compute.CreatePolicy;
import com.databricks.sdk.service.compute.DeletePolicy;
import com.databricks.sdk.service.compute.EditPolicy;
import com.databricks.sdk.service.compute.EnforceClusterComplianceRequest;
import com.databricks.sdk.service.compute.EnforceClusterComplianceResponse;
import com.databricks.sdk.service.compute.EnforcePolicyComplianceForClusterEnforceMode;
import com.databricks.sdk.service.compute.EnforcePolicyComplianceForClusterResponseEnforceResult;
import com.databricks.sdk.service.compute.GetClusterComplianceRequest;
import com.databricks.sdk.service.compute.GetClusterComplianceResponse;
import com.databricks.sdk.service.compute.ListClusterCompliancesRequest;
import com.databricks.sdk.service.compute.ListClusterCompliancesResponse;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.iam.TestClock;
import dev.tarn.permissions.Permissions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Drift of clusters from their policy, on clusters that are no more than their specs. */
class PolicyComplianceForClustersTest {
  private static final Caller ADMIN = Caller.system("account", "test").in(1);

  @TempDir Path folder;
  private final Clusters clusters = new Clusters();
  private Database database;
  private ClusterPolicies policies;
  private PolicyComplianceForClusters compliance;

  /** Specs by id, and which were changed. */
  private static final class Clusters implements PolicyComplianceForClusters.Subjects {
    private final NavigableMap<String, PolicyComplianceForClusters.Subject> all = new TreeMap<>();
    private final List<String> changed = new ArrayList<>();

    void put(String id, String policyId, String spec) {
      all.put(
          id,
          new PolicyComplianceForClusters.Subject(
              id, policyId, (ObjectNode) Json.tree(spec), ClusterSource.API));
    }

    @Override
    public PolicyComplianceForClusters.Subject find(Caller caller, String id, boolean toChange) {
      if (toChange) {
        caller.require(Role.WORKSPACE_ADMIN);
      }
      return Optional.ofNullable(all.get(id))
          .orElseThrow(() -> new ResourceDoesNotExist("Cluster " + id + " does not exist", null));
    }

    @Override
    public List<PolicyComplianceForClusters.Subject> of(
        Caller caller, String policyId, String after, int count) {
      return all.tailMap(after, false).values().stream()
          .filter(cluster -> policyId.equals(cluster.policyId()))
          .limit(count)
          .toList();
    }

    @Override
    public void change(
        Caller caller, PolicyComplianceForClusters.Subject cluster, ObjectNode spec) {
      changed.add(cluster.clusterId());
      put(cluster.clusterId(), cluster.policyId(), spec.toString());
    }
  }

  /** Nobody but administrators. */
  private static final class Nobody implements Permissions.People {
    @Override
    public Set<Long> standsFor(long principalId) {
      return Set.of();
    }

    @Override
    public Map<Long, List<String>> ways(long principalId) {
      return Map.of();
    }

    @Override
    public Optional<Long> named(long workspaceId, Caller.Kind kind, String name) {
      return Optional.empty();
    }

    @Override
    public Optional<Permissions.Named> name(long principalId) {
      return Optional.empty();
    }
  }

  @BeforeEach
  void open() {
    database = Database.open(TestDatabase.of(folder));
    policies =
        new ClusterPolicies(
            database,
            new PolicyFamilies(),
            new Permissions(database, new Nobody()),
            type -> 1,
            new TestClock());
    compliance = new PolicyComplianceForClusters(policies, clusters);
  }

  @AfterEach
  void close() {
    database.close();
  }

  private String policy(String definition) {
    return policies
        .create(ADMIN, new CreatePolicy().setName("p").setDefinition(definition))
        .getPolicyId();
  }

  private void rewrite(String id, String definition) {
    policies.edit(ADMIN, new EditPolicy().setPolicyId(id).setName("p").setDefinition(definition));
  }

  private GetClusterComplianceResponse of(String cluster) {
    return compliance.getCompliance(ADMIN, new GetClusterComplianceRequest().setClusterId(cluster));
  }

  private EnforceClusterComplianceResponse enforce(String cluster, boolean validateOnly) {
    return compliance.enforceCompliance(
        ADMIN,
        new EnforceClusterComplianceRequest().setClusterId(cluster).setValidateOnly(validateOnly));
  }

  private static ClusterSettingsChange change(String field, String previous, String now) {
    return new ClusterSettingsChange().setField(field).setPreviousValue(previous).setNewValue(now);
  }

  @Test
  void aPolicyThatChangesIsSeenOnItsClustersAndEnforcedOnThem() {
    String id = policy("{\"autotermination_minutes\": {\"type\": \"fixed\", \"value\": 30}}");
    clusters.put("c1", id, "{\"autotermination_minutes\": 30, \"num_workers\": 12}");
    assertThat(of("c1"))
        .isEqualTo(new GetClusterComplianceResponse().setIsCompliant(true).setViolations(Map.of()));
    assertThat(enforce("c1", false))
        .isEqualTo(
            new EnforceClusterComplianceResponse()
                .setHasChanges(false)
                .setChanges(List.of())
                .setEnforceResult(
                    EnforcePolicyComplianceForClusterResponseEnforceResult.NO_CHANGES));

    rewrite(
        id,
        """
        {"autotermination_minutes": {"type": "fixed", "value": 20},
         "num_workers": {"type": "range", "minValue": 1, "maxValue": 8},
         "custom_tags.Team": {"type": "unlimited", "defaultValue": "red"}}
        """);
    assertThat(of("c1"))
        .isEqualTo(
            new GetClusterComplianceResponse()
                .setIsCompliant(false)
                .setViolations(
                    Map.of(
                        "autotermination_minutes", "the value must be 20 (is \"30\")",
                        "num_workers", "the value must be between 1 and 8 (is \"12\")",
                        "custom_tags.Team", "the value must be present")));
    List<ClusterSettingsChange> changes =
        List.of(
            change("autotermination_minutes", "30", "20"),
            change("custom_tags.Team", null, "red"),
            change("num_workers", "12", "8"));
    assertThat(enforce("c1", true))
        .isEqualTo(new EnforceClusterComplianceResponse().setHasChanges(true).setChanges(changes));
    assertThat(clusters.changed).as("only looked at").isEmpty();
    assertThat(enforce("c1", false))
        .isEqualTo(
            new EnforceClusterComplianceResponse()
                .setHasChanges(true)
                .setChanges(changes)
                .setEnforceResult(EnforcePolicyComplianceForClusterResponseEnforceResult.APPLIED));
    assertThat(clusters.changed).containsExactly("c1");
    assertThat(of("c1").getIsCompliant()).isTrue();
    assertThat(enforce("c1", false).getHasChanges()).isFalse();
  }

  @Test
  void whatIsForbiddenGoesAndWhatIsFixedTakesThePlaceOfItsRival() {
    String id =
        policy(
            """
            {"num_workers": {"type": "fixed", "value": 2},
             "docker_image.url": {"type": "forbidden"},
             "init_scripts.*.dbfs.destination": {"type": "forbidden"},
             "cluster_log_conf.type": {"type": "fixed", "value": "VOLUMES"},
             "cluster_log_conf.path": {"type": "fixed", "value": "/Volumes/main/ops/logs"},
             "spark_version": {"type": "fixed", "value": "auto:latest-lts"}}
            """);
    clusters.put(
        "c1",
        id,
        """
        {"autoscale": {"min_workers": 1, "max_workers": 9},
         "docker_image": {"url": "r/i"},
         "init_scripts": [{"dbfs": {"destination": "dbfs:/a"}},
           {"workspace": {"destination": "/b"}}, {"dbfs": {"destination": "dbfs:/c"}}],
         "cluster_log_conf": {"dbfs": {"destination": "dbfs:/logs"}},
         "spark_version": "13.3.x-scala2.12"}
        """);
    String lts = NodeTypes.versionOf("auto:latest-lts").orElseThrow();
    assertThat(enforce("c1", false).getChanges())
        .containsExactly(
            change("autoscale.max_workers", "9", null),
            change("autoscale.min_workers", "1", null),
            change("cluster_log_conf.dbfs.destination", "dbfs:/logs", null),
            change("cluster_log_conf.volumes.destination", null, "/Volumes/main/ops/logs"),
            change("docker_image.url", "r/i", null),
            change("init_scripts.0.dbfs.destination", "dbfs:/a", null),
            change("init_scripts.0.workspace.destination", null, "/b"),
            change("init_scripts.1.workspace.destination", "/b", null),
            change("init_scripts.2.dbfs.destination", "dbfs:/c", null),
            change("num_workers", null, "2"),
            change("spark_version", "13.3.x-scala2.12", lts));
    assertThat(clusters.all.get("c1").spec())
        .isEqualTo(
            Json.tree(
                """
                {"num_workers": 2, "init_scripts": [{"workspace": {"destination": "/b"}}],
                 "cluster_log_conf": {"volumes": {"destination": "/Volumes/main/ops/logs"}},
                 "spark_version": "%s"}
                """
                    .formatted(lts)));
  }

  @Test
  void whatThePolicyNamesNoValueForIsNotInvented() {
    String id =
        policy(
            """
            {"node_type_id": {"type": "allowlist", "values": ["m5d.large", "m5d.xlarge"]},
             "dbus_per_hour": {"type": "range", "maxValue": 2},
             "autotermination_minutes": {"type": "fixed", "value": 20}}
            """);
    clusters.put("c1", id, "{\"node_type_id\": \"i3.xlarge\", \"num_workers\": 4}");
    assertThatThrownBy(() -> enforce("c1", false))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessage(
            "Cluster validation error: Validation failed for dbus_per_hour, the value must be at"
                + " most 2 (is \"5\"); Validation failed for node_type_id, the value must be one of"
                + " m5d.large, m5d.xlarge (is \"i3.xlarge\"); the policy names no value that would"
                + " do: edit the cluster");
    assertThat(clusters.changed).isEmpty();
  }

  @Test
  void thoseOfAPolicyAreListedByPages() {
    String id = policy("{\"num_workers\": {\"type\": \"range\", \"maxValue\": 2}}");
    for (int i = 1; i <= 5; i++) {
      clusters.put("c" + i, id, "{\"num_workers\": " + i + "}");
    }
    clusters.put("c6", "another", "{}");
    List<ClusterCompliance> found = new ArrayList<>();
    String token = null;
    do {
      ListClusterCompliancesResponse page =
          compliance.listCompliance(
              ADMIN,
              new ListClusterCompliancesRequest()
                  .setPolicyId(id)
                  .setPageSize(2L)
                  .setPageToken(token));
      assertThat(page.getClusters()).hasSizeBetween(1, 2);
      found.addAll(page.getClusters());
      token = page.getNextPageToken();
    } while (token != null);
    assertThat(found)
        .extracting(ClusterCompliance::getClusterId)
        .containsExactly("c1", "c2", "c3", "c4", "c5");
    assertThat(found)
        .extracting(ClusterCompliance::getIsCompliant)
        .containsExactly(true, true, false, false, false);
    assertThat(found.get(2).getViolations())
        .isEqualTo(Map.of("num_workers", "the value must be at most 2 (is \"3\")"));
  }

  @Test
  void aClusterWithoutPolicyBreaksNoneAndOneWhosePolicyIsGoneSaysSo() {
    clusters.put("free", null, "{}");
    assertThat(of("free").getIsCompliant()).isTrue();
    assertThatThrownBy(() -> enforce("free", false))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessage("cluster_id: free (expected: a cluster under a policy)");
    String id = policy("{}");
    clusters.put("left", id, "{}");
    policies.delete(ADMIN, new DeletePolicy().setPolicyId(id));
    assertThatThrownBy(() -> of("left"))
        .isInstanceOf(ResourceDoesNotExist.class)
        .hasMessage("Can't find a cluster policy with id: " + id);
    assertThatThrownBy(() -> of("none")).isInstanceOf(ResourceDoesNotExist.class);
  }

  @Test
  void whatCannotBeHonouredIsRefused() {
    String id = policy("{}");
    clusters.put("c1", id, "{}");
    assertThatThrownBy(
            () ->
                compliance.enforceCompliance(
                    ADMIN,
                    new EnforceClusterComplianceRequest()
                        .setClusterId("c1")
                        .setEnforceMode(
                            EnforcePolicyComplianceForClusterEnforceMode.WAIT_FOR_TERMINATION)))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageStartingWith("enforce_mode: WAIT_FOR_TERMINATION");
    assertThatThrownBy(
            () ->
                compliance.listCompliance(
                    ADMIN, new ListClusterCompliancesRequest().setPolicyId(id).setPageSize(-1L)))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageStartingWith("page_size: -1");
    Caller user =
        new Caller(
            "8",
            Caller.Kind.USER,
            "u",
            Set.of(Role.WORKSPACE_USER),
            "account",
            1L,
            null,
            null,
            null,
            "r");
    assertThatThrownBy(
            () ->
                compliance.listCompliance(
                    user, new ListClusterCompliancesRequest().setPolicyId(id)))
        .isInstanceOf(PermissionDenied.class);
  }

  @Test
  void nobodyHasMoreActiveClustersOfAPolicyThanItSays() {
    String id =
        policies
            .create(
                ADMIN,
                new CreatePolicy().setName("two").setDefinition("{}").setMaxClustersPerUser(2L))
            .getPolicyId();
    String free = policy("{}");
    database.read(
        handle -> {
          ClusterPolicies.requireRoom(handle, 1, id, "alice", 1);
          ClusterPolicies.requireRoom(handle, 1, free, "alice", 1_000);
          ClusterPolicies.requireRoom(handle, 1, "gone", "alice", 1_000);
          assertThatThrownBy(() -> ClusterPolicies.requireRoom(handle, 1, id, "alice", 2))
              .isInstanceOf(InvalidParameterValue.class)
              .hasMessage(
                  "Cluster validation error: alice has 2 active clusters of the policy two"
                      + " (expected: at most 2 with this one, its max_clusters_per_user; terminate"
                      + " one first)");
          return null;
        });
  }
}
