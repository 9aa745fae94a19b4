"""Which of a shop's plans take a sum, in the shop's own order; and whether anybody can pay one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from app.checkout.purse import WALLET
from app.law.queries import may_offer_credit_live
from app.law.rules import law_of
from app.merchants.queries import Merchant
from app.plans.caps import caps_broken_by_plan
from app.plans.queries import plans_of
from app.plans.quote import Kind, Plan, terms


async def plans_for(
    merchant: Merchant, currency: str, amount_minor: int, *, on: date, live: bool
) -> dict[Kind, Plan]:
    """What a merchant may offer on a day; in live mode only where the operator has vouched for the law's figures."""
    if live and not await may_offer_credit_live(merchant.country, on):
        return {}
    return plans_on_offer(await plans_of(merchant.id), merchant.country, currency, amount_minor, on=on)


def plans_on_offer(
    plans: Sequence[Plan], country: str, currency: str, amount_minor: int, *, on: date
) -> dict[Kind, Plan]:
    """The plan of each kind that takes a sum; one of another currency or another range of sums is left out, and one
    that breaks a cap of the law as it stands on that day."""
    law = law_of(country)
    found: dict[Kind, Plan] = {}
    if currency != law.currency:
        return found
    for plan in plans:
        if plan.currency == currency and plan.takes(amount_minor) and plan.kind not in found:
            if plan.kind == "instalments" and not terms(plan, amount_minor):
                continue
            if not caps_broken_by_plan(plan, country, on):
                found[plan.kind] = plan
    return found


async def nobody_can_pay(
    merchant: Merchant, currency: str, sums_minor: Sequence[int], buyer: str, now: datetime, *, live: bool
) -> bool:
    """Whether none of these sums can be paid by a link: no plan takes it, and the shop has no wallet for the rest."""
    if merchant.has(WALLET) and currency == law_of(merchant.country).currency:
        return False
    if buyer != "consumer":
        return True
    today = merchant.local_date(now)
    offers = [await plans_for(merchant, currency, each, on=today, live=live) for each in sums_minor]
    return not any(offers)
