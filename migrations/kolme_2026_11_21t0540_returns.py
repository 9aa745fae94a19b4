"""Refunds, what they took back, returns and their goods, a shop's conditions; the quote that holds after a refund."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T05:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Refunds, returns, conditions of a return, the quote of what is left"

SQL = """
-- A credit note's money that lowers nothing that is asked for: `restored_minor` went back into the wallet lots that had
-- paid it, `put_minor` was put into the wallet anew.
ALTER TABLE invoices
    ADD COLUMN restored_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN put_minor      bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT invoices_into_the_wallet
        CHECK (restored_minor >= 0 AND put_minor >= 0 AND restored_minor + put_minor <= amount_minor
               AND (kind = 'credit_note' OR restored_minor + put_minor = 0));

-- `quote_id` stays the quote that was signed; this one says what the plan came to after the last refund.
ALTER TABLE orders
    ADD COLUMN current_quote_id text,
    ADD FOREIGN KEY (merchant_id, current_quote_id) REFERENCES quotes (merchant_id, id) ON DELETE RESTRICT,
    ADD CONSTRAINT orders_refundable CHECK (refundable_minor BETWEEN 0 AND total_minor);
CREATE INDEX orders_current_quote ON orders (merchant_id, current_quote_id) WHERE current_quote_id IS NOT NULL;

-- What a shop takes back on which conditions. No row: the law's days, no fee, everything, and no second person.
CREATE TABLE return_conditions (
    merchant_id          uuid PRIMARY KEY REFERENCES merchants (id) ON DELETE RESTRICT,
    days                 integer NOT NULL CHECK (days BETWEEN 1 AND 365),
    delivery_days        integer NOT NULL CHECK (delivery_days BETWEEN 0 AND 90),
    fee_minor            bigint NOT NULL CHECK (fee_minor BETWEEN 0 AND 1000000000000),
    fee_waived_to_wallet boolean NOT NULL,
    kept_categories      text[] NOT NULL,
    approval_above_minor bigint CHECK (approval_above_minor BETWEEN 0 AND 1000000000000)
);

CREATE TABLE return_numbers (
    merchant_id uuid PRIMARY KEY REFERENCES merchants (id) ON DELETE RESTRICT,
    last_number integer NOT NULL CHECK (last_number > 0)
);

-- `value_minor` is what the goods came to, `fee_minor` what the shop keeps of it: both as the shopper was told.
CREATE TABLE returns (
    merchant_id   uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id            uuid NOT NULL,
    public_id     text NOT NULL,
    number        integer NOT NULL CHECK (number > 0),
    order_id      uuid NOT NULL,
    state         text NOT NULL CHECK (state IN ('announced', 'received', 'refunded', 'refused', 'cancelled')),
    destination   text NOT NULL CHECK (destination IN ('wallet', 'original')),
    reason        text NOT NULL CHECK (reason IN ('changed_mind', 'wrong_size', 'wrong_item', 'damaged',
                      'not_as_described', 'other')),
    statement     text CHECK (length(statement) BETWEEN 1 AND 2000),
    value_minor   bigint NOT NULL CHECK (value_minor BETWEEN 1 AND 1000000000000),
    fee_minor     bigint NOT NULL CHECK (fee_minor >= 0 AND fee_minor < value_minor),
    currency      text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    announced_by  text NOT NULL CHECK (announced_by <> ''),
    announced_at  timestamptz NOT NULL,
    received_at   timestamptz,
    ended_at      timestamptz,
    refusal       text CHECK (length(refusal) BETWEEN 1 AND 2000),
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    CHECK ((state IN ('announced', 'received')) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX returns_public ON returns (public_id);
CREATE UNIQUE INDEX returns_number ON returns (merchant_id, number);
CREATE INDEX returns_of_order ON returns (merchant_id, order_id, id);
CREATE INDEX returns_newest ON returns (merchant_id, announced_at, id);
CREATE INDEX returns_by_state ON returns (merchant_id, state, announced_at, id);
CREATE INDEX returns_to_forget ON returns (ended_at) WHERE statement IS NOT NULL OR refusal IS NOT NULL;

CREATE TABLE return_lines (
    merchant_id uuid NOT NULL,
    return_id   uuid NOT NULL,
    position    integer NOT NULL CHECK (position >= 0),
    quantity    integer NOT NULL CHECK (quantity BETWEEN 1 AND 9999),
    PRIMARY KEY (merchant_id, return_id, position),
    FOREIGN KEY (merchant_id, return_id) REFERENCES returns (merchant_id, id) ON DELETE RESTRICT
);
CREATE TRIGGER return_lines_only_grow BEFORE UPDATE OR DELETE ON return_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE return_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES returns (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX return_history_subject ON return_history (merchant_id, subject_id, id);
CREATE TRIGGER return_history_only_grows BEFORE UPDATE OR DELETE ON return_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- `amount_minor` is what comes off the sale: the goods less the fee that is kept. Once done it went into the wallet's
-- lots again (`restored_minor`), into the wallet anew (`put_minor`), off what was owed (`lowered_minor`) and to the
-- customer's credit (`back_minor`); the last refund of a sale gives back its costs as well (`costs_minor`).
CREATE TABLE refunds (
    merchant_id    uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id             uuid NOT NULL,
    public_id      text NOT NULL,
    key            text NOT NULL CHECK (length(key) BETWEEN 1 AND 500),
    order_id       uuid NOT NULL,
    return_id      uuid,
    state          text NOT NULL CHECK (state IN ('pending_approval', 'done', 'refused')),
    destination    text NOT NULL CHECK (destination IN ('wallet', 'original')),
    amount_minor   bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    fee_minor      bigint NOT NULL CHECK (fee_minor BETWEEN 0 AND 1000000000000),
    currency       text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    note           text CHECK (length(note) BETWEEN 1 AND 500),
    asked_by       text NOT NULL CHECK (asked_by <> ''),
    asked_at       timestamptz NOT NULL,
    decided_by     text,
    decided_at     timestamptz,
    restored_minor bigint NOT NULL DEFAULT 0 CHECK (restored_minor >= 0),
    put_minor      bigint NOT NULL DEFAULT 0 CHECK (put_minor >= 0),
    lowered_minor  bigint NOT NULL DEFAULT 0 CHECK (lowered_minor >= 0),
    back_minor     bigint NOT NULL DEFAULT 0 CHECK (back_minor >= 0),
    costs_minor    bigint NOT NULL DEFAULT 0 CHECK (costs_minor >= 0),
    credit_note_id uuid,
    quote_id       text,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, return_id) REFERENCES returns (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, credit_note_id) REFERENCES invoices (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, quote_id) REFERENCES quotes (merchant_id, id) ON DELETE RESTRICT,
    CHECK ((state = 'pending_approval') = (decided_at IS NULL)),
    CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
    CHECK ((state = 'done') = (credit_note_id IS NOT NULL)),
    CHECK (state = 'done' OR restored_minor + put_minor + lowered_minor + back_minor + costs_minor = 0),
    CHECK (state <> 'done'
           OR restored_minor + put_minor + lowered_minor + back_minor = amount_minor + costs_minor),
    CHECK (destination = 'original' OR lowered_minor + back_minor = 0),
    CHECK (destination = 'wallet' OR put_minor = 0)
);
CREATE UNIQUE INDEX refunds_public ON refunds (public_id);
CREATE UNIQUE INDEX refunds_key ON refunds (merchant_id, key);
CREATE INDEX refunds_of_order ON refunds (merchant_id, order_id, id);
CREATE INDEX refunds_of_return ON refunds (merchant_id, return_id) WHERE return_id IS NOT NULL;
CREATE INDEX refunds_quote ON refunds (merchant_id, quote_id) WHERE quote_id IS NOT NULL;
CREATE UNIQUE INDEX refunds_note ON refunds (merchant_id, credit_note_id) WHERE credit_note_id IS NOT NULL;
CREATE INDEX refunds_waiting ON refunds (merchant_id, asked_at, id) WHERE state = 'pending_approval';

-- What was asked never changes, and what was decided is decided once.
CREATE FUNCTION refuse_edit_of_refund() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decided CONSTANT text[] := ARRAY['state', 'decided_by', 'decided_at', 'restored_minor', 'put_minor',
                                     'lowered_minor', 'back_minor', 'costs_minor', 'credit_note_id', 'quote_id'];
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'pending_approval'
       OR to_jsonb(NEW) - decided IS DISTINCT FROM to_jsonb(OLD) - decided THEN
        RAISE EXCEPTION 'refund % never changes', OLD.public_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refunds_only_decided BEFORE UPDATE OR DELETE ON refunds
    FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_refund();

-- The lines of its credit note, with positive figures for what is taken back. `position` is the line of the order that
-- pieces belong to; a sum, a discount's share and a fee have none.
CREATE TABLE refund_lines (
    merchant_id      uuid NOT NULL,
    refund_id        uuid NOT NULL,
    place            integer NOT NULL CHECK (place >= 0),
    position         integer CHECK (position >= 0),
    kind             text NOT NULL CHECK (kind IN ('goods', 'sum', 'discount', 'fee')),
    name             text NOT NULL,
    sku              text,
    quantity         integer NOT NULL,
    unit_price_minor bigint NOT NULL,
    vat_percent      text NOT NULL,
    total_minor      bigint NOT NULL,
    PRIMARY KEY (merchant_id, refund_id, place),
    FOREIGN KEY (merchant_id, refund_id) REFERENCES refunds (merchant_id, id) ON DELETE RESTRICT,
    CHECK (total_minor = quantity * unit_price_minor),
    CHECK ((kind = 'goods') = (position IS NOT NULL)),
    CHECK (kind <> 'goods' OR quantity > 0)
);
CREATE TRIGGER refund_lines_only_grow BEFORE UPDATE OR DELETE ON refund_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE refund_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES refunds (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX refund_history_subject ON refund_history (merchant_id, subject_id, id);
CREATE TRIGGER refund_history_only_grows BEFORE UPDATE OR DELETE ON refund_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
