"""One try to remind somebody of an unpaid invoice. Whether it is still unpaid is asked right before it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.invoices.states import InvoiceState
from app.kernel import templating
from app.kernel.jobs import Done, GiveUp, Outcome, again_or_give_up
from app.kernel.outbox import Job
from app.messages.delivery import hand_over
from app.messages.invoice import Addressed, addressed, letter_of, reminder_content, reminder_mail, words_of
from app.messages.letters import post
from app.messages.ports import LetterDoor, MailDoor, NotTaken, Sms, SmsDoor

SMS_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Doors:
    """A reminder leaves through one of these."""

    sms: SmsDoor
    mail: MailDoor
    letters: LetterDoor


async def remind(job: Job, doors: Doors) -> Outcome:
    """Send the reminder, unless the invoice was paid or taken back since it was decided."""
    found = await addressed(job.merchant_id, str(job.payload["invoice"]))
    if found is None or found.invoice.state is not InvoiceState.OVERDUE:
        return Done("nothing is overdue any more")
    step = _step(job)
    channel = job.payload["channel"]
    if channel == "sms" and found.contact.phone is not None:
        return await _by_sms(job, found, found.contact.phone, doors.sms)
    if channel == "letter":
        content = reminder_content(found)
        letter = await letter_of(found, content, f"{found.invoice.public_id}.{step}")
        if letter is not None:
            return await post(job, letter, doors.letters)
    mail = await reminder_mail(found, step)
    return Done("there is nowhere to send it to") if mail is None else await hand_over(job, mail, doors.mail)


async def _by_sms(job: Job, found: Addressed, phone: str, door: SmsDoor) -> Outcome:
    content = reminder_content(found)
    text = templating.render_text("sms/reminder.txt", found.invoice.lang, words=words_of(found, content))
    try:
        await door.send(Sms(phone, text.strip(), found.merchant.id), SMS_TIMEOUT_S)
    except NotTaken as refused:
        # Nobody is reminded twice of one thing: what may have left is not sent again.
        if refused.certain:
            return again_or_give_up(job, refused.reason)
        return GiveUp(f"nobody knows whether it left: {refused.reason}")
    return Done("handed to the SMS gateway")


def _step(job: Job) -> int:
    step = job.payload["step"]
    assert isinstance(step, int)
    return step
