"""Money comes in for an invoice: all of it, a part, or too much."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from app.credit import actions as credit
from app.invoices.actions.charges import post_charges
from app.invoices.errors import NotFound, NotPayable, PaymentKeyReused, PaymentRefused
from app.invoices.events import tell_issued, tell_paid
from app.invoices.queries import InvoiceView, PaymentView, invoice_by_public_id, payment_by_key
from app.invoices.rules import split_payment
from app.invoices.states import MACHINE, InvoiceState
from app.kernel import db, ids
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger import rules as ledger_rules
from app.merchants.queries import Merchant

Source = Literal["staff", "api", "bank", "wallet", "card", "mobilepay"]


@dataclass(frozen=True, slots=True)
class NewPayment:
    """What was received and on which day, who says so, and `key`, which names this payment once and for all."""

    amount: Money
    paid_on: date
    source: Source
    actor: str
    key: str


_INSERT: Final = """
INSERT INTO invoice_payments (merchant_id, id, public_id, invoice_id, key, amount_minor, applied_minor, over_minor,
                              currency, paid_on, source, actor, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""

_PAID: Final = """
UPDATE invoices SET paid_minor = paid_minor + $3 WHERE merchant_id = $1 AND id = $2
"""


async def record_payment(
    merchant: Merchant, invoice_public_id: str, payment: NewPayment, now: datetime
) -> PaymentView:
    """Record money that came in, in the caller's transaction. The same key again answers the first payment.

    What is over, and all that comes for a paid invoice, becomes the customer's credit. Raises NotFound, NotPayable,
    PaymentRefused, PaymentKeyReused.
    """
    invoice = await invoice_by_public_id(merchant.id, invoice_public_id, lock=True)
    if invoice is None:
        raise NotFound
    known = await payment_by_key(merchant.id, payment.key)
    if known is not None:
        return _same(known, invoice, payment)
    check_payment(merchant, invoice, payment, now)
    await post_charges(merchant, invoice, now)
    applied, over = split_payment(invoice.open_minor, payment.amount.amount_minor)
    public_id = await _keep(merchant.id, invoice.id, payment, applied, over, now)
    await _post(merchant, invoice, public_id, applied, over, now)
    if applied:
        await _move(merchant.id, invoice, applied, payment, now)
    recorded = await payment_by_key(merchant.id, payment.key)
    assert recorded is not None
    return recorded


def _same(known: PaymentView, invoice: InvoiceView, payment: NewPayment) -> PaymentView:
    amount = Money(known.amount_minor, known.currency)
    if (known.invoice_id, amount, known.paid_on) != (invoice.id, payment.amount, payment.paid_on):
        raise PaymentKeyReused
    return known


def check_payment(merchant: Merchant, invoice: InvoiceView, payment: NewPayment, now: datetime) -> None:
    """Whether this money can be for this document. Raises NotPayable, PaymentRefused."""
    if invoice.kind not in {"invoice", "notice"} or invoice.state is InvoiceState.CREDITED:
        raise NotPayable(invoice.kind, invoice.state)
    if payment.amount.amount_minor <= 0:
        raise PaymentRefused("amount_minor")
    if payment.amount.currency != invoice.currency:
        raise PaymentRefused("currency")
    if not invoice.content.purchased_on <= payment.paid_on <= merchant.local_date(now):
        raise PaymentRefused("paid_on")


async def _keep(
    merchant_id: UUID, invoice_id: UUID, payment: NewPayment, applied: int, over: int, now: datetime
) -> str:
    public_id = ids.public_id("pay")
    await db.execute(
        _INSERT,
        merchant_id,
        ids.internal_id(),
        public_id,
        invoice_id,
        payment.key,
        payment.amount.amount_minor,
        applied,
        over,
        payment.amount.currency,
        payment.paid_on,
        payment.source,
        payment.actor,
        now,
    )
    return public_id


async def _post(
    merchant: Merchant, invoice: InvoiceView, public_id: str, applied: int, over: int, now: datetime
) -> None:
    if applied:
        await credit.follow(merchant.id, invoice.customer_id, invoice.currency, change_minor=-applied)
    await ledger.post(
        merchant.id,
        key=f"payment:{public_id}",
        cause="payment",
        about=invoice.order_public_id,
        entries=ledger_rules.payment(
            invoice.customer_public_id,
            Money(applied, invoice.currency),
            Money(over, invoice.currency),
            merchant.creditor,
        ),
        now=now,
    )


async def _move(
    merchant_id: UUID, invoice: InvoiceView, applied: int, payment: NewPayment, now: datetime
) -> None:
    is_whole = applied == invoice.open_minor
    if invoice.state is InvoiceState.SCHEDULED and not is_whole:
        # The rest is asked for at once; otherwise nobody would ever hear of it.
        await MACHINE.move(
            merchant_id,
            invoice.id,
            expected=invoice.state,
            to=InvoiceState.ISSUED,
            actor=payment.actor,
            at=now,
        )
        await tell_issued(merchant_id, invoice, now)
        invoice = replace(invoice, state=InvoiceState.ISSUED)
    await db.execute(_PAID, merchant_id, invoice.id, applied)
    if is_whole:
        to = InvoiceState.PAID
    else:
        to = InvoiceState.OVERDUE if invoice.state is InvoiceState.OVERDUE else InvoiceState.PARTLY_PAID
    await MACHINE.move(
        merchant_id,
        invoice.id,
        expected=invoice.state,
        to=to,
        actor=payment.actor,
        at=now,
        detail={"applied_minor": applied, "paid_on": payment.paid_on.isoformat()},
    )
    if is_whole:
        await tell_paid(merchant_id, replace(invoice, paid_minor=invoice.paid_minor + applied), now)


async def record_at_once(merchant_id: UUID, document: InvoiceView, now: datetime) -> None:
    """What was paid with the purchase, by the wallet and through a provider, on the document of the sale that was drawn
    just now, in the caller's transaction. The money moved with the purchase: nothing is posted here."""
    content = document.content
    parts: list[tuple[Source, int]] = [("wallet", content.wallet_minor)]
    if content.provider is not None:
        parts.append((content.provider.method, content.provider.amount_minor))
    for source, amount_minor in parts:
        if amount_minor:
            payment = _at_once(document, source, amount_minor)
            await _keep(merchant_id, document.id, payment, amount_minor, 0, now)
    paid_minor = content.at_once_minor
    await db.execute(_PAID, merchant_id, document.id, paid_minor)
    if paid_minor == document.amount_minor:
        to = InvoiceState.PAID
    elif document.asks:
        to = InvoiceState.PARTLY_PAID
    else:
        # A receipt of instalments asks for nothing: it stays as it is.
        return
    await MACHINE.move(
        merchant_id,
        document.id,
        expected=InvoiceState.ISSUED,
        to=to,
        actor="shopper",
        at=now,
        detail={"applied_minor": paid_minor, "paid_on": content.purchased_on.isoformat()},
    )


def _at_once(document: InvoiceView, source: Source, amount_minor: int) -> NewPayment:
    return NewPayment(
        amount=Money(amount_minor, document.currency),
        paid_on=document.content.purchased_on,
        source=source,
        actor="shopper",
        key=f"{source}:{document.order_public_id}",
    )
