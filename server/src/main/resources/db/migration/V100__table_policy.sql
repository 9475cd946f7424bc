-- Which function is a table's row filter or a column's mask, so that it is known to be in use; what is
-- shown of it is in the table's document. A function that goes by force leaves its name there: then
-- nobody reads the table.
CREATE TABLE table_policy (
  securable_id TEXT NOT NULL REFERENCES securable (securable_id) ON DELETE CASCADE,
  column_name  TEXT NOT NULL, -- lower case; '' is the row filter
  function_id  TEXT NOT NULL,
  PRIMARY KEY (securable_id, column_name)
);
CREATE INDEX table_policy_function ON table_policy (function_id);
