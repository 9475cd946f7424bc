-- Only what was dropped: an index with all in it is one that a query for what is there would take.
DROP INDEX securable_deleted;
CREATE INDEX securable_deleted ON securable (deleted_at) WHERE deleted_at IS NOT NULL;
