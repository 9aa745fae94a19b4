"""An order whose payment link has lapsed unpaid is removed altogether: nothing of it stays but numbers.

Who pays in time wins, and so does who began in time and ends within the link's grace: their session is alive until
then. A person who looks at a payment is waited for. Sessions, order and link are locked in this order, as everybody
locks them, so that of an expiry and a payment exactly one happens.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from app.checkout.actions.ending import end_session_in_tx, is_row_over, lock_sessions_of
from app.checkout.actions.forgetting import forget_sessions_of
from app.checkout.states import SessionState
from app.kernel import audit, db, outbox
from app.links import actions as links
from app.links import sending
from app.links.bulk import actions as imports
from app.links.queries import LinkView
from app.links.states import LIVE, LinkState
from app.orders import actions as orders
from app.orders.errors import OrderRemoved
from app.orders.queries import OrderView
from app.orders.states import OrderState

_ACTOR: Final = "clock"
_REMOVABLE: Final = frozenset({OrderState.OPEN, OrderState.IN_PAYMENT})

# Those that wait for a payment or a person are left out here, so that they keep no other order waiting.
_DUE: Final = """
FROM payment_links l
JOIN orders o ON o.merchant_id = l.merchant_id AND o.id = l.order_id AND o.state IN ('open', 'in_payment')
WHERE l.state IN ('active', 'paused') AND l.expires_at <= $1
  AND NOT EXISTS (SELECT FROM checkout_sessions s WHERE s.merchant_id = o.merchant_id AND s.order_id = o.id
                  AND (s.state IN ('processing', 'held') OR (s.state = 'open' AND s.expires_at > $1)))
"""
_BATCH: Final = f"SELECT l.merchant_id, o.public_id {_DUE} ORDER BY l.expires_at LIMIT $2"


async def expire_orders(now: datetime, limit: int = 100) -> int:
    """Remove the unpaid orders of links that have lapsed, one transaction each. Answers how many this call removed."""
    removed = 0
    for row in await db.fetch_all(_BATCH, now, limit):
        removed += await db.in_tx(partial(_expire, row["merchant_id"], row["public_id"], now))
    return removed


async def count_due(now: datetime) -> int:
    """How many orders should have been removed by `now` (business time) and are not."""
    found: int = await db.fetch_value(f"SELECT count(*) {_DUE}", now)
    return found


async def _expire(merchant_id: UUID, public_id: str, now: datetime) -> bool:
    """Everything is looked at again under the locks. False where somebody was faster."""
    sessions = await lock_sessions_of(merchant_id, public_id)
    try:
        order = await orders.lock(merchant_id, public_id)
    except OrderRemoved:
        return False
    link = await links.lock_of(merchant_id, order.id)
    lapsed = link.stored_state in LIVE and link.state_at(now) is LinkState.LAPSED
    if not lapsed or order.state not in _REMOVABLE or not all(is_row_over(row, now) for row in sessions):
        return False
    if await db.fetch_value(_ALIVE, merchant_id, order.id) != len(sessions):
        # Somebody began to pay between the two locks.
        return False
    for row in sessions:
        await end_session_in_tx(merchant_id, row, SessionState.EXPIRED, _ACTOR, now)
    await _remove(merchant_id, order, link, now)
    return True


_ALIVE: Final = """
SELECT count(*) FROM checkout_sessions
WHERE merchant_id = $1 AND order_id = $2 AND state IN ('open', 'processing', 'held')
"""


async def _remove(merchant_id: UUID, order: OrderView, link: LinkView, now: datetime) -> None:
    await links.lapse(link, now=now)
    await orders.remove(merchant_id, order.id, expected=order.state, actor=_ACTOR, now=now)
    await sending.forget_sends_of(merchant_id, link.id)
    await imports.forget_rows_of(merchant_id, order.id)
    await forget_sessions_of(merchant_id, order.id, now)
    data = {"order_id": order.public_id, "reference": order.reference, "link_id": link.public_id}
    await outbox.emit(merchant_id, "order.expired", data, now=now, about=order.public_id)
    await audit.record(
        _ACTOR, "order.removed", order.public_id, merchant_id=merchant_id, at=now, detail=_stub(order, link)
    )


def _stub(order: OrderView, link: LinkView) -> dict[str, object]:
    """What is known of the order from now on: ids, sums and times."""
    return {
        "total_minor": order.total_minor,
        "currency": order.currency,
        "version": order.version,
        "created_at": order.created_at.isoformat(),
        "link_id": link.public_id,
        "lapsed_at": link.expires_at.isoformat() if link.expires_at else None,
    }
