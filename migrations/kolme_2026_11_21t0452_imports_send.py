"""Whether the links of a file's orders go out by e-mail as they are made."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:52:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Imports send their links"

SQL = """
ALTER TABLE order_imports ADD COLUMN sends boolean NOT NULL DEFAULT false;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
