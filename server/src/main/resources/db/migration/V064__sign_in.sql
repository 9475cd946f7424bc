-- What a user signs in with, as an argon2id hash in its usual notation.
CREATE TABLE password (
  principal_id BIGINT PRIMARY KEY NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  hash         TEXT NOT NULL,
  changed_at   BIGINT NOT NULL
);

-- Who is signed in with which browser; the cookie's value is nowhere, only its SHA-256.
CREATE TABLE browser_session (
  session_id   TEXT PRIMARY KEY NOT NULL,
  hash         TEXT NOT NULL UNIQUE,
  principal_id BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  workspace_id BIGINT REFERENCES workspace (workspace_id) ON DELETE CASCADE, -- whose host it is of
  host         TEXT NOT NULL,   -- where it was made, and where alone it counts
  address      TEXT NOT NULL,
  user_agent   TEXT,
  created_at   BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL, -- to the minute
  expires_at   BIGINT NOT NULL
);
CREATE INDEX browser_session_of ON browser_session (principal_id);
CREATE INDEX browser_session_until ON browser_session (expires_at);
