-- A stack: what was asked for, how far it is. Whoever starts next goes on from here.
CREATE TABLE stack (
  stack_id      TEXT PRIMARY KEY NOT NULL,
  stack_name    TEXT NOT NULL,
  status        TEXT NOT NULL,  -- CloudFormation's words
  status_reason TEXT NOT NULL,
  template      TEXT NOT NULL,  -- as it was when the stack was made
  parameters    TEXT NOT NULL,  -- JSON, NoEcho ones as ****
  sealed        TEXT NOT NULL,  -- JSON of the NoEcho ones, encrypted
  outputs       TEXT NOT NULL,  -- JSON
  created_by    TEXT NOT NULL,
  created_at    BIGINT NOT NULL
);
-- A name is free again when its stack is gone.
CREATE UNIQUE INDEX stack_name_in_use ON stack (stack_name) WHERE status <> 'DELETE_COMPLETE';

CREATE TABLE stack_resource (
  stack_id      TEXT NOT NULL REFERENCES stack (stack_id),
  logical_id    TEXT NOT NULL,
  type          TEXT NOT NULL,
  status        TEXT NOT NULL,  -- CloudFormation's words, or PENDING before the first
  status_reason TEXT NOT NULL,
  physical_id   TEXT,
  attributes    TEXT NOT NULL,  -- JSON, what Fn::GetAtt reads
  request_id    TEXT,           -- of the create or delete under way; repeated under the same id
  updated_at    BIGINT NOT NULL,
  PRIMARY KEY (stack_id, logical_id)
);

CREATE TABLE stack_event (
  stack_id      TEXT NOT NULL REFERENCES stack (stack_id),
  position      BIGINT NOT NULL,
  event_id      TEXT NOT NULL,
  logical_id    TEXT NOT NULL,
  physical_id   TEXT,
  type          TEXT NOT NULL,
  status        TEXT NOT NULL,
  status_reason TEXT NOT NULL,
  created_at    BIGINT NOT NULL,
  PRIMARY KEY (stack_id, position)
);

-- What a custom resource's function is asked, and what it answered to the URL it was given once.
CREATE TABLE stack_response (
  request_id TEXT PRIMARY KEY NOT NULL,
  stack_id   TEXT NOT NULL REFERENCES stack (stack_id),
  logical_id TEXT NOT NULL,
  token_hash TEXT UNIQUE,       -- null when it was used
  answer     TEXT               -- JSON, null until it is there
);

-- AWS objects that are nothing but a row here. Recorded, not enforced: the policies.
CREATE TABLE iam_role (
  role_name TEXT PRIMARY KEY NOT NULL,
  arn       TEXT NOT NULL UNIQUE,
  stack_id  TEXT NOT NULL REFERENCES stack (stack_id),
  document  TEXT NOT NULL
);
CREATE TABLE lambda_function (
  function_name TEXT PRIMARY KEY NOT NULL,
  arn           TEXT NOT NULL UNIQUE,
  stack_id      TEXT NOT NULL REFERENCES stack (stack_id),
  handler       TEXT NOT NULL,
  bucket        TEXT NOT NULL,
  object_key    TEXT NOT NULL,
  memory_mb     INTEGER NOT NULL,
  timeout_s     INTEGER NOT NULL
);
