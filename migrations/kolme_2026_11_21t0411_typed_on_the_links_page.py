"""What a shopper typed on a link's page belongs to their own session: whoever opens the same link never sees it."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:11:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Details that were typed on a link's page"

SQL = """
ALTER TABLE checkout_sessions ADD COLUMN typed jsonb CHECK (jsonb_typeof(typed) = 'object');
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
