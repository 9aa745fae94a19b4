from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.plans.company import NET_DAYS, net_days

BOUGHT = date(2026, 12, 7)


@pytest.mark.parametrize("term", NET_DAYS)
@pytest.mark.parametrize("moved_by_days", range(6))
def test_a_term_keeps_its_name_where_its_last_day_moves_on_to_a_day_of_a_bank(
    term: int, moved_by_days: int
) -> None:
    assert net_days(BOUGHT, BOUGHT + timedelta(days=term + moved_by_days)) == term


def test_a_shorter_time_than_any_term_is_told_as_it_is() -> None:
    assert net_days(BOUGHT, BOUGHT + timedelta(days=7)) == 7
