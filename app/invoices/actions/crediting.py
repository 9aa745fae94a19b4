"""A sale is taken back: a credit note opposes its document with VAT, and the books follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.credit import actions as credit
from app.invoices.actions.storing import Belonging, next_number, store
from app.invoices.errors import NotCreditable, NotFound
from app.invoices.events import tell_issued
from app.invoices.queries import InvoiceView, invoice_by_public_id, invoices_of_order
from app.invoices.rules import Document, number_text, opposing
from app.invoices.states import MACHINE, InvoiceState
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger import rules as ledger_rules
from app.ledger.rules import Sold
from app.merchants.queries import Merchant


async def credit_in_full(
    merchant: Merchant, invoice_public_id: str, *, actor: str, now: datetime
) -> InvoiceView:
    """Oppose a whole invoice or receipt, in the caller's transaction; its notices ask for nothing any more.

    What was paid of it becomes the customer's credit. Returns the credit note. Raises NotFound, NotCreditable.
    """
    asked = await invoice_by_public_id(merchant.id, invoice_public_id)
    if asked is None:
        raise NotFound
    together = await invoices_of_order(merchant.id, asked.order_public_id, lock=True)
    opposed = next(invoice for invoice in together if invoice.id == asked.id)
    if opposed.kind not in {"invoice", "receipt"} or opposed.state is InvoiceState.CREDITED:
        raise NotCreditable(opposed.kind, opposed.state)
    note = await _draw(merchant, opposed, now)
    await _post(merchant, note, together, now)
    for invoice in together:
        if invoice.kind != "credit_note":
            await MACHINE.move(
                merchant.id,
                invoice.id,
                expected=invoice.state,
                to=InvoiceState.CREDITED,
                actor=actor,
                at=now,
            )
    await tell_issued(merchant.id, note, now)
    return note


async def _draw(merchant: Merchant, opposed: InvoiceView, now: datetime) -> InvoiceView:
    today = merchant.local_date(now)
    series = await next_number(merchant.id, today.year)
    price = opposed.content.price_minor
    document = Document(
        kind="credit_note",
        in_series=True,
        instalment=0,
        amount_minor=price,
        principal_minor=price,
        interest_minor=0,
        fee_minor=0,
        issue_on=today,
        due_on=None,
        reference=None,
        is_issued=True,
        content=opposing(opposed.content, number_text(series.year, series.number), today),
    )
    belonging = Belonging(
        merchant_id=merchant.id,
        order_id=opposed.order_id,
        customer_id=opposed.customer_id,
        quote_id=opposed.quote_id,
        delivery=opposed.delivery,
        lang=opposed.lang,
        opposes_id=opposed.id,
    )
    public_id = await store(belonging, document, series, now)
    note = await invoice_by_public_id(merchant.id, public_id)
    assert note is not None
    return note


async def _post(
    merchant: Merchant, note: InvoiceView, together: Sequence[InvoiceView], now: datetime
) -> None:
    posted = [invoice for invoice in together if invoice.charges_posted_at is not None]

    def money(amount_minor: int) -> Money:
        return Money(amount_minor, note.currency)

    sold = Sold(
        price=money(note.amount_minor),
        interest=money(sum(invoice.interest_minor for invoice in posted)),
        fees=money(sum(invoice.fee_minor for invoice in posted)),
        paid=money(sum(invoice.paid_minor for invoice in together)),
    )
    await ledger.post(
        merchant.id,
        key=f"credit_note:{note.public_id}",
        cause="credit_note",
        about=note.order_public_id,
        entries=ledger_rules.credit_note(note.customer_public_id, sold, merchant.creditor),
        now=now,
    )
    await credit.follow(merchant.id, note.customer_id, note.currency, change_minor=-sold.owed.amount_minor)
