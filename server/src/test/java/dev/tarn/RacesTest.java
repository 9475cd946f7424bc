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
                    // Case does not make another name.
                    "{\"userName\":\"%s\"}".formatted(i % 2 == 0 ? "Zoe@x.test" : "zoe@X.test")));
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
        String code = Json.tree(answer.get().body()).path("error_code").asText();
        told.merge((answer.get().statusCode() + " " + code).strip(), 1, Integer::sum);
      }
    }
    return told;
  }
}
