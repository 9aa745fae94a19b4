"""What a month costs a shop, by example; and that no day and no cent is lost between months."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.merchants.rules import ModuleState
from app.prices.rules import (
    Line,
    PlanVersion,
    Sales,
    lines_of,
    module_line,
    month_after,
    percent_line,
    total_of,
)

HELSINKI = ZoneInfo("Europe/Helsinki")
OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)


def on(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=HELSINKI)


def a_version(number: int, percent_bps: int, monthly_minor: int, since: date) -> PlanVersion:
    return PlanVersion(number, percent_bps, monthly_minor, "EUR", datetime.now(UTC), since)


def wallet(*states: tuple[datetime, bool, int]) -> list[ModuleState]:
    return [ModuleState("wallet", is_on, price, at) for at, is_on, price in states]


@pytest.mark.parametrize(
    ("bought", "refunded", "bps", "amount"),
    [
        (100_00, 0, 150, 1_50),
        (100_00, 40_00, 150, 90),
        (33, 0, 150, 0),  # 0.495 of a cent
        (34, 0, 150, 1),  # 0.51
        (1_00, 0, 50, 1),  # 0.5 goes up
        (0, 1_00, 50, -1),  # and as far down: what was asked for is given back
        (0, 100_00, 150, -1_50),
        (100_00, 100_00, 1_000, 0),
    ],
)
def test_a_percent_is_of_purchases_less_refunds_half_up(
    bought: int, refunded: int, bps: int, amount: int
) -> None:
    assert percent_line(Sales(bps, bought, refunded)).amount_minor == amount


def test_an_amount_begins_with_the_month_after_it_was_set_and_the_last_word_before_it_counts() -> None:
    versions = [
        a_version(1, 0, 29_00, NOVEMBER),
        a_version(2, 0, 39_00, DECEMBER),
        a_version(3, 0, 35_00, DECEMBER),
    ]

    def costs(month: date) -> int:
        return total_of(lines_of(month, versions, [], [], HELSINKI))

    assert [costs(OCTOBER), costs(NOVEMBER), costs(DECEMBER)] == [0, 29_00, 35_00]


@pytest.mark.parametrize(
    ("states", "days", "amount"),
    [
        pytest.param(wallet((on(10, 5), True, 19_00)), 30, 19_00, id="on all month"),
        pytest.param(wallet((on(11, 21), True, 19_00)), 10, 6_33, id="on from the 21st: ten of thirty days"),
        pytest.param(
            wallet((on(11, 21, 9), True, 19_00), (on(11, 21, 10), False, 19_00)),
            1,
            63,
            id="an hour is a day",
        ),
        pytest.param(
            wallet(
                (on(10, 5), True, 19_00),
                (on(11, 10, 9), False, 19_00),
                (on(11, 10, 15), True, 19_00),
                (on(11, 15), False, 19_00),
            ),
            15,
            9_50,
            id="off and on again on one day costs that day once",
        ),
        pytest.param(
            wallet((on(10, 5), True, 19_00), (on(11, 2), True, 99_00)),
            30,
            19_00,
            id="dearer from the next month",
        ),
        pytest.param(
            wallet((on(11, 2), False, 29_00), (on(11, 16), True, 29_00), (on(11, 20), True, 99_00)),
            15,
            14_50,
            id="the price that was read when it was switched on",
        ),
        # Helsinki is two hours ahead: there it is the first of November already.
        pytest.param(
            wallet((datetime(2026, 10, 31, 22, 30, tzinfo=UTC), True, 30_00)),
            30,
            30_00,
            id="days of the shop",
        ),
    ],
)
def test_a_module_costs_the_days_on_which_it_was_on(
    states: list[ModuleState], days: int, amount: int
) -> None:
    line = module_line(NOVEMBER, states, HELSINKI)
    assert line is not None
    assert (line.days, line.month_days, line.amount_minor) == (days, 30, amount)


def test_a_module_that_is_included_or_off_has_no_line() -> None:
    assert module_line(NOVEMBER, wallet((on(10, 5), True, 0)), HELSINKI) is None
    assert module_line(NOVEMBER, wallet((on(10, 5), True, 9), (on(10, 9), False, 9)), HELSINKI) is None
    assert module_line(OCTOBER, wallet((on(11, 5), True, 9)), HELSINKI) is None


minors = st.integers(0, 10**9)


@given(
    switches=st.lists(st.tuples(st.integers(0, 24 * 364), st.booleans()), max_size=8),
    price=st.integers(1, 10**7),
    monthly=minors,
    sales=st.lists(st.builds(Sales, st.integers(1, 1_000), minors, minors), max_size=3),
)
def test_the_lines_of_a_month_are_its_total_and_the_months_of_a_year_have_every_day_that_a_module_was_on(
    switches: list[tuple[int, bool]], price: int, monthly: int, sales: list[Sales]
) -> None:
    begin = datetime(2026, 1, 1, tzinfo=HELSINKI)
    states = wallet(*((begin + timedelta(hours=hour), is_on, price) for hour, is_on in sorted(switches)))
    month, days, lines = date(2026, 1, 1), 0, list[Line]()
    versions = [a_version(1, 100, monthly, month)]
    for _ in range(12):
        of_month = lines_of(month, versions, sales, states, HELSINKI)
        assert total_of(of_month) == sum(line.amount_minor for line in of_month)
        lines += of_month
        days += sum(line.days or 0 for line in of_month)
        month = month_after(month)

    # Looked at hour by hour, and a switch counts in its own hour as on if either side of it is.
    expected, is_on = set[date](), False
    changes = sorted(switches)
    for hour in range(24 * 365):
        at = (begin + timedelta(hours=hour)).astimezone(HELSINKI).date()
        states_in_hour = [is_on, *(wanted for when, wanted in changes if when == hour)]
        if any(states_in_hour):
            expected.add(at)
        is_on = states_in_hour[-1]
    assert days == len(expected)
    exact = sum((each.bought_minor - each.refunded_minor) * each.percent_bps for each in sales) / 10_000
    percents = sum(line.amount_minor for line in lines if line.kind == "percent")
    assert abs(percents - 12 * exact) <= 12 * len(sales) / 2
    assert sum(line.amount_minor for line in lines if line.kind == "monthly") == 12 * monthly
