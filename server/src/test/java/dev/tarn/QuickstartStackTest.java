package dev.tarn;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.service.provisioning.Workspace;
import com.databricks.sdk.service.provisioning.WorkspaceStatus;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.database.Json;
import dev.tarn.telemetry.Audit;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Stacks over REST: template, handlers, account API and identities as they are shipped. */
class QuickstartStackTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final String STACKS = "/api/2.0/accounts/" + TestServer.ACCOUNT_ID + "/stacks";

  @Test
  void twoStacksAtOnceMakeTwoRunningWorkspacesAndLeaveNothingBehind() throws Exception {
    List<String> before = traces();
    String one = create("{\"Parameters\":{\"WorkspaceName\":\"rd\"}}");
    String other = create("{\"Parameters\":{\"WorkspaceName\":\"Prod-EU-DataTeam\"}}");
    assertThat(end(one)).isEqualTo("CREATE_COMPLETE");
    assertThat(end(other)).isEqualTo("CREATE_COMPLETE");
    for (String name : List.of(one, other)) {
      assertThat(
              list(get(STACKS + "/" + name + "/events"), "StackEvents")
                  .filter(event -> event.path("ResourceStatus").asText().equals("CREATE_COMPLETE"))
                  .map(event -> event.path("LogicalResourceId").asText()))
          .containsExactlyInAnyOrder(
              "workspaceIamRole",
              "workspaceS3Bucket",
              "catalogIamRole",
              "functionRole",
              "LambdaZipsBucket",
              "databricksApiFunction",
              "createCredentials",
              "createStorageConfiguration",
              "createWorkspace",
              name);
    }
    Map<String, String> outputs = outputs(other);
    Workspace workspace =
        server.account().workspaces().get(Long.parseLong(outputs.get("WorkspaceId")));
    assertThat(workspace.getWorkspaceStatus()).isEqualTo(WorkspaceStatus.RUNNING);
    assertThat(workspace.getWorkspaceName()).isEqualTo("Prod-EU-DataTeam");
    assertThat(outputs)
        .containsEntry("WorkspaceStatus", "RUNNING")
        .containsEntry("ExternalId", TestServer.ACCOUNT_ID)
        .containsEntry("PricingTier", "ENTERPRISE")
        .containsEntry("WorkspaceCatalogName", "prod_eu_datateam");
    assertThat(get(STACKS).body()).doesNotContain("dstk").contains("****");

    delete(one);
    assertThat(server.account().workspaces().get(workspace.getWorkspaceId()).getWorkspaceStatus())
        .isEqualTo(WorkspaceStatus.RUNNING);
    delete(other);
    assertThat(traces()).isEqualTo(before);
    assertThat(sessionRecords(other))
        .containsExactly(
            "iam.StackSessions.mint admin@tarn.local",
            "iam.StackSessions.mint admin@tarn.local",
            "iam.StackSessions.close system");
  }

  /** What the audit log says of the right to act of the stacks of that name. */
  private static List<String> sessionRecords(String stack) throws Exception {
    List<String> records = new java.util.ArrayList<>();
    for (Path segment : Audit.segments(server.config().audit())) {
      for (String line : Files.readAllLines(segment)) {
        JsonNode record = Json.tree(line);
        if (record.path("action").asText().startsWith("iam.StackSessions.")
            && record.path("stack_id").asText().contains(":stack/" + stack + "/")) {
          assertThat(line).doesNotContain("dstk");
          records.add(record.path("action").asText() + " " + record.path("principal").asText());
        }
      }
    }
    return records;
  }

  @Test
  void aWrongAccountIdFailsClearlyAndLeavesNothing() throws Exception {
    List<String> before = traces();
    String name =
        create(
            "{\"Parameters\":{\"WorkspaceName\":\"wrong\","
                + "\"AccountId\":\"99999999-2222-3333-4444-555555555555\"}}");
    assertThat(end(name)).isEqualTo("ROLLBACK_COMPLETE");
    assertThat(
            list(get(STACKS + "/" + name + "/events"), "StackEvents")
                .filter(event -> event.path("ResourceStatus").asText().equals("CREATE_FAILED"))
                .map(event -> event.path("ResourceStatusReason").asText()))
        .isNotEmpty()
        .allMatch(
            reason ->
                reason.contains("99999999-2222-3333-4444-555555555555")
                    || reason.contains("account"));
    assertThat(traces()).isEqualTo(before);
  }

  @Test
  void aWorkspaceNameThatIsTakenRollsBack() throws Exception {
    List<String> before = traces();
    String name = create("{\"Parameters\":{\"WorkspaceName\":\"test\"}}");
    assertThat(end(name)).isEqualTo("ROLLBACK_COMPLETE");
    assertThat(traces()).isEqualTo(before);
    assertThat(server.account().workspaces().get(TestServer.WORKSPACE_ID).getWorkspaceStatus())
        .isEqualTo(WorkspaceStatus.RUNNING);
  }

  @Test
  void aStackGoesOnInTheNextServer() throws Exception {
    List<String> before = traces();
    String name =
        create("{\"StackName\":\"interrupted\",\"Parameters\":{\"WorkspaceName\":\"i\"}}");
    server.restart();
    assertThat(end(name)).isEqualTo("CREATE_COMPLETE");
    delete(name);
    assertThat(traces()).isEqualTo(before);
  }

  @Test
  void onlyAccountAdminsHandleStacks() throws Exception {
    for (String verb : List.of("POST", "GET")) {
      assertThat(server.send(null, verb, STACKS, body(verb)).statusCode()).isEqualTo(401);
      assertThat(server.send("bob", verb, STACKS, body(verb)).statusCode()).isEqualTo(403);
    }
    for (String path : List.of("/x", "/x/events", "/x/resources", "/x/outputs")) {
      assertThat(server.send("bob", "GET", STACKS + path, null).statusCode()).isEqualTo(403);
      assertThat(server.send("admin", "GET", STACKS + path, null).statusCode()).isEqualTo(404);
    }
    assertThat(server.send("bob", "DELETE", STACKS + "/x", null).statusCode()).isEqualTo(403);
  }

  @Test
  void whatIsWrongInARequestIsSaid() throws Exception {
    for (String body :
        List.of(
            "{",
            "[]",
            "{\"Parameters\":[]}",
            "{\"Parameters\":{\"WorkspaceName\":1}}",
            "{\"StackName\":\"a b\",\"Parameters\":{\"WorkspaceName\":\"x\"}}",
            "{\"TemplateName\":\"BOGUS\",\"Parameters\":{\"WorkspaceName\":\"x\"}}",
            "{}")) {
      assertThat(server.send("admin", "POST", STACKS, body).statusCode()).as(body).isEqualTo(400);
    }
    assertThat(
            server
                .send(null, "PUT", "/api/2.0/tarn/stack-answers/guess", "{\"Status\":\"SUCCESS\"}")
                .statusCode())
        .isEqualTo(403);
  }

  private static String body(String verb) {
    return verb.equals("POST") ? "{\"Parameters\":{\"WorkspaceName\":\"x\"}}" : null;
  }

  private static String create(String body) throws Exception {
    HttpResponse<String> response = server.send("admin", "POST", STACKS, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return Json.tree(response.body()).path("StackName").asText();
  }

  private static void delete(String name) throws Exception {
    assertThat(server.send("admin", "DELETE", STACKS + "/" + name, null).statusCode())
        .isEqualTo(200);
    assertThat(end(name)).isNull();
  }

  /** The status when nothing is in progress any more, null when the stack is gone. */
  private static String end(String name) throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    for (int tries = 0; tries < 2400; tries++) {
      HttpResponse<String> response = get(STACKS + "/" + name);
      if (response.statusCode() == 404) {
        return null;
      }
      String status = Json.tree(response.body()).path("StackStatus").asText();
      if (!status.endsWith("_IN_PROGRESS")) {
        return status;
      }
      never.await(50, TimeUnit.MILLISECONDS);
    }
    throw new AssertionError(get(STACKS + "/" + name + "/events").body());
  }

  private static Map<String, String> outputs(String name) throws Exception {
    return list(get(STACKS + "/" + name + "/outputs"), "Outputs")
        .collect(
            Collectors.toMap(
                output -> output.path("OutputKey").asText(),
                output -> output.path("OutputValue").asText()));
  }

  private static HttpResponse<String> get(String path) throws Exception {
    return server.send("admin", "GET", path, null);
  }

  private static Stream<JsonNode> list(HttpResponse<String> response, String field) {
    return StreamSupport.stream(Json.tree(response.body()).path(field).spliterator(), false);
  }

  /** All that a stack makes and that can be seen from outside. */
  private static List<String> traces() throws Exception {
    List<String> traces = new java.util.ArrayList<>();
    server.account().credentials().list().forEach(o -> traces.add(o.getCredentialsId()));
    server.account().storage().list().forEach(o -> traces.add(o.getStorageConfigurationId()));
    server.account().workspaces().list().forEach(o -> traces.add(o.getWorkspaceName()));
    try (Stream<Path> buckets = Files.list(server.config().storage())) {
      buckets.forEach(bucket -> traces.add(bucket.toString()));
    }
    traces.sort(null);
    return traces;
  }
}
