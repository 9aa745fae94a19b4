"""Indexes for the admin's first page: what was paid today, and which sessions began today."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T01:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes for the figures of a day"

SQL = """
CREATE INDEX orders_paid ON orders (merchant_id, paid_at) WHERE paid_at IS NOT NULL;
CREATE INDEX checkout_sessions_newest ON checkout_sessions (merchant_id, created_at);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
