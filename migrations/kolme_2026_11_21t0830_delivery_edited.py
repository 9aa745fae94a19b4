"""A shop may change how an order that nobody has paid can be delivered: an edit like any other."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T08:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Versions of orders tell of other ways to deliver"

SQL = """
ALTER TABLE order_versions
    DROP CONSTRAINT order_versions_changes_check,
    ADD CONSTRAINT order_versions_changes_check
        CHECK (changes <@ ARRAY['lines', 'reference', 'customer', 'note', 'delivery']);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
