"""Somebody pays by a link that many people pay by: an order of their own, and a session on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from app.checkout.actions.ending import cancel_order
from app.checkout.actions.opening import Arrival, proceed
from app.links.queries import LinkView
from app.links.reusable import actions as reusable
from app.links.reusable.actions import Press
from app.links.reusable.queries import ReusableView, replaced_by
from app.orders.errors import OrderLocked, OrderRemoved


async def pay_reusable(
    link: ReusableView, press: Press, arrival: Callable[[LinkView], Arrival], now: datetime
) -> str:
    """The public id of a session for this press; pressed twice it is one. `arrival` says who came, given the link of
    their own order. Each step stands by itself: whoever is cut off in between presses again and goes on.

    Raises ReusableUnknown, ReusableClosed, LimitReached, and whatever `proceed` raises.
    """
    for order in await replaced_by(link, press.form_key, press.digest):
        await _give_up(link, order, now)
    own = await reusable.use(link, press, now=now)
    return await proceed(own, arrival(own), now)


async def _give_up(link: ReusableView, order_public_id: str, now: datetime) -> None:
    """Whoever went back and typed something else leaves the order of before, which gives its place back."""
    try:
        await cancel_order(link.merchant_id, order_public_id, actor="shopper", now=now)
    except (OrderLocked, OrderRemoved):
        # It was paid, or a person looks at it: then it stands beside the new one.
        return
