"""What a shop has said of each way to pay."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T06:25:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Ways to pay: on or off, the sums they take, the goods they are not for"

SQL = """
-- A way without a row is on, and takes whatever it can. The wallet is a module, switched there. Bounds are minor units
-- of the merchant's currency, both included. What was before stands in the audit log, which only grows.
CREATE TABLE merchant_methods (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    method      text NOT NULL CHECK (method IN ('wallet', 'card', 'mobilepay', 'invoice', 'instalments')),
    is_on       boolean NOT NULL,
    min_minor   bigint CHECK (min_minor BETWEEN 1 AND 1000000000000),
    max_minor   bigint CHECK (max_minor BETWEEN 1 AND 1000000000000),
    not_for     text[] NOT NULL DEFAULT '{}' CHECK (cardinality(not_for) <= 50),
    changed_at  timestamptz NOT NULL,
    changed_by  text NOT NULL CHECK (changed_by <> ''),
    CHECK (min_minor <= max_minor),
    PRIMARY KEY (merchant_id, method)
);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
