-- Programs that people may let act for them.
CREATE TABLE custom_app (
  integration_id TEXT PRIMARY KEY NOT NULL,
  client_id      TEXT NOT NULL UNIQUE,
  secret_hash    TEXT,            -- null for one that can keep none
  created_by     BIGINT NOT NULL, -- principal id, also of one who is gone
  created_at     BIGINT NOT NULL,
  document       TEXT NOT NULL    -- name, redirect URLs, scopes, policy
);

-- That a person let a program act: its access tokens count as long as this row is there.
CREATE TABLE oauth_grant (
  grant_id     TEXT PRIMARY KEY NOT NULL,
  client_id    TEXT NOT NULL,
  principal_id BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  workspace_id BIGINT REFERENCES workspace (workspace_id) ON DELETE CASCADE,
  scope        TEXT NOT NULL,
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL
);
CREATE INDEX oauth_grant_of ON oauth_grant (principal_id);

-- What a program exchanges for a grant, once, a minute after the person said yes at the latest.
CREATE TABLE oauth_code (
  hash         TEXT PRIMARY KEY NOT NULL,
  session_id   TEXT NOT NULL REFERENCES browser_session (session_id) ON DELETE CASCADE,
  client_id    TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  challenge    TEXT,
  scope        TEXT NOT NULL,
  nonce        TEXT,
  expires_at   BIGINT NOT NULL,
  grant_id     TEXT             -- set once: what it was exchanged for
);

CREATE TABLE refresh_token (
  hash       TEXT PRIMARY KEY NOT NULL,
  grant_id   TEXT NOT NULL REFERENCES oauth_grant (grant_id) ON DELETE CASCADE,
  expires_at BIGINT NOT NULL,
  used_at    BIGINT             -- set once, where a refresh token counts once
);
CREATE INDEX refresh_token_of ON refresh_token (grant_id);
