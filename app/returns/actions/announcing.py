"""What a shopper announces on their own page: once, however often the button is pressed."""

from __future__ import annotations

from datetime import datetime

from app.kernel import db
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.returns.actions.returning import NewReturn, announce
from app.returns.queries import ReturnView, returns_of_order


async def announce_once(
    merchant: Merchant, order_public_id: str, new: NewReturn, *, seen: int, now: datetime
) -> ReturnView:
    """Announce goods, one transaction. `seen` is how many returns of the order the page knew of: where one has come
    since, from the other tap of a double one or another tab, that one is answered and nothing is announced.

    Raises what `announce` raises.
    """

    async def write() -> ReturnView:
        order = await orders.lock(merchant.id, order_public_id)
        before = await returns_of_order(merchant.id, order.id)
        if len(before) > seen:
            return before[-1]
        return await announce(merchant, order_public_id, new, now)

    return await db.in_tx(write)
