"""Money that goes back through the provider that took it: written down first, then asked for until its end is known."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import clock, db, ids
from app.kernel.money import Money
from app.payments import settling
from app.payments.actions.moving import LEASE
from app.payments.queries import REFUNDING_COLUMNS, RefundingView, refunding_of
from app.payments.states import REFUNDING, RefundingState

_INSERT: Final = f"""
INSERT INTO payment_refunds AS r (merchant_id, id, public_id, payment_id, refund_id, state, amount_minor, currency,
                                  asked_at, next_check_at)
VALUES ($1, $2, $3, $4, $5, 'asked', $6, $7, $8, $9) RETURNING {REFUNDING_COLUMNS}
"""  # noqa: S608 - column names alone


async def begin_refund(
    merchant_id: UUID,
    payment_id: UUID,
    amount: Money,
    *,
    actor: str,
    now: datetime,
    refund_id: UUID | None = None,
) -> RefundingView:
    """Write down that so much goes back; the worker asks the provider. In the transaction of what it is of."""
    row = await db.fetch_one(
        _INSERT,
        merchant_id,
        ids.internal_id(),
        ids.public_id("prf"),
        payment_id,
        refund_id,
        amount.amount_minor,
        amount.currency,
        now,
        clock.wall(),
    )
    assert row is not None
    begun = refunding_of(row)
    await REFUNDING.begin(
        merchant_id, begun.id, state=RefundingState.ASKED, event="payment_refund.asked", actor=actor, at=now
    )
    return begun


_TAKE: Final = f"""
UPDATE payment_refunds r SET leased_until = $3
WHERE r.public_id = $1 AND r.ended_at IS NULL AND (r.leased_until IS NULL OR r.leased_until <= $2)
RETURNING {REFUNDING_COLUMNS}
"""  # noqa: S608 - column names alone


async def take_refund(public_id: str, wall: datetime) -> RefundingView | None:
    """As `moving.take`, of money on its way back."""
    row = await db.fetch_one(_TAKE, public_id, wall, wall + LEASE)
    return None if row is None else refunding_of(row)


_MARK: Final = """
UPDATE payment_refunds
SET provider_ref = coalesce($3, provider_ref), reason = coalesce($4, reason), ended_at = $5, checks = checks + 1,
    next_check_at = $6, leased_until = NULL
WHERE merchant_id = $1 AND id = $2
"""


async def move_refund(
    refund: RefundingView,
    to: RefundingState,
    *,
    actor: str,
    now: datetime,
    provider_ref: str | None = None,
    reason: str | None = None,
) -> None:
    """Take one edge. In a transaction. Raises IllegalMove, LostRace."""
    await REFUNDING.move(refund.merchant_id, refund.id, expected=refund.state, to=to, actor=actor, at=now)
    is_over = to in {RefundingState.DONE, RefundingState.REFUSED}
    await db.execute(
        _MARK,
        refund.merchant_id,
        refund.id,
        provider_ref,
        reason,
        now if is_over else None,
        None if is_over else clock.wall() + settling.wait_after(refund.checks),
    )


async def postpone_refund(refund: RefundingView, wall: datetime, wait: timedelta | None = None) -> None:
    """Nothing is new: ask again later. Outside a transaction."""
    await db.execute_alone(
        """UPDATE payment_refunds SET checks = checks + 1, next_check_at = $3, leased_until = NULL
           WHERE merchant_id = $1 AND id = $2 AND ended_at IS NULL""",
        refund.merchant_id,
        refund.id,
        wall + (wait or settling.wait_after(refund.checks)),
    )
