"""What an open page hears of: an order that somebody watches tells of each change when it commits."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:21:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Watched orders tell open pages of changes"

SQL = """
-- The message is the order's public id and nothing else (app/web/shared/live.py hears it). Orders that nobody watches,
-- and so every plain checkout, run none of this: the conditions stand outside of the functions.
CREATE FUNCTION tell_order_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('order_changed', NEW.public_id);
    RETURN NULL;
END $$;
CREATE TRIGGER orders_tell AFTER UPDATE ON orders FOR EACH ROW
    WHEN (NEW.watched AND (NEW.version, NEW.state, NEW.accepted_at, NEW.watched)
          IS DISTINCT FROM (OLD.version, OLD.state, OLD.accepted_at, OLD.watched))
    EXECUTE FUNCTION tell_order_changed();

CREATE FUNCTION tell_its_order_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('order_changed', o.public_id) FROM orders o
    WHERE o.merchant_id = NEW.merchant_id AND o.id = NEW.order_id;
    RETURN NULL;
END $$;
CREATE TRIGGER checkout_sessions_tell_begun AFTER INSERT ON checkout_sessions FOR EACH ROW
    WHEN (NEW.link_id IS NOT NULL) EXECUTE FUNCTION tell_its_order_changed();
-- A step: a plan chosen, somebody identified, decided about, a version looked at, an end.
CREATE TRIGGER checkout_sessions_tell AFTER UPDATE ON checkout_sessions FOR EACH ROW
    WHEN (NEW.link_id IS NOT NULL
          AND (NEW.state, NEW.quote_id, NEW.customer_id, NEW.decision_id, NEW.seen_version, NEW.expires_at)
              IS DISTINCT FROM
              (OLD.state, OLD.quote_id, OLD.customer_id, OLD.decision_id, OLD.seen_version, OLD.expires_at))
    EXECUTE FUNCTION tell_its_order_changed();

CREATE TRIGGER payment_links_tell_made AFTER INSERT ON payment_links FOR EACH ROW
    EXECUTE FUNCTION tell_its_order_changed();
CREATE TRIGGER payment_links_tell AFTER UPDATE ON payment_links FOR EACH ROW
    WHEN ((NEW.state, NEW.expires_at, NEW.opened_at) IS DISTINCT FROM (OLD.state, OLD.expires_at, OLD.opened_at))
    EXECUTE FUNCTION tell_its_order_changed();

CREATE FUNCTION tell_order_of_link_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('order_changed', o.public_id)
    FROM payment_links l JOIN orders o ON o.merchant_id = l.merchant_id AND o.id = l.order_id
    WHERE l.merchant_id = NEW.merchant_id AND l.id = NEW.link_id;
    RETURN NULL;
END $$;
CREATE TRIGGER link_sends_tell AFTER INSERT OR UPDATE ON link_sends FOR EACH ROW
    EXECUTE FUNCTION tell_order_of_link_changed();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
