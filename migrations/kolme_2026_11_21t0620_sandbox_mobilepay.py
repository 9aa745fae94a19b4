"""What the sandbox's MobilePay remembers. Test mode only; empty in live mode."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T06:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The memory of the sandbox's MobilePay"

SQL = """
-- A payment, an agreement or a charge, whole, as the twin keeps it. No tenant's: the provider knows one sales unit.
CREATE TABLE sandbox_mobilepay (
    kind text NOT NULL CHECK (kind IN ('payment', 'agreement', 'charge')),
    id text NOT NULL CHECK (length(id) BETWEEN 8 AND 64),
    value jsonb NOT NULL CHECK (jsonb_typeof(value) = 'object'),
    made_at timestamptz NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX sandbox_mobilepay_newest ON sandbox_mobilepay (made_at DESC);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
