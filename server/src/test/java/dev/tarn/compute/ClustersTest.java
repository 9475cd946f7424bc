package dev.tarn.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.compute.AutoScale;
import com.databricks.sdk.service.compute.ChangeClusterOwner;
import com.databricks.sdk.service.compute.CloneCluster;
import com.databricks.sdk.service.compute.ClusterDetails;
import com.databricks.sdk.service.compute.ClusterEvent;
import com.databricks.sdk.service.compute.CreateCluster;
import com.databricks.sdk.service.compute.DataSecurityMode;
import com.databricks.sdk.service.compute.DeleteCluster;
import com.databricks.sdk.service.compute.EditCluster;
import com.databricks.sdk.service.compute.EventType;
import com.databricks.sdk.service.compute.GetClusterRequest;
import com.databricks.sdk.service.compute.GetEvents;
import com.databricks.sdk.service.compute.GetEventsOrder;
import com.databricks.sdk.service.compute.InitScriptInfo;
import com.databricks.sdk.service.compute.ListClustersFilterBy;
import com.databricks.sdk.service.compute.ListClustersRequest;
import com.databricks.sdk.service.compute.ListClustersSortBy;
import com.databricks.sdk.service.compute.ListClustersSortByField;
import com.databricks.sdk.service.compute.PermanentDeleteCluster;
import com.databricks.sdk.service.compute.PinCluster;
import com.databricks.sdk.service.compute.ResizeCluster;
import com.databricks.sdk.service.compute.RestartCluster;
import com.databricks.sdk.service.compute.StartCluster;
import com.databricks.sdk.service.compute.State;
import com.databricks.sdk.service.compute.TerminationReasonCode;
import com.databricks.sdk.service.compute.UnpinCluster;
import com.databricks.sdk.service.compute.UpdateCluster;
import com.databricks.sdk.service.compute.UpdateClusterResource;
import com.databricks.sdk.service.iam.PermissionLevel;
import dev.tarn.database.Database;
import dev.tarn.database.TestDatabase;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.iam.TestClock;
import dev.tarn.permissions.ObjectKind;
import dev.tarn.permissions.Permissions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class ClustersTest {
  private static final long ADMIN = 7;
  private static final long ALICE = 8;

  @TempDir Path folder;
  private final TestClock clock = new TestClock();
  private final TestDrivers drivers = new TestDrivers();
  private final Set<Long> entitled = Set.of(ALICE);
  private Database database;
  private Clusters clusters;

  @BeforeEach
  void open() {
    database = Database.open(TestDatabase.of(folder));
    database.inTransaction(
        handle -> {
          for (long id : List.of(ADMIN, ALICE, 9L)) {
            handle.execute(
                "INSERT INTO principal (principal_id, kind, name, display_name, active,"
                    + " account_admin, created_at, changed_at, version, document) VALUES (?,"
                    + " 'USER', ?, '', TRUE, FALSE, 0, 0, 1, '{}')",
                id,
                id + "@example.com");
          }
          return null;
        });
    reopen();
  }

  /** As a new process finds it. */
  private void reopen() {
    clusters =
        new Clusters(
            new ClusterDao(database),
            drivers,
            new Permissions(database, new Everybody()),
            (caller, asked, defaults, id) -> asked,
            new Compute.Members() {
              @Override
              public boolean isEntitled(Caller caller, String entitlement) {
                return entitlement.equals("allow-cluster-create")
                    && entitled.contains(Long.valueOf(caller.principalId()));
              }

              @Override
              public Optional<Long> named(long workspaceId, String name) {
                return name.matches("[789]@example.com")
                    ? Optional.of(Long.valueOf(name.substring(0, 1)))
                    : Optional.empty();
              }
            },
            Set.of("spark.sql.shuffle.partitions")::contains,
            workspace -> "eu-west-1",
            clock);
    clusters.recover();
  }

  @AfterEach
  void close() {
    database.close();
  }

  @Test
  void aClusterStartsWithTheDocumentedDefaults() {
    String id = create("first");
    ClusterDetails cluster = until(id, State.RUNNING);
    assertThat(id).matches("\\d{4}-\\d{6}-[a-z0-9]{8}");
    assertThat(cluster.getClusterName()).isEqualTo("first");
    assertThat(cluster.getCreatorUserName()).isEqualTo("7@example.com");
    assertThat(cluster.getAutoterminationMinutes()).isZero();
    assertThat(cluster.getDriverNodeTypeId()).isEqualTo("m5d.large");
    assertThat(cluster.getDataSecurityMode()).isEqualTo(DataSecurityMode.USER_ISOLATION);
    assertThat(cluster.getSpec().getDataSecurityMode()).isNull();
    assertThat(cluster.getDefaultTags()).containsEntry("ClusterId", id);
    assertThat(types(id)).containsExactly(EventType.CREATING, EventType.RUNNING);
  }

  @Test
  void itsWholeLifeIsToldByStatesAndEvents() {
    String id = create("c");
    until(id, State.RUNNING);
    clusters.restart(admin(), new RestartCluster().setClusterId(id));
    until(id, State.RUNNING);
    clusters.resize(admin(), new ResizeCluster().setClusterId(id).setNumWorkers(3L));
    assertThat(get(id).getNumWorkers()).isEqualTo(3);
    clusters.delete(admin(), new DeleteCluster().setClusterId(id));
    ClusterDetails ended = until(id, State.TERMINATED);
    assertThat(ended.getTerminationReason().getCode())
        .isEqualTo(TerminationReasonCode.USER_REQUEST);
    assertThat(ended.getTerminationReason().getParameters())
        .containsEntry("username", "7@example.com");
    assertThat(drivers.up).isEmpty();
    clusters.start(admin(), new StartCluster().setClusterId(id));
    assertThat(until(id, State.RUNNING).getTerminationReason()).isNull();
    assertThat(types(id))
        .containsExactly(
            EventType.CREATING,
            EventType.RUNNING,
            EventType.RESTARTING,
            EventType.RUNNING,
            EventType.RESIZING,
            EventType.UPSIZE_COMPLETED,
            EventType.TERMINATING,
            EventType.STARTING,
            EventType.RUNNING);
  }

  @Test
  void oneThatIsTerminatedWhileItStartsLeavesNoEngine() {
    drivers.mayStart.drainPermits();
    String id = create("c");
    while (!drivers.mayStart.hasQueuedThreads()) {
      pause("its engine is not asked for");
    }
    clusters.delete(admin(), new DeleteCluster().setClusterId(id));
    until(id, State.TERMINATED);
    drivers.mayStart.release(10);
    while (drivers.started.isEmpty() || !drivers.up.isEmpty()) {
      pause("started " + drivers.started.size() + ", up " + drivers.up);
    }
    assertThat(get(id).getState()).isEqualTo(State.TERMINATED);
  }

  @Test
  void anEngineThatDoesNotStartSaysWhy() {
    drivers.startFailure = "no memory is left";
    ClusterDetails cluster = until(create("c"), State.TERMINATED);
    assertThat(cluster.getStateMessage()).isEqualTo("no memory is left");
    assertThat(cluster.getTerminationReason().getCode())
        .isEqualTo(TerminationReasonCode.SPARK_STARTUP_FAILURE);
  }

  @Test
  void anEngineThatDiesEndsItsClusterWithTheCauseAndOneThatIsIdleWithout() {
    String id = create("c");
    until(id, State.RUNNING);
    clusters.ended(id, "another engine", "killed by signal 9");
    assertThat(get(id).getState()).isEqualTo(State.RUNNING);
    clusters.ended(id, drivers.up.get(id), "killed by signal 9");
    assertThat(get(id).getState()).isEqualTo(State.TERMINATED);
    assertThat(get(id).getTerminationReason().getParameters())
        .containsEntry("databricks_error_message", "killed by signal 9");
    String idle = create("idle");
    until(idle, State.RUNNING);
    clusters.ended(idle, drivers.up.get(idle), null);
    assertThat(get(idle).getTerminationReason().getCode())
        .isEqualTo(TerminationReasonCode.INACTIVITY);
  }

  @Test
  void whatAKilledServerLeftIsFinishedOrToldAsItIs() {
    String runs = create("runs");
    until(runs, State.RUNNING);
    String lost = create("lost");
    until(lost, State.RUNNING);
    drivers.up.remove(lost);
    drivers.lost = "the machine went away";
    drivers.mayStart.drainPermits();
    String starting = create("starting");
    reopen();
    drivers.mayStart.release(100);
    until(starting, State.RUNNING);
    assertThat(get(runs).getState()).isEqualTo(State.RUNNING);
    assertThat(get(lost).getState()).isEqualTo(State.TERMINATED);
    assertThat(get(lost).getStateMessage()).isEqualTo("the machine went away");
  }

  @Test
  void randomCallsAndDeathsLeaveStatesThatFitTheEngines() {
    long seed = Long.getLong("seed", System.nanoTime());
    Random random = new Random(seed);
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      ids.add(create("c" + i));
    }
    for (int step = 0; step < 60; step++) {
      String id = ids.get(random.nextInt(ids.size()));
      try {
        switch (random.nextInt(5)) {
          case 0 -> clusters.start(admin(), new StartCluster().setClusterId(id));
          case 1 -> clusters.restart(admin(), new RestartCluster().setClusterId(id));
          case 2 -> clusters.delete(admin(), new DeleteCluster().setClusterId(id));
          case 3 ->
              clusters.update(
                  admin(),
                  new UpdateCluster()
                      .setClusterId(id)
                      .setUpdateMask("num_workers")
                      .setCluster(new UpdateClusterResource().setNumWorkers((long) step)));
          default -> {
            String engine = drivers.up.get(id);
            if (engine != null && drivers.up.remove(id, engine)) {
              clusters.ended(id, engine, "killed by signal 9");
            }
          }
        }
      } catch (InvalidState e) {
        assertThat(e).hasMessageContaining("is in unexpected state");
      }
    }
    for (String id : ids) {
      State state;
      do {
        state = get(id).getState();
        pause("seed " + seed + ": it is " + state);
      } while (state != State.RUNNING && state != State.TERMINATED);
      assertThat(drivers.up.containsKey(id))
          .as("seed %d: %s is %s", seed, id, state)
          .isEqualTo(state == State.RUNNING);
    }
  }

  @Test
  void anEditOfARunningClusterRestartsItAndIsInItsEvents() {
    String id = create("c");
    until(id, State.RUNNING);
    clusters.edit(
        admin(),
        new EditCluster()
            .setClusterId(id)
            .setClusterName("renamed")
            .setSparkVersion("17.3.x-scala2.13")
            .setNodeTypeId("m5d.xlarge")
            .setAutoscale(new AutoScale().setMinWorkers(1L).setMaxWorkers(4L)));
    until(id, State.RUNNING);
    assertThat(get(id).getClusterName()).isEqualTo("renamed");
    assertThat(get(id).getNumWorkers()).isNull();
    assertThat(get(id).getClusterCores()).isEqualTo(8);
    ClusterEvent edited =
        events(id).stream().filter(e -> e.getType() == EventType.EDITED).findFirst().orElseThrow();
    assertThat(edited.getDetails().getPreviousAttributes().getNodeTypeId()).isEqualTo("m5d.large");
    assertThat(edited.getDetails().getAttributes().getNodeTypeId()).isEqualTo("m5d.xlarge");
    assertThat(drivers.started).hasSize(2);
  }

  @Test
  void aMaskChangesWhatItNamesAndNothingElse() {
    String id = create("c", request -> request.setCustomTags(Map.of("Team", "a", "keep", "b")));
    until(id, State.RUNNING);
    clusters.update(
        admin(),
        new UpdateCluster()
            .setClusterId(id)
            .setUpdateMask("custom_tags.Team,autotermination_minutes")
            .setCluster(
                new UpdateClusterResource()
                    .setCustomTags(Map.of("Team", "z", "other", "y"))
                    .setAutoterminationMinutes(20L)));
    until(id, State.RUNNING);
    assertThat(get(id).getCustomTags())
        .containsOnly(Map.entry("Team", "z"), Map.entry("keep", "b"));
    assertThat(get(id).getAutoterminationMinutes()).isEqualTo(20);
    assertThatThrownBy(
            () ->
                clusters.update(
                    admin(), new UpdateCluster().setClusterId(id).setUpdateMask("nothing_such")))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining("'nothing_such'");
  }

  @Test
  void whatCannotBeHonouredIsRefusedWithTheValueAndTheExpectation() {
    refused("spark_version: '9.9'", request -> request.setSparkVersion("9.9"));
    refused("node_type_id: 'x'", request -> request.setNodeTypeId("x"));
    refused("num_workers: '-1'", request -> request.setNumWorkers(-1L));
    refused(
        "autoscale: '4 to 1'",
        request -> request.setAutoscale(new AutoScale().setMinWorkers(4L).setMaxWorkers(1L)));
    refused("autotermination_minutes: '5'", request -> request.setAutoterminationMinutes(5L));
    refused(
        "data_security_mode: 'NONE'",
        request -> request.setDataSecurityMode(DataSecurityMode.NONE));
    refused(
        "single_user_name: 'nobody@example.com'",
        request -> request.setSingleUserName("nobody@example.com"));
    refused(
        "spark_conf.spark.plugins: 'Evil'",
        request -> request.setSparkConf(Map.of("spark.plugins", "Evil")));
    refused(
        "spark_env_vars: 'LD_PRELOAD'",
        request -> request.setSparkEnvVars(Map.of("LD_PRELOAD", "/x.so")));
    refused("init_scripts", request -> request.setInitScripts(List.of(new InitScriptInfo())));
    refused("instance_pool_id: 'p'", request -> request.setInstancePoolId("p"));
    assertThat(clusters.list(admin(), new ListClustersRequest()).getClusters()).isEmpty();
  }

  private void refused(String message, Consumer<CreateCluster> change) {
    assertThatThrownBy(() -> create("bad", change))
        .isInstanceOf(InvalidParameterValue.class)
        .hasMessageContaining(message)
        .hasMessageContaining("(expected: ");
  }

  @Test
  void whoMayIsSaidByPermissionsAndEntitlements() {
    assertThatThrownBy(() -> clusters.create(caller(9), asked("c")))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("allow-cluster-create");
    String id = clusters.create(caller(ALICE), asked("alice's")).getClusterId();
    until(id, State.RUNNING);
    assertThatThrownBy(() -> clusters.get(caller(9), new GetClusterRequest().setClusterId(id)))
        .isInstanceOf(PermissionDenied.class);
    assertThat(clusters.list(caller(9), new ListClustersRequest()).getClusters()).isEmpty();
    assertThat(clusters.list(caller(ALICE), new ListClustersRequest()).getClusters()).hasSize(1);
    give(9, id, PermissionLevel.CAN_ATTACH_TO);
    assertThat(clusters.list(caller(9), new ListClustersRequest()).getClusters()).hasSize(1);
    assertThatThrownBy(() -> clusters.restart(caller(9), new RestartCluster().setClusterId(id)))
        .isInstanceOf(PermissionDenied.class);
    give(9, id, PermissionLevel.CAN_RESTART);
    clusters.restart(caller(9), new RestartCluster().setClusterId(id));
    until(id, State.RUNNING);
    assertThatThrownBy(
            () ->
                clusters.permanentDelete(caller(9), new PermanentDeleteCluster().setClusterId(id)))
        .isInstanceOf(PermissionDenied.class);
    assertThatThrownBy(
            () ->
                clusters.get(
                    in(2, ADMIN, Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN),
                    new GetClusterRequest().setClusterId(id)))
        .isInstanceOf(ResourceDoesNotExist.class);
  }

  @Test
  void aDedicatedClusterIsForOnePersonWhateverOthersWereGiven() throws Exception {
    String id = create("hers", request -> request.setSingleUserName("8@example.com"));
    until(id, State.RUNNING);
    give(ALICE, id, PermissionLevel.CAN_ATTACH_TO);
    give(9, id, PermissionLevel.CAN_MANAGE);
    assertThat(clusters.engine(caller(ALICE), id, true)).isEqualTo(drivers.up.get(id));
    assertThatThrownBy(() -> clusters.engine(caller(9), id, true))
        .isInstanceOf(PermissionDenied.class)
        .hasMessageContaining("dedicated to 8@example.com");
  }

  @Test
  void whoAttachesToOneThatEndedStartsItWhenTheyMay() throws Exception {
    String id = create("c");
    until(id, State.RUNNING);
    clusters.delete(admin(), new DeleteCluster().setClusterId(id));
    until(id, State.TERMINATED);
    give(9, id, PermissionLevel.CAN_ATTACH_TO);
    assertThatThrownBy(() -> clusters.engine(caller(9), id, true))
        .isInstanceOf(InvalidState.class)
        .hasMessageContaining("TERMINATED");
    give(9, id, PermissionLevel.CAN_RESTART);
    assertThatThrownBy(() -> clusters.engine(caller(9), id, false))
        .isInstanceOf(InvalidState.class);
    assertThat(clusters.engine(caller(9), id, true)).isEqualTo(drivers.up.get(id));
  }

  @Test
  void aListIsFilteredSortedAndPaged() {
    String b = create("b");
    clock.advance(Duration.ofSeconds(2));
    String a = create("a");
    clock.advance(Duration.ofSeconds(2));
    String c = create("c");
    until(a, State.RUNNING);
    until(b, State.RUNNING);
    until(c, State.RUNNING);
    clusters.delete(admin(), new DeleteCluster().setClusterId(c));
    until(c, State.TERMINATED);
    clusters.pin(admin(), new PinCluster().setClusterId(b));
    assertThat(ids(new ListClustersRequest())).containsExactly(b, a, c);
    assertThat(
            ids(
                new ListClustersRequest()
                    .setSortBy(
                        new ListClustersSortBy().setField(ListClustersSortByField.CLUSTER_NAME))))
        .containsExactly(a, b, c);
    assertThat(
            ids(
                new ListClustersRequest()
                    .setFilterBy(
                        new ListClustersFilterBy().setClusterStates(List.of(State.TERMINATED)))))
        .containsExactly(c);
    assertThat(
            ids(
                new ListClustersRequest()
                    .setFilterBy(new ListClustersFilterBy().setIsPinned(true))))
        .containsExactly(b);
    var first = clusters.list(admin(), new ListClustersRequest().setPageSize(2L));
    assertThat(first.getClusters()).hasSize(2);
    assertThat(
            ids(new ListClustersRequest().setPageSize(2L).setPageToken(first.getNextPageToken())))
        .containsExactly(c);
    clusters.unpin(admin(), new UnpinCluster().setClusterId(b));
    assertThat(types(b)).contains(EventType.PINNED, EventType.UNPINNED);
  }

  @Test
  void eventsAreFilteredAndPagedInBothOrders() {
    String id = create("c");
    until(id, State.RUNNING);
    clusters.restart(admin(), new RestartCluster().setClusterId(id));
    until(id, State.RUNNING);
    var newest = clusters.events(admin(), new GetEvents().setClusterId(id).setLimit(3L));
    assertThat(newest.getTotalCount()).isEqualTo(4);
    assertThat(newest.getEvents().iterator().next().getType()).isEqualTo(EventType.RUNNING);
    var rest = clusters.events(admin(), newest.getNextPage());
    assertThat(rest.getEvents()).hasSize(1);
    assertThat(rest.getNextPage()).isNull();
    assertThat(
            clusters
                .events(
                    admin(),
                    new GetEvents().setClusterId(id).setEventTypes(List.of(EventType.RESTARTING)))
                .getEvents())
        .hasSize(1);
  }

  @Test
  void anOwnerIsChangedWhileItIsTerminatedAndManagesItThen() {
    String id = create("c");
    until(id, State.RUNNING);
    ChangeClusterOwner change =
        new ChangeClusterOwner().setClusterId(id).setOwnerUsername("9@example.com");
    assertThatThrownBy(() -> clusters.changeOwner(admin(), change))
        .isInstanceOf(InvalidState.class);
    clusters.delete(admin(), new DeleteCluster().setClusterId(id));
    until(id, State.TERMINATED);
    clusters.changeOwner(admin(), change);
    assertThat(get(id).getCreatorUserName()).isEqualTo("9@example.com");
    clusters.permanentDelete(caller(9), new PermanentDeleteCluster().setClusterId(id));
    assertThatThrownBy(() -> get(id))
        .isInstanceOf(ResourceDoesNotExist.class)
        .hasMessage("Cluster " + id + " does not exist");
  }

  @Test
  void aCloneHasWhatItsSourceHasButForWhatIsSaid() {
    String id = create("source", request -> request.setCustomTags(Map.of("Team", "a")));
    String clone =
        clusters
            .create(
                admin(),
                new CreateCluster()
                    .setCloneFrom(new CloneCluster().setSourceClusterId(id))
                    .setSparkVersion("16.4.x-scala2.13")
                    .setClusterName("clone"))
            .getClusterId();
    assertThat(get(clone).getCustomTags()).containsEntry("Team", "a");
    assertThat(get(clone).getSparkVersion()).isEqualTo("16.4.x-scala2.13");
  }

  @Test
  void whatEndedAMonthAgoIsForgottenUnlessItIsPinned() {
    String gone = create("gone");
    String pinned = create("pinned");
    for (String id : List.of(gone, pinned)) {
      until(id, State.RUNNING);
      clusters.delete(admin(), new DeleteCluster().setClusterId(id));
      until(id, State.TERMINATED);
    }
    clusters.pin(admin(), new PinCluster().setClusterId(pinned));
    clock.advance(Duration.ofDays(31));
    reopen();
    assertThat(ids(new ListClustersRequest())).containsExactly(pinned);
  }

  @Test
  void clientsFindAVersionAndANodeTypeByWhatTheyAskFor() {
    assertThat(clusters.sparkVersions(admin()).getVersions())
        .anyMatch(v -> v.getName().contains("LTS") && v.getKey().contains("scala2.12"))
        .allMatch(v -> v.getName().contains("Apache Spark 4.2.0"));
    assertThat(clusters.listNodeTypes(admin()).getNodeTypes())
        .anyMatch(type -> type.getNodeInstanceType().getLocalDisks() > 0);
    assertThat(clusters.listZones(admin()).getDefaultZone()).isEqualTo("eu-west-1a");
    assertThat(EnumSet.allOf(State.class)).contains(State.TERMINATED);
  }

  private List<String> ids(ListClustersRequest request) {
    return clusters.list(admin(), request).getClusters().stream()
        .map(ClusterDetails::getClusterId)
        .toList();
  }

  private List<ClusterEvent> events(String id) {
    return List.copyOf(
        clusters
            .events(admin(), new GetEvents().setClusterId(id).setOrder(GetEventsOrder.ASC))
            .getEvents());
  }

  private List<EventType> types(String id) {
    return events(id).stream().map(ClusterEvent::getType).toList();
  }

  private void give(long principal, String id, PermissionLevel level) {
    database.inTransaction(
        handle -> {
          Permissions.put(handle, 1, ObjectKind.CLUSTER, id, principal, level);
          return null;
        });
  }

  private static CreateCluster asked(String name) {
    return new CreateCluster()
        .setClusterName(name)
        .setSparkVersion("18.2.x-scala2.13")
        .setNodeTypeId("m5d.large");
  }

  private String create(String name) {
    return create(name, request -> {});
  }

  private String create(String name, Consumer<CreateCluster> change) {
    CreateCluster request = asked(name);
    change.accept(request);
    return clusters.create(admin(), request).getClusterId();
  }

  private ClusterDetails get(String id) {
    return clusters.get(admin(), new GetClusterRequest().setClusterId(id));
  }

  private ClusterDetails until(String id, State state) {
    while (true) {
      ClusterDetails cluster = get(id);
      if (cluster.getState() == state) {
        return cluster;
      }
      pause("it is " + cluster.getState() + ": " + cluster.getStateMessage());
    }
  }

  /** A moment, unless the test's time is over. */
  private static void pause(String otherwise) {
    if (Thread.interrupted()) {
      throw new IllegalStateException(otherwise);
    }
    LockSupport.parkNanos(1_000_000);
  }

  private static Caller admin() {
    return in(1, ADMIN, Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN);
  }

  private static Caller caller(long id) {
    return in(1, id, Role.WORKSPACE_USER);
  }

  private static Caller in(long workspace, long id, Role... roles) {
    return new Caller(
        Long.toString(id),
        Caller.Kind.USER,
        id + "@example.com",
        Set.of(roles),
        "account",
        workspace,
        null,
        null,
        "token",
        "request");
  }

  /** Everybody stands for nobody but themselves. */
  private static final class Everybody implements Permissions.People {
    @Override
    public Set<Long> standsFor(long principalId) {
      return Set.of(principalId);
    }

    @Override
    public Map<Long, List<String>> ways(long principalId) {
      return Map.of(principalId, List.of(principalId + "@example.com"));
    }

    @Override
    public Optional<Long> named(long workspaceId, Caller.Kind kind, String name) {
      return Optional.empty();
    }

    @Override
    public Optional<Permissions.Named> name(long principalId) {
      return Optional.empty();
    }
  }
}
