"""The verbs of messages: a mail is put on the outbox where its reason is written, and sent by the worker.

A job holds ids and no personal data: what the mail says and to whom it goes is read when it is sent.
"""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from app.invoices.queries import invoice_by_public_id
from app.kernel import outbox
from app.kernel.jobs import Event
from app.returns.queries import refund_of_note

JOB_KIND: Final = "mail"

LETTER_JOB: Final = "letter"

MailTemplate = Literal["receipt", "invoice"]


async def queue_mail(
    merchant_id: UUID, template: MailTemplate, *, about: str, key: str, order: str | None = None
) -> None:
    """Put a mail about a thing (its public id), inside the caller's transaction. The same key is queued once.

    `order` is the public id of the order on whose page the delivery is shown, where the thing is not the order itself.
    """
    payload = {"template": template, "about": about}
    await outbox.put(merchant_id, JOB_KIND, payload, key=key, about=order or about)


async def send_receipt(event: Event) -> None:
    """An order was paid: its receipt goes out once, however often this is asked."""
    order_id = str(event.data["order_id"])
    await queue_mail(event.merchant_id, "receipt", about=order_id, key=f"mail:receipt:{order_id}")


async def send_invoice(event: Event) -> None:
    """A document was issued: it goes out once, by e-mail, or on paper where that was chosen."""
    invoice_id, order_id = str(event.data["invoice_id"]), str(event.data["order_id"])
    invoice = await invoice_by_public_id(event.merchant_id, invoice_id)
    if invoice is None:
        return
    by_mail = invoice.kind == "credit_note" and invoice.delivery == "email"
    if by_mail and await refund_of_note(event.merchant_id, invoice.id) is not None:
        # The mail that tells of the refund brings it along.
        return
    if invoice.delivery == "paper":
        payload = {"template": invoice.kind, "about": invoice_id}
        key = f"letter:{invoice_id}"
        await outbox.put(event.merchant_id, LETTER_JOB, payload, key=key, about=order_id)
        return
    key = f"mail:invoice:{invoice_id}"
    await queue_mail(event.merchant_id, "invoice", about=invoice_id, key=key, order=order_id)
