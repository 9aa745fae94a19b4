"""Orders that a shop's program makes, changes and cancels."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.factories.checkout import a_shopper_at_confirm
from tests.web.api.conftest import Shop
from tests.web.api.documents import LINE

SOCKS = {"name": "Socks", "quantity": 1, "unit_price_minor": 700, "vat_percent": "25.5"}


def an_order(**changes: Any) -> dict[str, Any]:
    order: dict[str, Any] = {
        "reference": "SHOP-1001",
        "country": "FI",
        "currency": "EUR",
        "lines": [
            LINE,
            {
                "type": "discount",
                "name": "Regular",
                "quantity": 1,
                "unit_price_minor": -800,
                "vat_percent": "25.5",
            },
            {
                "type": "shipping",
                "name": "Parcel",
                "quantity": 1,
                "unit_price_minor": 490,
                "vat_percent": "25.5",
            },
        ],
        "customer": {"name": "Aino Virta", "email": "aino@example.test", "phone": "048 0000101"},
        "note": "Rings twice",
    }
    return order | changes


async def made(shop: Shop, **changes: Any) -> dict[str, Any]:
    answer = await shop.client.post("/api/v1/orders", json=an_order(**changes))
    assert answer.status_code == 201, answer.text
    order: dict[str, Any] = answer.json()
    return order


async def edits(shop: Shop, order: dict[str, Any], **changes: Any) -> httpx.Response:
    document = {"version": order["version"]} | changes
    return await shop.client.patch(f"/api/v1/orders/{order['id']}", json=document)


async def test_an_order_is_made_open_with_its_sum(shop: Shop) -> None:
    order = await made(shop)
    assert (order["state"], order["version"], order["total_minor"]) == ("open", 1, 25_490)
    assert (order["accepted_at"], order["paid_at"], order["note"]) == (None, None, "Rings twice")
    assert (order["customer"]["name"], order["customer"]["phone"]) == ("Aino Virta", "+358480000101")
    assert (await shop.client.get(f"/api/v1/orders/{order['id']}")).json() == order
    assert [line["type"] for line in order["lines"]] == ["item", "discount", "shipping"]


async def test_an_order_may_be_accepted_at_once_or_later(shop: Shop) -> None:
    assert (await made(shop, accepted=True))["accepted_at"] is not None
    order = await made(shop)
    accepted = (await edits(shop, order, accepted=True)).json()
    assert (accepted["version"], accepted["state"]) == (1, "open")
    assert (await edits(shop, order, accepted=True)).json()["accepted_at"] == accepted["accepted_at"]


async def test_an_edit_changes_what_it_names_and_leaves_the_rest(shop: Shop) -> None:
    order = await made(shop)
    edited = (await edits(shop, order, lines=[LINE, SOCKS])).json()
    assert (edited["version"], edited["total_minor"]) == (2, 26_500)
    for name in ("reference", "customer", "note", "id", "created_at"):
        assert edited[name] == order[name]
    cleared = (await edits(shop, edited, customer=None, note=None, reference="SHOP-2")).json()
    assert (cleared["version"], cleared["note"], cleared["reference"]) == (3, None, "SHOP-2")
    assert (cleared["customer"]["name"], cleared["lines"]) == (None, edited["lines"])


async def test_an_edit_of_an_older_version_is_refused_with_the_present_one(shop: Shop) -> None:
    order = await made(shop)
    await edits(shop, order, lines=[SOCKS])
    late = await edits(shop, order, lines=[LINE])
    assert late.headers["content-type"] == "application/problem+json"
    assert (late.status_code, late.json()["code"], late.json()["version"]) == (409, "version_conflict", 2)


async def test_of_edits_at_once_one_stands(shop: Shop) -> None:
    order = await made(shop)
    answers = await asyncio.gather(*(edits(shop, order, reference=f"S-{n}") for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_a_key_makes_an_order_and_an_edit_once(shop: Shop) -> None:
    key = {"Idempotency-Key": "k-1"}
    answers = [await shop.client.post("/api/v1/orders", json=an_order(), headers=key) for _ in range(2)]
    assert answers[0].content == answers[1].content
    order = answers[0].json()
    place, document = f"/api/v1/orders/{order['id']}", {"version": 1, "lines": [SOCKS]}
    answers = [await shop.client.patch(place, json=document, headers=key) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["version"] == 2
    assert len((await shop.client.get("/api/v1/orders")).json()["data"]) == 1
    reused = await shop.client.patch(place, json=document | {"version": 2}, headers=key)
    assert (reused.status_code, reused.json()["code"]) == (409, "idempotency_key_reused")


async def test_a_paid_order_refuses_edit_and_cancelling(shop: Shop) -> None:
    flow = await (await a_shopper_at_confirm(shop.merchant)).confirm()
    place = f"/api/v1/orders/{flow.order_public_id}"
    before = (await shop.client.get(place)).json()
    for answer in (
        await shop.client.patch(place, json={"version": 1, "lines": [SOCKS]}),
        await shop.client.patch(place, json={"version": 1, "note": "late"}),
        await shop.client.post(f"{place}/cancel"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "order_locked")
    assert (await shop.client.get(place)).json() == before


async def test_an_order_is_cancelled_once_with_its_session(shop: Shop) -> None:
    flow = await (await a_shopper_at_confirm(shop.merchant)).flow()
    place = f"/api/v1/orders/{flow.order_public_id}"
    for _ in range(2):
        answer = await shop.client.post(f"{place}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    session = (await shop.client.get(f"/api/v1/sessions/{flow.public_id}")).json()
    assert session["state"] == "cancelled"
    events = [event["type"] for event in (await shop.client.get("/api/v1/events")).json()["data"]]
    assert events == ["session.cancelled"]
    late = await shop.client.patch(place, json={"version": 1, "note": "late"})
    assert (late.status_code, late.json()["code"]) == (409, "order_locked")


async def test_another_shops_order_is_not_there(shop: Shop, another_shop: Shop) -> None:
    order = await made(shop)
    place = f"/api/v1/orders/{order['id']}"
    answers = [
        await another_shop.client.patch(place, json={"version": 1, "note": "mine"}),
        await another_shop.client.post(f"{place}/cancel"),
        await shop.client.patch("/api/v1/orders/ord_none", json={"version": 1}),
        await shop.client.post("/api/v1/orders/ord_none/cancel"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert (await shop.client.get(place)).json() == order


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"lines": []}, "/lines", "length"),
        ({"lines": [LINE | {"quantity": 0}]}, "/lines/0/quantity", "out_of_range"),
        ({"lines": [LINE, SOCKS | {"unit_price_minor": -1}]}, "/lines/1/unit_price_minor", "negative"),
        ({"lines": [LINE | {"unit_price_minor": 0}]}, "/lines", "total_out_of_range"),
        ({"customer": {"email": "aino"}}, "/customer/email", "malformed"),
        ({"customer": {"phone": "12"}}, "/customer/phone", "malformed"),
        ({"note": " \u200b\n "}, "/note", "empty"),
        ({"reference": "\u00ad"}, "/reference", "empty"),
        ({"reference": "Card 4111-1111 1111 1111"}, "/reference", "card_number"),
    ],
)
async def test_what_cannot_be_is_pointed_at_in_a_new_order_and_in_an_edit(
    shop: Shop, changes: dict[str, Any], pointer: str, code: str
) -> None:
    order = await made(shop)
    for answer in (
        await shop.client.post("/api/v1/orders", json=an_order(**changes)),
        await edits(shop, order, **changes),
    ):
        assert answer.status_code == 422, answer.text
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["code"]) == (pointer, code)
    assert (await shop.client.get(f"/api/v1/orders/{order['id']}")).json() == order


async def test_an_order_in_another_currency_than_either_country_is_refused(shop: Shop) -> None:
    answer = await shop.client.post("/api/v1/orders", json=an_order(currency="SEK"))
    assert [each["code"] for each in answer.json()["errors"]] == ["currency_mismatch"]


async def test_an_edit_names_its_version_and_nothing_unknown(shop: Shop) -> None:
    order = await made(shop)
    place = f"/api/v1/orders/{order['id']}"
    assert (await shop.client.patch(place, json={"note": "x"})).status_code == 422
    assert (await shop.client.patch(place, json={"version": 1, "state": "paid"})).status_code == 400
    assert (await shop.client.patch(place, json={"version": 0})).status_code == 422
