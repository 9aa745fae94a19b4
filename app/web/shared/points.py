"""How an order came to its points, ready for the locale's filters: for the shopper's page and the shop's alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.kernel.money import MINOR_PER_MAJOR, Money
from app.loyalty.queries import EarningView, earning_of
from app.loyalty.rules import EarnedLine, Period, Tier
from app.merchants.queries import Merchant


@dataclass(frozen=True, slots=True)
class EarnedLineView:
    """One line of the order. `base` is its price less its part of the discounts; `rate_hundredths` the points for one
    whole unit of the currency, in hundredths, None where it earns nothing for the reason `why`."""

    name: str
    base: Money
    rate_hundredths: int | None
    why: str
    points: int


@dataclass(frozen=True, slots=True)
class EarnedView:
    """Everything `components/_earned.html` tells. `one` is one whole unit of the currency; `zone` the shop's."""

    lines: Sequence[EarnedLineView]
    points: int
    taken_back: int
    period: Period | None
    tier: Tier | None
    not_earning: Money
    rounded_down: bool
    usable_from: datetime | None
    expires_at: datetime | None
    one: Money
    zone: str


async def earned_of(order_id: str, merchant: Merchant) -> EarnedView | None:
    """By the order's public id; None for an order that came under no programme."""
    found = await earning_of(merchant.id, order_id)
    return None if found is None else earned_view(found, merchant.currency, merchant.time_zone)


def earned_view(earning: EarningView, currency: str, zone: str) -> EarnedView:
    earned = earning.earned
    return EarnedView(
        lines=[_line(line, currency) for line in earned.lines],
        points=earning.points,
        taken_back=earning.taken_back,
        period=earned.period,
        tier=earned.tier,
        not_earning=Money(earned.not_earning_minor, currency),
        rounded_down=earned.rounding == "down",
        usable_from=earning.usable_from,
        expires_at=earning.expires_at,
        one=Money(MINOR_PER_MAJOR, currency),
        zone=zone,
    )


def _line(line: EarnedLine, currency: str) -> EarnedLineView:
    return EarnedLineView(
        name=line.name,
        base=Money(line.base_minor, currency),
        rate_hundredths=line.rate.hundredths_per_unit if line.rate else None,
        why=line.why,
        points=line.points,
    )
