-- Groups are principals too, of kind GROUP. An account group's name is its display name, folded; that
-- of a group which only one workspace has is ' <workspace id>/<display name, folded>'.
ALTER TABLE principal ADD COLUMN workspace_id BIGINT
  REFERENCES workspace (workspace_id) ON DELETE CASCADE;
-- 0 until what the document says has been put into principal_attribute.
ALTER TABLE principal ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;

-- Members are users, service principals and groups; a group is never below itself.
CREATE TABLE group_member (
  group_id  BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  member_id BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  PRIMARY KEY (group_id, member_id)
);
CREATE INDEX group_member_of ON group_member (member_id);

-- What the documents of principals say, for filters and sorting; made anew with each document.
CREATE TABLE principal_attribute (
  principal_id BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  path         TEXT NOT NULL,    -- lower case: emails.value, name.givenname
  position     BIGINT NOT NULL,  -- in its list; 0 for what is none
  text         TEXT NOT NULL,    -- folded unless the attribute is case exact; at most 500 characters
  PRIMARY KEY (principal_id, path, position)
);
CREATE INDEX principal_attribute_text ON principal_attribute (path, text);

-- Names of who was removed from the account: what they own and did still says whose it was.
CREATE TABLE former_principal (
  principal_id BIGINT PRIMARY KEY NOT NULL,
  kind         TEXT NOT NULL,
  name         TEXT NOT NULL,
  removed_at   BIGINT NOT NULL
);

-- Who is inactive in one workspace though active in the account.
CREATE TABLE workspace_suspension (
  workspace_id BIGINT NOT NULL REFERENCES workspace (workspace_id) ON DELETE CASCADE,
  principal_id BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  PRIMARY KEY (workspace_id, principal_id)
);
CREATE INDEX workspace_suspension_of ON workspace_suspension (principal_id);

-- What a principal may do in a workspace besides its permissions on objects.
CREATE TABLE workspace_entitlement (
  workspace_id BIGINT NOT NULL REFERENCES workspace (workspace_id) ON DELETE CASCADE,
  principal_id BIGINT NOT NULL REFERENCES principal (principal_id) ON DELETE CASCADE,
  entitlement  TEXT NOT NULL,
  PRIMARY KEY (workspace_id, principal_id, entitlement)
);
CREATE INDEX workspace_entitlement_of ON workspace_entitlement (principal_id);
