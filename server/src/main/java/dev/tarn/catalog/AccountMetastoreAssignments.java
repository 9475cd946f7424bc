package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.AccountsCreateMetastoreAssignment;
import com.databricks.sdk.service.catalog.AccountsCreateMetastoreAssignmentResponse;
import com.databricks.sdk.service.catalog.AccountsDeleteMetastoreAssignmentResponse;
import com.databricks.sdk.service.catalog.AccountsMetastoreAssignment;
import com.databricks.sdk.service.catalog.AccountsUpdateMetastoreAssignment;
import com.databricks.sdk.service.catalog.AccountsUpdateMetastoreAssignmentResponse;
import com.databricks.sdk.service.catalog.DeleteAccountMetastoreAssignmentRequest;
import com.databricks.sdk.service.catalog.GetAccountMetastoreAssignmentRequest;
import com.databricks.sdk.service.catalog.ListAccountMetastoreAssignmentsRequest;
import com.databricks.sdk.service.catalog.ListAccountMetastoreAssignmentsResponse;
import com.databricks.sdk.service.catalog.MetastoreAssignment;
import com.databricks.sdk.service.catalog.MetastoreInfo;
import com.databricks.sdk.service.catalog.SecurableType;
import dev.tarn.access.Names;
import dev.tarn.access.People;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Database;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** {@code /api/2.0/accounts/{account_id}/workspaces/{workspace_id}/metastores/{metastore_id}}. */
public final class AccountMetastoreAssignments {
  private final Database database;
  private final Catalog.Workspaces workspaces;
  private final People people;
  private final Clock clock;

  AccountMetastoreAssignments(
      Database database, Catalog.Workspaces workspaces, People people, Clock clock) {
    this.database = database;
    this.workspaces = workspaces;
    this.people = people;
    this.clock = clock;
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public AccountsCreateMetastoreAssignmentResponse create(
      Caller caller, AccountsCreateMetastoreAssignment request) {
    var asked = request.getMetastoreAssignment();
    assign(
        request.getWorkspaceId(),
        request.getMetastoreId(),
        asked == null ? null : asked.getDefaultCatalogName());
    return new AccountsCreateMetastoreAssignmentResponse();
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public AccountsUpdateMetastoreAssignmentResponse update(
      Caller caller, AccountsUpdateMetastoreAssignment request) {
    var asked = request.getMetastoreAssignment();
    change(
        request.getWorkspaceId(),
        asked == null || asked.getMetastoreId() == null
            ? request.getMetastoreId()
            : asked.getMetastoreId(),
        asked == null ? null : asked.getDefaultCatalogName());
    return new AccountsUpdateMetastoreAssignmentResponse();
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public AccountsMetastoreAssignment get(
      Caller caller, GetAccountMetastoreAssignmentRequest request) {
    return new AccountsMetastoreAssignment()
        .setMetastoreAssignment(
            database
                .<Optional<MetastoreAssignment>, RuntimeException>read(
                    handle -> MetastoreDao.assignment(handle, request.getWorkspaceId()))
                .orElseThrow(() -> none(request.getWorkspaceId())));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public ListAccountMetastoreAssignmentsResponse list(
      Caller caller, ListAccountMetastoreAssignmentsRequest request) {
    return database.read(
        handle -> {
          MetastoreInfo metastore = metastore(handle, request.getMetastoreId());
          return new ListAccountMetastoreAssignmentsResponse()
              .setWorkspaceIds(MetastoreDao.workspaces(handle, metastore.getMetastoreId()));
        });
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public AccountsDeleteMetastoreAssignmentResponse delete(
      Caller caller, DeleteAccountMetastoreAssignmentRequest request) {
    unassign(request.getWorkspaceId(), request.getMetastoreId());
    return new AccountsDeleteMetastoreAssignmentResponse();
  }

  /** Gives a workspace its metastore, or another one; null leaves the default catalog at main. */
  void assign(Long workspaceId, String metastoreId, String defaultCatalog) {
    Catalog.Place place = workspaces.get(workspaceId == null ? 0 : workspaceId);
    People.Groups groups = people.ofWorkspace(place.workspaceId(), place.name());
    database.inTransaction(
        handle -> {
          MetastoreInfo metastore = metastore(handle, metastoreId);
          if (!metastore.getRegion().equals(place.region())) {
            throw new InvalidParameterValue(
                "metastore_id: "
                    + Names.shown(metastoreId)
                    + " of region "
                    + metastore.getRegion()
                    + " (expected: the metastore of the workspace's region "
                    + place.region()
                    + ")",
                null);
          }
          MetastoreDao.assign(
              handle,
              place.workspaceId(),
              metastore.getMetastoreId(),
              existing(handle, metastore, defaultCatalog == null ? "main" : defaultCatalog));
          Defaults.ofWorkspace(handle, place, groups, clock.millis());
          Securables.changed(handle, metastore.getMetastoreId());
          return null;
        });
  }

  /** Changes what is given of an assignment that is there. */
  void change(Long workspaceId, String metastoreId, String defaultCatalog) {
    MetastoreAssignment before =
        database
            .<Optional<MetastoreAssignment>, RuntimeException>read(
                handle -> MetastoreDao.assignment(handle, workspaceId == null ? 0 : workspaceId))
            .orElseThrow(() -> none(workspaceId));
    boolean sameMetastore = metastoreId == null || metastoreId.equals(before.getMetastoreId());
    assign(
        workspaceId,
        sameMetastore ? before.getMetastoreId() : metastoreId,
        defaultCatalog == null && sameMetastore ? before.getDefaultCatalogName() : defaultCatalog);
  }

  void unassign(Long workspaceId, String metastoreId) {
    database.inTransaction(
        handle -> {
          long workspace = workspaceId == null ? 0 : workspaceId;
          if (MetastoreDao.assignment(handle, workspace)
              .filter(assignment -> assignment.getMetastoreId().equals(metastoreId))
              .isEmpty()) {
            throw none(workspaceId);
          }
          return MetastoreDao.unassign(handle, workspace);
        });
  }

  private static String existing(Handle handle, MetastoreInfo metastore, String catalog) {
    String name = Names.stored(catalog);
    Securable row = Securables.metastore(handle, metastore.getMetastoreId()).orElseThrow();
    if (Securables.child(handle, row, SecurableType.CATALOG, name).isEmpty()) {
      throw new NotFound(
          "CATALOG_DOES_NOT_EXIST", "Catalog " + Names.shown(name) + " does not exist.", null);
    }
    return name;
  }

  private static MetastoreInfo metastore(Handle handle, String id) {
    return MetastoreDao.find(handle, id == null ? "" : id)
        .orElseThrow(() -> Metastores.missing(id));
  }

  private static NotFound none(Long workspaceId) {
    return new NotFound(
        "METASTORE_DOES_NOT_EXIST",
        "Workspace " + workspaceId + " has no such metastore assignment.",
        null);
  }
}
