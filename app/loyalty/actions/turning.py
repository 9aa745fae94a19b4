"""The points' half of turning points into money. The wallet's half, and the transaction around both, is `rewards`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.kernel.money import Money, Points
from app.ledger import actions as ledger
from app.ledger.errors import InsufficientFunds
from app.ledger.rules import POINTS_ISSUED, points_of
from app.loyalty import rules
from app.loyalty.causes import TURNED, TURNED_KEY
from app.loyalty.errors import NotEnoughPoints, ProgrammeOff, TurnedOtherwise, TurnKeyRefused
from app.loyalty.queries import customer_id_of, latest_programme
from app.merchants.queries import Merchant

KEY_LENGTH_MIN: Final = 8
KEY_LENGTH_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Turned:
    """So many points became so much money. `again`: an earlier call with this key did it, this one did nothing."""

    id: UUID
    points: int
    amount: Money
    again: bool


_INSERT: Final = """
INSERT INTO loyalty_turns (merchant_id, id, customer_id, key, version, points, amount_minor, currency, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (merchant_id, key) DO NOTHING RETURNING id
"""
_BEFORE: Final = """
SELECT id, customer_id, points, amount_minor, currency FROM loyalty_turns WHERE merchant_id = $1 AND key = $2
"""


async def take_points(
    merchant: Merchant, customer_public_id: str, points: int, *, key: str, now: datetime
) -> Turned:
    """Take usable points away for the money they are worth today; the caller adds that money in this transaction.

    Raises NoSuchCustomer, ProgrammeOff, BelowMinimum, NotAStep, NotEnoughPoints, TurnedOtherwise, TurnKeyRefused.
    """
    if not KEY_LENGTH_MIN <= len(key) <= KEY_LENGTH_MAX:
        raise TurnKeyRefused
    customer_id = await customer_id_of(merchant.id, customer_public_id)
    before = await _before(merchant.id, customer_id, points, key)
    if before is not None:
        return before
    version = await latest_programme(merchant.id)
    if version is None or not version.programme.active:
        raise ProgrammeOff
    amount = Money(rules.turned_minor(version.programme.turning, points), merchant.currency)
    turn_id = ids.internal_id()
    inserted = await db.fetch_value(
        _INSERT,
        merchant.id,
        turn_id,
        customer_id,
        key,
        version.version,
        points,
        amount.amount_minor,
        amount.currency,
        now,
    )
    if inserted is None:
        # The other tap of a double one was faster; its row is there now.
        other = await _before(merchant.id, customer_id, points, key)
        assert other is not None, "the row that was in the way is there"
        return other
    try:
        await ledger.take(
            merchant.id,
            key=f"{TURNED_KEY}{turn_id}",
            cause=TURNED,
            about=customer_public_id,
            account=points_of(customer_public_id),
            against=POINTS_ISSUED,
            amount=Points(points),
            now=now,
        )
    except InsufficientFunds as short:
        raise NotEnoughPoints(short.available_minor, points) from None
    return Turned(turn_id, points, amount, again=False)


async def _before(merchant_id: UUID, customer_id: UUID, points: int, key: str) -> Turned | None:
    row = await db.fetch_one(_BEFORE, merchant_id, key)
    if row is None:
        return None
    if (row["customer_id"], row["points"]) != (customer_id, points):
        raise TurnedOtherwise
    return Turned(row["id"], points, Money(row["amount_minor"], row["currency"]), again=True)
