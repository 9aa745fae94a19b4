"""Whoever waits is told that a question waits for them: by SMS to the phone that was used, else by e-mail.

The text holds neither question nor answer: those stand on the page that it leads to, which knows the shopper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.cases.queries import CaseView, case_by_public_id
from app.cases.questions import questions_of
from app.cases.states import CaseState
from app.kernel import outbox, templating
from app.kernel.jobs import Done, Event, GiveUp, Outcome, again_or_give_up
from app.kernel.outbox import Job
from app.merchants.queries import Merchant, merchant_by_id
from app.messages.answers import SMS_TIMEOUT_S, Doors
from app.messages.delivery import hand_over
from app.messages.ports import Mail, NotTaken, Sms, SmsDoor

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
    if case.phone is not None:
        return await _by_sms(job, case, case.phone, words, doors.sms)
    if case.email is not None:
        return await hand_over(job, _mail(case, question_id, words, case.email, merchant), doors.mail)
    return Done("there is nowhere to send it to: the page itself asks")


async def _by_sms(job: Job, case: CaseView, phone: str, words: Words, door: SmsDoor) -> Outcome:
    text = templating.render_text("sms/question.txt", case.lang, words=words)
    try:
        await door.send(Sms(phone, text.strip(), case.merchant_id), SMS_TIMEOUT_S)
    except NotTaken as refused:
        # Nobody is told one thing twice: what may have left is not sent again.
        if refused.certain:
            return again_or_give_up(job, refused.reason)
        return GiveUp(f"nobody knows whether it left: {refused.reason}")
    return Done("handed to the SMS gateway")


def _mail(case: CaseView, question_id: str, words: Words, to: str, merchant: Merchant) -> Mail:
    def rendered(part: str) -> str:
        return templating.render_text(f"mail/question/{part}", case.lang, words=words)

    return Mail(
        to=to,
        subject=" ".join(rendered("subject.txt").split()),
        text=rendered("body.txt"),
        html=rendered("body.html"),
        reply_to=merchant.contact_email,
        from_name=merchant.name,
        message_id=f"question.{question_id}",
        merchant_id=merchant.id,
    )
