"""A refund opposes a document: whoever refunds right after the purchase does not wait for the worker to draw it."""

from __future__ import annotations

from datetime import datetime

from app.invoices import actions as invoices
from app.invoices.errors import NoAccount
from app.invoices.queries import invoices_of_order
from app.merchants.queries import Merchant
from app.messages.language import language_of_order
from app.orders.queries import order_for_api
from app.settings import Operator


async def draw_if_paid(merchant: Merchant, order_public_id: str, operator: Operator, now: datetime) -> None:
    """The documents of a paid order are there after it, in the caller's transaction. Others stay as they are, and so
    does one whose seller has no account yet: what follows refuses it by its name."""
    order = await order_for_api(merchant.id, order_public_id)
    if order is None or order.paid_at is None:
        return
    if await invoices_of_order(merchant.id, order_public_id):
        return
    lang = await language_of_order(merchant.id, order_public_id)
    try:
        await invoices.draw(merchant, order_public_id, lang, operator, now)
    except NoAccount:
        return
