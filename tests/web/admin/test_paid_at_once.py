"""What staff see of an order that card or MobilePay paid, by somebody whom nobody knows."""

from __future__ import annotations

import csv
import html
import io
import re

import httpx
import pytest

from app.kernel import db
from app.merchants.queries import Merchant
from app.payments.ports import Standing
from tests.factories.invoices import drawn
from tests.factories.payments import a_guest_at_provider, a_paid_order, asked
from tests.factories.wallets import switched
from tests.support.providers import FakeProvider


def said(answer: httpx.Response) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text)))


@pytest.fixture
def cards(settings: object) -> FakeProvider:
    del settings  # It opens the database.
    return FakeProvider("card")


async def test_the_orders_page_tells_the_way_the_try_and_every_step_of_it(
    desk: httpx.AsyncClient, merchant: Merchant, cards: FakeProvider
) -> None:
    order, payment = await a_paid_order(merchant, cards)
    page = await desk.get(f"/admin/orders/{order}")
    for text in (
        "Plan Card",
        "By card €129.00",
        "Payments Card · €129.00 Paid",
        payment.public_id,
        "Payment begun · Card",
        "The shopper is led to pay",
        "The money is being taken",
        "The money was taken",
    ):
        assert text in said(page)
    for never in ("Annual percentage rate", "Payment schedule"):
        assert never not in page.text


async def test_a_payment_that_came_to_nothing_says_why(
    desk: httpx.AsyncClient, merchant: Merchant, cards: FakeProvider
) -> None:
    _, payment = await a_guest_at_provider(merchant, cards)
    cards.end(payment.provider_ref, Standing.FAILED, "insufficient_funds")
    await asked(payment, cards)
    page = await desk.get(f"/admin/orders/{payment.order_public_id}")
    assert "not enough money" in said(page)
    assert "Payment failed: nothing was charged" in said(page)


async def test_the_list_and_its_sheet_say_how_each_order_was_paid(
    desk: httpx.AsyncClient, merchant: Merchant, cards: FakeProvider
) -> None:
    await a_paid_order(merchant, cards)
    assert "Paid Card" in said(await desk.get("/admin/orders"))
    sheet = (await desk.get("/admin/orders/export")).text.lstrip("\ufeff")
    [row] = csv.DictReader(io.StringIO(sheet))
    assert row["method"] == "card"


async def test_a_guest_is_offered_no_wallet_for_what_goes_back(
    desk: httpx.AsyncClient, merchant: Merchant, cards: FakeProvider
) -> None:
    merchant = await switched(merchant)
    order, _ = await a_paid_order(merchant, cards)
    [receipt] = await drawn(merchant, order)
    assert "Sales receipt" in said(await desk.get(f"/admin/invoices/{receipt.public_id}"))
    page = await desk.get(f"/admin/orders/{order}/refund")
    assert page.status_code == 200
    assert 'value="wallet"' not in page.text
    assert await db.fetch_value("SELECT count(*) FROM customers") == 0
