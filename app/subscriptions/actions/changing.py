"""Another price, and another plan.

A price that rises holds for whoever says yes to it, from a day that is far enough away. Whoever says no, or nothing,
keeps the price of before: silence is no consent, and the shop may end what no longer pays. A no stays an answer to that
price: only another one is asked. One that falls is nobody's to refuse: it holds from the next period.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from app.kernel import db, ids
from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.subscriptions.actions.held import (
    NOTHING_LATER,
    SHOPPER,
    agree,
    hold,
    mail,
    refuse_unless,
    tell,
    write,
)
from app.subscriptions.actions.periods import Planned, open_period, open_period_of
from app.subscriptions.actions.renewing import attempt, held_as_paid
from app.subscriptions.agreement import Deal, agreement_of, worded
from app.subscriptions.errors import NotNow, OfferChanged, PlanEnded, PlanUnknown
from app.subscriptions.price_queries import SAID_NO, has_said_no
from app.subscriptions.queries import PlanView, SubscriptionView, plan_of
from app.subscriptions.rules import Proration, Terms, price_from, proration
from app.subscriptions.states import PlanState
from app.subscriptions.states import SubscriptionState as S

_HAVE_IT: Final = f"""
SELECT s.public_id FROM subscriptions s
JOIN subscription_plan_versions v ON v.merchant_id = s.merchant_id AND v.id = s.version_id
JOIN subscription_plans p ON p.merchant_id = v.merchant_id AND p.id = v.plan_id
JOIN subscription_plan_versions c ON c.merchant_id = s.merchant_id AND c.id = coalesce(s.next_version_id, s.version_id)
JOIN subscription_plan_versions t ON t.merchant_id = s.merchant_id AND t.id = $2
WHERE p.merchant_id = $1 AND p.public_id = $3 AND s.state IN ('trialing', 'active') AND v.version < p.version
  AND coalesce(s.asked_version_id, s.next_version_id, s.version_id) IS DISTINCT FROM $2
  AND (s.next_version_id IS NULL OR EXISTS (
      SELECT FROM subscription_plan_versions n
      WHERE n.merchant_id = s.merchant_id AND n.id = s.next_version_id AND n.plan_id = p.id))
  AND NOT ((t.amount_minor > c.amount_minor OR t.notice_days > c.notice_days OR (t.unit, t.every) <> (c.unit, c.every))
           AND {SAID_NO})
ORDER BY s.id LIMIT 1000
"""  # noqa: S608 - the part that is filled in is a constant


def asks_more(before: Terms, after: Terms) -> bool:
    """Whether somebody who has `before` must say yes to `after`: it costs more, or binds in another way."""
    return (
        after.amount_minor > before.amount_minor
        or after.notice_days > before.notice_days
        or not before.as_long_as(after)
    )


async def ask_price(merchant: Merchant, plan_public_id: str, *, actor: str, now: datetime) -> int:
    """Tell everybody who has a plan of what it asks for now, a thousand at a time: what falls they get, what rises they
    are asked. Whoever changes to another plan with the next period is not concerned, nor is who said no to this price.
    Answers how many were told; again it tells nobody twice. Raises PlanUnknown."""
    plan = await plan_of(merchant.id, plan_public_id)
    if plan is None:
        raise PlanUnknown
    rows = await db.fetch_all(_HAVE_IT, merchant.id, plan.version_id, plan_public_id)
    told = 0
    for row in rows:
        told += await _ask(merchant, row["public_id"], plan, actor, now)
    return told


async def _ask(merchant: Merchant, public_id: str, plan: PlanView, actor: str, now: datetime) -> bool:
    async def work() -> bool:
        sub = await held_as_paid(merchant.id, public_id, now)
        if sub.state not in {S.TRIALING, S.ACTIVE} or sub.version_id == plan.version_id:
            return False
        if sub.next is not None and sub.next.plan_public_id != plan.public_id:
            return False
        rises, day = _from_when(sub, plan, merchant.local_date(now))
        if rises and await has_said_no(sub.merchant_id, plan.version_id, sub.id):
            return False
        if rises:
            # What was agreed before stays for whoever says no, or nothing.
            await write(sub, {"asked_version_id": plan.version_id, "asked_from": day})
        else:
            await write(sub, NOTHING_LATER | {"next_version_id": plan.version_id, "next_from": day})
        more = {"from": day, "amount_minor": plan.terms.amount_minor, "needs_consent": rises, "by": actor}
        await tell(sub, "subscription.price_offered", sub.state, now=now, more=more)
        await mail(sub, "price_asked" if rises else "price_falls", str(plan.version_id))
        return True

    return await db.in_tx(work)


def _from_when(sub: SubscriptionView, plan: PlanView, today: date) -> tuple[bool, date]:
    """Whether the plan's price must be said yes to, and the first day on which it holds. It is measured by what is
    agreed for later, where something is: of a price that was to fall, a smaller fall is a rise."""
    rises = asks_more(sub.terms if sub.next is None else sub.next.terms, plan.terms)
    if sub.next is not None and not rises and asks_more(sub.terms, plan.terms):
        return False, sub.next.starts_on
    day = price_from(sub.course, sub.terms, rises=rises, bound_until=sub.bound_until, today=today)
    return rises, day


async def accept_price(
    merchant: Merchant, public_id: str, *, price: Money, actor: str = SHOPPER, now: datetime
) -> SubscriptionView:
    """Its owner says yes to `price`. Raises SubscriptionUnknown, NotNow, OfferChanged when another one is asked now."""

    async def work() -> SubscriptionView:
        sub = await held_as_paid(merchant.id, public_id, now)
        if sub.asked is None:
            if sub.next is not None and _price(sub.next.terms) == price:
                return sub
            raise NotNow(sub.state.value, "not_asked")
        if _price(sub.asked.terms) != price:
            raise OfferChanged
        day = max(sub.asked.starts_on, sub.course.ends_on)
        asked = sub.asked
        await write(sub, NOTHING_LATER | {"next_version_id": asked.version_id, "next_from": day})
        said = worded(agreement_of(price_deal(sub, asked.terms, day), merchant, sub.lang, day), sub.lang)
        await agree(sub, "price", asked.version_id, said, actor=actor, now=now)
        more = {"from": day, "amount_minor": price.amount_minor}
        await tell(sub, "subscription.price_accepted", sub.state, now=now, more=more)
        await mail(sub, "price_accepted", str(asked.version_id))
        return await hold(merchant.id, public_id)

    return await db.in_tx(work)


_DECLINE: Final = """
INSERT INTO subscription_declines (merchant_id, id, subscription_id, version_id, declined_at, declined_by)
VALUES ($1, $2, $3, $4, $5, $6)
"""


async def decline_price(
    merchant: Merchant, public_id: str, *, actor: str = SHOPPER, now: datetime
) -> SubscriptionView:
    """Its owner says no: the price stays, and this one is asked no more. Twice is once. Raises SubscriptionUnknown."""

    async def work() -> SubscriptionView:
        sub = await held_as_paid(merchant.id, public_id, now)
        if sub.asked is not None:
            asked = sub.asked
            await write(sub, {"asked_version_id": None, "asked_from": None})
            await db.execute(
                _DECLINE, sub.merchant_id, ids.internal_id(), sub.id, asked.version_id, now, actor
            )
            more = {"by": actor, "amount_minor": asked.terms.amount_minor}
            await tell(sub, "subscription.price_declined", sub.state, now=now, more=more)
        return await hold(merchant.id, public_id)

    return await db.in_tx(work)


def price_deal(sub: SubscriptionView, terms: Terms, day: date) -> Deal:
    """What somebody agrees to who says yes to another price from `day` on."""
    until = replace(sub.course, ends_on=max(day, sub.course.ends_on), is_trial=False)
    return Deal("price", terms, sub.method, until, bound_until=sub.bound_until)


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What changing to `plan` today means: `now` is paid at once for the rest of the period, None where it waits until
    `starts_on`."""

    plan: PlanView
    now: Proration | None
    starts_on: date
    deal: Deal

    @property
    def due(self) -> Money | None:
        return None if self.now is None else Money(self.now.due_minor, self.plan.terms.currency)


def plan_change(sub: SubscriptionView, plan: PlanView, today: date) -> PlanChange:
    found = None if sub.course.is_trial else proration(sub.terms, plan.terms, sub.course, today)
    starts_on = sub.course.ends_on if found is None else today
    first_minor = 0 if found is None else found.due_minor
    deal = Deal("change", plan.terms, sub.method, sub.course, first_minor, sub.bound_until)
    return PlanChange(plan, found, starts_on, deal)


async def change_plan(
    merchant: Merchant,
    public_id: str,
    plan_public_id: str,
    *,
    price: Money,
    due: Money | None,
    actor: str = SHOPPER,
    now: datetime,
) -> SubscriptionView:
    """Its owner takes another plan: a dearer one at once, for the difference of the days that are left (`due`, as they
    said yes to), a cheaper one or one of another length from the next period on. Nobody is bound anew by it.

    Raises SubscriptionUnknown, PlanUnknown, PlanEnded, OfferChanged, NotNow (`bound`: the least time of the present
    plan is not over and the new one is cheaper; `charging`)."""

    async def work() -> SubscriptionView:
        sub = await held_as_paid(merchant.id, public_id, now)
        plan = await plan_of(merchant.id, plan_public_id)
        if plan is None or plan.terms.currency != sub.terms.currency:
            raise PlanUnknown
        if plan.public_id == sub.plan_public_id:
            return sub
        if plan.state is not PlanState.ACTIVE:
            raise PlanEnded
        refuse_unless(sub, S.ACTIVE, S.TRIALING)
        today = merchant.local_date(now)
        if today < sub.bound_until and plan.terms.amount_minor < sub.terms.amount_minor:
            raise NotNow(sub.state.value, "bound")
        if await open_period_of(sub) is not None:
            raise NotNow(sub.state.value, "charging")
        change = plan_change(sub, plan, today)
        if (price, due) != (_price(plan.terms), change.due):
            raise OfferChanged
        await _agree_to_change(merchant, sub, change, actor, now)
        await _carry_out(merchant, sub, change, now)
        return await hold(merchant.id, public_id)

    return await db.in_tx(work)


async def _agree_to_change(
    merchant: Merchant, sub: SubscriptionView, change: PlanChange, actor: str, now: datetime
) -> None:
    today = merchant.local_date(now)
    said = worded(agreement_of(change.deal, merchant, sub.lang, today), sub.lang)
    await agree(sub, "change", change.plan.version_id, said, actor=actor, now=now)


async def _carry_out(merchant: Merchant, sub: SubscriptionView, change: PlanChange, now: datetime) -> None:
    plan = change.plan
    if change.now is None:
        later = {"next_version_id": plan.version_id, "next_from": change.starts_on}
        await write(sub, NOTHING_LATER | later)
        more = {"from": change.starts_on, "to_plan_id": plan.public_id}
        await tell(sub, "subscription.change_planned", sub.state, now=now, more=more)
        await mail(sub, "change_planned", now.isoformat())
        return
    planned = Planned(
        "change", change.starts_on, sub.course, plan.version_id, plan.terms, change.now.due_minor
    )
    await attempt(merchant, sub, await open_period(merchant, sub, planned, now), now)


def _price(terms: Terms) -> Money:
    return Money(terms.amount_minor, terms.currency)
