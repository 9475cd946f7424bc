package dev.tarn.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.compute.ClusterPolicyAccessControlRequest;
import com.databricks.sdk.service.compute.ClusterPolicyPermissionLevel;
import com.databricks.sdk.service.compute.ClusterPolicyPermissionsRequest;
import com.databricks.sdk.service.compute.CreateCluster;
import com.databricks.sdk.service.compute.CreatePolicy;
import com.databricks.sdk.service.compute.EditPolicy;
import com.databricks.sdk.service.compute.GetPolicyFamilyRequest;
import com.databricks.sdk.service.compute.Library;
import com.databricks.sdk.service.compute.ListClusterPoliciesRequest;
import com.databricks.sdk.service.compute.ListPolicyFamiliesRequest;
import com.databricks.sdk.service.compute.ListSortColumn;
import com.databricks.sdk.service.compute.ListSortOrder;
import com.databricks.sdk.service.compute.Policy;
import com.databricks.sdk.service.compute.PolicyFamily;
import com.databricks.sdk.service.compute.PythonPyPiLibrary;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class ClusterPoliciesTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final String IDLE =
      """
      { "autotermination_minutes" :{"type":"fixed","value":20} }""";

  private static WorkspaceClient admin() {
    return server.as("admin");
  }

  private static CreatePolicy named(String name) {
    return new CreatePolicy().setName(name).setDefinition(IDLE);
  }

  private static String made(CreatePolicy policy) {
    return admin().clusterPolicies().create(policy).getPolicyId();
  }

  private static List<String> names(String user, ListClusterPoliciesRequest request) {
    return StreamSupport.stream(
            server.as(user).clusterPolicies().list(request).spliterator(), false)
        .map(Policy::getName)
        .toList();
  }

  private static List<String> names(String user) {
    return names(
        user,
        new ListClusterPoliciesRequest()
            .setSortColumn(ListSortColumn.POLICY_NAME)
            .setSortOrder(ListSortOrder.ASC));
  }

  private static void grant(String id, ClusterPolicyAccessControlRequest... grants) {
    admin()
        .clusterPolicies()
        .setPermissions(
            new ClusterPolicyPermissionsRequest()
                .setClusterPolicyId(id)
                .setAccessControlList(List.of(grants)));
  }

  private static ClusterPolicyAccessControlRequest use(String user) {
    return new ClusterPolicyAccessControlRequest()
        .setUserName(user + "@example.com")
        .setPermissionLevel(ClusterPolicyPermissionLevel.CAN_USE);
  }

  @Test
  void aPolicyIsMadeReadEditedAndDeleted() {
    long before = System.currentTimeMillis();
    List<Library> libraries =
        List.of(
            new Library().setPypi(new PythonPyPiLibrary().setPackage("pandas==2.2.0")),
            new Library().setWhl("/Volumes/main/default/v/a.whl"));
    String id =
        made(
            named("whole")
                .setDescription("what it is for")
                .setMaxClustersPerUser(3L)
                .setLibraries(libraries));
    assertThat(id).matches("[0-9A-F]{16}");
    Policy policy = admin().clusterPolicies().get(id);
    assertThat(policy.getCreatedAtTimestamp()).isBetween(before, System.currentTimeMillis());
    assertThat(policy)
        .isEqualTo(
            new Policy()
                .setPolicyId(id)
                .setName("whole")
                .setDefinition(IDLE)
                .setDescription("what it is for")
                .setMaxClustersPerUser(3L)
                .setLibraries(libraries)
                .setIsDefault(false)
                .setCreatorUserName("admin@tarn.local")
                .setCreatedAtTimestamp(policy.getCreatedAtTimestamp()));
    admin()
        .clusterPolicies()
        .edit(
            new EditPolicy()
                .setPolicyId(id)
                .setName("another name")
                .setPolicyFamilyId("job-cluster"));
    Policy edited = admin().clusterPolicies().get(id);
    assertThat(edited)
        .isEqualTo(
            new Policy()
                .setPolicyId(id)
                .setName("another name")
                .setPolicyFamilyId("job-cluster")
                .setDefinition(admin().policyFamilies().get("job-cluster").getDefinition())
                .setIsDefault(false)
                .setCreatorUserName("admin@tarn.local")
                .setCreatedAtTimestamp(policy.getCreatedAtTimestamp()));
    admin().clusterPolicies().delete(id);
    assertThatThrownBy(() -> admin().clusterPolicies().get(id))
        .isInstanceOf(ResourceDoesNotExist.class)
        .hasMessage("Can't find a cluster policy with id: " + id);
    assertThatThrownBy(() -> admin().clusterPolicies().delete(id))
        .isInstanceOf(ResourceDoesNotExist.class);
    assertThatThrownBy(
            () ->
                admin()
                    .clusterPolicies()
                    .edit(new EditPolicy().setPolicyId(id).setName("x").setDefinition("{}")))
        .isInstanceOf(ResourceDoesNotExist.class);
  }

  @Test
  void aNameIsOneOfItsWorkspace() {
    made(named("first"));
    String second = made(named("second"));
    assertThatThrownBy(() -> made(named("first")))
        .isInstanceOf(ResourceAlreadyExists.class)
        .hasMessage("Cluster policy with name 'first' already exists");
    assertThatThrownBy(
            () ->
                admin()
                    .clusterPolicies()
                    .edit(
                        new EditPolicy().setPolicyId(second).setName("first").setDefinition("{}")))
        .isInstanceOf(ResourceAlreadyExists.class);
    assertThat(admin().clusterPolicies().get(second).getDefinition()).isEqualTo(IDLE);
    made(named("é".repeat(100)));
    for (String name : List.of("", "  ", "é".repeat(101))) {
      assertThatThrownBy(() -> made(named(name)))
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessageEndingWith("(expected: 1 to 100 characters)");
    }
  }

  @Test
  void whatCannotBeIsRefusedWithItsValue() {
    refused(new CreatePolicy().setName("x"), "definition: missing");
    refused(
        named("x").setPolicyFamilyId("job-cluster"),
        "definition: given beside policy_family_id job-cluster");
    refused(
        named("x").setPolicyFamilyDefinitionOverrides("{}"),
        "policy_family_definition_overrides: given without policy_family_id");
    refused(
        new CreatePolicy().setName("x").setPolicyFamilyId("big"),
        "policy_family_id: 'big' (expected: one of [job-cluster, personal-vm, power-user,"
            + " shared-compute])");
    refused(named("x").setMaxClustersPerUser(0L), "max_clusters_per_user: 0 (expected: greater");
    refused(
        named("x").setLibraries(Collections.nCopies(501, new Library().setJar("s3://b/a.jar"))),
        "libraries: 501 (expected: at most 500)");
    refused(
        named("x").setLibraries(List.of(new Library().setJar("s3://b/a").setWhl("s3://b/b"))),
        "libraries: {\"jar\":\"s3://b/a\",\"whl\":\"s3://b/b\"} (expected: each with one of");
    refused(
        named("x").setDefinition("{\"num_workers\":{\"type\":\"range\",\"maxValue\":\"4\"}}"),
        "definition.num_workers.maxValue: \"4\" (expected: a whole number)");
    refused(
        new CreatePolicy()
            .setName("x")
            .setPolicyFamilyId("job-cluster")
            .setPolicyFamilyDefinitionOverrides("{\"num_wrokers\":{\"type\":\"unlimited\"}}"),
        "policy_family_definition_overrides.num_wrokers: num_wrokers (expected: the path of");
  }

  private static void refused(CreatePolicy policy, String message) {
    assertThatThrownBy(() -> made(policy))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void listsAreOrderedAsAskedAndOtherwiseNewestFirst() {
    made(named("order b"));
    made(named("order a"));
    made(named("order c"));
    List<String> byTime =
        ours(
            new ListClusterPoliciesRequest()
                .setSortColumn(ListSortColumn.POLICY_CREATION_TIME)
                .setSortOrder(ListSortOrder.ASC));
    assertThat(byTime).containsExactlyInAnyOrder("order a", "order b", "order c");
    assertThat(ours(new ListClusterPoliciesRequest())).isEqualTo(byTime.reversed());
    ListClusterPoliciesRequest byName =
        new ListClusterPoliciesRequest().setSortColumn(ListSortColumn.POLICY_NAME);
    assertThat(ours(byName.setSortOrder(ListSortOrder.ASC)))
        .containsExactly("order a", "order b", "order c");
    assertThat(ours(byName.setSortOrder(ListSortOrder.DESC)))
        .containsExactly("order c", "order b", "order a");
  }

  private static List<String> ours(ListClusterPoliciesRequest request) {
    return names("admin", request).stream().filter(name -> name.startsWith("order ")).toList();
  }

  @Test
  void onlyAdministratorsWritePoliciesAndOthersSeeThoseTheyMayUse() {
    String id = made(named("granted"));
    made(named("not granted"));
    WorkspaceClient alice = server.as("alice");
    assertThatThrownBy(() -> alice.clusterPolicies().create(named("hers")))
        .isInstanceOf(PermissionDenied.class);
    assertThatThrownBy(
            () ->
                alice
                    .clusterPolicies()
                    .edit(new EditPolicy().setPolicyId(id).setName("h").setDefinition("{}")))
        .isInstanceOf(PermissionDenied.class);
    assertThatThrownBy(() -> alice.clusterPolicies().delete(id))
        .isInstanceOf(PermissionDenied.class);
    assertThatThrownBy(() -> alice.clusterPolicies().get(id))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("CAN_USE")
        .hasMessageContaining(id);
    grant(id, use("alice"));
    assertThat(alice.clusterPolicies().get(id).getName()).isEqualTo("granted");
    assertThat(names("alice")).containsExactly("Personal Compute", "granted");
    assertThat(names("bob")).containsExactly("Personal Compute");
    assertThatThrownBy(() -> alice.clusterPolicies().delete(id))
        .as("using it is not managing it")
        .isInstanceOf(PermissionDenied.class);
    grant(id);
    assertThat(names("alice")).containsExactly("Personal Compute");
  }

  @Test
  void thePermissionsOfAPolicyGoWithIt() {
    String id = made(named("passing"));
    grant(id, use("alice"));
    assertThat(admin().clusterPolicies().getPermissions(id).getObjectId())
        .isEqualTo("/cluster-policies/" + id);
    admin().clusterPolicies().delete(id);
    assertThatThrownBy(() -> admin().clusterPolicies().getPermissions(id))
        .isInstanceOf(NotFound.class);
    assertThat(names("alice")).doesNotContain("passing");
  }

  @Test
  void aNewWorkspaceHasTheFourDefaultPoliciesOnce() {
    server.restart();
    Map<String, String> families =
        Map.of(
            "Job Compute", "job-cluster",
            "Personal Compute", "personal-vm",
            "Power User Compute", "power-user",
            "Shared Compute", "shared-compute");
    List<Policy> defaults =
        StreamSupport.stream(
                admin().clusterPolicies().list(new ListClusterPoliciesRequest()).spliterator(),
                false)
            .filter(Policy::getIsDefault)
            .toList();
    assertThat(defaults).hasSize(4);
    for (Policy policy : defaults) {
      assertThat(policy.getPolicyFamilyId()).isEqualTo(families.get(policy.getName()));
      assertThat(policy.getDefinition())
          .isEqualTo(admin().policyFamilies().get(policy.getPolicyFamilyId()).getDefinition());
      assertThatThrownBy(() -> admin().clusterPolicies().delete(policy.getPolicyId()))
          .isInstanceOf(InvalidState.class)
          .hasMessageContaining(policy.getName());
      assertThatThrownBy(
              () ->
                  admin()
                      .clusterPolicies()
                      .edit(
                          new EditPolicy()
                              .setPolicyId(policy.getPolicyId())
                              .setName(policy.getName())
                              .setDefinition("{}")))
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessageStartingWith(
              "policy_family_id: null (expected: " + policy.getPolicyFamilyId());
    }
  }

  @Test
  void overridesOfAFamilyAreInItsDefinition() {
    String id =
        made(
            new CreatePolicy()
                .setName("smaller")
                .setPolicyFamilyId("shared-compute")
                .setPolicyFamilyDefinitionOverrides(
                    """
                    {"num_workers": {"type": "fixed", "value": 1},
                     "custom_tags.Team": {"type": "unlimited"}}
                    """));
    ObjectNode expected =
        (ObjectNode) Json.tree(admin().policyFamilies().get("shared-compute").getDefinition());
    expected.set("num_workers", Json.tree("{\"type\": \"fixed\", \"value\": 1}"));
    expected.set("custom_tags.Team", Json.tree("{\"type\": \"unlimited\"}"));
    Policy policy = admin().clusterPolicies().get(id);
    assertThat(Json.tree(policy.getDefinition())).isEqualTo(expected);
    assertThat(policy.getPolicyFamilyDefinitionOverrides()).contains("custom_tags.Team");
  }

  @Test
  void familiesAreListedByPagesAndHaveOneVersion() {
    ListPolicyFamiliesRequest two = new ListPolicyFamiliesRequest().setMaxResults(2L);
    assertThat(
            StreamSupport.stream(
                server.as("alice").policyFamilies().list(two).spliterator(), false))
        .extracting(PolicyFamily::getPolicyFamilyId)
        .containsExactly("job-cluster", "personal-vm", "power-user", "shared-compute");
    assertThat(
            admin()
                .policyFamilies()
                .get(new GetPolicyFamilyRequest().setPolicyFamilyId("power-user").setVersion(1L))
                .getName())
        .isEqualTo("Power User Compute");
    Stream.of(
            new GetPolicyFamilyRequest().setPolicyFamilyId("power-user").setVersion(2L),
            new GetPolicyFamilyRequest().setPolicyFamilyId("none"))
        .forEach(
            request ->
                assertThatThrownBy(() -> admin().policyFamilies().get(request))
                    .isInstanceOf(ResourceDoesNotExist.class)
                    .hasMessageContaining(request.getPolicyFamilyId()));
  }

  @Test
  void aClusterAgainstItsPolicyIsRefusedWithEveryPathRuleAndValue() {
    String id =
        made(
            named("strict")
                .setDefinition(
                    """
                    {"autotermination_minutes": {"type": "fixed", "value": 20},
                     "node_type_id": {"type": "allowlist", "values": ["m5d.large"]},
                     "dbus_per_hour": {"type": "range", "maxValue": 3},
                     "custom_tags.CostCentre": {"type": "regex", "pattern": "[0-9]{4}"}}
                    """));
    CreateCluster cluster =
        new CreateCluster()
            .setPolicyId(id)
            .setSparkVersion("17.3.x-scala2.13")
            .setAutoterminationMinutes(30L)
            .setNodeTypeId("m5d.4xlarge")
            .setNumWorkers(0L);
    assertThatThrownBy(() -> server.as("alice").clusters().create(cluster))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining(id);
    grant(id, use("alice"));
    assertThatThrownBy(() -> server.as("alice").clusters().create(cluster))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessage(
            "Cluster validation error: Validation failed for autotermination_minutes, the value"
                + " must be 20 (is \"30\"); Validation failed for custom_tags.CostCentre, the value"
                + " must be present and match the regular expression [0-9]{4}; Validation failed"
                + " for dbus_per_hour, the value must be at most 3 (is \"8\"); Validation failed"
                + " for node_type_id, the value must be one of m5d.large (is \"m5d.4xlarge\")");
    assertThatThrownBy(
            () -> server.as("alice").clusters().create(cluster.setPolicyId("0123456789ABCDEF")))
        .isInstanceOf(ResourceDoesNotExist.class);
  }
}
