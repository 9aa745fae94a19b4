"""A door to the outside that fails again and again is left alone for a while: circuit breakers, kept in the database.

After `failures` failures, each within `within_s` of the one before, nobody knocks for `rest_s`. Then one caller may
try; if that works everybody may, if not the door rests again. No process remembers anything, so that all of them agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.kernel import db


@dataclass(frozen=True, slots=True)
class Breaker:
    door: str
    failures: int = 5
    within_s: int = 30
    rest_s: int = 30


@dataclass(frozen=True, slots=True)
class Knock:
    """Whether the door may be knocked at, and whether it has failed lately."""

    allowed: bool
    failed_lately: bool


_TRY_AGAIN = """
UPDATE breakers SET open_until = $2::timestamptz + $3::interval WHERE door = $1 AND open_until <= $2 RETURNING door
"""


async def knock(breaker: Breaker, wall: datetime) -> Knock:
    """One query while the door is well. Outside a transaction."""
    row = await db.fetch_one("SELECT open_until FROM breakers WHERE door = $1", breaker.door)
    if row is None:
        return Knock(allowed=True, failed_lately=False)
    if row["open_until"] is None:
        return Knock(allowed=True, failed_lately=True)
    if wall < row["open_until"]:
        return Knock(allowed=False, failed_lately=True)

    async def first() -> bool:
        # Of all who come after the rest, one tries; the others wait for what becomes of it.
        rest = timedelta(seconds=breaker.rest_s)
        return await db.fetch_value(_TRY_AGAIN, breaker.door, wall, rest) is not None

    return Knock(allowed=await db.in_tx(first), failed_lately=True)


_FAILED = """
INSERT INTO breakers AS b (door, failures, failed_at, open_until)
VALUES ($1, 1, $2::timestamptz, CASE WHEN $3 <= 1 THEN $2 + $5::interval END)
ON CONFLICT (door) DO UPDATE SET
    failed_at = $2,
    failures = CASE WHEN b.failed_at < $2 - $4::interval THEN 1 ELSE b.failures + 1 END,
    open_until = CASE
        WHEN b.open_until IS NOT NULL THEN $2 + $5::interval
        WHEN b.failed_at >= $2 - $4::interval AND b.failures + 1 >= $3 THEN $2 + $5::interval
    END
"""


async def failed(breaker: Breaker, wall: datetime) -> None:
    """One transaction."""
    await db.in_tx(
        lambda: db.execute(
            _FAILED,
            breaker.door,
            wall,
            breaker.failures,
            timedelta(seconds=breaker.within_s),
            timedelta(seconds=breaker.rest_s),
        )
    )


async def worked(breaker: Breaker) -> None:
    """The door is well again. One transaction; needless when it had not failed lately."""
    await db.in_tx(lambda: db.execute("DELETE FROM breakers WHERE door = $1", breaker.door))
