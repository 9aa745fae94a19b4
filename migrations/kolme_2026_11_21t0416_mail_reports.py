"""A mail server's report names a message and no shop: its send is found by its id alone."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T04:16:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Sends of links are found by what a mail server reports"

SQL = """
CREATE UNIQUE INDEX link_sends_reported ON link_sends (id);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
