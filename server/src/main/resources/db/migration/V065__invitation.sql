-- One-time links; the token in a link is nowhere, only its SHA-256.
CREATE TABLE invitation (
  invitation_id TEXT PRIMARY KEY NOT NULL,
  hash          TEXT NOT NULL UNIQUE,
  kind          TEXT NOT NULL,   -- FIRST_ADMIN, INVITATION, RECOVERY
  principal_id  BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  created_by    TEXT NOT NULL,
  created_at    BIGINT NOT NULL,
  expires_at    BIGINT NOT NULL,
  redeemed_at   BIGINT           -- set once: who sets it has used the link
);
CREATE INDEX invitation_of ON invitation (principal_id);

-- The region the account's first admin chose; that of the configuration before.
ALTER TABLE account ADD COLUMN region TEXT;
