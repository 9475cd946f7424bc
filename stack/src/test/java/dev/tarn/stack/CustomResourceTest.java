package dev.tarn.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tarn.stack.TestAccount.Trouble;
import java.io.ByteArrayInputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CustomResourceTest {
  private static final String LOG_STREAM = "2026/11/22/[$LATEST]0123456789abcdef";

  private static final Map<String, String> CREDENTIALS =
      Map.of(
          "action", "CREATE_CREDENTIALS",
          "credentials_name", "rd-credentials-1",
          "role_arn", "arn:aws:iam::123456789012:role/r");
  private static final Map<String, String> STORAGE =
      Map.of(
          "action", "CREATE_STORAGE_CONFIGURATIONS",
          "storage_config_name", "rd-storage-1",
          "s3bucket_name", "rd-bucket",
          "catalog_role_arn", "arn:aws:iam::123456789012:role/c");
  private static final Map<String, String> WORKSPACE =
      Map.of(
          "action", "CREATE_WORKSPACES",
          "workspace_name", "Prod-EU-DataTeam",
          "aws_region", "us-east-1",
          "credentials_id", "aaaaaaaa-0000-0000-0000-000000000001",
          "storage_config_id", "aaaaaaaa-0000-0000-0000-000000000002");

  private static final Map<String, String> NETWORK =
      Map.of(
          "action", "CREATE_NETWORKS",
          "network_name", "rd-network-1",
          "vpc_id", "vpc-01234567",
          "subnet_ids", "subnet-01234567, subnet-89abcdef",
          "security_group_ids", "sg-01234567");
  private static final Map<String, String> ENDPOINT =
      Map.of(
          "action", "CREATE_VPC_ENDPOINT",
          "endpoint_name", "rd-rest-1",
          "vpc_endpoint_id", "vpce-01234567",
          "aws_region", "us-east-1");
  private static final Map<String, String> ACCESS =
      Map.of(
          "action", "CREATE_PRIVATE_ACCESS_CONFIGURATION",
          "private_access_settings_name", "rd-access-1",
          "aws_region", "us-east-1",
          "public_access_enabled", "false",
          "allowed_vpc_endpoint_ids", "aaaaaaaa-0000-0000-0000-000000000003");
  private static final Map<String, String> KEY =
      Map.of(
          "action", "CREATE_CUSTOMER_MANAGED_KEY",
          "key_arn", "arn:aws:kms:us-east-1:123456789012:key/k",
          "use_cases", "BOTH");

  private TestAccount account;

  @BeforeEach
  void open() throws Exception {
    account = new TestAccount();
    account.statuses.addAll(List.of("NOT_PROVISIONED", "PROVISIONING", "PROVISIONING"));
    account.statuses.addAll(java.util.Collections.nCopies(100, "RUNNING"));
  }

  @AfterEach
  void close() {
    account.close();
  }

  static Stream<Map<String, String>> everyAction() {
    return Stream.of(CREDENTIALS, STORAGE, WORKSPACE, NETWORK, ENDPOINT, ACCESS, KEY);
  }

  static Stream<Map<String, String>> everyNamed() {
    return everyAction().filter(resource -> resource != KEY);
  }

  @ParameterizedTest
  @MethodSource("everyAction")
  void whatIsCreatedHasTheIdOfTheApiAndIsDeletedByIt(Map<String, String> resource)
      throws Exception {
    Map<String, Object> answer = account.send("Create", null, resource);
    assertThat(answer).containsEntry("Status", "SUCCESS");
    String id = (String) answer.get("PhysicalResourceId");
    assertThat(account.objects.keySet().iterator().next()).endsWith("/" + id);
    assertThat(account.send("Delete", id, resource)).containsEntry("Status", "SUCCESS");
    assertThat(account.objects).isEmpty();
    // CloudFormation may repeat a Delete, and what is absent is deleted.
    assertThat(account.send("Delete", id, resource)).containsEntry("Status", "SUCCESS");
  }

  @Test
  void attributesAreTextsAndNeverAbsent() throws Exception {
    assertThat(account.send("Create", null, CREDENTIALS).get("Data"))
        .isEqualTo(Map.of("ExternalId", TestAccount.ACCOUNT));
    Map<String, Object> data = Json.asObject(account.send("Create", null, WORKSPACE).get("Data"));
    assertThat(data)
        .containsEntry("DeploymentName", "dbc-1")
        .containsEntry("WorkspaceStatus", "RUNNING")
        .containsEntry("PricingTier", "")
        .containsEntry("WorkspaceCatalogName", "")
        .containsEntry("WorkspaceUrl", account.url());
    assertThat((String) data.get("WorkspaceStatusMsg")).startsWith("because of **** \"");
  }

  @ParameterizedTest
  @MethodSource("everyAction")
  void aRepeatedRequestFindsWhatTheFirstMade(Map<String, String> resource) throws Exception {
    Object id = account.send("Create", null, resource).get("PhysicalResourceId");
    assertThat(account.send("Create", null, resource))
        .containsEntry("Status", "SUCCESS")
        .containsEntry("PhysicalResourceId", id);
    assertThat(account.objects).hasSize(1);
  }

  @ParameterizedTest
  @MethodSource("everyAction")
  void aLostAnswerMakesNoSecondObject(Map<String, String> resource) throws Exception {
    for (int status : new int[] {0, 500, 503}) {
      account.objects.clear();
      account.troubles.add(new Trouble(status, "", true));
      assertThat(account.send("Create", null, resource)).containsEntry("Status", "SUCCESS");
      assertThat(account.objects).hasSize(1);
    }
  }

  @ParameterizedTest
  @MethodSource("everyNamed")
  void anotherObjectOfThatNameIsNotTaken(Map<String, String> resource) throws Exception {
    account.send("Create", null, resource);
    Map<String, String> other = new HashMap<>(resource);
    other.replaceAll((k, v) -> k.endsWith("_name") && !k.startsWith("s3") ? v : v + "x");
    other.put("action", resource.get("action"));
    Map<String, Object> answer = account.send("Create", null, other);
    assertThat(answer)
        .containsEntry("Status", "FAILED")
        .containsEntry("PhysicalResourceId", LOG_STREAM);
    assertThat((String) answer.get("Reason")).contains("it is", "409 RESOURCE_ALREADY_EXISTS");
    // And its rollback does not delete the stranger's.
    assertThat(account.send("Delete", LOG_STREAM, other)).containsEntry("Status", "SUCCESS");
    assertThat(account.objects).hasSize(1);
  }

  @ParameterizedTest
  @MethodSource("everyNamed")
  void aRefusalIsTheReasonWithWhatWasSentAndWithoutTheToken(Map<String, String> resource)
      throws Exception {
    account.troubles.add(
        new Trouble(
            400,
            "{\"error_code\":\"INVALID_PARAMETER_VALUE\",\"message\":\"no, "
                + TestAccount.TOKEN
                + "\"}",
            false));
    Map<String, Object> answer = account.send("Create", null, resource);
    assertThat(answer)
        .containsEntry("Status", "FAILED")
        .containsEntry("PhysicalResourceId", LOG_STREAM);
    assertThat((String) answer.get("Reason"))
        .startsWith("no, **** (400 INVALID_PARAMETER_VALUE to POST ")
        .contains("_name");
    assertThat(account.calls).hasSize(1);
    assertThat(account.objects).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("everyAction")
  void anApiInTroubleIsAskedAgainForAMinuteOnly(Map<String, String> resource) throws Exception {
    account.troubles.addAll(java.util.Collections.nCopies(4, new Trouble(503, "<html>", false)));
    assertThat(account.send("Create", null, resource)).containsEntry("Status", "SUCCESS");
    account.troubles.addAll(java.util.Collections.nCopies(900, new Trouble(500, "", false)));
    account.time.set(0);
    Map<String, Object> answer =
        account.send("Delete", "aaaaaaaa-0000-0000-0000-00000000000a", CREDENTIALS);
    assertThat(answer).containsEntry("Status", "FAILED");
    assertThat(account.time.get()).isBetween(150_000L, 160_000L);
  }

  @ParameterizedTest
  @MethodSource("everyAction")
  void anErrorAtDeleteIsAnErrorOfTheStack(Map<String, String> resource) throws Exception {
    String id = (String) account.send("Create", null, resource).get("PhysicalResourceId");
    account.troubles.add(
        new Trouble(409, "{\"error_code\":\"RESOURCE_CONFLICT\",\"message\":\"in use\"}", false));
    Map<String, Object> answer = account.send("Delete", id, resource);
    assertThat(answer).containsEntry("Status", "FAILED").containsEntry("PhysicalResourceId", id);
    assertThat((String) answer.get("Reason")).contains("in use");
  }

  @ParameterizedTest
  @MethodSource("everyAction")
  void theDeleteOfAFailedCreateSucceeds(Map<String, String> resource) throws Exception {
    for (String id : new String[] {LOG_STREAM, "", "x", "'; DROP", "../../1", "٣"}) {
      assertThat(account.send("Delete", id, resource)).containsEntry("Status", "SUCCESS");
    }
    // Also for whoever may not look,
    account.troubles.add(new Trouble(403, "{}", false));
    assertThat(account.send("Delete", LOG_STREAM, resource)).containsEntry("Status", "SUCCESS");
    // and for a Create that failed for want of a property.
    assertThat(account.send("Delete", LOG_STREAM, Map.of("action", resource.get("action"))))
        .containsEntry("Status", "SUCCESS");
    assertThat(
            account.send(
                "Delete", LOG_STREAM, Map.of("action", resource.get("action"), "accountId", "")))
        .containsEntry("Status", "SUCCESS");
  }

  @ParameterizedTest
  @MethodSource("everyAction")
  void theDeleteOfAFailedCreateFindsWhatItMadeUnheard(Map<String, String> resource)
      throws Exception {
    account.send("Create", null, resource);
    assertThat(account.send("Delete", LOG_STREAM, resource)).containsEntry("Status", "SUCCESS");
    assertThat(account.objects).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("everyAction")
  void theAnswerComesBeforeTheDeadline(Map<String, String> resource) throws Exception {
    // Answers that take a retry each, and time that stands still: only the clock can end this.
    account.troubles.addAll(java.util.Collections.nCopies(1_000_000, new Trouble(500, "", false)));
    account.time.set(Long.MIN_VALUE / 2);
    Patience forever =
        new Patience() {
          @Override
          public long now() {
            return 0;
          }

          @Override
          public void pause(java.time.Duration wait) throws InterruptedException {
            new java.util.concurrent.CountDownLatch(1).await();
          }
        };
    for (String type : new String[] {"Create", "Update", "Delete"}) {
      account.answers.clear();
      long start = System.nanoTime();
      new DatabricksApi(forever)
          .handleRequest(
              new ByteArrayInputStream(
                  account
                      .event(type, "aaaaaaaa-0000-0000-0000-00000000000a", resource, resource)
                      .getBytes(StandardCharsets.UTF_8)),
              OutputStream.nullOutputStream(),
              account.context(1_200));
      assertThat((System.nanoTime() - start) / 1_000_000).isLessThan(1_200);
      assertThat(account.answer()).containsEntry("Status", "FAILED");
      assertThat((String) account.answer().get("Reason")).contains("all the time the function had");
    }
  }

  @Test
  void aWorkspaceThatFailsIsReportedWithItsIdSoThatTheRollbackDeletesIt() throws Exception {
    account.statuses.clear();
    account.statuses.addAll(List.of("PROVISIONING", "FAILED"));
    Map<String, Object> answer = account.send("Create", null, WORKSPACE);
    assertThat(answer).containsEntry("Status", "FAILED");
    String id = (String) answer.get("PhysicalResourceId");
    assertThat(account.objects).containsKey("/workspaces/" + id);
    assertThat((String) answer.get("Reason"))
        .startsWith("workspace Prod-EU-DataTeam is FAILED: because of ****");
    account.send("Delete", id, WORKSPACE);
    assertThat(account.objects).isEmpty();
  }

  @Test
  void aRoleThatIamDoesNotShowYetIsAskedForAgain() throws Exception {
    Trouble early =
        new Trouble(
            400,
            "{\"error_code\":\"MALFORMED_REQUEST\",\"message\":\"Failed credentials validation"
                + " checks: Delete Tags\"}",
            false);
    account.troubles.addAll(java.util.Collections.nCopies(5, early));
    assertThat(account.send("Create", null, WORKSPACE)).containsEntry("Status", "SUCCESS");
    account.objects.clear();
    account.troubles.addAll(java.util.Collections.nCopies(900, early));
    account.time.set(0);
    Map<String, Object> answer = account.send("Create", null, WORKSPACE);
    assertThat((String) answer.get("Reason")).startsWith("Failed credentials validation checks");
    assertThat(account.time.get()).isBetween(150_000L, 160_000L);
  }

  @Test
  void anUpdateReplacesWhatCannotBeChangedAndKeepsTheRest() throws Exception {
    Object id = account.send("Create", null, CREDENTIALS).get("PhysicalResourceId");
    assertThat(account.send("Update", id.toString(), CREDENTIALS, CREDENTIALS, 60_000))
        .containsEntry("Status", "SUCCESS")
        .containsEntry("PhysicalResourceId", id);
    Map<String, String> changed = new HashMap<>(CREDENTIALS);
    changed.put("role_arn", "arn:aws:iam::123456789012:role/other");
    Map<String, Object> answer =
        account.send("Update", id.toString(), changed, CREDENTIALS, 60_000);
    assertThat(answer).containsEntry("Status", "SUCCESS");
    assertThat(answer.get("PhysicalResourceId")).isNotEqualTo(id);
    // Repeated, it finds the same replacement.
    assertThat(account.send("Update", id.toString(), changed, CREDENTIALS, 60_000))
        .containsEntry("PhysicalResourceId", answer.get("PhysicalResourceId"));
    changed = new HashMap<>(CREDENTIALS);
    changed.put("credentials_name", "renamed");
    assertThat(account.send("Update", id.toString(), changed, CREDENTIALS, 60_000))
        .containsEntry("Status", "SUCCESS");
    assertThat(account.objects).hasSize(3);
    Map<String, String> bucket = new HashMap<>(STORAGE);
    bucket.put("s3bucket_name", "other-bucket");
    Object storage = account.send("Create", null, STORAGE).get("PhysicalResourceId");
    assertThat(account.send("Update", storage.toString(), bucket, STORAGE, 60_000))
        .containsEntry("Status", "SUCCESS")
        .doesNotContainEntry("PhysicalResourceId", storage);
  }

  @Test
  void aWorkspaceGetsOtherCredentialsInPlace() throws Exception {
    String id = (String) account.send("Create", null, WORKSPACE).get("PhysicalResourceId");
    Map<String, String> changed = new HashMap<>(WORKSPACE);
    changed.put("credentials_id", "aaaaaaaa-0000-0000-0000-000000000009");
    assertThat(account.send("Update", id, changed, WORKSPACE, 60_000))
        .containsEntry("Status", "SUCCESS")
        .containsEntry("PhysicalResourceId", id);
    assertThat(account.objects.get("/workspaces/" + id))
        .containsEntry("credentials_id", "aaaaaaaa-0000-0000-0000-000000000009");
  }

  @Test
  void aWorkspaceIsNeverReplacedAndWhatTheApiRefusesCanBeTakenBack() throws Exception {
    String id = (String) account.send("Create", null, WORKSPACE).get("PhysicalResourceId");
    Map<String, String> changed = new HashMap<>(WORKSPACE);
    changed.put("workspace_name", "renamed");
    assertThat(account.send("Update", id, changed, WORKSPACE, 60_000))
        .containsEntry("Status", "FAILED")
        .containsEntry("PhysicalResourceId", id);
    assertThat(account.objects).hasSize(1);
    account.calls.clear();
    // The rollback: it is what it was, so nothing is asked that would be refused again.
    assertThat(account.send("Update", id, WORKSPACE, changed, 60_000))
        .containsEntry("Status", "SUCCESS");
    assertThat(account.calls).noneMatch(call -> call.startsWith("PATCH"));
  }

  @Test
  void anUnknownActionIsNotSupportedAndItsDeleteSucceeds() throws Exception {
    for (Map<String, String> action :
        List.of(Map.<String, String>of(), Map.of("action", "BOGUS"))) {
      for (String type : new String[] {"Create", "Update"}) {
        assertThat((String) account.send(type, "x", action).get("Reason"))
            .startsWith("No supported action specified");
      }
      assertThat(account.send("Delete", LOG_STREAM, action)).containsEntry("Status", "SUCCESS");
    }
    assertThat(account.calls).isEmpty();
  }

  @Test
  void eachHandlerCanAlsoBeAFunctionOfItsOwn() throws Exception {
    new CreateCredentials(account.patience())
        .handleRequest(
            new ByteArrayInputStream(
                account
                    .event("Create", null, CREDENTIALS, Map.of())
                    .getBytes(StandardCharsets.UTF_8)),
            OutputStream.nullOutputStream(),
            account.context(60_000));
    assertThat(account.answer()).containsEntry("Status", "SUCCESS");
  }

  @Test
  void whatIsNoEventIsAnErrorOfTheFunction() {
    for (String event : new String[] {"", "[]", "{}", "{\"RequestType\":\"Bogus\"}", "{\"a\":"}) {
      assertThatThrownBy(
              () ->
                  new DatabricksApi(account.patience())
                      .handleRequest(
                          new ByteArrayInputStream(event.getBytes(StandardCharsets.UTF_8)),
                          OutputStream.nullOutputStream(),
                          account.context(60_000)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aMissingPropertyIsNamed() throws Exception {
    assertThat(
            (String)
                account.send("Create", null, Map.of("action", "CREATE_WORKSPACES")).get("Reason"))
        .isEqualTo("property workspace_name: '' (expected: a value)");
  }
}
