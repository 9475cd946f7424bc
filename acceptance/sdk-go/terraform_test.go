// What the Terraform provider (1.128) asks, call by call, through the client that it is made of: create, read, read again for
// an empty plan, change, read, import by id, remove, read that it is gone. The provider itself is not in our registries.
package acceptance

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/databricks/databricks-sdk-go/apierr"
	"github.com/databricks/databricks-sdk-go/client"
	"github.com/databricks/databricks-sdk-go/config"
	"github.com/databricks/databricks-sdk-go/service/oauth2"
)

type object = map[string]any

type provider struct {
	t      *testing.T
	client *client.DatabricksClient
	prefix string
}

func terraform(t *testing.T) provider {
	t.Helper()
	return provider{t, must(client.New(account(t).Config))(t), "/api/2.0/accounts/" + setting(t, "TARN_ACCOUNT_ID")}
}

func (p provider) api(verb, path string, request any) (object, error) {
	answer := object{}
	err := p.client.Do(ctx, verb, p.prefix+path, map[string]string{"Content-Type": "application/json"}, nil, request, &answer)
	return answer, err
}

// scim sends the media type that the provider sends. An answer that it has no use for it does not ask for.
func (p provider) scim(verb, path string, request any) (object, error) {
	answer := object{}
	headers := map[string]string{"Content-Type": "application/scim+json; charset=utf-8"}
	var response any
	if verb == "GET" || verb == "POST" {
		response = &answer
	}
	return answer, p.client.Do(ctx, verb, p.prefix+"/scim/v2"+path, headers, nil, request, response)
}

func (p provider) done(_ object, err error) {
	p.t.Helper()
	ok(p.t, err)
}

// same is a read for a plan: two answers that are equal, with everything that was sent and nothing empty.
func (p provider) same(sent object, read func() (object, error)) object {
	p.t.Helper()
	first := *readBack(p.t, sent, func() (*object, error) {
		answer, err := read()
		return &answer, err
	})
	for name, value := range first {
		if value == nil || value == "" {
			p.t.Fatalf("%s is %q in %s (expected: a value, or no such field)", name, value, shown(first))
		}
	}
	return first
}

func (p provider) gone(read func() (object, error)) {
	p.t.Helper()
	missing(p.t, read)
}

// told is what the provider compares to adopt what is there already.
func (p provider) told(err error, message string) {
	p.t.Helper()
	var answer *apierr.APIError
	if !errors.As(err, &answer) || answer.StatusCode != 409 || answer.Error() != message {
		p.t.Fatalf("the call ended with %v (expected: %s)", err, message)
	}
}

// found is the id of the only one that fits.
func (p provider) found(kind, filter string) any {
	p.t.Helper()
	list := must(p.scim("GET", "/"+kind+"?excludedAttributes=roles&filter="+url.QueryEscape(filter), nil))(p.t)
	resources, _ := list["Resources"].([]any)
	if len(resources) != 1 {
		p.t.Fatalf("%s finds %s (expected: one)", filter, shown(list))
	}
	return resources[0].(object)["id"]
}

func patch(op, path string, value any) object {
	operation := object{"op": op, "path": path}
	if value != nil {
		operation["value"] = value
	}
	return object{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": []object{operation}}
}

func schemas(kind string) []string {
	return []string{"urn:ietf:params:scim:schemas:core:2.0:" + kind}
}

// none is how it says that there are no entitlements.
var none = []object{{}}

func TestTerraformUser(t *testing.T) {
	p := terraform(t)
	name := "Tf" + hex("user") + "@Example.com"
	sent := object{"userName": name, "active": true, "entitlements": none, "schemas": schemas("User")}
	id := must(p.scim("POST", "/Users", sent))(t)["id"].(string)
	read := func() (object, error) {
		return p.scim("GET", "/Users/"+id+"?attributes=userName,displayName,active,externalId,entitlements", nil)
	}
	first := p.same(object{"active": true}, read)
	equal(t, "userName, whatever its case", strings.EqualFold(first["userName"].(string), name), true)
	equal(t, "there are entitlements", first["entitlements"], nil)
	p.done(p.scim("PUT", "/Users/"+id, object{"userName": name, "displayName": "Tf", "active": true, "externalId": "x-1",
		"entitlements": none, "schemas": schemas("User")}))
	p.same(object{"displayName": "Tf", "active": true, "externalId": "x-1"}, read)

	_, err := p.scim("POST", "/Users", sent) // with force: it is adopted
	if err == nil || !strings.HasPrefix(strings.ToLower(err.Error()),
		strings.ToLower("User with email "+name+" already exists in this account")) {
		t.Fatalf("a user that exists is made with %v", err)
	}
	equal(t, "the user of that name", p.found("Users", fmt.Sprintf(`userName eq "%s"`, name)), id)

	p.done(p.scim("PATCH", "/Users/"+id, patch("replace", "active", []object{{"value": "false"}}))) // its delete in an account
	equal(t, "active", must(read())(t)["active"], false)
	p.done(p.scim("DELETE", "/Users/"+id, nil))
	p.gone(read)
}

func TestTerraformGroupAndMembers(t *testing.T) {
	p := terraform(t)
	name := unique("tf group's")
	sent := object{"displayName": name, "entitlements": none, "schemas": schemas("Group")}
	id := must(p.scim("POST", "/Groups", sent))(t)["id"].(string)
	t.Cleanup(func() { _, _ = p.scim("DELETE", "/Groups/"+id, nil) })
	read := func() (object, error) {
		return p.scim("GET", "/Groups/"+id+"?attributes=displayName,externalId,entitlements", nil)
	}
	equal(t, "there are entitlements", p.same(object{"displayName": name}, read)["entitlements"], nil)
	_, err := p.scim("POST", "/Groups", sent)
	p.told(err, "Group with name "+name+" already exists.")

	user := must(p.scim("POST", "/Users", object{"userName": hex("tf") + "@example.com", "active": true}))(t)["id"].(string)
	inner := must(p.scim("POST", "/Groups", object{"displayName": unique("tf inner")}))(t)["id"].(string)
	members := func() []string {
		ids := []string{}
		list, _ := must(p.scim("GET", "/Groups/"+id+"?attributes=members", nil))(t)["members"].([]any)
		for _, member := range list {
			ids = append(ids, member.(object)["value"].(string))
		}
		return ids
	}
	for _, member := range []string{user, inner} {
		p.done(p.scim("PATCH", "/Groups/"+id, patch("add", "members", []object{{"value": member}})))
	}
	equal(t, "the members", len(members()), 2)
	whole := must(p.scim("GET", "/Groups/"+id, nil))(t)
	renamed := unique("tf renamed")
	p.done(p.scim("PUT", "/Groups/"+id, object{"displayName": renamed, "externalId": "tf", "entitlements": none,
		"members": whole["members"], "groups": whole["groups"], "roles": whole["roles"], "schemas": schemas("Group")}))
	p.same(object{"displayName": renamed, "externalId": "tf"}, read)
	equal(t, "the members after it was renamed", len(members()), 2)
	equal(t, "the group of that name", p.found("Groups", fmt.Sprintf("displayName eq '%s'", renamed)), id)
	p.done(p.scim("PATCH", "/Groups/"+id, patch("remove", fmt.Sprintf(`members[value eq "%s"]`, user), nil)))
	equal(t, "the members left", members(), []string{inner})
	p.done(p.scim("DELETE", "/Groups/"+inner, nil))
	equal(t, "the members left", members(), []string{})
	p.done(p.scim("DELETE", "/Users/"+user, nil))
	p.done(p.scim("DELETE", "/Groups/"+id, nil))
	p.gone(read)
	p.gone(func() (object, error) {
		return p.scim("PATCH", "/Groups/"+id, patch("remove", fmt.Sprintf(`members[value eq "%s"]`, user), nil))
	})
}

func TestTerraformServicePrincipalAndSecret(t *testing.T) {
	p, a := terraform(t), account(t)
	sent := object{"displayName": unique("tf machine"), "active": true, "entitlements": none, "schemas": schemas("ServicePrincipal")}
	made := must(p.scim("POST", "/ServicePrincipals", sent))(t)
	id, application := made["id"].(string), made["applicationId"].(string)
	read := func() (object, error) {
		return p.scim("GET", "/ServicePrincipals/"+id+"?attributes=userName,displayName,active,externalId,entitlements,applicationId", nil)
	}
	p.same(object{"displayName": sent["displayName"], "active": true, "applicationId": application}, read)
	p.done(p.scim("PUT", "/ServicePrincipals/"+id, object{"displayName": "tf renamed", "active": true, "externalId": "m-1",
		"applicationId": application, "entitlements": none, "schemas": schemas("ServicePrincipal")}))
	p.same(object{"displayName": "tf renamed", "active": true, "externalId": "m-1", "applicationId": application}, read)
	_, err := p.scim("POST", "/ServicePrincipals", object{"applicationId": application, "displayName": "twin", "active": true})
	p.told(err, "Service principal with application ID "+application+" already exists.")
	equal(t, "the one of that id", p.found("ServicePrincipals", fmt.Sprintf("applicationId eq '%s'", application)), id)

	secret := must(a.ServicePrincipalSecrets.Create(ctx, oauth2.CreateServicePrincipalSecretRequest{
		ServicePrincipalId: id, Lifetime: "3600s"}))(t)
	list := must(a.ServicePrincipalSecrets.ListAll(ctx, oauth2.ListServicePrincipalSecretsRequest{ServicePrincipalId: id}))(t)
	equal(t, "the secrets", len(list), 1)
	contains(t, secret, list[0])
	expires := must(time.Parse(time.RFC3339, list[0].ExpireTime))(t)
	equal(t, "it ends in an hour", time.Until(expires) > 50*time.Minute && time.Until(expires) <= time.Hour, true)
	remove := oauth2.DeleteServicePrincipalSecretRequest{ServicePrincipalId: id, SecretId: secret.Id}
	ok(t, a.ServicePrincipalSecrets.Delete(ctx, remove))
	missing(t, func() (any, error) { return nil, a.ServicePrincipalSecrets.Delete(ctx, remove) })

	p.done(p.scim("PATCH", "/ServicePrincipals/"+id, patch("replace", "active", []object{{"value": "false"}})))
	equal(t, "active", must(read())(t)["active"], false)
	p.done(p.scim("DELETE", "/ServicePrincipals/"+id, nil))
	p.gone(read)
}

// made makes one of a kind of cloud object as the provider does, with the account's id in the body, and reads it for two plans.
func (p provider) made(path, field string, sent object) (string, func() (object, error)) {
	p.t.Helper()
	sent["account_id"] = setting(p.t, "TARN_ACCOUNT_ID")
	id := must(p.api("POST", path, sent))(p.t)[field].(string)
	p.t.Cleanup(func() { _, _ = p.api("DELETE", path+"/"+id, nil) })
	read := func() (object, error) { return p.api("GET", path+"/"+id, nil) }
	if fields, ok := sent["aws_key_info"].(object); ok { // its region is the server's to tell
		fields["key_region"] = strings.Split(fields["key_arn"].(string), ":")[3]
	}
	if credentials, ok := sent["aws_credentials"].(object); ok { // and so is what the role is asked for
		credentials["sts_role"].(object)["external_id"] = setting(p.t, "TARN_ACCOUNT_ID")
	}
	p.same(sent, read)
	return id, read
}

// As databricks_mws_workspaces: all that it refers to, the workspace itself, and databricks_metastore_assignment in it.
func TestTerraformWorkspace(t *testing.T) {
	p, a := terraform(t), account(t)
	role, bucket := roleAndBucket(t, a)
	credentials, readCredentials := p.made("/credentials", "credentials_id", object{"credentials_name": unique("tf"),
		"aws_credentials": object{"sts_role": object{"role_arn": role}}})
	storage, readStorage := p.made("/storage-configurations", "storage_configuration_id", object{
		"storage_configuration_name": unique("tf"), "root_bucket_info": object{"bucket_name": bucket}})
	endpoint, readEndpoint := p.made("/vpc-endpoints", "vpc_endpoint_id", object{"vpc_endpoint_name": unique("tf"),
		"region": region(t, a), "aws_vpc_endpoint_id": hex("vpce")})
	network := func() (string, func() (object, error)) {
		return p.made("/networks", "network_id", object{"network_name": unique("tf"), "vpc_id": hex("vpc"),
			"subnet_ids": []any{hex("subnet"), hex("subnet")}, "security_group_ids": []any{hex("sg")}})
	}
	first, readFirst := network()
	second, readSecond := network()
	access, readAccess := p.made("/private-access-settings", "private_access_settings_id", object{
		"private_access_settings_name": unique("tf"), "region": region(t, a), "public_access_enabled": true,
		"private_access_level": "ENDPOINT", "allowed_vpc_endpoint_ids": []any{endpoint}})
	key, readKey := p.made("/customer-managed-keys", "customer_managed_key_id", object{
		"use_cases":    []any{"MANAGED_SERVICES", "STORAGE"},
		"aws_key_info": object{"key_arn": "arn:aws:kms:" + region(t, a) + ":123456789012:key/" + hex("k"), "key_alias": "alias/tf"}})

	sent := object{"account_id": setting(t, "TARN_ACCOUNT_ID"), "workspace_name": unique("tf"), "aws_region": region(t, a),
		"credentials_id": credentials, "storage_configuration_id": storage, "network_id": first,
		"private_access_settings_id": access, "storage_customer_managed_key_id": key, "managed_services_customer_managed_key_id": key,
		"is_no_public_ip_enabled": true, "custom_tags": object{"team": "tf"}}
	number := must(p.api("POST", "/workspaces", sent))(t)["workspace_id"].(float64)
	id := strconv.FormatFloat(number, 'f', 0, 64)
	t.Cleanup(func() { removeWorkspace(t, a, int64(number)) })
	read := func() (object, error) { return p.api("GET", "/workspaces/"+id, nil) }
	running := func() object {
		for end := time.Now().Add(time.Minute); ; {
			workspace := must(read())(t)
			if workspace["workspace_status"] == "RUNNING" {
				return workspace
			}
			if workspace["workspace_status"] != "PROVISIONING" || time.Now().After(end) {
				t.Fatalf("the workspace is %s", shown(workspace))
			}
		}
	}
	workspace := running()
	delete(sent, "is_no_public_ip_enabled") // kept by nobody: the provider leaves it out of every plan
	p.same(sent, read)

	// It asks who it is at the address that it was given, and goes on whatever it is told; until a name of it resolves it waits.
	at := must(client.New(&config.Config{Host: workspace["workspace_url"].(string), Token: setting(t, "TARN_ACCOUNT_TOKEN")}))(t)
	err := at.Do(ctx, "GET", "/api/2.0/preview/scim/v2/Me?excludedAttributes=entitlements", nil, nil, nil, &object{})
	var answer *apierr.APIError
	if err != nil && !errors.As(err, &answer) {
		t.Fatalf("%s does not answer: %v", workspace["workspace_url"], err)
	}

	sent["network_id"], sent["custom_tags"] = second, object{"team": "tf", "stage": "prod"}
	p.done(p.api("PATCH", "/workspaces/"+id, object{"credentials_id": credentials, "network_id": second,
		"private_access_settings_id": access, "storage_customer_managed_key_id": key, "custom_tags": sent["custom_tags"]}))
	running()
	p.same(sent, read)
	p.done(p.api("DELETE", "/networks/"+first, nil))
	p.gone(readFirst)

	metastore := must(a.MetastoreAssignments.GetByWorkspaceId(ctx, int64(number)))(t).MetastoreAssignment.MetastoreId
	assignment := func() (object, error) { return p.api("GET", "/workspaces/"+id+"/metastore", nil) }
	p.done(p.api("DELETE", "/workspaces/"+id+"/metastores/"+metastore, nil))
	p.gone(assignment)
	p.done(p.api("POST", "/workspaces/"+id+"/metastores/"+metastore,
		object{"metastore_assignment": object{"workspace_id": number, "metastore_id": metastore}}))
	inner := must(assignment())(t)["metastore_assignment"]
	equal(t, "metastore_id", inner.(object)["metastore_id"], metastore)
	equal(t, "workspace_id", inner.(object)["workspace_id"], number)
	equal(t, "the second read", must(assignment())(t)["metastore_assignment"], inner)

	removeWorkspace(t, a, int64(number))
	p.gone(read)
	p.gone(assignment)
	for _, each := range []struct {
		path string
		read func() (object, error)
	}{
		{"/networks/" + second, readSecond}, {"/private-access-settings/" + access, readAccess},
		{"/vpc-endpoints/" + endpoint, readEndpoint}, {"/customer-managed-keys/" + key, readKey},
		{"/credentials/" + credentials, readCredentials}, {"/storage-configurations/" + storage, readStorage},
	} {
		p.done(p.api("DELETE", each.path, nil))
		p.gone(each.read)
	}
}

func TestTerraformMetastore(t *testing.T) {
	p := terraform(t)
	name := hex("tf")
	made := must(p.api("POST", "/metastores", object{"metastore_info": object{"name": name, "region": "eu-north-1"}}))(t)
	id := made["metastore_info"].(object)["metastore_id"].(string)
	read := func() (object, error) {
		answer, err := p.api("GET", "/metastores/"+id, nil)
		info, _ := answer["metastore_info"].(object)
		return info, err
	}
	p.same(object{"name": name, "region": "eu-north-1", "metastore_id": id}, read)
	p.done(p.api("PUT", "/metastores/"+id, object{"metastore_info": object{"owner": must(read())(t)["owner"]}}))
	p.same(object{"name": name}, read)
	p.done(p.api("DELETE", "/metastores/"+id+"?force=true", nil))
	p.gone(read)
}
