"""What hangs on a message that the sandbox keeps: the PDF of an invoice, the sheet of a letter. Empty in live mode."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T02:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Attachments in the sandbox's letterbox"

SQL = """
CREATE TABLE sandbox_attachments (
    message_id   uuid NOT NULL REFERENCES sandbox_messages (id) ON DELETE RESTRICT,
    position     integer NOT NULL CHECK (position > 0),
    name         text NOT NULL,
    content_type text NOT NULL,
    data         bytea NOT NULL,
    PRIMARY KEY (message_id, position)
);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
