"""A session begins: a shop opens it on a draft order, or a shopper on the open order of a payment link."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.checkout.actions import seeing
from app.checkout.drafts import SessionDraft
from app.checkout.errors import BrowserOver
from app.checkout.own_session import own_session
from app.checkout.queries import PAYABLE
from app.checkout.states import MACHINE, SessionState
from app.identity.actions import browsers
from app.identity.actions.browsers import BrowserToken
from app.kernel import db, ids, limits
from app.kernel.limits import Limit
from app.links import actions as links
from app.links.errors import LinkEnded, LinkPaused
from app.links.queries import LinkView
from app.links.rules import session_ends_at
from app.links.states import LinkState
from app.merchants.queries import Merchant, merchant_by_id
from app.orders import actions as orders
from app.orders.actions import Contact, NewOrder
from app.orders.companies import put_company
from app.orders.errors import OrderLocked
from app.orders.states import OrderState
from app.subscriptions.actions import offer_in_tx


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """Public ids, the sum in minor units, and when it ends (business time)."""

    session_id: str
    order_id: str
    total_minor: int
    currency: str
    expires_at: datetime


_OPEN: Final = """
INSERT INTO checkout_sessions (merchant_id, id, public_id, order_id, state, locale, success_url, cancel_url, created_at,
                               expires_at, link_id, browser_id, typed, contact_elsewhere)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""

# The page of the link showed the order as it was: an edit since then is told before the first step.
_SEEN: Final = f"""
WITH seen AS ({seeing.RECORD.format(version="$3::int", at="$4", id="$5")})
UPDATE checkout_sessions s SET seen_version = least($3::int, o.shown_version)
FROM orders o WHERE s.merchant_id = $1 AND s.id = $2 AND o.merchant_id = s.merchant_id AND o.id = s.order_id
"""  # noqa: S608 - the part that is filled in is a constant


async def open_session(merchant: Merchant, draft: SessionDraft, now: datetime) -> OpenedSession:
    """Create the order and the session on it. Raises LineRefused, TotalRefused."""
    return await db.in_tx(lambda: open_session_in_tx(merchant, draft, now))


async def open_session_in_tx(merchant: Merchant, draft: SessionDraft, now: datetime) -> OpenedSession:
    """As `open_session`, inside the caller's transaction."""
    person = draft.customer
    contact = (
        Contact()
        if person is None
        else Contact(person.name, person.email, person.phone, person.postcode, person.street, person.city)
    )
    options = [option.to_data() for option in draft.shipping_options]
    new = NewOrder(
        draft.reference,
        draft.country,
        draft.currency,
        draft.buyer,
        draft.lines,
        contact,
        shipping_options=options,
    )
    actor = "merchant"
    order = await orders.create(merchant.id, new, state=OrderState.DRAFT, actor=actor, now=now)
    if draft.company is not None:
        await put_company(merchant.id, order.id, draft.company)
    if draft.subscription is not None:
        await offer_in_tx(merchant.id, order.id, draft.subscription)
    public_id = ids.public_id("cs")
    expires_at = now + timedelta(seconds=draft.expires_in_s)
    start = _Start(
        public_id, order.id, draft.locale, draft.success_url, draft.cancel_url, expires_at, actor=actor
    )
    await _begin(merchant.id, start, now)
    return OpenedSession(public_id, order.public_id, order.total_minor, draft.currency, expires_at)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Whoever pressed "Proceed to pay": their browser, the page's language, its own address to come back to, and what
    they typed because nobody knew it. Without `prefill` nothing that the shop knows of its customer is shown to them:
    the address was not sent to that person alone. `version` is the order's, as the page showed it.
    """

    browser: BrowserToken
    wall: datetime
    lang: str
    back_url: str
    typed: Contact = field(default_factory=Contact, repr=False)
    prefill: bool = True
    address: str | None = None
    version: int | None = None


_PER_LINK_AN_HOUR: Final = 60
_PER_ADDRESS_AN_HOUR: Final = 120


async def proceed(link: LinkView, arrival: Arrival, now: datetime) -> str:
    """The public id of a session on the link's order, for this browser: one that it has on its way already, or else a
    new one. The press counts as opening the link (`link.opened`), which a GET never does.

    Raises LinkPaused, LinkEnded, OrderLocked (paid for by somebody else, held, cancelled), OrderUnknown, OrderRemoved,
    LimitReached, BrowserOver.
    """
    return await db.in_tx(lambda: proceed_in_tx(link, arrival, now))


async def proceed_in_tx(link: LinkView, arrival: Arrival, now: datetime) -> str:
    """As `proceed`, inside the caller's transaction."""
    merchant_id = link.merchant_id
    # The browser before the order, and that before the link, as everybody takes them.
    browser_id = await browsers.remember(arrival.browser, wall=arrival.wall)
    if browser_id is None:
        raise BrowserOver
    link = await links.lock(merchant_id, link.order_public_id)
    its_own = await own_session(link, arrival.browser, now)
    if its_own is not None:
        return its_own
    _check_open(link, now)
    await limits.take(_limits(link, arrival), now=arrival.wall)
    merchant = await merchant_by_id(merchant_id)
    assert merchant is not None, "a link belongs to a merchant"
    public_id = ids.public_id("cs")
    start = _Start(
        public_id,
        link.order_id,
        arrival.lang,
        arrival.back_url,
        arrival.back_url,
        session_ends_at(link.expires_at, merchant.link_grace_s, now),
        actor=links.SHOPPER,
        link_id=link.id,
        browser_id=browser_id,
        typed=arrival.typed,
        prefill=arrival.prefill,
    )
    await links.opened(link, now=now)
    session_id = await _begin(merchant_id, start, now)
    if arrival.version is not None:
        await db.execute(_SEEN, merchant_id, session_id, arrival.version, now, ids.internal_id())
    return public_id


def _check_open(link: LinkView, now: datetime) -> None:
    state = link.state_at(now)
    if state is LinkState.PAUSED:
        raise LinkPaused
    if state is not LinkState.ACTIVE:
        raise LinkEnded(state.value)
    if link.order_state not in PAYABLE:
        raise OrderLocked(link.order_state.value)


def _limits(link: LinkView, arrival: Arrival) -> tuple[Limit, ...]:
    per_link = Limit("link.opened", link.public_id, _PER_LINK_AN_HOUR, 3600)
    if arrival.address is None:
        return (per_link,)
    return per_link, Limit("link.opened.address", arrival.address, _PER_ADDRESS_AN_HOUR, 3600)


@dataclass(frozen=True, slots=True)
class _Start:
    """The row of a session to be."""

    public_id: str
    order_id: UUID
    locale: str | None
    success_url: str
    cancel_url: str
    expires_at: datetime
    actor: str
    link_id: UUID | None = None
    browser_id: UUID | None = None
    typed: Contact = field(default_factory=Contact, repr=False)
    prefill: bool = True


async def _begin(merchant_id: UUID, start: _Start, now: datetime) -> UUID:
    session_id = ids.internal_id()
    typed = {name: value for name, value in asdict(start.typed).items() if value is not None}
    await db.execute(
        _OPEN,
        merchant_id,
        session_id,
        start.public_id,
        start.order_id,
        SessionState.OPEN.value,
        start.locale,
        start.success_url,
        start.cancel_url,
        now,
        start.expires_at,
        start.link_id,
        start.browser_id,
        typed or None,
        not start.prefill,
    )
    await MACHINE.begin(
        merchant_id, session_id, state=SessionState.OPEN, event="session.opened", actor=start.actor, at=now
    )
    return session_id
