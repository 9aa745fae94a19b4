"""Where there is no electronic identity a person of the shop identifies the shopper: the session says so."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T03:59:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "A session may be identified by a person"

SQL = """
ALTER TABLE checkout_sessions
    DROP CONSTRAINT checkout_sessions_identified_by_check,
    ADD CONSTRAINT checkout_sessions_identified_by_check
        CHECK (identified_by IN ('code', 'bank', 'passkey', 'person'));
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
