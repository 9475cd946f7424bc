-- A cluster policy. Clusters keep its id when it goes, so nothing refers to it.
CREATE TABLE cluster_policy (
  policy_id    TEXT PRIMARY KEY NOT NULL, -- 16 hexadecimal digits
  workspace_id BIGINT NOT NULL,
  policy_name  TEXT NOT NULL,
  is_default   BOOLEAN NOT NULL, -- came with the workspace
  created_at   BIGINT NOT NULL,
  document     TEXT NOT NULL, -- Policy of the SDK as JSON; of a family's its id and overrides, not what they make
  UNIQUE (workspace_id, policy_name)
);
