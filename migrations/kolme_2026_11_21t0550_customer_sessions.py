"""Sessions of customers who look at their purchases and wallets outside of a purchase."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T05:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Sessions of customers, and their purchases by time"

SQL = """
-- The operator's, like customers: a person signs in once for all shops. Times are of the wall clock. `way` is how the
-- person was proved; a code proves less than the other two. A session that is over is a row that is gone.
CREATE TABLE customer_sessions (
    id           uuid PRIMARY KEY,
    customer_id  uuid NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    token_digest bytea NOT NULL CHECK (length(token_digest) = 32),
    way          text NOT NULL CHECK (way IN ('code', 'passkey', 'bank')),
    device       text NOT NULL CHECK (device <> ''),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL CHECK (expires_at > created_at)
);
CREATE UNIQUE INDEX customer_sessions_token ON customer_sessions (token_digest);
CREATE INDEX customer_sessions_customer ON customer_sessions (customer_id, created_at);
CREATE INDEX customer_sessions_over ON customer_sessions (expires_at);

-- What somebody bought, the newest first; it serves whatever orders_customer served.
CREATE INDEX orders_bought ON orders (customer_id, paid_at DESC, id DESC) WHERE customer_id IS NOT NULL;
DROP INDEX orders_customer;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
