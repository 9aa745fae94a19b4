"""Money that came outside the checkout: what staff record, the order it paid, the case of money that pays none."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:60:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Recorded payments, and cases about money that pays no order"

SQL = """
-- What somebody on the staff says came in for an order. It never changes; what became of it stands beside the order it
-- paid, or in its case.
CREATE TABLE recorded_payments (
    merchant_id  uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id           uuid NOT NULL,
    public_id    text NOT NULL,
    key          text NOT NULL,
    order_id     uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    currency     text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    source       text NOT NULL CHECK (source IN ('bank', 'cash')),
    received_on  date NOT NULL,
    note         text CHECK (length(note) BETWEEN 1 AND 500),
    actor        text NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, key),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX recorded_payments_public ON recorded_payments (public_id);
CREATE INDEX recorded_payments_order ON recorded_payments (merchant_id, order_id, id);
CREATE TRIGGER recorded_payments_only_grow BEFORE UPDATE OR DELETE ON recorded_payments
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The money that paid an order which no checkout paid. One payment pays one order.
ALTER TABLE orders
    ADD COLUMN recorded_payment_id uuid,
    ADD FOREIGN KEY (merchant_id, recorded_payment_id)
        REFERENCES recorded_payments (merchant_id, id) ON DELETE RESTRICT,
    ADD CHECK (recorded_payment_id IS NULL OR (quote_id IS NULL AND customer_id IS NULL AND paid_at IS NOT NULL));
CREATE UNIQUE INDEX orders_recorded_payment ON orders (merchant_id, recorded_payment_id)
    WHERE recorded_payment_id IS NOT NULL;

CREATE OR REPLACE FUNCTION refuse_edit_of_locked_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('held', 'paid', 'partly_refunded', 'refunded')
       AND (NEW.total_minor, NEW.version, NEW.reference, NEW.currency, NEW.country, NEW.buyer)
           IS DISTINCT FROM
           (OLD.total_minor, OLD.version, OLD.reference, OLD.currency, OLD.country, OLD.buyer) THEN
        RAISE EXCEPTION 'order % is % and locked', OLD.public_id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state IN ('paid', 'partly_refunded', 'refunded')
       AND (NEW.quote_id, NEW.customer_id, NEW.paid_at, NEW.accepted_at, NEW.recorded_payment_id)
           IS DISTINCT FROM
           (OLD.quote_id, OLD.customer_id, OLD.paid_at, OLD.accepted_at, OLD.recorded_payment_id) THEN
        RAISE EXCEPTION 'order % is paid and locked', OLD.public_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- A sale that was paid outside the checkout is nobody's debt: its documents have no debtor and no plan.
ALTER TABLE invoices
    ALTER COLUMN customer_id DROP NOT NULL,
    ALTER COLUMN quote_id DROP NOT NULL,
    ADD CHECK ((customer_id IS NULL) = (quote_id IS NULL)),
    ADD CHECK (customer_id IS NOT NULL OR kind IN ('receipt', 'credit_note'));

-- A case about money has a payment instead of a session. Kept, it says for which order.
ALTER TABLE cases
    ALTER COLUMN session_id DROP NOT NULL,
    ADD COLUMN payment_id uuid,
    ADD COLUMN kept_for_id uuid,
    DROP CONSTRAINT cases_kind_check,
    DROP CONSTRAINT cases_state_check,
    DROP CONSTRAINT cases_asked_by_check,
    ADD CONSTRAINT cases_kind_check CHECK (kind IN ('credit', 'identity', 'late_payment')),
    ADD CONSTRAINT cases_state_check
        CHECK (state IN ('open', 'approved', 'declined', 'withdrawn', 'lapsed', 'returned', 'kept')),
    ADD CONSTRAINT cases_asked_by_check CHECK (asked_by IN ('rules', 'shopper', 'staff')),
    ADD CHECK ((kind = 'late_payment') = (session_id IS NULL)),
    ADD CHECK ((kind = 'late_payment') = (payment_id IS NOT NULL)),
    ADD CHECK (kind = 'late_payment' OR state NOT IN ('returned', 'kept')),
    ADD CHECK ((state = 'kept') = (kept_for_id IS NOT NULL)),
    ADD FOREIGN KEY (merchant_id, payment_id) REFERENCES recorded_payments (merchant_id, id) ON DELETE RESTRICT,
    ADD FOREIGN KEY (merchant_id, kept_for_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT;
CREATE UNIQUE INDEX cases_payment ON cases (merchant_id, payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX cases_kept_for ON cases (merchant_id, kept_for_id) WHERE kept_for_id IS NOT NULL;
DROP INDEX cases_resolved;
CREATE INDEX cases_resolved ON cases (merchant_id, id) WHERE state IN ('approved', 'declined', 'returned', 'kept');
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
