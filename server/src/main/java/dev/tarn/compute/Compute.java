package dev.tarn.compute;

import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.service.compute.ClusterPoliciesService;
import com.databricks.sdk.service.compute.ClustersService;
import com.databricks.sdk.service.compute.PolicyComplianceForClustersService;
import com.databricks.sdk.service.compute.PolicyFamiliesService;
import dev.tarn.compute.ClusterDao.Row;
import dev.tarn.database.Database;
import dev.tarn.enforcement.SessionSettings;
import dev.tarn.engine.Engine;
import dev.tarn.engine.Engines;
import dev.tarn.engine.Lease;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import dev.tarn.http.Routes;
import dev.tarn.permissions.Permissions;
import dev.tarn.sql.Sql;
import java.time.Clock;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongFunction;
import java.util.function.ToIntFunction;

/** Compute: clusters and what rules them. The facade of the package. */
public final class Compute {
  /** What clusters ask of identities. */
  public interface Members {
    /** Whether somebody was given an entitlement in a workspace, directly or by a group. */
    boolean isEntitled(Caller caller, String entitlement);

    /** The user or service principal of that name, when it may enter the workspace. */
    Optional<Long> named(long workspaceId, String name);
  }

  /** What the engine of a cluster is to be. */
  @FunctionalInterface
  public interface Specs {
    /**
     * @param idleMinutes after which it stops by itself; 0 for never
     */
    Engines.Spec of(
        long workspaceId,
        String clusterId,
        Map<String, String> sparkConf,
        Map<String, String> environment,
        int idleMinutes);
  }

  private final Engines engines;
  private final Specs specs;
  private final Clusters clusters;
  private final PolicyFamilies families = new PolicyFamilies();
  private final ClusterPolicies policies;

  public Compute(
      Database database,
      Engines engines,
      Specs specs,
      Permissions permissions,
      Members members,
      LongFunction<String> region,
      ToIntFunction<String> dbuAnHour,
      Clock clock) {
    this.engines = engines;
    this.specs = specs;
    this.policies = new ClusterPolicies(database, families, permissions, dbuAnHour, clock);
    this.clusters =
        new Clusters(
            new ClusterDao(database),
            new Drivers(),
            permissions,
            policies,
            members,
            SessionSettings.settable()::contains,
            region,
            clock);
    engines.onChange(
        engine -> {
          if (engine.kind() == Engine.Kind.CLUSTER && !engine.state().isUp()) {
            clusters.ended(engine.ownerId(), engine.id(), cause(engine));
          }
        });
  }

  public void routes(Routes routes) {
    routes.mount(ClustersService.class, clusters);
    routes.mount(ClusterPoliciesService.class, policies);
    routes.mount(PolicyFamiliesService.class, families);
    routes.mount(
        PolicyComplianceForClustersService.class,
        new PolicyComplianceForClusters(policies, clusters));
  }

  /** Finishes what a killed process left; the engines that outlived it were found before. */
  public void start() {
    clusters.recover();
  }

  /** Stops and removes what a workspace that goes has here. */
  public void removeWorkspace(long workspaceId) {
    clusters.deleteAll(workspaceId);
    policies.deleteAll(workspaceId);
  }

  /**
   * The policies that a new workspace begins with.
   *
   * @param users everybody of the workspace
   */
  public void createDefaultPolicies(long workspaceId, String creator, long users) {
    policies.createDefaults(workspaceId, creator, users);
  }

  /** What a cluster is, for who accounts for it; empty when there is none any more. */
  public Optional<Sql.Facts> facts(String id) {
    return clusters.facts(id);
  }

  /** Whether an id is a cluster's, and not a warehouse's. */
  public static boolean isCluster(String id) {
    return id.indexOf('-') >= 0;
  }

  /**
   * The engine of a cluster, for calls of Spark Connect.
   *
   * @throws InvalidState it does not run, and is not started by this call
   */
  public Sql.Use use(Caller caller, String clusterId, Sql.Need need) {
    caller.require(Role.WORKSPACE_USER);
    String engineId;
    try {
      engineId = clusters.engine(caller, clusterId, need != Sql.Need.BEGUN);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InvalidState("interrupted while the cluster was starting", null);
    }
    return new Sql.Use() {
      @Override
      public String engineId() {
        return engineId;
      }

      @Override
      public void close() {
        // The lease of the engine is what keeps it in use.
      }
    };
  }

  /** None when it was stopped for being idle. */
  private static String cause(Engine engine) {
    return engine.state() == Engine.State.STOPPED
            && String.valueOf(engine.reason()).startsWith("idle for")
        ? null
        : String.valueOf(engine.reason());
  }

  private final class Drivers implements Clusters.Drivers {
    @Override
    public String start(Row cluster) {
      Map<String, String> conf = cluster.settings().getSparkConf();
      Map<String, String> environment = cluster.settings().getSparkEnvVars();
      Engines.Spec spec =
          specs.of(
              cluster.workspaceId(),
              cluster.id(),
              conf == null ? Map.of() : conf,
              environment == null ? Map.of() : environment,
              cluster.settings().getAutoterminationMinutes().intValue());
      try (Lease lease = engines.acquire(spec)) {
        return lease.engineId();
      }
    }

    @Override
    public Optional<String> running(String clusterId) {
      return engines
          .current(clusterId, 0)
          .filter(engine -> engine.state() == Engine.State.RUNNING)
          .map(Engine::id);
    }

    @Override
    public String lost(String clusterId) {
      return engines
          .current(clusterId, 0)
          .filter(engine -> !engine.state().isUp())
          .map(Compute::cause)
          .orElse("its engine is gone");
    }

    @Override
    public void stopOne(String engineId, String reason) {
      engines.stopOne(engineId, reason);
    }

    @Override
    public void stop(String clusterId, String reason) {
      engines.stopElsewhere(clusterId, reason);
      engines.stop(clusterId, reason);
    }
  }
}
