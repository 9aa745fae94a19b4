"""A return from the shopper's own page: chosen, seen in money, announced once, followed to its end."""

from __future__ import annotations

import re

import httpx
import pytest

from app.invoices.queries import invoices_of_order
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.returns import actions
from app.returns.actions import save_conditions
from app.returns.queries import conditions_of
from app.returns.rules import Conditions
from tests.factories.checkout import a_known_person, a_line, a_merchant
from tests.factories.invoices import a_purchase, days_later, drawn, paid
from tests.factories.loyalty import a_shop
from tests.factories.returns import refunded
from tests.web.shopper.test_account import another, sign_in
from tests.web.shopper.test_purchases import a_phone_is_proved, words

LAMP = a_line("Desk lamp", "40.00", 2)
CUSHION = a_line("Cushion", "19.00")


async def a_buyer(client: httpx.AsyncClient, shop: Merchant) -> str:
    order = await a_purchase(shop, LAMP, CUSHION)
    await drawn(shop, order)
    await a_phone_is_proved()
    await sign_in(client)
    return order


async def with_fee(shop: Merchant, fee_minor: int) -> None:
    now = await clock.business_now()
    conditions = Conditions(days=30, fee_minor=fee_minor, fee_waived_to_wallet=True)
    await save_conditions(shop, conditions, actor="staff:st_1", now=now)
    assert (await conditions_of(shop, shop.local_date(now))).fee_minor == fee_minor


def fields(page: str) -> dict[str, str]:
    """What the form that announces would send, but for the way."""
    form = page.partition('name="step" value="announce"')[2].partition("</form>")[0]
    return {"step": "announce"} | dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


async def look(client: httpx.AsyncClient, order: str, **chosen: str) -> str:
    form = {"n0": "1", "n1": "0", "reason": "changed_mind", "statement": "", **chosen}
    answer = await client.post(f"/purchases/{order}/return", data=form)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_each_way_is_told_in_money_before_one_is_chosen(client: httpx.AsyncClient) -> None:
    shop = await a_shop(None)
    await with_fee(shop, 4_90)
    order = await a_buyer(client, shop)
    first = words((await client.get(f"/purchases/{order}/return")).text)
    assert "Desk lamp €40.00 0 1 2" in first
    assert "Sending back costs €4.90, nothing when the money goes into your wallet" in first
    text = words(await look(client, order))
    assert "Into your wallet €40.00 €4.90 more: there is no return fee." in text
    assert "What you owe for this purchase stays as it is: €99.00." in text
    assert "The way you paid €35.10 A return fee of €4.90 is kept." in text


async def test_a_fault_costs_nothing_either_way(client: httpx.AsyncClient) -> None:
    shop = await a_shop(None)
    await with_fee(shop, 4_90)
    order = await a_buyer(client, shop)
    text = words(await look(client, order, reason="damaged"))
    assert "Into your wallet €40.00 It buys in this shop." in text
    assert "The way you paid €40.00 First it lowers what you owe" in text


async def test_a_shop_without_a_wallet_offers_the_way_that_was_paid_alone(client: httpx.AsyncClient) -> None:
    order = await a_buyer(client, await a_merchant())
    page = await look(client, order)
    assert "Into your wallet" not in page
    assert 'id="to-original" name="to" value="original" checked' in page


async def test_a_return_is_announced_once_however_often_it_is_pressed_and_can_be_followed(
    client: httpx.AsyncClient,
) -> None:
    shop = await a_shop(None)
    order = await a_buyer(client, shop)
    form = fields(await look(client, order, statement="The shade is green.")) | {"to": "wallet"}
    first = await client.post(f"/purchases/{order}/return", data=form)
    second = await client.post(f"/purchases/{order}/return", data=form)
    assert first.status_code == 303
    assert second.headers["location"] == first.headers["location"]
    assert await db.fetch_value("SELECT count(*) FROM returns") == 1
    where = first.headers["location"]
    text = words((await client.get(where)).text)
    assert "Return R-00001" in text
    assert "Write R-00001 on the parcel" in text
    assert "You get back €40.00" in text
    assert "Return R-00001 Announced" in words((await client.get(f"/purchases/{order}")).text)
    await back_at(shop, order)
    assert "Refunded" in words((await client.get(where)).text)
    detail = words((await client.get(f"/purchases/{order}")).text)
    assert "€40.00 into your wallet." in detail
    assert "€99.00 is still to be paid." in detail, "what is owed stays as it was"
    wallet = words((await client.get("/wallet")).text)
    assert "Balance €40.00" in wallet
    assert "Money back for a purchase SHOP-1001 +€40.00 €40.00" in wallet


async def back_at(shop: Merchant, order: str) -> None:
    """The goods arrive, and the shop gives the money back."""
    row = await db.fetch_one(
        "SELECT t.public_id, o.refundable_minor FROM returns t JOIN orders o ON o.id = t.order_id"
        " WHERE o.public_id = $1",
        order,
    )
    assert row is not None
    now = await clock.business_now()
    await db.in_tx(
        lambda: actions.refund_return(
            shop, row["public_id"], refundable_minor=row["refundable_minor"], actor="staff:st_1", now=now
        )
    )


async def test_money_that_goes_the_way_it_came_lowers_what_is_owed(client: httpx.AsyncClient) -> None:
    shop = await a_merchant()
    order = await a_buyer(client, shop)
    await refunded(shop, order)
    detail = words((await client.get(f"/purchases/{order}")).text)
    assert "€99.00 less to pay." in detail
    assert "Everything is paid." in detail
    assert "Credit note" in detail
    assert "Return something" not in detail


async def test_money_that_went_into_the_wallet_is_told_beside_what_is_still_to_be_paid(
    client: httpx.AsyncClient,
) -> None:
    shop = await a_shop(None)
    order = await a_buyer(client, shop)
    told = "You got €40.00 back into your wallet for this purchase. What is asked for here was not lowered"
    way = f'href="/wallet?shop={shop.public_id}"'
    assert "back into your wallet" not in (await client.get("/purchases")).text
    await refunded(shop, order, 40_00, to="wallet", seen_minor=99_00)
    for path in ("/purchases", f"/purchases/{order}"):
        page = (await client.get(path)).text
        assert told in words(page)
        assert way in page
        assert "€99.00" in words(page)
    assert "€99.00 to pay Money back in the wallet" in words((await client.get("/purchases")).text)
    [invoice] = [each for each in await invoices_of_order(shop.id, order) if each.kind == "invoice"]
    await paid(shop, invoice, 99_00)
    for path in ("/purchases", f"/purchases/{order}"):
        assert told not in words((await client.get(path)).text)


async def test_a_return_is_called_off_until_it_has_arrived(client: httpx.AsyncClient) -> None:
    shop = await a_shop(None)
    order = await a_buyer(client, shop)
    form = fields(await look(client, order)) | {"to": "original"}
    where = (await client.post(f"/purchases/{order}/return", data=form)).headers["location"].partition("?")[0]
    for _ in range(2):
        answer = await client.post(f"{where}/call-off", data={})
        assert (answer.status_code, answer.headers["location"]) == (303, where)
    assert "You have called this return off." in (await client.get(where)).text
    form = fields(await look(client, order)) | {"to": "original"}
    where = (await client.post(f"/purchases/{order}/return", data=form)).headers["location"].partition("?")[0]
    now = await clock.business_now()
    await db.in_tx(lambda: actions.receive(shop, where.rpartition("/")[2], actor="staff:st_1", now=now))
    answer = await client.post(f"{where}/call-off", data={})
    assert answer.status_code == 409
    assert "The goods have arrived." in answer.text


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"n0": "0"}, "Choose at least one thing that comes back."),
        ({"n0": "3"}, "There are not so many left"),
        ({"n7": "1"}, "There are not so many left"),
        ({"n0": "-1"}, "Choose at least one thing"),
        ({"statement": "x" * 2001}, "Your text is too long."),
    ],
)
async def test_what_cannot_come_back_is_told_and_announces_nothing(
    client: httpx.AsyncClient, chosen: dict[str, str], sentence: str
) -> None:
    order = await a_buyer(client, await a_shop(None))
    form = {
        "n0": "1",
        "reason": "changed_mind",
        "statement": "",
        "step": "announce",
        "to": "original",
        **chosen,
    }
    answer = await client.post(f"/purchases/{order}/return", data=form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert await db.fetch_value("SELECT count(*) FROM returns") == 0


@pytest.mark.parametrize("seen", ["፩", "9" * 30, "-1", "x"])
async def test_a_strange_number_of_returns_seen_is_none(client: httpx.AsyncClient, seen: str) -> None:
    order = await a_buyer(client, await a_shop(None))
    form = fields(await look(client, order)) | {"to": "original", "seen": seen}
    assert (await client.post(f"/purchases/{order}/return", data=form)).status_code == 303
    assert await db.fetch_value("SELECT count(*) FROM returns") == 1


async def test_after_the_days_only_what_is_faulty_comes_back(client: httpx.AsyncClient) -> None:
    order = await a_buyer(client, await a_shop(None))
    await days_later(60)
    await sign_in(client)
    assert (
        "Goods that are faulty come back all the same."
        in (await client.get(f"/purchases/{order}/return")).text
    )
    late = await client.post(f"/purchases/{order}/return", data={"n0": "1", "reason": "changed_mind"})
    assert late.status_code == 422
    assert "The days for returning have passed." in late.text
    assert "You get" not in late.text
    await look(client, order, reason="damaged")


async def test_before_there_is_an_invoice_the_page_asks_for_a_minute(client: httpx.AsyncClient) -> None:
    order = await a_purchase(await a_merchant())
    await a_phone_is_proved()
    await sign_in(client)
    answer = await client.get(f"/purchases/{order}/return")
    assert answer.status_code == 200
    assert "are being written" in answer.text


async def test_returns_are_their_buyer_s_alone(client: httpx.AsyncClient) -> None:
    shop = await a_shop(None)
    order = await a_buyer(client, shop)
    form = fields(await look(client, order)) | {"to": "wallet"}
    where = (await client.post(f"/purchases/{order}/return", data=form)).headers["location"].partition("?")[0]
    await db.in_tx(lambda: db.execute("UPDATE customers SET phone = NULL"))
    await a_known_person(subject="onni", name="Onni Salo")
    async with another(client) as onni:
        await sign_in(onni)
        for path in (f"/purchases/{order}/return", where):
            assert (await onni.get(path)).status_code == 404
        for path in (f"/purchases/{order}/return", f"{where}/call-off"):
            assert (await onni.post(path, data=form)).status_code == 404
    assert await db.fetch_value("SELECT state FROM returns") == "announced"
