"""The annual percentage rate of Directive (EU) 2023/2225, Annex III, and the directive's way to count time.

The rate X solves sum of drawdowns C_k (1+X)^(-t_k) = sum of repayments D_l (1+X)^(-s_l), with times in years
from the first drawdown. Counting of time: Commission SWD(2012) 128, section 4.1.1; that two month-ends are
whole months apart is this product's reading, where the guideline is silent.
"""

import calendar
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from math import exp, isfinite
from typing import Final, Literal

from app.plans.errors import NoRate

Years = Fraction | Decimal | int | float
Amount = Decimal | int | float
Unit = Literal["year", "month", "week"]

_FIRST_STEP: Final = 2.0**-10
_WIDENINGS: Final = 30
_REFINEMENTS: Final = 200
# Binary floats err in the 15th digit. Thirteen digits of the yearly growth keep present values equal within
# 1e-10 and let a rate that is exactly a half (3.05) stay one, so that it rounds up as the directive asks.
_GROWTH: Final = Context(prec=13)


def annual_percentage_rate(
    drawdowns: Iterable[tuple[Years, Amount]], repayments: Iterable[tuple[Years, Amount]]
) -> Decimal:
    """The rate in percent, unrounded. A flow is (years from the first drawdown, amount), years of any sign.

    Of several rates the one nearest to zero on the side of the cost is taken: a positive rate for a positive
    cost. Where that side has none (money drawn again after it was repaid), the other one is asked. No cost is
    exactly 0. Raises NoRate when an amount is negative or no number, when nothing is drawn or repaid, when all
    flows fall on one moment, or when no rate balances the two sides.
    """
    drawn = [(_number(years), amount) for years, amount in drawdowns]
    repaid = [(_number(years), amount) for years, amount in repayments]
    flows = _net_flows(drawn, repaid)
    drawn_sum, repaid_sum = _exact_sum(drawn), _exact_sum(repaid)
    if drawn_sum <= 0 or repaid_sum <= 0 or len(flows) < 2:
        raise NoRate("nothing is lent for a time and repaid")
    if drawn_sum == repaid_sum:
        return Decimal(0)
    side = 1.0 if repaid_sum > drawn_sum else -1.0
    force = _balancing_force(flows, side)
    if force is None:
        force = _balancing_force(flows, -side)
    if force is None:
        raise NoRate("no rate balances what is drawn and what is repaid")
    growth = _GROWTH.plus(Decimal(force).exp())
    return (growth - 1) * 100 + Decimal(0)


def round_apr(percent: Decimal, decimals: int) -> Decimal:
    """The percent with `decimals` digits after the point, half up as Annex III asks; never a minus zero."""
    with localcontext() as context:
        context.prec = max(28, percent.adjusted() + decimals + 4)
        return percent.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP) + Decimal(0)


def years_between(start: date, end: date, unit: Unit) -> Fraction:
    """Years from `start` to the payment date `end`, counted in one unit, the one in which payments recur.

    Whole units are counted backwards from `end` (a day that a month lacks is its last day), the days left
    over are divided by the 365 or 366 days of the year that ends where they end. An `end` before `start`
    counts as negative.
    """
    if end < start:
        return -years_between(end, start, unit)
    if unit == "week":
        weeks, days = divmod((end - start).days, 7)
        return Fraction(weeks, 52) + _part_of_year(start, start + timedelta(days=days))
    months_per_unit = {"year": 12, "month": 1}[unit]
    months = (end.year - start.year) * 12 + end.month - start.month
    if is_month_end(start) and is_month_end(end) and months % months_per_unit == 0:
        return Fraction(months, 12)
    months -= months % months_per_unit
    if add_months(end, -months) < start:
        months -= months_per_unit
    return Fraction(months, 12) + _part_of_year(start, add_months(end, -months))


def add_months(day: date, months: int) -> date:
    """The same day of another month, or that month's last day when it has no such day."""
    year, month0 = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month0 + 1, min(day.day, calendar.monthrange(year, month0 + 1)[1]))


def is_month_end(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def _part_of_year(start: date, end: date) -> Fraction:
    return Fraction((end - start).days, (end - add_months(end, -12)).days)


def _number(value: Years | Amount) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError):
        raise NoRate("times and amounts must be numbers") from None


def _exact_sum(flows: list[tuple[float, Amount]]) -> Decimal:
    """Without the noise of binary floats, so that no cost is seen as no cost: 3 x 0.1 repays 0.3."""
    total = Decimal(0)
    for _, amount in flows:
        exact = Decimal(str(amount)) if isinstance(amount, float) else Decimal(amount)
        if not exact.is_finite() or exact < 0:
            raise NoRate("amounts must be numbers that are not negative")
        total += exact
    return total


def _net_flows(
    drawn: list[tuple[float, Amount]], repaid: list[tuple[float, Amount]]
) -> list[tuple[float, float]]:
    """(years, amount) per moment, in time order; what the shopper receives is positive."""
    net: dict[float, float] = {}
    for years, amount in drawn:
        net[years] = net.get(years, 0.0) + _number(amount)
    for years, amount in repaid:
        net[years] = net.get(years, 0.0) - _number(amount)
    if not all(map(isfinite, net)):
        raise NoRate("times must be numbers")
    return sorted(net.items())


def _balancing_force(flows: list[tuple[float, float]], sign: float) -> float | None:
    """The force of interest ln(1+X), of the given sign, at which the present value of all flows is zero; None when
    that side has no such force.

    In ln(1+X) the rates of very short credits, millions of percent, are small numbers. The bracket is widened
    geometrically from zero, then narrowed by Newton steps that fall back to halving.
    """
    # Seen from the first flow (from the last for a negative rate) no power can overflow, and no root moves.
    origin = flows[0][0] if sign > 0 else flows[-1][0]
    shifted = [(years - origin, amount) for years, amount in flows]
    near, far = 0.0, sign * _FIRST_STEP
    near_value = sum(amount for _, amount in shifted)
    for _ in range(_WIDENINGS):
        far_value = _present_value(shifted, far)
        if far_value == 0.0:
            return far
        if (far_value > 0.0) != (near_value > 0.0):
            return _narrowed(shifted, near, far, near_value)
        near, far = far, far * 2.0
    return None


def _present_value(flows: list[tuple[float, float]], force: float) -> float:
    return sum(amount * exp(-force * years) for years, amount in flows)


def _narrowed(flows: list[tuple[float, float]], near: float, far: float, near_value: float) -> float:
    force = (near + far) / 2.0
    for _ in range(_REFINEMENTS):
        value = slope = 0.0
        for years, amount in flows:
            present = amount * exp(-force * years)
            value += present
            slope -= years * present
        if value == 0.0:
            return force
        if (value > 0.0) == (near_value > 0.0):
            near = force
        else:
            far = force
        step = value / slope if slope else float("inf")
        following = force - step
        if not min(near, far) < following < max(near, far):
            following = (near + far) / 2.0
        if abs(following - force) <= 1e-16 + 4e-16 * abs(force):
            return following
        force = following
    return force
