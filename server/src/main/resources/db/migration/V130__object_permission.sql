-- Who may do what with an object of a workspace that is not in the metastore; one level a principal.
CREATE TABLE object_permission (
  object_type      TEXT NOT NULL,   -- name of ObjectKind
  object_id        TEXT NOT NULL,
  workspace_id     BIGINT NOT NULL, -- no foreign key: the object goes first, and takes its rows along
  principal_id     BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  permission_level TEXT NOT NULL,   -- PermissionLevel of the SDK
  PRIMARY KEY (object_type, object_id, principal_id)
);
CREATE INDEX object_permission_of ON object_permission (principal_id, object_type, workspace_id);
