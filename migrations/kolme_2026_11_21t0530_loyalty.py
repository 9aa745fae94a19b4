"""Loyalty: versions of a programme, how each order earned, what refunds took back, adjustments, points into money."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T05:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Loyalty: programmes, earnings, claw-backs, adjustments, turns"

SQL = """
-- The points themselves stand in the ledger, in the unit PTS. These tables say why. Nothing here ever changes.

-- A version holds for what is paid from from_at on, until a higher one does.
CREATE TABLE loyalty_programmes (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    version     integer NOT NULL CHECK (version >= 1),
    content     jsonb NOT NULL,
    actor       text NOT NULL CHECK (actor <> ''),
    from_at     timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, version)
);
CREATE TRIGGER loyalty_programmes_only_grow BEFORE UPDATE OR DELETE ON loyalty_programmes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- content: the steps from the lines to the points. An order that earned nothing has its row too.
CREATE TABLE loyalty_earnings (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    order_id    uuid NOT NULL,
    customer_id uuid NOT NULL,
    version     integer NOT NULL,
    points      bigint NOT NULL CHECK (points BETWEEN 0 AND 1000000000),
    total_minor bigint NOT NULL CHECK (total_minor BETWEEN 1 AND 1000000000000),
    content     jsonb NOT NULL,
    paid_at     timestamptz NOT NULL,
    usable_from timestamptz,
    expires_at  timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, customer_id) REFERENCES profiles (merchant_id, customer_id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, version) REFERENCES loyalty_programmes (merchant_id, version) ON DELETE RESTRICT,
    CHECK (expires_at > coalesce(usable_from, paid_at))
);
-- An order earns once.
CREATE UNIQUE INDEX loyalty_earnings_order ON loyalty_earnings (merchant_id, order_id);
CREATE INDEX loyalty_earnings_customer ON loyalty_earnings (merchant_id, customer_id, paid_at);
CREATE INDEX loyalty_earnings_version ON loyalty_earnings (merchant_id, version);
CREATE TRIGGER loyalty_earnings_only_grow BEFORE UPDATE OR DELETE ON loyalty_earnings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- refund: its public id. refunded_minor: the price of what was taken back by it. points: what went now, in proportion
-- to everything that was refunded so far.
CREATE TABLE loyalty_claw_backs (
    merchant_id    uuid NOT NULL,
    id             uuid NOT NULL,
    earning_id     uuid NOT NULL,
    refund         text NOT NULL CHECK (refund <> ''),
    refunded_minor bigint NOT NULL CHECK (refunded_minor BETWEEN 1 AND 1000000000000),
    points         bigint NOT NULL CHECK (points BETWEEN 0 AND 1000000000),
    debt_points    bigint NOT NULL CHECK (debt_points BETWEEN 0 AND points),
    at             timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, earning_id) REFERENCES loyalty_earnings (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX loyalty_claw_backs_earning ON loyalty_claw_backs (merchant_id, earning_id);
CREATE UNIQUE INDEX loyalty_claw_backs_refund ON loyalty_claw_backs (merchant_id, refund);
CREATE TRIGGER loyalty_claw_backs_only_grow BEFORE UPDATE OR DELETE ON loyalty_claw_backs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What staff gave or took by hand, and why: a voucher of the books.
CREATE TABLE loyalty_adjustments (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    customer_id uuid NOT NULL,
    points      bigint NOT NULL CHECK (points <> 0 AND points BETWEEN -1000000000 AND 1000000000),
    reason      text NOT NULL CHECK (length(reason) BETWEEN 3 AND 300),
    actor       text NOT NULL CHECK (actor <> ''),
    at          timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, customer_id) REFERENCES profiles (merchant_id, customer_id) ON DELETE RESTRICT
);
CREATE INDEX loyalty_adjustments_customer ON loyalty_adjustments (merchant_id, customer_id, id);
CREATE TRIGGER loyalty_adjustments_only_grow BEFORE UPDATE OR DELETE ON loyalty_adjustments
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Points that became money in the wallet: once for each key.
CREATE TABLE loyalty_turns (
    merchant_id  uuid NOT NULL,
    id           uuid NOT NULL,
    customer_id  uuid NOT NULL,
    key          text NOT NULL CHECK (length(key) BETWEEN 8 AND 100),
    version      integer NOT NULL,
    points       bigint NOT NULL CHECK (points BETWEEN 1 AND 1000000000),
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    currency     text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    at           timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, key),
    FOREIGN KEY (merchant_id, customer_id) REFERENCES profiles (merchant_id, customer_id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, version) REFERENCES loyalty_programmes (merchant_id, version) ON DELETE RESTRICT
);
CREATE INDEX loyalty_turns_customer ON loyalty_turns (merchant_id, customer_id, id);
CREATE INDEX loyalty_turns_version ON loyalty_turns (merchant_id, version);
CREATE TRIGGER loyalty_turns_only_grow BEFORE UPDATE OR DELETE ON loyalty_turns
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
