-- All securables of Unity Catalog in one table: who may is asked of it, whatever the kind.
CREATE TABLE securable (
  securable_id     TEXT PRIMARY KEY NOT NULL,
  metastore_id     TEXT NOT NULL REFERENCES metastore (metastore_id),
  securable_type   TEXT NOT NULL, -- SecurableType of the SDK; STORAGE_CREDENTIAL is a CREDENTIAL
  kind             TEXT NOT NULL, -- finer: TableType, VolumeType, STORAGE or SERVICE, MODEL; '' for most
  parent_id        TEXT REFERENCES securable (securable_id), -- null for the metastore's own row
  name             TEXT NOT NULL, -- lower case
  owner_id         BIGINT,        -- a principal, or a former one: what a removed person owned still says so
  storage_location TEXT,          -- of a catalog or schema its own root, of the rest where the data is
  uses_id          TEXT REFERENCES securable (securable_id), -- its credential or connection, which so is in use
  isolated         BOOLEAN NOT NULL, -- seen in the workspaces of workspace_binding only
  read_only        BOOLEAN NOT NULL, -- nobody writes below it (samples)
  deleted_at       BIGINT,
  document         TEXT NOT NULL
);
CREATE UNIQUE INDEX securable_name ON securable (parent_id, securable_type, name) WHERE deleted_at IS NULL;
CREATE INDEX securable_parent ON securable (parent_id);
CREATE INDEX securable_owner ON securable (owner_id, parent_id);
CREATE INDEX securable_location ON securable (storage_location);
CREATE INDEX securable_uses ON securable (uses_id);
CREATE INDEX securable_deleted ON securable (deleted_at);

CREATE TABLE securable_grant (
  securable_id TEXT NOT NULL REFERENCES securable (securable_id) ON DELETE CASCADE,
  principal_id BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  privilege    TEXT NOT NULL,
  parent_id    TEXT,          -- of the securable, which never moves: lists ask for the grants below it
  granted_by   TEXT NOT NULL,
  granted_at   BIGINT NOT NULL,
  PRIMARY KEY (securable_id, principal_id, privilege)
);
CREATE INDEX securable_grant_of ON securable_grant (principal_id, parent_id);

CREATE TABLE workspace_binding (
  securable_id TEXT NOT NULL REFERENCES securable (securable_id) ON DELETE CASCADE,
  workspace_id BIGINT NOT NULL,
  binding_type TEXT NOT NULL, -- WorkspaceBindingBindingType of the SDK
  PRIMARY KEY (securable_id, workspace_id)
);

-- The catalog that a workspace came into the world with.
CREATE TABLE workspace_catalog (
  workspace_id BIGINT PRIMARY KEY NOT NULL,
  securable_id TEXT NOT NULL REFERENCES securable (securable_id) ON DELETE CASCADE
);
CREATE INDEX workspace_catalog_of ON workspace_catalog (securable_id);

-- Whether a workspace was given what each starts with; what is taken back later stays taken.
ALTER TABLE metastore_assignment ADD COLUMN defaults_given BOOLEAN NOT NULL DEFAULT FALSE;

-- Everybody, as a group that grants may name.
INSERT INTO principal (principal_id, kind, name, display_name, active, account_admin, created_at, changed_at, document)
VALUES (3, 'SYSTEM_GROUP', 'account users', 'account users', TRUE, FALSE, 0, 1, '{}');

INSERT INTO securable SELECT metastore_id, metastore_id, 'METASTORE', '', NULL, metastore_name, NULL,
  storage_root, NULL, FALSE, FALSE, NULL, '{}' FROM metastore;
INSERT INTO securable SELECT catalog_id, metastore_id, 'CATALOG', '', metastore_id, catalog_name, NULL,
  CASE WHEN own_root = 1 OR read_only = 1 THEN storage_root END, NULL, bound_workspace IS NOT NULL,
  read_only = 1, NULL, document FROM catalog;
INSERT INTO securable SELECT s.schema_id, c.metastore_id, 'SCHEMA', '', s.catalog_id, s.schema_name, NULL,
  s.storage_root, NULL, FALSE, FALSE, NULL, s.document
  FROM catalog_schema s JOIN catalog c ON c.catalog_id = s.catalog_id;
INSERT INTO securable SELECT t.table_id, c.metastore_id, 'TABLE', t.table_type, t.schema_id, t.table_name, NULL,
  t.storage_location, NULL, FALSE, FALSE, NULL, t.document
  FROM catalog_table t JOIN catalog_schema s ON s.schema_id = t.schema_id
  JOIN catalog c ON c.catalog_id = s.catalog_id;

INSERT INTO workspace_binding SELECT catalog_id, bound_workspace, 'BINDING_TYPE_READ_WRITE'
  FROM catalog WHERE bound_workspace IS NOT NULL;
INSERT INTO workspace_catalog SELECT workspace_catalog_of, catalog_id
  FROM catalog WHERE workspace_catalog_of IS NOT NULL;
INSERT INTO securable_grant SELECT catalog_id, 3, 'USE_CATALOG', metastore_id, 'System user', 0
  FROM catalog WHERE read_only = 1 OR catalog_name = 'main';
INSERT INTO securable_grant SELECT catalog_id, 3, 'USE_SCHEMA', metastore_id, 'System user', 0
  FROM catalog WHERE read_only = 1;
INSERT INTO securable_grant SELECT catalog_id, 3, 'SELECT', metastore_id, 'System user', 0
  FROM catalog WHERE read_only = 1;

CREATE TABLE staged_table (
  staging_id       TEXT PRIMARY KEY NOT NULL,
  schema_id        TEXT NOT NULL REFERENCES securable (securable_id) ON DELETE CASCADE,
  table_name       TEXT NOT NULL,
  storage_location TEXT NOT NULL UNIQUE,
  engine_id        TEXT,
  created_at       BIGINT NOT NULL
);
INSERT INTO staged_table SELECT staging_id, schema_id, table_name, storage_location, engine_id, created_at
  FROM staging_table;
CREATE INDEX staged_table_engine ON staged_table (engine_id);
CREATE INDEX staged_table_schema ON staged_table (schema_id);
CREATE INDEX staged_table_created_at ON staged_table (created_at);

DROP TABLE staging_table;
DROP TABLE catalog_table;
DROP TABLE catalog_schema;
DROP TABLE catalog;
