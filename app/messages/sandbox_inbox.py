"""What the sandbox's phone, letterbox and webhook list hold. Test mode only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal
from uuid import UUID

from app.kernel import clock, db, ids
from app.messages.ports import Attachment

Channel = Literal["sms", "email", "letter", "webhook"]

_LINK: Final = re.compile(r"https?://[^\s<>\"']+")
_CODE: Final = re.compile(r"^@\S+ #(\d{4,8})$", re.MULTILINE)

_REMEMBER: Final = """
WITH message AS (
    INSERT INTO sandbox_messages (id, merchant_id, channel, recipient, subject, body, html, code, links, at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,
            $10::timestamptz + make_interval(secs => coalesce((SELECT offset_s FROM business_clock), 0)))
    ON CONFLICT (id) DO NOTHING
)
INSERT INTO sandbox_attachments (message_id, position, name, content_type, data)
SELECT $1, a.position, a.name, a.content_type, a.data
FROM unnest($11::text[], $12::text[], $13::bytea[]) WITH ORDINALITY AS a (name, content_type, data, position)
ON CONFLICT (message_id, position) DO NOTHING
"""


async def remember_message(
    channel: Channel,
    recipient: str,
    *,
    subject: str = "",
    body: str,
    html: str | None = None,
    merchant_id: UUID | None = None,
    attachments: Sequence[Attachment] = (),
) -> None:
    """Keep a message that a twin was given, with the code and the links that stand in it. One transaction."""
    code = _CODE.search(body)
    links = list(dict.fromkeys(link.rstrip(".,)") for link in _LINK.findall(body)))

    await db.execute_alone(
        _REMEMBER,
        ids.internal_id(),
        merchant_id,
        channel,
        recipient,
        subject,
        body,
        html,
        code.group(1) if code else None,
        links,
        clock.wall(),
        [attached.name for attached in attachments],
        [attached.content_type for attached in attachments],
        [attached.data for attached in attachments],
    )
