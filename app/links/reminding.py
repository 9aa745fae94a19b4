"""Reminders of links that are about to lapse and were not paid: off unless a shop says how many hours before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from app.kernel import db
from app.kernel.errors import Refusal
from app.links.queries import link_by_id
from app.links.sending import Channel, Wanted, send_in_tx

ACTOR: Final = "system"
_log: Final = structlog.get_logger(__name__)

# No reminder is further ahead than 720 hours (`merchants.link_reminders_h`): so few links are read, by their end.
# Of a link with several reminders due at once (the worker was away) one is sent, and all of them are decided. Who was
# sent the link after a reminder's moment was told just then; who was never sent it is not written to unasked.
_DUE: Final = """
FROM merchants m CROSS JOIN LATERAL unnest(m.link_reminders_h) AS hours
JOIN payment_links l ON l.merchant_id = m.id AND l.state = 'active'
    AND l.expires_at > $1 AND l.expires_at <= $1 + interval '720 hours'
    AND l.expires_at <= $1 + make_interval(hours => hours)
    AND l.created_at <= l.expires_at - make_interval(hours => hours)
JOIN orders o ON o.merchant_id = l.merchant_id AND o.id = l.order_id AND o.state IN ('open', 'in_payment')
JOIN LATERAL (
    SELECT s.channel, s.recipient, s.lang, s.created_at FROM link_sends s
    WHERE s.merchant_id = l.merchant_id AND s.link_id = l.id AND s.recipient IS NOT NULL
      AND s.state IN ('queued', 'sent', 'delivered')
    ORDER BY s.id DESC LIMIT 1
) AS told ON told.created_at <= l.expires_at - make_interval(hours => hours)
WHERE cardinality(m.link_reminders_h) > 0 AND NOT EXISTS (
    SELECT FROM link_reminders r WHERE r.merchant_id = l.merchant_id AND r.link_id = l.id
      AND r.expires_at = l.expires_at AND r.hours = hours.hours)
"""

_TAKE: Final = f"""
WITH due AS (
    SELECT l.merchant_id, l.id, l.expires_at, hours.hours, told.channel, told.recipient, told.lang
    {_DUE} ORDER BY l.expires_at, l.id LIMIT $2 FOR UPDATE OF l SKIP LOCKED
), decided AS (
    INSERT INTO link_reminders (merchant_id, link_id, expires_at, hours, decided_at)
    SELECT merchant_id, id, expires_at, hours, $1 FROM due
    ON CONFLICT DO NOTHING RETURNING merchant_id, link_id
)
SELECT DISTINCT due.merchant_id, due.id, due.channel, due.recipient, due.lang
FROM due JOIN decided ON decided.merchant_id = due.merchant_id AND decided.link_id = due.id
"""  # noqa: S608 - constants of this module


@dataclass(frozen=True, slots=True)
class _Told:
    """A link, and how its shop last reached whoever pays it."""

    merchant_id: UUID
    id: UUID
    channel: Channel
    recipient: str
    lang: str


async def remind_due(now: datetime, limit: int) -> int:
    """Put the reminders whose hour has come on the outbox, to whom and as the link was sent last. One transaction.

    Whether the link still holds is asked again when the reminder is sent.
    """

    async def remind() -> int:
        taken = [_Told(**dict(row.items())) for row in await db.fetch_all(_TAKE, now, limit)]
        for told in taken:
            link = await link_by_id(told.merchant_id, told.id)
            assert link is not None, "it is held"
            wanted = Wanted(told.channel, told.recipient, told.lang, reminder=True)
            try:
                await send_in_tx(link, wanted, actor=ACTOR, now=now)
            except Refusal as refused:
                # One that cannot be written to keeps nobody else from being reminded, today nor for ever.
                _log.warning("reminder_refused", link=link.public_id, reason=refused.code)
        return len(taken)

    return await db.in_tx(remind)


async def count_due(now: datetime) -> int:
    """How many reminders should have been decided by `now`."""
    count = await db.fetch_value(f"SELECT count(*) {_DUE}", now)
    assert isinstance(count, int)
    return count
