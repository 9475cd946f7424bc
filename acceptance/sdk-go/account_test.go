// The unmodified Go SDK, which the Terraform provider is made of, against the product: every object of the account
// is created, read back twice, updated, deleted and then not found.
package acceptance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/databricks/databricks-sdk-go"
	"github.com/databricks/databricks-sdk-go/apierr"
	"github.com/databricks/databricks-sdk-go/service/billing"
	"github.com/databricks/databricks-sdk-go/service/catalog"
	"github.com/databricks/databricks-sdk-go/service/iam"
	"github.com/databricks/databricks-sdk-go/service/oauth2"
	"github.com/databricks/databricks-sdk-go/service/provisioning"
	"github.com/databricks/databricks-sdk-go/service/sql"
)

var ctx = context.Background()

func setting(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set (expected: as test_sdk_go.py sets it)", name)
	}
	return value
}

func account(t *testing.T) *databricks.AccountClient {
	t.Helper()
	return must(databricks.NewAccountClient(&databricks.Config{
		Host:      setting(t, "TARN_HOST"),
		AccountID: setting(t, "TARN_ACCOUNT_ID"),
		Token:     setting(t, "TARN_ACCOUNT_TOKEN"),
	}))(t)
}

// must is f(…) that may not fail.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		ok(t, err)
		return value
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s is\n%s\n(expected:\n%s)", what, shown(got), shown(want))
	}
}

func shown(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

func contains(t *testing.T, got, want any) {
	t.Helper()
	var have, wanted map[string]any
	ok(t, json.Unmarshal([]byte(shown(got)), &have))
	ok(t, json.Unmarshal([]byte(shown(want)), &wanted))
	for name, value := range wanted {
		equal(t, name, have[name], value)
	}
}

// readBack reads twice what was made: both answers are the same, and have all that was sent.
func readBack[T any](t *testing.T, sent any, read func() (*T, error)) *T {
	t.Helper()
	first := must(read())(t)
	equal(t, "the second read", must(read())(t), first)
	contains(t, first, sent)
	return first
}

func missing[T any](t *testing.T, read func() (T, error)) {
	t.Helper()
	if _, err := read(); !apierr.IsMissing(err) || !errors.Is(err, databricks.ErrNotFound) {
		t.Fatalf("a removed object is read with %v (expected: not found)", err)
	}
}

func refused(t *testing.T, err error, status int) {
	t.Helper()
	var answer *apierr.APIError
	if !errors.As(err, &answer) || answer.StatusCode != status {
		t.Fatalf("the call ended with %v (expected: status %d)", err, status)
	}
}

func unique(name string) string {
	return fmt.Sprintf("%s %d", name, time.Now().UnixNano())
}

// hex is an id as AWS has them.
func hex(kind string) string {
	time.Sleep(time.Nanosecond)
	return fmt.Sprintf("%s-0%016x", kind, time.Now().UnixNano())
}

func send(t *testing.T, verb, url, token string) (int, map[string]any) {
	t.Helper()
	request := must(http.NewRequest(verb, url, nil))(t)
	request.Header.Set("Authorization", "Bearer "+token)
	response := must(http.DefaultClient.Do(request))(t)
	defer response.Body.Close()
	var body map[string]any
	_ = json.NewDecoder(response.Body).Decode(&body)
	return response.StatusCode, body
}

// roleAndBucket are those that the quickstart's stack made.
func roleAndBucket(t *testing.T, a *databricks.AccountClient) (string, string) {
	t.Helper()
	credentials := must(a.Credentials.List(ctx))(t)
	storage := must(a.Storage.List(ctx))(t)
	return credentials[0].AwsCredentials.StsRole.RoleArn, storage[0].RootBucketInfo.BucketName
}

func newCredentials(t *testing.T, a *databricks.AccountClient) *provisioning.Credential {
	t.Helper()
	role, _ := roleAndBucket(t, a)
	made := must(a.Credentials.Create(ctx, provisioning.CreateCredentialRequest{
		CredentialsName: unique("credentials"),
		AwsCredentials: provisioning.CreateCredentialAwsCredentials{
			StsRole: &provisioning.CreateCredentialStsRole{RoleArn: role}},
	}))(t)
	t.Cleanup(func() { _, _ = a.Credentials.DeleteByCredentialsId(ctx, made.CredentialsId) })
	return made
}

func newStorage(t *testing.T, a *databricks.AccountClient) *provisioning.StorageConfiguration {
	t.Helper()
	_, bucket := roleAndBucket(t, a)
	made := must(a.Storage.Create(ctx, provisioning.CreateStorageConfigurationRequest{
		StorageConfigurationName: unique("storage"),
		RootBucketInfo:           provisioning.RootBucketInfo{BucketName: bucket},
	}))(t)
	t.Cleanup(func() { _, _ = a.Storage.DeleteByStorageConfigurationId(ctx, made.StorageConfigurationId) })
	return made
}

func newNetwork(t *testing.T, a *databricks.AccountClient, endpoints *provisioning.NetworkVpcEndpoints) *provisioning.Network {
	t.Helper()
	sent := provisioning.CreateNetworkRequest{
		NetworkName:      unique("network"),
		VpcId:            hex("vpc"),
		SubnetIds:        []string{hex("subnet"), hex("subnet")},
		SecurityGroupIds: []string{hex("sg")},
		VpcEndpoints:     endpoints,
	}
	made := must(a.Networks.Create(ctx, sent))(t)
	t.Cleanup(func() { _, _ = a.Networks.DeleteByNetworkId(ctx, made.NetworkId) })
	return readBack(t, sent, func() (*provisioning.Network, error) { return a.Networks.GetByNetworkId(ctx, made.NetworkId) })
}

func newEndpoint(t *testing.T, a *databricks.AccountClient) *provisioning.VpcEndpoint {
	t.Helper()
	sent := provisioning.CreateVpcEndpointRequest{
		VpcEndpointName: unique("endpoint"), AwsVpcEndpointId: hex("vpce"), Region: region(t, a)}
	made := must(a.VpcEndpoints.Create(ctx, sent))(t)
	t.Cleanup(func() { _, _ = a.VpcEndpoints.DeleteByVpcEndpointId(ctx, made.VpcEndpointId) })
	return readBack(t, sent, func() (*provisioning.VpcEndpoint, error) {
		return a.VpcEndpoints.GetByVpcEndpointId(ctx, made.VpcEndpointId)
	})
}

func region(t *testing.T, a *databricks.AccountClient) string {
	t.Helper()
	return must(a.Workspaces.List(ctx))(t)[0].AwsRegion
}

func TestCredentials(t *testing.T) {
	a := account(t)
	made := newCredentials(t, a)
	read := func() (*provisioning.Credential, error) {
		return a.Credentials.GetByCredentialsId(ctx, made.CredentialsId)
	}
	readBack(t, made, read)
	equal(t, "the one of that name", must(a.Credentials.GetByCredentialsName(ctx, made.CredentialsName))(t), made)
	_, err := a.Credentials.Create(ctx, provisioning.CreateCredentialRequest{
		CredentialsName: made.CredentialsName,
		AwsCredentials: provisioning.CreateCredentialAwsCredentials{
			StsRole: &provisioning.CreateCredentialStsRole{RoleArn: made.AwsCredentials.StsRole.RoleArn}},
	})
	refused(t, err, 409)
	must(a.Credentials.DeleteByCredentialsId(ctx, made.CredentialsId))(t)
	missing(t, read)
}

func TestStorageConfigurations(t *testing.T) {
	a := account(t)
	made := newStorage(t, a)
	read := func() (*provisioning.StorageConfiguration, error) {
		return a.Storage.GetByStorageConfigurationId(ctx, made.StorageConfigurationId)
	}
	readBack(t, made, read)
	must(a.Storage.DeleteByStorageConfigurationId(ctx, made.StorageConfigurationId))(t)
	missing(t, read)
}

func TestNetworksAndVpcEndpoints(t *testing.T) {
	a := account(t)
	rest, relay := newEndpoint(t, a), newEndpoint(t, a)
	equal(t, "the state Terraform waits for", rest.State, "available")
	made := newNetwork(t, a, &provisioning.NetworkVpcEndpoints{
		RestApi: []string{rest.VpcEndpointId}, DataplaneRelay: []string{relay.VpcEndpointId}})
	equal(t, "vpc_status", made.VpcStatus, provisioning.VpcStatusUnattached)
	equal(t, "error_messages", len(made.ErrorMessages), 0)
	_, err := a.VpcEndpoints.DeleteByVpcEndpointId(ctx, rest.VpcEndpointId)
	refused(t, err, 409)
	must(a.Networks.DeleteByNetworkId(ctx, made.NetworkId))(t)
	missing(t, func() (*provisioning.Network, error) { return a.Networks.GetByNetworkId(ctx, made.NetworkId) })
	for _, endpoint := range []*provisioning.VpcEndpoint{rest, relay} {
		must(a.VpcEndpoints.DeleteByVpcEndpointId(ctx, endpoint.VpcEndpointId))(t)
		missing(t, func() (*provisioning.VpcEndpoint, error) {
			return a.VpcEndpoints.GetByVpcEndpointId(ctx, endpoint.VpcEndpointId)
		})
	}
}

func TestPrivateAccessSettings(t *testing.T) {
	a := account(t)
	endpoint := newEndpoint(t, a)
	sent := provisioning.CreatePrivateAccessSettingsRequest{
		PrivateAccessSettingsName: unique("pas"), Region: region(t, a), PublicAccessEnabled: true}
	made := must(a.PrivateAccess.Create(ctx, sent))(t)
	id := made.PrivateAccessSettingsId
	t.Cleanup(func() { _, _ = a.PrivateAccess.DeleteByPrivateAccessSettingsId(ctx, id) })
	read := func() (*provisioning.PrivateAccessSettings, error) {
		return a.PrivateAccess.GetByPrivateAccessSettingsId(ctx, id)
	}
	equal(t, "the default level", readBack(t, sent, read).PrivateAccessLevel, provisioning.PrivateAccessLevelAccount)
	changed := provisioning.PrivateAccessSettings{
		PrivateAccessSettingsName: made.PrivateAccessSettingsName, Region: made.Region,
		PrivateAccessLevel:    provisioning.PrivateAccessLevelEndpoint,
		AllowedVpcEndpointIds: []string{endpoint.VpcEndpointId}}
	must(a.PrivateAccess.Replace(ctx, provisioning.ReplacePrivateAccessSettingsRequest{
		PrivateAccessSettingsId: id, CustomerFacingPrivateAccessSettings: changed}))(t)
	equal(t, "public_access_enabled, which was not sent", readBack(t, changed, read).PublicAccessEnabled, false)
	must(a.PrivateAccess.DeleteByPrivateAccessSettingsId(ctx, id))(t)
	missing(t, read)
}

func newKey(t *testing.T, a *databricks.AccountClient, uses ...provisioning.KeyUseCase) *provisioning.CustomerManagedKey {
	t.Helper()
	sent := provisioning.CreateCustomerManagedKeyRequest{
		UseCases: uses,
		AwsKeyInfo: &provisioning.CreateAwsKeyInfo{
			KeyArn: "arn:aws:kms:" + region(t, a) + ":123456789012:key/" + hex("k"), KeyAlias: "alias/tarn"},
	}
	made := must(a.EncryptionKeys.Create(ctx, sent))(t)
	t.Cleanup(func() { _, _ = a.EncryptionKeys.DeleteByCustomerManagedKeyId(ctx, made.CustomerManagedKeyId) })
	read := readBack(t, made, func() (*provisioning.CustomerManagedKey, error) {
		return a.EncryptionKeys.GetByCustomerManagedKeyId(ctx, made.CustomerManagedKeyId)
	})
	equal(t, "use_cases", read.UseCases, uses)
	contains(t, read.AwsKeyInfo, sent.AwsKeyInfo)
	return read
}

func TestCustomerManagedKeys(t *testing.T) {
	a := account(t)
	made := newKey(t, a, provisioning.KeyUseCaseManagedServices, provisioning.KeyUseCaseStorage)
	must(a.EncryptionKeys.DeleteByCustomerManagedKeyId(ctx, made.CustomerManagedKeyId))(t)
	missing(t, func() (*provisioning.CustomerManagedKey, error) {
		return a.EncryptionKeys.GetByCustomerManagedKeyId(ctx, made.CustomerManagedKeyId)
	})
}

// As Terraform makes databricks_mws_workspaces: create, wait, ask who I am at workspace_url, change, delete, wait for 404.
func TestWorkspaces(t *testing.T) {
	a := account(t)
	network, other := newNetwork(t, a, nil), newNetwork(t, a, nil)
	key := newKey(t, a, provisioning.KeyUseCaseManagedServices)
	sent := provisioning.CreateWorkspaceRequest{
		WorkspaceName:                       unique("go"),
		AwsRegion:                           region(t, a),
		CredentialsId:                       newCredentials(t, a).CredentialsId,
		StorageConfigurationId:              newStorage(t, a).StorageConfigurationId,
		NetworkId:                           network.NetworkId,
		ManagedServicesCustomerManagedKeyId: key.CustomerManagedKeyId,
		PricingTier:                         provisioning.PricingTierPremium,
		CustomTags:                          map[string]string{"team": "go"},
	}
	made := must(a.Workspaces.CreateAndWait(ctx, sent))(t)
	id := made.WorkspaceId
	t.Cleanup(func() { removeWorkspace(t, a, id) })
	read := func() (*provisioning.Workspace, error) { return a.Workspaces.GetByWorkspaceId(ctx, id) }
	readBack(t, sent, read)
	equal(t, "workspace_id of the network", must(a.Networks.GetByNetworkId(ctx, network.NetworkId))(t).WorkspaceId, id)
	_, err := a.Networks.DeleteByNetworkId(ctx, network.NetworkId)
	refused(t, err, 409)

	token := setting(t, "TARN_ACCOUNT_TOKEN")
	path := fmt.Sprintf("%s/api/2.0/accounts/%s/workspaces/%d", setting(t, "TARN_HOST"), setting(t, "TARN_ACCOUNT_ID"), id)
	_, raw := send(t, "GET", path, token)
	url, _ := raw["workspace_url"].(string)
	if !strings.HasPrefix(url, "http") {
		t.Fatalf("workspace_url is %q", url)
	}
	w := must(a.GetWorkspaceClient(*made))(t)
	me := must(w.CurrentUser.Me(ctx, iam.MeRequest{ExcludedAttributes: "entitlements"}))(t)
	equal(t, "entitlements, which were excluded", len(me.Entitlements), 0)

	changed := must(a.Workspaces.UpdateAndWait(ctx, provisioning.UpdateWorkspaceRequest{
		WorkspaceId: id, CustomerFacingWorkspace: provisioning.Workspace{NetworkId: other.NetworkId}}))(t)
	equal(t, "network_id", changed.NetworkId, other.NetworkId)
	must(a.Networks.DeleteByNetworkId(ctx, network.NetworkId))(t)
	_, err = a.Workspaces.Update(ctx, provisioning.UpdateWorkspaceRequest{
		WorkspaceId: id, CustomerFacingWorkspace: provisioning.Workspace{WorkspaceName: "another name"}})
	refused(t, err, 400)
	sent.NetworkId = other.NetworkId
	readBack(t, sent, read)
	removeWorkspace(t, a, id)
	missing(t, read)
	must(a.Networks.DeleteByNetworkId(ctx, other.NetworkId))(t)
}

func removeWorkspace(t *testing.T, a *databricks.AccountClient, id int64) {
	t.Helper()
	_, err := a.Workspaces.DeleteByWorkspaceId(ctx, id)
	for end := time.Now().Add(time.Minute); err == nil && time.Now().Before(end); {
		_, err = a.Workspaces.GetByWorkspaceId(ctx, id)
	}
	if !apierr.IsMissing(err) {
		t.Errorf("workspace %d is not gone: %v", id, err)
	}
}

func TestLogDelivery(t *testing.T) {
	a := account(t)
	sent := billing.CreateLogDeliveryConfigurationParams{
		ConfigName: unique("audit"), LogType: billing.LogTypeAuditLogs, OutputFormat: billing.OutputFormatJson,
		CredentialsId:          newCredentials(t, a).CredentialsId,
		StorageConfigurationId: newStorage(t, a).StorageConfigurationId, DeliveryPathPrefix: "logs/go"}
	made := must(a.LogDelivery.Create(ctx, billing.WrappedCreateLogDeliveryConfiguration{LogDeliveryConfiguration: sent}))(t)
	id := made.LogDeliveryConfiguration.ConfigId
	read := func() (*billing.LogDeliveryConfiguration, error) {
		answer, err := a.LogDelivery.GetByLogDeliveryConfigurationId(ctx, id)
		if err != nil {
			return nil, err
		}
		return answer.LogDeliveryConfiguration, nil
	}
	readBack(t, sent, read)
	status, _ := send(t, "POST", fmt.Sprintf("%s/api/2.0/accounts/%s/log-delivery/%s/tarn/deliver",
		setting(t, "TARN_HOST"), setting(t, "TARN_ACCOUNT_ID"), id), setting(t, "TARN_ACCOUNT_TOKEN"))
	equal(t, "the status of delivering", status, 200)
	equal(t, "its outcome", must(read())(t).LogDeliveryStatus.Status, billing.DeliveryStatusSucceeded)
	ok(t, a.LogDelivery.PatchStatus(ctx, billing.UpdateLogDeliveryConfigurationStatusRequest{
		LogDeliveryConfigurationId: id, Status: billing.LogDeliveryConfigStatusDisabled}))
	equal(t, "status", must(read())(t).Status, billing.LogDeliveryConfigStatusDisabled)
	must(a.Credentials.DeleteByCredentialsId(ctx, sent.CredentialsId))(t)
	id = "00000000-0000-0000-0000-000000000000" // there is no DELETE
	missing(t, read)
}

func TestBudgets(t *testing.T) {
	a := account(t)
	sent := billing.CreateBudgetConfigurationBudget{
		DisplayName: unique("budget"),
		AlertConfigurations: []billing.CreateBudgetConfigurationBudgetAlertConfigurations{{
			QuantityThreshold: "840",
			QuantityType:      billing.AlertConfigurationQuantityTypeListPriceDollarsUsd,
			TimePeriod:        billing.AlertConfigurationTimePeriodMonth,
			TriggerType:       billing.AlertConfigurationTriggerTypeCumulativeSpendingExceeded,
			ActionConfigurations: []billing.CreateBudgetConfigurationBudgetActionConfigurations{{
				ActionType: billing.ActionConfigurationTypeEmailNotification, Target: "ann@example.com"}},
		}},
	}
	made := must(a.Budgets.Create(ctx, billing.CreateBudgetConfigurationRequest{Budget: sent}))(t).Budget
	read := func() (*billing.BudgetConfiguration, error) {
		answer, err := a.Budgets.GetByBudgetId(ctx, made.BudgetConfigurationId)
		if err != nil {
			return nil, err
		}
		return answer.Budget, nil
	}
	readBack(t, made, read)
	equal(t, "the threshold", made.AlertConfigurations[0].QuantityThreshold, "840")
	must(a.Budgets.Update(ctx, billing.UpdateBudgetConfigurationRequest{
		BudgetId: made.BudgetConfigurationId,
		Budget: billing.UpdateBudgetConfigurationBudget{
			BudgetConfigurationId: made.BudgetConfigurationId, DisplayName: "renamed",
			AlertConfigurations: made.AlertConfigurations}}))(t)
	after := must(read())(t)
	equal(t, "display_name", after.DisplayName, "renamed")
	equal(t, "the alerts", after.AlertConfigurations, made.AlertConfigurations)
	ok(t, a.Budgets.DeleteByBudgetId(ctx, made.BudgetConfigurationId))
	missing(t, read)
}

func TestUsageDownload(t *testing.T) {
	a := account(t)
	month := time.Now().UTC().Format("2006-01")
	answer := must(a.BillableUsage.Download(ctx, billing.DownloadRequest{StartMonth: month, EndMonth: month}))(t)
	csv := string(must(io.ReadAll(answer.Contents))(t))
	if !strings.HasPrefix(csv, "workspaceId,timestamp,clusterId,") {
		t.Fatalf("the usage begins with %.200q", csv)
	}
}

func TestMetastoresAndAssignments(t *testing.T) {
	a := account(t)
	made := must(a.Metastores.Create(ctx, catalog.AccountsCreateMetastore{
		MetastoreInfo: &catalog.CreateAccountsMetastore{Name: hex("elsewhere"), Region: "eu-central-1"}}))(t).MetastoreInfo
	read := func() (*catalog.MetastoreInfo, error) {
		answer, err := a.Metastores.GetByMetastoreId(ctx, made.MetastoreId)
		if err != nil {
			return nil, err
		}
		return answer.MetastoreInfo, nil
	}
	readBack(t, made, read)
	workspace := must(a.Workspaces.List(ctx))(t)[0].WorkspaceId
	_, err := a.MetastoreAssignments.Create(ctx, catalog.AccountsCreateMetastoreAssignment{
		WorkspaceId: workspace, MetastoreId: made.MetastoreId,
		MetastoreAssignment: &catalog.CreateMetastoreAssignment{MetastoreId: made.MetastoreId}})
	refused(t, err, 400) // of another region
	must(a.Metastores.Delete(ctx, catalog.DeleteAccountMetastoreRequest{MetastoreId: made.MetastoreId, Force: true}))(t)
	missing(t, read)

	assignment := func() (*catalog.MetastoreAssignment, error) {
		answer, err := a.MetastoreAssignments.GetByWorkspaceId(ctx, workspace)
		if err != nil {
			return nil, err
		}
		return answer.MetastoreAssignment, nil
	}
	before := readBack(t, map[string]any{"workspace_id": workspace}, assignment)
	assign := func(catalogName string) {
		must(a.MetastoreAssignments.Update(ctx, catalog.AccountsUpdateMetastoreAssignment{
			WorkspaceId: workspace, MetastoreId: before.MetastoreId,
			MetastoreAssignment: &catalog.UpdateMetastoreAssignment{
				MetastoreId: before.MetastoreId, DefaultCatalogName: catalogName}}))(t)
		equal(t, "default_catalog_name", must(assignment())(t).DefaultCatalogName, catalogName)
	}
	assign("samples")
	assign(before.DefaultCatalogName)
	found := false
	for _, id := range must(a.MetastoreAssignments.ListAll(ctx,
		catalog.ListAccountMetastoreAssignmentsRequest{MetastoreId: before.MetastoreId}))(t) {
		found = found || id == workspace
	}
	equal(t, "the workspace is among the metastore's", found, true)
}

func TestWarehouses(t *testing.T) {
	w := must(databricks.NewWorkspaceClient(&databricks.Config{
		Host: setting(t, "TARN_HOST"), Token: setting(t, "TARN_WORKSPACE_TOKEN")}))(t)
	sent := sql.CreateWarehouseRequest{
		Name: unique("endpoint"), ClusterSize: "2X-Small", MaxNumClusters: 1, AutoStopMins: 10, EnablePhoton: true,
		WarehouseType: sql.CreateWarehouseRequestWarehouseTypePro, SpotInstancePolicy: sql.SpotInstancePolicyCostOptimized,
		Tags: &sql.EndpointTags{CustomTags: []sql.EndpointTagPair{{Key: "team", Value: "go"}}}}
	made := must(w.Warehouses.CreateAndWait(ctx, sent))(t)
	t.Cleanup(func() { _ = w.Warehouses.DeleteById(ctx, made.Id) })
	read := func() (*sql.GetWarehouseResponse, error) { return w.Warehouses.GetById(ctx, made.Id) }
	contains(t, must(read())(t), sent)
	found := false
	for _, source := range must(w.DataSources.List(ctx))(t) {
		found = found || source.WarehouseId == made.Id
	}
	equal(t, "the warehouse is among the data sources", found, true)
	changed := sql.EditWarehouseRequest{Id: made.Id, Name: unique("renamed"), ClusterSize: "Small", MaxNumClusters: 2, AutoStopMins: 0,
		EnablePhoton: true, WarehouseType: sql.EditWarehouseRequestWarehouseTypePro, SpotInstancePolicy: sent.SpotInstancePolicy,
		Tags: sent.Tags, ForceSendFields: []string{"AutoStopMins", "EnablePhoton", "EnableServerlessCompute"}}
	must(w.Warehouses.Edit(ctx, changed))(t)
	contains(t, must(read())(t), changed)
	equal(t, "auto_stop_mins", must(read())(t).AutoStopMins, 0)
	ok(t, w.Warehouses.DeleteById(ctx, made.Id))
	missing(t, read)
}

func TestUsersAndPermissionAssignments(t *testing.T) {
	a := account(t)
	sent := iam.CreateAccountUserRequest{UserName: hex("go") + "@example.com", DisplayName: "Go"}
	user := must(a.UsersV2.Create(ctx, sent))(t)
	read := func() (*iam.AccountUser, error) {
		return a.UsersV2.Get(ctx, iam.GetAccountUserRequest{Id: user.Id})
	}
	readBack(t, sent, read)
	_, err := a.UsersV2.Create(ctx, sent)
	refused(t, err, 409)
	ok(t, a.UsersV2.Update(ctx, iam.UpdateAccountUserRequest{
		Id: user.Id, UserName: sent.UserName, DisplayName: "Renamed", Active: true}))
	equal(t, "displayName", must(read())(t).DisplayName, "Renamed")
	assigned(t, a, user.Id)
	ok(t, a.UsersV2.Delete(ctx, iam.DeleteAccountUserRequest{Id: user.Id}))
	missing(t, read)
}

// assigned gives a principal the workspace as user and as admin, and takes it away; each is read back.
func assigned(t *testing.T, a *databricks.AccountClient, id string) {
	t.Helper()
	workspace := must(a.Workspaces.List(ctx))(t)[0].WorkspaceId
	principal := must(strconv.ParseInt(id, 10, 64))(t)
	permissions := func() []iam.WorkspacePermission {
		for _, each := range must(a.WorkspaceAssignment.ListByWorkspaceId(ctx, workspace))(t).PermissionAssignments {
			if each.Principal.PrincipalId == principal {
				return each.Permissions
			}
		}
		return nil
	}
	for _, permission := range []iam.WorkspacePermission{iam.WorkspacePermissionUser, iam.WorkspacePermissionAdmin} {
		must(a.WorkspaceAssignment.Update(ctx, iam.UpdateWorkspaceAssignments{
			WorkspaceId: workspace, PrincipalId: principal, Permissions: []iam.WorkspacePermission{permission}}))(t)
		equal(t, "the permissions", permissions(), []iam.WorkspacePermission{permission})
	}
	ok(t, a.WorkspaceAssignment.DeleteByWorkspaceIdAndPrincipalId(ctx, workspace, principal))
	equal(t, "the permissions", len(permissions()), 0)
}

func TestGroupsAndMembers(t *testing.T) {
	a := account(t)
	user := must(a.UsersV2.Create(ctx, iam.CreateAccountUserRequest{UserName: hex("member") + "@example.com"}))(t)
	sent := iam.CreateAccountGroupRequest{DisplayName: unique("group")}
	group := must(a.GroupsV2.Create(ctx, sent))(t)
	read := func() (*iam.AccountGroup, error) {
		return a.GroupsV2.Get(ctx, iam.GetAccountGroupRequest{Id: group.Id})
	}
	readBack(t, sent, read)
	member := func(op iam.PatchOp, path string, value any) {
		ok(t, a.GroupsV2.Patch(ctx, iam.PatchAccountGroupRequest{
			Id: group.Id, Schemas: []iam.PatchSchema{iam.PatchSchemaUrnIetfParamsScimApiMessages20PatchOp},
			Operations: []iam.Patch{{Op: op, Path: path, Value: value}}}))
	}
	member(iam.PatchOpAdd, "members", []iam.ComplexValue{{Value: user.Id}})
	equal(t, "the members", len(must(read())(t).Members), 1)
	assigned(t, a, group.Id)
	member(iam.PatchOpRemove, fmt.Sprintf("members[value eq \"%s\"]", user.Id), nil)
	equal(t, "the members", len(must(read())(t).Members), 0)
	ok(t, a.GroupsV2.Update(ctx, iam.UpdateAccountGroupRequest{Id: group.Id, DisplayName: unique("renamed")}))
	equal(t, "the name", strings.HasPrefix(must(read())(t).DisplayName, "renamed"), true)
	ok(t, a.GroupsV2.Delete(ctx, iam.DeleteAccountGroupRequest{Id: group.Id}))
	missing(t, read)
	ok(t, a.UsersV2.Delete(ctx, iam.DeleteAccountUserRequest{Id: user.Id}))
}

func TestServicePrincipalsAndSecrets(t *testing.T) {
	a := account(t)
	made := must(a.ServicePrincipalsV2.Create(ctx, iam.CreateAccountServicePrincipalRequest{DisplayName: "go"}))(t)
	read := func() (*iam.AccountServicePrincipal, error) {
		return a.ServicePrincipalsV2.Get(ctx, iam.GetAccountServicePrincipalRequest{Id: made.Id})
	}
	readBack(t, map[string]any{"displayName": "go", "applicationId": made.ApplicationId}, read)
	secret := must(a.ServicePrincipalSecrets.Create(ctx, oauth2.CreateServicePrincipalSecretRequest{ServicePrincipalId: made.Id}))(t)
	m2m := must(databricks.NewAccountClient(&databricks.Config{
		Host: setting(t, "TARN_HOST"), AccountID: setting(t, "TARN_ACCOUNT_ID"),
		ClientID: made.ApplicationId, ClientSecret: secret.Secret}))(t)
	_, err := m2m.Credentials.List(ctx)
	refused(t, err, 403) // known, and no admin
	secrets := func() []oauth2.SecretInfo {
		return must(a.ServicePrincipalSecrets.ListAll(ctx, oauth2.ListServicePrincipalSecretsRequest{ServicePrincipalId: made.Id}))(t)
	}
	equal(t, "the secret's id", secrets()[0].Id, secret.Id)
	ok(t, a.ServicePrincipalSecrets.Delete(ctx, oauth2.DeleteServicePrincipalSecretRequest{
		ServicePrincipalId: made.Id, SecretId: secret.Id}))
	equal(t, "the secrets left", len(secrets()), 0)

	name := "accounts/" + setting(t, "TARN_ACCOUNT_ID") + "/servicePrincipals/" + made.ApplicationId + "/ruleSets/default"
	rules := func() *iam.RuleSetResponse {
		return must(a.AccessControl.GetRuleSet(ctx, iam.GetRuleSetRequest{Name: name}))(t)
	}
	equal(t, "the rules of a new one", len(rules().GrantRules), 0)
	wanted := []iam.GrantRule{{Role: "roles/servicePrincipal.user", Principals: []string{"users/admin@tarn.local"}}}
	update := iam.UpdateRuleSetRequest{Name: name, RuleSet: iam.RuleSetUpdateRequest{
		Name: name, Etag: rules().Etag, GrantRules: wanted}}
	must(a.AccessControl.UpdateRuleSet(ctx, update))(t)
	equal(t, "the rules", rules().GrantRules, wanted)
	equal(t, "the second read", rules(), rules())
	_, err = a.AccessControl.UpdateRuleSet(ctx, update) // by an etag that is no longer the newest
	refused(t, err, 409)
	must(a.AccessControl.UpdateRuleSet(ctx, iam.UpdateRuleSetRequest{Name: name, RuleSet: iam.RuleSetUpdateRequest{
		Name: name, Etag: rules().Etag}}))(t)
	equal(t, "the rules left", len(rules().GrantRules), 0)
	ok(t, a.ServicePrincipalsV2.Update(ctx, iam.UpdateAccountServicePrincipalRequest{
		Id: made.Id, ApplicationId: made.ApplicationId, DisplayName: "renamed", Active: true}))
	equal(t, "displayName", must(read())(t).DisplayName, "renamed")
	assigned(t, a, made.Id)
	ok(t, a.ServicePrincipalsV2.Delete(ctx, iam.DeleteAccountServicePrincipalRequest{Id: made.Id}))
	missing(t, read)
}

func TestCustomAppIntegrations(t *testing.T) {
	a := account(t)
	sent := oauth2.CreateCustomAppIntegration{
		Name: unique("app"), RedirectUrls: []string{"https://app.example.com/callback"}, Confidential: true,
		Scopes: []string{"all-apis", "offline_access"}}
	made := must(a.CustomAppIntegration.Create(ctx, sent))(t)
	if made.ClientSecret == "" {
		t.Fatal("a confidential app has no client_secret")
	}
	read := func() (*oauth2.GetCustomAppIntegrationOutput, error) {
		return a.CustomAppIntegration.GetByIntegrationId(ctx, made.IntegrationId)
	}
	readBack(t, sent, read)
	urls := []string{"https://app.example.com/other"}
	ok(t, a.CustomAppIntegration.Update(ctx, oauth2.UpdateCustomAppIntegration{
		IntegrationId: made.IntegrationId, RedirectUrls: urls}))
	equal(t, "redirect_urls", must(read())(t).RedirectUrls, urls)
	ok(t, a.CustomAppIntegration.DeleteByIntegrationId(ctx, made.IntegrationId))
	missing(t, read)
}
