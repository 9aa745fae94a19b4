"""Reads of disputes about payments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.money import Money
from app.payments.states import DisputeState


@dataclass(frozen=True, slots=True)
class DisputeView:
    """A dispute about a payment. Amounts are minor units; `reason` is one of `ports.DISPUTE_REASONS`. `answer_by` and
    `told_at`, when the provider was asked last that told something new, are wall time. `moves` counts its steps."""

    merchant_id: UUID
    id: UUID
    public_id: str
    payment_id: UUID
    payment_public_id: str
    provider_ref: str
    state: DisputeState
    amount_minor: int
    currency: str
    reason: str
    answer_by: datetime | None
    opened_at: datetime
    ended_at: datetime | None
    moves: int
    told_at: datetime

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


DISPUTE_SELECT: Final = """
SELECT d.merchant_id, d.id, d.public_id, d.payment_id, p.public_id AS payment_public_id, d.provider_ref, d.state,
       d.amount_minor, d.currency, d.reason, d.answer_by, d.opened_at, d.ended_at, d.moves, d.told_at
FROM payment_disputes d JOIN payments p ON p.merchant_id = d.merchant_id AND p.id = d.payment_id
"""


def dispute_of(row: db.Record) -> DisputeView:
    """From a row of DISPUTE_SELECT."""
    return DisputeView(**{**dict(row.items()), "state": DisputeState(row["state"])})


async def disputes_of_payment(merchant_id: UUID, payment_id: UUID) -> tuple[DisputeView, ...]:
    """Oldest first."""
    rows = await db.fetch_all(
        f"{DISPUTE_SELECT} WHERE d.merchant_id = $1 AND d.payment_id = $2 ORDER BY d.id",
        merchant_id,
        payment_id,
    )
    return tuple(dispute_of(row) for row in rows)


async def disputes_of_order(merchant_id: UUID, order_id: UUID) -> tuple[DisputeView, ...]:
    """Oldest first."""
    rows = await db.fetch_all(
        f"{DISPUTE_SELECT} WHERE p.merchant_id = $1 AND p.order_id = $2 ORDER BY d.id", merchant_id, order_id
    )
    return tuple(dispute_of(row) for row in rows)
