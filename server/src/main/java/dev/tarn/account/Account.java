package dev.tarn.account;

import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.service.provisioning.CredentialsService;
import com.databricks.sdk.service.provisioning.EncryptionKeysService;
import com.databricks.sdk.service.provisioning.NetworksService;
import com.databricks.sdk.service.provisioning.PrivateAccessService;
import com.databricks.sdk.service.provisioning.StorageService;
import com.databricks.sdk.service.provisioning.VpcEndpointsService;
import com.databricks.sdk.service.provisioning.WorkspacesService;
import dev.tarn.database.Database;
import dev.tarn.http.Routes;
import dev.tarn.iam.Iam;
import dev.tarn.storage.Buckets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongFunction;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * The account's provisioning: credential and storage configurations, networks, endpoints, private
 * access and keys, and the workspaces made of them. The facade of the package; what other packages
 * ask of it is here.
 */
public final class Account implements AutoCloseable {
  private final Database database;
  private final Provisioning provisioning;
  private final Credentials credentials;
  private final StorageConfigurations storageConfigurations;
  private final VpcEndpoints vpcEndpoints;
  private final Networks networks;
  private final PrivateAccess privateAccess;
  private final EncryptionKeys encryptionKeys;
  private final Workspaces workspaces;
  private final Doors doors;

  /**
   * @param region the region of this installation
   * @param url where clients reach the workspace of a deployment name, such as {@code
   *     http://127.0.0.1:8484}
   * @param roleExists whether there is an IAM role of that ARN, as far as this target knows
   * @param rootBucket before the root bucket is tried out: sees to it that one that is elsewhere
   *     has its place here
   * @param catalogName the catalog of a workspace's own, once it is there
   * @param furtherSteps what other packages do to every new workspace, in this order
   * @param teardown what other packages do to a workspace that is deleted, in this order; each must
   *     be idempotent and let go of every row that refers to the workspace
   */
  public Account(
      Database database,
      Iam iam,
      Buckets buckets,
      Clock clock,
      Supplier<String> region,
      UnaryOperator<String> url,
      Predicate<String> roleExists,
      StepAction rootBucket,
      LongFunction<Optional<String>> catalogName,
      List<Step> furtherSteps,
      List<StepAction> teardown) {
    this.database = database;
    List<Step> steps = new ArrayList<>();
    steps.add(
        new Step(
            "role",
            "Checking the workspace's IAM role.",
            workspace -> checkRoles(workspace, roleExists)));
    steps.add(
        new Step(
            "root-bucket",
            "Trying to write, read, list and delete in the root bucket.",
            workspace -> {
              rootBucket.run(workspace);
              RootBucket.tryOut(buckets, workspace);
            }));
    steps.add(
        new Step(
            "administrator",
            "Assigning the workspace's first administrator.",
            workspace -> iam.assignAdmin(workspace.id(), workspace.createdBy())));
    steps.addAll(furtherSteps);
    this.doors = new Doors(database);
    this.provisioning =
        new Provisioning(database, doors, clock, steps, teardown, iam::workspaceGone);
    this.credentials = new Credentials(database, iam.stackSessions(), clock);
    this.storageConfigurations = new StorageConfigurations(database, iam.stackSessions(), clock);
    this.vpcEndpoints = new VpcEndpoints(database, iam.stackSessions(), clock);
    this.networks = new Networks(database, iam.stackSessions(), clock);
    this.privateAccess = new PrivateAccess(database, iam.stackSessions(), clock);
    this.encryptionKeys = new EncryptionKeys(database, iam.stackSessions(), clock);
    this.workspaces =
        new Workspaces(
            database, doors, iam.stackSessions(), provisioning, region, url, catalogName, clock);
  }

  private static void checkRoles(WorkspaceRecord workspace, Predicate<String> roleExists) {
    for (String role : new String[] {workspace.roleArn(), workspace.catalogRoleArn()}) {
      if (role != null && !roleExists.test(role)) {
        throw new InvalidState(
            "Failed credentials validation checks: the role "
                + role
                + " does not exist or cannot be assumed",
            null);
      }
    }
  }

  /** Mounts the operations of this package. */
  public void routes(Routes routes) {
    routes.mount(CredentialsService.class, credentials);
    routes.mount(StorageService.class, storageConfigurations);
    routes.mount(VpcEndpointsService.class, vpcEndpoints);
    routes.mount(NetworksService.class, networks);
    routes.mount(PrivateAccessService.class, privateAccess);
    routes.mount(EncryptionKeysService.class, encryptionKeys);
    routes.mount(WorkspacesService.class, workspaces);
    routes.mountOwn(workspaces);
    routes.mountOwn(
        new ConsoleLists(
            Map.of(
                "workspaces", workspaces::page,
                "credentials", credentials::page,
                "storage-configurations", storageConfigurations::page,
                "networks", networks::page,
                "vpc-endpoints", vpcEndpoints::page,
                "private-access-settings", privateAccess::page,
                "customer-managed-keys", encryptionKeys::page)));
  }

  /** Goes on with what a killed process left half done. */
  public void recover() {
    provisioning.recover();
  }

  /** The workspace reached at host {@code <deployment>.localhost}. */
  public Optional<Long> workspaceOfDeployment(String deployment) {
    return WorkspaceDao.ofDeployment(database, deployment);
  }

  /** The status of a workspace that nobody may enter: it failed, or is being deleted. */
  public Optional<String> closed(long id) {
    return doors.closed(id);
  }

  public Optional<WorkspaceRecord> workspace(long id) {
    return database.<Optional<WorkspaceRecord>, RuntimeException>read(
        handle -> WorkspaceDao.find(handle, id));
  }

  /** All workspaces, the oldest first. */
  public List<WorkspaceRecord> workspaces() {
    return database.<List<WorkspaceRecord>, RuntimeException>read(WorkspaceDao::list);
  }

  Credentials credentials() {
    return credentials;
  }

  StorageConfigurations storageConfigurations() {
    return storageConfigurations;
  }

  Workspaces workspacesService() {
    return workspaces;
  }

  @Override
  public void close() {
    provisioning.close();
  }
}
