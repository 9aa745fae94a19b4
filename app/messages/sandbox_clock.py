"""The clock that can be moved, and what still has to happen at the time it was moved to. Test mode only."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from app.checkout.actions import removing
from app.invoices.queries import due_by_clock
from app.kernel import clock, db, outbox
from app.kernel.errors import Refusal
from app.links import reminding
from app.prices.queries import count_due as price_months_due
from app.subscriptions.queries import count_due as subscriptions_due

ADVANCE_S_MAX: Final = 400 * 86_400
OFFSET_S_MAX: Final = 10 * 366 * 86_400
_LOOK_AGAIN_S: Final = 0.05


class ClockTooFar(Refusal):
    """The clock moves forward only, by 400 days at a time, and at most ten years away from the wall."""

    code: ClassVar[str] = "clock_too_far"


@dataclass(frozen=True, slots=True)
class Due:
    """So many things of one kind that should have happened by now."""

    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class ClockFace:
    """What the clock shows: business time, and how far it is from the wall, in seconds."""

    now: datetime
    offset_s: int


# `leased_until` is not looked at: a job in a worker's hands is not done yet.
_DUE: Final = """
SELECT kind, count(*) AS count FROM outbox
WHERE done_at IS NULL AND failed_at IS NULL AND run_at <= $1 GROUP BY kind
UNION ALL
SELECT 'session_expiry', count(*) FROM checkout_sessions
WHERE (state = 'open' AND expires_at <= $1) OR (state = 'held' AND held_until <= $1) HAVING count(*) > 0
ORDER BY kind
"""


async def read_clock() -> ClockFace:
    return _face(await clock.read_offset_s())


async def advance_clock(advance_s: int) -> ClockFace:
    """Moves business time forward for every process and wakes the worker. Raises ClockTooFar. One
    transaction."""
    if not 0 < advance_s <= ADVANCE_S_MAX:
        raise ClockTooFar

    moved: list[int] = []

    async def move() -> int:
        offset_s = await db.fetch_value("SELECT offset_s FROM business_clock WHERE id = 1 FOR UPDATE")
        moved_s = int(offset_s or 0) + advance_s
        if moved_s > OFFSET_S_MAX:
            raise ClockTooFar
        await clock.set_offset_s(moved_s)
        await _wake_worker()
        moved.append(moved_s)
        return moved_s

    async def landed() -> int | None:
        now_s = await clock.read_offset_s()
        return now_s if now_s in moved else None

    return _face(await db.in_tx(move, landed=landed))


async def reset_clock() -> ClockFace:
    """Business time is wall time again. What happened meanwhile stays, with its times. One transaction."""

    async def reset() -> None:
        await clock.set_offset_s(0)
        await _wake_worker()

    await db.in_tx(reset)
    return _face(0)


async def due(now: datetime) -> list[Due]:
    """What should have happened by `now` (business time) and has not."""
    rows = await db.fetch_all(_DUE, now)
    of_invoices = await due_by_clock(now)
    others = {
        "link_reminder": await reminding.count_due(now),
        "order_expiry": await removing.count_due(now),
        "price_month": await price_months_due(now),
        "subscription": await subscriptions_due(now),
    }
    return [
        *(Due(row["kind"], row["count"]) for row in rows),
        *(Due(f"invoice_{kind}", count) for kind, count in of_invoices.items()),
        *(Due(kind, count) for kind, count in others.items() if count),
    ]


async def wait_until_drained(now: datetime, wait_s: float) -> list[Due]:
    """Waits until the worker has done everything that was due at `now`, and what followed from it meanwhile; what is
    left when `wait_s` are over."""
    deadline = asyncio.get_running_loop().time() + wait_s
    # What follows is due a moment later than what it follows from.
    while left := await due(max(now, (await read_clock()).now)):
        if asyncio.get_running_loop().time() >= deadline:
            return left
        await asyncio.sleep(_LOOK_AGAIN_S)
    return []


async def _wake_worker() -> None:
    await db.fetch_value("SELECT pg_notify($1, '')", outbox.CHANNEL)


def _face(offset_s: int) -> ClockFace:
    return ClockFace(clock.business(offset_s), offset_s)
