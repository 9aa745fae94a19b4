"""The cashier whose order was taken off a till code by another one's hears of it too."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:32:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "A till code tells the orders that came on it and went"

SQL = """
CREATE OR REPLACE FUNCTION tell_till_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('order_changed', NEW.public_id);
    PERFORM pg_notify('order_changed', o.public_id) FROM orders o
    WHERE o.merchant_id = NEW.merchant_id AND o.id IN (OLD.code_order_id, NEW.code_order_id);
    RETURN NULL;
END $$;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
