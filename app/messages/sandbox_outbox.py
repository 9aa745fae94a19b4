"""Reading what the sandbox's phone, letterbox and webhook list hold, and waiting for it. Test mode only."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.messages.sandbox_inbox import Channel

NOTIFY_CHANNEL: Final = "sandbox_messages"
LIST_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class SandboxMessage:
    """One message as its receiver sees it. `at` is business time."""

    id: UUID
    channel: Channel
    to: str = field(repr=False)
    subject: str = field(repr=False)
    body: str = field(repr=False)
    html: str | None = field(repr=False)
    code: str | None = field(repr=False)
    links: tuple[str, ...] = field(repr=False)
    at: datetime
    attachments: tuple[str, ...] = ()
    """File names; the letterbox serves the n-th, counted from 1, beside the message."""


# Ids are ordered by wall time; the oldest first, so that the last one shown is the next `since`.
_LIST: Final = """
SELECT id, channel, recipient, subject, body, html, code, links, at,
       ARRAY(SELECT a.name FROM sandbox_attachments a WHERE a.message_id = sandbox_messages.id ORDER BY a.position)
           AS attachments
FROM sandbox_messages
WHERE ($1::uuid IS NULL OR merchant_id = $1 OR merchant_id IS NULL) AND ($2::text IS NULL OR recipient = $2)
  AND ($3::text IS NULL OR channel = $3) AND ($4::uuid IS NULL OR id > $4) AND ($5::timestamptz IS NULL OR at
  > $5)
ORDER BY id LIMIT $6
"""


async def messages(
    *,
    merchant_id: UUID | None = None,
    to: str | None = None,
    channel: Channel | None = None,
    since: UUID | datetime | None = None,
    limit: int = LIST_MAX,
) -> tuple[SandboxMessage, ...]:
    """Messages after `since` (an id, or a business time; exclusive), oldest first. What is None does not
    matter."""
    rows = await db.fetch_all(
        _LIST,
        merchant_id,
        to,
        channel,
        since if isinstance(since, UUID) else None,
        since if isinstance(since, datetime) else None,
        limit,
    )
    return tuple(
        SandboxMessage(
            id=row["id"],
            channel=row["channel"],
            to=row["recipient"],
            subject=row["subject"],
            body=row["body"],
            html=row["html"],
            code=row["code"],
            links=tuple(row["links"]),
            at=row["at"],
            attachments=tuple(row["attachments"]),
        )
        for row in rows
    )


async def wait_for_messages(
    dsn: str,
    wait_s: float,
    *,
    merchant_id: UUID | None = None,
    to: str | None = None,
    channel: Channel | None = None,
    since: UUID | datetime | None = None,
) -> tuple[SandboxMessage, ...]:
    """As `messages`, waiting up to `wait_s` for a first match. Listens on a connection of its own while it
    waits."""

    async def look() -> tuple[SandboxMessage, ...]:
        return await messages(merchant_id=merchant_id, to=to, channel=channel, since=since)

    if found := await look():
        return found
    arrived = asyncio.Event()
    listener = await db.connect(dsn)
    try:
        await listener.add_listener(NOTIFY_CHANNEL, lambda *_: arrived.set())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                # What came between the first look and the listening would never be told of again.
                while not (found := await look()):
                    await arrived.wait()
                    arrived.clear()
        return found
    finally:
        listener.terminate()
