"""What its owner, or the shop, does to a subscription: cancel, keep after all, pause, go on, begin again."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from app.kernel import db
from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.subscriptions.actions.charging import is_underway
from app.subscriptions.actions.held import (
    SHOPPER,
    agree,
    hold,
    mail,
    move,
    refuse_unless,
    tell,
    write,
)
from app.subscriptions.actions.periods import Planned, is_taken, open_period, open_period_of
from app.subscriptions.actions.renewing import attempt, end_in_tx, held_as_paid, resume_in_tx
from app.subscriptions.agreement import Deal, agreement_of, worded
from app.subscriptions.errors import NotNow, OfferChanged
from app.subscriptions.queries import SubscriptionView
from app.subscriptions.rules import (
    PAUSE_DAYS_MAX,
    end_if_cancelled,
    fresh_course,
    may_revive,
    morning_of,
    paused_left,
)
from app.subscriptions.states import SubscriptionState as S


async def cancel(merchant: Merchant, public_id: str, *, actor: str, now: datetime) -> SubscriptionView:
    """It ends with the period that its notice and its least time lead to; one that owes something, or is paused, ends
    at once. Cancelling twice is cancelling once. Raises SubscriptionUnknown."""
    return await db.in_tx(lambda: cancel_in_tx(merchant, public_id, actor=actor, now=now))


async def cancel_in_tx(merchant: Merchant, public_id: str, *, actor: str, now: datetime) -> SubscriptionView:
    """As `cancel`, inside the caller's transaction."""
    sub = await held_as_paid(merchant.id, public_id, now)
    if sub.state in {S.CANCELLING, S.ENDED}:
        return sub
    if sub.state in {S.PAST_DUE, S.PAUSED}:
        await _cancel_at_once(merchant, sub, actor, now)
    else:
        await _cancel_later(merchant, sub, actor, now)
    return await hold(merchant.id, public_id)


def ends_on(merchant: Merchant, sub: SubscriptionView, now: datetime) -> date:
    """The day that cancelling now would lead to."""
    today = merchant.local_date(now)
    if sub.state in {S.PAST_DUE, S.PAUSED}:
        return today
    return end_if_cancelled(sub.course, sub.terms, bound_until=sub.bound_until, today=today)


async def _cancel_later(merchant: Merchant, sub: SubscriptionView, actor: str, now: datetime) -> None:
    day = ends_on(merchant, sub, now)
    opened = await open_period_of(sub)
    if opened is not None and opened.kind == "renewal":
        # Its charge is on its way: what it pays for is had.
        day = max(day, opened.course.ends_on)
    await write(sub, {"cancel_on": day, "remind_at": None, "asked_version_id": None, "asked_from": None})
    await move(sub, S.CANCELLING, actor=actor, now=now, detail={"ends_on": day.isoformat()})
    await mail(sub, "cancelled", now.isoformat())


async def _cancel_at_once(merchant: Merchant, sub: SubscriptionView, actor: str, now: datetime) -> None:
    today = merchant.local_date(now)
    opened = await open_period_of(sub)
    if opened is not None and await is_underway(sub, opened):
        # The answer decides: refused it is over, taken it ends with what that pays for.
        await write(sub, {"cancel_on": today})
        await tell(sub, "subscription.cancelling", sub.state, now=now)
        return
    await end_in_tx(sub, "cancelled", on=today, actor=actor, now=now)


async def keep(merchant: Merchant, public_id: str, *, actor: str, now: datetime) -> SubscriptionView:
    """It goes on after all, as it was. Raises SubscriptionUnknown, NotNow once it has ended."""

    async def work() -> SubscriptionView:
        sub = await held_as_paid(merchant.id, public_id, now)
        if sub.state in {S.ACTIVE, S.TRIALING}:
            return sub
        refuse_unless(sub, S.CANCELLING)
        to = S.TRIALING if sub.course.is_trial else S.ACTIVE
        await move(sub, to, actor=actor, now=now)
        await write(sub, {"cancel_on": None})
        await mail(sub, "kept", now.isoformat())
        return await hold(merchant.id, public_id)

    return await db.in_tx(work)


async def pause(
    merchant: Merchant, public_id: str, *, until: date | None, actor: str, now: datetime
) -> SubscriptionView:
    """Nothing is charged until it goes on: by itself on `until`, or when somebody says so, within half a year. The days
    that are paid and not used are kept. Raises SubscriptionUnknown, NotNow (`until` when that day will not do, `bound`
    within the least time, `charging` while a charge is on its way)."""

    async def work() -> SubscriptionView:
        sub = await held_as_paid(merchant.id, public_id, now)
        if sub.state is S.PAUSED:
            return sub
        refuse_unless(sub, S.ACTIVE)
        today = merchant.local_date(now)
        last = today + timedelta(days=PAUSE_DAYS_MAX)
        if until is not None and not today < until <= last:
            raise NotNow(sub.state.value, "until")
        if today < sub.bound_until:
            raise NotNow(sub.state.value, "bound")
        await _refuse_while_charging(sub)
        on = until or last
        left = paused_left(sub.course, today)
        changes = {"paused_days": left, "resume_on": on, "due_at": morning_of(on, merchant.time_zone)}
        await write(sub, changes | {"remind_at": None})
        await move(sub, S.PAUSED, actor=actor, now=now, detail={"resume_on": on.isoformat()})
        await mail(sub, "paused", now.isoformat())
        return await hold(merchant.id, public_id)

    return await db.in_tx(work)


async def resume(merchant: Merchant, public_id: str, *, actor: str, now: datetime) -> SubscriptionView:
    """It goes on today, with the days that were kept. Raises SubscriptionUnknown, NotNow."""

    async def work() -> SubscriptionView:
        sub = await held_as_paid(merchant.id, public_id, now)
        if sub.state is S.ACTIVE:
            return sub
        refuse_unless(sub, S.PAUSED)
        await resume_in_tx(merchant, sub, actor=actor, now=now)
        return await hold(merchant.id, public_id)

    return await db.in_tx(work)


async def end(merchant: Merchant, public_id: str, *, actor: str, now: datetime) -> SubscriptionView:
    """The shop ends it at once, also one that owes something; what is to be given back for it the shop refunds. Raises
    SubscriptionUnknown, NotNow (`charging`) while a provider has been asked for money."""

    async def work() -> SubscriptionView:
        sub = await held_as_paid(merchant.id, public_id, now)
        if sub.state is not S.ENDED:
            opened = await open_period_of(sub)
            if opened is not None and await is_underway(sub, opened):
                raise NotNow(sub.state.value, "charging")
            await end_in_tx(sub, "by_shop", on=merchant.local_date(now), actor=actor, now=now)
        return await hold(merchant.id, public_id)

    return await db.in_tx(work)


def revival_of(merchant: Merchant, sub: SubscriptionView, now: datetime) -> Deal:
    """What somebody agrees to who begins again today: a whole period, paid now, on the terms of before."""
    course = fresh_course(sub.terms, merchant.local_date(now))
    return Deal("revival", sub.terms, sub.method, course, sub.terms.amount_minor)


async def revive(
    merchant: Merchant, public_id: str, *, price: Money, actor: str = SHOPPER, now: datetime
) -> SubscriptionView:
    """An ended one begins again today, once its first period is paid for by the way to pay that is known. `price` is
    what was said yes to. Raises SubscriptionUnknown, NotNow (`too_late`, `charging`, `same_day`), OfferChanged."""

    async def work() -> SubscriptionView:
        sub = await held_as_paid(merchant.id, public_id, now)
        if sub.state is S.ACTIVE:
            return sub
        refuse_unless(sub, S.ENDED)
        today = merchant.local_date(now)
        if sub.ended_on is None or not may_revive(sub.ended_on, today):
            raise NotNow(sub.state.value, "too_late")
        if price != sub.price:
            raise OfferChanged
        await _refuse_while_charging(sub)
        deal = revival_of(merchant, sub, now)
        planned = Planned("revival", today, deal.course, sub.version_id, sub.terms, sub.terms.amount_minor)
        if await is_taken(sub, planned):
            raise NotNow(sub.state.value, "same_day")
        said = worded(agreement_of(deal, merchant, sub.lang, today), sub.lang)
        await agree(sub, "revival", sub.version_id, said, actor=actor, now=now)
        await write(sub, {"refusals": 0})
        await attempt(merchant, sub, await open_period(merchant, sub, planned, now), now)
        return await hold(merchant.id, public_id)

    return await db.in_tx(work)


async def _refuse_while_charging(sub: SubscriptionView) -> None:
    if await open_period_of(sub) is not None:
        raise NotNow(sub.state.value, "charging")
