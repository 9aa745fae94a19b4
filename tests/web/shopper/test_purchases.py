"""What somebody has bought and owes, on pages that are theirs alone."""

from __future__ import annotations

import re

import httpx
import pytest

from app.invoices.queries import InvoiceView, invoices_of_order
from app.kernel import db
from app.merchants.queries import Merchant
from tests.factories.checkout import PHONE, a_known_person, a_line, a_merchant, nobody_has_bought_before
from tests.factories.invoices import a_purchase, again, chores_done, days_later, drawn, paid
from tests.factories.loyalty import a_shop, earned
from tests.web.shopper.test_account import another, sign_in, type_in
from tests.web.shopper.test_flow import the_code


async def a_buyer(client: httpx.AsyncClient, merchant: Merchant, *, months: int = 0) -> str:
    """Somebody whom a code recognises has bought a blanket, by invoice or in instalments. Answers the order's id."""
    order = await a_purchase(merchant, a_line(price="240.00"), months=months)
    await drawn(merchant, order)
    await a_phone_is_proved()
    await sign_in(client)
    return order


async def a_phone_is_proved() -> None:
    name = "UPDATE customers SET phone = $1, claimed_phone = NULL, postcode = '00100'"
    await db.in_tx(lambda: db.execute(name, PHONE))


async def test_without_a_session_every_page_leads_to_where_one_signs_in_and_back(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/purchases", "/purchases/or_1", "/purchases?shop=me_1"):
        answer = await client.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/account?next=/")
    answer = await client.get("/purchases/or_1?x=1")
    assert answer.headers["location"] == "/account?next=/purchases/or_1%3Fx%3D1"


async def test_the_list_says_what_was_bought_what_is_owed_and_when(client: httpx.AsyncClient) -> None:
    await a_buyer(client, await a_merchant())
    page = await client.get("/purchases")
    assert page.status_code == 200, page.text
    assert page.headers["cache-control"] == "no-store"
    text = words(page.text)
    assert "Wool blanket" in text
    assert "€240.00 Havu & Kivi Invoice for order SHOP-1001 €240.00 Due on" in text
    assert "€240.00 to pay" in text


def words(page: str) -> str:
    text = re.sub(r"<[^>]+>", " ", page.partition("<main>")[2]).replace("&amp;", "&").replace("\u00a0", " ")
    return " ".join(text.split())


async def test_instalments_show_the_next_one_and_the_sum_of_all(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    order = await a_buyer(client, merchant, months=12)
    text = words((await client.get("/purchases")).text)
    assert text.count("Instalment 1 of order SHOP-1001") == 1
    assert "Instalment 2 of order" not in text
    owed = await db.fetch_value("SELECT sum(amount_minor) FROM invoices WHERE kind = 'notice'")
    assert f"To pay €{owed / 100:.2f}" in text
    page = words((await client.get(f"/purchases/{order}")).text)
    assert "Instalment 12 of 12" in page
    assert page.count("To come") >= 11


async def test_what_is_overdue_is_marked_and_what_is_paid_is_not_asked_for(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    order = await a_buyer(client, merchant)
    [invoice] = await drawn_before(merchant, order)
    await days_later(20)
    await chores_done()
    await sign_in(client)
    assert "Overdue" in words((await client.get("/purchases")).text)
    detail = words((await client.get(f"/purchases/{order}")).text)
    assert "Was due on" in detail
    assert "Account (IBAN)" in detail
    await paid(merchant, await again(merchant, invoice), 24_000)
    text = words((await client.get("/purchases")).text)
    assert "You owe nothing." in text
    assert "Overdue" not in text
    assert "Everything is paid." in words((await client.get(f"/purchases/{order}")).text)


async def drawn_before(merchant: Merchant, order: str) -> list[InvoiceView]:
    return list(await invoices_of_order(merchant.id, order))


async def test_documents_are_downloaded_by_their_buyer_alone(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    order = await a_buyer(client, merchant)
    page = (await client.get(f"/purchases/{order}")).text
    found = re.search(rf'href="(/purchases/{order}/documents/\w+)"', page)
    assert found is not None, page
    sheet = await client.get(found[1])
    assert sheet.status_code == 200
    assert sheet.headers["content-type"] == "application/pdf"
    assert sheet.headers["cache-control"] == "no-store"
    assert sheet.content.startswith(b"%PDF")
    async with another(client) as stranger:
        assert (await stranger.get(found[1])).status_code == 303


async def test_what_is_somebody_else_s_is_as_unknown_as_what_never_was(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    order = await a_buyer(client, merchant)
    invoice = await db.fetch_value("SELECT public_id FROM invoices")
    await db.in_tx(lambda: db.execute("UPDATE customers SET phone = NULL"))
    await a_known_person(PHONE, "onni", "Onni Salo")
    async with another(client) as onni:
        await sign_in(onni)
        unknown = await onni.get("/purchases/or_unknown")
        for path in (
            f"/purchases/{order}",
            f"/purchases/{order}/agreement",
            f"/purchases/{order}/documents/{invoice}",
            f"/purchases?shop={merchant.public_id}",
        ):
            answer = await onni.get(path)
            assert answer.status_code == 404, path
            assert len(answer.text) == len(unknown.text)
        text = words((await onni.get("/purchases")).text)
        assert "SHOP-1001" not in text
        assert "You owe nothing." in text


async def test_a_document_of_one_order_is_not_found_under_another(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    first = await a_purchase(merchant)
    [invoice] = await drawn(merchant, first)
    second = await a_buyer(client, merchant)
    assert (await client.get(f"/purchases/{first}/documents/{invoice.public_id}")).status_code == 200
    assert (await client.get(f"/purchases/{second}/documents/{invoice.public_id}")).status_code == 404


async def test_a_code_does_not_open_a_shop_that_recognises_nobody_by_one(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    order = await a_buyer(client, merchant)
    off = "UPDATE merchants SET recognise_returning = false"
    await db.in_tx(lambda: db.execute(off))
    text = words((await client.get("/purchases")).text)
    assert "1 shop shows you more once your bank or a passkey has said who you are." in text
    assert "SHOP-1001" not in text
    assert (await client.get(f"/purchases/{order}")).status_code == 404
    await db.in_tx(lambda: db.execute("UPDATE customer_sessions SET way = 'bank'"))
    assert "SHOP-1001" in words((await client.get("/purchases")).text)


@pytest.mark.parametrize("number", [1, 12])
async def test_the_list_costs_the_same_whatever_its_length(client: httpx.AsyncClient, number: int) -> None:
    merchant = await a_merchant()
    for _ in range(number):
        await nobody_has_bought_before()
        await drawn(merchant, await a_purchase(merchant, a_line(price="9.00")))
    await a_phone_is_proved()
    await sign_in(client)
    with db.counting() as counts:
        page = await client.get("/purchases")
    # Who asks, the shops, a page of purchases, what is owed, what goes on by itself.
    assert (counts.queries, counts.writes) == (5, 0)
    assert page.text.count('class="what" href="/purchases/') == min(number, 10) + number
    if number > 10:
        older = re.search(r'href="(/purchases\?before=[\w%-]+)"', page.text)
        assert older is not None
        rest = (await client.get(older[1])).text
        assert rest.count('class="what"') == number - 10
        assert "Older purchases" not in rest


@pytest.mark.parametrize("months", [0, 3, 12])
async def test_one_purchase_costs_the_same_whatever_it_holds(client: httpx.AsyncClient, months: int) -> None:
    order = await a_buyer(client, await a_merchant(credit_limit_minor=500_000), months=months)
    with db.counting() as counts:
        await client.get(f"/purchases/{order}")
    # Nine: who asks, the shop, the order with its lines, documents, payments, agreement, messages, points,
    # an insurance.
    assert (counts.queries, counts.writes) == (12, 0)


async def test_a_purchase_tells_what_it_earned_line_by_line(client: httpx.AsyncClient) -> None:
    merchant = await a_shop()
    order = await a_buyer(client, merchant)
    assert "Points of this order" not in words((await client.get(f"/purchases/{order}")).text)
    await earned(merchant, order)
    told = words((await client.get(f"/purchases/{order}")).text)
    assert "Points of this order 240" in told
    assert "at 1 point for each €1.00" in told


@pytest.mark.parametrize("query", ["before=garbage", "before=" + "A" * 32, "shop=me_nobody", "shop='"])
async def test_an_address_that_was_made_up_is_not_found(client: httpx.AsyncClient, query: str) -> None:
    await a_buyer(client, await a_merchant())
    assert (await client.get(f"/purchases?{query}")).status_code in {200, 404}


async def test_a_session_that_began_by_a_code_ends_with_the_phone(client: httpx.AsyncClient) -> None:
    await a_buyer(client, await a_merchant())
    await db.in_tx(lambda: db.execute("UPDATE customers SET phone = NULL"))
    assert (await client.get("/purchases")).status_code == 303
    assert (await type_in(client, await the_code())).status_code == 422
