"""What a country's law lets a plan cost: each cap as the law file has it, and which of them an offer breaks. Pure.

Readings, each the stricter where the sources leave a choice (docs/plans.md says more):
- Every fee of a quote counts as a cost of credit, that of paper too, although nobody must choose paper.
- A cap by the day counts the days from the purchase to the last due date; a cap by the year is taken pro rata.
- While a reference rate is unknown, a cap that adds to it is its margin alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal

from app.kernel.money import MAX_AMOUNT_MINOR
from app.law.rules import CountryLaw, Figure, Trust, law_of
from app.plans.apr import add_months, annual_percentage_rate
from app.plans.errors import CapBroken, CurrencyMismatch
from app.plans.quote import DELIVERIES, Kind, Plan, Quote, is_too_small, make_quote
from app.plans.schedule import instalments, monthly_minor

Unit = Literal["percent", "minor"]

_DAYS_OF_YEAR: Final = 365
_APR_CAPS: Final = frozenset(
    {"apr_cap_percent", "apr_cap_times_default_interest", "apr_marketing_cap_percent"}
)
# Amounts so many times as large show what instalments come to before they are rounded.
_FINE: Final = 10**6
_ROUNDED_UP: Final = Decimal("1.5")


@dataclass(frozen=True, slots=True)
class BrokenCap:
    """One cap and what was found above it, in percent or in minor units; `key` is the law file's."""

    key: str
    limit: Decimal
    found: Decimal
    unit: Unit
    source: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class Cost:
    """What caps look at: one amount lent for `days`, within `months` begun, and all that it costs."""

    method: Kind
    amount_minor: int
    interest_minor: int
    fees_minor: int
    nominal_rate: Decimal
    apr: Decimal
    days: int
    months: int

    @property
    def percent_of_credit(self) -> Decimal:
        return Decimal(100 * (self.interest_minor + self.fees_minor)) / self.amount_minor


@lru_cache(maxsize=2048)
def broken_caps(quote: Quote) -> tuple[BrokenCap, ...]:
    """The caps that this very offer breaks by the law of its country on its first day; empty for a lawful one, and
    where nothing is lent to a consumer."""
    if not quote.is_consumer_credit:
        return ()
    return tuple(_broken(_cost_of(quote), law_of(quote.country), quote.start))


@lru_cache(maxsize=1024)
def caps_broken_by_plan(plan: Plan, country: str, on: date) -> tuple[BrokenCap, ...]:
    """The caps that some offer of the plan would break, each once: looked for where a plan is dearest.

    That is the smallest amount of every term, over the fewest days that the term can have, and with it the most that
    the rounding to minor units can add at any amount above. Kept per day, because step 1 asks for every shopper.
    Raises CurrencyMismatch when the country lends in another currency.
    """
    law = law_of(country)
    if plan.currency != law.currency:
        raise CurrencyMismatch(plan.currency, law.currency)
    found: dict[str, BrokenCap] = {}
    for cost in _dearest_costs(plan, country, on):
        for broken in _broken(cost, law, on):
            found.setdefault(broken.key, broken)
    return tuple(found.values())


@lru_cache(maxsize=256)
def may_be_advertised(plans: tuple[Plan, ...], country: str, on: date) -> bool:
    """Whether the country lets a firm with these plans advertise credit at all: Denmark does not where any of them
    comes above a rate of its own, lower than that of the plans themselves."""
    law = law_of(country)
    cap = law.find("apr_marketing_cap_percent", on)
    return cap is None or all(
        cost.apr <= cap.value
        for plan in plans
        if plan.currency == law.currency
        for cost in _dearest_costs(plan, country, on)
    )


def check_caps(plan: Plan, country: str, on: date) -> None:
    """Raises CapBroken with the first cap that the plan breaks, and CurrencyMismatch."""
    for broken in caps_broken_by_plan(plan, country, on):
        raise_broken(broken)


def raise_broken(broken: BrokenCap) -> None:
    raise CapBroken(broken.key, broken.limit, broken.found, broken.unit, broken.source, broken.trust)


def _broken(cost: Cost, law: CountryLaw, on: date) -> Iterator[BrokenCap]:
    for figure, limit, found, unit in _compared(cost, law, on):
        if found > limit:
            yield BrokenCap(figure.key, limit, found, unit, figure.source, figure.trust)


def _compared(cost: Cost, law: CountryLaw, on: date) -> Iterator[tuple[Figure, Decimal, Decimal, Unit]]:
    """Each cap in force that concerns this cost: its figure, the limit, what the cost comes to, in which unit."""
    figures = _figures(law.country, on)
    interest = law.interest_cap(on)
    if interest is not None:
        yield figures["interest_cap_margin_percent"], interest.percent, cost.nominal_rate, "percent"
    if "apr_cap_percent" in figures:
        yield figures["apr_cap_percent"], figures["apr_cap_percent"].value, cost.apr, "percent"
    if "apr_cap_times_default_interest" in figures:
        times = figures["apr_cap_times_default_interest"]
        yield times, times.value * _default_interest(figures), cost.apr, "percent"
    if "total_cost_cap_percent_of_credit" in figures:
        cap = figures["total_cost_cap_percent_of_credit"]
        yield cap, cap.value, cost.percent_of_credit, "percent"
    for key, months in (
        ("total_cost_cap_percent_to_one_month", 1),
        ("total_cost_cap_percent_to_three_months", 3),
    ):
        if key in figures and cost.months <= months:
            yield figures[key], figures[key].value, cost.percent_of_credit, "percent"
    if "credit_cost_percent_per_day" in figures:
        per_day = figures["credit_cost_percent_per_day"]
        yield per_day, _daily_limit(cost, figures), Decimal(cost.fees_minor), "minor"
    if "instalment_fees_cap_minor" in figures and cost.method == "instalments":
        fees = figures["instalment_fees_cap_minor"]
        yield fees, fees.value, Decimal(cost.fees_minor), "minor"


def _default_interest(figures: dict[str, Figure]) -> Decimal:
    base = figures.get("base_rate_percent")
    return figures["default_interest_margin_percent"].value + (base.value if base else 0)


def _daily_limit(cost: Cost, figures: dict[str, Figure]) -> Decimal:
    """So much of the amount for each day and so much a year, but a fixed sum is always allowed from some days on."""
    limit = cost.amount_minor * figures["credit_cost_percent_per_day"].value / 100 * cost.days
    limit = min(limit, figures["credit_cost_per_year_minor"].value * cost.days / _DAYS_OF_YEAR)
    if cost.days >= figures["credit_cost_floor_from_days"].value:
        limit = max(limit, figures["credit_cost_floor_minor"].value)
    return limit


@lru_cache(maxsize=64)
def _figures(country: str, on: date) -> dict[str, Figure]:
    law = law_of(country)
    return {figure.key: law.figure(figure.key, on) for figure in law.figures if figure.holds_on(on)}


def _cost_of(quote: Quote) -> Cost:
    method = quote.method
    assert method == "invoice" or method == "instalments", "what is paid at once lends nothing"  # noqa: PLR1714  narrows
    months = quote.months
    while not months or (quote.method == "invoice" and add_months(quote.start, months) < quote.last_due):
        months += 1
    return Cost(
        method=method,
        amount_minor=quote.amount_minor,
        interest_minor=quote.interest_minor,
        fees_minor=quote.fees_minor,
        nominal_rate=quote.nominal_rate,
        apr=Decimal(quote.apr_exact),
        days=(quote.last_due - quote.start).days,
        months=months,
    )


def _dearest_costs(plan: Plan, country: str, on: date) -> Iterator[Cost]:
    if plan.kind == "invoice":
        for delivery in DELIVERIES["invoice"]:
            quote = make_quote(
                plan, plan.min_amount_minor, plan.currency, country, on, merchant="", delivery=delivery
            )
            yield _lasting(_cost_of(quote), plan.due_days)
        return
    is_rate_capped = not _APR_CAPS.isdisjoint(_figures(country, on))
    for months in range(max(plan.min_months, 1), plan.max_months + 1):
        amount = _smallest_amount(plan, months)
        if amount is not None:
            quote = make_quote(plan, amount, plan.currency, country, on, months, merchant="")
            cost = _lasting(_cost_of(quote), _fewest_days(months))
            yield cost
            if is_rate_capped:
                yield replace(cost, apr=max(cost.apr, _apr_with_rounding(plan, quote)))


def _lasting(cost: Cost, days: int) -> Cost:
    return replace(cost, days=min(days, cost.days))


def _apr_with_rounding(plan: Plan, smallest: Quote) -> Decimal:
    """What no annual percentage rate of the term exceeds, in percent: an amount just above the smallest may be rounded
    up where the smallest was rounded down.

    Rounding the interest adds half a unit a month at most, so the level amount of an annuity is below the exact one
    and a unit and a half; a principal of equal parts is below its exact share and a unit. Beside a larger amount that
    is less. And rounded interest is never above twice the exact one: what is below half a unit is none.
    """
    if not smallest.interest_minor + smallest.fees_minor + plan.nominal_rate:
        return Decimal(0)
    amount, pricing = smallest.amount_minor, replace(plan.pricing, fee_minor=0, arrangement_fee_minor=0)
    fine = instalments(
        amount * _FINE, smallest.months, pricing, start=smallest.start, country=smallest.country
    )
    repaid = [
        (Fraction(row.number, 12), Decimal(row.amount_minor) / _FINE + _ROUNDED_UP + given.fee_minor)
        for row, given in zip(fine, smallest.schedule, strict=True)
    ]
    percent = annual_percentage_rate([(0, amount)], repaid)
    if smallest.fees_minor:
        return percent
    twice = 1 + 2 * plan.nominal_rate / 1200
    return min(percent, 100 * (twice**12 - 1))


def _smallest_amount(plan: Plan, months: int) -> int | None:
    """The smallest amount that the plan takes over so many months, or None where even the largest is too small."""

    def is_possible(amount_minor: int) -> bool:
        monthly = monthly_minor(amount_minor, months, plan.pricing)
        return not is_too_small(plan, amount_minor, months, monthly)

    low, high = plan.min_amount_minor, min(plan.max_amount_minor, MAX_AMOUNT_MINOR)
    if is_possible(low):
        return low
    if not is_possible(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_possible(middle) else (middle, high)
    return high


@lru_cache(maxsize=128)
def _fewest_days(months: int) -> int:
    """How short so many months can be, over all days of a common year on which they may begin."""
    starts = (date(2027, 1, 1) + timedelta(days=day) for day in range(_DAYS_OF_YEAR))
    return min((add_months(start, months) - start).days for start in starts)
