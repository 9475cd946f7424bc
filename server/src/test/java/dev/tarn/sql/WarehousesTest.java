package dev.tarn.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.sql.CreateWarehouseRequest;
import com.databricks.sdk.service.sql.CreateWarehouseRequestWarehouseType;
import com.databricks.sdk.service.sql.DeleteWarehouseRequest;
import com.databricks.sdk.service.sql.EditWarehouseRequest;
import com.databricks.sdk.service.sql.GetWarehouseRequest;
import com.databricks.sdk.service.sql.GetWarehouseResponse;
import com.databricks.sdk.service.sql.ListWarehousesRequest;
import com.databricks.sdk.service.sql.StartRequest;
import com.databricks.sdk.service.sql.State;
import com.databricks.sdk.service.sql.Status;
import com.databricks.sdk.service.sql.StopRequest;
import dev.tarn.database.Database;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.iam.TestClock;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class WarehousesTest {
  @TempDir Path folder;
  private final TestClock clock = new TestClock();
  private final TestCompute compute = new TestCompute();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private Database database;
  private Warehouses warehouses;

  @BeforeEach
  void open() {
    database = Database.open(TestDatabase.of(folder));
    reopen();
  }

  /** As a new process finds it. */
  private void reopen() {
    warehouses =
        new Warehouses(
            database, compute, clock, () -> URI.create("http://127.0.0.1:8484"), 30, timer);
    warehouses.recover();
  }

  @AfterEach
  void close() {
    timer.shutdownNow();
    database.close();
  }

  @Test
  void aWarehouseWhoseEngineDidNotOutliveAKilledServerSaysWhy() {
    String id = create("left behind");
    until(id, State.RUNNING);
    compute.lost = "it was started by another build of Tarn";
    warehouses =
        new Warehouses(
            database, compute, clock, () -> URI.create("http://127.0.0.1:8484"), 30, timer);
    warehouses.recover();
    GetWarehouseResponse warehouse = until(id, State.STOPPED);
    assertThat(warehouse.getHealth().getMessage())
        .isEqualTo("it was started by another build of Tarn");
  }

  @Test
  void aWarehouseHasTheDocumentedDefaultsAndStarts() {
    String id = create("first");
    GetWarehouseResponse warehouse = until(id, State.RUNNING);
    assertThat(id).matches("[0-9a-f]{16}");
    assertThat(warehouse.getName()).isEqualTo("first");
    assertThat(warehouse.getCreatorName()).isEqualTo("7@example.com");
    assertThat(warehouse.getAutoStopMins()).isEqualTo(30);
    assertThat(warehouse.getMinNumClusters()).isEqualTo(1);
    assertThat(warehouse.getMaxNumClusters()).isEqualTo(1);
    assertThat(warehouse.getEnablePhoton()).isTrue();
    assertThat(warehouse.getNumClusters()).isEqualTo(1);
    assertThat(warehouse.getHealth().getStatus()).isEqualTo(Status.HEALTHY);
    assertThat(warehouse.getOdbcParams().getPath()).isEqualTo("/sql/1.0/warehouses/" + id);
    assertThat(warehouse.getOdbcParams().getPort()).isEqualTo(8484);
    assertThat(warehouse.getJdbcUrl()).contains("127.0.0.1:8484").contains(id);
  }

  @Test
  void itStopsAndStartsAsItIsTold() {
    String id = create("w");
    until(id, State.RUNNING);
    warehouses.stop(admin(), new StopRequest().setId(id));
    until(id, State.STOPPED);
    assertThat(compute.engines.getFirst().gone).isDone();
    warehouses.stop(admin(), new StopRequest().setId(id));
    warehouses.start(admin(), new StartRequest().setId(id));
    until(id, State.RUNNING);
    warehouses.start(admin(), new StartRequest().setId(id));
    assertThat(compute.engines).hasSize(2);
  }

  @Test
  void oneThatIsStoppedWhileItStartsLeavesNoEngine() {
    compute.mayStart.drainPermits();
    String id = create("w");
    assertThat(get(id).getState()).isEqualTo(State.STARTING);
    warehouses.stop(admin(), new StopRequest().setId(id));
    assertThat(get(id).getState()).isEqualTo(State.STOPPING);
    compute.mayStart.release();
    until(id, State.STOPPED);
    assertThat(compute.engines.getFirst().gone).isDone();
    assertThat(get(id).getHealth().getStatus()).isNull();
  }

  @Test
  void anEngineThatDoesNotStartSaysWhy() {
    compute.startFailure = "no memory is left";
    String id = create("w");
    GetWarehouseResponse warehouse = until(id, State.STOPPED);
    assertThat(warehouse.getHealth().getStatus()).isEqualTo(Status.FAILED);
    assertThat(warehouse.getHealth().getMessage()).isEqualTo("no memory is left");
  }

  @Test
  void anEngineThatDiesShowsItsCauseAlsoToTheNextProcess() {
    String id = create("w");
    until(id, State.RUNNING);
    compute.engines.getFirst().die("killed by signal 9");
    assertThat(get(id).getState()).isEqualTo(State.STOPPED);
    reopen();
    assertThat(get(id).getHealth().getMessage()).isEqualTo("killed by signal 9");
  }

  @Test
  void aWarehouseWhoseEngineDidNotOutliveTheProcessIsStopped() {
    String id = create("w");
    until(id, State.RUNNING);
    reopen();
    assertThat(get(id).getState()).isEqualTo(State.STOPPED);
  }

  @Test
  void anIdleWarehouseStopsAndAnEditedOneLater() {
    String id = create("w");
    until(id, State.RUNNING);
    clock.advance(Duration.ofMinutes(29));
    warehouses.stopIdle();
    assertThat(get(id).getState()).isEqualTo(State.RUNNING);
    warehouses.edit(admin(), new EditWarehouseRequest().setId(id).setAutoStopMins(40L));
    clock.advance(Duration.ofMinutes(2));
    warehouses.stopIdle();
    assertThat(get(id).getState()).isEqualTo(State.RUNNING);
    clock.advance(Duration.ofMinutes(10));
    warehouses.stopIdle();
    until(id, State.STOPPED);
  }

  @Test
  void oneWithoutAutoStopAndOneWithAStatementStayUp() throws Exception {
    String forever = create("forever", request -> request.setAutoStopMins(0L));
    String busy = create("busy");
    until(forever, State.RUNNING);
    until(busy, State.RUNNING);
    try (Warehouses.Place place = warehouses.place(warehouses.find(1, busy))) {
      assertThat(get(busy).getNumActiveSessions()).isEqualTo(1);
      clock.advance(Duration.ofHours(10));
      warehouses.stopIdle();
      assertThat(place.engine.id()).isNotNull();
      assertThat(get(busy).getState()).isEqualTo(State.RUNNING);
    }
    assertThat(get(forever).getState()).isEqualTo(State.RUNNING);
  }

  @Test
  void anEditChangesWhatItNamesAndNothingElse() {
    String id = create("w");
    warehouses.edit(admin(), new EditWarehouseRequest().setId(id).setName("renamed"));
    reopen();
    assertThat(get(id).getName()).isEqualTo("renamed");
    assertThat(get(id).getClusterSize()).isEqualTo("2X-Small");
    assertThat(get(id).getAutoStopMins()).isEqualTo(30);
  }

  @Test
  void aNameIsTakenOnceInAWorkspace() {
    create("w");
    String other = create("other");
    assertThatThrownBy(() -> create("w")).isInstanceOf(ResourceAlreadyExists.class);
    assertThatThrownBy(
            () -> warehouses.edit(admin(), new EditWarehouseRequest().setId(other).setName("w")))
        .isInstanceOf(ResourceAlreadyExists.class);
    assertThat(get(other).getName()).isEqualTo("other");
    warehouses.create(caller(2), new CreateWarehouseRequest().setName("w").setClusterSize("Small"));
  }

  @Test
  void aDeletedWarehouseIsGoneWithItsEngineAndItsName() {
    String id = create("w");
    until(id, State.RUNNING);
    warehouses.delete(admin(), new DeleteWarehouseRequest().setId(id));
    assertThatThrownBy(() -> get(id)).isInstanceOf(ResourceDoesNotExist.class);
    compute.engines.getFirst().gone.join();
    create("w");
  }

  @Test
  void aWarehouseOfAnotherWorkspaceDoesNotExist() {
    String id = create("w");
    assertThatThrownBy(() -> warehouses.get(caller(2), new GetWarehouseRequest().setId(id)))
        .isInstanceOf(ResourceDoesNotExist.class);
    assertThat(warehouses.list(caller(2), new ListWarehousesRequest()).getWarehouses()).isEmpty();
  }

  @Test
  void aListGoesOnWhereThePageEnded() {
    List.of("c", "a", "b").forEach(this::create);
    var page = warehouses.list(admin(), new ListWarehousesRequest().setPageSize(2L));
    assertThat(page.getWarehouses()).extracting("name").containsExactly("a", "b");
    var rest =
        warehouses.list(admin(), new ListWarehousesRequest().setPageToken(page.getNextPageToken()));
    assertThat(rest.getWarehouses()).extracting("name").containsExactly("c");
    assertThat(rest.getNextPageToken()).isNull();
  }

  @Test
  void theStarterWarehouseIsMadeOnce() {
    warehouses.createStarter(1, "system");
    warehouses.createStarter(1, "system");
    assertThat(warehouses.list(admin(), new ListWarehousesRequest()).getWarehouses())
        .singleElement()
        .satisfies(each -> assertThat(each.getState()).isEqualTo(State.STOPPED));
  }

  @Test
  void whatCannotBeIsRefusedWithValueAndExpectation() {
    refused(request -> request.setName(""), "name: ''");
    refused(request -> request.setName("x".repeat(10_000)), "(expected: 1 to 99 characters)");
    refused(request -> request.setClusterSize("Huge"), "cluster_size: 'Huge'");
    refused(request -> request.setClusterSize(null), "cluster_size");
    refused(request -> request.setAutoStopMins(5L), "auto_stop_mins: '5'");
    refused(request -> request.setAutoStopMins(-1L), "auto_stop_mins: '-1'");
    refused(request -> request.setMinNumClusters(2L), "min_num_clusters: '2'");
    refused(request -> request.setMaxNumClusters(41L), "max_num_clusters: '41'");
    refused(request -> request.setEnableServerlessCompute(true), "warehouse_type");
    refused(request -> request.setInstanceProfileArn("arn:aws:x"), "instance_profile_arn");
    create(
        "quick \"q\" \uD83D\uDE00",
        request ->
            request
                .setEnableServerlessCompute(true)
                .setWarehouseType(CreateWarehouseRequestWarehouseType.PRO)
                .setAutoStopMins(1L));
  }

  private void refused(Consumer<CreateWarehouseRequest> change, String message) {
    assertThatThrownBy(() -> create("w", change))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining(message);
    assertThat(compute.engines).isEmpty();
  }

  private String create(String name) {
    return create(name, request -> {});
  }

  private String create(String name, Consumer<CreateWarehouseRequest> change) {
    CreateWarehouseRequest request =
        new CreateWarehouseRequest().setName(name).setClusterSize("2X-Small");
    change.accept(request);
    return warehouses.create(admin(), request).getId();
  }

  private GetWarehouseResponse get(String id) {
    return warehouses.get(admin(), new GetWarehouseRequest().setId(id));
  }

  private GetWarehouseResponse until(String id, State state) {
    while (true) {
      GetWarehouseResponse warehouse = get(id);
      if (warehouse.getState() == state) {
        return warehouse;
      }
      Thread.onSpinWait();
    }
  }

  private static Caller admin() {
    return caller(1);
  }

  private static Caller caller(long workspace) {
    return new Caller(
        "7",
        Caller.Kind.USER,
        "7@example.com",
        Set.of(Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN),
        "account",
        workspace,
        null,
        null,
        "token",
        "request");
  }
}
