"""How whoever waits for a person is told something: by SMS to the phone that was used, else by e-mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.cases.queries import CaseView
from app.kernel import templating
from app.kernel.jobs import Done, GiveUp, Outcome, again_or_give_up
from app.kernel.outbox import Job
from app.merchants.queries import Merchant
from app.messages.delivery import hand_over
from app.messages.ports import Mail, MailDoor, NotTaken, Sms, SmsDoor

SMS_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Doors:
    sms: SmsDoor
    mail: MailDoor
    base_url: str


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told: the templates `sms/{kind}.txt` and `mail/{kind}/` with `words`; `about` names it for good."""

    kind: str
    about: str
    words: object


async def tell(job: Job, case: CaseView, merchant: Merchant, telling: Telling, doors: Doors) -> Outcome:
    """One try to tell the shopper of a case."""
    if case.phone is not None:
        return await _by_sms(job, case, case.phone, telling, doors.sms)
    if case.email is not None:
        return await hand_over(job, _mail(case, case.email, merchant, telling), doors.mail)
    return Done("there is nowhere to send it to: the page itself tells")


async def _by_sms(job: Job, case: CaseView, phone: str, telling: Telling, door: SmsDoor) -> Outcome:
    text = templating.render_text(f"sms/{telling.kind}.txt", case.lang, words=telling.words)
    try:
        await door.send(Sms(phone, text.strip(), case.merchant_id), SMS_TIMEOUT_S)
    except NotTaken as refused:
        # Nobody is told one thing twice: what may have left is not sent again.
        if refused.certain:
            return again_or_give_up(job, refused.reason)
        return GiveUp(f"nobody knows whether it left: {refused.reason}")
    return Done("handed to the SMS gateway")


def _mail(case: CaseView, to: str, merchant: Merchant, telling: Telling) -> Mail:
    def rendered(part: str) -> str:
        return templating.render_text(f"mail/{telling.kind}/{part}", case.lang, words=telling.words)

    return Mail(
        to=to,
        subject=" ".join(rendered("subject.txt").split()),
        text=rendered("body.txt"),
        html=rendered("body.html"),
        reply_to=merchant.contact_email,
        from_name=merchant.name,
        message_id=f"{telling.kind}.{telling.about}",
        merchant_id=merchant.id,
    )
