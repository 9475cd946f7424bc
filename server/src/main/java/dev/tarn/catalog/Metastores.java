package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.core.error.platform.ResourceAlreadyExists;
import com.databricks.sdk.service.catalog.CatalogInfo;
import com.databricks.sdk.service.catalog.CatalogType;
import com.databricks.sdk.service.catalog.CreateMetastoreAssignment;
import com.databricks.sdk.service.catalog.DeltaSharingScopeEnum;
import com.databricks.sdk.service.catalog.GetMetastoreRequest;
import com.databricks.sdk.service.catalog.GetMetastoreSummaryResponse;
import com.databricks.sdk.service.catalog.ListMetastoresRequest;
import com.databricks.sdk.service.catalog.ListMetastoresResponse;
import com.databricks.sdk.service.catalog.MetastoreAssignment;
import com.databricks.sdk.service.catalog.MetastoreInfo;
import com.databricks.sdk.service.catalog.ProvisioningInfo;
import com.databricks.sdk.service.catalog.ProvisioningInfoState;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.UnassignRequest;
import com.databricks.sdk.service.catalog.UpdateMetastoreAssignment;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Role;
import dev.tarn.storage.Buckets;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * {@code /api/2.1/unity-catalog/metastores} as a workspace sees it, and how a metastore comes to
 * be.
 */
public final class Metastores {
  private static final String BUCKET_OWNER = "metastore";

  private final Database database;
  private final Buckets buckets;
  private final Samples samples;
  private final Clock clock;
  private final AccountMetastoreAssignments assignments;
  private final long everybody;

  Metastores(
      Database database,
      Buckets buckets,
      Samples samples,
      Clock clock,
      AccountMetastoreAssignments assignments,
      long everybody) {
    this.database = database;
    this.buckets = buckets;
    this.samples = samples;
    this.clock = clock;
    this.assignments = assignments;
    this.everybody = everybody;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  public MetastoreAssignment current(Caller caller) {
    long workspace = Access.workspace(caller);
    return database.read(
        handle -> MetastoreDao.assignment(handle, workspace).orElseThrow(Metastores::none));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN, Role.ENGINE})
  public GetMetastoreSummaryResponse summary(Caller caller) {
    long workspace = Access.workspace(caller);
    MetastoreInfo metastore = database.read(handle -> assigned(handle, workspace));
    // The same fields under another class name.
    return Json.read(Json.write(metastore), GetMetastoreSummaryResponse.class);
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.WORKSPACE_ADMIN})
  public MetastoreInfo get(Caller caller, GetMetastoreRequest request) {
    return visible(caller).stream()
        .filter(metastore -> metastore.getMetastoreId().equals(request.getId()))
        .findFirst()
        .orElseThrow(() -> missing(request.getId()));
  }

  @Allow({Role.ACCOUNT_ADMIN, Role.WORKSPACE_ADMIN})
  @Ignores({"max_results: there is one for a region", "page_token: there is one for a region"})
  public ListMetastoresResponse list(Caller caller, ListMetastoresRequest request) {
    return new ListMetastoresResponse().setMetastores(visible(caller));
  }

  /** All for an account admin; else the one of the workspace. A handful at most: never paged. */
  private List<MetastoreInfo> visible(Caller caller) {
    return database.read(
        handle ->
            caller.is(Role.ACCOUNT_ADMIN)
                ? MetastoreDao.list(handle)
                : MetastoreDao.assignment(handle, Access.workspace(caller)).stream()
                    .flatMap(a -> MetastoreDao.find(handle, a.getMetastoreId()).stream())
                    .toList());
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public void assign(Caller caller, CreateMetastoreAssignment request) {
    assignments.assign(
        request.getWorkspaceId(), request.getMetastoreId(), request.getDefaultCatalogName());
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public void updateAssignment(Caller caller, UpdateMetastoreAssignment request) {
    assignments.change(
        request.getWorkspaceId(), request.getMetastoreId(), request.getDefaultCatalogName());
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public void unassign(Caller caller, UnassignRequest request) {
    assignments.unassign(request.getWorkspaceId(), request.getMetastoreId());
  }

  /**
   * @throws NotFound the workspace has none
   */
  static MetastoreInfo assigned(Handle handle, long workspaceId) {
    return MetastoreDao.assignment(handle, workspaceId)
        .flatMap(assignment -> MetastoreDao.find(handle, assignment.getMetastoreId()))
        .orElseThrow(Metastores::none);
  }

  static NotFound none() {
    return new NotFound(
        "METASTORE_DOES_NOT_EXIST", "No metastore assigned for the current workspace.", null);
  }

  static NotFound missing(String id) {
    return new NotFound(
        "METASTORE_DOES_NOT_EXIST", "Metastore " + Names.shown(id) + " does not exist.", null);
  }

  /** The metastore of a region; the first workspace there makes it come to be. */
  MetastoreInfo ofRegion(String region) {
    MetastoreInfo metastore =
        database
            .<Optional<MetastoreInfo>, RuntimeException>read(
                handle -> MetastoreDao.ofRegion(handle, region))
            .orElse(null);
    if (metastore == null) {
      try {
        metastore =
            make("metastore_aws_" + region.replace('-', '_'), region, null, Securable.SYSTEM, null);
      } catch (BadRequest e) {
        // Two workspaces at once: the row that was there first is the region's metastore.
        metastore =
            database
                .<Optional<MetastoreInfo>, RuntimeException>read(
                    handle -> MetastoreDao.ofRegion(handle, region))
                .orElseThrow(() -> e);
      }
    }
    samples.load(metastore);
    return metastore;
  }

  /**
   * A metastore with the catalogs {@code main} and {@code samples}; the data of the latter follows
   * by {@link Samples#load}.
   *
   * @param storageRoot null: a bucket of its own
   */
  MetastoreInfo make(String name, String region, String storageRoot, String by, Long ownerId) {
    // The insert decides; this look keeps a call that is in vain from leaving a bucket behind.
    database.read(
        handle -> {
          if (MetastoreDao.ofRegion(handle, region).isPresent()
              || MetastoreDao.list(handle).stream().anyMatch(m -> m.getName().equals(name))) {
            throw existsAlready(handle, name, region);
          }
          return null;
        });
    String id = UUID.randomUUID().toString();
    long now = clock.millis();
    String root = storageRoot == null ? "s3://" + bucket(region) + "/" + id : storageRoot;
    MetastoreInfo metastore =
        new MetastoreInfo()
            .setMetastoreId(id)
            .setName(name)
            .setRegion(region)
            .setStorageRoot(root)
            .setCloud("aws")
            .setGlobalMetastoreId("aws:" + region + ":" + id)
            .setPrivilegeModelVersion("1.0")
            .setDeltaSharingScope(DeltaSharingScopeEnum.INTERNAL)
            .setExternalAccessEnabled(false)
            .setOwner(by)
            .setCreatedAt(now)
            .setCreatedBy(by)
            .setUpdatedAt(now)
            .setUpdatedBy(by);
    try {
      database.inTransaction(handle -> insert(handle, metastore, by, ownerId, now));
    } catch (RuntimeException e) {
      if (Database.isUniqueViolation(e)) {
        throw database.<BadRequest, RuntimeException>read(
            handle -> existsAlready(handle, name, region));
      }
      throw e;
    }
    return metastore;
  }

  private Void insert(Handle handle, MetastoreInfo metastore, String by, Long ownerId, long now) {
    MetastoreDao.insert(handle, metastore, ownerId);
    Securable row = Securables.metastore(handle, metastore.getMetastoreId()).orElseThrow();
    Securable main =
        Catalogs.insert(
            handle,
            catalog(
                row, "main", ownerId, null, Catalogs.document(by, now).setComment("Main catalog")),
            "default");
    Securable sample =
        Catalogs.insert(
            handle,
            catalog(
                    row,
                    Samples.CATALOG,
                    null,
                    Samples.ROOT,
                    Catalogs.document(Securable.SYSTEM, now)
                        .setCatalogType(CatalogType.SYSTEM_CATALOG)
                        .setComment("Sample data sets, the same in every metastore")
                        .setProvisioningInfo(
                            new ProvisioningInfo().setState(ProvisioningInfoState.PROVISIONING)))
                .readOnly(true),
            Samples.SCHEMA);
    Defaults.ofMetastore(handle, main, sample, everybody, now);
    return null;
  }

  private static Securable catalog(
      Securable metastore, String name, Long ownerId, String root, CatalogInfo document) {
    return Securable.of(
        UUID.randomUUID().toString(),
        SecurableType.CATALOG,
        "",
        metastore,
        name,
        ownerId,
        root,
        Json.write(document));
  }

  private static BadRequest existsAlready(Handle handle, String name, String region) {
    return new BadRequest(
        "METASTORE_ALREADY_EXISTS",
        MetastoreDao.ofRegion(handle, region).isPresent()
            ? "This account has reached the limit for metastores in region " + region + ": 1"
            : "Metastore " + Names.shown(name) + " already exists",
        null);
  }

  /** The bucket in which a region's metastore keeps managed data, made when it is not there. */
  private String bucket(String region) {
    String name = "tarn-metastore-" + region;
    try {
      buckets.create(name, region, BUCKET_OWNER);
    } catch (ResourceAlreadyExists e) {
      boolean ours =
          buckets.list().stream()
              .anyMatch(b -> b.name().equals(name) && b.owner().equals(BUCKET_OWNER));
      if (!ours) {
        throw e;
      }
    }
    return name;
  }
}
