"""A refusal that helps, a wait that tells, and the explanation of a decision, as the shopper's browser gets them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.cases.queries import waiting
from app.checkout.actions import Answer, answer_case, expire_due
from app.credit.ports import RegisterAnswer
from app.kernel import clock, db, outbox
from app.merchants.queries import Merchant
from app.messages import answers
from app.messages.ports import Mail, Sms
from app.outside.register import SandboxRegister
from app.reactions import react
from tests.factories.checkout import PHONE, POSTCODE, a_line, a_merchant, a_session
from tests.web.shopper.test_flow import HTMX, a_known_register_entry, the_code

NATIONAL_NUMBER = "010590-903L"


async def the_register_says(**figures: object) -> None:
    await a_known_register_entry()
    await db.in_tx(
        lambda: db.execute("UPDATE sandbox_shoppers SET register = register || $1::jsonb", figures)
    )


async def through_step_two(client: httpx.AsyncClient, session: str, **chosen: str) -> httpx.Response:
    """Chooses a plan, types the code, and lands where the check leads."""
    plan = chosen or {"method": "invoice", "delivery": "email"}
    await client.post(f"/pay/{session}", data=plan)
    await client.post(f"/pay/{session}/code", data={"phone": PHONE, "postcode": POSTCODE})
    landed = await client.post(f"/pay/{session}/identify", data={"code": await the_code()})
    return await client.get(landed.headers["location"])


async def a_refusal(
    client: httpx.AsyncClient, income_minor_month: int = 100_000
) -> tuple[Merchant, str, httpx.Response]:
    """Of an income that leaves a hundred a month: too little for an invoice, enough for half a year."""
    await the_register_says(income_minor_month=income_minor_month)
    merchant = await a_merchant()
    session = await a_session(merchant, a_line(price="449.00"))
    return merchant, session, await through_step_two(client, session)


async def a_wait(client: httpx.AsyncClient) -> tuple[Merchant, str, httpx.Response]:
    await the_register_says(closed=True)
    merchant = await a_merchant()
    session = await a_session(merchant)
    return merchant, session, await through_step_two(client, session)


async def test_a_refusal_says_why_who_was_asked_what_would_pass_and_who_helps(
    client: httpx.AsyncClient,
) -> None:
    _, session, page = await a_refusal(client)
    assert "This plan is not possible right now" in page.text
    assert "too little would be left for you each month" in page.text
    assert "Positiivinen luottotietorekisteri" in page.text
    assert "velkaneuvonta" in page.text
    assert "Ask a person" in page.text
    choices = re.findall(rf'href="(/pay/{session}\?method=instalments&amp;months=\d+)"', page.text)
    assert len(choices) == 3


async def test_one_tap_on_what_would_pass_leads_to_step_one_with_that_plan_and_it_does_pass(
    client: httpx.AsyncClient,
) -> None:
    _, session, page = await a_refusal(client)
    choice = re.search(rf'href="(/pay/{session}\?method=instalments&amp;months=(\d+))"', page.text)
    assert choice is not None
    step_one = await client.get(choice[1].replace("&amp;", "&"))
    assert re.search(rf'<option value="{choice[2]}" selected>', step_one.text)
    chosen = {"method": "instalments", "months": choice[2], "shown_months": choice[2]}
    landed = await client.post(f"/pay/{session}", data=chosen)
    assert landed.headers["location"] == f"/pay/{session}/confirm"


async def test_where_no_plan_fits_the_largest_sum_is_told(client: httpx.AsyncClient) -> None:
    await the_register_says(income_minor_month=91_500)
    session = await a_session(await a_merchant())
    page = await through_step_two(client, session)
    assert "A purchase of up to €45.00 would pass today" in page.text
    assert "method=instalments" not in page.text


async def test_a_ban_is_named_and_nothing_is_promised(client: httpx.AsyncClient) -> None:
    await the_register_says(credit_ban=True)
    session = await a_session(await a_merchant())
    page = await through_step_two(client, session)
    assert "You have asked for a ban on credit" in page.text
    assert "What would be possible" not in page.text


async def test_another_browser_learns_nothing_of_a_refusal(client: httpx.AsyncClient) -> None:
    _, session, _ = await a_refusal(client)
    client.cookies.clear()
    for path in ("/outcome", "/decision", "/decision?download=1"):
        answer = await client.get(f"/pay/{session}{path}")
        assert answer.status_code == 303, path
        assert answer.headers["location"] == f"/pay/{session}/identify"


async def test_the_third_decision_is_the_last_and_says_so(client: httpx.AsyncClient) -> None:
    _, session, _ = await a_refusal(client, income_minor_month=93_000)
    for months in ("3", "4"):
        await client.post(f"/pay/{session}", data={"method": "instalments", "months": months})
    await client.post(f"/pay/{session}", data={"method": "instalments", "months": "5"})
    page = await client.get(f"/pay/{session}/outcome")
    assert "This purchase was checked three times already." in page.text
    assert "What would be possible" not in page.text
    assert "Ask a person" in page.text


async def test_the_register_is_asked_nothing_once_no_decision_is_left(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    look_up = SandboxRegister.look_up

    async def counted(self: SandboxRegister, number: str, now: datetime) -> RegisterAnswer:
        nonlocal asked
        asked += 1
        return await look_up(self, number, now)

    monkeypatch.setattr(SandboxRegister, "look_up", counted)
    _, session, _ = await a_refusal(client, income_minor_month=93_000)
    for months in ("3", "4", "5", "3"):
        await client.post(f"/pay/{session}", data={"method": "instalments", "months": months})
    assert asked == 3


async def test_what_the_shopper_says_reaches_a_person_and_is_shown_again(client: httpx.AsyncClient) -> None:
    merchant, session, _ = await a_refusal(client)
    said = "I begin a new job <b>soon</b>.\nReally."
    answer = await client.post(f"/pay/{session}/ask", data={"statement": said}, headers=HTMX)
    assert answer.status_code == 200
    assert "A person is checking your order" in answer.text
    assert "I begin a new job &lt;b&gt;soon&lt;/b&gt;.\nReally." in answer.text
    [case] = await waiting(merchant.id)
    assert (case.statement, case.asked_by) == (said, "shopper")


async def test_a_person_is_asked_three_times_in_a_session_at_most(client: httpx.AsyncClient) -> None:
    merchant, session, _ = await a_refusal(client)
    for _ in range(3):
        await client.post(f"/pay/{session}/ask", data={"statement": "Please."})
        assert len(await waiting(merchant.id)) == 1
        await client.post(f"/pay/{session}/another-plan")
    page = await client.get(f"/pay/{session}/outcome")
    assert "This plan is not possible right now" in page.text
    assert "Ask a person" not in page.text
    answer = await client.post(f"/pay/{session}/ask", data={"statement": "Please."})
    assert answer.headers["location"] == f"/pay/{session}/outcome"
    assert await waiting(merchant.id) == ()


async def test_a_statement_that_is_too_long_stays_typed(client: httpx.AsyncClient) -> None:
    merchant, session, _ = await a_refusal(client)
    answer = await client.post(f"/pay/{session}/ask", data={"statement": "x" * 2001})
    assert answer.status_code == 422
    assert "x" * 2001 in answer.text
    assert "This is too long." in answer.text
    assert await waiting(merchant.id) == ()


async def test_a_register_that_is_down_is_no_dead_end(client: httpx.AsyncClient) -> None:
    _, session, page = await a_wait(client)
    assert "A person is checking your order" in page.text
    assert "Nothing is charged, and your basket is kept." in page.text
    assert "You have an answer by" in page.text
    assert "+358" in page.text
    assert PHONE not in page.text
    for path in ("", "/identify", "/confirm"):
        answer = await client.get(f"/pay/{session}{path}")
        assert answer.headers["location"] == f"/pay/{session}/outcome"
    answer = await client.post(f"/pay/{session}/another-plan", data={})
    assert answer.headers["location"] == f"/pay/{session}"
    assert "How do you want to pay?" in (await client.get(f"/pay/{session}")).text


async def test_a_wait_that_was_left_for_another_plan_is_no_reason_for_what_runs_out_later(
    client: httpx.AsyncClient,
) -> None:
    _, session, _ = await a_wait(client)
    await client.post(f"/pay/{session}/another-plan", data={})
    assert await expire_due(clock.wall() + timedelta(days=8)) == 1
    page = (await client.get(f"/pay/{session}/outcome")).text
    assert "This page has expired" in page
    assert "Nobody could check" not in page


async def test_after_the_approval_the_waiting_page_leads_to_confirm(client: httpx.AsyncClient) -> None:
    merchant, session, _ = await a_wait(client)
    [case] = await waiting(merchant.id)
    now = await clock.business_now()
    await answer_case(merchant, case.public_id, Answer("approved", "stf_1", None), now)
    answer = await client.get(f"/pay/{session}/outcome")
    assert answer.headers["location"] == f"/pay/{session}/confirm"


async def test_after_a_decline_the_page_says_why_and_who_helps(client: httpx.AsyncClient) -> None:
    merchant, session, _ = await a_wait(client)
    [case] = await waiting(merchant.id)
    now = await clock.business_now()
    await answer_case(merchant, case.public_id, Answer("declined", "stf_1", "a secret note"), now)
    page = await client.get(f"/pay/{session}/outcome")
    assert "The purchase was declined" in page.text
    assert "velkaneuvonta" in page.text
    assert "a secret note" not in page.text


async def test_the_explanation_tells_facts_rules_and_rights_and_no_national_number(
    client: httpx.AsyncClient,
) -> None:
    _, session, _ = await a_refusal(client)
    page = await client.get(f"/pay/{session}/decision")
    saved = await client.get(f"/pay/{session}/decision?download=1")
    for told in (page, saved):
        assert told.status_code == 200
        for words in ("€1,000.00", "€449.00", "Not passed.", "Rules 2026-11-4", "say how you see it"):
            assert words in told.text, words
        assert NATIONAL_NUMBER not in told.text
    assert saved.headers["content-type"].startswith("text/plain")
    assert "attachment" in saved.headers["content-disposition"]


async def test_the_facts_lie_sealed_in_the_database(client: httpx.AsyncClient) -> None:
    await a_refusal(client)
    sealed = await db.fetch_value("SELECT sealed FROM credit_facts")
    assert b"income" not in sealed
    assert NATIONAL_NUMBER.encode() not in sealed


class Remembering:
    """A door that keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[Sms | Mail] = []

    async def send(self, message: Sms | Mail, timeout_s: float) -> None:
        del timeout_s
        self.given.append(message)


async def the_answer(merchant: Merchant) -> list[Sms | Mail]:
    """What the worker sends once the events of the case have been reacted to."""
    sms, mail = Remembering(), Remembering()
    while jobs := await outbox.claim(8, 30, now=await clock.business_now()):
        for job in jobs:
            if job.kind == outbox.EVENT_KIND:
                await react(job)
            elif job.kind == answers.JOB_KIND:
                await answers.deliver(job, answers.Doors(sms, mail, "http://localhost:8000"))
                await outbox.succeed(job)
            else:
                await outbox.succeed(job)
    return [*sms.given, *mail.given]


@pytest.mark.parametrize(
    ("outcome", "words"), [("approved", "Confirm the purchase by"), ("declined", "could not approve")]
)
async def test_the_answer_goes_out_once_by_sms_with_the_way_back(
    client: httpx.AsyncClient, outcome: str, words: str
) -> None:
    merchant, session, _ = await a_wait(client)
    [case] = await waiting(merchant.id)
    answer = Answer("approved" if outcome == "approved" else "declined", "stf_1", "note")
    await answer_case(merchant, case.public_id, answer, await clock.business_now())
    [message] = await the_answer(merchant)
    assert isinstance(message, Sms)
    assert message.to == PHONE
    assert words in message.text
    assert message.text.endswith(f"/pay/{session}/outcome")
    assert "note" not in message.text


async def test_who_has_no_phone_gets_the_answer_by_mail_to_the_address_they_gave(
    client: httpx.AsyncClient,
) -> None:
    merchant, session, _ = await a_wait(client)
    await db.in_tx(lambda: db.execute("UPDATE cases SET phone = NULL, email = NULL"))
    page = await client.get(f"/pay/{session}/outcome")
    assert "Send the answer there" in page.text
    assert 'hx-trigger="every' not in page.text, "what is typed is not taken away"
    refused = await client.post(f"/pay/{session}/answer-to", data={"email": "nobody"})
    assert refused.status_code == 422
    assert 'value="nobody"' in refused.text
    await client.post(f"/pay/{session}/answer-to", data={"email": "aino@x.example"})
    [case] = await waiting(merchant.id)
    await answer_case(merchant, case.public_id, Answer("approved", "stf_1", None), await clock.business_now())
    [message] = await the_answer(merchant)
    assert isinstance(message, Mail)
    assert message.to == "aino@x.example"
    assert "Your plan at Havu & Kivi is approved" in message.subject


async def test_a_wait_in_finnish_tells_a_finnish_time(client: httpx.AsyncClient) -> None:
    _, session, _ = await a_wait(client)
    due_at = await db.fetch_value("SELECT due_at FROM cases")
    assert isinstance(due_at, datetime)
    page = await client.get(f"/pay/{session}/outcome?lang=fi")
    assert "Ihminen tarkistaa tilaustasi" in page.text
    assert f"{due_at.astimezone(UTC).day}." in page.text
