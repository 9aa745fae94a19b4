"""What invoices tell the world: `invoice.issued`, `invoice.paid`, `invoice.overdue`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from app.invoices.queries import InvoiceView
from app.kernel import outbox


async def tell_issued(merchant_id: UUID, invoice: InvoiceView, now: datetime) -> None:
    await _tell(merchant_id, "invoice.issued", invoice, now)


async def tell_paid(merchant_id: UUID, invoice: InvoiceView, now: datetime) -> None:
    await _tell(merchant_id, "invoice.paid", invoice, now)


async def tell_overdue(merchant_id: UUID, invoice: InvoiceView, now: datetime) -> None:
    await _tell(merchant_id, "invoice.overdue", invoice, now)


async def _tell(merchant_id: UUID, event_type: str, invoice: InvoiceView, now: datetime) -> None:
    await outbox.emit(merchant_id, event_type, facts(invoice), now=now, about=invoice.order_public_id)


def facts(invoice: InvoiceView) -> Mapping[str, object]:
    """A document without anything personal."""
    return {
        "invoice_id": invoice.public_id,
        "order_id": invoice.order_public_id,
        "kind": invoice.kind,
        "number": invoice.number,
        "amount_minor": invoice.amount_minor,
        "paid_minor": invoice.paid_minor,
        "currency": invoice.currency,
        "due_on": None if invoice.due_on is None else invoice.due_on.isoformat(),
        "reference": invoice.reference,
    }
