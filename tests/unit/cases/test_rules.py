"""Where a case stands in the queue, how long it may rest, and which reasons there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.cases.errors import TextRefused
from app.cases.rules import rank_at, reason_of, snoozed_until, tags_of

DUE = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
NEXT_DAY = DUE + timedelta(days=1)


def test_of_two_that_are_due_on_one_day_the_dearer_comes_first() -> None:
    assert rank_at(DUE, 200_000, "EUR") < rank_at(DUE, 20_000, "EUR") < rank_at(DUE, 2_000, "EUR")


@pytest.mark.parametrize("amount_minor", [1, 1_000_000_000_000])
def test_no_value_lets_a_case_pass_one_that_is_due_a_day_earlier(amount_minor: int) -> None:
    assert rank_at(DUE, 1, "EUR") < rank_at(NEXT_DAY, amount_minor, "EUR")


def test_a_crown_weighs_less_than_a_euro() -> None:
    assert rank_at(DUE, 100_000, "EUR") < rank_at(DUE, 100_000, "SEK")


def test_a_case_rests_until_an_hour_before_its_deadline_at_most() -> None:
    now = DUE - timedelta(hours=5)
    assert snoozed_until(now, timedelta(hours=1), DUE) == now + timedelta(hours=1)
    assert snoozed_until(now, timedelta(hours=24), DUE) == DUE - timedelta(hours=1)
    late = DUE - timedelta(minutes=30)
    assert snoozed_until(late, timedelta(hours=1), DUE) <= late


def test_a_reason_is_one_that_is_on_offer_for_the_kind_and_the_answer() -> None:
    assert reason_of("risk", "declined", "reshipping") == "reshipping"
    assert reason_of("credit", "approved", "") is None
    for kind, answer, reason in (
        ("risk", "approved", "reshipping"),
        ("risk", "approved", ""),
        ("credit", "approved", "x"),
    ):
        with pytest.raises(TextRefused):
            reason_of(kind, answer, reason)


def test_tags_are_those_that_exist_each_once() -> None:
    assert tags_of(("vip", "made up", "resale", "vip")) == ("resale", "vip")
