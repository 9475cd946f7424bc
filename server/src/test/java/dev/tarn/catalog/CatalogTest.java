package dev.tarn.catalog;

import static dev.tarn.catalog.CatalogFixture.DATA;
import static dev.tarn.catalog.CatalogFixture.present;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.DatabricksError;
import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.service.catalog.CatalogInfo;
import com.databricks.sdk.service.catalog.CatalogIsolationMode;
import com.databricks.sdk.service.catalog.CreateCatalog;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.DeleteCatalogRequest;
import com.databricks.sdk.service.catalog.DeleteSchemaRequest;
import com.databricks.sdk.service.catalog.GetCatalogRequest;
import com.databricks.sdk.service.catalog.GetSchemaRequest;
import com.databricks.sdk.service.catalog.ListCatalogsRequest;
import com.databricks.sdk.service.catalog.ListSchemasRequest;
import com.databricks.sdk.service.catalog.ListTablesRequest;
import com.databricks.sdk.service.catalog.SchemaInfo;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.UpdateCatalog;
import com.databricks.sdk.service.catalog.UpdateSchema;
import dev.tarn.access.Privilege;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class CatalogTest {
  @RegisterExtension final CatalogFixture it = new CatalogFixture();

  private List<String> seenBy(Caller caller) {
    return it.catalog.catalogs.list(caller, new ListCatalogsRequest()).getCatalogs().stream()
        .map(CatalogInfo::getName)
        .toList();
  }

  private CatalogInfo catalog(String name) {
    return it.catalog.catalogs.create(it.admin, new CreateCatalog().setName(name));
  }

  @Test
  void aWorkspaceHasMainSamplesAndACatalogThatNoOtherSees() {
    assertThat(seenBy(it.admin)).containsExactly("data_team", "main", "samples");
    assertThat(seenBy(it.elsewhere)).containsExactly("main", "other", "samples");
    CatalogInfo own =
        it.catalog.catalogs.get(it.admin, new GetCatalogRequest().setName("DATA_TEAM"));
    assertThat(own.getStorageRoot()).isEqualTo("s3://root-data/unity-catalog/1001");
    assertThat(own.getIsolationMode()).isEqualTo(CatalogIsolationMode.ISOLATED);
    assertThat(it.catalog.metastores.current(it.admin).getDefaultCatalogName())
        .isEqualTo("data_team");
    assertThatThrownBy(
            () ->
                it.catalog.catalogs.get(it.elsewhere, new GetCatalogRequest().setName("data_team")))
        .isInstanceOf(NotFound.class)
        .hasMessage("Catalog 'data_team' does not exist.");
    for (String name : List.of("main", "data_team")) {
      assertThat(
              it.catalog
                  .schemas
                  .list(it.admin, new ListSchemasRequest().setCatalogName(name))
                  .getSchemas())
          .extracting(SchemaInfo::getFullName)
          .containsExactly(name + ".default");
    }
  }

  @Test
  void provisioningStepsDoNothingTheSecondTimeAndKeepNamesApart() {
    String version = it.access.version(1001);
    it.catalog.assignMetastore(DATA);
    it.catalog.createWorkspaceCatalog(DATA);
    assertThat(it.access.version(1001)).isEqualTo(version);
    it.workspace(1003);
    it.workspace(1004);
    Catalog.Place twin = new Catalog.Place(1003, "data.team", "us-east-1", "root-other");
    it.catalog.assignMetastore(twin);
    it.catalog.createWorkspaceCatalog(twin);
    assertThat(it.catalog.defaultCatalog(1003)).contains("data_team_1003");
    Catalog.Place awkward = new Catalog.Place(1004, "MAIN", "us-east-1", "root-other");
    it.catalog.assignMetastore(awkward);
    it.catalog.createWorkspaceCatalog(awkward);
    assertThat(it.catalog.defaultCatalog(1004)).contains("main_1004");
  }

  @Test
  void aRegionHasOneMetastoreHoweverManyWorkspacesComeAtOnce() throws Exception {
    Set<String> metastores =
        Set.copyOf(
            atOnce(
                8,
                n -> {
                  it.workspace(2000 + n);
                  Catalog.Place place =
                      new Catalog.Place(2000 + n, "w" + n, "eu-west-1", "root-other");
                  it.catalog.assignMetastore(place);
                  it.catalog.createWorkspaceCatalog(place);
                  return it.catalog
                      .metastores
                      .current(CatalogFixture.caller("6", "x", place, Role.WORKSPACE_USER))
                      .getMetastoreId();
                }));
    assertThat(metastores).hasSize(1);
    assertThat(it.buckets.exists("tarn-metastore-eu-west-1")).isTrue();
    assertThat(it.catalog.samplesState()).isEqualTo("ready");
  }

  @Test
  void ofTwentyCallersWithOneNameExactlyOneMakesIt() throws Exception {
    List<String> outcomes =
        atOnce(
            20,
            n -> {
              try {
                return catalog("Raced").getName();
              } catch (BadRequest e) {
                return e.getErrorCode() + " " + e.getMessage();
              }
            });
    assertThat(outcomes).containsOnlyOnce("raced");
    assertThat(outcomes.stream().filter(o -> !o.equals("raced")))
        .hasSize(19)
        .allMatch(o -> o.equals("CATALOG_ALREADY_EXISTS Catalog 'raced' already exists"));
    outcomes =
        atOnce(
            20,
            n -> {
              try {
                return it.catalog
                    .schemas
                    .create(it.admin, new CreateSchema().setCatalogName("raced").setName("s"))
                    .getFullName();
              } catch (BadRequest e) {
                return e.getErrorCode() + " " + e.getMessage();
              }
            });
    assertThat(outcomes).containsOnlyOnce("raced.s");
    assertThat(outcomes.stream().filter(o -> !o.equals("raced.s")))
        .allMatch(o -> o.equals("SCHEMA_ALREADY_EXISTS Schema 's' already exists"));
  }

  @Test
  void namesMayHoldWhatThePlatformAllowsAndNothingElse() {
    for (String name :
        new String[] {
          "it's",
          "a\"quote",
          "back`tick",
          "目录",
          "🦆🦆",
          "Käse-Platte",
          "a",
          "x".repeat(255),
          "🦆".repeat(255)
        }) {
      CatalogInfo made = catalog(name);
      assertThat(made.getName()).isEqualTo(name.toLowerCase(java.util.Locale.ROOT));
      assertThat(
              it.catalog
                  .catalogs
                  .get(
                      it.admin,
                      new GetCatalogRequest().setName(name.toUpperCase(java.util.Locale.ROOT)))
                  .getName())
          .isEqualTo(made.getName());
    }
    for (String name :
        new String[] {
          null,
          "",
          " ",
          "a b",
          "a.b",
          "a/b",
          "a\nb",
          "\u007f",
          "\u0000",
          "\ud83e",
          "x".repeat(256),
          "y".repeat(10_000)
        }) {
      assertThatThrownBy(() -> catalog(name))
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessageContaining("(expected: 1 to 255 characters, no period, space, slash")
          .matches(e -> e.getMessage().length() < 250);
      assertThatThrownBy(
              () ->
                  it.catalog.schemas.create(
                      it.admin, new CreateSchema().setCatalogName("main").setName(name)))
          .isInstanceOf(InvalidParameterValue.class);
    }
    assertThatThrownBy(() -> catalog("spark_catalog")).isInstanceOf(InvalidParameterValue.class);
  }

  @Test
  void whatCannotBeHonouredIsRefused() {
    assertThatThrownBy(
            () ->
                it.catalog.catalogs.create(
                    it.admin, new CreateCatalog().setName("f").setConnectionName("c")))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("connection_name");
    for (String root :
        new String[] {
          "s3://root-data",
          "s3://root-data/unity-catalog/x",
          "s3://root-data/tarn-results",
          "s3://root-other/x",
          "s3://tarn-metastore-us-east-1/x",
          "s3://root-data/../x",
          "s3://root-data/a/*",
          "/etc",
          "file:///etc",
          "s3://root-data//x"
        }) {
      assertThatThrownBy(
              () ->
                  it.catalog.catalogs.create(
                      it.admin, new CreateCatalog().setName("r").setStorageRoot(root)))
          .as(root)
          .isInstanceOf(InvalidParameterValue.class);
    }
    assertThat(seenBy(it.admin)).containsExactly("data_team", "main", "samples");
  }

  @Test
  void aCatalogIsRenamedBoundAndGivenAwayAndKeepsWhatWasNotSaid() {
    it.catalog.catalogs.create(
        it.admin,
        new CreateCatalog()
            .setName("Sales")
            .setComment("ours")
            .setProperties(Map.of("k", "v"))
            .setStorageRoot("s3://root-data/sales/"));
    it.grant("sales", 9, Privilege.USE_CATALOG);
    String version = it.access.version(1002);
    CatalogInfo renamed =
        it.catalog.catalogs.update(
            it.admin,
            new UpdateCatalog().setName("sales").setNewName("Revenue").setOwner("bob@tarn.dev"),
            present("name", "new_name", "owner"));
    assertThat(renamed.getFullName()).isEqualTo("revenue");
    assertThat(renamed.getComment()).isEqualTo("ours");
    assertThat(renamed.getProperties()).containsEntry("k", "v");
    assertThat(renamed.getOwner()).isEqualTo("bob@tarn.dev");
    assertThat(renamed.getStorageRoot()).isEqualTo("s3://root-data/sales");
    assertThat(it.access.version(1002)).isNotEqualTo(version);
    assertThat(seenBy(it.elsewhere)).contains("revenue").doesNotContain("sales");
    it.catalog.catalogs.update(
        it.user,
        new UpdateCatalog().setName("revenue").setIsolationMode(CatalogIsolationMode.ISOLATED),
        present("isolation_mode"));
    assertThat(seenBy(it.elsewhere)).doesNotContain("revenue");
    assertThat(seenBy(it.user)).contains("revenue");
    assertThat(
            it.catalog
                .catalogs
                .update(it.user, new UpdateCatalog().setName("revenue"), present("comment"))
                .getComment())
        .isNull();
    assertThatThrownBy(
            () ->
                it.catalog.catalogs.update(
                    it.user, new UpdateCatalog().setName("revenue").setOwner("ghost"), present()))
        .isInstanceOf(NotFound.class)
        .hasMessage("Could not find principal with name 'ghost'");
    assertThatThrownBy(
            () ->
                it.catalog.catalogs.update(
                    it.user,
                    new UpdateCatalog().setName("revenue").setNewName("main"),
                    present("new_name")))
        .isInstanceOf(BadRequest.class)
        .hasMessage("Catalog 'main' already exists");
  }

  @Test
  void whatIsInUseIsDeletedOnlyWithForce() {
    catalog("full");
    assertThatThrownBy(
            () -> it.catalog.catalogs.delete(it.admin, new DeleteCatalogRequest().setName("full")))
        .isInstanceOf(BadRequest.class)
        .hasMessage("Catalog 'full' is not empty");
    it.catalog.schemas.delete(it.admin, new DeleteSchemaRequest().setFullName("full.default"));
    it.catalog.catalogs.delete(it.admin, new DeleteCatalogRequest().setName("full"));
    assertThatThrownBy(
            () -> it.catalog.catalogs.delete(it.admin, new DeleteCatalogRequest().setName("full")))
        .isInstanceOf(NotFound.class);
    catalog("full");
    it.catalog.catalogs.delete(it.admin, new DeleteCatalogRequest().setName("full").setForce(true));
    assertThat(seenBy(it.admin)).doesNotContain("full");
  }

  @Test
  void aSchemaIsFoundByItsFullNameAndMissingParentsAreNamed() {
    it.catalog.schemas.create(
        it.admin, new CreateSchema().setCatalogName("MAIN").setName("Bronze").setComment("raw"));
    SchemaInfo schema =
        it.catalog.schemas.update(
            it.admin,
            new UpdateSchema().setFullName("main.bronze").setNewName("Silver"),
            present("new_name"));
    assertThat(schema.getFullName()).isEqualTo("main.silver");
    assertThat(schema.getComment()).isEqualTo("raw");
    assertThat(schema.getSchemaId()).isNotEmpty();
    assertThatThrownBy(
            () ->
                it.catalog.schemas.get(it.admin, new GetSchemaRequest().setFullName("main.bronze")))
        .isInstanceOf(NotFound.class)
        .hasMessage("Schema 'main.bronze' does not exist.")
        .extracting(e -> ((DatabricksError) e).getErrorCode())
        .isEqualTo("SCHEMA_DOES_NOT_EXIST");
    assertThatThrownBy(
            () ->
                it.catalog.schemas.get(it.admin, new GetSchemaRequest().setFullName("nope.bronze")))
        .hasMessage("Catalog 'nope' does not exist.");
    assertThatThrownBy(
            () -> it.catalog.schemas.get(it.admin, new GetSchemaRequest().setFullName("bronze")))
        .isInstanceOf(InvalidParameterValue.class);
  }

  @Test
  void samplesAreEightReadOnlyTablesThatTheBuildMade() throws Exception {
    assertThat(it.catalog.samplesState()).isEqualTo("ready");
    List<TableInfo> tables =
        List.copyOf(
            it.catalog
                .tables
                .list(
                    it.admin,
                    new ListTablesRequest().setCatalogName("samples").setSchemaName("tpch"))
                .getTables());
    assertThat(tables)
        .extracting(TableInfo::getName)
        .containsExactly(
            "customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier");
    TableInfo lineitem = tables.get(1);
    assertThat(lineitem.getColumns())
        .extracting(column -> column.getName() + " " + column.getTypeText())
        .contains("l_orderkey bigint", "l_quantity decimal(18,2)", "l_shipdate date")
        .hasSize(16);
    Path folder = it.home.resolve("storage/" + lineitem.getStorageLocation().substring(5));
    assertThat(folder.resolve("_delta_log/00000000000000000000.json"))
        .content()
        .contains("\\\"numRecords\\\":60175");
    for (Runnable write :
        new Runnable[] {
          () ->
              it.catalog.schemas.create(
                  it.admin, new CreateSchema().setCatalogName("samples").setName("x")),
          () ->
              it.catalog.schemas.delete(
                  it.admin, new DeleteSchemaRequest().setFullName("samples.tpch").setForce(true)),
          () ->
              it.catalog.catalogs.delete(
                  it.admin, new DeleteCatalogRequest().setName("samples").setForce(true)),
          () ->
              it.catalog.catalogs.update(
                  it.admin, new UpdateCatalog().setName("samples").setNewName("y"), present())
        }) {
      assertThatThrownBy(write::run)
          .isInstanceOf(PermissionDenied.class)
          .hasMessage("Catalog 'samples' is read-only");
    }
  }

  @Test
  void samplesThatAKillCutShortAreCompletedAtTheNextStart() throws Exception {
    it.database.inTransaction(
        handle -> {
          handle.execute("DELETE FROM securable WHERE securable_type = 'TABLE'");
          return handle.execute(
              """
              UPDATE securable SET document = replace(document, 'ACTIVE', 'PROVISIONING')
              WHERE name = 'samples'
              """);
        });
    Path bucket = it.home.resolve("storage/tarn-samples/us-east-1/tpch");
    Files.delete(bucket.resolve("orders/_delta_log/00000000000000000000.json"));
    try (var files = Files.newDirectoryStream(bucket.resolve("lineitem"), "*.parquet")) {
      for (Path file : files) {
        Files.write(file, new byte[10]);
      }
    }
    assertThat(it.catalog.samplesState()).isEqualTo("loading");
    it.catalog.close();
    it.catalog = it.open();
    it.catalog.recover();
    it.catalog.samples.close();
    assertThat(it.catalog.samplesState()).isEqualTo("ready");
    assertThat(bucket.resolve("orders/_delta_log/00000000000000000000.json")).isNotEmptyFile();
    try (var files = Files.newDirectoryStream(bucket.resolve("lineitem"), "*.parquet")) {
      assertThat(files).allMatch(file -> file.toFile().length() > 1_000_000);
    }
  }

  @Test
  void anEngineSeesForItselfAndChangesNothingAndSpeaksForNobodyWhoHasLeft() {
    Caller engine =
        new Caller(
            "0",
            Caller.Kind.SYSTEM,
            "engine e1",
            Set.of(Role.ANYONE, Role.ENGINE),
            "account",
            1001L,
            null,
            "e1",
            "t",
            "r");
    assertThat(seenBy(engine)).containsExactly("data_team", "main", "samples");
    assertThatThrownBy(
            () -> it.catalog.catalogs.create(engine, new CreateCatalog().setName("mine")))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageStartingWith("An engine that speaks for nobody does not have CREATE CATALOG");
    Caller engineForFormerMember =
        new Caller(
            "9",
            Caller.Kind.USER,
            "dave@tarn.dev",
            Set.of(Role.ANYONE, Role.ENGINE),
            "account",
            1001L,
            null,
            "e1",
            "t",
            "r");
    assertThatThrownBy(() -> seenBy(engineForFormerMember)).isInstanceOf(PermissionDenied.class);
  }

  @Test
  void aDeletedWorkspaceTakesItsCatalogAndItsDataWithItAndLeavesTheRest() throws Exception {
    Path data = it.home.resolve("storage/root-data/unity-catalog/1001");
    Tables.StagingTable staged =
        it.catalog.tables.stage(it.admin, new Tables.NewStagingTable("data_team", "default", "t"));
    Path folder = it.home.resolve("storage/" + staged.stagingLocation().substring(5));
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("a.parquet"), "x");
    assertThat(folder.startsWith(data)).isTrue();
    it.catalog.removeWorkspace(1001);
    it.catalog.removeWorkspace(1001);
    assertThat(folder).doesNotExist();
    assertThat(seenBy(it.elsewhere)).containsExactly("main", "other", "samples");
    assertThat(it.access.version(1001)).isEmpty();
    assertThatThrownBy(() -> it.catalog.metastores.current(it.admin))
        .isInstanceOf(NotFound.class)
        .hasMessage("No metastore assigned for the current workspace.");
  }

  interface Attempt<T> {
    T run(int number) throws Exception;
  }

  static <T> List<T> atOnce(int callers, Attempt<T> attempt) throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Callable<T>> calls = new ArrayList<>();
      for (int i = 0; i < callers; i++) {
        int number = i;
        calls.add(() -> attempt.run(number));
      }
      List<T> outcomes = new ArrayList<>();
      for (Future<T> future : threads.invokeAll(calls)) {
        outcomes.add(future.get());
      }
      return outcomes;
    }
  }
}
