package dev.tarn.cloudformation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import dev.tarn.database.Database;
import dev.tarn.database.Seal;
import dev.tarn.database.TestDatabase;
import dev.tarn.engine.HostProcesses;
import dev.tarn.engine.Sandbox;
import dev.tarn.http.Caller;
import dev.tarn.storage.Buckets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The template and the handlers as built, in the sandbox, against an account that can be made to
 * refuse.
 */
class StacksTest {
  private static final List<String> NINE =
      List.of(
          "LambdaZipsBucket",
          "catalogIamRole",
          "createCredentials",
          "createStorageConfiguration",
          "createWorkspace",
          "databricksApiFunction",
          "functionRole",
          "workspaceIamRole",
          "workspaceS3Bucket");

  @TempDir Path home;
  private final Caller admin = Caller.system(TestDoor.ACCOUNT, "test");
  private TestDoor door;
  private Database database;
  private Buckets buckets;
  private Sandbox sandbox;

  @BeforeEach
  void open() throws Exception {
    door = new TestDoor();
    Files.createDirectories(home.resolve("keys"));
    sandbox = Sandbox.open("required", home);
    start();
  }

  private void start() {
    database = Database.open(TestDatabase.of(home));
    buckets = new Buckets(database, home.resolve("storage"), Clock.systemUTC());
    buckets.recover();
    door.stacks =
        new Stacks(
            database,
            Seal.open(home.resolve("keys")),
            buckets,
            sandbox,
            door,
            () -> TestDoor.ACCOUNT,
            () -> "us-east-1",
            home.resolve("runtime"),
            home.resolve("logs"),
            Clock.systemUTC(),
            door::url);
    door.stacks.resume();
  }

  private void stop() {
    door.stacks.close();
    database.close();
  }

  @AfterEach
  void close() {
    stop();
    door.close();
    assertThat(ProcessHandle.current().descendants().filter(ProcessHandle::isAlive)).isEmpty();
    // Nor one that lost its parent.
    assertThat(
            HostProcesses.with(
                List.of("-Dtarn.functions=" + home.resolve("runtime/functions").toAbsolutePath())))
        .isEmpty();
  }

  @Test
  void theQuickstartStackMakesAWorkspaceAndIsDeletedWithoutATrace() throws Exception {
    String name = create(null, Map.of("WorkspaceName", "Prod-EU-DataTeam"));
    assertThat(name).matches("databricks-workspace-stack-[0-9a-f]{5}");
    assertThat(end(name).status()).isEqualTo("CREATE_COMPLETE");
    assertThat(resources(name))
        .extracting(Stacks.Resource::logicalId)
        .containsExactlyElementsOf(NINE);
    assertThat(resources(name)).allMatch(r -> r.status().equals("CREATE_COMPLETE"));
    Map<String, Integer> completed = new java.util.HashMap<>();
    List<Stacks.Event> events = events(name);
    for (int i = 0; i < events.size(); i++) {
      if (events.get(i).status().equals("CREATE_COMPLETE")) {
        completed.put(events.get(i).logicalId(), i);
      }
    }
    assertThat(completed).containsKeys(NINE.toArray(String[]::new)).hasSize(10);
    assertThat(completed.get("LambdaZipsBucket"))
        .isLessThan(completed.get("databricksApiFunction"));
    assertThat(completed.get("workspaceIamRole")).isLessThan(completed.get("createCredentials"));
    assertThat(completed.get("databricksApiFunction"))
        .isLessThan(completed.get("createCredentials"));
    assertThat(completed.get("catalogIamRole"))
        .isLessThan(completed.get("createStorageConfiguration"));
    assertThat(completed.get("createCredentials")).isLessThan(completed.get("createWorkspace"));
    assertThat(completed.get("createStorageConfiguration"))
        .isLessThan(completed.get("createWorkspace"));
    assertThat(events.getLast().type()).isEqualTo("AWS::CloudFormation::Stack");

    Map<String, String> outputs = outputs(name);
    assertThat(outputs)
        .containsEntry("ExternalId", TestDoor.ACCOUNT)
        .containsEntry("WorkspaceStatus", "RUNNING");
    assertThat(outputs.get("WorkspaceIamRoleArn"))
        .matches("arn:aws:iam::\\d{12}:role/[\\w-]{1,64}");
    assertThat(door.stacks.isRole(outputs.get("CatalogIamRoleArn"))).isTrue();
    assertThat(door.objects)
        .containsKeys(
            "/credentials/" + outputs.get("CredentialsId"),
            "/storage-configurations/" + outputs.get("StorageConfigId"),
            "/workspaces/" + outputs.get("WorkspaceId"));
    assertThat(buckets.list())
        .hasSize(2)
        .extracting(Buckets.Bucket::name)
        .contains(outputs.get("S3BucketName"))
        .allMatch(bucket -> bucket.matches("[a-z0-9-]{3,63}"));
    // Nothing is left running, and the token is nowhere to be read.
    String token = door.tokens.values().iterator().next();
    assertThat(stack(name).toString() + events + resources(name))
        .contains("****")
        .doesNotContain(token);
    assertThat(everyFile()).noneMatch(text -> text.contains(token));
    assertThat(ProcessHandle.current().descendants().filter(ProcessHandle::isAlive)).isEmpty();

    Path result = buckets.folder(outputs.get("S3BucketName")).resolve("tarn-results/1/0.arrow");
    Files.createDirectories(result.getParent());
    Files.writeString(result, "x");
    delete(name);
    assertGone(name);
    assertThat(door.tokens).isEmpty();
  }

  @Test
  void twoStacksAtOnceShareNothing() throws Exception {
    String one = create(null, Map.of("WorkspaceName", "rd"));
    String other = create(null, Map.of("WorkspaceName", "Prod-EU-DataTeam"));
    assertThat(end(one).status()).isEqualTo("CREATE_COMPLETE");
    assertThat(end(other).status()).isEqualTo("CREATE_COMPLETE");
    assertThat(door.objects).hasSize(6);
    assertThat(buckets.list()).hasSize(4);
    delete(one);
    assertThat(door.objects).hasSize(3);
    assertThat(buckets.list()).hasSize(2);
    delete(other);
    assertGone(other);
  }

  @Test
  @Tag("database-blind")
  void aStackThatFailsRollsBackInReverseWithTheFailedResource() throws Exception {
    door.refused.add("/workspaces");
    String name = create("failing", Map.of("WorkspaceName", "rd"));
    Stacks.Stack end = end(name);
    assertThat(end.status()).isEqualTo("ROLLBACK_COMPLETE");
    assertThat(end.statusReason()).contains("createWorkspace");
    List<String> events = events(name).stream().map(e -> e.logicalId() + " " + e.status()).toList();
    assertThat(events)
        .containsSubsequence(
            "createWorkspace CREATE_FAILED",
            "failing ROLLBACK_IN_PROGRESS",
            "createWorkspace DELETE_COMPLETE",
            "createStorageConfiguration DELETE_COMPLETE",
            "workspaceS3Bucket DELETE_COMPLETE",
            "failing ROLLBACK_COMPLETE")
        .containsSubsequence(
            "createWorkspace DELETE_COMPLETE",
            "createCredentials DELETE_COMPLETE",
            "databricksApiFunction DELETE_COMPLETE",
            "LambdaZipsBucket DELETE_COMPLETE");
    assertThat(reason(name, "createWorkspace"))
        .contains("Received response status [FAILED] from custom resource", "told to");
    assertNothingLeft();
    // The name is taken until the stack is deleted.
    assertThatThrownBy(() -> create("failing", Map.of("WorkspaceName", "rd")))
        .isInstanceOf(ResourceAlreadyExists.class);
    delete(name);
    assertGone(name);
  }

  @Test
  @Tag("database-blind")
  void aWrongAccountIdFailsTheStackAndLeavesNothing() throws Exception {
    String name =
        create(
            null,
            Map.of("WorkspaceName", "rd", "AccountId", "99999999-2222-3333-4444-555555555555"));
    assertThat(end(name).status()).isEqualTo("ROLLBACK_COMPLETE");
    assertThat(events(name))
        .anyMatch(
            e ->
                e.status().equals("CREATE_FAILED") && e.statusReason().contains("no such account"));
    assertNothingLeft();
  }

  @Test
  @Tag("database-blind")
  void anExpiredSessionMakesNothingAndIsStillRolledBack() throws Exception {
    String name = create(null, Map.of("WorkspaceName", "rd", "SessionToken", "expired-long-ago"));
    assertThat(end(name).status()).isEqualTo("ROLLBACK_COMPLETE");
    assertThat(events(name))
        .anyMatch(e -> e.status().equals("CREATE_FAILED") && e.statusReason().contains("401"));
    assertThat(events(name).toString()).doesNotContain("expired-long-ago");
    assertNothingLeft();
  }

  @Test
  @Tag("database-blind")
  void aStackIsDeletedAfterItsSessionExpired() throws Exception {
    String name = create(null, Map.of("WorkspaceName", "rd"));
    Stacks.Stack made = end(name);
    door.expired.add(made.stackId());
    delete(name);
    assertGone(name);
  }

  @Test
  @Tag("database-blind")
  void aBucketThatExistsAlreadyFailsTheStackAndStays() throws Exception {
    buckets.create("taken", "us-east-1", "somebody");
    String name =
        create(
            "buckets",
            """
            Resources:
              first: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {Version: x}}}
              root: {Type: AWS::S3::Bucket, DependsOn: first, Properties: {BucketName: taken}}
            """,
            Map.of());
    assertThat(end(name).status()).isEqualTo("ROLLBACK_COMPLETE");
    assertThat(reason(name, "root")).isEqualTo("taken already exists");
    assertThat(buckets.exists("taken")).isTrue();
    assertThat(rows("iam_role")).isZero();
  }

  @Test
  void aRoleNameThatIsTakenFailsTheSecondStackOnly() throws Exception {
    String one = create(null, Map.of("WorkspaceName", "a", "IamRoleName", "my-role"));
    assertThat(end(one).status()).isEqualTo("CREATE_COMPLETE");
    assertThat(outputs(one).get("WorkspaceIamRoleArn")).endsWith(":role/my-role");
    String two = create(null, Map.of("WorkspaceName", "b", "IamRoleName", "my-role"));
    assertThat(end(two).status()).isEqualTo("ROLLBACK_COMPLETE");
    assertThat(reason(two, "workspaceIamRole")).startsWith("my-role already exists");
    assertThat(door.stacks.isRole(outputs(one).get("WorkspaceIamRoleArn"))).isTrue();
    delete(one);
  }

  @Test
  @Tag("database-blind")
  void aBucketSomebodyPutFilesIntoIsNotDeleted() throws Exception {
    String name = create("files", "Resources: {bucket: {Type: AWS::S3::Bucket}}", Map.of());
    end(name);
    String bucket = buckets.list().getFirst().name();
    Path file = buckets.folder(bucket).resolve("year/of/data.csv");
    Files.createDirectories(file.getParent());
    Files.writeString(file, "1");
    delete(name);
    assertThat(end(name).status()).isEqualTo("DELETE_FAILED");
    assertThat(reason(name, "bucket")).contains("not empty", "data.csv");
    assertThat(file).exists();
    Files.delete(file);
    delete(name);
    assertGone(name);
  }

  @Test
  @Tag("database-blind")
  void aHandlerJarThatWasExchangedIsNotRun() throws Exception {
    CountDownLatch latch = new CountDownLatch(1);
    door.held.put("rd", latch);
    String name = create(null, Map.of("WorkspaceName", "rd"));
    assertThat(door.workspaceMade.await(60, TimeUnit.SECONDS)).isTrue();
    // Stopped in the middle, so that the next invocation comes after the exchange.
    stop();
    Path jar;
    try (Stream<Path> files = Files.walk(home.resolve("storage"))) {
      jar = files.filter(f -> f.endsWith("handlers.jar")).findFirst().orElseThrow();
    }
    Files.writeString(jar, "not the jar that was built");
    latch.countDown();
    start();
    assertThat(end(name).status()).isEqualTo("ROLLBACK_COMPLETE");
    assertThat(reason(name, "createWorkspace"))
        .contains(
            "was exchanged",
            Arns.sha256(
                "not the jar that was built".getBytes(java.nio.charset.StandardCharsets.UTF_8)),
            "(expected: " + Handlers.ofThisBuild().sha256() + ")");
    assertNothingLeft();
  }

  @Test
  void aStackGoesOnAfterItsServerWasStoppedInTheMiddle() throws Exception {
    CountDownLatch latch = new CountDownLatch(1);
    door.held.put("rd", latch);
    String name = create(null, Map.of("WorkspaceName", "rd"));
    assertThat(door.workspaceMade.await(60, TimeUnit.SECONDS)).isTrue();
    stop();
    assertThat(ProcessHandle.current().descendants().filter(ProcessHandle::isAlive)).isEmpty();
    start();
    assertThat(stack(name).status()).isEqualTo("CREATE_IN_PROGRESS");
    latch.countDown();
    assertThat(end(name).status()).isEqualTo("CREATE_COMPLETE");
    assertThat(door.objects).hasSize(3);
    assertThat(door.calls).filteredOn(c -> c.equals("POST /workspaces")).hasSize(2);
    delete(name);
    assertGone(name);
  }

  @Test
  @Tag("database-blind") // on PostgreSQL it is stopped once, and killed by ControlPlanesTest
  void aStackGoesOnHoweverOftenItsServerIsStopped() throws Exception {
    String name = create(null, Map.of("WorkspaceName", "rd"));
    restartAfterEachEvent(name, "CREATE_COMPLETE");
    assertThat(door.objects).hasSize(3);
    assertThat(buckets.list()).hasSize(2);
    assertThat(rows("iam_role")).isEqualTo(3);
    String stackId = stack(name).stackId();
    door.stacks.delete(admin, new Stacks.DeleteStack(TestDoor.ACCOUNT, name, null, null));
    restartAfterEachEvent(stackId, "DELETE_COMPLETE");
    assertGone(name);
    assertThat(door.tokens).isEmpty();
  }

  private void restartAfterEachEvent(String name, String end) throws Exception {
    int seen = 0;
    while (!stack(name).status().equals(end)) {
      int before = seen;
      until(name, stack -> events(name).size() > before);
      stop();
      start();
      assertThat(stack(name).status()).doesNotContain("FAILED").doesNotContain("ROLLBACK");
      seen = events(name).size();
    }
  }

  @Test
  void aCreationCanBeCalledOffByDeletingTheStack() throws Exception {
    door.held.put("rd", new CountDownLatch(1));
    String name = create(null, Map.of("WorkspaceName", "rd"));
    assertThat(door.workspaceMade.await(60, TimeUnit.SECONDS)).isTrue();
    delete(name);
    assertGone(name);
  }

  @Test
  @Tag("database-blind")
  void whatTheRunnerDoesNotKnowIsRefusedByNameBeforeAnythingIsMade() {
    Map<String, String> refusals =
        Map.of(
            "Resources: {q: {Type: AWS::SQS::Queue}}", "Resource type AWS::SQS::Queue of q",
            "Resources: {b: {Type: AWS::S3::Bucket, Properties: {BucketName: !FindInMap [a, b, c]}}}",
                "function 'Fn::FindInMap'",
            "Resources: {b: {Type: AWS::S3::Bucket, Properties: {BucketName: {Fn::Cidr: x}}}}",
                "function 'Fn::Cidr'",
            "Resources: {b: {Type: AWS::S3::Bucket, Properties: {ObjectLockEnabled: true}}}",
                "Property ObjectLockEnabled of b",
            "Resources: {b: {Type: AWS::S3::Bucket, DeletionPolicy: Retain}}", "'DeletionPolicy'",
            "Mappings: {}\nResources: {b: {Type: AWS::S3::Bucket}}", "section 'Mappings'",
            "Resources: {b: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref nobody}}}",
                "unresolved reference 'nobody'",
            "Resources: {a: {Type: AWS::S3::Bucket, DependsOn: b}, b: {Type: AWS::S3::Bucket, DependsOn: a}}",
                "Circular dependency",
            "Resources: [", "YAML not well-formed",
            "", "it is empty");
    refusals.forEach(
        (template, message) ->
            assertThatThrownBy(() -> create("refused", template, Map.of()))
                .isInstanceOf(InvalidParameterValue.class)
                .hasMessageContaining(message));
    assertThat(
            door.stacks
                .list(admin, new Stacks.ListStacks(TestDoor.ACCOUNT, null, null, null))
                .stacks())
        .isEmpty();
  }

  @Test
  @Tag("database-blind")
  void parametersAreHeldToTheirConstraints() {
    Map<Map<String, String>, String> refusals =
        Map.of(
            Map.of(), "Parameters: [WorkspaceName] must have values",
            Map.of("WorkspaceName", ""),
                "Parameter WorkspaceName: '' (expected: 1 to 64 characters)",
            Map.of("WorkspaceName", "x".repeat(65)), "Parameter WorkspaceName",
            Map.of("WorkspaceName", "x", "AccountId", "NOPE"), "(expected: an account id such as",
            Map.of("WorkspaceName", "x", "IamRoleName", "a b"), "Parameter IamRoleName: 'a b'",
            Map.of("WorkspaceName", "x", "Region", "r"), "Parameters: [Region] do not exist",
            Map.of("WorkspaceName", "x", "ControlPlaneAwsAccountId", "123456789012"),
                "Resource type AWS::S3::BucketPolicy of workspaceS3BucketPolicy",
            Map.of("WorkspaceName", "x", "ArtifactSourceBucket", "zips"), "python3.13");
    refusals.forEach(
        (parameters, message) ->
            assertThatThrownBy(() -> create(null, parameters))
                .isInstanceOf(InvalidParameterValue.class)
                .hasMessageContaining(message));
    assertThatThrownBy(() -> create("1 bad name", Map.of("WorkspaceName", "x")))
        .hasMessageContaining("StackName: '1 bad name'");
    assertThat(
            door.stacks
                .list(admin, new Stacks.ListStacks(TestDoor.ACCOUNT, null, null, null))
                .stacks())
        .isEmpty();
    assertThat(door.tokens).isEmpty();
  }

  @Test
  void anUpdateReplacesWhatMustBeAndChangesTheRestInPlace() throws Exception {
    String name = create(null, Map.of("WorkspaceName", "rd"));
    end(name);
    Map<String, String> before = outputs(name);
    String generated = before.get("WorkspaceIamRoleArn");

    update(name, Map.of("IamRoleName", "named"));
    Stacks.Stack updated = end(name);
    assertThat(updated.status()).isEqualTo("UPDATE_COMPLETE");
    assertThat(updated.parameters()).contains(new Stacks.Parameter("IamRoleName", "named"));
    Map<String, String> after = outputs(name);
    assertThat(after.get("WorkspaceIamRoleArn")).endsWith(":role/named");
    assertThat(after.get("WorkspaceId")).isEqualTo(before.get("WorkspaceId"));
    assertThat(after.get("CredentialsId")).isNotEqualTo(before.get("CredentialsId"));
    assertThat(after.get("StorageConfigId")).isEqualTo(before.get("StorageConfigId"));
    assertThat(door.objects).hasSize(3).containsKey("/credentials/" + after.get("CredentialsId"));
    assertThat(door.objects.get("/workspaces/" + after.get("WorkspaceId")).get("credentials_id"))
        .hasToString('"' + after.get("CredentialsId") + '"');
    assertThat(door.stacks.isRole(generated)).isFalse();
    assertThat(rows("iam_role")).isEqualTo(3);
    assertThat(rows("stack_update") + rows("stack_update_resource")).isZero();
    List<String> events = eventsAfter(name, "UPDATE_IN_PROGRESS");
    assertThat(events)
        .containsSubsequence(
            "workspaceIamRole UPDATE_IN_PROGRESS Requested update requires the creation of a new"
                + " physical resource; hence creating one.",
            "workspaceIamRole UPDATE_COMPLETE ",
            "createCredentials UPDATE_IN_PROGRESS ",
            "createCredentials UPDATE_IN_PROGRESS Requested update required the provider to create"
                + " a new physical resource.",
            "createCredentials UPDATE_COMPLETE ",
            "createWorkspace UPDATE_IN_PROGRESS ",
            "createWorkspace UPDATE_COMPLETE ",
            name + " UPDATE_COMPLETE_CLEANUP_IN_PROGRESS ",
            "createCredentials DELETE_COMPLETE ",
            "workspaceIamRole DELETE_COMPLETE ",
            name + " UPDATE_COMPLETE ")
        .noneMatch(event -> event.startsWith("workspaceS3Bucket"));
    // Back to a name of the runner's choice, and away.
    update(name, Map.of("IamRoleName", ""));
    assertThat(end(name).status()).isEqualTo("UPDATE_COMPLETE");
    assertThat(outputs(name).get("WorkspaceIamRoleArn")).doesNotEndWith(":role/named");
    delete(name);
    assertGone(name);
  }

  @Test
  @Tag("database-blind")
  void anUpdateThatFailsIsTakenBack() throws Exception {
    String name = create(null, Map.of("WorkspaceName", "rd"));
    end(name);
    Map<String, String> before = outputs(name);
    List<Stacks.Resource> resources = resources(name);
    // A name is not changed: the account API refuses it, when other objects are made already.
    update(name, Map.of("WorkspaceName", "other", "IamRoleName", "named"));
    Stacks.Stack end = end(name);
    assertThat(end.status()).isEqualTo("UPDATE_ROLLBACK_COMPLETE");
    assertThat(end.parameters()).contains(new Stacks.Parameter("WorkspaceName", "rd"));
    assertThat(outputs(name)).isEqualTo(before);
    assertThat(resources(name))
        .extracting(Stacks.Resource::physicalId)
        .containsExactlyElementsOf(resources.stream().map(Stacks.Resource::physicalId).toList());
    assertThat(eventsAfter(name, "UPDATE_IN_PROGRESS"))
        .containsSubsequence(
            name
                + " UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to update:"
                + " [createWorkspace]. ",
            name + " UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS ",
            name + " UPDATE_ROLLBACK_COMPLETE ")
        .anyMatch(e -> e.startsWith("createWorkspace UPDATE_FAILED") && e.contains("it stays"));
    assertThat(door.objects).hasSize(3);
    assertThat(rows("iam_role")).isEqualTo(3);
    delete(name);
    assertGone(name);
  }

  @Test
  void anUpdateThatChangesNothingIsRefusedAsIsOneOfAStackThatIsNotThere() throws Exception {
    String name = create(null, Map.of("WorkspaceName", "rd"));
    assertThatThrownBy(() -> update(name, Map.of("IamRoleName", "x")))
        .hasMessageContaining("is in CREATE_IN_PROGRESS state and can not be updated.");
    end(name);
    for (Map<String, String> same :
        List.of(Map.<String, String>of(), Map.of("WorkspaceName", "rd", "IamRoleName", ""))) {
      assertThatThrownBy(() -> update(name, same))
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessage("No updates are to be performed.");
    }
    assertThatThrownBy(() -> update(name, Map.of("IamRoleName", "a b")))
        .hasMessageContaining("Parameter IamRoleName: 'a b'");
    assertThatThrownBy(() -> update("nobody", Map.of())).isInstanceOf(ResourceDoesNotExist.class);
    assertThat(stack(name).status()).isEqualTo("CREATE_COMPLETE");
  }

  @Test
  @Tag("database-blind") // on PostgreSQL it is stopped once, and killed by ControlPlanesTest
  void anUpdateGoesOnHoweverOftenItsServerIsStopped() throws Exception {
    String name = create(null, Map.of("WorkspaceName", "rd"));
    end(name);
    update(name, Map.of("IamRoleName", "named"));
    restartAfterEachEvent(name, "UPDATE_COMPLETE");
    assertThat(door.objects).hasSize(3);
    assertThat(rows("iam_role")).isEqualTo(3);
    assertThat(outputs(name).get("WorkspaceIamRoleArn")).endsWith(":role/named");
    update(name, Map.of("IamRoleName", "again", "WorkspaceName", "other"));
    int seen = events(name).size();
    while (stack(name).status().endsWith("_IN_PROGRESS")) {
      int known = seen;
      until(name, stack -> events(name).size() > known || !stack.status().endsWith("PROGRESS"));
      stop();
      start();
      seen = events(name).size();
    }
    assertThat(stack(name).status()).isEqualTo("UPDATE_ROLLBACK_COMPLETE");
    assertThat(door.objects).hasSize(3);
    assertThat(rows("iam_role")).isEqualTo(3);
    delete(name);
    assertGone(name);
  }

  @Test
  @Tag("database-blind")
  void anUpdateAddsAndRemovesResourcesOfAChangedTemplate() throws Exception {
    String name =
        create(
            "shape",
            """
            Parameters: {Wanted: {Type: String}}
            Conditions: {second: !Equals [!Ref Wanted, two]}
            Resources:
              one: {Type: AWS::S3::Bucket}
              two: {Type: AWS::S3::Bucket, Condition: second}
              three: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "tarn-${Wanted}"}}
            """,
            Map.of("Wanted", "one"));
    end(name);
    update(name, Map.of("Wanted", "two"));
    assertThat(end(name).status()).isEqualTo("UPDATE_COMPLETE");
    assertThat(buckets.list()).hasSize(3).anyMatch(b -> b.name().equals("tarn-two"));
    // One that is replaced and has files in it is left behind, and said so.
    Files.writeString(buckets.folder("tarn-two").resolve("data.csv"), "1");
    update(name, Map.of("Wanted", "one"));
    Stacks.Stack end = end(name);
    assertThat(end.status()).isEqualTo("UPDATE_COMPLETE");
    assertThat(end.statusReason()).contains("could not be deleted", "three tarn-two");
    assertThat(buckets.list()).hasSize(3);
    assertThat(resources(name))
        .filteredOn(r -> r.status().endsWith("COMPLETE") && !r.status().startsWith("DELETE"))
        .extracting(Stacks.Resource::logicalId)
        .containsExactly("one", "three");
    delete(name);
    assertThat(buckets.list()).extracting(Buckets.Bucket::name).containsExactly("tarn-two");
  }

  @Test
  @Tag("database-blind")
  void aRollbackThatFailedCanBeGoneOnWithOrTheStackDeleted() throws Exception {
    String name = create(null, Map.of("WorkspaceName", "rd"));
    end(name);
    String role = outputs(name).get("WorkspaceIamRoleArn");
    CountDownLatch latch = new CountDownLatch(1);
    door.held.put("rd", latch);
    update(name, Map.of("IamRoleName", "named"));
    // The workspace has its new credentials, is not yet up, and then nothing may be changed.
    until(name, stack -> door.calls.stream().anyMatch(c -> c.startsWith("PATCH")));
    door.refused.add("PATCH");
    door.failed.add("rd");
    assertThat(end(name).status()).isEqualTo("UPDATE_ROLLBACK_FAILED");
    door.failed.clear();
    latch.countDown();
    assertThatThrownBy(() -> update(name, Map.of("IamRoleName", "third")))
        .hasMessageContaining("is in UPDATE_ROLLBACK_FAILED state");
    door.refused.clear();
    door.stacks.continueUpdateRollback(admin, named(name));
    assertThat(end(name).status()).isEqualTo("UPDATE_ROLLBACK_COMPLETE");
    assertThat(outputs(name).get("WorkspaceIamRoleArn")).isEqualTo(role);
    assertThat(door.objects).hasSize(3);

    door.held.put("rd", new CountDownLatch(1));
    update(name, Map.of("IamRoleName", "named"));
    until(
        name,
        stack ->
            stack.status().equals("UPDATE_IN_PROGRESS")
                && door.calls.stream().filter(c -> c.startsWith("PATCH")).count() > 3);
    door.refused.add("PATCH");
    door.failed.add("rd");
    assertThat(end(name).status()).isEqualTo("UPDATE_ROLLBACK_FAILED");
    delete(name);
    assertGone(name);
  }

  @Test
  @Tag("database-blind")
  void aStackWithDataInItsBucketIsNotDeletedBeforeSomebodySaysWhatBecomesOfIt() throws Exception {
    String name = create(null, Map.of("WorkspaceName", "rd"));
    end(name);
    String bucket = outputs(name).get("S3BucketName");
    Path file = buckets.folder(bucket).resolve("unity-catalog/1/t/part.parquet");
    Files.createDirectories(file.getParent());
    Files.writeString(file, "1");
    assertThatThrownBy(() -> delete(name, List.of("workspaceS3Bucket"), false))
        .hasMessageContaining("(expected: DELETE_FAILED");
    delete(name);
    assertThat(end(name).status()).isEqualTo("DELETE_FAILED");
    assertThat(reason(name, "workspaceS3Bucket"))
        .contains("not empty", "part.parquet", "--retain workspaceS3Bucket", "--empty-buckets");
    // Nothing was touched: the workspace and all else are there.
    assertThat(door.objects).hasSize(3);
    assertThat(rows("iam_role")).isEqualTo(3);
    assertThatThrownBy(() -> delete(name, List.of("createWorkspace"), false))
        .hasMessageContaining("RetainResources: 'createWorkspace'");
    delete(name, List.of("workspaceS3Bucket"), false);
    assertThatThrownBy(() -> stack(name)).isInstanceOf(ResourceDoesNotExist.class);
    assertThat(file).exists();
    assertThat(door.objects).isEmpty();
    assertThat(buckets.list()).extracting(Buckets.Bucket::name).containsExactly(bucket);

    String other = create(null, Map.of("WorkspaceName", "rd"));
    end(other);
    Path data = buckets.folder(outputs(other).get("S3BucketName")).resolve("data.csv");
    Files.writeString(data, "1");
    delete(other, List.of(), true);
    assertThatThrownBy(() -> stack(other)).isInstanceOf(ResourceDoesNotExist.class);
    assertThat(buckets.list()).hasSize(1);
  }

  @Test
  @Tag("database-blind")
  void aCustomersNetworkLinkAndKeyAreRegisteredAndGivenToTheWorkspace() throws Exception {
    String name = create(null, Map.of("WorkspaceName", "rd"));
    end(name);
    update(
        name,
        Map.of(
            "NetworkMode", "CustomerVpc",
            "VpcId", "vpc-01234567",
            "SubnetIds", "subnet-01234567,subnet-89abcdef",
            "SecurityGroupIds", "sg-01234567",
            "PrivateLinkMode", "Enabled",
            "RestApiVpcEndpointId", "vpce-01234567",
            "RelayVpcEndpointId", "vpce-89abcdef",
            "KmsKeyArn", "arn:aws:kms:us-east-1:123456789012:key/mine"));
    assertThat(end(name).status()).isEqualTo("UPDATE_COMPLETE");
    var workspace = door.objects.get("/workspaces/" + outputs(name).get("WorkspaceId"));
    for (Map.Entry<String, String> use :
        Map.of(
                "network_id", "/networks/",
                "private_access_settings_id", "/private-access-settings/",
                "storage_customer_managed_key_id", "/customer-managed-keys/",
                "managed_services_customer_managed_key_id", "/customer-managed-keys/")
            .entrySet()) {
      assertThat(door.objects).containsKey(use.getValue() + workspace.path(use.getKey()).asText());
    }
    assertThat(door.objects).hasSize(8);
    delete(name);
    assertGone(name);
  }

  @Test
  @Tag("database-blind")
  void driftIsReadFromWhatIsReallyThere() throws Exception {
    String name = create(null, Map.of("WorkspaceName", "rd"));
    end(name);
    assertThat(door.stacks.drift(admin, named(name)).status()).isEqualTo("IN_SYNC");
    Path jar;
    try (Stream<Path> files = Files.walk(home.resolve("storage"))) {
      jar = files.filter(f -> f.endsWith("handlers.jar")).findFirst().orElseThrow();
    }
    Files.writeString(jar, "exchanged");
    database.inTransaction(
        handle -> handle.execute("DELETE FROM iam_role WHERE role_name LIKE 'tarn-catalog-%'"));
    database.inTransaction(
        handle -> handle.execute("UPDATE lambda_function SET handler = 'other'"));
    Drift.StackDrift drift = door.stacks.drift(admin, named(name));
    assertThat(drift.status()).isEqualTo("DRIFTED");
    Map<String, Drift.ResourceDrift> byId = new java.util.HashMap<>();
    drift.resources().forEach(r -> byId.put(r.logicalId(), r));
    assertThat(byId.get("catalogIamRole").status()).isEqualTo("DELETED");
    assertThat(byId.get("LambdaZipsBucket").status()).isEqualTo("MODIFIED");
    assertThat(byId.get("databricksApiFunction").differences())
        .extracting(Drift.Difference::path, Drift.Difference::actual)
        .containsExactly(org.assertj.core.groups.Tuple.tuple("/Handler", "other"));
    assertThat(byId.get("workspaceIamRole").status()).isEqualTo("IN_SYNC");
    assertThat(byId.get("createWorkspace").status()).isEqualTo("NOT_CHECKED");
  }

  @Test
  void aProtectedStackStays() throws Exception {
    String name = create("kept", "Resources: {bucket: {Type: AWS::S3::Bucket}}", Map.of());
    end(name);
    door.stacks.protect(admin, new Stacks.Protection(TestDoor.ACCOUNT, name, true));
    assertThatThrownBy(() -> delete(name)).hasMessageContaining("TerminationProtection is enabled");
    door.stacks.protect(admin, new Stacks.Protection(TestDoor.ACCOUNT, name, false));
    delete(name);
    assertGone(name);
  }

  @Test
  @Tag("database-blind")
  void theFormOfTheQuickstartHasItsGroupsItsDefaultsAndWhoUsesWhat() {
    TemplateSummary form = door.stacks.summary(admin, new Stacks.AllStacks(TestDoor.ACCOUNT));
    assertThat(form.stackName()).matches("databricks-workspace-stack-[0-9a-f]{5}");
    assertThat(form.groups())
        .extracting(TemplateSummary.Group::label)
        .startsWith("Databricks Account Credentials", "Workspace Configuration");
    assertThat(form.groups().stream().flatMap(group -> group.parameters().stream()))
        .containsExactlyInAnyOrderElementsOf(
            form.parameters().stream().map(TemplateSummary.Declaration::key).toList());
    assertThat(form.parameters())
        .allSatisfy(p -> assertThat(p.label()).isNotEqualTo(p.key()))
        .anySatisfy(
            p -> {
              assertThat(p.key()).isEqualTo("WorkspaceName");
              assertThat(p.value()).isNull();
              assertThat(p.constraints().maxLength()).isEqualTo(64);
            })
        .anySatisfy(
            p -> {
              assertThat(p.key()).isEqualTo("AccountApiUrl");
              assertThat(p.value()).isEqualTo(door.url());
              assertThat(p.suppliedByServer()).isTrue();
            });
    assertThat(form.resources().stream().filter(TemplateSummary.Node::included))
        .extracting(TemplateSummary.Node::logicalId)
        .containsExactlyInAnyOrderElementsOf(NINE);
    assertThat(form.resources())
        .filteredOn(node -> node.logicalId().equals("createWorkspace"))
        .flatExtracting(TemplateSummary.Node::uses)
        .contains(
            new TemplateSummary.Use("createCredentials", List.of("Ref")),
            new TemplateSummary.Use("databricksApiFunction", List.of("GetAtt Arn")));
  }

  @Test
  void anAnswerIsTakenOnceAndOnlyWithItsToken() {
    Stacks.FunctionAnswer made =
        new Stacks.FunctionAnswer(
            "guessed", "SUCCESS", "", "id", "stack", "request", "createWorkspace", false, Map.of());
    assertThatThrownBy(() -> door.stacks.answer(null, made)).isInstanceOf(PermissionDenied.class);
  }

  @Test
  void aStackThatIsNotThereDoesNotExist() {
    assertThatThrownBy(() -> stack("nobody")).isInstanceOf(ResourceDoesNotExist.class);
  }

  private String create(String name, Map<String, String> parameters) {
    return door.stacks
        .create(admin, new Stacks.CreateStack(TestDoor.ACCOUNT, name, "quickstart", parameters))
        .stackName();
  }

  private String create(String name, String template, Map<String, String> parameters) {
    return door.stacks.create(admin, name, template, parameters).stackName();
  }

  private void update(String name, Map<String, String> parameters) {
    door.stacks.update(admin, new Stacks.UpdateStack(TestDoor.ACCOUNT, name, null, parameters));
  }

  /** Events as texts, from the last one of that status of the stack itself. */
  private List<String> eventsAfter(String name, String status) {
    List<Stacks.Event> all = events(name);
    int from = 0;
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i).logicalId().equals(name) && all.get(i).status().equals(status)) {
        from = i;
      }
    }
    return all.subList(from, all.size()).stream()
        .map(
            e ->
                e.logicalId()
                    + " "
                    + e.status()
                    + " "
                    + (e.statusReason() == null ? "" : e.statusReason()))
        .toList();
  }

  private void delete(String name) throws Exception {
    delete(name, null, null);
  }

  private void delete(String name, List<String> retained, Boolean emptyBuckets) throws Exception {
    String stackId = stack(name).stackId();
    door.stacks.delete(
        admin, new Stacks.DeleteStack(TestDoor.ACCOUNT, name, retained, emptyBuckets));
    end(stackId);
  }

  private Stacks.Stack stack(String name) {
    return door.stacks.get(admin, named(name));
  }

  /** The stack when nothing of it is in progress any more. */
  private Stacks.Stack end(String name) throws Exception {
    return until(name, stack -> !stack.status().endsWith("_IN_PROGRESS"));
  }

  private Stacks.Stack until(String name, Predicate<Stacks.Stack> condition) throws Exception {
    CountDownLatch tick = new CountDownLatch(1);
    long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
    while (System.nanoTime() < patience) {
      Stacks.Stack stack = stack(name);
      if (condition.test(stack)) {
        return stack;
      }
      tick.await(20, TimeUnit.MILLISECONDS);
    }
    throw new AssertionError(stack(name) + "\n" + events(name));
  }

  private List<Stacks.Event> events(String name) {
    return door.stacks.events(admin, named(name)).events();
  }

  private List<Stacks.Resource> resources(String name) {
    return door.stacks.resources(admin, named(name)).resources();
  }

  private Map<String, String> outputs(String name) {
    Map<String, String> outputs = new java.util.HashMap<>();
    door.stacks
        .outputs(admin, named(name))
        .outputs()
        .forEach(output -> outputs.put(output.key(), output.value()));
    return outputs;
  }

  private String reason(String name, String logicalId) {
    return events(name).stream()
        .filter(e -> e.logicalId().equals(logicalId) && e.status().endsWith("_FAILED"))
        .findFirst()
        .orElseThrow()
        .statusReason();
  }

  private void assertGone(String name) {
    assertThatThrownBy(() -> fail(eventsAfter(name, "DELETE_IN_PROGRESS").toString()))
        .isInstanceOf(ResourceDoesNotExist.class);
    assertNothingLeft();
  }

  private void assertNothingLeft() {
    assertThat(door.objects).isEmpty();
    assertThat(buckets.list()).isEmpty();
    assertThat(home.resolve("storage")).isEmptyDirectory();
    assertThat(rows("iam_role")).isZero();
    assertThat(rows("lambda_function")).isZero();
  }

  private int rows(String table) {
    return database.read(
        handle -> handle.createQuery("SELECT count(*) FROM " + table).mapTo(int.class).one());
  }

  private List<String> everyFile() throws Exception {
    try (Stream<Path> files = Files.walk(home)) {
      return files
          .filter(Files::isRegularFile)
          .map(
              file -> {
                try {
                  return Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1);
                } catch (java.io.IOException e) {
                  return "";
                }
              })
          .toList();
    }
  }

  private static Stacks.Named named(String name) {
    return new Stacks.Named(TestDoor.ACCOUNT, name);
  }
}
