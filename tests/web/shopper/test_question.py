"""A question to the shopper who waits: told by message, answered on the page, once, and by nobody else."""

from __future__ import annotations

from datetime import timedelta

import httpx

from app.cases.actions import forget_questions
from app.cases.actions.ending import QUESTIONS_KEPT
from app.checkout.actions.answering import Decision, Desk, decide_case
from app.checkout.actions.questioning import ask_shopper
from app.kernel import clock, db, outbox
from app.kernel.jobs import Done, Outcome
from app.merchants.queries import Merchant
from app.messages import answers, questions
from app.reactions import react
from tests.factories.checkout import PHONE, a_merchant
from tests.web.shopper.test_held_purchase import Doorsteps, case_of, confirmed

QUESTION = "Do you live at <b>Satamakuja</b>?"


async def asked(merchant: Merchant, session: str) -> str:
    """The question's public id."""
    case = await case_of(merchant, session)
    desk = Desk("stf_1", clock.wall(), await clock.business_now())
    await ask_shopper(merchant, case.public_id, QUESTION, desk)
    return str(await db.fetch_value("SELECT public_id FROM case_questions"))


async def delivered() -> tuple[Doorsteps, list[Outcome]]:
    """What reached the shopper of the question that waits."""
    arrived = Doorsteps()
    places = answers.Doors(arrived, arrived, "http://localhost:8000")
    ends = []
    for _ in range(2):
        for job in await outbox.claim(50, 0, now=await clock.business_now()):
            if job.kind == questions.JOB_KIND:
                ends.append(await questions.deliver(job, places))
            elif job.kind == outbox.EVENT_KIND:
                await react(job)
    return arrived, ends


async def test_the_question_stands_on_the_page_that_waits_and_the_answer_reaches_the_case(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant)
    question = await asked(merchant, session)
    page = await client.get(f"/pay/{session}/outcome")
    assert "Do you live at &lt;b&gt;Satamakuja&lt;/b&gt;?" in page.text
    assert 'data-page="outcome-held-asked"' in page.text
    typed = {"question": question, "answer": "Since  2019"}
    await client.post(f"/pay/{session}/answer-question", data=typed)
    again = await client.post(f"/pay/{session}/answer-question", data={**typed, "answer": "No"})
    assert again.status_code < 400
    assert await db.fetch_value("SELECT answer FROM case_questions") == "Since  2019"
    page = await client.get(f"/pay/{session}/outcome")
    assert "Your answer was sent" in page.text
    assert 'data-page="outcome-held"' in page.text


async def test_an_empty_answer_is_asked_for_again_and_a_long_one_is_kept(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant)
    question = await asked(merchant, session)
    for answer, words in ((" ", "Write your answer."), ("word " * 500, "This text is too long.")):
        page = await client.post(
            f"/pay/{session}/answer-question", data={"question": question, "answer": answer}
        )
        assert page.status_code == 422
        assert words in page.text
        assert answer.strip() in page.text
    assert await db.fetch_value("SELECT answered_at FROM case_questions") is None


async def test_another_browser_neither_reads_nor_answers(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant)
    question = await asked(merchant, session)
    client.cookies.clear()
    assert "Satamakuja" not in (await client.get(f"/pay/{session}/outcome")).text
    await client.post(f"/pay/{session}/answer-question", data={"question": question, "answer": "Yes"})
    assert await db.fetch_value("SELECT answered_at FROM case_questions") is None


async def test_once_it_is_decided_no_answer_is_taken(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant)
    question = await asked(merchant, session)
    case = await case_of(merchant, session)
    now = await clock.business_now()
    await decide_case(
        merchant,
        case.public_id,
        Decision("declined", "not_reached"),
        Desk("stf_1", clock.wall(), now, timedelta()),
    )
    answer = await client.post(
        f"/pay/{session}/answer-question", data={"question": question, "answer": "Too late"}
    )
    assert answer.status_code < 400
    assert await db.fetch_value("SELECT answered_at FROM case_questions") is None


async def test_a_message_tells_that_a_question_waits_and_not_which(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant)
    await asked(merchant, session)
    arrived, ends = await delivered()
    assert ends == [Done("handed to the SMS gateway")]
    [sms] = arrived.sms
    assert sms.to == PHONE
    assert f"/pay/{session}/outcome" in sms.text
    assert "Satamakuja" not in sms.text


async def test_what_was_asked_and_said_is_forgotten(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    session = await confirmed(client, merchant)
    await asked(merchant, session)
    later = await clock.business_now() + QUESTIONS_KEPT
    assert await db.in_tx(lambda: forget_questions(later - timedelta(minutes=5), 10)) == 0
    assert await db.in_tx(lambda: forget_questions(later + timedelta(minutes=5), 10)) == 1
    assert await db.fetch_value("SELECT question FROM case_questions") is None
