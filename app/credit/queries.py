"""Reads for a credit decision."""

from __future__ import annotations

from uuid import UUID

from app.kernel import db


async def exposure_minor(merchant_id: UUID, customer_id: UUID, currency: str) -> int:
    """What a customer owes the creditor here already, in minor units."""
    found = await db.fetch_value(
        "SELECT exposure_minor FROM credit_exposures WHERE merchant_id = $1 AND customer_id = $2 AND currency = $3",
        merchant_id,
        customer_id,
        currency,
    )
    return int(found or 0)


async def is_stored(merchant_id: UUID, decision_id: UUID) -> bool:
    """Whether a decision with this id was ever written."""
    found = await db.fetch_value(
        "SELECT true FROM credit_decisions WHERE merchant_id = $1 AND id = $2", merchant_id, decision_id
    )
    return found is True
