"""When a failed delivery comes back, and how long a receiver may ask us to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from app.webhooks.rules import RETRY_AFTER_MAX_S, WAITS_S, next_try, retry_after_s

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_ten_tries_are_made_over_three_days_and_then_it_is_given_up() -> None:
    waits = [next_try(attempt, NOW) for attempt in range(1, 10)]
    for wait, least_s in zip(
        waits, (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400), strict=True
    ):
        assert wait is not None
        assert timedelta(seconds=least_s) <= wait - NOW <= timedelta(seconds=least_s * 1.1)
    assert next_try(len(WAITS_S), NOW) is None


def test_a_receiver_may_put_the_next_try_off_but_not_bring_it_forward() -> None:
    later = next_try(1, NOW, retry_after_s=120)
    assert later is not None
    assert later - NOW >= timedelta(seconds=120)
    sooner = next_try(2, NOW, retry_after_s=1)
    assert sooner is not None
    assert sooner - NOW >= timedelta(seconds=300)


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, None),
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("99999999999999", RETRY_AFTER_MAX_S),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("\u0663", None),
        (format_datetime(NOW + timedelta(seconds=60), usegmt=True), 61),
        (format_datetime(NOW - timedelta(seconds=60), usegmt=True), None),
        ("Wed, 99 Foo 2026 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, wait_s: int | None) -> None:
    assert retry_after_s(header, NOW) == wait_s
