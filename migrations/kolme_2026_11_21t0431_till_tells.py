"""Whoever looks at a till's fixed address hears at once that an order is on it, or no longer."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:31:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Pages of a till code hear of changes"

SQL = """
-- The message is the till's public id and nothing else: the page asks for itself again (app/web/shared/live.py).
CREATE FUNCTION tell_till_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('order_changed', NEW.public_id);
    RETURN NULL;
END $$;
CREATE TRIGGER tills_tell AFTER UPDATE ON tills FOR EACH ROW
    WHEN ((NEW.code_order_id, NEW.code_since) IS DISTINCT FROM (OLD.code_order_id, OLD.code_since))
    EXECUTE FUNCTION tell_till_changed();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
