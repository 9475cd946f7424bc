package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.service.catalog.AccountsCreateMetastore;
import com.databricks.sdk.service.catalog.AccountsCreateMetastoreResponse;
import com.databricks.sdk.service.catalog.AccountsDeleteMetastoreResponse;
import com.databricks.sdk.service.catalog.AccountsGetMetastoreResponse;
import com.databricks.sdk.service.catalog.AccountsListMetastoresResponse;
import com.databricks.sdk.service.catalog.AccountsUpdateMetastore;
import com.databricks.sdk.service.catalog.AccountsUpdateMetastoreResponse;
import com.databricks.sdk.service.catalog.CreateAccountsMetastore;
import com.databricks.sdk.service.catalog.DeleteAccountMetastoreRequest;
import com.databricks.sdk.service.catalog.GetAccountMetastoreRequest;
import com.databricks.sdk.service.catalog.MetastoreInfo;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.UpdateAccountsMetastore;
import dev.tarn.access.Access;
import dev.tarn.access.Names;
import dev.tarn.access.Paths;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Database;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Operation;
import dev.tarn.http.Role;
import java.time.Clock;
import java.util.List;
import org.jdbi.v3.core.Handle;

/** {@code /api/2.0/accounts/{account_id}/metastores}. */
public final class AccountMetastores {
  private final Database database;
  private final Metastores metastores;
  private final Samples samples;
  private final Locations locations;
  private final Trash trash;
  private final Clock clock;
  private final Access access;

  AccountMetastores(
      Database database,
      Metastores metastores,
      Samples samples,
      Locations locations,
      Trash trash,
      Clock clock,
      Access access) {
    this.database = database;
    this.metastores = metastores;
    this.samples = samples;
    this.locations = locations;
    this.trash = trash;
    this.clock = clock;
    this.access = access;
  }

  public record StatusRequest(String accountId) {}

  /** {@code samples}: see {@link Catalog#samplesState}. */
  public record StatusResponse(String samples) {}

  /** What goes on in the background and no object shows. */
  @Allow(Role.ACCOUNT_ADMIN)
  @Operation("GET /api/2.0/accounts/{account_id}/tarn/status")
  public StatusResponse status(Caller caller, StatusRequest request) {
    return new StatusResponse(samples.state());
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public AccountsCreateMetastoreResponse create(Caller caller, AccountsCreateMetastore request) {
    CreateAccountsMetastore asked =
        request.getMetastoreInfo() == null
            ? new CreateAccountsMetastore()
            : request.getMetastoreInfo();
    String name = Names.valid("metastore_info.name", asked.getName());
    String region = asked.getRegion();
    if (region == null || !region.matches("[a-z]{2}(-[a-z]+)+-\\d")) {
      throw new InvalidParameterValue(
          "metastore_info.region: "
              + Names.shown(region)
              + " (expected: an AWS region such as us-east-1)",
          null);
    }
    String root = null;
    if (asked.getStorageRoot() != null && !asked.getStorageRoot().isEmpty()) {
      root = Paths.canonical("metastore_info.storage_root", asked.getStorageRoot());
      if (!locations.bucketExists(root)) {
        throw new InvalidParameterValue(
            "metastore_info.storage_root: "
                + Names.shown(root)
                + " (expected: a folder in a bucket that exists)",
            null);
      }
    }
    refuseExternalAccess(asked.getExternalAccessEnabled());
    MetastoreInfo metastore =
        metastores.make(name, region, root, caller.name(), Long.parseLong(caller.principalId()));
    samples.load(metastore);
    return new AccountsCreateMetastoreResponse().setMetastoreInfo(metastore);
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public AccountsGetMetastoreResponse get(Caller caller, GetAccountMetastoreRequest request) {
    return new AccountsGetMetastoreResponse().setMetastoreInfo(find(request.getMetastoreId()));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public AccountsListMetastoresResponse list(Caller caller) {
    return new AccountsListMetastoresResponse()
        .setMetastores(database.<List<MetastoreInfo>, RuntimeException>read(MetastoreDao::list));
  }

  @Allow(Role.ACCOUNT_ADMIN)
  public AccountsUpdateMetastoreResponse update(Caller caller, AccountsUpdateMetastore request) {
    UpdateAccountsMetastore change =
        request.getMetastoreInfo() == null
            ? new UpdateAccountsMetastore()
            : request.getMetastoreInfo();
    refuseExternalAccess(change.getExternalAccessEnabled());
    Catalogs.refuse(
        "metastore_info.delta_sharing_organization_name", change.getDeltaSharingOrganizationName());
    Catalogs.refuse("metastore_info.delta_sharing_scope", change.getDeltaSharingScope());
    Catalogs.refuse(
        "metastore_info.storage_root_credential_id", change.getStorageRootCredentialId());
    Catalogs.refuse("metastore_info.privilege_model_version", change.getPrivilegeModelVersion());
    Long owner = access.principal(change.getOwner());
    return database.inTransaction(
        handle -> {
          MetastoreInfo metastore =
              MetastoreDao.find(handle, request.getMetastoreId())
                  .orElseThrow(() -> Metastores.missing(request.getMetastoreId()));
          metastore.setUpdatedAt(clock.millis()).setUpdatedBy(caller.name());
          MetastoreDao.update(handle, metastore);
          Securable row = Securables.find(handle, metastore.getMetastoreId()).orElseThrow();
          metastore.setOwner(Securables.update(handle, row, row.ownedBy(owner)).owner());
          return new AccountsUpdateMetastoreResponse().setMetastoreInfo(metastore);
        });
  }

  private static void refuseExternalAccess(Boolean enabled) {
    if (Boolean.TRUE.equals(enabled)) {
      throw new InvalidParameterValue(
          "metastore_info.external_access_enabled: true (expected: false; credential vending is"
              + " not built)",
          null);
    }
  }

  /** Refused while a workspace has it; with {@code force} its catalogs and their data go too. */
  @Allow(Role.ACCOUNT_ADMIN)
  public AccountsDeleteMetastoreResponse delete(
      Caller caller, DeleteAccountMetastoreRequest request) {
    database.inTransaction(
        handle -> {
          MetastoreInfo metastore =
              MetastoreDao.find(handle, request.getMetastoreId())
                  .orElseThrow(() -> Metastores.missing(request.getMetastoreId()));
          List<Long> workspaces = MetastoreDao.workspaces(handle, metastore.getMetastoreId());
          List<Securable> catalogs =
              Securables.all(
                  handle,
                  Securables.metastore(handle, metastore.getMetastoreId()).orElseThrow(),
                  SecurableType.CATALOG);
          boolean force = Boolean.TRUE.equals(request.getForce());
          if (!workspaces.isEmpty()
              || (!force && catalogs.stream().anyMatch(c -> !isAsMade(handle, c)))) {
            throw new BadRequest(
                "METASTORE_NOT_EMPTY",
                "Metastore "
                    + Names.shown(metastore.getName())
                    + " is in use: workspaces "
                    + workspaces
                    + ", catalogs "
                    + catalogs.stream().map(Securable::name).toList()
                    + " (expected: no workspace; no catalog but samples and an empty main, or force)",
                null);
          }
          for (Securable catalog : catalogs) {
            if (catalog.readOnly()) {
              Securables.delete(handle, catalog); // the files of samples stay, for the next one
            } else {
              trash.delete(handle, catalog);
            }
          }
          MetastoreDao.delete(handle, metastore.getMetastoreId());
          return null;
        });
    trash.wake();
    return new AccountsDeleteMetastoreResponse();
  }

  /** Whether it came with the metastore and nobody put a table into it. */
  private static boolean isAsMade(Handle handle, Securable catalog) {
    return catalog.readOnly()
        || (catalog.name().equals("main")
            && Securables.all(handle, catalog, SecurableType.SCHEMA).stream()
                .allMatch(schema -> Securables.count(handle, schema).isEmpty()));
  }

  private MetastoreInfo find(String id) {
    return database
        .<java.util.Optional<MetastoreInfo>, RuntimeException>read(
            handle -> MetastoreDao.find(handle, id))
        .orElseThrow(() -> Metastores.missing(id));
  }
}
