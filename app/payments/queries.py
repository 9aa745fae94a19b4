"""Reads of money that staff have recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.money import Money
from app.payments.rules import Source


@dataclass(frozen=True, slots=True)
class RecordedView:
    """One payment that somebody on the staff recorded for an order; `actor` says who."""

    id: UUID
    public_id: str
    key: str
    order_id: UUID
    amount_minor: int
    currency: str
    source: Source
    received_on: date
    note: str | None = field(repr=False)
    actor: str
    recorded_at: datetime

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


_COLUMNS: Final = """r.id, r.public_id, r.key, r.order_id, r.amount_minor, r.currency, r.source, r.received_on,
    r.note, r.actor, r.recorded_at"""


async def recorded_by_key(merchant_id: UUID, key: str) -> RecordedView | None:
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM recorded_payments r WHERE r.merchant_id = $1 AND r.key = $2",  # noqa: S608
        merchant_id,
        key,
    )
    return None if row is None else RecordedView(**row)


async def recorded_by_id(merchant_id: UUID, payment_id: UUID) -> RecordedView | None:
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM recorded_payments r WHERE r.merchant_id = $1 AND r.id = $2",  # noqa: S608
        merchant_id,
        payment_id,
    )
    return None if row is None else RecordedView(**row)


async def payment_of_order(merchant_id: UUID, order_id: UUID) -> RecordedView | None:
    """The money that paid an order; None for one that is unpaid, or that a checkout paid."""
    row = await db.fetch_one(
        f"""SELECT {_COLUMNS} FROM orders o
            JOIN recorded_payments r ON r.merchant_id = o.merchant_id AND r.id = o.recorded_payment_id
            WHERE o.merchant_id = $1 AND o.id = $2""",  # noqa: S608 - a constant of this module
        merchant_id,
        order_id,
    )
    return None if row is None else RecordedView(**row)
