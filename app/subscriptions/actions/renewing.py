"""What the clock does: a period is opened and paid for, tried again, given up; a pause ends; somebody is reminded.

A renewal is an order like any other: refunds, receipts, documents and points know nothing of subscriptions. It is made
with its period, which the database has once for each first day, and paid by a charge, which it has once at a time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.kernel import db
from app.ledger.errors import MoneyFrozen
from app.merchants.queries import Merchant, merchant_by_id
from app.orders.states import OrderState
from app.subscriptions.actions.charging import (
    NotPaid,
    Try,
    is_newest,
    is_underway,
    pay_for,
    was_by_another_way,
)
from app.subscriptions.actions.held import (
    CLOCK,
    NOTHING_LATER,
    SHOPPER,
    columns_of,
    hold,
    mail,
    move,
    tell,
    write,
)
from app.subscriptions.actions.periods import (
    OpenPeriod,
    Planned,
    end_paid,
    lapse,
    open_period,
    open_period_of,
)
from app.subscriptions.queries import SubscriptionView
from app.subscriptions.rules import (
    Course,
    LastGrace,
    Terms,
    after_refusal,
    morning_of,
    next_course,
    remind_on,
    resumed_course,
)
from app.subscriptions.states import RENEWS, SubscriptionState

AGAIN_AFTER_FAULT: Final = timedelta(hours=1)
# The answer to a charge comes as an event; whoever misses it is found by this look.
LOOK_AFTER: Final = timedelta(days=1)
_BOUGHT: Final = frozenset({OrderState.PAID, OrderState.PARTLY_REFUNDED, OrderState.REFUNDED})

_log = structlog.get_logger("subscriptions")

_DUE: Final = """
SELECT s.merchant_id, s.public_id FROM subscriptions s WHERE s.due_at <= $1 ORDER BY s.due_at LIMIT $2
"""
_TO_REMIND: Final = """
SELECT s.merchant_id, s.public_id FROM subscriptions s WHERE s.remind_at <= $1 ORDER BY s.remind_at LIMIT $2
"""
_OF_OPEN_ORDER: Final = """
SELECT s.public_id FROM subscription_periods d
JOIN orders o ON o.merchant_id = d.merchant_id AND o.id = d.order_id
JOIN subscriptions s ON s.merchant_id = d.merchant_id AND s.id = d.subscription_id
WHERE o.merchant_id = $1 AND o.public_id = $2 AND d.paid_at IS NULL AND d.lapsed_at IS NULL
"""
_POSTPONE: Final = (
    "UPDATE subscriptions SET due_at = $3 WHERE merchant_id = $1 AND public_id = $2 AND due_at <= $4"
)


async def advance_due(now: datetime, limit: int) -> int:
    """Do what has fallen due, of up to `limit` subscriptions. One that fails is logged, stops none of those behind it,
    and is looked at again an hour later. Answers how many were looked at."""
    rows = await db.fetch_all(_DUE, now, limit)
    for row in rows:
        await _safely(row["merchant_id"], row["public_id"], now)
    return len(rows)


async def _safely(merchant_id: UUID, public_id: str, now: datetime) -> None:
    try:
        await db.in_tx(lambda: advance(merchant_id, public_id, now))
    except (MoneyFrozen, db.DatabaseUnavailable):
        raise
    except Exception:  # noqa: BLE001 - logged whole
        _log.exception("subscription_stuck", subscription=public_id)
        await db.in_tx(lambda: db.execute(_POSTPONE, merchant_id, public_id, now + AGAIN_AFTER_FAULT, now))


async def advance(merchant_id: UUID, public_id: str, now: datetime) -> None:
    """Do what has fallen due of one, in the caller's transaction. Whoever comes second finds nothing due."""
    sub = await hold(merchant_id, public_id)
    if sub.due_at is None or sub.due_at > now:
        return
    merchant = await _merchant(merchant_id)
    opened = await open_period_of(sub)
    if opened is not None:
        await _go_on(merchant, sub, opened, now)
    elif sub.state is SubscriptionState.PAUSED:
        await resume_in_tx(merchant, sub, actor=CLOCK, now=now)
    elif sub.state in RENEWS:
        await _renew(merchant, sub, now)
    else:
        await write(sub, {"due_at": None})


async def held_as_paid(merchant_id: UUID, public_id: str, now: datetime) -> SubscriptionView:
    """As `hold`; a period whose order was paid a moment ago counts as paid, whoever was to say so. Raises
    SubscriptionUnknown."""
    sub = await hold(merchant_id, public_id)
    opened = await open_period_of(sub)
    if opened is None or opened.order_state not in _BOUGHT:
        return sub
    await paid(await _merchant(merchant_id), sub, opened, now)
    return await hold(merchant_id, public_id)


async def order_paid(merchant_id: UUID, order_public_id: str, now: datetime) -> None:
    """The event says so. Of an order that is no period, or one that is known to be paid, nothing. In a transaction."""
    public_id = await _of_open_order(merchant_id, order_public_id)
    if public_id is not None:
        await held_as_paid(merchant_id, public_id, now)


async def charge_failed(
    merchant_id: UUID, order_public_id: str, payment_public_id: str, reason: str, now: datetime
) -> None:
    """The event says so. In a transaction. Of a payment that another try has followed, nothing: that one decides."""
    public_id = await _of_open_order(merchant_id, order_public_id)
    if public_id is None:
        return
    sub = await held_as_paid(merchant_id, public_id, now)
    opened = await open_period_of(sub)
    if opened is None or opened.order_public_id != order_public_id:
        return
    if not await is_newest(sub, opened, payment_public_id):
        return
    merchant = await _merchant(merchant_id)
    if sub.cancel_on is None and await was_by_another_way(sub, opened):
        # Its owner has put another way to pay in its place meanwhile, which has not been tried yet.
        await attempt(merchant, sub, opened, now)
    else:
        await refused(merchant, sub, opened, reason, now)


async def _of_open_order(merchant_id: UUID, order_public_id: str) -> str | None:
    found: str | None = await db.fetch_value(_OF_OPEN_ORDER, merchant_id, order_public_id)
    return found


async def _go_on(merchant: Merchant, sub: SubscriptionView, opened: OpenPeriod, now: datetime) -> None:
    """A period is open: it is paid, or asked for still, or tried again, or the grace is over."""
    today = merchant.local_date(now)
    if opened.order_state in _BOUGHT:
        await paid(merchant, sub, opened, now)
    elif opened.order_state is not OrderState.IN_PAYMENT and opened.kind != "renewal":
        await _stays(merchant, sub, opened, "order_cancelled", now)
    elif opened.order_state is not OrderState.IN_PAYMENT:
        # A shop that cancels the order of a period wants no money for it, and gives nothing for it either.
        await end_in_tx(sub, "by_shop", on=today, actor=CLOCK, now=now)
    elif await is_underway(sub, opened):
        await write(sub, {"due_at": now + LOOK_AFTER})
    elif sub.refusals and isinstance(after_refusal(sub.refusals, today), LastGrace):
        await end_in_tx(sub, "unpaid", on=today, actor=CLOCK, now=now)
    else:
        await attempt(merchant, sub, opened, now)


async def _renew(merchant: Merchant, sub: SubscriptionView, now: datetime) -> None:
    starts_on = sub.course.ends_on
    if sub.cancel_on is not None and sub.cancel_on <= starts_on:
        await end_in_tx(sub, "cancelled", on=starts_on, actor=CLOCK, now=now)
        return
    terms, version_id = terms_from(sub, starts_on)
    planned = Planned(
        "renewal", starts_on, next_course(sub.course, terms), version_id, terms, terms.amount_minor
    )
    await attempt(merchant, sub, await open_period(merchant, sub, planned, now), now)


async def attempt(merchant: Merchant, sub: SubscriptionView, opened: OpenPeriod, now: datetime) -> None:
    """One try to be paid. In a transaction that holds the subscription."""
    found = await pay_for(merchant, sub, opened, now)
    if isinstance(found, NotPaid):
        await refused(merchant, sub, opened, found.reason, now)
    elif found is Try.PAID:
        await paid(merchant, sub, opened, now)
    else:
        await write(sub, {"due_at": now + LOOK_AFTER})


async def paid(merchant: Merchant, sub: SubscriptionView, opened: OpenPeriod, now: datetime) -> None:
    """The order of a period is paid: it runs. In a transaction that holds the subscription."""
    await end_paid(sub, opened, now)
    course = opened.course
    changes: dict[str, object] = {
        "version_id": opened.version_id,
        "refusals": 0,
        "due_at": morning_of(course.ends_on, merchant.time_zone),
    }
    if sub.next is not None and sub.next.version_id == opened.version_id:
        changes |= {"next_version_id": None, "next_from": None}
    if opened.kind == "change":
        changes |= NOTHING_LATER
    if opened.kind != "change":
        changes |= columns_of(course) | {"remind_at": _remind_at(merchant, course, opened.terms)}
    detail = {"order_id": opened.order_public_id, "next_on": course.ends_on.isoformat()}
    match opened.kind:
        case "change":
            await write(sub, changes)
            await tell(sub, "subscription.changed", sub.state, now=now, more=detail)
            await mail(sub, "changed", opened.order_public_id)
        case "revival":
            await move(sub, SubscriptionState.ACTIVE, actor=SHOPPER, now=now, detail=detail)
            await write(sub, changes | _REVIVED | {"bound_until": course.starts_on})
            await mail(sub, "revived", opened.order_public_id)
        case "renewal":
            await write(sub, changes | {"renewals": sub.renewals + 1})
            await _renewed(sub, course, detail, now)


_REVIVED: Final[dict[str, object]] = {"ended_on": None, "end_reason": None, "cancel_on": None}


async def _renewed(sub: SubscriptionView, course: Course, detail: dict[str, str], now: datetime) -> None:
    leaves = sub.state is SubscriptionState.CANCELLING
    to = SubscriptionState.CANCELLING if leaves else SubscriptionState.ACTIVE
    await move(sub, to, actor=CLOCK, now=now, detail=detail)
    if sub.state is SubscriptionState.PAST_DUE and sub.cancel_on is not None:
        # Somebody cancelled while the charge was on its way, and it was taken all the same: it ends with what is paid.
        await write(sub, {"cancel_on": course.ends_on})
        moved = replace(sub, state=SubscriptionState.ACTIVE)
        ends = {"ends_on": course.ends_on.isoformat()}
        await move(moved, SubscriptionState.CANCELLING, actor=CLOCK, now=now, detail=ends)


async def refused(
    merchant: Merchant, sub: SubscriptionView, opened: OpenPeriod, reason: str, now: datetime
) -> None:
    """A try came to nothing. In a transaction that holds the subscription."""
    if opened.kind != "renewal":
        await _stays(merchant, sub, opened, reason, now)
        return
    today = merchant.local_date(now)
    if sub.cancel_on is not None:
        # Whoever is leaving is not run after.
        await end_in_tx(sub, "cancelled", on=today, actor=CLOCK, now=now)
        return
    refusals = sub.refusals + 1
    then = after_refusal(refusals, today)
    await write(sub, {"refusals": refusals, "due_at": morning_of(then.on, merchant.time_zone)})
    if sub.state is not SubscriptionState.PAST_DUE:
        detail = {"order_id": opened.order_public_id, "reason": reason}
        await move(sub, SubscriptionState.PAST_DUE, actor=CLOCK, now=now, detail=detail)
    what = "last_failed" if isinstance(then, LastGrace) else "failed"
    key = f"{opened.order_public_id}:{refusals}"
    await mail(sub, what, key, on=then.on, reason=reason, order=opened.order_public_id)


async def _stays(
    merchant: Merchant, sub: SubscriptionView, opened: OpenPeriod, reason: str, now: datetime
) -> None:
    """A change of plan, or a new beginning, that was not paid: all stays as it was."""
    await lapse(sub, opened, now)
    ended = sub.state is SubscriptionState.ENDED
    await write(sub, {"due_at": None if ended else morning_of(sub.course.ends_on, merchant.time_zone)})
    await mail(sub, f"{opened.kind}_failed", opened.order_public_id, reason=reason)


_OVER: Final[dict[str, object]] = {
    "due_at": None,
    "remind_at": None,
    "next_version_id": None,
    "next_from": None,
    "asked_version_id": None,
    "asked_from": None,
    "resume_on": None,
}


async def end_in_tx(sub: SubscriptionView, reason: str, *, on: date, actor: str, now: datetime) -> None:
    """It is over: nothing more is charged, and what was open of it lapses. In a transaction that holds it."""
    opened = await open_period_of(sub)
    if opened is not None:
        await lapse(sub, opened, now)
    await write(sub, _OVER | {"ended_on": on, "end_reason": reason})
    detail = {"reason": reason, "ended_on": on.isoformat()}
    await move(sub, SubscriptionState.ENDED, actor=actor, now=now, detail=detail)
    await mail(sub, "ended", now.isoformat())


async def resume_in_tx(merchant: Merchant, sub: SubscriptionView, *, actor: str, now: datetime) -> None:
    """What was paid and kept runs from today. In a transaction that holds it."""
    today = merchant.local_date(now)
    left = sub.paused_days or 0
    # Whoever goes on the same day has used nothing up: it is as if there had been no pause.
    is_same_day = today < sub.course.ends_on - timedelta(days=left)
    course = sub.course if is_same_day else resumed_course(left, today)
    detail = {"next_on": course.ends_on.isoformat()}
    await move(sub, SubscriptionState.ACTIVE, actor=actor, now=now, detail=detail)
    changes: dict[str, object] = {
        "paused_days": None,
        "resume_on": None,
        "due_at": morning_of(course.ends_on, merchant.time_zone),
        "remind_at": _remind_at(merchant, course, sub.terms),
    }
    await write(sub, columns_of(course) | changes)
    await mail(sub, "resumed", now.isoformat())


async def remind_due(now: datetime, limit: int) -> int:
    """Tell of renewals that are easily forgotten, up to `limit`. Answers how many were looked at."""
    rows = await db.fetch_all(_TO_REMIND, now, limit)
    for row in rows:
        await db.in_tx(partial(_remind, row["merchant_id"], row["public_id"], now))
    return len(rows)


async def _remind(merchant_id: UUID, public_id: str, now: datetime) -> None:
    sub = await hold(merchant_id, public_id)
    await write(sub, {"remind_at": None})
    goes_on = sub.cancel_on is None and sub.state in {SubscriptionState.TRIALING, SubscriptionState.ACTIVE}
    if goes_on and sub.due_at is not None and sub.due_at > now:
        await mail(sub, "reminder", sub.course.ends_on.isoformat())


def terms_from(sub: SubscriptionView, day: date) -> tuple[Terms, UUID]:
    """What a period that begins on `day` asks for, and the version that says so."""
    if sub.next is not None and sub.next.starts_on <= day:
        return sub.next.terms, sub.next.version_id
    return sub.terms, sub.version_id


def _remind_at(merchant: Merchant, course: Course, terms: Terms) -> datetime | None:
    day = remind_on(course, terms)
    return None if day is None else morning_of(day, merchant.time_zone)


async def _merchant(merchant_id: UUID) -> Merchant:
    found = await merchant_by_id(merchant_id)
    assert found is not None, "merchants are never deleted"
    return found
