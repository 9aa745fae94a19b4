"""The count of every amount finds what is wrong; the first amounts, where rounding weighs most, are all right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.plans.schedule import Instalment, instalments
from tests.torture.amounts import PRICINGS, START, count, faults_of, table

PRICING = PRICINGS["annuity, 0 %, fees"]
ROWS = instalments(10_000, 3, PRICING, start=START, country="FI")


@pytest.mark.parametrize("name", PRICINGS)
def test_the_smallest_amounts_have_no_faults(name: str) -> None:
    counted = count(name, 1, 360)
    assert counted.faults == ()
    assert counted.schedules == 360
    assert f"| {name} | 360 | 6,660 | 0 |" in table([counted])


def changed(number: int, **fields: int) -> tuple[Instalment, ...]:
    return tuple(replace(row, **fields) if row.number == number else row for row in ROWS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (ROWS[:2], "another number of instalments"),
        (changed(2, principal_minor=1), "principals do not sum to the amount"),
        (changed(3, balance_after_minor=1), "something is left after the last instalment"),
        (changed(2, amount_minor=1), "the parts of an instalment do not sum to it"),
        (changed(2, interest_minor=-1), "a part is negative"),
        (changed(1, fee_minor=0), "fees are lost or made"),
        (changed(2, amount_minor=9_999), "the monthly amount is not the largest instalment"),
    ],
)
def test_a_wrong_schedule_is_found(rows: tuple[Instalment, ...], fault: str) -> None:
    assert list(faults_of(10_000, 3, PRICING, ROWS)) == []
    assert fault in list(faults_of(10_000, 3, PRICING, rows))
