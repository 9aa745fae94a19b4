"""A purchase that looks odd on its page: what stands there, how it is taken, answered, undone and asked about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from litestar.types import ASGIApp

from app.cases.queries import ReviewSettings, settings_of
from app.checkout.actions import expire_due
from app.checkout.actions.sampling import open_sample_in_tx
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.risk.rules import BUILT_IN
from app.settings import Settings
from tests.factories.checkout import a_merchant
from tests.factories.held_purchases import a_held_purchase, a_shopper_who_may_confirm, case_of, press
from tests.support import pages
from tests.web.admin.conftest import a_person, application, sign_in

QUEUE = "/admin/reviews"


@pytest.fixture
async def riku(app: ASGIApp, merchant: Merchant) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of somebody who only reviews."""
    person = await a_person(merchant, "riku@havu.example", role="reviewer")
    async with pages.browser(app) as client:
        assert (await sign_in(client, person)).status_code == 303
        yield client


async def the_state(column: str = "state") -> object:
    return await db.fetch_value(f"SELECT {column} FROM cases ORDER BY id DESC LIMIT 1")


async def test_the_page_shows_who_what_where_and_how_it_came_here(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, case = await a_held_purchase(merchant)
    page = await desk.get(f"{QUEUE}/{case.public_id}")
    for words in (
        "What was found",
        "Aino Virta",
        "€129.00",
        "Where it goes",
        "The first order here.",
        "Timeline",
    ):
        assert words in page.text
    assert 'value="approved:reached"' in page.text
    assert 'value="declined:reshipping"' in page.text


async def found(*rules: tuple[str, int, dict[str, int]]) -> None:
    """As if the machine had found these in every decision so far."""
    findings = [
        {
            "rule": rule,
            "version": 1,
            "weight": weight,
            "outcome": "approve",
            "is_shadow": weight == 0,
            "values": values,
        }
        for rule, weight, values in rules
    ]
    await db.execute_alone("ALTER TABLE risk_decisions DISABLE TRIGGER ALL")
    await db.execute_alone("UPDATE risk_decisions SET findings = $1", findings)
    await db.execute_alone("ALTER TABLE risk_decisions ENABLE TRIGGER ALL")


async def test_what_was_found_stands_there_in_words_the_heaviest_first(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, case = await a_held_purchase(merchant)
    await found(
        ("phone_abroad", 0, {}),
        ("name_differs", 50, {}),
        ("identical", 80, {"count": 4, "hours": 24}),
        ("rule_gone", 10, {}),
    )
    page = await desk.get(f"{QUEUE}/{case.public_id}")
    assert page.status_code == 200
    places = [
        page.text.index(words)
        for words in (
            "The same goods 4 times within a day",
            "not the verified one",
            "rule_gone",
            "1 rule only watches",
        )
    ]
    assert places == sorted(places)


async def test_every_built_in_rule_has_a_sentence_of_its_own(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, case = await a_held_purchase(merchant)
    await found(*((rule, 50, {"count": 4, "hours": 1, "times": 6}) for rule in BUILT_IN))
    page = await desk.get(f"{QUEUE}/{case.public_id}")
    assert [rule for rule in BUILT_IN if f"<p>{rule}</p>" in page.text] == []


async def test_one_press_answers_with_its_reason_and_leads_to_the_next_case(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    shopper, case = await a_held_purchase(merchant)
    answer = await desk.post(f"{QUEUE}/{case.public_id}", data={"say": "approved:reached", "next": "1"})
    assert answer.headers["location"] == QUEUE
    assert (await shopper.flow()).state == "confirmed"
    assert await the_state("reason") == "reached"
    page = await desk.get(f"{QUEUE}/{case.public_id}")
    assert "Reached, and it is them" in page.text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"say": "declined:other", "note": " "}, "Say in a few words why you decline."),
        ({"say": "declined:made-up", "note": "kept"}, "Choose one of the reasons."),
    ],
)
async def test_an_answer_without_its_reason_is_not_taken(
    desk: httpx.AsyncClient, merchant: Merchant, typed: dict[str, str], words: str
) -> None:
    _, case = await a_held_purchase(merchant)
    page = await desk.post(f"{QUEUE}/{case.public_id}", data=typed)
    assert page.status_code == 422
    assert words in page.text
    assert typed["note"].strip() in page.text
    assert await the_state() == "open"


async def test_a_case_that_somebody_works_on_takes_no_answer_of_another(
    desk: httpx.AsyncClient, riku: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, case = await a_held_purchase(merchant)
    address = f"{QUEUE}/{case.public_id}"
    taken = await desk.post(f"{address}/take", headers={"HX-Request": "true"})
    assert "You work on this" in taken.text
    queue = await riku.get(QUEUE)
    assert "Omena Owner" in queue.text
    page = await riku.get(address)
    assert "Omena Owner works on this now." in page.text
    assert 'name="say"' not in page.text
    second = await riku.post(address, data={"say": "declined:repeated"})
    assert second.status_code == 409
    assert "somebody else works on this case now" in second.text
    assert await the_state() == "open"
    assert (await desk.post(f"{address}/release")).headers["location"] == QUEUE
    assert (await riku.post(address, data={"say": "declined:repeated"})).status_code == 303


async def test_a_question_is_asked_and_its_answer_shown(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    _, case = await a_held_purchase(merchant)
    address = f"{QUEUE}/{case.public_id}"
    empty = await desk.post(f"{address}/ask", data={"question": " "})
    assert "Write your question." in empty.text
    assert (await desk.post(f"{address}/ask", data={"question": "Is it <b>you</b>?"})).status_code == 303
    page = await desk.get(address)
    assert "Is it &lt;b&gt;you&lt;/b&gt;?" in page.text
    assert "No answer yet." in page.text
    again = await desk.post(f"{address}/ask", data={"question": "Another?"})
    assert again.status_code == 409
    assert "a question waits already" in again.text
    assert "The shopper was asked" in (await desk.get(QUEUE)).text


async def test_a_case_rests_and_is_handed_over(
    desk: httpx.AsyncClient, riku: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, case = await a_held_purchase(merchant)
    address = f"{QUEUE}/{case.public_id}"
    assert (await desk.post(f"{address}/rest", data={"hours": "1"})).status_code == 303
    assert "No order waits for a person." in (await desk.get(QUEUE)).text
    assert case.reference in (await desk.get(f"{QUEUE}?show=resting")).text
    assert "Back into the queue" in (await desk.get(address)).text
    await desk.post(f"{address}/rest", data={"hours": "0"})
    assert case.reference in (await desk.get(QUEUE)).text
    riku_id = await db.fetch_value("SELECT public_id FROM staff WHERE email = 'riku@havu.example'")
    assert (await desk.post(f"{address}/hand-over", data={"to": riku_id})).status_code == 303
    assert case.reference in (await riku.get(f"{QUEUE}?show=mine")).text
    assert case.reference not in (await desk.get(f"{QUEUE}?show=mine")).text
    assert case.reference in (await desk.get(f"{QUEUE}?show=risk")).text
    assert case.reference not in (await desk.get(f"{QUEUE}?show=credit")).text
    assert (await desk.post(f"{address}/hand-over", data={"to": "st_nobody"})).status_code == 422


@pytest.mark.parametrize("deed", ["take", "release", "ask", "undo", "rest", "hand-over"])
async def test_nothing_is_done_to_another_shops_case(
    desk: httpx.AsyncClient, merchant: Merchant, deed: str
) -> None:
    _, case = await a_held_purchase(await a_merchant("Another shop"))
    riku_id = await db.fetch_value("SELECT public_id FROM staff LIMIT 1")
    typed = {"question": "Who?", "hours": "1", "to": riku_id}
    answer = await desk.post(f"{QUEUE}/{case.public_id}/{deed}", data=typed)
    assert answer.status_code == 404
    assert await db.fetch_value("SELECT count(*) FROM case_questions") == 0


async def test_a_sample_tells_nothing_of_the_machine_until_it_is_answered(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    shopper = await a_shopper_who_may_confirm(merchant, "aino@example.test")
    await press(shopper)
    flow = await shopper.flow()
    assert flow.state == "confirmed"
    public_id = await db.in_tx(lambda: open_sample_in_tx(merchant, flow.order_public_id, clock.wall()))
    assert public_id is not None
    address = f"{QUEUE}/{public_id}"
    page = await desk.get(address)
    assert "This is told once you have answered." in page.text
    assert "Purchase confirmed" not in page.text
    assert 'value="approved:reached"' in page.text
    await desk.post(address, data={"say": "declined:not_the_person"})
    assert await the_state() == "declined"
    assert (await shopper.flow()).state == "confirmed"
    assert "This is told once you have answered." not in (await desk.get(address)).text
    assert "Approved orders that somebody would have declined" in (await desk.get(QUEUE)).text


@pytest.fixture
def slow_settings(db: str, secrets_folder: Path) -> Settings:
    return pages.settings_in(secrets_folder, db, KOLME_REVIEW_UNDO_S="10")


async def test_an_answer_can_be_undone_until_it_takes_effect(
    settings: Settings, merchant: Merchant, slow_settings: Settings
) -> None:
    del settings
    shopper, case = await a_held_purchase(merchant)
    person = await a_person(merchant)
    address = f"{QUEUE}/{case.public_id}"
    async with pages.browser(application(slow_settings)) as desk:
        await sign_in(desk, person)
        await desk.post(address, data={"say": "declined:repeated", "note": "One of nine"})
        assert await the_state() == "decided"
        assert (await shopper.flow()).state == "held"
        queue = await desk.get(QUEUE)
        assert f"{case.reference}: declined." in queue.text
        assert "Undo" in queue.text
        assert (await desk.post(f"{address}/undo")).status_code == 303
        page = await desk.get(address)
        assert "One of nine" in page.text
        assert 'name="say"' in page.text
    assert await the_state() == "open"


async def test_a_sum_above_the_limit_takes_two_people(
    desk: httpx.AsyncClient, riku: httpx.AsyncClient, merchant: Merchant
) -> None:
    saved = await desk.post("/admin/settings/reviews", data={"sample": "0,5", "second_above": "100"})
    assert saved.status_code == 303
    assert await settings_of(merchant.id) == ReviewSettings(5_000, 10_000)
    shopper, case = await a_held_purchase(merchant)
    address = f"{QUEUE}/{case.public_id}"
    await desk.post(address, data={"say": "approved:reached"})
    assert (await shopper.flow()).state == "held"
    page = await desk.get(address)
    assert "a second person has to say yes as well" in page.text
    assert 'value="approved:reached"' not in page.text
    again = await desk.post(address, data={"say": "approved:reached"})
    assert again.status_code == 409
    assert "Omena Owner approved this" in (await riku.get(address)).text
    await riku.post(address, data={"say": "approved:fits_customer"})
    assert (await shopper.flow()).state == "confirmed"


@pytest.mark.parametrize("typed", [{"sample": "101"}, {"sample": "two"}, {"second_above": "-1"}])
async def test_settings_that_cannot_be_are_told_at_their_field(
    desk: httpx.AsyncClient, typed: dict[str, str]
) -> None:
    page = await desk.post("/admin/settings/reviews", data=typed)
    assert page.status_code == 422
    assert next(iter(typed.values())) in page.text
    assert await db.fetch_value("SELECT count(*) FROM review_settings") == 0


async def test_orders_of_the_same_goods_get_the_same_answer_where_it_is_asked_for(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    shoppers = [(await a_held_purchase(merchant))[0] for _ in range(3)]
    [first, *others] = [await case_of(shopper) for shopper in shoppers]
    address = f"{QUEUE}/{first.public_id}"
    page = await desk.get(address)
    for other in others:
        assert f'value="{other.public_id}"' in page.text
    all_of_them = " ".join(other.public_id for other in others)
    assert 'name="also_all"' in page.text
    await desk.post(address, data={"say": "declined:repeated", "also_all": all_of_them})
    assert [(await shopper.flow()).state for shopper in shoppers] == ["declined"] * 3
    told = await desk.post(f"{QUEUE}/{others[0].public_id}", data={"say": "declined:repeated"})
    assert told.status_code == 409


async def test_an_order_like_it_that_could_not_be_answered_is_told(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, case = await a_held_purchase(merchant)
    answer = await desk.post(
        f"{QUEUE}/{case.public_id}", data={"say": "declined:repeated", "also[]": "case_gone", "next": "1"}
    )
    assert "were not answered" in (await desk.get(answer.headers["location"])).text


async def test_an_order_leads_to_what_a_person_was_asked_about_it_also_when_nobody_came_in_time(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, case = await a_held_purchase(merchant)
    case_link = f'href="{QUEUE}/{case.public_id}"'
    assert await expire_due(case.due_at) == 1
    assert case_link in (await desk.get(f"/admin/orders/{case.order_public_id}")).text
    lately = (await desk.get(QUEUE)).text.partition("Answered lately")[2]
    assert case_link in lately
    assert "Not answered in time" in lately
