"""A sale is taken back, whole or in part: a credit note opposes its document with VAT, and the books follow.

A part lowers what is still asked for, the last instalments first; what was paid already becomes the customer's credit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from app.credit import actions as credit_lines
from app.invoices import settlement
from app.invoices.actions.storing import Belonging, next_number, store
from app.invoices.credits import EVERYTHING, TakenBack, Wanted, left_of, take_back
from app.invoices.errors import CreditedMeanwhile, NotCreditable, NotFound
from app.invoices.events import tell_issued, tell_paid
from app.invoices.queries import InvoiceView, back_of, invoice_by_public_id, invoices_of_order, unpaid_of
from app.invoices.rules import Document, number_text, opposing
from app.invoices.settlement import Less
from app.invoices.states import MACHINE, InvoiceState
from app.kernel import db
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger import rules as ledger_rules
from app.ledger.rules import Sold
from app.merchants.queries import Merchant

_LESS: Final = """
UPDATE invoices SET credited_minor = credited_minor + $3, dropped_interest_minor = dropped_interest_minor + $4,
                    dropped_fee_minor = dropped_fee_minor + $5
WHERE merchant_id = $1 AND id = $2
"""


@dataclass(frozen=True, slots=True)
class NewCredit:
    """What to take back, and who says so. `left_minor` is what whoever says so saw as left to credit: another figure by
    now refuses, so that a second press credits nothing twice. None takes what is left as it is."""

    wanted: Wanted
    actor: str
    left_minor: int | None = None


async def credit(merchant: Merchant, invoice_public_id: str, new: NewCredit, now: datetime) -> InvoiceView:
    """Oppose an invoice or receipt, in the caller's transaction. Returns the credit note.

    Raises NotFound, NotCreditable, CreditRefused, CreditedMeanwhile.
    """
    asked = await invoice_by_public_id(merchant.id, invoice_public_id)
    if asked is None:
        raise NotFound
    together = await locked_together(merchant.id, asked.order_public_id)
    opposed = next(invoice for invoice in together if invoice.id == asked.id)
    creditable = opposed.kind in {"invoice", "receipt"} and not opposed.paid_outside
    if not creditable or opposed.state is InvoiceState.CREDITED:
        raise NotCreditable(opposed.kind, opposed.state)
    earlier = [invoice.content for invoice in together if invoice.kind == "credit_note"]
    if new.left_minor is not None and new.left_minor != left_of(opposed.content, earlier):
        raise CreditedMeanwhile
    taken = take_back(opposed.content, earlier, new.wanted)
    note = await _draw(merchant, opposed, taken, now)
    if taken.is_rest:
        await _close(merchant, note, together, new.actor, now)
    else:
        await _lower(merchant, note, together, new.actor, now)
    await tell_issued(merchant.id, note, now)
    return note


async def credit_in_full(
    merchant: Merchant, invoice_public_id: str, *, actor: str, now: datetime
) -> InvoiceView:
    """All that is left of an invoice or receipt, in the caller's transaction; its notices ask for nothing any more.

    What was paid of it becomes the customer's credit. Returns the credit note. Raises NotFound, NotCreditable.
    """
    return await credit(merchant, invoice_public_id, NewCredit(EVERYTHING, actor), now)


async def ask_for_less(merchant_id: UUID, invoice: InvoiceView, less: Less) -> InvoiceView:
    """The document asks for less from now on, in the caller's transaction; as it is then."""
    await db.execute(_LESS, merchant_id, invoice.id, less.credited_minor, less.interest_minor, less.fee_minor)
    return replace(
        invoice,
        credited_minor=invoice.credited_minor + less.credited_minor,
        dropped_interest_minor=invoice.dropped_interest_minor + less.interest_minor,
        dropped_fee_minor=invoice.dropped_fee_minor + less.fee_minor,
    )


async def locked_together(merchant_id: UUID, order_public_id: str) -> tuple[InvoiceView, ...]:
    """Every document of an order, none of which anybody else changes until this transaction ends."""
    await invoices_of_order(merchant_id, order_public_id, lock=True)
    # A note that was written while we waited for the locks is only seen by a statement that begins after them.
    return await invoices_of_order(merchant_id, order_public_id)


async def _draw(merchant: Merchant, opposed: InvoiceView, taken: TakenBack, now: datetime) -> InvoiceView:
    today = merchant.local_date(now)
    series = await next_number(merchant.id, today.year)
    document = Document(
        kind="credit_note",
        in_series=True,
        instalment=0,
        amount_minor=taken.amount_minor,
        principal_minor=taken.amount_minor,
        interest_minor=0,
        fee_minor=0,
        issue_on=today,
        due_on=None,
        reference=None,
        is_issued=True,
        content=opposing(opposed.content, number_text(series.year, series.number), today, taken),
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


async def _close(
    merchant: Merchant, note: InvoiceView, together: Sequence[InvoiceView], actor: str, now: datetime
) -> None:
    """Nothing of the sale is left: nothing is owed, costs in the books are reversed, and what was paid goes back."""
    posted = [invoice for invoice in together if invoice.charges_posted_at is not None]
    await _post(
        merchant,
        note,
        interest_minor=sum(invoice.earned_interest_minor for invoice in posted),
        fee_minor=sum(invoice.earned_fee_minor for invoice in posted),
        back_minor=back_of(together, note.amount_minor, is_rest=True),
        now=now,
    )
    for invoice in together:
        if invoice.kind != "credit_note" and invoice.state is not InvoiceState.CREDITED:
            await _move(merchant, invoice, InvoiceState.CREDITED, actor, now)


async def _lower(
    merchant: Merchant, note: InvoiceView, together: Sequence[InvoiceView], actor: str, now: datetime
) -> None:
    """A part of the sale is left: what is asked for sinks by the rest's part, and what was paid beyond it goes back."""
    unpaid, parts = unpaid_of(together)
    less = settlement.credit(parts, note.amount_minor)
    back = back_of(together, note.amount_minor, is_rest=False)
    await _post(merchant, note, interest_minor=0, fee_minor=0, back_minor=back, now=now)
    for invoice, each in zip(unpaid, less, strict=True):
        if not each.sum_minor:
            continue
        lower = await ask_for_less(merchant.id, invoice, each)
        if lower.open_minor:
            continue
        if lower.paid_minor:
            await _move(merchant, invoice, InvoiceState.PAID, actor, now)
            await tell_paid(merchant.id, lower, now)
        else:
            await _move(merchant, invoice, InvoiceState.CREDITED, actor, now)


async def _move(
    merchant: Merchant, invoice: InvoiceView, to: InvoiceState, actor: str, now: datetime
) -> None:
    await MACHINE.move(merchant.id, invoice.id, expected=invoice.state, to=to, actor=actor, at=now)


async def _post(
    merchant: Merchant,
    note: InvoiceView,
    *,
    interest_minor: int,
    fee_minor: int,
    back_minor: int,
    now: datetime,
) -> None:
    """The note's price and the reversed costs, of which `back_minor` is the customer's and the rest was owed."""

    def money(amount_minor: int) -> Money:
        return Money(amount_minor, note.currency)

    sold = Sold(
        price=money(note.amount_minor),
        interest=money(interest_minor),
        fees=money(fee_minor),
        paid=money(back_minor),
    )
    await ledger.post(
        merchant.id,
        key=f"credit_note:{note.public_id}",
        cause="credit_note",
        about=note.order_public_id,
        entries=ledger_rules.credit_note(note.customer_public_id, sold, merchant.creditor),
        now=now,
    )
    if sold.owed:
        await credit_lines.follow(
            merchant.id, note.customer_id, note.currency, change_minor=-sold.owed.amount_minor
        )
