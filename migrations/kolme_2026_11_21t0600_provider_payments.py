"""Payments through a provider: their life, what is saved for later charges, refunds through the door, late money."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T06:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Payments by card and MobilePay, refunds through the provider, cases about them"

SQL = """
-- What a charge without the shopper is made with. sealed: the provider's token; NULL once it was forgotten.
CREATE TABLE saved_methods (
    merchant_id  uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id           uuid NOT NULL,
    public_id    text NOT NULL,
    method       text NOT NULL CHECK (method IN ('card', 'mobilepay')),
    sealed       bytea,
    label        text NOT NULL CHECK (length(label) BETWEEN 1 AND 100),
    expires_on   text CHECK (expires_on ~ '^[0-9]{4}-[0-9]{2}$'),
    created_at   timestamptz NOT NULL,
    forgotten_at timestamptz,
    PRIMARY KEY (merchant_id, id),
    CHECK ((sealed IS NULL) = (forgotten_at IS NOT NULL))
);
CREATE UNIQUE INDEX saved_methods_public ON saved_methods (public_id);

-- One try to have a provider take money for an order. kind: by the shopper in a session, or a charge with a saved
-- method. Times of the provider and of asking it (expires_at, next_check_at, leased_until) are the wall's, the others
-- business time. is_letting_go: the shopper turned away, or the session's time is over: it ends unless it is authorised
-- by then. is_taking: this one alone takes money for its order. contact and the addresses go when it has ended.
CREATE TABLE payments (
    merchant_id      uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id               uuid NOT NULL,
    public_id        text NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('checkout', 'charge')),
    method           text NOT NULL CHECK (method IN ('card', 'mobilepay')),
    state            text NOT NULL CHECK (state IN ('started', 'pending', 'unknown', 'authorised', 'capturing',
                                                    'captured', 'cancelling', 'cancelled', 'failed', 'expired')),
    order_id         uuid NOT NULL,
    session_id       uuid,
    quote_id         text NOT NULL,
    amount_minor     bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    currency         text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    country          text NOT NULL CHECK (country IN ('FI', 'SE', 'DK', 'BG')),
    lang             text NOT NULL CHECK (lang IN ('fi', 'sv', 'en', 'da', 'bg')),
    way              text NOT NULL CHECK (way IN ('redirect', 'qr')),
    description      text NOT NULL,
    is_saving        boolean NOT NULL DEFAULT false,
    saved_method_id  uuid,
    contact          jsonb CHECK (jsonb_typeof(contact) = 'object'),
    provider_ref     text,
    url              text,
    qr_url           text,
    failure          text,
    authorised_minor bigint NOT NULL DEFAULT 0 CHECK (authorised_minor >= 0),
    captured_minor   bigint NOT NULL DEFAULT 0 CHECK (captured_minor >= 0),
    refunded_minor   bigint NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
    is_letting_go    boolean NOT NULL DEFAULT false,
    is_taking        boolean NOT NULL DEFAULT false,
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    ended_at         timestamptz,
    checks           integer NOT NULL DEFAULT 0,
    next_check_at    timestamptz,
    leased_until     timestamptz,
    PRIMARY KEY (merchant_id, id),
    CHECK ((kind = 'checkout') = (session_id IS NOT NULL)),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, session_id) REFERENCES checkout_sessions (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, quote_id) REFERENCES quotes (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, saved_method_id) REFERENCES saved_methods (merchant_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX payments_public ON payments (public_id);
CREATE INDEX payments_order ON payments (merchant_id, order_id, id);
CREATE INDEX payments_session ON payments (merchant_id, session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX payments_saved_method ON payments (merchant_id, saved_method_id) WHERE saved_method_id IS NOT NULL;
CREATE UNIQUE INDEX payments_provider_ref ON payments (method, provider_ref) WHERE provider_ref IS NOT NULL;
CREATE INDEX payments_due ON payments (next_check_at) WHERE next_check_at IS NOT NULL;
-- At most one takes money for an order, and a session waits for one at a time.
CREATE UNIQUE INDEX payments_one_takes ON payments (merchant_id, order_id) WHERE is_taking;
CREATE UNIQUE INDEX payments_one_of_session ON payments (merchant_id, session_id) WHERE ended_at IS NULL;

CREATE FUNCTION refuse_change_of_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.public_id, NEW.kind, NEW.method, NEW.order_id, NEW.session_id, NEW.quote_id, NEW.amount_minor, NEW.currency)
        IS DISTINCT FROM
       (OLD.public_id, OLD.kind, OLD.method, OLD.order_id, OLD.session_id, OLD.quote_id, OLD.amount_minor, OLD.currency)
       OR (OLD.provider_ref IS NOT NULL AND NEW.provider_ref IS DISTINCT FROM OLD.provider_ref) THEN
        RAISE EXCEPTION 'what payment % is of never changes', OLD.public_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_stay_what_they_are BEFORE UPDATE ON payments
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_payment();

CREATE TABLE payment_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES payments (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX payment_history_subject ON payment_history (merchant_id, subject_id, id);
CREATE TRIGGER payment_history_only_grows BEFORE UPDATE OR DELETE ON payment_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Why the last payment of an open session came to nothing: its next page says so.
ALTER TABLE checkout_sessions ADD COLUMN payment_failure text;

-- Money that goes back through the provider that took it: of a refund, or of money that came too late (no refund_id).
CREATE TABLE payment_refunds (
    merchant_id   uuid NOT NULL,
    id            uuid NOT NULL,
    public_id     text NOT NULL,
    payment_id    uuid NOT NULL,
    refund_id     uuid,
    state         text NOT NULL CHECK (state IN ('asked', 'unknown', 'underway', 'done', 'refused')),
    amount_minor  bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    currency      text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    provider_ref  text,
    reason        text,
    asked_at      timestamptz NOT NULL,
    ended_at      timestamptz,
    checks        integer NOT NULL DEFAULT 0,
    next_check_at timestamptz,
    leased_until  timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, payment_id) REFERENCES payments (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, refund_id) REFERENCES refunds (merchant_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX payment_refunds_public ON payment_refunds (public_id);
CREATE INDEX payment_refunds_payment ON payment_refunds (merchant_id, payment_id, id);
CREATE UNIQUE INDEX payment_refunds_refund ON payment_refunds (merchant_id, refund_id) WHERE refund_id IS NOT NULL;
CREATE INDEX payment_refunds_due ON payment_refunds (next_check_at) WHERE next_check_at IS NOT NULL;

CREATE TABLE payment_refund_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES payment_refunds (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX payment_refund_history_subject ON payment_refund_history (merchant_id, subject_id, id);
CREATE TRIGGER payment_refund_history_only_grows BEFORE UPDATE OR DELETE ON payment_refund_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A case about money names the payment that came too late, by record or through a provider, or the refund that the
-- provider has refused for good.
ALTER TABLE cases
    ADD COLUMN provider_payment_id uuid,
    ADD COLUMN payment_refund_id uuid,
    DROP CONSTRAINT cases_kind_check,
    DROP CONSTRAINT cases_check4,
    DROP CONSTRAINT cases_check5,
    DROP CONSTRAINT cases_check6,
    ADD CONSTRAINT cases_kind_check CHECK (kind IN ('credit', 'identity', 'late_payment', 'refund_refused')),
    ADD CONSTRAINT cases_have_a_session
        CHECK ((kind IN ('credit', 'identity')) = (session_id IS NOT NULL)),
    ADD CONSTRAINT cases_about_late_money
        CHECK ((kind = 'late_payment') = (num_nonnulls(payment_id, provider_payment_id) = 1)),
    ADD CONSTRAINT cases_about_one_payment
        CHECK (num_nonnulls(payment_id, provider_payment_id, payment_refund_id) <= 1),
    ADD CONSTRAINT cases_about_refused_refunds
        CHECK ((kind = 'refund_refused') = (payment_refund_id IS NOT NULL)),
    ADD CONSTRAINT cases_answers_fit
        CHECK (session_id IS NULL OR state NOT IN ('returned', 'kept')),
    ADD FOREIGN KEY (merchant_id, provider_payment_id) REFERENCES payments (merchant_id, id) ON DELETE RESTRICT,
    ADD FOREIGN KEY (merchant_id, payment_refund_id) REFERENCES payment_refunds (merchant_id, id) ON DELETE RESTRICT;
CREATE UNIQUE INDEX cases_provider_payment ON cases (merchant_id, provider_payment_id)
    WHERE provider_payment_id IS NOT NULL;
CREATE UNIQUE INDEX cases_payment_refund ON cases (merchant_id, payment_refund_id) WHERE payment_refund_id IS NOT NULL;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
