// The Go SDK over Unity Catalog, and what the Terraform provider (1.128) asks for its resources there, call by call: create,
// read twice for an empty plan, change, read, remove, read that it is gone.
package acceptance

import (
	"strings"
	"testing"
	"time"

	"github.com/databricks/databricks-sdk-go"
	"github.com/databricks/databricks-sdk-go/client"
	"github.com/databricks/databricks-sdk-go/config"
	"github.com/databricks/databricks-sdk-go/listing"
	"github.com/databricks/databricks-sdk-go/service/catalog"
	"github.com/databricks/databricks-sdk-go/service/iam"
)

func workspace(t *testing.T) *databricks.WorkspaceClient {
	t.Helper()
	return must(databricks.NewWorkspaceClient(&databricks.Config{
		Host:  setting(t, "TARN_HOST"),
		Token: setting(t, "TARN_WORKSPACE_TOKEN"),
	}))(t)
}

// unity calls as the provider does where it has no use for the SDK's types.
func unity(t *testing.T) provider {
	t.Helper()
	c := must(client.New(&config.Config{Host: setting(t, "TARN_HOST"), Token: setting(t, "TARN_WORKSPACE_TOKEN")}))(t)
	return provider{t, c, "/api/2.1/unity-catalog"}
}

func lower(name string) string {
	return strings.ReplaceAll(strings.ToLower(unique(name)), " ", "_")
}

// team is a group that can own things, and its only member goes on administering them.
func team(t *testing.T) string {
	t.Helper()
	name := lower("team")
	me := must(workspace(t).CurrentUser.Me(ctx, iam.MeRequest{}))(t)
	group := must(account(t).GroupsV2.Create(ctx, iam.CreateAccountGroupRequest{DisplayName: name, Members: []iam.ComplexValue{{Value: me.Id}}}))(t)
	t.Cleanup(func() { _ = account(t).GroupsV2.Delete(ctx, iam.DeleteAccountGroupRequest{Id: group.Id}) })
	return name
}

// catalogAndSchema are made as databricks_catalog and databricks_schema make them: a new catalog's default schema goes at once.
func catalogAndSchema(t *testing.T, w *databricks.WorkspaceClient) (string, string) {
	t.Helper()
	name := lower("tf")
	must(w.Catalogs.Create(ctx, catalog.CreateCatalog{Name: name, Comment: "c", Properties: map[string]string{"k": "v"}}))(t)
	t.Cleanup(func() { _ = w.Catalogs.Delete(ctx, catalog.DeleteCatalogRequest{Name: name, Force: true}) })
	ok(t, w.Schemas.Delete(ctx, catalog.DeleteSchemaRequest{FullName: name + ".default"}))
	must(w.Schemas.Create(ctx, catalog.CreateSchema{CatalogName: name, Name: "s", Comment: "c"}))(t)
	return name, name + ".s"
}

func TestTerraformCatalogAndSchema(t *testing.T) {
	w := workspace(t)
	name, schema := catalogAndSchema(t, w)
	owner := team(t)
	readCatalog := func() (*catalog.CatalogInfo, error) { return w.Catalogs.GetByName(ctx, name) }
	readSchema := func() (*catalog.SchemaInfo, error) { return w.Schemas.GetByFullName(ctx, schema) }
	readBack(t, object{"name": name, "comment": "c", "properties": object{"k": "v"}, "isolation_mode": "OPEN"}, readCatalog)
	readBack(t, object{"full_name": schema, "comment": "c"}, readSchema)

	must(w.Schemas.Update(ctx, catalog.UpdateSchema{FullName: schema, Owner: owner}))(t)
	must(w.Schemas.Update(ctx, catalog.UpdateSchema{FullName: schema, Comment: "d", Properties: map[string]string{"a": "b"}}))(t)
	readBack(t, object{"comment": "d", "owner": owner, "properties": object{"a": "b"}}, readSchema)
	must(w.Catalogs.Update(ctx, catalog.UpdateCatalog{Name: name, IsolationMode: catalog.CatalogIsolationModeIsolated}))(t)
	current := must(w.Metastores.Current(ctx))(t)
	must(w.WorkspaceBindings.UpdateBindings(ctx, catalog.UpdateWorkspaceBindingsParameters{SecurableType: "catalog", SecurableName: name,
		Add: []catalog.WorkspaceBinding{{WorkspaceId: current.WorkspaceId, BindingType: catalog.WorkspaceBindingBindingTypeBindingTypeReadWrite}}}))(t)
	readBack(t, object{"isolation_mode": "ISOLATED"}, readCatalog)

	ok(t, w.Schemas.Delete(ctx, catalog.DeleteSchemaRequest{FullName: schema, Force: true}))
	missing(t, readSchema)
	ok(t, w.Catalogs.Delete(ctx, catalog.DeleteCatalogRequest{Name: name, Force: true}))
	missing(t, readCatalog)
}

// As databricks_workspace_binding: GET of all of them, searched for the workspace.
func TestTerraformWorkspaceBinding(t *testing.T) {
	w := workspace(t)
	name, _ := catalogAndSchema(t, w)
	id := must(w.Metastores.Current(ctx))(t).WorkspaceId
	bindings := func(add, remove []catalog.WorkspaceBinding) {
		must(w.WorkspaceBindings.UpdateBindings(ctx, catalog.UpdateWorkspaceBindingsParameters{
			SecurableType: "catalog", SecurableName: name, Add: add, Remove: remove}))(t)
	}
	of := func() []catalog.WorkspaceBinding {
		return must(listing.ToSlice(ctx, w.WorkspaceBindings.GetBindings(ctx, catalog.GetBindingsRequest{
			SecurableType: "catalog", SecurableName: name})))(t)
	}
	one := []catalog.WorkspaceBinding{{WorkspaceId: id, BindingType: catalog.WorkspaceBindingBindingTypeBindingTypeReadOnly}}
	bindings(one, nil)
	equal(t, "bindings", of(), one)
	equal(t, "the second read", of(), one)
	bindings(nil, one)
	equal(t, "bindings that are left", len(of()), 0)
}

func TestTerraformGrants(t *testing.T) {
	w, p := workspace(t), unity(t)
	name, schema := catalogAndSchema(t, w)
	must(w.RegisteredModels.Create(ctx, catalog.CreateRegisteredModelRequest{CatalogName: name, SchemaName: "s", Name: "m"}))(t)
	readers, writers := team(t), team(t)
	for _, each := range []struct {
		path           string
		first, another string
	}{
		{"/permissions/catalog/" + name, "USE_CATALOG", "CREATE_SCHEMA"},
		{"/permissions/schema/" + schema, "USE_SCHEMA", "CREATE_TABLE"},
		{"/permissions/function/" + schema + ".m", "EXECUTE", "APPLY_TAG"},
	} {
		// Of what others were granted there nothing is touched.
		held := func() object {
			all := object{}
			answer := must(p.api("GET", each.path, nil))(t)
			assignments, _ := answer["privilege_assignments"].([]any)
			for _, one := range assignments {
				assignment := one.(object)
				if assignment["principal"] == readers || assignment["principal"] == writers {
					all[assignment["principal"].(string)] = assignment["privileges"]
				}
			}
			return all
		}
		equal(t, each.path, held(), object{})
		p.done(p.api("PATCH", each.path, object{"changes": []any{
			object{"principal": readers, "add": []any{each.first}}, object{"principal": writers, "add": []any{each.another, each.first}}}}))
		both := []any{each.another, each.first}
		if each.first < each.another {
			both = []any{each.first, each.another}
		}
		equal(t, each.path, held(), object{readers: []any{each.first}, writers: both})
		p.done(p.api("PATCH", each.path, object{"changes": []any{
			object{"principal": readers, "remove": []any{each.first}}, object{"principal": writers, "remove": both}}}))
		equal(t, each.path, held(), object{})
	}
}

func TestTerraformVolume(t *testing.T) {
	w := workspace(t)
	name, schema := catalogAndSchema(t, w)
	made := must(w.Volumes.Create(ctx, catalog.CreateVolumeRequestContent{CatalogName: name, SchemaName: "s", Name: "v",
		VolumeType: catalog.VolumeTypeManaged, Comment: "c"}))(t)
	read := func() (*catalog.VolumeInfo, error) { return w.Volumes.ReadByName(ctx, schema+".v") }
	readBack(t, object{"full_name": schema + ".v", "comment": "c", "volume_type": "MANAGED", "storage_location": made.StorageLocation}, read)
	owner := team(t)
	must(w.Volumes.Update(ctx, catalog.UpdateVolumeRequestContent{Name: schema + ".v", Owner: owner}))(t)
	must(w.Volumes.Update(ctx, catalog.UpdateVolumeRequestContent{Name: schema + ".v", Comment: "d"}))(t)
	readBack(t, object{"comment": "d", "owner": owner}, read)
	must(w.Volumes.Update(ctx, catalog.UpdateVolumeRequestContent{Name: schema + ".v", NewName: "w"}))(t)
	missing(t, read)
	ok(t, w.Volumes.DeleteByName(ctx, schema+".w"))
	missing(t, func() (*catalog.VolumeInfo, error) { return w.Volumes.ReadByName(ctx, schema+".w") })
}

// The provider sends every field of its state with each change, those too that the server chose.
func TestTerraformRegisteredModel(t *testing.T) {
	w := workspace(t)
	name, schema := catalogAndSchema(t, w)
	owner := team(t)
	full := schema + ".m"
	made := must(w.RegisteredModels.Create(ctx, catalog.CreateRegisteredModelRequest{CatalogName: name, SchemaName: "s", Name: "m",
		Comment: "c", Owner: owner}))(t)
	equal(t, "owner", made.Owner, owner)
	read := func() (*catalog.RegisteredModelInfo, error) { return w.RegisteredModels.GetByFullName(ctx, full) }
	change := catalog.UpdateRegisteredModelRequest{FullName: full, CatalogName: name, SchemaName: "s", Name: "m",
		StorageLocation: made.StorageLocation, Owner: owner, Comment: "c"}
	must(w.RegisteredModels.Update(ctx, change))(t)
	readBack(t, object{"full_name": full, "comment": "c", "owner": owner, "storage_location": made.StorageLocation}, read)
	change.Owner, change.Comment = "", "d"
	must(w.RegisteredModels.Update(ctx, change))(t)
	must(w.RegisteredModels.Update(ctx, change))(t)
	readBack(t, object{"comment": "d", "owner": owner}, read)
	equal(t, "models of the schema", len(must(w.RegisteredModels.ListAll(ctx, catalog.ListRegisteredModelsRequest{CatalogName: name, SchemaName: "s"}))(t)), 1)
	equal(t, "versions", len(must(w.ModelVersions.ListAll(ctx, catalog.ListModelVersionsRequest{FullName: full}))(t)), 0)
	ok(t, w.RegisteredModels.DeleteByFullName(ctx, full))
	missing(t, read)
}

func TestTerraformStorageCredentialAndExternalLocation(t *testing.T) {
	w := workspace(t)
	role, bucket := roleAndBucket(t, account(t))
	name := lower("tf")
	must(w.StorageCredentials.Create(ctx, catalog.CreateStorageCredential{Name: name, Comment: "c",
		AwsIamRole: &catalog.AwsIamRoleRequest{RoleArn: role}}))(t)
	t.Cleanup(func() { _ = w.StorageCredentials.Delete(ctx, catalog.DeleteStorageCredentialRequest{Name: name, Force: true}) })
	readCredential := func() (*catalog.StorageCredentialInfo, error) { return w.StorageCredentials.GetByName(ctx, name) }
	readBack(t, object{"name": name, "comment": "c", "isolation_mode": "ISOLATION_MODE_OPEN"}, readCredential)

	url := "s3://" + bucket + "/" + name
	must(w.ExternalLocations.Create(ctx, catalog.CreateExternalLocation{Name: name, Url: url, CredentialName: name, Comment: "c", SkipValidation: true}))(t)
	t.Cleanup(func() { _ = w.ExternalLocations.Delete(ctx, catalog.DeleteExternalLocationRequest{Name: name, Force: true}) })
	readLocation := func() (*catalog.ExternalLocationInfo, error) { return w.ExternalLocations.GetByName(ctx, name) }
	readBack(t, object{"name": name, "url": url, "credential_name": name, "comment": "c", "isolation_mode": "ISOLATION_MODE_OPEN"}, readLocation)
	must(w.ExternalLocations.Update(ctx, catalog.UpdateExternalLocation{Name: name, Url: url, CredentialName: name, Comment: "d", ReadOnly: true,
		IsolationMode: catalog.IsolationModeIsolationModeIsolated}))(t)
	must(w.WorkspaceBindings.UpdateBindings(ctx, catalog.UpdateWorkspaceBindingsParameters{SecurableType: "external_location", SecurableName: name,
		Add: []catalog.WorkspaceBinding{{WorkspaceId: must(w.Metastores.Current(ctx))(t).WorkspaceId}}}))(t)
	readBack(t, object{"comment": "d", "read_only": true, "isolation_mode": "ISOLATION_MODE_ISOLATED"}, readLocation)
	refused(t, w.StorageCredentials.Delete(ctx, catalog.DeleteStorageCredentialRequest{Name: name}), 400)
	ok(t, w.ExternalLocations.Delete(ctx, catalog.DeleteExternalLocationRequest{Name: name}))
	missing(t, readLocation)

	owner := team(t)
	must(w.StorageCredentials.Update(ctx, catalog.UpdateStorageCredential{Name: name, Owner: owner}))(t)
	must(w.StorageCredentials.Update(ctx, catalog.UpdateStorageCredential{Name: name, Comment: "d",
		AwsIamRole: &catalog.AwsIamRoleRequest{RoleArn: role}}))(t)
	readBack(t, object{"comment": "d", "owner": owner}, readCredential)
	ok(t, w.StorageCredentials.Delete(ctx, catalog.DeleteStorageCredentialRequest{Name: name}))
	missing(t, readCredential)
}

func TestTheGoSdkOverFunctionsConnectionsAndGrants(t *testing.T) {
	w := workspace(t)
	name, schema := catalogAndSchema(t, w)
	must(w.Functions.Create(ctx, catalog.CreateFunctionRequest{FunctionInfo: catalog.CreateFunction{CatalogName: name, SchemaName: "s", Name: "f",
		InputParams: catalog.FunctionParameterInfos{}, DataType: catalog.ColumnTypeNameInt, FullDataType: "int",
		RoutineBody: catalog.CreateFunctionRoutineBodySql, RoutineDefinition: "1", ParameterStyle: catalog.CreateFunctionParameterStyleS,
		IsDeterministic: true, SqlDataAccess: catalog.CreateFunctionSqlDataAccessContainsSql,
		SecurityType: catalog.CreateFunctionSecurityTypeDefiner, SpecificName: "f"}}))(t)
	readFunction := func() (*catalog.FunctionInfo, error) { return w.Functions.GetByName(ctx, schema+".f") }
	readBack(t, object{"full_name": schema + ".f", "routine_definition": "1"}, readFunction)
	equal(t, "functions", len(must(w.Functions.ListAll(ctx, catalog.ListFunctionsRequest{CatalogName: name, SchemaName: "s"}))(t)), 1)
	ok(t, w.Functions.DeleteByName(ctx, schema+".f"))
	missing(t, readFunction)

	options := map[string]string{"host": "db", "port": "3306", "user": "u", "password": "p" + time.Now().String()}
	must(w.Connections.Create(ctx, catalog.CreateConnection{Name: name, ConnectionType: catalog.ConnectionTypeMysql, Options: options, Comment: "c"}))(t)
	readConnection := func() (*catalog.ConnectionInfo, error) { return w.Connections.GetByName(ctx, name) }
	delete(options, "password")
	readBack(t, object{"name": name, "comment": "c", "options": options}, readConnection)
	must(w.Connections.Update(ctx, catalog.UpdateConnection{Name: name, NewName: name + "_2", Options: map[string]string{"host": "h", "password": "q"}}))(t)
	missing(t, readConnection)
	ok(t, w.Connections.DeleteByName(ctx, name+"_2"))

	readers := team(t)
	must(w.Grants.Update(ctx, catalog.UpdatePermissions{SecurableType: "schema", FullName: schema,
		Changes: []catalog.PermissionsChange{{Principal: readers, Add: []catalog.Privilege{catalog.PrivilegeUseSchema}}}}))(t)
	effective := must(w.Grants.GetEffective(ctx, catalog.GetEffectiveRequest{SecurableType: "schema", FullName: schema, Principal: readers}))(t)
	equal(t, "effective", string(effective.PrivilegeAssignments[0].Privileges[0].Privilege), "USE_SCHEMA")
	quota := must(w.ResourceQuotas.GetQuota(ctx, catalog.GetQuotaRequest{ParentSecurableType: "catalog", ParentFullName: name, QuotaName: "schema-quota"}))(t)
	equal(t, "schemas", quota.QuotaInfo.QuotaCount, 1)
}
