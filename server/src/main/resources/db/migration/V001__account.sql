-- The account of this installation: one row, made by the first start.
CREATE TABLE account (
  account_id   TEXT PRIMARY KEY NOT NULL,
  account_name TEXT NOT NULL,
  created_at   BIGINT NOT NULL
);
