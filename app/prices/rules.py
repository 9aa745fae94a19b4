"""What a shop pays for a month: a percent of its purchases, an amount, its modules. Pure.

Each line is rounded half up once. A refund takes back what its purchase came to, at that purchase's own percent; a
month with more refunds than purchases is below zero, and the shop has that back.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from app.kernel.money import half_up_ratio
from app.merchants.rules import Module, ModuleState

PERCENT_BPS_MAX: Final = 1_000
MONTHLY_MAX_MINOR: Final = 10_000_000_000
BPS: Final = 10_000

LineKind = Literal["percent", "monthly", "module"]


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """A price plan as the operator set it once, at `percent_from`: `percent_bps` of every purchase since (100 is 1 %),
    and `monthly_minor` for each month from `monthly_from` on. Minor units of `currency`."""

    number: int
    percent_bps: int
    monthly_minor: int
    currency: str
    percent_from: datetime
    monthly_from: date


@dataclass(frozen=True, slots=True)
class Sales:
    """Purchases of a month under one percentage, and what was refunded of such; minor units, neither below zero."""

    percent_bps: int
    bought_minor: int
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a month, `amount_minor` in the shop's currency. The rest says how it came: percent lines have
    `sales`, monthly lines `price_minor`, lines of a module its price and for how many of the month's days."""

    kind: LineKind
    amount_minor: int
    sales: Sales | None = None
    price_minor: int | None = None
    module: Module | None = None
    days: int | None = None
    month_days: int | None = None


def month_of(day: date) -> date:
    """Its first day, by which a month is known."""
    return day.replace(day=1)


def month_after(month: date) -> date:
    return month_of(month + timedelta(days=31))


def monthly_version(versions: Sequence[PlanVersion], month: date) -> PlanVersion | None:
    """Whose amount this month costs. A version set during a month begins with the next one."""
    return max(
        (each for each in versions if each.monthly_from <= month), key=lambda each: each.number, default=None
    )


def lines_of(
    month: date,
    versions: Sequence[PlanVersion],
    sales: Sequence[Sales],
    modules: Sequence[ModuleState],
    zone: ZoneInfo,
) -> tuple[Line, ...]:
    """Every line of a month: percents first, the lowest one before the others, then the amount, then modules.

    `modules` are all changes there were, in the order they were made; days are those of `zone`.
    """
    lines = [percent_line(each) for each in sorted(sales, key=lambda each: each.percent_bps)]
    fixed = monthly_version(versions, month)
    if fixed is not None and fixed.monthly_minor:
        lines.append(Line("monthly", fixed.monthly_minor, price_minor=fixed.monthly_minor))
    by_module: dict[Module, list[ModuleState]] = {}
    for state in modules:
        by_module.setdefault(state.module, []).append(state)
    found = (module_line(month, states, zone) for states in by_module.values())
    return (*lines, *(line for line in found if line is not None))


def total_of(lines: Sequence[Line]) -> int:
    return sum(line.amount_minor for line in lines)


def percent_line(sales: Sales) -> Line:
    """The percent of what was bought less what was refunded, half up; below zero as far from zero as above."""
    base = sales.bought_minor - sales.refunded_minor
    return Line("percent", half_up_ratio(base * sales.percent_bps, BPS), sales=sales)


def module_line(month: date, states: Sequence[ModuleState], zone: ZoneInfo) -> Line | None:
    """What one module costs for a month; None when it was off, or is included.

    A month costs the price that stood at its beginning, times the days on which the module was on, of the days of the
    month. A day counts once and whole, however short the module was on. A module that was off when the month began
    costs the price at which it was first switched on in it: the one that its owner has read. A price that is set while
    it is on holds from the next month.
    """
    price = _price(month, states, zone)
    days = _days_on(month, states, zone)
    if not price or not days:
        return None
    month_days = monthrange(month.year, month.month)[1]
    return Line(
        "module",
        half_up_ratio(price * days, month_days),
        price_minor=price,
        module=states[0].module,
        days=days,
        month_days=month_days,
    )


def _price(month: date, states: Sequence[ModuleState], zone: ZoneInfo) -> int:
    before = [each for each in states if _day(each, zone) < month]
    if before and before[-1].is_on:
        return before[-1].price_minor
    return next((each.price_minor for each in states if each.is_on and _day(each, zone) >= month), 0)


def _days_on(month: date, states: Sequence[ModuleState], zone: ZoneInfo) -> int:
    last = month_after(month) - timedelta(days=1)
    on: set[int] = set()
    for state, following in zip(states, (*states[1:], None), strict=True):
        if not state.is_on:
            continue
        begins = max(month, _day(state, zone))
        ends = last if following is None else min(last, _day(following, zone))
        on.update(range(begins.toordinal(), ends.toordinal() + 1))
    return len(on)


def _day(state: ModuleState, zone: ZoneInfo) -> date:
    return state.at.astimezone(zone).date()
