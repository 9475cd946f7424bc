-- An update under way: what the stack was before it. While it is rolled back, what it tried to become.
CREATE TABLE stack_update (
  stack_id   TEXT PRIMARY KEY NOT NULL REFERENCES stack (stack_id),
  update_id  TEXT NOT NULL,
  template   TEXT NOT NULL,
  parameters TEXT NOT NULL,
  sealed     TEXT NOT NULL,
  outputs    TEXT NOT NULL
);
-- The resources as they were then. A physical id that differs from that in stack_resource was replaced, and is deleted
-- when the update, or its rollback, cleans up.
CREATE TABLE stack_update_resource (
  stack_id    TEXT NOT NULL REFERENCES stack (stack_id),
  logical_id  TEXT NOT NULL,
  type        TEXT NOT NULL,
  status      TEXT NOT NULL,  -- CURRENT, CHANGED once the update has begun with it, then DELETE_…
  physical_id TEXT,
  attributes  TEXT NOT NULL,
  request_id  TEXT,
  PRIMARY KEY (stack_id, logical_id)
);
-- The last update, or rollback of one, that came by this resource.
ALTER TABLE stack_resource ADD COLUMN update_id TEXT;

ALTER TABLE stack ADD COLUMN updated_at BIGINT;  -- null: never updated
ALTER TABLE stack ADD COLUMN termination_protection BOOLEAN NOT NULL DEFAULT FALSE;
-- Whether its deletion also deletes what people put into its buckets.
ALTER TABLE stack ADD COLUMN empty_buckets BOOLEAN NOT NULL DEFAULT FALSE;
