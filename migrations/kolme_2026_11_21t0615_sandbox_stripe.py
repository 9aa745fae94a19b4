"""What the sandbox's Stripe remembers. Test mode only; empty in live mode."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T06:15:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The memory of the sandbox's Stripe"

SQL = """
-- An object of the twin's API, whole, or the answer that was given under an idempotency key. No tenant's: the provider
-- knows one account.
CREATE TABLE sandbox_stripe (
    kind     text NOT NULL CHECK (kind IN ('session', 'intent', 'customer', 'method', 'key')),
    id       text NOT NULL CHECK (length(id) BETWEEN 1 AND 255),
    customer text,
    value    jsonb NOT NULL CHECK (jsonb_typeof(value) = 'object'),
    made_at  timestamptz NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX sandbox_stripe_of_customer ON sandbox_stripe (customer, made_at DESC) WHERE customer IS NOT NULL;
CREATE INDEX sandbox_stripe_newest ON sandbox_stripe (kind, made_at DESC);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
