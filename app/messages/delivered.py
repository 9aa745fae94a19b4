"""What the far end tells of a mail after it was handed over: that it has come, or that it never will."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from app.kernel import db, outbox
from app.kernel.jobs import Done, EndedAlready, Outcome, TryAgain, business_now
from app.kernel.outbox import Job
from app.links.sending import SEND_MESSAGE, send_by_id, settle

REPORT_JOB: Final = "mail_report"
LOOK_AGAIN: Final = timedelta(seconds=1)

Reported = Literal["delivered", "bounced"]


async def queue_report(merchant_id: UUID, message_id: str, outcome: Reported) -> None:
    """Note what became of a mail, inside the caller's transaction. Of mails that nobody follows nothing is kept."""
    if not message_id.startswith(SEND_MESSAGE):
        return
    payload = {"send": message_id.removeprefix(SEND_MESSAGE), "outcome": outcome}
    key = f"{REPORT_JOB}:{message_id}:{outcome}"
    await outbox.put(merchant_id, REPORT_JOB, payload, key=key)


async def take_report(job: Job) -> Outcome:
    """Write down what a report says of the link that was sent."""
    send_id, now = UUID(str(job.payload["send"])), business_now(job)
    send = await send_by_id(job.merchant_id, send_id)
    if send is None:
        return Done("nothing of the kind was sent")
    if send.state == "queued":
        # The report was faster than the worker that handed the mail over.
        return TryAgain("the mail is still being handed over", now + LOOK_AGAIN)
    outcome: Reported = "bounced" if job.payload["outcome"] == "bounced" else "delivered"
    reason = "returned" if outcome == "bounced" else None

    async def write() -> None:
        await settle(job.merchant_id, send_id, outcome, now=now, reason=reason)
        await outbox.succeed(job, outcome)

    await db.in_tx(write)
    return EndedAlready()
