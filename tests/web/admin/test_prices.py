"""What the shop pays, as its owner reads it: in plain words, line by line, and as a file."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from litestar.types import ASGIApp

from app.kernel import clock, db
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger.rules import MERCHANT_CASH, MERCHANT_SALES, between
from app.merchants.modules import set_module_price, switch_module
from app.merchants.queries import Merchant
from app.prices import actions
from tests.factories.checkout import a_merchant
from tests.support import pages
from tests.web.admin.conftest import a_person, sign_in

PAGE = "/admin/settings/prices"
# The middle of a month of the past, so that it and the next one can be closed.
BEGIN = datetime(2026, 6, 16, 12, tzinfo=UTC)


async def sold(merchant: Merchant, minor: int, at: datetime) -> None:
    entries = between(MERCHANT_CASH, MERCHANT_SALES, Money(minor, "EUR"))
    await db.in_tx(
        lambda: ledger.post(
            merchant.id, key="purchase:ord_1", cause="purchase", about="ord_1", entries=entries, now=at
        )
    )


async def two_closed_months(merchant: Merchant) -> None:
    await actions.set_plan(merchant, 150, 29_00, actor="operator", now=BEGIN)
    await set_module_price(merchant, "wallet", 19_00, actor="operator", now=BEGIN)
    await switch_module(merchant, "wallet", on=True, seen_price_minor=19_00, actor="staff:st_1", now=BEGIN)
    await sold(merchant, 200_00, BEGIN)
    assert await actions.close_due(BEGIN + timedelta(days=50), 1) == 2


async def test_where_nothing_was_agreed_there_is_nothing_to_pay(desk: httpx.AsyncClient) -> None:
    page = (await desk.get(PAGE)).text
    assert "Nothing to pay" in page
    assert "included in your price plan" in page
    assert "Closed months" not in page


async def test_the_plan_is_in_words_and_says_from_when_another_amount_holds(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await actions.set_plan(merchant, 150, 29_00, actor="operator", now=BEGIN)
    assert "1.5% of purchases and €29.00 a month" in (await desk.get(PAGE)).text
    await actions.set_plan(merchant, 75, 35_00, actor="operator", now=clock.wall())
    page = (await desk.get(PAGE)).text
    assert "0.75% of purchases and €29.00 a month" in page
    assert ": €35.00 a month." in page


async def test_closed_months_have_their_lines_on_the_page_and_in_the_file(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await two_closed_months(merchant)
    page = (await desk.get(PAGE)).text
    # 1.5 % of 200.00, and the wallet for 15 of 30 days; then the amount and the wallet whole.
    assert "June 2026 · €12.50" in page
    assert "July 2026 · €48.00" in page
    assert "€19.00 a month, on for 15 of 30 days" in page
    answer = await desk.get(f"{PAGE}/export")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["month"], row["line"], row["amount"]) for row in rows] == [
        ("2026-07", "monthly", "29.00"),
        ("2026-07", "module", "19.00"),
        ("2026-06", "percent", "3.00"),
        ("2026-06", "module", "9.50"),
    ]


@pytest.mark.parametrize("role", ["cashier", "reviewer", "support"])
async def test_prices_are_the_owners_alone_and_each_shops_own(
    app: ASGIApp, desk: httpx.AsyncClient, merchant: Merchant, role: str
) -> None:
    await two_closed_months(await a_merchant("Toinen"))
    assert "Nothing to pay" in (await desk.get(PAGE)).text
    person = await a_person(merchant, f"{role}@havu.example", role)
    async with pages.browser(app) as client:
        await sign_in(client, person)
        assert (await client.get(PAGE)).status_code == 403
        assert (await client.get(f"{PAGE}/export")).status_code == 403
