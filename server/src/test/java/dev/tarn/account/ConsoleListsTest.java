package dev.tarn.account;

import static org.assertj.core.api.Assertions.assertThat;

import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.CreateAccountGroupRequest;
import com.databricks.sdk.service.iam.MeRequest;
import com.databricks.sdk.service.provisioning.CreateVpcEndpointRequest;
import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Lists that the console asks for page by page, because the public API answers them whole. */
class ConsoleListsTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final String ACCOUNT = "/api/2.0/accounts/" + TestServer.ACCOUNT_ID;

  @Test
  void aListOfTheAccountIsCutAndSearchedByTheServer() throws Exception {
    List<String> made = List.of("b_1", "B-2", "a%1", "c 1", "b 3");
    for (String name : made) {
      server
          .account("admin")
          .vpcEndpoints()
          .create(
              new CreateVpcEndpointRequest()
                  .setVpcEndpointName(name)
                  .setAwsVpcEndpointId("vpce-0123456789abcdef" + made.indexOf(name))
                  .setRegion("us-east-1"));
    }
    String list = ACCOUNT + "/tarn/lists/vpc-endpoints";
    JsonNode first = page(list + "?start_index=1&count=2");
    assertThat(first.get("total").asLong()).isEqualTo(5);
    assertThat(names(first, "vpc_endpoint_name")).hasSize(2);
    List<String> all = new ArrayList<>(names(first, "vpc_endpoint_name"));
    all.addAll(names(page(list + "?start_index=3&count=2"), "vpc_endpoint_name"));
    all.addAll(names(page(list + "?start_index=5&count=2"), "vpc_endpoint_name"));
    assertThat(all).containsExactlyInAnyOrder("a%1", "b_1", "B-2", "b 3", "c 1");
    assertThat(names(page(list + "?start_index=6&count=2"), "vpc_endpoint_name")).isEmpty();
    assertThat(names(page(list + "?filter=B"), "vpc_endpoint_name"))
        .containsExactlyInAnyOrder("b_1", "B-2", "b 3");
    assertThat(names(page(list + "?filter=%25"), "vpc_endpoint_name")).containsExactly("a%1");
    assertThat(names(page(list + "?filter=_"), "vpc_endpoint_name")).containsExactly("b_1");
  }

  @Test
  void everyListOfTheAccountAnswersAPage() throws Exception {
    for (String list :
        List.of(
            "workspaces",
            "credentials",
            "storage-configurations",
            "networks",
            "vpc-endpoints",
            "private-access-settings",
            "customer-managed-keys")) {
      JsonNode page = page(ACCOUNT + "/tarn/lists/" + list + "?count=1");
      assertThat(page.get("rows").size()).as(list).isLessThanOrEqualTo(1);
      assertThat(page.has("total")).as(list).isTrue();
    }
    assertThat(page(ACCOUNT + "/tarn/lists/workspaces").at("/rows/0/workspace_name").asText())
        .isEqualTo("test");
    assertThat(page(ACCOUNT + "/stacks?count=1&filter=TES").at("/Stacks/0/StackName").asText())
        .isEqualTo("test");
    assertThat(page(ACCOUNT + "/stacks").get("Total").asLong()).isEqualTo(1);
  }

  @Test
  void membersAndAssignmentsComeInPages() throws Exception {
    List<ComplexValue> three = new ArrayList<>();
    for (String name : List.of("ann", "bob", "cem")) {
      three.add(
          new ComplexValue().setValue(server.as(name).currentUser().me(new MeRequest()).getId()));
    }
    String group =
        server
            .account("admin")
            .groupsV2()
            .create(new CreateAccountGroupRequest().setDisplayName("data-team").setMembers(three))
            .getId();
    String members = ACCOUNT + "/tarn/groups/" + group + "/members";
    assertThat(names(page(members + "?count=2"), "user_name"))
        .containsExactly("ann@example.com", "bob@example.com");
    assertThat(names(page(members + "?start_index=3&count=2"), "user_name"))
        .containsExactly("cem@example.com");
    assertThat(page(members + "?filter=BOB").get("total").asLong()).isEqualTo(1);
    String assigned = ACCOUNT + "/tarn/workspaces/" + TestServer.WORKSPACE_ID + "/assignments";
    assertThat(page(assigned + "?filter=cem@").at("/rows/0/principal/user_name").asText())
        .isEqualTo("cem@example.com");
    assertThat(page(assigned).get("total").asLong()).isGreaterThanOrEqualTo(4);
    assertThat(send("admin", ACCOUNT + "/tarn/groups/1/members").statusCode()).isEqualTo(404);
    assertThat(send("admin", ACCOUNT + "/tarn/workspaces/1/assignments").statusCode())
        .isEqualTo(404);
  }

  @Test
  void whatCannotBeAPageIsRefusedAndWhoMayNotSeeTheAccountSeesNone() throws Exception {
    for (String bad : List.of("?count=0", "?start_index=0", "?count=-1", "?count=x")) {
      HttpResponse<String> answer = send("admin", ACCOUNT + "/tarn/lists/networks" + bad);
      assertThat(answer.statusCode()).as(bad).isEqualTo(400);
      assertThat(answer.body()).contains("expected");
    }
    assertThat(send("admin", ACCOUNT + "/tarn/lists/people").body())
        .contains("people", "credentials");
    assertThat(send("alice", ACCOUNT + "/tarn/lists/workspaces").statusCode()).isEqualTo(403);
    assertThat(send(null, ACCOUNT + "/tarn/lists/workspaces").statusCode()).isEqualTo(401);
  }

  private static HttpResponse<String> send(String who, String path) throws Exception {
    return server.send(who, "GET", path, null);
  }

  private static JsonNode page(String path) throws Exception {
    HttpResponse<String> answer = send("admin", path);
    assertThat(answer.statusCode()).as(path + answer.body()).isEqualTo(200);
    return Json.MAPPER.readTree(answer.body());
  }

  private static List<String> names(JsonNode page, String field) {
    return page.get("rows").findValuesAsText(field);
  }
}
