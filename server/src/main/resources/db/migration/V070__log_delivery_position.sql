-- How far each audit log was delivered: control planes that share a database have a log each.
CREATE TABLE log_delivery_position (
  config_id    TEXT NOT NULL REFERENCES log_delivery (config_id) ON DELETE CASCADE,
  log_id       TEXT NOT NULL, -- Audit.id
  position     TEXT NOT NULL, -- what comes next
  pending_from TEXT,          -- what is being written; the same files if it is done again
  pending_to   TEXT,
  PRIMARY KEY (config_id, log_id)
);
ALTER TABLE log_delivery DROP COLUMN pending_from;
ALTER TABLE log_delivery DROP COLUMN pending_to;
