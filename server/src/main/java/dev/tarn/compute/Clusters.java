package dev.tarn.compute;

import static com.databricks.sdk.service.compute.State.PENDING;
import static com.databricks.sdk.service.compute.State.RESTARTING;
import static com.databricks.sdk.service.compute.State.RUNNING;
import static com.databricks.sdk.service.compute.State.TERMINATED;
import static com.databricks.sdk.service.compute.State.TERMINATING;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.PermissionDenied;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.compute.ChangeClusterOwner;
import com.databricks.sdk.service.compute.ClusterAttributes;
import com.databricks.sdk.service.compute.ClusterDetails;
import com.databricks.sdk.service.compute.ClusterEvent;
import com.databricks.sdk.service.compute.ClusterSize;
import com.databricks.sdk.service.compute.ClusterSource;
import com.databricks.sdk.service.compute.ClusterSpec;
import com.databricks.sdk.service.compute.CreateCluster;
import com.databricks.sdk.service.compute.CreateClusterResponse;
import com.databricks.sdk.service.compute.DeleteCluster;
import com.databricks.sdk.service.compute.EditCluster;
import com.databricks.sdk.service.compute.EventDetails;
import com.databricks.sdk.service.compute.EventDetailsCause;
import com.databricks.sdk.service.compute.EventType;
import com.databricks.sdk.service.compute.GetClusterRequest;
import com.databricks.sdk.service.compute.GetEvents;
import com.databricks.sdk.service.compute.GetEventsOrder;
import com.databricks.sdk.service.compute.GetEventsResponse;
import com.databricks.sdk.service.compute.GetSparkVersionsResponse;
import com.databricks.sdk.service.compute.ListAvailableZonesResponse;
import com.databricks.sdk.service.compute.ListClustersFilterBy;
import com.databricks.sdk.service.compute.ListClustersRequest;
import com.databricks.sdk.service.compute.ListClustersResponse;
import com.databricks.sdk.service.compute.ListClustersSortByDirection;
import com.databricks.sdk.service.compute.ListClustersSortByField;
import com.databricks.sdk.service.compute.ListNodeTypesResponse;
import com.databricks.sdk.service.compute.NodeType;
import com.databricks.sdk.service.compute.PermanentDeleteCluster;
import com.databricks.sdk.service.compute.PinCluster;
import com.databricks.sdk.service.compute.ResizeCluster;
import com.databricks.sdk.service.compute.RestartCluster;
import com.databricks.sdk.service.compute.StartCluster;
import com.databricks.sdk.service.compute.State;
import com.databricks.sdk.service.compute.TerminationReason;
import com.databricks.sdk.service.compute.TerminationReasonCode;
import com.databricks.sdk.service.compute.TerminationReasonType;
import com.databricks.sdk.service.compute.UnpinCluster;
import com.databricks.sdk.service.compute.UpdateCluster;
import com.databricks.sdk.service.iam.PermissionLevel;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.compute.ClusterDao.Row;
import dev.tarn.compute.ClusterDao.Wanted;
import dev.tarn.compute.PolicyComplianceForClusters.Subject;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import dev.tarn.permissions.ObjectKind;
import dev.tarn.permissions.Permissions;
import dev.tarn.sql.Sql;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongFunction;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Clusters. A cluster is a row with a state, and while it is RUNNING an engine. Whoever changes its
 * state does it by an UPDATE that names the state it comes from, and whoever won goes on in the
 * background; what a killed process left half done is finished, or told as it is, by {@link
 * #recover}. What happened is kept with it, in order.
 */
final class Clusters implements PolicyComplianceForClusters.Subjects {
  private static final Logger LOG = LoggerFactory.getLogger(Clusters.class);
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final DateTimeFormatter ID =
      DateTimeFormatter.ofPattern("MMdd-HHmmss").withZone(ZoneOffset.UTC);
  private static final String LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

  /** As long as the service remembers a cluster that nobody started again. */
  private static final Duration REMEMBERED = Duration.ofDays(30);

  private static final int MOST_PINNED = 100;
  private static final int LONGEST_PAGE = 100;
  private static final int USUAL_PAGE = 20;
  private static final int MOST_EVENTS = 500;
  private static final int USUAL_EVENTS = 50;
  private static final long ATTACH_SECONDS = 300;
  private static final List<State> STARTING = List.of(PENDING, RESTARTING);

  private final ClusterDao dao;
  private final Drivers drivers;
  private final Permissions permissions;
  private final Policies policies;
  private final Compute.Members members;
  private final Predicate<String> mayUse;
  private final LongFunction<String> region;
  private final Clock clock;

  /** Starts that somebody waits for, by cluster. */
  private final Map<String, CompletableFuture<Void>> awaited = new ConcurrentHashMap<>();

  /** What clusters need of engines. */
  interface Drivers {
    /**
     * Starts the engine of a cluster and waits until it answers; one that is up is it.
     *
     * @return its id
     * @throws RuntimeException why it does not
     */
    String start(Row cluster);

    /** The engine that is up for a cluster. */
    Optional<String> running(String clusterId);

    /** Why the last engine of a cluster is gone; null when it did as it was told, or none was. */
    String lost(String clusterId);

    /** Stops one engine; returns when it is gone, or at once when it is already. */
    void stopOne(String engineId, String reason);

    /** Stops all of a cluster, wherever they are; returns when they are gone. */
    void stop(String clusterId, String reason);
  }

  /** What clusters ask of policies. */
  interface Policies {
    /**
     * What a policy makes of what was asked for.
     *
     * @param already whether it is a cluster of that policy, which the caller then need not be
     *     allowed to use
     * @throws InvalidParameterValue the policy does not allow it; says why
     */
    ClusterSpec applied(Caller caller, ClusterSpec asked, boolean withDefaults, boolean already);
  }

  /**
   * @param mayUse whether a Spark setting may be given to a cluster
   * @param region of a workspace
   */
  Clusters(
      ClusterDao dao,
      Drivers drivers,
      Permissions permissions,
      Policies policies,
      Compute.Members members,
      Predicate<String> mayUse,
      LongFunction<String> region,
      Clock clock) {
    this.dao = dao;
    this.drivers = drivers;
    this.permissions = permissions;
    this.policies = policies;
    this.members = members;
    this.mayUse = mayUse;
    this.region = region;
    this.clock = clock;
    permissions.objects(ObjectKind.CLUSTER, (workspace, id) -> find(workspace, id));
  }

  /** Finishes what a killed control plane left, and tells what ended with it. */
  void recover() {
    for (Row row : dao.ours()) {
      switch (row.state()) {
        case PENDING, RESTARTING -> inBackground("start-", row.id(), () -> launch(row.id()));
        case TERMINATING -> inBackground("stop-", row.id(), () -> finish(row));
        default -> {
          Optional<String> engine = drivers.running(row.id());
          if (engine.isPresent()) {
            dao.write(
                handle -> {
                  if (dao.become(handle, row.id(), List.of(row.state()), RUNNING, "")) {
                    dao.runs(handle, row.id(), engine.get());
                  }
                  return null;
                });
          } else {
            died(row, drivers.lost(row.id()));
          }
        }
      }
    }
    forget();
  }

  /** Removes what ended long ago. */
  private void forget() {
    dao.write(
        handle -> {
          for (Row row : dao.forgettable(handle, clock.millis() - REMEMBERED.toMillis())) {
            dao.delete(handle, row.id());
            Permissions.deleted(handle, ObjectKind.CLUSTER, row.id());
          }
          return null;
        });
  }

  @Allow(Role.WORKSPACE_USER)
  @Ignores({
    "aws_attributes: kept and shown; engines run on this machine",
    "dependency_mode: kept and shown",
    "driver_node_type_flexibility: kept and shown; engines run on this machine",
    "worker_node_type_flexibility: kept and shown; engines run on this machine",
    "enable_elastic_disk: kept and shown; an engine has the disk of this machine",
    "enable_local_disk_encryption: kept and shown; the disk is this machine's",
    "kind: kept and shown",
    "remote_disk_throughput: kept and shown; the disk is this machine's",
    "total_initial_remote_disk_size: kept and shown; the disk is this machine's",
    "runtime_engine: kept and shown; there is no Photon",
    "num_workers: kept and shown; an engine is one process with the cores of this machine",
    "autoscale: kept and shown; an engine is one process with the cores of this machine",
    "workload_type: kept and shown"
  })
  public CreateClusterResponse create(Caller caller, CreateCluster request) {
    if (request.getPolicyId() == null) {
      requireFreeHand(caller);
    }
    ClusterSpec asked = Json.read(Json.write(request), ClusterSpec.class);
    if (request.getCloneFrom() != null) {
      asked = merged(seen(caller, request.getCloneFrom().getSourceClusterId()).spec(), asked);
    }
    ClusterSpec spec = ruled(caller, asked, null);
    ClusterSpec settings = checked(caller, spec);
    String id = newId();
    Row row =
        new Row(
            id,
            caller.workspaceId(),
            PENDING,
            "Starting Spark",
            spec,
            settings,
            ClusterSource.API,
            Long.parseLong(caller.principalId()),
            caller.name(),
            clock.millis(),
            null,
            null,
            null,
            null,
            null,
            null);
    dao.write(
        handle -> {
          requireRoom(handle, row, settings.getPolicyId());
          dao.insert(handle, row);
          dao.began(handle, id, clock.millis(), false);
          Permissions.created(handle, row.workspaceId(), ObjectKind.CLUSTER, id, row.creatorId());
          dao.happened(
              handle,
              id,
              clock.millis(),
              EventType.CREATING,
              new EventDetails()
                  .setUser(caller.name())
                  .setCause(EventDetailsCause.USER_REQUEST)
                  .setClusterSize(size(settings))
                  .setAttributes(attributes(settings)));
          return null;
        });
    inBackground("start-", id, () -> launch(id));
    return new CreateClusterResponse().setClusterId(id);
  }

  private void requireFreeHand(Caller caller) {
    if (!caller.is(Role.WORKSPACE_ADMIN) && !members.isEntitled(caller, "allow-cluster-create")) {
      throw new PermissionDenied(
          caller.name()
              + " is not authorized to create clusters (expected: policy_id of a policy that may be"
              + " used, or the entitlement allow-cluster-create)",
          null);
    }
  }

  /**
   * What its policy makes of what was asked for.
   *
   * @param policyId of the policy that it is under already
   */
  private ClusterSpec ruled(Caller caller, ClusterSpec asked, String policyId) {
    boolean defaults = Boolean.TRUE.equals(asked.getApplyPolicyDefaultValues());
    return asked.getPolicyId() == null
        ? asked
        : policies.applied(caller, asked, defaults, asked.getPolicyId().equals(policyId));
  }

  private ClusterSpec checked(Caller caller, ClusterSpec spec) {
    ClusterSpec settings = ClusterSettings.checked(spec, mayUse, caller.name());
    String user = settings.getSingleUserName();
    if (user != null && members.named(caller.workspaceId(), user).isEmpty()) {
      throw new InvalidParameterValue(
          "single_user_name: '" + user + "' (expected: somebody of this workspace)", null);
    }
    return settings;
  }

  private static ClusterSpec merged(ClusterSpec below, ClusterSpec above) {
    ObjectNode tree = (ObjectNode) Json.tree(Json.write(below));
    tree.setAll((ObjectNode) Json.tree(Json.write(above)));
    if (above.getAutoscale() != null) {
      tree.remove("num_workers");
    } else if (above.getNumWorkers() != null) {
      tree.remove("autoscale");
    }
    return Json.read(tree.toString(), ClusterSpec.class);
  }

  private String newId() {
    StringBuilder id = new StringBuilder(ID.format(clock.instant())).append('-');
    for (int i = 0; i < 8; i++) {
      id.append(LETTERS.charAt(RANDOM.nextInt(LETTERS.length())));
    }
    return id.toString();
  }

  @Allow(Role.WORKSPACE_USER)
  public ClusterDetails get(Caller caller, GetClusterRequest request) {
    return details(seen(caller, request.getClusterId()));
  }

  /**
   * Those the caller has any permission on: the newest first, or in the order that is asked for.
   */
  @Allow(Role.WORKSPACE_USER)
  public ListClustersResponse list(Caller caller, ListClustersRequest request) {
    Optional<Set<String>> visible = permissions.visible(caller, ObjectKind.CLUSTER);
    List<Row> rows =
        dao.read(handle -> dao.of(handle, caller.workspaceId())).stream()
            .filter(row -> visible.isEmpty() || visible.get().contains(row.id()))
            .filter(row -> matches(row, request.getFilterBy()))
            .sorted(order(request))
            .toList();
    int size = pageSize(request.getPageSize());
    int from = offset(request.getPageToken());
    int to = Math.min(rows.size(), from + size);
    return new ListClustersResponse()
        .setClusters(rows.subList(Math.min(from, to), to).stream().map(Clusters::details).toList())
        .setNextPageToken(to < rows.size() ? Integer.toString(to) : "")
        .setPrevPageToken(from > 0 ? Integer.toString(Math.max(0, from - size)) : "");
  }

  private static int pageSize(Long asked) {
    if (asked != null && (asked < 0 || asked > LONGEST_PAGE)) {
      throw new InvalidParameterValue(
          "page_size: '" + asked + "' (expected: 1 to " + LONGEST_PAGE + ")", null);
    }
    return asked == null || asked == 0 ? USUAL_PAGE : asked.intValue();
  }

  private static int offset(String token) {
    if (token == null || token.isEmpty()) {
      return 0;
    }
    if (!token.matches("\\d{1,9}")) {
      throw new InvalidParameterValue(
          "page_token: '" + token + "' (expected: one that an answer had)", null);
    }
    return Integer.parseInt(token);
  }

  private static boolean matches(Row row, ListClustersFilterBy filter) {
    return filter == null
        || ((isEmpty(filter.getClusterStates()) || filter.getClusterStates().contains(row.state()))
            && (isEmpty(filter.getClusterSources())
                || filter.getClusterSources().contains(row.source()))
            && (filter.getIsPinned() == null || filter.getIsPinned() == (row.pinnedAt() != null))
            && (filter.getPolicyId() == null
                || filter.getPolicyId().equals(row.settings().getPolicyId())));
  }

  private static boolean isEmpty(Collection<?> list) {
    return list == null || list.isEmpty();
  }

  private static Comparator<Row> order(ListClustersRequest request) {
    Comparator<Row> pinnedFirst = Comparator.comparing(row -> row.pinnedAt() == null ? 1 : 0);
    Comparator<Row> order =
        pinnedFirst
            .thenComparing(row -> row.state() == TERMINATED ? 1 : 0)
            .thenComparing(Comparator.comparing(Row::createdAt).reversed());
    if (request.getSortBy() == null) {
      return order.thenComparing(Row::id);
    }
    if (request.getSortBy().getField() == ListClustersSortByField.CLUSTER_NAME) {
      order = Comparator.comparing(row -> row.settings().getClusterName());
    }
    if (request.getSortBy().getDirection() == ListClustersSortByDirection.DESC) {
      order = order.reversed();
    }
    return order.thenComparing(Row::id);
  }

  @Allow(Role.WORKSPACE_USER)
  public void start(Caller caller, StartCluster request) {
    Row row = seen(caller, request.getClusterId());
    permissions.require(caller, ObjectKind.CLUSTER, row.id(), PermissionLevel.CAN_RESTART);
    start(row, caller.name());
  }

  private void start(Row row, String user) {
    move(row, List.of(TERMINATED), PENDING, "Starting Spark", EventType.STARTING, by(user), false);
    inBackground("start-", row.id(), () -> launch(row.id()));
  }

  @Allow(Role.WORKSPACE_USER)
  @Ignores("restart_user: it is who restarts")
  public void restart(Caller caller, RestartCluster request) {
    Row row = seen(caller, request.getClusterId());
    permissions.require(caller, ObjectKind.CLUSTER, row.id(), PermissionLevel.CAN_RESTART);
    restart(row, caller.name());
  }

  private void restart(Row row, String user) {
    String former =
        move(row, List.of(RUNNING), RESTARTING, "Restarting", EventType.RESTARTING, by(user), true);
    inBackground(
        "restart-",
        row.id(),
        () -> {
          // By its id: until this runs, the cluster may have been ended and started again.
          drivers.stopOne(former, "its cluster is restarted by " + user);
          launch(row.id());
        });
  }

  /** Terminates it; one that has ended stays as it is. */
  @Allow(Role.WORKSPACE_USER)
  public void delete(Caller caller, DeleteCluster request) {
    Row row = seen(caller, request.getClusterId());
    permissions.require(caller, ObjectKind.CLUSTER, row.id(), PermissionLevel.CAN_RESTART);
    terminate(row, caller.name());
  }

  private void terminate(Row row, String user) {
    TerminationReason reason =
        new TerminationReason()
            .setCode(TerminationReasonCode.USER_REQUEST)
            .setType(TerminationReasonType.SUCCESS)
            .setParameters(Map.of("username", user));
    boolean moved =
        dao.write(
            handle -> {
              boolean first =
                  dao.become(
                      handle,
                      row.id(),
                      List.of(PENDING, RUNNING, RESTARTING, State.RESIZING),
                      TERMINATING,
                      "Terminating");
              if (first) {
                dao.reasonOf(handle, row.id(), reason);
                dao.happened(
                    handle,
                    row.id(),
                    clock.millis(),
                    EventType.TERMINATING,
                    new EventDetails().setUser(user).setReason(reason));
              }
              return first;
            });
    if (moved) {
      inBackground("stop-", row.id(), () -> finish(row));
    }
  }

  /** What was told to terminate has, when its engine is gone. */
  private void finish(Row row) {
    drivers.stop(row.id(), "its cluster was terminated");
    dao.write(
        handle -> {
          if (dao.become(handle, row.id(), List.of(TERMINATING), TERMINATED, "Terminated")) {
            Row now = dao.find(handle, row.id()).orElseThrow();
            dao.terminated(handle, row.id(), now.reason(), clock.millis());
          }
          return null;
        });
  }

  @Allow(Role.WORKSPACE_USER)
  public void permanentDelete(Caller caller, PermanentDeleteCluster request) {
    Row row = seen(caller, request.getClusterId());
    permissions.require(caller, ObjectKind.CLUSTER, row.id(), PermissionLevel.CAN_MANAGE);
    remove(row);
  }

  private void remove(Row row) {
    dao.write(
        handle -> {
          dao.delete(handle, row.id());
          Permissions.deleted(handle, ObjectKind.CLUSTER, row.id());
          return null;
        });
    // No row speaks of it now, so what is starting finds that it is not wanted.
    inBackground("stop-", row.id(), () -> drivers.stop(row.id(), "its cluster was deleted"));
  }

  Optional<Sql.Facts> facts(String id) {
    return dao.read(handle -> dao.find(handle, id))
        .map(
            row ->
                new Sql.Facts(
                    row.settings().getClusterName(),
                    row.settings().getDriverNodeTypeId(),
                    Sql.Facts.ALL_PURPOSE,
                    false,
                    row.creatorName(),
                    row.settings().getCustomTags() == null
                        ? Map.of()
                        : row.settings().getCustomTags()));
  }

  /** Removes all of a workspace that goes. */
  void deleteAll(long workspaceId) {
    dao.read(handle -> dao.of(handle, workspaceId)).forEach(this::remove);
  }

  /** Replaces all settings. One that runs is restarted with them. */
  @Allow(Role.WORKSPACE_USER)
  @Ignores({
    "aws_attributes: kept and shown; engines run on this machine",
    "dependency_mode: kept and shown",
    "driver_node_type_flexibility: kept and shown; engines run on this machine",
    "worker_node_type_flexibility: kept and shown; engines run on this machine",
    "enable_elastic_disk: kept and shown; an engine has the disk of this machine",
    "enable_local_disk_encryption: kept and shown; the disk is this machine's",
    "kind: kept and shown",
    "remote_disk_throughput: kept and shown; the disk is this machine's",
    "total_initial_remote_disk_size: kept and shown; the disk is this machine's",
    "runtime_engine: kept and shown; there is no Photon",
    "num_workers: kept and shown; an engine is one process with the cores of this machine",
    "autoscale: kept and shown; an engine is one process with the cores of this machine",
    "workload_type: kept and shown"
  })
  public void edit(Caller caller, EditCluster request) {
    Row row = managed(caller, request.getClusterId());
    ObjectNode tree = (ObjectNode) Json.tree(Json.write(request));
    tree.remove("cluster_id");
    change(caller, row, Json.read(tree.toString(), ClusterSpec.class));
  }

  /** Changes those settings that the mask names. One that runs is restarted with them. */
  @Allow(Role.WORKSPACE_USER)
  @Ignores({
    "cluster.aws_attributes: kept and shown; engines run on this machine",
    "cluster.dependency_mode: kept and shown",
    "cluster.driver_node_type_flexibility: kept and shown; engines run on this machine",
    "cluster.worker_node_type_flexibility: kept and shown; engines run on this machine",
    "cluster.enable_elastic_disk: kept and shown; an engine has the disk of this machine",
    "cluster.enable_local_disk_encryption: kept and shown; the disk is this machine's",
    "cluster.kind: kept and shown",
    "cluster.remote_disk_throughput: kept and shown; the disk is this machine's",
    "cluster.total_initial_remote_disk_size: kept and shown; the disk is this machine's",
    "cluster.runtime_engine: kept and shown; there is no Photon",
    "cluster.num_workers: kept and shown; an engine is one process",
    "cluster.autoscale: kept and shown; an engine is one process",
    "cluster.workload_type: kept and shown"
  })
  public void update(Caller caller, UpdateCluster request) {
    Row row = managed(caller, request.getClusterId());
    ObjectNode tree = (ObjectNode) Json.tree(Json.write(row.spec()));
    JsonNode asked =
        Json.tree(Json.write(request.getCluster() == null ? Map.of() : request.getCluster()));
    String mask = Objects.requireNonNullElse(request.getUpdateMask(), "");
    for (String path : mask.strip().split("\\s*,\\s*", -1)) {
      replace(tree, asked, path);
    }
    if (tree.has("autoscale") && tree.has("num_workers")) {
      tree.remove(mask.contains("autoscale") ? "num_workers" : "autoscale");
    }
    change(caller, row, Json.read(tree.toString(), ClusterSpec.class));
  }

  /** Sets one field of the mask, {@code *} for all that were given; one not given goes. */
  private static void replace(ObjectNode tree, JsonNode asked, String path) {
    if (path.equals("*")) {
      tree.setAll((ObjectNode) asked);
      return;
    }
    String[] names = path.split("\\.", 2);
    boolean known =
        Stream.of(ClusterSpec.class.getDeclaredFields())
            .map(field -> field.getAnnotation(JsonProperty.class))
            .anyMatch(property -> property != null && property.value().equals(names[0]));
    if (!known) {
      throw new InvalidParameterValue(
          "update_mask: '" + path + "' (expected: names of a cluster's fields, separated by ',')",
          null);
    }
    if (names.length == 1) {
      if (asked.has(path)) {
        tree.set(path, asked.get(path));
      } else {
        tree.remove(path);
      }
      return;
    }
    // Below a map all that follows the dot is one key; below an object it is a field.
    ObjectNode inner =
        tree.get(names[0]) instanceof ObjectNode node ? node : tree.putObject(names[0]);
    JsonNode value = asked.path(names[0]).path(names[1]);
    if (value.isMissingNode()) {
      inner.remove(names[1]);
    } else {
      inner.set(names[1], value);
    }
  }

  private void change(Caller caller, Row row, ClusterSpec asked) {
    change(caller, row, asked, null);
  }

  /**
   * @param expected what it must be asked to be until now; null for anything
   */
  private void change(Caller caller, Row row, ClusterSpec asked, ClusterSpec expected) {
    if (!Objects.equals(asked.getPolicyId(), row.spec().getPolicyId())
        && asked.getPolicyId() == null) {
      requireFreeHand(caller);
    }
    ClusterSpec spec = ruled(caller, asked, row.spec().getPolicyId());
    ClusterSpec settings = checked(caller, spec);
    State is =
        dao.write(
            handle -> {
              Row now = dao.find(handle, row.id()).orElseThrow(() -> missing(row.id()));
              if (now.state() != RUNNING && now.state() != TERMINATED) {
                throw unexpected(now, "RUNNING or TERMINATED");
              }
              if (expected != null && !now.spec().equals(expected)) {
                throw new InvalidState(
                    "cluster "
                        + row.id()
                        + " was edited meanwhile (expected: as it was when it was looked at)",
                    null);
              }
              if (now.state() == RUNNING
                  && !Objects.equals(now.settings().getPolicyId(), settings.getPolicyId())) {
                requireRoom(handle, now, settings.getPolicyId());
              }
              dao.setSettings(handle, row.id(), spec, settings);
              dao.happened(
                  handle,
                  row.id(),
                  clock.millis(),
                  EventType.EDITED,
                  by(caller.name())
                      .setClusterSize(size(settings))
                      .setPreviousClusterSize(size(now.settings()))
                      .setAttributes(attributes(settings))
                      .setPreviousAttributes(attributes(now.settings())));
              return now.state();
            });
    if (is == RUNNING) {
      try {
        restart(row, caller.name());
      } catch (InvalidState e) {
        LOG.debug("cluster {} ended before it was restarted with its new settings", row.id());
      }
    }
  }

  @Allow(Role.WORKSPACE_USER)
  public void resize(Caller caller, ResizeCluster request) {
    Row row = seen(caller, request.getClusterId());
    permissions.require(caller, ObjectKind.CLUSTER, row.id(), PermissionLevel.CAN_RESTART);
    ClusterSpec asked =
        merged(
            row.spec(),
            new ClusterSpec()
                .setNumWorkers(request.getNumWorkers())
                .setAutoscale(request.getAutoscale()));
    ClusterSpec spec = ruled(caller, asked, row.spec().getPolicyId());
    ClusterSpec settings = checked(caller, spec);
    dao.write(
        handle -> {
          Row now = dao.find(handle, row.id()).orElseThrow(() -> missing(row.id()));
          if (now.state() != RUNNING) {
            throw unexpected(now, "RUNNING");
          }
          dao.setSettings(handle, row.id(), spec, settings);
          EventDetails details =
              by(caller.name())
                  .setPreviousClusterSize(size(now.settings()))
                  .setClusterSize(size(settings));
          dao.happened(handle, row.id(), clock.millis(), EventType.RESIZING, details);
          dao.happened(handle, row.id(), clock.millis(), EventType.UPSIZE_COMPLETED, details);
          return null;
        });
  }

  @Allow(Role.WORKSPACE_ADMIN)
  public void pin(Caller caller, PinCluster request) {
    Row row = find(caller.workspaceId(), request.getClusterId());
    dao.write(
        handle -> {
          long pinned =
              dao.of(handle, row.workspaceId()).stream()
                  .filter(each -> each.pinnedAt() != null && !each.id().equals(row.id()))
                  .count();
          if (pinned >= MOST_PINNED) {
            throw new InvalidState(
                pinned + " clusters are pinned (expected: fewer than " + MOST_PINNED + ")", null);
          }
          if (row.pinnedAt() == null) {
            dao.setPinned(handle, row.id(), clock.millis());
            dao.happened(handle, row.id(), clock.millis(), EventType.PINNED, by(caller.name()));
          }
          return null;
        });
  }

  @Allow(Role.WORKSPACE_ADMIN)
  public void unpin(Caller caller, UnpinCluster request) {
    Row row = find(caller.workspaceId(), request.getClusterId());
    if (row.pinnedAt() != null) {
      dao.write(
          handle -> {
            dao.setPinned(handle, row.id(), null);
            dao.happened(handle, row.id(), clock.millis(), EventType.UNPINNED, by(caller.name()));
            return null;
          });
    }
  }

  @Allow(Role.WORKSPACE_ADMIN)
  public void changeOwner(Caller caller, ChangeClusterOwner request) {
    Row row = find(caller.workspaceId(), request.getClusterId());
    String name = String.valueOf(request.getOwnerUsername());
    long owner =
        members
            .named(row.workspaceId(), name)
            .orElseThrow(
                () ->
                    new InvalidParameterValue(
                        "owner_username: '" + name + "' (expected: somebody of this workspace)",
                        null));
    dao.write(
        handle -> {
          Row now = dao.find(handle, row.id()).orElseThrow(() -> missing(row.id()));
          if (now.state() != TERMINATED) {
            throw unexpected(now, "TERMINATED");
          }
          dao.setOwner(handle, row.id(), owner, name);
          Permissions.created(handle, row.workspaceId(), ObjectKind.CLUSTER, row.id(), owner);
          return null;
        });
  }

  @Allow(Role.WORKSPACE_USER)
  public GetEventsResponse events(Caller caller, GetEvents request) {
    Row row = seen(caller, request.getClusterId());
    Wanted wanted =
        new Wanted(
            row.id(),
            Objects.requireNonNullElse(request.getStartTime(), 0L),
            Objects.requireNonNullElse(request.getEndTime(), Long.MAX_VALUE),
            request.getEventTypes() == null ? List.of() : List.copyOf(request.getEventTypes()));
    boolean ascending = request.getOrder() == GetEventsOrder.ASC;
    Long asked = request.getPageSize() == null ? request.getLimit() : request.getPageSize();
    if (asked != null && (asked < 0 || asked > MOST_EVENTS)) {
      throw new InvalidParameterValue(
          "limit: '" + asked + "' (expected: 1 to " + MOST_EVENTS + ")", null);
    }
    long size = asked == null || asked == 0 ? USUAL_EVENTS : asked;
    long from =
        request.getPageToken() == null
            ? Objects.requireNonNullElse(request.getOffset(), 0L)
            : offset(request.getPageToken());
    if (from < 0) {
      throw new InvalidParameterValue("offset: '" + from + "' (expected: 0 or more)", null);
    }
    return dao.read(
        handle -> {
          long total = dao.countEvents(handle, wanted);
          List<ClusterEvent> events = dao.events(handle, wanted, ascending, from, size);
          GetEventsResponse response =
              new GetEventsResponse().setEvents(events).setTotalCount(total);
          if (from + events.size() < total) {
            response
                .setNextPageToken(Long.toString(from + events.size()))
                .setNextPage(
                    new GetEvents()
                        .setClusterId(row.id())
                        .setStartTime(request.getStartTime())
                        .setEndTime(request.getEndTime())
                        .setEventTypes(request.getEventTypes())
                        .setOrder(request.getOrder())
                        .setLimit(size)
                        .setOffset(from + events.size()));
          }
          return response;
        });
  }

  @Allow(Role.WORKSPACE_USER)
  public GetSparkVersionsResponse sparkVersions(Caller caller) {
    return NodeTypes.sparkVersions();
  }

  @Allow(Role.WORKSPACE_USER)
  public ListNodeTypesResponse listNodeTypes(Caller caller) {
    return NodeTypes.list();
  }

  @Allow(Role.WORKSPACE_USER)
  public ListAvailableZonesResponse listZones(Caller caller) {
    return NodeTypes.zones(region.apply(caller.workspaceId()));
  }

  /**
   * The engine of a cluster for a call of Spark Connect; one that has ended is started by who may.
   *
   * @param starts whether it is started where it is not up
   * @throws InvalidState it does not run; says what to do
   */
  String engine(Caller caller, String id, boolean starts) throws InterruptedException {
    Row row = seen(caller, id);
    permissions.require(caller, ObjectKind.CLUSTER, row.id(), PermissionLevel.CAN_ATTACH_TO);
    String only = row.settings().getSingleUserName();
    if (only != null && !only.equalsIgnoreCase(caller.name())) {
      throw new PermissionDenied(
          "cluster " + id + " is dedicated to " + only + ", and is nobody else's to use", null);
    }
    if (row.state() == TERMINATED
        && starts
        && permissions.has(caller, ObjectKind.CLUSTER, id, PermissionLevel.CAN_RESTART)) {
      try {
        start(row, caller.name());
      } catch (InvalidState e) {
        LOG.debug("cluster {} was started by somebody else", id);
      }
      row = find(row.workspaceId(), id);
    }
    if (starts && (row.state() == PENDING || row.state() == RESTARTING)) {
      row = settled(row);
    }
    if (row.state() != RUNNING || row.engineId() == null) {
      throw new InvalidState(
          "Cluster "
              + id
              + " is in state "
              + row.state()
              + " (expected: RUNNING; start it, or ask who has CAN_RESTART on it)",
          null);
    }
    return row.engineId();
  }

  /** Waits until what is starting has started, or has not. */
  private Row settled(Row row) throws InterruptedException {
    CompletableFuture<Void> over =
        awaited.computeIfAbsent(row.id(), ignored -> new CompletableFuture<>());
    Row now =
        find(row.workspaceId(), row.id()); // After: who ends the start sees that it is awaited.
    if (STARTING.contains(now.state())) {
      try {
        over.get(ATTACH_SECONDS, TimeUnit.SECONDS);
      } catch (ExecutionException | TimeoutException e) {
        LOG.debug("cluster {} did not start in time", row.id(), e);
      }
      now = find(row.workspaceId(), row.id());
    }
    return now;
  }

  /** Starts the engine of one that is PENDING or RESTARTING. */
  private void launch(String id) {
    try {
      Optional<Row> row = dao.read(handle -> dao.find(handle, id));
      if (row.isEmpty() || !STARTING.contains(row.get().state())) {
        return; // It was terminated before it began.
      }
      String engine = drivers.start(row.get());
      boolean wanted =
          dao.write(
              handle -> {
                if (!dao.become(handle, id, STARTING, RUNNING, "")) {
                  // Another call may have started the same one before.
                  return dao.find(handle, id)
                      .filter(now -> engine.equals(now.engineId()))
                      .isPresent();
                }
                dao.runs(handle, id, engine);
                dao.happened(
                    handle,
                    id,
                    clock.millis(),
                    EventType.RUNNING,
                    new EventDetails().setClusterSize(size(row.get().settings())));
                return true;
              });
      if (!wanted) {
        drivers.stop(id, "its cluster was terminated while it started");
      } else if (!drivers.running(id).equals(Optional.of(engine))) {
        // It died before the row spoke of it, so nobody was told.
        ended(id, engine, drivers.lost(id));
      }
    } catch (RuntimeException e) {
      LOG.warn("cluster {} did not start", id, e);
      end(
          id,
          STARTING,
          new TerminationReason()
              .setCode(TerminationReasonCode.SPARK_STARTUP_FAILURE)
              .setType(TerminationReasonType.SERVICE_FAULT)
              .setParameters(Map.of("databricks_error_message", String.valueOf(e.getMessage()))));
    } finally {
      CompletableFuture<Void> over = awaited.remove(id);
      if (over != null) {
        over.complete(null);
      }
    }
  }

  /**
   * To be told when an engine of a cluster has ended.
   *
   * @param cause null when it was stopped because nobody used it
   */
  void ended(String id, String engineId, String cause) {
    dao.read(handle -> dao.find(handle, id))
        .filter(row -> row.state() == RUNNING && engineId.equals(row.engineId()))
        .ifPresent(row -> died(row, cause));
  }

  private void died(Row row, String cause) {
    end(
        row.id(),
        List.of(RUNNING),
        cause == null
            ? new TerminationReason()
                .setCode(TerminationReasonCode.INACTIVITY)
                .setType(TerminationReasonType.SUCCESS)
                .setParameters(
                    Map.of(
                        "inactivity_duration_min",
                        Long.toString(row.settings().getAutoterminationMinutes())))
            : new TerminationReason()
                .setCode(
                    cause.contains("out of memory")
                        ? TerminationReasonCode.DRIVER_OUT_OF_MEMORY
                        : TerminationReasonCode.DRIVER_UNREACHABLE)
                .setType(TerminationReasonType.SERVICE_FAULT)
                .setParameters(Map.of("databricks_error_message", cause)));
  }

  /** Ends one whose engine is not there; another that ended it, or started it again, is let be. */
  private void end(String id, List<State> from, TerminationReason reason) {
    dao.write(
        handle -> {
          if (dao.become(handle, id, from, TERMINATED, message(reason))) {
            dao.terminated(handle, id, reason, clock.millis());
            dao.happened(
                handle,
                id,
                clock.millis(),
                EventType.TERMINATING,
                new EventDetails().setReason(reason));
          }
          return null;
        });
  }

  private static String message(TerminationReason reason) {
    return reason.getCode() == TerminationReasonCode.INACTIVITY
        ? "Terminated because nobody used it"
        : reason.getParameters().getOrDefault("databricks_error_message", "Terminated");
  }

  /**
   * @return the engine it had before, or null
   * @throws InvalidState it was in none of these states
   */
  private String move(
      Row row,
      List<State> from,
      State to,
      String message,
      EventType event,
      EventDetails details,
      boolean again) {
    return dao.write(
        handle -> {
          Row before = dao.find(handle, row.id()).orElseThrow(() -> missing(row.id()));
          if (before.state() == TERMINATED) {
            requireRoom(handle, before, before.settings().getPolicyId());
          }
          if (!dao.become(handle, row.id(), from, to, message)) {
            throw unexpected(before, from.getFirst().name());
          }
          dao.began(handle, row.id(), clock.millis(), again);
          dao.happened(handle, row.id(), clock.millis(), event, details);
          return before.engineId();
        });
  }

  /** Refuses it to be active, when its maker may not have one more of the policy that is. */
  private void requireRoom(Handle handle, Row row, String policyId) {
    if (policyId != null) {
      ClusterPolicies.requireRoom(
          handle,
          row.workspaceId(),
          policyId,
          row.creatorName(),
          dao.active(handle, policyId, row.creatorId()));
    }
  }

  @Override
  public Subject find(Caller caller, String clusterId, boolean toChange) {
    return subject(toChange ? managed(caller, clusterId) : seen(caller, clusterId));
  }

  private Subject subject(Row row) {
    return new Subject(
        row.id(),
        row.spec().getPolicyId(),
        (ObjectNode) Json.tree(Json.write(row.spec())),
        row.source());
  }

  @Override
  public List<Subject> of(Caller caller, String policyId, String after, int count) {
    Optional<Set<String>> visible = permissions.visible(caller, ObjectKind.CLUSTER);
    return dao.read(handle -> dao.of(handle, caller.workspaceId())).stream()
        .filter(row -> policyId.equals(row.spec().getPolicyId()) && row.id().compareTo(after) > 0)
        .filter(row -> visible.isEmpty() || visible.get().contains(row.id()))
        .sorted(Comparator.comparing(Row::id))
        .limit(count)
        .map(this::subject)
        .toList();
  }

  @Override
  public void change(Caller caller, Subject cluster, ObjectNode spec) {
    change(
        caller,
        managed(caller, cluster.clusterId()),
        Json.read(spec.toString(), ClusterSpec.class),
        Json.read(cluster.spec().toString(), ClusterSpec.class));
  }

  private static void inBackground(String what, String id, Runnable work) {
    Thread.ofVirtual().name(what + id).start(work);
  }

  private Row find(Long workspaceId, String id) {
    return dao.read(handle -> dao.find(handle, String.valueOf(id)))
        .filter(row -> workspaceId != null && row.workspaceId() == workspaceId)
        .orElseThrow(() -> missing(id));
  }

  private Row seen(Caller caller, String id) {
    Row row = find(caller.workspaceId(), id);
    permissions.require(caller, ObjectKind.CLUSTER, row.id(), PermissionLevel.CAN_ATTACH_TO);
    return row;
  }

  private Row managed(Caller caller, String id) {
    Row row = find(caller.workspaceId(), id);
    permissions.require(caller, ObjectKind.CLUSTER, row.id(), PermissionLevel.CAN_MANAGE);
    return row;
  }

  private static ResourceDoesNotExist missing(String id) {
    return new ResourceDoesNotExist("Cluster " + id + " does not exist", null);
  }

  private static InvalidState unexpected(Row row, String expected) {
    return new InvalidState(
        "Cluster "
            + row.id()
            + " is in unexpected state "
            + row.state()
            + " (expected: "
            + expected
            + ")",
        null);
  }

  private static EventDetails by(String user) {
    return new EventDetails().setUser(user).setCause(EventDetailsCause.USER_REQUEST);
  }

  private static ClusterSize size(ClusterSpec settings) {
    return new ClusterSize()
        .setAutoscale(settings.getAutoscale())
        .setNumWorkers(settings.getNumWorkers());
  }

  private static ClusterAttributes attributes(ClusterSpec settings) {
    return Json.read(Json.write(settings), ClusterAttributes.class);
  }

  private static ClusterDetails details(Row row) {
    NodeType driver = NodeTypes.find(row.settings().getDriverNodeTypeId()).orElseThrow();
    NodeType worker = NodeTypes.find(row.settings().getNodeTypeId()).orElseThrow();
    long workers =
        row.settings().getAutoscale() == null
            ? row.settings().getNumWorkers()
            : row.settings().getAutoscale().getMinWorkers();
    return Json.read(Json.write(row.settings()), ClusterDetails.class)
        .setClusterId(row.id())
        .setCreatorUserName(row.creatorName())
        .setClusterSource(row.source())
        .setState(row.state())
        .setStateMessage(row.stateMessage())
        .setStartTime(row.startedAt())
        .setLastRestartedTime(row.restartedAt())
        .setTerminatedTime(row.terminatedAt())
        .setTerminationReason(row.reason())
        .setSpec(row.spec())
        .setClusterCores(driver.getNumCores() + workers * worker.getNumCores())
        .setClusterMemoryMb(driver.getMemoryMb() + workers * worker.getMemoryMb())
        .setDefaultTags(
            Map.of(
                "Vendor",
                "Tarn",
                "Creator",
                row.creatorName(),
                "ClusterName",
                row.settings().getClusterName(),
                "ClusterId",
                row.id()));
  }
}
