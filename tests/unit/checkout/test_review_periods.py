"""Days, weeks and months over which the figures of reviews are told."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.checkout.review_periods import COUNTS, UNITS, Unit, span_of

HELSINKI = "Europe/Helsinki"


@pytest.mark.parametrize("unit", UNITS)
def test_the_last_period_is_the_one_of_today(unit: Unit) -> None:
    today = date(2026, 11, 22)
    span = span_of(unit, today, HELSINKI)
    assert len(span.starts) == COUNTS[unit]
    assert list(span.starts) == sorted(set(span.starts))
    assert span.starts[-1] <= today < span.end


def test_weeks_begin_on_monday_and_months_on_their_first() -> None:
    sunday = date(2026, 11, 22)
    assert span_of("week", sunday, HELSINKI).starts[-1] == date(2026, 11, 16)
    months = span_of("month", sunday, HELSINKI)
    assert months.starts[0] == date(2025, 12, 1)
    assert months.starts[-1] == date(2026, 11, 1)


def test_a_span_begins_and_ends_at_the_shops_midnight() -> None:
    span = span_of("day", date(2026, 11, 22), HELSINKI)
    assert span.since == datetime(2026, 10, 23, 21, tzinfo=UTC), "it was summer time then"
    assert span.until == datetime(2026, 11, 22, 22, tzinfo=UTC)
    assert span.days == 30
