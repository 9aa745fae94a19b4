"""The simulated year: repeatable, in order of time, with four attacks and labels that come late."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from bench.simulator import presses

DAYS = 90


def test_the_same_seed_gives_the_same_year_and_another_seed_another() -> None:
    assert list(presses(901, DAYS)) == list(presses(901, DAYS))
    assert list(presses(901, DAYS)) != list(presses(902, DAYS))


def test_a_year_has_good_orders_mostly_and_all_four_attacks_in_order_of_time() -> None:
    year = list(presses(903, DAYS))
    kinds = Counter(press.kind for press in year)
    assert set(kinds) == {"good", "stolen", "reshipping", "repeated", "spray"}
    assert 0.005 < 1 - kinds["good"] / len(year) < 0.03
    assert [press.at for press in year] == sorted(press.at for press in year)


def test_what_came_of_an_order_is_known_thirty_to_ninety_days_later_and_not_always_truly() -> None:
    year = [*presses(904, DAYS), *presses(905, DAYS)]
    late = [press.label_at - press.at for press in year]
    assert min(late) >= timedelta(days=30)
    assert max(late) <= timedelta(days=90)
    assert any(press.is_bad for press in year if press.kind == "good")
    assert any(not press.is_bad for press in year if press.kind != "good")
