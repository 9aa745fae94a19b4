"""Lists of invoices, newest first, and what happened to one of them. Each is one statement, whatever its length."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final, Literal, TypeAlias
from uuid import UUID

from app.invoices.queries import COLUMNS, TABLES, InvoiceView, view_of
from app.invoices.states import InvoiceState
from app.kernel import db
from app.kernel.cursors import Position
from app.orders.queries import TimelineEntry

LIST_LIMIT_MAX: Final = 100
SEARCH_LENGTH_MAX: Final = 100

Shown: TypeAlias = Literal["all", "sent", "open"] | InvoiceState
"""Which documents: all of them, those that somebody got, those that ask for money now, or those in one state."""

_SHOWN: Final = {
    "all": "true",
    "sent": "i.state <> 'scheduled'",
    "open": "i.reference IS NOT NULL AND i.state IN ('issued', 'partly_paid', 'overdue')",
}


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """One page of a list, newest first. `next_cursor` leads to the next one; None on the last."""

    invoices: tuple[InvoiceView, ...]
    next_cursor: str | None


_BEGINS: Final = """(i.number LIKE ${number} OR i.reference LIKE ${reference}
    OR to_tsvector('simple'::regconfig, i.content #>> '{{buyer,name}}') @@ to_tsquery('simple'::regconfig, ${words}))"""

_HAPPENED: Final = """
SELECT 'invoice' AS kind, h.at, h.event AS what, h.actor, h.from_state, h.to_state, h.detail, NULL::int AS attempt,
       NULL AS outcome, NULL AS note, h.id AS tiebreak
FROM invoice_history h WHERE h.merchant_id = $1 AND h.subject_id = $2
UNION ALL
SELECT 'delivery', coalesce(t.ended_at, j.created_at), j.kind, NULL, NULL, NULL, j.payload, t.attempt, t.outcome,
       t.detail, j.id
FROM outbox j LEFT JOIN outbox_tries t ON t.merchant_id = j.merchant_id AND t.outbox_id = j.id
WHERE j.merchant_id = $1 AND j.about = $3 AND j.kind <> 'event'
  AND $4 IN (j.payload->>'about', j.payload->>'invoice')
ORDER BY at DESC, tiebreak DESC, attempt DESC
"""

_NOTES: Final = f"""SELECT {COLUMNS} FROM {TABLES}
    WHERE i.merchant_id = $1 AND i.opposes_id = $2 ORDER BY i.id"""  # noqa: S608 - constants of `queries`


async def list_invoices(
    merchant_id: UUID,
    *,
    shown: Shown = "all",
    order_public_id: str | None = None,
    search: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> InvoicePage:
    """Documents by their day of issue, the newest first.

    `search` is how a number, a reference or a word of the buyer's name begins. Raises CursorRefused.
    """
    assert 1 <= limit <= LIST_LIMIT_MAX, "the caller checks the limit"
    arguments: list[object] = [merchant_id]

    def given(value: object) -> int:
        arguments.append(value)
        return len(arguments)

    conditions = ["i.merchant_id = $1"]
    if isinstance(shown, InvoiceState):
        conditions.append(f"i.state = ${given(shown.value)}")
    else:
        conditions.append(_SHOWN[shown])
    if order_public_id is not None:
        conditions.append(f"o.public_id = ${given(order_public_id)}")
    if search:
        conditions.append(
            _BEGINS.format(
                number=given(_beginning(search)),
                reference=given(_beginning(_reference(search))),
                words=given(_words(search)),
            )
        )
    if cursor is not None:
        position = Position.parse(cursor)
        conditions.append(f"(i.issue_on, i.id) < (${given(position.at.date())}, ${given(position.id)})")
    # Only conditions written above are joined here; every value is a parameter.
    rows = await db.fetch_all(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE {' AND '.join(conditions)}"  # noqa: S608
        f" ORDER BY i.issue_on DESC, i.id DESC LIMIT ${given(limit + 1)}",
        *arguments,
    )
    found = tuple(view_of(row) for row in rows[:limit])
    last = found[-1] if len(rows) > limit else None
    return InvoicePage(found, None if last is None else _position(last).text())


async def credit_notes_of(merchant_id: UUID, invoice_id: UUID) -> tuple[InvoiceView, ...]:
    """The credit notes that oppose a document, oldest first."""
    return tuple(view_of(row) for row in await db.fetch_all(_NOTES, merchant_id, invoice_id))


async def happened_to(merchant_id: UUID, invoice: InvoiceView) -> tuple[TimelineEntry, ...]:
    """Every move of a document and every try to send it or a reminder of it, the newest first."""
    rows = await db.fetch_all(_HAPPENED, merchant_id, invoice.id, invoice.order_public_id, invoice.public_id)
    return tuple(
        TimelineEntry(**{name: value for name, value in row.items() if name != "tiebreak"}) for row in rows
    )


def _position(invoice: InvoiceView) -> Position:
    return Position(datetime.combine(invoice.issue_on, time.min, UTC), invoice.id)


def _beginning(text: str) -> str:
    """A LIKE pattern for texts that begin with `text`, whose own signs mean themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _reference(text: str) -> str:
    """A reference as it is stored: without spaces, and of an RF reference the part that is the Finnish one."""
    compact = "".join(text.split()).upper()
    return re.sub(r"^RF\d\d0*", "", compact)


def _words(text: str) -> str:
    """Each word as the beginning of one; a text without any matches nothing."""
    return " & ".join(f"'{word}':*" for word in re.findall(r"\w+", text))
