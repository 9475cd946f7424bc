-- Users and service principals of the account.
CREATE TABLE principal (
  principal_id  BIGINT PRIMARY KEY NOT NULL,
  kind          TEXT NOT NULL,    -- USER, SERVICE_PRINCIPAL
  name          TEXT NOT NULL,    -- e-mail in lower case; application id
  display_name  TEXT NOT NULL,
  active        BOOLEAN NOT NULL,
  account_admin BOOLEAN NOT NULL,
  created_at    BIGINT NOT NULL,
  document      TEXT NOT NULL,    -- the rest of the SCIM resource as it was given
  UNIQUE (kind, name)
);

-- OAuth secrets; the value was shown once, only its hash is here.
CREATE TABLE service_principal_secret (
  secret_id    TEXT PRIMARY KEY NOT NULL,
  principal_id BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  hash         TEXT NOT NULL UNIQUE,
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL
);

-- What a quickstart stack may do, on behalf of who started it.
CREATE TABLE stack_session (
  stack_id     TEXT PRIMARY KEY NOT NULL,
  principal_id BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,   -- makes nothing new after this instant
  closed_at    BIGINT             -- does nothing at all after this instant
);
