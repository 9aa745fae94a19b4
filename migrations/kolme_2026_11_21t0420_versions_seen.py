"""Which version of an order was before whose eyes, so that nobody confirms what they have not seen."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Versions of orders that shoppers have seen"

SQL = """
-- The newest version whose change a shopper can see. The shop's own note makes a version, and nothing to look at.
ALTER TABLE orders
    ADD COLUMN shown_version integer NOT NULL DEFAULT 1 CHECK (shown_version BETWEEN 1 AND version);
UPDATE orders o SET shown_version = (
    SELECT max(v.version) FROM order_versions v
    WHERE v.merchant_id = o.merchant_id AND v.order_id = o.id
      AND (v.version = 1 OR v.changes && ARRAY['lines', 'reference', 'customer']))
WHERE o.version > 1;

-- seen_version: what the page showed from which the shopper last went on; none before they went on from one.
ALTER TABLE checkout_sessions ADD COLUMN seen_version integer CHECK (seen_version > 0);
UPDATE checkout_sessions s SET seen_version = o.shown_version
FROM orders o
WHERE o.merchant_id = s.merchant_id AND o.id = s.order_id AND s.state IN ('open', 'processing', 'held')
  AND s.quote_id IS NOT NULL;

-- One row for each time that a session went on from a version it had not gone on from just before. Nothing personal:
-- who it was is known by the session, as long as that remembers.
CREATE TABLE order_views (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    order_id    uuid NOT NULL,
    session_id  uuid NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    at          timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, session_id) REFERENCES checkout_sessions (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX order_views_order ON order_views (merchant_id, order_id, id);
CREATE INDEX order_views_session ON order_views (merchant_id, session_id);
CREATE TRIGGER order_views_only_grow BEFORE UPDATE OR DELETE ON order_views
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
