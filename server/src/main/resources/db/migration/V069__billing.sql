-- How far the uptime of an engine has been written into usage; CAS on metered_until decides who does.
CREATE TABLE usage_meter (
  engine_id     TEXT PRIMARY KEY NOT NULL,
  metered_until BIGINT NOT NULL,
  source        TEXT NOT NULL -- what it was last known to run for: a deleted warehouse has no name
);

-- What an engine used in one clock hour (UTC) at one rate.
CREATE TABLE usage_record (
  record_id    TEXT PRIMARY KEY NOT NULL,
  engine_id    TEXT NOT NULL,
  hour_start   BIGINT NOT NULL,
  sku          TEXT NOT NULL,
  dbu_rate     BIGINT NOT NULL, -- DBU an hour
  uptime       BIGINT NOT NULL, -- milliseconds
  price        BIGINT NOT NULL, -- list price of one DBU in thousandths of a dollar
  workspace_id BIGINT NOT NULL,
  source       TEXT NOT NULL,   -- Usage.Source as JSON, as it was last
  UNIQUE (engine_id, hour_start, sku, dbu_rate)
);
CREATE INDEX usage_by_hour ON usage_record (hour_start, workspace_id);

CREATE TABLE log_delivery (
  config_id          TEXT PRIMARY KEY NOT NULL,
  log_type           TEXT NOT NULL,
  status             TEXT NOT NULL, -- ENABLED or DISABLED
  document           TEXT NOT NULL, -- what was asked for, the SDK's LogDeliveryConfiguration
  credentials_used   TEXT REFERENCES credential (credentials_id), -- in use while ENABLED
  storage_used       TEXT REFERENCES storage_configuration (storage_configuration_id),
  position           TEXT NOT NULL, -- audit: what comes next; usage: the first month not yet closed
  pending_from       TEXT,          -- audit: what is being written; the same files if done again
  pending_to         TEXT,
  delivery_status    TEXT NOT NULL, -- DeliveryStatus of the SDK
  delivery_message   TEXT NOT NULL,
  attempted_at       BIGINT,
  succeeded_at       BIGINT,
  created_at         BIGINT NOT NULL,
  updated_at         BIGINT NOT NULL
);
CREATE INDEX log_delivery_by_credentials ON log_delivery (credentials_used);
CREATE INDEX log_delivery_by_storage ON log_delivery (storage_used);

CREATE TABLE budget (
  budget_id  TEXT PRIMARY KEY NOT NULL,
  document   TEXT NOT NULL, -- the SDK's BudgetConfiguration
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

-- An alert of a budget goes off once a month.
CREATE TABLE budget_alert (
  alert_configuration_id TEXT NOT NULL,
  usage_month            TEXT NOT NULL, -- YYYY-MM
  budget_id              TEXT NOT NULL REFERENCES budget (budget_id) ON DELETE CASCADE,
  spent                  TEXT NOT NULL, -- list price dollars when it went off
  notified               TEXT NOT NULL, -- whom an e-mail was handed to the mail server for; '' for nobody
  fired_at               BIGINT NOT NULL,
  PRIMARY KEY (alert_configuration_id, usage_month)
);
CREATE INDEX budget_alert_of ON budget_alert (budget_id);
