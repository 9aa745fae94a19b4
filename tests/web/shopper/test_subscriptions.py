"""Subscriptions over HTTP: agreed to in the flow, and in their owner's hands afterwards."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from app import doors
from app.kernel import clock, db, ids
from app.merchants.queries import Merchant
from app.subscriptions import actions
from app.subscriptions.queries import SubscriptionView, agreements_of, periods_of
from app.subscriptions.states import SubscriptionState as S
from tests.factories.checkout import PHONE, POSTCODE, Shopper, a_known_person, a_line, a_merchant, a_session
from tests.factories.subscriptions import MONTHLY, STAFF, TRIAL, Days, a_plan, a_subscription, again
from tests.support.providers import FakeProvider
from tests.web.shopper.test_account import sign_in
from tests.web.shopper.test_flow import hidden, the_code


@pytest.fixture(autouse=True)
def cards(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    card = FakeProvider("card")
    monkeypatch.setattr(doors, "providers", lambda _settings: {"card": card})
    return card


def words(page: httpx.Response) -> str:
    text = re.sub(r"<[^>]+>", " ", page.text.partition("<main")[2])
    return " ".join(html.unescape(text).replace("\u00a0", " ").split())


async def a_session_of(merchant: Merchant, plan: str) -> str:
    """As the API opens it."""
    offered = await actions.plan_to_offer(merchant.id, plan)
    session = await a_session(merchant, a_line("Coffee", f"{offered.terms.first_minor / 100:.2f}"))
    order_id = (await Shopper.at(session).flow()).order_id
    await db.in_tx(lambda: actions.offer_in_tx(merchant.id, order_id, offered))
    return session


async def test_the_agreement_is_shown_said_yes_to_and_kept_word_for_word(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    await a_known_person()
    session = await a_session_of(merchant, await a_plan(merchant, replace(TRIAL, notice_days=14)))
    first = await client.get(f"/pay/{session}")
    assert set(re.findall(r'name="method" value="(\w+)"', first.text)) == {"card", "invoice"}
    page = await client.post(f"/pay/{session}", data={"method": "card"}, follow_redirects=True)
    assert "Who is paying?" in page.text, "whoever is charged again is known"
    await client.post(f"/pay/{session}/code", data={"phone": PHONE, "postcode": POSTCODE})
    code = {"code": await the_code()}
    page = await client.post(f"/pay/{session}/identify", data=code, follow_redirects=True)
    text = words(page)
    for told in (
        "First 14 days €1.00",
        "Price €19.90 every month",
        "Next charge €19.90,",
        "Notice 14 days",
        "You end it with two taps in your purchases",
        "By confirming you start a subscription: you agree to pay €19.90 every month from",
    ):
        assert told in text, text
    await client.post(f"/pay/{session}/confirm", data={"shown": hidden(page.text, "shown")})
    [ref] = cards.book
    assert cards.opened[ref].save, "what is charged again is asked to be kept"
    cards.approve(ref)
    await client.post(f"/pay/{session}/check", data={"asked": "1", "seen": "pending"})
    await Days(cards).work()
    public_id = await db.fetch_value("SELECT public_id FROM subscriptions")
    sub = await again(merchant, public_id)
    assert (sub.state, sub.label) == (S.TRIALING, "Visa 4242")
    [agreed] = await agreements_of(merchant.id, sub.id)
    assert "€19.90 every month" in agreed.body.replace("\u00a0", " ")


async def an_owner(client: httpx.AsyncClient, merchant: Merchant, cards: FakeProvider) -> SubscriptionView:
    sub = await a_subscription(merchant, cards)
    await sign_in(client)
    return sub


async def test_two_taps_in_the_purchases_end_it_and_a_third_changes_nothing(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    sub = await an_owner(client, merchant, cards)
    page = await client.get("/purchases")
    here = f"/purchases/subscriptions/{sub.public_id}"
    assert "Coffee Active Havu & Kivi · €19.90 every month Next charge on" in words(page)
    assert f'href="{here}/end"' in page.text
    question = await client.get(f"{here}/end")
    assert "End Coffee?" in words(question)
    assert f'action="{here}/end"' in question.text
    for _ in range(2):
        answer = await client.post(f"{here}/end")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{here}?done=end")
    assert (await again(merchant, sub)).state is S.CANCELLING
    assert "Ends on" in words(await client.get("/purchases"))
    assert (await client.get(f"{here}/end")).status_code == 303
    await client.post(f"{here}/keep")
    assert (await again(merchant, sub)).state is S.ACTIVE


async def test_a_pause_wants_a_day_that_can_be_and_keeps_what_was_typed(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    sub = await an_owner(client, merchant, cards)
    here = f"/purchases/subscriptions/{sub.public_id}"
    for wrong in ("soon", "2020-01-01", "2099-01-01"):
        answer = await client.post(f"{here}/pause", data={"until": wrong})
        assert answer.status_code == 422
        assert f'value="{wrong}"' in answer.text
        assert "within half a year" in answer.text
    until = merchant.local_date(await clock.business_now()) + timedelta(days=30)
    await client.post(f"{here}/pause", data={"until": until.isoformat()})
    paused = await again(merchant, sub)
    assert (paused.state, paused.resume_on) == (S.PAUSED, until)
    assert "Go on today" in words(await client.get(here))
    await client.post(f"{here}/resume")
    assert (await again(merchant, sub)).state is S.ACTIVE


async def test_a_dearer_price_is_asked_and_another_sum_is_no_yes(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    sub = await an_owner(client, merchant, cards)
    here = f"/purchases/subscriptions/{sub.public_id}"
    now = await clock.business_now()
    dearer = replace(MONTHLY, amount_minor=24_90)
    await actions.change_plan_terms(merchant, sub.plan_public_id, dearer, version=1, actor=STAFF, now=now)
    await actions.ask_price(merchant, sub.plan_public_id, actor=STAFF, now=now)
    page = await client.get(here)
    assert "Yes, I agree to €24.90" in words(page)
    for wrong in ("1990 EUR", "2490 SEK", "", "x", "2490 EUR EUR"):
        assert (await client.post(f"{here}/accept-price", data={"price": wrong})).status_code == 409
    assert (await again(merchant, sub)).asked is not None
    await client.post(f"{here}/accept-price", data={"price": hidden(page.text, "price")})
    agreed = await again(merchant, sub)
    assert agreed.asked is None
    assert agreed.next is not None
    assert agreed.next.terms.amount_minor == 24_90


async def test_a_dearer_plan_says_what_it_costs_now_and_is_had_once_that_is_paid(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    sub = await an_owner(client, merchant, cards)
    big = await a_plan(merchant, replace(MONTHLY, amount_minor=39_90, names={"fi": "Iso", "en": "Large"}))
    here = f"/purchases/subscriptions/{sub.public_id}"
    page = await client.get(here)
    assert "Take it and pay €20.00" in words(page)
    form = {name: hidden(page.text, name) for name in ("plan", "price", "due")}
    await client.post(f"{here}/plan", data=form)
    assert "A payment for it is on its way" in words(await client.get(here))
    await Days(cards).work()
    assert (await again(merchant, sub)).plan_public_id == big


async def test_what_is_somebody_elses_or_never_was_is_not_found(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    theirs = await a_subscription(merchant, cards, phone="+358480000102")
    await a_known_person()
    assert (await client.get(f"/purchases/subscriptions/{theirs.public_id}")).status_code == 303
    await an_owner(client, merchant, cards)
    for public_id in (theirs.public_id, ids.public_id("sub"), "nonsense"):
        here = f"/purchases/subscriptions/{public_id}"
        for answer in (
            await client.get(here),
            await client.get(f"{here}/end"),
            await client.post(f"{here}/end"),
        ):
            assert answer.status_code == 404
    assert (await again(merchant, theirs)).state is S.ACTIVE


async def test_a_verb_that_is_none_is_not_found(client: httpx.AsyncClient, cards: FakeProvider) -> None:
    sub = await an_owner(client, await a_merchant(), cards)
    assert (await client.post(f"/purchases/subscriptions/{sub.public_id}/explode")).status_code == 404


async def test_a_renewal_is_among_the_purchases_and_has_a_page_like_any_other(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    sub = await a_subscription(merchant, cards)
    await Days(cards).go_to(sub.course.ends_on)
    await sign_in(client)
    assert "Coffee, " in words(await client.get("/purchases"))
    renewal = (await periods_of(merchant.id, sub.id))[0].order_public_id
    page = await client.get(f"/purchases/{renewal}")
    assert page.status_code == 200
    assert "€19.90" in words(page)
    listed = words(await client.get(f"/purchases/subscriptions/{sub.public_id}"))
    assert listed.count("€19.90 Paid") == 2
