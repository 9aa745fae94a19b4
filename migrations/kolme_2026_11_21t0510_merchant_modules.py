"""What of the product a shop has beside its core, and what it pays for it."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T05:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Modules of a merchant's price plan"

SQL = """
-- A module without a row is part of the price and switched off. price_minor: what it costs a month, 0 when included.
-- What was before stands in the audit log, which only grows.
CREATE TABLE merchant_modules (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    module      text NOT NULL CHECK (module IN ('wallet')),
    is_on       boolean NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 1000000000000),
    changed_at  timestamptz NOT NULL,
    changed_by  text NOT NULL CHECK (changed_by <> ''),
    PRIMARY KEY (merchant_id, module)
);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
