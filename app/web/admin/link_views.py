"""What the pages of payment links show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import clock
from app.kernel.money import Money
from app.links.lists import Track
from app.links.queries import LinkView, link_of_order
from app.links.sending import SendView, sends_of_link
from app.links.states import LIVE, LinkState
from app.orders.queries import OrderView
from app.web.admin.access import AdminRequest, settings_of

NEWS_WITHIN: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class LinkBox:
    """A link on the page of its order, and on its own. `state` takes time into account."""

    public_id: str
    state: str
    url: str = field(repr=False)
    until: datetime | None
    opened_at: datetime | None
    sends: Sequence[SendView]
    may_send: bool
    may_change: bool
    """Pause, resume, withdraw, another end: as long as it is neither paid nor taken back."""
    on_its_way: bool
    """Whether news of something sent may still come within seconds."""

    @property
    def last(self) -> SendView | None:
        return self.sends[-1] if self.sends else None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link in a list."""

    order_public_id: str
    reference: str
    customer: str | None
    state: str
    sent: str | None
    opened: bool
    until: datetime | None
    total: Money


def box_of(link: LinkView, sends: Sequence[SendView], base_url: str, now: datetime) -> LinkBox:
    state = link.state_at(now)
    return LinkBox(
        public_id=link.public_id,
        state=state.value,
        url=link.url(base_url),
        until=link.expires_at,
        opened_at=link.opened_at,
        sends=sends,
        may_send=state is LinkState.ACTIVE,
        may_change=link.stored_state in LIVE,
        on_its_way=any(_may_have_news(send, now) for send in sends),
    )


async def box_of_order(request: AdminRequest, order: OrderView) -> LinkBox | None:
    """What the order's own page shows of its link; None while it has none."""
    link = await link_of_order(request.user.staff.merchant_id, order.id)
    if link is None:
        return None
    sends = await sends_of_link(link.merchant_id, link.id)
    return box_of(link, sends, settings_of(request).base_url, clock.business(request.user.staff.offset_s))


def _may_have_news(send: SendView, now: datetime) -> bool:
    """Not sent yet, or just handed to a mail server that may report of it."""
    if send.sent_at is None or send.state != "sent":
        return send.state == "queued"
    return send.channel == "email" and now - send.sent_at < NEWS_WITHIN


def rows_of(links: Sequence[LinkView], tracks: Mapping[UUID, Track], now: datetime) -> tuple[LinkRow, ...]:
    return tuple(_row(link, tracks[link.id], now) for link in links)


def _row(link: LinkView, track: Track, now: datetime) -> LinkRow:
    return LinkRow(
        order_public_id=link.order_public_id,
        reference=link.reference,
        customer=track.customer,
        state=link.state_at(now).value,
        sent=track.sent,
        opened=link.opened_at is not None,
        until=link.expires_at,
        total=Money(link.total_minor, link.currency),
    )
