"""One try to be paid for a period: by the provider that the way to pay is saved with, or by an invoice.

A provider is asked by whoever makes charges (`checkout`): here a job asks for one, and two events bring the answer,
`order.paid` and `charge.failed`. What nobody knows is asked after there, and never charged a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.credit import actions as credit
from app.credit.errors import LimitUsedUp
from app.kernel import db, outbox
from app.kernel.errors import Refusal
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger import rules as ledger_rules
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.actions import Contact, Payment
from app.orders.queries import order_by_id
from app.payments.queries import saved_method_by_id
from app.plans.queries import plans_of
from app.plans.quote import Quote, make_quote
from app.subscriptions.actions.held import CLOCK
from app.subscriptions.actions.periods import OpenPeriod
from app.subscriptions.queries import SubscriptionView

CHARGE_JOB: Final = "subscription_charge"


class Try(StrEnum):
    """Paid: all is done. Underway: a provider is asked."""

    PAID = "paid"
    UNDERWAY = "underway"


@dataclass(frozen=True, slots=True)
class NotPaid:
    """The try came to nothing at once; `reason` is a stable word."""

    reason: str


async def pay_for(
    merchant: Merchant, sub: SubscriptionView, opened: OpenPeriod, now: datetime
) -> Try | NotPaid:
    """In a transaction that holds the subscription."""
    if sub.method == "invoice":
        return await _by_invoice(merchant, sub, opened, now)
    saved = None
    if sub.saved_method_id is not None:
        saved = await saved_method_by_id(merchant.id, sub.saved_method_id)
    if saved is None or saved.saved is None:
        return NotPaid("no_saved_method")
    payload = {
        "subscription": sub.public_id,
        "order": opened.order_public_id,
        "lang": sub.lang,
        "saved": saved.public_id,
    }
    day = merchant.local_date(now).isoformat()
    key = f"charge:{opened.order_public_id}:{sub.refusals + 1}:{day}:{saved.public_id}"
    await outbox.put(merchant.id, CHARGE_JOB, payload, key=key, about=sub.public_id)
    return Try.UNDERWAY


async def is_underway(sub: SubscriptionView, opened: OpenPeriod) -> bool:
    """Whether a provider was asked for money for a period, and has not said how it went. The order is held from here
    on: nobody begins to ask for it afterwards. In a transaction that holds the subscription."""
    await db.fetch_value(
        "SELECT id FROM orders WHERE merchant_id = $1 AND id = $2 FOR UPDATE",
        sub.merchant_id,
        opened.order_id,
    )
    return bool(
        await db.fetch_value(
            "SELECT EXISTS (SELECT FROM payments WHERE merchant_id = $1 AND order_id = $2 AND ended_at IS NULL)",
            sub.merchant_id,
            opened.order_id,
        )
    )


async def is_newest(sub: SubscriptionView, opened: OpenPeriod, payment_public_id: str) -> bool:
    """Whether this payment is the last try to pay for a period. An event may be handled after a later try began."""
    newest = await db.fetch_value(
        "SELECT public_id FROM payments WHERE merchant_id = $1 AND order_id = $2 ORDER BY id DESC LIMIT 1",
        sub.merchant_id,
        opened.order_id,
    )
    return bool(newest == payment_public_id)


async def was_by_another_way(sub: SubscriptionView, opened: OpenPeriod) -> bool:
    """Whether what was tried last for a period is not how the subscription is paid any more."""
    return bool(
        await db.fetch_value(
            """SELECT p.saved_method_id IS DISTINCT FROM $3 FROM payments p
               WHERE p.merchant_id = $1 AND p.order_id = $2 ORDER BY p.id DESC LIMIT 1""",
            sub.merchant_id,
            opened.order_id,
            sub.saved_method_id,
        )
    )


async def _by_invoice(
    merchant: Merchant, sub: SubscriptionView, opened: OpenPeriod, now: datetime
) -> Try | NotPaid:
    """A sale on invoice, within the limit of what its customer may owe, and not while an earlier one is overdue."""
    quote = await _invoice_quote(merchant, sub, opened, now)
    if quote is None:
        return NotPaid("no_invoice_plan")
    if await _is_overdue(sub):
        return NotPaid("invoice_overdue")
    try:
        await credit.reserve(
            merchant.id,
            sub.customer_id,
            quote.currency,
            amount_minor=quote.amount_minor,
            limit_minor=merchant.credit_limit_minor,
        )
    except LimitUsedUp:
        return NotPaid("limit_used_up")
    await _sell(merchant, sub, opened, quote, now)
    return Try.PAID


async def _invoice_quote(
    merchant: Merchant, sub: SubscriptionView, opened: OpenPeriod, now: datetime
) -> Quote | None:
    plan = next((plan for plan in await plans_of(merchant.id) if plan.kind == "invoice"), None)
    if plan is None:
        return None
    try:
        return make_quote(
            plan,
            opened.total_minor,
            opened.terms.currency,
            merchant.country,
            merchant.local_date(now),
            merchant=merchant.public_id,
            delivery=sub.delivery,
        )
    except Refusal:
        return None


async def _is_overdue(sub: SubscriptionView) -> bool:
    return bool(
        await db.fetch_value(
            """SELECT EXISTS (SELECT FROM subscription_periods d
                   JOIN invoices i ON i.merchant_id = d.merchant_id AND i.order_id = d.order_id
                   WHERE d.merchant_id = $1 AND d.subscription_id = $2 AND i.state = 'overdue')""",
            sub.merchant_id,
            sub.id,
        )
    )


async def _sell(
    merchant: Merchant, sub: SubscriptionView, opened: OpenPeriod, quote: Quote, now: datetime
) -> None:
    """The order of a period is bought on invoice, as a shopper would confirm it."""
    await orders.keep_quote(merchant.id, quote, now)
    order = await order_by_id(merchant.id, opened.order_id)
    assert order is not None, "orders are never deleted"
    known = order.contact
    contact = Contact(known.name, known.email, known.phone, known.postcode, known.street, known.city)
    payment = Payment(sub.customer_id, quote.id, contact)
    await orders.pay(merchant.id, opened.order_id, payment, actor=CLOCK, now=now)
    total = Money(opened.total_minor, quote.currency)
    await ledger.post(
        merchant.id,
        key=f"purchase:{opened.order_public_id}",
        cause="purchase",
        about=opened.order_public_id,
        entries=ledger_rules.purchase(sub.customer_public_id, total, merchant.creditor),
        now=now,
    )
    data = {
        "order_id": opened.order_public_id,
        "reference": order.reference,
        "total_minor": order.total_minor,
        "currency": order.currency,
        "quote_id": quote.id,
        "method": quote.method,
        "wallet_minor": 0,
        "subscription_id": sub.public_id,
    }
    await outbox.emit(merchant.id, "order.paid", data, now=now, about=opened.order_public_id)
