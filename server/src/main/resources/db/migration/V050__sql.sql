-- A SQL warehouse: what was asked for, and whether an engine runs for it.
CREATE TABLE warehouse (
  warehouse_id   TEXT PRIMARY KEY NOT NULL, -- 16 hexadecimal digits
  workspace_id   BIGINT NOT NULL,
  warehouse_name TEXT NOT NULL,
  state          TEXT NOT NULL, -- STARTING, RUNNING, STOPPING or STOPPED; deleted is gone
  engine_id      TEXT,          -- while RUNNING
  failure        TEXT,          -- why the last engine did not start, or died
  settings       TEXT NOT NULL, -- EditWarehouseRequest of the SDK as JSON, every field set
  creator_name   TEXT NOT NULL,
  created_at     BIGINT NOT NULL,
  UNIQUE (workspace_id, warehouse_name)
);

-- A statement that a client was told of. What is still PENDING or RUNNING at a start failed then;
-- a result folder that no SUCCEEDED row speaks of is deleted at the next start.
CREATE TABLE statement (
  statement_id TEXT PRIMARY KEY NOT NULL, -- UUID
  workspace_id BIGINT NOT NULL,
  principal_id TEXT NOT NULL,
  warehouse_id TEXT NOT NULL,
  state        TEXT NOT NULL, -- PENDING, RUNNING, SUCCEEDED, FAILED, CANCELED or CLOSED
  disposition  TEXT NOT NULL,
  status       TEXT NOT NULL, -- StatementStatus of the SDK as JSON
  manifest     TEXT,          -- ResultManifest of the SDK as JSON, once SUCCEEDED
  content      TEXT,          -- the one chunk of a small result; larger ones are files
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT         -- when the result goes, once the statement has ended
);
CREATE INDEX statement_by_expiry ON statement (expires_at);
