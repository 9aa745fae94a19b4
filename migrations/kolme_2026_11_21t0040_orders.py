"""Orders: what is bought and owed, its lines by version, its personal data apart, its history."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T00:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Orders, their lines, contacts and history"

SQL = """
CREATE TABLE orders (
    merchant_id      uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id               uuid NOT NULL,
    public_id        text NOT NULL,
    state            text NOT NULL CHECK (state IN ('draft', 'open', 'in_payment', 'held', 'paid',
                         'partly_refunded', 'refunded', 'cancelled', 'expired')),
    version          integer NOT NULL CHECK (version > 0),
    reference        text NOT NULL,
    country          text NOT NULL CHECK (country IN ('FI', 'SE', 'DK', 'BG')),
    currency         text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    buyer            text NOT NULL CHECK (buyer IN ('consumer', 'business')),
    total_minor      bigint NOT NULL CHECK (total_minor BETWEEN 1 AND 1000000000000),
    refundable_minor bigint NOT NULL CHECK (refundable_minor BETWEEN 0 AND total_minor),
    customer_id      uuid REFERENCES customers (id) ON DELETE RESTRICT,
    quote_id         text,
    created_at       timestamptz NOT NULL,
    accepted_at      timestamptz,
    paid_at          timestamptz,
    PRIMARY KEY (merchant_id, id)
);
CREATE UNIQUE INDEX orders_public ON orders (merchant_id, public_id);
CREATE INDEX orders_newest ON orders (merchant_id, created_at DESC, id DESC);
CREATE INDEX orders_by_state ON orders (merchant_id, state, created_at DESC, id DESC);
CREATE INDEX orders_reference ON orders (merchant_id, reference text_pattern_ops);
CREATE INDEX orders_customer ON orders (customer_id) WHERE customer_id IS NOT NULL;

CREATE TABLE order_lines (
    merchant_id      uuid NOT NULL,
    order_id         uuid NOT NULL,
    version          integer NOT NULL,
    position         integer NOT NULL CHECK (position > 0),
    type             text NOT NULL CHECK (type IN ('item', 'discount', 'shipping', 'fee')),
    sku              text,
    name             text NOT NULL,
    category         text,
    quantity         integer NOT NULL CHECK (quantity BETWEEN 1 AND 9999),
    unit_price_minor bigint NOT NULL CHECK (unit_price_minor BETWEEN -10000000000 AND 10000000000),
    vat_percent      numeric(5, 2) NOT NULL CHECK (vat_percent BETWEEN 0 AND 100),
    total_minor      bigint NOT NULL CHECK (total_minor = quantity * unit_price_minor),
    CHECK (type = 'discount' OR unit_price_minor >= 0),
    PRIMARY KEY (merchant_id, order_id, version, position),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT
);

CREATE TABLE order_contacts (
    merchant_id uuid NOT NULL,
    order_id    uuid NOT NULL,
    name        text,
    email       text,
    phone       text,
    postcode    text,
    street      text,
    city        text,
    PRIMARY KEY (merchant_id, order_id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT
);

CREATE TABLE order_history (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    subject_id  uuid NOT NULL,
    from_state  text,
    to_state    text NOT NULL,
    event       text NOT NULL,
    actor       text NOT NULL,
    at          timestamptz NOT NULL,
    detail      jsonb NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, subject_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX order_history_subject ON order_history (merchant_id, subject_id, id);
CREATE TRIGGER order_history_only_grows BEFORE UPDATE OR DELETE ON order_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A paid order is locked: its sum, contents and reference never change again, whoever asks.
CREATE FUNCTION refuse_edit_of_locked_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('paid', 'partly_refunded', 'refunded')
       AND (NEW.total_minor, NEW.version, NEW.reference, NEW.currency, NEW.country, NEW.buyer, NEW.quote_id,
            NEW.customer_id, NEW.paid_at)
           IS DISTINCT FROM
           (OLD.total_minor, OLD.version, OLD.reference, OLD.currency, OLD.country, OLD.buyer, OLD.quote_id,
            OLD.customer_id, OLD.paid_at) THEN
        RAISE EXCEPTION 'order % is paid and locked', OLD.public_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER orders_locked_when_paid BEFORE UPDATE ON orders
    FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_locked_order();

CREATE FUNCTION refuse_line_on_locked_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added JOIN orders o ON o.merchant_id = added.merchant_id AND o.id = added.order_id
               WHERE o.state NOT IN ('draft', 'open', 'in_payment')) THEN
        RAISE EXCEPTION 'a locked order takes no lines' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER order_lines_locked AFTER INSERT ON order_lines REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_line_on_locked_order();

-- A line is never edited: a change writes a new version. Removal of an expired, unpaid order blanks its rows.
CREATE FUNCTION refuse_line_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (SELECT FROM orders o WHERE o.merchant_id = OLD.merchant_id
                                    AND o.id = OLD.order_id AND o.state = 'expired') THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'an order line is never changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER order_lines_never_change BEFORE UPDATE OR DELETE ON order_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_line_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
