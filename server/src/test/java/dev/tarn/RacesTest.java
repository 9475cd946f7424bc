package dev.tarn;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tarn.database.Json;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Twenty callers at once: what they are told is the same on SQLite and on PostgreSQL. */
class RacesTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final int CALLERS = 20;
  private static final String ACCOUNT = "/api/2.0/accounts/" + TestServer.ACCOUNT_ID;

  @Test
  void ofTwentyUsersOfOneNameOneIsMade() throws Exception {
    Map<String, Integer> told =
        race(
            i ->
                call(
                    "POST",
                    ACCOUNT + "/scim/v2/Users",
                    // Neither case nor how a letter is written makes another name.
                    "{\"userName\":\"%s\"}"
                        .formatted(
                            List.of("Zoë@x.test", "zoë@X.test", "zoe\u0308@x.test", "ZOË@x.test")
                                .get(i % 4))));
    assertThat(told).isEqualTo(Map.of("201", 1, "409", CALLERS - 1));
  }

  @Test
  void ofTwentyConfigurationsOfOneNameOneIsMade() throws Exception {
    assertThat(
            race(
                i ->
                    call(
                        "POST",
                        ACCOUNT + "/credentials",
                        """
                        {"credentials_name":"race","aws_credentials":{"sts_role":{"role_arn":"%s"}}}
                        """
                            .formatted(TestServer.ROLE_ARN))))
        .isEqualTo(Map.of("201", 1, "409 ALREADY_EXISTS", CALLERS - 1));
    assertThat(
            race(
                i ->
                    call(
                        "POST",
                        ACCOUNT + "/storage-configurations",
                        """
                        {"storage_configuration_name":"race","root_bucket_info":{"bucket_name":"%s"}}
                        """
                            .formatted(TestServer.ROOT_BUCKET))))
        .isEqualTo(Map.of("201", 1, "409 ALREADY_EXISTS", CALLERS - 1));
  }

  @Test
  void ofTwentyClusterPoliciesOfOneNameOneIsMadeAndOfTwentyThatTakeItOneDoes() throws Exception {
    String policies = "/api/2.0/policies/clusters/";
    assertThat(
            race(
                i ->
                    call("POST", policies + "create", "{\"name\":\"race\",\"definition\":\"{}\"}")))
        .isEqualTo(Map.of("200", 1, "409 RESOURCE_ALREADY_EXISTS", CALLERS - 1));
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      ids.add(
          Json.tree(
                  server
                      .send(
                          "admin",
                          "POST",
                          policies + "create",
                          "{\"name\":\"race %d\",\"definition\":\"{}\"}".formatted(i))
                      .body())
              .path("policy_id")
              .asText());
    }
    assertThat(
            race(
                i ->
                    call(
                        "POST",
                        policies + "edit",
                        "{\"policy_id\":\"%s\",\"name\":\"taken\",\"definition\":\"{}\"}"
                            .formatted(ids.get(i)))))
        .isEqualTo(Map.of("200", 1, "409 RESOURCE_ALREADY_EXISTS", CALLERS - 1));
    assertThat(
            race(
                i ->
                    call(
                        "POST",
                        policies + "delete",
                        "{\"policy_id\":\"%s\"}".formatted(ids.get(0)))))
        .isEqualTo(Map.of("200", 1, "404 RESOURCE_DOES_NOT_EXIST", CALLERS - 1));
  }

  @Test
  void twentyAssignmentsOfOnePersonAreOne() throws Exception {
    String id =
        Json.tree(
                server
                    .send(
                        "admin",
                        "POST",
                        ACCOUNT + "/scim/v2/Users",
                        "{\"userName\":\"often@x.test\"}")
                    .body())
            .path("id")
            .asText();
    String path =
        ACCOUNT
            + "/workspaces/"
            + TestServer.WORKSPACE_ID
            + "/permissionassignments/principals/"
            + id;
    assertThat(
            race(
                i ->
                    call(
                        "PUT",
                        path,
                        "{\"permissions\":[\"%s\"]}".formatted(i % 2 == 0 ? "USER" : "ADMIN"))))
        .isEqualTo(Map.of("200", CALLERS));
    JsonNode all =
        Json.tree(
            server
                .send(
                    "admin",
                    "GET",
                    ACCOUNT + "/workspaces/" + TestServer.WORKSPACE_ID + "/permissionassignments",
                    null)
                .body());
    assertThat(all.path("permission_assignments"))
        .filteredOn(one -> one.path("principal").path("principal_id").asText().equals(id))
        .hasSize(1);
  }

  @Test
  void whatIsPutToUseWhileItIsDeletedIsEitherInUseOrGone() throws Exception {
    for (int round = 0; round < 3; round++) {
      String credentials =
          Json.tree(
                  server
                      .send(
                          "admin",
                          "POST",
                          ACCOUNT + "/credentials",
                          """
                          {"credentials_name":"used-%d","aws_credentials":{"sts_role":{"role_arn":"%s"}}}
                          """
                              .formatted(round, TestServer.ROLE_ARN))
                      .body())
              .path("credentials_id")
              .asText();
      int now = round;
      Map<String, Integer> told =
          race(
              i ->
                  i % 2 == 0
                      ? call("DELETE", ACCOUNT + "/credentials/" + credentials, null)
                      : call(
                          "POST",
                          ACCOUNT + "/workspaces",
                          """
                          {"workspace_name":"used-%d-%d","aws_region":"us-east-1",
                           "credentials_id":"%s","storage_configuration_id":"test"}
                          """
                              .formatted(now, i, credentials)));
      boolean made = told.containsKey("201");
      boolean deleted = told.containsKey("200");
      assertThat(made).as(told.toString()).isNotEqualTo(deleted);
    }
  }

  @Test
  void twentyThatRemoveTheAdministratorsLeaveOne() throws Exception {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      ids.add(
          Json.tree(
                  server
                      .send(
                          "admin",
                          "POST",
                          ACCOUNT + "/scim/v2/Users",
                          "{\"userName\":\"chief%d@x.test\",\"roles\":[{\"value\":\"account_admin\"}]}"
                              .formatted(i))
                      .body())
              .path("id")
              .asText());
    }
    String me =
        Json.tree(
                server
                    .send(
                        "admin",
                        "GET",
                        ACCOUNT + "/scim/v2/Users?filter=userName%20eq%20%22admin@tarn.local%22",
                        null)
                    .body())
            .path("Resources")
            .path(0)
            .path("id")
            .asText();
    String taken =
        """
        {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
         "Operations":[{"op":"remove","path":"roles[value eq \\"account_admin\\"]"}]}
        """;
    Map<String, Integer> told =
        race(i -> call("PATCH", ACCOUNT + "/scim/v2/Users/" + ids.get(i), taken));
    assertThat(told).isEqualTo(Map.of("200", CALLERS));
    assertThat(race(i -> call("PATCH", ACCOUNT + "/scim/v2/Users/" + me, taken)))
        .doesNotContainKey("200");
  }

  @Test
  void ofTwentyGroupsOfOneNameOneIsMade() throws Exception {
    assertThat(
            race(
                i ->
                    call(
                        "POST",
                        ACCOUNT + "/scim/v2/Groups",
                        "{\"displayName\":\"%s\"}".formatted(i % 2 == 0 ? "Data" : "Data "))))
        .isEqualTo(Map.of("201", 1, "409", CALLERS - 1));
  }

  @Test
  void whoIsAddedAndTakenOutAtOnceIsAMemberOnceOrNot() throws Exception {
    String user = made("Users", "{\"userName\":\"in-and-out@x.test\"}");
    String group = made("Groups", "{\"displayName\":\"in and out\"}");
    String add = operation("add", "members", "[{\"value\":\"" + user + "\"}]");
    String remove = operation("remove", "members[value eq \\\"" + user + "\\\"]", "null");
    assertThat(
            race(
                i ->
                    call("PATCH", ACCOUNT + "/scim/v2/Groups/" + group, i % 2 == 0 ? add : remove)))
        .isEqualTo(Map.of("204", CALLERS));
    assertThat(read("/scim/v2/Groups/" + group).path("members").size()).isLessThan(2);
    server.send("admin", "PATCH", ACCOUNT + "/scim/v2/Groups/" + group, add);
    assertThat(race(i -> call("DELETE", ACCOUNT + "/scim/v2/Users/" + user, null)))
        .isEqualTo(Map.of("204", 1, "404", CALLERS - 1));
    assertThat(read("/scim/v2/Groups/" + group).path("members")).isEmpty();
  }

  @Test
  void ofTwoGroupsThatEachTakeTheOtherOneDoes() throws Exception {
    String one = made("Groups", "{\"displayName\":\"one side\"}");
    String other = made("Groups", "{\"displayName\":\"other side\"}");
    Map<String, Integer> told =
        race(
            i ->
                call(
                    "PATCH",
                    ACCOUNT + "/scim/v2/Groups/" + (i % 2 == 0 ? one : other),
                    operation(
                        "add", "members", "[{\"value\":\"" + (i % 2 == 0 ? other : one) + "\"}]")));
    assertThat(told).isEqualTo(Map.of("204", CALLERS / 2, "400", CALLERS / 2));
  }

  @Test
  void ofTwentySecretsOfAMachineTwoAreMade() throws Exception {
    String machine = made("ServicePrincipals", "{\"displayName\":\"machine\"}");
    String secrets = ACCOUNT + "/servicePrincipals/" + machine + "/credentials/secrets";
    assertThat(race(i -> call("POST", secrets, "{}")))
        .isEqualTo(Map.of("200", 2, "400 QUOTA_EXCEEDED", CALLERS - 2));
    String secret =
        read("/servicePrincipals/" + machine + "/credentials/secrets").at("/secrets/0/id").asText();
    assertThat(race(i -> call("DELETE", secrets + "/" + secret, null)))
        .isEqualTo(Map.of("200", 1, "404 RESOURCE_DOES_NOT_EXIST", CALLERS - 1));
  }

  @Test
  void whoIsGivenAWorkspaceAndRemovedAtOnceHasItNot() throws Exception {
    for (String kind :
        List.of("Users {\"userName\":\"going@x.test\"}", "Groups {\"displayName\":\"going\"}")) {
      String[] words = kind.split(" ", 2);
      String id = made(words[0], words[1]);
      String assignments = "/workspaces/" + TestServer.WORKSPACE_ID + "/permissionassignments";
      Map<String, Integer> told =
          race(
              i ->
                  i % 2 == 0
                      ? call("DELETE", ACCOUNT + "/scim/v2/" + words[0] + "/" + id, null)
                      : call(
                          "PUT",
                          ACCOUNT + assignments + "/principals/" + id,
                          "{\"permissions\":[\"USER\"]}"));
      assertThat(told).containsEntry("204", 1).containsEntry("404", CALLERS / 2 - 1);
      assertThat(told.getOrDefault("200", 0) + told.getOrDefault("404 RESOURCE_DOES_NOT_EXIST", 0))
          .as(told.toString())
          .isEqualTo(CALLERS / 2);
      assertThat(read(assignments).path("permission_assignments"))
          .noneMatch(one -> one.path("principal").path("principal_id").asText().equals(id));
    }
  }

  @Test
  void ofTwentyWhoDeleteAnObjectOneDoes() throws Exception {
    Map<String, String[]> kinds =
        Map.of(
            "/credentials",
            new String[] {
              "credentials_id",
              "{\"credentials_name\":\"d\",\"aws_credentials\":{\"sts_role\":{\"role_arn\":\"%s\"}}}"
                  .formatted(TestServer.ROLE_ARN)
            },
            "/storage-configurations",
            new String[] {
              "storage_configuration_id",
              "{\"storage_configuration_name\":\"d\",\"root_bucket_info\":{\"bucket_name\":\"%s\"}}"
                  .formatted(TestServer.ROOT_BUCKET)
            },
            "/vpc-endpoints",
            new String[] {"vpc_endpoint_id", ENDPOINT.formatted("d", "ef9")},
            "/networks",
            new String[] {"network_id", NETWORK.formatted("deleted", "000", "")},
            "/private-access-settings",
            new String[] {
              "private_access_settings_id",
              "{\"private_access_settings_name\":\"deleted\",\"region\":\"us-east-1\"}"
            },
            "/customer-managed-keys",
            new String[] {
              "customer_managed_key_id",
              """
              {"use_cases":["STORAGE"],"aws_key_info":{"key_arn":"arn:aws:kms:us-east-1:123456789012:key/deleted"}}
              """
            },
            "/oauth2/custom-app-integrations",
            new String[] {
              "integration_id", "{\"name\":\"d\",\"redirect_urls\":[\"https://x.test/\"]}"
            },
            "/scim/v2/ServicePrincipals",
            new String[] {"id", "{\"displayName\":\"d\"}"});
    for (Map.Entry<String, String[]> kind : kinds.entrySet()) {
      String path =
          kind.getKey() + "/" + made(kind.getKey(), kind.getValue()[0], kind.getValue()[1]);
      Map<String, Integer> told = race(i -> call("DELETE", ACCOUNT + path, null));
      int done = told.getOrDefault("200", 0) + told.getOrDefault("204", 0);
      int gone = told.getOrDefault("404 RESOURCE_DOES_NOT_EXIST", 0) + told.getOrDefault("404", 0);
      assertThat(List.of(done, gone)).as(path + " " + told).containsExactly(1, CALLERS - 1);
      assertThat(server.send("admin", "GET", ACCOUNT + path, null).statusCode()).isEqualTo(404);
    }
  }

  @Test
  void anEndpointIsEitherDeletedOrUsed() throws Exception {
    String relay = made("/vpc-endpoints", "vpc_endpoint_id", ENDPOINT.formatted("relay", "ef8"));
    for (int round = 0; round < 2; round++) {
      String endpoint =
          made(
              "/vpc-endpoints",
              "vpc_endpoint_id",
              ENDPOINT.formatted("used" + round, "ef" + round));
      int now = round;
      Map<String, Integer> told =
          race(
              i ->
                  i % 2 == 0
                      ? call("DELETE", ACCOUNT + "/vpc-endpoints/" + endpoint, null)
                      : i % 4 == 1
                          ? call(
                              "POST",
                              ACCOUNT + "/networks",
                              NETWORK.formatted(
                                  "user" + now + i,
                                  "%d%02d".formatted(now + 1, i),
                                  ",\"vpc_endpoints\":{\"rest_api\":[\"%s\"],\"dataplane_relay\":[\"%s\"]}"
                                      .formatted(endpoint, relay)))
                          : call(
                              "POST",
                              ACCOUNT + "/private-access-settings",
                              """
                              {"private_access_settings_name":"user%d%d","region":"us-east-1",
                               "private_access_level":"ENDPOINT","allowed_vpc_endpoint_ids":["%s"]}
                              """
                                  .formatted(now, i, endpoint)));
      assertThat(told.containsKey("201")).as(told.toString()).isNotEqualTo(told.containsKey("200"));
      assertThat(
              server
                  .send("admin", "GET", ACCOUNT + "/vpc-endpoints/" + endpoint, null)
                  .statusCode())
          .isEqualTo(told.containsKey("201") ? 200 : 404);
    }
  }

  @Test
  void ofTwentyBudgetsChangedAndDeletedAtOnceNoneIsLeft() throws Exception {
    String budgets = "/api/2.1/accounts/" + TestServer.ACCOUNT_ID + "/budgets";
    String id =
        Json.tree(
                server
                    .send("admin", "POST", budgets, "{\"budget\":{\"display_name\":\"b\"}}")
                    .body())
            .at("/budget/budget_configuration_id")
            .asText();
    Map<String, Integer> told =
        race(
            i ->
                i % 2 == 0
                    ? call("DELETE", budgets + "/" + id, null)
                    : call(
                        "PUT",
                        budgets + "/" + id,
                        "{\"budget\":{\"display_name\":\"c%d\"}}".formatted(i)));
    assertThat(told.get("200") + told.get("404 RESOURCE_DOES_NOT_EXIST")).isEqualTo(CALLERS);
    assertThat(told.get("200")).isLessThanOrEqualTo(1 + CALLERS / 2);
    assertThat(server.send("admin", "GET", budgets + "/" + id, null).statusCode()).isEqualTo(404);
  }

  @Test
  void ofFourLogDeliveriesThatTwentyEnableTwoAre() throws Exception {
    List<String> ids = new ArrayList<>();
    String storage =
        made(
            "/storage-configurations",
            "storage_configuration_id",
            "{\"storage_configuration_name\":\"logs\",\"root_bucket_info\":{\"bucket_name\":\"%s\"}}"
                .formatted(TestServer.ROOT_BUCKET));
    for (int i = 0; i < 4; i++) {
      ids.add(
          Json.tree(
                  server
                      .send(
                          "admin",
                          "POST",
                          ACCOUNT + "/log-delivery",
                          """
                          {"log_delivery_configuration":{"log_type":"AUDIT_LOGS","output_format":"JSON",
                           "credentials_id":"test","storage_configuration_id":"%s","status":"DISABLED",
                           "delivery_path_prefix":"race%d"}}
                          """
                              .formatted(storage, i))
                      .body())
              .at("/log_delivery_configuration/config_id")
              .asText());
    }
    Map<String, Integer> told =
        race(
            i ->
                call(
                    "PATCH",
                    ACCOUNT + "/log-delivery/" + ids.get(i % 4),
                    "{\"status\":\"ENABLED\"}"));
    assertThat(told).isEqualTo(Map.of("200", CALLERS / 2, "409 RESOURCE_CONFLICT", CALLERS / 2));
    assertThat(read("/log-delivery?status=ENABLED").path("log_delivery_configurations")).hasSize(2);
    assertThat(
            server
                .send("admin", "DELETE", ACCOUNT + "/storage-configurations/" + storage, null)
                .statusCode())
        .isEqualTo(409);
  }

  @Test
  void ofTwentyRuleSetsByOneEtagOneIsWritten() throws Exception {
    String machine = "33333333-3333-3333-3333-333333333333";
    made("ServicePrincipals", "{\"applicationId\":\"" + machine + "\"}");
    String name =
        "accounts/" + TestServer.ACCOUNT_ID + "/servicePrincipals/" + machine + "/ruleSets/default";
    String path =
        "/api/2.0/preview/accounts/" + TestServer.ACCOUNT_ID + "/access-control/rule-sets";
    String etag =
        Json.tree(server.send("admin", "GET", path + "?etag=&name=" + name, null).body())
            .path("etag")
            .asText();
    assertThat(
            race(
                i ->
                    call(
                        "PUT",
                        path,
                        "{\"name\":\"%s\",\"rule_set\":{\"name\":\"%s\",\"etag\":\"%s\",\"grant_rules\":[{\"role\":\"roles/servicePrincipal.user\",\"principals\":[\"users/admin@tarn.local\"]}]}}"
                            .formatted(name, name, etag))))
        .isEqualTo(Map.of("200", 1, "409 RESOURCE_CONFLICT", CALLERS - 1));
  }

  private static final String ENDPOINT =
      "{\"vpc_endpoint_name\":\"%s\",\"region\":\"us-east-1\",\"aws_vpc_endpoint_id\":\"vpce-0123456789abcd%s\"}";
  private static final String NETWORK =
      """
      {"network_name":"%1$s","vpc_id":"vpc-0123456789abcdef0"%3$s,
       "subnet_ids":["subnet-0000000000000a%2$s","subnet-0000000000000b%2$s"],
       "security_group_ids":["sg-0000000000000000%2$s"]}
      """;

  private static String operation(String op, String path, String value) {
    return """
    {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
     "Operations":[{"op":"%s","path":"%s","value":%s}]}
    """
        .formatted(op, path, value);
  }

  private static String made(String kind, String body) throws Exception {
    return made("/scim/v2/" + kind, "id", body);
  }

  private static String made(String path, String field, String body) throws Exception {
    HttpResponse<String> answer = server.send("admin", "POST", ACCOUNT + path, body);
    assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 201);
    return Json.tree(answer.body()).path(field).asText();
  }

  private static JsonNode read(String path) throws Exception {
    return Json.tree(server.send("admin", "GET", ACCOUNT + path, null).body());
  }

  private static Callable<HttpResponse<String>> call(String verb, String path, String body) {
    return () -> server.send("admin", verb, path, body);
  }

  /** How many were told what: the status, and the error code where there is one. */
  private static Map<String, Integer> race(IntFunction<Callable<HttpResponse<String>>> callers)
      throws Exception {
    CyclicBarrier start = new CyclicBarrier(CALLERS);
    Map<String, Integer> told = new TreeMap<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<HttpResponse<String>>> answers = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        Callable<HttpResponse<String>> caller = callers.apply(i);
        answers.add(
            threads.submit(
                () -> {
                  start.await();
                  return caller.call();
                }));
      }
      for (Future<HttpResponse<String>> answer : answers) {
        String body = answer.get().body();
        String code = body.isEmpty() ? "" : Json.tree(body).path("error_code").asText();
        told.merge((answer.get().statusCode() + " " + code).strip(), 1, Integer::sum);
      }
    }
    return told;
  }
}
