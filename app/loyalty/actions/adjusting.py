"""What staff give or take by hand, with a reason that stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import audit, db
from app.kernel.money import Points
from app.kernel.typed import one_line
from app.ledger import actions as ledger
from app.ledger.errors import InsufficientFunds
from app.ledger.lots import NewLot
from app.ledger.rules import POINTS_ISSUED, points_of
from app.loyalty import rules
from app.loyalty.causes import ADJUSTED, ADJUSTED_KEY
from app.loyalty.errors import AdjustedOtherwise, AdjustmentRefused, NotEnoughPoints
from app.loyalty.queries import customer_id_of, latest_programme
from app.merchants.queries import Merchant

REASON_MIN: Final = 3
REASON_MAX: Final = 300
ADJUSTMENT_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Adjustment:
    """`id` tells this adjustment from any other: sent twice, it happens once. `points` are given, or taken below 0."""

    id: UUID
    points: int
    reason: str


_INSERT: Final = """
INSERT INTO loyalty_adjustments (merchant_id, id, customer_id, points, reason, actor, at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (merchant_id, id) DO NOTHING RETURNING id
"""
_BEFORE: Final = (
    "SELECT customer_id, points, reason FROM loyalty_adjustments WHERE merchant_id = $1 AND id = $2"
)


async def adjust(
    merchant: Merchant,
    customer_public_id: str,
    adjustment: Adjustment,
    *,
    actor: str,
    now: datetime,
) -> bool:
    """Give or take points; answers False when this adjustment was made before. One transaction.

    What is given can be used at once, and lapses like points that were earned. Taking leaves nobody below what can be
    used. Raises NoSuchCustomer, AdjustmentRefused, AdjustedOtherwise, NotEnoughPoints, MoneyFrozen.
    """
    reason = checked_reason(adjustment.reason)
    if adjustment.points == 0 or abs(adjustment.points) > ADJUSTMENT_MAX:
        raise AdjustmentRefused("points", "out_of_range")

    customer_id = await customer_id_of(merchant.id, customer_public_id)

    async def write() -> bool:
        inserted = await db.fetch_value(
            _INSERT,
            merchant.id,
            adjustment.id,
            customer_id,
            adjustment.points,
            reason,
            actor,
            now,
        )
        if inserted is None:
            before = await db.fetch_one(_BEFORE, merchant.id, adjustment.id)
            assert before is not None, "it stood in the way a moment ago, and adjustments are never deleted"
            if tuple(before.values()) != (customer_id, adjustment.points, reason):
                raise AdjustedOtherwise
            return False
        await _move(merchant, customer_public_id, adjustment, now)
        await audit.record(
            actor,
            "loyalty.adjusted",
            customer_public_id,
            merchant_id=merchant.id,
            at=now,
            detail={"adjustment": str(adjustment.id), "points": adjustment.points},
        )
        return True

    return await db.in_tx(write)


def checked_reason(typed: str) -> str:
    """On one line. Raises AdjustmentRefused: empty, too_long."""
    reason = one_line(typed)
    if len(reason) < REASON_MIN:
        raise AdjustmentRefused("reason", "empty")
    if len(reason) > REASON_MAX:
        raise AdjustmentRefused("reason", "too_long")
    return reason


async def _move(merchant: Merchant, customer_public_id: str, adjustment: Adjustment, now: datetime) -> None:
    key = f"{ADJUSTED_KEY}{adjustment.id}"
    account, amount = points_of(customer_public_id), Points(abs(adjustment.points))
    if adjustment.points > 0:
        await ledger.put(
            merchant.id,
            key=key,
            cause=ADJUSTED,
            about=customer_public_id,
            account=account,
            against=POINTS_ISSUED,
            amount=amount,
            lot=NewLot(expires_at=await _expiry(merchant, now)),
            now=now,
        )
        return
    try:
        await ledger.take(
            merchant.id,
            key=key,
            cause=ADJUSTED,
            about=customer_public_id,
            account=account,
            against=POINTS_ISSUED,
            amount=amount,
            now=now,
        )
    except InsufficientFunds as short:
        raise NotEnoughPoints(short.available_minor, amount.points) from None


async def _expiry(merchant: Merchant, now: datetime) -> datetime | None:
    version = await latest_programme(merchant.id)
    return rules.given_until(version.programme, now, merchant.time_zone) if version is not None else None
