"""A company buys: who it is is asked first, then only what companies are offered, and an invoice with its VAT apart."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from app.checkout.actions import Answer, answer_case
from app.checkout.books import check_books
from app.kernel import clock, db
from app.orders.rules import Line
from tests.factories.checkout import PHONE, POSTCODE, a_line, a_merchant, a_session
from tests.factories.companies import KONE, a_business_session
from tests.factories.wallets_in_flow import a_shop_with_wallets
from tests.web.shopper.test_flow import HTMX, hidden, the_code

WHO = {"company_number": "2077474-0", "company_name": "Kone Oy", "purchase_order": "PO-77"}
CHOICE = {"method": "invoice", "net": "30", "delivery": "efile"}
OTHER_PHONE = "+358480000102"


async def post(client: httpx.AsyncClient, session: str, path: str, form: dict[str, str]) -> httpx.Response:
    return await client.post(f"/pay/{session}{path}", data=form, headers=HTMX)


async def up_to_confirm(
    client: httpx.AsyncClient, session: str, choice: dict[str, str] = CHOICE, phone: str = PHONE
) -> str:
    """From the ways to pay to the page of step 3, or to wherever the decision leads."""
    answer = await post(client, session, "", choice)
    assert "Who is paying?" in answer.text, answer.text
    await post(client, session, "/code", {"phone": phone, "postcode": POSTCODE})
    return (await post(client, session, "/identify", {"code": await the_code()})).text


async def buy(client: httpx.AsyncClient, session: str, page: str) -> httpx.Response:
    form = {
        "shown": hidden(page, "shown"),
        "name": "Outi Ostaja",
        "street": "Tehtaankatu 1",
        "city": "Helsinki",
    }
    return await post(client, session, "/confirm", form)


async def test_who_buys_is_asked_before_how(client: httpx.AsyncClient) -> None:
    session = await a_business_session(await a_merchant())
    page = (await client.get(f"/pay/{session}")).text
    assert "Which company is buying?" in page
    assert "How do you want to pay?" not in page
    page = (await post(client, session, "", CHOICE)).text
    assert "Which company is buying?" in page
    page = (await post(client, session, "/company", WHO)).text
    assert "How do you want to pay?" in page
    assert "2077474-0" in page
    assert "PO-77" in page


async def test_only_what_companies_are_offered_is_on_step_1_and_no_word_of_consumer_credit(
    client: httpx.AsyncClient,
) -> None:
    session = await a_business_session(await a_merchant(), company=KONE)
    page = (await client.get(f"/pay/{session}")).text
    assert 'value="invoice"' in page
    for absent in ('value="instalments"', 'value="mobilepay"', "APR", "Borrowing money", "Compare all plans"):
        assert absent not in page
    for net in ("14 days net", "30 days net", "As an e-invoice file", "Without VAT", "VAT 25.5%"):
        assert net in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"company_number": "2077474-1"}, "This is no company number."),
        ({"company_number": ""}, "Enter the number of the company."),
        ({"company_name": " "}, "Enter the name of the company."),
        ({"purchase_order": "x" * 61}, "This is too long."),
    ],
)
async def test_what_is_wrong_of_a_company_is_said_at_its_field_and_what_was_typed_stays(
    client: httpx.AsyncClient, typed: dict[str, str], said: str
) -> None:
    session = await a_business_session(await a_merchant())
    answer = await post(client, session, "/company", WHO | typed)
    assert answer.status_code == 422
    assert said in answer.text
    kept = next(value for name, value in WHO.items() if name not in typed)
    assert f'value="{kept}"' in answer.text


async def test_a_company_buys_on_invoice_by_a_code_to_its_contact_person(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session = await a_business_session(merchant)
    await post(client, session, "/company", WHO)
    page = await up_to_confirm(client, session)
    assert "Check and confirm" in page
    assert "30 days net" in page
    for absent in ("APR", "Borrowing money", "Standard information", "withdraw"):
        assert absent not in page
    answer = await buy(client, session, page)
    assert "Purchase confirmed" in answer.text, answer.text
    assert "credit agreement" not in answer.text
    order = await db.fetch_one(
        "SELECT o.state, o.customer_id, q.content FROM orders o JOIN quotes q ON q.id = o.quote_id"
    )
    assert order is not None
    assert order["state"] == "paid"
    assert order["content"]["for_company"] is True
    company = await db.fetch_one("SELECT country, number, customer_id FROM companies")
    assert company is not None
    assert (company["country"], company["number"]) == ("FI", "20774740")
    assert company["customer_id"] == order["customer_id"]
    owed = await db.fetch_value(
        "SELECT exposure_minor FROM credit_exposures WHERE customer_id = $1", order["customer_id"]
    )
    assert owed == 12_900


async def test_above_what_a_company_may_owe_a_person_decides(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    dear = Line("item", "Lathe", 1, merchant.company_limit_minor + 1, Decimal("25.5"))
    page = await up_to_confirm(client, await a_business_session(merchant, dear, company=KONE))
    assert "A person is checking your order" in page
    assert await db.fetch_value("SELECT reasons FROM credit_decisions") == ["company_limit"]


async def test_what_a_company_owes_adds_up_whoever_buys_for_it_and_however_its_number_was_typed(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    half = Line("item", "Drill", 1, merchant.company_limit_minor, Decimal("25.5"))
    first = await a_business_session(merchant, half, company=KONE)
    await buy(client, first, await up_to_confirm(client, first))
    client.cookies.clear()
    second = await a_business_session(merchant, a_line())
    await post(client, second, "/company", {"company_number": "FI20774740", "company_name": "KONE"})
    page = await up_to_confirm(client, second, phone=OTHER_PHONE)
    assert "A person is checking your order" in page
    assert await db.fetch_value("SELECT count(*) FROM companies") == 1


async def test_another_browser_needs_the_same_phone_to_go_on_for_a_company(client: httpx.AsyncClient) -> None:
    session = await a_business_session(await a_merchant(), company=KONE)
    assert "Check and confirm" in await up_to_confirm(client, session)
    client.cookies.clear()
    await post(client, session, "/code", {"phone": OTHER_PHONE, "postcode": POSTCODE})
    answer = await post(client, session, "/identify", {"code": await the_code()})
    assert answer.status_code == 422
    assert "Check and confirm" not in answer.text


async def test_no_bank_and_no_passkey_stands_for_a_company(client: httpx.AsyncClient) -> None:
    session = await a_business_session(await a_merchant(), company=KONE)
    page = (await post(client, session, "", CHOICE)).text
    assert "Identify with my bank" not in page
    assert "Use a passkey" not in page
    assert "contact person" in page


async def test_another_company_has_to_be_identified_anew(client: httpx.AsyncClient) -> None:
    session = await a_business_session(await a_merchant(), company=KONE)
    assert "Check and confirm" in await up_to_confirm(client, session)
    page = (await client.get(f"/pay/{session}?company=change")).text
    assert "Which company is buying?" in page
    assert 'value="2077474-0"' in page
    another = {"company_number": "0112038-9", "company_name": "Another Oyj"}
    await post(client, session, "/company", another)
    page = (await post(client, session, "", CHOICE)).text
    assert "Who is paying?" in page


async def test_a_consumer_is_never_asked_for_a_company(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    answer = await post(client, session, "/company", WHO)
    assert "Which company is buying?" not in answer.text
    assert await db.fetch_value("SELECT company_number FROM order_contacts") is None


async def test_a_person_may_let_a_company_go_above_its_limit_and_what_it_owes_is_counted(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    price = merchant.company_limit_minor + 1
    session = await a_business_session(
        merchant, Line("item", "Lathe", 1, price, Decimal("25.5")), company=KONE
    )
    await up_to_confirm(client, session)
    case = await db.fetch_value("SELECT public_id FROM cases")
    await answer_case(merchant, case, Answer("approved", "st_1", None), await clock.business_now())
    page = (await client.get(f"/pay/{session}/confirm")).text
    assert "Purchase confirmed" in (await buy(client, session, page)).text
    assert await db.fetch_value("SELECT exposure_minor FROM credit_exposures") == price
    assert await check_books() == []


async def test_a_company_pays_by_card_without_anybody_being_identified(client: httpx.AsyncClient) -> None:
    session = await a_business_session(await a_merchant(), company=KONE)
    page = (await post(client, session, "", {"method": "card"})).text
    assert "Check and confirm" in page
    assert "Kone Oy" in page
    assert "Without VAT" in page


async def test_from_the_invoice_to_the_wallet_somebody_else_is_identified(client: httpx.AsyncClient) -> None:
    shop = await a_shop_with_wallets()
    session = await a_business_session(shop, company=KONE)
    assert "Check and confirm" in await up_to_confirm(client, session)
    page = (await post(client, session, "", {"method": "wallet"})).text
    assert "Who is paying?" in page
    assert await db.fetch_value("SELECT customer_id FROM checkout_sessions") is None
