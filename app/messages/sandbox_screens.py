"""What the sandbox's screens show of the messages: the newest ones, who was written to, one by its id. Test
mode only."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from app.kernel import db
from app.messages.ports import Attachment
from app.messages.sandbox_inbox import Channel
from app.messages.sandbox_outbox import SandboxMessage

_COLUMNS: Final = """id, channel, recipient AS "to", subject, body, html, code, links, at,
    ARRAY(SELECT a.name FROM sandbox_attachments a WHERE a.message_id = sandbox_messages.id ORDER BY a.position)
        AS attachments"""

_NEWEST: Final = f"""
SELECT {_COLUMNS} FROM sandbox_messages
WHERE channel = ANY($1::text[]) AND ($2::text IS NULL OR recipient = $2)
ORDER BY id DESC LIMIT $3
"""  # noqa: S608 - the columns are the constant above

_BY_ID: Final = f"SELECT {_COLUMNS} FROM sandbox_messages WHERE id = $1"  # noqa: S608 - as above


async def newest_messages(*channels: Channel, at_most: int, to: str | None = None) -> list[SandboxMessage]:
    """The newest first."""
    return [_message(row) for row in await db.fetch_all(_NEWEST, list(channels), to, at_most)]


async def message_by_id(message_id: UUID) -> SandboxMessage | None:
    row = await db.fetch_one(_BY_ID, message_id)
    return None if row is None else _message(row)


async def attachment(message_id: UUID, position: int) -> Attachment | None:
    """The n-th file of a message, counted from 1."""
    row = await db.fetch_one(
        "SELECT name, content_type, data FROM sandbox_attachments WHERE message_id = $1 AND position = $2",
        message_id,
        position,
    )
    return None if row is None else Attachment(row["name"], row["content_type"], bytes(row["data"]))


def _message(row: db.Record) -> SandboxMessage:
    lists = {name: tuple(row[name]) for name in ("links", "attachments")}
    return SandboxMessage(**{**dict(row.items()), **lists})
