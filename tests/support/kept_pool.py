"""The pool of `app.kernel.db`, kept from one test to the next."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import asyncpg


class KeptPool:
    """A pool whose connections outlive a test that has left nothing in them: fresh ones would read the catalogue and
    plan every statement once more.

    `kept`: the numbers of their server processes, while no test runs.
    """

    def __init__(self) -> None:
        self._pool: Any = None
        self.kept: frozenset[int] = frozenset()

    async def start(self, url: str) -> None:
        """As `start_pool`: the process's one pool, on the database of the calls before."""
        from app.kernel import db  # noqa: PLC0415 - tests of pure rules never load the stack

        self.kept = frozenset()
        if self._pool is None:
            await db.start_pool(url)
            self._pool = db.engine.pool
        else:
            db.engine.pool = self._pool

    async def leave(self) -> None:
        """As `close_pool` for whoever comes next; what can be used again is kept."""
        from app.kernel import db  # noqa: PLC0415

        if db.engine.pool is self._pool and (kept := await _wiped(self._pool)):
            db.engine.pool, self.kept = None, kept
            return
        await db.close_pool()
        await self.close()

    async def close(self) -> None:
        """Close what is kept, if anything is."""
        pool, self._pool = self._pool, None
        self.kept = frozenset()
        if pool is not None:
            pool.terminate()


async def _wiped(pool: Any) -> frozenset[int]:
    """The server processes behind its connections, each as if it had just come; none if one is still in use or lost."""
    size = pool.get_size()
    if pool.get_idle_size() != size:
        return frozenset()
    numbers = set()
    try:
        async with AsyncExitStack() as taken:
            for _ in range(size):
                connection = await taken.enter_async_context(pool.acquire(timeout=2))
                await connection.reset()
                numbers.add(connection.get_server_pid())
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        return frozenset()
    return frozenset(numbers)
