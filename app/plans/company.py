"""What a company is offered on credit: an invoice of so many days, free. Pure.

No plan of the shop is needed: how much a company may owe is the shop's to say, and above it a person decides.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final

from app.kernel.money import MAX_AMOUNT_MINOR
from app.plans.quote import Plan

NET_DAYS: Final = (14, 30)


@lru_cache(maxsize=8)
def company_plans(currency: str) -> tuple[Plan, ...]:
    """One a term of payment, the shortest first."""
    return tuple(
        Plan(
            key=f"company-{days}",
            kind="invoice",
            currency=currency,
            min_amount_minor=1,
            max_amount_minor=MAX_AMOUNT_MINOR,
            due_days=days,
            for_company=True,
        )
        for days in NET_DAYS
    )


def net_days(start: date, due: date) -> int:
    """The term that was agreed to: where its last day is none of a bank, the invoice falls due some days after it."""
    days = (due - start).days
    return max((term for term in NET_DAYS if term <= days), default=days)
