"""Logs: one JSON line an event, in UTC, without personal data.

Who logs names stable facts (ids, codes, counts). What looks like a person or a secret all the same is masked here,
at the last door before the line leaves.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Final

import msgspec
import structlog

Event = MutableMapping[str, object]

_SECRET_KEYS: Final = frozenset(
    {
        "authorization",
        "body",
        "code",
        "cookie",
        "email",
        "national_number",
        "password",
        "phone",
        "query",
        "secret",
        "token",
        "url",
    }
)
# E.164 numbers, e-mail addresses, Finnish personal identity codes, our own bearer secrets, payment links, and
# the addresses of insurances and of subscriptions that are owed for.
_PERSONAL: Final = re.compile(
    r"\+\d{7,15}|[^\s@\"'<>]+@[^\s@\"'<>]+\.\w+|\b\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]\b"
    r"|\b(?:sk_(?:test|live)|whsec)_[\w+/=-]+|(?<=/link/)[\w-]+|(?<=/insured/)[\w.-]+|(?<=/subscribed/)[\w.-]+"
)
# What the database says beside an error is the row itself: "Failing row contains (...)", "Key (email)=(...)".
_ROW: Final = re.compile(r"(\n[ |]*DETAIL:)(?:.*?)(?=\n[ |]*HINT:|\n\s*\n|\Z)", re.DOTALL)
MASK: Final = "[masked]"


def configure(stream: object = None) -> None:
    """Called once a process. Lines go to standard error, so that a command's own output stays clean."""
    out = getattr(stream or sys.stderr, "buffer", None) or stream or sys.stderr.buffer
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask,
            structlog.processors.JSONRenderer(serializer=_encode),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(out),  # type: ignore[arg-type]  # any binary stream
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward()], force=True)
    # While a server restarts the driver tells of every connection it cannot make; the caller's own error says enough.
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)


def mask(_logger: object, _method: str, event: Event) -> Event:
    """Values under a secret's name are dropped, and personal data inside any text is masked."""
    return {
        key: MASK if key in _SECRET_KEYS else _masked(value)
        for key, value in event.items()
        if value is not None
    }


def _masked(value: object) -> object:
    if not isinstance(value, str):
        return value
    return _PERSONAL.sub(MASK, _ROW.sub(rf"\1 {MASK}", value) if "DETAIL:" in value else value)


def _encode(event: object, **_options: object) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


class _Forward(logging.Handler):
    """What packages log by the standard library joins the same lines."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(
            record.levelno, record.getMessage(), exc_info=record.exc_info or None
        )
