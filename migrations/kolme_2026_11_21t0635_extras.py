"""What a shopper's own choices add to an order: how it comes, what a way to pay costs or saves, an insurance."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T06:35:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Lines that the shopper chose, ways to deliver, fees of ways to pay, insurance offers"

SQL = """
-- Who put a line there: the shop, or a choice of the shopper's.
ALTER TABLE order_lines
    ADD COLUMN origin text NOT NULL DEFAULT 'shop'
        CHECK (origin IN ('shop', 'shipping', 'method_fee', 'insurance'));

-- shipping_options: how the shop can deliver it, none where that is settled. extras_by: the session whose choices the
-- lines of the shopper's are; two shoppers of one link each see their own.
ALTER TABLE orders
    ADD COLUMN shipping_options jsonb,
    ADD COLUMN extras_by uuid;

-- What the shopper chose beside the way to pay, as ids; nothing personal.
ALTER TABLE checkout_sessions ADD COLUMN choice jsonb;

-- One of the two figures; below zero it is a discount. rate_points: hundredths of a percent of the price.
-- A consumer never pays more for a way to pay: the verb tells which rule says so, this is the last line.
CREATE TABLE method_fees (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    buyer       text NOT NULL CHECK (buyer IN ('consumer', 'business')),
    method      text NOT NULL CHECK (method IN ('wallet', 'card', 'mobilepay', 'invoice', 'instalments')),
    fixed_minor bigint NOT NULL CHECK (fixed_minor BETWEEN -10000000000 AND 10000000000),
    rate_points integer NOT NULL CHECK (rate_points BETWEEN -10000 AND 10000),
    changed_at  timestamptz NOT NULL,
    changed_by  text NOT NULL CHECK (changed_by <> ''),
    PRIMARY KEY (merchant_id, buyer, method),
    CHECK ((fixed_minor = 0) <> (rate_points = 0)),
    CHECK (buyer = 'business' OR (fixed_minor <= 0 AND rate_points <= 0))
);

-- An offer never changes: another price or another word is another offer, so that what somebody took stays readable.
-- covers: one sentence a language. The price is fixed_minor a piece, or rate_points of its value within the bounds.
CREATE TABLE insurance_offers (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    public_id   text NOT NULL,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    insurer     text NOT NULL CHECK (length(insurer) BETWEEN 1 AND 100),
    covers      jsonb NOT NULL,
    terms_url   text CHECK (length(terms_url) BETWEEN 1 AND 2048),
    terms_text  text CHECK (length(terms_text) BETWEEN 1 AND 20000),
    currency    text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    categories  text[] NOT NULL,
    from_minor  bigint NOT NULL CHECK (from_minor BETWEEN 1 AND 1000000000000),
    to_minor    bigint CHECK (to_minor BETWEEN 1 AND 1000000000000),
    fixed_minor bigint CHECK (fixed_minor BETWEEN 1 AND 10000000000),
    rate_points integer CHECK (rate_points BETWEEN 1 AND 10000),
    least_minor bigint CHECK (least_minor BETWEEN 1 AND 10000000000),
    most_minor  bigint CHECK (most_minor BETWEEN 1 AND 10000000000),
    cancel_days integer NOT NULL CHECK (cancel_days BETWEEN 14 AND 365),
    created_at  timestamptz NOT NULL,
    created_by  text NOT NULL CHECK (created_by <> ''),
    ended_at    timestamptz,
    PRIMARY KEY (merchant_id, id),
    CHECK (terms_url IS NOT NULL OR terms_text IS NOT NULL),
    CHECK ((fixed_minor IS NULL) <> (rate_points IS NULL)),
    CHECK (rate_points IS NOT NULL OR (least_minor IS NULL AND most_minor IS NULL)),
    CHECK (to_minor >= from_minor),
    CHECK (most_minor >= least_minor)
);
CREATE UNIQUE INDEX insurance_offers_public ON insurance_offers (public_id);
CREATE INDEX insurance_offers_on ON insurance_offers (merchant_id, id) WHERE ended_at IS NULL;
CREATE FUNCTION refuse_other_offer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'ended_at' IS DISTINCT FROM to_jsonb(OLD) - 'ended_at' OR OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'insurance offer % never changes', OLD.public_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER insurance_offers_only_end BEFORE UPDATE ON insurance_offers
    FOR EACH ROW EXECUTE FUNCTION refuse_other_offer();

-- What was answered to the question whenever somebody went on from it: the newest of a session counts.
CREATE TABLE insurance_answers (
    merchant_id   uuid NOT NULL,
    id            uuid NOT NULL,
    session_id    uuid NOT NULL,
    offer_id      uuid NOT NULL,
    answer        text NOT NULL CHECK (answer IN ('taken', 'declined', 'none')),
    premium_minor bigint NOT NULL CHECK (premium_minor BETWEEN 1 AND 1000000000000),
    at            timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, session_id) REFERENCES checkout_sessions (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, offer_id) REFERENCES insurance_offers (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX insurance_answers_session ON insurance_answers (merchant_id, session_id, id);
CREATE INDEX insurance_answers_offer ON insurance_answers (merchant_id, offer_id, at);
CREATE TRIGGER insurance_answers_only_grow BEFORE UPDATE OR DELETE ON insurance_answers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- One that was bought. position: its line of the order, from 0. Until cancel_until (a day) it can be given up.
CREATE TABLE insurances (
    merchant_id   uuid NOT NULL,
    id            uuid NOT NULL,
    public_id     text NOT NULL,
    order_id      uuid NOT NULL,
    offer_id      uuid NOT NULL,
    position      integer NOT NULL CHECK (position >= 0),
    state         text NOT NULL CHECK (state IN ('active', 'cancelled')),
    premium_minor bigint NOT NULL CHECK (premium_minor BETWEEN 1 AND 1000000000000),
    currency      text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    lang          text NOT NULL CHECK (lang IN ('fi', 'sv', 'en', 'da', 'bg')),
    taken_at      timestamptz NOT NULL,
    cancel_until  date NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, offer_id) REFERENCES insurance_offers (merchant_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX insurances_public ON insurances (public_id);
CREATE UNIQUE INDEX insurances_order ON insurances (merchant_id, order_id);
CREATE INDEX insurances_offer ON insurances (merchant_id, offer_id, taken_at);

CREATE TABLE insurance_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES insurances (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX insurance_history_subject ON insurance_history (merchant_id, subject_id, id);
CREATE TRIGGER insurance_history_only_grows BEFORE UPDATE OR DELETE ON insurance_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
