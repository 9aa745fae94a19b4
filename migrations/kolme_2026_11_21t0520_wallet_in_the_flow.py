"""What a session has set aside in its shopper's wallet, and the payment that a wallet's part of a price is."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T05:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Paying with the wallet"

SQL = """
-- The newest hold that was made for the session; what became of it, the ledger tells.
ALTER TABLE checkout_sessions
    ADD COLUMN hold_id uuid,
    ADD FOREIGN KEY (merchant_id, hold_id) REFERENCES holds (merchant_id, id) ON DELETE RESTRICT;
CREATE UNIQUE INDEX checkout_sessions_hold ON checkout_sessions (merchant_id, hold_id) WHERE hold_id IS NOT NULL;

-- What the wallet paid with the purchase stands as a payment on the document of the sale.
ALTER TABLE invoice_payments DROP CONSTRAINT invoice_payments_source_check;
ALTER TABLE invoice_payments ADD CONSTRAINT invoice_payments_source_check
    CHECK (source IN ('staff', 'api', 'bank', 'wallet'));
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
