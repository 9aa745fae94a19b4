"""What the sandbox's Stripe tells its account of: events, signed like the real ones, posted to our callback address.

Told once the change is in the book, by the process that made it. One that does not arrive is tried again a few times,
then forgotten: an event is a reason to ask, and whoever waits for a payment asks anyway.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

import httpx
import msgspec
import structlog

from app.kernel import clock
from app.web.sandbox.stripe_objects import new_id
from app.web.sandbox.stripe_twin import API_VERSION, Happened

WAITS_S: Final = (0.2, 1.0, 5.0)
_TIMEOUT_S: Final = 5.0

_log = structlog.get_logger("sandbox.stripe")


class Teller:
    """One a process. `url` is the account's webhook endpoint, `secret` what signs."""

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        waits_s: Sequence[float] = WAITS_S,
    ) -> None:
        self._waits_s = waits_s
        self._url = url
        self._secret = secret
        self._transport = transport
        self._telling: set[asyncio.Task[None]] = set()

    def tell(self, events: Sequence[Happened]) -> None:
        """Returns at once."""
        for event in events:
            task = asyncio.create_task(self._deliver(event_body(event)))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def told(self) -> None:
        """Once everything has been told, or given up. For tests."""
        await asyncio.gather(*self._telling)

    async def _deliver(self, body: bytes) -> None:
        for wait_s in (*self._waits_s, None):
            if await self._arrived(body):
                return
            if wait_s is not None:
                await asyncio.sleep(wait_s)
        _log.warning("event_not_delivered")

    async def _arrived(self, body: bytes) -> bool:
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature(body, self._secret)}
        try:
            async with httpx.AsyncClient(
                transport=self._transport, timeout=_TIMEOUT_S, trust_env=False
            ) as client:
                answer = await client.post(self._url, content=body, headers=headers)
                return answer.is_success
        except httpx.HTTPError:
            return False


def event_body(event: Happened) -> bytes:
    return msgspec.json.encode(
        {
            "id": new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": int(clock.wall().timestamp()),
            "type": event.type,
            "livemode": False,
            "data": {"object": event.object},
        }
    )


def signature(body: bytes, secret: str) -> str:
    """The header of one delivery, made now."""
    made_at = int(clock.wall().timestamp())
    signed = hmac.new(secret.encode(), f"{made_at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={made_at},v1={signed}"
