"""Orders and events over the API."""

from __future__ import annotations

import pytest

from app.kernel import db
from tests.factories.checkout import a_line, a_shopper_at_confirm
from tests.web.api.conftest import Shop
from tests.web.api.documents import LINE, a_basket


async def test_a_draft_order_is_told_with_its_lines(shop: Shop) -> None:
    opened = (await shop.opens(a_basket())).json()
    order = (await shop.client.get(f"/api/v1/orders/{opened['order_id']}")).json()
    assert (order["id"], order["state"], order["version"]) == (opened["order_id"], "draft", 1)
    told = {"type": "item", "total_minor": 25_800, "sku": None, "category": None, "origin": "shop"}
    assert order["lines"] == [LINE | told]
    assert (order["total_minor"], order["refundable_minor"], order["currency"]) == (25_800, 0, "EUR")
    assert order["quote"] is None
    assert order["customer"]["email"] is None


async def test_a_paid_order_is_told_with_the_figures_that_were_confirmed(shop: Shop) -> None:
    shopper = await a_shopper_at_confirm(shop.merchant, a_line())
    flow = await shopper.confirm()
    order = (await shop.client.get(f"/api/v1/orders/{flow.order_public_id}")).json()
    assert (order["state"], order["refundable_minor"]) == ("paid", 12_900)
    assert order["paid_at"].endswith("Z")
    assert order["customer"]["name"] == "Aino Virta"
    quote = order["quote"]
    assert (quote["method"], quote["delivery"], quote["months"]) == ("invoice", "email", 0)
    assert (quote["total_payable_minor"], quote["apr"]) == (12_900, "0.0")
    assert sum(row["amount_minor"] for row in quote["schedule"]) == quote["total_payable_minor"]


async def test_an_order_that_expiry_removed_is_gone(shop: Shop) -> None:
    opened = (await shop.opens(a_basket())).json()

    async def remove() -> None:
        await db.execute("UPDATE orders SET state = 'expired'")
        await db.execute("DELETE FROM order_lines")

    await db.in_tx(remove)
    answer = await shop.client.get(f"/api/v1/orders/{opened['order_id']}")
    assert (answer.status_code, answer.json()["code"]) == (410, "order_removed")
    assert (await shop.client.get("/api/v1/orders")).json() == {"data": [], "next_cursor": None}


async def test_a_list_is_walked_by_its_cursor(shop: Shop, another_shop: Shop) -> None:
    await another_shop.opens(a_basket(reference="theirs"))
    for number in range(5):
        await shop.opens(a_basket(reference=f"S-{number}"))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await shop.client.get("/api/v1/orders", params=query)).json()
        seen += [order["reference"] for order in page["data"]]
        cursor = page["next_cursor"]
    assert seen == ["S-4", "S-3", "S-2", "S-1", "S-0"]


async def test_a_list_may_be_narrowed(shop: Shop) -> None:
    for reference in ("A-1", "B-1"):
        await shop.opens(a_basket(reference=reference))
    found = (await shop.client.get("/api/v1/orders?reference=A&state=draft")).json()
    assert [order["reference"] for order in found["data"]] == ["A-1"]
    assert (await shop.client.get("/api/v1/orders?state=paid")).json()["data"] == []


async def test_a_list_is_narrowed_by_words_time_sum_buyer_and_link(shop: Shop) -> None:
    customer = {"name": "Aino Virta", "phone": "+358401234567"}
    await shop.opens(a_basket(reference="A-1", customer=customer))
    await shop.opens(a_basket(reference="B-1", buyer="business"))
    made = await db.fetch_value("SELECT created_at FROM orders WHERE reference = 'B-1'")

    async def found(**query: str) -> list[str]:
        answer = await shop.client.get("/api/v1/orders", params=query)
        assert answer.status_code == 200, answer.text
        return [order["reference"] for order in answer.json()["data"]]

    for query in (
        {"q": "virta ai"},
        {"q": "040 12"},
        {"buyer": "consumer"},
        {"created_before": made.isoformat()},
    ):
        assert await found(**query) == ["A-1"], query
    assert await found(created_from=made.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), has_link="false") == ["B-1"]
    assert await found(has_link="true") == []
    assert await found(total_min_minor="25800", total_max_minor="25800") == ["B-1", "A-1"]
    assert await found(total_min_minor="25801") == []


@pytest.mark.parametrize(
    "query",
    ["buyer=nobody", "created_from=yesterday", "created_from=0001-01-01T00:00:00%2B03:00",
     "created_before=9999-12-31T23:00:00-03:00", "created_before=2026-11-22T10:00:00", "total_min_minor=1.50",
     "total_max_minor=-1", "total_max_minor=9999999999999", "has_link=1", "created_from="],
)  # fmt: skip
async def test_a_filter_that_cannot_be_used_is_refused_by_its_name(shop: Shop, query: str) -> None:
    answer = await shop.client.get(f"/api/v1/orders?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    assert answer.json()["detail"].startswith(query.partition("=")[0])


async def test_events_are_told_newest_first_to_their_merchant_alone(shop: Shop, another_shop: Shop) -> None:
    shopper = await a_shopper_at_confirm(shop.merchant)
    flow = await shopper.confirm()
    first = (await shop.client.get("/api/v1/events?limit=1")).json()
    rest = (await shop.client.get("/api/v1/events", params={"cursor": first["next_cursor"]})).json()
    assert [event["type"] for event in first["data"] + rest["data"]] == ["order.paid", "session.confirmed"]
    assert first["data"][0]["data"]["order_id"] == flow.order_public_id
    assert first["data"][0]["id"].startswith("evt_")
    assert rest["next_cursor"] is None
    assert (await another_shop.client.get("/api/v1/events")).json()["data"] == []
