"""A payment link over HTTP: what its page shows and asks, the press, and where it leads nowhere."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from app.checkout.actions import withdraw_link
from app.kernel import clock, db, ids
from app.links import actions as links
from app.links.queries import LinkView, link_by_token
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.actions import Contact, NewOrder
from app.orders.states import OrderState
from tests.factories.checkout import PHONE, POSTCODE, a_merchant
from tests.factories.link_shoppers import at_confirm_of
from tests.factories.links import LINES, STAFF, a_link, an_open_order
from tests.web.shopper.test_flow import HTMX, a_known_register_entry, hidden, the_code

EVERYTHING = {
    "name": "Aino Virta",
    "email": "aino@example.test",
    "street": "Kalevankatu 1 A 2",
    "postcode": "00100",
    "city": "Helsinki",
}


async def a_link_for(merchant: Merchant, contact: Contact, *, shipping: bool = False) -> LinkView:
    sent = (replace(LINES[0], type="shipping", name="Parcel", unit_price_minor=5_90),)
    new = NewOrder("COUNTER-7", "FI", "EUR", "consumer", (*LINES, *(sent if shipping else ())), contact)
    now = await clock.business_now()
    order = await db.in_tx(
        lambda: orders.create(merchant.id, new, state=OrderState.OPEN, actor=STAFF, now=now)
    )
    return await a_link(merchant, order)


def path_of(link: LinkView) -> str:
    return f"/link/{link.token}"


async def test_the_page_shows_the_shop_the_contents_and_the_total(client: httpx.AsyncClient) -> None:
    link = await a_link(await a_merchant(), lasts=timedelta(days=7))
    page = await client.get(path_of(link))
    assert page.status_code == 200
    assert '<h1 id="title" tabindex="-1">Proceed to pay</h1>' in page.text
    for shown in ("Havu &amp; Kivi", "Wool blanket", "Birch cup", "€203.00", "COUNTER-7", "To be paid by"):
        assert shown in page.text


async def test_a_get_writes_nothing_whoever_sends_it(client: httpx.AsyncClient) -> None:
    link = await a_link(await a_merchant())
    await client.get(path_of(link))
    with db.counting() as counts:
        await client.get(path_of(link))
    assert counts.writes == 0
    again = await link_by_token(link.token)
    assert again is not None
    assert again.opened_at is None


async def test_what_a_link_costs_the_database(client: httpx.AsyncClient) -> None:
    """A figure that grows here was grown on purpose."""
    link = await a_link_for(await a_merchant(), Contact(**EVERYTHING))
    await client.get(path_of(link))
    with db.counting() as looking:
        await client.get(path_of(link))
    with db.counting() as pressing:
        await client.post(path_of(link))
    assert (looking.queries, looking.commits) == (5, 0)
    assert (pressing.queries, pressing.commits) == (17, 1)


async def test_only_what_is_missing_is_asked_and_what_is_known_is_not_shown(
    client: httpx.AsyncClient,
) -> None:
    contact = Contact(name="Aino Virta", email="aino@example.test", phone=PHONE, street="Kalevankatu 1")
    link = await a_link_for(await a_merchant(), contact)
    page = (await client.get(path_of(link))).text
    for known in ("Aino Virta", "aino@example.test", PHONE, "Kalevankatu"):
        assert known not in page
    assert "a•••<wbr>@example.test" in page
    assert [field for field in EVERYTHING if f'name="{field}"' in page] == ["postcode", "city"]


async def test_nothing_is_asked_of_whom_the_shop_knows(client: httpx.AsyncClient) -> None:
    link = await a_link_for(await a_merchant(), Contact(**EVERYTHING))
    page = (await client.get(path_of(link))).text
    assert "Your details" not in page


async def test_the_press_leads_to_the_first_step_and_a_second_one_to_the_same_session(
    client: httpx.AsyncClient,
) -> None:
    link = await a_link_for(await a_merchant(), Contact(**EVERYTHING))
    answer = await client.post(path_of(link))
    assert answer.status_code == 303
    session = answer.headers["location"]
    assert session.startswith("/pay/cs_")
    assert "How do you want to pay?" in (await client.get(session)).text
    assert "You have begun to pay this order." in (await client.get(path_of(link))).text
    assert (await client.post(path_of(link))).headers["location"] == session


async def test_two_taps_on_the_button_are_one_session(client: httpx.AsyncClient) -> None:
    link = await a_link_for(await a_merchant(), Contact(**EVERYTHING))
    await client.get(path_of(link))
    answers = await asyncio.gather(*(client.post(path_of(link)) for _ in range(2)))
    assert len({answer.headers["location"] for answer in answers}) == 1


async def test_what_is_missing_is_told_at_its_field_and_nothing_typed_is_lost(
    client: httpx.AsyncClient,
) -> None:
    link = await a_link_for(await a_merchant(), Contact())
    answer = await client.post(
        path_of(link), data={"name": "Aino Virta", "email": "aino(at)example", "city": "Turku"}
    )
    assert answer.status_code == 422
    assert "Check the e-mail address. Example: name@example.com." in answer.text
    assert 'value="Aino Virta"' in answer.text
    assert 'value="Turku"' in answer.text
    assert await db.fetch_value("SELECT count(*) FROM checkout_sessions") == 0


async def test_an_address_may_stay_empty_unless_something_is_sent(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    known = {"name": "Aino Virta", "email": "aino@example.test"}
    at_the_counter = await a_link_for(merchant, Contact(**known))
    assert (await client.post(path_of(at_the_counter))).status_code == 303
    by_post = await a_link_for(merchant, Contact(**known), shipping=True)
    answer = await client.post(path_of(by_post), data={"street": "", "postcode": "1", "city": ""})
    assert answer.status_code == 422
    for wrong in ("Enter your street address.", "Check the postcode.", "Enter your city."):
        assert wrong in answer.text


async def test_a_shopper_pays_by_the_link_and_gets_the_receipt_where_the_shop_sent_the_link(
    client: httpx.AsyncClient,
) -> None:
    await a_known_register_entry()
    link = await a_link_for(await a_merchant(), Contact(name="Aino Virta", email="typed-in@example.test"))
    session = (await client.post(path_of(link))).headers["location"]
    form: dict[str, str] = {"method": "invoice", "delivery": "email"}
    await client.post(session, data=form, headers=HTMX)
    await client.post(f"{session}/code", data={"phone": PHONE, "postcode": POSTCODE}, headers=HTMX)
    page = await client.post(f"{session}/identify", data={"code": await the_code()}, headers=HTMX)
    page = await client.post(f"{session}/confirm", data={"shown": hidden(page.text, "shown")}, headers=HTMX)
    assert "Purchase confirmed" in page.text
    email = await db.fetch_value("SELECT email FROM order_contacts WHERE order_id = $1", link.order_id)
    assert email == "typed-in@example.test"
    ended = await client.get(path_of(link))
    assert ended.status_code == 200
    assert "This order is paid" in ended.text
    again = await client.post(path_of(link))
    assert "This order is paid" in again.text


async def test_who_cancels_comes_back_to_the_link_and_may_begin_again(client: httpx.AsyncClient) -> None:
    link = await a_link_for(await a_merchant(), Contact(**EVERYTHING))
    session = (await client.post(path_of(link))).headers["location"]
    await client.post(session, data={"method": "invoice", "delivery": "email"})
    await client.post(f"{session}/cancel")
    answer = await client.get(f"{session}/outcome")
    assert answer.status_code == 303
    back = answer.headers["location"]
    assert back == f"http://localhost:8000{path_of(link)}?ended=cancelled"
    assert "The payment was stopped." in (await client.get(back)).text
    assert (await client.post(path_of(link))).headers["location"] != session


async def test_with_htmx_the_press_answers_with_the_way_to_the_step(client: httpx.AsyncClient) -> None:
    link = await a_link_for(await a_merchant(), Contact(**EVERYTHING))
    answer = await client.post(path_of(link), headers=HTMX)
    assert answer.status_code == 200
    assert "/pay/cs_" in answer.headers["hx-location"]


async def end(link: LinkView, how: str) -> None:
    now = await clock.business_now()
    merchant_id, order = link.merchant_id, link.order_public_id
    if how == "paused":
        await links.pause(merchant_id, order, actor=STAFF, now=now)
    elif how == "withdrawn":
        await withdraw_link(merchant_id, order, actor=STAFF, now=now)
    elif how == "lapsed":
        await db.in_tx(lambda: clock.set_offset_s(8 * 86_400))
    else:
        await (await at_confirm_of(link)).confirm()


@pytest.mark.parametrize(
    ("how", "heading", "status"),
    [
        ("paused", "This link is paused", 200),
        ("withdrawn", "This link is no longer in use", 410),
        ("lapsed", "The time to pay has run out", 410),
        ("paid", "This order is paid", 200),
    ],
)
async def test_a_link_that_leads_nowhere_says_so_kindly_and_names_the_shop(
    client: httpx.AsyncClient, how: str, heading: str, status: int
) -> None:
    link = await a_link(await a_merchant(), lasts=timedelta(days=7))
    await end(link, how)
    for answer in (await client.get(path_of(link)), await client.post(path_of(link))):
        assert answer.status_code == status
        assert heading in answer.text
        assert "Havu &amp; Kivi" in answer.text
        assert "shop@havu.example" in answer.text
        assert "Wool blanket" not in answer.text


@pytest.mark.parametrize("how", ["paused", "withdrawn"])
async def test_whoever_is_in_the_flow_when_the_shop_stops_the_link_is_led_to_the_reason(
    client: httpx.AsyncClient, how: str
) -> None:
    link = await a_link_for(await a_merchant(), Contact(**EVERYTHING))
    session = (await client.post(path_of(link))).headers["location"]
    await end(link, how)
    answer = await client.post(session, data={"method": "invoice", "delivery": "email"})
    assert answer.headers["location"] == f"{session}/outcome"
    answer = await client.get(f"{session}/outcome")
    ended = "?ended=cancelled" if how == "withdrawn" else ""
    assert answer.headers["location"] == f"http://localhost:8000{path_of(link)}{ended}"


async def test_every_address_that_is_no_link_gets_the_same_answer(client: httpx.AsyncClient) -> None:
    await a_link(await a_merchant())
    texts = set()
    for guess in (ids.token(), ids.token(), "short", "x" * 43, "ä" * 43):
        for ask in (client.get, client.post):
            answer = await ask(f"/link/{guess}")
            assert answer.status_code == 404
            texts.add(without_nonce(answer.text))
    assert len(texts) == 1


def without_nonce(page: str) -> str:
    return (
        page if "nonce" not in page else page.replace(page.split('nonce="')[1].split('"', maxsplit=1)[0], "")
    )


async def test_a_link_of_an_order_that_was_made_anew_leads_to_the_new_contents(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    order = await an_open_order(merchant)
    link = await a_link(merchant, order)
    contents = orders.Contents("COUNTER-7", (*LINES, replace(LINES[0], name="Linen towel")), Contact())
    now = await clock.business_now()
    await db.in_tx(
        lambda: orders.edit(
            merchant.id, order.public_id, contents, version=1, edit_id=ids.internal_id(), actor=STAFF, now=now
        )
    )
    page = (await client.get(path_of(link))).text
    assert "Linen towel" in page
    assert "€332.00" in page
