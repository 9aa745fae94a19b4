"""A receipt may have been paid: by the wallet, with the purchase."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T05:21:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Receipts that the wallet paid"

SQL = """
-- Was: nothing is ever paid of a receipt.
ALTER TABLE invoices DROP CONSTRAINT invoices_check10;
ALTER TABLE invoices ADD CONSTRAINT invoices_nobody_pays_a_credit_note CHECK (kind <> 'credit_note' OR paid_minor = 0);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
