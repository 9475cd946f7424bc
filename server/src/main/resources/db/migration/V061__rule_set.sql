-- Who has which role on a group or a service principal.
CREATE TABLE rule_grant (
  resource_id  BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  role         TEXT NOT NULL,    -- roles/group.manager, roles/servicePrincipal.user, ….manager
  principal_id BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  PRIMARY KEY (resource_id, role, principal_id)
);
CREATE INDEX rule_grant_of ON rule_grant (principal_id);

-- Grows with each update of a rule set; none until the first.
CREATE TABLE rule_set_version (
  resource_id BIGINT PRIMARY KEY NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  version     BIGINT NOT NULL
);

-- When a secret last made a token, to the minute; null for never.
ALTER TABLE service_principal_secret ADD COLUMN last_used_at BIGINT;
