"""Another way to pay for a subscription: chosen by its owner, and by the address in the mail that says what is owed."""

from __future__ import annotations

import httpx
import pytest

from app import doors
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.payments.ports import SavedMethod
from app.subscriptions import actions
from app.subscriptions.addresses import address_of
from app.subscriptions.queries import SubscriptionView
from app.subscriptions.states import SubscriptionState as S
from tests.factories.checkout import a_merchant
from tests.factories.subscriptions import STAFF, Days, a_subscription, again
from tests.support.providers import FakeProvider
from tests.web.shopper.test_account import sign_in
from tests.web.shopper.test_subscriptions import words

NEW = SavedMethod("token-2", "Mastercard 4444", "2032-01")


@pytest.fixture(autouse=True)
def cards(monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    card = FakeProvider("card")
    monkeypatch.setattr(doors, "providers", lambda _settings: {"card": card})
    return card


async def past_due(merchant: Merchant, cards: FakeProvider) -> SubscriptionView:
    sub = await a_subscription(merchant, cards)
    cards.tokens_that_fail["token-1"] = "card_expired"
    await Days(cards).go_to(sub.course.ends_on)
    return await again(merchant, sub)


async def test_an_owner_puts_another_card_in_place_and_is_told_how_it_stands(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    sub = await a_subscription(merchant, cards)
    own = f"/purchases/subscriptions/{sub.public_id}"
    assert (await client.get(f"{own}/way")).headers["location"].startswith("/account?next=")
    await sign_in(client)
    assert f'href="{own}/way"' in (await client.get(own)).text
    page = await client.get(f"{own}/way")
    assert "Paid by Visa 4242" in words(page)
    assert "Nothing is paid now." in words(page)
    leaving = await client.post(f"{own}/way", data={"way": "card"})
    assert f"url={own}/way/go" in leaving.headers["refresh"]
    [ref] = cards.setups
    assert (await client.get(f"{own}/way/go")).headers["location"] == f"https://provider.example/{ref}"
    waiting = await client.get(f"{own}/way")
    assert "We are waiting for your card" in words(waiting)
    piece = await client.post(f"{own}/way/check", data={"asked": "3"}, headers={"HX-Request": "true"})
    assert 'name="asked" value="4"' in piece.text
    assert "<main" not in piece.text
    cards.agree(ref, NEW)
    done = await client.post(f"{own}/way/check", data={"asked": "4"}, headers={"HX-Request": "true"})
    assert done.headers["hx-redirect"] == f"{own}/way"
    page = await client.get(f"{own}/way")
    assert "It is paid in another way from now on" in words(page)
    assert "Paid by Mastercard 4444" in words(page)
    assert (await client.get(f"{own}/way/go")).headers["location"] == f"{own}/way"


async def test_a_way_that_is_not_open_is_said_so_and_changes_nothing(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    sub = await a_subscription(merchant, cards)
    await sign_in(client)
    own = f"/purchases/subscriptions/{sub.public_id}/way"
    for way in ("mobilepay", "invoice", "wallet", ""):
        page = await client.post(own, data={"way": way})
        assert (page.status_code, "This way is not possible now." in words(page)) == (409, True), way
    cards.refuse("set_up")
    await client.post(own, data={"way": "card"})
    assert "The last try came to nothing, and nothing has changed." in words(await client.get(own))
    assert (await again(merchant, sub)).label == "Visa 4242"


async def test_the_mails_address_has_what_is_owed_paid_without_signing_in_and_is_closed_then(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    sub = await past_due(merchant, cards)
    here = address_of(merchant.id, sub.id)
    page = await client.get(here)
    text = words(page)
    assert "The last payment did not go through." in text
    assert "Not paid yet €19.90" in text
    assert "Visa 4242" not in text, "what is charged is its owner's to know"
    await client.post(here, data={"way": "card"})
    [ref] = cards.setups
    cards.agree(ref, NEW)
    answer = await client.post(f"{here}/check", data={})
    assert (answer.status_code, answer.headers["location"]) == (303, here)
    assert "€19.90 is being charged now." in words(await client.get(here))
    await Days(cards).work()
    assert (await again(merchant, sub)).state is S.ACTIVE
    assert Days(cards).charged == [19_90]
    assert (await client.get(here)).status_code == 200, "it tells how it ended"
    await Days(cards).pass_(2)
    assert (await client.get(here)).status_code == 404


async def test_nobody_comes_to_owe_by_invoice_through_an_address(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    sub = await past_due(merchant, cards)
    await a_subscription(merchant, cards, by_invoice=True)
    here = address_of(merchant.id, sub.id)
    assert (await client.post(here, data={"way": "invoice"})).status_code == 409
    assert (await again(merchant, sub)).method == "card"
    await sign_in(client)
    own = f"/purchases/subscriptions/{sub.public_id}/way"
    await client.post(own, data={"way": "invoice"})
    found = await again(merchant, sub)
    assert (found.method, found.state) == ("invoice", S.ACTIVE)
    assert "From now on each payment comes as an invoice." in words(await client.get(own))


async def test_addresses_that_are_not_ours_or_owe_nothing_are_not_found(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    await a_subscription(merchant, cards)
    sub = await a_subscription(merchant, cards, phone="+358480000102")
    here = address_of(merchant.id, sub.id)
    for place in (here, here[:-1] + "x", f"{here}x", "/subscribed/a.b.c"):
        assert (await client.get(place)).status_code == 404, place
        assert (await client.post(place, data={"way": "card"})).status_code == 404
    await sign_in(client)
    for place in ("way", "way/go"):
        other = await client.get(f"/purchases/subscriptions/{sub.public_id}/{place}")
        assert other.status_code == 404


async def test_a_card_that_the_provider_tells_of_by_itself_is_looked_at_by_a_worker(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    sub = await past_due(merchant, cards)
    await client.post(address_of(merchant.id, sub.id), data={"way": "card"})
    [ref] = cards.setups
    cards.agree(ref, NEW)
    told = {"id": "evt_1", "ref": ref, "reference": cards.setups[ref].reference}
    for _ in range(2):
        answer = await client.post("/callbacks/card", json=told, headers={"x-signature": "a good signature"})
        assert answer.status_code == 204
    await Days(cards).work()
    assert (await again(merchant, sub)).state is S.ACTIVE
    assert Days(cards).charged == [19_90]


async def test_one_that_has_ended_for_good_has_no_other_way(
    client: httpx.AsyncClient, cards: FakeProvider
) -> None:
    merchant = await a_merchant()
    sub = await a_subscription(merchant, cards)
    await actions.end(merchant, sub.public_id, actor=STAFF, now=await clock.business_now())
    await db.execute_alone("UPDATE subscriptions SET ended_on = ended_on - 91")
    await sign_in(client)
    own = f"/purchases/subscriptions/{sub.public_id}"
    assert f"{own}/way" not in (await client.get(own)).text
    page = await client.post(f"{own}/way", data={"way": "card"})
    assert (page.status_code, "can no longer begin again" in words(page)) == (409, True)
