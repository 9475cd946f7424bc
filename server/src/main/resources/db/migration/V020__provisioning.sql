-- Credential configurations: the role a workspace acts with.
CREATE TABLE credential (
  credentials_id   TEXT PRIMARY KEY NOT NULL,
  credentials_name TEXT NOT NULL UNIQUE,
  role_arn         TEXT NOT NULL,
  stack_id         TEXT,
  created_by       BIGINT NOT NULL,
  created_at       BIGINT NOT NULL
);

-- Storage configurations: the bucket a workspace has its root in.
CREATE TABLE storage_configuration (
  storage_configuration_id   TEXT PRIMARY KEY NOT NULL,
  storage_configuration_name TEXT NOT NULL UNIQUE,
  bucket_name                TEXT NOT NULL,
  role_arn                   TEXT, -- reads and writes the workspace catalog
  stack_id                   TEXT,
  created_by                 BIGINT NOT NULL,
  created_at                 BIGINT NOT NULL
);

CREATE TABLE workspace (
  workspace_id             BIGINT PRIMARY KEY NOT NULL,
  workspace_name           TEXT NOT NULL UNIQUE,
  deployment_name          TEXT NOT NULL UNIQUE,
  credentials_id           TEXT NOT NULL REFERENCES credential (credentials_id),
  storage_configuration_id TEXT NOT NULL
    REFERENCES storage_configuration (storage_configuration_id),
  status                   TEXT NOT NULL, -- WorkspaceStatus of the SDK
  status_message           TEXT NOT NULL,
  stack_id                 TEXT,
  created_by               BIGINT NOT NULL,
  created_at               BIGINT NOT NULL,
  document                 TEXT NOT NULL  -- the rest of the SDK's Workspace
);

-- What provisioning has done of a workspace; a step that ended is not run again.
CREATE TABLE workspace_step (
  workspace_id BIGINT NOT NULL REFERENCES workspace (workspace_id) ON DELETE CASCADE,
  position     INTEGER NOT NULL,
  name         TEXT NOT NULL,
  state        TEXT NOT NULL, -- RUNNING, DONE, FAILED
  message      TEXT NOT NULL,
  started_at   BIGINT NOT NULL,
  finished_at  BIGINT,
  PRIMARY KEY (workspace_id, name)
);
