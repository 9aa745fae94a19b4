"""A transfer is never edited: another one takes it back, at most once."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.ledger.actions.originals import Original, original_of
from app.ledger.actions.posting import write
from app.ledger.actions.purses import Move, Purse, Use, find_purse, move
from app.ledger.errors import AlreadyReversed, InsufficientFunds, NotReversible
from app.ledger.rules import Entry

# Two that reverse the same transfer meet here when no account with lots makes them meet.
_LOCK: Final = "SELECT id FROM transfers WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE"

_STANDS: Final = """
SELECT EXISTS (SELECT FROM transfers WHERE merchant_id = $1 AND key = $3) AS posted,
       EXISTS (SELECT FROM transfers WHERE merchant_id = $1 AND reverses_id = $2) AS reversed,
       EXISTS (SELECT FROM transfers WHERE merchant_id = $1 AND restores_id = $2) AS restored
"""


async def reverse(merchant_id: UUID, *, of_key: str, key: str, cause: str, now: datetime) -> bool:
    """Post the opposite of the transfer `of_key`, about the same thing; its lots become what they were before it.

    False when the key was used. Raises NoSuchTransfer, AlreadyReversed, NotReversible (it takes back itself, or was
    given back in parts), InsufficientFunds (what it brought was used since), MoneyFrozen.
    """
    original = await original_of(merchant_id, of_key)
    if original.takes_back:
        raise NotReversible
    purse = None
    if original.purse is None:
        await db.fetch_one(_LOCK, merchant_id, original.id)
    else:
        purse = await find_purse(merchant_id, original.purse, original.unit, key)
    stands = await db.fetch_one(_STANDS, merchant_id, original.id, key)
    assert stands is not None
    if stands["posted"]:
        return False
    if stands["reversed"]:
        raise AlreadyReversed
    if stands["restored"]:
        raise NotReversible
    await db.race_point("reversal allowed")
    entries = [_opposite(entry) for entry in original.entries]
    if purse is None:
        return await write(
            merchant_id,
            key=key,
            cause=cause,
            about=original.about,
            entries=entries,
            now=now,
            reverses_id=original.id,
        )
    uses = await _opposite_uses(merchant_id, original)
    debt = _debt(purse, original, uses)
    change = Move(
        key,
        cause,
        original.about,
        entries,
        -original.purse_minor,
        uses,
        debt_minor=debt,
        reverses_id=original.id,
    )
    return await move(merchant_id, purse, change, now)


def _opposite(entry: Entry) -> Entry:
    return Entry(entry.account, "credit" if entry.side == "debit" else "debit", entry.amount)


async def _opposite_uses(merchant_id: UUID, original: Original) -> list[Use]:
    rows = await db.fetch_all(
        """SELECT lot_id, -sum(amount_minor)::bigint AS amount_minor FROM lot_uses
           WHERE merchant_id = $1 AND transfer_id = $2 GROUP BY lot_id HAVING sum(amount_minor) <> 0""",
        merchant_id,
        original.id,
    )
    return [Use(row["lot_id"], row["amount_minor"]) for row in rows]


def _debt(purse: Purse, original: Original, uses: list[Use]) -> int:
    """How the debt changes. Raises InsufficientFunds, NotReversible."""
    free = {lot.id: lot.free_minor for lot in purse.lots}
    for use in uses:
        if free.get(use.lot_id, 0) + min(use.amount_minor, 0) < 0:
            raise InsufficientFunds(free.get(use.lot_id, 0), -use.amount_minor)
    # What lots say less what the account owes is what the balance says, before and after.
    change = sum(use.amount_minor for use in uses) - original.purse_minor
    if purse.debt_minor + change < 0:
        raise NotReversible
    return change
