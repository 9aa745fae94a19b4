"""The queue of cases, one case with its facts, and the two answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from litestar.types import ASGIApp

from app.cases.queries import CaseView, waiting
from app.checkout import actions
from app.kernel import db
from app.merchants.queries import Merchant
from tests.factories.checkout import Shopper, a_known_person, a_merchant, a_session, approving
from tests.support import pages
from tests.web.admin.conftest import a_person, sign_in


async def a_case(merchant: Merchant, *, credit_ban: bool = False) -> tuple[Shopper, CaseView]:
    """The register gave no answer; or it told of a ban, and the shopper asked for a person."""
    await a_known_person()
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.type_code(await shopper.ask_code())
    flow = await shopper.flow()
    facts = approving(flow, credit_ban=credit_ban)
    if not credit_ban:
        facts = replace(facts, answer=None, register_failure="timeout")
    await actions.decide(flow, facts, lang="en")
    if credit_ban:
        await actions.ask_person(
            shopper.session, shopper.browser, "I lifted it <i>today</i>.", email=None, lang="en"
        )
    [case] = await waiting(merchant.id)
    return shopper, case


@pytest.fixture
async def reviewer(app: ASGIApp, merchant: Merchant) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of somebody who only reviews."""
    person = await a_person(merchant, "riku@havu.example", role="reviewer")
    async with pages.browser(app) as client:
        assert (await sign_in(client, person)).status_code == 303
        yield client


async def test_an_empty_queue_says_so(desk: httpx.AsyncClient) -> None:
    page = await desk.get("/admin/reviews")
    assert "No order waits for a person." in page.text


async def test_the_queue_tells_until_when_whom_and_how_much(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, case = await a_case(merchant)
    page = await desk.get("/admin/reviews")
    for words in (f"/admin/reviews/{case.public_id}", "SHOP-1001", "Aino Virta", "€129.00"):
        assert words in page.text


async def test_a_case_shows_what_the_rules_knew_and_no_national_number(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, case = await a_case(merchant)
    page = await desk.get(f"/admin/reviews/{case.public_id}")
    for words in (
        "It did not answer in time.",
        "May owe at most",
        "€2,000.00",
        "Invoice",
        "Approve",
        "Decline",
    ):
        assert words in page.text
    assert "010590-903L" not in page.text


async def test_approve_lets_the_shopper_confirm_and_is_written_down(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    shopper, case = await a_case(merchant)
    address = f"/admin/reviews/{case.public_id}"
    answer = await desk.post(address, data={"answer": "approve", "note": "Pay slips seen"})
    assert answer.headers["location"] == address
    page = await desk.get(address)
    assert "Pay slips seen" in page.text
    assert "Omena Owner" in page.text
    assert 'value="approve"' not in page.text
    assert (await shopper.confirm()).order_state == "paid"
    line = await db.fetch_one("SELECT actor, subject FROM audit_log WHERE action = 'case.approved'")
    assert line is not None
    assert line["actor"].startswith("staff:")
    assert line["subject"] == case.public_id


async def test_a_decline_without_a_word_is_asked_for_one_and_keeps_the_case(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    _, case = await a_case(merchant)
    answer = await desk.post(f"/admin/reviews/{case.public_id}", data={"answer": "decline", "note": " "})
    assert answer.status_code == 422
    assert "Say in a few words why you decline." in answer.text
    assert len(await waiting(merchant.id)) == 1


async def test_a_reviewer_declines_and_the_purchase_is_over(
    reviewer: httpx.AsyncClient, merchant: Merchant
) -> None:
    shopper, case = await a_case(merchant)
    await reviewer.post(f"/admin/reviews/{case.public_id}", data={"answer": "decline", "note": "No papers"})
    assert (await shopper.flow()).state == "declined"


async def test_the_second_of_two_is_told_and_keeps_what_was_typed(
    desk: httpx.AsyncClient, reviewer: httpx.AsyncClient, merchant: Merchant
) -> None:
    shopper, case = await a_case(merchant)
    address = f"/admin/reviews/{case.public_id}"
    await desk.post(address, data={"answer": "approve"})
    second = await reviewer.post(address, data={"answer": "decline", "note": "No papers"})
    assert second.status_code == 409
    assert "Your answer was not taken" in second.text
    assert (await shopper.flow()).state == "open"


async def test_a_ban_offers_no_approval_and_takes_none(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    _, case = await a_case(merchant, credit_ban=True)
    address = f"/admin/reviews/{case.public_id}"
    page = await desk.get(address)
    assert "I lifted it &lt;i&gt;today&lt;/i&gt;." in page.text
    assert 'value="approve"' not in page.text
    forced = await desk.post(address, data={"answer": "approve"})
    assert forced.status_code == 409
    assert len(await waiting(merchant.id)) == 1


@pytest.mark.parametrize("public_id", ["case_00000000000000000000000000", "x", "case_x"])
async def test_unknown_cases_are_not_found(desk: httpx.AsyncClient, public_id: str) -> None:
    assert (await desk.get(f"/admin/reviews/{public_id}")).status_code == 404
    posted = await desk.post(f"/admin/reviews/{public_id}", data={"answer": "approve"})
    assert posted.status_code == 404


async def test_another_shops_case_is_not_found(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    _, case = await a_case(await a_merchant("Another shop"))
    assert (await desk.get(f"/admin/reviews/{case.public_id}")).status_code == 404


@pytest.mark.parametrize("role", ["cashier", "support"])
async def test_other_roles_do_not_see_the_queue(app: ASGIApp, merchant: Merchant, role: str) -> None:
    person = await a_person(merchant, f"{role}@havu.example", role=role)
    async with pages.browser(app) as client:
        await sign_in(client, person)
        assert (await client.get("/admin/reviews")).status_code == 403
