"""What the templates of a customer's subscriptions are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.kernel.money import Money
from app.subscriptions import actions
from app.subscriptions.actions import plan_change
from app.subscriptions.agreement import Agreement, agreement_of
from app.subscriptions.queries import AgreementView, Later, PeriodView, PlanView, SubscriptionView
from app.subscriptions.rules import PAUSE_DAYS_MAX, may_revive
from app.subscriptions.states import SubscriptionState as S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from app.merchants.queries import Merchant
    from app.subscriptions.rules import Method, Unit

SUBSCRIPTIONS = "/purchases/subscriptions"


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """One in a list. ``end_url`` leads to the question before the end; None where it ends already."""

    url: str
    end_url: str | None
    shop: str
    plan: str
    price: Money
    unit: Unit
    every: int
    state: str
    next_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class PlanChoice:
    """Another plan: ``due`` is paid at once, None where it begins on ``starts_on``. ``agreed`` are the figures."""

    public_id: str
    name: str
    price: Money
    unit: Unit
    every: int
    due: Money | None
    starts_on: date
    agreed: Agreement


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """``ends_if_ended`` is the day that ending it now leads to; the ``may_...`` say what can be done now.

    ``asked`` is a dearer price that wants a yes, from ``asked_from`` on; ``later`` one that is agreed. ``charging``
    tells that a provider is being asked for money at this moment, ``way_url`` is where another way to pay is chosen.
    """

    row: SubscriptionRow
    shop_email: str
    method: Method
    label: str | None
    began: datetime
    zone: str
    ends_if_ended: date
    may_end: bool
    may_keep: bool
    may_pause: bool
    may_resume: bool
    may_revive: bool
    pause_days_max: int
    resume_on: date | None
    kept_days: int
    asked: Money | None
    asked_from: date | None
    later: Money | None
    later_plan: str | None
    later_from: date | None
    revival: Agreement | None
    choices: Sequence[PlanChoice]
    periods: Sequence[PeriodView]
    agreements: Sequence[AgreementView]
    charging: bool
    way_url: str | None


def row_of(sub: SubscriptionView, shop: Merchant, lang: str) -> SubscriptionRow:
    url = f"{SUBSCRIPTIONS}/{sub.public_id}"
    goes_on = sub.state in {S.TRIALING, S.ACTIVE, S.PAST_DUE, S.PAUSED}
    return SubscriptionRow(
        url=url,
        end_url=f"{url}/end" if goes_on else None,
        shop=shop.name,
        plan=sub.terms.name(lang),
        price=sub.price,
        unit=sub.terms.unit,
        every=sub.terms.every,
        state=sub.state.value,
        next_on=sub.course.ends_on,
        ends_on=sub.ended_on or sub.cancel_on,
    )


@dataclass(frozen=True, slots=True)
class Around:
    """What a page tells beside the subscription itself."""

    plans: Sequence[PlanView]
    periods: Sequence[PeriodView]
    agreements: Sequence[AgreementView]


def page_of(
    sub: SubscriptionView, shop: Merchant, around: Around, lang: str, now: datetime
) -> SubscriptionPage:
    today = shop.local_date(now)
    charging = any(each.paid_at is None and each.lapsed_at is None for each in around.periods)
    revivable = sub.ended_on is not None and may_revive(sub.ended_on, today) and not charging
    revival = actions.revival_of(shop, sub, now) if revivable else None
    return SubscriptionPage(
        row=row_of(sub, shop, lang),
        shop_email=shop.contact_email,
        method=sub.method,
        label=sub.label,
        began=sub.created_at,
        zone=shop.time_zone,
        ends_if_ended=actions.ends_on(shop, sub, now),
        may_end=sub.state in {S.TRIALING, S.ACTIVE, S.PAST_DUE, S.PAUSED},
        may_keep=sub.state is S.CANCELLING,
        may_pause=sub.state is S.ACTIVE and today >= sub.bound_until and not charging,
        may_resume=sub.state is S.PAUSED,
        may_revive=revivable,
        pause_days_max=PAUSE_DAYS_MAX,
        resume_on=sub.resume_on,
        kept_days=sub.paused_days or 0,
        asked=_price(sub.asked),
        asked_from=None if sub.asked is None else sub.asked.starts_on,
        later=_price(sub.next),
        later_plan=None if sub.next is None else sub.next.terms.name(lang),
        later_from=None if sub.next is None else sub.next.starts_on,
        revival=None if revival is None else agreement_of(revival, shop, lang, today),
        choices=() if charging else tuple(_choices(sub, shop, around.plans, lang, today)),
        periods=around.periods,
        agreements=around.agreements,
        charging=charging,
        way_url=f"{SUBSCRIPTIONS}/{sub.public_id}/way" if sub.state is not S.ENDED or revivable else None,
    )


def _choices(
    sub: SubscriptionView, shop: Merchant, plans: Sequence[PlanView], lang: str, today: date
) -> list[PlanChoice]:
    """The other plans of the shop that may be taken now."""
    if sub.state not in {S.ACTIVE, S.TRIALING}:
        return []
    found = []
    for plan in plans:
        if today < sub.bound_until and plan.terms.amount_minor < sub.terms.amount_minor:
            continue
        change = plan_change(sub, plan, today)
        found.append(
            PlanChoice(
                public_id=plan.public_id,
                name=plan.terms.name(lang),
                price=Money(plan.terms.amount_minor, plan.terms.currency),
                unit=plan.terms.unit,
                every=plan.terms.every,
                due=change.due,
                starts_on=change.starts_on,
                agreed=agreement_of(change.deal, shop, lang, today),
            )
        )
    return found


def _price(later: Later | None) -> Money | None:

    return None if later is None else later.price
