"""Reads of cases: the queue, one case, and the newest one of a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
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
    customer_id: UUID | None
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
    is_blind: bool
    rank_at: datetime
    taken_by: str | None
    taken_until: datetime | None
    taken_by_name: str | None
    assigned_to: str | None
    assigned_to_name: str | None
    snoozed_until: datetime | None
    answer: Literal["approved", "declined"] | None
    reason: str | None
    tags: tuple[str, ...]
    decided_by: str | None
    decided_by_name: str | None
    decided_at: datetime | None
    effective_at: datetime | None
    checked_name: str | None = field(repr=False)
    checked_how: Literal["call", "document"] | None
    first_by: str | None
    first_by_name: str | None
    first_at: datetime | None
    refused: str | None


_COLUMNS: Final = """c.merchant_id, c.id, c.public_id, c.kind, c.state, c.asked_by, c.session_id,
       s.public_id AS session_public_id, s.customer_id, s.postcode, o.public_id AS order_public_id, o.reference,
       c.decision_id,
       s.quote_id, c.amount_minor, c.currency, c.lang, c.opened_at, c.due_at, c.resolved_at, c.resolved_by,
       p.name AS resolved_by_name, c.statement, c.name, c.phone, c.email, c.note, c.is_blind, c.rank_at, c.taken_by,
       c.taken_until, t.name AS taken_by_name, c.assigned_to, h.name AS assigned_to_name, c.snoozed_until, c.answer,
       c.reason, c.tags, c.decided_by, d.name AS decided_by_name, c.decided_at, c.effective_at, c.checked_name,
       c.checked_how, c.first_by, f.name AS first_by_name, c.first_at, c.refused"""

FROM: Final = f"""
SELECT {_COLUMNS} FROM checkout_sessions s
JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
JOIN cases c ON c.merchant_id = s.merchant_id AND c.session_id = s.id
LEFT JOIN staff p ON p.merchant_id = c.merchant_id AND p.public_id = substr(c.resolved_by, 7)
LEFT JOIN staff t ON t.merchant_id = c.merchant_id AND t.public_id = substr(c.taken_by, 7)
LEFT JOIN staff h ON h.merchant_id = c.merchant_id AND h.public_id = substr(c.assigned_to, 7)
LEFT JOIN staff d ON d.merchant_id = c.merchant_id AND d.public_id = substr(c.decided_by, 7)
LEFT JOIN staff f ON f.merchant_id = c.merchant_id AND f.public_id = substr(c.first_by, 7)
"""  # noqa: S608 - column names of this module alone


async def case_by_public_id(merchant_id: UUID, public_id: str, *, lock: bool = False) -> CaseView | None:
    """A merchant's case, or None for a foreign or unknown one. `lock` holds session, order and case, in the order in
    which the flow takes them, until the caller's transaction ends."""
    if not ids.is_public_id("case", public_id):
        return None
    sql = f"{FROM} WHERE c.merchant_id = $1 AND c.public_id = $2"
    row = await db.fetch_one(f"{sql} FOR UPDATE OF s, o, c" if lock else sql, merchant_id, public_id)
    return None if row is None else view_of(row)


async def newest_of_session(merchant_id: UUID, session_id: UUID) -> CaseView | None:
    """The case that a session waits for, or did last."""
    sql = (
        f"{FROM} WHERE c.merchant_id = $1 AND c.session_id = $2 AND NOT c.is_blind ORDER BY c.id DESC LIMIT 1"
    )
    row = await db.fetch_one(sql, merchant_id, session_id)
    return None if row is None else view_of(row)


async def asked_by_shopper(merchant_id: UUID, session_id: UUID) -> int:
    """How often the shopper of a session has asked a person, however it ended."""
    found = await db.fetch_value(
        "SELECT count(*) FROM cases WHERE merchant_id = $1 AND session_id = $2 AND asked_by = 'shopper'",
        merchant_id,
        session_id,
    )
    return int(found)


async def waiting(merchant_id: UUID) -> tuple[CaseView, ...]:
    """Cases that wait for an answer, in the order of the queue."""
    sql = (
        f"{FROM} WHERE c.merchant_id = $1 AND c.state = 'open' AND c.kind IN ('credit', 'identity', 'risk')"
        f" ORDER BY c.rank_at, c.id LIMIT {QUEUE_MAX}"
    )
    return tuple(view_of(row) for row in await db.fetch_all(sql, merchant_id))


async def answered(merchant_id: UUID) -> tuple[CaseView, ...]:
    """The newest cases that a person has answered, or that nobody answered in time."""
    sql = (
        f"{FROM} WHERE c.merchant_id = $1"
        " AND c.state IN ('approved', 'declined', 'lapsed') AND NOT (c.state = 'lapsed' AND c.is_blind)"
        f" ORDER BY c.id DESC LIMIT {RESOLVED_MAX}"
    )
    return tuple(view_of(row) for row in await db.fetch_all(sql, merchant_id))


async def newest_of_order(merchant_id: UUID, order_id: UUID) -> str | None:
    """The public id of the newest case about who pays an order; None for most orders."""
    found: str | None = await db.fetch_value(
        """SELECT c.public_id FROM checkout_sessions s
           JOIN cases c ON c.merchant_id = s.merchant_id AND c.session_id = s.id
           WHERE s.merchant_id = $1 AND s.order_id = $2 AND NOT c.is_blind ORDER BY c.id DESC LIMIT 1""",
        merchant_id,
        order_id,
    )
    return found


_NAMED: Final = """
SELECT DISTINCT ON (s.order_id) s.order_id, c.name, c.phone, c.email FROM checkout_sessions s
JOIN cases c ON c.merchant_id = s.merchant_id AND c.session_id = s.id
WHERE s.merchant_id = $1 AND s.order_id = ANY($2::uuid[]) AND c.forgotten_at IS NULL AND NOT c.is_blind
ORDER BY s.order_id, c.id DESC
"""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who waits, or waited, for an answer, as they told it in the flow. Personal data: shown in no representation."""

    name: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    email: str | None = field(repr=False)


async def askers_of_orders(merchant_id: UUID, orders: Sequence[UUID]) -> Mapping[UUID, Asker]:
    """Who waited for a person with each of these orders last, where anybody did and it is not forgotten yet. What was
    typed stands on an order only once it is bought."""
    rows = await db.fetch_all(_NAMED, merchant_id, list(orders)) if orders else []
    return {row["order_id"]: Asker(row["name"], row["phone"], row["email"]) for row in rows}


def view_of(row: db.Record) -> CaseView:
    """A case from a row of `FROM`."""
    return CaseView(**{**dict(row.items()), "state": CaseState(row["state"]), "tags": tuple(row["tags"])})


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """`sample_ppm`: so many of a million approved orders are looked at blind. `second_above_minor`: an approval above
    this sum takes two people; None where one is enough."""

    sample_ppm: int
    second_above_minor: int | None


SAMPLE_PPM: Final = 20_000


async def settings_of(merchant_id: UUID) -> ReviewSettings:
    """How this shop reviews; what a shop begins with is here, and not in a row."""
    row = await db.fetch_one(
        "SELECT sample_ppm, second_above_minor FROM review_settings WHERE merchant_id = $1", merchant_id
    )
    return ReviewSettings(SAMPLE_PPM, None) if row is None else ReviewSettings(**dict(row.items()))
