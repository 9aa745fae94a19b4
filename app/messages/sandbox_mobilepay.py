"""What the sandbox's MobilePay remembers: payments, agreements and charges, each a JSON object. Test mode only.

A table and not objects in memory, because any of several web processes may be asked next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

from app.kernel import clock, db

Kind = Literal["payment", "agreement", "charge"]
Kept = dict[str, object]
T = TypeVar("T")

_MAKE = """
INSERT INTO sandbox_mobilepay (kind, id, value, made_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, id) DO NOTHING RETURNING true
"""


async def remember_new(made: Sequence[tuple[Kind, str, Mapping[str, object]]]) -> bool:
    """Keeps all of them, or nothing and False when one is known already. One transaction."""

    async def make() -> bool:
        for kind, known_as, value in made:
            if await db.fetch_value(_MAKE, kind, known_as, dict(value), clock.wall()) is not True:
                raise _Known
        return True

    try:
        return await db.in_tx(make)
    except _Known:
        return False


class _Known(Exception):
    """Undoes the transaction."""


async def recall(kind: Kind, known_as: str) -> Kept | None:
    value: Kept | None = await db.fetch_value(
        "SELECT value FROM sandbox_mobilepay WHERE kind = $1 AND id = $2", kind, known_as
    )
    return value


async def change(kind: Kind, known_as: str, how: Callable[[Kept], tuple[Kept, T]]) -> T | None:
    """Lets `how` make the next value of what is kept, one at a time; what it tells beside it is the answer, None when
    nothing is known. What it raises changes nothing. One transaction."""

    async def lay_over() -> T | None:
        value = await db.fetch_value(
            "SELECT value FROM sandbox_mobilepay WHERE kind = $1 AND id = $2 FOR UPDATE", kind, known_as
        )
        if value is None:
            return None
        after, told = how(value)
        await db.execute(
            "UPDATE sandbox_mobilepay SET value = $3 WHERE kind = $1 AND id = $2", kind, known_as, after
        )
        return told

    return await db.in_tx(lay_over)


async def newest(at_most: int) -> list[tuple[Kind, Kept]]:
    """Payments and agreements, the newest first."""
    rows = await db.fetch_all(
        """SELECT kind, value FROM sandbox_mobilepay WHERE kind IN ('payment', 'agreement')
           ORDER BY made_at DESC LIMIT $1""",
        at_most,
    )
    return [(row["kind"], row["value"]) for row in rows]
