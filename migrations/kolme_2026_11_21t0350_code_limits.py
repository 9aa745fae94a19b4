"""What a code approves, budgets of messages, and the breakers of doors that fail."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T03:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What a code approves, budgets, breakers"

SQL = """
-- Codes on their way during this migration approve nothing any more: whoever waits for one asks anew.
ALTER TABLE code_challenges
    ADD COLUMN approval_digest bytea NOT NULL DEFAULT '',
    ADD COLUMN remember boolean NOT NULL DEFAULT false;

-- How much of something was used in a fixed window; `limits` keeps sliding ones of small numbers.
CREATE TABLE budgets (
    scope     text NOT NULL,
    subject   bytea NOT NULL,
    starts_at timestamptz NOT NULL,
    used      bigint NOT NULL CHECK (used BETWEEN 0 AND 1000000000000),
    PRIMARY KEY (scope, subject, starts_at)
);
CREATE INDEX budgets_age ON budgets (starts_at);

-- One row a door that has failed. `open_until`: until then nobody knocks.
CREATE TABLE breakers (
    door       text PRIMARY KEY,
    failures   integer NOT NULL CHECK (failures > 0),
    failed_at  timestamptz NOT NULL,
    open_until timestamptz
);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
