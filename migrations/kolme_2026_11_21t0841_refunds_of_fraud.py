"""A refund says whether somebody else bought in the customer's name: rules and models learn from it."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T08:41:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Refunds of purchases that were fraud are told apart"

SQL = """
ALTER TABLE refunds ADD COLUMN is_fraud boolean NOT NULL DEFAULT false;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
