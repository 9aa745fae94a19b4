"""The line to Stripe under its official package: httpx, with everything taken away that the product does not want.

The package's own clients follow proxies from the environment, read any number of bytes, wait 80 seconds, and tell of
the machine they run on. This one knows one request and one answer: bounded in time and size, no redirects, no
compression (a few bytes could unpack to many), and no header but those that the call needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, NoReturn

import httpx
import msgspec
import stripe

from app.kernel import db
from app.kernel.tls import trusted

ANSWER_BYTES_MAX: Final = 512 * 1024
# What a call waits for in all: a charge passes through the card's bank, a question does not.
WRITE_TIMEOUT_S: Final = 15.0
READ_TIMEOUT_S: Final = 6.0
_CONNECT_TIMEOUT_S: Final = 3.0
_HEADERS: Final = frozenset({"authorization", "content-type", "idempotency-key", "stripe-version"})

# Stripe marks with this an answer that it kept for our key, and did not come to anew.
REPLAYED: Final = "idempotent-replayed"
_TOLD: Final = ("request-id", REPLAYED)

# Neither how long our requests took nor what machine we are goes to Stripe.
stripe.enable_telemetry = False


class CardHttp(stripe.HTTPClient):
    """`stripe.HTTPClient` for asynchronous calls. Every failure of the line is an APIConnectionError."""

    name = "httpx"

    def __init__(
        self,
        *,
        read_timeout_s: float = READ_TIMEOUT_S,
        write_timeout_s: float = WRITE_TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__()
        self._transport = transport
        self._timeouts_s = {"get": read_timeout_s}
        self._write_timeout_s = write_timeout_s

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        db.refuse_in_transaction("card")
        timeout_s = self._timeouts_s.get(method.lower(), self._write_timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._ask(method, url, headers, post_data)
        except (TimeoutError, httpx.TimeoutException):
            _lost("timeout")
        except _TooLarge:
            _lost("too_large")
        except (httpx.HTTPError, httpx.InvalidURL):
            _lost("unreachable")

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        # One client a request: nothing of one call can reach another, and a dead connection is never taken up again.
        async with (
            httpx.AsyncClient(
                transport=self._transport,
                verify=trusted(),
                timeout=httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S),
                follow_redirects=False,
                trust_env=False,
            ) as client,
            client.stream(method, url, headers=_wanted(headers), content=body) as response,
        ):
            answer = await _read(response)
            _check(answer, response.status_code)
            # No more of the headers: the package would turn some of them into warnings.
            told = {name: response.headers[name] for name in _TOLD if name in response.headers}
            return answer, response.status_code, told

    def close(self) -> None:
        """Nothing is kept open."""

    async def close_async(self) -> None:
        """Nothing is kept open."""


class _TooLarge(Exception):
    """More came than any answer of Stripe's has."""


def _check(answer: bytes, status: int) -> None:
    """The package takes the shape of an answer for granted. Whoever stands between us and Stripe may say anything."""
    try:
        told = msgspec.json.decode(answer, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        told = {}
    is_good = 200 <= status < 300
    if not told or (not is_good and not isinstance(told.get("error"), dict)):
        _lost("garbage" if is_good else f"status_{status}")


def _wanted(headers: Mapping[str, str]) -> dict[str, str]:
    wanted = {name: value for name, value in headers.items() if name.lower() in _HEADERS}
    return {**wanted, "User-Agent": "Kolme", "Accept": "application/json", "Accept-Encoding": "identity"}


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise _TooLarge
    return bytes(body)


def _lost(reason: str) -> NoReturn:
    raise stripe.APIConnectionError(reason, should_retry=False) from None  # type: ignore[no-untyped-call]
