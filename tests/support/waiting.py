"""Waiting for what another process does: looked at again and again, never slept for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], Awaitable[bool]], wait_s: float = 10.0) -> None:
    """Return as soon as it holds. Raises TimeoutError."""
    async with asyncio.timeout(wait_s):
        # What is waited for happens in the database or in another process: nothing here could set an event.
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
