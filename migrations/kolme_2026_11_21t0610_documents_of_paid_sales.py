"""What a provider took with the purchase stands on the document of the sale, which may be a guest's."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T06:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Documents of sales that card or MobilePay paid"

SQL = """
ALTER TABLE invoice_payments DROP CONSTRAINT invoice_payments_source_check;
ALTER TABLE invoice_payments ADD CONSTRAINT invoice_payments_source_check
    CHECK (source IN ('staff', 'api', 'bank', 'wallet', 'card', 'mobilepay'));

-- Was: who has no debtor has no quote. A guest who paid by card bought on a quote and never owed anything.
ALTER TABLE invoices DROP CONSTRAINT invoices_check11;
ALTER TABLE invoices ADD CONSTRAINT invoices_a_debtor_has_a_quote CHECK (customer_id IS NULL OR quote_id IS NOT NULL);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
