"""What was sent to a buyer about a purchase: read from the jobs that sent it, which hold no personal data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.orders.queries import DeliveryView, deliveries_about

Channel = Literal["email", "sms", "letter"]
What = Literal[
    "receipt",
    "invoice",
    "agreement",
    "reminder",
    "withdrawal",
    "link",
    "insurance",
    "refund",
    "return",
    "other",
]

# What a job notes when a door has taken its message.
_TAKEN: Final[dict[str, Channel]] = {
    "handed to the mail server": "email",
    "handed to the SMS gateway": "sms",
    "handed to the printer": "letter",
}
_BY_KIND: Final[dict[str, What]] = {
    "letter": "invoice",
    "reminder": "reminder",
    "withdrawal_reminder": "withdrawal",
    "link_send": "link",
    "insurance_mail": "insurance",
    "refund_mail": "refund",
    "return_mail": "return",
}
_BY_TEMPLATE: Final[dict[str, What]] = {
    "receipt": "receipt",
    "invoice": "invoice",
    "agreement": "agreement",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that left. `document` is the public id of the invoice that it is about, if it is about one."""

    at: datetime
    what: What
    channel: Channel
    document: str | None


async def sent_about(merchant_id: UUID, order_public_id: str) -> tuple[Sent, ...]:
    """Every message about an order that a door has taken, the newest first. One statement."""
    jobs = await deliveries_about(merchant_id, order_public_id)
    found = [sent for job in jobs if (sent := _sent(job)) is not None]
    return tuple(sorted(found, key=lambda sent: sent.at, reverse=True))


def _sent(job: DeliveryView) -> Sent | None:
    last = next((each for each in job.tries if each.outcome == "done" and each.detail in _TAKEN), None)
    if last is None:
        return None
    template = str(job.payload.get("template", ""))
    what = _BY_TEMPLATE.get(template, "other") if job.kind == "mail" else _BY_KIND.get(job.kind, "other")
    document = job.payload.get("invoice") if job.kind == "reminder" else job.payload.get("about")
    about = str(document) if what in {"invoice", "reminder"} and document else None
    return Sent(last.ended_at, what, _TAKEN[last.detail], about)
