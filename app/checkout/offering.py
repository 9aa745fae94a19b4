"""Which ways to pay a sum are open to a buyer of a shop, why the others are not, and whether anybody can pay one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from app.checkout.purse import WALLET
from app.law.queries import may_offer_credit_live
from app.law.rules import law_of
from app.merchants.queries import Merchant
from app.payments.methods import Absent, Buyer, Facts, Health, Reason, Shown, absent, methods_for, shown
from app.payments.ports import ProviderMethod
from app.plans.caps import caps_broken_by_plan
from app.plans.company import company_plans
from app.plans.queries import plans_of
from app.plans.quote import Kind, Method, Plan, terms

KINDS: Final[tuple[Kind, ...]] = ("invoice", "instalments")


@dataclass(frozen=True, slots=True)
class Doors:
    """What the deployment has behind its ways to pay: whether it is live, which providers there are, how they do."""

    live: bool
    providers: Collection[ProviderMethod] = ()
    health: Mapping[ProviderMethod, Health] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A buyer with something to pay. `categories` are those of the goods; `recurring` that it begins a subscription."""

    buyer: Buyer
    currency: str
    amount_minor: int
    categories: frozenset[str] = frozenset()
    recurring: bool = False


@dataclass(frozen=True, slots=True)
class Offering:
    """Every way to pay in the order of the country's law, shown or absent with its reason; `plans` has the plan behind
    each kind of credit that is shown, `company_plans` every term of payment of a company's invoice."""

    judged: tuple[Shown | Absent, ...]
    plans: Mapping[Kind, Plan]
    company_plans: tuple[Plan, ...] = ()

    @property
    def shown(self) -> tuple[Shown, ...]:
        return shown(self.judged)

    @property
    def absent(self) -> tuple[Absent, ...]:
        return absent(self.judged)

    @property
    def methods(self) -> tuple[Method, ...]:
        return tuple(each.method for each in self.shown)


async def offering_for(merchant: Merchant, asked: Asked, doors: Doors, *, on: date) -> Offering:
    """What a buyer is offered for a sum on a day. No query while the shop's plans are kept."""
    credit_is_lawful = not doors.live or await may_offer_credit_live(merchant.country, on)
    of_company = company_plans(asked.currency) if asked.buyer == "business" else ()
    candidates = of_company or await plans_of(merchant.id)
    plans, why_not = plans_or_reasons(candidates, merchant.country, asked.currency, asked.amount_minor, on=on)
    no_plan: Mapping[Kind, Reason] = (
        why_not if credit_is_lawful else dict.fromkeys(KINDS, "law_not_confirmed")
    )
    judged = methods_for(
        Facts(
            country=merchant.country,
            currency=asked.currency,
            buyer=asked.buyer,
            amount_minor=asked.amount_minor,
            wallet=merchant.has(WALLET),
            no_plan=no_plan,
            providers=doors.providers,
            health=doors.health,
            terms=merchant.methods,
            categories=asked.categories,
            recurring=asked.recurring,
        )
    )
    kinds = {each.method for each in shown(judged)}
    return Offering(
        judged,
        {kind: plan for kind, plan in plans.items() if kind in kinds},
        of_company if "invoice" in kinds else (),
    )


async def plans_for(
    merchant: Merchant, currency: str, amount_minor: int, *, on: date, live: bool
) -> Mapping[Kind, Plan]:
    """The credit that a consumer is offered; in live mode only where the operator has vouched for the law's figures."""
    asked = Asked("consumer", currency, amount_minor)
    return (await offering_for(merchant, asked, Doors(live), on=on)).plans


def plans_or_reasons(
    plans: Sequence[Plan], country: str, currency: str, amount_minor: int, *, on: date
) -> tuple[dict[Kind, Plan], dict[Kind, Reason]]:
    """The first plan of each kind that takes a sum, in the shop's own order, and for the other kinds why none does.

    One of another currency or another range of sums is left out, and one that breaks a cap of the law as it stands on
    that day.
    """
    found: dict[Kind, Plan] = {}
    reasons: dict[Kind, Reason] = dict.fromkeys(KINDS, "no_plan")
    if currency != law_of(country).currency:
        return found, reasons
    for plan in plans:
        if plan.currency != currency or plan.kind in found:
            continue
        reason = _why_not(plan, country, amount_minor, on)
        if reason is None:
            found[plan.kind] = plan
        else:
            reasons[plan.kind] = reason
    return found, {kind: reason for kind, reason in reasons.items() if kind not in found}


def _why_not(plan: Plan, country: str, amount_minor: int, on: date) -> Reason | None:
    if amount_minor < plan.min_amount_minor:
        return "below_minimum"
    if amount_minor > plan.max_amount_minor:
        return "above_maximum"
    if plan.kind == "instalments" and not terms(plan, amount_minor):
        return "below_minimum"
    if plan.for_company:
        return None
    return "against_the_law" if caps_broken_by_plan(plan, country, on) else None


async def nobody_can_pay(
    merchant: Merchant,
    currency: str,
    sums_minor: Sequence[int],
    buyer: Buyer,
    now: datetime,
    doors: Doors,
) -> bool:
    """Whether none of these sums can be paid by a link, in any way."""
    today = merchant.local_date(now)
    for amount_minor in sums_minor:
        offering = await offering_for(merchant, Asked(buyer, currency, amount_minor), doors, on=today)
        if offering.shown:
            return False
    return True
