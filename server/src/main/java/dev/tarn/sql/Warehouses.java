package dev.tarn.sql;

import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.sql.CreateWarehouseRequest;
import com.databricks.sdk.service.sql.CreateWarehouseRequestWarehouseType;
import com.databricks.sdk.service.sql.CreateWarehouseResponse;
import com.databricks.sdk.service.sql.DeleteWarehouseRequest;
import com.databricks.sdk.service.sql.EditWarehouseRequest;
import com.databricks.sdk.service.sql.EndpointHealth;
import com.databricks.sdk.service.sql.EndpointInfo;
import com.databricks.sdk.service.sql.GetWarehouseRequest;
import com.databricks.sdk.service.sql.GetWarehouseResponse;
import com.databricks.sdk.service.sql.ListWarehousesRequest;
import com.databricks.sdk.service.sql.ListWarehousesResponse;
import com.databricks.sdk.service.sql.OdbcParams;
import com.databricks.sdk.service.sql.StartRequest;
import com.databricks.sdk.service.sql.State;
import com.databricks.sdk.service.sql.Status;
import com.databricks.sdk.service.sql.StopRequest;
import com.databricks.sdk.service.sql.TerminationReason;
import com.databricks.sdk.service.sql.TerminationReasonCode;
import com.databricks.sdk.service.sql.TerminationReasonType;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import dev.tarn.sql.Compute.Engine;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * SQL warehouses. A warehouse is a row, and while it is RUNNING an engine. It starts when it is
 * made, when somebody starts it, and when a statement comes; it stops when it is told to, and when
 * no statement came for {@code auto_stop_mins}. An engine that dies leaves its cause at the
 * warehouse, and the next statement starts another.
 */
final class Warehouses {
  private static final Logger LOG = LoggerFactory.getLogger(Warehouses.class);
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String STARTER = "Starter Warehouse";

  private final WarehouseDao dao;
  private final Compute compute;
  private final Clock clock;
  private final Supplier<URI> self;

  /** The end of a process that is not our child is noticed within five. */
  private static final long NOTICED_SECONDS = 20;

  private final long idleMinutes;
  private final ScheduledExecutorService timer;
  private final Map<String, Warehouse> warehouses = new ConcurrentHashMap<>();
  private ScheduledFuture<?> nextStop;

  /**
   * @param self where clients reach this server
   * @param idleMinutes auto-stop of a warehouse that does not say otherwise
   */
  Warehouses(
      Database database,
      Compute compute,
      Clock clock,
      Supplier<URI> self,
      long idleMinutes,
      ScheduledExecutorService timer) {
    this.dao = new WarehouseDao(database);
    this.compute = compute;
    this.clock = clock;
    this.self = self;
    this.idleMinutes = idleMinutes;
    this.timer = timer;
  }

  /** Finds the engines that outlived the process; a warehouse whose engine did not is STOPPED. */
  void recover() {
    for (WarehouseDao.Row row : dao.all()) {
      Warehouse warehouse = known(row);
      warehouse.failure = row.failure();
      warehouse.idleSince = clock.millis();
      synchronized (warehouse) {
        Engine engine = compute.find(row.workspaceId(), row.id());
        if (engine != null) {
          runs(warehouse, engine);
        } else if (row.state() != State.STOPPED && compute.elsewhere(row.id()).isEmpty()) {
          warehouse.failure = compute.lost(row.id());
          changed(warehouse, State.STOPPED);
        }
      }
    }
    stopIdle();
  }

  /** The warehouse that a new workspace begins with; a second call changes nothing. */
  void createStarter(long workspaceId, String creator) {
    if (of(workspaceId).stream().noneMatch(each -> each.settings.getName().equals(STARTER))) {
      insert(
          workspaceId,
          creator,
          new CreateWarehouseRequest()
              .setName(STARTER)
              .setClusterSize("2X-Small")
              .setWarehouseType(CreateWarehouseRequestWarehouseType.PRO));
    }
  }

  Optional<Sql.Facts> facts(String id) {
    Warehouse warehouse = warehouses.get(id);
    if (warehouse == null) {
      return Optional.empty();
    }
    EditWarehouseRequest settings;
    synchronized (warehouse) {
      settings = warehouse.settings;
    }
    Map<String, String> tags = new LinkedHashMap<>();
    if (settings.getTags() != null && settings.getTags().getCustomTags() != null) {
      settings.getTags().getCustomTags().forEach(tag -> tags.put(tag.getKey(), tag.getValue()));
    }
    return Optional.of(
        new Sql.Facts(
            settings.getName(),
            settings.getClusterSize(),
            settings.getWarehouseType().name(),
            Boolean.TRUE.equals(settings.getEnableServerlessCompute()),
            warehouse.creator,
            tags));
  }

  /** Stops and removes all warehouses of a workspace that goes. */
  void deleteAll(long workspaceId) {
    of(workspaceId).forEach(this::remove);
  }

  @Allow(Role.WORKSPACE_ADMIN)
  @Ignores({
    "channel: kept and shown; there is one version",
    "cluster_size: kept and shown; an engine is one process of the size that engine.memory says",
    "creator_name: it is who creates",
    "enable_photon: kept and shown; there is no Photon",
    "enable_serverless_compute: kept and shown; it bounds auto_stop_mins and warehouse_type only",
    "max_num_clusters: kept and shown; there is one cluster",
    "spot_instance_policy: kept and shown; there are no spot instances",
    "tags: kept and shown",
    "warehouse_type: kept and shown; both are the same engine"
  })
  public CreateWarehouseResponse create(Caller caller, CreateWarehouseRequest request) {
    Warehouse warehouse = insert(caller.workspaceId(), caller.name(), request);
    start(warehouse);
    return new CreateWarehouseResponse().setId(warehouse.id);
  }

  /** Whoever is in the workspace may use its warehouses, and starts one with a statement. */
  @Allow(Role.WORKSPACE_USER)
  public GetWarehouseResponse get(Caller caller, GetWarehouseRequest request) {
    Warehouse warehouse = find(caller.workspaceId(), request.getId());
    return Json.read(Json.write(info(warehouse)), GetWarehouseResponse.class);
  }

  @Allow(Role.WORKSPACE_USER)
  @Ignores("run_as_user_id: no warehouse is left out")
  public ListWarehousesResponse list(Caller caller, ListWarehousesRequest request) {
    List<EndpointInfo> infos =
        of(caller.workspaceId()).stream()
            .map(this::info)
            .filter(
                info ->
                    request.getPageToken() == null
                        || info.getName().compareTo(request.getPageToken()) > 0)
            .toList();
    ListWarehousesResponse response = new ListWarehousesResponse();
    Long size = request.getPageSize();
    if (size != null && size > 0 && size < infos.size()) {
      infos = infos.subList(0, size.intValue());
      response.setNextPageToken(infos.getLast().getName());
    }
    return response.setWarehouses(infos);
  }

  /** No setting changes the engine, so none restarts it. */
  @Allow(Role.WORKSPACE_ADMIN)
  @Ignores({
    "channel: kept and shown; there is one version",
    "cluster_size: kept and shown; an engine is one process of the size that engine.memory says",
    "creator_name: it is who created it",
    "enable_photon: kept and shown; there is no Photon",
    "enable_serverless_compute: kept and shown; it bounds auto_stop_mins and warehouse_type only",
    "max_num_clusters: kept and shown; there is one cluster",
    "spot_instance_policy: kept and shown; there are no spot instances",
    "tags: kept and shown",
    "warehouse_type: kept and shown; both are the same engine"
  })
  public void edit(Caller caller, EditWarehouseRequest request) {
    Warehouse warehouse = find(caller.workspaceId(), request.getId());
    synchronized (warehouse) {
      EditWarehouseRequest settings = WarehouseSettings.edit(warehouse.settings, request);
      dao.setSettings(warehouse.id, settings);
      warehouse.settings = settings;
    }
    stopIdle();
  }

  @Allow(Role.WORKSPACE_USER)
  public void start(Caller caller, StartRequest request) {
    start(find(caller.workspaceId(), request.getId()));
  }

  @Allow(Role.WORKSPACE_ADMIN)
  public void stop(Caller caller, StopRequest request) {
    Warehouse warehouse = find(caller.workspaceId(), request.getId());
    stop(warehouse, "stopped by " + caller.name());
    stopElsewhere(warehouse, "stopped by " + caller.name());
  }

  @Allow(Role.WORKSPACE_ADMIN)
  public void delete(Caller caller, DeleteWarehouseRequest request) {
    remove(find(caller.workspaceId(), request.getId()));
  }

  /**
   * @throws ResourceDoesNotExist the workspace has no such warehouse
   */
  Warehouse find(long workspaceId, String id) {
    return dao.find(String.valueOf(id))
        .filter(row -> row.workspaceId() == workspaceId)
        .map(this::known)
        .orElseThrow(
            () -> new ResourceDoesNotExist("SQL warehouse " + id + " does not exist.", null));
  }

  /** What this process knows of a row, which another control plane may have written. */
  private Warehouse known(WarehouseDao.Row row) {
    Warehouse warehouse =
        warehouses.computeIfAbsent(
            row.id(), id -> new Warehouse(id, row.workspaceId(), row.creator(), row.settings()));
    synchronized (warehouse) {
      warehouse.settings = row.settings();
    }
    return warehouse;
  }

  /**
   * A statement's place on the warehouse's engine; starts the engine where there is none, and waits
   * while too many statements run. Close it when the statement has ended.
   *
   * @throws InterruptedException the statement was canceled while it waited
   * @throws IllegalStateException the engine did not start; the message says why
   */
  Place place(Warehouse warehouse) throws InterruptedException {
    return place(warehouse, 1);
  }

  /**
   * As {@link #place}, for calls beside a statement: they do not wait in turn.
   *
   * @param starts whether an engine is started where there is none
   * @throws IllegalStateException also when there is none, and none is to be started
   */
  Place beside(Warehouse warehouse, boolean starts) throws InterruptedException {
    synchronized (warehouse) {
      if (!starts && warehouse.state != State.RUNNING) {
        throw new IllegalStateException(
            "SQL warehouse "
                + warehouse.id
                + " is "
                + warehouse.state
                + ": its sessions have ended (expected: a new session)");
      }
    }
    return place(warehouse, 0);
  }

  private Place place(Warehouse warehouse, int permits) throws InterruptedException {
    synchronized (warehouse) {
      warehouse.active++;
    }
    boolean placed = false;
    try {
      warehouse.places.acquire(permits);
      try {
        Engine engine = ready(warehouse).get();
        placed = true;
        synchronized (warehouse) {
          return new Place(warehouse, engine, warehouse.died, permits);
        }
      } catch (ExecutionException e) {
        throw new IllegalStateException(e.getCause().getMessage(), e.getCause());
      } finally {
        if (!placed) {
          warehouse.places.release(permits);
        }
      }
    } finally {
      if (!placed) {
        left(warehouse);
      }
    }
  }

  /** See {@link #place}. */
  final class Place implements AutoCloseable {
    private final Warehouse warehouse;
    private final CompletionStage<Void> died;
    private final int permits;
    final Engine engine;

    private Place(Warehouse warehouse, Engine engine, CompletionStage<Void> died, int permits) {
      this.warehouse = warehouse;
      this.engine = engine;
      this.died = died;
      this.permits = permits;
    }

    /**
     * Nobody answers at the engine: waits until that is known of its warehouse, so that the next
     * place is on another engine.
     */
    void awaitDeath() throws InterruptedException {
      try {
        died.toCompletableFuture().get(NOTICED_SECONDS, TimeUnit.SECONDS);
      } catch (ExecutionException | TimeoutException e) {
        LOG.warn("engine {} does not answer, and does not end", engine.id(), e);
      }
    }

    @Override
    public void close() {
      warehouse.places.release(permits);
      left(warehouse);
    }
  }

  private void left(Warehouse warehouse) {
    synchronized (warehouse) {
      warehouse.active--;
      warehouse.idleSince = clock.millis();
    }
    stopSoon(Duration.ofMinutes(warehouse.settings.getAutoStopMins()));
  }

  /** Stops each warehouse that was idle for long enough, and comes back for the next one. */
  void stopIdle() {
    long now = clock.millis();
    long soonest = Long.MAX_VALUE;
    for (Warehouse warehouse : warehouses.values()) {
      synchronized (warehouse) {
        long idle = TimeUnit.MINUTES.toMillis(warehouse.settings.getAutoStopMins());
        if (warehouse.state != State.RUNNING || warehouse.active > 0 || idle == 0) {
          continue;
        }
        long left = warehouse.idleSince + idle - now;
        if (left <= 0) {
          stop(warehouse, "idle for " + warehouse.settings.getAutoStopMins() + " minutes");
        } else {
          soonest = Math.min(soonest, left);
        }
      }
    }
    if (soonest < Long.MAX_VALUE) {
      stopSoon(Duration.ofMillis(soonest));
    }
  }

  /** One timer for all: the earliest that was asked for. */
  private synchronized void stopSoon(Duration delay) {
    if (delay.isZero()
        || (nextStop != null
            && !nextStop.isDone()
            && nextStop.getDelay(TimeUnit.MILLISECONDS) <= delay.toMillis())) {
      return;
    }
    if (nextStop != null) {
      nextStop.cancel(false);
    }
    nextStop = timer.schedule(this::stopIdle, delay.toMillis() + 1, TimeUnit.MILLISECONDS);
  }

  private Warehouse insert(long workspaceId, String creator, CreateWarehouseRequest request) {
    byte[] id = new byte[8];
    RANDOM.nextBytes(id);
    Warehouse warehouse =
        new Warehouse(
            HexFormat.of().formatHex(id),
            workspaceId,
            creator,
            WarehouseSettings.create(request, idleMinutes));
    warehouses.put(warehouse.id, warehouse); // first: who finds the row finds this
    boolean made = false;
    try {
      dao.insert(
          new WarehouseDao.Row(
              warehouse.id, workspaceId, State.STOPPED, null, warehouse.settings, creator),
          clock.millis());
      made = true;
    } finally {
      if (!made) {
        warehouses.remove(warehouse.id);
      }
    }
    return warehouse;
  }

  private void start(Warehouse warehouse) {
    // Whether it comes up is the warehouse's state, not this call's answer.
    var unused = ready(warehouse);
  }

  /** Ends with the engine, which this starts unless it runs or is about to. */
  private CompletableFuture<Engine> ready(Warehouse warehouse) {
    synchronized (warehouse) {
      if (warehouse.deleted) {
        return CompletableFuture.failedFuture(
            new IllegalStateException("SQL warehouse " + warehouse.id + " was deleted"));
      }
      return switch (warehouse.state) {
        case RUNNING -> CompletableFuture.completedFuture(warehouse.engine);
        case STARTING -> warehouse.starting;
        case STOPPING -> warehouse.stopping.thenCompose(gone -> ready(warehouse));
        default -> {
          CompletableFuture<Engine> starting = new CompletableFuture<>();
          warehouse.starting = starting;
          warehouse.failure = null;
          changed(warehouse, State.STARTING);
          Thread.ofVirtual()
              .name("start-" + warehouse.id)
              .start(() -> startEngine(warehouse, starting));
          yield starting;
        }
      };
    }
  }

  private void startEngine(Warehouse warehouse, CompletableFuture<Engine> starting) {
    Engine engine;
    try {
      engine = compute.start(warehouse.workspaceId, warehouse.id);
    } catch (RuntimeException e) {
      synchronized (warehouse) {
        warehouse.starting = null;
        if (warehouse.state == State.STARTING) {
          warehouse.failure = e.getMessage();
          changed(warehouse, State.STOPPED);
        } else {
          gone(warehouse);
        }
      }
      starting.completeExceptionally(e);
      return;
    }
    boolean wanted;
    synchronized (warehouse) {
      warehouse.starting = null;
      wanted = warehouse.state == State.STARTING;
      if (wanted) {
        runs(warehouse, engine);
      }
    }
    if (wanted) {
      starting.complete(engine);
      stopIdle();
    } else {
      stopEngine(warehouse, engine, "it was stopped while it started");
      starting.completeExceptionally(
          new IllegalStateException(
              "SQL warehouse " + warehouse.id + " was stopped while it started"));
    }
  }

  private void runs(Warehouse warehouse, Engine engine) {
    warehouse.engine = engine;
    warehouse.failure = null;
    warehouse.idleSince = clock.millis();
    changed(warehouse, State.RUNNING);
    warehouse.died =
        engine
            .died()
            .thenAccept(
                cause -> {
                  synchronized (warehouse) {
                    if (warehouse.engine == engine) {
                      warehouse.engine = null;
                      warehouse.failure = cause;
                      changed(warehouse, State.STOPPED);
                    }
                  }
                });
  }

  private void stop(Warehouse warehouse, String reason) {
    synchronized (warehouse) {
      if (warehouse.state == State.STOPPED || warehouse.state == State.STOPPING) {
        return;
      }
      warehouse.stopping = new CompletableFuture<>();
      changed(warehouse, State.STOPPING);
      Engine engine = warehouse.engine;
      warehouse.engine = null;
      if (engine != null) {
        Thread.ofVirtual()
            .name("stop-" + warehouse.id)
            .start(() -> stopEngine(warehouse, engine, reason));
      }
      // Else it is starting; who starts it stops it.
    }
  }

  private void stopEngine(Warehouse warehouse, Engine engine, String reason) {
    try {
      engine.stop(reason);
    } finally {
      synchronized (warehouse) {
        gone(warehouse);
      }
    }
  }

  private void gone(Warehouse warehouse) {
    CompletableFuture<Void> stopping = warehouse.stopping;
    warehouse.stopping = null;
    changed(warehouse, State.STOPPED);
    stopping.complete(null);
  }

  private void stopElsewhere(Warehouse warehouse, String reason) {
    if (!compute.elsewhere(warehouse.id).isEmpty()) {
      compute.stopElsewhere(warehouse.id, reason);
    }
  }

  private void remove(Warehouse warehouse) {
    synchronized (warehouse) {
      dao.delete(warehouse.id);
      warehouse.deleted = true; // and kept, for who found the row just before
      stop(warehouse, "its warehouse was deleted");
      stopElsewhere(warehouse, "its warehouse was deleted");
    }
  }

  private void changed(Warehouse warehouse, State state) {
    warehouse.state = state;
    dao.setState(
        warehouse.id,
        state,
        warehouse.engine == null ? null : warehouse.engine.id(),
        warehouse.failure);
  }

  private List<Warehouse> of(long workspaceId) {
    return dao.of(workspaceId).stream()
        .map(this::known)
        .sorted(Comparator.comparing(each -> each.settings.getName()))
        .toList();
  }

  private EndpointInfo info(Warehouse warehouse) {
    synchronized (warehouse) {
      URI here = self.get();
      String path = "/sql/1.0/warehouses/" + warehouse.id;
      List<State> states = new ArrayList<>(List.of(warehouse.state));
      compute.elsewhere(warehouse.id).forEach(state -> states.add(State.valueOf(state.name())));
      return Json.read(Json.write(warehouse.settings), EndpointInfo.class)
          .setId(warehouse.id)
          .setCreatorName(warehouse.creator)
          .setState(
              Stream.of(State.RUNNING, State.STARTING, State.STOPPING)
                  .filter(states::contains)
                  .findFirst()
                  .orElse(warehouse.state))
          .setNumClusters(states.stream().filter(State.RUNNING::equals).count())
          .setNumActiveSessions((long) warehouse.active)
          .setHealth(health(warehouse))
          .setJdbcUrl(
              "jdbc:databricks://"
                  + here.getAuthority()
                  + "/default;transportMode=http;ssl="
                  + (here.getScheme().equals("https") ? "1" : "0")
                  + ";AuthMech=3;httpPath="
                  + path
                  + ";")
          .setOdbcParams(
              new OdbcParams()
                  .setHostname(here.getHost())
                  .setPort((long) here.getPort())
                  .setProtocol(here.getScheme())
                  .setPath(path));
    }
  }

  private static EndpointHealth health(Warehouse warehouse) {
    if (warehouse.failure == null) {
      return warehouse.state == State.RUNNING
          ? new EndpointHealth().setStatus(Status.HEALTHY)
          : new EndpointHealth();
    }
    return new EndpointHealth()
        .setStatus(Status.FAILED)
        .setSummary("The engine is gone; the next statement starts another.")
        .setMessage(warehouse.failure)
        .setFailureReason(
            new TerminationReason()
                .setCode(TerminationReasonCode.DRIVER_UNREACHABLE)
                .setType(TerminationReasonType.SERVICE_FAULT)
                .setParameters(Map.of("cause", warehouse.failure)));
  }
}
