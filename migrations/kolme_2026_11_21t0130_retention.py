"""What is forgotten when: sessions that came to nothing, and whose browser the shop's details were passed to."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T01:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Retention: personal data of sessions that came to nothing"

SQL = """
-- The person was identified in another browser than the one the shop sent: what the shop passed is not shown there.
ALTER TABLE checkout_sessions ADD COLUMN contact_elsewhere boolean NOT NULL DEFAULT false;
-- When the personal data of a session that came to nothing was taken away.
ALTER TABLE checkout_sessions ADD COLUMN forgotten_at timestamptz;
CREATE INDEX checkout_sessions_to_forget ON checkout_sessions (created_at)
    WHERE state IN ('expired', 'cancelled', 'declined') AND forgotten_at IS NULL;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
