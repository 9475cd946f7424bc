package dev.tarn.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.AwsIamRole;
import com.databricks.sdk.service.catalog.AwsIamRoleRequest;
import com.databricks.sdk.service.catalog.CreateCredentialRequest;
import com.databricks.sdk.service.catalog.CreateExternalLocation;
import com.databricks.sdk.service.catalog.CreateStorageCredential;
import com.databricks.sdk.service.catalog.CredentialPurpose;
import com.databricks.sdk.service.catalog.ExternalLocationInfo;
import com.databricks.sdk.service.catalog.GenerateTemporaryServiceCredentialRequest;
import com.databricks.sdk.service.catalog.IsolationMode;
import com.databricks.sdk.service.catalog.ListExternalLocationsRequest;
import com.databricks.sdk.service.catalog.ListStorageCredentialsRequest;
import com.databricks.sdk.service.catalog.StorageCredentialInfo;
import com.databricks.sdk.service.catalog.UpdateExternalLocation;
import com.databricks.sdk.service.catalog.UpdateStorageCredential;
import com.databricks.sdk.service.catalog.ValidateStorageCredential;
import com.databricks.sdk.service.catalog.ValidationResult;
import com.databricks.sdk.service.catalog.ValidationResultResult;
import dev.tarn.TestServer;
import dev.tarn.database.Database;
import dev.tarn.storage.Buckets;
import java.time.Clock;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Credentials and external locations as the official SDK sees them. */
class ExternalLocationsTest {
  /** A bucket of the stack that the test's role is in, and one of another. */
  @RegisterExtension
  static final TestServer server =
      new TestServer(
          routes -> {},
          config -> {
            try (Database database = Database.open(config.database())) {
              Buckets buckets = new Buckets(database, config.storage(), Clock.systemUTC());
              buckets.create("landing", config.region(), "test");
              buckets.create("others", config.region(), "another stack");
            }
          });

  private static final String ROOT = "workspace_" + TestServer.WORKSPACE_ID;
  private static WorkspaceClient admin;

  @BeforeAll
  static void people() {
    server.token("bob");
    admin = server.as("admin");
  }

  private static StorageCredentialInfo credential(String name) {
    return admin
        .storageCredentials()
        .create(
            new CreateStorageCredential()
                .setName(name)
                .setComment("of " + name)
                .setAwsIamRole(new AwsIamRoleRequest().setRoleArn(TestServer.ROLE_ARN)));
  }

  private static CreateExternalLocation location(String name, String url, String credential) {
    return new CreateExternalLocation().setName(name).setUrl(url).setCredentialName(credential);
  }

  private static void grant(String type, String name, String who, String privilege)
      throws Exception {
    assertThat(
            server
                .send(
                    "admin",
                    "PATCH",
                    "/api/2.1/unity-catalog/permissions/" + type + "/" + name,
                    "{\"changes\":[{\"principal\":\"%s\",\"add\":[\"%s\"]}]}"
                        .formatted(who, privilege))
                .statusCode())
        .isEqualTo(200);
  }

  @Test
  void aStorageCredentialIsWhatWasWrittenUntilItIsGone() {
    StorageCredentialInfo made = credential("round");
    assertThat(admin.storageCredentials().get("round")).isEqualTo(made);
    assertThat(made.getAwsIamRole().getRoleArn()).isEqualTo(TestServer.ROLE_ARN);
    assertThat(made.getComment()).isEqualTo("of round");
    assertThat(made.getReadOnly()).isFalse();
    assertThat(made.getIsolationMode()).isEqualTo(IsolationMode.ISOLATION_MODE_OPEN);
    assertThat(made.getOwner()).isEqualTo("admin@tarn.local");
    StorageCredentialInfo changed =
        admin
            .storageCredentials()
            .update(
                new UpdateStorageCredential()
                    .setName("round")
                    .setNewName("rounder")
                    .setComment("")
                    .setReadOnly(true)
                    .setIsolationMode(IsolationMode.ISOLATION_MODE_ISOLATED));
    assertThat(admin.storageCredentials().get("rounder")).isEqualTo(changed);
    assertThat(changed.getId()).isEqualTo(made.getId());
    assertThat(changed.getReadOnly()).isTrue();
    assertThat(admin.storageCredentials().list(new ListStorageCredentialsRequest()))
        .extracting(StorageCredentialInfo::getName)
        .contains("rounder", ROOT)
        .doesNotContain("round");
    admin.storageCredentials().delete("rounder");
    assertThatThrownBy(() -> admin.storageCredentials().get("rounder"))
        .isInstanceOf(NotFound.class)
        .hasMessage("Credential 'rounder' does not exist.");
    assertThatThrownBy(
            () ->
                admin
                    .storageCredentials()
                    .create(
                        new CreateStorageCredential()
                            .setName("bad")
                            .setAwsIamRole(new AwsIamRoleRequest().setRoleArn("mine"))))
        .isInstanceOf(BadRequest.class)
        .hasMessageStartingWith("aws_iam_role.role_arn: 'mine' (expected: the ARN of a role");
  }

  @Test
  void anExternalLocationIsWhatWasWrittenUntilItIsGone() {
    credential("for_round");
    ExternalLocationInfo made =
        admin
            .externalLocations()
            .create(
                location("round", "s3://landing/round/", "for_round")
                    .setComment("c")
                    .setReadOnly(true));
    assertThat(admin.externalLocations().get("round")).isEqualTo(made);
    assertThat(made.getUrl()).isEqualTo("s3://landing/round");
    assertThat(made.getCredentialName()).isEqualTo("for_round");
    assertThat(made.getReadOnly()).isTrue();
    assertThatThrownBy(() -> admin.storageCredentials().delete("for_round"))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("is used by 1 external location(s)");
    ExternalLocationInfo changed =
        admin
            .externalLocations()
            .update(
                new UpdateExternalLocation()
                    .setName("round")
                    .setUrl("s3://landing/square")
                    .setReadOnly(false)
                    .setOwner("bob@example.com"));
    assertThat(server.as("bob").externalLocations().get("round")).isEqualTo(changed);
    assertThat(changed.getUrl()).isEqualTo("s3://landing/square");
    assertThat(changed.getOwner()).isEqualTo("bob@example.com");
    assertThat(changed.getReadOnly()).isFalse();
    assertThat(server.as("bob").externalLocations().list(new ListExternalLocationsRequest()))
        .extracting(ExternalLocationInfo::getName)
        .containsExactly("round");
    assertThat(admin.externalLocations().list(new ListExternalLocationsRequest()))
        .extracting(ExternalLocationInfo::getName)
        .contains(ROOT)
        .doesNotContain("round");
    server.as("bob").externalLocations().delete("round");
    assertThatThrownBy(() -> admin.externalLocations().get("round"))
        .isInstanceOf(NotFound.class)
        .hasMessage("External location 'round' does not exist.");
    admin.storageCredentials().delete("for_round");
  }

  @Test
  void aLocationIsMadeOnlyByWhoMayAndWhereItsCredentialReaches() throws Exception {
    credential("reach");
    WorkspaceClient bob = server.as("bob");
    CreateExternalLocation wanted = location("bobs", "s3://landing/bobs", "reach");
    String metastore = admin.metastores().summary().getMetastoreId();
    assertThatThrownBy(() -> bob.externalLocations().create(wanted))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageStartingWith("User does not have CREATE EXTERNAL LOCATION on Metastore");
    grant("metastore", metastore, "bob@example.com", "CREATE_EXTERNAL_LOCATION");
    assertThatThrownBy(() -> bob.externalLocations().create(wanted))
        .isInstanceOf(PermissionDenied.class)
        .hasMessage("User does not have CREATE EXTERNAL LOCATION on Credential 'reach'.");
    assertThatThrownBy(() -> bob.storageCredentials().get("reach"))
        .isInstanceOf(PermissionDenied.class);
    grant("storage_credential", "reach", "bob@example.com", "CREATE_EXTERNAL_LOCATION");
    bob.externalLocations().create(wanted);
    assertThat(bob.storageCredentials().get("reach").getName()).isEqualTo("reach");
    for (String url : List.of("s3://others/x", "s3://no-such-bucket/x", "s3://tarn-samples/tpch")) {
      assertThatThrownBy(() -> bob.externalLocations().create(location("far", url, "reach")))
          .isInstanceOf(BadRequest.class);
    }
    for (String url :
        List.of(
            "s3://landing/bobs",
            "s3://landing/bobs/",
            "s3://landing",
            "s3://" + TestServer.ROOT_BUCKET + "/mine",
            "s3://" + TestServer.ROOT_BUCKET + "/unity-catalog/1")) {
      assertThatThrownBy(() -> bob.externalLocations().create(location("twin", url, "reach")))
          .isInstanceOf(BadRequest.class)
          .hasMessageStartingWith("LOCATION_OVERLAP");
    }
    bob.externalLocations().create(location("inner", "s3://landing/bobs/inner", "reach"));
    bob.externalLocations().delete("inner");
    bob.externalLocations().delete("bobs");
    admin.storageCredentials().delete("reach");
  }

  @Test
  void aForcedCredentialLeavesLocationsThatReachNothing() throws Exception {
    credential("forced");
    admin.externalLocations().create(location("bare", "s3://landing/bare", "forced"));
    String path = "/api/2.1/unity-catalog/storage-credentials/forced?force=true";
    assertThat(server.send("admin", "DELETE", path, null).statusCode()).isEqualTo(200);
    assertThat(admin.externalLocations().get("bare").getCredentialName()).isNull();
    assertThatThrownBy(
            () ->
                admin
                    .externalLocations()
                    .update(
                        new UpdateExternalLocation().setName("bare").setUrl("s3://landing/other")))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("has no credential any more");
    admin.externalLocations().delete("bare");
  }

  @Test
  void aCredentialIsTriedOnWhatItReaches() {
    credential("tried");
    ValidateStorageCredential request =
        new ValidateStorageCredential()
            .setStorageCredentialName("tried")
            .setUrl("s3://landing/not/there/yet");
    assertThat(admin.storageCredentials().validate(request).getResults())
        .extracting(ValidationResult::getResult)
        .containsOnlyOnce(ValidationResultResult.FAIL)
        .hasSize(5);
    assertThat(admin.storageCredentials().validate(request.setUrl("s3://others/x")).getResults())
        .extracting(ValidationResult::getResult)
        .containsOnly(ValidationResultResult.FAIL);
    assertThatThrownBy(() -> server.as("bob").storageCredentials().validate(request))
        .isInstanceOf(PermissionDenied.class);
    admin.storageCredentials().delete("tried");
  }

  @Test
  void aServiceCredentialIsKeptApartAndGivesNoKeys() throws Exception {
    CreateCredentialRequest request =
        new CreateCredentialRequest()
            .setName("svc")
            .setPurpose(CredentialPurpose.SERVICE)
            .setAwsIamRole(new AwsIamRole().setRoleArn(TestServer.ROLE_ARN));
    assertThatThrownBy(() -> server.as("bob").credentials().createCredential(request))
        .isInstanceOf(PermissionDenied.class);
    assertThat(admin.credentials().createCredential(request))
        .isEqualTo(admin.credentials().getCredential("svc"));
    assertThatThrownBy(() -> admin.storageCredentials().get("svc")).isInstanceOf(NotFound.class);
    GenerateTemporaryServiceCredentialRequest keys =
        new GenerateTemporaryServiceCredentialRequest().setCredentialName("svc");
    assertThatThrownBy(
            () -> server.as("bob").credentials().generateTemporaryServiceCredential(keys))
        .isInstanceOf(PermissionDenied.class)
        .hasMessage("User does not have ACCESS on Credential 'svc'.");
    assertThatThrownBy(() -> admin.credentials().generateTemporaryServiceCredential(keys))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("assumes no roles");
    admin.credentials().deleteCredential("svc");
    assertThatThrownBy(() -> admin.credentials().getCredential("svc")).isInstanceOf(NotFound.class);
  }
}
