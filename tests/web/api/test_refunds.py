"""Refunds over the API: a key is required, the caller says what it saw, and every refusal has its code."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from app.checkout.books import check_books
from app.kernel import clock, db
from app.merchants.queries import Merchant, forget_kept_merchants
from app.returns import actions
from app.returns.rules import Conditions
from tests.factories.checkout import a_line
from tests.factories.invoices import a_purchase, drawn
from tests.factories.wallets import switched
from tests.web.api.conftest import Shop

FIRST = "refund-1"


async def refund(shop: Shop, order: str, key: str | None = FIRST, **document: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"amount_minor": 1_000, "refundable_minor": 12_900, "to": "original", **document}
    body = {name: value for name, value in body.items() if value is not None}
    return await shop.client.post(f"/api/v1/orders/{order}/refunds", json=body, headers=headers)


async def told(shop: Shop, order: str) -> dict[str, Any]:
    answer = await shop.client.get(f"/api/v1/orders/{order}")
    document: dict[str, Any] = answer.json()
    return document


async def a_bought(shop: Shop, months: int = 0) -> str:
    order = await a_purchase(shop.merchant, months=months)
    await drawn(shop.merchant, order)
    return order


async def test_a_refund_is_made_and_the_order_tells_what_is_left(shop: Shop) -> None:
    order = await a_purchase(shop.merchant)
    answer = await refund(shop, order)
    assert answer.status_code == 201
    made = answer.json()
    assert made["id"].startswith("rf_")
    assert (made["state"], made["amount_minor"], made["owed_less_minor"]) == ("done", 1_000, 1_000)
    document = await told(shop, order)
    assert (document["state"], document["refundable_minor"]) == ("partly_refunded", 11_900)
    listed = await shop.client.get(f"/api/v1/orders/{order}/refunds")
    assert listed.json() == {"data": [made], "next_cursor": None}
    events = (await shop.client.get("/api/v1/events")).json()["data"]
    assert next(each["data"] for each in events if each["type"] == "order.refunded") == {
        "order_id": order,
        "refund_id": made["id"],
        "amount_minor": 1_000,
        "fee_minor": 0,
        "currency": "EUR",
        "to": "original",
        "refundable_minor": 11_900,
    }


async def test_refunds_are_listed_in_pages_and_for_as_many_queries_as_one_costs(shop: Shop) -> None:
    order = await a_purchase(shop.merchant, a_line("Soap", "4.50", quantity=5))
    await drawn(shop.merchant, order)
    address = f"/api/v1/orders/{order}/refunds"
    made, costs = [], []
    for at in range(5):
        wanted = {"amount_minor": None, "lines": [{"line": 1, "quantity": 1}]}
        answer = await refund(shop, order, key=f"piece-{at}", refundable_minor=2_250 - 450 * at, **wanted)
        made.append(answer.json())
        with db.counting() as counts:
            listed = (await shop.client.get(address)).json()
        assert listed == {"data": made, "next_cursor": None}
        costs.append(counts.queries)
    assert set(costs) == {costs[0]}
    cursor = ""
    for at in (0, 2, 4):
        page = (await shop.client.get(f"{address}?limit=2{cursor}")).json()
        assert page["data"] == made[at : at + 2]
        assert (page["next_cursor"] is None) is (at == 4)
        cursor = f"&cursor={page['next_cursor']}"
    for query in ("limit=0", "limit=101", "cursor=x", "state=done", "limit=1&limit=2"):
        assert (await shop.client.get(f"{address}?{query}")).status_code == 400, query


async def test_pieces_are_refunded_less_a_fee(shop: Shop) -> None:
    order = await a_purchase(shop.merchant, a_line(), a_line("Soap", "4.50", quantity=3))
    await drawn(shop.merchant, order)
    wanted: dict[str, Any] = {
        "lines": [{"line": 2, "quantity": 2}],
        "return_fee_minor": 100,
        "refundable_minor": 14_250,
    }
    other = await refund(shop, order, amount_minor=900, **wanted)
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "/amount_minor")
    answer = await refund(shop, order, amount_minor=800, **wanted)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["amount_minor"], made["return_fee_minor"]) == (800, 100)
    assert made["lines"] == [{"line": 2, "quantity": 2}]


async def test_the_same_key_refunds_once(shop: Shop) -> None:
    order = await a_bought(shop)
    first, again = await refund(shop, order), await refund(shop, order)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    other = await refund(shop, order, amount_minor=2_000)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert (await told(shop, order))["refundable_minor"] == 11_900


async def test_a_key_is_required(shop: Shop) -> None:
    order = await a_bought(shop)
    answer = await refund(shop, order, key=None)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert (await told(shop, order))["refundable_minor"] == 12_900


async def test_another_figure_than_was_seen_is_a_conflict_that_tells_it(shop: Shop) -> None:
    order = await a_bought(shop)
    await refund(shop, order)
    late = await refund(shop, order, key="refund-2")
    assert (late.status_code, late.json()["code"]) == (409, "refundable_changed")
    assert late.json()["refundable_minor"] == 11_900
    # A refusal takes no key: corrected, the same one works.
    assert (await refund(shop, order, key="refund-2", refundable_minor=11_900)).status_code == 201


async def test_many_at_once_with_keys_of_their_own_refund_what_each_has_seen_once(shop: Shop) -> None:
    order = await a_bought(shop)
    answers = await asyncio.gather(
        *(refund(shop, order, key=f"tab-{at}", amount_minor=8_000) for at in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert (await told(shop, order))["refundable_minor"] == 4_900
    assert await check_books() == []


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"amount_minor": 0}, "/amount_minor", "out_of_range"),
        ({"amount_minor": -1}, "/amount_minor", "out_of_range"),
        ({"amount_minor": 12_901}, "/amount_minor", "more_than_left"),
        ({"amount_minor": 10**13}, "/amount_minor", "out_of_range"),
        ({"amount_minor": 10.5}, "/amount_minor", "wrong_type"),
        ({"amount_minor": "1000"}, "/amount_minor", "wrong_type"),
        ({"amount_minor": None}, "/amount_minor", "missing"),
        ({"refundable_minor": None}, "/refundable_minor", "missing"),
        ({"refundable_minor": -1}, "/refundable_minor", "out_of_range"),
        ({"to": "card"}, "/to", "unknown_value"),
        ({"to": None}, "/to", "missing"),
        ({"currency": "SEK"}, "/currency", "mismatch"),
        ({"return_fee_minor": 5}, "/return_fee_minor", "only_with_lines"),
        ({"amount_minor": None, "lines": []}, "/lines", "length"),
        ({"amount_minor": None, "lines": [{"line": 1, "quantity": 2}]}, "/lines", "not_left"),
        ({"amount_minor": None, "lines": [{"line": 9, "quantity": 1}]}, "/lines", "not_left"),
        (
            {"amount_minor": None, "lines": [{"line": 1, "quantity": 1}], "return_fee_minor": 12_900},
            "/return_fee_minor",
            "too_large",
        ),
    ],
)
async def test_what_cannot_be_refunded_is_refused_at_its_place(
    shop: Shop, changes: dict[str, Any], pointer: str, code: str
) -> None:
    order = await a_bought(shop)
    answer = await refund(shop, order, **changes)
    assert answer.status_code == 422, answer.text
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]
    assert (await told(shop, order))["refundable_minor"] == 12_900


async def test_the_wallet_is_a_module_of_the_shops(shop: Shop) -> None:
    order = await a_bought(shop)
    answer = await refund(shop, order, to="wallet")
    assert (answer.status_code, answer.json()["code"]) == (409, "module_off")
    await switched(shop.merchant)
    answer = await refund(shop, order, to="wallet")
    assert answer.status_code == 201
    assert (answer.json()["wallet_minor"], answer.json()["owed_less_minor"]) == (1_000, 0)


async def test_a_shop_of_another_currency_by_now_has_no_wallet_for_it(shop: Shop) -> None:
    order = await a_bought(shop)
    await switched(shop.merchant)
    await db.in_tx(
        lambda: db.execute("UPDATE merchants SET currency = 'SEK' WHERE id = $1", shop.merchant.id)
    )
    forget_kept_merchants()
    answer = await refund(shop, order, to="wallet")
    assert answer.status_code == 422, answer.text
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("/to", "other_currency")
    ]
    assert (await told(shop, order))["refundable_minor"] == 12_900


async def test_what_is_not_paid_or_not_theirs_is_not_refunded(shop: Shop, another_shop: Shop) -> None:
    order = await a_bought(shop)
    for missing in (order, "ord_" + "0" * 26, "nothing"):
        answer = await refund(another_shop, missing)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        listed = await another_shop.client.get(f"/api/v1/orders/{missing}/refunds")
        assert listed.status_code == 404
    await refund(shop, order, amount_minor=12_900)
    gone = await refund(shop, order, key="refund-2", refundable_minor=0)
    assert (gone.status_code, gone.json()["code"]) == (409, "not_refundable")


async def test_above_the_limit_a_refund_waits(shop: Shop) -> None:
    order = await a_bought(shop)
    merchant: Merchant = shop.merchant
    await actions.save_conditions(
        merchant, Conditions(14, approval_above_minor=500), actor="staff:x", now=await clock.business_now()
    )
    made = (await refund(shop, order)).json()
    assert (made["state"], made["credit_note_id"], made["decided_at"]) == ("pending_approval", None, None)
    document = await told(shop, order)
    assert (document["state"], document["refundable_minor"]) == ("paid", 11_900)


async def test_the_plan_of_what_is_left_is_told_beside_the_one_that_was_signed(shop: Shop) -> None:
    order = await a_bought(shop, months=6)
    before = await told(shop, order)
    assert before["current_quote"] is None
    made = (await refund(shop, order, amount_minor=5_000)).json()
    after = await told(shop, order)
    assert after["quote"] == before["quote"]
    assert after["current_quote"]["id"] == made["quote_id"]
    documents = (await shop.client.get(f"/api/v1/invoices?order_id={order}")).json()["data"]
    asked = sum(each["open_minor"] for each in documents if each["kind"] == "notice")
    assert after["current_quote"]["total_payable_minor"] == asked
