"""Payments that a person looks at before they are taken."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T07:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Payments that wait for a person once they are authorised"

SQL = """
-- review_first: a person looks at this purchase once its provider has authorised the money, and before it is taken.
ALTER TABLE checkout_sessions ADD COLUMN review_first boolean NOT NULL DEFAULT false;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
