"""Paying with the wallet over HTTP: what is offered to whom, what is set aside by which request, what the pages say."""

from __future__ import annotations

import re

import httpx
import pytest

from app import doors
from app.kernel import clock, db
from app.merchants.actions import create_api_key
from app.merchants.queries import Merchant
from app.subscriptions import actions as subscriptions
from tests.factories.checkout import PHONE, POSTCODE, Shopper, a_merchant, a_session
from tests.factories.companies import KONE, a_business_session
from tests.factories.subscriptions import a_plan
from tests.factories.wallets import switched
from tests.factories.wallets_in_flow import a_shop_with_wallets, in_wallet, money_of_aino
from tests.web.shopper.test_flow import HTMX, hidden, the_code


@pytest.fixture(autouse=True)
def _no_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment without card and MobilePay: how they stand beside the wallet is told in `test_paying`."""
    monkeypatch.setattr(doors, "providers", lambda _settings: {})


WALLET_RADIO = re.compile(r'<input type="radio" name="method" value="wallet"[^>]*>')


async def at_step_three(
    client: httpx.AsyncClient, merchant: Merchant, form: dict[str, str], session: str | None = None
) -> tuple[str, str]:
    """A code identifies Aino; the session, and what the answer shows."""
    session = session or await a_session(merchant)
    await client.post(f"/pay/{session}", data=form, headers=HTMX)
    await client.post(f"/pay/{session}/code", data={"phone": PHONE, "postcode": POSTCODE}, headers=HTMX)
    answer = await client.post(f"/pay/{session}/identify", data={"code": await the_code()}, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return session, answer.text


def tapped(page: str) -> dict[str, str]:
    """The hidden fields of the first form that leads to the wallet."""
    form = re.search(r'<form[^>]*action="[^"]*/wallet".*?</form>', page, re.DOTALL)
    assert form is not None, page
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))


async def test_the_wallet_comes_first_where_the_shop_has_one_and_is_not_chosen_beforehand(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_shop_with_wallets()
    page = (await client.get(f"/pay/{await a_session(merchant)}")).text
    assert re.findall(r'name="method" value="(\w+)"', page) == ["wallet", "invoice", "instalments"]
    radio = WALLET_RADIO.search(page)
    assert radio is not None
    assert "checked" not in radio[0]
    other = (await client.get(f"/pay/{await a_session(await a_merchant(name='Other'))}")).text
    assert WALLET_RADIO.search(other) is None


async def test_what_somebody_has_is_shown_once_they_are_identified_in_this_browser_and_never_before(
    client: httpx.AsyncClient,
) -> None:
    await a_known_register_entry_of_aino()
    merchant = await a_shop_with_wallets()
    await money_of_aino(merchant, 4_321)
    session = await a_session(merchant)
    for path in ("", "/identify"):
        assert "43.21" not in (await client.get(f"/pay/{session}{path}")).text
    await at_step_three(client, merchant, {"method": "invoice", "delivery": "email"}, session)
    assert "€43.21" in (await client.get(f"/pay/{session}")).text
    client.cookies.clear()
    assert "43.21" not in (await client.get(f"/pay/{session}", follow_redirects=True)).text


@pytest.mark.parametrize("part", ["12900", "5000"])
async def test_no_wallet_pays_what_is_charged_again_by_itself_whatever_a_form_says(
    client: httpx.AsyncClient, part: str
) -> None:
    await a_known_register_entry_of_aino()
    merchant = await a_shop_with_wallets()
    await money_of_aino(merchant, 20_000)
    session = await a_session(merchant)
    plan = await a_plan(merchant)
    offered = await subscriptions.plan_to_offer(merchant.id, plan)
    order_id = (await Shopper.at(session).flow()).order_id
    await db.in_tx(lambda: subscriptions.offer_in_tx(merchant.id, order_id, offered))
    await at_step_three(client, merchant, {"method": "invoice", "delivery": "email"}, session)
    before = (await Shopper.at(session).flow()).quote
    await client.post(f"/pay/{session}/wallet", data={"use": part}, headers=HTMX)
    after = (await Shopper.at(session).flow()).quote
    assert before is not None
    assert after is not None
    assert (after.method, after.wallet_minor) == ("invoice", 0)


async def test_a_whole_purchase_by_wallet_shows_what_is_taken_and_left_and_no_credit(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 15_000)
    session, page = await at_step_three(client, merchant, {"method": "wallet"})
    for said in ("Taken from your wallet", "€129.00", "In your wallet now", "€150.00", "€21.00"):
        assert said in page
    for credit in ("Borrowing", "Standard information", "Annual percentage rate"):
        assert credit not in page
    assert (await in_wallet(merchant, customer)).held == 12_900
    answer = await client.post(f"/pay/{session}/confirm", data={"shown": hidden(page, "shown")}, headers=HTMX)
    assert "Purchase confirmed" in answer.text
    assert "Paid from your wallet" in answer.text
    assert "agreement" not in answer.text
    assert (await client.get(f"/pay/{session}/agreement")).status_code == 404
    assert (await client.get(f"/pay/{session}/standard-information")).status_code == 404
    assert (await in_wallet(merchant, customer)).total == 2_100
    assert await db.fetch_value("SELECT count(*) FROM credit_decisions") == 0


async def test_the_shop_is_told_how_much_the_wallet_paid(client: httpx.AsyncClient) -> None:
    merchant = await a_shop_with_wallets()
    await money_of_aino(merchant, 15_000)
    session, page = await at_step_three(client, merchant, {"method": "wallet"})
    await client.post(f"/pay/{session}/confirm", data={"shown": hidden(page, "shown")})
    key = await create_api_key(merchant.id, "shop", mode="test", now=clock.wall())
    headers = {"Authorization": f"Bearer {key}"}
    order_id = await db.fetch_value("SELECT public_id FROM orders")
    told = (await client.get(f"/api/v1/orders/{order_id}", headers=headers)).json()["quote"]
    assert (told["method"], told["wallet_minor"], told["amount_minor"]) == ("wallet", 12_900, 0)
    assert (told["total_payable_minor"], told["schedule"]) == (0, [])


async def test_a_wallet_that_is_short_leads_on_with_one_tap_for_each_plan(client: httpx.AsyncClient) -> None:
    await a_known_register_entry_of_aino()
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 1_240)
    session, page = await at_step_three(client, merchant, {"method": "wallet"})
    assert "There is not enough in your wallet" in page
    assert "€116.60 is missing" in page
    assert "Use €12.40 from your wallet and pay the rest by invoice" in page
    assert "Use €12.40 from your wallet and pay the rest in instalments" in page
    assert "Confirm purchase" not in page
    assert (await in_wallet(merchant, customer)).held == 0
    answer = await client.post(f"/pay/{session}/wallet", data=tapped(page), headers=HTMX)
    assert "Check and confirm" in answer.text
    assert "€116.60" in answer.text
    assert (await in_wallet(merchant, customer)).held == 1_240
    await client.post(f"/pay/{session}/confirm", data={"shown": hidden(answer.text, "shown")})
    assert await db.fetch_value("SELECT exposure_minor FROM credit_exposures") == 11_660
    assert (await in_wallet(merchant, customer)).total == 0


async def test_one_tap_uses_the_wallet_for_a_part_and_one_tap_leads_back_on_one_decision(
    client: httpx.AsyncClient,
) -> None:
    await a_known_register_entry_of_aino()
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 1_240)
    session, page = await at_step_three(client, merchant, {"method": "instalments", "months": "4"})
    assert "Use €12.40 from your wallet" in page
    part = await client.post(f"/pay/{session}/wallet", data=tapped(page), headers=HTMX)
    assert "Left to the instalments" in part.text
    back = await client.post(f"/pay/{session}/wallet", data=tapped(part.text), headers=HTMX)
    assert "Left to the instalments" not in back.text
    assert (await in_wallet(merchant, customer)).held == 0
    assert await db.fetch_value("SELECT count(*) FROM credit_decisions") == 1


async def test_a_wallet_that_covers_all_of_it_pays_alone(client: httpx.AsyncClient) -> None:
    await a_known_register_entry_of_aino()
    merchant = await a_shop_with_wallets()
    await money_of_aino(merchant, 20_000)
    session, page = await at_step_three(client, merchant, {"method": "invoice", "delivery": "email"})
    assert "Pay €129.00 from your wallet" in page
    answer = await client.post(f"/pay/{session}/wallet", data=tapped(page))
    assert answer.headers["location"] == f"/pay/{session}/confirm"
    alone = (await client.get(f"/pay/{session}/confirm")).text
    assert "Taken from your wallet" in alone
    assert "Borrowing" not in alone


async def test_no_get_sets_money_aside_or_frees_it(client: httpx.AsyncClient) -> None:
    await a_known_register_entry_of_aino()
    merchant = await a_shop_with_wallets()
    await money_of_aino(merchant, 15_000)
    session, _ = await at_step_three(client, merchant, {"method": "wallet"})
    for path in ("", "?method=wallet", "?method=invoice", "/confirm", "/identify", "/cancel"):
        with db.counting() as counts:
            await client.get(f"/pay/{session}{path}")
        assert (counts.writes, counts.commits) == (0, 0), path


async def test_a_wallet_emptied_meanwhile_is_told_instead_of_the_purchase(client: httpx.AsyncClient) -> None:
    await a_known_register_entry_of_aino()
    merchant = await a_shop_with_wallets()
    await money_of_aino(merchant, 13_000)
    session, page = await at_step_three(client, merchant, {"method": "invoice", "delivery": "email"})
    first = await a_session(merchant)
    await db.in_tx(lambda: clock.set_offset_s(120))
    _, there = await at_step_three(client, merchant, {"method": "wallet"}, first)
    assert "Taken from your wallet" in there
    answer = await client.post(f"/pay/{session}/wallet", data=tapped(page), headers=HTMX)
    assert "There is not enough in your wallet" in answer.text
    assert "It has €1.00 now" in answer.text


async def test_time_that_ran_out_is_told_and_one_tap_sets_aside_anew(client: httpx.AsyncClient) -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 15_000)
    session, page = await at_step_three(client, merchant, {"method": "wallet"})
    await db.in_tx(lambda: clock.set_offset_s(31 * 60))
    answer = await client.post(f"/pay/{session}/confirm", data={"shown": hidden(page, "shown")}, headers=HTMX)
    assert answer.status_code == 409
    assert "Set the money aside once more" in answer.text
    again = await client.post(f"/pay/{session}/wallet", data=tapped(answer.text), headers=HTMX)
    done = await client.post(
        f"/pay/{session}/confirm", data={"shown": hidden(again.text, "shown")}, headers=HTMX
    )
    assert "Purchase confirmed" in done.text
    assert (await in_wallet(merchant, customer)).total == 2_100


async def test_a_wallet_switched_off_on_the_way_is_told_and_another_way_is_open(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_shop_with_wallets()
    await money_of_aino(merchant, 15_000)
    session = await a_session(merchant)
    await client.post(f"/pay/{session}", data={"method": "wallet"}, headers=HTMX)
    await switched(merchant, on=False)
    _, page = await at_step_three(client, merchant, {}, session)
    assert "The wallet of this shop is closed" in page
    assert "Choose another way to pay" in page
    assert WALLET_RADIO.search((await client.get(f"/pay/{session}")).text) is None
    refused = await client.post(f"/pay/{session}", data={"method": "wallet"})
    assert refused.status_code == 422


async def test_what_is_typed_into_the_tap_is_checked(client: httpx.AsyncClient) -> None:
    await a_known_register_entry_of_aino()
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 1_240)
    session, _ = await at_step_three(client, merchant, {"method": "invoice", "delivery": "email"})
    for use in ("-1", "1.5", "x", "", "99999999999999", "٣"):
        answer = await client.post(f"/pay/{session}/wallet", data={"use": use}, headers=HTMX)
        assert answer.status_code == 200, use
        assert (await in_wallet(merchant, customer)).held == 0
    client.cookies.clear()
    answer = await client.post(f"/pay/{session}/wallet", data={"use": "1240"})
    assert answer.headers["location"] == f"/pay/{session}/identify"
    assert (await in_wallet(merchant, customer)).held == 0


async def test_whoever_buys_for_a_company_may_pay_with_their_wallet(client: httpx.AsyncClient) -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 15_000)
    session = await a_business_session(merchant, company=KONE)
    page = (await client.get(f"/pay/{session}")).text
    assert re.findall(r'name="method" value="(\w+)"', page) == ["wallet", "invoice"]
    _, page = await at_step_three(client, merchant, {"method": "wallet"}, session)
    await client.post(f"/pay/{session}/confirm", data={"shown": hidden(page, "shown")})
    assert (await in_wallet(merchant, customer)).total == 2_100


async def a_known_register_entry_of_aino(*, credit_ban: bool = False) -> None:
    """The register's twin knows Aino by the number that the factories give."""
    register = {"income_minor_month": 300_000, "loans": [], "credit_ban": credit_ban, "currency": "EUR"}
    await db.in_tx(
        lambda: db.execute(
            """INSERT INTO sandbox_shoppers (id, kind, name, phone, postcode, email, street, city, country, subject,
                   national_number, birthdate, register, created_at)
               VALUES (gen_random_uuid(), 'returning', 'Aino Virta', $1, $2, 'a@x.example', 'Katu 1', 'Helsinki', 'FI',
                       'aino-virta', '010590-903L', '1990-05-01', $3, now())""",
            PHONE,
            POSTCODE,
            register,
        )
    )


async def test_an_edit_of_the_order_frees_the_money_and_going_on_sets_the_new_sum_aside(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 20_000)
    session, page = await at_step_three(client, merchant, {"method": "wallet"})
    key = await create_api_key(merchant.id, "shop", mode="test", now=clock.wall())
    order_id = await db.fetch_value("SELECT public_id FROM orders")
    line = {"name": "Wool blanket", "quantity": 1, "unit_price_minor": 15_000, "vat_percent": "25.5"}
    edited = await client.patch(
        f"/api/v1/orders/{order_id}",
        json={"version": 1, "lines": [line]},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert edited.status_code == 200, edited.text
    assert (await in_wallet(merchant, customer)).held == 0
    answer = await client.post(f"/pay/{session}/confirm", data={"shown": hidden(page, "shown")}, headers=HTMX)
    assert "The shop has changed your order" in answer.text
    gone_on = await client.post(
        f"/pay/{session}/changed", data={"shown": hidden(answer.text, "shown")}, headers=HTMX
    )
    assert "Taken from your wallet" in gone_on.text
    assert (await in_wallet(merchant, customer)).held == 15_000


async def test_a_refusal_shows_what_the_wallet_makes_possible(client: httpx.AsyncClient) -> None:
    """A ban on credit refuses every plan, and none of it is about the customer's own money."""
    await a_known_register_entry_of_aino(credit_ban=True)
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 20_000)
    session, page = await at_step_three(client, merchant, {"method": "invoice", "delivery": "email"})
    assert "This plan is not possible right now" in page
    assert "Pay €129.00 from your wallet" in page
    answer = await client.post(f"/pay/{session}/wallet", data=tapped(page), headers=HTMX)
    await client.post(f"/pay/{session}/confirm", data={"shown": hidden(answer.text, "shown")})
    assert (await in_wallet(merchant, customer)).total == 7_100


async def test_a_refusal_offers_no_part_that_would_be_refused_as_well(client: httpx.AsyncClient) -> None:
    await a_known_register_entry_of_aino(credit_ban=True)
    merchant = await a_shop_with_wallets()
    await money_of_aino(merchant, 1_240)
    _, page = await at_step_three(client, merchant, {"method": "invoice", "delivery": "email"})
    assert "This plan is not possible right now" in page
    assert "from your wallet" not in page


async def test_a_smaller_part_on_credit_is_offered_where_it_would_pass(client: httpx.AsyncClient) -> None:
    await a_known_register_entry_of_aino()
    merchant = await a_shop_with_wallets(credit_limit_minor=12_000)
    await money_of_aino(merchant, 1_240)
    session, page = await at_step_three(client, merchant, {"method": "invoice", "delivery": "email"})
    assert "This plan is not possible right now" in page
    answer = await client.post(f"/pay/{session}/wallet", data=tapped(page), headers=HTMX)
    assert "Check and confirm" in answer.text
    done = await client.post(
        f"/pay/{session}/confirm", data={"shown": hidden(answer.text, "shown")}, headers=HTMX
    )
    assert "Purchase confirmed" in done.text
