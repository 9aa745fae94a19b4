"""Paying by card or MobilePay over HTTP: who need not be identified, the way out and back, and every end there is."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from app import doors
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.payments.ports import Standing
from tests.factories.checkout import PHONE, POSTCODE, a_merchant, a_session
from tests.factories.link_shoppers import press
from tests.factories.links import a_link
from tests.factories.wallets_in_flow import a_shop_with_wallets, in_wallet, money_of_aino
from tests.support.providers import FakeProvider
from tests.web.shopper.test_flow import HTMX, hidden, the_code

CARD = {"method": "card"}


@pytest.fixture(autouse=True)
def cards(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    """One of two providers whose books a test can see."""
    card = FakeProvider("card")
    providers = {"card": card, "mobilepay": FakeProvider("mobilepay")}
    monkeypatch.setattr(doors, "providers", lambda _settings: providers)
    return card


@dataclass(frozen=True, slots=True)
class Buying:
    """A browser in one session, with scripts or without."""

    client: httpx.AsyncClient
    session: str
    headers: Mapping[str, str]

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(f"/pay/{self.session}{path}")

    async def post(self, path: str, **form: str) -> httpx.Response:
        return await self.client.post(f"/pay/{self.session}{path}", data=form, headers=self.headers)

    async def confirm(self, name: str = "Aino Virta") -> httpx.Response:
        page = (await self.get("/confirm")).text
        return await self.post("/confirm", shown=hidden(page, "shown"), name=name)

    async def check(self, asked: int = 1, seen: str = "pending") -> httpx.Response:
        return await self.post("/check", asked=str(asked), seen=seen)


async def buying(
    client: httpx.AsyncClient, merchant: Merchant | None = None, *, scripts: bool = True, method: str = "card"
) -> Buying:
    """Somebody who has chosen to pay at once."""
    session = await a_session(merchant or await a_merchant())
    shopper = Buying(client, session, HTMX if scripts else {})
    await shopper.post("", method=method)
    return shopper


async def paying(client: httpx.AsyncClient, merchant: Merchant | None = None) -> Buying:
    """Somebody who has confirmed, and whom the provider's page waits for."""
    shopper = await buying(client, merchant)
    await shopper.confirm()
    return shopper


def the_ref(cards: FakeProvider) -> str:
    [ref] = cards.book
    return ref


async def states() -> tuple[str, str, str]:
    """Of the session, its order and the newest payment."""
    row = await db.fetch_one(
        "SELECT s.state, o.state AS order_state, p.state AS payment_state FROM checkout_sessions s"
        " JOIN orders o ON o.id = s.order_id JOIN payments p ON p.session_id = s.id ORDER BY p.id DESC LIMIT 1"
    )
    assert row is not None
    return row["state"], row["order_state"], row["payment_state"]


def said(answer: httpx.Response) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text)))


async def test_nobody_need_be_identified_to_pay_by_card(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant(), email=None)
    shopper = Buying(client, session, HTMX)
    page = await shopper.post("", method="card")
    assert "Check and confirm" in page.text
    assert page.headers["HX-Push-Url"] == f"/pay/{session}/confirm"
    assert set(re.findall(r'<input[^>]*name="(\w+)"', page.text)) == {"shown", "name", "email"}
    for never in ("Borrowing", "Annual percentage", "Standard information"):
        assert never not in page.text
    assert "Identify yourself" in page.text


async def test_whoever_wants_to_be_identified_finds_the_way_there_and_back(client: httpx.AsyncClient) -> None:
    shopper = await buying(client)
    page = await shopper.get("/identify")
    assert "Who is paying?" in page.text
    assert "Pay without identifying yourself" in page.text
    assert "Check and confirm" in (await shopper.get("/confirm")).text
    await shopper.post("", method="invoice", delivery="email")
    assert "Pay without identifying yourself" not in (await shopper.get("/identify")).text
    assert (await shopper.get("/confirm")).headers["location"].endswith("/identify")


async def test_a_purchase_by_card(client: httpx.AsyncClient, cards: FakeProvider) -> None:
    shopper = await buying(client)
    answer = await shopper.confirm()
    assert answer.headers["HX-Redirect"] == f"/pay/{shopper.session}/go"
    away = await shopper.get("/go")
    assert (away.status_code, away.headers["location"]) == (303, f"https://provider.example/{the_ref(cards)}")
    assert away.headers["cache-control"] == "no-store"
    assert cards.opened[the_ref(cards)].email == "aino@example.test"
    cards.approve(the_ref(cards))
    with db.counting() as counts:
        page = await shopper.get("/return")
    assert (page.status_code, counts.writes) == (200, 0)
    assert "We are checking your payment" in page.text
    answer = await shopper.check()
    assert "HX-Retarget" not in answer.headers
    for text in ("Purchase confirmed", "Card", "Paid by card €129.00", "SHOP-1001"):
        assert text in said(answer)
    assert "Your purchases and wallet" not in answer.text
    assert await states() == ("confirmed", "paid", "captured")
    assert await db.fetch_value("SELECT customer_id IS NULL FROM orders") is True
    assert [effect[0] for effect in cards.effects] == ["create", "capture"]


async def test_the_same_without_javascript(client: httpx.AsyncClient, cards: FakeProvider) -> None:
    shopper = await buying(client, scripts=False)
    answer = await shopper.confirm()
    # A form may not be redirected to another site: our own page goes on by itself, and has a link.
    assert answer.status_code == 200
    assert answer.headers["Refresh"] == f"0; url=/pay/{shopper.session}/go"
    assert f'href="/pay/{shopper.session}/go"' in answer.text
    page = await shopper.get("/return")
    assert 'http-equiv="refresh"' in page.text
    assert "Check now" in page.text
    still = await shopper.check()
    assert (still.status_code, still.headers["location"]) == (303, f"/pay/{shopper.session}/return")
    cards.approve(the_ref(cards))
    done = await shopper.check()
    assert (done.status_code, done.headers["location"]) == (303, f"/pay/{shopper.session}/outcome")
    assert "Purchase confirmed" in (await shopper.get("/outcome")).text


async def test_mobilepay_goes_the_same_way(client: httpx.AsyncClient) -> None:
    shopper = await buying(client, method="mobilepay")
    page = await shopper.get("/confirm")
    assert "Next you approve the payment in MobilePay" in page.text
    assert (await shopper.confirm()).headers["HX-Redirect"].endswith("/go")
    assert "Go on to MobilePay" in (await shopper.get("/return")).text


async def test_while_nothing_has_changed_the_page_stays_and_asks_less_and_less_often(
    client: httpx.AsyncClient,
) -> None:
    shopper = await paying(client)
    pauses = []
    for asked in (0, 3, 50):
        answer = await shopper.check(asked)
        assert "data-page" not in answer.text
        assert answer.headers["HX-Retarget"] == "#again"
        assert hidden(answer.text, "asked") == str(asked + 1)
        found = re.search(r"load delay:(\d+)s", answer.text)
        assert found is not None
        pauses.append(int(found[1]))
    assert pauses == sorted(set(pauses))
    assert pauses[-1] == 30


async def test_a_declined_card_leads_back_to_the_ways_to_pay_and_another_way_is_taken(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    shopper = await paying(client)
    cards.end(the_ref(cards), Standing.FAILED, "declined")
    answer = await shopper.check()
    assert "The payment was declined, and nothing was charged." in answer.text
    assert re.search(r'value="card"[^>]*checked', answer.text)
    assert (await shopper.get("/return")).headers["location"] == f"/pay/{shopper.session}"
    await shopper.post("", method="mobilepay")
    assert "declined" not in (await shopper.get("")).text
    assert (await shopper.confirm()).headers["HX-Redirect"].endswith("/go")
    assert cards.taken_minor() == 0


async def test_after_a_declined_card_nothing_is_typed_again(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    shopper = Buying(client, await a_session(await a_merchant(), email=None), HTMX)
    page = await shopper.post("", method="card")
    who = {"name": "Aino Virta", "email": "aino.v@example.test"}
    await shopper.post("/confirm", shown=hidden(page.text, "shown"), **who)
    cards.end(the_ref(cards), Standing.FAILED, "declined")
    await shopper.check()
    page = await shopper.post("", method="mobilepay")
    for typed in who.values():
        assert f'value="{typed}"' in page.text
        assert f'value="{typed}"' in (await shopper.get("/confirm")).text, "the session is opened again later"
    answer = await shopper.post("/confirm", shown=hidden(page.text, "shown"), name="", email=who["email"])
    assert "Enter your name." in answer.text, "what is filled in can be changed"
    client.cookies.clear()
    for path in ("", "/confirm", "/identify"):
        answer = await shopper.get(path)
        assert not [typed for typed in who.values() if typed in answer.text]


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("insufficient_funds", "There was not enough money"),
        ("authentication_failed", "could not confirm that it was you"),
        ("card_expired", "The card has expired"),
        ("provider_error", "did not go through"),
    ],
)
async def test_every_failure_is_told_in_words(
    client: httpx.AsyncClient, cards: FakeProvider, failure: str, words: str
) -> None:
    shopper = await paying(client)
    cards.end(the_ref(cards), Standing.FAILED, failure)
    assert words in said(await shopper.check())


async def test_the_shopper_turns_back_and_pays_another_way(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    shopper = await paying(client)
    assert "Pay another way" in (await shopper.get("/return")).text
    answer = await shopper.post("/give-up")
    assert "How do you want to pay?" in answer.text
    assert "The payment was stopped, and nothing was charged." in answer.text
    assert re.search(r'value="card"[^>]*checked', answer.text)
    assert await states() == ("open", "in_payment", "cancelled")
    assert cards.book[the_ref(cards)].standing is Standing.CANCELLED


async def test_who_turns_back_too_late_has_bought(client: httpx.AsyncClient, cards: FakeProvider) -> None:
    shopper = await paying(client)
    cards.approve(the_ref(cards))
    assert "Purchase confirmed" in (await shopper.post("/give-up")).text
    assert await states() == ("confirmed", "paid", "captured")


async def test_the_back_button_and_a_second_tab_lead_to_where_the_payment_stands(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    shopper = await buying(client)
    shown = hidden((await shopper.get("/confirm")).text, "shown")
    await shopper.confirm()
    for path in ("", "/confirm", "/identify", "/outcome"):
        assert (await shopper.get(path)).headers["location"] == f"/pay/{shopper.session}/return"
    second = await shopper.post("/confirm", shown=shown, name="Aino Virta")
    assert "We are checking your payment" in second.text
    assert await db.fetch_value("SELECT count(*) FROM payments") == 1
    assert [effect[0] for effect in cards.effects] == ["create"]


async def the_next_look_is_due() -> None:
    await db.execute_alone("UPDATE payments SET next_check_at = $1", clock.wall() - timedelta(seconds=1))


async def test_another_browser_has_the_provider_asked_no_more_often_than_we_look(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    shopper = await paying(client)
    await shopper.check()
    assert cards.asked.count("get") == 1, "whoever pays asks at any time"
    later = clock.wall() + timedelta(hours=1)
    await db.execute_alone("UPDATE payments SET next_check_at = $1", later)
    client.cookies.clear()
    for _ in range(3):
        assert (await shopper.check()).status_code in {200, 204}
    assert cards.asked.count("get") == 1
    await db.execute_alone("UPDATE payments SET checks = 8")
    await the_next_look_is_due()
    for _ in range(3):
        await shopper.check()
    assert cards.asked.count("get") == 2


async def test_another_browser_may_ask_and_sees_nothing_of_the_payment(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    """The app of a bank opens the way back in whichever browser it likes."""
    shopper = await paying(client)
    client.cookies.clear()
    page = await shopper.get("/return")
    assert "We are checking your payment" in page.text
    for own in ("/go", "Pay another way", "Wool blanket"):
        assert own not in page.text
    assert (await shopper.get("/go")).headers["location"] == f"/pay/{shopper.session}/return"
    await shopper.post("/give-up")
    assert cards.book[the_ref(cards)].standing is Standing.PENDING
    cards.approve(the_ref(cards))
    await the_next_look_is_due()
    outcome = await shopper.check()
    assert "Purchase confirmed" in outcome.text
    for own in ("aino", "a•", "SHOP-1001", "129.00"):
        assert own not in outcome.text
    assert await states() == ("confirmed", "paid", "captured")


async def test_a_provider_that_does_not_answer_is_waited_for_and_nothing_is_opened_twice(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    cards.cut("create", after=True)
    shopper = await buying(client)
    answer = await shopper.confirm()
    assert "Please do not pay a second time." in answer.text
    assert await states() == ("processing", "in_payment", "unknown")
    found = await shopper.check(seen="checking")
    assert 'data-page="paying-pending"' in found.text
    assert "Go on to the card page" in found.text
    assert [effect[0] for effect in cards.effects] == ["create"]


async def test_a_provider_that_refuses_leads_back_at_once(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    cards.refuse("create")
    shopper = await buying(client)
    answer = await shopper.confirm()
    assert "How do you want to pay?" in answer.text
    assert "did not go through" in said(answer)


async def test_a_name_and_an_address_are_asked_for_and_kept(client: httpx.AsyncClient) -> None:
    shopper = Buying(client, await a_session(await a_merchant(), email=None), HTMX)
    page = await shopper.post("", method="card")
    shown = hidden(page.text, "shown")
    answer = await shopper.post("/confirm", shown=shown, name="", email="somebody@")
    assert answer.status_code == 422
    assert "Enter your name." in answer.text
    assert 'value="somebody@"' in answer.text
    assert await db.fetch_value("SELECT count(*) FROM payments") == 0


async def test_the_wallet_pays_a_part_and_the_card_the_rest_all_of_it_or_nothing(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 4_000)
    shopper = await buying(client, merchant)
    assert "Identify yourself to use your wallet" in (await shopper.get("/confirm")).text
    await shopper.post("/code", phone=PHONE, postcode=POSTCODE)
    page = await shopper.post("/identify", code=await the_code())
    assert "Use €40.00 from your wallet" in page.text
    version = hidden(page.text, "version")
    page = await shopper.post("/wallet", version=version, use="4000", method="card")
    for text in ("Taken from your wallet €40.00", "Left to pay €89.00"):
        assert text in said(page)
    assert "Borrowing" not in page.text
    await shopper.confirm()
    assert cards.opened[the_ref(cards)].amount.amount_minor == 8_900
    cards.approve(the_ref(cards))
    outcome = await shopper.check()
    for text in ("Purchase confirmed", "Paid from your wallet €40.00", "Paid by card €89.00"):
        assert text in said(outcome)
    assert "Your purchases and wallet" in outcome.text
    assert (await in_wallet(merchant, customer)).total == 0


async def test_a_wallet_that_is_short_leaves_the_rest_to_the_card_without_a_word_of_credit(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_shop_with_wallets()
    await money_of_aino(merchant, 1_240)
    shopper = await buying(client, merchant, method="wallet")
    await shopper.post("/code", phone=PHONE, postcode=POSTCODE)
    page = await shopper.post("/identify", code=await the_code())
    assert "Use €12.40 from your wallet and pay the rest by card" in page.text
    page = await shopper.post("/wallet", version=hidden(page.text, "version"), use="1240", method="card")
    assert "Left to pay €116.60" in said(page)
    for credit in ("Borrowing", "Standard information"):
        assert credit not in page.text


async def test_a_declined_card_leaves_the_wallet_as_it_was(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 4_000)
    shopper = await buying(client, merchant)
    await shopper.post("/code", phone=PHONE, postcode=POSTCODE)
    page = await shopper.post("/identify", code=await the_code())
    await shopper.post("/wallet", version=hidden(page.text, "version"), use="4000", method="card")
    await shopper.confirm()
    assert (await in_wallet(merchant, customer)).held == 4_000
    cards.end(the_ref(cards), Standing.FAILED, "declined")
    assert "declined" in (await shopper.check()).text
    wallet = await in_wallet(merchant, customer)
    assert (wallet.total, wallet.held) == (4_000, 0)


async def test_no_page_of_a_payment_is_found_for_a_session_that_is_none(client: httpx.AsyncClient) -> None:
    for path in ("go", "return"):
        assert (await client.get(f"/pay/cs_nobody/{path}")).status_code == 404
    for path in ("check", "give-up"):
        assert (await client.post(f"/pay/cs_nobody/{path}")).status_code == 404


async def test_by_one_link_who_comes_second_is_told_to_wait(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    """Somebody else is on the provider's page for the same order."""
    link = await a_link(await a_merchant())

    async def press_and_confirm() -> httpx.Response:
        client.cookies.clear()
        shopper = Buying(client, (await press(link)).session, HTMX)
        await shopper.post("", **CARD)
        page = (await shopper.get("/confirm")).text
        return await shopper.post(
            "/confirm", shown=hidden(page, "shown"), name="Aino Virta", email="aino@example.test"
        )

    await press_and_confirm()
    told = await press_and_confirm()
    assert told.status_code == 409
    assert "Somebody else is paying for this order at this moment" in told.text
    assert cards.asked == ["create"]
