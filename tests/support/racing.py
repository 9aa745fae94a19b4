"""Two verbs at once, in an order that the test decides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.kernel import db


class Held:
    """A verb that stops in the middle of its transaction, until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, place: object, name: str) -> None:
        self._there, self._go = asyncio.Event(), asyncio.Event()
        original: Callable[..., Awaitable[Any]] = getattr(place, name)

        async def held(*arguments: Any, **named: Any) -> Any:
            self._there.set()
            async with asyncio.timeout(20):
                await self._go.wait()
            return await original(*arguments, **named)

        monkeypatch.setattr(place, name, held)

    async def reached(self) -> None:
        async with asyncio.timeout(20):
            await self._there.wait()

    def let_go(self) -> None:
        self._go.set()


async def somebody_waits_for_a_lock() -> bool:
    waiting = await db.fetch_value(
        """SELECT count(*) FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    )
    return int(waiting) > 0
