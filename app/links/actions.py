"""The verbs of payment links. Each takes its order first and then the link, as whoever pays does.

Withdrawing a link ends the payments begun by it too: that is `checkout.actions.withdraw_link`, a floor higher.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids, outbox
from app.links.errors import LinkEnded, LinkPaused, LinkUnknown
from app.links.queries import LinkView, link_of_order
from app.links.rules import checked_validity
from app.links.sending import ask_to_send
from app.links.states import LIVE, MACHINE, LinkState
from app.orders import actions as orders
from app.orders.errors import OrderLocked
from app.orders.states import OrderState

__all__ = [
    "SHOPPER",
    "ask_to_send",
    "close_paid",
    "extend",
    "extend_in_tx",
    "lapse",
    "lock",
    "lock_of",
    "make",
    "make_in_tx",
    "opened",
    "pause",
    "pause_in_tx",
    "resume",
    "resume_in_tx",
    "use",
    "withdraw",
    "withdraw_in_tx",
]

SHOPPER: Final = "shopper"

_MAKE: Final = """
WITH watched AS (
    UPDATE orders SET watched = true WHERE merchant_id = $1 AND id = $5
)
INSERT INTO payment_links (merchant_id, id, public_id, token, order_id, state, expires_at, created_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


async def make(
    merchant_id: UUID, order_public_id: str, *, expires_at: datetime | None, actor: str, now: datetime
) -> LinkView:
    """The payment link of an open order, made here if it has none. One order has one link for its whole life: a second
    call answers the first one as it is, whatever its state and its end. `expires_at` is business time, None for no end.

    Raises OrderUnknown, OrderRemoved, OrderLocked, ValidityRefused.
    """
    return await db.in_tx(
        lambda: make_in_tx(merchant_id, order_public_id, expires_at=expires_at, actor=actor, now=now)
    )


async def make_in_tx(
    merchant_id: UUID, order_public_id: str, *, expires_at: datetime | None, actor: str, now: datetime
) -> LinkView:
    """As `make`, inside the caller's transaction."""
    order = await orders.lock(merchant_id, order_public_id)
    found = await link_of_order(merchant_id, order.id)
    if found is not None:
        return found
    # An order in payment without a link belongs to the checkout that made it.
    if order.state is not OrderState.OPEN:
        raise OrderLocked(order.state.value)
    link_id = ids.internal_id()
    await db.execute(
        _MAKE,
        merchant_id,
        link_id,
        ids.public_id("pl"),
        ids.token(),
        order.id,
        LinkState.ACTIVE.value,
        checked_validity(expires_at, now),
        now,
        actor,
    )
    await MACHINE.begin(
        merchant_id, link_id, state=LinkState.ACTIVE, event="link.created", actor=actor, at=now
    )
    return await _of_order(merchant_id, order.id)


async def pause(merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime) -> LinkView:
    """Nothing is paid by the link until it is resumed; payments begun by it wait as well. Pausing twice is pausing
    once. Raises OrderUnknown, OrderRemoved, LinkUnknown, LinkEnded.
    """
    return await db.in_tx(lambda: pause_in_tx(merchant_id, order_public_id, actor=actor, now=now))


async def pause_in_tx(merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime) -> LinkView:
    """As `pause`, inside the caller's transaction."""
    return await _to(await lock(merchant_id, order_public_id), LinkState.PAUSED, actor=actor, now=now)


async def resume(merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime) -> LinkView:
    """A paused link leads to its order again. Raises OrderUnknown, OrderRemoved, LinkUnknown, LinkEnded."""
    return await db.in_tx(lambda: resume_in_tx(merchant_id, order_public_id, actor=actor, now=now))


async def resume_in_tx(merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime) -> LinkView:
    """As `resume`, inside the caller's transaction."""
    return await _to(await lock(merchant_id, order_public_id), LinkState.ACTIVE, actor=actor, now=now)


async def withdraw_in_tx(merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime) -> LinkView:
    """Take the link back for good, inside the caller's transaction. Raises OrderUnknown, OrderRemoved, LinkUnknown,
    LinkEnded.
    """
    link = await lock(merchant_id, order_public_id)
    return await _to(link, LinkState.WITHDRAWN, actor=actor, now=now)


async def withdraw(merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime) -> LinkView:
    """Take the link back for good: no payment by it can be confirmed any more. Withdrawing twice is withdrawing once.
    Raises as `withdraw_in_tx`.
    """
    return await db.in_tx(lambda: withdraw_in_tx(merchant_id, order_public_id, actor=actor, now=now))


async def extend(
    merchant_id: UUID, order_public_id: str, *, expires_at: datetime | None, actor: str, now: datetime
) -> LinkView:
    """Give the link another end, later or sooner; None for none. One that has lapsed can be brought back as long as its
    order is there. Raises OrderUnknown, OrderRemoved, LinkUnknown, LinkEnded, ValidityRefused.
    """
    return await db.in_tx(
        lambda: extend_in_tx(merchant_id, order_public_id, expires_at=expires_at, actor=actor, now=now)
    )


async def extend_in_tx(
    merchant_id: UUID, order_public_id: str, *, expires_at: datetime | None, actor: str, now: datetime
) -> LinkView:
    """As `extend`, inside the caller's transaction."""
    link = await lock(merchant_id, order_public_id)
    if link.stored_state not in LIVE:
        raise LinkEnded(link.stored_state.value)
    if link.expires_at == expires_at:
        return link
    await db.execute(
        "UPDATE payment_links SET expires_at = $3 WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        link.id,
        checked_validity(expires_at, now),
    )
    detail = {"expires_at": None if expires_at is None else expires_at.isoformat()}
    return await _move(link, link.stored_state, actor=actor, now=now, detail=detail)


_OPENED: Final = """
WITH pressed AS (
    UPDATE payment_links SET opened_at = coalesce(opened_at, $4) WHERE merchant_id = $1 AND id = $2
)
INSERT INTO link_history (merchant_id, id, subject_id, from_state, to_state, event, actor, at, detail)
VALUES ($1, $3, $2, $5, $5, 'link.opened', $6, $4, '{}')
"""


async def opened(link: LinkView, *, now: datetime) -> None:
    """Somebody pressed "Proceed to pay". In a transaction that holds the link."""
    db.require_transaction("links: opening one")
    await db.execute(
        _OPENED, link.merchant_id, link.id, ids.internal_id(), now, link.stored_state.value, SHOPPER
    )
    data = {"link_id": link.public_id, "order_id": link.order_public_id, "reference": link.reference}
    await outbox.emit(link.merchant_id, "link.opened", data, now=now, about=link.order_public_id)


async def use(link: LinkView, *, actor: str, now: datetime) -> None:
    """The link's order is paid. In a transaction that holds the link. Raises LinkPaused, LinkEnded."""
    if link.stored_state is LinkState.PAUSED:
        raise LinkPaused
    if link.stored_state is not LinkState.ACTIVE:
        raise LinkEnded(link.stored_state.value)
    await _move(link, LinkState.USED, actor=actor, now=now)


async def close_paid(link: LinkView, *, actor: str, now: datetime) -> None:
    """The link's order was paid in another way: the link is used, paused or not. One that has ended stays as it is. In
    a transaction that holds the link."""
    if link.stored_state in LIVE:
        await _move(link, LinkState.USED, actor=actor, now=now, detail={"by": "record"})


async def lapse(link: LinkView, *, now: datetime) -> None:
    """The link's time is over and its order goes. In a transaction that holds the link. Raises LostRace."""
    await MACHINE.move(
        link.merchant_id, link.id, expected=link.stored_state, to=LinkState.LAPSED, actor="clock", at=now
    )


async def lock(merchant_id: UUID, order_public_id: str) -> LinkView:
    """The link of an order, with the order: both held until the transaction ends. Raises OrderUnknown, OrderRemoved,
    LinkUnknown.
    """
    order = await orders.lock(merchant_id, order_public_id)
    return await lock_of(merchant_id, order.id)


async def lock_of(merchant_id: UUID, order_id: UUID) -> LinkView:
    """As `lock`, in a transaction that holds the order already. Raises LinkUnknown."""
    db.require_transaction("links: changing one")
    held = await db.fetch_value(
        "SELECT id FROM payment_links WHERE merchant_id = $1 AND order_id = $2 FOR UPDATE",
        merchant_id,
        order_id,
    )
    if held is None:
        raise LinkUnknown
    return await _of_order(merchant_id, order_id)


async def _to(link: LinkView, to: LinkState, *, actor: str, now: datetime) -> LinkView:
    """Move a link that is still alive; where it is already is no move."""
    if link.stored_state is to:
        return link
    if link.stored_state not in LIVE:
        raise LinkEnded(link.stored_state.value)
    return await _move(link, to, actor=actor, now=now)


async def _move(
    link: LinkView, to: LinkState, *, actor: str, now: datetime, detail: Mapping[str, object] | None = None
) -> LinkView:
    await MACHINE.move(
        link.merchant_id, link.id, expected=link.stored_state, to=to, actor=actor, at=now, detail=detail
    )
    return await _of_order(link.merchant_id, link.order_id)


async def _of_order(merchant_id: UUID, order_id: UUID) -> LinkView:
    link = await link_of_order(merchant_id, order_id)
    assert link is not None, "the caller has just seen it"
    return link
