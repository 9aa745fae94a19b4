"""Invoices that ask for less than they did: credit notes of a part, early repayment; what a seller says; the lists."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T03:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Credit notes of a part, early repayment, more of the seller, lists of invoices"

SQL = """
-- What a document asks for no more: `credited_minor` was taken back by credit notes, `dropped_...` are interest and
-- fees that will never be earned, because the credit ended before their time.
ALTER TABLE invoices
    ADD COLUMN credited_minor bigint NOT NULL DEFAULT 0 CHECK (credited_minor BETWEEN 0 AND amount_minor),
    ADD COLUMN dropped_interest_minor bigint NOT NULL DEFAULT 0
        CHECK (dropped_interest_minor BETWEEN 0 AND interest_minor),
    ADD COLUMN dropped_fee_minor bigint NOT NULL DEFAULT 0 CHECK (dropped_fee_minor BETWEEN 0 AND fee_minor),
    ADD CONSTRAINT invoices_no_more_than_asked
        CHECK (paid_minor + credited_minor + dropped_interest_minor + dropped_fee_minor <= amount_minor),
    ADD CONSTRAINT invoices_paid_asks_for_nothing
        CHECK (state <> 'paid'
               OR paid_minor + credited_minor + dropped_interest_minor + dropped_fee_minor = amount_minor);

-- A paid document was one whose every cent came in; now it is one that asks for nothing more.
DO $$
DECLARE was text;
BEGIN
    SELECT conname INTO STRICT was FROM pg_constraint
    WHERE conrelid = 'invoices'::regclass AND contype = 'c'
      AND pg_get_constraintdef(oid) LIKE '%''paid''%' AND conname <> 'invoices_paid_asks_for_nothing'
      AND pg_get_constraintdef(oid) NOT LIKE '%scheduled%';
    EXECUTE format('ALTER TABLE invoices DROP CONSTRAINT %I', was);
END $$;

CREATE OR REPLACE FUNCTION refuse_edit_of_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moving CONSTANT text[] := ARRAY['state', 'paid_minor', 'credited_minor', 'dropped_interest_minor',
                                    'dropped_fee_minor', 'charges_posted_at', 'remind_on'];
BEGIN
    IF TG_OP = 'DELETE'
       OR to_jsonb(NEW) - moving IS DISTINCT FROM to_jsonb(OLD) - moving
       OR NEW.paid_minor < OLD.paid_minor
       OR NEW.credited_minor < OLD.credited_minor
       OR NEW.dropped_interest_minor < OLD.dropped_interest_minor
       OR NEW.dropped_fee_minor < OLD.dropped_fee_minor
       -- What is in the books was earned: it is reversed by a posting, never dropped.
       OR OLD.charges_posted_at IS NOT NULL
          AND (NEW.charges_posted_at IS DISTINCT FROM OLD.charges_posted_at
               OR NEW.dropped_interest_minor <> OLD.dropped_interest_minor
               OR NEW.dropped_fee_minor <> OLD.dropped_fee_minor) THEN
        RAISE EXCEPTION 'invoice % never changes', OLD.number USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- A document may be credited part by part.
DROP INDEX invoices_credited_once;

-- Lists, newest first: everything but what waits to be sent, one state, and what is asked for now.
CREATE INDEX invoices_newest ON invoices (merchant_id, issue_on, id) WHERE state <> 'scheduled';
CREATE INDEX invoices_by_state ON invoices (merchant_id, state, issue_on, id);
CREATE INDEX invoices_asked ON invoices (merchant_id, issue_on, id)
    WHERE reference IS NOT NULL AND state IN ('issued', 'partly_paid', 'overdue');
CREATE INDEX invoices_all ON invoices (merchant_id, issue_on, id);
-- Search by how a number, a reference or a word of the buyer's name begins.
CREATE INDEX invoices_number_begins ON invoices (merchant_id, number text_pattern_ops);
CREATE INDEX invoices_reference_begins ON invoices (merchant_id, reference text_pattern_ops);
CREATE INDEX invoices_buyer_begins ON invoices
    USING gin (to_tsvector('simple'::regconfig, content #>> '{buyer,name}'));

ALTER TABLE invoice_sellers
    ADD COLUMN name   text,
    ADD COLUMN email  text,
    ADD COLUMN phone  text,
    ADD COLUMN bic    text,
    ADD COLUMN footer text;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
