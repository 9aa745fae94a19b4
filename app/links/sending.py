"""A link on its way to whoever pays: asked for by the shop, sent by the worker, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal
from uuid import UUID

from app.kernel import db, ids, outbox
from app.kernel.phone import parse_phone
from app.kernel.typed import clean, one_line
from app.links.errors import LinkEnded, LinkPaused
from app.links.queries import LinkView
from app.links.states import LinkState
from app.links.wording import MESSAGE_MAX, SMS_MAX, SUBJECT_MAX, filled_words
from app.merchants.errors import FieldRefused
from app.merchants.rules import email_of
from app.orders.queries import OrderView, order_by_id

SEND_JOB: Final = "link_send"
# What the id of its mail begins with.
SEND_MESSAGE: Final = "link."

Channel = Literal["email", "sms"]
SendState = Literal["queued", "sent", "delivered", "bounced", "failed"]

# From where a send may come to be what it is told to be; news that comes twice or too late changes nothing.
_BEFORE: Final[Mapping[SendState, tuple[SendState, ...]]] = MappingProxyType(
    {
        "sent": ("queued",),
        "delivered": ("queued", "sent"),
        "bounced": ("queued", "sent", "delivered"),
        "failed": ("queued",),
    }
)


@dataclass(frozen=True, slots=True)
class SendView:
    """One message with the link in it. What is personal is None once it was forgotten."""

    merchant_id: UUID
    id: UUID
    link_id: UUID
    channel: Channel
    recipient: str | None = field(repr=False)
    lang: str
    subject: str | None = field(repr=False)
    body: str | None = field(repr=False)
    state: SendState
    reason: str | None
    reminder: bool
    created_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    actor: str

    @property
    def message_id(self) -> str:
        """What the mail calls itself: stable over tries, and by which a report of its delivery finds it."""
        return f"{SEND_MESSAGE}{self.id}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be sent to whom. Subject and message are the shop's words (`wording`) where they are None."""

    channel: Channel
    recipient: str = field(repr=False)
    lang: str
    subject: str | None = field(default=None, repr=False)
    message: str | None = field(default=None, repr=False)
    reminder: bool = False
    id: UUID = field(default_factory=ids.internal_id)


_ASK: Final = """
INSERT INTO link_sends (merchant_id, id, link_id, channel, recipient, lang, subject, body, state, reminder,
                        created_at, actor)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $10, $11)
ON CONFLICT (merchant_id, id) DO NOTHING RETURNING id
"""


async def ask_to_send(  # noqa: PLR0913 - what the API, the till and a page ask for in one call
    merchant_id: UUID,
    link: LinkView,
    *,
    channel: Channel,
    recipient: str,
    lang: str,
    subject: str | None = None,
    message: str | None = None,
    actor: str,
    now: datetime,
) -> UUID:
    """Put the link on its way by e-mail or SMS in a transaction of its own, and answer the id of the send.

    Raises as `send_in_tx`.
    """
    assert merchant_id == link.merchant_id, "a link is sent by its own shop"
    wanted = Wanted(channel, recipient, lang, subject, message)
    return await db.in_tx(lambda: send_in_tx(link, wanted, actor=actor, now=now))


async def send_in_tx(link: LinkView, wanted: Wanted, *, actor: str, now: datetime) -> UUID:
    """Put the link on its way inside the caller's transaction; the worker sends it. The same `id` is sent once, however
    often it is asked for. Answers the id of the send.

    Raises LinkPaused, LinkEnded, FieldRefused ("email", "subject", "message"), PhoneRefused.
    """
    db.require_transaction("links: sending one")
    _refuse_unless_active(link.state_at(now))
    order = await order_by_id(link.merchant_id, link.order_id)
    assert order is not None, "a link has its order"
    by_mail = wanted.channel == "email"
    to = email_of(wanted.recipient) if by_mail else parse_phone(wanted.recipient, order.country).e164
    said, body = await _words(link, order, wanted)
    asked = await db.fetch_value(
        _ASK,
        link.merchant_id,
        wanted.id,
        link.id,
        wanted.channel,
        to,
        wanted.lang,
        said,
        body,
        wanted.reminder,
        now,
        actor,
    )
    if asked is not None:
        payload = {"send": str(wanted.id), "template": "link_reminder" if wanted.reminder else "payment_link"}
        key = f"{SEND_JOB}:{wanted.id}"
        await outbox.put(link.merchant_id, SEND_JOB, payload, run_at=now, key=key, about=link.order_public_id)
    return wanted.id


async def _words(link: LinkView, order: OrderView, wanted: Wanted) -> tuple[str | None, str]:
    """Subject and body as they are sent."""
    words = await filled_words(link, order, wanted.lang, "reminder" if wanted.reminder else "link")
    if wanted.channel == "sms":
        text = words.sms if wanted.message is None else one_line(clean(wanted.message))
        return None, _text("message", text, SMS_MAX)
    subject = words.subject if wanted.subject is None else one_line(clean(wanted.subject))
    message = words.message if wanted.message is None else clean(wanted.message)
    return _text("subject", subject, SUBJECT_MAX), _text("message", message, MESSAGE_MAX)


def _refuse_unless_active(state: LinkState) -> None:
    if state is LinkState.PAUSED:
        raise LinkPaused
    if state is not LinkState.ACTIVE:
        raise LinkEnded(state.value)


def _text(name: str, text: str, length_max: int) -> str:
    if not text:
        raise FieldRefused(name, "empty")
    if len(text) > length_max:
        raise FieldRefused(name, "too_long")
    return text


_COLUMNS: Final = """merchant_id, id, link_id, channel, recipient, lang, subject, body, state, reason, reminder,
    created_at, sent_at, settled_at, actor"""
_BY_ID: Final = f"SELECT {_COLUMNS} FROM link_sends WHERE merchant_id = $1 AND id = $2"  # noqa: S608 - a constant
_OF_LINK: Final = f"""
SELECT {_COLUMNS} FROM link_sends WHERE merchant_id = $1 AND link_id = $2 ORDER BY id
"""  # noqa: S608 - a constant


async def send_by_id(merchant_id: UUID, send_id: UUID) -> SendView | None:
    row = await db.fetch_one(_BY_ID, merchant_id, send_id)
    return None if row is None else SendView(**dict(row.items()))


async def shop_of_send(send_id: UUID) -> UUID | None:
    """Whose send this is, whichever shop asks; None when nothing of the kind was sent."""
    shop = await db.fetch_value("SELECT merchant_id FROM link_sends WHERE id = $1", send_id)
    return shop if isinstance(shop, UUID) else None


async def sends_of_link(merchant_id: UUID, link_id: UUID) -> tuple[SendView, ...]:
    """Everything that was sent of a link, oldest first."""
    return tuple(SendView(**dict(row.items())) for row in await db.fetch_all(_OF_LINK, merchant_id, link_id))


_SETTLE: Final = """
UPDATE link_sends
SET state = $3, reason = $4,
    sent_at = CASE WHEN $3 IN ('sent', 'delivered') THEN coalesce(sent_at, $5) ELSE sent_at END,
    settled_at = CASE WHEN $3 = 'sent' THEN settled_at ELSE $5 END
WHERE merchant_id = $1 AND id = $2 AND state = ANY($6::text[]) RETURNING id
"""


async def settle(
    merchant_id: UUID, send_id: UUID, state: SendState, *, now: datetime, reason: str | None = None
) -> bool:
    """Write down what became of a send. False, and nothing changes, when it is further already. `reason` is a code."""
    before = list(_BEFORE[state])
    return await db.fetch_value(_SETTLE, merchant_id, send_id, state, reason, now, before) is not None


async def tell_sent(link: LinkView, send: SendView, now: datetime) -> None:
    """`link.sent`, without anything personal: the recipient is the shop's own order's."""
    data = {
        "link_id": link.public_id,
        "order_id": link.order_public_id,
        "reference": link.reference,
        "channel": send.channel,
        "reminder": send.reminder,
    }
    await outbox.emit(link.merchant_id, "link.sent", data, now=now, about=link.order_public_id)


_FORGET: Final = """
UPDATE link_sends SET recipient = NULL, subject = NULL, body = NULL
WHERE (merchant_id, id) IN (
    SELECT s.merchant_id, s.id FROM link_sends s
    JOIN payment_links l ON l.merchant_id = s.merchant_id AND l.id = s.link_id
    WHERE s.recipient IS NOT NULL AND s.created_at <= $1 AND l.state NOT IN ('active', 'paused')
    ORDER BY s.created_at LIMIT $2
)
"""


async def forget_sends_of(merchant_id: UUID, link_id: UUID) -> None:
    """Take away to whom and in which words one link was sent, inside the caller's transaction."""
    await db.execute(
        "UPDATE link_sends SET recipient = NULL, subject = NULL, body = NULL WHERE merchant_id = $1 AND link_id = $2",
        merchant_id,
        link_id,
    )


async def forget_sends(before: datetime, limit: int) -> int:
    """Take away to whom and in which words ended links were sent before a time. Answers how many."""
    return int((await db.execute(_FORGET, before, limit)).split()[-1])
