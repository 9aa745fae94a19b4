"""Invoices: who sells, the number series, the documents and their history, payments, reminders."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T02:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Invoices, their number series, payments and reminders"

SQL = """
-- What an invoice says of its seller. The account counts where the merchant is the creditor.
CREATE TABLE invoice_sellers (
    merchant_id uuid PRIMARY KEY REFERENCES merchants (id) ON DELETE RESTRICT,
    company_id  text,
    vat_id      text,
    street      text,
    postcode    text,
    city        text,
    iban        text
);

-- The last number drawn in a year. Its row stays locked until the drawing commits, so that no number is lost.
CREATE TABLE invoice_series (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    year        integer NOT NULL CHECK (year BETWEEN 2000 AND 9999),
    last_number integer NOT NULL CHECK (last_number > 0),
    PRIMARY KEY (merchant_id, year)
);

-- Payment references are the operator's, over all merchants: one account takes the payments of many. Gaps are fine.
CREATE SEQUENCE invoice_references AS bigint START 100000;

-- kind: 'invoice' asks for the price and shows the VAT; 'receipt' shows the VAT of a sale that notices collect;
-- 'notice' asks for one instalment; 'credit_note' opposes a document with VAT. Documents with VAT are numbered in the
-- series. `content` is everything that is printed.
CREATE TABLE invoices (
    merchant_id       uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id                uuid NOT NULL,
    public_id         text NOT NULL,
    kind              text NOT NULL CHECK (kind IN ('invoice', 'receipt', 'notice', 'credit_note')),
    number            text NOT NULL,
    series_year       integer,
    series_number     integer CHECK (series_number > 0),
    order_id          uuid NOT NULL,
    customer_id       uuid NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    quote_id          text NOT NULL,
    instalment        integer NOT NULL CHECK (instalment >= 0),
    opposes_id        uuid,
    currency          text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    amount_minor      bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    principal_minor   bigint NOT NULL CHECK (principal_minor BETWEEN 0 AND amount_minor),
    interest_minor    bigint NOT NULL CHECK (interest_minor BETWEEN 0 AND amount_minor),
    fee_minor         bigint NOT NULL CHECK (fee_minor BETWEEN 0 AND amount_minor),
    paid_minor        bigint NOT NULL DEFAULT 0 CHECK (paid_minor BETWEEN 0 AND amount_minor),
    issue_on          date NOT NULL,
    due_on            date,
    reference         text,
    state             text NOT NULL CHECK (state IN ('scheduled', 'issued', 'partly_paid', 'overdue', 'paid',
                          'credited')),
    delivery          text NOT NULL CHECK (delivery IN ('email', 'paper')),
    lang              text NOT NULL CHECK (lang IN ('fi', 'sv', 'en', 'da', 'bg')),
    content           jsonb NOT NULL,
    created_at        timestamptz NOT NULL,
    charges_posted_at timestamptz,
    remind_on         date,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, quote_id) REFERENCES quotes (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, opposes_id) REFERENCES invoices (merchant_id, id) ON DELETE RESTRICT,
    CHECK (amount_minor = principal_minor + interest_minor + fee_minor),
    CHECK ((series_year IS NULL) = (series_number IS NULL) AND (series_year IS NULL) = (kind = 'notice')),
    CHECK ((due_on IS NOT NULL) = (kind IN ('invoice', 'notice'))),
    CHECK ((reference IS NOT NULL) = (kind IN ('invoice', 'notice'))),
    CHECK ((opposes_id IS NOT NULL) = (kind = 'credit_note')),
    CHECK ((instalment > 0) = (kind = 'notice')),
    CHECK (kind IN ('invoice', 'notice') OR paid_minor = 0),
    CHECK (state <> 'paid' OR paid_minor = amount_minor),
    CHECK (state <> 'partly_paid' OR paid_minor > 0)
);
CREATE UNIQUE INDEX invoices_public ON invoices (merchant_id, public_id);
CREATE UNIQUE INDEX invoices_number ON invoices (merchant_id, series_year, series_number);
CREATE UNIQUE INDEX invoices_reference ON invoices (reference);
-- An order is drawn once: one sale document, one notice an instalment.
CREATE UNIQUE INDEX invoices_once ON invoices (merchant_id, order_id, instalment) WHERE kind <> 'credit_note';
CREATE UNIQUE INDEX invoices_credited_once ON invoices (merchant_id, opposes_id) WHERE kind = 'credit_note';
CREATE INDEX invoices_order ON invoices (merchant_id, order_id, id);
CREATE INDEX invoices_opposed ON invoices (merchant_id, opposes_id);
CREATE INDEX invoices_customer ON invoices (customer_id);
CREATE INDEX invoices_to_issue ON invoices (issue_on) WHERE state = 'scheduled';
CREATE INDEX invoices_to_charge ON invoices (due_on)
    WHERE charges_posted_at IS NULL AND interest_minor + fee_minor > 0 AND state <> 'credited';
CREATE INDEX invoices_open ON invoices (due_on) WHERE state IN ('issued', 'partly_paid');
CREATE INDEX invoices_to_remind ON invoices (remind_on) WHERE state = 'overdue' AND remind_on IS NOT NULL;

-- An issued document never changes; what is paid of it, and what was done about it, does.
CREATE FUNCTION refuse_edit_of_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
       OR to_jsonb(NEW) - ARRAY['state', 'paid_minor', 'charges_posted_at', 'remind_on']
          IS DISTINCT FROM to_jsonb(OLD) - ARRAY['state', 'paid_minor', 'charges_posted_at', 'remind_on']
       OR NEW.paid_minor < OLD.paid_minor
       OR OLD.charges_posted_at IS NOT NULL AND NEW.charges_posted_at IS DISTINCT FROM OLD.charges_posted_at THEN
        RAISE EXCEPTION 'invoice % never changes', OLD.number USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoices_never_change BEFORE UPDATE OR DELETE ON invoices
    FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_invoice();

CREATE TABLE invoice_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES invoices (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX invoice_history_subject ON invoice_history (merchant_id, subject_id, id);
CREATE TRIGGER invoice_history_only_grows BEFORE UPDATE OR DELETE ON invoice_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What came in: `applied_minor` paid the document, `over_minor` is the customer's credit. `key` says which payment.
CREATE TABLE invoice_payments (
    merchant_id   uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id            uuid NOT NULL,
    public_id     text NOT NULL,
    invoice_id    uuid NOT NULL,
    key           text NOT NULL,
    amount_minor  bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    applied_minor bigint NOT NULL CHECK (applied_minor BETWEEN 0 AND amount_minor),
    over_minor    bigint NOT NULL CHECK (over_minor = amount_minor - applied_minor),
    currency      text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    paid_on       date NOT NULL,
    source        text NOT NULL CHECK (source IN ('staff', 'api', 'bank')),
    actor         text NOT NULL,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, key),
    FOREIGN KEY (merchant_id, invoice_id) REFERENCES invoices (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX invoice_payments_invoice ON invoice_payments (merchant_id, invoice_id, id);
CREATE TRIGGER invoice_payments_only_grow BEFORE UPDATE OR DELETE ON invoice_payments
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE invoice_reminders (
    merchant_id uuid NOT NULL,
    invoice_id  uuid NOT NULL,
    step        integer NOT NULL CHECK (step > 0),
    channel     text NOT NULL CHECK (channel IN ('sms', 'email', 'letter')),
    decided_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, invoice_id, step),
    FOREIGN KEY (merchant_id, invoice_id) REFERENCES invoices (merchant_id, id) ON DELETE RESTRICT
);
CREATE TRIGGER invoice_reminders_only_grow BEFORE UPDATE OR DELETE ON invoice_reminders
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
