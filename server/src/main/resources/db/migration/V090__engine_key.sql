-- The key that signs principals for an engine: it stays as long as an engine is up that was told of it.
ALTER TABLE engine ADD COLUMN key_id TEXT; -- null: from before this was noted
