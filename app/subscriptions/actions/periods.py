"""One period: opened with the order that it is paid by, and ended by being paid or by lapsing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from app.kernel import db, ids
from app.kernel.i18n import format_date
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.actions import Contact, NewOrder
from app.orders.queries import REFERENCE_LENGTH_MAX, order_by_id
from app.orders.rules import Line
from app.orders.states import CANCELLABLE, OrderState
from app.subscriptions.actions.held import CLOCK
from app.subscriptions.queries import SubscriptionView, terms_of, terms_sql
from app.subscriptions.rules import Course, Terms, fresh_course, next_course

PeriodKind = Literal["renewal", "change", "revival"]


@dataclass(frozen=True, slots=True)
class Planned:
    """A period to be, from its first day: on which terms, and what is paid for it, in minor units. A `change` is the
    rest of the present one."""

    kind: PeriodKind
    starts_on: date
    course: Course
    version_id: UUID
    terms: Terms
    amount_minor: int


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """A period that is not paid yet, with its order. `total_minor` is what the order asks for: the shop may have taken
    something off."""

    id: UUID
    kind: PeriodKind
    course: Course
    version_id: UUID
    terms: Terms
    order_id: UUID
    order_public_id: str
    order_state: OrderState
    total_minor: int


_OPEN: Final = """
INSERT INTO subscription_periods (merchant_id, id, subscription_id, kind, starts_on, ends_on, version_id, amount_minor,
                                  order_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_TAKEN: Final = """
SELECT EXISTS (SELECT FROM subscription_periods WHERE merchant_id = $1 AND subscription_id = $2 AND starts_on = $3
               AND lapsed_at IS NULL AND kind <> 'change')
"""
_OF: Final = f"""
SELECT d.id, d.kind, d.starts_on, d.version_id, {terms_sql("v")} AS terms, d.order_id,
       o.public_id AS order_public_id, o.state AS order_state, o.total_minor
FROM subscription_periods d
JOIN orders o ON o.merchant_id = d.merchant_id AND o.id = d.order_id
JOIN subscription_plan_versions v ON v.merchant_id = d.merchant_id AND v.id = d.version_id
WHERE d.merchant_id = $1 AND d.subscription_id = $2 AND d.paid_at IS NULL AND d.lapsed_at IS NULL
"""  # noqa: S608 - the part that is filled in is a constant


async def is_taken(sub: SubscriptionView, planned: Planned) -> bool:
    """Whether a period that begins on this day is there already, paid or asked for."""
    if planned.kind == "change":
        return False
    return bool(await db.fetch_value(_TAKEN, sub.merchant_id, sub.id, planned.starts_on))


async def open_period(
    merchant: Merchant, sub: SubscriptionView, planned: Planned, now: datetime
) -> OpenPeriod:
    """Write a period down with its order. In a transaction that holds the subscription."""
    made = await orders.create(
        merchant.id,
        await _order(merchant, sub, planned),
        state=OrderState.IN_PAYMENT,
        actor=CLOCK,
        now=now,
    )
    await db.execute(
        _OPEN,
        merchant.id,
        ids.internal_id(),
        sub.id,
        planned.kind,
        planned.starts_on,
        planned.course.ends_on,
        planned.version_id,
        planned.amount_minor,
        made.id,
    )
    opened = await open_period_of(sub)
    assert opened is not None, "it was written just now"
    return opened


async def open_period_of(sub: SubscriptionView) -> OpenPeriod | None:
    """What is being paid for; None where nothing is."""
    row = await db.fetch_one(_OF, sub.merchant_id, sub.id)
    if row is None:
        return None
    values = dict(row.items())
    terms = terms_of(values.pop("terms"))
    starts_on = values.pop("starts_on")
    courses = {
        "renewal": lambda: next_course(sub.course, terms),
        "revival": lambda: fresh_course(terms, starts_on),
        "change": lambda: sub.course,
    }
    values["order_state"] = OrderState(row["order_state"])
    return OpenPeriod(terms=terms, course=courses[row["kind"]](), **values)


async def end_paid(sub: SubscriptionView, opened: OpenPeriod, now: datetime) -> None:
    """In a transaction that holds the subscription, beside the payment of its order."""
    await db.execute(
        "UPDATE subscription_periods SET paid_at = $3 WHERE merchant_id = $1 AND id = $2",
        sub.merchant_id,
        opened.id,
        now,
    )


async def lapse(sub: SubscriptionView, opened: OpenPeriod, now: datetime) -> None:
    """Nobody pays for it any more: its order is cancelled. In a transaction that holds the subscription."""
    await db.execute(
        "UPDATE subscription_periods SET lapsed_at = $3 WHERE merchant_id = $1 AND id = $2",
        sub.merchant_id,
        opened.id,
        now,
    )
    if opened.order_state in CANCELLABLE:
        await orders.cancel(
            sub.merchant_id, opened.order_id, expected=opened.order_state, actor=CLOCK, now=now
        )


async def _order(merchant: Merchant, sub: SubscriptionView, planned: Planned) -> NewOrder:
    """As its receipt will read it: the plan, and the days that are paid for."""
    began = await order_by_id(merchant.id, sub.order_id)
    assert began is not None, "orders are never deleted"
    contact = began.contact
    last = planned.course.ends_on - timedelta(days=1)
    days = f"{format_date(planned.starts_on, sub.lang)} \N{EN DASH} {format_date(last, sub.lang)}"
    line = Line(
        "item",
        f"{planned.terms.name(sub.lang)}, {days}",
        1,
        planned.amount_minor,
        planned.terms.vat_percent,
        sku=sub.plan_public_id,
        category="subscription",
    )
    return NewOrder(
        reference=f"{sub.reference[: REFERENCE_LENGTH_MAX - 6]}/{sub.renewals + 2}",
        country=began.country,
        currency=planned.terms.currency,
        buyer=began.buyer,
        lines=(line,),
        contact=Contact(
            contact.name, contact.email, contact.phone, contact.postcode, contact.street, contact.city
        ),
    )
