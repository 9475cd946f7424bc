package dev.tarn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.databricks.sdk.AccountClient;
import com.databricks.sdk.core.error.platform.NotFound;
import com.databricks.sdk.service.billing.ActionConfigurationType;
import com.databricks.sdk.service.billing.AlertConfigurationQuantityType;
import com.databricks.sdk.service.billing.AlertConfigurationTimePeriod;
import com.databricks.sdk.service.billing.AlertConfigurationTriggerType;
import com.databricks.sdk.service.billing.BudgetConfiguration;
import com.databricks.sdk.service.billing.CreateBudgetConfigurationBudget;
import com.databricks.sdk.service.billing.CreateBudgetConfigurationBudgetActionConfigurations;
import com.databricks.sdk.service.billing.CreateBudgetConfigurationBudgetAlertConfigurations;
import com.databricks.sdk.service.billing.CreateBudgetConfigurationRequest;
import com.databricks.sdk.service.billing.CreateLogDeliveryConfigurationParams;
import com.databricks.sdk.service.billing.LogDeliveryConfigStatus;
import com.databricks.sdk.service.billing.LogDeliveryConfiguration;
import com.databricks.sdk.service.billing.LogType;
import com.databricks.sdk.service.billing.OutputFormat;
import com.databricks.sdk.service.billing.UpdateBudgetConfigurationBudget;
import com.databricks.sdk.service.billing.UpdateBudgetConfigurationRequest;
import com.databricks.sdk.service.billing.UpdateLogDeliveryConfigurationStatusRequest;
import com.databricks.sdk.service.billing.WrappedCreateLogDeliveryConfiguration;
import com.databricks.sdk.service.catalog.AccountsCreateMetastore;
import com.databricks.sdk.service.catalog.AccountsCreateMetastoreAssignment;
import com.databricks.sdk.service.catalog.AccountsUpdateMetastore;
import com.databricks.sdk.service.catalog.AccountsUpdateMetastoreAssignment;
import com.databricks.sdk.service.catalog.CreateAccountsMetastore;
import com.databricks.sdk.service.catalog.CreateMetastoreAssignment;
import com.databricks.sdk.service.catalog.DeleteAccountMetastoreAssignmentRequest;
import com.databricks.sdk.service.catalog.DeleteAccountMetastoreRequest;
import com.databricks.sdk.service.catalog.GetAccountMetastoreAssignmentRequest;
import com.databricks.sdk.service.catalog.MetastoreAssignment;
import com.databricks.sdk.service.catalog.MetastoreInfo;
import com.databricks.sdk.service.catalog.UpdateAccountsMetastore;
import com.databricks.sdk.service.catalog.UpdateMetastoreAssignment;
import com.databricks.sdk.service.iam.ComplexValue;
import com.databricks.sdk.service.iam.GetRuleSetRequest;
import com.databricks.sdk.service.iam.GrantRule;
import com.databricks.sdk.service.iam.Group;
import com.databricks.sdk.service.iam.PermissionAssignment;
import com.databricks.sdk.service.iam.RuleSetResponse;
import com.databricks.sdk.service.iam.RuleSetUpdateRequest;
import com.databricks.sdk.service.iam.ServicePrincipal;
import com.databricks.sdk.service.iam.UpdateRuleSetRequest;
import com.databricks.sdk.service.iam.UpdateWorkspaceAssignments;
import com.databricks.sdk.service.iam.User;
import com.databricks.sdk.service.iam.WorkspacePermission;
import com.databricks.sdk.service.oauth2.CreateCustomAppIntegration;
import com.databricks.sdk.service.oauth2.CreateServicePrincipalSecretRequest;
import com.databricks.sdk.service.oauth2.GetCustomAppIntegrationOutput;
import com.databricks.sdk.service.oauth2.ListServicePrincipalSecretsRequest;
import com.databricks.sdk.service.oauth2.SecretInfo;
import com.databricks.sdk.service.oauth2.UpdateCustomAppIntegration;
import com.databricks.sdk.service.provisioning.CreateCredentialAwsCredentials;
import com.databricks.sdk.service.provisioning.CreateCredentialRequest;
import com.databricks.sdk.service.provisioning.CreateCredentialStsRole;
import com.databricks.sdk.service.provisioning.CreateStorageConfigurationRequest;
import com.databricks.sdk.service.provisioning.Credential;
import com.databricks.sdk.service.provisioning.RootBucketInfo;
import com.databricks.sdk.service.provisioning.StorageConfiguration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The typed Java SDK: each object of the account is made, read back twice alike, changed, removed,
 * and then not found. Networks, keys, endpoints and workspaces are in {@code CloudResourcesTest},
 * warehouses, which need Spark, in {@code acceptance/sdk}.
 */
class EveryObjectTest {
  @RegisterExtension static final TestServer server = new TestServer();

  private static final AccountClient account() {
    return server.account();
  }

  /** What is read, if it is the same when it is read again. */
  private static <T> T twice(Supplier<T> read) {
    T first = read.get();
    assertThat(read.get()).isEqualTo(first);
    return first;
  }

  private static void gone(Supplier<?> read) {
    assertThatThrownBy(read::get).isInstanceOf(NotFound.class);
  }

  @Test
  void credentialsAndStorage() {
    Credential credential =
        account()
            .credentials()
            .create(
                new CreateCredentialRequest()
                    .setCredentialsName("java")
                    .setAwsCredentials(
                        new CreateCredentialAwsCredentials()
                            .setStsRole(
                                new CreateCredentialStsRole().setRoleArn(TestServer.ROLE_ARN))));
    Supplier<Credential> read = () -> account().credentials().get(credential.getCredentialsId());
    assertThat(twice(read)).isEqualTo(credential);
    account().credentials().delete(credential.getCredentialsId());
    gone(read);
    StorageConfiguration storage =
        account()
            .storage()
            .create(
                new CreateStorageConfigurationRequest()
                    .setStorageConfigurationName("java")
                    .setRootBucketInfo(new RootBucketInfo().setBucketName(TestServer.ROOT_BUCKET)));
    Supplier<StorageConfiguration> again =
        () -> account().storage().get(storage.getStorageConfigurationId());
    assertThat(twice(again)).isEqualTo(storage);
    account().storage().delete(storage.getStorageConfigurationId());
    gone(again);
  }

  @Test
  void usersAndTheirWorkspaces() {
    User made =
        account().users().create(new User().setUserName("java@x.test").setDisplayName("Java"));
    Supplier<User> read = () -> account().users().get(made.getId());
    assertThat(twice(read)).isEqualTo(made);
    assertThat(made.getDisplayName()).isEqualTo("Java");
    account()
        .users()
        .update(
            new User()
                .setId(made.getId())
                .setUserName("java@x.test")
                .setDisplayName("Renamed")
                .setActive(true));
    assertThat(twice(read).getDisplayName()).isEqualTo("Renamed");
    assigned(made.getId());
    account().users().delete(made.getId());
    gone(read);
  }

  /** As user, then as admin, then not at all. */
  private static void assigned(String id) {
    long principal = Long.parseLong(id);
    Supplier<Optional<PermissionAssignment>> read =
        () ->
            StreamSupport.stream(
                    account().workspaceAssignment().list(TestServer.WORKSPACE_ID).spliterator(),
                    false)
                .filter(one -> one.getPrincipal().getPrincipalId() == principal)
                .findFirst();
    for (WorkspacePermission permission :
        List.of(WorkspacePermission.USER, WorkspacePermission.ADMIN)) {
      account()
          .workspaceAssignment()
          .update(
              new UpdateWorkspaceAssignments()
                  .setWorkspaceId(TestServer.WORKSPACE_ID)
                  .setPrincipalId(principal)
                  .setPermissions(List.of(permission)));
      assertThat(twice(read).orElseThrow().getPermissions()).containsExactly(permission);
    }
    account().workspaceAssignment().delete(TestServer.WORKSPACE_ID, principal);
    assertThat(read.get()).isEmpty();
  }

  @Test
  void groupsAndMembers() {
    User user = account().users().create(new User().setUserName("member@x.test"));
    Group made = account().groups().create(new Group().setDisplayName("java"));
    Supplier<Group> read = () -> account().groups().get(made.getId());
    assertThat(twice(read)).isEqualTo(made);
    account()
        .groups()
        .update(
            new Group()
                .setId(made.getId())
                .setDisplayName("renamed")
                .setMembers(List.of(new ComplexValue().setValue(user.getId()))));
    assertThat(twice(read).getDisplayName()).isEqualTo("renamed");
    assertThat(read.get().getMembers())
        .extracting(ComplexValue::getValue)
        .containsExactly(user.getId());
    assigned(made.getId());
    account().users().delete(user.getId());
    assertThat(read.get().getMembers()).isNullOrEmpty();
    account().groups().delete(made.getId());
    gone(read);
  }

  @Test
  void servicePrincipalsSecretsAndRuleSets() {
    ServicePrincipal made =
        account().servicePrincipals().create(new ServicePrincipal().setDisplayName("java"));
    Supplier<ServicePrincipal> read = () -> account().servicePrincipals().get(made.getId());
    assertThat(twice(read)).isEqualTo(made);
    account()
        .servicePrincipals()
        .update(
            new ServicePrincipal()
                .setId(made.getId())
                .setApplicationId(made.getApplicationId())
                .setDisplayName("renamed")
                .setActive(true));
    assertThat(twice(read).getDisplayName()).isEqualTo("renamed");
    assigned(made.getId());

    var secret =
        account()
            .servicePrincipalSecrets()
            .create(new CreateServicePrincipalSecretRequest().setServicePrincipalId(made.getId()));
    Supplier<List<SecretInfo>> secrets =
        () ->
            StreamSupport.stream(
                    account()
                        .servicePrincipalSecrets()
                        .list(
                            new ListServicePrincipalSecretsRequest()
                                .setServicePrincipalId(made.getId()))
                        .spliterator(),
                    false)
                .toList();
    assertThat(twice(secrets))
        .containsExactly(
            new SecretInfo()
                .setId(secret.getId())
                .setCreateTime(secret.getCreateTime())
                .setUpdateTime(secret.getUpdateTime())
                .setExpireTime(secret.getExpireTime())
                .setSecretHash(secret.getSecretHash())
                .setStatus(secret.getStatus()));
    account().servicePrincipalSecrets().delete(made.getId(), secret.getId());
    assertThat(secrets.get()).isEmpty();

    String name =
        "accounts/%s/servicePrincipals/%s/ruleSets/default"
            .formatted(TestServer.ACCOUNT_ID, made.getApplicationId());
    Supplier<RuleSetResponse> rules =
        () ->
            account().accessControl().getRuleSet(new GetRuleSetRequest().setName(name).setEtag(""));
    GrantRule rule =
        new GrantRule()
            .setRole("roles/servicePrincipal.user")
            .setPrincipals(List.of("users/admin@tarn.local"));
    account()
        .accessControl()
        .updateRuleSet(
            new UpdateRuleSetRequest()
                .setName(name)
                .setRuleSet(
                    new RuleSetUpdateRequest()
                        .setName(name)
                        .setEtag(twice(rules).getEtag())
                        .setGrantRules(List.of(rule))));
    assertThat(twice(rules).getGrantRules()).containsExactly(rule);
    account().servicePrincipals().delete(made.getId());
    gone(read);
    gone(rules);
  }

  @Test
  void metastoresAndAssignments() {
    MetastoreInfo made =
        account()
            .metastores()
            .create(
                new AccountsCreateMetastore()
                    .setMetastoreInfo(
                        new CreateAccountsMetastore().setName("java").setRegion("eu-west-3")))
            .getMetastoreInfo();
    Supplier<MetastoreInfo> read =
        () -> account().metastores().get(made.getMetastoreId()).getMetastoreInfo();
    assertThat(twice(read)).isEqualTo(made);
    account()
        .metastores()
        .update(
            new AccountsUpdateMetastore()
                .setMetastoreId(made.getMetastoreId())
                .setMetastoreInfo(new UpdateAccountsMetastore().setOwner("admin@tarn.local")));
    assertThat(twice(read).getOwner()).isEqualTo("admin@tarn.local");
    account()
        .metastores()
        .delete(
            new DeleteAccountMetastoreRequest()
                .setMetastoreId(made.getMetastoreId())
                .setForce(true));
    gone(read);

    Supplier<MetastoreAssignment> assignment =
        () ->
            account()
                .metastoreAssignments()
                .get(
                    new GetAccountMetastoreAssignmentRequest()
                        .setWorkspaceId(TestServer.WORKSPACE_ID))
                .getMetastoreAssignment();
    MetastoreAssignment before = twice(assignment);
    account()
        .metastoreAssignments()
        .update(
            new AccountsUpdateMetastoreAssignment()
                .setWorkspaceId(TestServer.WORKSPACE_ID)
                .setMetastoreId(before.getMetastoreId())
                .setMetastoreAssignment(
                    new UpdateMetastoreAssignment().setDefaultCatalogName("samples")));
    assertThat(twice(assignment).getDefaultCatalogName()).isEqualTo("samples");
    account()
        .metastoreAssignments()
        .delete(
            new DeleteAccountMetastoreAssignmentRequest()
                .setWorkspaceId(TestServer.WORKSPACE_ID)
                .setMetastoreId(before.getMetastoreId()));
    gone(assignment);
    account()
        .metastoreAssignments()
        .create(
            new AccountsCreateMetastoreAssignment()
                .setWorkspaceId(TestServer.WORKSPACE_ID)
                .setMetastoreId(before.getMetastoreId())
                .setMetastoreAssignment(
                    new CreateMetastoreAssignment()
                        .setMetastoreId(before.getMetastoreId())
                        .setDefaultCatalogName(before.getDefaultCatalogName())));
    assertThat(twice(assignment)).isEqualTo(before);
  }

  @Test
  void customApps() {
    String id =
        account()
            .customAppIntegration()
            .create(
                new CreateCustomAppIntegration()
                    .setName("java")
                    .setRedirectUrls(List.of("https://app.example.com/callback")))
            .getIntegrationId();
    Supplier<GetCustomAppIntegrationOutput> read = () -> account().customAppIntegration().get(id);
    assertThat(twice(read).getRedirectUrls()).containsExactly("https://app.example.com/callback");
    account()
        .customAppIntegration()
        .update(
            new UpdateCustomAppIntegration()
                .setIntegrationId(id)
                .setRedirectUrls(List.of("https://other.example.com/")));
    assertThat(twice(read).getRedirectUrls()).containsExactly("https://other.example.com/");
    account().customAppIntegration().delete(id);
    gone(read);
  }

  @Test
  void budgets() {
    BudgetConfiguration made =
        account()
            .budgets()
            .create(
                new CreateBudgetConfigurationRequest()
                    .setBudget(
                        new CreateBudgetConfigurationBudget()
                            .setDisplayName("java")
                            .setAlertConfigurations(
                                List.of(
                                    new CreateBudgetConfigurationBudgetAlertConfigurations()
                                        .setQuantityThreshold("840")
                                        .setQuantityType(
                                            AlertConfigurationQuantityType.LIST_PRICE_DOLLARS_USD)
                                        .setTimePeriod(AlertConfigurationTimePeriod.MONTH)
                                        .setTriggerType(
                                            AlertConfigurationTriggerType
                                                .CUMULATIVE_SPENDING_EXCEEDED)
                                        .setActionConfigurations(
                                            List.of(
                                                new CreateBudgetConfigurationBudgetActionConfigurations()
                                                    .setActionType(
                                                        ActionConfigurationType.EMAIL_NOTIFICATION)
                                                    .setTarget("ann@example.com")))))))
            .getBudget();
    Supplier<BudgetConfiguration> read =
        () -> account().budgets().get(made.getBudgetConfigurationId()).getBudget();
    assertThat(twice(read)).isEqualTo(made);
    account()
        .budgets()
        .update(
            new UpdateBudgetConfigurationRequest()
                .setBudgetId(made.getBudgetConfigurationId())
                .setBudget(
                    new UpdateBudgetConfigurationBudget()
                        .setBudgetConfigurationId(made.getBudgetConfigurationId())
                        .setDisplayName("renamed")
                        .setAlertConfigurations(made.getAlertConfigurations())));
    assertThat(twice(read).getDisplayName()).isEqualTo("renamed");
    assertThat(read.get().getAlertConfigurations()).isEqualTo(made.getAlertConfigurations());
    account().budgets().delete(made.getBudgetConfigurationId());
    gone(read);
  }

  @Test
  void logDeliveryWhichCanOnlyBeDisabled() {
    LogDeliveryConfiguration made =
        account()
            .logDelivery()
            .create(
                new WrappedCreateLogDeliveryConfiguration()
                    .setLogDeliveryConfiguration(
                        new CreateLogDeliveryConfigurationParams()
                            .setConfigName("java")
                            .setLogType(LogType.AUDIT_LOGS)
                            .setOutputFormat(OutputFormat.JSON)
                            .setCredentialsId("test")
                            .setStorageConfigurationId("test")
                            .setDeliveryPathPrefix("java")))
            .getLogDeliveryConfiguration();
    Supplier<LogDeliveryConfiguration> read =
        () -> account().logDelivery().get(made.getConfigId()).getLogDeliveryConfiguration();
    assertThat(twice(read)).isEqualTo(made);
    account()
        .logDelivery()
        .patchStatus(
            new UpdateLogDeliveryConfigurationStatusRequest()
                .setLogDeliveryConfigurationId(made.getConfigId())
                .setStatus(LogDeliveryConfigStatus.DISABLED));
    assertThat(twice(read).getStatus()).isEqualTo(LogDeliveryConfigStatus.DISABLED);
    gone(() -> account().logDelivery().get("nowhere"));
  }
}
