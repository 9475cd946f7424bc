package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.service.catalog.CreateExternalLocation;
import com.databricks.sdk.service.catalog.DeleteExternalLocationRequest;
import com.databricks.sdk.service.catalog.ExternalLocationInfo;
import com.databricks.sdk.service.catalog.GetExternalLocationRequest;
import com.databricks.sdk.service.catalog.IsolationMode;
import com.databricks.sdk.service.catalog.ListExternalLocationsRequest;
import com.databricks.sdk.service.catalog.ListExternalLocationsResponse;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.UpdateExternalLocation;
import com.databricks.sdk.service.catalog.ValidateStorageCredential;
import com.databricks.sdk.service.catalog.ValidateStorageCredentialResponse;
import com.databricks.sdk.service.catalog.ValidationResult;
import com.databricks.sdk.service.catalog.ValidationResultOperation;
import com.databricks.sdk.service.catalog.ValidationResultResult;
import dev.tarn.access.Access;
import dev.tarn.access.Bindings;
import dev.tarn.access.Names;
import dev.tarn.access.Page;
import dev.tarn.access.Paths;
import dev.tarn.access.Privilege;
import dev.tarn.access.Rights;
import dev.tarn.access.Securable;
import dev.tarn.access.Securables;
import dev.tarn.database.Json;
import dev.tarn.http.Allow;
import dev.tarn.http.Caller;
import dev.tarn.http.Ignores;
import dev.tarn.http.Presence;
import dev.tarn.http.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * {@code /api/2.1/unity-catalog/external-locations}, {@code /validate-storage-credentials}: folders
 * of buckets in which external tables and volumes, managed storage and bare files may be.
 *
 * <p>A location must be reached by its credential. There is no IAM that would say so: a role gets
 * at the buckets of its own stack, and who manages a location may make narrower ones in it.
 * Otherwise locations do not overlap, so nobody makes one over what belongs to others, such as the
 * root bucket of another workspace.
 */
public final class ExternalLocations {
  private static final int PAGE = 1000;
  private static final String ALWAYS =
      "skip_validation: a location's bucket must be there and within reach of the credential in"
          + " any case";

  private final Access access;
  private final Locations locations;
  private final Catalog.Reach reach;
  private final Clock clock;

  ExternalLocations(Access access, Locations locations, Catalog.Reach reach, Clock clock) {
    this.access = access;
    this.locations = locations;
    this.reach = reach;
    this.clock = clock;
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores({
    ALWAYS,
    "effective_enable_file_events: is an answer's field",
    "effective_file_event_queue: is an answer's field"
  })
  public ExternalLocationInfo create(Caller caller, CreateExternalLocation request) {
    refuseEvents(request.getEnableFileEvents(), request.getFileEventQueue(), request.getFallback());
    Catalogs.refuse("encryption_details", request.getEncryptionDetails());
    String name = Names.valid("name", request.getName());
    String url = Paths.canonical("url", request.getUrl());
    boolean readOnly = Boolean.TRUE.equals(request.getReadOnly());
    long now = clock.millis();
    ExternalLocationInfo document =
        new ExternalLocationInfo()
            .setComment(request.getComment())
            .setEnableFileEvents(request.getEnableFileEvents())
            .setFallback(Boolean.FALSE)
            .setCreatedAt(now)
            .setCreatedBy(caller.name())
            .setUpdatedAt(now)
            .setUpdatedBy(caller.name());
    return access.write(
        caller,
        rights -> {
          rights.require(Privilege.CREATE_EXTERNAL_LOCATION, rights.metastore());
          Securable credential = Credentials.forStorage(rights, request.getCredentialName());
          rights.require(Privilege.CREATE_EXTERNAL_LOCATION, credential);
          Securable wanted =
              Securable.of(
                      UUID.randomUUID().toString(),
                      SecurableType.EXTERNAL_LOCATION,
                      "",
                      rights.metastore(),
                      name,
                      rights.principalId(),
                      url,
                      Json.write(document))
                  .using(credential.id())
                  .readOnly(readOnly);
          requirePlace(rights, wanted, credential);
          return info(rights, rights.insert(wanted), null);
        });
  }

  private static void refuseEvents(Boolean events, Object queue, Boolean fallback) {
    Catalogs.refuse("enable_file_events", Boolean.TRUE.equals(events) ? events : null);
    Catalogs.refuse("file_event_queue", queue);
    Catalogs.refuse("fallback", Boolean.TRUE.equals(fallback) ? fallback : null);
  }

  /**
   * Asks whether a location may be where it is to be: nobody else's, no managed storage, and
   * reached by its credential.
   */
  private void requirePlace(Rights rights, Securable wanted, Securable credential) {
    String url = wanted.storageLocation();
    if (!wanted.readOnly() && Credentials.isReadOnly(credential)) {
      throw new InvalidParameterValue(
          "read_only: false (expected: true, as Credential "
              + Names.shown(credential.name())
              + " is read-only)",
          null);
    }
    boolean inOwn = false;
    for (Securable other :
        Securables.overlapping(
            rights.handle(),
            url,
            Set.of(
                SecurableType.EXTERNAL_LOCATION,
                SecurableType.METASTORE,
                SecurableType.CATALOG,
                SecurableType.SCHEMA))) {
      if (other.id().equals(wanted.id())) {
        continue;
      }
      boolean inOther = Paths.isIn(url, other.storageLocation());
      if (other.type() == SecurableType.EXTERNAL_LOCATION) {
        if (!inOther || url.equals(other.storageLocation()) || !rights.manages(other)) {
          throw Locations.overlap(url, "other external locations");
        }
        inOwn = true;
      } else if (inOther || other.type() == SecurableType.METASTORE) {
        throw Locations.overlap(url, "managed storage");
      }
    }
    if (url.indexOf('/', Paths.SCHEME.length()) > 0 && Paths.isPlatforms(url)) {
      throw Locations.overlap(url, "managed storage");
    }
    if (!inOwn && !reaches(rights, credential, url)) {
      throw new InvalidParameterValue(
          "url: "
              + Names.shown(url)
              + " (expected: a folder of a bucket that the role of Credential "
              + Names.shown(credential.name())
              + " gets at, which here is one of the same stack; or in an external location that"
              + " you manage)",
          null);
    }
  }

  private boolean reaches(Rights rights, Securable credential, String url) {
    var role = Credentials.document(credential).getAwsIamRole();
    return role != null && reach.reaches(rights.handle(), role.getRoleArn(), Locations.bucket(url));
  }

  private static ExternalLocationInfo document(Securable location) {
    return Json.read(location.document(), ExternalLocationInfo.class);
  }

  private static ExternalLocationInfo info(Rights rights, Securable location, Boolean browse) {
    ExternalLocationInfo info =
        document(location)
            .setName(location.name())
            .setUrl(location.storageLocation())
            .setOwner(location.owner())
            .setMetastoreId(location.metastoreId())
            .setReadOnly(location.readOnly())
            .setIsolationMode(Credentials.isolation(location))
            .setCredentialId(location.usesId());
    Securables.find(rights.handle(), location.usesId())
        .ifPresent(credential -> info.setCredentialName(credential.name()));
    return info.setBrowseOnly(rights.browseOnly(location, browse));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ExternalLocationInfo get(Caller caller, GetExternalLocationRequest request) {
    return access.read(
        caller,
        rights ->
            info(
                rights,
                rights.seen(
                    SecurableType.EXTERNAL_LOCATION, request.getName(), request.getIncludeBrowse()),
                request.getIncludeBrowse()));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores("include_unbound: locations of other workspaces are not shown")
  public ListExternalLocationsResponse list(Caller caller, ListExternalLocationsRequest request) {
    int size = Page.size(request.getMaxResults(), PAGE, Page.ALL);
    return access.read(
        caller,
        rights -> {
          Page<Securable> page =
              rights.page(
                  rights.metastore(),
                  SecurableType.EXTERNAL_LOCATION,
                  "",
                  request.getIncludeBrowse(),
                  Page.after(request.getPageToken()),
                  size);
          return new ListExternalLocationsResponse()
              .setExternalLocations(
                  page.items().stream()
                      .map(location -> info(rights, location, request.getIncludeBrowse()))
                      .toList())
              .setNextPageToken(page.next());
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores({
    ALWAYS,
    "effective_enable_file_events: is an answer's field",
    "effective_file_event_queue: is an answer's field"
  })
  public ExternalLocationInfo update(
      Caller caller, UpdateExternalLocation request, Presence presence) {
    refuseEvents(request.getEnableFileEvents(), request.getFileEventQueue(), request.getFallback());
    Catalogs.refuse("encryption_details", request.getEncryptionDetails());
    String newName = Names.validOrNull("new_name", request.getNewName());
    String url = request.getUrl() == null ? null : Paths.canonical("url", request.getUrl());
    Long owner = access.principal(request.getOwner());
    return access.write(
        caller,
        rights -> {
          Securable before = rights.get(SecurableType.EXTERNAL_LOCATION, request.getName());
          rights.requireManages(before);
          ExternalLocationInfo document =
              document(before).setUpdatedAt(clock.millis()).setUpdatedBy(caller.name());
          if (presence.has("comment")) {
            document.setComment(request.getComment());
          }
          if (request.getEnableFileEvents() != null) {
            document.setEnableFileEvents(request.getEnableFileEvents());
          }
          Securable after = before.named(newName).ownedBy(owner).with(Json.write(document));
          if (request.getReadOnly() != null) {
            after = after.readOnly(request.getReadOnly());
          }
          if (url != null && !url.equals(before.storageLocation())) {
            if (!Boolean.TRUE.equals(request.getForce())) {
              refuseUsed(rights, before);
            }
            after = after.at(url);
          }
          after = placed(rights, before, after, request.getCredentialName());
          if (request.getIsolationMode() != null) {
            after =
                Bindings.isolate(
                    rights.handle(),
                    after,
                    request.getIsolationMode() == IsolationMode.ISOLATION_MODE_ISOLATED,
                    rights.workspaceId());
          }
          return info(rights, rights.update(before, after), null);
        });
  }

  /** With its credential; asked again where it may be, if that or what it may do changes. */
  private Securable placed(
      Rights rights, Securable before, Securable wanted, String credentialName) {
    Securable after = wanted;
    Securable credential = Securables.find(rights.handle(), before.usesId()).orElse(null);
    if (credentialName != null
        && (credential == null || !credential.name().equals(Names.stored(credentialName)))) {
      credential = Credentials.forStorage(rights, credentialName);
      rights.require(Privilege.CREATE_EXTERNAL_LOCATION, credential);
      after = after.using(credential.id());
    }
    boolean moved =
        !Objects.equals(after.storageLocation(), before.storageLocation())
            || !Objects.equals(after.usesId(), before.usesId())
            || (before.readOnly() && !after.readOnly());
    if (moved) {
      if (credential == null) {
        throw new InvalidState(
            before.shown() + " has no credential any more (expected: credential_name)", null);
      }
      requirePlace(rights, after, credential);
    }
    return after;
  }

  private static void refuseUsed(Rights rights, Securable location) {
    for (Securable user :
        Securables.overlapping(
            rights.handle(),
            location.storageLocation(),
            Set.of(
                SecurableType.TABLE,
                SecurableType.VOLUME,
                SecurableType.FUNCTION,
                SecurableType.CATALOG,
                SecurableType.SCHEMA))) {
      if (Paths.isIn(user.storageLocation(), location.storageLocation())) {
        throw new InvalidState(
            location.shown()
                + " is used by tables, volumes, models or managed storage (expected: none, or"
                + " force)",
            null);
      }
    }
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteExternalLocationRequest request) {
    access.write(
        caller,
        rights -> {
          Securable location = rights.get(SecurableType.EXTERNAL_LOCATION, request.getName());
          rights.requireManages(location);
          if (!Boolean.TRUE.equals(request.getForce())) {
            refuseUsed(rights, location);
          }
          Securables.delete(rights.handle(), location);
          return null;
        });
  }

  // validate-storage-credentials

  /** What is to be tried, once it is known that the caller may. */
  private record Trial(String url, boolean readOnly, boolean inReach) {}

  /**
   * Tries a credential on a folder, for who may make locations with it. What a role may is known as
   * far as {@link Catalog.Reach} says; the rest is done.
   */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public ValidateStorageCredentialResponse validate(
      Caller caller, ValidateStorageCredential request) {
    Catalogs.refuse("azure_managed_identity", request.getAzureManagedIdentity());
    Catalogs.refuse("azure_service_principal", request.getAzureServicePrincipal());
    Catalogs.refuse("cloudflare_api_token", request.getCloudflareApiToken());
    Catalogs.refuse("databricks_gcp_service_account", request.getDatabricksGcpServiceAccount());
    String arn =
        request.getAwsIamRole() == null
            ? null
            : Credentials.roleArn(request.getAwsIamRole().getRoleArn());
    if ((arn == null) == (request.getStorageCredentialName() == null)
        || (request.getUrl() == null && request.getExternalLocationName() == null)) {
      throw new InvalidParameterValue(
          "expected: storage_credential_name or aws_iam_role, and url or external_location_name",
          null);
    }
    String given = request.getUrl() == null ? null : Paths.canonical("url", request.getUrl());
    return results(access.read(caller, rights -> trial(rights, request, arn, given)));
  }

  private Trial trial(
      Rights rights, ValidateStorageCredential request, String arn, String givenUrl) {
    rights.require(Privilege.CREATE_EXTERNAL_LOCATION, rights.metastore());
    boolean readOnly = Boolean.TRUE.equals(request.getReadOnly());
    Securable location =
        request.getExternalLocationName() == null
            ? null
            : rights.seen(
                SecurableType.EXTERNAL_LOCATION, request.getExternalLocationName(), false);
    String url = givenUrl == null ? location.storageLocation() : givenUrl;
    boolean inReach;
    if (arn != null) {
      rights.require(Privilege.CREATE_STORAGE_CREDENTIAL, rights.metastore());
      inReach = reach.reaches(rights.handle(), arn, Locations.bucket(url));
    } else {
      Securable credential = Credentials.forStorage(rights, request.getStorageCredentialName());
      rights.require(Privilege.CREATE_EXTERNAL_LOCATION, credential);
      readOnly |= Credentials.isReadOnly(credential);
      Securable covering = rights.location(url);
      inReach =
          reaches(rights, credential, url)
              || (covering != null
                  && credential.id().equals(covering.usesId())
                  && rights.can(Privilege.READ_FILES, covering));
    }
    return new Trial(url, readOnly, inReach);
  }

  private ValidateStorageCredentialResponse results(Trial trial) {
    List<ValidationResult> results = new ArrayList<>();
    if (!trial.inReach() || !locations.bucketExists(trial.url())) {
      String why =
          trial.inReach()
              ? "the bucket does not exist"
              : "the bucket is not within reach of the credential";
      for (ValidationResultOperation operation : ValidationResultOperation.values()) {
        results.add(result(operation, ValidationResultResult.FAIL, why));
      }
      return new ValidateStorageCredentialResponse().setIsDir(false).setResults(results);
    }
    Path folder = locations.folder(trial.url());
    boolean there = Files.isDirectory(folder);
    results.add(
        result(
            ValidationResultOperation.PATH_EXISTS,
            there ? ValidationResultResult.PASS : ValidationResultResult.FAIL,
            there ? null : "nothing is at this path yet"));
    results.add(tried(ValidationResultOperation.LIST, () -> list(folder)));
    results.add(tried(ValidationResultOperation.READ, () -> list(folder)));
    if (trial.readOnly()) {
      for (ValidationResultOperation operation :
          List.of(ValidationResultOperation.WRITE, ValidationResultOperation.DELETE)) {
        results.add(result(operation, ValidationResultResult.SKIP, "the credential is read-only"));
      }
    } else {
      Path probe =
          locations.bucketFolder(trial.url()).resolve(".tarn-validation-" + UUID.randomUUID());
      results.add(tried(ValidationResultOperation.WRITE, () -> Files.createFile(probe)));
      results.add(tried(ValidationResultOperation.DELETE, () -> Files.delete(probe)));
    }
    return new ValidateStorageCredentialResponse().setIsDir(there).setResults(results);
  }

  /** Whatever is in it, one look shows whether looking works. */
  private static long list(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return 0;
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.limit(1).count();
    }
  }

  /** What a trial does. */
  private interface Deed {
    void run() throws IOException;
  }

  private static ValidationResult tried(ValidationResultOperation operation, Deed deed) {
    try {
      deed.run();
      return result(operation, ValidationResultResult.PASS, null);
    } catch (IOException e) {
      return result(operation, ValidationResultResult.FAIL, e.getClass().getSimpleName());
    }
  }

  private static ValidationResult result(
      ValidationResultOperation operation, ValidationResultResult result, String message) {
    return new ValidationResult().setOperation(operation).setResult(result).setMessage(message);
  }
}
