"""An invoice's life: the edge table, and the one machine that moves it.

A payment of a part keeps an overdue invoice overdue. A notice waits as `scheduled` until it is time to send it, or
until somebody pays a part of it: then it is issued at once, so that the rest is asked for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class InvoiceState(StrEnum):
    SCHEDULED = "scheduled"
    ISSUED = "issued"
    PARTLY_PAID = "partly_paid"
    OVERDUE = "overdue"
    PAID = "paid"
    CREDITED = "credited"


_S = InvoiceState

EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.SCHEDULED, _S.ISSUED): "invoice.issued",
    (_S.SCHEDULED, _S.PAID): "invoice.paid",
    (_S.SCHEDULED, _S.CREDITED): "invoice.credited",
    (_S.ISSUED, _S.PARTLY_PAID): "invoice.partly_paid",
    (_S.ISSUED, _S.PAID): "invoice.paid",
    (_S.ISSUED, _S.OVERDUE): "invoice.overdue",
    (_S.ISSUED, _S.CREDITED): "invoice.credited",
    (_S.PARTLY_PAID, _S.PARTLY_PAID): "invoice.partly_paid",
    (_S.PARTLY_PAID, _S.PAID): "invoice.paid",
    (_S.PARTLY_PAID, _S.OVERDUE): "invoice.overdue",
    (_S.PARTLY_PAID, _S.CREDITED): "invoice.credited",
    (_S.OVERDUE, _S.OVERDUE): "invoice.partly_paid",
    (_S.OVERDUE, _S.PAID): "invoice.paid",
    (_S.OVERDUE, _S.CREDITED): "invoice.credited",
    (_S.PAID, _S.CREDITED): "invoice.credited",
}

MACHINE: Final = Machine("invoice", table="invoices", history_table="invoice_history", edges=EDGES)

# Whoever still owes something of it.
UNPAID: Final = frozenset({_S.SCHEDULED, _S.ISSUED, _S.PARTLY_PAID, _S.OVERDUE})
