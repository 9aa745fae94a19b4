"""Ways to deliver in a session or an order, and a shop's fees of ways to pay, over the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.api.conftest import Shop
from tests.web.api.documents import a_basket
from tests.web.api.test_orders_write import edits, made

OPTION = {
    "id": "parcel",
    "provider": "Posti",
    "name": "Parcel locker",
    "price_minor": 490,
    "vat_percent": "25.5",
    "postcodes": ["00100-00990", "02100"],
}


async def test_a_session_takes_ways_to_deliver_and_its_total_is_without_them(shop: Shop) -> None:
    answer = await shop.client.post("/api/v1/sessions", json=a_basket(shipping_options=[OPTION]))
    assert answer.status_code == 201, answer.text
    bare = await shop.client.post("/api/v1/sessions", json=a_basket())
    assert answer.json()["total_minor"] == bare.json()["total_minor"]


async def test_an_order_takes_them_and_every_line_says_who_put_it_there(shop: Shop) -> None:
    order = await made(shop, shipping_options=[OPTION])
    assert {line["origin"] for line in order["lines"]} == {"shop"}


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"postcodes": ["0010"]}, "/shipping_options/0/postcodes/0", "malformed"),
        ({"postcodes": ["00100", "00990-00100"]}, "/shipping_options/0/postcodes/1", "backwards"),
        ({"price_minor": -1}, "/shipping_options/0/price_minor", "out_of_range"),
        ({"name": "\u200b"}, "/shipping_options/0/name", "empty"),
    ],
)
async def test_a_way_to_deliver_that_cannot_be_is_pointed_at(
    shop: Shop, change: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await shop.client.post("/api/v1/sessions", json=a_basket(shipping_options=[OPTION | change]))
    assert answer.status_code == 422
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]


async def test_the_same_way_twice_is_refused(shop: Shop) -> None:
    answer = await shop.client.post("/api/v1/sessions", json=a_basket(shipping_options=[OPTION, OPTION]))
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/shipping_options/1/id"]


async def test_an_edit_gives_other_ways_to_deliver_whole_and_one_that_names_none_leaves_them(
    shop: Shop,
) -> None:
    order = await made(shop, shipping_options=[OPTION])
    assert order["shipping_options"] == [OPTION]
    other = OPTION | {"price_minor": 590}
    edited = (await edits(shop, order, shipping_options=[other])).json()
    assert (edited["version"], edited["shipping_options"]) == (2, [other])
    same = (await edits(shop, edited, shipping_options=[other])).json()
    assert same["version"] == 2, "what changes nothing makes no version"
    left = (await edits(shop, edited, note="Rings once")).json()
    assert (left["version"], left["shipping_options"]) == (3, [other])
    assert (await edits(shop, left, shipping_options=[])).json()["shipping_options"] == []


@pytest.mark.parametrize(
    ("options", "pointer", "code"),
    [
        ([OPTION | {"postcodes": ["00990-00100"]}], "/shipping_options/0/postcodes/0", "backwards"),
        ([OPTION, OPTION], "/shipping_options/1/id", "twice"),
        ([OPTION | {"price_minor": -1}], "/shipping_options/0/price_minor", "out_of_range"),
    ],
)
async def test_an_edit_refuses_what_a_new_order_refuses(
    shop: Shop, options: list[dict[str, Any]], pointer: str, code: str
) -> None:
    order = await made(shop, shipping_options=[OPTION])
    answer = await edits(shop, order, shipping_options=options)
    assert answer.status_code == 422
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]


async def test_fees_are_put_whole_and_read_again(shop: Shop) -> None:
    fees = [
        {"buyer": "business", "method": "card", "amount_minor": 250, "percent": None},
        {"buyer": "consumer", "method": "wallet", "amount_minor": None, "percent": "-2.00"},
    ]
    answer = await shop.client.put("/api/v1/method-fees", json={"fees": fees})
    assert answer.status_code == 200, answer.text
    read = (await shop.client.get("/api/v1/method-fees")).json()["fees"]
    assert [(each["method"], each["amount_minor"], float(each["percent"] or 0)) for each in read] == [
        ("card", 250, 0),
        ("wallet", None, -2),
    ]
    await shop.client.put("/api/v1/method-fees", json={"fees": []})
    assert (await shop.client.get("/api/v1/method-fees")).json() == {"fees": []}


@pytest.mark.parametrize(
    ("fee", "code", "source"),
    [
        ({"buyer": "consumer", "method": "card", "amount_minor": 1}, "card_surcharge", "2015/751"),
        ({"buyer": "consumer", "method": "mobilepay", "percent": "1"}, "card_surcharge", "2015/2366"),
        ({"buyer": "consumer", "method": "invoice", "amount_minor": 195}, "credit_cost", "2023/2225"),
        ({"buyer": "business", "method": "wallet", "amount_minor": 1}, "wallet_is_free", ""),
        ({"buyer": "business", "method": "card"}, "out_of_range", ""),
    ],
)
async def test_what_the_law_forbids_is_refused_with_its_source(
    shop: Shop, fee: dict[str, Any], code: str, source: str
) -> None:
    answer = await shop.client.put("/api/v1/method-fees", json={"fees": [fee]})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/fees/0", code)
    assert source in error["detail"]
