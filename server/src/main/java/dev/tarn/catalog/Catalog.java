package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.service.catalog.AccountMetastoreAssignmentsService;
import com.databricks.sdk.service.catalog.AccountMetastoresService;
import com.databricks.sdk.service.catalog.ArtifactAllowlistsService;
import com.databricks.sdk.service.catalog.CatalogsService;
import com.databricks.sdk.service.catalog.ConnectionsService;
import com.databricks.sdk.service.catalog.CredentialsService;
import com.databricks.sdk.service.catalog.EntityTagAssignmentsService;
import com.databricks.sdk.service.catalog.ExternalLocationsService;
import com.databricks.sdk.service.catalog.FunctionsService;
import com.databricks.sdk.service.catalog.MetastoreInfo;
import com.databricks.sdk.service.catalog.MetastoresService;
import com.databricks.sdk.service.catalog.ModelVersionsService;
import com.databricks.sdk.service.catalog.PoliciesService;
import com.databricks.sdk.service.catalog.RegisteredModelsService;
import com.databricks.sdk.service.catalog.ResourceQuotasService;
import com.databricks.sdk.service.catalog.SchemasService;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.StorageCredentialsService;
import com.databricks.sdk.service.catalog.TableConstraintsService;
import com.databricks.sdk.service.catalog.TablesService;
import com.databricks.sdk.service.catalog.TemporaryPathCredentialsService;
import com.databricks.sdk.service.catalog.TemporaryTableCredentialsService;
import com.databricks.sdk.service.catalog.TemporaryVolumeCredentialsService;
import com.databricks.sdk.service.catalog.VolumesService;
import com.databricks.sdk.service.catalog.WorkspaceBindingBindingType;
import com.databricks.sdk.service.files.FilesService;
import dev.tarn.access.Access;
import dev.tarn.access.Bindings;
import dev.tarn.access.People;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Database;
import dev.tarn.database.Json;
import dev.tarn.database.Seal;
import dev.tarn.http.Routes;
import dev.tarn.storage.Buckets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Unity Catalog: one metastore for a region, its catalogs, their schemas, their tables. This is
 * where names and places are kept; the data itself lies in buckets, written by engines.
 */
public final class Catalog implements AutoCloseable {
  private static final Duration UNCLAIMED = Duration.ofDays(1);

  /**
   * What the catalog must know of a workspace.
   *
   * @param rootBucket name of its root bucket
   */
  public record Place(long workspaceId, String name, String region, String rootBucket) {}

  /** Told by whoever keeps the workspaces. */
  @FunctionalInterface
  public interface Workspaces {
    /**
     * @throws com.databricks.sdk.core.error.platform.NotFound there is no such workspace
     */
    Place get(long workspaceId);
  }

  /** Told by whoever keeps roles and buckets, within the catalog's transaction. */
  @FunctionalInterface
  public interface Reach {
    boolean reaches(Handle handle, String roleArn, String bucket);
  }

  private final Database database;
  private final Clock clock;
  private final Workspaces workspaces;
  private final Access access;
  private final Trash trash;
  final Samples samples;
  final Metastores metastores;
  final AccountMetastores accountMetastores;
  final AccountMetastoreAssignments assignments;
  final Catalogs catalogs;
  final Schemas schemas;
  final Tables tables;
  final Dropped dropped;
  final Credentials credentials;
  final ExternalLocations externalLocations;
  final Functions functions;
  final TablePolicies tablePolicies;
  final Models models;
  final ModelVersions modelVersions;
  final EffectivePolicies effectivePolicies;
  final Policies policies;
  final Volumes volumes;
  final VolumeFiles files;
  final TemporaryCredentials temporaryCredentials;
  final EntityTags tags;
  final Connections connections;
  final TableConstraints constraints;
  final ResourceQuotas quotas;
  final ArtifactAllowlists allowlists;

  /**
   * @param access who may
   * @param reach which buckets a credential's role gets at
   * @param seal what connections get in by is sealed with it
   */
  public Catalog(
      Database database,
      Buckets buckets,
      Clock clock,
      Workspaces workspaces,
      Access access,
      Reach reach,
      Seal seal) {
    this.database = database;
    this.clock = clock;
    this.workspaces = workspaces;
    this.access = access;
    Locations locations = new Locations(buckets);
    trash = new Trash(database, locations, clock);
    samples = new Samples(database, buckets, clock);
    assignments = new AccountMetastoreAssignments(database, workspaces, access.people(), clock);
    metastores =
        new Metastores(database, buckets, samples, clock, assignments, access.people().everybody());
    accountMetastores =
        new AccountMetastores(database, metastores, samples, locations, trash, clock, access);
    catalogs = new Catalogs(access, trash, clock);
    schemas = new Schemas(access, clock);
    tables = new Tables(database, access, trash, clock);
    dropped = new Dropped(access);
    credentials = new Credentials(access, clock);
    externalLocations = new ExternalLocations(access, locations, reach, clock);
    functions = new Functions(access, clock);
    tablePolicies = new TablePolicies(access, clock);
    models = new Models(access, trash, clock);
    modelVersions = new ModelVersions(access, trash, clock);
    effectivePolicies = new EffectivePolicies(access);
    policies = new Policies(access, clock);
    volumes = new Volumes(access, trash, clock);
    files = new VolumeFiles(access, locations);
    temporaryCredentials = new TemporaryCredentials(access);
    tags = new EntityTags(access, clock);
    connections = new Connections(database, access, seal, clock);
    constraints = new TableConstraints(access, clock);
    quotas = new ResourceQuotas(access, clock);
    allowlists = new ArtifactAllowlists(access, clock);
  }

  /** Brings what is sealed to the current key; how much was not. */
  public int reseal() {
    return connections.reseal();
  }

  /** Deletes for good what nobody has had back in time. */
  public void sweep() {
    trash.deleteDroppedBefore(clock.millis() - Dropped.KEPT.toMillis());
  }

  /** Takes up what a killed process left: samples half copied, folders of tables that are gone. */
  public void recover() {
    tables.discardStagedBefore(clock.millis() - UNCLAIMED.toMillis());
    for (long workspace :
        database.<List<Long>, RuntimeException>read(MetastoreDao::withoutDefaults)) {
      giveDefaults(workspaces.get(workspace));
    }
    sweep();
    trash.start();
    samples.resume();
  }

  private void giveDefaults(Place place) {
    People.Groups groups = access.people().ofWorkspace(place.workspaceId(), place.name());
    database.inTransaction(
        handle -> {
          Defaults.ofWorkspace(handle, place, groups, clock.millis());
          return null;
        });
  }

  /**
   * Provisioning step: the region's metastore, made by the first workspace, is the workspace's.
   * Nothing happens when it has one.
   */
  public void assignMetastore(Place place) {
    MetastoreInfo metastore = metastores.ofRegion(place.region());
    database.inTransaction(
        handle -> {
          if (MetastoreDao.assignment(handle, place.workspaceId()).isEmpty()) {
            MetastoreDao.assign(handle, place.workspaceId(), metastore.getMetastoreId(), "main");
          }
          return null;
        });
    giveDefaults(place);
  }

  /**
   * Provisioning step, after {@link #assignMetastore}: a catalog of the workspace's own in its root
   * bucket, seen nowhere else; it becomes the default one. Nothing happens when it is there.
   */
  public void createWorkspaceCatalog(Place place) {
    String name = catalogName(place.name());
    try {
      createWorkspaceCatalog(place, name);
    } catch (BadRequest e) {
      // Another catalog has the name: a workspace's id is nobody else's.
      createWorkspaceCatalog(place, name + "_" + place.workspaceId());
    }
  }

  private void createWorkspaceCatalog(Place place, String name) {
    People.Groups groups = access.people().ofWorkspace(place.workspaceId(), place.name());
    database.inTransaction(
        handle -> {
          if (Defaults.workspaceCatalog(handle, place.workspaceId()).isPresent()) {
            return null;
          }
          Securable metastore =
              Securables.metastoreOf(handle, place.workspaceId()).orElseThrow(Metastores::none);
          long now = clock.millis();
          Securable made =
              Catalogs.insert(
                  handle,
                  Securable.of(
                          UUID.randomUUID().toString(),
                          SecurableType.CATALOG,
                          "",
                          metastore,
                          name,
                          groups.admins(),
                          "s3://" + place.rootBucket() + "/unity-catalog/" + place.workspaceId(),
                          Json.write(
                              Catalogs.document(Securable.SYSTEM, now)
                                  .setComment("Catalog of the workspace " + place.name())))
                      .isolated(true),
                  "default");
          handle
              .createUpdate(
                  """
                  INSERT INTO workspace_catalog (workspace_id, securable_id)
                  VALUES (:workspace, :catalog)
                  """)
              .bind("workspace", place.workspaceId())
              .bind("catalog", made.id())
              .execute();
          Bindings.bind(
              handle,
              made,
              place.workspaceId(),
              WorkspaceBindingBindingType.BINDING_TYPE_READ_WRITE);
          Defaults.ofWorkspaceCatalog(handle, made, groups, now);
          MetastoreDao.assign(handle, place.workspaceId(), metastore.id(), name);
          return null;
        });
  }

  /** As the platform does it: what a name cannot have becomes an underscore. */
  private static String catalogName(String workspaceName) {
    StringBuilder name = new StringBuilder();
    workspaceName
        .toLowerCase(Locale.ROOT)
        .codePoints()
        .limit(200)
        .forEach(c -> name.appendCodePoint(Character.isLetterOrDigit(c) ? c : '_'));
    return Catalogs.RESERVED.contains(name.toString())
        ? name.append('_').toString()
        : name.toString();
  }

  /**
   * Takes a workspace's catalog with its managed data, and its assignment, away; returns when the
   * data is removed. Nothing happens when they are gone.
   */
  public void removeWorkspace(long workspaceId) {
    database.inTransaction(
        handle -> {
          Defaults.workspaceCatalog(handle, workspaceId)
              .ifPresent(catalog -> trash.delete(handle, catalog));
          Defaults.removeWorkspace(handle, workspaceId);
          return MetastoreDao.unassign(handle, workspaceId);
        });
    trash.empty();
  }

  /** Gives up what an engine that is gone was writing and never made a table of. */
  public void engineGone(String engineId) {
    tables.discardStagedBy(engineId);
  }

  /** The catalog in which a statement of the workspace runs when it does not say. */
  public Optional<String> defaultCatalog(long workspaceId) {
    return database.read(
        handle -> MetastoreDao.assignment(handle, workspaceId).map(a -> a.getDefaultCatalogName()));
  }

  /** The catalog of a workspace's own, once it is there. */
  public Optional<String> workspaceCatalog(long workspaceId) {
    return database.read(
        handle -> Defaults.workspaceCatalog(handle, workspaceId).map(Securable::name));
  }

  /** {@code loading} or {@code ready}; null before there is a metastore. */
  public String samplesState() {
    return samples.state();
  }

  public void routes(Routes routes) {
    routes.mount(AccountMetastoresService.class, accountMetastores);
    routes.mountOwn(accountMetastores);
    routes.mount(AccountMetastoreAssignmentsService.class, assignments);
    routes.mount(MetastoresService.class, metastores);
    routes.mount(CatalogsService.class, catalogs);
    routes.mount(SchemasService.class, schemas);
    routes.mount(TablesService.class, tables);
    routes.mountOwn(tables);
    routes.mountOwn(dropped);
    routes.mount(StorageCredentialsService.class, credentials);
    routes.mount(CredentialsService.class, credentials);
    routes.mount(ExternalLocationsService.class, externalLocations);
    routes.mount(StorageCredentialsService.class, externalLocations);
    routes.mount(FunctionsService.class, functions);
    routes.mountOwn(functions);
    routes.mountOwn(tablePolicies);
    routes.mount(RegisteredModelsService.class, models);
    routes.mount(ModelVersionsService.class, modelVersions);
    routes.mountOwn(modelVersions);
    routes.mountOwn(effectivePolicies);
    routes.mount(PoliciesService.class, policies);
    routes.mount(VolumesService.class, volumes);
    routes.mount(FilesService.class, files);
    routes.mountOwn(files);
    routes.mount(TemporaryTableCredentialsService.class, temporaryCredentials);
    routes.mount(TemporaryVolumeCredentialsService.class, temporaryCredentials);
    routes.mount(TemporaryPathCredentialsService.class, temporaryCredentials);
    routes.mountOwn(temporaryCredentials);
    routes.mount(EntityTagAssignmentsService.class, tags);
    routes.mount(ConnectionsService.class, connections);
    routes.mount(TableConstraintsService.class, constraints);
    routes.mount(ResourceQuotasService.class, quotas);
    routes.mount(ArtifactAllowlistsService.class, allowlists);
  }

  @Override
  public void close() {
    trash.close();
    samples.close();
  }
}
