"""The sticker at a till: what its address shows, when, and to whom."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from app.kernel import clock, db, ids
from app.links import actions as links
from app.links.queries import link_of_order
from app.merchants.actions import create_staff
from app.merchants.queries import Merchant
from app.orders.queries import OrderView, order_for_api
from app.till import actions
from app.till.actions.book import CustomerDetails
from app.till.queries import Place, Till
from tests.factories.checkout import a_merchant

AINO = CustomerDetails("consumer", "Aino Virta", "aino.virta@example.test", "+358480000101", postcode="00120")
PERSONAL = ("Aino", "Virta", "aino", "480000101", "48 0000101", "00120")


@dataclass(frozen=True)
class Counter:
    merchant: Merchant
    till: Till
    place: Place
    order: OrderView

    @property
    def url(self) -> str:
        return f"/till/{self.till.code}"

    async def put_on(self) -> None:
        await actions.put_on_code(self.place, self.order.public_id, now=await clock.business_now())

    async def take_off(self) -> None:
        await actions.take_off_code(self.place, self.order.public_id, now=await clock.business_now())


@pytest.fixture
async def counter(client: httpx.AsyncClient) -> Counter:
    """A till with an order that is open, and not on its code yet."""
    merchant, now = await a_merchant(), await clock.business_now()
    till = await actions.make_till(merchant.id, "Till 1", "T1", now=now)
    staff = await create_staff(
        merchant.id, "kaisa@havu.example", "Kaisa Kassa", "three steps and done", "cashier", now=now
    )
    place = Place(merchant.id, till.id, staff.public_id)
    await actions.add_amount(place, "Wool socks", 45_00, Decimal("25.5"), now=now)
    await actions.choose_customer(place, await actions.add_customer(merchant.id, AINO, now=now), now=now)
    public_id = await actions.open_order(
        place, country="FI", currency="EUR", discount_name="Discount", actor="test", now=now
    )
    order = await order_for_api(merchant.id, public_id)
    assert order is not None
    return Counter(merchant, till, place, order)


async def test_before_the_cashier_puts_an_order_on_it_the_sticker_opens_none(
    client: httpx.AsyncClient, counter: Counter
) -> None:
    page = await client.get(counter.url)
    assert page.status_code == 200
    assert "Nothing to pay here right now" in page.text
    assert "Wool socks" not in page.text
    assert "Proceed to pay" not in page.text


async def test_the_sticker_shows_the_basket_and_nothing_personal(
    client: httpx.AsyncClient, counter: Counter
) -> None:
    await counter.put_on()
    page = await client.get(counter.url)
    assert "Wool socks" in page.text
    assert "€45.00" in page.text
    link = await link_of_order(counter.merchant.id, counter.order.id)
    assert link is not None
    for secret in (*PERSONAL, link.token, counter.order.public_id):
        assert secret not in page.text


async def test_whoever_goes_on_from_the_sticker_is_told_nothing_before_they_are_identified(
    client: httpx.AsyncClient, counter: Counter
) -> None:
    await counter.put_on()
    answer = await client.post(counter.url)
    session = answer.headers["location"]
    assert session.startswith("/pay/cs_")
    method = await client.get(session)
    await client.post(session, data={"method": "invoice", "delivery": "email"})
    identify = await client.get(f"{session}/identify")
    assert "Who is paying?" in identify.text
    for page in (method, identify):
        for secret in PERSONAL:
            assert secret not in page.text


async def test_a_get_writes_nothing(client: httpx.AsyncClient, counter: Counter) -> None:
    await counter.put_on()
    await client.get(counter.url)
    with db.counting() as counts:
        await client.get(counter.url)
    assert (counts.writes, counts.commits) == (0, 0)
    link = await link_of_order(counter.merchant.id, counter.order.id)
    assert link is not None
    assert link.opened_at is None


async def test_the_press_opens_the_link_and_a_second_one_leads_to_the_same_session(
    client: httpx.AsyncClient, counter: Counter
) -> None:
    await counter.put_on()
    first, second = await client.post(counter.url), await client.post(counter.url)
    assert first.headers["location"] == second.headers["location"]
    link = await link_of_order(counter.merchant.id, counter.order.id)
    assert link is not None
    assert link.opened_at is not None


async def test_two_taps_at_once_from_one_visit_are_one_session(
    client: httpx.AsyncClient, counter: Counter
) -> None:
    await counter.put_on()
    await client.get(counter.url)
    answers = await asyncio.gather(*(client.post(counter.url) for _ in range(3)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await db.fetch_value("SELECT count(*) FROM checkout_sessions") == 1


async def test_after_five_minutes_or_once_taken_off_nothing_opens(
    client: httpx.AsyncClient, counter: Counter
) -> None:
    await counter.put_on()
    await counter.take_off()
    assert "Nothing to pay here right now" in (await client.post(counter.url)).text
    long_ago = await clock.business_now() - timedelta(minutes=5)
    await actions.put_on_code(counter.place, counter.order.public_id, now=long_ago)
    assert "Nothing to pay here right now" in (await client.post(counter.url)).text


async def test_a_link_that_the_shop_has_stopped_opens_nothing_here_either(
    client: httpx.AsyncClient, counter: Counter
) -> None:
    await counter.put_on()
    now = await clock.business_now()
    await links.pause(counter.merchant.id, counter.order.public_id, actor="test", now=now)
    assert "Nothing to pay here right now" in (await client.post(counter.url)).text


async def test_every_address_that_no_till_has_is_the_same_to_whoever_guesses(
    client: httpx.AsyncClient, counter: Counter
) -> None:
    unknown = ids.public_id("t").removeprefix("t_")
    answers = [await client.get(f"/till/{code}") for code in (unknown, "x", counter.till.code.upper())]
    assert {answer.status_code for answer in answers} == {404}
    assert len({len(answer.content) for answer in answers}) == 1
    assert (await client.post(f"/till/{unknown}")).status_code == 404
    assert (await client.get(f"/till/{unknown}/live")).status_code == 404


async def test_an_open_page_asks_whether_something_changed_and_gets_the_new_one(
    client: httpx.AsyncClient, counter: Counter
) -> None:
    assert (await client.get(f"{counter.url}?page=till")).status_code == 204
    await counter.put_on()
    page = await client.get(f"{counter.url}?page=till", headers={"HX-Request": "true"})
    assert page.text.lstrip().startswith("<section")
    assert "Wool socks" in page.text
    assert (await client.get(f"{counter.url}?page=till-T1-1-1")).status_code == 204
