"""Two clocks. Wall time signs things; business time decides things and can be moved in test mode.

Both are UTC and aware. The distance between them is one row, so that every process agrees.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.kernel import db


def wall() -> datetime:
    """What a clock on the wall shows: for signatures, tokens, leases and cookies."""
    return datetime.now(UTC)


def business(offset_s: int) -> datetime:
    """What the shop's day is, for due dates, expiry and all that people see."""
    return wall() + timedelta(seconds=offset_s)


async def business_now() -> datetime:
    """`business` with the offset read now, one query. Requests read it with their first query."""
    return business(await read_offset_s())


async def read_offset_s() -> int:
    """The stored offset in seconds; 0 when the clock was never moved."""
    offset_s = await db.fetch_value("SELECT offset_s FROM business_clock WHERE id = 1")
    return int(offset_s or 0)


async def set_offset_s(offset_s: int) -> None:
    """Move the business clock, inside a transaction. The sandbox alone does this."""
    await db.execute(
        "INSERT INTO business_clock (id, offset_s) VALUES (1, $1)"
        " ON CONFLICT (id) DO UPDATE SET offset_s = EXCLUDED.offset_s",
        offset_s,
    )
