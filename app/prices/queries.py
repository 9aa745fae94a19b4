"""Reads of what a shop pays: its plan, the month so far, the months that are closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kernel import db
from app.merchants.modules import module_states
from app.merchants.queries import Merchant
from app.prices.rules import Line, PlanVersion, Sales, lines_of, total_of

STATEMENTS_SHOWN: Final = 24
# Months that are over at $1 by the calendar of their shop, and not closed.
OVER: Final = """
FROM price_counts c JOIN merchants m ON m.id = c.merchant_id
WHERE (c.next_month + interval '1 month') AT TIME ZONE m.time_zone <= $1
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """A closed month, whose lines sum to `total_minor`; below zero where the shop has money back."""

    month: date
    currency: str
    total_minor: int
    lines: tuple[Line, ...]
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class SoFar:
    """A month that runs: its purchases as they were counted last (`counted_at`), amounts and modules as they come to by
    its end if nothing changes."""

    month: date
    total_minor: int
    lines: tuple[Line, ...]
    counted_at: datetime | None


async def count_due(now: datetime) -> int:
    """How many shops have a month to close."""
    return int(await db.fetch_value(f"SELECT count(*) {OVER}", now))


async def versions_of(merchant_id: UUID) -> list[PlanVersion]:
    """Every version of the plan, in the order they were set; none where nothing was agreed."""
    rows = await db.fetch_all(
        """SELECT number, percent_bps, monthly_minor, currency, percent_from, monthly_from
           FROM price_plans WHERE merchant_id = $1 ORDER BY number""",
        merchant_id,
    )
    return [PlanVersion(**row) for row in rows]


async def so_far(merchant: Merchant) -> SoFar | None:
    """The first month that is not closed; None where a shop has nothing to pay."""
    row = await db.fetch_one(
        "SELECT next_month, counted_at FROM price_counts WHERE merchant_id = $1", merchant.id
    )
    if row is None:
        return None
    lines = await lines_until_now(merchant, row["next_month"])
    return SoFar(row["next_month"], total_of(lines), lines, row["counted_at"])


async def lines_until_now(merchant: Merchant, month: date) -> tuple[Line, ...]:
    """What an open month comes to, of what was counted."""
    rows = await db.fetch_all(
        "SELECT percent_bps, bought_minor, refunded_minor FROM price_sales WHERE merchant_id = $1 AND month = $2",
        merchant.id,
        month,
    )
    return lines_of(
        month,
        await versions_of(merchant.id),
        [Sales(**row) for row in rows],
        await module_states(merchant.id),
        ZoneInfo(merchant.time_zone),
    )


async def statements(merchant_id: UUID, limit: int = STATEMENTS_SHOWN) -> list[Statement]:
    """Closed months, the newest first."""
    rows = await db.fetch_all(
        """SELECT s.month, s.currency, s.total_minor, s.closed_at, l.number, l.kind, l.amount_minor, l.percent_bps,
                  l.bought_minor, l.refunded_minor, l.module, l.price_minor, l.days, l.month_days
           FROM (SELECT * FROM price_statements WHERE merchant_id = $1 ORDER BY month DESC LIMIT $2) s
           LEFT JOIN price_lines l ON l.merchant_id = s.merchant_id AND l.month = s.month
           ORDER BY s.month DESC, l.number""",
        merchant_id,
        limit,
    )
    months: dict[date, list[db.Record]] = {}
    for row in rows:
        months.setdefault(row["month"], []).append(row)
    return [_statement(of_month) for of_month in months.values()]


def _statement(rows: Sequence[db.Record]) -> Statement:
    first = rows[0]
    lines = tuple(_line(row) for row in rows if row["number"] is not None)
    return Statement(first["month"], first["currency"], first["total_minor"], lines, first["closed_at"])


def _line(row: db.Record) -> Line:
    is_percent = row["kind"] == "percent"
    return Line(
        kind=row["kind"],
        amount_minor=row["amount_minor"],
        sales=Sales(row["percent_bps"], row["bought_minor"], row["refunded_minor"]) if is_percent else None,
        price_minor=row["price_minor"],
        module=row["module"],
        days=row["days"],
        month_days=row["month_days"],
    )
