package dev.tarn.catalog;

import com.databricks.sdk.core.error.platform.BadRequest;
import com.databricks.sdk.core.error.platform.InvalidParameterValue;
import com.databricks.sdk.core.error.platform.InvalidState;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.catalog.AwsIamRole;
import com.databricks.sdk.service.catalog.AwsIamRoleRequest;
import com.databricks.sdk.service.catalog.AwsIamRoleResponse;
import com.databricks.sdk.service.catalog.CreateCredentialRequest;
import com.databricks.sdk.service.catalog.CreateStorageCredential;
import com.databricks.sdk.service.catalog.CredentialInfo;
import com.databricks.sdk.service.catalog.CredentialPurpose;
import com.databricks.sdk.service.catalog.DeleteCredentialRequest;
import com.databricks.sdk.service.catalog.DeleteStorageCredentialRequest;
import com.databricks.sdk.service.catalog.GenerateTemporaryServiceCredentialRequest;
import com.databricks.sdk.service.catalog.GetCredentialRequest;
import com.databricks.sdk.service.catalog.GetStorageCredentialRequest;
import com.databricks.sdk.service.catalog.IsolationMode;
import com.databricks.sdk.service.catalog.ListCredentialsRequest;
import com.databricks.sdk.service.catalog.ListCredentialsResponse;
import com.databricks.sdk.service.catalog.ListStorageCredentialsRequest;
import com.databricks.sdk.service.catalog.ListStorageCredentialsResponse;
import com.databricks.sdk.service.catalog.SecurableType;
import com.databricks.sdk.service.catalog.StorageCredentialInfo;
import com.databricks.sdk.service.catalog.TemporaryCredentials;
import com.databricks.sdk.service.catalog.UpdateCredentialRequest;
import com.databricks.sdk.service.catalog.UpdateStorageCredential;
import dev.tarn.access.Access;
import dev.tarn.access.Bindings;
import dev.tarn.access.Names;
import dev.tarn.access.Page;
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
import java.time.Clock;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * {@code /api/2.1/unity-catalog/storage-credentials} and {@code /credentials}: roles by which data
 * (purpose STORAGE) or services of a cloud (SERVICE) are reached. Both are one kind of row; the
 * first API knows only those for storage. Nothing is assumed here: of a role is asked which buckets
 * it gets at, see {@link ExternalLocations}.
 */
public final class Credentials {
  private static final int PAGE = 1000;
  private static final String NO_CHECK =
      "skip_validation: nothing is asked of a role before a location uses it";
  private static final String STORED_ELSEWHERE =
      "include_unbound: credentials of other workspaces are not shown";
  private static final Pattern ROLE =
      Pattern.compile("arn:aws(?:-us-gov|-cn)?:iam::\\d{12}:role/[\\w+=,.@/-]{1,512}");

  private final Access access;
  private final Clock clock;

  Credentials(Access access, Clock clock) {
    this.access = access;
    this.clock = clock;
  }

  // Create

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores(NO_CHECK)
  public CredentialInfo createCredential(Caller caller, CreateCredentialRequest request) {
    Catalogs.refuse("azure_managed_identity", request.getAzureManagedIdentity());
    Catalogs.refuse("azure_service_principal", request.getAzureServicePrincipal());
    Catalogs.refuse("databricks_gcp_service_account", request.getDatabricksGcpServiceAccount());
    String name = Names.valid("name", request.getName());
    CredentialPurpose purpose = request.getPurpose();
    if (purpose == null) {
      throw new InvalidParameterValue("purpose: null (expected: STORAGE or SERVICE)", null);
    }
    long now = clock.millis();
    CredentialInfo document =
        new CredentialInfo()
            .setAwsIamRole(role(request.getAwsIamRole()))
            .setComment(request.getComment())
            .setReadOnly(Boolean.TRUE.equals(request.getReadOnly()))
            .setCreatedAt(now)
            .setCreatedBy(caller.name())
            .setUpdatedAt(now)
            .setUpdatedBy(caller.name());
    return access.write(
        caller,
        rights -> {
          rights.require(
              purpose == CredentialPurpose.STORAGE
                  ? Privilege.CREATE_STORAGE_CREDENTIAL
                  : Privilege.CREATE_SERVICE_CREDENTIAL,
              rights.metastore());
          return info(
              rights.insert(
                  Securable.of(
                      UUID.randomUUID().toString(),
                      SecurableType.CREDENTIAL,
                      purpose.name(),
                      rights.metastore(),
                      name,
                      rights.principalId(),
                      null,
                      Json.write(document))));
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores(NO_CHECK)
  public StorageCredentialInfo create(Caller caller, CreateStorageCredential request) {
    Catalogs.refuse("azure_managed_identity", request.getAzureManagedIdentity());
    Catalogs.refuse("azure_service_principal", request.getAzureServicePrincipal());
    Catalogs.refuse("cloudflare_api_token", request.getCloudflareApiToken());
    Catalogs.refuse("databricks_gcp_service_account", request.getDatabricksGcpServiceAccount());
    return storage(
        createCredential(
            caller,
            new CreateCredentialRequest()
                .setName(request.getName())
                .setPurpose(CredentialPurpose.STORAGE)
                .setAwsIamRole(given(request.getAwsIamRole()))
                .setComment(request.getComment())
                .setReadOnly(request.getReadOnly())));
  }

  private static AwsIamRole given(AwsIamRoleRequest role) {
    return role == null ? null : new AwsIamRole().setRoleArn(role.getRoleArn());
  }

  private static AwsIamRole role(AwsIamRole given) {
    return new AwsIamRole().setRoleArn(roleArn(given == null ? null : given.getRoleArn()));
  }

  static String roleArn(String arn) {
    if (arn == null || !ROLE.matcher(arn).matches()) {
      throw new InvalidParameterValue(
          "aws_iam_role.role_arn: "
              + Names.shown(arn)
              + " (expected: the ARN of a role, arn:aws:iam::<12 digits>:role/<name>)",
          null);
    }
    return arn;
  }

  // As it is shown

  static CredentialInfo document(Securable credential) {
    return Json.read(credential.document(), CredentialInfo.class);
  }

  static boolean isReadOnly(Securable credential) {
    return Boolean.TRUE.equals(document(credential).getReadOnly());
  }

  private static CredentialInfo info(Securable credential) {
    return document(credential)
        .setId(credential.id())
        .setName(credential.name())
        .setFullName(credential.fullName())
        .setOwner(credential.owner())
        .setMetastoreId(credential.metastoreId())
        .setPurpose(CredentialPurpose.valueOf(credential.kind()))
        .setReadOnly(isReadOnly(credential))
        .setIsolationMode(isolation(credential));
  }

  static IsolationMode isolation(Securable securable) {
    return securable.isolated()
        ? IsolationMode.ISOLATION_MODE_ISOLATED
        : IsolationMode.ISOLATION_MODE_OPEN;
  }

  private static StorageCredentialInfo storage(CredentialInfo info) {
    return new StorageCredentialInfo()
        .setId(info.getId())
        .setName(info.getName())
        .setFullName(info.getFullName())
        .setOwner(info.getOwner())
        .setMetastoreId(info.getMetastoreId())
        .setAwsIamRole(
            info.getAwsIamRole() == null
                ? null
                : new AwsIamRoleResponse().setRoleArn(info.getAwsIamRole().getRoleArn()))
        .setComment(info.getComment())
        .setReadOnly(info.getReadOnly())
        .setIsolationMode(info.getIsolationMode())
        .setCreatedAt(info.getCreatedAt())
        .setCreatedBy(info.getCreatedBy())
        .setUpdatedAt(info.getUpdatedAt())
        .setUpdatedBy(info.getUpdatedBy());
  }

  /**
   * @param only the purpose it must have; null: any
   */
  private static Securable of(Securable credential, CredentialPurpose only) {
    if (only != null && !credential.kind().equals(only.name())) {
      throw new NotFound(
          "CREDENTIAL_DOES_NOT_EXIST",
          "Credential "
              + Names.shown(credential.name())
              + " does not exist: the one of that name is for purpose "
              + credential.kind(),
          null);
    }
    return credential;
  }

  /** The storage credential of that name, found as {@link Rights#get}. */
  static Securable forStorage(Rights rights, String name) {
    return of(rights.get(SecurableType.CREDENTIAL, name), CredentialPurpose.STORAGE);
  }

  // Get and list

  private CredentialInfo get(Caller caller, String name, CredentialPurpose only) {
    return access.read(
        caller, rights -> info(of(rights.seen(SecurableType.CREDENTIAL, name, false), only)));
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public CredentialInfo getCredential(Caller caller, GetCredentialRequest request) {
    return get(caller, request.getNameArg(), null);
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public StorageCredentialInfo get(Caller caller, GetStorageCredentialRequest request) {
    return storage(get(caller, request.getName(), CredentialPurpose.STORAGE));
  }

  private Page<CredentialInfo> page(
      Caller caller, CredentialPurpose only, Long maxResults, String pageToken) {
    int size = Page.size(maxResults, PAGE, Page.ALL);
    return access.read(
        caller,
        rights -> {
          Page<Securable> page =
              rights.page(
                  rights.metastore(),
                  SecurableType.CREDENTIAL,
                  only == null ? "" : only.name(),
                  false,
                  Page.after(pageToken),
                  size);
          return new Page<>(page.items().stream().map(Credentials::info).toList(), page.next());
        });
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores(STORED_ELSEWHERE)
  public ListCredentialsResponse listCredentials(Caller caller, ListCredentialsRequest request) {
    Page<CredentialInfo> page =
        page(caller, request.getPurpose(), request.getMaxResults(), request.getPageToken());
    return new ListCredentialsResponse().setCredentials(page.items()).setNextPageToken(page.next());
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores(STORED_ELSEWHERE)
  public ListStorageCredentialsResponse list(Caller caller, ListStorageCredentialsRequest request) {
    Page<CredentialInfo> page =
        page(caller, CredentialPurpose.STORAGE, request.getMaxResults(), request.getPageToken());
    return new ListStorageCredentialsResponse()
        .setStorageCredentials(page.items().stream().map(Credentials::storage).toList())
        .setNextPageToken(page.next());
  }

  // Update and delete

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores(NO_CHECK)
  public CredentialInfo updateCredential(
      Caller caller, UpdateCredentialRequest request, Presence presence) {
    Catalogs.refuse("azure_managed_identity", request.getAzureManagedIdentity());
    Catalogs.refuse("azure_service_principal", request.getAzureServicePrincipal());
    Catalogs.refuse("databricks_gcp_service_account", request.getDatabricksGcpServiceAccount());
    return update(caller, request, null, presence);
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  @Ignores(NO_CHECK)
  public StorageCredentialInfo update(
      Caller caller, UpdateStorageCredential request, Presence presence) {
    Catalogs.refuse("azure_managed_identity", request.getAzureManagedIdentity());
    Catalogs.refuse("azure_service_principal", request.getAzureServicePrincipal());
    Catalogs.refuse("cloudflare_api_token", request.getCloudflareApiToken());
    Catalogs.refuse("databricks_gcp_service_account", request.getDatabricksGcpServiceAccount());
    return storage(
        update(
            caller,
            new UpdateCredentialRequest()
                .setNameArg(request.getName())
                .setNewName(request.getNewName())
                .setAwsIamRole(given(request.getAwsIamRole()))
                .setComment(request.getComment())
                .setOwner(request.getOwner())
                .setIsolationMode(request.getIsolationMode())
                .setReadOnly(request.getReadOnly())
                .setForce(request.getForce()),
            CredentialPurpose.STORAGE,
            presence));
  }

  private CredentialInfo update(
      Caller caller, UpdateCredentialRequest request, CredentialPurpose only, Presence presence) {
    String newName = Names.validOrNull("new_name", request.getNewName());
    AwsIamRole role = request.getAwsIamRole() == null ? null : role(request.getAwsIamRole());
    Long owner = access.principal(request.getOwner());
    return access.write(
        caller,
        rights -> {
          Securable before = of(rights.get(SecurableType.CREDENTIAL, request.getNameArg()), only);
          rights.requireManages(before);
          CredentialInfo document =
              document(before).setUpdatedAt(clock.millis()).setUpdatedBy(caller.name());
          if (presence.has("comment")) {
            document.setComment(request.getComment());
          }
          boolean narrower = Boolean.TRUE.equals(request.getReadOnly()) && !isReadOnly(before);
          boolean other = role != null && !role.equals(document.getAwsIamRole());
          if ((narrower || other) && !Boolean.TRUE.equals(request.getForce())) {
            refuseUsed(rights, before);
          }
          if (role != null) {
            document.setAwsIamRole(role);
          }
          if (request.getReadOnly() != null) {
            document.setReadOnly(request.getReadOnly());
          }
          Securable after = before.named(newName).ownedBy(owner).with(Json.write(document));
          if (request.getIsolationMode() != null) {
            after =
                Bindings.isolate(
                    rights.handle(),
                    after,
                    request.getIsolationMode() == IsolationMode.ISOLATION_MODE_ISOLATED,
                    rights.workspaceId());
          }
          return info(rights.update(before, after));
        });
  }

  private static void refuseUsed(Rights rights, Securable credential) {
    int users = Securables.users(rights.handle(), credential).size();
    if (users > 0) {
      throw new InvalidState(
          "Credential "
              + Names.shown(credential.name())
              + " is used by "
              + users
              + " external location(s) (expected: none, or force)",
          null);
    }
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void deleteCredential(Caller caller, DeleteCredentialRequest request) {
    delete(caller, request.getNameArg(), request.getForce(), null);
  }

  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public void delete(Caller caller, DeleteStorageCredentialRequest request) {
    delete(caller, request.getName(), request.getForce(), CredentialPurpose.STORAGE);
  }

  /** By force, locations that used it stay and reach nothing. */
  private void delete(Caller caller, String name, Boolean force, CredentialPurpose only) {
    access.write(
        caller,
        rights -> {
          Securable credential = of(rights.get(SecurableType.CREDENTIAL, name), only);
          rights.requireManages(credential);
          if (!Boolean.TRUE.equals(force)) {
            refuseUsed(rights, credential);
          }
          List<Securable> users = Securables.users(rights.handle(), credential);
          users.forEach(user -> Securables.update(rights.handle(), user, user.using(null)));
          Securables.delete(rights.handle(), credential);
          return null;
        });
  }

  /** Asks who may; then there is nobody here who would give a credential for a role. */
  @Allow({Role.WORKSPACE_USER, Role.WORKSPACE_ADMIN})
  public TemporaryCredentials generateTemporaryServiceCredential(
      Caller caller, GenerateTemporaryServiceCredentialRequest request) {
    Catalogs.refuse("azure_options", request.getAzureOptions());
    Catalogs.refuse("gcp_options", request.getGcpOptions());
    access.read(
        caller,
        rights -> {
          Securable credential = rights.get(SecurableType.CREDENTIAL, request.getCredentialName());
          rights.require(Privilege.ACCESS, of(credential, CredentialPurpose.SERVICE));
          return null;
        });
    throw new BadRequest(
        "UNSUPPORTED_OPERATION",
        "credential_name: "
            + Names.shown(request.getCredentialName())
            + ": this installation assumes no roles, so there are no temporary credentials",
        null);
  }
}
