-- The control planes that work on this database. One that does not come back in time loses its row,
-- and with it all that it had leased.
CREATE TABLE control_plane (
  plane_id    TEXT PRIMARY KEY NOT NULL,
  alive_until BIGINT NOT NULL -- by the database's clock
);

-- Work in the background that one control plane does; the row is its permission.
CREATE TABLE lease (
  work     TEXT PRIMARY KEY NOT NULL,
  plane_id TEXT NOT NULL REFERENCES control_plane (plane_id) ON DELETE CASCADE
);
CREATE INDEX lease_of ON lease (plane_id);

-- Engines and statements live in the control plane that started them, and die with it.
ALTER TABLE engine ADD COLUMN plane_id TEXT;
ALTER TABLE statement ADD COLUMN plane_id TEXT;

-- One engine an owner in each control plane.
DROP INDEX engine_up;
CREATE UNIQUE INDEX engine_up ON engine (owner_id, plane_id)
  WHERE state IN ('STARTING', 'RUNNING', 'STOPPING');
