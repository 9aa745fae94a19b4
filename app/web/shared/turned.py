"""Points that were turned into money stand in two statements, of points and of money: each row tells the other half."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from app.loyalty.causes import TURNED_KEY as POINTS_KEY
from app.loyalty.queries import TurnedPoints, turns_of
from app.wallet.rules import TURNED_KEY as MONEY_KEY

_KEYS: Final = (POINTS_KEY, MONEY_KEY)


async def turned_among(merchant_id: UUID, keys: Iterable[str]) -> Mapping[str, TurnedPoints]:
    """The turns among movements of either kind, by the movement's key. One statement, whatever there is."""
    turns = {key: UUID(key.partition(":")[2]) for key in keys if key.startswith(_KEYS)}
    found = await turns_of(merchant_id, list(turns.values()))
    return {key: found[turn_id] for key, turn_id in turns.items() if turn_id in found}
