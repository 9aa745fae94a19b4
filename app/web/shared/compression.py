"""Pages are compressed on the way out. Assets are not touched: they were compressed at start, at the best level."""

from __future__ import annotations

import gzip
from typing import Final

import brotli

from app.web.shared.asgi import App, Message, Receive, Scope, Send
from app.web.shared.static import accepted_encodings

# 6 KB become 1.6 KB in 60 microseconds; the next levels cost more than they save on the wire.
BROTLI_QUALITY: Final = 4
GZIP_LEVEL: Final = 5
SMALLEST_BODY: Final = 600

_TEXT: Final = (b"text/html", b"application/json", b"application/problem+json", b"text/plain")


class Compressed:
    """ASGI: a whole text body in one message is sent as brotli or gzip, when the client takes one of them."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        accept = next((v for n, v in scope["headers"] if n.lower() == b"accept-encoding"), b"")
        accepted = accepted_encodings(accept.decode("latin-1"))
        start: Message | None = None

        async def compressing(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                if message["type"] == "http.response.body" and not message.get("more_body", False):
                    message["body"] = _compress(start, message.get("body", b""), accepted)
                await send(start)
                start = None
            await send(message)

        await self._app(scope, receive, compressing)


def _compress(start: Message, body: bytes, accepted: frozenset[str]) -> bytes:
    """The body to send; the headers in ``start`` are made to fit. A body that is compressed already stays as it is."""
    headers = {name.lower(): value for name, value in start.get("headers", [])}
    kind = headers.get(b"content-type", b"").partition(b";")[0]
    if kind not in _TEXT or b"content-encoding" in headers or len(body) < SMALLEST_BODY:
        return body
    kept = [(n, v) for n, v in start["headers"] if n.lower() not in {b"content-length", b"vary"}]
    vary = headers.get(b"vary", b"")
    kept.append((b"vary", vary + b", Accept-Encoding" if vary else b"Accept-Encoding"))
    if "br" in accepted:
        body = brotli.compress(body, mode=brotli.MODE_TEXT, quality=BROTLI_QUALITY)
        kept.append((b"content-encoding", b"br"))
    elif "gzip" in accepted:
        body = gzip.compress(body, GZIP_LEVEL, mtime=0)
        kept.append((b"content-encoding", b"gzip"))
    kept.append((b"content-length", str(len(body)).encode()))
    start["headers"] = kept
    return body
