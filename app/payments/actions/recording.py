"""Money that staff record. What it does to its order is `checkout.actions.record_payment`."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.payments.queries import RecordedView, recorded_by_key
from app.payments.rules import Received

_RECORD: Final = """
INSERT INTO recorded_payments (merchant_id, id, public_id, key, order_id, amount_minor, currency, source, received_on,
                               note, actor, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""


async def record(merchant_id: UUID, order_id: UUID, received: Received, now: datetime) -> RecordedView:
    """Write down what came in for an order, in a transaction that holds the order."""
    db.require_transaction("payments: recording one")
    await db.execute(
        _RECORD,
        merchant_id,
        ids.internal_id(),
        ids.public_id("rec"),
        received.key,
        order_id,
        received.amount.amount_minor,
        received.amount.currency,
        received.source,
        received.received_on,
        received.note,
        received.actor,
        now,
    )
    recorded = await recorded_by_key(merchant_id, received.key)
    assert recorded is not None, "it was written just now"
    return recorded
