"""Staff record a payment on an order's page."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx
import pytest

from app.checkout.books import check_books
from app.invoices.queries import InvoiceView, invoices_of_order, payments_of
from app.kernel import clock
from app.merchants.queries import Merchant
from tests.factories.checkout import a_merchant
from tests.factories.invoices import an_invoice


async def form_of(desk: httpx.AsyncClient, invoice: InvoiceView) -> dict[str, str]:
    """The form as the page gives it, an amount typed in."""
    page = (await desk.get(f"/admin/orders/{invoice.order_public_id}")).text
    assert "Record payment" in page
    key = re.search(r'name="key" value="([^"]+)"', page)
    day = re.search(r'name="paid_on" type="date" value="([^"]+)"', page)
    assert key is not None
    assert day is not None
    return {"key": key[1], "paid_on": day[1], "invoice": invoice.public_id, "amount": "50,00"}


async def send(desk: httpx.AsyncClient, invoice: InvoiceView, form: Mapping[str, str]) -> httpx.Response:
    return await desk.post(f"/admin/orders/{invoice.order_public_id}/payments", data=form)


async def paid_minor(merchant: Merchant, invoice: InvoiceView) -> int:
    [found] = await invoices_of_order(merchant.id, invoice.order_public_id)
    return found.paid_minor


async def test_a_payment_is_recorded_once_however_often_it_is_pressed(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    invoice = await an_invoice(merchant)
    form = await form_of(desk, invoice)
    for _ in range(2):
        answer = await send(desk, invoice, form)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/admin/orders/{invoice.order_public_id}#invoices"
    [payment] = await payments_of(merchant.id, invoice.id)
    assert (payment.amount_minor, payment.source) == (5_000, "staff")
    assert payment.actor.startswith("staff:")
    page = (await desk.get(f"/admin/orders/{invoice.order_public_id}")).text
    for told in (invoice.number, "Partly paid", "€79.00", "A part of an invoice paid"):
        assert told in page
    assert await check_books() == []


@pytest.mark.parametrize(
    ("amount", "minor"), [("12.90", 1_290), ("12,9", 1_290), (" 12 ", 1_200), ("1 012,90", 101_290)]
)
async def test_an_amount_may_be_typed_as_people_write_it(
    desk: httpx.AsyncClient, merchant: Merchant, amount: str, minor: int
) -> None:
    invoice = await an_invoice(merchant)
    form = await form_of(desk, invoice) | {"amount": amount}
    assert (await send(desk, invoice, form)).status_code == 303
    [payment] = await payments_of(merchant.id, invoice.id)
    assert payment.amount_minor == minor


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": ""},
        {"amount": "0"},
        {"amount": "-5"},
        {"amount": "12.345"},
        {"amount": "a lot"},
        {"amount": "\u0665"},
        {"paid_on": ""},
        {"paid_on": "2999-01-01"},
        {"paid_on": "21.11.2026"},
    ],
)
async def test_what_cannot_be_is_said_at_its_field_and_what_was_typed_stays(
    desk: httpx.AsyncClient, merchant: Merchant, changes: dict[str, str]
) -> None:
    invoice = await an_invoice(merchant)
    form = await form_of(desk, invoice) | changes
    answer = await send(desk, invoice, form)
    assert answer.status_code == 422
    assert answer.text.count('class="wrong"') == 1
    assert form["key"] in answer.text
    assert await paid_minor(merchant, invoice) == 0


async def test_an_invoice_of_another_shop_takes_nothing(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    ours, other = await an_invoice(merchant), await a_merchant("Pihla Oy")
    theirs = await an_invoice(other)
    form = await form_of(desk, ours) | {"invoice": theirs.public_id}
    assert (await send(desk, ours, form)).status_code == 303
    assert (await send(desk, theirs, form)).status_code == 404
    assert await paid_minor(other, theirs) == await paid_minor(merchant, ours) == 0


async def test_nobody_records_without_signing_in(stranger: httpx.AsyncClient, merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    today = merchant.local_date(await clock.business_now()).isoformat()
    form = {"key": "x", "paid_on": today, "invoice": invoice.public_id, "amount": "50"}
    answer = await send(stranger, invoice, form)
    assert answer.headers["location"].startswith("/admin/sign-in")
    assert await paid_minor(merchant, invoice) == 0
