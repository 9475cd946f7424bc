-- Unity Catalog. Names are stored in lower case; what a document holds is never also in a column.
CREATE TABLE metastore (
  metastore_id     TEXT PRIMARY KEY NOT NULL,
  metastore_name   TEXT NOT NULL UNIQUE,
  region           TEXT NOT NULL UNIQUE, -- one metastore for each region
  storage_root     TEXT NOT NULL,
  catalogs_version BIGINT NOT NULL,      -- grows when a workspace would see another set of catalogs
  document         TEXT NOT NULL
);

CREATE TABLE metastore_assignment (
  workspace_id         BIGINT PRIMARY KEY NOT NULL,
  metastore_id         TEXT NOT NULL REFERENCES metastore (metastore_id),
  default_catalog_name TEXT NOT NULL
);
CREATE INDEX metastore_assignment_metastore ON metastore_assignment (metastore_id);

CREATE TABLE catalog (
  catalog_id           TEXT PRIMARY KEY NOT NULL,
  metastore_id         TEXT NOT NULL REFERENCES metastore (metastore_id),
  catalog_name         TEXT NOT NULL,
  storage_root         TEXT NOT NULL,
  own_root             BIGINT NOT NULL, -- 1: storage_root is its own, 0: it is the metastore's
  read_only            BIGINT NOT NULL, -- 1: nobody writes below it (samples)
  bound_workspace      BIGINT,          -- seen there only (ISOLATED); null: everywhere (OPEN)
  workspace_catalog_of BIGINT UNIQUE,   -- the workspace that it came into the world with
  document             TEXT NOT NULL,
  UNIQUE (metastore_id, catalog_name)
);

CREATE TABLE catalog_schema (
  schema_id    TEXT PRIMARY KEY NOT NULL,
  catalog_id   TEXT NOT NULL REFERENCES catalog (catalog_id),
  schema_name  TEXT NOT NULL,
  storage_root TEXT,                     -- null: the catalog's
  document     TEXT NOT NULL,
  UNIQUE (catalog_id, schema_name)
);

CREATE TABLE catalog_table (
  table_id         TEXT PRIMARY KEY NOT NULL,
  schema_id        TEXT NOT NULL REFERENCES catalog_schema (schema_id),
  table_name       TEXT NOT NULL,
  table_type       TEXT NOT NULL,        -- MANAGED or EXTERNAL
  storage_location TEXT NOT NULL UNIQUE,
  document         TEXT NOT NULL,
  UNIQUE (schema_id, table_name)
);

-- A place for a managed table that an engine is writing; claimed by the table's creation.
CREATE TABLE staging_table (
  staging_id       TEXT PRIMARY KEY NOT NULL,
  schema_id        TEXT NOT NULL REFERENCES catalog_schema (schema_id),
  table_name       TEXT NOT NULL,
  storage_location TEXT NOT NULL UNIQUE,
  engine_id        TEXT,
  created_at       BIGINT NOT NULL
);
CREATE INDEX staging_table_engine ON staging_table (engine_id);
CREATE INDEX staging_table_schema ON staging_table (schema_id);
CREATE INDEX staging_table_created_at ON staging_table (created_at);

-- Folders whose table is gone; a row stays until its folder is.
CREATE TABLE storage_trash (
  storage_location TEXT PRIMARY KEY NOT NULL,
  created_at       BIGINT NOT NULL
);
