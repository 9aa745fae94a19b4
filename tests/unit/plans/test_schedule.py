"""Schedules pay everything back to the cent, on days on which banks are open."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.plans.schedule import (
    Instalment,
    Pricing,
    Style,
    due_date,
    instalments,
    load_calendars,
    monthly_minor,
    months_after,
    next_business_day,
    single_payment,
)

START = date(2026, 11, 21)
ANNUITY = Pricing("annuity", Decimal("14.9"))
EQUAL = Pricing("equal_principal", Decimal(12))

pricings = st.builds(
    Pricing,
    style=st.sampled_from(("annuity", "equal_principal")),
    nominal_rate=st.decimals(0, 60, places=2),
    interest_free_months=st.integers(0, 12),
    fee_minor=st.integers(0, 1000),
    arrangement_fee_minor=st.integers(0, 5000),
)


def rows_of(amount_minor: int, months: int, pricing: Pricing) -> tuple[Instalment, ...]:
    return instalments(amount_minor, months, pricing, start=START, country="FI")


def test_an_annuity_is_one_level_amount_to_the_cent() -> None:
    rows = rows_of(100000, 12, ANNUITY)
    assert [row.amount_minor for row in rows] == [9022, 9022] + [9021] * 10
    assert (rows[0].interest_minor, rows[0].principal_minor, rows[0].balance_after_minor) == (
        1242,
        7780,
        92220,
    )
    assert rows[-1].balance_after_minor == 0


def test_equal_principal_falls_with_the_interest() -> None:
    rows = rows_of(100000, 3, EQUAL)
    assert [row.principal_minor for row in rows] == [33334, 33333, 33333]
    assert [row.interest_minor for row in rows] == [1000, 667, 333]
    assert [row.amount_minor for row in rows] == [34334, 34000, 33666]


@pytest.mark.parametrize("style", ["annuity", "equal_principal"])
def test_without_interest_the_earlier_instalments_take_the_extra_cents(style: Style) -> None:
    rows = rows_of(10001, 6, Pricing(style, Decimal(0)))
    assert [row.amount_minor for row in rows] == [1667] * 5 + [1666]


def test_interest_free_months_bear_no_interest_and_keep_the_level() -> None:
    rows = rows_of(100000, 12, Pricing("annuity", Decimal("14.9"), interest_free_months=3))
    assert [row.interest_minor for row in rows[:3]] == [0, 0, 0]
    assert all(row.interest_minor > 0 for row in rows[3:])
    assert max(row.amount_minor for row in rows) - min(row.amount_minor for row in rows) <= 2


def test_a_plan_free_of_interest_to_its_end_costs_nothing() -> None:
    assert not any(row.interest_minor for row in rows_of(100000, 6, Pricing("annuity", Decimal(20), 6)))


def test_fees_are_on_every_instalment_and_the_arrangement_fee_on_the_first() -> None:
    rows = rows_of(30000, 3, Pricing("annuity", Decimal(0), fee_minor=395, arrangement_fee_minor=1000))
    assert [row.fee_minor for row in rows] == [1395, 395, 395]
    assert [row.amount_minor for row in rows] == [11395, 10395, 10395]


@given(amount_minor=st.integers(1, 10**9), months=st.integers(1, 60), pricing=pricings)
def test_every_schedule_pays_back_exactly_what_was_lent(
    amount_minor: int, months: int, pricing: Pricing
) -> None:
    rows = rows_of(amount_minor, months, pricing)
    assert [row.number for row in rows] == list(range(1, months + 1))
    assert sum(row.principal_minor for row in rows) == amount_minor
    assert rows[-1].balance_after_minor == 0
    balance = amount_minor
    for row in rows:
        rate = (
            Fraction(0)
            if row.number <= pricing.interest_free_months
            else Fraction(pricing.nominal_rate) / 1200
        )
        assert abs(row.interest_minor - balance * rate) <= Fraction(1, 2)
        assert row.amount_minor == row.principal_minor + row.interest_minor + row.fee_minor
        assert min(row.principal_minor, row.interest_minor, row.fee_minor, row.balance_after_minor) >= 0
        balance -= row.principal_minor
        assert row.balance_after_minor == balance


def paid_each_month(amount_minor: int, months: int, rate: Decimal, free: int) -> list[int]:
    return [row.amount_minor for row in rows_of(amount_minor, months, Pricing("annuity", rate, free))]


@given(
    amount_minor=st.integers(10_000, 10**8),
    months=st.integers(2, 36),
    rate=st.decimals(0, 30, places=2),
    free=st.integers(0, 12),
)
@example(amount_minor=10_000, months=30, rate=Decimal("20.85"), free=6)
def test_annuity_instalments_differ_by_one_cent_at_most(
    amount_minor: int, months: int, rate: Decimal, free: int
) -> None:
    """30 % over 36 months is within the range for which `_annuity_payments` proves the last one near the others."""
    paid = paid_each_month(amount_minor, months, rate, free)
    assert max(paid) - min(paid) <= 1
    assert max(paid) == monthly_minor(amount_minor, months, Pricing("annuity", rate, free))


@given(
    amount_minor=st.integers(10_000, 10**8),
    months=st.integers(2, 60),
    rate=st.decimals(0, 60, places=2),
    free=st.integers(0, 12),
)
def test_no_instalment_of_a_dear_annuity_is_above_the_level_amount(
    amount_minor: int, months: int, rate: Decimal, free: int
) -> None:
    level = monthly_minor(amount_minor, months, Pricing("annuity", rate, free))
    *before, last = paid_each_month(amount_minor, months, rate, free)
    assert all(level - 1 <= amount <= level for amount in before)
    assert last <= level


def test_where_one_month_more_would_be_too_much_a_later_one_carries_the_extra_cent() -> None:
    assert paid_each_month(81_333, 7, Decimal("14.9"), 0) == [12204, 12203, 12203, 12203, 12204, 12203, 12203]


@given(amount_minor=st.integers(1, 10**8), months=st.integers(1, 40), pricing=pricings)
def test_the_monthly_amount_is_the_largest_regular_instalment(
    amount_minor: int, months: int, pricing: Pricing
) -> None:
    rows = rows_of(amount_minor, months, pricing)
    regular = [row.amount_minor - row.fee_minor + pricing.fee_minor for row in rows]
    assert monthly_minor(amount_minor, months, pricing) >= max(regular)
    if amount_minor >= 10_000:
        assert monthly_minor(amount_minor, months, pricing) == max(regular)


def test_due_dates_keep_the_day_of_the_month() -> None:
    assert [months_after(date(2026, 1, 30), n) for n in (1, 2, 3)] == [
        date(2026, 2, 28),
        date(2026, 3, 30),
        date(2026, 4, 30),
    ]


def test_a_start_on_a_month_end_stays_on_month_ends() -> None:
    assert [months_after(date(2026, 1, 31), n) for n in (1, 2, 3)] == [
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]
    assert months_after(date(2026, 4, 30), 1) == date(2026, 5, 31)
    assert months_after(date(2027, 11, 30), 3) == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("country", "day", "moved"),
    [
        ("FI", date(2026, 11, 20), date(2026, 11, 20)),
        ("FI", date(2026, 11, 21), date(2026, 11, 23)),
        ("FI", date(2026, 12, 24), date(2026, 12, 28)),
        ("FI", date(2026, 6, 19), date(2026, 6, 22)),
        ("SE", date(2026, 6, 19), date(2026, 6, 22)),
        ("SE", date(2026, 12, 31), date(2027, 1, 4)),
        ("DK", date(2026, 6, 5), date(2026, 6, 8)),
        ("DK", date(2026, 4, 2), date(2026, 4, 7)),
        ("BG", date(2026, 4, 10), date(2026, 4, 14)),
        ("BG", date(2026, 9, 7), date(2026, 9, 8)),
    ],
)
def test_a_due_date_moves_to_the_next_business_day_of_its_country(
    country: str, day: date, moved: date
) -> None:
    assert next_business_day(day, country) == moved


@given(
    st.dates(date(2026, 1, 1), date(2040, 1, 1)),
    st.integers(1, 36),
    st.sampled_from(["FI", "SE", "DK", "BG"]),
)
def test_a_due_date_is_a_working_day_at_most_a_week_late(start: date, months: int, country: str) -> None:
    due = due_date(start, months, country)
    assert due.weekday() < 5
    assert months_after(start, months) <= due <= months_after(start, months) + timedelta(days=7)


def test_calendars_can_be_loaded_ahead() -> None:
    load_calendars(date(2026, 11, 21), years=2)
    assert next_business_day(date(2027, 12, 24), "FI") == date(2027, 12, 27)


def test_moving_a_due_date_does_not_change_the_interest() -> None:
    friday = instalments(100000, 12, ANNUITY, start=date(2026, 11, 20), country="FI")
    saturday = instalments(100000, 12, ANNUITY, start=date(2026, 11, 21), country="FI")
    assert [row.interest_minor for row in friday] == [row.interest_minor for row in saturday]
    assert [row.due for row in friday] != [row.due for row in saturday]


def test_an_invoice_is_a_schedule_of_one() -> None:
    assert single_payment(12900, 14, 195, start=START, country="FI") == Instalment(
        1, date(2026, 12, 7), 13095, 12900, 0, 195, 0
    )
