"""HTTP towards MobilePay: our keys on every call, an access token kept for its life, and what a failed call means.

The token is the one thing that a process keeps, as it keeps a bank's discovery: it says who we are and nothing about
any payment, every process gets its own, and one that is lost or refused is got anew.

An answer of the API says that a call was done (2xx) or refused (4xx: nothing has happened). Everything else is
`ProviderUnreachable`, with a word on why: nobody knows. It is `ProviderNotReached` where the call was surely not done:
`not_sent`, `no_token`, `unauthorised` and `rate_limited`.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

import httpx
import msgspec

from app.kernel import db
from app.kernel.tls import trusted
from app.payments.errors import ProviderNotReached, ProviderRefused, ProviderUnreachable
from app.settings import MobilePayDoor

TOTAL_TIMEOUT_S: Final = 8.0
# ePayment takes 50 characters of a key and the recurring API 40, so 40 serve both.
KEY_LENGTH_MAX: Final = 40

_ANSWER_BYTES_MAX: Final = 256 * 1024
_CONNECT_TIMEOUT_S: Final = 3.0
_TOKEN_MARGIN_S: Final = 60.0
_TOKEN_KEPT_MAX_S: Final = 24 * 3600.0
_KEY_SHAPE: Final = re.compile(rf"[A-Za-z0-9_:.-]{{8,{KEY_LENGTH_MAX}}}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. The body may hold a token or an address, so it shows in no representation."""

    status: int
    body: bytes = field(repr=False)

    def parsed(self, kind: type[T]) -> T:
        """Raises ProviderUnreachable("garbage") for a body of another shape: what was done is then unknown."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise ProviderUnreachable("garbage") from None


class _Token(msgspec.Struct, frozen=True):
    access_token: str
    # Told as text today; a number would mean the same.
    expires_in: str | int


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str = field(repr=False)
    until_s: float


class _ExtraDetail(msgspec.Struct, frozen=True):
    name: str = ""
    reason: str = ""


class _Problem(msgspec.Struct, frozen=True, rename="camel"):
    extra_details: tuple[_ExtraDetail, ...] | None = None


class MobilePayHttp:
    """Calls of one sales unit. One instance a process."""

    def __init__(
        self,
        door: MobilePayDoor,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
    ) -> None:
        self._door = door
        self._transport = transport
        self._total_timeout_s = total_timeout_s
        self._kept: _Kept | None = None
        self._fetching = asyncio.Lock()

    async def get(self, path: str) -> Answer:
        return await self._call("GET", path, None, None)

    async def post(self, path: str, body: Mapping[str, object], key: str) -> Answer:
        return await self._call("POST", path, body, key)

    async def patch(self, path: str, body: Mapping[str, object], key: str) -> Answer:
        return await self._call("PATCH", path, body, key)

    async def delete(self, path: str, key: str) -> Answer:
        return await self._call("DELETE", path, None, key)

    async def _call(
        self, method: str, path: str, body: Mapping[str, object] | None, key: str | None
    ) -> Answer:
        """The answer to a call that was done. Raises ProviderRefused, ProviderUnreachable."""
        db.refuse_in_transaction("mobilepay")
        try:
            async with asyncio.timeout(self._total_timeout_s), self._client() as client:
                answer = await self._with_token(client, method, path, body, key)
        except TimeoutError:
            raise ProviderUnreachable("timeout") from None
        return _done(answer)

    async def _with_token(
        self,
        client: httpx.AsyncClient,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        key: str | None,
    ) -> Answer:
        content = b"" if body is None else msgspec.json.encode(body)
        headers = self._who_we_are()
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = sent_key(key)
        url = self._door.url + path
        token = await self._token(client)
        answer = await _send(client, method, url, headers | _bearer(token), content)
        if answer.status != 401:
            return answer
        # Not done: a token may be withdrawn before its time, and then a new one is all it takes.
        self._forget(token)
        return await _send(client, method, url, headers | _bearer(await self._token(client)), content)

    async def _token(self, client: httpx.AsyncClient) -> str:
        kept = self._kept
        if kept is not None and time.monotonic() < kept.until_s:
            return kept.token
        async with self._fetching:
            kept = self._kept
            if kept is None or time.monotonic() >= kept.until_s:
                kept = self._kept = await self._fetch_token(client)
            return kept.token

    async def _fetch_token(self, client: httpx.AsyncClient) -> _Kept:
        """Raises ProviderNotReached("no_token"): whatever was to follow has not been sent."""
        headers = {
            **self._who_we_are(),
            "client_id": self._door.client_id,
            "client_secret": self._door.client_secret,
        }
        try:
            answer = await _send(client, "POST", f"{self._door.url}/accesstoken/get", headers, b"")
            if answer.status != 200:
                raise ProviderNotReached("no_token")
            told = answer.parsed(_Token)
            lasts_s = min(float(told.expires_in), _TOKEN_KEPT_MAX_S)
        except (ProviderUnreachable, ValueError):
            raise ProviderNotReached("no_token") from None
        return _Kept(told.access_token, time.monotonic() + lasts_s - _TOKEN_MARGIN_S)

    def _forget(self, token: str) -> None:
        if self._kept is not None and self._kept.token == token:
            self._kept = None

    def _who_we_are(self) -> dict[str, str]:
        return {
            "Ocp-Apim-Subscription-Key": self._door.subscription_key,
            "Merchant-Serial-Number": self._door.msn,
            "Vipps-System-Name": "kolme",
            "Accept": "application/json",
            # A few compressed bytes could unpack to many.
            "Accept-Encoding": "identity",
        }

    def _client(self) -> httpx.AsyncClient:
        # One client a call: a kept connection that has died in the meantime would make a call's end unknown.
        return httpx.AsyncClient(
            transport=self._transport,
            verify=trusted(),
            timeout=httpx.Timeout(self._total_timeout_s, connect=_CONNECT_TIMEOUT_S),
            follow_redirects=False,
            trust_env=False,
        )


def sent_key(key: str) -> str:
    """The key as it travels: itself where it fits, else a digest of it, the same for the same key."""
    if _KEY_SHAPE.fullmatch(key):
        return key
    return hashlib.sha256(key.encode()).hexdigest()[:KEY_LENGTH_MAX]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _send(
    client: httpx.AsyncClient, method: str, url: str, headers: Mapping[str, str], content: bytes
) -> Answer:
    try:
        async with client.stream(method, url, headers=headers, content=content) as response:
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > _ANSWER_BYTES_MAX:
                    raise ProviderUnreachable("too_large")
            return Answer(response.status_code, bytes(body))
    except (httpx.ConnectError, httpx.ConnectTimeout):
        raise ProviderNotReached("not_sent") from None
    except httpx.TimeoutException:
        raise ProviderUnreachable("timeout") from None
    except (httpx.HTTPError, httpx.InvalidURL):
        raise ProviderUnreachable("cut") from None


def _done(answer: Answer) -> Answer:
    match answer.status:
        case 200 | 201 | 202 | 204:
            return answer
        case 401 | 403:
            raise ProviderNotReached("unauthorised")
        case 409:
            # Another call with this key, or on this payment, is under way: what comes of it has to be asked.
            raise ProviderUnreachable("conflict")
        case 429:
            raise ProviderNotReached("rate_limited")
        case 404:
            raise ProviderRefused("not_found")
        case status if 400 <= status < 500:
            raise ProviderRefused(_reason(answer))
    raise ProviderUnreachable("status")


def _reason(answer: Answer) -> str:
    """The API's own number of the error where it tells one, such as "code_6080": a stable word, and never free text."""
    try:
        problem = msgspec.json.decode(answer.body, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return f"status_{answer.status}"
    for detail in problem.extra_details or ():
        if detail.name == "ErrorCode" and re.fullmatch(r"[0-9]{1,8}", detail.reason):
            return f"code_{detail.reason}"
    return f"status_{answer.status}"
