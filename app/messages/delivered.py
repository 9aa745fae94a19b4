"""What the far end tells of a mail after it was handed over: that it has come, or that it never will.

A mail server tells it by a mail of its own, a delivery status notification (RFC 3464), to the address that mails leave
from. Whatever receives mail there hands it to `kolme mail-report`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import Message
from types import MappingProxyType
from typing import Final, Literal
from uuid import UUID

from app.kernel import db, outbox
from app.kernel.jobs import Done, EndedAlready, Outcome, TryAgain, business_now
from app.kernel.outbox import Job
from app.links.sending import SEND_MESSAGE, send_by_id, settle, shop_of_send

REPORT_JOB: Final = "mail_report"
_ORIGINALS: Final = frozenset({"message/rfc822", "text/rfc822-headers"})
LOOK_AGAIN: Final = timedelta(seconds=1)

Reported = Literal["delivered", "bounced"]


# What an action of RFC 3464 means for us. Others (delayed, relayed, expanded) end nothing.
_OUTCOMES: Final[Mapping[str, Reported]] = MappingProxyType({"failed": "bounced", "delivered": "delivered"})


def read_report(raw: bytes) -> tuple[str, Reported] | None:
    """The id of the mail that a notification speaks of, and what became of it; None for any other mail.

    Nothing in it is believed but that it knows the id, which only the mail itself carried.
    """
    report = message_from_bytes(raw, policy=policy.default)
    outcomes = [_OUTCOMES[action] for action in _actions(report) if action in _OUTCOMES]
    message_id = _original_id(report)
    # We write to one recipient. Where a list stands behind the address, one failure is what a person should see.
    return None if message_id is None or not outcomes else (message_id, min(outcomes))


async def take_returned_mail(raw: bytes) -> Reported | None:
    """Note what a mail that came back says; None when it says nothing of anything we sent. One transaction."""
    read = read_report(raw)
    if read is None:
        return None
    message_id, outcome = read
    send_id = _send_id(message_id)
    shop = None if send_id is None else await shop_of_send(send_id)
    if shop is None:
        return None
    await db.in_tx(lambda: queue_report(shop, message_id, outcome))
    return outcome


def _actions(report: Message) -> Iterator[str]:
    """The action of each recipient's part of a notification."""
    for part in report.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        fields = part.get_payload()
        # The first group of fields is about the message, each further one about a recipient.
        for group in fields[1:] if isinstance(fields, list) else ():
            if isinstance(group, Message):
                yield str(group.get("Action", "")).strip().lower()


def _original_id(report: Message) -> str | None:
    """What the mail called itself, without the host, from the part that gives it or its header back."""
    for part in report.walk():
        if part is report or part.get_content_type() not in _ORIGINALS:
            continue
        original = part.get_payload(0) if part.get_content_type() == "message/rfc822" else _headers_of(part)
        if isinstance(original, Message):
            found = str(original.get("Message-ID", "")).strip().strip("<>").rpartition("@")[0]
            return found or None
    return None


def _headers_of(part: Message) -> Message | None:
    body = part.get_payload(decode=True)
    return message_from_bytes(body, policy=policy.default) if isinstance(body, bytes) else None


def _send_id(message_id: str) -> UUID | None:
    try:
        return UUID(message_id.removeprefix(SEND_MESSAGE)) if message_id.startswith(SEND_MESSAGE) else None
    except ValueError:
        return None


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
