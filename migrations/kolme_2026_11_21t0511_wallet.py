"""Wallets beside the ledger: why staff changed one, what is paid out, whose it is, what a shop owes in all."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T05:11:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Wallet adjustments, payouts, the words wallets are found by, what is owed by age"

SQL = """
-- One row a change by staff; its transfer has the key 'adjustment:' and the public id. amount_minor: what the wallet
-- gained, below zero what it lost. note: why, for the books; the customer reads the cause alone.
CREATE TABLE wallet_adjustments (
    merchant_id  uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id           uuid NOT NULL,
    public_id    text NOT NULL,
    key          text NOT NULL CHECK (key <> ''),
    customer_id  uuid NOT NULL,
    cause        text NOT NULL CHECK (cause IN ('gift', 'apology', 'price', 'mistake')),
    currency     text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    amount_minor bigint NOT NULL
        CHECK (amount_minor <> 0 AND amount_minor BETWEEN -1000000000000 AND 1000000000000),
    expires_at   timestamptz CHECK (expires_at IS NULL OR (expires_at > created_at AND amount_minor > 0)),
    note         text NOT NULL CHECK (length(note) BETWEEN 1 AND 500),
    adjusted_by  text NOT NULL CHECK (adjusted_by <> ''),
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, key),
    FOREIGN KEY (merchant_id, customer_id) REFERENCES profiles (merchant_id, customer_id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX wallet_adjustments_public ON wallet_adjustments (public_id);
CREATE INDEX wallet_adjustments_customer ON wallet_adjustments (merchant_id, customer_id, id);
CREATE TRIGGER wallet_adjustments_only_grow BEFORE UPDATE OR DELETE ON wallet_adjustments
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Money that leaves a wallet for the customer's own account. While one is requested its hold keeps the money. sealed:
-- account number and name, blanked as soon as it has ended; hint: the last four characters of the number.
CREATE TABLE wallet_payouts (
    merchant_id  uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id           uuid NOT NULL,
    public_id    text NOT NULL,
    key          text NOT NULL CHECK (key <> ''),
    customer_id  uuid NOT NULL,
    hold_id      uuid NOT NULL,
    currency     text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    state        text NOT NULL CHECK (state IN ('requested', 'paid', 'cancelled')),
    sealed       bytea,
    hint         text NOT NULL CHECK (length(hint) = 4),
    requested_at timestamptz NOT NULL,
    requested_by text NOT NULL CHECK (requested_by <> ''),
    ended_at     timestamptz,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, key),
    CHECK ((state = 'requested') = (ended_at IS NULL) AND (state = 'requested') = (sealed IS NOT NULL)),
    FOREIGN KEY (merchant_id, customer_id) REFERENCES profiles (merchant_id, customer_id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, hold_id) REFERENCES holds (merchant_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX wallet_payouts_public ON wallet_payouts (public_id);
CREATE INDEX wallet_payouts_customer ON wallet_payouts (merchant_id, customer_id, id);
CREATE UNIQUE INDEX wallet_payouts_hold ON wallet_payouts (merchant_id, hold_id);
CREATE INDEX wallet_payouts_waiting ON wallet_payouts (merchant_id, id) WHERE state = 'requested';
CREATE INDEX wallet_payouts_ended ON wallet_payouts (merchant_id, ended_at DESC, id DESC) WHERE state <> 'requested';

CREATE TABLE wallet_payout_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES wallet_payouts (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX wallet_payout_history_subject ON wallet_payout_history (merchant_id, subject_id, id);
CREATE TRIGGER wallet_payout_history_only_grows BEFORE UPDATE OR DELETE ON wallet_payout_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Wallets by what is in them, the largest first: a balance is a credit, so the largest is the smallest number.
CREATE INDEX ledger_accounts_wallets ON ledger_accounts (merchant_id, balance_minor, address) WHERE kind = 'wallet';

-- What a shop owes its customers in their wallets, by how long it has been there, as it was counted last. *_minor: of
-- lots that came less than so many days ago, and no less than the number before.
CREATE TABLE wallet_liability (
    merchant_id   uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    currency      text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    days_30_minor bigint NOT NULL CHECK (days_30_minor >= 0),
    days_90_minor bigint NOT NULL CHECK (days_90_minor >= 0),
    days_180_minor bigint NOT NULL CHECK (days_180_minor >= 0),
    days_365_minor bigint NOT NULL CHECK (days_365_minor >= 0),
    older_minor   bigint NOT NULL CHECK (older_minor >= 0),
    lapsing_minor bigint NOT NULL CHECK (lapsing_minor >= 0),
    wallet_count  bigint NOT NULL CHECK (wallet_count >= 0),
    counted_at    timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, currency)
);

-- Customers of a shop are found by how a name, an e-mail or a phone begins, as orders are.
CREATE TABLE profile_words (
    merchant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    word        text COLLATE "C" NOT NULL CHECK (word <> ''),
    PRIMARY KEY (merchant_id, customer_id, word),
    FOREIGN KEY (merchant_id, customer_id) REFERENCES profiles (merchant_id, customer_id) ON DELETE RESTRICT
);
CREATE INDEX profile_words_found ON profile_words (merchant_id, word, customer_id);

-- Words follow what they were made from, whoever writes it: who is erased is not found by any more.
CREATE FUNCTION profile_words_of(c customers) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN c.state = 'active' THEN order_words_of(NULL, c.name, c.email, coalesce(c.phone, c.claimed_phone))
                ELSE '{}' END
$$;
CREATE FUNCTION refresh_words_of_profile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO profile_words (merchant_id, customer_id, word)
    SELECT NEW.merchant_id, c.id, unnest(profile_words_of(c)) FROM customers c WHERE c.id = NEW.customer_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE FUNCTION refresh_words_of_customer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted text[] := profile_words_of(NEW);
BEGIN
    DELETE FROM profile_words w USING profiles p
    WHERE p.customer_id = NEW.id AND w.merchant_id = p.merchant_id AND w.customer_id = p.customer_id
      AND w.word <> ALL (wanted);
    INSERT INTO profile_words (merchant_id, customer_id, word)
    SELECT p.merchant_id, p.customer_id, word FROM profiles p CROSS JOIN unnest(wanted) AS word
    WHERE p.customer_id = NEW.id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER profiles_words AFTER INSERT ON profiles FOR EACH ROW EXECUTE FUNCTION refresh_words_of_profile();
CREATE TRIGGER customers_words AFTER UPDATE ON customers FOR EACH ROW
    WHEN ((NEW.name, NEW.email, NEW.phone, NEW.claimed_phone, NEW.state)
          IS DISTINCT FROM (OLD.name, OLD.email, OLD.phone, OLD.claimed_phone, OLD.state))
    EXECUTE FUNCTION refresh_words_of_customer();
INSERT INTO profile_words (merchant_id, customer_id, word)
SELECT p.merchant_id, c.id, unnest(profile_words_of(c)) FROM profiles p JOIN customers c ON c.id = p.customer_id
ON CONFLICT DO NOTHING;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
