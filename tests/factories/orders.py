"""An order that waits for its payer, and the edits of its shop."""

from __future__ import annotations

from dataclasses import replace

from app.kernel import clock, db, ids
from app.merchants.queries import Merchant
from app.orders import actions
from app.orders.actions import Contact, Contents, NewOrder
from app.orders.queries import OrderView, order_for_api
from app.orders.rules import Line
from app.orders.states import OrderState
from tests.factories.checkout import a_line

SOCKS = replace(a_line("Socks", "7.00"), sku="S-1")


async def an_open_order(merchant: Merchant, *lines: Line) -> OrderView:
    contact = Contact(name="Aino Virta", email="aino@example.test")
    new = NewOrder("SHOP-1", "FI", "EUR", "consumer", lines or (a_line(),), contact, note="Rings twice")

    async def make() -> str:
        made = await actions.create(
            merchant.id, new, state=OrderState.OPEN, actor="test", now=await clock.business_now()
        )
        return made.public_id

    return await the_order(merchant, await db.in_tx(make))


async def the_order(merchant: Merchant, public_id: str) -> OrderView:
    order = await order_for_api(merchant.id, public_id)
    assert order is not None
    return order


def contents_of(order: OrderView) -> Contents:
    who = order.contact
    contact = Contact(who.name, who.email, who.phone, who.postcode, who.street, who.city)
    return Contents(order.reference, order.lines, contact, order.note)


async def edited(
    merchant: Merchant, order: OrderView, contents: Contents, version: int | None = None
) -> OrderView:
    now = await clock.business_now()
    wanted = order.version if version is None else version
    await db.in_tx(
        lambda: actions.edit(
            merchant.id,
            order.public_id,
            contents,
            version=wanted,
            edit_id=ids.internal_id(),
            actor="test",
            now=now,
        )
    )
    return await the_order(merchant, order.public_id)


async def with_socks(merchant: Merchant, order: OrderView) -> OrderView:
    contents = contents_of(order)
    return await edited(merchant, order, replace(contents, lines=(*contents.lines, SOCKS)))
