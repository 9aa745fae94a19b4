"""The annual percentage rate agrees with every published example and closes its own loop."""

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import exp, log
from pathlib import Path
from typing import Literal, TypedDict, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.plans.apr import Amount, annual_percentage_rate, round_apr, years_between
from app.plans.errors import NoRate

DATA = Path(__file__).parents[2] / "data"
Flow = tuple[Decimal, Decimal]


class AprVector(TypedDict):
    id: str
    drawdowns: list[Flow]
    repayments: list[Flow]
    apr_percent: Decimal
    decimals: int


class Interval(TypedDict):
    start: str
    end: str
    unit: Literal["year", "month", "week"]
    expression: str
    years: float


APR_VECTORS = cast(
    "list[AprVector]", json.loads((DATA / "apr_vectors.json").read_text(), parse_float=Decimal)
)
INTERVALS = cast("list[Interval]", json.loads((DATA / "apr_intervals.json").read_text()))


@pytest.mark.parametrize("vector", APR_VECTORS, ids=lambda vector: vector["id"])
def test_every_published_rate_comes_out_to_its_printed_decimals(vector: AprVector) -> None:
    percent = annual_percentage_rate(vector["drawdowns"], vector["repayments"])
    assert round_apr(percent, vector["decimals"]) == vector["apr_percent"]


@pytest.mark.parametrize("vector", APR_VECTORS, ids=lambda vector: vector["id"])
def test_floats_give_the_same_printed_rate(vector: AprVector) -> None:
    drawdowns = [(float(years), float(amount)) for years, amount in vector["drawdowns"]]
    repayments = [(float(years), float(amount)) for years, amount in vector["repayments"]]
    assert (
        round_apr(annual_percentage_rate(drawdowns, repayments), vector["decimals"]) == vector["apr_percent"]
    )


@pytest.mark.parametrize("interval", INTERVALS, ids=lambda row: f"{row['start']}-{row['end']}-{row['unit']}")
def test_every_published_interval_is_counted_exactly(interval: Interval) -> None:
    start, end = date.fromisoformat(interval["start"]), date.fromisoformat(interval["end"])
    years = years_between(start, end, interval["unit"])
    assert years == sum(Fraction(term) for term in interval["expression"].split(" + "))
    assert float(years) == pytest.approx(interval["years"], rel=1e-14)


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2025-12-31", "2026-02-28", 2),
        ("2026-02-28", "2026-03-31", 1),
        ("2024-02-29", "2024-04-30", 2),
        ("2026-04-30", "2026-05-31", 1),
        ("2023-12-31", "2024-02-29", 2),
    ],
)
def test_two_month_ends_are_whole_months_apart(start: str, end: str, months: int) -> None:
    assert years_between(date.fromisoformat(start), date.fromisoformat(end), "month") == Fraction(months, 12)


def test_days_before_whole_months_are_divided_by_the_year_that_ends_with_them() -> None:
    assert years_between(date(2013, 2, 25), date(2013, 3, 28), "month") == Fraction(1, 12) + Fraction(3, 366)
    assert years_between(date(2012, 2, 26), date(2012, 3, 29), "month") == Fraction(1, 12) + Fraction(3, 366)


def test_a_payment_before_the_drawdown_counts_as_negative_time() -> None:
    assert years_between(date(2026, 3, 1), date(2026, 1, 1), "month") == Fraction(-2, 12)
    assert years_between(date(2026, 3, 1), date(2026, 3, 1), "week") == 0


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 4000))
def test_no_unit_of_counting_strays_from_the_calendar(start: date, days: int) -> None:
    end = date.fromordinal(start.toordinal() + days)
    assert float(years_between(start, end, "month")) == pytest.approx(days / 365.25, abs=0.012)
    assert float(years_between(start, end, "year")) == pytest.approx(days / 365.25, abs=0.012)
    # A year of 52 weeks is a day or two short: that is the directive's own count.
    assert float(years_between(start, end, "week")) == pytest.approx(days / 364, abs=0.012)


@pytest.mark.parametrize(
    ("percent", "decimals", "printed"),
    [
        ("3.055", 1, "3.1"),
        ("3.055", 2, "3.06"),
        ("3.054", 1, "3.1"),
        ("3.054", 2, "3.05"),
        ("3.05", 1, "3.1"),
        ("0", 1, "0.0"),
        ("-0.04", 1, "0.0"),
        ("29286668", 1, "29286668.0"),
        ("1E+40", 1, "1" + "0" * 40 + ".0"),
    ],
)
def test_a_rate_is_rounded_half_up_at_the_last_printed_digit(
    percent: str, decimals: int, printed: str
) -> None:
    assert str(round_apr(Decimal(percent), decimals)) == printed


def test_a_rate_that_is_exactly_a_half_is_not_lost_to_binary_noise() -> None:
    assert round_apr(annual_percentage_rate([(0, 100)], [(1, Decimal("103.05"))]), 1) == Decimal("3.1")
    assert round_apr(annual_percentage_rate([(0, 1000)], [(1, 1000.5)]), 1) == Decimal("0.1")


@pytest.mark.parametrize(
    ("drawn", "repaid"),
    [
        ([(0, 100)], [(1, 100)]),
        ([(0, 0.3)], [(1, 0.1), (2, 0.1), (3, 0.1)]),
        ([(0, 75)], [(k, 25) for k in range(1, 4)]),
    ],
)
def test_no_cost_is_zero_and_never_minus_zero(
    drawn: list[tuple[int, Amount]], repaid: list[tuple[int, Amount]]
) -> None:
    rate = annual_percentage_rate(drawn, repaid)
    assert rate == 0
    assert not rate.is_signed()


def test_short_credits_have_huge_rates() -> None:
    three_days = annual_percentage_rate([(0, 1000)], [(Fraction(3, 365), 1109)])
    assert three_days == pytest.approx(Decimal(29286668), rel=Decimal("1e-4"))
    overnight = annual_percentage_rate([(0, 1)], [(Fraction(1, 366), 10**9)])
    assert overnight > Decimal("1E+1000")


def test_a_fee_paid_before_the_drawdown_counts() -> None:
    assert annual_percentage_rate([(0, 1000)], [(-1, 50), (1, 1000)]) > 5


def test_paying_back_less_gives_a_negative_rate() -> None:
    assert annual_percentage_rate([(0, 100)], [(1, 90)]) == -10


@pytest.mark.parametrize(
    ("drawn", "repaid"),
    [
        ([], []),
        ([], [(1, 100)]),
        ([(0, 100)], []),
        ([(0, 100)], [(1, 0)]),
        ([(0, 100)], [(0, 110)]),
        ([(0, 100)], [(0, 100)]),
        ([(0, 100)], [(0, 150), (1, 50)]),
        ([(0, -100)], [(1, 110)]),
        ([(0, 100)], [(1, -110)]),
        ([(0, float("nan"))], [(1, 110)]),
        ([(0, float("inf"))], [(1, 110)]),
        ([(float("nan"), 100)], [(1, 110)]),
        ([(0, 100)], [(float("inf"), 110)]),
        ([(0, 10**400)], [(1, 10**400 + 1)]),
        ([(0, 100)], [(10**400, 110)]),
    ],
)
def test_flows_without_a_rate_are_refused_by_name(
    drawn: list[tuple[float, Amount]], repaid: list[tuple[float, Amount]]
) -> None:
    with pytest.raises(NoRate):
        annual_percentage_rate(drawn, repaid)


def test_money_drawn_again_has_the_rate_nearest_to_zero() -> None:
    # 1600 - 10000 v + 10000 v^2 is zero at v = 0.8 and v = 0.2: 25 % and 400 %.
    rate = annual_percentage_rate([(0, 1600), (2, 10_000)], [(1, 10_000)])
    assert round_apr(rate, 6) == 25


amounts = st.integers(1, 10**8)
later = st.lists(st.tuples(st.integers(1, 3660), amounts), min_size=1, max_size=40)


@given(drawn=amounts, flows=later)
def test_present_values_of_both_sides_are_equal(drawn: int, flows: list[tuple[int, int]]) -> None:
    repayments = [(Fraction(days, 366), amount) for days, amount in flows]
    assume(sum(amount for _, amount in flows) >= drawn)
    _assert_balanced([(Fraction(0), drawn)], repayments)


@given(
    first=amounts,
    more=st.lists(st.tuples(st.integers(1, 12), amounts), max_size=4),
    cost_permille=st.integers(1, 900),
)
def test_present_values_are_equal_with_several_drawdowns(
    first: int, more: list[tuple[int, int]], cost_permille: int
) -> None:
    drawdowns = [(Fraction(0), first), *((Fraction(months, 12), amount) for months, amount in more)]
    total = sum(amount for _, amount in drawdowns)
    _assert_balanced(drawdowns, [(Fraction(2), total + total * cost_permille // 1000 + 1)])


@given(months=st.integers(1, 120), rate=st.integers(1, 400))
def test_without_other_costs_the_rate_is_the_effective_borrowing_rate(months: int, rate: int) -> None:
    monthly = rate / 1200
    payment = 100000 * monthly / (1 - (1 + monthly) ** -months)
    percent = annual_percentage_rate(
        [(0, 100000)], [(Fraction(k, 12), payment) for k in range(1, months + 1)]
    )
    assert float(percent) == pytest.approx(((1 + monthly) ** 12 - 1) * 100, rel=1e-9)


def _assert_balanced(drawdowns: list[tuple[Fraction, int]], repayments: list[tuple[Fraction, int]]) -> None:
    growth = annual_percentage_rate(drawdowns, repayments) / 100 + 1
    # Through the logarithm of the Decimal: the growth of a short credit can be beyond any float.
    force = float(growth.ln()) if growth > 2 else log(float(growth))
    received = sum(amount * exp(-force * float(years)) for years, amount in drawdowns)
    paid = sum(amount * exp(-force * float(years)) for years, amount in repayments)
    assert paid == pytest.approx(received, rel=1e-9)
