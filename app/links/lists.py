"""What a list of links shows beside each of them: who pays, and how far it has come on its way to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.links.queries import LIST_LIMIT_MAX, LinksWanted, LinkView, links_page
from app.links.sending import Channel, SendState


@dataclass(frozen=True, slots=True)
class Track:
    """The customer as far as known, and what was sent last; `sent` is None where nothing was."""

    customer: str | None = field(repr=False)
    channel: Channel | None
    sent: SendState | None


_TRACKS: Final = """
SELECT l.id, c.name AS customer, s.channel, s.state AS sent
FROM payment_links l
LEFT JOIN order_contacts c ON c.merchant_id = l.merchant_id AND c.order_id = l.order_id
LEFT JOIN LATERAL (
    SELECT channel, state FROM link_sends WHERE merchant_id = l.merchant_id AND link_id = l.id ORDER BY id DESC LIMIT 1
) AS s ON true
WHERE l.merchant_id = $1 AND l.id = ANY($2::uuid[])
"""


async def tracks_of(merchant_id: UUID, links: Sequence[LinkView]) -> Mapping[UUID, Track]:
    """By the id of the link. One statement."""
    rows = await db.fetch_all(_TRACKS, merchant_id, [link.id for link in links])
    return {row["id"]: Track(row["customer"], row["channel"], row["sent"]) for row in rows}


async def each_link(
    merchant_id: UUID, wanted: LinksWanted, *, now: datetime
) -> AsyncIterator[tuple[LinkView, Track]]:
    """Every link that a list shows, read a page at a time."""
    cursor: str | None = None
    while True:
        page = await links_page(merchant_id, wanted, now=now, cursor=cursor, limit=LIST_LIMIT_MAX)
        tracks = await tracks_of(merchant_id, page.links)
        for link in page.links:
            yield link, tracks[link.id]
        cursor = page.next_cursor
        if cursor is None:
            return
