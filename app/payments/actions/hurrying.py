"""A payment is asked after at once: what its session waited for has been said."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, outbox

CHECK_JOB: Final = "payment_check"

# The pauses between looks begin anew: what is to be said to the provider now has not been said before.
_HURRY: Final = """
UPDATE payments SET next_check_at = least(next_check_at, $3), checks = 0
WHERE merchant_id = $1 AND session_id = $2 AND ended_at IS NULL RETURNING public_id
"""


async def look_at_once(merchant_id: UUID, session_id: UUID, wall: datetime) -> None:
    """Have a worker ask after the payment of a session, if one goes on. The reconciler asks too, should the worker find
    somebody else at it. In a transaction that holds the session."""
    found = await db.fetch_value(_HURRY, merchant_id, session_id, wall)
    if found is not None:
        await outbox.put(merchant_id, CHECK_JOB, {"of": found})
