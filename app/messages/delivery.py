"""One try to send one mail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from uuid import UUID

from app.kernel.jobs import Done, GiveUp, Outcome, again_or_give_up
from app.kernel.outbox import Job
from app.messages.agreement import agreement_mail
from app.messages.invoice import invoice_mail
from app.messages.ports import Mail, MailDoor, NeverTaken, NotTaken
from app.messages.receipt import receipt_mail

SEND_TIMEOUT_S: Final = 10.0

# Each writes its mail from the public id that the job speaks of; None when there is nobody to send it to any more.
_WRITERS: Final[Mapping[str, Callable[[UUID, str], Awaitable[Mail | None]]]] = {
    "receipt": receipt_mail,
    "invoice": invoice_mail,
    "agreement": agreement_mail,
}


async def deliver(job: Job, door: MailDoor) -> Outcome:
    """Write the mail from what is true now, and hand it over. A repeat after a crash carries the same Message-ID."""
    template = str(job.payload["template"])
    writer = _WRITERS.get(template)
    if writer is None:
        return GiveUp(f"no mail is called {template}")
    mail = await writer(job.merchant_id, str(job.payload["about"]))
    if mail is None:
        return Done("there is no e-mail address to send it to")
    return await hand_over(job, mail, door)


async def hand_over(job: Job, mail: Mail, door: MailDoor) -> Outcome:
    """Give a finished mail to the mail server."""
    try:
        await door.send(mail, SEND_TIMEOUT_S)
    except NeverTaken as refused:
        return GiveUp(refused.reason)
    except NotTaken as refused:
        return again_or_give_up(job, refused.reason)
    return Done("handed to the mail server")
