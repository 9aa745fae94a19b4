"""A shop's webhook receiver on loopback that answers as a script says and keeps a book of what came."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """One scripted answer. `hangs` never ends it; `pad_bytes` is the length of a body of nothing, after `body`."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    pad_bytes: int = 0
    hangs: bool = False
    drops: bool = False


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """Answers from its script in order; the last line stays."""

    def __init__(self) -> None:
        self.script: list[Answer] = [Answer()]
        self.book: list[Received] = []
        self.port = 0
        self._closing = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    def will_answer(self, *answers: Answer) -> None:
        self.script = list(answers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head[1:])
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.book.append(Received(head[0].split(" ")[1], headers, body))
            answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            await self._answer(answer, writer)
        writer.close()

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter) -> None:
        if answer.hangs:
            await self._closing.wait()
            return
        if answer.drops:
            return
        more = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        body = answer.body + b"." * answer.pad_bytes
        writer.write(f"HTTP/1.1 {answer.status} X\r\n{more}content-length: {len(body)}\r\n\r\n".encode())
        writer.write(body)
        await writer.drain()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Receiver]:
        server = await asyncio.start_server(self._serve, host="127.0.0.1", port=0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._closing.set()
            server.close()
            await server.wait_closed()
