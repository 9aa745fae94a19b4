"""What an operator vouched for before live mode offers credit."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T02:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Law: figures confirmed by the operator"

SQL = """
-- A row is for one figure with its value and its date: a new value wants a new word.
CREATE TABLE law_confirmations (
    id            uuid PRIMARY KEY,
    country       text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    key           text NOT NULL CHECK (key <> ''),
    value         text NOT NULL,
    since         date NOT NULL,
    source        text NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
    confirmed_by  text NOT NULL CHECK (length(confirmed_by) BETWEEN 1 AND 200),
    confirmed_at  timestamptz NOT NULL,
    UNIQUE (country, key, value, since)
);
CREATE TRIGGER law_confirmations_only_grow BEFORE UPDATE OR DELETE ON law_confirmations
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
