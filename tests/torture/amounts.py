"""Every amount from 1 to a million minor units as a schedule: the parts sum to the whole, always.

python -m tests.torture.amounts [--up-to 1000000] [--processes 2]

Each amount is spread by several pricings over a number of months that changes from amount to amount, so that every
pricing meets every term thousands of times.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from app.kernel.money import allocate
from app.plans.schedule import Instalment, Pricing, instalments, load_calendars, monthly_minor

START: Final = date(2026, 11, 21)
MONTHS_MAX: Final = 36
CHUNK: Final = 10_000
# From here on no instalment of an annuity may be more than a unit off (`app.plans.schedule` proves it).
PROVEN_FROM_MINOR: Final = 10_000

PRICINGS: Final = {
    "annuity, 14.9 %": Pricing("annuity", Decimal("14.9")),
    "annuity, 0 %, fees": Pricing("annuity", Decimal(0), fee_minor=95, arrangement_fee_minor=500),
    "annuity, 9.95 %, 2 months free": Pricing("annuity", Decimal("9.95"), interest_free_months=2),
    "equal principal, 14.9 %": Pricing("equal_principal", Decimal("14.9")),
}


@dataclass(frozen=True, slots=True)
class Counted:
    """What one pricing went through."""

    name: str
    schedules: int
    instalments: int
    faults: tuple[str, ...]


def faults_of(
    amount_minor: int, months: int, pricing: Pricing, rows: tuple[Instalment, ...]
) -> Iterator[str]:
    """Whatever does not hold of a schedule; nothing for a right one."""
    if len(rows) != months:
        yield "another number of instalments"
    if sum(row.principal_minor for row in rows) != amount_minor:
        yield "principals do not sum to the amount"
    if rows[-1].balance_after_minor != 0:
        yield "something is left after the last instalment"
    if any(row.amount_minor != row.principal_minor + row.interest_minor + row.fee_minor for row in rows):
        yield "the parts of an instalment do not sum to it"
    if any(min(row.principal_minor, row.interest_minor, row.balance_after_minor) < 0 for row in rows):
        yield "a part is negative"
    if sum(row.fee_minor for row in rows) != months * pricing.fee_minor + pricing.arrangement_fee_minor:
        yield "fees are lost or made"
    regular = [row.amount_minor for row in rows]
    regular[0] -= pricing.arrangement_fee_minor
    if max(regular) != monthly_minor(amount_minor, months, pricing):
        yield "the monthly amount is not the largest instalment"
    if pricing.style == "annuity" and amount_minor >= PROVEN_FROM_MINOR and max(regular) - min(regular) > 1:
        yield "an instalment is more than a unit below the others"
    if sum(allocate(amount_minor, [1] * months)) != amount_minor:
        yield "the allocation loses a unit"


def count(name: str, first: int, last: int) -> Counted:
    """All amounts from `first` to `last`, both included."""
    pricing = PRICINGS[name]
    schedules = rows_seen = 0
    faults: list[str] = []
    for amount_minor in range(first, last + 1):
        months = amount_minor % MONTHS_MAX + 1
        rows = instalments(amount_minor, months, pricing, start=START, country="FI")
        schedules += 1
        rows_seen += months
        faults += [
            f"{amount_minor} over {months} months, {name}: {fault}"
            for fault in faults_of(amount_minor, months, pricing, rows)
        ]
    return Counted(name, schedules, rows_seen, tuple(faults))


def count_chunk(chunk: tuple[str, int, int]) -> Counted:
    return count(*chunk)


def table(counted: list[Counted]) -> str:
    lines = ["| pricing | schedules | instalments | faults |", "| --- | ---: | ---: | ---: |"]
    for name in PRICINGS:
        mine = [each for each in counted if each.name == name]
        figures = (
            sum(each.schedules for each in mine),
            sum(each.instalments for each in mine),
            sum(len(each.faults) for each in mine),
        )
        lines.append(f"| {name} | " + " | ".join(f"{figure:,}" for figure in figures) + " |")
    return "\n".join(lines)


def main() -> int:
    """Prints the table. Returns 1 when a schedule was wrong."""
    parser = argparse.ArgumentParser(prog="amounts", description="Every amount as a schedule.")
    parser.add_argument("--up-to", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    began = time.monotonic()
    chunks = [
        (name, first, min(first + CHUNK - 1, given.up_to))
        for name in PRICINGS
        for first in range(1, given.up_to + 1, CHUNK)
    ]
    with ProcessPoolExecutor(given.processes, initializer=load_calendars, initargs=(START,)) as pool:
        counted = list(pool.map(count_chunk, chunks))
    faults = [fault for each in counted for fault in each.faults]
    print(
        f"Every amount from 1 to {given.up_to:,} minor units, 1 to {MONTHS_MAX} months:\n\n{table(counted)}"
    )
    print(f"\n{len(faults)} faults in {time.monotonic() - began:.0f} s.")
    for fault in faults[:20]:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
