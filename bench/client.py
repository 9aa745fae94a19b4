"""A shopper's browser that costs next to nothing, because the load shares its core with the database.

It keeps one connection and its cookies, and accepts no compression, as wrk does not either.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit

_HEADERS: Final = "Sec-Fetch-Site: same-origin\r\nHX-Request: true\r\nAccept-Language: en\r\n"


@dataclass(slots=True)
class Client:
    """Talks to one loopback server over one connection; `address` is whom the proxy in front would name."""

    base_url: str
    address: str = ""
    requests: int = 0
    _cookies: dict[str, str] = field(default_factory=dict)
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def forget(self) -> None:
        """Another shopper sits down: no cookies."""
        self._cookies.clear()

    async def get(self, path: str) -> str:
        """The page's text. Raises AssertionError when the answer is not 200."""
        return await self._ask(f"GET {path}", b"")

    async def post(self, path: str, form: dict[str, str]) -> str:
        """The answer's text. Raises AssertionError when the answer is not 200."""
        return await self._ask(f"POST {path}", urlencode(form).encode())

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            await self._streams[1].wait_closed()

    async def _ask(self, line: str, body: bytes) -> str:
        host = urlsplit(self.base_url)
        if self._streams is None:
            self._streams = await asyncio.open_connection(host.hostname, host.port, limit=1 << 20)
        reader, writer = self._streams
        head = f"{line} HTTP/1.1\r\nHost: {host.netloc}\r\n{_HEADERS}X-Forwarded-For: {self.address}\r\n"
        if self._cookies:
            head += (
                "Cookie: " + "; ".join(f"{name}={value}" for name, value in self._cookies.items()) + "\r\n"
            )
        if body:
            head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}\r\n".encode() + body)
        status, headers = _read_head(await reader.readuntil(b"\r\n\r\n"))
        lengths = [int(value) for name, value in headers if name == "content-length"]
        assert lengths, f"an answer of known length is expected: {headers}"
        text = (await reader.readexactly(lengths[0])).decode()
        self.requests += 1
        assert status == 200, f"{line}: {status} {text}"
        for name, value in headers:
            if name == "set-cookie":
                cookie, _, said = value.partition(";")[0].partition("=")
                self._cookies[cookie] = said
        return text


def _read_head(head: bytes) -> tuple[int, list[tuple[str, str]]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in rest if line]
    return int(first.split(" ", 2)[1]), [(name.lower(), value.strip()) for name, _, value in pairs]
