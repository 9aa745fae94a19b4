"""Browsers that asked to be remembered: a long-lived cookie that spares typing phone and postcode, and proves nothing.

The secret is exchanged at every use, the one before stays good for some minutes in case the answer was lost, and it
ends by the shopper's word ("not you?"), when the phone changes hands, or half a year after its last use. The verbs run
inside their caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import db, ids, keys

LIFE: Final = timedelta(days=180)
GRACE: Final = timedelta(minutes=10)
_PURPOSE: Final = "remembered-browser"


@dataclass(frozen=True, slots=True)
class Remembered:
    """Who last paid in this browser. Phone and postcode are for a code alone, and the phone is shown masked."""

    id: UUID
    customer_id: UUID
    phone: str = field(repr=False)
    postcode: str = field(repr=False)


def read(cookie: str | None) -> bytes | None:
    """The digest of a cookie's secret; None for one that is missing or not ours."""
    token = keys.process_keyring().unsign(_PURPOSE, cookie) if cookie else None
    return ids.digest(token.decode()) if token is not None else None


def write(token: str) -> str:
    """The cookie's text."""
    return keys.process_keyring().sign(_PURPOSE, token.encode())


async def keep(customer_id: UUID, before: Remembered | None, *, wall: datetime) -> str:
    """Remember this browser for a customer, with a new secret, which is answered. One that was remembered for somebody
    else is theirs no more."""
    token = ids.token()
    if before is not None and before.customer_id == customer_id:
        await db.execute(
            """UPDATE remembered_browsers SET previous_digest = token_digest, previous_until = $3, token_digest = $2,
                   expires_at = $4 WHERE id = $1""",
            before.id,
            ids.digest(token),
            wall + GRACE,
            wall + LIFE,
        )
        return token
    if before is not None:
        await end(before.id, wall=wall)
    await db.execute(
        """INSERT INTO remembered_browsers (id, customer_id, token_digest, created_at, expires_at)
           VALUES ($1, $2, $3, $4, $5)""",
        ids.internal_id(),
        customer_id,
        ids.digest(token),
        wall,
        wall + LIFE,
    )
    return token


async def end(remembered_id: UUID, *, wall: datetime) -> None:
    await db.execute(
        "UPDATE remembered_browsers SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", remembered_id, wall
    )


async def end_all(customer_id: UUID, *, wall: datetime) -> None:
    """Every browser of a customer forgets them."""
    await db.execute(
        "UPDATE remembered_browsers SET ended_at = $2 WHERE customer_id = $1 AND ended_at IS NULL",
        customer_id,
        wall,
    )


async def forget_ended(wall: datetime, limit: int) -> int:
    """Delete up to `limit` rows that are over; for the retention job."""
    status = await db.execute(
        """DELETE FROM remembered_browsers WHERE id IN (
               SELECT id FROM remembered_browsers WHERE expires_at < $1 OR ended_at IS NOT NULL LIMIT $2)""",
        wall,
        limit,
    )
    return int(status.split()[-1])
