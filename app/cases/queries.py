"""Reads of cases: the queue, one case, and the newest one of a session."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.cases.states import CaseState
from app.kernel import db, ids

QUEUE_MAX: Final = 100
RESOLVED_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case. `order_public_id`, `reference` and `session_public_id` are what it is about; what people wrote, and
    how to reach them, shows in no representation."""

    merchant_id: UUID
    id: UUID
    public_id: str
    kind: str
    state: CaseState
    asked_by: str
    session_id: UUID
    session_public_id: str
    order_public_id: str
    reference: str
    decision_id: UUID | None
    quote_id: str | None
    amount_minor: int
    currency: str
    lang: str
    opened_at: datetime
    due_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolved_by_name: str | None
    statement: str | None = field(repr=False)
    name: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    postcode: str | None = field(repr=False)
    email: str | None = field(repr=False)
    note: str | None = field(repr=False)


_COLUMNS: Final = """c.merchant_id, c.id, c.public_id, c.kind, c.state, c.asked_by, c.session_id,
       s.public_id AS session_public_id, s.postcode, o.public_id AS order_public_id, o.reference, c.decision_id,
       s.quote_id, c.amount_minor, c.currency, c.lang, c.opened_at, c.due_at, c.resolved_at, c.resolved_by,
       p.name AS resolved_by_name, c.statement, c.name, c.phone, c.email, c.note"""

_FROM: Final = f"""
SELECT {_COLUMNS} FROM checkout_sessions s
JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
JOIN cases c ON c.merchant_id = s.merchant_id AND c.session_id = s.id
LEFT JOIN staff p ON p.merchant_id = c.merchant_id AND 'staff:' || p.public_id = c.resolved_by
"""  # noqa: S608 - column names of this module alone


async def case_by_public_id(merchant_id: UUID, public_id: str, *, lock: bool = False) -> CaseView | None:
    """A merchant's case, or None for a foreign or unknown one. `lock` holds session, order and case, in the order in
    which the flow takes them, until the caller's transaction ends."""
    if not ids.is_public_id("case", public_id):
        return None
    sql = f"{_FROM} WHERE c.merchant_id = $1 AND c.public_id = $2"
    row = await db.fetch_one(f"{sql} FOR UPDATE OF s, o, c" if lock else sql, merchant_id, public_id)
    return None if row is None else _view(row)


async def newest_of_session(merchant_id: UUID, session_id: UUID) -> CaseView | None:
    sql = f"{_FROM} WHERE c.merchant_id = $1 AND c.session_id = $2 ORDER BY c.id DESC LIMIT 1"
    row = await db.fetch_one(sql, merchant_id, session_id)
    return None if row is None else _view(row)


async def asked_by_shopper(merchant_id: UUID, session_id: UUID) -> int:
    """How often the shopper of a session has asked a person, however it ended."""
    found = await db.fetch_value(
        "SELECT count(*) FROM cases WHERE merchant_id = $1 AND session_id = $2 AND asked_by = 'shopper'",
        merchant_id,
        session_id,
    )
    return int(found)


async def waiting(merchant_id: UUID) -> tuple[CaseView, ...]:
    """Cases that wait for an answer, the one that is due first on top."""
    sql = f"{_FROM} WHERE c.merchant_id = $1 AND c.state = 'open' ORDER BY c.due_at, c.id LIMIT {QUEUE_MAX}"
    return tuple(_view(row) for row in await db.fetch_all(sql, merchant_id))


async def answered(merchant_id: UUID) -> tuple[CaseView, ...]:
    """The newest cases that a person has answered."""
    sql = (
        f"{_FROM} WHERE c.merchant_id = $1 AND c.state IN ('approved', 'declined')"
        f" ORDER BY c.id DESC LIMIT {RESOLVED_MAX}"
    )
    return tuple(_view(row) for row in await db.fetch_all(sql, merchant_id))


async def waiting_total(merchant_id: UUID) -> int:
    found = await db.fetch_value(
        "SELECT count(*) FROM cases WHERE merchant_id = $1 AND state = 'open'", merchant_id
    )
    return int(found)


def _view(row: db.Record) -> CaseView:
    return CaseView(**{**dict(row.items()), "state": CaseState(row["state"])})
