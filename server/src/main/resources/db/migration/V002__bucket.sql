-- A bucket of the embedded object store; its content is the folder storage/<bucket_name>.
CREATE TABLE bucket (
  bucket_name TEXT PRIMARY KEY NOT NULL,
  region      TEXT NOT NULL,
  owner       TEXT NOT NULL, -- what made it: a stack id, 'metastore', 'samples', …
  state       TEXT NOT NULL, -- AVAILABLE, or DELETING until the folder is gone
  created_at  BIGINT NOT NULL
);
