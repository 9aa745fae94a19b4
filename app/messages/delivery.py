"""One try to send one mail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, TypeAlias
from uuid import UUID

from app.kernel.jobs import Done, GiveUp, Outcome, again_or_give_up
from app.kernel.outbox import Job
from app.messages.agreement import agreement_mail
from app.messages.invoice import invoice_mail
from app.messages.ports import Mail, MailDoor, NeverTaken, NotTaken
from app.messages.receipt import receipt_mail

SEND_TIMEOUT_S: Final = 10.0

_Writer: TypeAlias = Callable[[UUID, str], Awaitable[Mail | None]]


def _writers(base_url: str) -> Mapping[str, _Writer]:
    """Each writes its mail from the public id that the job speaks of; None when there is nobody to send it to."""
    return {
        "receipt": partial(receipt_mail, base_url=base_url),
        "invoice": invoice_mail,
        "agreement": agreement_mail,
    }


async def deliver(job: Job, door: MailDoor, base_url: str = "") -> Outcome:
    """Write the mail from what is true now, and hand it over. A repeat after a crash carries the same Message-ID.

    `base_url` is our own address, for links; without one a mail has none.
    """
    template = str(job.payload["template"])
    writer = _writers(base_url).get(template)
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
