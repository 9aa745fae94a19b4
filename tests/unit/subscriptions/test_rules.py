"""The days and sums of a subscription."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.law.rules import law_of
from app.subscriptions.errors import PlanRefused
from app.subscriptions.plan_checks import checked
from app.subscriptions.rules import (
    GRACE_DAYS,
    RETRY_AFTER_DAYS,
    Course,
    LastGrace,
    Retry,
    Terms,
    Unit,
    after_refusal,
    boundary,
    end_if_cancelled,
    first_course,
    fresh_course,
    minimum_until,
    morning_of,
    next_course,
    part,
    paused_left,
    price_from,
    proration,
    remind_on,
    resumed_course,
)

MONTHLY = Terms({"en": "Coffee"}, "en", "EUR", 19_90, Decimal(14), "month", 1)
YEARLY = replace(MONTHLY, every=12, amount_minor=199_00)
WEEKLY = replace(MONTHLY, unit="week", every=2)
TRIAL = replace(MONTHLY, trial_days=14, trial_minor=1_00)


def ends(terms: Terms, start: date, periods: int) -> list[date]:
    course = fresh_course(terms, start)
    found = [course.ends_on]
    for _ in range(periods - 1):
        course = next_course(course, terms)
        found.append(course.ends_on)
    return found


def test_a_month_that_is_too_short_does_not_move_the_day_of_those_after_it() -> None:
    assert ends(MONTHLY, date(2027, 1, 31), 4) == [
        date(2027, 2, 28),
        date(2027, 3, 31),
        date(2027, 4, 30),
        date(2027, 5, 31),
    ]


def test_a_leap_year_has_its_day_and_the_year_after_has_not() -> None:
    assert ends(MONTHLY, date(2028, 1, 30), 2) == [date(2028, 2, 29), date(2028, 3, 30)]
    assert ends(YEARLY, date(2028, 2, 29), 4) == [
        date(2029, 2, 28),
        date(2030, 2, 28),
        date(2031, 2, 28),
        date(2032, 2, 29),
    ]


def test_weeks_are_seven_days_each_whatever_the_month() -> None:
    assert ends(WEEKLY, date(2027, 2, 22), 2) == [date(2027, 3, 8), date(2027, 3, 22)]


def test_a_trial_comes_first_and_the_periods_are_counted_from_its_end() -> None:
    trial = first_course(TRIAL, date(2027, 1, 17))
    assert (trial.starts_on, trial.ends_on, trial.number) == (date(2027, 1, 17), date(2027, 1, 31), 0)
    first = next_course(trial, TRIAL)
    assert (first.starts_on, first.ends_on) == (date(2027, 1, 31), date(2027, 2, 28))
    assert next_course(first, TRIAL).ends_on == date(2027, 3, 31)


def test_a_period_of_another_length_is_counted_from_where_the_last_one_ended() -> None:
    course = next_course(fresh_course(MONTHLY, date(2027, 1, 31)), MONTHLY)
    yearly = next_course(course, YEARLY)
    assert (yearly.starts_on, yearly.ends_on) == (date(2027, 3, 31), date(2028, 3, 31))


@settings(max_examples=25)
@given(
    start=st.dates(date(2024, 1, 1), date(2040, 1, 1)),
    unit=st.sampled_from(["week", "month"]),
    every=st.integers(1, 12),
    steps=st.integers(1, 30),
)
def test_periods_follow_each_other_without_a_gap(start: date, unit: str, every: int, steps: int) -> None:
    terms = replace(MONTHLY, unit="week" if unit == "week" else "month", every=every)
    course = fresh_course(terms, start)
    for step in range(steps):
        following = next_course(course, terms)
        assert following.starts_on == course.ends_on < following.ends_on
        assert following.ends_on == boundary(start, terms.unit, every, step + 2)
        course = following


@pytest.mark.parametrize(
    ("notice_days", "minimum_periods", "cancelled_on", "ended_on"),
    [
        (0, 0, date(2027, 1, 1), date(2027, 2, 1)),
        (0, 0, date(2027, 1, 31), date(2027, 2, 1)),
        (14, 0, date(2027, 1, 18), date(2027, 2, 1)),
        (14, 0, date(2027, 1, 19), date(2027, 3, 1)),
        (0, 3, date(2027, 1, 5), date(2027, 4, 1)),
        (30, 1, date(2027, 1, 3), date(2027, 3, 1)),
    ],
)
def test_cancelling_ends_with_a_period_after_notice_and_least_time(
    notice_days: int, minimum_periods: int, cancelled_on: date, ended_on: date
) -> None:
    terms = replace(MONTHLY, notice_days=notice_days, minimum_periods=minimum_periods)
    course = fresh_course(terms, date(2027, 1, 1))
    bound = minimum_until(terms, course)
    assert end_if_cancelled(course, terms, bound_until=bound, today=cancelled_on) == ended_on


def test_a_trial_that_is_cancelled_ends_with_the_trial() -> None:
    terms = replace(TRIAL, notice_days=30, minimum_periods=6)
    course = first_course(terms, date(2027, 1, 1))
    bound = minimum_until(terms, course)
    assert bound == date(2027, 7, 15)
    assert end_if_cancelled(course, terms, bound_until=bound, today=date(2027, 1, 14)) == date(2027, 1, 15)


@pytest.mark.parametrize(
    ("amount", "days", "of", "expected"),
    [
        (3000, 10, 30, 1000),
        (1990, 1, 31, 64),
        (1, 15, 30, 1),
        (1, 14, 30, 0),
        (999, 0, 28, 0),
        (999, 28, 28, 999),
    ],
)
def test_a_part_of_a_period_is_counted_by_days_and_rounded_half_up(
    amount: int, days: int, of: int, expected: int
) -> None:
    assert part(amount, days, of) == expected


def test_more_days_than_the_period_has_are_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="32 of 31"):
        part(1, 32, 31)


def test_a_dearer_plan_costs_the_difference_for_the_days_that_are_left() -> None:
    course = fresh_course(MONTHLY, date(2027, 1, 1))
    dearer = replace(MONTHLY, amount_minor=39_90)
    found = proration(MONTHLY, dearer, course, date(2027, 1, 11))
    assert found is not None
    # 21 of 31 days: 27.03 of the new price, 13.48 of the old one.
    assert (found.days_left, found.days, found.new_minor, found.unused_minor) == (21, 31, 2703, 1348)
    assert found.due_minor == 1355


def test_a_cheaper_plan_another_length_a_trial_and_the_last_day_wait_for_the_next_period() -> None:
    course = fresh_course(MONTHLY, date(2027, 1, 1))
    dearer = replace(MONTHLY, amount_minor=39_90)
    today = date(2027, 1, 11)
    assert proration(dearer, MONTHLY, course, today) is None
    assert proration(MONTHLY, YEARLY, course, today) is None
    assert proration(TRIAL, dearer, first_course(TRIAL, today), today) is None
    assert proration(MONTHLY, dearer, course, date(2027, 2, 1)) is None


def test_a_pause_keeps_the_days_from_tomorrow_and_the_rest_runs_when_it_is_over() -> None:
    course = fresh_course(MONTHLY, date(2027, 1, 1))
    left = paused_left(course, date(2027, 1, 10))
    assert left == 21
    rest = resumed_course(left, date(2027, 3, 5))
    assert (rest.starts_on, rest.ends_on) == (date(2027, 3, 5), date(2027, 3, 26))
    assert next_course(rest, MONTHLY).ends_on == date(2027, 4, 26)


def test_days_used_and_days_kept_make_up_the_period() -> None:
    course = fresh_course(MONTHLY, date(2027, 1, 1))
    for day in range(31):
        today = course.starts_on + timedelta(days=day)
        assert day + 1 + paused_left(course, today) == course.days


def test_tries_come_at_growing_distances_and_then_there_is_grace() -> None:
    today = date(2027, 1, 1)
    waits = [after_refusal(number, today) for number in range(1, len(RETRY_AFTER_DAYS) + 2)]
    assert waits[:-1] == [Retry(today + timedelta(days=days)) for days in RETRY_AFTER_DAYS]
    assert list(RETRY_AFTER_DAYS) == sorted(set(RETRY_AFTER_DAYS))
    assert waits[-1] == LastGrace(today + timedelta(days=GRACE_DAYS))


@pytest.mark.parametrize(
    ("terms", "course", "expected"),
    [
        (MONTHLY, fresh_course(MONTHLY, date(2027, 1, 1)), None),
        (YEARLY, fresh_course(YEARLY, date(2027, 1, 1)), date(2027, 12, 2)),
        (TRIAL, first_course(TRIAL, date(2027, 1, 1)), date(2027, 1, 8)),
        (
            replace(TRIAL, trial_days=3),
            first_course(replace(TRIAL, trial_days=3), date(2027, 1, 1)),
            date(2027, 1, 3),
        ),
        (replace(TRIAL, trial_days=1), first_course(replace(TRIAL, trial_days=1), date(2027, 1, 1)), None),
    ],
)
def test_long_periods_and_trials_are_reminded_of(terms: Terms, course: Course, expected: date | None) -> None:
    assert remind_on(course, terms) == expected


def test_a_price_that_rises_waits_for_its_notice_and_for_the_least_time() -> None:
    course = fresh_course(MONTHLY, date(2027, 1, 1))
    today = date(2027, 1, 3)
    unbound = course.starts_on
    assert price_from(course, MONTHLY, rises=True, bound_until=unbound, today=today) == date(2027, 3, 1)
    assert price_from(course, MONTHLY, rises=True, bound_until=date(2027, 6, 1), today=today) == date(
        2027, 6, 1
    )
    assert price_from(course, MONTHLY, rises=False, bound_until=date(2027, 6, 1), today=today) == date(
        2027, 2, 1
    )


def test_what_falls_due_is_done_in_the_morning_of_the_shops_own_day() -> None:
    assert morning_of(date(2027, 7, 1), "Europe/Helsinki").isoformat() == "2027-07-01T06:00:00+03:00"


@pytest.mark.parametrize(("unit", "every"), [("month", 24), ("week", 52)])
def test_a_least_time_that_no_calendar_can_count_is_refused_as_beyond_the_law(unit: Unit, every: int) -> None:
    terms = replace(
        MONTHLY, locale="fi", names={"fi": "Kahvi"}, unit=unit, every=every, minimum_periods=9_999
    )
    with pytest.raises(PlanRefused, match="beyond_law"):
        checked(terms, law_of("FI"), date(2026, 11, 22))
