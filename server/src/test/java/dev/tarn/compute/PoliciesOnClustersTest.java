package dev.tarn.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.compute.AutoScale;
import com.databricks.sdk.service.compute.ClusterDetails;
import com.databricks.sdk.service.compute.CreateCluster;
import com.databricks.sdk.service.compute.CreatePolicy;
import com.databricks.sdk.service.compute.DeleteCluster;
import com.databricks.sdk.service.compute.DeletePolicy;
import com.databricks.sdk.service.compute.EditCluster;
import com.databricks.sdk.service.compute.EditPolicy;
import com.databricks.sdk.service.compute.EnforceClusterComplianceRequest;
import com.databricks.sdk.service.compute.GetClusterComplianceRequest;
import com.databricks.sdk.service.compute.GetClusterRequest;
import com.databricks.sdk.service.compute.ListClusterCompliancesRequest;
import com.databricks.sdk.service.compute.ResizeCluster;
import com.databricks.sdk.service.compute.StartCluster;
import com.databricks.sdk.service.compute.State;
import com.databricks.sdk.service.iam.PermissionLevel;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.compute.PolicyComplianceForClusters.Subject;
import dev.tarn.database.Database;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.iam.TestClock;
import dev.tarn.permissions.ObjectKind;
import dev.tarn.permissions.Permissions;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What policies do to clusters, whose engines start at once. */
@Timeout(60)
class PoliciesOnClustersTest {
  private static final long WORKSPACE = 1;
  private static final Caller ADMIN = caller(7, Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN);

  /** Makes clusters under policies alone. */
  private static final Caller ALICE = caller(8, Role.WORKSPACE_USER);

  @TempDir Path folder;
  private Database database;
  private ClusterPolicies policies;
  private Clusters clusters;
  private PolicyComplianceForClusters compliance;

  private static Caller caller(long id, Role... roles) {
    return new Caller(
        Long.toString(id),
        Caller.Kind.USER,
        id + "@example.com",
        Set.of(roles),
        "account",
        WORKSPACE,
        null,
        null,
        null,
        "request");
  }

  /** Each is only itself. */
  private static final class People implements Permissions.People, Compute.Members {
    @Override
    public Set<Long> standsFor(long principalId) {
      return Set.of(principalId);
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

    @Override
    public boolean isEntitled(Caller caller, String entitlement) {
      return false;
    }

    @Override
    public Optional<Long> named(long workspaceId, String name) {
      return Optional.of(8L);
    }
  }

  @BeforeEach
  void open() {
    database = Database.open(TestDatabase.of(folder));
    database.inTransaction(
        handle -> {
          for (long id : List.of(7L, 8L)) {
            handle.execute(
                "INSERT INTO principal (principal_id, kind, name, display_name, active,"
                    + " account_admin, created_at, changed_at, version, document) VALUES (?,"
                    + " 'USER', ?, '', TRUE, FALSE, 0, 0, 1, '{}')",
                id,
                id + "@example.com");
          }
          return null;
        });
    TestClock clock = new TestClock();
    Permissions permissions = new Permissions(database, new People());
    policies = new ClusterPolicies(database, new PolicyFamilies(), permissions, type -> 1, clock);
    clusters =
        new Clusters(
            new ClusterDao(database),
            new TestDrivers(),
            permissions,
            policies,
            new People(),
            setting -> true,
            workspace -> "eu-west-1",
            clock);
    compliance = new PolicyComplianceForClusters(policies, clusters);
  }

  @AfterEach
  void close() {
    database.close();
  }

  /** One that Alice may use. */
  private String policy(String name, String definition, Long most) {
    String id =
        policies
            .create(
                ADMIN,
                new CreatePolicy()
                    .setName(name)
                    .setDefinition(definition)
                    .setMaxClustersPerUser(most))
            .getPolicyId();
    give(ObjectKind.CLUSTER_POLICY, id, PermissionLevel.CAN_USE);
    return id;
  }

  private void give(ObjectKind kind, String id, PermissionLevel level) {
    database.inTransaction(
        handle -> {
          Permissions.put(handle, WORKSPACE, kind, id, 8, level);
          return null;
        });
  }

  private static CreateCluster asked(String policyId) {
    return new CreateCluster()
        .setClusterName("c")
        .setSparkVersion("auto:latest-lts")
        .setNodeTypeId("m5d.large")
        .setPolicyId(policyId);
  }

  private String made(CreateCluster cluster) {
    String id = clusters.create(ALICE, cluster).getClusterId();
    until(id, State.RUNNING);
    return id;
  }

  private ClusterDetails until(String id, State state) {
    ClusterDetails cluster = clusters.get(ADMIN, new GetClusterRequest().setClusterId(id));
    while (cluster.getState() != state) {
      LockSupport.parkNanos(1_000_000);
      cluster = clusters.get(ADMIN, new GetClusterRequest().setClusterId(id));
    }
    return cluster;
  }

  private static EditCluster edited(String id, String policyId) {
    return new EditCluster()
        .setClusterId(id)
        .setSparkVersion("17.3.x-scala2.13")
        .setNodeTypeId("m5d.large")
        .setNumWorkers(1L)
        .setPolicyId(policyId);
  }

  private static final String BOUNDED =
      """
      {"autotermination_minutes": {"type": "fixed", "value": 20},
       "num_workers": {"type": "range", "maxValue": 4, "defaultValue": 2},
       "custom_tags.Team": {"type": "fixed", "value": "red"}}
      """;

  @Test
  void whoHasNoMoreThanAPolicyMakesClustersUnderIt() {
    String policy = policy("bounded", BOUNDED, null);
    assertThatThrownBy(() -> clusters.create(ALICE, asked(null)))
        .isInstanceOf(PermissionDenied.class);
    String id = made(asked(policy).setApplyPolicyDefaultValues(true));
    ClusterDetails cluster = until(id, State.RUNNING);
    assertThat(cluster.getPolicyId()).isEqualTo(policy);
    assertThat(cluster.getAutoterminationMinutes()).isEqualTo(20);
    assertThat(cluster.getNumWorkers()).isEqualTo(2);
    assertThat(cluster.getCustomTags()).containsEntry("Team", "red");
    assertThat(cluster.getSparkVersion()).isEqualTo("17.3.x-scala2.13");
    assertThatThrownBy(() -> clusters.create(ALICE, asked(policy)))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessage(
            "Cluster validation error: Validation failed for num_workers, the value must be present"
                + " and be at most 4");
  }

  @Test
  void anEditAndAResizeAreHeldAgainstThePolicyToo() {
    String policy = policy("bounded", BOUNDED, null);
    String id = made(asked(policy).setNumWorkers(1L));
    assertThatThrownBy(() -> clusters.edit(ALICE, edited(id, policy).setNumWorkers(5L)))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageEndingWith("num_workers, the value must be at most 4 (is \"5\")");
    assertThatThrownBy(
            () -> clusters.resize(ALICE, new ResizeCluster().setClusterId(id).setNumWorkers(5L)))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageEndingWith("num_workers, the value must be at most 4 (is \"5\")");
    assertThatThrownBy(
            () ->
                clusters.resize(
                    ALICE,
                    new ResizeCluster()
                        .setClusterId(id)
                        .setAutoscale(new AutoScale().setMinWorkers(1L).setMaxWorkers(90L))))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageEndingWith("num_workers, the value must be present and be at most 4");
    assertThatThrownBy(() -> clusters.edit(ALICE, edited(id, null)))
        .as("out from under its policy")
        .isInstanceOf(PermissionDenied.class);
    String another =
        policies
            .create(ADMIN, new CreatePolicy().setName("another").setDefinition("{}"))
            .getPolicyId();
    assertThatThrownBy(() -> clusters.edit(ALICE, edited(id, another)))
        .as("under one that she may not use")
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining(another);
    clusters.edit(ALICE, edited(id, policy).setNumWorkers(4L));
    assertThat(until(id, State.RUNNING).getNumWorkers()).isEqualTo(4);
  }

  @Test
  void whatAPolicyThatChangesWantsIsEnforcedOnARunningClusterOnce() {
    String policy = policy("bounded", BOUNDED, null);
    String id = made(asked(policy).setNumWorkers(4L));
    GetClusterComplianceRequest get = new GetClusterComplianceRequest().setClusterId(id);
    assertThat(compliance.getCompliance(ALICE, get).getIsCompliant()).isTrue();
    policies.edit(
        ADMIN,
        new EditPolicy()
            .setPolicyId(policy)
            .setName("bounded")
            .setDefinition(BOUNDED.replace("20", "30").replace("4", "3")));
    assertThat(compliance.getCompliance(ALICE, get).getViolations())
        .isEqualTo(
            Map.of(
                "autotermination_minutes", "the value must be 30 (is \"20\")",
                "num_workers", "the value must be at most 3 (is \"4\")"));
    assertThat(
            compliance
                .listCompliance(ALICE, new ListClusterCompliancesRequest().setPolicyId(policy))
                .getClusters())
        .singleElement()
        .satisfies(one -> assertThat(one.getClusterId()).isEqualTo(id));
    Subject seen = clusters.find(ALICE, id, true);
    assertThat(
            compliance
                .enforceCompliance(ALICE, new EnforceClusterComplianceRequest().setClusterId(id))
                .getHasChanges())
        .isTrue();
    ClusterDetails cluster = until(id, State.RUNNING);
    assertThat(cluster.getAutoterminationMinutes()).isEqualTo(30);
    assertThat(cluster.getNumWorkers()).isEqualTo(2); // the default
    assertThat(cluster.getLastRestartedTime()).isNotNull();
    assertThat(compliance.getCompliance(ALICE, get).getIsCompliant()).isTrue();
    ObjectNode late = seen.spec().deepCopy();
    assertThatThrownBy(
            () ->
                clusters.change(
                    ALICE, seen, late.put("num_workers", 2).put("autotermination_minutes", 30)))
        .as("looked at before the change")
        .isInstanceOf(InvalidState.class)
        .hasMessageContaining("edited meanwhile");
  }

  @Test
  void ofTwentyClustersWhereAPersonMayHaveOneOneIsMade() throws Exception {
    String policy = policy("one", "{}", 1L);
    List<String> told;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      told =
          threads
              .invokeAll(
                  IntStream.range(0, 20)
                      .<Callable<String>>mapToObj(
                          i ->
                              () -> {
                                try {
                                  return clusters.create(ALICE, asked(policy)).getClusterId();
                                } catch (InvalidParameterValue e) {
                                  return e.getMessage();
                                }
                              })
                      .toList())
              .stream()
              .map(done -> done.resultNow())
              .toList();
    }
    String refusal =
        "Cluster validation error: 8@example.com has 1 active clusters of the policy one (expected:"
            + " at most 1 with this one, its max_clusters_per_user; terminate one first)";
    assertThat(told).filteredOn(refusal::equals).hasSize(19);
    String first = told.stream().filter(one -> !one.equals(refusal)).findFirst().orElseThrow();
    until(first, State.RUNNING);
    clusters.delete(ALICE, new DeleteCluster().setClusterId(first));
    until(first, State.TERMINATED);
    String second = made(asked(policy));
    assertThatThrownBy(() -> clusters.start(ALICE, new StartCluster().setClusterId(first)))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessage(refusal);
    clusters.delete(ALICE, new DeleteCluster().setClusterId(second));
    until(second, State.TERMINATED);
    clusters.start(ALICE, new StartCluster().setClusterId(first));
    until(first, State.RUNNING);
  }

  @Test
  void aPolicyThatGoesLeavesItsClusterWithItsId() {
    String policy = policy("going", BOUNDED, 1L);
    String id = made(asked(policy).setNumWorkers(1L));
    policies.delete(ADMIN, new DeletePolicy().setPolicyId(policy));
    assertThat(until(id, State.RUNNING).getPolicyId()).isEqualTo(policy);
    clusters.delete(ALICE, new DeleteCluster().setClusterId(id));
    until(id, State.TERMINATED);
    clusters.start(ALICE, new StartCluster().setClusterId(id));
    until(id, State.RUNNING);
    assertThatThrownBy(() -> clusters.edit(ALICE, edited(id, policy)))
        .isInstanceOf(ResourceDoesNotExist.class)
        .hasMessageContaining(policy);
    clusters.edit(ADMIN, edited(id, null));
    assertThat(until(id, State.RUNNING).getPolicyId()).isNull();
  }

  @Test
  void everyFamilyMakesAClusterThatStarts() {
    for (String family : List.of("personal-vm", "shared-compute", "power-user")) {
      String policy =
          policies
              .create(ADMIN, new CreatePolicy().setName(family).setPolicyFamilyId(family))
              .getPolicyId();
      give(ObjectKind.CLUSTER_POLICY, policy, PermissionLevel.CAN_USE);
      String id = made(new CreateCluster().setPolicyId(policy).setApplyPolicyDefaultValues(true));
      GetClusterComplianceRequest get = new GetClusterComplianceRequest().setClusterId(id);
      assertThat(compliance.getCompliance(ALICE, get).getViolations()).as(family).isEmpty();
    }
    String jobs =
        policies
            .create(ADMIN, new CreatePolicy().setName("j").setPolicyFamilyId("job-cluster"))
            .getPolicyId();
    assertThatThrownBy(
            () ->
                clusters.create(
                    ADMIN, new CreateCluster().setPolicyId(jobs).setApplyPolicyDefaultValues(true)))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageEndingWith("cluster_type, the value must be job (is \"all-purpose\")");
  }
}
