"""What an order earns, what a refund takes back, and what points are worth. Pure.

**The order of operations**, from which nothing departs:

1. A discount lowers what it is for: the items of its category when the order has some, else all items; in proportion
   to their prices, by largest remainder. An item is never worth less than nothing.
2. Each line has one rate: fees have none; shipping has the basic rate where the programme says so, else none; an item
   has the rate of its category, else the basic one. A line earns its worth times its rate, as an exact fraction.
3. The sum is multiplied by the period's multiplier, then by the tier's. Of several periods on a day, the largest holds.
4. Where the part that was paid from the wallet does not earn, the sum is cut to the part that was paid otherwise.
5. The sum is rounded to whole points, once. Lines are told in whole points that sum to it, by largest remainder.

A refund takes back in proportion to everything that was refunded so far, rounded down: parts sum to the whole, and a
full refund takes exactly what was earned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from math import lcm
from typing import Final, Literal
from zoneinfo import ZoneInfo

from app.kernel.money import MINOR_PER_MAJOR, allocate
from app.loyalty.errors import BelowMinimum, NotAStep

LineKind = Literal["item", "discount", "shipping", "fee"]
Rounding = Literal["down", "half_up"]
Why = Literal["basic", "category", "discount", "shipping_none", "fee_none", "category_none"]
"""Why a line earns as it does: at the basic rate, at its category's, as a discount on others, or not at all."""

ONE: Final = 100
"""A multiplier of one: multipliers are hundredths."""

POINTS_MAX: Final = 10**9
"""One order earns this much at most, and nothing moves more at once: far above what a shop can mean."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many points for so many minor units, exactly: (1, 100) is a point for each whole euro."""

    points: int
    per_minor: int

    @classmethod
    def per_unit(cls, hundredths: int) -> Rate:
        """From hundredths of a point for each whole unit of the currency."""
        return cls(hundredths, 100 * MINOR_PER_MAJOR)

    @property
    def hundredths_per_unit(self) -> int:
        """What somebody would type, times a hundred."""
        return self.points * 100 * MINOR_PER_MAJOR // self.per_minor

    @property
    def exact(self) -> Fraction:
        return Fraction(self.points, self.per_minor)


@dataclass(frozen=True, slots=True)
class CategoryRate:
    """What one category earns; None: nothing."""

    category: str
    rate: Rate | None


@dataclass(frozen=True, slots=True)
class Period:
    """Days on which points are multiplied, the first and the last included, by the calendar where the shop is."""

    name: str
    first: date
    last: date
    hundredths: int


@dataclass(frozen=True, slots=True)
class Tier:
    """A standing, from so many points earned in twelve months on."""

    name: str
    from_points: int
    hundredths: int


@dataclass(frozen=True, slots=True)
class Turning:
    """Points into money: so many for one whole unit of the currency, at least `minimum_points`, in whole steps."""

    points_per_unit: int
    minimum_points: int
    step_points: int

    def worth_minor(self, points: int) -> int:
        """Minor units of a whole number of steps: exact, because a step is worth whole ones."""
        return points * MINOR_PER_MAJOR // self.points_per_unit

    def turnable(self, usable_points: int) -> int:
        """The most that can be turned at once of these."""
        most = max(usable_points, 0) // self.step_points * self.step_points
        return most if most >= self.minimum_points else 0


@dataclass(frozen=True, slots=True)
class Programme:
    """One version of a shop's programme. `pending_days`: how many days after the purchase points can first be used.
    `expiry_months`: how many months they can be used from then on; None: without end."""

    active: bool
    rate: Rate
    categories: tuple[CategoryRate, ...]
    periods: tuple[Period, ...]
    tiers: tuple[Tier, ...]
    rounding: Rounding
    shipping_earns: bool
    wallet_part_earns: bool
    pending_days: int
    expiry_months: int | None
    turning: Turning

    def rate_of(self, category: str | None) -> tuple[Rate | None, Why]:
        """The rate of an item, and whose it is."""
        for each in self.categories:
            if category is not None and same_category(each.category, category):
                return each.rate, "category" if each.rate else "category_none"
        return self.rate, "basic"

    def period_on(self, day: date) -> Period | None:
        """The period that holds on a day: of several, the one that multiplies most."""
        on = [each for each in self.periods if each.first <= day <= each.last]
        return max(on, key=lambda each: each.hundredths, default=None)

    def tier_at(self, earned_points: int) -> Tier | None:
        """The highest tier that so many points in twelve months reach."""
        reached = [each for each in self.tiers if each.from_points <= earned_points]
        return max(reached, key=lambda each: each.from_points, default=None)

    def tier_after(self, earned_points: int) -> Tier | None:
        """The next tier to reach."""
        ahead = [each for each in self.tiers if each.from_points > earned_points]
        return min(ahead, key=lambda each: each.from_points, default=None)


def same_category(one: str, other: str) -> bool:
    """Categories are compared as people read them: without regard to case and outer space."""
    return one.strip().casefold() == other.strip().casefold()


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line of what was bought, in minor units with VAT; only a discount is negative."""

    kind: LineKind
    name: str
    category: str | None
    total_minor: int


@dataclass(frozen=True, slots=True)
class Sale:
    """What was bought on which day (the shop's calendar), and how much of it was paid from the wallet."""

    lines: tuple[SaleLine, ...]
    paid_on: date
    wallet_minor: int = 0

    @property
    def total_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class EarnedLine:
    """How one line earned. `base_minor` is its price less its part of the discounts; `points` its part of the whole."""

    kind: LineKind
    name: str
    category: str | None
    total_minor: int
    base_minor: int
    rate: Rate | None
    why: Why
    points: int


@dataclass(frozen=True, slots=True)
class Earned:
    """What a sale earned, step by step. `basic_points` is what its lines come to before any multiplier and cut, rounded
    down: for telling, not for reckoning."""

    points: int
    basic_points: int
    lines: tuple[EarnedLine, ...]
    period: Period | None
    tier: Tier | None
    total_minor: int
    not_earning_minor: int
    rounding: Rounding


def earn(programme: Programme, sale: Sale, tier: Tier | None) -> Earned:
    """What this sale earns under this programme in this tier: the steps at the head of this file, in their order."""
    bases = _less_discounts(sale.lines)
    rates = [_rate_of(programme, line) for line in sale.lines]
    exact = [
        base * rate.exact if rate is not None and base > 0 else Fraction(0)
        for base, (rate, _) in zip(bases, rates, strict=True)
    ]
    basic = sum(exact, Fraction(0))
    period = programme.period_on(sale.paid_on)
    whole = basic * Fraction(period.hundredths if period else ONE, ONE)
    whole *= Fraction(tier.hundredths if tier else ONE, ONE)
    not_earning = (
        0 if programme.wallet_part_earns else min(max(sale.wallet_minor, 0), max(sale.total_minor, 0))
    )
    if not_earning:
        whole *= Fraction(sale.total_minor - not_earning, sale.total_minor)
    points = min(_rounded(whole, programme.rounding), POINTS_MAX)
    parts = _parts(points, exact)
    lines = tuple(
        EarnedLine(line.kind, line.name, line.category, line.total_minor, base, rate, why, part)
        for line, base, (rate, why), part in zip(sale.lines, bases, rates, parts, strict=True)
    )
    return Earned(
        points=points,
        basic_points=int(basic),
        lines=lines,
        period=period,
        tier=tier,
        total_minor=sale.total_minor,
        not_earning_minor=not_earning,
        rounding=programme.rounding,
    )


def _rate_of(programme: Programme, line: SaleLine) -> tuple[Rate | None, Why]:
    if line.kind == "discount":
        return None, "discount"
    if line.kind == "fee":
        return None, "fee_none"
    if line.kind == "shipping":
        return (programme.rate, "basic") if programme.shipping_earns else (None, "shipping_none")
    return programme.rate_of(line.category)


def _less_discounts(lines: Sequence[SaleLine]) -> list[int]:
    """The worth of each line: items less their part of the discounts, discounts themselves nothing."""
    bases = [line.total_minor if line.kind != "discount" else 0 for line in lines]
    for discount in lines:
        if discount.kind == "discount":
            _spread(discount, lines, bases)
    return bases


def _spread(discount: SaleLine, lines: Sequence[SaleLine], bases: list[int]) -> None:
    items = [index for index, line in enumerate(lines) if line.kind == "item"]
    named = [index for index in items if _is_for(discount, lines[index])]
    touched = named if any(bases[index] for index in named) else items
    weights = [bases[index] for index in touched]
    worth = sum(weights)
    if worth <= 0:
        return
    for index, part in zip(touched, allocate(min(-discount.total_minor, worth), weights), strict=True):
        bases[index] -= part


def _is_for(discount: SaleLine, item: SaleLine) -> bool:
    if discount.category is None or item.category is None:
        return False
    return same_category(discount.category, item.category)


def _rounded(exact: Fraction, rounding: Rounding) -> int:
    return int(exact + Fraction(1, 2)) if rounding == "half_up" else int(exact)


def _parts(points: int, exact: Sequence[Fraction]) -> list[int]:
    """Whole points of each line, in proportion to what it earned; they sum to the whole."""
    if not any(exact):
        return [0] * len(exact)
    scale = lcm(*(each.denominator for each in exact))
    return allocate(points, [int(each * scale) for each in exact])


def taken_back(earned_points: int, total_minor: int, refunded_minor: int) -> int:
    """How many of an order's points are gone once so much of its total was refunded in all."""
    if total_minor <= 0:
        return 0
    return earned_points * min(max(refunded_minor, 0), total_minor) // total_minor


def turned_minor(turning: Turning, points: int) -> int:
    """What so many points are worth when they are turned now. Raises BelowMinimum, NotAStep."""
    if points < turning.minimum_points or points <= 0:
        raise BelowMinimum(turning.minimum_points, points)
    if points % turning.step_points:
        raise NotAStep(turning.step_points, points)
    return turning.worth_minor(points)


# --- when points can be used ----------------------------------------------------------------------------------


def usable_from(programme: Programme, paid_at: datetime, zone: str) -> datetime | None:
    """The first moment of the day after the return window, where the shop is; None: at once."""
    if programme.pending_days == 0:
        return None
    paid_on = paid_at.astimezone(ZoneInfo(zone)).date()
    return _morning_of(paid_on + timedelta(days=programme.pending_days + 1), zone)


def expires_at(programme: Programme, paid_at: datetime, zone: str) -> datetime | None:
    """When what an order earned lapses; None: never."""
    return given_until(programme, usable_from(programme, paid_at, zone) or paid_at, zone)


def given_until(programme: Programme, from_at: datetime, zone: str) -> datetime | None:
    """The morning after the last day on which points can be used that are usable from then on; None: never."""
    if programme.expiry_months is None:
        return None
    first = from_at.astimezone(ZoneInfo(zone)).date()
    return _morning_of(months_later(first, programme.expiry_months) + timedelta(days=1), zone)


def a_year_before(now: datetime) -> datetime:
    """Where the twelve months begin that a tier looks at."""
    before = months_later(now.date(), -12)
    return datetime.combine(before, now.timetz())


def months_later(day: date, months: int) -> date:
    """The same day of another month, or its last one when the month is shorter."""
    month = day.year * 12 + day.month - 1 + months
    year, index = divmod(month, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, index + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def _morning_of(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))
