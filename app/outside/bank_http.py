"""HTTP towards an identity provider, with everything a hostile or broken one could use taken away.

No redirects, no proxies from the environment, no cookies kept, no compressed bodies (a few bytes could unpack
to many), and no more than a fixed number of bytes read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import msgspec

from app.identity.errors import ProviderUnavailable
from app.kernel.tls import trusted

_MAX_ANSWER_BYTES = 256 * 1024
_TIMEOUT = httpx.Timeout(4.0, connect=2.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, status and body. The body may hold tokens, so it shows in no representation."""

    status: int
    body: bytes = field(repr=False)

    def text(self) -> str:
        """The body as a token. Raises ProviderUnavailable("garbage") for what cannot be one."""
        try:
            return self.body.decode("ascii").strip()
        except UnicodeDecodeError:
            raise ProviderUnavailable("garbage") from None

    def json_object(self) -> dict[str, object]:
        """The body as a JSON object. Raises ProviderUnavailable("garbage") for anything else."""
        try:
            return msgspec.json.decode(self.body, type=dict[str, object])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise ProviderUnavailable("garbage") from None


class BankHttp:
    """GET and POST at the provider. Every failure of the line is a ProviderUnavailable."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None) -> None:
        self._transport = transport

    async def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        return await self._send("GET", url, headers, None)

    async def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        return await self._send("POST", url, headers, form)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> Answer:
        asked = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        try:
            async with (
                self._client() as client,
                client.stream(method, url, headers=asked, data=form) as response,
            ):
                return await _read(response)
        except httpx.TimeoutException:
            raise ProviderUnavailable("timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise ProviderUnavailable("unreachable") from None

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        # One client a request: its cookie jar and connections die with it, so no login can touch another.
        async with httpx.AsyncClient(
            transport=self._transport,
            verify=trusted(),
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
        ) as client:
            yield client


async def _read(response: httpx.Response) -> Answer:
    if response.is_redirect:
        raise ProviderUnavailable("redirect")
    body = bytearray()
    # Raw: whoever sends a compressed body although we asked for none is not unpacked, and so is not understood.
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _MAX_ANSWER_BYTES:
            raise ProviderUnavailable("too_large")
    return Answer(status=response.status_code, body=bytes(body))
