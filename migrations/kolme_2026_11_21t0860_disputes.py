"""Payments that whoever owns the card disputes: what banks take back, its case, and what risk learns of it."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T08:60:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Disputes about payments, their cases, and a label of risk for the fraudulent ones"

SQL = """
-- A dispute as the provider's book has it. state: where its money is (app/payments/states.py). moves: how many steps it
-- took, which name its transfers. told_at: when the provider was asked that told of the last one. That and answer_by
-- are the wall's time, the others business time.
CREATE TABLE payment_disputes (
    merchant_id  uuid NOT NULL,
    id           uuid NOT NULL,
    public_id    text NOT NULL,
    payment_id   uuid NOT NULL,
    provider_ref text NOT NULL,
    state        text NOT NULL CHECK (state IN ('asked', 'withdrawn', 'won', 'lost', 'closed')),
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    currency     text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    reason       text NOT NULL CHECK (length(reason) BETWEEN 1 AND 40),
    answer_by    timestamptz,
    opened_at    timestamptz NOT NULL,
    ended_at     timestamptz,
    moves        integer NOT NULL DEFAULT 0 CHECK (moves >= 0),
    told_at      timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    CHECK ((state IN ('asked', 'withdrawn')) = (ended_at IS NULL)),
    FOREIGN KEY (merchant_id, payment_id) REFERENCES payments (merchant_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX payment_disputes_public ON payment_disputes (public_id);
CREATE UNIQUE INDEX payment_disputes_once ON payment_disputes (merchant_id, payment_id, provider_ref);

CREATE FUNCTION refuse_change_of_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.public_id, NEW.payment_id, NEW.provider_ref, NEW.amount_minor, NEW.currency, NEW.reason)
        IS DISTINCT FROM
       (OLD.public_id, OLD.payment_id, OLD.provider_ref, OLD.amount_minor, OLD.currency, OLD.reason) THEN
        RAISE EXCEPTION 'what dispute % is about never changes', OLD.public_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_disputes_stay_what_they_are BEFORE UPDATE ON payment_disputes
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_dispute();

CREATE TABLE payment_dispute_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES payment_disputes (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX payment_dispute_history_subject ON payment_dispute_history (merchant_id, subject_id, id);
CREATE TRIGGER payment_dispute_history_only_grows BEFORE UPDATE OR DELETE ON payment_dispute_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- When a provider is asked next for all of its disputes. Wall time.
CREATE TABLE dispute_looks (
    method       text PRIMARY KEY CHECK (method IN ('card', 'mobilepay')),
    next_at      timestamptz NOT NULL,
    leased_until timestamptz,
    checks       integer NOT NULL DEFAULT 0 CHECK (checks >= 0)
);
INSERT INTO dispute_looks (method, next_at) VALUES ('card', '2026-01-01T00:00:00Z');

-- A dispute that goes on waits in a case; the bank ends both.
ALTER TABLE cases
    ADD COLUMN dispute_id uuid,
    DROP CONSTRAINT cases_kind_check,
    DROP CONSTRAINT cases_about_one_payment,
    ADD CONSTRAINT cases_kind_check
        CHECK (kind IN ('credit', 'identity', 'late_payment', 'refund_refused', 'risk', 'disputed_payment')),
    ADD CONSTRAINT cases_about_one_payment
        CHECK (num_nonnulls(payment_id, provider_payment_id, payment_refund_id, dispute_id) <= 1),
    ADD CONSTRAINT cases_about_disputes CHECK ((kind = 'disputed_payment') = (dispute_id IS NOT NULL)),
    ADD FOREIGN KEY (merchant_id, dispute_id) REFERENCES payment_disputes (merchant_id, id) ON DELETE RESTRICT;
CREATE INDEX cases_dispute ON cases (merchant_id, dispute_id) WHERE dispute_id IS NOT NULL;
CREATE UNIQUE INDEX cases_dispute_waits ON cases (merchant_id, dispute_id)
    WHERE dispute_id IS NOT NULL AND state = 'open';
DROP INDEX cases_of_money;
CREATE INDEX cases_of_money ON cases (merchant_id, due_at, id)
    WHERE state = 'open' AND kind IN ('late_payment', 'refund_refused', 'disputed_payment');

-- The worst that can come of an approved order.
ALTER TABLE risk_labels
    DROP CONSTRAINT risk_labels_source_check,
    ADD CONSTRAINT risk_labels_source_check
        CHECK (source IN ('reviewer', 'blind', 'unpaid', 'refund', 'dispute'));
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
