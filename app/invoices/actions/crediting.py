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
from app.invoices.actions.storing import Belonging, next_number, store
from app.invoices.content import Content, InstalmentItem, LineItem
from app.invoices.credits import EVERYTHING, TakenBack, Wanted, left_of, rows_of, taken_of
from app.invoices.errors import CreditedMeanwhile, NotCreditable, NotFound
from app.invoices.events import tell_issued, tell_paid
from app.invoices.queries import InvoiceView, invoice_by_public_id, invoices_of_order, paid_by_wallet
from app.invoices.rules import Document, number_text, opposing
from app.invoices.settlement import Less
from app.invoices.states import MACHINE, InvoiceState
from app.invoices.taking import IntoWallet, Outcome, lowered, open_after, outcome_of, payments_left
from app.kernel import db
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger import rules as ledger_rules
from app.ledger.rules import Entry, Sold
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.queries import order_by_id
from app.payments.rules import account_of
from app.plans.quote import Quote
from app.plans.requote import Payment, requote

_LESS: Final = """
UPDATE invoices SET credited_minor = credited_minor + $3, dropped_interest_minor = dropped_interest_minor + $4,
                    dropped_fee_minor = dropped_fee_minor + $5
WHERE merchant_id = $1 AND id = $2
"""

_NOTHING_TO_WALLET: Final = IntoWallet()


@dataclass(frozen=True, slots=True)
class NewCredit:
    """What to take back, and who says so. `left_minor` is what whoever says so saw as left to credit: another figure by
    now refuses, so that a second press credits nothing twice. None takes what is left as it is."""

    wanted: Wanted
    actor: str
    left_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Credited:
    """A credit note, what it did to the money, and the quote of what is left: None where the plan stayed or ended."""

    note: InvoiceView
    outcome: Outcome
    quote: Quote | None


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
    earlier = notes_in(together)
    if new.left_minor is not None and new.left_minor != left_of(opposed.content, earlier):
        raise CreditedMeanwhile
    rows = rows_of(opposed.content, earlier, new.wanted)
    credited = await credit_together(merchant, opposed, together, [row.item for row in rows], new.actor, now)
    return credited.note


async def credit_together(
    merchant: Merchant,
    opposed: InvoiceView,
    together: Sequence[InvoiceView],
    lines: Sequence[LineItem],
    actor: str,
    now: datetime,
    *,
    wallet: IntoWallet = _NOTHING_TO_WALLET,
) -> Credited:
    """Oppose a sale's document by these lines, in the transaction that holds every document of its order (`together`).

    Of the sum `wallet` goes into the wallet: the caller restores it before and puts it after. Raises CreditRefused.
    """
    taken = taken_of(opposed.content, notes_in(together), lines)
    by_wallet = await paid_by_wallet(merchant.id, opposed.order_id)
    outcome = outcome_of(together, taken, wallet, by_wallet)
    quote = None
    if outcome.lower or (outcome.ends and not opposed.paid_outside):
        payments = payments_left(together, outcome, by_wallet)
        restored = wallet.restored_minor + sum(note.restored_minor for note in together)
        quote = await _requote(merchant.id, opposed.order_id, payments, restored, now)
    schedule = _schedule(quote, open_after(together, outcome))
    note = await _draw(merchant, opposed, taken, wallet, schedule, now)
    by_provider = opposed.content.provider is not None
    await _post(merchant, note, taken, wallet, outcome, now, by_provider=by_provider)
    if outcome.ends:
        await _end(merchant, together, actor, now)
    else:
        await _lower(merchant, outcome, actor, now)
    await tell_issued(merchant.id, note, now)
    return Credited(note, outcome, quote)


def notes_in(together: Sequence[InvoiceView]) -> list[Content]:
    """What the credit notes among an order's documents say, oldest first."""
    return [invoice.content for invoice in together if invoice.kind == "credit_note"]


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
    return lowered(invoice, less)


# The order before its documents, as everybody takes them.
_KEEP_ORDER: Final = "SELECT id FROM orders WHERE merchant_id = $1 AND public_id = $2 FOR KEY SHARE"


async def locked_together(merchant_id: UUID, order_public_id: str) -> tuple[InvoiceView, ...]:
    """Every document of an order, none of which anybody else changes until this transaction ends."""
    await db.fetch_value(_KEEP_ORDER, merchant_id, order_public_id)
    await invoices_of_order(merchant_id, order_public_id, lock=True)
    # A note that was written while we waited for the locks is only seen by a statement that begins after them.
    return await invoices_of_order(merchant_id, order_public_id)


async def _requote(
    merchant_id: UUID, order_id: UUID, payments: Sequence[Payment], restored_minor: int, now: datetime
) -> Quote | None:
    """The quote of what is left, stored and pointed at by the order."""
    order = await order_by_id(merchant_id, order_id)
    assert order is not None
    assert order.quote_content is not None, "what is invoiced was bought on a quote"
    signed = Quote.from_data(order.quote_content)
    quote = requote(signed, payments, signed.wallet_minor - restored_minor)
    await orders.follow_quote(merchant_id, order_id, quote, now)
    return quote


def _schedule(quote: Quote | None, still_open: frozenset[int]) -> tuple[InstalmentItem, ...]:
    """What is to be paid from now on, where that is more than one payment."""
    if quote is None or not quote.months:
        return ()
    return tuple(
        InstalmentItem(
            row.number, row.due, row.amount_minor, row.principal_minor, row.interest_minor, row.fee_minor
        )
        for row in quote.schedule
        if row.number in still_open
    )


async def _draw(
    merchant: Merchant,
    opposed: InvoiceView,
    taken: TakenBack,
    wallet: IntoWallet,
    schedule: tuple[InstalmentItem, ...],
    now: datetime,
) -> InvoiceView:
    today = merchant.local_date(now)
    series = await next_number(merchant.id, today.year)
    content = replace(
        opposing(opposed.content, number_text(series.year, series.number), today, taken),
        schedule=schedule,
        to_wallet_minor=wallet.sum_minor,
    )
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
        content=content,
    )
    belonging = Belonging(
        merchant_id=merchant.id,
        order_id=opposed.order_id,
        customer_id=opposed.debtor_id,
        quote_id=opposed.quote_id,
        delivery=opposed.delivery,
        lang=opposed.lang,
        opposes_id=opposed.id,
        restored_minor=wallet.restored_minor,
        put_minor=wallet.put_minor,
    )
    public_id = await store(belonging, document, series, now)
    note = await invoice_by_public_id(merchant.id, public_id)
    assert note is not None
    return note


async def _end(merchant: Merchant, together: Sequence[InvoiceView], actor: str, now: datetime) -> None:
    """Nothing of the sale is left: nothing is asked for any more."""
    for invoice in together:
        if invoice.kind != "credit_note" and invoice.state is not InvoiceState.CREDITED:
            await _move(merchant, invoice, InvoiceState.CREDITED, actor, now)


async def _lower(merchant: Merchant, outcome: Outcome, actor: str, now: datetime) -> None:
    """What is asked for sinks; a document that asks for nothing more is over."""
    for invoice, less in outcome.lower:
        lower = await ask_for_less(merchant.id, invoice, less)
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
    taken: TakenBack,
    wallet: IntoWallet,
    outcome: Outcome,
    now: datetime,
    *,
    by_provider: bool,
) -> None:
    """The note's price and the reversed costs, of which a part is the customer's and the rest was owed.

    What is restored to the wallet was owed for a moment: its payment was taken back before. What is put there anew is
    posted by the caller, against the merchant alone.
    """

    def money(amount_minor: int) -> Money:
        return Money(amount_minor, note.currency)

    if note.content.received is not None:
        # It came to the shop itself, and goes from where it lies.
        source = account_of(note.content.received.source)
        entries = ledger_rules.between(ledger_rules.MERCHANT_SALES, source, money(taken.amount_minor))
    else:
        price = money(taken.amount_minor - wallet.put_minor)
        entries = _entries(merchant, note, price, outcome, by_provider=by_provider)
    if outcome.lowered_minor:
        await credit_lines.follow(
            merchant.id, note.customer_id, note.currency, change_minor=-outcome.lowered_minor
        )
    if entries:
        await ledger.post(
            merchant.id,
            key=f"credit_note:{note.public_id}",
            cause="credit_note",
            about=note.order_public_id,
            entries=entries,
            now=now,
        )


def _entries(
    merchant: Merchant, note: InvoiceView, price: Money, outcome: Outcome, *, by_provider: bool
) -> tuple[Entry, ...]:
    def money(amount_minor: int) -> Money:
        return Money(amount_minor, note.currency)

    sold = Sold(
        price=price,
        interest=money(outcome.interest_minor),
        fees=money(outcome.fee_minor),
        paid=money(outcome.back_minor),
    )
    debtor = note.debtor_public_id if by_provider else note.customer_public_id
    return ledger_rules.credit_note(debtor, sold, merchant.creditor, by_provider=by_provider)
