"""The verbs of messages: a mail is put on the outbox where its reason is written, and sent by the worker.

A job holds ids and no personal data: what the mail says and to whom it goes is read when it is sent.
"""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from app.kernel import outbox
from app.kernel.jobs import Event

JOB_KIND: Final = "mail"

MailTemplate = Literal["receipt"]


async def queue_mail(merchant_id: UUID, template: MailTemplate, *, about: str, key: str) -> None:
    """Put a mail about a thing (its public id), inside the caller's transaction. The same key is queued once."""
    payload = {"template": template, "about": about}
    await outbox.put(merchant_id, JOB_KIND, payload, key=key, about=about)


async def send_receipt(event: Event) -> None:
    """An order was paid: its receipt goes out once, however often this is asked."""
    order_id = str(event.data["order_id"])
    await queue_mail(event.merchant_id, "receipt", about=order_id, key=f"mail:receipt:{order_id}")
