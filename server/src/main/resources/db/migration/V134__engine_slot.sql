-- An owner may have several engines: a warehouse that has more than one cluster.
ALTER TABLE engine ADD COLUMN slot INTEGER NOT NULL DEFAULT 0;

-- One engine a slot of an owner in each control plane.
DROP INDEX engine_up;
CREATE UNIQUE INDEX engine_up ON engine (owner_id, slot, plane_id)
  WHERE state IN ('STARTING', 'RUNNING', 'STOPPING');
