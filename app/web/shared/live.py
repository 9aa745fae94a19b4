"""Pages that hear of changes at once, by server-sent events.

The database tells `order_changed` with an order's public id: when the order's version or state changes, or a session
that a link made goes a step on (`migrations/`, "what an open page hears of"). It tells only of orders that are
`watched`. One connection a process listens and wakes every page that is open here:

    async for _ in live.changes(order.public_id): ...      # once at the beginning, then after each change
    return live.stream(order.public_id)                    # the same as an answer to an EventSource

A message says that something changed and nothing else: the page asks for itself again and is shown what its reader may
see. So nothing is lost by a message that never came, and nothing is told to somebody who guessed an address.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from litestar import Response
from litestar.response import Stream

from app.kernel import listening

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANNEL: Final = "order_changed"

# Proxies end a connection on which nothing moves for half a minute.
HEARTBEAT_S: Final = 15.0
# A stream ends now and then, and the browser opens it again: who may look is asked anew each time.
STREAM_LIFE_S: Final = 600.0
STREAMS_MAX: Final = 500
STREAMS_PER_TOPIC_MAX: Final = 20

_CHANGED: Final = b"event: changed\ndata:\n\n"
_HEARTBEAT: Final = b":\n\n"
_REOPEN: Final = b"retry: 2000\n\n"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    # A proxy that collects an answer before it passes it on would keep the news to itself.
    "X-Accel-Buffering": "no",
}


class Hub:
    """Who waits for what in this process, and the one connection that hears for all of them."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self.count = 0
        self._began_before = False
        self._listener: asyncio.Task[Any] | None = None
        self.closed = False

    @contextmanager
    def waiting(self, topic: str) -> Iterator[asyncio.Event]:
        """An event that is set by each change of the topic, once the listening stands, and at the end."""
        woken = asyncio.Event()
        if self._began_before:
            woken.set()
        # The first who waits begins the listening: a process without open pages holds no connection for them.
        self._listener = self._listener or asyncio.create_task(self._listen())
        self._waiting.setdefault(topic, set()).add(woken)
        self.count += 1
        try:
            yield woken
        finally:
            self.count -= 1
            self._waiting[topic].discard(woken)
            if not self._waiting[topic]:
                del self._waiting[topic]

    def has_room(self, topic: str) -> bool:
        return self.count < STREAMS_MAX and len(self._waiting.get(topic, ())) < STREAMS_PER_TOPIC_MAX

    async def close(self) -> None:
        """End every stream, then the listening."""
        self.closed = True
        self._wake_all()
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        await listening.listen(self._dsn, CHANNEL, self._wake, began=self._began)

    def _began(self) -> None:
        # After a pause in the listening nobody knows what was missed: everybody looks.
        self._began_before = True
        self._wake_all()

    def _wake(self, topic: str) -> None:
        for woken in self._waiting.get(topic, ()):
            woken.set()

    def _wake_all(self) -> None:
        for everybody in self._waiting.values():
            for woken in everybody:
                woken.set()


_hub: Hub | None = None


def start(dsn: str) -> None:
    """Called once when the process starts. No connection is opened before a page waits."""
    global _hub  # noqa: PLW0603 - one a process, like the pool
    _hub = Hub(dsn)


async def stop() -> None:
    """End every stream of this process."""
    global _hub
    hub, _hub = _hub, None
    if hub is not None:
        await hub.close()


def open_pages() -> int:
    """How many wait in this process, for metrics."""
    return _hub.count if _hub is not None else 0


async def changes(topic: str) -> AsyncIterator[None]:
    """Yields once when the listening stands, then after each change of the topic; several at once count as one.

    Ends with the process. Raises RuntimeError when `start` was not called.
    """
    hub = _started()
    with hub.waiting(topic) as woken:
        while True:
            await woken.wait()
            if hub.closed:
                return
            woken.clear()
            yield


def stream(topic: str) -> Response[Any]:
    """The answer to an EventSource: `changed` at the beginning and after each change of the topic.

    503 where too many pages are open: the page goes on without being told.
    """
    hub = _started()
    if not hub.has_room(topic):
        return Response(b"", status_code=503, headers={"Retry-After": "60", **_HEADERS})
    return Stream(_events(hub, topic), media_type="text/event-stream", headers=_HEADERS)


def nothing_more() -> Response[Any]:
    """For what will not change again: 204 tells an EventSource to stop asking."""
    return Response(None, status_code=204, headers=_HEADERS)


async def _events(hub: Hub, topic: str) -> AsyncIterator[bytes]:
    end = asyncio.get_running_loop().time() + STREAM_LIFE_S
    with hub.waiting(topic) as woken:
        yield _REOPEN
        while not hub.closed and asyncio.get_running_loop().time() < end:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await woken.wait()
            except TimeoutError:
                yield _HEARTBEAT
                continue
            woken.clear()
            if not hub.closed:
                yield _CHANGED


def _started() -> Hub:
    if _hub is None:
        raise RuntimeError("call live.start first")
    return _hub
