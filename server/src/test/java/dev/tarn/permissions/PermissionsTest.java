package dev.tarn.permissions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.compute.ClusterAccessControlRequest;
import com.databricks.sdk.service.compute.ClusterDetails;
import com.databricks.sdk.service.compute.ClusterPermissionLevel;
import com.databricks.sdk.service.compute.ClusterPermissionsRequest;
import com.databricks.sdk.service.compute.ListClustersRequest;
import com.databricks.sdk.service.iam.AccessControlRequest;
import com.databricks.sdk.service.iam.AccessControlResponse;
import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.Group;
import com.databricks.sdk.service.iam.MeRequest;
import com.databricks.sdk.service.iam.ObjectPermissions;
import com.databricks.sdk.service.iam.PermissionLevel;
import com.databricks.sdk.service.iam.PermissionsDescription;
import com.databricks.sdk.service.iam.SetObjectPermissions;
import com.databricks.sdk.service.iam.UpdateObjectPermissions;
import dev.tarn.TestServer;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** With the official client, on clusters that do not run. */
class PermissionsTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final AtomicInteger COUNT = new AtomicInteger();
  private final WorkspaceClient admin = server.as("admin");
  private String id;

  /** As one that was made and terminated. */
  @BeforeEach
  void cluster() {
    id = "1124-0000%02d-permitted".formatted(COUNT.incrementAndGet());
    try (Database database = Database.open(server.config().database())) {
      database.inTransaction(
          handle ->
              handle.execute(
                  "INSERT INTO cluster (cluster_id, workspace_id, cluster_name, state,"
                      + " state_message, spec, settings, source, creator_id, creator_name,"
                      + " created_at, terminated_at, termination_reason) VALUES (?, ?, ?,"
                      + " 'TERMINATED', '', ?, ?, 'API', 1, 'somebody', 0, 0, '{}')",
                  id,
                  TestServer.WORKSPACE_ID,
                  id,
                  SPEC,
                  SPEC));
    }
  }

  private static final String SPEC =
      """
      {"cluster_name": "c", "spark_version": "18.2.x-scala2.13", "node_type_id": "m5d.large",
       "driver_node_type_id": "m5d.large", "num_workers": 0}
      """;

  @Test
  void whatIsGivenIsAnsweredAndTheAdministratorsInheritTheirs() {
    server.token("alice");
    update("clusters", user("alice", PermissionLevel.CAN_ATTACH_TO));
    ObjectPermissions permissions = admin.permissions().get("clusters", id);
    assertThat(permissions.getObjectId()).isEqualTo("/clusters/" + id);
    assertThat(permissions.getObjectType()).isEqualTo("cluster");
    assertThat(shown(permissions))
        .isEqualTo(
            Map.of("alice@example.com", "CAN_ATTACH_TO", "admins", "CAN_MANAGE from [/clusters/]"));
  }

  @Test
  void theSdksOwnFormForAKindIsTheSameOperation() {
    server.token("alice");
    admin
        .clusters()
        .setPermissions(
            new ClusterPermissionsRequest()
                .setClusterId(id)
                .setAccessControlList(
                    List.of(
                        new ClusterAccessControlRequest()
                            .setGroupName("users")
                            .setPermissionLevel(ClusterPermissionLevel.CAN_RESTART))));
    assertThat(shown(admin.permissions().get("clusters", id)))
        .containsEntry("users", "CAN_RESTART");
    assertThat(admin.clusters().getPermissions(id).getObjectType()).isEqualTo("cluster");
    assertThat(admin.clusters().getPermissionLevels(id).getPermissionLevels()).hasSize(3);
    assertThat(server.as("alice").clusters().get(id).getClusterName()).isEqualTo("c");
  }

  @Test
  void aReplacementLeavesNothingOfWhatWasAndAnUpdateLeavesTheRest() {
    server.token("alice");
    server.token("bob");
    update("clusters", user("alice", PermissionLevel.CAN_ATTACH_TO));
    update("clusters", user("bob", PermissionLevel.CAN_RESTART));
    update("clusters", user("bob", PermissionLevel.CAN_MANAGE));
    assertThat(shown(admin.permissions().get("clusters", id)))
        .containsEntry("alice@example.com", "CAN_ATTACH_TO")
        .containsEntry("bob@example.com", "CAN_MANAGE");
    set("clusters", user("bob", PermissionLevel.CAN_ATTACH_TO));
    assertThat(shown(admin.permissions().get("clusters", id)))
        .containsOnlyKeys("admins", "bob@example.com");
    set("clusters");
    assertThat(shown(admin.permissions().get("clusters", id))).containsOnlyKeys("admins");
  }

  @Test
  void whoHasNothingSeesNothingAndWhoManagesGivesToOthers() {
    WorkspaceClient carol = server.as("carol");
    server.token("dave");
    assertThat(names(carol)).doesNotContain(id);
    assertThatThrownBy(() -> carol.clusters().get(id)).isInstanceOf(PermissionDenied.class);
    assertThatThrownBy(() -> carol.permissions().get("clusters", id))
        .isInstanceOf(PermissionDenied.class);
    update("clusters", user("carol", PermissionLevel.CAN_RESTART));
    assertThat(names(carol)).contains(id);
    assertThatThrownBy(
            () ->
                carol
                    .permissions()
                    .update(asked("clusters", user("dave", PermissionLevel.CAN_ATTACH_TO))))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("carol@example.com does not have CAN_MANAGE on cluster " + id);
    update("clusters", user("carol", PermissionLevel.CAN_MANAGE));
    carol.permissions().update(asked("clusters", user("dave", PermissionLevel.CAN_ATTACH_TO)));
    assertThat(names(server.as("dave"))).contains(id);
  }

  @Test
  void whatAGroupWasGivenItsMembersHaveAndTheReasonIsTold() throws Exception {
    WorkspaceClient erin = server.as("erin");
    String erinId = erin.currentUser().me(new MeRequest()).getId();
    server
        .account()
        .groups()
        .create(
            new Group()
                .setDisplayName("engineers")
                .setMembers(List.of(new ComplexValue().setValue(erinId))));
    update("clusters", group("engineers", PermissionLevel.CAN_RESTART));
    update("clusters", group("users", PermissionLevel.CAN_ATTACH_TO));
    String why =
        server
            .send(
                "admin",
                "GET",
                "/api/2.0/tarn/permissions/clusters/"
                    + id
                    + "/effective?user_name=erin@example.com",
                null)
            .body();
    assertThat(Json.tree(why).path("may").toString())
        .isEqualTo("[\"CAN_ATTACH_TO\",\"CAN_RESTART\"]");
    assertThat(Json.tree(why).path("because").path(0).path("through").toString())
        .isEqualTo("[\"erin@example.com\",\"engineers\"]");
  }

  @Test
  void whatCannotBeGivenIsRefusedAndChangesNothing() {
    server.token("alice");
    set("clusters", user("alice", PermissionLevel.CAN_ATTACH_TO));
    refused(InvalidParameterValue.class, "CAN_RUN", user("alice", PermissionLevel.CAN_RUN));
    refused(
        ResourceDoesNotExist.class,
        "nobody@example.com",
        user("nobody", PermissionLevel.CAN_RESTART));
    refused(InvalidParameterValue.class, "admins", group("admins", PermissionLevel.CAN_ATTACH_TO));
    refused(
        InvalidParameterValue.class,
        "2 principals",
        user("alice", PermissionLevel.CAN_RESTART).setGroupName("users"));
    assertThat(shown(admin.permissions().get("clusters", id)))
        .containsEntry("alice@example.com", "CAN_ATTACH_TO");
    assertThatThrownBy(() -> admin.permissions().get("clusters", "0000-000000-nothing"))
        .isInstanceOf(ResourceDoesNotExist.class);
    assertThatThrownBy(() -> admin.permissions().get("jobs", "1")).isInstanceOf(NotFound.class);
  }

  private void refused(Class<?> error, String words, AccessControlRequest entry) {
    assertThatThrownBy(() -> set("clusters", entry))
        .isInstanceOf(error)
        .hasMessageContaining(words);
  }

  @Test
  void thatAPersonIsRemovedTakesTheirPermissionsAlong() {
    String frank = server.as("frank").currentUser().me(new MeRequest()).getId();
    update("clusters", user("frank", PermissionLevel.CAN_ATTACH_TO));
    server.account().users().delete(frank);
    assertThat(shown(admin.permissions().get("clusters", id))).containsOnlyKeys("admins");
  }

  @Test
  void eachLevelHasAWordOnWhatItIsFor() {
    assertThat(
            admin.permissions().getPermissionLevels("clusters", id).getPermissionLevels().stream()
                .map(PermissionsDescription::getPermissionLevel))
        .containsExactly(
            PermissionLevel.CAN_ATTACH_TO, PermissionLevel.CAN_RESTART, PermissionLevel.CAN_MANAGE);
  }

  private static List<String> names(WorkspaceClient client) {
    List<String> names = new ArrayList<>();
    for (ClusterDetails each : client.clusters().list(new ListClustersRequest())) {
      names.add(each.getClusterId());
    }
    return names;
  }

  private static AccessControlRequest user(String name, PermissionLevel level) {
    return new AccessControlRequest().setUserName(name + "@example.com").setPermissionLevel(level);
  }

  private static AccessControlRequest group(String name, PermissionLevel level) {
    return new AccessControlRequest().setGroupName(name).setPermissionLevel(level);
  }

  private UpdateObjectPermissions asked(String type, AccessControlRequest entry) {
    return new UpdateObjectPermissions()
        .setRequestObjectType(type)
        .setRequestObjectId(id)
        .setAccessControlList(List.of(entry));
  }

  private void update(String type, AccessControlRequest entry) {
    admin.permissions().update(asked(type, entry));
  }

  private void set(String type, AccessControlRequest... entries) {
    admin
        .permissions()
        .set(
            new SetObjectPermissions()
                .setRequestObjectType(type)
                .setRequestObjectId(id)
                .setAccessControlList(List.of(entries)));
  }

  private static Map<String, String> shown(ObjectPermissions permissions) {
    Map<String, String> shown = new TreeMap<>();
    for (AccessControlResponse each : permissions.getAccessControlList()) {
      String name = each.getUserName() == null ? each.getGroupName() : each.getUserName();
      each.getAllPermissions()
          .forEach(
              permission ->
                  shown.put(
                      name,
                      permission.getPermissionLevel()
                          + (permission.getInherited()
                              ? " from " + permission.getInheritedFromObject()
                              : "")));
    }
    return shown;
  }
}
