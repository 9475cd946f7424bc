package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.CreateAccountGroupRequest;
import com.databricks.sdk.service.iam.MeRequest;
import com.databricks.sdk.service.iam.UpdateWorkspaceAssignments;
import com.databricks.sdk.service.iam.WorkspacePermission;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tarn.TestServer;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What somebody can do, and why. */
class EffectiveAccessTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final ObjectMapper JSON = new ObjectMapper();

  private static JsonNode get(String who, String path) throws Exception {
    HttpResponse<String> answer = server.send(who, "GET", path, null);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return JSON.readTree(answer.body());
  }

  private static JsonNode access(String principalId) throws Exception {
    return get(
        "admin",
        "/api/2.0/accounts/" + TestServer.ACCOUNT_ID + "/tarn/effective-access/" + principalId);
  }

  private static String group(String name, String... members) {
    return server
        .account()
        .groupsV2()
        .create(
            new CreateAccountGroupRequest()
                .setDisplayName(name)
                .setMembers(
                    List.of(members).stream().map(id -> new ComplexValue().setValue(id)).toList()))
        .getId();
  }

  private static String me(String who) {
    return server.as(who).currentUser().me(new MeRequest()).getId();
  }

  private static List<String> because(JsonNode row) {
    return row.path("because").findValuesAsText("display_name");
  }

  @Test
  void theWayLeadsThroughEachGroupToWhatWasGivenToTheOutermost() throws Exception {
    String nora = me("nora");
    String team = group("team of nora", nora);
    String division = group("division of nora", team);
    server
        .account()
        .workspaceAssignment()
        .update(
            new UpdateWorkspaceAssignments()
                .setWorkspaceId(TestServer.WORKSPACE_ID)
                .setPrincipalId(Long.parseLong(division))
                .setPermissions(List.of(WorkspacePermission.ADMIN)));
    JsonNode access = access(nora);
    assertThat(access.path("groups").findValuesAsText("group_id")).contains(team, division);
    JsonNode admin =
        access
            .path("workspaces")
            .valueStream()
            .filter(row -> row.path("permission").asText().equals("ADMIN"))
            .findFirst()
            .orElseThrow();
    assertThat(because(admin).subList(1, 3)).containsExactly("team of nora", "division of nora");
    assertThat(access.path("workspaces")).hasSize(2); // and herself, as a user
    assertThat(access(team).path("workspaces")).hasSize(1);
  }

  @Test
  void theAccountsAdministratorIsSoByHerself() throws Exception {
    JsonNode roles = access(me("admin")).path("roles");
    assertThat(roles.findValuesAsText("role")).contains("account_admin");
    assertThat(roles.findValuesAsText("resource")).contains("the account");
  }

  @Test
  void whoIsNotThereIsNotFound() throws Exception {
    for (String id : List.of("1", "x", "99999999999999999999")) {
      assertThat(
              server
                  .send(
                      "admin",
                      "GET",
                      "/api/2.0/accounts/" + TestServer.ACCOUNT_ID + "/tarn/effective-access/" + id,
                      null)
                  .statusCode())
          .as(id)
          .isEqualTo(404);
    }
  }

  @Test
  void everybodySeesTheirOwnWorkspacesAndNoAccessOfOthers() throws Exception {
    JsonNode mine = get("paul", "/api/2.0/tarn/workspaces").path("workspaces");
    assertThat(mine).hasSize(1);
    assertThat(mine.get(0).path("workspace_id").asLong()).isEqualTo(TestServer.WORKSPACE_ID);
    assertThat(mine.get(0).path("admin").asBoolean()).isFalse();
    assertThat(mine.get(0).path("status").asText()).isEqualTo("RUNNING");
    assertThat(
            server
                .send(
                    "paul",
                    "GET",
                    "/api/2.0/accounts/"
                        + TestServer.ACCOUNT_ID
                        + "/tarn/effective-access/"
                        + me("paul"),
                    null)
                .statusCode())
        .isEqualTo(403);
  }
}
