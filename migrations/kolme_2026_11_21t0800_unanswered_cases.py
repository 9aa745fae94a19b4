"""Cases that nobody answered in time stand among those that have ended lately."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T08:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Cases that nobody answered are listed by an index"

SQL = """
DROP INDEX cases_resolved;
CREATE INDEX cases_resolved ON cases (merchant_id, id)
    WHERE state IN ('approved', 'declined', 'returned', 'kept', 'lapsed');
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
