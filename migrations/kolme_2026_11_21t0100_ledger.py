"""The double-entry ledger: accounts, transfers, postings that only grow and sum to zero."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T01:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The double-entry ledger"

SQL = """
-- One amount is at most 10^12 minor units; a merchant's account gathers many of them.
CREATE TABLE ledger_accounts (
    merchant_id   uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id            uuid NOT NULL,
    address       text NOT NULL,
    kind          text NOT NULL,
    normal_side   text NOT NULL CHECK (normal_side IN ('debit', 'credit')),
    currency      text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    balance_minor bigint NOT NULL CHECK (balance_minor BETWEEN -1000000000000000 AND 1000000000000000),
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, address, currency)
);

-- `key` says which effect this is, so that the same effect never posts twice.
CREATE TABLE transfers (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    key         text NOT NULL,
    cause       text NOT NULL,
    about       text NOT NULL,
    posted_at   timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, key)
);
CREATE INDEX transfers_about ON transfers (merchant_id, about, id);
CREATE TRIGGER transfers_only_grow BEFORE UPDATE OR DELETE ON transfers
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A debit is positive, a credit negative; the postings of a transfer sum to zero in each currency.
CREATE TABLE postings (
    merchant_id  uuid NOT NULL,
    id           uuid NOT NULL,
    transfer_id  uuid NOT NULL,
    account_id   uuid NOT NULL,
    currency     text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0 AND amount_minor BETWEEN -1000000000000 AND 1000000000000),
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, transfer_id) REFERENCES transfers (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, account_id) REFERENCES ledger_accounts (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX postings_transfer ON postings (merchant_id, transfer_id);
CREATE INDEX postings_account ON postings (merchant_id, account_id, id);
CREATE TRIGGER postings_only_grow BEFORE UPDATE OR DELETE ON postings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION postings_sum_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added GROUP BY merchant_id, transfer_id, currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'the postings of a transfer do not sum to zero' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER postings_balance AFTER INSERT ON postings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION postings_sum_to_zero();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
