"""The shop's client of the payment API: two calls, short patience, and no trust in what comes back.

It knows its key and its webhook secret from a file, as a shop knows them from its own settings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx
import msgspec

from app.kernel.tls import trusted

_TOTAL_TIMEOUT_S: Final = 8.0
_CONNECT_TIMEOUT_S: Final = 2.0
_ANSWER_BYTES_MAX: Final = 256 * 1024


class ShopSettings(msgspec.Struct, frozen=True):
    """What the shop must know to be paid: the fields of `var/demo.json` that concern it."""

    base_url: str
    merchant_id: str
    api_key: str
    webhook_secret: str


class Session(msgspec.Struct, frozen=True):
    """What the shop reads of a checkout session."""

    id: str
    url: str
    state: str
    total_minor: int
    currency: str


class NotSetUp(Exception):
    """The shop has no key: the demo was never seeded here."""


class ApiFailed(Exception):
    """The payment API did not answer as it should. `code` is the API's own, empty when there was no
    answer."""

    def __init__(self, code: str = "") -> None:
        super().__init__(code)
        self.code = code


def read_settings(path: Path) -> ShopSettings:
    """Read anew at each use, because the seeds may write the file after this process started. Raises
    NotSetUp."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ShopSettings)
    except (OSError, msgspec.MsgspecError):
        raise NotSetUp from None


@dataclass(frozen=True, slots=True)
class ShopApi:
    """`transport` is for tests; without one the line is real."""

    settings_path: Path
    transport: httpx.AsyncBaseTransport | None = None

    async def create_session(self, body: Mapping[str, object], key: str) -> Session:
        """`key` is the idempotency key: the same order asked for twice is one session. Raises ApiFailed,
        NotSetUp."""
        answer = await self._call("POST", "/api/v1/sessions", body, {"Idempotency-Key": key})
        return _decoded(answer)

    async def session(self, session_id: str) -> Session:
        """Raises ApiFailed, NotSetUp."""
        return _decoded(await self._call("GET", f"/api/v1/sessions/{quote(session_id, safe='')}", None, {}))

    async def _call(
        self, method: str, path: str, body: Mapping[str, object] | None, headers: Mapping[str, str]
    ) -> bytes:
        settings = read_settings(self.settings_path)
        client = httpx.AsyncClient(
            base_url=settings.base_url,
            transport=self.transport,
            verify=trusted(),
            timeout=httpx.Timeout(_TOTAL_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=4),
            follow_redirects=False,
            trust_env=False,
            headers={"Authorization": f"Bearer {settings.api_key}", "Accept-Encoding": "identity", **headers},
        )
        try:
            async with (
                asyncio.timeout(_TOTAL_TIMEOUT_S),
                client,
                client.stream(method, path, json=body) as response,
            ):
                return await _read(response)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            raise ApiFailed from None


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > _ANSWER_BYTES_MAX:
            raise ApiFailed
    if not response.is_success:
        raise ApiFailed(_code(bytes(body)))
    return bytes(body)


class _Problem(msgspec.Struct):
    code: str = ""


def _code(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Problem).code[:100]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def _decoded(body: bytes) -> Session:
    try:
        return msgspec.json.decode(body, type=Session)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ApiFailed from None
