-- What a registered model has besides its securable: numbered versions, and names for some of them.
CREATE TABLE registered_model (
  securable_id TEXT PRIMARY KEY NOT NULL REFERENCES securable (securable_id) ON DELETE CASCADE,
  last_version BIGINT NOT NULL -- a number is given once
);

CREATE TABLE model_version (
  securable_id TEXT NOT NULL REFERENCES registered_model (securable_id) ON DELETE CASCADE,
  version      BIGINT NOT NULL,
  document     TEXT NOT NULL,
  PRIMARY KEY (securable_id, version)
);

CREATE TABLE model_alias (
  securable_id TEXT NOT NULL,
  alias        TEXT NOT NULL, -- lower case
  version      BIGINT NOT NULL,
  PRIMARY KEY (securable_id, alias),
  FOREIGN KEY (securable_id, version) REFERENCES model_version (securable_id, version) ON DELETE CASCADE
);
CREATE INDEX model_alias_version ON model_alias (securable_id, version);
