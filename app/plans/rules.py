"""What a plan may be, and the plans that a new merchant starts from. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from app.kernel.money import CURRENCIES, MAX_AMOUNT_MINOR
from app.plans.errors import PlanRefused
from app.plans.quote import Plan

MONTHS_MAX: Final = 120
DUE_DAYS_MAX: Final = 365
RATE_MAX: Final = Decimal(100)
_RATE_STEP: Final = Decimal("0.0001")
_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)

# The smallest instalment of the standard plan: about twenty euros, round in each currency.
_MIN_INSTALMENT_MINOR: Final = {"EUR": 20_00, "SEK": 200_00, "DKK": 150_00}
_MAX_AMOUNT_MINOR: Final = {"EUR": 3_000_00, "SEK": 30_000_00, "DKK": 20_000_00}


def standard_plans(currency: str) -> tuple[Plan, ...]:
    """What a new merchant starts from: a free invoice of 14 days; 3 to 36 months at 14.9 %, no fees."""
    largest = _MAX_AMOUNT_MINOR[currency]
    return (
        Plan(
            key="invoice",
            kind="invoice",
            currency=currency,
            min_amount_minor=1,
            max_amount_minor=largest,
            due_days=14,
        ),
        Plan(
            key="instalments",
            kind="instalments",
            currency=currency,
            min_amount_minor=3 * _MIN_INSTALMENT_MINOR[currency],
            max_amount_minor=largest,
            nominal_rate=Decimal("14.9"),
            min_months=3,
            max_months=36,
            min_instalment_minor=_MIN_INSTALMENT_MINOR[currency],
        ),
    )


def check(plan: Plan) -> None:
    """Every field within its own bounds; what the law allows is asked elsewhere. Raises PlanRefused."""
    if _KEY.fullmatch(plan.key) is None:
        raise PlanRefused("key")
    if plan.currency not in CURRENCIES:
        raise PlanRefused("currency")
    if not 1 <= plan.min_amount_minor <= plan.max_amount_minor <= MAX_AMOUNT_MINOR:
        raise PlanRefused("max_amount_minor")
    rate = plan.nominal_rate
    if not rate.is_finite() or not 0 <= rate <= RATE_MAX or rate % _RATE_STEP:
        raise PlanRefused("nominal_rate")
    for field in ("fee_minor", "arrangement_fee_minor", "paper_fee_minor", "min_instalment_minor"):
        if not 0 <= getattr(plan, field) <= MAX_AMOUNT_MINOR:
            raise PlanRefused(field)
    _check_time(plan)


def _check_time(plan: Plan) -> None:
    if plan.kind == "invoice":
        if not 1 <= plan.due_days <= DUE_DAYS_MAX:
            raise PlanRefused("due_days")
        if (plan.min_months, plan.max_months, plan.interest_free_months) != (0, 0, 0):
            raise PlanRefused("max_months")
        return
    if not 1 <= plan.min_months <= plan.max_months <= MONTHS_MAX:
        raise PlanRefused("max_months")
    if not 0 <= plan.interest_free_months <= plan.max_months:
        raise PlanRefused("interest_free_months")
