"""Two rows of one browser may remember the same secret from before: a second tab that came too late has its own."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T03:52:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "A secret from before may be that of two rows"

SQL = """
DROP INDEX browsers_previous;
CREATE INDEX browsers_previous ON browsers (previous_digest) WHERE previous_digest IS NOT NULL;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
