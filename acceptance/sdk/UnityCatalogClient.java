import io.unitycatalog.client.ApiClient;
import io.unitycatalog.client.ApiException;
import io.unitycatalog.client.api.CatalogsApi;
import io.unitycatalog.client.api.FunctionsApi;
import io.unitycatalog.client.api.GrantsApi;
import io.unitycatalog.client.api.MetastoresApi;
import io.unitycatalog.client.api.ModelVersionsApi;
import io.unitycatalog.client.api.RegisteredModelsApi;
import io.unitycatalog.client.api.SchemasApi;
import io.unitycatalog.client.api.TablesApi;
import io.unitycatalog.client.api.TemporaryCredentialsApi;
import io.unitycatalog.client.api.VolumesApi;
import io.unitycatalog.client.model.ColumnTypeName;
import io.unitycatalog.client.model.CreateCatalog;
import io.unitycatalog.client.model.CreateFunction;
import io.unitycatalog.client.model.CreateFunctionRequest;
import io.unitycatalog.client.model.CreateModelVersion;
import io.unitycatalog.client.model.CreateRegisteredModel;
import io.unitycatalog.client.model.CreateSchema;
import io.unitycatalog.client.model.CreateStagingTable;
import io.unitycatalog.client.model.CreateVolumeRequestContent;
import io.unitycatalog.client.model.FinalizeModelVersion;
import io.unitycatalog.client.model.FunctionParameterInfos;
import io.unitycatalog.client.model.GenerateTemporaryModelVersionCredential;
import io.unitycatalog.client.model.ModelVersionOperation;
import io.unitycatalog.client.model.ModelVersionStatus;
import io.unitycatalog.client.model.PermissionsChange;
import io.unitycatalog.client.model.Privilege;
import io.unitycatalog.client.model.SecurableType;
import io.unitycatalog.client.model.UpdateCatalog;
import io.unitycatalog.client.model.UpdatePermissions;
import io.unitycatalog.client.model.UpdateSchema;
import io.unitycatalog.client.model.VolumeType;
import java.net.URI;
import java.util.List;
import java.util.concurrent.Callable;

/** The client of the open Unity Catalog project, unmodified: everything it shares with the platform. */
class UnityCatalogClient {
  private static final String CATALOG = "open" + System.nanoTime();

  public static void main(String[] args) throws Exception {
    URI host = URI.create(System.getenv("TARN_HOST"));
    String token = System.getenv("TARN_WORKSPACE_TOKEN");
    ApiClient client =
        new ApiClient()
            .setScheme(host.getScheme())
            .setHost(host.getHost())
            .setPort(host.getPort())
            .setBasePath("/api/2.1/unity-catalog")
            .setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
    CatalogsApi catalogs = new CatalogsApi(client);
    SchemasApi schemas = new SchemasApi(client);

    check("the metastore", () -> !new MetastoresApi(client).summary().getMetastoreId().isEmpty());
    check("a catalog is made, listed and changed", () -> {
      catalogs.createCatalog(new CreateCatalog().name(CATALOG).comment("c"));
      boolean listed = catalogs.listCatalogs(null, 1000).getCatalogs().stream().anyMatch(c -> c.getName().equals(CATALOG));
      return listed && catalogs.updateCatalog(CATALOG, new UpdateCatalog().comment("d")).getComment().equals("d");
    });
    check("a schema is made, listed and changed", () -> {
      schemas.createSchema(new CreateSchema().catalogName(CATALOG).name("s"));
      boolean listed = schemas.listSchemas(CATALOG, 1000, null).getSchemas().stream().anyMatch(s -> s.getName().equals("s"));
      return listed && schemas.updateSchema(CATALOG + ".s", new UpdateSchema().comment("d")).getComment().equals("d");
    });
    check("a staging table has a place", () ->
        !new TablesApi(client).createStagingTable(new CreateStagingTable().catalogName(CATALOG).schemaName("s").name("t"))
            .getStagingLocation().isEmpty()
            && new TablesApi(client).listTables(CATALOG, "s", 10, null).getTables().isEmpty());
    check("a volume is made and removed", () -> {
      VolumesApi volumes = new VolumesApi(client);
      volumes.createVolume(new CreateVolumeRequestContent().catalogName(CATALOG).schemaName("s").name("v").volumeType(VolumeType.MANAGED));
      boolean there = volumes.getVolume(CATALOG + ".s.v").getVolumeType() == VolumeType.MANAGED
          && volumes.listVolumes(CATALOG, "s", 10, null).getVolumes().size() == 1;
      volumes.deleteVolume(CATALOG + ".s.v");
      return there && missing(() -> volumes.getVolume(CATALOG + ".s.v"));
    });
    check("a function is made and removed", () -> {
      FunctionsApi functions = new FunctionsApi(client);
      functions.createFunction(new CreateFunctionRequest().functionInfo(new CreateFunction()
          .catalogName(CATALOG).schemaName("s").name("f").inputParams(new FunctionParameterInfos().parameters(List.of()))
          .dataType(ColumnTypeName.INT).fullDataType("int").routineBody(CreateFunction.RoutineBodyEnum.SQL).routineDefinition("1")
          .parameterStyle(CreateFunction.ParameterStyleEnum.S).isDeterministic(true)
          .sqlDataAccess(CreateFunction.SqlDataAccessEnum.CONTAINS_SQL).isNullCall(false)
          .securityType(CreateFunction.SecurityTypeEnum.DEFINER).specificName("f").properties("{}")));
      boolean there = functions.getFunction(CATALOG + ".s.f").getRoutineDefinition().equals("1")
          && functions.listFunctions(CATALOG, "s", 10, null).getFunctions().size() == 1;
      functions.deleteFunction(CATALOG + ".s.f");
      return there && missing(() -> functions.getFunction(CATALOG + ".s.f"));
    });
    check("grants", () -> {
      GrantsApi grants = new GrantsApi(client);
      grants.update(SecurableType.SCHEMA, CATALOG + ".s", new UpdatePermissions().changes(List.of(
          new PermissionsChange().principal("account users").add(List.of(Privilege.USE_SCHEMA)).remove(List.of()))));
      // Privileges are answered as the platform spells them, USE_SCHEMA, for which this client has no constant.
      var granted = grants.get(SecurableType.SCHEMA, CATALOG + ".s", null).getPrivilegeAssignments();
      return granted.size() == 1 && granted.getFirst().getPrincipal().equals("account users") && granted.getFirst().getPrivileges().size() == 1;
    });
    check("a model has versions that become ready", () -> {
      RegisteredModelsApi models = new RegisteredModelsApi(client);
      ModelVersionsApi versions = new ModelVersionsApi(client);
      models.createRegisteredModel(new CreateRegisteredModel().catalogName(CATALOG).schemaName("s").name("m"));
      String name = CATALOG + ".s.m";
      long version = versions.createModelVersion(new CreateModelVersion().catalogName(CATALOG).schemaName("s").modelName("m").source("/run")).getVersion();
      boolean pending = versions.getModelVersion(name, version).getStatus() == ModelVersionStatus.PENDING_REGISTRATION;
      // Buckets of this installation are folders: who may is asked, and then there are no keys.
      boolean refused = (text(() -> new TemporaryCredentialsApi(client).generateTemporaryModelVersionCredentials(
          new GenerateTemporaryModelVersionCredential().catalogName(CATALOG).schemaName("s").modelName("m").version(version)
              .operation(ModelVersionOperation.READ_MODEL_VERSION)))).contains("EXTERNAL USE SCHEMA");
      versions.finalizeModelVersion(name, version, new FinalizeModelVersion().fullName(name).version(version));
      boolean ready = versions.listModelVersions(name, 10, null).getModelVersions().getFirst().getStatus() == ModelVersionStatus.READY;
      boolean listed = models.listRegisteredModels(CATALOG, "s", 10, null).getRegisteredModels().size() == 1;
      versions.deleteModelVersion(name, version);
      models.deleteRegisteredModel(name, true);
      return pending && refused && ready && listed && missing(() -> models.getRegisteredModel(name));
    });
    check("what is not empty goes by force", () -> {
      boolean refused = !text(() -> catalogs.deleteCatalog(CATALOG, false)).isEmpty();
      catalogs.deleteCatalog(CATALOG, true);
      return refused && missing(() -> catalogs.getCatalog(CATALOG));
    });
  }

  private static boolean missing(Callable<?> call) throws Exception {
    try {
      call.call();
      return false;
    } catch (ApiException e) {
      return e.getCode() == 404;
    }
  }

  /** What a call is refused with; "" when it is not. */
  private static String text(Callable<?> call) throws Exception {
    try {
      call.call();
      return "";
    } catch (ApiException e) {
      return String.valueOf(e.getMessage()) + e.getResponseBody();
    }
  }

  private static void check(String name, Callable<Boolean> check) {
    try {
      System.out.println((check.call() ? "ok " : "wrong: ") + name);
    } catch (Exception e) {
      System.out.println("failed: " + name + ": " + e);
    }
  }
}
