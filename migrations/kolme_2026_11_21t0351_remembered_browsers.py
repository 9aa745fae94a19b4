"""A browser whose answer was lost keeps its session; a browser that is remembered spares typing."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T03:51:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Lost answers of browsers, remembered browsers"

SQL = """
-- For some seconds after a secret was exchanged, the one before still opens the row from the same device, and is handed
-- the new one: `handover` is that, sealed.
ALTER TABLE browsers
    ADD COLUMN device bytea,
    ADD COLUMN previous_digest bytea,
    ADD COLUMN previous_until timestamptz,
    ADD COLUMN handover bytea,
    ADD CHECK ((previous_digest IS NULL) = (previous_until IS NULL)),
    ADD CHECK ((previous_digest IS NULL) = (handover IS NULL));
CREATE UNIQUE INDEX browsers_previous ON browsers (previous_digest) WHERE previous_digest IS NOT NULL;

-- Which customer last paid in a browser that asked to be remembered. It proves nothing: a code is typed all the same.
CREATE TABLE remembered_browsers (
    id              uuid PRIMARY KEY,
    customer_id     uuid NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    token_digest    bytea NOT NULL UNIQUE,
    previous_digest bytea,
    previous_until  timestamptz,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    CHECK ((previous_digest IS NULL) = (previous_until IS NULL))
);
CREATE INDEX remembered_browsers_customer ON remembered_browsers (customer_id);
CREATE UNIQUE INDEX remembered_browsers_previous ON remembered_browsers (previous_digest)
    WHERE previous_digest IS NOT NULL;
CREATE INDEX remembered_browsers_end ON remembered_browsers (expires_at);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
