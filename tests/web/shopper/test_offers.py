"""What step 1 offers, country by country, and what it says when nothing can be offered."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from app.checkout import actions
from app.checkout.drafts import SessionDraft
from app.checkout.offering import Doors
from app.kernel import clock, db
from app.law.actions import confirm
from app.merchants.actions import NewMerchant, create_merchant
from app.merchants.queries import Merchant
from app.orders.rules import Line
from app.plans.actions import create_plan
from app.plans.errors import StartInThePast
from app.plans.queries import forget_kept_plans
from app.plans.quote import make_quote
from app.plans.rules import standard_plans
from app.web.sandbox.people import make
from app.web.shopper.offers import offers_for
from tests.factories.checkout import Shopper, a_merchant, a_session
from tests.factories.ways import on_credit_alone
from tests.web.shopper.test_flow import hidden, the_code

NOTHING = "None of our ways to pay fits this purchase"
PHONES = {"SE": ("070-174 06 05", "114 55"), "DK": ("20 12 34 56", "2100")}


async def a_shop_in(country: str, currency: str, rate: Decimal | None = None) -> Merchant:
    """With the standard plans, or with instalments at another rate."""
    now = clock.wall()
    new = NewMerchant(
        name="Butik", country=country, contact_email="shop@butik.example", credit_limit_minor=5_000_000
    )
    merchant = await create_merchant(new, now=now)
    invoice, instalments = standard_plans(currency)
    dearer = instalments if rate is None else replace(instalments, nominal_rate=rate)
    for plan in (invoice, dearer):
        await create_plan(merchant.id, plan, now=now)
    return merchant


async def a_basket(
    merchant: Merchant,
    price_minor: int = 129_00,
    *,
    currency: str | None = None,
    buyer: str = "consumer",
    country: str | None = None,
) -> str:
    line = Line("item", "Filt", 1, price_minor, Decimal(25))
    draft = SessionDraft(
        reference="SHOP-1001",
        country=country or merchant.country,
        currency=currency or merchant.currency,
        locale="en",
        buyer=buyer,
        lines=(line,),
        customer=None,
        success_url="http://localhost:9/thanks#/done",
        cancel_url="http://localhost:9/basket?from=pay#/basket",
        expires_in_s=86_400,
    )
    return (await actions.open_session(merchant, draft, await clock.business_now())).session_id


@pytest.mark.parametrize(("country", "currency"), [("SE", "SEK"), ("DK", "DKK")])
async def test_a_swedish_and_a_danish_shop_lead_to_the_code(
    client: httpx.AsyncClient, country: str, currency: str
) -> None:
    session = await a_basket(await a_shop_in(country, currency), 900_00)
    phone, postcode = PHONES[country]
    for form in ({"method": "invoice", "delivery": "email"}, {"method": "instalments", "months": "3"}):
        answer = await client.post(f"/pay/{session}", data=form)
        assert answer.headers.get("location") == f"/pay/{session}/identify", answer.text
    answer = await client.post(f"/pay/{session}/code", data={"phone": phone, "postcode": postcode})
    assert answer.status_code == 303, answer.text
    page = await client.get(answer.headers["location"])
    assert "Code from the SMS" in page.text
    assert "Identify with my bank" in page.text


async def nothing_is_offered(client: httpx.AsyncClient, session: str) -> None:
    for page in (
        await client.get(f"/pay/{session}"),
        await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"}),
    ):
        assert NOTHING in page.text
        assert 'href="http://localhost:9/basket?from=pay&amp;session=' in page.text
        assert "Continue" not in page.text
    answer = await client.get(f"/pay/{session}/bank")
    assert answer.headers["location"] == f"/pay/{session}"


async def test_a_sum_above_every_plan_is_told_so_where_nothing_else_is_on(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    await on_credit_alone(merchant)
    await nothing_is_offered(client, await a_basket(merchant, 90_000_00))


async def test_a_currency_that_the_country_does_not_lend_in_is_told_so(client: httpx.AsyncClient) -> None:
    merchant = await a_shop_in("FI", "EUR")
    await nothing_is_offered(client, await a_basket(merchant, currency="SEK"))


async def test_a_plan_that_breaks_a_cap_is_never_offered(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    # Saved before the law changed: no verb writes it today.
    await db.in_tx(lambda: db.execute("UPDATE plans SET nominal_rate = 19.9 WHERE kind = 'instalments'"))
    forget_kept_plans()
    session = await a_basket(merchant)
    page = await client.get(f"/pay/{session}")
    assert 'value="invoice"' in page.text
    assert 'value="instalments"' not in page.text
    answer = await client.post(f"/pay/{session}", data={"method": "instalments", "months": "6"})
    assert answer.status_code == 422
    assert await db.fetch_value("SELECT count(*) FROM quotes") == 0


async def test_live_mode_offers_nothing_until_the_operator_has_vouched_for_the_law(
    client: httpx.AsyncClient,
) -> None:
    del client
    flow = await Shopper.at(await a_basket(await a_merchant())).flow()
    assert (await offers_for(flow, Doors(live=True), "en")).plans == {}
    assert set((await offers_for(flow, Doors(live=False), "en")).plans) == {"invoice", "instalments"}
    today = flow.merchant.local_date(flow.now)
    await confirm("SE", [], by="Olli", source=None, on=today, now=flow.now)
    assert (await offers_for(flow, Doors(live=True), "en")).plans == {}
    await confirm("FI", [], by="Olli", source=None, on=today, now=flow.now)
    assert set((await offers_for(flow, Doors(live=True), "en")).plans) == {"invoice", "instalments"}


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"method": "instalments"}, "months"),
        ({"method": "instalments", "months": "2"}, "months"),
        ({"method": "instalments", "months": "37"}, "months"),
        ({"method": "instalments", "months": "0"}, "months"),
        ({"method": "instalments", "months": "999999999999"}, "months"),
        ({"method": "instalments", "months": "9" * 400}, "months"),
        ({"method": "instalments", "months": "-3"}, "months"),
        ({"method": "instalments", "months": "6.0"}, "months"),
        ({"method": "instalments", "months": "\u0666"}, "months"),
        ({"method": "instalments", "months": "three"}, "months"),
        # An amount a month that no term has, whichever box was moved.
        ({"method": "instalments", "monthly": "1", "shown_months": "3"}, "months"),
        ({"method": "instalments", "months": "3", "monthly": "1", "shown_months": "3"}, "months"),
        ({"method": "instalments", "monthly": "999999999999", "shown_months": "3"}, "months"),
        ({"method": "instalments", "monthly": "-4407", "shown_months": "3"}, "months"),
        ({"method": "instalments", "monthly": "4407", "shown_months": "x"}, "months"),
        ({"method": "invoice"}, "delivery"),
        ({"method": "invoice", "delivery": "pigeon"}, "delivery"),
        ({"method": "loan"}, "method"),
        ({}, "method"),
    ],
)
async def test_a_choice_out_of_range_is_told_at_its_field_and_nothing_is_saved(
    client: httpx.AsyncClient, form: dict[str, str], field: str
) -> None:
    session = await a_basket(await a_merchant())
    answer = await client.post(f"/pay/{session}", data=form)
    assert answer.status_code == 422
    assert re.findall(r'id="f-(\w+)-wrong"', answer.text) == [field]
    if form.get("method") in {"invoice", "instalments"}:
        assert f'id="m-{form["method"]}"' in answer.text
        assert re.search(rf'id="m-{form["method"]}"[^>]* checked', answer.text), (
            "what was chosen stays chosen"
        )
    assert await db.fetch_value("SELECT count(*) FROM quotes") == 0
    assert await db.fetch_value("SELECT count(*) FROM checkout_sessions WHERE quote_id IS NOT NULL") == 0


@pytest.mark.parametrize(
    "sent", ["method=instalments&months=6&months=37", "method=invoice&method=instalments"]
)
async def test_a_field_that_comes_twice_chooses_nothing(client: httpx.AsyncClient, sent: str) -> None:
    session = await a_basket(await a_merchant())
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post(f"/pay/{session}", content=sent, headers=headers)
    assert 400 <= answer.status_code < 500
    assert await db.fetch_value("SELECT count(*) FROM quotes") == 0


@pytest.mark.parametrize(
    ("wish", "months"),
    [
        ("months=1", "3"),
        ("months=0", "3"),
        ("months=37", "6"),
        ("months=999999999999", "6"),
        ("monthly=1&shown_months=3", "6"),
        ("monthly=999999999999&shown_months=5", "3"),
    ],
)
async def test_a_look_at_a_term_that_is_not_on_offer_shows_the_nearest_one_and_says_so(
    client: httpx.AsyncClient, wish: str, months: str
) -> None:
    session = await a_basket(await a_merchant())
    page = await client.get(f"/pay/{session}?method=instalments&{wish}")
    assert page.status_code == 200
    assert f'data-months="{months}"' in page.text
    assert "That term is not on offer for this sum. We took the nearest one." in page.text
    assert await db.fetch_value("SELECT count(*) FROM quotes") == 0


@pytest.mark.parametrize(
    "wish", ["months=x", "months=-1", "monthly=%00", "months=6&shown_months=y", "delivery=pigeon"]
)
async def test_a_look_with_nonsense_is_a_look(client: httpx.AsyncClient, wish: str) -> None:
    session = await a_basket(await a_merchant())
    page = await client.get(f"/pay/{session}?method=instalments&{wish}")
    assert page.status_code in {200, 400}
    assert await db.fetch_value("SELECT count(*) FROM quotes") == 0


async def test_a_quote_of_a_day_that_is_over_is_refused_by_name(client: httpx.AsyncClient) -> None:
    del client
    shopper = Shopper.at(await a_basket(await a_merchant()))
    flow = await shopper.flow()
    plan = (await offers_for(flow, Doors(live=False), "en")).plans["invoice"]
    yesterday = flow.merchant.local_date(flow.now) - timedelta(days=2)
    quote = make_quote(plan, flow.total_minor, "EUR", "FI", yesterday, merchant=flow.merchant.public_id)
    with pytest.raises(StartInThePast):
        await actions.choose_plan(flow, quote, shopper.browser, clock.wall())
    assert await db.fetch_value("SELECT count(*) FROM quotes") == 0


async def test_where_a_person_identifies_the_plans_are_offered_as_anywhere(client: httpx.AsyncClient) -> None:
    page = await client.get(f"/pay/{await a_basket(await a_shop_in('BG', 'EUR'))}")
    assert 'value="invoice"' in page.text


async def test_the_session_stands_before_the_fragment_of_a_return_address(client: httpx.AsyncClient) -> None:
    session = await a_basket(await a_merchant())
    page = await client.get(f"/pay/{session}")
    assert f'href="http://localhost:9/basket?from=pay&amp;session={session}#/basket"' in page.text


async def test_after_the_end_another_browser_does_not_see_what_was_bought(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    assert "Wool blanket" in (await client.get(f"/pay/{shopper.session}")).text
    await actions.cancel_session(merchant.id, shopper.session, actor="shopper", now=clock.wall())
    page = await client.get(f"/pay/{shopper.session}/outcome")
    assert "The purchase was cancelled" in page.text
    assert "Wool blanket" not in page.text
    assert "129" not in page.text


async def test_a_shopper_abroad_types_the_phone_and_postcode_of_their_own_country(
    client: httpx.AsyncClient,
) -> None:
    session = await a_basket(await a_merchant(), country="DK")
    await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
    answer = await client.post(f"/pay/{session}/code", data={"phone": "20 12 34 56", "postcode": "2100"})
    assert answer.status_code == 303, answer.text
    assert "+45" in (await client.get(answer.headers["location"])).text


@pytest.mark.parametrize("country", ["SE", "DK"])
async def test_a_swedish_and_a_danish_sandbox_shopper_buy_by_code(
    client: httpx.AsyncClient, country: str
) -> None:
    merchant = await a_shop_in(country, {"SE": "SEK", "DK": "DKK"}[country])
    session = await a_basket(merchant, 900_00)
    shopper = await make("returning", "http://127.0.0.1:9/bank", clock.wall(), country=country)
    await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
    await client.post(f"/pay/{session}/code", data={"phone": shopper.phone, "postcode": shopper.postcode})
    answer = await client.post(f"/pay/{session}/identify", data={"code": await the_code()})
    assert answer.headers["location"] == f"/pay/{session}/confirm", answer.text
    page = await client.get(answer.headers["location"])
    answer = await client.post(f"/pay/{session}/confirm", data={"shown": hidden(page.text, "shown")})
    assert "Purchase confirmed" in (await client.get(answer.headers["location"])).text
