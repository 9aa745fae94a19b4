"""Money and points that a customer has: lots, holds, reversals, a running balance; and a way to stop all of it."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T05:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Lots, holds, reversals and running balances in the ledger"

SQL = """
-- Points are a unit of the same ledger: 'PTS'.
ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_currency_check;
ALTER TABLE ledger_accounts ADD CONSTRAINT ledger_accounts_currency_check
    CHECK (currency IN ('EUR', 'SEK', 'DKK', 'PTS') AND (currency = 'PTS') = (kind IN ('points', 'points_issued')));
ALTER TABLE postings DROP CONSTRAINT postings_currency_check;
ALTER TABLE postings ADD CONSTRAINT postings_currency_check CHECK (currency IN ('EUR', 'SEK', 'DKK', 'PTS'));

-- held_minor: what pending holds set aside. debt_minor: what was taken back beyond what was there (points only).
-- What a customer has is the credit balance, so the balance of a wallet is never above zero.
-- last_seq: how many postings the account has.
ALTER TABLE ledger_accounts
    ADD COLUMN held_minor bigint NOT NULL DEFAULT 0 CHECK (held_minor BETWEEN 0 AND 1000000000000000),
    ADD COLUMN debt_minor bigint NOT NULL DEFAULT 0 CHECK (debt_minor BETWEEN 0 AND 1000000000000000),
    ADD COLUMN last_seq bigint NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
    ADD CONSTRAINT ledger_accounts_spend_what_is_there CHECK (
        CASE WHEN kind IN ('wallet', 'points') THEN balance_minor + held_minor <= debt_minor ELSE held_minor = 0 END),
    ADD CONSTRAINT ledger_accounts_debt_of_points CHECK (kind = 'points' OR debt_minor = 0);

-- A transfer is taken back once, by another one; what it took from lots may come back in parts.
ALTER TABLE transfers ADD COLUMN reverses_id uuid, ADD COLUMN restores_id uuid,
    ADD FOREIGN KEY (merchant_id, reverses_id) REFERENCES transfers (merchant_id, id) ON DELETE RESTRICT,
    ADD FOREIGN KEY (merchant_id, restores_id) REFERENCES transfers (merchant_id, id) ON DELETE RESTRICT,
    ADD CHECK (reverses_id IS NULL OR restores_id IS NULL);
CREATE UNIQUE INDEX transfers_reversed_once ON transfers (merchant_id, reverses_id) WHERE reverses_id IS NOT NULL;
CREATE INDEX transfers_restoring ON transfers (merchant_id, restores_id) WHERE restores_id IS NOT NULL;

-- Every posting says which one of its account it is and what it left there: a page of a statement needs no sum, and
-- a posting that is missing or altered shows by itself.
ALTER TABLE postings ADD COLUMN account_seq bigint, ADD COLUMN balance_after_minor bigint,
    ADD COLUMN posted_at timestamptz;
ALTER TABLE postings DISABLE TRIGGER postings_only_grow;
UPDATE postings p SET account_seq = s.seq, balance_after_minor = s.after, posted_at = s.posted_at
FROM (SELECT o.merchant_id, o.id, t.posted_at, row_number() OVER w AS seq, sum(o.amount_minor) OVER w AS after
      FROM postings o JOIN transfers t ON t.merchant_id = o.merchant_id AND t.id = o.transfer_id
      WINDOW w AS (PARTITION BY o.merchant_id, o.account_id ORDER BY o.id)) s
WHERE p.merchant_id = s.merchant_id AND p.id = s.id;
ALTER TABLE postings ENABLE TRIGGER postings_only_grow;
UPDATE ledger_accounts a SET last_seq = s.seq
FROM (SELECT merchant_id, account_id, max(account_seq) AS seq FROM postings GROUP BY merchant_id, account_id) s
WHERE s.merchant_id = a.merchant_id AND s.account_id = a.id;
ALTER TABLE postings
    ALTER COLUMN account_seq SET NOT NULL,
    ALTER COLUMN balance_after_minor SET NOT NULL,
    ALTER COLUMN posted_at SET NOT NULL,
    ADD CHECK (account_seq > 0),
    ADD CHECK (balance_after_minor BETWEEN -1000000000000000 AND 1000000000000000);
DROP INDEX postings_account;
CREATE UNIQUE INDEX postings_in_account ON postings (merchant_id, account_id, account_seq);

-- What came at once, from one cause, under one set of conditions. usable_from: NULL is at once; expires_at: NULL is
-- never. Both are business time.
CREATE TABLE lots (
    merchant_id  uuid NOT NULL,
    id           uuid NOT NULL,
    account_id   uuid NOT NULL,
    transfer_id  uuid NOT NULL,
    cause        text NOT NULL,
    about        text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    left_minor   bigint NOT NULL,
    held_minor   bigint NOT NULL,
    usable_from  timestamptz,
    expires_at   timestamptz CHECK (expires_at > usable_from),
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    CONSTRAINT lots_left_within CHECK (left_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT lots_held_within CHECK (held_minor BETWEEN 0 AND left_minor),
    FOREIGN KEY (merchant_id, account_id) REFERENCES ledger_accounts (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, transfer_id) REFERENCES transfers (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX lots_transfer ON lots (merchant_id, transfer_id);
CREATE INDEX lots_with_something_left ON lots (merchant_id, account_id, expires_at) WHERE left_minor > 0;
CREATE INDEX lots_to_lapse ON lots (expires_at) WHERE expires_at IS NOT NULL AND left_minor > held_minor;

-- pending: set aside, nothing posted yet.
CREATE TABLE holds (
    merchant_id    uuid NOT NULL,
    id             uuid NOT NULL,
    key            text NOT NULL,
    about          text NOT NULL,
    account_id     uuid NOT NULL,
    currency       text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK', 'PTS')),
    amount_minor   bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    captured_minor bigint NOT NULL DEFAULT 0,
    state          text NOT NULL CHECK (state IN ('pending', 'captured', 'released', 'expired')),
    expires_at     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, key),
    CHECK (captured_minor BETWEEN 0 AND amount_minor AND (captured_minor = 0 OR state = 'captured')),
    FOREIGN KEY (merchant_id, account_id) REFERENCES ledger_accounts (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX holds_about ON holds (merchant_id, about, id);
CREATE INDEX holds_pending ON holds (merchant_id, account_id) WHERE state = 'pending';
CREATE INDEX holds_to_end ON holds (expires_at) WHERE state = 'pending';

CREATE TABLE hold_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES holds (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX hold_history_subject ON hold_history (merchant_id, subject_id, id);
CREATE TRIGGER hold_history_only_grows BEFORE UPDATE OR DELETE ON hold_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Every change of a lot. With a transfer: what came into it or went out of it, its birth first. With a hold: what
-- was set aside of it, or came free again.
CREATE TABLE lot_uses (
    merchant_id  uuid NOT NULL,
    id           uuid NOT NULL,
    lot_id       uuid NOT NULL,
    transfer_id  uuid,
    hold_id      uuid,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0 AND amount_minor BETWEEN -1000000000000 AND 1000000000000),
    at           timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    CHECK (num_nonnulls(transfer_id, hold_id) = 1),
    FOREIGN KEY (merchant_id, lot_id) REFERENCES lots (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, transfer_id) REFERENCES transfers (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, hold_id) REFERENCES holds (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX lot_uses_lot ON lot_uses (merchant_id, lot_id, id);
CREATE INDEX lot_uses_transfer ON lot_uses (merchant_id, transfer_id) WHERE transfer_id IS NOT NULL;
CREATE INDEX lot_uses_hold ON lot_uses (merchant_id, hold_id) WHERE hold_id IS NOT NULL;
CREATE TRIGGER lot_uses_only_grow BEFORE UPDATE OR DELETE ON lot_uses
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Transfers that no seal covers yet: written with the transfer, taken away with its seal.
CREATE TABLE ledger_unsealed (
    merchant_id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    PRIMARY KEY (merchant_id, transfer_id)
);
INSERT INTO ledger_unsealed (merchant_id, transfer_id) SELECT merchant_id, id FROM transfers;

-- A seal covers transfers that were committed since the one before it, and its digest covers that one's.
CREATE TABLE ledger_seals (
    merchant_id     uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    number          bigint NOT NULL CHECK (number > 0),
    previous_digest bytea CHECK (length(previous_digest) = 32),
    digest          bytea NOT NULL CHECK (length(digest) = 32),
    transfer_count  integer NOT NULL CHECK (transfer_count > 0),
    posting_count   integer NOT NULL CHECK (posting_count > 0),
    sealed_at       timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, number),
    CHECK ((previous_digest IS NULL) = (number = 1))
);
CREATE TRIGGER ledger_seals_only_grow BEFORE UPDATE OR DELETE ON ledger_seals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE ledger_sealed (
    merchant_id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    seal_number bigint NOT NULL,
    position    integer NOT NULL CHECK (position > 0),
    PRIMARY KEY (merchant_id, transfer_id),
    FOREIGN KEY (merchant_id, transfer_id) REFERENCES transfers (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, seal_number) REFERENCES ledger_seals (merchant_id, number) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX ledger_sealed_in_order ON ledger_sealed (merchant_id, seal_number, position);
CREATE TRIGGER ledger_sealed_only_grows BEFORE UPDATE OR DELETE ON ledger_sealed
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- While one stands that has not ended, no money moves. Of the whole deployment: a fault of the program or of the
-- machine does not keep to one shop.
CREATE TABLE money_freezes (
    id            uuid PRIMARY KEY,
    because       text NOT NULL CHECK (because <> ''),
    began_at      timestamptz NOT NULL,
    ended_at      timestamptz,
    ended_because text CHECK (ended_because <> ''),
    CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
CREATE UNIQUE INDEX money_freezes_one_at_a_time ON money_freezes ((true)) WHERE ended_at IS NULL;

-- What was proven when: everything ("full"), or what was sealed since the proof before it ("new").
CREATE TABLE book_proofs (
    id             uuid PRIMARY KEY,
    kind           text NOT NULL CHECK (kind IN ('full', 'new')),
    violations     integer NOT NULL CHECK (violations >= 0),
    transfer_count bigint NOT NULL CHECK (transfer_count >= 0),
    took_ms        integer NOT NULL CHECK (took_ms >= 0),
    proven_at      timestamptz NOT NULL
);
CREATE TRIGGER book_proofs_only_grow BEFORE UPDATE OR DELETE ON book_proofs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Of each shop the last seal that was proven.
CREATE TABLE book_proof_marks (
    merchant_id uuid PRIMARY KEY REFERENCES merchants (id) ON DELETE RESTRICT,
    seal_number bigint NOT NULL CHECK (seal_number > 0),
    proven_at   timestamptz NOT NULL
);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
