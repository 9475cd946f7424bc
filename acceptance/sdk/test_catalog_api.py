"""The unmodified Python SDK over Unity Catalog: every noun is made, read, listed, changed, granted, and gone when removed."""

import io
import uuid

import pytest
from databricks.sdk import WorkspaceClient, errors
from databricks.sdk.service import catalog


@pytest.fixture(scope="module")
def w(instance):
    env = instance.env()
    return WorkspaceClient(host=env["DATABRICKS_HOST"], token=env["DATABRICKS_TOKEN"])


@pytest.fixture(scope="module")
def schema(w):
    name = f"py{uuid.uuid4().hex[:8]}"
    made = w.catalogs.create(name, comment="c", properties={"k": "v"})
    assert w.catalogs.get(name) == made and made.properties == {"k": "v"}
    assert name in {c.name for c in w.catalogs.list()}
    w.schemas.create("s", name, comment="c")
    assert w.schemas.update(f"{name}.s", comment="d").comment == "d"
    assert {s.name for s in w.schemas.list(name)} == {"default", "s"}
    yield f"{name}.s"
    w.catalogs.delete(name, force=True)
    with pytest.raises(errors.NotFound):
        w.catalogs.get(name)


def split(schema):
    return dict(zip(("catalog_name", "schema_name"), schema.split(".")))


def test_tables_with_their_keys(w, schema):
    bucket = next(location.url for location in w.external_locations.list() if location.url.startswith("s3://"))
    columns = [catalog.ColumnInfo(name="id", type_text="int", type_name=catalog.ColumnTypeName.INT, type_json='"integer"', nullable=False, position=0)]
    table = w.tables.create("t", **split(schema), table_type=catalog.TableType.EXTERNAL, data_source_format=catalog.DataSourceFormat.CSV,
                            storage_location=f"{bucket.rstrip('/')}/{schema}/t", columns=columns)
    assert w.tables.get(f"{schema}.t") == table and w.tables.exists(f"{schema}.t").table_exists
    assert [t.full_name for t in w.tables.list(**split(schema))] == [f"{schema}.t"]
    key = catalog.TableConstraint(primary_key_constraint=catalog.PrimaryKeyConstraint("pk", ["id"]))
    w.table_constraints.create(f"{schema}.t", key)
    assert w.tables.get(f"{schema}.t").table_constraints == [key]
    w.table_constraints.delete(f"{schema}.t", "pk", False)
    w.entity_tag_assignments.create(catalog.EntityTagAssignment(entity_type="tables", entity_name=f"{schema}.t", tag_key="k", tag_value="v"))
    assert [tag.tag_value for tag in w.entity_tag_assignments.list("tables", f"{schema}.t")] == ["v"]
    w.tables.delete(f"{schema}.t")
    with pytest.raises(errors.NotFound):
        w.tables.get(f"{schema}.t")


def test_volumes_and_their_files(w, schema):
    w.volumes.create(**split(schema), name="v", volume_type=catalog.VolumeType.MANAGED, comment="c")
    assert w.volumes.update(f"{schema}.v", comment="d").comment == "d"
    assert [v.name for v in w.volumes.list(**split(schema))] == ["v"]
    path = f"/Volumes/{schema.replace('.', '/')}/v/a.txt"
    w.files.upload(path, io.BytesIO(b"words"))
    assert w.files.download(path).contents.read() == b"words"
    w.volumes.delete(f"{schema}.v")
    with pytest.raises(errors.NotFound):
        w.volumes.read(f"{schema}.v")


def test_functions(w, schema):
    w.functions.create(catalog.CreateFunction(
        name="f", **split(schema), input_params=catalog.FunctionParameterInfos([]), data_type=catalog.ColumnTypeName.INT, full_data_type="int",
        routine_body=catalog.CreateFunctionRoutineBody.SQL, routine_definition="1", parameter_style=catalog.CreateFunctionParameterStyle.S,
        is_deterministic=True, sql_data_access=catalog.CreateFunctionSqlDataAccess.CONTAINS_SQL, is_null_call=False,
        security_type=catalog.CreateFunctionSecurityType.DEFINER, specific_name="f"))
    assert w.functions.get(f"{schema}.f").routine_definition == "1"
    assert [f.name for f in w.functions.list(**split(schema))] == ["f"]
    w.functions.delete(f"{schema}.f")
    with pytest.raises(errors.NotFound):
        w.functions.get(f"{schema}.f")


def test_models(w, schema):
    name = f"{schema}.m"
    made = w.registered_models.create(**split(schema), name="m", comment="c")
    assert w.registered_models.get(name) == made
    version = w.api_client.do("POST", "/api/2.1/unity-catalog/models/versions", body={**split(schema), "model_name": "m", "source": "/run"})
    assert version["version"] == 1 and version["status"] == "PENDING_REGISTRATION"
    w.api_client.do("PATCH", f"/api/2.1/unity-catalog/models/{name}/versions/1/finalize", body={"full_name": name, "version": 1})
    assert w.model_versions.get(name, 1).status == catalog.ModelVersionInfoStatus.READY
    w.registered_models.set_alias(name, "champion", 1)
    assert w.model_versions.get_by_alias(name, "champion").version == 1
    assert w.registered_models.get(name, include_aliases=True).aliases[0].alias_name == "champion"
    assert name in {m.full_name for m in w.registered_models.list()}
    w.registered_models.delete_alias(name, "champion")
    w.model_versions.delete(name, 1)
    w.registered_models.delete(name)
    with pytest.raises(errors.NotFound):
        w.registered_models.get(name)


def test_grants_and_bindings(w, schema):
    name = schema.split(".")[0]
    change = catalog.PermissionsChange(principal="account users", add=[catalog.Privilege.USE_CATALOG])
    w.grants.update("catalog", name, changes=[change])
    assert w.grants.get("catalog", name).privilege_assignments[0].privileges == [catalog.Privilege.USE_CATALOG]
    change = catalog.PermissionsChange(principal="account users", add=[catalog.Privilege.SELECT])
    w.grants.update("catalog", name, changes=[change])
    [held] = w.grants.get_effective("schema", schema, principal="account users").privilege_assignments
    assert [(p.privilege.value, p.inherited_from_name) for p in held.privileges] == [("SELECT", name)]
    here = [catalog.WorkspaceBinding(w.get_workspace_id(), binding_type=catalog.WorkspaceBindingBindingType.BINDING_TYPE_READ_WRITE)]
    w.workspace_bindings.update_bindings("catalog", name, add=here)
    assert list(w.workspace_bindings.get_bindings("catalog", name)) == here
    with pytest.raises(errors.NotFound):
        w.grants.update("catalog", name, changes=[catalog.PermissionsChange(principal="nobody@example.com", add=[catalog.Privilege.SELECT])])


def test_credentials_locations_and_connections(w):
    name = f"py{uuid.uuid4().hex[:8]}"
    role = catalog.AwsIamRoleRequest("arn:aws:iam::123456789012:role/nothing")
    made = w.storage_credentials.create(name, aws_iam_role=role, comment="c")
    assert w.storage_credentials.get(name) == made and name in {c.name for c in w.storage_credentials.list()}
    with pytest.raises(errors.BadRequest):
        w.external_locations.create(name, "s3://not-a-bucket-here/x", name)
    w.storage_credentials.delete(name)
    location = next(iter(w.external_locations.list()))
    assert w.external_locations.get(location.name) == location
    secret = uuid.uuid4().hex
    made = w.connections.create(name, catalog.ConnectionType.MYSQL, {"host": "db", "user": "u", "password": secret})
    assert made.options == {"host": "db", "user": "u"} and w.connections.get(name) == made
    assert secret not in str(list(w.connections.list()))
    w.connections.delete(name)
    with pytest.raises(errors.NotFound):
        w.connections.get(name)


def test_what_the_metastore_says_of_itself(w, schema):
    summary = w.metastores.summary()
    assert summary.metastore_id == w.metastores.current().metastore_id
    assert summary.cloud == "aws" and summary.global_metastore_id.endswith(summary.metastore_id)
    assert w.resource_quotas.get_quota("catalog", schema.split(".")[0], "schema-quota").quota_info.quota_count == 2
    with pytest.raises(errors.PermissionDenied):  # the token is for the workspace, and so is its owner with it
        w.resource_quotas.get_quota("metastore", summary.metastore_id, "catalog-quota")
