"""A reusable link over HTTP: what is asked, what is refused, and the way to an order of one's own."""

from __future__ import annotations

import asyncio
import html
import re
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from app.kernel import clock, db, ids
from app.links.reusable import actions, queries
from app.links.reusable.queries import ReusableView
from app.links.reusable.rules import Terms
from app.merchants.queries import Merchant
from tests.factories.checkout import a_merchant
from tests.unit.links.test_reusable import STAFF, TERMS

PERSON = {"name": "Aino Virta", "email": "aino@example.test"}
TYPED = PERSON | {"reference": "Member 7"}
FREE = replace(
    TERMS, amount_minor=None, min_minor=5_00, max_minor=100_00, reference_hint="Your membership number"
)


async def a_link(terms: Terms = TERMS, merchant: Merchant | None = None) -> ReusableView:
    shop = merchant or await a_merchant()
    now = await clock.business_now()
    public_id = await actions.make(shop, terms, form_key=uuid4(), actor=STAFF, now=now)
    return await seen(shop, public_id)


async def seen(merchant: Merchant, public_id: str) -> ReusableView:
    found = await queries.reusable_of(merchant.id, public_id)
    assert found is not None
    return found


def path_of(link: ReusableView) -> str:
    return f"/link/{link.token}"


async def key_on(client: httpx.AsyncClient, link: ReusableView) -> str:
    found = re.search(r'name="key" value="([^"]+)"', (await client.get(path_of(link))).text)
    assert found is not None
    return found[1]


async def orders() -> list[tuple[str, int, str]]:
    rows = await db.fetch_all("SELECT reference, total_minor, state FROM orders ORDER BY created_at, id")
    return [(row["reference"], row["total_minor"], row["state"]) for row in rows]


async def test_the_page_says_what_for_and_how_much_and_asks_for_the_rest(client: httpx.AsyncClient) -> None:
    page = (await client.get(path_of(await a_link()))).text
    assert '<h1 id="title" tabindex="-1">Proceed to pay</h1>' in page
    for shown in ("Havu &amp; Kivi", "Membership 2026", "€25.00"):
        assert shown in page
    assert re.findall(r'<input class="input[^>]*name="(\w+)"', page) == ["reference", "name", "email"]


async def test_a_free_sum_is_typed_within_its_bounds(client: httpx.AsyncClient) -> None:
    page = (await client.get(path_of(await a_link(FREE)))).text
    assert "From €5.00 to €100.00." in page
    assert "Your membership number" in page
    assert re.findall(r'<input class="input[^>]*name="(\w+)"', page)[0] == "amount"


async def test_looking_writes_nothing(client: httpx.AsyncClient) -> None:
    link = await a_link()
    await client.get(path_of(link))
    with db.counting() as counts:
        await client.get(path_of(link))
    assert counts.writes == 0
    assert await orders() == []


async def test_the_press_makes_an_order_and_leads_to_its_first_step(client: httpx.AsyncClient) -> None:
    link = await a_link(FREE)
    key = await key_on(client, link)
    answer = await client.post(path_of(link), data=TYPED | {"amount": "12,50", "key": key})
    assert answer.status_code == 303
    session = answer.headers["location"]
    assert session.startswith("/pay/cs_")
    assert await orders() == [("Member 7", 12_50, "open")]
    assert "How do you want to pay?" in (await client.get(session)).text


async def test_pressed_twice_it_is_one_order_and_one_session(client: httpx.AsyncClient) -> None:
    link = await a_link()
    form = TYPED | {"key": await key_on(client, link)}
    first = await client.post(path_of(link), data=form)
    again = await client.post(path_of(link), data=form)
    assert first.headers["location"] == again.headers["location"]
    assert len(await orders()) == 1


async def test_many_presses_at_once_from_one_visit_are_one_session(client: httpx.AsyncClient) -> None:
    link = await a_link()
    form = TYPED | {"key": await key_on(client, link)}
    answers = await asyncio.gather(*(client.post(path_of(link), data=form) for _ in range(5)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await db.fetch_value("SELECT count(*) FROM checkout_sessions") == 1
    assert len(await orders()) == 1


async def test_whoever_goes_back_to_correct_something_leaves_no_second_order(
    client: httpx.AsyncClient,
) -> None:
    link = await a_link(replace(TERMS, uses_max=1))
    key = await key_on(client, link)
    await client.post(path_of(link), data=TYPED | {"key": key})
    corrected = await client.post(path_of(link), data=TYPED | {"key": key, "reference": "Member 8"})
    assert corrected.status_code == 303
    assert await orders() == [("Member 7", 25_00, "cancelled"), ("Member 8", 25_00, "open")]


async def test_somebody_else_does_not_end_what_another_has_begun(client: httpx.AsyncClient) -> None:
    link = await a_link()
    for reference in ("Member 7", "Member 8"):
        form = TYPED | {"reference": reference, "key": await key_on(client, link)}
        assert (await client.post(path_of(link), data=form)).status_code == 303
    assert {state for _, _, state in await orders()} == {"open"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reference": ""}, "Enter the reference."),
        ({"reference": "x" * 101}, "This is too long."),
        ({"amount": ""}, "Enter the sum that you want to pay."),
        ({"amount": "ten"}, "Write a sum like 129.00 or 129,00."),
        ({"amount": "4.99"}, "Enter at least €5.00."),
        ({"amount": "100.01"}, "Enter at most €100.00."),
        ({"email": "aino"}, "Check the e-mail address."),
        ({"name": ""}, "Enter your name."),
    ],
)
async def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(
    client: httpx.AsyncClient, changes: dict[str, str], said: str
) -> None:
    link = await a_link(FREE)
    key = await key_on(client, link)
    form = TYPED | {"amount": "10", "key": key} | changes
    answer = await client.post(path_of(link), data=form)
    assert answer.status_code == 422
    assert said in html.unescape(answer.text)
    for name, value in form.items():
        assert re.search(rf'name="{name}"[^>]*value="{re.escape(value)}"', answer.text), name
    assert await orders() == []


@pytest.mark.parametrize("number", ["4111 1111 1111 1111", "5555-5555-5555-4444", "my card 378282246310005"])
async def test_the_number_of_a_card_is_refused_and_shown_and_kept_nowhere(
    client: httpx.AsyncClient, number: str
) -> None:
    link = await a_link()
    answer = await client.post(path_of(link), data=TYPED | {"reference": number})
    assert answer.status_code == 422
    assert "This looks like the number of a card." in answer.text
    assert number not in answer.text
    assert 'value="Aino Virta"' in answer.text
    assert await orders() == []


async def test_a_reference_that_is_the_same_for_all_is_not_asked_for(client: httpx.AsyncClient) -> None:
    link = await a_link(replace(TERMS, reference="CLUB-2026"))
    assert 'name="reference"' not in (await client.get(path_of(link))).text
    await client.post(path_of(link), data=TYPED | {"reference": "mine", "amount": "1"})
    assert await orders() == [("CLUB-2026", 25_00, "open")]


async def test_when_all_uses_are_taken_the_page_says_so_kindly(client: httpx.AsyncClient) -> None:
    link = await a_link(replace(TERMS, uses_max=1))
    key = await key_on(client, link)
    assert (await client.post(path_of(link), data=TYPED | {"key": key})).status_code == 303
    for late in (await client.get(path_of(link)), await client.post(path_of(link), data=TYPED)):
        assert late.status_code == 410
        assert "All payments by this link have been made" in late.text
        assert "Havu &amp; Kivi" in late.text
    assert len(await orders()) == 1


async def test_a_stopped_link_says_so_and_names_the_shop(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    link = await a_link(merchant=merchant)
    await actions.stop(merchant.id, link.public_id, actor=STAFF, now=clock.wall())
    for answer in (await client.get(path_of(link)), await client.post(path_of(link), data=TYPED)):
        assert answer.status_code == 410
        assert "This link is no longer in use" in answer.text
        assert "Havu &amp; Kivi takes no payments by this link now." in answer.text
    assert await orders() == []


async def test_an_address_that_is_nobodys_is_answered_like_any_other(client: httpx.AsyncClient) -> None:
    await a_link()
    answers = [
        await client.get(f"/link/{token}")
        for token in (ids.token(), "short", "x" * 200, "%00" * 43, "%C3%A4" * 43)
    ]
    assert {answer.status_code for answer in answers} == {404}
    nonce = re.compile(r'nonce="[^"]+"|/link/[\w-]+')
    assert len({nonce.sub("", answer.text) for answer in answers}) == 1
    assert (await client.post(f"/link/{ids.token()}", data=TYPED)).status_code == 404
