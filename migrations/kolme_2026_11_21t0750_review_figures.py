"""Two ways in for the figures of reviews: what fell due when, and which decisions found something."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T07:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes for the figures of reviews"

SQL = """
CREATE INDEX invoices_due ON invoices (merchant_id, due_on) WHERE due_on IS NOT NULL;
CREATE INDEX risk_decisions_found ON risk_decisions (merchant_id, at) WHERE findings <> '[]'::jsonb;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
