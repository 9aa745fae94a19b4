"""Plans of any shape, each for one amount alone, so that no other fits the basket it is bought with."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from app.plans.caps import caps_broken_by_plan
from app.plans.quote import Plan, Quote

# Short terms most often, the longest now and then.
MONTHS: Final = (1, 2, 2, 3, 3, 3, 4, 4, 5, 6, 6, 7, 9, 12, 24, 36)


def a_random_plan(rng: random.Random, key: str, amount_minor: int) -> Plan:
    """A plan for this one amount, of any shape that the bounds allow."""
    if rng.random() < 0.2:
        days, fee = rng.choice((7, 14, 30, 60)), rng.choice((0, 195, 290))
        return Plan(key, "invoice", "EUR", amount_minor, amount_minor, due_days=days, paper_fee_minor=fee)
    months = rng.choice(MONTHS)
    return Plan(
        key,
        "instalments",
        "EUR",
        amount_minor,
        amount_minor,
        style=rng.choice(("annuity", "equal_principal")),
        nominal_rate=Decimal(rng.choice((0, rng.randint(1, 1500)))) / 100,
        min_months=months,
        max_months=months,
        interest_free_months=rng.choice((0, 0, rng.randint(0, months))),
        fee_minor=rng.choice((0, 0, rng.randint(1, 300))),
        arrangement_fee_minor=rng.choice((0, 0, rng.randint(1, 500))),
    )


def a_random_amount(rng: random.Random) -> int:
    """From a euro to three thousand, small sums as often as large ones."""
    return int(10 ** rng.uniform(2, 5.47))


def lawful_plans(rng: random.Random, on: date) -> Iterator[Plan]:
    """Random plans that keep the Finnish caps on that day, endlessly; no two are for one amount."""
    taken: set[int] = set()
    while True:
        amount_minor = a_random_amount(rng)
        plan = a_random_plan(rng, f"plan-{len(taken)}", amount_minor)
        if amount_minor not in taken and not caps_broken_by_plan(plan, "FI", on):
            taken.add(amount_minor)
            yield plan


def as_told(quote: Quote) -> dict[str, object]:
    """A quote as the contract words it."""
    return {
        "id": quote.id,
        "hash": quote.hash,
        "method": quote.method,
        "delivery": quote.delivery,
        "months": quote.months,
        "wallet_minor": quote.wallet_minor,
        "paid_minor": quote.paid_minor,
        "amount_minor": quote.amount_minor,
        "interest_minor": quote.interest_minor,
        "fees_minor": quote.fees_minor,
        "total_payable_minor": quote.total_payable_minor,
        "monthly_minor": quote.monthly_minor,
        "nominal_rate": f"{quote.nominal_rate:f}",
        "apr": f"{quote.apr:f}",
        "schedule": [
            {
                "number": row.number,
                "due": row.due.isoformat(),
                "amount_minor": row.amount_minor,
                "principal_minor": row.principal_minor,
                "interest_minor": row.interest_minor,
                "fee_minor": row.fee_minor,
            }
            for row in quote.schedule
        ],
    }
