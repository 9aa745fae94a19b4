"""A month that is over: its lines, their sum, and one transfer of it. Once for each shop and month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.kernel import db
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger.errors import MoneyFrozen
from app.ledger.rules import MERCHANT_PAYABLE, PRICE_INCOME, between
from app.merchants.queries import Merchant, merchant_by_id
from app.prices.actions import state
from app.prices.actions.counting import catch_up, count_step
from app.prices.queries import OVER, lines_until_now, versions_of
from app.prices.rules import Line, month_after, total_of

CAUSE: Final = "prices"

_log = structlog.get_logger("prices")

_DUE: Final = f"""
SELECT c.merchant_id, c.next_month {OVER} AND c.merchant_id <> ALL ($3::uuid[])
ORDER BY c.next_month, c.merchant_id LIMIT $2
"""
_CLOSE: Final = """
INSERT INTO price_statements (merchant_id, month, currency, total_minor, closed_at) VALUES ($1, $2, $3, $4, $5)
"""
_ADD_LINE: Final = """
INSERT INTO price_lines (merchant_id, month, number, kind, amount_minor, percent_bps, bought_minor, refunded_minor,
                         module, price_minor, days, month_days)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""


async def close_due(now: datetime, limit: int) -> int:
    """Close every month that is over, the oldest ones first, of up to `limit` shops at a time; answers how many. A shop
    whose month fails is logged, stops none of those behind it, and is tried again by the next call.

    Raises MoneyFrozen: the month waits.
    """
    await state.begin_of_modules()
    closed = 0
    stuck: list[UUID] = []
    while due := await db.fetch_all(_DUE, now, limit, stuck):
        for row in due:
            merchant = await merchant_by_id(row["merchant_id"])
            assert merchant is not None, "merchants are never deleted"
            try:
                closed += await _close(merchant, row["next_month"], now)
            except (MoneyFrozen, db.DatabaseUnavailable):
                raise
            except Exception:  # noqa: BLE001 - logged whole
                _log.exception("prices_stuck", merchant=merchant.public_id, month=str(row["next_month"]))
                stuck.append(merchant.id)
    return closed


async def _close(merchant: Merchant, month: date, now: datetime) -> bool:
    if await versions_of(merchant.id):
        await catch_up(merchant, now)
    return await db.in_tx(partial(close_month, merchant, month, now))


async def close_month(merchant: Merchant, month: date, now: datetime) -> bool:
    """One transaction. False when somebody else has closed it."""
    if await state.lock(merchant.id) != month:
        return False
    if await versions_of(merchant.id):
        await count_step(merchant, month)
    lines = await lines_until_now(merchant, month)
    total = total_of(lines)
    await db.race_point("month to be closed")
    await db.execute(_CLOSE, merchant.id, month, merchant.currency, total, now)
    await _add_lines(merchant.id, month, lines)
    await _post(merchant, month, total, now)
    await db.execute(
        "UPDATE price_counts SET next_month = $2 WHERE merchant_id = $1", merchant.id, month_after(month)
    )
    return True


async def _add_lines(merchant_id: UUID, month: date, lines: Sequence[Line]) -> None:
    for number, line in enumerate(lines, start=1):
        sales = line.sales
        await db.execute(
            _ADD_LINE,
            merchant_id,
            month,
            number,
            line.kind,
            line.amount_minor,
            sales.percent_bps if sales else None,
            sales.bought_minor if sales else None,
            sales.refunded_minor if sales else None,
            line.module,
            line.price_minor,
            line.days,
            line.month_days,
        )


async def _post(merchant: Merchant, month: date, total_minor: int, now: datetime) -> None:
    """The operator owes the shop so much less, or more after a month of refunds."""
    if not total_minor:
        return
    sides = (MERCHANT_PAYABLE, PRICE_INCOME) if total_minor > 0 else (PRICE_INCOME, MERCHANT_PAYABLE)
    key = f"prices:{month:%Y-%m}"
    posted = await ledger.post(
        merchant.id,
        key=key,
        cause=CAUSE,
        about=key,
        entries=between(*sides, Money(abs(total_minor), merchant.currency)),
        now=now,
    )
    assert posted, "the row that is locked says that this month was not closed yet"
