package dev.tarn.account;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.core.error.platform.Unauthenticated;
import com.databricks.sdk.service.provisioning.CreateCredentialAwsCredentials;
import com.databricks.sdk.service.provisioning.CreateCredentialRequest;
import com.databricks.sdk.service.provisioning.CreateCredentialStsRole;
import com.databricks.sdk.service.provisioning.CreateStorageConfigurationRequest;
import com.databricks.sdk.service.provisioning.CreateWorkspaceRequest;
import com.databricks.sdk.service.provisioning.DeleteCredentialRequest;
import com.databricks.sdk.service.provisioning.DeleteStorageRequest;
import com.databricks.sdk.service.provisioning.DeleteWorkspaceRequest;
import com.databricks.sdk.service.provisioning.GetWorkspaceRequest;
import com.databricks.sdk.service.provisioning.RootBucketInfo;
import com.databricks.sdk.service.provisioning.StorageConfiguration;
import com.databricks.sdk.service.provisioning.UpdateWorkspaceRequest;
import com.databricks.sdk.service.provisioning.Workspace;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Database;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Authenticator;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.iam.Iam;
import dev.tarn.iam.TestClock;
import dev.tarn.storage.Buckets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProvisioningTest {
  private static final String ROLE = "arn:aws:iam::123456789012:role/workspace";

  @TempDir Path folder;
  private final TestClock clock = new TestClock();
  private final List<Step> further = new ArrayList<>();
  private final List<StepAction> teardown = new ArrayList<>();
  private Database database;
  private Buckets buckets;
  private Iam iam;
  private Account account;
  private Caller admin;

  @BeforeEach
  void open() throws Exception {
    database = Database.open(TestDatabase.of(folder));
    buckets = new Buckets(database, folder.resolve("storage"), clock);
    buckets.create("root-bucket", "us-east-1", "test");
    iam = new Iam(database, folder, clock);
    iam.bootstrap("tarn", "admin@tarn.local");
    admin = caller(Files.readString(folder.resolve("admin-token")).trim());
    start();
  }

  private void start() {
    account =
        new Account(
            database,
            iam,
            buckets,
            clock,
            () -> "us-east-1",
            deployment -> "http://127.0.0.1:8484",
            ROLE::equals,
            workspace -> {},
            workspace -> Optional.empty(),
            further,
            teardown);
    account.recover();
  }

  @AfterEach
  void close() {
    account.close();
    database.close();
  }

  private Caller caller(String token) {
    return iam.authenticator(
            ignored -> Optional.empty(),
            workspace -> account.closed(workspace),
            (engine, principal) -> false)
        .authenticate(
            new Authenticator.Credentials(
                "Bearer " + token, "127.0.0.1", null, iam.accountId(), null, null, "r"));
  }

  private JsonNode credential(Caller caller, String name, String role) {
    return (JsonNode)
        account
            .credentials()
            .create(
                caller,
                new CreateCredentialRequest()
                    .setCredentialsName(name)
                    .setAwsCredentials(
                        new CreateCredentialAwsCredentials()
                            .setStsRole(new CreateCredentialStsRole().setRoleArn(role))))
            .body();
  }

  private StorageConfiguration storage(Caller caller, String name, String bucket) {
    return (StorageConfiguration)
        account
            .storageConfigurations()
            .create(
                caller,
                new CreateStorageConfigurationRequest()
                    .setStorageConfigurationName(name)
                    .setRootBucketInfo(new RootBucketInfo().setBucketName(bucket)))
            .body();
  }

  private ObjectNode workspace(Caller caller, String name, String role, String bucket) {
    return (ObjectNode)
        account
            .workspacesService()
            .create(
                caller,
                new CreateWorkspaceRequest()
                    .setWorkspaceName(name)
                    .setAwsRegion("us-east-1")
                    .setCredentialsId(
                        credential(caller, name, role).path("credentials_id").asText())
                    .setStorageConfigurationId(
                        storage(caller, name, bucket).getStorageConfigurationId()))
            .body();
  }

  private ObjectNode get(long id) {
    return (ObjectNode)
        account.workspacesService().get(admin, new GetWorkspaceRequest().setWorkspaceId(id)).body();
  }

  /** Provisioning takes the lock of the workspace; what it did is seen when it has ended. */
  private ObjectNode settled(long id) throws Exception {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (System.nanoTime() < until) {
      ObjectNode workspace = get(id);
      if (!workspace.path("workspace_status").asText().equals("PROVISIONING")) {
        return workspace;
      }
      Thread.onSpinWait();
    }
    throw new AssertionError("workspace is still " + get(id));
  }

  private void gone(long id) {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (account.workspace(id).isPresent()) {
      assertThat(System.nanoTime()).as("still there: %s", account.workspace(id)).isLessThan(until);
      Thread.onSpinWait();
    }
  }

  private ObjectNode delete(Caller caller, long id) {
    return (ObjectNode)
        account
            .workspacesService()
            .delete(caller, new DeleteWorkspaceRequest().setWorkspaceId(id))
            .body();
  }

  @Test
  void aWorkspaceIsProvisioningAtOnceAndThenRuns() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    further.add(new Step("further", "Doing something further.", workspace -> go.await()));
    account.close();
    start();
    ObjectNode made = workspace(admin, "rd", ROLE, "root-bucket");
    long id = made.path("workspace_id").asLong();
    assertThat(Long.toString(id)).hasSize(16);
    assertThat(made.path("workspace_status").asText()).isEqualTo("PROVISIONING");
    assertThat(made.path("deployment_name").asText()).matches("dbc-[0-9a-f]{8}-[0-9a-f]{4}");
    assertThat(made.path("workspace_url").asText()).isEqualTo("http://127.0.0.1:8484");
    go.countDown();
    ObjectNode running = settled(id);
    assertThat(running.path("workspace_status").asText()).isEqualTo("RUNNING");
    assertThat(running.path("workspace_status_message").asText())
        .isEqualTo("Workspace is running.");
    assertThat(running.path("creation_time").asLong()).isEqualTo(clock.millis());
    JsonNode steps =
        dev.tarn.database.Json.MAPPER.valueToTree(
            account
                .workspacesService()
                .steps(admin, new Workspaces.StepsRequest(iam.accountId(), id))
                .body());
    assertThat(steps.path("steps").findValuesAsText("name"))
        .containsExactly("role", "root-bucket", "administrator", "further");
    assertThat(steps.path("steps").findValuesAsText("state")).containsOnly("DONE");
    assertThat(folder.resolve("storage/root-bucket")).isEmptyDirectory();
    assertThat(
            iam.authenticator(
                    ignored -> Optional.empty(),
                    workspace -> account.closed(workspace),
                    (engine, principal) -> false)
                .authenticate(
                    new Authenticator.Credentials(
                        "Bearer " + Files.readString(folder.resolve("admin-token")).trim(),
                        "127.0.0.1",
                        null,
                        null,
                        null,
                        null,
                        "r"))
                .roles())
        .contains(Role.WORKSPACE_ADMIN);
  }

  @Test
  void credentialsSayTheExternalIdTheRoleMustAskFor() {
    JsonNode made = credential(admin, "c", ROLE);
    assertThat(made.at("/aws_credentials/sts_role/external_id").asText())
        .isEqualTo(iam.accountId());
    assertThat(made.at("/aws_credentials/sts_role/role_arn").asText()).isEqualTo(ROLE);
  }

  @Test
  void aMissingRoleOrBucketFailsTheWorkspaceAndSaysSo() throws Exception {
    String other = "arn:aws:iam::123456789012:role/other";
    ObjectNode noRole =
        settled(workspace(admin, "a", other, "root-bucket").path("workspace_id").asLong());
    assertThat(noRole.path("workspace_status").asText()).isEqualTo("FAILED");
    assertThat(noRole.path("workspace_status_message").asText())
        .startsWith("Failed credentials validation checks: ")
        .contains(other);
    ObjectNode noBucket =
        settled(workspace(admin, "b", ROLE, "no-bucket").path("workspace_id").asLong());
    assertThat(noBucket.path("workspace_status").asText()).isEqualTo("FAILED");
    assertThat(noBucket.path("workspace_status_message").asText()).contains("no-bucket");
  }

  @Test
  void aFailedWorkspaceIsRepairedByAnUpdate() throws Exception {
    long id = workspace(admin, "a", ROLE, "later").path("workspace_id").asLong();
    assertThat(settled(id).path("workspace_status").asText()).isEqualTo("FAILED");
    buckets.create("later", "us-east-1", "test");
    account
        .workspacesService()
        .update(
            admin,
            new UpdateWorkspaceRequest()
                .setWorkspaceId(id)
                .setCustomerFacingWorkspace(new Workspace()));
    assertThat(settled(id).path("workspace_status").asText()).isEqualTo("RUNNING");
    account
        .workspacesService()
        .update(
            admin,
            new UpdateWorkspaceRequest()
                .setWorkspaceId(id)
                .setCustomerFacingWorkspace(new Workspace().setCustomTags(Map.of("team", "data"))));
    assertThat(get(id).at("/custom_tags/team").asText()).isEqualTo("data");
    assertThat(get(id).path("workspace_status").asText()).isEqualTo("RUNNING");
    assertThatThrownBy(
            () ->
                account
                    .workspacesService()
                    .update(
                        admin,
                        new UpdateWorkspaceRequest()
                            .setWorkspaceId(id)
                            .setCustomerFacingWorkspace(new Workspace().setNetworkId("n"))))
        .isInstanceOf(InvalidParameterValue.class);
  }

  @Test
  void aChangeThatWasUnderWayWhenTheProcessEndedGoesOn() throws Exception {
    long id = workspace(admin, "rd", ROLE, "root-bucket").path("workspace_id").asLong();
    assertThat(settled(id).path("workspace_status").asText()).isEqualTo("RUNNING");
    String credentials = credential(admin, "other", ROLE).path("credentials_id").asText();
    CountDownLatch reached = new CountDownLatch(1);
    further.add(
        new Step(
            "further",
            "Doing something further.",
            workspace -> {
              reached.countDown();
              new CountDownLatch(1).await();
            }));
    account.close();
    start();
    account
        .workspacesService()
        .update(
            admin,
            new UpdateWorkspaceRequest()
                .setWorkspaceId(id)
                .setCustomerFacingWorkspace(new Workspace().setCredentialsId(credentials)));
    assertThat(reached.await(30, TimeUnit.SECONDS)).isTrue();
    account.close(); // in the midst of a step
    assertThat(get(id).path("workspace_status").asText()).isEqualTo("PROVISIONING");
    assertThat(account.closed(id)).isEmpty(); // it goes on working meanwhile
    further.clear();
    start();
    JsonNode after = settled(id);
    assertThat(after.path("workspace_status").asText()).isEqualTo("RUNNING");
    assertThat(after.path("credentials_id").asText()).isEqualTo(credentials);
  }

  @Test
  void whatAWorkspaceUsesCannotBeDeleted() throws Exception {
    ObjectNode made = workspace(admin, "rd", ROLE, "root-bucket");
    String credentials = made.path("credentials_id").asText();
    String storage = made.path("storage_configuration_id").asText();
    assertThatThrownBy(
            () ->
                account
                    .credentials()
                    .delete(admin, new DeleteCredentialRequest().setCredentialsId(credentials)))
        .isInstanceOf(ResourceConflict.class);
    assertThatThrownBy(
            () ->
                account
                    .storageConfigurations()
                    .delete(admin, new DeleteStorageRequest().setStorageConfigurationId(storage)))
        .isInstanceOf(ResourceConflict.class);
    long id = made.path("workspace_id").asLong();
    assertThat(delete(admin, id).path("workspace_status").asText()).isEqualTo("CANCELLING");
    gone(id);
    assertThat(
            account
                .credentials()
                .delete(admin, new DeleteCredentialRequest().setCredentialsId(credentials))
                .body()
                .toString())
        .contains(credentials);
    assertThat(
            ((StorageConfiguration)
                    account
                        .storageConfigurations()
                        .delete(
                            admin, new DeleteStorageRequest().setStorageConfigurationId(storage))
                        .body())
                .getStorageConfigurationId())
        .isEqualTo(storage);
    assertThatThrownBy(() -> get(id)).isInstanceOf(ResourceDoesNotExist.class);
  }

  @Test
  void aTeardownThatCannotIsGoneOnWithWhenAskedAgain() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    CountDownLatch refused = new CountDownLatch(1);
    teardown.add(
        workspace -> {
          if (calls.getAndIncrement() == 0) {
            refused.countDown();
            throw new InvalidState("an engine is still running", null);
          }
        });
    account.close();
    start();
    long id = workspace(admin, "rd", ROLE, "root-bucket").path("workspace_id").asLong();
    settled(id);
    delete(admin, id);
    refused.await();
    assertThat(get(id).path("workspace_status").asText()).isEqualTo("CANCELLING");
    delete(admin, id);
    gone(id);
    assertThat(calls).hasValue(2);
  }

  @Test
  void aStepThatWasRunningWhenTheServerStoppedIsRunAgainAndThoseBeforeAreNot() throws Exception {
    AtomicInteger before = new AtomicInteger();
    AtomicInteger runs = new AtomicInteger();
    CountDownLatch reached = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    further.add(new Step("before", "Before.", workspace -> before.incrementAndGet()));
    further.add(
        new Step(
            "slow",
            "Slow.",
            workspace -> {
              if (runs.incrementAndGet() == 1) {
                reached.countDown();
                never.await();
              }
            }));
    account.close();
    start();
    long id = workspace(admin, "rd", ROLE, "root-bucket").path("workspace_id").asLong();
    reached.await();
    assertThat(get(id).path("workspace_status_message").asText()).isEqualTo("Slow.");
    account.close();
    assertThat(get(id).path("workspace_status").asText()).isEqualTo("PROVISIONING");
    start();
    assertThat(settled(id).path("workspace_status").asText()).isEqualTo("RUNNING");
    assertThat(before).hasValue(1);
    assertThat(runs).hasValue(2);
  }

  @Test
  void aWorkspaceDeletedWhileItIsProvisionedGoesAfterTheStep() throws Exception {
    CountDownLatch reached = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    AtomicInteger after = new AtomicInteger();
    further.add(
        new Step(
            "slow",
            "Slow.",
            workspace -> {
              reached.countDown();
              go.await();
            }));
    further.add(new Step("after", "After.", workspace -> after.incrementAndGet()));
    account.close();
    start();
    long id = workspace(admin, "rd", ROLE, "root-bucket").path("workspace_id").asLong();
    reached.await();
    delete(admin, id);
    assertThat(get(id).path("workspace_status").asText()).isEqualTo("CANCELLING");
    go.countDown();
    gone(id);
    assertThat(after).hasValue(0);
  }

  @Test
  void ofTwentyWhoAskForOneNameOneGetsIt() throws Exception {
    assertThat(winners(() -> credential(admin, "same", ROLE))).isEqualTo(1);
    assertThat(winners(() -> storage(admin, "same", "root-bucket"))).isEqualTo(1);
    String credentials = credential(admin, "c", ROLE).path("credentials_id").asText();
    String storage = storage(admin, "s", "root-bucket").getStorageConfigurationId();
    CreateWorkspaceRequest request =
        new CreateWorkspaceRequest()
            .setWorkspaceName("same")
            .setCredentialsId(credentials)
            .setStorageConfigurationId(storage);
    assertThat(winners(() -> account.workspacesService().create(admin, request))).isEqualTo(1);
    assertThat(account.workspaces()).hasSize(1);
  }

  private static int winners(Callable<Object> call) throws Exception {
    int won = 0;
    try (var threads = Executors.newFixedThreadPool(20)) {
      CountDownLatch start = new CountDownLatch(1);
      List<Future<Object>> calls = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        calls.add(
            threads.submit(
                () -> {
                  start.await();
                  return call.call();
                }));
      }
      start.countDown();
      for (Future<Object> one : calls) {
        try {
          one.get();
          won++;
        } catch (ExecutionException e) {
          assertThat(e.getCause()).isInstanceOf(AlreadyExists.class);
        }
      }
    }
    return won;
  }

  @Test
  void aStackThatAsksAgainIsGivenWhatItMade() throws Exception {
    Caller stack = caller(iam.stackSessions().mint(admin, "arn:stack/1"));
    ObjectNode made = workspace(stack, "rd", ROLE, "root-bucket");
    ObjectNode again = workspace(stack, "rd", ROLE, "root-bucket");
    assertThat(again.path("workspace_id")).isEqualTo(made.path("workspace_id"));
    Caller other = caller(iam.stackSessions().mint(admin, "arn:stack/2"));
    assertThatThrownBy(() -> workspace(other, "rd", ROLE, "root-bucket"))
        .isInstanceOf(AlreadyExists.class);
    assertThatThrownBy(() -> credential(admin, "rd", ROLE)).isInstanceOf(AlreadyExists.class);
    settled(made.path("workspace_id").asLong());
    assertThat(account.workspace(made.path("workspace_id").asLong()).orElseThrow().createdBy())
        .isEqualTo(admin.principalId());
  }

  @Test
  void aStackDeletesOnlyWhatItMadeAlsoAfterItsHour() throws Exception {
    Caller one = caller(iam.stackSessions().mint(admin, "arn:stack/1"));
    Caller two = caller(iam.stackSessions().mint(admin, "arn:stack/2"));
    ObjectNode made = workspace(one, "rd", ROLE, "root-bucket");
    long id = made.path("workspace_id").asLong();
    settled(id);
    assertThatThrownBy(() -> delete(two, id)).isInstanceOf(PermissionDenied.class);
    assertThat(account.workspacesService().list(two)).isEmpty();
    assertThat(account.credentials().list(one)).hasSize(1);
    clock.advance(Duration.ofHours(2));
    assertThatThrownBy(() -> credential(one, "new", ROLE)).isInstanceOf(Unauthenticated.class);
    delete(one, id);
    gone(id);
    assertThatThrownBy(() -> delete(one, id)).isInstanceOf(ResourceDoesNotExist.class);
    DeleteCredentialRequest credentials =
        new DeleteCredentialRequest().setCredentialsId(made.path("credentials_id").asText());
    account.credentials().delete(one, credentials);
    assertThatThrownBy(() -> account.credentials().delete(one, credentials))
        .isInstanceOf(ResourceDoesNotExist.class);
  }

  @Test
  void badValuesAreRefusedWithValueAndExpectation() {
    for (String name : new String[] {null, "", " ", "x".repeat(10_000), "a\nb"}) {
      assertThatThrownBy(() -> credential(admin, name, ROLE))
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessageContaining("(expected: 1 to 256 characters)");
    }
    for (String role : new String[] {null, "", "role", "arn:aws:iam::1:role/x"}) {
      assertThatThrownBy(() -> credential(admin, "c", role))
          .isInstanceOf(InvalidParameterValue.class);
    }
    assertThatThrownBy(() -> storage(admin, "s", "Not_A_Bucket"))
        .isInstanceOf(InvalidParameterValue.class);
    credential(admin, "it's \"quoted\".🌊", ROLE);
    CreateWorkspaceRequest request =
        new CreateWorkspaceRequest().setWorkspaceName("w").setCredentialsId("nobody");
    assertThatThrownBy(() -> account.workspacesService().create(admin, request))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageStartingWith("credentials_id: 'nobody'");
    assertThatThrownBy(
            () ->
                account
                    .workspacesService()
                    .create(admin, request.setAwsRegion("eu-west-1").setNetworkId("n")))
        .hasMessageContaining("us-east-1");
    assertThat(account.workspaces()).isEmpty();
  }
}
