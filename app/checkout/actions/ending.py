"""The ends that are no purchase: cancelled by the shop or the shopper, or expired."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from app.cases import actions as cases
from app.cases.states import CaseState
from app.checkout.queries import is_over
from app.checkout.states import MACHINE, SessionState
from app.kernel import db, outbox
from app.kernel.states import LostRace
from app.orders import actions as orders
from app.orders.errors import OrderLocked
from app.orders.states import CANCELLABLE, OrderState

_LOCK: Final = """
SELECT s.id, s.public_id, s.state, s.expires_at, s.held_until, s.order_id, o.public_id AS order_public_id,
       o.state AS order_state, o.reference
FROM checkout_sessions s JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
WHERE s.merchant_id = $1 AND s.public_id = $2
FOR UPDATE OF s, o
"""

_UNPAID: Final = frozenset({OrderState.DRAFT, OrderState.IN_PAYMENT, OrderState.HELD})


async def cancel_session(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> bool:
    """Cancel a session that has not ended, and its draft order with it. False when it had ended already."""
    return await db.in_tx(lambda: cancel_session_in_tx(merchant_id, public_id, actor=actor, now=now))


async def cancel_session_in_tx(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> bool:
    """As `cancel_session`, inside the caller's transaction."""
    row = await db.fetch_one(_LOCK, merchant_id, public_id)
    if row is None or SessionState(row["state"]) not in {SessionState.OPEN, SessionState.HELD}:
        return False
    if _is_over(row, now):
        return False
    await _end(merchant_id, row, SessionState.CANCELLED, OrderState.CANCELLED, actor, now)
    return True


_LOCK_OF_ORDER: Final = """
SELECT s.id, s.public_id, s.state, s.expires_at, s.held_until, s.order_id, o.public_id AS order_public_id,
       o.state AS order_state, o.reference
FROM checkout_sessions s JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
WHERE s.merchant_id = $1 AND o.public_id = $2 AND s.state IN ('open', 'processing', 'held')
ORDER BY s.id
FOR UPDATE OF s, o
"""


async def cancel_order(merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime) -> None:
    """Cancel an unpaid order, and every session that is still on its way to pay it. Cancelling twice is cancelling
    once. Raises OrderUnknown, OrderRemoved, OrderLocked.
    """
    await db.in_tx(lambda: cancel_order_in_tx(merchant_id, order_public_id, actor=actor, now=now))


async def cancel_order_in_tx(merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime) -> None:
    """As `cancel_order`, inside the caller's transaction."""
    # Sessions before their order, as everybody locks them.
    sessions = await db.fetch_all(_LOCK_OF_ORDER, merchant_id, order_public_id)
    order = await orders.lock(merchant_id, order_public_id)
    if order.state is OrderState.CANCELLED:
        return
    if order.state not in CANCELLABLE or any(row["state"] == SessionState.PROCESSING for row in sessions):
        raise OrderLocked(order.state.value)
    for row in sessions:
        await _end_session(merchant_id, row, SessionState.CANCELLED, actor, now)
    await orders.cancel(merchant_id, order.id, expected=order.state, actor=actor, now=now)


_DUE: Final = """
(SELECT merchant_id, public_id FROM checkout_sessions
 WHERE state = 'open' AND expires_at <= $1 ORDER BY expires_at LIMIT $2)
UNION ALL
(SELECT merchant_id, public_id FROM checkout_sessions
 WHERE state = 'held' AND held_until <= $1 ORDER BY held_until LIMIT $2)
"""


async def expire_due(now: datetime, limit: int = 100) -> int:
    """Expire open sessions whose time is over, and held ones that nobody answered in time, one transaction each.
    Answers how many this call expired."""
    expired = 0
    for row in await db.fetch_all(_DUE, now, limit):
        expired += await db.in_tx(partial(_expire, row["merchant_id"], row["public_id"], now))
    return expired


async def _expire(merchant_id: UUID, public_id: str, now: datetime) -> bool:
    row = await db.fetch_one(_LOCK, merchant_id, public_id)
    if row is None or not _is_over(row, now):
        return False
    try:
        await _end(merchant_id, row, SessionState.EXPIRED, OrderState.EXPIRED, "clock", now)
    except LostRace:
        return False
    return True


def _is_over(row: db.Record, now: datetime) -> bool:
    return is_over(SessionState(row["state"]), row["expires_at"], row["held_until"], now)


async def _end(
    merchant_id: UUID, row: db.Record, to: SessionState, order_to: OrderState, actor: str, now: datetime
) -> None:
    await _end_session(merchant_id, row, to, actor, now)
    if OrderState(row["order_state"]) not in _UNPAID:
        return
    await orders.move(
        merchant_id,
        row["order_id"],
        expected=OrderState(row["order_state"]),
        to=order_to,
        actor=actor,
        now=now,
    )
    if order_to is OrderState.EXPIRED:
        await outbox.emit(merchant_id, "order.expired", _data(row), now=now, about=row["order_public_id"])


async def _end_session(
    merchant_id: UUID, row: db.Record, to: SessionState, actor: str, now: datetime
) -> None:
    await MACHINE.move(merchant_id, row["id"], expected=row["state"], to=to, actor=actor, at=now)
    await outbox.emit(merchant_id, f"session.{to.value}", _data(row), now=now, about=row["order_public_id"])
    if row["state"] == SessionState.HELD:
        await _end_case(merchant_id, row, to, actor, now)


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
