"""Orders that wait for whoever pays them, and their payment links."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from app.extras.rules import ShippingOption
from app.kernel import clock, db
from app.links import actions
from app.links.queries import LinkView
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.actions import Contact, CreatedOrder, NewOrder
from app.orders.rules import Line
from app.orders.states import OrderState

STAFF: Final = "staff:st_test"
EMAIL: Final = "aino@example.test"
LINES: Final = (
    Line(type="item", name="Wool blanket", quantity=1, unit_price_minor=129_00, vat_percent=Decimal("25.5")),
    Line(type="item", name="Birch cup", quantity=4, unit_price_minor=18_50, vat_percent=Decimal("25.5")),
)


async def an_open_order(
    merchant: Merchant,
    reference: str = "COUNTER-7",
    contact: Contact | None = None,
    *,
    ways: tuple[ShippingOption, ...] = (),
) -> CreatedOrder:
    """An order of 203.00 as staff type it in; Aino Virta's unless somebody else is named. `ways` deliver it."""
    new = NewOrder(
        reference=reference,
        country=merchant.country,
        currency=merchant.currency,
        buyer="consumer",
        lines=LINES,
        contact=contact or Contact(name="Aino Virta", email=EMAIL),
        shipping_options=[way.to_data() for way in ways],
    )
    now = await clock.business_now()
    return await db.in_tx(
        lambda: orders.create(merchant.id, new, state=OrderState.OPEN, actor=STAFF, now=now)
    )


async def a_link(
    merchant: Merchant,
    order: CreatedOrder | None = None,
    *,
    lasts: timedelta | None = None,
    now: datetime | None = None,
) -> LinkView:
    """The payment link of an order, or of a new one. `lasts` is how long from now; None for no end."""
    order = order or await an_open_order(merchant)
    at = now or await clock.business_now()
    ends = None if lasts is None else at + lasts
    return await actions.make(merchant.id, order.public_id, expires_at=ends, actor=STAFF, now=at)
