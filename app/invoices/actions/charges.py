"""Interest and fees enter the books when they fall due, or with the payment of an invoice that is paid before."""

from __future__ import annotations

from datetime import datetime

from app.credit import actions as credit
from app.invoices.queries import InvoiceView
from app.kernel import db
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger import rules as ledger_rules
from app.merchants.queries import Merchant


async def post_charges(merchant: Merchant, invoice: InvoiceView, now: datetime) -> None:
    """Post the interest and fees of a locked invoice once, in the caller's transaction, less what was dropped."""
    if invoice.charges_posted_at is not None or invoice.interest_minor + invoice.fee_minor == 0:
        return
    if invoice.charges_minor:
        await _post(merchant, invoice, now)
    await db.execute(
        "UPDATE invoices SET charges_posted_at = $3 WHERE merchant_id = $1 AND id = $2",
        merchant.id,
        invoice.id,
        now,
    )


async def _post(merchant: Merchant, invoice: InvoiceView, now: datetime) -> None:
    await credit.follow(
        merchant.id, invoice.customer_id, invoice.currency, change_minor=invoice.charges_minor
    )
    posted = await ledger.post(
        merchant.id,
        key=f"charges:{invoice.public_id}",
        cause="charges",
        about=invoice.order_public_id,
        entries=ledger_rules.charges(
            invoice.customer_public_id,
            Money(invoice.earned_interest_minor, invoice.currency),
            Money(invoice.earned_fee_minor, invoice.currency),
            merchant.creditor,
        ),
        now=now,
    )
    assert posted, "the row says that nothing was posted yet"
