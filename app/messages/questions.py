"""Whoever waits is told that a question waits for them: by SMS to the phone that was used, else by e-mail.

The text holds neither question nor answer: those stand on the page that it leads to, which knows the shopper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.cases.queries import case_by_public_id
from app.cases.questions import questions_of
from app.cases.states import CaseState
from app.kernel import outbox
from app.kernel.jobs import Done, Event, Outcome
from app.kernel.outbox import Job
from app.merchants.queries import merchant_by_id
from app.messages.waiting import Doors, Telling, tell

JOB_KIND: Final = "question"


@dataclass(frozen=True, slots=True)
class Words:
    """What the templates show. `due_at` is until when an answer helps."""

    shop: str
    url: str
    due_at: datetime
    zone: str
    contact_email: str


async def send_question(event: Event) -> None:
    """Something was asked: its message goes out once, however often this is asked."""
    question_id = str(event.data["question_id"])
    payload = {"case": str(event.data["case_id"]), "question": question_id}
    await outbox.put(event.merchant_id, JOB_KIND, payload, key=f"question:{question_id}", about=event.about)


async def deliver(job: Job, doors: Doors) -> Outcome:
    """One try to tell that a question waits; one that is answered meanwhile, or asked in vain, is not told of."""
    case = await case_by_public_id(job.merchant_id, str(job.payload["case"]))
    merchant = await merchant_by_id(job.merchant_id)
    if case is None or merchant is None or case.state is not CaseState.OPEN:
        return Done("nobody waits for this answer")
    question_id = str(job.payload["question"])
    asked = [each for each in await questions_of(case.merchant_id, case.id) if each.public_id == question_id]
    if not asked or asked[0].answered_at is not None:
        return Done("it is answered already")
    words = Words(
        shop=merchant.name,
        url=f"{doors.base_url}/pay/{case.session_public_id}/outcome",
        due_at=case.due_at,
        zone=merchant.time_zone,
        contact_email=merchant.contact_email,
    )
    return await tell(job, case, merchant, Telling("question", question_id, words), doors)
