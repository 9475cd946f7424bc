package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.service.catalog.AccountMetastoreAssignmentsService;
import com.databricks.sdk.service.catalog.AccountMetastoresService;
import com.databricks.sdk.service.catalog.CatalogInfo;
import com.databricks.sdk.service.catalog.CatalogsService;
import com.databricks.sdk.service.catalog.MetastoreInfo;
import com.databricks.sdk.service.catalog.MetastoresService;
import com.databricks.sdk.service.catalog.SchemasService;
import com.databricks.sdk.service.catalog.TablesService;
import dev.tarn.database.Database;
import dev.tarn.http.Routes;
import dev.tarn.storage.Buckets;
import java.time.Clock;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;

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

  private final Database database;
  private final Clock clock;
  private final Trash trash;
  final Samples samples;
  final Metastores metastores;
  final AccountMetastores accountMetastores;
  final AccountMetastoreAssignments assignments;
  final Catalogs catalogs;
  final Schemas schemas;
  final Tables tables;

  /**
   * @param principals whether a user, group or service principal has that name
   */
  public Catalog(
      Database database,
      Buckets buckets,
      Clock clock,
      Workspaces workspaces,
      Predicate<String> principals) {
    this.database = database;
    this.clock = clock;
    Locations locations = new Locations(buckets);
    trash = new Trash(database, locations, clock);
    samples = new Samples(database, buckets, clock);
    assignments = new AccountMetastoreAssignments(database, workspaces);
    metastores = new Metastores(database, buckets, samples, clock, assignments);
    accountMetastores =
        new AccountMetastores(database, metastores, samples, locations, trash, clock, principals);
    catalogs = new Catalogs(database, trash, clock, workspaces, principals);
    schemas = new Schemas(database, trash, clock, workspaces, principals);
    tables = new Tables(database, trash, clock, workspaces, principals);
  }

  /** Takes up what a killed process left: samples half copied, folders of tables that are gone. */
  public void recover() {
    tables.discardStagedBefore(clock.millis() - UNCLAIMED.toMillis());
    trash.start();
    samples.resume();
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
    database.inTransaction(
        handle -> {
          if (CatalogDao.ofWorkspace(handle, place.workspaceId()).isPresent()) {
            return null;
          }
          MetastoreInfo metastore = Metastores.assigned(handle, place.workspaceId());
          CatalogInfo document =
              Catalogs.document(
                      "_workspace_admins_"
                          + place.name().toLowerCase(Locale.ROOT)
                          + "_"
                          + place.workspaceId(),
                      clock.millis())
                  .setComment("Catalog of the workspace " + place.name());
          Catalogs.insert(
              handle,
              new CatalogDao.Row(
                  UUID.randomUUID().toString(),
                  metastore.getMetastoreId(),
                  name,
                  "s3://" + place.rootBucket() + "/unity-catalog/" + place.workspaceId(),
                  true,
                  false,
                  place.workspaceId(),
                  place.workspaceId(),
                  document),
              "default");
          MetastoreDao.assign(handle, place.workspaceId(), metastore.getMetastoreId(), name);
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
          Optional<CatalogDao.Row> own = CatalogDao.ofWorkspace(handle, workspaceId);
          own.ifPresent(catalog -> Catalogs.deleteWithContent(handle, catalog, trash));
          return MetastoreDao.unassign(handle, workspaceId);
        });
    trash.empty();
  }

  /** Gives up what an engine that is gone was writing and never made a table of. */
  public void engineGone(String engineId) {
    tables.discardStagedBy(engineId);
  }

  /**
   * Another text whenever the workspace would see another set of catalogs; "" without a metastore.
   */
  public String catalogsVersion(long workspaceId) {
    return database
        .<Optional<String>, RuntimeException>read(
            handle -> MetastoreDao.catalogsVersion(handle, workspaceId))
        .orElse("");
  }

  /** The catalog in which a statement of the workspace runs when it does not say. */
  public Optional<String> defaultCatalog(long workspaceId) {
    return database.read(
        handle -> MetastoreDao.assignment(handle, workspaceId).map(a -> a.getDefaultCatalogName()));
  }

  /** The catalog of a workspace's own, once it is there. */
  public Optional<String> workspaceCatalog(long workspaceId) {
    return database.read(
        handle -> CatalogDao.ofWorkspace(handle, workspaceId).map(CatalogDao.Row::name));
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
  }

  @Override
  public void close() {
    trash.close();
    samples.close();
  }
}
