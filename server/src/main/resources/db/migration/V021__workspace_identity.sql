-- Who may enter a workspace.
CREATE TABLE workspace_assignment (
  workspace_id BIGINT NOT NULL REFERENCES workspace (workspace_id) ON DELETE CASCADE,
  principal_id BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  permission   TEXT NOT NULL, -- USER, ADMIN (which includes USER)
  PRIMARY KEY (workspace_id, principal_id)
);
CREATE INDEX workspace_assignment_of ON workspace_assignment (principal_id);

-- Every opaque bearer token that is valid; the values are nowhere, only their SHA-256.
CREATE TABLE token (
  token_id     TEXT PRIMARY KEY NOT NULL,
  hash         TEXT NOT NULL UNIQUE,
  kind         TEXT NOT NULL, -- PERSONAL, STACK, ENGINE
  principal_id BIGINT REFERENCES principal (principal_id) ON DELETE CASCADE,
  workspace_id BIGINT REFERENCES workspace (workspace_id) ON DELETE CASCADE,
  holder       TEXT,          -- stack id, engine id
  comment      TEXT,
  created_by   TEXT NOT NULL, -- name of who made it
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL -- -1: never
);
CREATE INDEX token_of ON token (principal_id, workspace_id);
