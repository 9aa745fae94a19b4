"""The filters of the list of orders, all of them in its address, and the list as a file."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.kernel import db
from app.links.actions import make
from app.merchants.queries import Merchant
from app.orders.actions import Contact, NewOrder, create
from app.orders.states import OrderState
from tests.factories.checkout import a_line, a_merchant
from tests.web.admin.test_orders import references

# Midnight of 3 March in Helsinki, where the shop is.
MIDNIGHT = datetime(2026, 3, 2, 22, tzinfo=UTC)


async def an_order(
    merchant: Merchant,
    reference: str,
    at: datetime,
    *,
    price: str = "10.00",
    name: str = "Aino",
    buyer: str = "consumer",
) -> str:
    contact = Contact(name=name, email="aino@example.test", phone="+358401234567")
    new = NewOrder(reference, "FI", "EUR", buyer, (a_line(price=price),), contact)
    made = await db.in_tx(lambda: create(merchant.id, new, state=OrderState.OPEN, actor="test", now=at))
    return made.public_id


@pytest.fixture
async def some(merchant: Merchant) -> Merchant:
    second = timedelta(seconds=1)
    await an_order(merchant, "LATE-2ND", MIDNIGHT - second, price="20.00")
    await an_order(merchant, "EARLY-3RD", MIDNIGHT, price="30.00", buyer="business")
    linked = await an_order(merchant, "LATE-3RD", MIDNIGHT + timedelta(days=1) - second, price="1040.50")
    await make(merchant.id, linked, expires_at=None, actor="test", now=MIDNIGHT + timedelta(days=1))
    await an_order(merchant, "EARLY-4TH", MIDNIGHT + timedelta(days=1), price="50.00")
    return merchant


async def found(desk: httpx.AsyncClient, **query: str) -> set[str]:
    answer = await desk.get("/admin/orders", params=query)
    assert answer.status_code == 200
    return set(references(answer.text))


async def test_days_are_those_of_the_shops_country_first_and_last_included(
    desk: httpx.AsyncClient, some: Merchant
) -> None:
    third = {"EARLY-3RD", "LATE-3RD"}
    assert await found(desk, **{"from": "2026-03-03", "to": "2026-03-03"}) == third
    assert await found(desk, **{"from": "2026-03-03"}) == third | {"EARLY-4TH"}
    assert await found(desk, to="2026-03-03") == third | {"LATE-2ND"}


async def test_sums_are_typed_with_a_point_or_a_comma(desk: httpx.AsyncClient, some: Merchant) -> None:
    assert await found(desk, min="30", max="1 040,50") == {"EARLY-3RD", "LATE-3RD", "EARLY-4TH"}
    assert await found(desk, min="30.01") == {"LATE-3RD", "EARLY-4TH"}
    assert await found(desk, q="1040,50") == {"LATE-3RD"}


async def test_buyer_link_and_words_narrow_together(desk: httpx.AsyncClient, some: Merchant) -> None:
    assert await found(desk, buyer="business") == {"EARLY-3RD"}
    assert await found(desk, link="yes") == {"LATE-3RD"}
    assert await found(desk, link="no", q="040 123", buyer="consumer") == {"LATE-2ND", "EARLY-4TH"}


async def test_every_filter_stays_in_the_address_and_in_its_field(
    desk: httpx.AsyncClient, some: Merchant
) -> None:
    query = {"q": "a", "state": "open", "buyer": "consumer", "link": "no", "from": "2026-03-01", "to": "2026-03-09",
             "min": "5", "max": "99,50"}  # fmt: skip
    answer = await desk.get("/admin/orders", params=query, headers={"HX-Request": "true"})
    assert dict(httpx.URL(answer.headers["hx-push-url"]).params) == query

    whole = (await desk.get(answer.headers["hx-push-url"])).text
    for text in (
        'value="2026-03-01"',
        'value="2026-03-09"',
        'value="5"',
        'value="99,50"',
        '<option value="no" selected>',
    ):
        assert text in whole, text
    assert re.search(r'<details class="more" open>', whole)
    plain = (await desk.get("/admin/orders")).text
    assert re.search(r'<details class="more">', plain)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"from": "yesterday"}, "A day is written like 2026-11-22. This one is left out: yesterday"),
        ({"to": "2026-02-30"}, "A day is written like 2026-11-22. This one is left out: 2026-02-30"),
        ({"min": "<b>"}, "A sum is written like 129.00. This one is left out: &lt;b&gt;"),
        ({"max": "-3"}, "A sum is written like 129.00. This one is left out: -3"),
        ({"from": "2026-03-04", "to": "2026-03-03"}, "The last day comes before the first one"),
        ({"min": "7", "max": "6"}, "The largest sum is less than the smallest one"),
        ({"to": "9999-12-31"}, "This one is left out: 9999-12-31"),
        ({"from": "0001-01-01"}, "This one is left out: 0001-01-01"),
    ],
)
async def test_what_cannot_be_read_is_told_kept_and_narrows_nothing(
    desk: httpx.AsyncClient, some: Merchant, query: dict[str, str], told: str
) -> None:
    answer = await desk.get("/admin/orders", params=query)
    assert answer.status_code == 200
    assert told in answer.text
    for value in query.values():
        assert f'value="{html.escape(value)}"' in answer.text


async def test_the_list_is_exported_as_it_is_filtered(desk: httpx.AsyncClient, some: Merchant) -> None:
    await an_order(await a_merchant("Pihla Oy"), "FOREIGN", MIDNIGHT)
    page = (await desk.get("/admin/orders", params={"buyer": "consumer", "min": "50"})).text
    link = re.search(r'<a href="([^"]+)" download>Export this list as CSV<', page)
    assert link is not None

    answer = await desk.get(html.unescape(link[1]))

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="orders.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith('\ufeff"order_id","reference",')
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert [row["reference"] for row in rows] == ["EARLY-4TH", "LATE-3RD"]
    last = rows[-1]
    assert last["order_id"].startswith("ord_")
    assert (last["total"], last["currency"], last["state"], last["created_at"], last["paid_at"]) == (
        "1040.50",
        "EUR",
        "open",
        "2026-03-03T21:59:59Z",
        "",
    )


async def test_nothing_in_an_export_runs_in_a_spreadsheet(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await an_order(merchant, "=1+1", MIDNIGHT, name='@SUM(A1),"x"')
    [row] = csv.DictReader(
        io.StringIO((await desk.get("/admin/orders/export")).text.removeprefix("\ufeff"), newline="")
    )
    assert (row["reference"], row["name"], row["phone"]) == ("'=1+1", '\'@SUM(A1),"x"', "'+358401234567")


async def test_an_export_of_nothing_has_its_columns_and_an_export_needs_a_sign_in(
    desk: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    answer = await desk.get("/admin/orders/export?q=nobody")
    assert answer.text.count("\r\n") == 1
    assert (await stranger.get("/admin/orders/export")).status_code == 303
