"""The ends that are no purchase: cancelled by the shop or the shopper, or expired.

A session of a shop's checkout takes its order along. The order of a payment link waits for its next payer instead.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from app.cases import actions as cases
from app.cases.states import CaseState
from app.checkout.actions.aside import free_in_tx
from app.checkout.queries import is_over
from app.checkout.states import MACHINE, SessionState
from app.kernel import clock, db, outbox
from app.kernel.states import LostRace
from app.links import actions as links
from app.links.queries import LinkView, link_of_order
from app.links.states import LIVE
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders import extras as order_extras
from app.orders.errors import OrderLocked
from app.orders.queries import is_being_paid
from app.orders.states import CANCELLABLE, OrderState
from app.payments.actions.hurrying import look_at_once

_COLUMNS: Final = """s.id, s.public_id, s.state, s.expires_at, s.held_until, s.order_id, s.link_id, s.hold_id,
       o.public_id AS order_public_id, o.state AS order_state, o.reference"""

_LOCK: Final = f"""
SELECT {_COLUMNS}
FROM checkout_sessions s JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
WHERE s.merchant_id = $1 AND s.public_id = $2
FOR UPDATE OF s, o
"""  # noqa: S608 - column names of this module alone

_UNPAID: Final = frozenset({OrderState.DRAFT, OrderState.IN_PAYMENT, OrderState.HELD})


async def cancel_session(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> bool:
    """Cancel a session that has not ended, and its draft order with it. False when it had ended already."""
    return await db.in_tx(lambda: cancel_session_in_tx(merchant_id, public_id, actor=actor, now=now))


async def cancel_session_in_tx(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> bool:
    """As `cancel_session`, inside the caller's transaction."""
    row = await db.fetch_one(_LOCK, merchant_id, public_id)
    if row is None or SessionState(row["state"]) not in {SessionState.OPEN, SessionState.HELD}:
        return False
    if is_row_over(row, now):
        return False
    await _end(merchant_id, row, SessionState.CANCELLED, OrderState.CANCELLED, actor, now)
    return True


_LOCK_OF_ORDER: Final = f"""
SELECT {_COLUMNS}
FROM checkout_sessions s JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
WHERE s.merchant_id = $1 AND o.public_id = $2 AND s.state IN ('open', 'processing', 'held')
ORDER BY s.id
FOR UPDATE OF s
"""  # noqa: S608 - column names of this module alone


async def lock_sessions_of(merchant_id: UUID, order_public_id: str) -> list[db.Record]:
    """Every session that may still pay an order, held until the caller's transaction ends. The order is locked after
    them, as everybody does.
    """
    return await db.fetch_all(_LOCK_OF_ORDER, merchant_id, order_public_id)


async def cancel_order(merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime) -> None:
    """Cancel an unpaid order, and every session that is still on its way to pay it. Cancelling twice is cancelling
    once. Raises OrderUnknown, OrderRemoved, OrderLocked.
    """
    await db.in_tx(lambda: cancel_order_in_tx(merchant_id, order_public_id, actor=actor, now=now))


async def cancel_order_in_tx(merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime) -> None:
    """As `cancel_order`, inside the caller's transaction."""
    # Sessions before their order, as everybody locks them.
    sessions = await lock_sessions_of(merchant_id, order_public_id)
    order = await orders.lock(merchant_id, order_public_id)
    if order.state is OrderState.CANCELLED:
        return
    if order.state not in CANCELLABLE or await is_being_paid(merchant_id, order.id):
        raise OrderLocked(order.state.value)
    for row in sessions:
        await end_session_in_tx(merchant_id, row, SessionState.CANCELLED, actor, now)
    await orders.cancel(merchant_id, order.id, expected=order.state, actor=actor, now=now)
    link = await link_of_order(merchant_id, order.id)
    if link is not None and link.stored_state in LIVE:
        await links.withdraw_in_tx(merchant_id, order_public_id, actor=actor, now=now)


async def withdraw_link(merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime) -> LinkView:
    """Take the payment link of an order back for good, and end every payment begun by it: the order is open again, for
    the shop to do with as it likes. Withdrawing twice is withdrawing once. Raises OrderUnknown, OrderRemoved,
    LinkUnknown, LinkEnded.
    """
    return await db.in_tx(lambda: withdraw_link_in_tx(merchant_id, order_public_id, actor=actor, now=now))


async def withdraw_link_in_tx(
    merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime
) -> LinkView:
    """As `withdraw_link`, inside the caller's transaction."""
    sessions = await lock_sessions_of(merchant_id, order_public_id)
    link = await links.withdraw_in_tx(merchant_id, order_public_id, actor=actor, now=now)
    # A payment that a provider is asked about goes on: if it is authorised after this, nobody is charged.
    of_link = [
        row for row in sessions if row["link_id"] == link.id and row["state"] != SessionState.PROCESSING
    ]
    for row in of_link:
        await end_session_in_tx(merchant_id, row, SessionState.CANCELLED, actor, now)
    if of_link:
        await give_back_in_tx(merchant_id, link.order_id, link.order_state, actor, now)
    return await links.lock_of(merchant_id, link.order_id)


_SHORTEN: Final = """
UPDATE checkout_sessions SET expires_at = $4
WHERE merchant_id = $1 AND link_id = $2 AND state = $3 AND expires_at > $4
"""


async def extend_link(
    merchant: Merchant, order_public_id: str, *, expires_at: datetime | None, actor: str, now: datetime
) -> LinkView:
    """Give a payment link another end, later or sooner. A sooner one holds for the payments begun by it as well, with
    the shop's grace. Raises as `links.extend`.
    """
    return await db.in_tx(
        lambda: extend_link_in_tx(merchant, order_public_id, expires_at=expires_at, actor=actor, now=now)
    )


async def extend_link_in_tx(
    merchant: Merchant, order_public_id: str, *, expires_at: datetime | None, actor: str, now: datetime
) -> LinkView:
    """As `extend_link`, inside the caller's transaction."""
    await lock_sessions_of(merchant.id, order_public_id)
    link = await links.extend_in_tx(merchant.id, order_public_id, expires_at=expires_at, actor=actor, now=now)
    if link.expires_at is not None:
        ends_at = link.expires_at + timedelta(seconds=merchant.link_grace_s)
        await db.execute(_SHORTEN, merchant.id, link.id, SessionState.OPEN.value, ends_at)
    return link


_OTHERS: Final = f"""
SELECT {_COLUMNS}
FROM checkout_sessions s JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
WHERE s.merchant_id = $1 AND s.order_id = $2 AND s.id <> $3 AND s.state = 'open'
ORDER BY s.id
FOR UPDATE OF s SKIP LOCKED
"""  # noqa: S608 - column names of this module alone


async def end_others_in_tx(
    merchant_id: UUID, order_id: UUID, session_id: UUID, *, actor: str, now: datetime
) -> None:
    """Somebody pays an order, or a person looks at that payment: whoever else was on the way by the same link stops. In
    a transaction that holds session and order.

    One that another request holds at this moment is left: that request waits for the order, and then finds itself out
    of reach (`queries.reachable`); the clock tidies its row.
    """
    for row in await db.fetch_all(_OTHERS, merchant_id, order_id, session_id):
        await end_session_in_tx(merchant_id, row, SessionState.CANCELLED, actor, now)


_DUE: Final = """
(SELECT merchant_id, public_id FROM checkout_sessions
 WHERE state = 'open' AND expires_at <= $1 ORDER BY expires_at LIMIT $2)
UNION ALL
(SELECT merchant_id, public_id FROM checkout_sessions s
 WHERE state = 'held' AND held_until <= $1
   AND NOT EXISTS (SELECT FROM cases c WHERE c.merchant_id = s.merchant_id AND c.session_id = s.id
                                         AND c.state = 'decided')
 ORDER BY held_until LIMIT $2)
"""


async def expire_due(now: datetime, limit: int = 100) -> int:
    """Expire open sessions whose time is over, and held ones that nobody answered in time, one transaction each. An
    answer that was given in time, and waits its seconds, is let take effect.
    Answers how many this call expired."""
    expired = 0
    for row in await db.fetch_all(_DUE, now, limit):
        expired += await db.in_tx(partial(_expire, row["merchant_id"], row["public_id"], now))
    return expired


async def _expire(merchant_id: UUID, public_id: str, now: datetime) -> bool:
    row = await db.fetch_one(_LOCK, merchant_id, public_id)
    if row is None or not is_row_over(row, now):
        return False
    try:
        await _end(merchant_id, row, SessionState.EXPIRED, OrderState.EXPIRED, "clock", now)
    except LostRace:
        return False
    return True


async def expire_locked_in_tx(merchant_id: UUID, public_id: str, now: datetime) -> None:
    """Expire a session that waited for a payment which came to nothing. In a transaction that holds session and order;
    whether its time is over is the caller's to know."""
    row = await db.fetch_one(_LOCK, merchant_id, public_id)
    assert row is not None, "the caller holds it"
    await _end(merchant_id, row, SessionState.EXPIRED, OrderState.EXPIRED, "clock", now)


def is_row_over(row: db.Record, now: datetime) -> bool:
    """Whether the time of a locked session is over."""
    return is_over(SessionState(row["state"]), row["expires_at"], row["held_until"], now)


async def _end(
    merchant_id: UUID, row: db.Record, to: SessionState, order_to: OrderState, actor: str, now: datetime
) -> None:
    await end_session_in_tx(merchant_id, row, to, actor, now)
    order_state = OrderState(row["order_state"])
    if row["link_id"] is not None:
        if order_state is not OrderState.HELD or row["state"] == SessionState.HELD:
            await give_back_in_tx(merchant_id, row["order_id"], order_state, actor, now)
        return
    if order_state not in _UNPAID:
        return
    await orders.move(
        merchant_id,
        row["order_id"],
        expected=order_state,
        to=order_to,
        actor=actor,
        now=now,
    )
    if order_to is OrderState.EXPIRED:
        await outbox.emit(merchant_id, "order.expired", _data(row), now=now, about=row["order_public_id"])


_SOMEBODY_ELSE: Final = """
SELECT EXISTS (SELECT FROM checkout_sessions
               WHERE merchant_id = $1 AND order_id = $2 AND state IN ('open', 'processing', 'held'))
"""


async def give_back_in_tx(
    merchant_id: UUID, order_id: UUID, state: OrderState, actor: str, now: datetime
) -> None:
    """A link's order waits for its next payer, unless somebody else is on the way to pay it. In a transaction that
    holds session and order."""
    if state is OrderState.HELD:
        state = OrderState.IN_PAYMENT
        await orders.move(merchant_id, order_id, expected=OrderState.HELD, to=state, actor=actor, now=now)
    if state is not OrderState.IN_PAYMENT or await db.fetch_value(_SOMEBODY_ELSE, merchant_id, order_id):
        return
    # What the last one had chosen goes with them.
    await order_extras.drop_extras(merchant_id, order_id, now=now)
    await orders.move(merchant_id, order_id, expected=state, to=OrderState.OPEN, actor=actor, now=now)


async def end_session_in_tx(
    merchant_id: UUID, row: db.Record, to: SessionState, actor: str, now: datetime
) -> None:
    """End a session that the caller has locked, and its case; what it has set aside in a wallet comes free, and what a
    provider has authorised for it is let go. Its order is the caller's to move."""
    await MACHINE.move(merchant_id, row["id"], expected=row["state"], to=to, actor=actor, at=now)
    await outbox.emit(merchant_id, f"session.{to.value}", _data(row), now=now, about=row["order_public_id"])
    if row["state"] == SessionState.HELD:
        await _end_case(merchant_id, row, to, actor, now)
        await look_at_once(merchant_id, row["id"], clock.wall())
    await free_in_tx(merchant_id, row["hold_id"], actor=actor, now=now)


def _data(row: db.Record) -> dict[str, object]:
    return {"session_id": row["public_id"], "order_id": row["order_public_id"], "reference": row["reference"]}


async def _end_case(merchant_id: UUID, row: db.Record, to: SessionState, actor: str, now: datetime) -> None:
    """A session that ends takes with it the case that it waited for."""
    state = CaseState.LAPSED if to is SessionState.EXPIRED else CaseState.WITHDRAWN
    case_id = await cases.close_of_session(merchant_id, row["id"], state, actor=actor, now=now)
    await db.execute(
        "UPDATE checkout_sessions SET held_until = NULL WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        row["id"],
    )
    if case_id is None:
        return
    data = {
        "session_id": row["public_id"],
        "order_id": row["order_public_id"],
        "reference": row["reference"],
        "case_id": case_id,
        "outcome": state.value,
    }
    await outbox.emit(merchant_id, "review.resolved", data, now=now, about=row["order_public_id"])
