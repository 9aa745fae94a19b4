"""A mail server on loopback that speaks just enough SMTP, answers as told, and keeps what it was given."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Final

# A letter with its attachments, as it travels.
LETTER_BYTES_MAX: Final = 2**20


class MailServer:
    """`recipient_says` and `data_says` are the lines with which RCPT and DATA are answered; `reports` whether it offers
    to report what becomes of a mail. `heard` holds the commands.
    """

    def __init__(self) -> None:
        self.port = 0
        self.taken: list[EmailMessage] = []
        self.recipient_says = "250 fine"
        self.data_says = "250 taken"
        self.reports = False
        self.heard: list[str] = []
        self.hangs = False
        self._closing = asyncio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if self.hangs:
                await self._closing.wait()
            say("220 mail.example")
            while line := (await reader.readline()).decode().strip():
                self.heard.append(line)
                match line.split(" ")[0].upper():
                    case "EHLO" if self.reports:
                        say("250-mail.example")
                        say("250 DSN")
                    case "EHLO":
                        say("250 mail.example")
                    case "RCPT":
                        say(self.recipient_says)
                    case "DATA":
                        say("354 go on")
                        text = await reader.readuntil(b"\r\n.\r\n")
                        if self.data_says.startswith("2"):
                            parsed = message_from_bytes(text[:-5], policy=policy.default)
                            self.taken.append(parsed)
                        say(self.data_says)
                    case "QUIT":
                        say("221 bye")
                        break
                    case _:
                        say("250 fine")
        writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[MailServer]:
        server = await asyncio.start_server(self._serve, host="127.0.0.1", port=0, limit=LETTER_BYTES_MAX)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._closing.set()
            server.close()
            await server.wait_closed()
