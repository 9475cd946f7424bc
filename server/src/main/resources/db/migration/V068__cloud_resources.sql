-- What an account registers of its cloud, for workspaces to use. "In use" is a foreign key; what may
-- be used once is a primary or unique key.
CREATE TABLE vpc_endpoint (
  vpc_endpoint_id     TEXT PRIMARY KEY NOT NULL,
  vpc_endpoint_name   TEXT NOT NULL UNIQUE,
  aws_vpc_endpoint_id TEXT NOT NULL UNIQUE,
  region              TEXT NOT NULL,
  stack_id            TEXT,
  created_by          BIGINT NOT NULL,
  created_at          BIGINT NOT NULL
);

CREATE TABLE network (
  network_id            TEXT PRIMARY KEY NOT NULL,
  network_name          TEXT NOT NULL UNIQUE,
  vpc_id                TEXT NOT NULL,
  document              TEXT NOT NULL, -- subnets, security groups and endpoints as they were sent
  rest_endpoint_id      TEXT REFERENCES vpc_endpoint (vpc_endpoint_id),
  relay_endpoint_id     TEXT REFERENCES vpc_endpoint (vpc_endpoint_id),
  stack_id              TEXT,
  created_by            BIGINT NOT NULL,
  created_at            BIGINT NOT NULL
);
CREATE INDEX network_by_rest_endpoint ON network (rest_endpoint_id);
CREATE INDEX network_by_relay_endpoint ON network (relay_endpoint_id);

-- A subnet or security group belongs to one network configuration.
CREATE TABLE network_part (
  part_id    TEXT PRIMARY KEY NOT NULL, -- subnet-… or sg-…
  network_id TEXT NOT NULL REFERENCES network (network_id) ON DELETE CASCADE
);
CREATE INDEX network_part_of ON network_part (network_id);

CREATE TABLE private_access_settings (
  private_access_settings_id   TEXT PRIMARY KEY NOT NULL,
  private_access_settings_name TEXT NOT NULL UNIQUE,
  region                       TEXT NOT NULL,
  document                     TEXT NOT NULL, -- the rest of the SDK's PrivateAccessSettings
  stack_id                     TEXT,
  created_by                   BIGINT NOT NULL,
  created_at                   BIGINT NOT NULL
);

CREATE TABLE private_access_endpoint (
  private_access_settings_id TEXT NOT NULL
    REFERENCES private_access_settings (private_access_settings_id) ON DELETE CASCADE,
  vpc_endpoint_id            TEXT NOT NULL REFERENCES vpc_endpoint (vpc_endpoint_id),
  PRIMARY KEY (private_access_settings_id, vpc_endpoint_id)
);
CREATE INDEX private_access_by_endpoint ON private_access_endpoint (vpc_endpoint_id);

CREATE TABLE customer_managed_key (
  customer_managed_key_id TEXT PRIMARY KEY NOT NULL,
  key_arn                 TEXT NOT NULL,
  use_cases               TEXT NOT NULL, -- sorted, with commas between
  document                TEXT NOT NULL, -- the SDK's AwsKeyInfo
  stack_id                TEXT,          -- one that asks again is given what it made
  created_by              BIGINT NOT NULL,
  created_at              BIGINT NOT NULL,
  UNIQUE (stack_id, key_arn, use_cases)
);

-- What a workspace refers to beside its credentials and storage; its document has the same ids.
CREATE TABLE workspace_reference (
  workspace_id               BIGINT PRIMARY KEY NOT NULL
    REFERENCES workspace (workspace_id) ON DELETE CASCADE,
  network_id                 TEXT UNIQUE REFERENCES network (network_id), -- one network, one workspace
  private_access_settings_id TEXT
    REFERENCES private_access_settings (private_access_settings_id),
  managed_services_key_id    TEXT REFERENCES customer_managed_key (customer_managed_key_id),
  storage_key_id             TEXT REFERENCES customer_managed_key (customer_managed_key_id)
);
CREATE INDEX workspace_by_private_access ON workspace_reference (private_access_settings_id);
CREATE INDEX workspace_by_managed_services_key ON workspace_reference (managed_services_key_id);
CREATE INDEX workspace_by_storage_key ON workspace_reference (storage_key_id);
