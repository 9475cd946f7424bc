package dev.tarn.compute;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.compute.ClusterSource;
import com.databricks.sdk.service.compute.ClusterSpec;
import com.databricks.sdk.service.compute.CreatePolicy;
import com.databricks.sdk.service.compute.CreatePolicyResponse;
import com.databricks.sdk.service.compute.DeletePolicy;
import com.databricks.sdk.service.compute.EditPolicy;
import com.databricks.sdk.service.compute.GetClusterPolicyRequest;
import com.databricks.sdk.service.compute.Library;
import com.databricks.sdk.service.compute.ListClusterPoliciesRequest;
import com.databricks.sdk.service.compute.ListPoliciesResponse;
import com.databricks.sdk.service.compute.ListSortColumn;
import com.databricks.sdk.service.compute.ListSortOrder;
import com.databricks.sdk.service.compute.Policy;
import com.databricks.sdk.service.compute.PolicyFamily;
import com.databricks.sdk.service.iam.PermissionLevel;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.compute.PolicyDefinition.Facts;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import dev.tarn.permissions.ObjectKind;
import dev.tarn.permissions.Permissions;
import java.math.BigDecimal;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToIntFunction;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.HandleCallback;

/**
 * {@code /api/2.0/policies/clusters}: what clusters may be. Administrators of a workspace write its
 * policies; whoever else was given CAN_USE sees one and makes clusters under it. A policy is looked
 * at when a cluster is made or edited, so a change of it, or its end, leaves clusters as they are.
 *
 * <p>A definition is the policy's own, or that of a family with overrides; of the latter only the
 * overrides are kept, so a newer version of the product brings its newer family.
 */
final class ClusterPolicies implements Clusters.Policies {
  private static final int LONGEST_NAME = 100;
  private static final int MOST_LIBRARIES = 500;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Database database;
  private final PolicyFamilies families;
  private final Permissions permissions;
  private final ToIntFunction<String> dbuAnHour;
  private final Clock clock;

  /**
   * @param dbuAnHour what an hour of a node of a type comes to
   */
  ClusterPolicies(
      Database database,
      PolicyFamilies families,
      Permissions permissions,
      ToIntFunction<String> dbuAnHour,
      Clock clock) {
    this.database = database;
    this.families = families;
    this.permissions = permissions;
    this.dbuAnHour = dbuAnHour;
    this.clock = clock;
    permissions.objects(ObjectKind.CLUSTER_POLICY, this::find);
  }

  @Allow(Role.WORKSPACE_ADMIN)
  @Ignores("libraries: kept and shown; nothing installs them")
  public CreatePolicyResponse create(Caller caller, CreatePolicy request) {
    Policy policy =
        checked(Json.read(Json.write(request), EditPolicy.class))
            .setPolicyId(newId())
            .setIsDefault(false)
            .setCreatorUserName(caller.name())
            .setCreatedAtTimestamp(clock.millis());
    named(
        policy.getName(),
        handle -> {
          ClusterPolicyDao.insert(handle, caller.workspaceId(), policy);
          return null;
        });
    return new CreatePolicyResponse().setPolicyId(policy.getPolicyId());
  }

  @Allow(Role.WORKSPACE_ADMIN)
  @Ignores("libraries: kept and shown; nothing installs them")
  public void edit(Caller caller, EditPolicy request) {
    Policy wanted = checked(request);
    named(
        wanted.getName(),
        handle -> {
          Policy policy = find(handle, caller.workspaceId(), request.getPolicyId());
          if (policy.getIsDefault()
              && !Objects.equals(policy.getPolicyFamilyId(), wanted.getPolicyFamilyId())) {
            throw new InvalidParameterValue(
                "policy_family_id: "
                    + wanted.getPolicyFamilyId()
                    + " (expected: "
                    + policy.getPolicyFamilyId()
                    + ", which this default policy keeps; another policy may be of another family)",
                null);
          }
          ClusterPolicyDao.update(
              handle,
              caller.workspaceId(),
              wanted
                  .setPolicyId(policy.getPolicyId())
                  .setIsDefault(policy.getIsDefault())
                  .setCreatorUserName(policy.getCreatorUserName())
                  .setCreatedAtTimestamp(policy.getCreatedAtTimestamp()));
          return null;
        });
  }

  /** Its clusters stay, keep its id, and cannot be edited under it any more. */
  @Allow(Role.WORKSPACE_ADMIN)
  public void delete(Caller caller, DeletePolicy request) {
    database.inTransaction(
        handle -> {
          Policy policy = find(handle, caller.workspaceId(), request.getPolicyId());
          if (policy.getIsDefault()) {
            throw new InvalidState(
                "the default policy "
                    + policy.getName()
                    + " cannot be deleted (expected: a policy that somebody made; take CAN_USE"
                    + " away from those who are not to use this one)",
                null);
          }
          ClusterPolicyDao.delete(handle, caller.workspaceId(), policy.getPolicyId());
          Permissions.deleted(handle, ObjectKind.CLUSTER_POLICY, policy.getPolicyId());
          return null;
        });
  }

  /** Whoever may use it. */
  @Allow(Role.WORKSPACE_USER)
  public Policy get(Caller caller, GetClusterPolicyRequest request) {
    return shown(usable(caller, request.getPolicyId()));
  }

  /** Those that the caller may use. */
  @Allow(Role.WORKSPACE_USER)
  public ListPoliciesResponse list(Caller caller, ListClusterPoliciesRequest request) {
    boolean byName = request.getSortColumn() == ListSortColumn.POLICY_NAME;
    Optional<Set<String>> usable = permissions.visible(caller, ObjectKind.CLUSTER_POLICY);
    List<Policy> policies =
        database
            .<List<Policy>, RuntimeException>read(
                handle -> ClusterPolicyDao.list(handle, caller.workspaceId(), byName))
            .stream()
            .filter(policy -> usable.isEmpty() || usable.get().contains(policy.getPolicyId()))
            .map(this::shown)
            .toList();
    return new ListPoliciesResponse()
        .setPolicies(request.getSortOrder() == ListSortOrder.ASC ? policies : policies.reversed());
  }

  @Override
  public ClusterSpec applied(
      Caller caller, ClusterSpec asked, boolean withDefaults, boolean already) {
    Policy policy =
        already
            ? find(caller.workspaceId(), asked.getPolicyId())
            : usable(caller, asked.getPolicyId());
    ObjectNode cluster =
        definition(policy)
            .admit(
                (ObjectNode) Json.tree(Json.write(asked)), facts(ClusterSource.API), withDefaults);
    return Json.read(Json.write(cluster), ClusterSpec.class);
  }

  /** What rules ask of a cluster that {@code source} made. */
  Facts facts(ClusterSource source) {
    return new Facts(
        alias -> NodeTypes.versionOf(alias).orElse(alias),
        this::dbusPerHour,
        switch (source) {
          case JOB -> "job";
          case PIPELINE, PIPELINE_MAINTENANCE -> "dlt";
          default -> "all-purpose";
        });
  }

  private BigDecimal dbusPerHour(ObjectNode cluster) {
    String type = cluster.path("node_type_id").asText();
    long workers =
        cluster.path("autoscale").path("max_workers").asLong(cluster.path("num_workers").asLong());
    return BigDecimal.valueOf(dbuAnHour.applyAsInt(type))
        .multiply(BigDecimal.valueOf(workers))
        .add(
            BigDecimal.valueOf(
                dbuAnHour.applyAsInt(cluster.path("driver_node_type_id").asText(type))));
  }

  /**
   * A policy that the caller may use.
   *
   * @throws ResourceDoesNotExist the workspace has none of that id
   */
  Policy usable(Caller caller, String id) {
    Policy policy = find(caller.workspaceId(), id);
    permissions.require(caller, ObjectKind.CLUSTER_POLICY, id, PermissionLevel.CAN_USE);
    return policy;
  }

  /**
   * Any policy.
   *
   * @throws ResourceDoesNotExist the workspace has none of that id
   */
  Policy find(long workspaceId, String id) {
    return database.read(handle -> find(handle, workspaceId, id));
  }

  /** Its own rules, or those of its family as the overrides make them. */
  PolicyDefinition definition(Policy policy) {
    return policy.getPolicyFamilyId() == null
        ? PolicyDefinition.parse("definition", policy.getDefinition())
        : ofFamily(policy.getPolicyFamilyId(), policy.getPolicyFamilyDefinitionOverrides());
  }

  private PolicyDefinition ofFamily(String id, String overrides) {
    PolicyDefinition family =
        families
            .definition(id)
            .orElseThrow(
                () ->
                    new InvalidParameterValue(
                        "policy_family_id: '"
                            + id
                            + "' (expected: one of "
                            + families.all().stream().map(PolicyFamily::getPolicyFamilyId).toList()
                            + ")",
                        null));
    return overrides == null
        ? family
        : family.with(PolicyDefinition.parse("policy_family_definition_overrides", overrides));
  }

  /**
   * Refuses one cluster more than a policy lets a person have. To be called in the transaction that
   * makes or starts one; of a policy that is gone there is nothing to refuse.
   *
   * @param active how many of the policy's clusters that this person made are not terminated
   */
  static void requireRoom(Handle handle, long workspaceId, String id, String user, long active) {
    ClusterPolicyDao.find(handle, workspaceId, id)
        .filter(policy -> policy.getMaxClustersPerUser() != null)
        .filter(policy -> active >= policy.getMaxClustersPerUser())
        .ifPresent(
            policy -> {
              throw new InvalidParameterValue(
                  "Cluster validation error: "
                      + user
                      + " has "
                      + active
                      + " active clusters of the policy "
                      + policy.getName()
                      + " (expected: at most "
                      + policy.getMaxClustersPerUser()
                      + " with this one, its max_clusters_per_user; terminate one first)",
                  null);
            });
  }

  /**
   * The policies that a new workspace begins with; a second call changes nothing.
   *
   * @param users everybody of the workspace, who may use the one for a machine of one's own
   */
  void createDefaults(long workspaceId, String creator, long users) {
    long now = clock.millis();
    database.inTransaction(
        handle -> {
          if (ClusterPolicyDao.hasDefaults(handle, workspaceId)) {
            return null;
          }
          for (PolicyFamily family : families.all()) {
            String id = newId();
            ClusterPolicyDao.insert(
                handle,
                workspaceId,
                new Policy()
                    .setPolicyId(id)
                    .setName(family.getName())
                    .setDescription(family.getDescription())
                    .setPolicyFamilyId(family.getPolicyFamilyId())
                    .setIsDefault(true)
                    .setCreatorUserName(creator)
                    .setCreatedAtTimestamp(now));
            if (family.getPolicyFamilyId().equals(PolicyFamilies.PERSONAL)) {
              Permissions.put(
                  handle,
                  workspaceId,
                  ObjectKind.CLUSTER_POLICY,
                  id,
                  users,
                  PermissionLevel.CAN_USE);
            }
          }
          return null;
        });
  }

  /** Removes those of a workspace that goes. */
  void deleteAll(long workspaceId) {
    database.inTransaction(
        handle -> {
          for (Policy policy : ClusterPolicyDao.list(handle, workspaceId, true)) {
            ClusterPolicyDao.delete(handle, workspaceId, policy.getPolicyId());
            Permissions.deleted(handle, ObjectKind.CLUSTER_POLICY, policy.getPolicyId());
          }
          return null;
        });
  }

  private Policy checked(EditPolicy request) {
    String name = request.getName();
    if (name == null || name.isBlank() || name.codePointCount(0, name.length()) > LONGEST_NAME) {
      throw new InvalidParameterValue(
          "name: " + Json.write(name) + " (expected: 1 to " + LONGEST_NAME + " characters)", null);
    }
    String family = request.getPolicyFamilyId();
    if ((request.getDefinition() == null) == (family == null)) {
      throw new InvalidParameterValue(
          "definition: "
              + (family == null ? "missing" : "given beside policy_family_id " + family)
              + " (expected: either a definition or a policy_family_id)",
          null);
    }
    if (family == null) {
      if (request.getPolicyFamilyDefinitionOverrides() != null) {
        throw new InvalidParameterValue(
            "policy_family_definition_overrides: given without policy_family_id (expected: the"
                + " family whose rules they override)",
            null);
      }
      PolicyDefinition.parse("definition", request.getDefinition());
    } else {
      ofFamily(family, request.getPolicyFamilyDefinitionOverrides());
    }
    Long most = request.getMaxClustersPerUser();
    if (most != null && most < 1) {
      throw new InvalidParameterValue(
          "max_clusters_per_user: " + most + " (expected: greater than 0, or left out)", null);
    }
    return new Policy()
        .setName(name)
        .setDescription(request.getDescription())
        .setDefinition(request.getDefinition())
        .setPolicyFamilyId(family)
        .setPolicyFamilyDefinitionOverrides(request.getPolicyFamilyDefinitionOverrides())
        .setMaxClustersPerUser(most)
        .setLibraries(checked(request.getLibraries()));
  }

  private static Collection<Library> checked(Collection<Library> libraries) {
    int count = libraries == null ? 0 : libraries.size();
    if (count > MOST_LIBRARIES) {
      throw new InvalidParameterValue(
          "libraries: " + count + " (expected: at most " + MOST_LIBRARIES + ")", null);
    }
    for (Library library : libraries == null ? List.<Library>of() : libraries) {
      if (library == null || Json.tree(Json.write(library)).size() != 1) {
        throw new InvalidParameterValue(
            "libraries: "
                + Json.write(library)
                + " (expected: each with one of jar, egg, whl, pypi, maven, cran, requirements)",
            null);
      }
    }
    return libraries;
  }

  private Policy shown(Policy policy) {
    return policy.getPolicyFamilyId() == null
        ? policy
        : policy.setDefinition(definition(policy).json());
  }

  private static Policy find(Handle handle, long workspaceId, String id) {
    return Optional.ofNullable(id)
        .flatMap(given -> ClusterPolicyDao.find(handle, workspaceId, given))
        .orElseThrow(
            () -> new ResourceDoesNotExist("Can't find a cluster policy with id: " + id, null));
  }

  private void named(String name, HandleCallback<Void, RuntimeException> work) {
    try {
      database.inTransaction(work);
    } catch (RuntimeException e) {
      if (Database.isUniqueViolation(e)) {
        throw new ResourceAlreadyExists(
            "Cluster policy with name '" + name + "' already exists", null);
      }
      throw e;
    }
  }

  private static String newId() {
    byte[] bytes = new byte[8];
    RANDOM.nextBytes(bytes);
    return HexFormat.of().withUpperCase().formatHex(bytes);
  }
}
