package dev.tarn.catalog;

import static dev.tarn.catalog.CatalogFixture.present;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.ColumnInfo;
import com.databricks.sdk.service.catalog.ColumnTypeName;
import com.databricks.sdk.service.catalog.CreateCatalog;
import com.databricks.sdk.service.catalog.CreateSchema;
import com.databricks.sdk.service.catalog.DataSourceFormat;
import com.databricks.sdk.service.catalog.DeleteSchemaRequest;
import com.databricks.sdk.service.catalog.DeleteTableRequest;
import com.databricks.sdk.service.catalog.ExistsRequest;
import com.databricks.sdk.service.catalog.GetTableRequest;
import com.databricks.sdk.service.catalog.ListSummariesRequest;
import com.databricks.sdk.service.catalog.ListTablesRequest;
import com.databricks.sdk.service.catalog.ListTablesResponse;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.TableInfo;
import com.databricks.sdk.service.catalog.TableSummary;
import com.databricks.sdk.service.catalog.TableType;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Json;
import dev.tarn.http.Role;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class TablesTest {
  @RegisterExtension final CatalogFixture it = new CatalogFixture();

  private static final List<ColumnInfo> COLUMNS =
      List.of(
          column("Id", ColumnTypeName.LONG, "bigint"),
          column("name", ColumnTypeName.STRING, "string"));

  private static ColumnInfo column(String name, ColumnTypeName type, String text) {
    return new ColumnInfo().setName(name).setTypeName(type).setTypeText(text);
  }

  private Tables.StagingTable stage(String name) {
    return it.catalog.tables.stage(it.admin, new Tables.NewStagingTable("main", "default", name));
  }

  private TableInfo create(String name, TableType type, String location) {
    return it.catalog.tables.create(
        it.admin,
        new Tables.NewTable(
            name,
            "main",
            "default",
            type,
            null,
            COLUMNS,
            location,
            Map.of("k", "v"),
            "a comment",
            null,
            null));
  }

  private Path folder(String location) {
    return it.home.resolve("storage/" + location.substring("s3://".length()));
  }

  /** What an engine leaves in a place it was given. */
  private Path written(String location) throws Exception {
    Path log = folder(location).resolve("_delta_log");
    Files.createDirectories(log);
    Files.writeString(log.resolve("00000000000000000000.json"), "{}");
    return folder(location);
  }

  private TableInfo get(String fullName) {
    return it.catalog.tables.get(it.admin, new GetTableRequest().setFullName(fullName));
  }

  @Test
  void aManagedTableIsStagedWrittenAndClaimed() {
    Tables.StagingTable staged = stage("Orders");
    assertThat(staged.stagingLocation())
        .matches(
            "s3://tarn-metastore-us-east-1/[0-9a-f-]{36}/__unitystorage/catalogs/[0-9a-f-]{36}/tables/"
                + staged.id());
    TableInfo made = create("ORDERS", TableType.MANAGED, staged.stagingLocation() + "/");
    assertThat(made.getTableId()).isEqualTo(staged.id());
    TableInfo table = get("Main.Default.Orders");
    assertThat(table.getFullName()).isEqualTo("main.default.orders");
    assertThat(table.getDataSourceFormat()).isEqualTo(DataSourceFormat.DELTA);
    assertThat(table.getOwner()).isEqualTo("alice@tarn.dev");
    assertThat(table.getComment()).isEqualTo("a comment");
    assertThat(table.getColumns())
        .extracting(c -> c.getPosition() + " " + c.getName() + " " + c.getNullable())
        .containsExactly("0 Id true", "1 name true");
    assertThatThrownBy(() -> create("again", TableType.MANAGED, staged.stagingLocation()))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("expected: the staging_location");
    assertThatThrownBy(() -> stage("orders"))
        .isInstanceOf(BadRequest.class)
        .hasMessage("Table 'orders' already exists");
  }

  @Test
  void aSchemaOrCatalogWithItsOwnRootPutsTablesThere() {
    it.catalog.catalogs.create(
        it.admin, new CreateCatalog().setName("c").setStorageRoot("s3://root-data/c"));
    it.catalog.schemas.create(
        it.admin,
        new CreateSchema().setCatalogName("c").setName("s").setStorageRoot("s3://root-data/s"));
    assertThat(
            it.catalog
                .tables
                .stage(it.admin, new Tables.NewStagingTable("c", "default", "t"))
                .stagingLocation())
        .startsWith("s3://root-data/c/__unitystorage/catalogs/");
    assertThat(
            it.catalog
                .tables
                .stage(it.admin, new Tables.NewStagingTable("c", "s", "t"))
                .stagingLocation())
        .startsWith("s3://root-data/s/__unitystorage/schemas/");
    for (String inManagedStorage : List.of("s3://root-data/c", "s3://root-data/s/deep/er")) {
      assertThatThrownBy(() -> create("x", TableType.EXTERNAL, inManagedStorage))
          .hasMessageContaining("overlaps with managed storage");
    }
  }

  @Test
  void ofTwentyEnginesThatCreateOneTableExactlyOneDoesAndNothingElseStays() throws Exception {
    List<Tables.StagingTable> staged = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      staged.add(stage("raced"));
      written(staged.get(i).stagingLocation());
    }
    List<String> outcomes =
        CatalogTest.atOnce(
            20,
            n -> {
              try {
                return create("raced", TableType.MANAGED, staged.get(n).stagingLocation())
                    .getTableId();
              } catch (BadRequest e) {
                return e.getErrorCode();
              }
            });
    String winner = get("main.default.raced").getStorageLocation();
    assertThat(outcomes).filteredOn("TABLE_ALREADY_EXISTS"::equals).hasSize(19);
    it.clock.forward(Duration.ofDays(2));
    it.catalog.recover();
    it.catalog.close();
    assertThat(
            staged.stream()
                .map(Tables.StagingTable::stagingLocation)
                .filter(location -> Files.exists(folder(location))))
        .containsExactly(winner);
  }

  @Test
  void whatAnEngineThatIsGoneHadStagedIsRemovedAndWhatItCreatedStays() throws Exception {
    var engine =
        new dev.tarn.http.Caller(
            "7",
            dev.tarn.http.Caller.Kind.USER,
            "alice@tarn.dev",
            it.admin.roles(),
            "account",
            1001L,
            null,
            "engine-1",
            "t",
            "r");
    Tables.StagingTable half =
        it.catalog.tables.stage(engine, new Tables.NewStagingTable("main", "default", "half"));
    Tables.StagingTable whole =
        it.catalog.tables.stage(engine, new Tables.NewStagingTable("main", "default", "whole"));
    Path halfFolder = written(half.stagingLocation());
    Path wholeFolder = written(whole.stagingLocation());
    create("whole", TableType.MANAGED, whole.stagingLocation());
    it.catalog.engineGone("engine-2");
    it.catalog.recover();
    assertThat(halfFolder).exists();
    it.catalog.engineGone("engine-1");
    it.catalog.close();
    it.catalog = it.open();
    it.catalog.recover();
    it.catalog.close();
    assertThat(halfFolder).doesNotExist();
    assertThat(wholeFolder).exists();
    assertThatThrownBy(() -> create("half", TableType.MANAGED, half.stagingLocation()))
        .isInstanceOf(InvalidParameterValue.class);
  }

  @Test
  void aDroppedManagedTableLosesItsDataAnExternalOneKeepsIt() throws Exception {
    Tables.StagingTable staged = stage("m");
    Path managed = written(staged.stagingLocation());
    create("m", TableType.MANAGED, staged.stagingLocation());
    Path external = written("s3://root-data/landing/e");
    create("e", TableType.EXTERNAL, "s3a://root-data/landing/e/");
    it.catalog.tables.delete(it.admin, new DeleteTableRequest().setFullName("main.default.m"));
    it.catalog.tables.delete(it.admin, new DeleteTableRequest().setFullName("main.default.e"));
    it.clock.forward(Dropped.KEPT.minusHours(1));
    it.catalog.sweep();
    assertThat(managed).exists();
    it.clock.forward(Duration.ofHours(2));
    it.catalog.sweep();
    // The process dies here, before its worker ran: the row of work is all there is.
    assertThat(managed).exists();
    assertThatThrownBy(() -> get("main.default.m"))
        .isInstanceOf(NotFound.class)
        .hasMessage("Table 'main.default.m' does not exist.");
    it.catalog = it.open();
    it.catalog.recover();
    it.catalog.close();
    assertThat(managed).doesNotExist();
    assertThat(external.resolve("_delta_log")).isNotEmptyDirectory();
    assertThatThrownBy(
            () ->
                it.catalog.tables.delete(
                    it.admin, new DeleteTableRequest().setFullName("main.default.m")))
        .isInstanceOf(NotFound.class);
  }

  @Test
  void whatWasDroppedIsHadBackWithItsGrantsUnlessItsPlaceIsTaken() throws Exception {
    TableInfo first = create("e", TableType.EXTERNAL, "s3://root-data/e");
    DeleteTableRequest drop = new DeleteTableRequest().setFullName("main.default.e");
    it.catalog.tables.delete(it.admin, drop);
    TableInfo second = create("E", TableType.EXTERNAL, "s3://root-data/e");
    Dropped.UndropRequest last = new Dropped.UndropRequest("TABLE", "main.default.e", null);
    assertThatThrownBy(() -> it.catalog.dropped.undrop(it.admin, last))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("LOCATION_OVERLAP");
    it.clock.forward(Duration.ofMinutes(1));
    it.catalog.tables.delete(it.admin, drop);
    assertThat(
            it.catalog
                .dropped
                .list(it.admin, new Dropped.ListRequest("main", "default", null))
                .tables())
        .extracting(TableInfo::getTableId)
        .containsExactly(second.getTableId(), first.getTableId());
    assertThat(
            it.catalog
                .dropped
                .list(it.user, new Dropped.ListRequest("samples", "tpch", null))
                .tables())
        .isEmpty();
    assertThat(
            ((TableInfo)
                    it.catalog.dropped.undrop(
                        it.admin, new Dropped.UndropRequest("TABLE", null, first.getTableId())))
                .getTableId())
        .isEqualTo(first.getTableId());
    assertThatThrownBy(() -> it.catalog.dropped.undrop(it.admin, last))
        .isInstanceOf(InvalidParameterValue.class);
    it.catalog.schemas.delete(
        it.admin, new DeleteSchemaRequest().setFullName("main.default").setForce(true));
    assertThatThrownBy(() -> get("main.default.e")).isInstanceOf(NotFound.class);
    it.catalog.dropped.undrop(it.admin, new Dropped.UndropRequest("SCHEMA", "main.default", null));
    assertThat(get("main.default.e").getTableId()).isEqualTo(first.getTableId());
    assertThat(
            it.catalog
                .dropped
                .list(it.admin, new Dropped.ListRequest("main", "default", null))
                .tables())
        .extracting(TableInfo::getTableId)
        .containsExactly(second.getTableId());
  }

  @Test
  void aSchemaDeletedWithForceTakesManagedDataOnly() throws Exception {
    Tables.StagingTable staged = stage("m");
    Path managed = written(staged.stagingLocation());
    create("m", TableType.MANAGED, staged.stagingLocation());
    Path external = written("s3://root-data/e");
    create("e", TableType.EXTERNAL, "s3://root-data/e");
    Path unclaimed = written(stage("later").stagingLocation());
    assertThatThrownBy(
            () ->
                it.catalog.schemas.delete(
                    it.admin, new DeleteSchemaRequest().setFullName("main.default")))
        .isInstanceOf(BadRequest.class)
        .hasMessage(
            "Schema 'main.default' is not empty. The schema has 2 tables(s), 0 functions(s), 0 volumes(s)");
    it.catalog.schemas.delete(
        it.admin, new DeleteSchemaRequest().setFullName("main.default").setForce(true));
    it.clock.forward(Dropped.KEPT.plusHours(1));
    it.catalog.recover();
    it.catalog.close();
    assertThat(managed).doesNotExist();
    assertThat(unclaimed).doesNotExist();
    assertThat(external).exists();
  }

  @Test
  void anExternalTableLiesInTheWorkspacesBucketAndOverlapsWithNothing() {
    create("a", TableType.EXTERNAL, "s3://root-data/x/a");
    create("ab", TableType.EXTERNAL, "s3://root-data/x/a b");
    create("dash", TableType.EXTERNAL, "s3://root-data/x/a-b");
    for (String overlapping :
        List.of(
            "s3://root-data/x/a",
            "s3://root-data/x/a/b",
            "s3://root-data/x",
            "s3n://root-data/x/")) {
      assertThatThrownBy(() -> create("b", TableType.EXTERNAL, overlapping))
          .as(overlapping)
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessageContaining("LOCATION_OVERLAP")
          .hasMessageContaining("main.default.a");
    }
    for (String refused :
        new String[] {
          null,
          "",
          "/tmp/x",
          "file:///tmp/x",
          "s3://",
          "s3://root-data",
          "s3://root-data/",
          "s3://root-data/unity-catalog/1001/t",
          "s3://root-data/tarn-results/1",
          "s3://root-data/a/__unitystorage/b",
          "s3://root-data/../root-other/x",
          "s3://root-data/./x",
          "s3://root-data//x",
          "s3://root-data/*",
          "s3://root-data/{a,b}",
          "s3://root-data/a%2e%2e/b",
          "s3://root-other/x",
          "s3://nowhere/x",
          "s3://tarn-metastore-us-east-1/x",
          "s3://tarn-samples/x",
          "s3://root-data/" + "x".repeat(10_000)
        }) {
      assertThatThrownBy(() -> create("b", TableType.EXTERNAL, refused))
          .as(refused)
          .isInstanceOf(InvalidParameterValue.class)
          .matches(e -> e.getMessage().length() < 300);
    }
    assertThatThrownBy(
            () ->
                it.catalog.catalogs.create(
                    it.admin, new CreateCatalog().setName("c").setStorageRoot("s3://root-data/x")))
        .hasMessageContaining("LOCATION_OVERLAP");
  }

  @Test
  void columnsAndFormatsAreJudged() {
    for (List<ColumnInfo> bad :
        List.of(
            List.of(column("a", ColumnTypeName.INT, "int"), column("A", ColumnTypeName.INT, "int")),
            List.of(column("", ColumnTypeName.INT, "int")),
            List.of(column("a", null, "int")),
            List.of(column("a", ColumnTypeName.INT, " ")),
            List.of(column("a", ColumnTypeName.INT, "int").setTypeJson("{")))) {
      assertThatThrownBy(
              () ->
                  it.catalog.tables.create(
                      it.admin,
                      new Tables.NewTable(
                          "t",
                          "main",
                          "default",
                          TableType.EXTERNAL,
                          null,
                          bad,
                          "s3://root-data/t",
                          null,
                          null,
                          null,
                          null)))
          .isInstanceOf(InvalidParameterValue.class)
          .hasMessageContaining("columns[");
    }
    assertThatThrownBy(() -> create("t", TableType.VIEW, "s3://root-data/t"))
        .hasMessage("storage_location: is not supported here (expected: left out)");
    assertThatThrownBy(() -> create("t", TableType.VIEW, null))
        .hasMessageStartingWith("view_definition: null (expected: the query of the view");
    assertThatThrownBy(() -> create("t", TableType.STREAMING_TABLE, "s3://root-data/t"))
        .hasMessage("table_type: STREAMING_TABLE (expected: MANAGED, EXTERNAL or VIEW)");
    assertThatThrownBy(
            () ->
                it.catalog.tables.create(
                    it.admin,
                    new Tables.NewTable(
                        "t",
                        "main",
                        "default",
                        TableType.EXTERNAL,
                        DataSourceFormat.SNOWFLAKE_FORMAT,
                        null,
                        "s3://root-data/t",
                        null,
                        null,
                        null,
                        null)))
        .hasMessageContaining("data_source_format: SNOWFLAKE_FORMAT (expected: one of [AVRO, CSV");
    assertThat(
            it.catalog
                .tables
                .exists(it.admin, new ExistsRequest().setFullName("main.default.t"))
                .getTableExists())
        .isFalse();
  }

  @Test
  void anEngineSendsWhatACommitChanged() {
    create("t", TableType.EXTERNAL, "s3://root-data/t");
    Tables.TableChange change =
        new Tables.TableChange(
            "main.default.t",
            null,
            null,
            List.of(column("x", ColumnTypeName.DATE, "date")),
            Map.of("delta.appendOnly", "true"),
            null,
            null,
            null);
    assertThatThrownBy(
            () ->
                it.catalog.tables.update(
                    it.admin, change, present("columns", "properties", "comment")))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageStartingWith("columns: is what an engine found in the table");
    it.catalog.tables.update(
        CatalogFixture.caller(
            "7", "alice@tarn.dev", CatalogFixture.DATA, Role.WORKSPACE_USER, Role.ENGINE),
        change,
        present("columns", "properties", "comment"));
    TableInfo table = get("main.default.t");
    assertThat(table.getColumns()).extracting(ColumnInfo::getName).containsExactly("x");
    assertThat(table.getProperties()).containsOnlyKeys("delta.appendOnly");
    assertThat(table.getComment()).isNull();
    it.catalog.tables.update(
        it.admin,
        new Tables.TableChange("main.default.t", "U", "bob@tarn.dev", null, null, null, null, null),
        present("new_name", "owner"));
    table = get("main.default.u");
    assertThat(table.getOwner()).isEqualTo("bob@tarn.dev");
    assertThat(table.getColumns()).hasSize(1);
  }

  @Test
  void twoThousandFiveHundredTablesComeInPagesEachExactlyOnce() {
    it.catalog.schemas.create(it.admin, new CreateSchema().setCatalogName("main").setName("big"));
    it.database.inTransaction(
        handle -> {
          Securable metastore = Securables.metastoreOf(handle, 1001).orElseThrow();
          Securable main =
              Securables.child(handle, metastore, SecurableType.CATALOG, "main").orElseThrow();
          Securable schema =
              Securables.child(handle, main, SecurableType.SCHEMA, "big").orElseThrow();
          for (int i = 0; i < 2_500; i++) {
            Securables.insert(
                handle,
                Securable.of(
                    "id" + i,
                    SecurableType.TABLE,
                    "EXTERNAL",
                    schema,
                    "t%04d".formatted(i),
                    7L,
                    "s3://root-data/big/" + i,
                    Json.write(new TableInfo().setColumns(COLUMNS))));
          }
          return null;
        });
    for (Long size : new Long[] {null, 0L, 7L, 999L, 1_000L, 1_000_000L}) {
      List<String> names = new ArrayList<>();
      String token = null;
      do {
        ListTablesResponse page =
            it.catalog.tables.list(
                it.admin,
                new ListTablesRequest()
                    .setCatalogName("MAIN")
                    .setSchemaName("Big")
                    .setOmitColumns(true)
                    .setMaxResults(size)
                    .setPageToken(token));
        assertThat(page.getTables()).hasSizeLessThanOrEqualTo(1_000);
        page.getTables().forEach(table -> names.add(table.getName()));
        token = page.getNextPageToken();
      } while (token != null);
      assertThat(names)
          .as("max_results %s", size)
          .hasSize(2_500)
          .isSorted()
          .doesNotHaveDuplicates();
    }
    List<String> summaries = new ArrayList<>();
    String token = null;
    do {
      var page =
          it.catalog.tables.listSummaries(
              it.admin,
              new ListSummariesRequest()
                  .setCatalogName("main")
                  .setSchemaNamePattern("b%")
                  .setTableNamePattern("T1%")
                  .setMaxResults(300L)
                  .setPageToken(token));
      page.getTables().stream().map(TableSummary::getFullName).forEach(summaries::add);
      token = page.getNextPageToken();
    } while (token != null);
    assertThat(summaries).hasSize(1_000).startsWith("main.big.t1000").isSorted();
    assertThatThrownBy(
            () ->
                it.catalog.tables.list(
                    it.admin,
                    new ListTablesRequest()
                        .setCatalogName("main")
                        .setSchemaName("big")
                        .setMaxResults(-1L)))
        .isInstanceOf(InvalidParameterValue.class);
  }
}
