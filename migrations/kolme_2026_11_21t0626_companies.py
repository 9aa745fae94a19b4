"""Companies that buy: which one an order is for, and who owes what on its behalf."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T06:26:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Companies: the one that an order is for, its debts, terms of its credit"

SQL = """
-- Which company an order is for, and what it calls its purchase. A sole trader's name is personal data like the rest.
ALTER TABLE order_contacts
    ADD COLUMN company_country text CHECK (company_country ~ '^[A-Z]{2}$'),
    ADD COLUMN company_number  text CHECK (company_number ~ '^[0-9A-Z]{2,20}$'),
    ADD COLUMN company_name    text,
    ADD COLUMN purchase_order  text,
    ADD CHECK ((company_country IS NULL) = (company_number IS NULL));

-- Who owes what a company bought: a customer without a phone or an identity, one a shop and number.
CREATE TABLE companies (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    country     text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    number      text NOT NULL CHECK (number ~ '^[0-9A-Z]{2,20}$'),
    customer_id uuid NOT NULL UNIQUE REFERENCES customers (id) ON DELETE RESTRICT,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, country, number)
);

-- What one company may owe a shop, in minor units of its currency: about five thousand euros to begin with.
ALTER TABLE merchants ADD COLUMN company_limit_minor bigint NOT NULL DEFAULT 500000
    CHECK (company_limit_minor BETWEEN 0 AND 1000000000000);
UPDATE merchants SET company_limit_minor = CASE currency WHEN 'SEK' THEN 5000000 ELSE 3500000 END
WHERE currency <> 'EUR';

ALTER TABLE checkout_sessions
    DROP CONSTRAINT checkout_sessions_identified_by_check,
    ADD CONSTRAINT checkout_sessions_identified_by_check
        CHECK (identified_by IN ('code', 'bank', 'passkey', 'person', 'company')),
    DROP CONSTRAINT checkout_sessions_delivery_check,
    ADD CONSTRAINT checkout_sessions_delivery_check CHECK (delivery IN ('email', 'paper', 'efile'));
ALTER TABLE invoices
    DROP CONSTRAINT invoices_delivery_check,
    ADD CONSTRAINT invoices_delivery_check CHECK (delivery IN ('email', 'paper', 'efile'));
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
