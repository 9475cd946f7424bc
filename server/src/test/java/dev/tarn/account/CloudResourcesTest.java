package dev.tarn.account;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.AccountClient;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.provisioning.CreateAwsKeyInfo;
import com.databricks.sdk.service.provisioning.CreateCustomerManagedKeyRequest;
import com.databricks.sdk.service.provisioning.CreateNetworkRequest;
import com.databricks.sdk.service.provisioning.CreatePrivateAccessSettingsRequest;
import com.databricks.sdk.service.provisioning.CreateVpcEndpointRequest;
import com.databricks.sdk.service.provisioning.CreateWorkspaceRequest;
import com.databricks.sdk.service.provisioning.CustomerManagedKey;
import com.databricks.sdk.service.provisioning.EndpointUseCase;
import com.databricks.sdk.service.provisioning.KeyUseCase;
import com.databricks.sdk.service.provisioning.Network;
import com.databricks.sdk.service.provisioning.PrivateAccessLevel;
import com.databricks.sdk.service.provisioning.PrivateAccessSettings;
import com.databricks.sdk.service.provisioning.ReplacePrivateAccessSettingsRequest;
import com.databricks.sdk.service.provisioning.UpdateWorkspaceRequest;
import com.databricks.sdk.service.provisioning.VpcEndpoint;
import com.databricks.sdk.service.provisioning.VpcStatus;
import com.databricks.sdk.service.provisioning.Workspace;
import com.databricks.sdk.service.provisioning.WorkspaceStatus;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Networks, endpoints, private access, keys, and the workspaces that refer to them; asked for as
 * Terraform asks: create, read, read again, update, delete, read.
 */
class CloudResourcesTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final String PATH = "/api/2.0/accounts/" + TestServer.ACCOUNT_ID;
  private static final String KEY = "arn:aws:kms:us-east-1:123456789012:key/";
  private static final AtomicInteger NEXT = new AtomicInteger(0x1000);

  private static String id(String kind) {
    return kind + "-0%016x".formatted(NEXT.incrementAndGet());
  }

  private static JsonNode json(String verb, String path, String body, int status) throws Exception {
    HttpResponse<String> answer =
        server.send("admin", verb, PATH + path, body == null ? null : body.replace('\'', '"'));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    return Json.tree(answer.body());
  }

  /** Creates, and reads twice; everything sent is in the answers, which are the same. */
  private static JsonNode made(String collection, String key, String body) throws Exception {
    JsonNode created = json("POST", collection, body, 201);
    String path = collection + "/" + created.path(key).asText();
    JsonNode first = json("GET", path, null, 200);
    assertThat(first).isEqualTo(created);
    assertThat(json("GET", path, null, 200)).isEqualTo(first);
    ObjectNode sent = (ObjectNode) Json.tree(body.replace('\'', '"'));
    sent.fieldNames()
        .forEachRemaining(
            field -> {
              if (!sent.get(field).isObject()) {
                assertThat(first.get(field)).as(field).isEqualTo(sent.get(field));
              } else {
                sent.get(field)
                    .fieldNames()
                    .forEachRemaining(
                        inner ->
                            assertThat(first.at("/" + field + "/" + inner))
                                .isEqualTo(sent.at("/" + field + "/" + inner)));
              }
            });
    assertThat(json("GET", collection, null, 200)).contains(first);
    return first;
  }

  private static void gone(String collection, String id) throws Exception {
    json("DELETE", collection + "/" + id, null, 200);
    assertThat(json("GET", collection + "/" + id, null, 404).path("error_code").asText())
        .isEqualTo("RESOURCE_DOES_NOT_EXIST");
    json("DELETE", collection + "/" + id, null, 404);
  }

  private static String networkBody(String name) {
    return "{'network_name':'%s','vpc_id':'%s','subnet_ids':['%s','%s'],'security_group_ids':['%s']}"
        .formatted(name, id("vpc"), id("subnet"), id("subnet"), id("sg"));
  }

  private static String network(String name) throws Exception {
    return made("/networks", "network_id", networkBody(name)).path("network_id").asText();
  }

  private static String endpoint(String name, String region) throws Exception {
    return made(
            "/vpc-endpoints",
            "vpc_endpoint_id",
            "{'vpc_endpoint_name':'%s','aws_vpc_endpoint_id':'%s','region':'%s'}"
                .formatted(name, id("vpce"), region))
        .path("vpc_endpoint_id")
        .asText();
  }

  private static CreateWorkspaceRequest workspace(String name) {
    return new CreateWorkspaceRequest()
        .setWorkspaceName(name)
        .setAwsRegion("us-east-1")
        .setCredentialsId("test")
        .setStorageConfigurationId("test");
  }

  private static void deleted(long workspace) throws Exception {
    server.account().workspaces().delete(workspace);
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (server.send("admin", "GET", PATH + "/workspaces/" + workspace, null).statusCode()
        != 404) {
      assertThat(System.nanoTime()).isLessThan(until);
    }
  }

  @Test
  void everyObjectIsReadBackAsItWasWritten() throws Exception {
    String network = network("a network");
    JsonNode shown = json("GET", "/networks/" + network, null, 200);
    assertThat(shown.path("vpc_status").asText()).isEqualTo("UNATTACHED");
    assertThat(shown.has("workspace_id")).isFalse();
    assertThat(shown.path("warning_messages").findValuesAsText("warning_message"))
        .allMatch(warning -> warning.startsWith("Recorded, not enforced"));
    gone("/networks", network);

    String rest = endpoint("rest", "us-east-1");
    String relay = endpoint("relay", "us-east-1");
    assertThat(json("GET", "/vpc-endpoints/" + rest, null, 200).path("state").asText())
        .isEqualTo("available");
    JsonNode linked =
        made(
            "/networks",
            "network_id",
            networkBody("linked")
                .replace(
                    "}",
                    ",'vpc_endpoints':{'rest_api':['"
                        + rest
                        + "'],'dataplane_relay':['"
                        + relay
                        + "']}}"));
    assertThat(server.account().vpcEndpoints().get(rest).getUseCase())
        .isEqualTo(EndpointUseCase.WORKSPACE_ACCESS);
    assertThat(server.account().vpcEndpoints().get(relay).getUseCase())
        .isEqualTo(EndpointUseCase.DATAPLANE_RELAY_ACCESS);
    json("DELETE", "/vpc-endpoints/" + relay, null, 409);

    JsonNode access =
        made(
            "/private-access-settings",
            "private_access_settings_id",
            "{'private_access_settings_name':'pas1','region':'us-east-1'}");
    assertThat(access.path("public_access_enabled").asBoolean(true)).isFalse();
    assertThat(access.path("private_access_level").asText()).isEqualTo("ACCOUNT");
    String accessId = access.path("private_access_settings_id").asText();
    JsonNode replaced =
        json(
            "PUT",
            "/private-access-settings/" + accessId,
            "{'private_access_settings_name':'pas2','region':'us-east-1','public_access_enabled':true,'private_access_level':'ENDPOINT','allowed_vpc_endpoint_ids':['"
                + rest
                + "']}",
            200);
    assertThat(json("GET", "/private-access-settings/" + accessId, null, 200)).isEqualTo(replaced);
    assertThat(replaced.path("allowed_vpc_endpoint_ids").get(0).asText()).isEqualTo(rest);
    gone("/networks", linked.path("network_id").asText());
    json("DELETE", "/vpc-endpoints/" + rest, null, 409);
    gone("/private-access-settings", accessId);
    gone("/vpc-endpoints", rest);
    gone("/vpc-endpoints", relay);

    JsonNode key =
        made(
            "/customer-managed-keys",
            "customer_managed_key_id",
            "{'use_cases':['STORAGE','MANAGED_SERVICES'],'aws_key_info':{'key_arn':'"
                + KEY
                + "a-1','key_alias':'alias/x','reuse_key_for_cluster_volumes':false}}");
    assertThat(key.at("/aws_key_info/key_region").asText()).isEqualTo("us-east-1");
    gone("/customer-managed-keys", key.path("customer_managed_key_id").asText());
    JsonNode bare =
        made(
            "/customer-managed-keys",
            "customer_managed_key_id",
            "{'use_cases':['STORAGE'],'aws_key_info':{'key_arn':'" + KEY + "a-2'}}");
    assertThat(bare.path("aws_key_info").has("reuse_key_for_cluster_volumes")).isFalse();
  }

  @Test
  void whatCannotBeIsRefusedWithTheReason() throws Exception {
    String subnet = id("subnet");
    String group = id("sg");
    json(
        "POST",
        "/networks",
        "{'network_name':'taken','vpc_id':'vpc-12345678','subnet_ids':['%s','%s'],'security_group_ids':['%s']}"
            .formatted(subnet, id("subnet"), group),
        201);
    Map<String, String> bad =
        Map.ofEntries(
            Map.entry(networkBody("abc"), "network_name: 'abc' (expected: 4 to 256"),
            Map.entry(networkBody("x".repeat(257)), "expected: 4 to 256"),
            Map.entry(networkBody("taken"), "network_name: 'taken' already exists"),
            Map.entry(networkBody("vpc-").replaceAll("vpc-0", "vpx-0"), "vpc_id: 'vpx-"),
            Map.entry(
                networkBody("one subnet").replaceFirst("'(subnet-\\w+)',", ""),
                "subnet_ids: '1 ids' (expected: 2 to"),
            Map.entry(
                networkBody("no groups").replaceAll("\\['sg[^]]*]", "[]"),
                "security_group_ids: '0 ids' (expected: 1 to 5"),
            Map.entry(
                networkBody("twice a subnet")
                    .replaceAll("\\['subnet[^]]*]", "['subnet-12345678','subnet-12345678']"),
                "each id once"),
            Map.entry(
                networkBody("reused subnet").replaceFirst("'subnet-\\w+'", "'" + subnet + "'"),
                subnet + " belongs to another network"),
            Map.entry(
                networkBody("reused group").replaceFirst("'sg-\\w+'", "'" + group + "'"),
                group + " belongs to another network"),
            Map.entry(
                networkBody("no endpoint")
                    .replace("}", ",'vpc_endpoints':{'rest_api':['x'],'dataplane_relay':['y']}}"),
                "registered with this account"),
            Map.entry(
                networkBody("half endpoint").replace("}", ",'vpc_endpoints':{'rest_api':['x']}}"),
                "vpc_endpoints.dataplane_relay: '0 ids'"));
    for (Map.Entry<String, String> one : bad.entrySet()) {
      HttpResponse<String> answer =
          server.send("admin", "POST", PATH + "/networks", one.getKey().replace('\'', '"'));
      assertThat(answer.statusCode()).as(one.getKey()).isIn(400, 409);
      assertThat(Json.tree(answer.body()).path("message").asText()).contains(one.getValue());
    }
    for (String body :
        List.of(
            "{'use_cases':[],'aws_key_info':{'key_arn':'" + KEY + "1'}}",
            "{'use_cases':['STORAGE','STORAGE'],'aws_key_info':{'key_arn':'" + KEY + "1'}}",
            "{'use_cases':['STORAGE'],'aws_key_info':{'key_arn':'arn:aws:s3:::x'}}",
            "{'use_cases':['STORAGE'],'aws_key_info':{'key_arn':'" + KEY + "1','key_alias':'x'}}",
            "{'use_cases':['MANAGED_SERVICES'],'aws_key_info':{'key_arn':'"
                + KEY
                + "1','reuse_key_for_cluster_volumes':true}}")) {
      json("POST", "/customer-managed-keys", body, 400);
    }
    json(
        "POST",
        "/vpc-endpoints",
        "{'vpc_endpoint_name':'e','aws_vpc_endpoint_id':'vpc-1','region':'us-east-1'}",
        400);
    json(
        "POST",
        "/private-access-settings",
        "{'private_access_settings_name':'pasx','region':'us-east-1','allowed_vpc_endpoint_ids':['nope']}",
        400);
  }

  @Test
  void whatAWorkspaceRefersToIsInUseAndMovesWhileItRuns() throws Exception {
    AccountClient account = server.account();
    String first = network("first network");
    String second = network("second network");
    String elsewhere =
        made(
                "/private-access-settings",
                "private_access_settings_id",
                "{'private_access_settings_name':'elsewhere','region':'eu-west-1'}")
            .path("private_access_settings_id")
            .asText();
    String access =
        made(
                "/private-access-settings",
                "private_access_settings_id",
                "{'private_access_settings_name':'here','region':'us-east-1'}")
            .path("private_access_settings_id")
            .asText();
    CustomerManagedKey key =
        Json.MAPPER.treeToValue(
            json(
                "POST",
                "/customer-managed-keys",
                "{'use_cases':['MANAGED_SERVICES'],'aws_key_info':{'key_arn':'" + KEY + "9'}}",
                201),
            CustomerManagedKey.class);
    assertThat(key.getUseCases()).containsExactly(KeyUseCase.MANAGED_SERVICES);
    assertThatThrownBy(
            () -> account.workspaces().create(workspace("w").setPrivateAccessSettingsId(elsewhere)))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("eu-west-1");
    assertThatThrownBy(
            () ->
                account
                    .workspaces()
                    .create(
                        workspace("w")
                            .setStorageCustomerManagedKeyId(key.getCustomerManagedKeyId())))
        .hasMessageContaining("for STORAGE");
    assertThatThrownBy(
            () -> account.workspaces().create(workspace("w").setNetworkConnectivityConfigId("n")))
        .isInstanceOf(InvalidParameterValue.class);
    Workspace made =
        account
            .workspaces()
            .create(
                workspace("referring")
                    .setNetworkId(first)
                    .setPrivateAccessSettingsId(access)
                    .setManagedServicesCustomerManagedKeyId(key.getCustomerManagedKeyId())
                    .setCustomTags(Map.of("team", "a")))
            .get();
    long id = made.getWorkspaceId();
    assertThat(made.getNetworkId()).isEqualTo(first);
    assertThat(made.getWorkspaceStatusMessage())
        .isEqualTo(
            "Workspace is running. Recorded, not enforced by this installation: network, private"
                + " access settings, customer-managed keys.");
    Network used = account.networks().get(first);
    assertThat(used.getWorkspaceId()).isEqualTo(id);
    assertThat(used.getVpcStatus()).isEqualTo(VpcStatus.WARNED);
    json("DELETE", "/networks/" + first, null, 409);
    json("DELETE", "/private-access-settings/" + access, null, 409);
    json("DELETE", "/customer-managed-keys/" + key.getCustomerManagedKeyId(), null, 409);
    json(
        "PUT",
        "/private-access-settings/" + access,
        "{'private_access_settings_name':'here','region':'eu-west-1'}",
        409);
    assertThatThrownBy(() -> account.workspaces().create(workspace("w").setNetworkId(first)))
        .isInstanceOf(ResourceConflict.class)
        .hasMessageContaining("is used by workspace " + id);

    // What a client read, sent back with one change.
    Workspace changed = account.workspaces().get(id).setNetworkId(second);
    Workspace answered =
        account
            .workspaces()
            .update(
                new UpdateWorkspaceRequest().setWorkspaceId(id).setCustomerFacingWorkspace(changed))
            .getResponse();
    assertThat(answered.getWorkspaceStatus()).isEqualTo(WorkspaceStatus.PROVISIONING);
    assertThat(account.workspaces().waitGetWorkspaceRunning(id).getNetworkId()).isEqualTo(second);
    assertThat(account.networks().get(first).getVpcStatus()).isEqualTo(VpcStatus.UNATTACHED);
    json("DELETE", "/networks/" + first, null, 200);
    assertThatThrownBy(
            () ->
                account
                    .workspaces()
                    .update(
                        new UpdateWorkspaceRequest()
                            .setWorkspaceId(id)
                            .setUpdateMask("network_id")
                            .setCustomerFacingWorkspace(new Workspace())))
        .isInstanceOf(InvalidState.class)
        .hasMessageContaining("cannot be taken away");
    assertThat(
            json(
                    "PATCH",
                    "/workspaces/" + id + "?update_mask=custom_tags",
                    "{'custom_tags':{'team':'b'},'workspace_name':'ignored by the mask'}",
                    200)
                .at("/custom_tags/team")
                .asText())
        .isEqualTo("b");
    for (String body :
        List.of(
            "{'workspace_name':'other'}",
            "{'deployment_name':'other'}",
            "{'aws_region':'eu-west-1'}",
            "{'pricing_tier':'STANDARD'}",
            "{'network_connectivity_config_id':'n'}",
            "{'expected_workspace_status':'BANNED'}")) {
      assertThat(json("PATCH", "/workspaces/" + id, body, 400).path("message").asText())
          .contains("cannot be changed");
    }
    assertThat(
            json("PATCH", "/workspaces/" + id, "{'storage_configuration_id':'other'}", 400)
                .path("message")
                .asText())
        .contains("its files are there");

    deleted(id);
    json("DELETE", "/networks/" + second, null, 200);
    json("DELETE", "/private-access-settings/" + access, null, 200);
    json("DELETE", "/customer-managed-keys/" + key.getCustomerManagedKeyId(), null, 200);
  }

  /** The statuses of calls that are made at once: verb, path, body. */
  private static List<Integer> atOnce(List<String[]> calls) throws Exception {
    List<Future<Integer>> futures = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (String[] call : calls) {
        String body = call[2] == null ? null : call[2].replace('\'', '"');
        futures.add(
            threads.submit(() -> server.send("admin", call[0], PATH + call[1], body).statusCode()));
      }
    }
    List<Integer> statuses = new ArrayList<>();
    for (Future<Integer> future : futures) {
      statuses.add(future.get());
    }
    return statuses;
  }

  private static List<String[]> twenty(String path, Supplier<String> body) {
    return Stream.generate(() -> new String[] {"POST", path, body.get()}).limit(20).toList();
  }

  private static String workspaceBody(String name, String network) {
    return "{'workspace_name':'%s','credentials_id':'test','storage_configuration_id':'test','network_id':'%s'}"
        .formatted(name, network);
  }

  private static void deleteWorkspacesNamed(String prefix) throws Exception {
    for (JsonNode workspace : json("GET", "/workspaces", null, 200)) {
      if (workspace.path("workspace_name").asText().startsWith(prefix)) {
        deleted(workspace.path("workspace_id").asLong());
      }
    }
  }

  @Test
  void ofTwentyCallersWithOneNameOneWins() throws Exception {
    Map<String, Supplier<String>> bodies =
        Map.of(
            "/credentials",
            () ->
                "{'credentials_name':'race','aws_credentials':{'sts_role':{'role_arn':'"
                    + TestServer.ROLE_ARN
                    + "'}}}",
            "/storage-configurations",
            () ->
                "{'storage_configuration_name':'race','root_bucket_info':{'bucket_name':'test-root'}}",
            "/networks",
            () -> networkBody("race"),
            "/vpc-endpoints",
            () ->
                "{'vpc_endpoint_name':'race','aws_vpc_endpoint_id':'%s','region':'us-east-1'}"
                    .formatted(id("vpce")),
            "/private-access-settings",
            () -> "{'private_access_settings_name':'race','region':'us-east-1'}",
            "/workspaces",
            () ->
                "{'workspace_name':'race','credentials_id':'test','storage_configuration_id':'test'}");
    for (Map.Entry<String, Supplier<String>> each : bodies.entrySet()) {
      assertThat(atOnce(twenty(each.getKey(), each.getValue())))
          .as(each.getKey())
          .containsOnlyOnce(201)
          .containsOnly(201, 409);
    }
    AtomicInteger number = new AtomicInteger();
    assertThat(
            atOnce(
                twenty(
                    "/vpc-endpoints",
                    () ->
                        "{'vpc_endpoint_name':'race%d','aws_vpc_endpoint_id':'vpce-0000000a','region':'us-east-1'}"
                            .formatted(number.incrementAndGet()))))
        .containsOnlyOnce(201)
        .containsOnly(201, 409);
    assertThat(
            atOnce(
                twenty(
                    "/networks",
                    () ->
                        networkBody("subnet race " + number.incrementAndGet())
                            .replaceFirst("'subnet-\\w+'", "'subnet-0000000a'"))))
        .containsOnlyOnce(201)
        .containsOnly(201, 409);
    assertThat(
            atOnce(
                twenty(
                    "/workspaces",
                    () ->
                        "{'workspace_name':'race%d','deployment_name':'race-host','credentials_id':'test','storage_configuration_id':'test'}"
                            .formatted(number.incrementAndGet()))))
        .containsOnlyOnce(201)
        .containsOnly(201, 409);
    deleteWorkspacesNamed("race");
  }

  @Test
  void ofTwentyWorkspacesWithOneNetworkOneHasIt() throws Exception {
    String network = network("wanted by many");
    AtomicInteger number = new AtomicInteger();
    assertThat(
            atOnce(
                twenty(
                    "/workspaces",
                    () -> workspaceBody("many" + number.incrementAndGet(), network))))
        .containsOnlyOnce(201)
        .containsOnly(201, 409);
    deleteWorkspacesNamed("many");

    // Two that run and are given the same network at once.
    String other = network("given to two");
    long one = server.account().workspaces().create(workspace("many-one")).get().getWorkspaceId();
    long two = server.account().workspaces().create(workspace("many-two")).get().getWorkspaceId();
    String body = "{'network_id':'" + other + "'}";
    assertThat(
            atOnce(
                List.of(
                    new String[] {"PATCH", "/workspaces/" + one, body},
                    new String[] {"PATCH", "/workspaces/" + two, body})))
        .containsExactlyInAnyOrder(200, 409);
    deleteWorkspacesNamed("many");
    json("DELETE", "/networks/" + other, null, 200);
  }

  @Test
  void whatAWorkspaceRefersToIsEitherDeletedOrUsed() throws Exception {
    int number = 0;
    for (int round = 0; round < 2; round++) {
      Map<String, String[]> kinds =
          Map.of(
              "/networks",
              new String[] {"network_id", network("delete or use " + round)},
              "/private-access-settings",
              new String[] {
                "private_access_settings_id",
                made(
                        "/private-access-settings",
                        "private_access_settings_id",
                        "{'private_access_settings_name':'either%d','region':'us-east-1'}"
                            .formatted(round))
                    .path("private_access_settings_id")
                    .asText()
              },
              "/customer-managed-keys",
              new String[] {
                "storage_customer_managed_key_id",
                made(
                        "/customer-managed-keys",
                        "customer_managed_key_id",
                        "{'use_cases':['STORAGE'],'aws_key_info':{'key_arn':'" + KEY + "either'}}")
                    .path("customer_managed_key_id")
                    .asText()
              },
              "/credentials",
              new String[] {
                "credentials_id",
                json(
                        "POST",
                        "/credentials",
                        "{'credentials_name':'either%d','aws_credentials':{'sts_role':{'role_arn':'%s'}}}"
                            .formatted(round, TestServer.ROLE_ARN),
                        201)
                    .path("credentials_id")
                    .asText()
              },
              "/storage-configurations",
              new String[] {
                "storage_configuration_id",
                made(
                        "/storage-configurations",
                        "storage_configuration_id",
                        "{'storage_configuration_name':'either%d','root_bucket_info':{'bucket_name':'test-root'}}"
                            .formatted(round))
                    .path("storage_configuration_id")
                    .asText()
              });
      for (Map.Entry<String, String[]> kind : kinds.entrySet()) {
        String path = kind.getKey() + "/" + kind.getValue()[1];
        List<String[]> calls = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
          ObjectNode body =
              Json.MAPPER
                  .createObjectNode()
                  .put("workspace_name", "either" + number++)
                  .put("credentials_id", "test")
                  .put("storage_configuration_id", "test")
                  .put(kind.getValue()[0], kind.getValue()[1]);
          calls.add(new String[] {"POST", "/workspaces", body.toString()});
          calls.add(new String[] {"DELETE", path, null});
        }
        List<Integer> statuses = atOnce(calls);
        boolean used = statuses.contains(201);
        assertThat(used).as(path + statuses).isNotEqualTo(statuses.contains(200));
        assertThat(server.send("admin", "GET", PATH + path, null).statusCode())
            .isEqualTo(used ? 200 : 404);
        deleteWorkspacesNamed("either");
      }
    }
  }

  @Test
  void ofTwentyMetastoresOfARegionOneIsMade() throws Exception {
    AtomicInteger number = new AtomicInteger();
    assertThat(
            atOnce(
                twenty(
                    "/metastores",
                    () ->
                        "{'metastore_info':{'name':'race%d','region':'ap-southeast-2'}}"
                            .formatted(number.incrementAndGet()))))
        .containsOnlyOnce(200);
  }

  @Test
  void theJavaSdkMakesReadsChangesAndRemovesEveryObject() throws Exception {
    AccountClient account = server.account();
    VpcEndpoint endpoint =
        account
            .vpcEndpoints()
            .create(
                new CreateVpcEndpointRequest()
                    .setVpcEndpointName("java")
                    .setAwsVpcEndpointId(id("vpce"))
                    .setRegion("us-east-1"));
    assertThat(account.vpcEndpoints().get(endpoint.getVpcEndpointId())).isEqualTo(endpoint);
    assertThat(account.vpcEndpoints().list()).contains(endpoint);
    Network network =
        account
            .networks()
            .create(
                new CreateNetworkRequest()
                    .setNetworkName("java")
                    .setVpcId(id("vpc"))
                    .setSubnetIds(List.of(id("subnet"), id("subnet")))
                    .setSecurityGroupIds(List.of(id("sg"))));
    assertThat(account.networks().get(network.getNetworkId())).isEqualTo(network);
    PrivateAccessSettings access =
        account
            .privateAccess()
            .create(
                new CreatePrivateAccessSettingsRequest()
                    .setPrivateAccessSettingsName("java")
                    .setRegion("us-east-1")
                    .setPrivateAccessLevel(PrivateAccessLevel.ENDPOINT)
                    .setAllowedVpcEndpointIds(List.of(endpoint.getVpcEndpointId())));
    String accessId = access.getPrivateAccessSettingsId();
    assertThat(account.privateAccess().get(accessId)).isEqualTo(access);
    PrivateAccessSettings replaced =
        account
            .privateAccess()
            .replace(
                new ReplacePrivateAccessSettingsRequest()
                    .setPrivateAccessSettingsId(accessId)
                    .setCustomerFacingPrivateAccessSettings(access.setPublicAccessEnabled(true)));
    assertThat(replaced).isEqualTo(access);
    assertThat(account.privateAccess().get(accessId)).isEqualTo(access);
    CustomerManagedKey key =
        account
            .encryptionKeys()
            .create(
                new CreateCustomerManagedKeyRequest()
                    .setUseCases(List.of(KeyUseCase.STORAGE))
                    .setAwsKeyInfo(new CreateAwsKeyInfo().setKeyArn(KEY + "java")));
    assertThat(account.encryptionKeys().get(key.getCustomerManagedKeyId())).isEqualTo(key);
    Workspace workspace =
        account
            .workspaces()
            .create(
                workspace("java")
                    .setNetworkId(network.getNetworkId())
                    .setPrivateAccessSettingsId(accessId)
                    .setStorageCustomerManagedKeyId(key.getCustomerManagedKeyId()))
            .get();
    long id = workspace.getWorkspaceId();
    assertThat(account.workspaces().get(id)).isEqualTo(workspace);
    account
        .workspaces()
        .update(
            new UpdateWorkspaceRequest()
                .setWorkspaceId(id)
                .setCustomerFacingWorkspace(new Workspace().setCustomTags(Map.of("a", "b"))));
    assertThat(account.workspaces().get(id)).isEqualTo(workspace.setCustomTags(Map.of("a", "b")));
    deleted(id);
    assertThatThrownBy(() -> account.workspaces().get(id)).isInstanceOf(ResourceDoesNotExist.class);
    account.networks().delete(network.getNetworkId());
    account.privateAccess().delete(accessId);
    account.encryptionKeys().delete(key.getCustomerManagedKeyId());
    account.vpcEndpoints().delete(endpoint.getVpcEndpointId());
    assertThatThrownBy(() -> account.networks().get(network.getNetworkId()))
        .isInstanceOf(ResourceDoesNotExist.class);
    assertThatThrownBy(() -> account.privateAccess().get(accessId))
        .isInstanceOf(ResourceDoesNotExist.class);
    assertThatThrownBy(() -> account.encryptionKeys().get(key.getCustomerManagedKeyId()))
        .isInstanceOf(ResourceDoesNotExist.class);
    assertThatThrownBy(() -> account.vpcEndpoints().get(endpoint.getVpcEndpointId()))
        .isInstanceOf(ResourceDoesNotExist.class);
  }
}
