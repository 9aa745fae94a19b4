"""What the sandbox's Stripe remembers: its objects, and its answers by idempotency key. Test mode only.

A table and not objects in memory, because any of several web processes may be asked next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypeVar

from app.kernel import clock, db

Kind = Literal["session", "intent", "customer", "method", "key"]
Kept = dict[str, object]
T = TypeVar("T")

# Any constant does, as long as nothing else in this database takes the same advisory lock.
_LOCK_KEY = 0x53545250

_PUT = """
INSERT INTO sandbox_stripe AS known (kind, id, customer, value, made_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (kind, id) DO UPDATE SET customer = excluded.customer, value = excluded.value
"""
_NEWEST_OF = """
SELECT value FROM sandbox_stripe WHERE kind = $1 AND customer = $2 ORDER BY made_at DESC, id DESC LIMIT $3
"""
_NEWEST = "SELECT value FROM sandbox_stripe WHERE kind = $1 ORDER BY made_at DESC, id DESC LIMIT $2"


class Book:
    """The memory as one request sees it: inside one transaction, alone."""

    async def find(self, kind: Kind, known_as: str) -> Kept | None:
        value: Kept | None = await db.fetch_value(
            "SELECT value FROM sandbox_stripe WHERE kind = $1 AND id = $2", kind, known_as
        )
        return value

    async def keep(
        self, kind: Kind, known_as: str, value: Mapping[str, object], *, customer: str | None = None
    ) -> None:
        """In place of what was kept under this name."""
        await db.execute(_PUT, kind, known_as, customer, dict(value), clock.wall())

    async def newest(self, kind: Kind, at_most: int, *, customer: str | None = None) -> list[Kept]:
        if customer is None:
            rows = await db.fetch_all(_NEWEST, kind, at_most)
        else:
            rows = await db.fetch_all(_NEWEST_OF, kind, customer, at_most)
        return [row["value"] for row in rows]


async def in_book(work: Callable[[Book], Awaitable[T]]) -> T:
    """One request at a time, whichever process it came to: what it reads is what it changes. One transaction."""

    async def alone() -> T:
        await db.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
        return await work(Book())

    return await db.in_tx(alone)
