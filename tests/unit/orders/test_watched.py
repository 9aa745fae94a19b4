"""What the database tells of orders that somebody watches, and that it says nothing of any other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.checkout import actions as checkout
from app.kernel import clock, db
from app.links import actions as links
from app.links import sending
from app.merchants.queries import Merchant
from app.orders import actions as orders
from tests.factories.checkout import a_merchant, a_shopper_at_confirm
from tests.factories.link_shoppers import press
from tests.factories.links import STAFF, a_link
from tests.factories.orders import an_open_order, the_order, with_socks

PATIENCE_S = 20


class Ear:
    """Everything that was told so far."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[str] = asyncio.Queue()

    def hear(self, *said: object) -> None:
        self._told.put_nowait(str(said[-1]))

    async def since(self) -> set[str]:
        """Who was told of since the last time. A message of our own comes behind all others."""
        await db.in_tx(lambda: db.execute("SELECT pg_notify('order_changed', 'the end')"))
        told: set[str] = set()
        async with asyncio.timeout(PATIENCE_S):
            while (name := await self._told.get()) != "the end":
                told.add(name)
        return told


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


@pytest.fixture
async def ear(database_url: str, merchant: Merchant) -> AsyncIterator[Ear]:
    ear = Ear()
    connection = await db.connect(database_url)
    await connection.add_listener("order_changed", ear.hear)
    try:
        yield ear
    finally:
        await connection.close()


async def test_every_step_of_a_links_order_is_told(merchant: Merchant, ear: Ear) -> None:
    now = await clock.business_now()
    link = await a_link(merchant)
    order = {link.order_public_id}
    assert await ear.since() == order
    await with_socks(merchant, await the_order(merchant, link.order_public_id))
    assert await ear.since() == order, "edited"
    await sending.ask_to_send(
        merchant.id, link, channel="email", recipient="aino@example.test", lang="en", actor=STAFF, now=now
    )
    assert await ear.since() == order, "asked to send"
    shopper = await press(link)
    assert await ear.since() == order, "opened"
    await shopper.choose()
    assert await ear.since() == order, "a plan chosen"
    await shopper.return_from_bank()
    assert await ear.since() == order, "identified"
    await shopper.be_decided()
    assert await ear.since() == order, "decided"
    await with_socks(merchant, await the_order(merchant, link.order_public_id))
    assert await ear.since() == order, "edited while somebody pays"
    await checkout.saw(await shopper.flow(), 3)
    assert await ear.since() == order, "looked at"
    await links.pause(merchant.id, link.order_public_id, actor=STAFF, now=now)
    assert await ear.since() == order, "paused"
    await checkout.cancel_order(merchant.id, link.order_public_id, actor=STAFF, now=now)
    assert await ear.since() == order, "cancelled"


async def test_a_plain_checkout_and_an_order_without_a_link_are_told_to_nobody(
    merchant: Merchant, ear: Ear
) -> None:
    shopper = await a_shopper_at_confirm(merchant)
    await shopper.confirm()
    order = await an_open_order(merchant)
    await with_socks(merchant, order)
    await db.in_tx(lambda: orders.accept(merchant.id, order.public_id, actor=STAFF, now=order.created_at))
    assert await ear.since() == set()


async def test_a_change_that_no_page_shows_is_told_to_nobody(merchant: Merchant, ear: Ear) -> None:
    link = await a_link(merchant)
    shopper = await press(link)
    await ear.since()
    await db.in_tx(lambda: db.execute("UPDATE orders SET customer_id = customer_id"))
    await db.in_tx(lambda: db.execute("UPDATE checkout_sessions SET locale = 'fi'"))
    assert await ear.since() == set()
    assert (await shopper.flow()).locale == "fi"
