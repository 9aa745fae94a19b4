"""One shopper's way through the flow: sessions and their history, quotes, credit decisions, exposure."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T00:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Checkout sessions, quotes, credit decisions, exposure"

SQL = """
-- A quote's id is the hash of its content: the same figures are the same row.
CREATE TABLE quotes (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          text NOT NULL,
    content     jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id)
);
CREATE TRIGGER quotes_only_grow BEFORE UPDATE OR DELETE ON quotes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE orders ADD FOREIGN KEY (merchant_id, quote_id) REFERENCES quotes (merchant_id, id) ON DELETE RESTRICT;

CREATE TABLE checkout_sessions (
    merchant_id       uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id                uuid NOT NULL,
    public_id         text NOT NULL,
    order_id          uuid NOT NULL,
    state             text NOT NULL CHECK (state IN ('open', 'processing', 'held', 'confirmed', 'declined',
                          'cancelled', 'expired')),
    locale            text CHECK (locale IN ('fi', 'sv', 'en', 'da', 'bg')),
    success_url       text NOT NULL,
    cancel_url        text NOT NULL,
    created_at        timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    browser_id        uuid REFERENCES browsers (id) ON DELETE RESTRICT,
    delivery          text CHECK (delivery IN ('email', 'paper')),
    quote_id          text,
    phone             text,
    postcode          text,
    phone_proved_at   timestamptz,
    customer_id       uuid REFERENCES customers (id) ON DELETE RESTRICT,
    identified_by     text CHECK (identified_by IN ('code', 'bank', 'passkey')),
    identified_at     timestamptz,
    decisions_made    smallint NOT NULL DEFAULT 0 CHECK (decisions_made BETWEEN 0 AND 3),
    decision_id       uuid,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, quote_id) REFERENCES quotes (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX checkout_sessions_public ON checkout_sessions (public_id);
CREATE INDEX checkout_sessions_order ON checkout_sessions (merchant_id, order_id);
-- At most one payable attempt per order.
CREATE UNIQUE INDEX checkout_sessions_payable ON checkout_sessions (merchant_id, order_id)
    WHERE state IN ('open', 'processing', 'held');
CREATE INDEX checkout_sessions_due ON checkout_sessions (expires_at) WHERE state = 'open';
CREATE INDEX checkout_sessions_customer ON checkout_sessions (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX checkout_sessions_browser ON checkout_sessions (browser_id) WHERE browser_id IS NOT NULL;

CREATE TABLE session_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES checkout_sessions (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX session_history_subject ON session_history (merchant_id, subject_id, id);
CREATE TRIGGER session_history_only_grows BEFORE UPDATE OR DELETE ON session_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE credit_decisions (
    merchant_id      uuid NOT NULL,
    id               uuid NOT NULL,
    session_id       uuid NOT NULL,
    customer_id      uuid NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    quote_id         text NOT NULL,
    amount_minor     bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    currency         text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    outcome          text NOT NULL CHECK (outcome IN ('approved', 'declined', 'referred')),
    reasons          text[] NOT NULL,
    would_pass_minor bigint CHECK (would_pass_minor BETWEEN 0 AND 1000000000000),
    rules_version    text NOT NULL,
    register_answer  text,
    facts_digest     bytea NOT NULL,
    decided_at       timestamptz NOT NULL,
    valid_until      timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, session_id) REFERENCES checkout_sessions (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, quote_id) REFERENCES quotes (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX credit_decisions_session ON credit_decisions (merchant_id, session_id, id);
CREATE INDEX credit_decisions_customer ON credit_decisions (customer_id);
CREATE TRIGGER credit_decisions_only_grow BEFORE UPDATE OR DELETE ON credit_decisions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE checkout_sessions ADD FOREIGN KEY (merchant_id, decision_id)
    REFERENCES credit_decisions (merchant_id, id) ON DELETE RESTRICT;

-- What a customer owes here, guarded at confirm: the limit is never passed by two purchases at once.
CREATE TABLE credit_exposures (
    merchant_id    uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    customer_id    uuid NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    currency       text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    exposure_minor bigint NOT NULL CHECK (exposure_minor BETWEEN 0 AND 1000000000000),
    limit_minor    bigint NOT NULL CHECK (limit_minor BETWEEN 0 AND 1000000000000),
    PRIMARY KEY (merchant_id, customer_id, currency)
);
CREATE INDEX credit_exposures_customer ON credit_exposures (customer_id);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
