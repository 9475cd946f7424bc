package dev.tarn.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.WorkspaceClient;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.databricks.sdk.service.catalog.CreateEntityTagAssignmentRequest;
import com.databricks.sdk.service.catalog.CreateRegisteredModelRequest;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.DeleteAliasRequest;
import com.databricks.sdk.service.catalog.DeleteModelVersionRequest;
import com.databricks.sdk.service.catalog.EntityTagAssignment;
import com.databricks.sdk.service.catalog.GetByAliasRequest;
import com.databricks.sdk.service.catalog.GetModelVersionRequest;
import com.databricks.sdk.service.catalog.GetRegisteredModelRequest;
import com.databricks.sdk.service.catalog.ListModelVersionsRequest;
import com.databricks.sdk.service.catalog.ListRegisteredModelsRequest;
import com.databricks.sdk.service.catalog.ModelVersionInfo;
import com.databricks.sdk.service.catalog.ModelVersionInfoStatus;
import com.databricks.sdk.service.catalog.PermissionsChange;
import com.databricks.sdk.service.catalog.Privilege;
import com.databricks.sdk.service.catalog.RegisteredModelAlias;
import com.databricks.sdk.service.catalog.RegisteredModelInfo;
import com.databricks.sdk.service.catalog.SetRegisteredModelAliasRequest;
import com.databricks.sdk.service.catalog.UpdateModelVersionRequest;
import com.databricks.sdk.service.catalog.UpdatePermissions;
import com.databricks.sdk.service.catalog.UpdateRegisteredModelRequest;
import dev.tarn.TestServer;
import dev.tarn.database.Json;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Registered models as the official SDK sees them; their versions are made as MLflow does. */
class ModelsTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static WorkspaceClient admin;
  private static WorkspaceClient bob;

  @BeforeAll
  static void people() {
    admin = server.as("admin");
    bob = server.as("bob");
    for (String schema : List.of("models", "others")) {
      admin.schemas().create(new CreateSchema().setCatalogName("test").setName(schema));
    }
    grant("catalog", "test", Privilege.USE_CATALOG);
    grant("schema", "test.models", Privilege.USE_SCHEMA);
  }

  private static void grant(String type, String name, Privilege... privileges) {
    admin
        .grants()
        .update(
            new UpdatePermissions()
                .setSecurableType(type)
                .setFullName(name)
                .setChanges(
                    List.of(
                        new PermissionsChange()
                            .setPrincipal("bob@example.com")
                            .setAdd(List.of(privileges)))));
  }

  private static RegisteredModelInfo make(WorkspaceClient by, String schema, String name) {
    return by.registeredModels()
        .create(
            new CreateRegisteredModelRequest()
                .setCatalogName("test")
                .setSchemaName(schema)
                .setName(name)
                .setComment("c"));
  }

  private static HttpResponse<String> call(String who, String verb, String path, Object body)
      throws Exception {
    return server.send(who, verb, "/api/2.1/unity-catalog/" + path, Json.write(body));
  }

  private static ModelVersionInfo version(String model) throws Exception {
    HttpResponse<String> answer =
        call(
            "admin",
            "POST",
            "models/versions",
            Map.of(
                "catalog_name",
                "test",
                "schema_name",
                "models",
                "model_name",
                model,
                "source",
                "dbfs:/run"));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Json.read(answer.body(), ModelVersionInfo.class);
  }

  private static HttpResponse<String> complete(String who, String model, long version)
      throws Exception {
    return call(
        who,
        "PATCH",
        "models/test.models." + model + "/versions/" + version + "/finalize",
        Map.of("full_name", "test.models." + model, "version", version));
  }

  @Test
  void aModelIsShownAsItWasMadeAndChangedAndIsGoneWhenDeleted() {
    RegisteredModelInfo made = make(admin, "models", "Shown");
    assertThat(made.getFullName()).isEqualTo("test.models.shown");
    assertThat(made.getStorageLocation()).contains("/__unitystorage/").contains("/models/");
    assertThat(admin.registeredModels().get("test.models.shown")).isEqualTo(made);
    assertThatThrownBy(() -> make(admin, "models", "shown"))
        .isInstanceOf(ResourceAlreadyExists.class);
    RegisteredModelInfo renamed =
        admin
            .registeredModels()
            .update(
                new UpdateRegisteredModelRequest()
                    .setFullName("test.models.shown")
                    .setNewName("named")
                    .setOwner("bob@example.com")
                    .setComment(""));
    assertThat(renamed.getName()).isEqualTo("named");
    assertThat(renamed.getOwner()).isEqualTo("bob@example.com");
    assertThat(renamed.getComment()).isEmpty();
    assertThat(bob.registeredModels().get("test.models.named").getStorageLocation())
        .isEqualTo(made.getStorageLocation());
    assertThatThrownBy(() -> admin.functions().get("test.models.named"))
        .isInstanceOf(NotFound.class);
    admin.registeredModels().delete("test.models.named");
    assertThatThrownBy(() -> admin.registeredModels().get("test.models.named"))
        .isInstanceOf(NotFound.class);
  }

  @Test
  void versionsAreNumberedOnceAndReadyWhenFinalized() throws Exception {
    make(admin, "models", "numbered");
    ModelVersionInfo first = version("numbered");
    assertThat(first.getVersion()).isEqualTo(1);
    assertThat(first.getStatus()).isEqualTo(ModelVersionInfoStatus.PENDING_REGISTRATION);
    assertThat(version("numbered").getVersion()).isEqualTo(2);
    assertThat(complete("admin", "numbered", 1).statusCode()).isEqualTo(200);
    assertThat(complete("admin", "numbered", 1).body()).contains("READY");
    assertThat(complete("admin", "numbered", 1).statusCode()).isEqualTo(400);
    assertThat(
            admin
                .modelVersions()
                .update(
                    new UpdateModelVersionRequest()
                        .setFullName("test.models.numbered")
                        .setVersion(1L)
                        .setComment("the first"))
                .getStatus())
        .isEqualTo(ModelVersionInfoStatus.READY);
    admin
        .modelVersions()
        .delete(new DeleteModelVersionRequest().setFullName("test.models.numbered").setVersion(2L));
    assertThat(version("numbered").getVersion()).isEqualTo(3);
    assertThatThrownBy(
            () ->
                admin
                    .modelVersions()
                    .get(
                        new GetModelVersionRequest()
                            .setFullName("test.models.numbered")
                            .setVersion(2L)))
        .isInstanceOf(NotFound.class)
        .hasMessageContaining("version 2");
    List<Long> listed = new ArrayList<>();
    admin
        .modelVersions()
        .list(new ListModelVersionsRequest().setFullName("test.models.numbered").setMaxResults(1L))
        .forEach(version -> listed.add(version.getVersion()));
    assertThat(listed).containsExactly(3L, 1L);
  }

  @Test
  void anAliasLeadsToItsVersionAndGoesWithIt() throws Exception {
    make(admin, "models", "called");
    version("called");
    version("called");
    SetRegisteredModelAliasRequest champion =
        new SetRegisteredModelAliasRequest()
            .setFullName("test.models.called")
            .setAlias("Champion")
            .setVersionNum(1L);
    admin.registeredModels().setAlias(champion);
    admin.registeredModels().setAlias(champion.setVersionNum(2L));
    GetByAliasRequest byAlias =
        new GetByAliasRequest()
            .setFullName("test.models.called")
            .setAlias("champion")
            .setIncludeAliases(true);
    assertThat(admin.modelVersions().getByAlias(byAlias).getVersion()).isEqualTo(2);
    assertThat(admin.modelVersions().getByAlias(byAlias).getAliases())
        .extracting(RegisteredModelAlias::getAliasName)
        .containsExactly("champion");
    assertThat(
            admin
                .registeredModels()
                .get(
                    new GetRegisteredModelRequest()
                        .setFullName("test.models.called")
                        .setIncludeAliases(true))
                .getAliases())
        .hasSize(1);
    assertThatThrownBy(
            () -> admin.registeredModels().setAlias(champion.setAlias("v1").setVersionNum(1L)))
        .isInstanceOf(BadRequest.class)
        .hasMessageContaining("'v1'");
    assertThatThrownBy(
            () -> admin.registeredModels().setAlias(champion.setAlias("a").setVersionNum(9L)))
        .isInstanceOf(NotFound.class);
    admin
        .modelVersions()
        .delete(new DeleteModelVersionRequest().setFullName("test.models.called").setVersion(2L));
    assertThatThrownBy(() -> admin.modelVersions().getByAlias(byAlias))
        .isInstanceOf(NotFound.class);
    assertThatThrownBy(
            () ->
                admin
                    .registeredModels()
                    .deleteAlias(
                        new DeleteAliasRequest()
                            .setFullName("test.models.called")
                            .setAlias("champion")))
        .isInstanceOf(NotFound.class);
  }

  @Test
  void whoMayExecuteAModelReadsItAndNoMore() throws Exception {
    make(admin, "models", "lent");
    version("lent");
    assertThatThrownBy(() -> bob.registeredModels().get("test.models.lent"))
        .isInstanceOf(PermissionDenied.class);
    grant("function", "test.models.lent", Privilege.EXECUTE);
    assertThat(bob.registeredModels().get("test.models.lent").getName()).isEqualTo("lent");
    Map<String, Object> wanted =
        Map.of(
            "catalog_name",
            "test",
            "schema_name",
            "models",
            "model_name",
            "lent",
            "version",
            1,
            "operation",
            "READ_MODEL_VERSION");
    assertThat(call("bob", "POST", "temporary-model-version-credentials", wanted).body())
        .contains("EXTERNAL USE SCHEMA");
    assertThat(complete("bob", "lent", 1).statusCode()).isEqualTo(403);
    assertThat(complete("bob", "lent", 1).body()).contains("CREATE MODEL VERSION");
    assertThatThrownBy(() -> bob.registeredModels().delete("test.models.lent"))
        .isInstanceOf(PermissionDenied.class);
    assertThatThrownBy(() -> make(bob, "models", "mine"))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("CREATE MODEL");
  }

  @Test
  void aListHasWhatTheReaderSeesInOneSchemaAndInAll() {
    make(admin, "others", "hidden");
    make(admin, "models", "listed_a");
    make(admin, "models", "listed_b");
    grant("function", "test.models.listed_b", Privilege.EXECUTE);
    assertThat(names(bob, new ListRegisteredModelsRequest().setMaxResults(1L)))
        .contains("test.models.listed_b")
        .doesNotContain("test.models.listed_a", "test.others.hidden");
    assertThat(names(admin, new ListRegisteredModelsRequest().setMaxResults(1L)))
        .contains("test.models.listed_a", "test.models.listed_b", "test.others.hidden")
        .doesNotHaveDuplicates()
        .isSorted();
    ListRegisteredModelsRequest others =
        new ListRegisteredModelsRequest().setCatalogName("test").setSchemaName("others");
    assertThat(names(admin, others)).containsExactly("test.others.hidden");
    assertThatThrownBy(() -> names(bob, others)).isInstanceOf(PermissionDenied.class);
  }

  private static List<String> names(WorkspaceClient by, ListRegisteredModelsRequest request) {
    List<String> names = new ArrayList<>();
    by.registeredModels().list(request).forEach(model -> names.add(model.getFullName()));
    return names;
  }

  private static CreateEntityTagAssignmentRequest tagged(EntityTagAssignment tag) {
    return new CreateEntityTagAssignmentRequest().setTagAssignment(tag);
  }

  @Test
  void modelsAndFunctionsCarryTags() {
    make(admin, "models", "tagged");
    EntityTagAssignment tag =
        new EntityTagAssignment()
            .setEntityType("models")
            .setEntityName("test.models.tagged")
            .setTagKey("stage")
            .setTagValue("prod");
    admin.entityTagAssignments().create(tagged(tag));
    assertThat(
            admin.entityTagAssignments().get("models", "test.models.tagged", "stage").getTagValue())
        .isEqualTo("prod");
    assertThatThrownBy(
            () -> admin.entityTagAssignments().create(tagged(tag.setEntityType("functions"))))
        .isInstanceOf(NotFound.class);
    assertThatThrownBy(
            () ->
                bob.entityTagAssignments()
                    .create(tagged(tag.setEntityType("models").setTagKey("another"))))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("APPLY TAG");
  }
}
