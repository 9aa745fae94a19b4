"""Reads of plans. They change rarely and every step of the flow asks for them, so a process keeps them."""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

from app.kernel import db
from app.plans.quote import Plan

CACHE_S: Final = 5.0

_COLUMNS: Final = (
    "key, kind, currency, min_amount_minor, max_amount_minor, due_days, paper_fee_minor, style, nominal_rate,"
    " min_months, max_months, interest_free_months, fee_minor, arrangement_fee_minor, min_instalment_minor"
)
_ACTIVE: Final = f"SELECT {_COLUMNS} FROM plans WHERE merchant_id = $1 AND active ORDER BY position, key"  # noqa: S608

_kept: dict[UUID, tuple[float, tuple[Plan, ...]]] = {}


async def plans_of(merchant_id: UUID) -> tuple[Plan, ...]:
    """The plans on offer, in the merchant's order, at most five seconds old. No query while they are kept."""
    found = _kept.get(merchant_id)
    if found is not None and time.monotonic() - found[0] < CACHE_S:
        return found[1]
    rows = await db.fetch_all(_ACTIVE, merchant_id)
    plans = tuple(Plan(**dict(row.items())) for row in rows)
    _kept[merchant_id] = (time.monotonic(), plans)
    return plans


def forget_kept_plans() -> None:
    """Drop what this process keeps; editors call it, and tests between databases."""
    _kept.clear()


async def quote_content(merchant_id: UUID, quote_id: str) -> object | None:
    """A stored quote as the database gives it back; `Quote.from_data` checks it."""
    found: object | None = await db.fetch_value(
        "SELECT content FROM quotes WHERE merchant_id = $1 AND id = $2", merchant_id, quote_id
    )
    return found
