"""A paid order begins the subscription that was offered with it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast
from uuid import UUID

from app.kernel import db, ids, outbox
from app.merchants.queries import Merchant
from app.orders.queries import OrderView, order_for_api
from app.payments.queries import saved_method_of_order
from app.plans.quote import Quote
from app.subscriptions.actions.held import SHOPPER, agree, mail, tell
from app.subscriptions.agreement import agreement_of, beginning, worded
from app.subscriptions.queries import Offered, SubscriptionView, offered_with, subscription_of
from app.subscriptions.rules import (
    METHODS,
    first_course,
    minimum_until,
    morning_of,
    remind_on,
)
from app.subscriptions.states import MACHINE, SubscriptionState

BEGIN_JOB: Final = "subscription"

_BEGIN: Final = """
INSERT INTO subscriptions (merchant_id, id, public_id, state, customer_id, order_id, version_id, method, delivery,
                           saved_method_id, lang, anchor_on, number, starts_on, ends_on, is_trial, bound_until, due_at,
                           remind_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
ON CONFLICT (merchant_id, order_id) DO NOTHING RETURNING public_id
"""

_FIRST: Final = """
INSERT INTO subscription_periods (merchant_id, id, subscription_id, kind, starts_on, ends_on, version_id, amount_minor,
                                  order_id, paid_at)
VALUES ($1, $2, $3, 'first', $4, $5, $6, $7, $8, $9)
"""


async def ask_to_begin(merchant_id: UUID, order_public_id: str, lang: str) -> None:
    """Put the beginning on the outbox where the order has one to begin, in the caller's transaction; asked again it
    changes nothing."""
    offered = await db.fetch_value(
        """SELECT EXISTS (SELECT FROM subscription_offers f JOIN orders o
               ON o.merchant_id = f.merchant_id AND o.id = f.order_id
               WHERE o.merchant_id = $1 AND o.public_id = $2)""",
        merchant_id,
        order_public_id,
    )
    if offered:
        payload = {"order": order_public_id, "lang": lang}
        key = f"subscription:{order_public_id}"
        await outbox.put(merchant_id, BEGIN_JOB, payload, key=key, about=order_public_id)


async def begin(merchant: Merchant, order_public_id: str, lang: str) -> SubscriptionView | None:
    """Begin what the order was paid for, in the caller's transaction; None when it has begun already, and where nobody
    is known who has it: a shop that recorded the money itself, say."""
    order = await order_for_api(merchant.id, order_public_id)
    assert order is not None, "orders are never deleted"
    offered = await offered_with(merchant.id, order.id)
    customer_id: UUID | None = await db.fetch_value(
        "SELECT customer_id FROM orders WHERE merchant_id = $1 AND id = $2 FOR UPDATE", merchant.id, order.id
    )
    if offered is None or customer_id is None or order.paid_at is None or order.quote_content is None:
        return None
    quote = Quote.from_data(order.quote_content)
    if quote.method not in METHODS:
        return None
    return await _begin(merchant, order, offered, quote, customer_id=customer_id, lang=lang)


async def _begin(
    merchant: Merchant, order: OrderView, offered: Offered, quote: Quote, *, customer_id: UUID, lang: str
) -> SubscriptionView | None:
    paid_at = cast(datetime, order.paid_at)
    course = first_course(offered.terms, merchant.local_date(paid_at))
    saved = await saved_method_of_order(merchant.id, order.id)
    remind = remind_on(course, offered.terms)
    made = await db.fetch_value(
        _BEGIN,
        merchant.id,
        ids.internal_id(),
        ids.public_id("sub"),
        (SubscriptionState.TRIALING if course.is_trial else SubscriptionState.ACTIVE).value,
        customer_id,
        order.id,
        offered.version_id,
        quote.method,
        quote.delivery,
        None if saved is None else saved.id,
        lang,
        course.anchor,
        course.number,
        course.starts_on,
        course.ends_on,
        course.is_trial,
        minimum_until(offered.terms, course),
        morning_of(course.ends_on, merchant.time_zone),
        None if remind is None else morning_of(remind, merchant.time_zone),
        paid_at,
    )
    if made is None:
        return None
    sub = await subscription_of(merchant.id, str(made))
    assert sub is not None, "it was written just now"
    await _tell(merchant, sub, order, paid_at)
    return sub


async def _tell(merchant: Merchant, sub: SubscriptionView, order: OrderView, paid_at: datetime) -> None:
    """Its first period, which the order has paid for, and the words that were said yes to."""
    course, today = sub.course, merchant.local_date(paid_at)
    await db.execute(
        _FIRST,
        merchant.id,
        ids.internal_id(),
        sub.id,
        course.starts_on,
        course.ends_on,
        sub.version_id,
        sub.terms.first_minor,
        order.id,
        paid_at,
    )
    event = "subscription.started"
    await MACHINE.begin(merchant.id, sub.id, state=sub.state, event=event, actor=SHOPPER, at=paid_at)
    deal = beginning(sub.terms, sub.method, today)
    said = worded(agreement_of(deal, merchant, sub.lang, today), sub.lang)
    await agree(sub, "begin", sub.version_id, said, actor=SHOPPER, now=paid_at)
    more = {"order_id": order.public_id, "next_on": course.ends_on}
    await tell(sub, event, sub.state, now=paid_at, more=more)
    await mail(sub, "started", order.public_id)
