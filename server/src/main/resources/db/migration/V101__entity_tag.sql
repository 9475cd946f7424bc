-- Tags on catalogs, schemas, tables, volumes, and on the columns of tables.
CREATE TABLE entity_tag (
  securable_id TEXT NOT NULL REFERENCES securable (securable_id) ON DELETE CASCADE,
  column_name  TEXT NOT NULL, -- lower case; '' is the securable itself
  tag_key      TEXT NOT NULL,
  tag_value    TEXT,
  updated_by   TEXT NOT NULL,
  updated_at   BIGINT NOT NULL,
  PRIMARY KEY (securable_id, column_name, tag_key)
);
CREATE INDEX entity_tag_key ON entity_tag (tag_key);
