package dev.tarn.account;

import com.databricks.sdk.core.error.platform.AlreadyExists;
import com.databricks.sdk.core.error.platform.ResourceConflict;
import com.databricks.sdk.core.error.platform.ResourceDoesNotExist;
import com.databricks.sdk.service.provisioning.CreateWorkspaceRequest;
import com.databricks.sdk.service.provisioning.CustomerFacingComputeMode;
import com.databricks.sdk.service.provisioning.CustomerFacingStorageMode;
import com.databricks.sdk.service.provisioning.DeleteWorkspaceRequest;
import com.databricks.sdk.service.provisioning.GetWorkspaceRequest;
import com.databricks.sdk.service.provisioning.PricingTier;
import com.databricks.sdk.service.provisioning.UpdateWorkspaceRequest;
import com.databricks.sdk.service.provisioning.Workspace;
import com.databricks.sdk.service.provisioning.WorkspaceStatus;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tarn.database.Database;
import dev.tarn.database.Slice;
import dev.tarn.http.Allow;
import dev.tarn.http.Answer;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Recorded;
import dev.tarn.http.Role;
import dev.tarn.iam.StackSessions;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;

/**
 * Workspaces of the account. A call only writes the row; {@link Provisioning} does what the row
 * asks for, and {@code workspace_status} tells how far it is.
 */
public final class Workspaces {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int LONGEST_NAME = 64;
  private static final int MOST_TAGS = 45;
  private static final Set<PricingTier> TIERS =
      Set.of(PricingTier.STANDARD, PricingTier.PREMIUM, PricingTier.ENTERPRISE);
  private static final Set<String> RESERVED = Set.of("accounts", "localhost", "empty");

  private final Database database;
  private final Doors doors;
  private final StackSessions sessions;
  private final Provisioning provisioning;
  private final Supplier<String> region;
  private final UnaryOperator<String> url;
  private final LongFunction<Optional<String>> catalogName;
  private final Clock clock;

  /**
   * @param region the region of this installation
   * @param url where the workspace of a deployment name is reached; asked when one is shown
   * @param catalogName the catalog of a workspace's own, once it is there
   */
  Workspaces(
      Database database,
      Doors doors,
      StackSessions sessions,
      Provisioning provisioning,
      Supplier<String> region,
      UnaryOperator<String> url,
      LongFunction<Optional<String>> catalogName,
      Clock clock) {
    this.database = database;
    this.doors = doors;
    this.sessions = sessions;
    this.provisioning = provisioning;
    this.region = region;
    this.url = url;
    this.catalogName = catalogName;
    this.clock = clock;
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  @Recorded({
    "network_id: engines run on this machine; region and that no other workspace uses it are checked",
    "private_access_settings_id: all connections come over one port; the region is checked",
    "managed_services_customer_managed_key_id: the key is in AWS; region and use case are checked",
    "storage_customer_managed_key_id: the key is in AWS; region and use case are checked",
    "pricing_tier: decides the list price of usage, no feature",
    "custom_tags: shown, and written into usage; there are no instances to tag"
  })
  public Answer create(Caller caller, CreateWorkspaceRequest request) {
    sessions.requireUnexpired(caller);
    WorkspaceRecord made = asked(caller, request);
    WorkspaceRecord workspace;
    try {
      workspace =
          database.<WorkspaceRecord, RuntimeException>inTransaction(
              handle -> {
                requireConfigurations(handle, made.credentialsId(), made.storageConfigurationId());
                WorkspaceDao.insert(handle, made);
                WorkspaceReferences.write(handle, made.id(), made.rest());
                // In the same transaction: who asks is told that it is under way.
                WorkspaceDao.move(
                    handle,
                    made.id(),
                    WorkspaceStatus.PROVISIONING,
                    "Provisioning has begun.",
                    WorkspaceStatus.NOT_PROVISIONED);
                return WorkspaceDao.find(handle, made.id()).orElseThrow();
              });
    } catch (RuntimeException e) {
      if (!Database.isUniqueViolation(e)) {
        throw e;
      }
      workspace = existing(made);
    }
    provisioning.wake(workspace.id());
    return Answer.json(201, shown(caller, workspace));
  }

  /** A stack that asks again for what it made is given that: its first answer may be lost. */
  private WorkspaceRecord existing(WorkspaceRecord asked) {
    Optional<WorkspaceRecord> sameName =
        database.<Optional<WorkspaceRecord>, RuntimeException>read(
            handle -> WorkspaceDao.named(handle, asked.name()));
    if (sameName.isEmpty()) {
      requireFree(asked);
      throw new AlreadyExists(
          "deployment_name: '" + asked.deploymentName() + "' is taken by another workspace", null);
    }
    return sameName
        .filter(
            workspace ->
                asked.stackId() != null
                    && asked.stackId().equals(workspace.stackId())
                    && asked.credentialsId().equals(workspace.credentialsId())
                    && asked.storageConfigurationId().equals(workspace.storageConfigurationId())
                    && workspace.status() != WorkspaceStatus.CANCELLING)
        .orElseThrow(
            () ->
                new AlreadyExists(
                    "workspace_name: '" + asked.name() + "' already exists in this account", null));
  }

  private WorkspaceRecord asked(Caller caller, CreateWorkspaceRequest request) {
    String name = Checks.name("workspace_name", request.getWorkspaceName(), LONGEST_NAME);
    region(request.getAwsRegion());
    Checks.none("network_connectivity_config_id", request.getNetworkConnectivityConfigId());
    Checks.none("cloud_resource_container", request.getCloudResourceContainer());
    Checks.none("gcp_managed_network_config", request.getGcpManagedNetworkConfig());
    Checks.none("gke_config", request.getGkeConfig());
    Checks.none("location", request.getLocation());
    if (request.getCloud() != null && !request.getCloud().equalsIgnoreCase("aws")) {
      throw Checks.invalid("cloud", request.getCloud(), "aws");
    }
    if (request.getComputeMode() == CustomerFacingComputeMode.SERVERLESS) {
      throw Checks.invalid("compute_mode", "SERVERLESS", "HYBRID");
    }
    return new WorkspaceRecord(
        RANDOM.nextLong(1_000_000_000_000_000L, 9_000_000_000_000_000L),
        name,
        deploymentName(request.getDeploymentName()),
        WorkspaceStatus.NOT_PROVISIONED,
        "",
        request.getCredentialsId(),
        request.getStorageConfigurationId(),
        null,
        null,
        null,
        caller.principalId(),
        caller.stackId(),
        clock.millis(),
        new Workspace()
            .setAwsRegion(region.get())
            .setCloud("aws")
            .setComputeMode(CustomerFacingComputeMode.HYBRID)
            .setStorageMode(CustomerFacingStorageMode.CUSTOMER_HOSTED)
            .setPricingTier(tier(request.getPricingTier()))
            .setCustomTags(tags(request.getCustomTags()))
            .setNetworkId(given(request.getNetworkId()))
            .setPrivateAccessSettingsId(given(request.getPrivateAccessSettingsId()))
            .setManagedServicesCustomerManagedKeyId(
                given(request.getManagedServicesCustomerManagedKeyId()))
            .setStorageCustomerManagedKeyId(given(request.getStorageCustomerManagedKeyId())));
  }

  /** "" says nothing, as null does. */
  private static String given(String id) {
    return id == null || id.isEmpty() ? null : id;
  }

  private static PricingTier tier(PricingTier asked) {
    if (asked == null) {
      return PricingTier.ENTERPRISE;
    }
    if (!TIERS.contains(asked)) {
      throw Checks.invalid("pricing_tier", asked.name(), "STANDARD, PREMIUM or ENTERPRISE");
    }
    return asked;
  }

  /** Of two that were made at once with one network, the unique key let the other one through. */
  private void requireFree(WorkspaceRecord asked) {
    String network = asked.rest().getNetworkId();
    if (network != null) {
      database
          .<Optional<Long>, RuntimeException>read(
              handle -> WorkspaceReferences.otherUser(handle, asked.id(), network))
          .ifPresent(
              other -> {
                throw WorkspaceReferences.inUse(network, other);
              });
    }
  }

  private void region(String asked) {
    if (asked != null && !asked.equals(region.get())) {
      throw Checks.invalid("aws_region", asked, region.get() + ", the region of this installation");
    }
  }

  private static String deploymentName(String asked) {
    if (asked == null) {
      return "dbc-%08x-%04x".formatted(RANDOM.nextInt(), RANDOM.nextInt(0x10000));
    }
    if (!asked.matches("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?") || RESERVED.contains(asked)) {
      throw Checks.invalid(
          "deployment_name", asked, "1 to 63 lower-case letters, digits and hyphens: a host name");
    }
    return asked;
  }

  private static Map<String, String> tags(Map<String, String> tags) {
    if (tags != null && tags.size() > MOST_TAGS) {
      throw Checks.invalid("custom_tags", tags.size() + " tags", "at most " + MOST_TAGS + " tags");
    }
    if (tags != null) {
      tags.forEach(
          (key, value) -> {
            if (key.isEmpty() || key.length() > 127 || value == null || value.length() > 255) {
              throw Checks.invalid(
                  "custom_tags", key, "keys of 1 to 127, values of at most 255 characters");
            }
          });
    }
    return tags;
  }

  private static void requireConfigurations(Handle handle, String credentials, String storage) {
    require(
        handle,
        "SELECT count(*) FROM credential WHERE credentials_id = :id",
        "credentials_id",
        credentials,
        "the id of a credentials configuration of this account");
    require(
        handle,
        "SELECT count(*) FROM storage_configuration WHERE storage_configuration_id = :id",
        "storage_configuration_id",
        storage,
        "the id of a storage configuration of this account");
  }

  private static void require(
      Handle handle, String count, String field, String id, String expected) {
    if (handle.createQuery(count).bind("id", id).mapTo(Integer.class).one() == 0) {
      throw Checks.invalid(field, id, expected);
    }
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer get(Caller caller, GetWorkspaceRequest request) {
    return Answer.json(200, shown(caller, visible(caller, request.getWorkspaceId())));
  }

  private ObjectNode shown(Caller caller, WorkspaceRecord workspace) {
    return workspace.shown(
        caller.accountId(),
        url.apply(workspace.deploymentName()),
        catalogName.apply(workspace.id()));
  }

  private WorkspaceRecord visible(Caller caller, Long id) {
    WorkspaceRecord workspace =
        database.<WorkspaceRecord, RuntimeException>read(handle -> find(handle, id));
    Checks.mayTouch(caller, "workspace " + id, workspace.stackId());
    return workspace;
  }

  private static WorkspaceRecord find(Handle handle, Long id) {
    return WorkspaceDao.find(handle, id)
        .orElseThrow(() -> new ResourceDoesNotExist("workspace " + id + " does not exist", null));
  }

  Slice<?> page(Caller caller, Slice.Wanted wanted) {
    return database
        .<Slice<WorkspaceRecord>, RuntimeException>read(handle -> WorkspaceDao.page(handle, wanted))
        .map(workspace -> shown(caller, workspace));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public List<ObjectNode> list(Caller caller) {
    return database.<List<WorkspaceRecord>, RuntimeException>read(WorkspaceDao::list).stream()
        .filter(
            workspace ->
                caller.is(Role.ACCOUNT_ADMIN) || caller.stackId().equals(workspace.stackId()))
        .map(workspace -> shown(caller, workspace))
        .toList();
  }

  /**
   * Changes what may change ({@link WorkspaceChange}). What changes the ground the workspace stands
   * on, and any change of one that FAILED, provisions it again.
   */
  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer update(Caller caller, UpdateWorkspaceRequest request) {
    sessions.requireUnexpired(caller);
    WorkspaceChange change =
        WorkspaceChange.of(request.getCustomerFacingWorkspace(), request.getUpdateMask());
    WorkspaceRecord after;
    try {
      after =
          doors.write(
              handle -> {
                WorkspaceRecord before = find(handle, request.getWorkspaceId());
                Checks.mayTouch(caller, "workspace " + before.id(), before.stackId());
                WorkspaceRecord changed =
                    change.apply(before, before.shown(caller.accountId(), "", Optional.empty()));
                tags(changed.rest().getCustomTags());
                requireConfigurations(
                    handle, changed.credentialsId(), changed.storageConfigurationId());
                WorkspaceReferences.write(handle, changed.id(), changed.rest());
                if (changed.status() == WorkspaceStatus.PROVISIONING) {
                  WorkspaceDao.forgetSteps(handle, before.id());
                }
                WorkspaceDao.update(handle, changed);
                return find(handle, before.id());
              });
    } catch (RuntimeException e) {
      if (Database.isUniqueViolation(e)) {
        throw new ResourceConflict(
            "network_id is used by another workspace (expected: a network that no other workspace"
                + " uses)",
            null);
      }
      throw e;
    }
    provisioning.wake(after.id());
    return Answer.json(200, shown(caller, after));
  }

  /** Answers at once; the workspace is CANCELLING until it is gone and GET answers 404. */
  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  public Answer delete(Caller caller, DeleteWorkspaceRequest request) {
    WorkspaceRecord deleted =
        doors.write(
            handle -> {
              WorkspaceRecord before = find(handle, request.getWorkspaceId());
              Checks.mayTouch(caller, "workspace " + before.id(), before.stackId());
              WorkspaceDao.move(
                  handle,
                  before.id(),
                  WorkspaceStatus.CANCELLING,
                  "The workspace is being deleted.",
                  WorkspaceStatus.values());
              return find(handle, before.id());
            });
    provisioning.wake(deleted.id());
    return Answer.json(200, shown(caller, deleted));
  }

  /** Which workspace's steps. */
  public record StepsRequest(String accountId, Long workspaceId) {}

  /** What has been done to bring a workspace up, what is being done and what is to be done. */
  @Allow({Role.ACCOUNT_ADMIN, Role.STACK})
  @Operation("GET /api/2.0/accounts/{account_id}/workspaces/{workspace_id}/tarn/steps")
  public Answer steps(Caller caller, StepsRequest request) {
    WorkspaceRecord workspace = visible(caller, request.workspaceId());
    List<WorkspaceDao.Progress> begun =
        database.<List<WorkspaceDao.Progress>, RuntimeException>read(
            handle -> WorkspaceDao.progress(handle, workspace.id()));
    List<Map<String, Object>> shown = new ArrayList<>();
    for (Step step : provisioning.steps()) {
      Optional<WorkspaceDao.Progress> progress =
          begun.stream().filter(p -> p.name().equals(step.name())).findFirst();
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", step.name());
      one.put("state", progress.map(WorkspaceDao.Progress::state).orElse("PENDING"));
      one.put("message", progress.map(WorkspaceDao.Progress::message).orElse(step.message()));
      progress.ifPresent(
          p -> {
            one.put("started_at", p.startedAt());
            one.put("finished_at", p.finishedAt());
          });
      shown.add(one);
    }
    return Answer.json(200, Map.of("steps", shown));
  }
}
