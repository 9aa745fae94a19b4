"""Sessions of customers: opened by a proof of who somebody is, exchanged when rights grow, ended by being deleted.

The browser holds the token, the database its digest alone. Nothing but `open_session` makes a row, so that no late
request brings back a session that was ended. The verbs run inside their caller's transaction, unless they say so.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from app.kernel import db, ids

Way = Literal["code", "passkey", "bank"]

LIFE: Final = timedelta(hours=12)

# The session that the browser had before ends with it: one browser has one.
_OPEN: Final = """
WITH ended AS (DELETE FROM customer_sessions WHERE token_digest = $7)
INSERT INTO customer_sessions (id, customer_id, token_digest, way, device, created_at, expires_at)
SELECT $1, c.id, $3, $4, $5, $6, $8 FROM customers c WHERE c.id = $2 AND c.state = 'active'
RETURNING id
"""


async def open_session(
    customer_id: UUID, way: Way, token: str, *, device: str, before: str | None, wall: datetime
) -> bool:
    """A session of this customer under a token that nobody has had yet; `before` is the one that the browser brought.

    False when the customer is none any more.
    """
    opened = await db.fetch_value(
        _OPEN,
        ids.internal_id(),
        customer_id,
        ids.digest(token),
        way,
        device,
        wall,
        ids.digest(before) if before else None,
        wall + LIFE,
    )
    return opened is not None


async def exchange(session_id: UUID, token: str, new_token: str) -> bool:
    """A new token when the rights of a session grow. False when the session is over, or another request was faster."""
    exchanged = await db.fetch_value(
        "UPDATE customer_sessions SET token_digest = $3 WHERE id = $1 AND token_digest = $2 RETURNING id",
        session_id,
        ids.digest(token),
        ids.digest(new_token),
    )
    return exchanged is not None


async def is_open(token: str) -> bool:
    """Whether a session has this token: for a commit whose answer was lost."""
    found = await db.fetch_value(
        "SELECT true FROM customer_sessions WHERE token_digest = $1", ids.digest(token)
    )
    return found is True


async def sign_out(token: str) -> None:
    """End the session of this token. One transaction."""
    await db.execute_alone("DELETE FROM customer_sessions WHERE token_digest = $1", ids.digest(token))


async def sign_out_everywhere(customer_id: UUID) -> None:
    """End every session of a customer. One transaction."""
    await db.execute_alone("DELETE FROM customer_sessions WHERE customer_id = $1", customer_id)


async def end_by(customer_id: UUID, way: Way) -> None:
    """End the sessions that began this way: what proved the person then proves nothing any more."""
    await db.execute("DELETE FROM customer_sessions WHERE customer_id = $1 AND way = $2", customer_id, way)


async def forget_expired(wall: datetime, limit: int) -> int:
    """Delete up to `limit` sessions past their absolute life; for the retention job."""
    status = await db.execute(
        """DELETE FROM customer_sessions WHERE id IN (
               SELECT id FROM customer_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)""",
        wall,
        limit,
    )
    return int(status.split()[-1])
