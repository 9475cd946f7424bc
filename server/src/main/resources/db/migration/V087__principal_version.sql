-- Counts the changes of a principal, those of a group's members too: meta.version of SCIM.
ALTER TABLE principal ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
