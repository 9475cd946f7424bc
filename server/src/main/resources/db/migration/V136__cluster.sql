-- A cluster: what was asked for, and how its engine is. Each change of state names the one it comes from.
CREATE TABLE cluster (
  cluster_id         TEXT PRIMARY KEY NOT NULL, -- MMDD-HHMMSS-xxxxxxxx
  workspace_id       BIGINT NOT NULL,
  cluster_name       TEXT NOT NULL, -- of several the same is fine
  state              TEXT NOT NULL, -- State of the SDK
  state_message      TEXT NOT NULL,
  spec               TEXT NOT NULL, -- ClusterSpec of the SDK as JSON, as it was asked for
  settings           TEXT NOT NULL, -- the same, checked and with its defaults
  source             TEXT NOT NULL, -- ClusterSource of the SDK
  policy_id          TEXT,          -- no foreign key: a policy may go before its clusters
  creator_id         BIGINT NOT NULL,
  creator_name       TEXT NOT NULL,
  created_at         BIGINT NOT NULL,
  started_at         BIGINT,        -- of the last start
  restarted_at       BIGINT,
  terminated_at      BIGINT,        -- while TERMINATED
  termination_reason TEXT,          -- TerminationReason of the SDK as JSON
  engine_id          TEXT,          -- while RUNNING
  pinned_at          BIGINT,
  plane_id           TEXT           -- the control plane that has its engine
);
CREATE INDEX cluster_of ON cluster (workspace_id, created_at);
CREATE INDEX cluster_by_policy ON cluster (policy_id);

CREATE TABLE cluster_event (
  cluster_id TEXT NOT NULL REFERENCES cluster (cluster_id) ON DELETE CASCADE,
  number     BIGINT NOT NULL, -- in the order in which they happened
  at         BIGINT NOT NULL,
  event_type TEXT NOT NULL,   -- EventType of the SDK
  details    TEXT NOT NULL,   -- EventDetails of the SDK as JSON
  PRIMARY KEY (cluster_id, number)
);
