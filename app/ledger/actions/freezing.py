"""Money stops moving when the books do not hold, and moves again when somebody who has looked says so."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.kernel import db, ids

_FREEZE: Final = """
INSERT INTO money_freezes (id, because, began_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id
"""


async def freeze(because: str, now: datetime) -> bool:
    """From now on every verb that moves money raises MoneyFrozen. False when it is frozen already."""
    db.require_transaction("ledger.freeze")
    return await db.fetch_value(_FREEZE, ids.internal_id(), because, now) is not None


async def unfreeze(because: str, now: datetime) -> bool:
    """Let money move again. False when nothing was frozen."""
    status = await db.execute(
        "UPDATE money_freezes SET ended_at = $1, ended_because = $2 WHERE ended_at IS NULL", now, because
    )
    return status != "UPDATE 0"


async def freeze_now(because: str, now: datetime) -> bool:
    """`freeze` in a transaction of its own."""
    return await db.in_tx(lambda: freeze(because, now))


async def unfreeze_now(because: str, now: datetime) -> bool:
    """`unfreeze` in a transaction of its own."""
    return await db.in_tx(lambda: unfreeze(because, now))
