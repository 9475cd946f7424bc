package dev.tarn.iam;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.GetRuleSetRequest;
import com.databricks.sdk.service.iam.GrantRule;
import com.databricks.sdk.service.iam.Group;
import com.databricks.sdk.service.iam.MeRequest;
import com.databricks.sdk.service.iam.RuleSetResponse;
import com.databricks.sdk.service.iam.RuleSetUpdateRequest;
import com.databricks.sdk.service.iam.ServicePrincipal;
import com.databricks.sdk.service.iam.UpdateRuleSetRequest;
import com.databricks.sdk.service.iam.UpdateWorkspaceAssignments;
import com.databricks.sdk.service.iam.User;
import com.databricks.sdk.service.iam.WorkspacePermission;
import com.databricks.sdk.service.oauth2.CreateServicePrincipalSecretRequest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.TestServer;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jdbi.v3.core.statement.PreparedBatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** SCIM as clients of other makers speak it; the official SDK's part is in {@link IdentityTest}. */
class ScimTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final String ACCOUNT = "/api/2.0/accounts/" + TestServer.ACCOUNT_ID + "/scim/v2/";
  private static final String WORKSPACE = "/api/2.0/preview/scim/v2/";

  private static HttpResponse<String> send(String verb, String path, String body) throws Exception {
    return server.send("admin", verb, path, body);
  }

  private static JsonNode ok(String verb, String path, String body) throws Exception {
    HttpResponse<String> answer = send(verb, path, body);
    assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 204);
    return answer.body().isEmpty() ? null : Json.tree(answer.body());
  }

  private static String made(String path, String body) throws Exception {
    return ok("POST", path, body).path("id").asText();
  }

  private static void patch(String path, String operations) throws Exception {
    ok(
        "PATCH",
        path,
        "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":"
            + operations
            + "}");
  }

  @Test
  void aUserIsPatchedInEverySpellingThatIdentityProvidersHave() throws Exception {
    String user =
        ACCOUNT
            + "Users/"
            + made(
                ACCOUNT + "Users",
                """
                {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",
                  "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
                 "userName":"Patch.Me@Example.com","name":{"givenName":"P","familyName":"Me"},
                 "emails":[{"value":"p@example.com","type":"work","primary":true}],
                 "externalId":"00u1","active":true,
                 "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"A"}}
                """);
    // Entra ID: operations and booleans as it spells them, a path with a filter, a dotted name.
    patch(
        user,
        """
        [{"op":"Replace","path":"active","value":"False"},
         {"op":"Add","path":"emails[type eq \\"home\\"].value","value":"home@example.com"},
         {"op":"Replace","path":"emails[type eq \\"work\\"].value","value":"w@example.com"},
         {"op":"Replace","path":"name.givenName","value":"Pat"},
         {"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
          "value":"B"},
         {"op":"Add","value":{"displayName":"Pat Me","name.familyName":"Mee",
          "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"7"}}]
        """);
    // Okta and Keycloak: an object without a path, the id along with it.
    patch(user, "[{\"op\":\"replace\",\"value\":{\"id\":\"x\",\"active\":true,\"title\":\"Dr\"}}]");
    patch(user, "[{\"op\":\"remove\",\"path\":\"emails[type eq \\\"home\\\"]\"}]");
    JsonNode read = ok("GET", user, null);
    assertThat(read.path("userName").asText()).isEqualTo("patch.me@example.com");
    assertThat(read.path("active").asBoolean()).isTrue();
    assertThat(read.path("displayName").asText()).isEqualTo("Pat Me");
    assertThat(read.path("title").asText()).isEqualTo("Dr");
    assertThat(read.path("externalId").asText()).isEqualTo("00u1");
    assertThat(read.at("/name/givenName").asText()).isEqualTo("Pat");
    assertThat(read.at("/name/familyName").asText()).isEqualTo("Mee");
    assertThat(read.path("emails")).hasSize(1);
    assertThat(read.at("/emails/0/value").asText()).isEqualTo("w@example.com");
    JsonNode enterprise = read.path("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User");
    assertThat(enterprise.path("department").asText()).isEqualTo("B");
    assertThat(enterprise.path("employeeNumber").asText()).isEqualTo("7");
    // A PUT of what was read changes nothing, and not the time of the last change.
    assertThat(ok("PUT", user, read.toString())).isEqualTo(read);
  }

  @Test
  void aGroupIsPatchedInEverySpellingThatIdentityProvidersHave() throws Exception {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      ids.add(made(ACCOUNT + "Users", "{\"userName\":\"member" + i + "@example.com\"}"));
    }
    String group = ACCOUNT + "Groups/" + made(ACCOUNT + "Groups", "{\"displayName\":\"Team\"}");
    patch(
        group,
        "[{\"op\":\"Add\",\"path\":\"members\",\"value\":[{\"value\":\"" + ids.get(0) + "\"}]}]");
    patch(group, "[{\"op\":\"add\",\"value\":{\"members\":[{\"value\":\"" + ids.get(1) + "\"}]}}]");
    patch(
        group,
        "[{\"op\":\"add\",\"path\":\"members\",\"value\":{\"members\":[{\"value\":\""
            + ids.get(2)
            + "\"}]}}]");
    patch(group, "[{\"op\":\"remove\",\"path\":\"members[value eq \\\"" + ids.get(0) + "\\\"]\"}]");
    assertThat(members(group)).containsExactlyInAnyOrder(ids.get(1), ids.get(2));
    patch(
        group,
        "[{\"op\":\"Remove\",\"path\":\"members\",\"value\":[{\"value\":\""
            + ids.get(1)
            + "\"}]}]");
    assertThat(members(group)).containsExactly(ids.get(2));
    patch(
        group,
        "[{\"op\":\"replace\",\"path\":\"members\",\"value\":[{\"value\":\""
            + ids.get(3)
            + "\"}]}]");
    patch(group, "[{\"op\":\"replace\",\"value\":{\"displayName\":\"Team Ä\"}}]");
    assertThat(members(group)).containsExactly(ids.get(3));
    assertThat(ok("GET", ACCOUNT + "Users/" + ids.get(3), null).at("/groups/0/display").asText())
        .isEqualTo("Team Ä");
    ok("PUT", group, "{\"displayName\":\"Team Ä\"}");
    assertThat(members(group)).isEmpty();
    assertThat(send("DELETE", group, null).statusCode()).isEqualTo(204);
    assertThat(send("GET", group, null).statusCode()).isEqualTo(404);
  }

  private static List<String> members(String group) throws Exception {
    return ok("GET", group, null).path("members").findValuesAsText("value");
  }

  @Test
  void filtersFindWhatTheySay() throws Exception {
    made(
        ACCOUNT + "Users",
        """
        {"userName":"filter.one@example.com","displayName":"Öne_%","externalId":"Ext-1",
         "name":{"givenName":"Ann"},"emails":[{"value":"a@work.com","type":"work"},
         {"value":"b@home.com","type":"home"}]}
        """);
    made(
        ACCOUNT + "Users",
        """
        {"userName":"filter.two@example.com","displayName":"Two","active":false,
         "emails":[{"value":"b@home.com","type":"work"}]}
        """);
    Map<String, String> found =
        Map.ofEntries(
            Map.entry("userName eq \"FILTER.ONE@example.com\"", "one"),
            Map.entry("displayName eq \"öNE_%\"", "one"),
            Map.entry("displayName co \"_%\"", "one"),
            Map.entry("externalId eq \"Ext-1\"", "one"),
            Map.entry("externalId eq \"ext-1\"", ""),
            Map.entry("name.givenName sw \"an\"", "one"),
            Map.entry("emails.value ew \"HOME.com\"", "one two"),
            Map.entry("emails[type eq \"work\" and value co \"home\"]", "two"),
            Map.entry("emails[type eq \"work\"] and not (active eq true)", "two"),
            Map.entry(
                "userName sw \"filter.\" and (active eq \"False\" or externalId pr)", "one two"),
            Map.entry("userName sw \"filter.\" and externalId ne \"Ext-1\"", "two"),
            Map.entry(
                "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"filter.two@example.com\"",
                "two"),
            Map.entry(
                "userName sw \"filter.\" and meta.created gt \"2020-01-01T00:00:00Z\"", "one two"),
            Map.entry("userName sw \"filter.\" and groups pr", ""));
    for (Map.Entry<String, String> entry : found.entrySet()) {
      JsonNode list = ok("GET", ACCOUNT + "Users?filter=" + encoded(entry.getKey()), null);
      assertThat(
              list.path("Resources").findValuesAsText("userName").stream()
                  .map(name -> name.replaceAll("filter\\.|@.*", ""))
                  .collect(Collectors.joining(" ")))
          .as(entry.getKey())
          .isEqualTo(entry.getValue());
    }
    JsonNode sorted =
        ok(
            "GET",
            ACCOUNT
                + "Users?sortBy=displayName&sortOrder=descending&attributes=displayName&filter="
                + encoded("userName sw \"filter.\""),
            null);
    assertThat(sorted.path("Resources").findValuesAsText("displayName"))
        .containsExactly("Öne_%", "Two");
    assertThat(sorted.at("/Resources/0").has("userName")).isFalse();
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  @Test
  void whatCannotBeReadIsRefusedInScimsWords() throws Exception {
    String user =
        ACCOUNT + "Users/" + made(ACCOUNT + "Users", "{\"userName\":\"bad@example.com\"}");
    String many =
        IntStream.range(0, 201).mapToObj(i -> "id eq \"1\"").collect(Collectors.joining(" or "));
    for (String filter :
        List.of(
            "nonsense",
            "userName eq",
            "(id eq \"1\"",
            "shoeSize eq \"9\"",
            "userName like \"x\"",
            many,
            "(".repeat(5000))) {
      refused("invalidFilter", send("GET", ACCOUNT + "Users?filter=" + encoded(filter), null));
    }
    refused(
        "invalidPath", patched(user, "{\"op\":\"replace\",\"path\":\"shoeSize\",\"value\":\"9\"}"));
    refused(
        "invalidPath",
        patched(user, "{\"op\":\"replace\",\"path\":\"emails[type eq\",\"value\":\"9\"}"));
    refused(
        "invalidPath",
        patched(user, "{\"op\":\"replace\",\"path\":\"emails[type eq]x\",\"value\":\"9\"}"));
    refused("noTarget", patched(user, "{\"op\":\"remove\"}"));
    refused("invalidSyntax", patched(user, "{\"op\":\"move\",\"path\":\"title\"}"));
    refused(
        "mutability",
        patched(user, "{\"op\":\"replace\",\"path\":\"userName\",\"value\":\"x@y.z\"}"));
    refused("mutability", patched(user, "{\"op\":\"replace\",\"path\":\"groups\",\"value\":[]}"));
    refused(
        "invalidValue",
        patched(user, "{\"op\":\"replace\",\"path\":\"active\",\"value\":\"maybe\"}"));
    refused("invalidValue", send("POST", ACCOUNT + "Users", "{\"userName\":\"a b@example.com\"}"));
    refused(
        "invalidValue",
        send("POST", ACCOUNT + "Users", "{\"userName\":\"a\\u200Bb@example.com\"}"));
    refused("invalidSyntax", send("POST", ACCOUNT + "Users", "{"));
    refused("invalidValue", send("POST", ACCOUNT + "Groups", "{\"displayName\":\"admins\"}"));
  }

  private static HttpResponse<String> patched(String path, String operation) throws Exception {
    return send("PATCH", path, "{\"Operations\":[" + operation + "]}");
  }

  private static void refused(String scimType, HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
    assertThat(Json.tree(answer.body()).path("scimType").asText())
        .as(answer.body())
        .isEqualTo(scimType);
    assertThat(answer.headers().firstValue("content-type")).hasValue("application/scim+json");
  }

  @Test
  void twinsOfAnAddressAreOneUser() throws Exception {
    made(ACCOUNT + "Users", "{\"userName\":\"jürgen@example.com\"}");
    for (String twin :
        List.of("JÜRGEN@example.com", "ju\\u0308rgen@Example.COM", "ｊürgen@example.com")) {
      HttpResponse<String> answer =
          send("POST", ACCOUNT + "Users", "{\"userName\":\"" + twin + "\"}");
      assertThat(answer.statusCode()).as(twin).isEqualTo(409);
      assertThat(answer.body())
          .contains("User with email jürgen@example.com already exists in this account");
    }
  }

  @Test
  void terraformsEmptyEntitlementsAreNotEchoed() throws Exception {
    JsonNode made =
        ok("POST", WORKSPACE + "Users", "{\"userName\":\"tf@example.com\",\"entitlements\":[{}]}");
    assertThat(made.has("entitlements")).isFalse();
    String user = WORKSPACE + "Users/" + made.path("id").asText();
    patch(
        user,
        "[{\"op\":\"add\",\"path\":\"entitlements\",\"value\":[{\"value\":\"workspace-access\"}]}]");
    assertThat(ok("GET", user, null).at("/entitlements/0/value").asText())
        .isEqualTo("workspace-access");
    assertThat(ok("GET", ACCOUNT + "Users/" + made.path("id").asText(), null).has("entitlements"))
        .isFalse();
    patch(
        user, "[{\"op\":\"remove\",\"path\":\"entitlements[value eq \\\"workspace-access\\\"]\"}]");
    assertThat(ok("GET", user, null).has("entitlements")).isFalse();
  }

  @Test
  void terraformKnowsByTheMessageWhatIsThereAndDeactivatesByAList() throws Exception {
    String machine = "22222222-2222-2222-2222-222222222222";
    made(ACCOUNT + "ServicePrincipals", "{\"applicationId\":\"" + machine + "\"}");
    assertThatThrownBy(
            () ->
                server
                    .account()
                    .servicePrincipals()
                    .create(new ServicePrincipal().setApplicationId(machine)))
        .hasMessage("Service principal with application ID " + machine + " already exists.");
    String group = made(ACCOUNT + "Groups", "{\"displayName\":\"tf group\"}");
    assertThatThrownBy(
            () -> server.account().groups().create(new Group().setDisplayName("tf group")))
        .hasMessage("Group with name tf group already exists.");
    assertThat(
            Json.tree(send("POST", ACCOUNT + "Groups", "{\"displayName\":\"tf group\"}").body())
                .path("scimType")
                .asText())
        .isEqualTo("uniqueness");
    assertThat(
            ok("GET", ACCOUNT + "Groups?filter=displayName%20eq%20'tf%20group'", null)
                .at("/Resources/0/id")
                .asText())
        .isEqualTo(group);
    String user =
        ACCOUNT + "Users/" + made(ACCOUNT + "Users", "{\"userName\":\"off@example.com\"}");
    patch(user, "[{\"op\":\"replace\",\"path\":\"active\",\"value\":[{\"value\":\"false\"}]}]");
    assertThat(ok("GET", user, null).path("active").asBoolean(true)).isFalse();
  }

  @Test
  void aWorkspaceChangesItsOwnGroupsAndNoneOfTheAccount() throws Exception {
    String account = made(ACCOUNT + "Groups", "{\"displayName\":\"of account\"}");
    assertThat(send("GET", WORKSPACE + "Groups/" + account, null).statusCode()).isEqualTo(404);
    server
        .account()
        .workspaceAssignment()
        .update(
            new UpdateWorkspaceAssignments()
                .setWorkspaceId(TestServer.WORKSPACE_ID)
                .setPrincipalId(Long.parseLong(account))
                .setPermissions(List.of(WorkspacePermission.USER)));
    Group seen = server.as("admin").groups().get(account);
    assertThat(seen.getMeta().getResourceType()).isEqualTo("Group");
    for (HttpResponse<String> answer :
        List.of(
            patched(
                WORKSPACE + "Groups/" + account,
                "{\"op\":\"replace\",\"path\":\"displayName\",\"value\":\"x\"}"),
            patched(
                WORKSPACE + "Groups/" + account,
                "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\""
                    + server.as("admin").currentUser().me(new MeRequest()).getId()
                    + "\"}]}"),
            send("DELETE", WORKSPACE + "Groups/" + account, null))) {
      assertThat(answer.statusCode()).isEqualTo(403);
      assertThat(answer.body()).contains("is an account group");
    }
    Group own = server.as("admin").groups().create(new Group().setDisplayName("of workspace"));
    assertThat(own.getMeta().getResourceType()).isEqualTo("WorkspaceGroup");
    assertThat(send("GET", ACCOUNT + "Groups/" + own.getId(), null).statusCode()).isEqualTo(404);
    server.as("admin").groups().delete(own.getId());
  }

  @Test
  void whoManagesAGroupChangesItsMembersAndWhoManagesAMachineItsSecrets() throws Exception {
    server.token("manager");
    Group group = server.account().groups().create(new Group().setDisplayName("managed"));
    ServicePrincipal machine =
        server.account().servicePrincipals().create(new ServicePrincipal().setDisplayName("m"));
    var manager = server.account("manager");
    User me = server.as("manager").currentUser().me(new MeRequest());
    assertThatThrownBy(() -> manager.groups().get(group.getId()))
        .isInstanceOf(PermissionDenied.class);
    assertThatThrownBy(() -> secret(manager, machine)).isInstanceOf(PermissionDenied.class);
    give("groups/" + group.getId(), Roles.GROUP_MANAGER);
    give("servicePrincipals/" + machine.getApplicationId(), Roles.MANAGER);
    manager
        .groups()
        .update(
            new Group()
                .setId(group.getId())
                .setDisplayName("managed")
                .setMembers(List.of(new ComplexValue().setValue(me.getId()))));
    assertThat(manager.groups().get(group.getId()).getMembers())
        .extracting(ComplexValue::getDisplay)
        .containsExactly("manager@example.com");
    assertThatThrownBy(
            () ->
                manager
                    .groups()
                    .update(
                        new Group()
                            .setId(group.getId())
                            .setDisplayName("managed")
                            .setRoles(List.of(new ComplexValue().setValue("account_admin")))))
        .isInstanceOf(PermissionDenied.class);
    secret(manager, machine);
    secret(manager, machine);
    assertThatThrownBy(() -> secret(manager, machine)).hasMessageContaining("at most 2 at a time");
  }

  private static void secret(com.databricks.sdk.AccountClient as, ServicePrincipal machine) {
    as.servicePrincipalSecrets()
        .create(new CreateServicePrincipalSecretRequest().setServicePrincipalId(machine.getId()));
  }

  private static void give(String resource, String role) {
    String name = "accounts/" + TestServer.ACCOUNT_ID + "/" + resource + "/ruleSets/default";
    var accessControl = server.account().accessControl();
    RuleSetResponse before =
        accessControl.getRuleSet(new GetRuleSetRequest().setName(name).setEtag(""));
    UpdateRuleSetRequest update =
        new UpdateRuleSetRequest()
            .setName(name)
            .setRuleSet(
                new RuleSetUpdateRequest()
                    .setName(name)
                    .setEtag(before.getEtag())
                    .setGrantRules(
                        List.of(
                            new GrantRule()
                                .setRole(role)
                                .setPrincipals(List.of("users/manager@example.com")))));
    assertThat(accessControl.updateRuleSet(update).getGrantRules()).hasSize(1);
    assertThatThrownBy(() -> accessControl.updateRuleSet(update))
        .isInstanceOf(ResourceConflict.class);
  }

  @Test
  void ofTwentyWhoMakeTheSameOneDoesAndAllMayAddTheSameMember() throws Exception {
    for (String each :
        List.of(
            "Users {\"userName\":\"race@example.com\"}",
            "Groups {\"displayName\":\"race\"}",
            "ServicePrincipals {\"applicationId\":\"11111111-1111-1111-1111-111111111111\"}")) {
      String[] words = each.split(" ", 2);
      List<Integer> statuses =
          atOnce(() -> send("POST", ACCOUNT + words[0], words[1]).statusCode());
      assertThat(statuses).as(each).containsOnlyOnce(201);
      assertThat(statuses.stream().filter(status -> status != 201)).as(each).containsOnly(409);
    }
    String user = made(ACCOUNT + "Users", "{\"userName\":\"raced@example.com\"}");
    String group = ACCOUNT + "Groups/" + made(ACCOUNT + "Groups", "{\"displayName\":\"raced\"}");
    List<Integer> added =
        atOnce(
            () ->
                patched(
                        group,
                        "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\""
                            + user
                            + "\"}]}")
                    .statusCode());
    assertThat(added).containsOnly(204);
    assertThat(members(group)).containsExactly(user);
  }

  private static List<Integer> atOnce(Callable<Integer> call) throws Exception {
    List<Integer> statuses = new ArrayList<>();
    try (var callers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Integer> each : callers.invokeAll(java.util.Collections.nCopies(20, call))) {
        statuses.add(each.get());
      }
    }
    return statuses;
  }

  @Test
  void everyAttributeSurvivesARoundTrip() throws Exception {
    ObjectNode user = Json.MAPPER.createObjectNode().put("userName", "round@example.com");
    user.put("displayName", "Round 🌊")
        .put("externalId", "e")
        .put("title", "t")
        .put("locale", "de-AT");
    user.putArray("phoneNumbers").addObject().put("value", "1").put("type", "mobile");
    user.putArray("addresses").addObject().put("locality", "Wien").put("country", "AT");
    user.putArray("emails")
        .addObject()
        .put("value", "R@x.com")
        .put("type", "other")
        .put("primary", true);
    JsonNode made = ok("POST", ACCOUNT + "Users", user.toString());
    JsonNode read = ok("GET", ACCOUNT + "Users/" + made.path("id").asText(), null);
    user.properties()
        .forEach(field -> assertThat(read.get(field.getKey())).isEqualTo(field.getValue()));
  }

  @Test
  void ofTwoAdminsWhoHaveSeenTheSameVersionTheSecondIsTold() throws Exception {
    for (String[] kind :
        new String[][] {
          {ACCOUNT + "Users", "\"userName\":\"seen@example.com\""},
          {ACCOUNT + "Groups", "\"displayName\":\"seen\""},
          {WORKSPACE + "Groups", "\"displayName\":\"seen\""},
          {WORKSPACE + "Users", "\"userName\":\"seen.here@example.com\""},
        }) {
      HttpResponse<String> made = send("POST", kind[0], "{" + kind[1] + "}");
      String version = made.headers().firstValue("etag").orElseThrow();
      JsonNode resource = Json.tree(made.body());
      assertThat(resource.at("/meta/version").asText()).isEqualTo(version);
      String path = kind[0] + "/" + resource.path("id").asText();
      String first = "{" + kind[1] + ",\"externalId\":\"1\"}";
      String second = "{" + kind[1] + ",\"externalId\":\"2\"}";
      HttpResponse<String> won = ifMatch(version, "PUT", path, first);
      assertThat(won.statusCode()).as(won.body()).isEqualTo(200);
      for (String verb : List.of("PUT", "DELETE", "PATCH")) {
        String body =
            verb.equals("PATCH")
                ? "{\"Operations\":[{\"op\":\"add\",\"path\":\"externalId\",\"value\":\"2\"}]}"
                : second;
        HttpResponse<String> lost = ifMatch(version, verb, path, body);
        assertThat(lost.statusCode()).as(verb + path).isEqualTo(412);
        assertThat(lost.body()).contains("somebody has changed it since");
      }
      String now = won.headers().firstValue("etag").orElseThrow();
      assertThat(ok("GET", path, null).at("/meta/version").asText())
          .isEqualTo(now)
          .isNotEqualTo(version);
      // What changes nothing is no version.
      assertThat(ok("PUT", path, first).at("/meta/version").asText()).isEqualTo(now);
      assertThat(ifMatch("\"x\", " + now, "PUT", path, second).statusCode()).isEqualTo(200);
      assertThat(ifMatch("*", "DELETE", path, null).statusCode()).isEqualTo(204);
    }
  }

  private static HttpResponse<String> ifMatch(String version, String verb, String path, String body)
      throws Exception {
    return server.send("admin", verb, path, body, Map.of("If-Match", version));
  }

  @Test
  void membersAndWhatAWorkspaceGivesCountAsChangesToo() throws Exception {
    String user = made(WORKSPACE + "Users", "{\"userName\":\"counted@example.com\"}");
    String group = ACCOUNT + "Groups/" + made(ACCOUNT + "Groups", "{\"displayName\":\"counted\"}");
    String add = "[{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"" + user + "\"}]}]";
    String first = version(group);
    patch(group, add);
    String second = version(group);
    assertThat(second).isNotEqualTo(first);
    patch(group, add); // is a member already
    assertThat(version(group)).isEqualTo(second);
    String here = WORKSPACE + "Users/" + user;
    String before = version(here);
    patch(here, "[{\"op\":\"replace\",\"path\":\"active\",\"value\":false}]");
    assertThat(version(here)).isNotEqualTo(before);
  }

  private static String version(String path) throws Exception {
    return ok("GET", path, null).at("/meta/version").asText();
  }

  @Test
  void ofTwentyWhoPatchOneObjectAtOnceNobodysChangeIsLost() throws Exception {
    String user =
        ACCOUNT + "Users/" + made(ACCOUNT + "Users", "{\"userName\":\"shared@example.com\"}");
    String group = ACCOUNT + "Groups/" + made(ACCOUNT + "Groups", "{\"displayName\":\"shared\"}");
    List<String> people = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      people.add(made(ACCOUNT + "Users", "{\"userName\":\"sharer" + i + "@example.com\"}"));
    }
    AtomicInteger next = new AtomicInteger();
    List<Integer> statuses =
        atOnce(
            () -> {
              int i = next.getAndIncrement();
              int added =
                  patched(
                          group,
                          "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\""
                              + people.get(i)
                              + "\"}]}")
                      .statusCode();
              int called =
                  patched(
                          user,
                          "{\"op\":\"add\",\"path\":\"phoneNumbers\",\"value\":[{\"value\":\""
                              + i
                              + "\",\"type\":\"work\"}]}")
                      .statusCode();
              return added == 204 ? called : added;
            });
    assertThat(statuses).containsOnly(200);
    assertThat(members(group)).containsExactlyInAnyOrderElementsOf(people);
    assertThat(ok("GET", user, null).path("phoneNumbers")).hasSize(20);
  }

  @Test
  void aGroupOfTenThousandIsReadAndChanged() throws Exception {
    List<Long> ids = people(10_000);
    ObjectNode body = Json.MAPPER.createObjectNode().put("displayName", "the whole house");
    ids.forEach(id -> body.withArrayProperty("members").addObject().put("value", "" + id));
    String group =
        ACCOUNT + "Groups/" + ok("POST", ACCOUNT + "Groups", body.toString()).path("id").asText();
    assertThat(ok("GET", group, null).path("members")).hasSize(10_000);
    for (String path :
        List.of(group, ACCOUNT + "Groups?filter=" + encoded("displayName sw \"the\""))) {
      String few = path + (path.contains("?") ? "&" : "?") + "excludedAttributes=members";
      assertThat(ok("GET", few, null).toString())
          .contains("the whole house")
          .doesNotContain("members");
    }
    String one = Long.toString(ids.getFirst());
    for (String operation :
        List.of(
            "{\"op\":\"remove\",\"path\":\"members[value eq \\\"" + one + "\\\"]\"}",
            "{\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"" + one + "\"}]}",
            "{\"op\":\"remove\",\"path\":\"members\",\"value\":[{\"value\":\"" + one + "\"}]}")) {
      HttpResponse<String> answer = patched(group, operation);
      assertThat(answer.statusCode()).isEqualTo(204);
    }
    body.put("externalId", "house");
    assertThat(ok("PUT", group, body.toString()).path("members")).hasSize(10_000);
    // Whose groups are many sees them too, and a member is shown without its neighbours.
    assertThat(ok("GET", ACCOUNT + "Users/" + one, null).at("/groups/0/display").asText())
        .isEqualTo("the whole house");
    ok("DELETE", group, null);
  }

  /** Users as a load of years has left them, by the shortest way. */
  private static List<Long> people(int count) {
    List<Long> ids = LongStream.range(0, count).mapToObj(i -> 9_000_000_000_000_000L + i).toList();
    try (Database database = Database.open(server.config().database())) {
      database.inTransaction(
          handle -> {
            PreparedBatch batch =
                handle.prepareBatch(
                    """
                    INSERT INTO principal (principal_id, kind, name, display_name, active,
                      account_admin, created_at, changed_at, document)
                    VALUES (:id, 'USER', :name, :name, TRUE, FALSE, 1, 1, '{}')
                    """);
            ids.forEach(id -> batch.bind("id", id).bind("name", id + "@example.com").add());
            return batch.execute();
          });
    }
    return ids;
  }

  @Test
  void pathsThatDoNotParseAreRefusedAndChangeNothing() throws Exception {
    String user =
        ACCOUNT + "Users/" + made(ACCOUNT + "Users", "{\"userName\":\"paths@example.com\"}");
    String group = ACCOUNT + "Groups/" + made(ACCOUNT + "Groups", "{\"displayName\":\"paths\"}");
    JsonNode before = ok("GET", user, null);
    for (String path :
        List.of(
            "[",
            "]",
            "emails[",
            "emails]",
            "emails[]",
            "emails[type]",
            "emails[type eq]",
            "emails[type eq \"work\"",
            "emails[type eq \"work]",
            "emails[type eq \"work\"]value",
            "emails[type eq \"work\"].",
            "emails[type eq \"work\"].shoe",
            "emails[type eq \"work\"].value.value",
            "emails[type eq \"work\"][type eq \"work\"]",
            "emails[(type eq \"work\"]",
            "emails[type eq \"work\" and]",
            "emails..value",
            ".emails",
            "name.",
            "name.givenName.first",
            "displayName[value eq \"x\"]",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:shoe",
            "urn:nobody:1.0:User:title",
            "\u202Etitle",
            "\uD800",
            "(".repeat(3000),
            "emails[" + "(".repeat(3000))) {
      for (String op : List.of("add", "replace", "remove")) {
        ObjectNode operation = Json.MAPPER.createObjectNode().put("op", op).put("path", path);
        operation.put("value", "x");
        HttpResponse<String> answer =
            patched(
                user, "{\"op\":\"replace\",\"path\":\"title\",\"value\":\"lost\"}," + operation);
        refused("invalidPath", answer);
        assertThat(answer.body()).hasSizeLessThan(600);
      }
    }
    assertThat(ok("GET", user, null)).isEqualTo(before);
    refused(
        "invalidPath",
        patched(group, "{\"op\":\"remove\",\"path\":\"members[value eq\",\"value\":\"x\"}"));
    refused(
        "noTarget", patched(group, "{\"op\":\"add\",\"path\":\"members[value eq \\\"1\\\"]\"}"));
  }

  @Test
  void twinsOfAnAddressAreFoundAndCannotBeMadeByAChange() throws Exception {
    String id = made(ACCOUNT + "Users", "{\"userName\":\"Straße@example.com\"}");
    String path = ACCOUNT + "Users/" + id;
    for (String twin :
        List.of("STRASSE@example.com", "strasse@EXAMPLE.com", "ｓtrasse@example.com")) {
      JsonNode found =
          ok("GET", ACCOUNT + "Users?filter=" + encoded("userName eq \"" + twin + "\""), null);
      assertThat(found.at("/Resources/0/id").asText()).as(twin).isEqualTo(id);
      assertThat(send("POST", ACCOUNT + "Users", "{\"userName\":\"" + twin + "\"}").statusCode())
          .as(twin)
          .isEqualTo(409);
      ok("PUT", path, "{\"userName\":\"" + twin + "\"}"); // is the same name
    }
    made(ACCOUNT + "Users", "{\"userName\":\"other@example.com\"}");
    refused("mutability", send("PUT", path, "{\"userName\":\"other@example.com\"}"));
  }
}
