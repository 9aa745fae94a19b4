"""Wallets at the desk: found, explained to the cent, changed after a second look, paid out; and the module's switch."""

from __future__ import annotations

import re

import httpx
import pytest
from litestar.types import ASGIApp

from app.kernel import clock, db, ids
from app.merchants.modules import set_module_price, terms_of
from app.merchants.queries import Merchant
from app.returns.actions import save_conditions
from app.returns.rules import Conditions
from app.wallet.liability import count_liability
from app.wallet.queries import wallet
from tests.factories.checkout import a_merchant, a_session
from tests.factories.wallets import a_customer, given, owes, switched
from tests.support import pages
from tests.web.admin.conftest import a_person, sign_in

LIST = "/admin/wallets"
MODULES = "/admin/settings/modules"
IBAN = "FI21 1234 5600 0007 85"
GIFT = {"direction": "give", "amount": "12,50", "cause": "gift", "note": "Tenth purchase"}


@pytest.fixture
async def shop(merchant: Merchant) -> Merchant:
    return await switched(merchant)


@pytest.fixture
async def customer(shop: Merchant) -> str:
    return await a_customer(shop, email="aino@virta.example")


async def holds(shop: Merchant, customer: str) -> int:
    return (await wallet(shop, customer, clock.wall())).balance_minor


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))


# --- the list and one wallet --------------------------------------------------------------------------------


async def test_the_fullest_wallets_are_listed_and_anybody_is_found(
    desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    rich = await a_customer(shop, "Bo Ek", "+358480000202")
    await given(shop, customer, 5_00)
    await given(shop, rich, 50_00)
    await a_customer(shop, "Cia Grön", "+358480000203")

    page = (await desk.get(LIST)).text
    assert page.index("Bo Ek") < page.index("Aino Virta")
    assert "Cia Grön" not in page
    found = (await desk.get(f"{LIST}?q=gron", headers={"HX-Request": "true"})).text
    assert "Cia Grön" in found
    assert "<html" not in found
    assert "Bo Ek" not in found
    assert "No customer of yours matches" in (await desk.get(f"{LIST}?q=zzz")).text
    assert "Bo Ek" in (await desk.get(f"{LIST}?cursor=nonsense")).text


async def test_a_list_of_wallets_is_read_page_by_page(desk: httpx.AsyncClient, shop: Merchant) -> None:
    for at in range(26):
        await given(shop, await a_customer(shop, f"Asiakas {at:02}", f"+3584800003{at:02}"), 1_00 + at)
    first = (await desk.get(LIST)).text
    assert first.count('<th scope="row"><a href="/admin/wallets/cus_') == 25
    assert "Asiakas 00" not in first
    [following] = re.findall(r'href="(/admin/wallets\?cursor=[^"]+)"', first)
    last = (await desk.get(following)).text
    assert "Asiakas 00" in last
    assert last.count('<th scope="row"><a href="/admin/wallets/cus_') == 1


async def test_a_wallets_page_explains_every_cent(
    desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    await a_session(shop)
    order = await db.fetch_value("SELECT public_id FROM orders")
    await given(shop, customer, 45_00, about=order)
    page = (await desk.get(f"{LIST}/{customer}")).text

    assert "Aino Virta" in page
    assert page.count("Money back for a purchase") == 3
    assert page.count(f'<a href="/admin/orders/{order}">SHOP-1001</a>') == 2
    assert page.count("€45.00") == 5
    today = shop.local_date(clock.wall()).isoformat()
    assert "It held €45.00." in (await desk.get(f"{LIST}/{customer}?on={today}")).text
    assert "It held €0.00." in (await desk.get(f"{LIST}/{customer}?on=2020-01-01")).text


async def test_a_day_that_is_none_is_told_and_not_a_fault(desk: httpx.AsyncClient, customer: str) -> None:
    for on in ("x", "2026-13-01", "9999-12-31", "0001-01-01"):
        page = await desk.get(f"{LIST}/{customer}?on={on}")
        assert page.status_code == 200
        assert ("A day is written like" in page.text) == (on != "0001-01-01")


async def test_another_shops_customer_has_no_page_here(desk: httpx.AsyncClient) -> None:
    other = await switched(await a_merchant("Toinen"))
    theirs = await a_customer(other)
    for path in ("", "/adjust", "/payout", "/export"):
        for customer in (theirs, ids.public_id("cus"), "cus_x"):
            assert (await desk.get(f"{LIST}/{customer}{path}")).status_code == 404
    assert (await desk.post(f"{LIST}/{theirs}/adjust", data=GIFT)).status_code == 404
    assert (await desk.post(f"{LIST}/{theirs}/payout", data={"amount": "1"})).status_code == 404


@pytest.mark.parametrize("role", ["cashier", "reviewer", "support"])
async def test_wallets_and_modules_are_the_owners(
    app: ASGIApp, shop: Merchant, customer: str, role: str
) -> None:
    person = await a_person(shop, f"{role}@havu.example", role)
    async with pages.browser(app) as client:
        await sign_in(client, person)
        for path in (LIST, f"{LIST}/{customer}", f"{LIST}/export", f"{LIST}/payouts", MODULES):
            assert (await client.get(path)).status_code == 403
        assert (await client.post(f"{LIST}/{customer}/adjust", data=GIFT)).status_code == 403


async def test_what_is_owed_is_drawn_by_age_beside_its_table(
    desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    assert "Nothing has come into a wallet yet" in (await desk.get(LIST)).text
    await given(shop, customer, 45_00)
    await count_liability(clock.wall(), 10)
    page = (await desk.get(LIST)).text
    assert 'height="100"' in page
    assert page.count('<rect class="foot"') == 5
    assert "less than 30 days" in page
    assert "In 1 wallet." in page


async def test_lists_and_statements_come_as_files_that_no_spreadsheet_runs(
    desk: httpx.AsyncClient, shop: Merchant
) -> None:
    evil = await a_customer(shop, "=SUM(A1)", "+358480000209")
    await given(shop, evil, 1_234_56)
    answer = await desk.get(f"{LIST}/export")
    assert answer.headers["content-type"].startswith("text/csv")
    assert '"\'=SUM(A1)"' in answer.text
    assert '"1234.56"' in answer.text
    rows = (await desk.get(f"{LIST}/{evil}/export")).text.splitlines()
    assert len(rows) == 2
    assert rows[1].startswith("1,")


# --- changing one -------------------------------------------------------------------------------------------


async def test_a_change_shows_before_and_after_and_is_made_once(
    desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    await given(shop, customer, 10_00)
    look = await desk.post(f"{LIST}/{customer}/adjust", data=GIFT)
    assert look.status_code == 200
    for words in ("€10.00", "+€12.50", "€22.50", "A gift from the shop", "Tenth purchase"):
        assert words in look.text
    assert await holds(shop, customer) == 10_00

    sent = hidden(look.text)
    for _ in range(2):
        done = await desk.post(f"{LIST}/{customer}/adjust", data=sent)
        assert done.headers["location"] == f"{LIST}/{customer}?done=adjusted"
    assert await holds(shop, customer) == 22_50


async def test_who_looked_at_another_balance_looks_again(
    desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    sent = hidden((await desk.post(f"{LIST}/{customer}/adjust", data=GIFT)).text)
    await given(shop, customer, 10_00)
    again = await desk.post(f"{LIST}/{customer}/adjust", data=sent)
    assert again.status_code == 409
    assert "Nothing was done. Look again." in again.text
    assert await holds(shop, customer) == 10_00
    await desk.post(f"{LIST}/{customer}/adjust", data=hidden(again.text))
    assert await holds(shop, customer) == 22_50


async def test_what_was_typed_comes_back_to_be_changed(desk: httpx.AsyncClient, customer: str) -> None:
    sent = hidden((await desk.post(f"{LIST}/{customer}/adjust", data=GIFT)).text)
    page = (await desk.post(f"{LIST}/{customer}/adjust", data=sent | {"change": "1"})).text
    assert 'value="12,50"' in page
    assert "Tenth purchase</textarea>" in page
    assert re.search(r'value="gift" checked', page)


WRONG = (
    ({"amount": "0"}, "Enter a sum above zero"),
    ({"amount": "-5"}, "Enter a sum above zero"),
    ({"amount": "1.234"}, "Enter a sum above zero"),
    ({"amount": "1e3"}, "Enter a sum above zero"),
    ({"amount": ""}, "Enter a sum above zero"),
    ({"direction": ""}, "Choose whether to add or to take"),
    ({"cause": "refund"}, "Choose the reason"),
    ({"note": " "}, "Write down why"),
    ({"note": "x" * 501}, "This is too long"),
    ({"direction": "take"}, "only to put a mistake right"),
    ({"direction": "take", "cause": "mistake"}, "At most €0.00"),
    ({"expires": "soon"}, "A day is written like"),
    ({"expires": "9999-12-32"}, "A day is written like"),
    ({"expires": "2026-12-01"}, "at the earliest"),
    ({"cause": "price", "expires": "2036-12-01"}, "never lapses"),
)


async def test_what_cannot_be_is_told_at_its_field_and_nothing_typed_is_lost(
    desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    for changes, words in WRONG:
        answer = await desk.post(f"{LIST}/{customer}/adjust", data=GIFT | changes)
        assert answer.status_code == 422, changes
        assert words in answer.text, changes
        assert ("Tenth purchase</textarea>" in answer.text) == ("note" not in changes)
    assert await holds(shop, customer) == 0


async def test_a_wallet_switched_off_between_two_looks_is_given_nothing(
    desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    sent = hidden((await desk.post(f"{LIST}/{customer}/adjust", data=GIFT)).text)
    await switched(shop, on=False)
    answer = await desk.post(f"{LIST}/{customer}/adjust", data=sent)
    assert answer.status_code == 422
    assert "The wallet is switched off" in answer.text
    assert await holds(shop, customer) == 0


async def test_while_money_is_frozen_a_change_is_told_so_and_kept_on_the_page(
    desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    sent = hidden((await desk.post(f"{LIST}/{customer}/adjust", data=GIFT)).text)
    await db.execute_alone(
        "INSERT INTO money_freezes (id, because, began_at) VALUES ($1, 'a test', $2)",
        ids.internal_id(),
        clock.wall(),
    )
    answer = await desk.post(f"{LIST}/{customer}/adjust", data=sent)
    assert answer.status_code == 503
    assert "Money is not moved right now" in answer.text
    assert 'value="12,50"' in answer.text


# --- paying out ---------------------------------------------------------------------------------------------


async def test_a_payout_is_asked_for_worked_off_and_gone(
    desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    await given(shop, customer, 50_00)
    form = (await desk.get(f"{LIST}/{customer}/payout")).text
    assert 'value="50.00"' in form
    sent = hidden(form) | {"amount": "50.00", "iban": IBAN, "holder": "Aino Virta"}
    for _ in range(2):
        asked = await desk.post(f"{LIST}/{customer}/payout", data=sent)
        assert asked.headers["location"] == f"{LIST}/{customer}?done=payout"
    queue = (await desk.get(f"{LIST}/payouts")).text
    assert queue.count("FI21 1234 5600 0007 85") == 1
    [address] = re.findall(r'action="(/admin/wallets/payouts/wpo_[^"]+)"', queue)

    assert (await desk.post(address, data={"do": "paid"})).status_code == 303
    assert (await desk.post(address, data={"do": "paid"})).status_code == 303
    late = await desk.post(address, data={"do": "cancel"})
    assert late.status_code == 409
    assert "Somebody was faster" in late.text
    assert "FI21 1234" not in late.text
    assert "account ending in 0785" in late.text
    assert await holds(shop, customer) == 0


UNPAYABLE = (
    ({"amount": "50.01"}, "At most €50.00"),
    ({"amount": "0"}, "Enter a sum above zero"),
    ({"amount": "many"}, "Enter a sum above zero"),
    ({"iban": "FI21 1234"}, "the check digits do not fit"),
    ({"iban": ""}, "The account number is needed"),
    ({"holder": ""}, "Whose account is it?"),
)


async def test_a_payout_that_cannot_be_is_told_at_its_field(
    desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    await given(shop, customer, 50_00)
    for changes, words in UNPAYABLE:
        sent = {"amount": "50.00", "iban": IBAN, "holder": "Aino Virta"} | changes
        answer = await desk.post(f"{LIST}/{customer}/payout", data=sent)
        assert answer.status_code == 422, changes
        assert words in answer.text, changes
    assert (await wallet(shop, customer, clock.wall())).held_minor == 0


async def test_what_the_customer_owes_stops_a_payout_with_its_figures_at_the_request_and_before_it_is_paid(
    desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    await given(shop, customer, 50_00)
    await owes(shop, customer, 20_00)
    sent = {"amount": "30.01", "iban": IBAN, "holder": "Aino Virta"}
    refused = await desk.post(f"{LIST}/{customer}/payout", data=sent)
    assert refused.status_code == 422
    assert "The customer still owes €20.00 here. At most €30.00 can be paid out" in refused.text
    assert 'value="30.01"' in refused.text

    await desk.post(f"{LIST}/{customer}/payout", data=sent | {"amount": "30.00"})
    await owes(shop, customer, 1, key="later")
    [address] = re.findall(
        r'action="(/admin/wallets/payouts/wpo_[^"]+)"', (await desk.get(f"{LIST}/payouts")).text
    )
    stopped = await desk.post(address, data={"do": "paid"})
    assert stopped.status_code == 409
    assert "The customer still owes €20.01 here, so at most €29.99 can be paid out" in stopped.text
    assert address in stopped.text
    assert await holds(shop, customer) == 50_00


async def test_above_the_limit_a_colleague_decides_and_the_first_page_counts_it(
    app: ASGIApp, desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    now = await clock.business_now()
    await save_conditions(shop, Conditions(14, approval_above_minor=10_00), actor="staff:x", now=now)
    await given(shop, customer, 50_00)
    checked = (await desk.post(f"{LIST}/{customer}/adjust", data=GIFT)).text
    assert "Ask for approval" in checked
    asked = await desk.post(f"{LIST}/{customer}/adjust", data=hidden(checked))
    assert asked.headers["location"] == f"{LIST}/{customer}?done=waits"
    sent = {"amount": "20.00", "iban": IBAN, "holder": "Aino Virta"}
    assert "Above €10.00" in (await desk.get(f"{LIST}/{customer}/payout")).text
    await desk.post(f"{LIST}/{customer}/payout", data=sent)
    assert await holds(shop, customer) == 50_00
    assert "2 changes of wallets wait for a second person" in (await desk.get("/admin")).text
    assert "Wait for a second person" in (await desk.get(LIST)).text
    assert "waits for a second person" in (await desk.get(f"{LIST}/{customer}")).text
    assert "No payout is waiting" in (await desk.get(f"{LIST}/payouts")).text

    own = (await desk.get(f"{LIST}/approvals")).text
    change, payout = re.findall(r'action="(/admin/wallets/approvals/[^"]+)"', own)
    assert 'value="approve"' not in own
    alone = await desk.post(change, data={"do": "approve", "seen": "5000"})
    assert (alone.status_code, "Ask a colleague" in alone.text) == (422, True)

    colleague = await a_person(shop, "kuusi@havu.example", role="reviewer")
    async with pages.browser(app) as second:
        await sign_in(second, colleague)
        assert "2 changes of wallets" in (await second.get("/admin/reviews")).text
        assert (await second.post(change, data={"do": "approve", "seen": "1"})).status_code == 409
        assert (await second.post(change, data={"do": "approve", "seen": "5000"})).status_code == 303
        assert (await second.post(payout, data={"do": "refuse"})).status_code == 303
        late = await second.post(payout, data={"do": "approve"})
        assert (late.status_code, "Somebody was faster" in late.text) == (409, True)
    assert await holds(shop, customer) == 62_50
    assert "Nothing waits for a second person" in (await desk.get(f"{LIST}/approvals")).text
    for strange in ("adj_x", "x", "wpo_00000000000000000000000000", "adj_00000000000000000000000000"):
        assert (await desk.post(f"{LIST}/approvals/{strange}", data={"do": "refuse"})).status_code == 404


async def test_a_payout_that_is_none_has_no_page(desk: httpx.AsyncClient) -> None:
    for payout in ("wpo_x", "x", "wpo_00000000000000000000000000"):
        assert (await desk.post(f"{LIST}/payouts/{payout}", data={"do": "paid"})).status_code == 404


# --- the module ---------------------------------------------------------------------------------------------


async def test_the_wallet_is_switched_off_after_a_question_and_leaves_the_navigation(
    desk: httpx.AsyncClient, shop: Merchant, customer: str
) -> None:
    await given(shop, customer, 50_00)
    await count_liability(clock.wall(), 10)
    page = (await desk.get(MODULES)).text
    assert "included in your price plan" in page
    assert '<a href="/admin/wallets">Wallets</a>' in page
    asked = (await desk.post(MODULES, data={"wallet": "off"})).text
    assert "Switch the wallet off?" in asked
    assert (await terms_of(shop.id, "wallet")).is_on

    done = await desk.post(MODULES, data=hidden(asked) | {"wallet": "off"})
    assert done.headers["location"] == f"{MODULES}?saved=off"
    off = (await desk.get(MODULES)).text
    assert '<a href="/admin/wallets">Wallets</a>' not in off
    # The money stays the customers', and staff still find it.
    assert '<a href="/admin/wallets">€50.00</a>' in off
    assert "stays your customers" in (await desk.get(LIST)).text
    assert await holds(shop, customer) == 50_00


async def test_nobody_switches_on_at_a_price_that_the_page_did_not_say(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    sent = hidden((await desk.get(MODULES)).text) | {"wallet": "on"}
    await set_module_price(merchant, "wallet", 19_00, actor="operator", now=clock.wall())
    refused = await desk.post(MODULES, data=sent)
    assert refused.status_code == 409
    assert "The price has changed since you looked" in refused.text
    assert "Switch on for €19.00 a month" in refused.text
    await desk.post(MODULES, data=hidden(refused.text) | {"wallet": "on"})
    assert (await terms_of(merchant.id, "wallet")).is_on


async def test_a_switch_that_means_nothing_switches_nothing(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    for sent in ({}, {"wallet": "x"}, {"wallet": "on", "price": "many"}):
        assert (await desk.post(MODULES, data=sent)).status_code in {409, 422}
    assert not (await terms_of(merchant.id, "wallet")).is_on
