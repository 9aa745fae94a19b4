"""Reads of payouts: the queue that a person works off, and what was asked for of one wallet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from app.kernel import db, keys
from app.kernel.money import Money
from app.wallet.actions.payouts import PAYOUT_PURPOSE, PayTo
from app.wallet.states import PayoutState

QUEUE_MAX: Final = 100
ENDED_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Payout:
    """`iban` and `holder` are known until it has ended, and only to the staff of the shop; afterwards the last four
    characters of the account alone."""

    public_id: str
    customer_id: str
    amount: Money
    state: PayoutState
    hint: str
    requested_at: datetime
    requested_by: str
    ended_at: datetime | None
    name: str | None = field(repr=False)
    iban: str | None = field(repr=False)
    holder: str | None = field(repr=False)


_COLUMNS: Final = """
SELECT o.public_id, c.public_id AS customer_id, c.name, o.amount_minor, o.currency, o.state, o.hint, o.sealed,
       o.requested_at, o.requested_by, o.ended_at
FROM wallet_payouts o JOIN customers c ON c.id = o.customer_id
"""


async def waiting_payouts(merchant_id: UUID) -> Sequence[Payout]:
    """What is to be paid, the oldest first; at most QUEUE_MAX of them."""
    return await _read(
        "WHERE o.merchant_id = $1 AND o.state = 'requested' ORDER BY o.id LIMIT $2", merchant_id, QUEUE_MAX
    )


async def count_waiting(merchant_id: UUID) -> int:
    """How many are to be paid, counted up to QUEUE_MAX and one more."""
    count: int = await db.fetch_value(
        """SELECT count(*) FROM (SELECT FROM wallet_payouts
           WHERE merchant_id = $1 AND state = 'requested' LIMIT $2) AS waiting""",
        merchant_id,
        QUEUE_MAX + 1,
    )
    return count


async def ended_payouts(merchant_id: UUID) -> Sequence[Payout]:
    """What was paid or cancelled lately, the newest first."""
    return await _read(
        "WHERE o.merchant_id = $1 AND o.state IN ('paid', 'cancelled') ORDER BY o.ended_at DESC, o.id DESC LIMIT $2",
        merchant_id,
        ENDED_SHOWN,
    )


async def payouts_of(merchant_id: UUID, customer_public_id: str) -> Sequence[Payout]:
    """One wallet's, the newest first."""
    return await _read(
        """WHERE o.merchant_id = $1 AND o.customer_id = (SELECT id FROM customers WHERE public_id = $3)
           ORDER BY o.id DESC LIMIT $2""",
        merchant_id,
        ENDED_SHOWN,
        customer_public_id,
    )


async def _read(which: str, merchant_id: UUID, limit: int, *more: object) -> Sequence[Payout]:
    # `which` is a constant of this module.
    rows = await db.fetch_all(f"{_COLUMNS} {which}", merchant_id, limit, *more)
    return [_payout(row) for row in rows]


def _payout(row: db.Record) -> Payout:
    pay_to = None
    if row["sealed"] is not None:
        pay_to = msgspec.json.decode(keys.process_keyring().open(PAYOUT_PURPOSE, row["sealed"]), type=PayTo)
    return Payout(
        public_id=row["public_id"],
        customer_id=row["customer_id"],
        amount=Money(row["amount_minor"], row["currency"]),
        state=PayoutState(row["state"]),
        hint=row["hint"],
        requested_at=row["requested_at"],
        requested_by=row["requested_by"],
        ended_at=row["ended_at"],
        name=row["name"],
        iban=None if pay_to is None else pay_to.iban,
        holder=None if pay_to is None else pay_to.holder,
    )
