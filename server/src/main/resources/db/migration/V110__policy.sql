-- ABAC policies: a row filter or a mask for all tables under a catalog, schema or table whose tags match. Whom it is for is by
-- id, so that nobody comes to be another by a name.
CREATE TABLE policy (
  policy_id    TEXT PRIMARY KEY,
  securable_id TEXT NOT NULL REFERENCES securable (securable_id) ON DELETE CASCADE,
  name         TEXT NOT NULL, -- lower case
  function_id  TEXT NOT NULL, -- no reference: what is gone closes the tables
  document     TEXT NOT NULL,
  UNIQUE (securable_id, name)
);
CREATE INDEX policy_function ON policy (function_id);

CREATE TABLE policy_principal (
  policy_id    TEXT NOT NULL REFERENCES policy (policy_id) ON DELETE CASCADE,
  principal_id BIGINT NOT NULL,
  excepted     BOOLEAN NOT NULL,
  PRIMARY KEY (policy_id, principal_id, excepted)
);
