"""A customer's wallet over the API: the truth, page by page, to their own shop alone."""

from __future__ import annotations

import pytest

from app.kernel import ids
from tests.factories.checkout import a_line
from tests.factories.invoices import a_purchase
from tests.factories.links import an_open_order
from tests.factories.loyalty import AT_ONCE, buyer_of, earned, programme_saved
from tests.factories.wallets import a_customer, given, switched
from tests.web.api.conftest import Shop


async def test_a_wallet_is_told_with_its_lots_and_movements(shop: Shop) -> None:
    merchant = await switched(shop.merchant)
    customer = await a_customer(merchant)
    order = ids.public_id("ord")
    await given(merchant, customer, 45_00, about=order)
    await given(merchant, customer, 5_00)

    answer = await shop.client.get(f"/api/v1/customers/{customer}/wallet?limit=1")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["customer_id"], told["module"], told["currency"]) == (customer, "on", "EUR")
    assert (told["balance_minor"], told["available_minor"], told["held_minor"]) == (50_00, 50_00, 0)
    first = told["lots"][0]
    assert (first["cause"], first["about"], first["left_minor"]) == ("refund", order, 45_00)
    assert [(each["number"], each["balance_after_minor"]) for each in told["movements"]] == [(2, 50_00)]

    rest = await shop.client.get(f"/api/v1/customers/{customer}/wallet?limit=1&cursor={told['next_cursor']}")
    assert [each["number"] for each in rest.json()["movements"]] == [1]
    assert rest.json()["next_cursor"] is None


async def test_a_customer_without_a_movement_has_an_empty_wallet(shop: Shop) -> None:
    customer = await a_customer(shop.merchant)
    told = (await shop.client.get(f"/api/v1/customers/{customer}/wallet")).json()
    assert (told["balance_minor"], told["lots"], told["movements"]) == (0, [], [])


async def test_an_order_names_who_bought_it_so_that_their_wallet_can_be_asked_for(shop: Shop) -> None:
    order = await a_purchase(shop.merchant)
    buyer = (await shop.client.get(f"/api/v1/orders/{order}")).json()["customer"]["id"]
    assert buyer == await buyer_of(shop.merchant, order)
    assert (await shop.client.get(f"/api/v1/customers/{buyer}/wallet")).status_code == 200

    unpaid = await an_open_order(shop.merchant)
    told = (await shop.client.get(f"/api/v1/orders/{unpaid.public_id}")).json()
    assert told["customer"]["id"] is None


async def test_points_are_told_beside_the_money(shop: Shop) -> None:
    merchant = await switched(shop.merchant)
    await programme_saved(merchant, AT_ONCE)
    order = await a_purchase(merchant, a_line(price="129.00"))
    await earned(merchant, order)
    told = (await shop.client.get(f"/api/v1/customers/{await buyer_of(merchant, order)}/wallet")).json()
    assert told["points"] == {
        "total": 129,
        "usable": 129,
        "pending": 0,
        "owed": 0,
        "turnable": 100,
        "worth_minor": 1_00,
    }


async def test_a_switched_off_wallet_still_tells_what_is_the_customers(shop: Shop) -> None:
    merchant = await switched(shop.merchant)
    customer = await a_customer(merchant)
    await given(merchant, customer, 45_00)
    await switched(merchant, on=False)

    told = (await shop.client.get(f"/api/v1/customers/{customer}/wallet")).json()
    assert (told["module"], told["balance_minor"]) == ("off", 45_00)


async def test_another_shops_customer_is_not_there(shop: Shop, another_shop: Shop) -> None:
    customer = await a_customer(shop.merchant)
    for address in (customer, ids.public_id("cus"), "cus_x", "ord_1", "%00"):
        answer = await another_shop.client.get(f"/api/v1/customers/{address}/wallet")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "cursor=x", "cursor=-1", "q=a", "limit=1&limit=2"])
async def test_a_page_that_cannot_be_is_refused(shop: Shop, query: str) -> None:
    customer = await a_customer(shop.merchant)
    answer = await shop.client.get(f"/api/v1/customers/{customer}/wallet?{query}")
    assert answer.status_code == 400
