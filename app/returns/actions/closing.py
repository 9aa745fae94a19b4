"""How a return ends: in one statement, because its end has a time."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.kernel.states import LostRace
from app.returns.states import RETURNS, ReturnState

_END: Final = """
WITH moved AS (
    UPDATE returns SET state = $4, ended_at = $5, refusal = $6
    WHERE merchant_id = $1 AND id = $2 AND state = $3 RETURNING id
)
INSERT INTO return_history (merchant_id, id, subject_id, from_state, to_state, event, actor, at, detail)
SELECT $1, $7, id, $3, $4, $8, $9, $5, '{}' FROM moved
"""


async def end(
    merchant_id: UUID,
    return_id: UUID,
    *,
    expected: ReturnState,
    to: ReturnState,
    actor: str,
    now: datetime,
    refusal: str | None = None,
) -> None:
    """In a transaction. Raises IllegalMove, LostRace."""
    event = RETURNS.event(expected, to)
    status = await db.execute(
        _END,
        merchant_id,
        return_id,
        expected.value,
        to.value,
        now,
        refusal,
        ids.internal_id(),
        event,
        actor,
    )
    if status != "INSERT 0 1":
        raise LostRace(RETURNS.name, return_id, expected, to)


async def end_refunded(merchant_id: UUID, return_id: UUID, *, actor: str, now: datetime) -> None:
    """The money of a return that was received went back. In a transaction."""
    await end(
        merchant_id,
        return_id,
        expected=ReturnState.RECEIVED,
        to=ReturnState.REFUNDED,
        actor=actor,
        now=now,
    )
