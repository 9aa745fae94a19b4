"""Invoices and their payments over the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from app.invoices.queries import InvoiceView
from app.kernel import clock
from app.ledger import actions as ledger
from tests.factories.invoices import a_purchase, an_invoice, drawn
from tests.web.api.conftest import Shop


async def pay(
    shop: Shop, invoice: InvoiceView, changes: Mapping[str, object] | None = None, key: str | None = None
) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    today = shop.merchant.local_date(await clock.business_now()).isoformat()
    document = {"amount_minor": 5_000, "currency": "EUR", "paid_on": today, **(changes or {})}
    return await shop.client.post(
        f"/api/v1/invoices/{invoice.public_id}/payments", json=document, headers=headers
    )


async def told(shop: Shop, invoice: InvoiceView) -> dict[str, object]:
    answer = await shop.client.get(f"/api/v1/invoices/{invoice.public_id}")
    assert answer.status_code == 200
    document: dict[str, object] = answer.json()
    return document


async def test_an_invoice_is_told_with_how_to_pay_it(shop: Shop) -> None:
    invoice = await an_invoice(shop.merchant)
    document = await told(shop, invoice)
    assert (document["kind"], document["number"], document["state"]) == ("invoice", invoice.number, "issued")
    assert (document["amount_minor"], document["open_minor"], document["currency"]) == (12_900, 12_900, "EUR")
    assert (document["reference"], document["iban"]) == (invoice.reference, "FI2112345600000785")
    assert str(document["rf_reference"]).endswith(str(invoice.reference))
    assert document["payments"] == []


async def test_a_payment_is_recorded_and_told(shop: Shop) -> None:
    invoice = await an_invoice(shop.merchant)
    answer = await pay(shop, invoice)
    assert answer.status_code == 201
    payment = answer.json()
    assert (payment["applied_minor"], payment["over_minor"], payment["source"]) == (5_000, 0, "api")
    document = await told(shop, invoice)
    assert (document["state"], document["paid_minor"], document["open_minor"]) == (
        "partly_paid",
        5_000,
        7_900,
    )
    assert document["payments"] == [payment]


async def test_the_same_key_records_one_payment(shop: Shop) -> None:
    invoice = await an_invoice(shop.merchant)
    first = await pay(shop, invoice, key="bank-line-7")
    again = await pay(shop, invoice, key="bank-line-7")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    other = await pay(shop, invoice, {"amount_minor": 1}, key="bank-line-7")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    await pay(shop, invoice, key="bank-line-8")
    assert (await told(shop, invoice))["paid_minor"] == 10_000


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"amount_minor": 0}, "/amount_minor"),
        ({"amount_minor": -1}, "/amount_minor"),
        ({"amount_minor": 10**13}, "/amount_minor"),
        ({"amount_minor": 12.5}, "/amount_minor"),
        ({"currency": "SEK"}, "/currency"),
        ({"paid_on": "2999-01-01"}, "/paid_on"),
        ({"paid_on": "1999-01-01"}, "/paid_on"),
        ({"paid_on": "yesterday"}, "/paid_on"),
    ],
)
async def test_a_payment_that_cannot_be_is_refused_at_its_field(
    shop: Shop, changes: dict[str, object], pointer: str
) -> None:
    invoice = await an_invoice(shop.merchant)
    answer = await pay(shop, invoice, changes)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await told(shop, invoice))["paid_minor"] == 0


async def test_a_receipt_takes_no_payment(shop: Shop) -> None:
    receipt, *_ = await drawn(shop.merchant, await a_purchase(shop.merchant, months=3))
    answer = await pay(shop, receipt)
    assert (answer.status_code, answer.json()["code"]) == (409, "invoice_not_payable")
    document = await told(shop, receipt)
    assert (document["kind"], document["due_on"], document["reference"]) == ("receipt", None, None)


async def test_another_merchants_invoice_is_not_there(shop: Shop, another_shop: Shop) -> None:
    invoice = await an_invoice(shop.merchant)
    answer = await another_shop.client.get(f"/api/v1/invoices/{invoice.public_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await pay(another_shop, invoice)).status_code == 404
    assert (await told(shop, invoice))["paid_minor"] == 0


async def listed(shop: Shop, **query: str) -> dict[str, Any]:
    answer = await shop.client.get("/api/v1/invoices", params=query)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_documents_are_listed_newest_first_page_by_page(shop: Shop, another_shop: Shop) -> None:
    order = await a_purchase(shop.merchant, months=3)
    documents = await drawn(shop.merchant, order)
    invoice = await an_invoice(shop.merchant)
    await pay(shop, invoice)
    seen, query = [], {"limit": "2"}
    while True:
        page = await listed(shop, **query)
        seen += page["data"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert {each["id"] for each in seen} == {each.public_id for each in (*documents, invoice)}
    assert len(seen) == 5
    assert [each["issue_on"] for each in seen] == sorted((each["issue_on"] for each in seen), reverse=True)
    [mine] = (await listed(shop, state="partly_paid"))["data"]
    assert (mine["id"], len(mine["payments"])) == (invoice.public_id, 1)
    assert {each["kind"] for each in (await listed(shop, order_id=order))["data"]} == {"receipt", "notice"}
    assert (await listed(another_shop))["data"] == []


@pytest.mark.parametrize(
    "query", ["state=lost", "order_id=SHOP-1", "limit=0", "cursor=nowhere", "colour=red"]
)
async def test_a_list_that_cannot_be_is_refused(shop: Shop, query: str) -> None:
    assert (await shop.client.get(f"/api/v1/invoices?{query}")).status_code == 400


async def credit(
    shop: Shop, invoice: InvoiceView, document: Mapping[str, object], key: str | None = "note-1"
) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await shop.client.post(
        f"/api/v1/invoices/{invoice.public_id}/credit-notes", json=document, headers=headers
    )


async def test_a_part_is_credited_once_and_the_rest_is_still_asked_for(shop: Shop) -> None:
    invoice = await an_invoice(shop.merchant)
    first = await credit(shop, invoice, {"amount_minor": 2_900})
    assert (first.status_code, (await credit(shop, invoice, {"amount_minor": 2_900})).json()) == (
        201,
        first.json(),
    )
    note = first.json()
    assert (note["kind"], note["amount_minor"], note["sale_number"]) == ("credit_note", 2_900, invoice.number)
    document = await told(shop, invoice)
    assert (document["credited_minor"], document["open_minor"], document["state"]) == (
        2_900,
        10_000,
        "issued",
    )
    rest = await credit(shop, invoice, {}, key="note-2")
    assert rest.json()["amount_minor"] == 10_000
    assert (await told(shop, invoice))["state"] == "credited"
    again = await credit(shop, invoice, {}, key="note-3")
    assert (again.status_code, again.json()["code"]) == (409, "invoice_not_creditable")


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"amount_minor": 12_901}, "/amount_minor"),
        ({"amount_minor": 0}, "/amount_minor"),
        ({"lines": [{"line": 1, "quantity": 2}]}, "/lines"),
        ({"lines": [{"line": 2, "quantity": 1}]}, "/lines"),
        ({"lines": [{"line": 1, "quantity": 1}], "amount_minor": 1}, "/lines"),
    ],
)
async def test_what_cannot_be_credited_is_refused_at_its_field(
    shop: Shop, document: dict[str, object], pointer: str
) -> None:
    invoice = await an_invoice(shop.merchant)
    answer = await credit(shop, invoice, document)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await told(shop, invoice))["open_minor"] == 12_900


async def test_a_credit_note_needs_a_key_and_an_invoice_of_the_shop(shop: Shop, another_shop: Shop) -> None:
    invoice = await an_invoice(shop.merchant)
    answer = await credit(shop, invoice, {}, key=None)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert (await credit(another_shop, invoice, {})).status_code == 404


async def test_frozen_money_is_a_503_that_says_when_to_come_again(shop: Shop) -> None:
    invoice = await an_invoice(shop.merchant)
    await ledger.freeze_now("a drill", clock.wall())
    answer = await pay(shop, invoice)
    assert (answer.status_code, answer.json()["code"]) == (503, "money_frozen")
    assert answer.headers["retry-after"] == "60"
    await ledger.unfreeze_now("it was a drill", clock.wall())
    assert (await pay(shop, invoice)).status_code == 201
