"""How a document is numbered and written: the one place that inserts an invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.invoices.rules import Document
from app.invoices.states import MACHINE, InvoiceState
from app.kernel import db, ids

ACTOR: Final = "system"

# The row stays locked until the transaction ends: numbers are drawn one after the other, and a rollback gives its own
# back.
_NEXT_NUMBER: Final = """
INSERT INTO invoice_series AS s (merchant_id, year, last_number) VALUES ($1, $2, 1)
ON CONFLICT (merchant_id, year) DO UPDATE SET last_number = s.last_number + 1
RETURNING last_number
"""

_INSERT: Final = """
INSERT INTO invoices (merchant_id, id, public_id, kind, number, series_year, series_number, order_id, customer_id,
                      quote_id, instalment, opposes_id, currency, amount_minor, principal_minor, interest_minor,
                      fee_minor, issue_on, due_on, reference, state, delivery, lang, content, created_at,
                      restored_minor, put_minor)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $25, $26, $27)
"""


@dataclass(frozen=True, slots=True)
class Series:
    """A number drawn from a merchant's series of a year."""

    year: int
    number: int


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whose document it is, about what, and how it reaches them. Nobody's debt has neither customer nor quote. The last
    two are a credit note's: what of it went into the wallet's lots again, and what was put there anew (minor units)."""

    merchant_id: UUID
    order_id: UUID
    customer_id: UUID | None
    quote_id: str | None
    delivery: str
    lang: str
    opposes_id: UUID | None = None
    restored_minor: int = 0
    put_minor: int = 0


async def next_number(merchant_id: UUID, year: int) -> Series:
    """The next number of the merchant's series, whose row stays locked until this transaction ends."""
    number = await db.fetch_value(_NEXT_NUMBER, merchant_id, year)
    assert isinstance(number, int)
    return Series(year, number)


_HOLD_SERIES: Final = """
SELECT last_number FROM invoice_series WHERE merchant_id = $1 AND year = $2 FOR NO KEY UPDATE
"""


async def hold_series(merchant_id: UUID, year: int) -> None:
    """For a transaction that locks accounts before it comes to `next_number`: everybody else takes the series first."""
    await db.fetch_value(_HOLD_SERIES, merchant_id, year)


async def store(belonging: Belonging, document: Document, series: Series, now: datetime) -> str:
    """Write a document and the first row of its history, in the caller's transaction. Returns its public id."""
    invoice_id, public_id = ids.internal_id(), ids.public_id("inv")
    state = InvoiceState.ISSUED if document.is_issued else InvoiceState.SCHEDULED
    await db.execute(
        _INSERT,
        belonging.merchant_id,
        invoice_id,
        public_id,
        document.kind,
        document.content.number,
        series.year if document.in_series else None,
        series.number if document.in_series else None,
        belonging.order_id,
        belonging.customer_id,
        belonging.quote_id,
        document.instalment,
        belonging.opposes_id,
        document.content.currency,
        document.amount_minor,
        document.principal_minor,
        document.interest_minor,
        document.fee_minor,
        document.issue_on,
        document.due_on,
        document.reference,
        state,
        belonging.delivery,
        belonging.lang,
        document.content.to_data(),
        now,
        belonging.restored_minor,
        belonging.put_minor,
    )
    event = "invoice.issued" if document.is_issued else "invoice.scheduled"
    await MACHINE.begin(belonging.merchant_id, invoice_id, state=state, event=event, actor=ACTOR, at=now)
    return public_id
