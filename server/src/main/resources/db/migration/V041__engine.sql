-- A Spark application that was started for a warehouse (later also for a cluster).
CREATE TABLE engine (
  engine_id    TEXT PRIMARY KEY NOT NULL,
  kind         TEXT NOT NULL,   -- WAREHOUSE
  owner_id     TEXT NOT NULL,   -- the warehouse
  workspace_id BIGINT NOT NULL, -- no foreign key: what ran outlives the workspace it ran for
  spec         TEXT NOT NULL,   -- JSON of Engines.Spec
  state        TEXT NOT NULL,   -- STARTING, RUNNING, STOPPING, STOPPED, FAILED
  reason       TEXT,            -- why it is STOPPING, STOPPED or FAILED
  outer_pid    BIGINT,          -- the process with which all of it dies
  outer_since  TEXT,            -- boot id and start tick of that process: a pid alone may be another's
  jvm_pid      BIGINT,          -- the driver as this machine sees it
  port         INTEGER,
  terms        TEXT NOT NULL,   -- what it was told: hash of key and catalog address; others cannot use it
  created_at   BIGINT NOT NULL,
  ended_at     BIGINT
);

-- One engine an owner: of two that start at once, the second finds the first.
CREATE UNIQUE INDEX engine_up ON engine (owner_id)
  WHERE state IN ('STARTING', 'RUNNING', 'STOPPING');
CREATE INDEX engine_by_owner ON engine (owner_id, created_at);
