"""Reads of events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.cursors import Position


@dataclass(frozen=True, slots=True)
class EventView:
    """A fact as merchants are told it. `created_at` is business time."""

    public_id: str
    type: str
    data: Mapping[str, object]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page, newest first. `next_cursor` is None on the last."""

    events: tuple[EventView, ...]
    next_cursor: str | None


# The id is ordered by wall time, which the sandbox's clock does not move: pages stay in place when it goes back.
_LIST: Final = """
SELECT id, public_id, type, data, created_at FROM events
WHERE merchant_id = $1 AND ($2::uuid IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3
"""


async def list_events(merchant_id: UUID, *, cursor: str | None = None, limit: int = 50) -> EventPage:
    """One statement. Raises CursorRefused."""
    before = None if cursor is None else Position.parse(cursor).id
    rows = await db.fetch_all(_LIST, merchant_id, before, limit + 1)
    shown = rows[:limit]
    last = Position(shown[-1]["created_at"], shown[-1]["id"]).text() if len(rows) > limit else None
    events = tuple(EventView(row["public_id"], row["type"], row["data"], row["created_at"]) for row in shown)
    return EventPage(events, last)
