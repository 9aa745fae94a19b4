"""Versions of orders: who changed what, and when. A note of the shop's own. What is locked, and from when on."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Versions of orders, the shop's note, held and paid orders locked"

SQL = """
-- One row an edit, the first for the birth. What changed in the lines is told by the lines: each version keeps
-- its own. So nothing personal stands here, and the row may stay when expiry takes lines and contact away.
CREATE TABLE order_versions (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    order_id    uuid NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    total_minor bigint NOT NULL CHECK (total_minor BETWEEN 1 AND 1000000000000),
    changes     text[] NOT NULL CHECK (changes <@ ARRAY['lines', 'reference', 'customer', 'note']),
    actor       text NOT NULL CHECK (actor <> ''),
    at          timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX order_versions_once ON order_versions (merchant_id, order_id, version);
INSERT INTO order_versions (merchant_id, id, order_id, version, total_minor, changes, actor, at)
SELECT merchant_id, gen_random_uuid(), id, version, total_minor, '{}', 'merchant', created_at FROM orders;
CREATE TRIGGER order_versions_only_grow BEFORE UPDATE OR DELETE ON order_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER order_versions_locked AFTER INSERT ON order_versions REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_line_on_locked_order();

-- note: the shop's own words about an order; they may name people. forget_at: when an order that nobody paid and no
-- session remembers loses what it knows of people.
ALTER TABLE order_contacts
    ADD COLUMN note text CHECK (length(note) BETWEEN 1 AND 2000),
    ADD COLUMN forget_at timestamptz;
CREATE INDEX order_contacts_to_forget ON order_contacts (forget_at) WHERE forget_at IS NOT NULL;

-- While a person checks an order its contents stand still, as they do for good once it is paid.
CREATE OR REPLACE FUNCTION refuse_edit_of_locked_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('held', 'paid', 'partly_refunded', 'refunded')
       AND (NEW.total_minor, NEW.version, NEW.reference, NEW.currency, NEW.country, NEW.buyer)
           IS DISTINCT FROM
           (OLD.total_minor, OLD.version, OLD.reference, OLD.currency, OLD.country, OLD.buyer) THEN
        RAISE EXCEPTION 'order % is % and locked', OLD.public_id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state IN ('paid', 'partly_refunded', 'refunded')
       AND (NEW.quote_id, NEW.customer_id, NEW.paid_at, NEW.accepted_at)
           IS DISTINCT FROM (OLD.quote_id, OLD.customer_id, OLD.paid_at, OLD.accepted_at) THEN
        RAISE EXCEPTION 'order % is paid and locked', OLD.public_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- Who bought is locked with the order; it may only be forgotten.
CREATE FUNCTION refuse_new_contact_on_locked_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (coalesce(NEW.name, OLD.name), coalesce(NEW.email, OLD.email), coalesce(NEW.phone, OLD.phone),
        coalesce(NEW.postcode, OLD.postcode), coalesce(NEW.street, OLD.street), coalesce(NEW.city, OLD.city),
        coalesce(NEW.note, OLD.note))
       IS DISTINCT FROM (OLD.name, OLD.email, OLD.phone, OLD.postcode, OLD.street, OLD.city, OLD.note)
       AND EXISTS (SELECT FROM orders o WHERE o.merchant_id = OLD.merchant_id AND o.id = OLD.order_id
                   AND o.state IN ('paid', 'partly_refunded', 'refunded')) THEN
        RAISE EXCEPTION 'the contact of a paid order is locked' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER order_contacts_locked_when_paid BEFORE UPDATE ON order_contacts
    FOR EACH ROW EXECUTE FUNCTION refuse_new_contact_on_locked_order();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
