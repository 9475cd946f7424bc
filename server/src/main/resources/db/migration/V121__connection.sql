-- The options of a connection that nobody is shown: one sealed JSON object.
CREATE TABLE connection_secret (
  securable_id TEXT PRIMARY KEY NOT NULL REFERENCES securable (securable_id) ON DELETE CASCADE,
  sealed       TEXT NOT NULL
);

-- Which table a foreign key refers to, so that a key in use is known; what is shown of keys is in the
-- tables' documents.
CREATE TABLE table_foreign_key (
  securable_id    TEXT NOT NULL REFERENCES securable (securable_id) ON DELETE CASCADE,
  constraint_name TEXT NOT NULL, -- lower case
  parent_table_id TEXT NOT NULL,
  PRIMARY KEY (securable_id, constraint_name)
);
CREATE INDEX table_foreign_key_parent ON table_foreign_key (parent_table_id);

CREATE TABLE artifact_allowlist (
  metastore_id  TEXT NOT NULL REFERENCES metastore (metastore_id),
  artifact_type TEXT NOT NULL,
  document      TEXT NOT NULL,
  PRIMARY KEY (metastore_id, artifact_type)
);
