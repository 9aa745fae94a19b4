"""Reads of cases about money that came in and pays no order, that would not go back, or that is disputed.

Where others have a session these have a recorded payment, a payment through a provider, a refund that a provider has
refused, or a dispute.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from app.cases.queries import QUEUE_MAX, RESOLVED_MAX
from app.cases.states import CaseState
from app.kernel import db, ids


@dataclass(frozen=True, slots=True)
class MoneyCaseView:
    """The case, the payment (`payment_note` is what was written down with it), and the order that it was meant for.

    `payment_id` is a recorded payment's, `provider_payment_id` that of money that a provider took; for a
    `refund_refused` it would not give it back (`payment_refund_public_id`). A `disputed_payment` a bank asks for, and
    the bank ends it: `dispute_reason` is why, `dispute_state` where the money is, `answer_by` (wall time) until when
    the bank takes an answer. `kept_for` and `kept_for_reference` name the order that the money was kept for. Amounts
    are minor units.
    """

    id: UUID
    public_id: str
    kind: Literal["late_payment", "refund_refused", "disputed_payment"]
    state: CaseState
    amount_minor: int
    currency: str
    opened_at: datetime
    due_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    resolved_by_name: str | None
    note: str | None = field(repr=False)
    payment_id: UUID | None
    provider_payment_id: UUID | None
    payment_refund_public_id: str | None
    dispute_public_id: str | None
    dispute_state: str | None
    dispute_reason: str | None
    answer_by: datetime | None
    payment_public_id: str
    source: str
    received_on: date
    payment_note: str | None = field(repr=False)
    recorded_by: str
    order_id: UUID
    order_public_id: str
    order_state: str
    reference: str
    kept_for: str | None
    kept_for_reference: str | None


_SELECT: Final = """
SELECT c.id, c.public_id, c.kind, c.state, c.amount_minor, c.currency, c.opened_at, c.due_at, c.resolved_at,
       c.resolved_by, p.name AS resolved_by_name, c.note, c.payment_id, v.id AS provider_payment_id,
       g.public_id AS payment_refund_public_id, x.public_id AS dispute_public_id, x.state AS dispute_state,
       x.reason AS dispute_reason, x.answer_by, coalesce(r.public_id, v.public_id) AS payment_public_id,
       coalesce(r.source, v.method) AS source,
       coalesce(r.received_on, (c.opened_at AT TIME ZONE m.time_zone)::date) AS received_on,
       r.note AS payment_note, coalesce(r.actor, 'provider') AS recorded_by, o.id AS order_id,
       o.public_id AS order_public_id, o.state AS order_state, o.reference, k.public_id AS kept_for,
       k.reference AS kept_for_reference
FROM cases c JOIN merchants m ON m.id = c.merchant_id
LEFT JOIN recorded_payments r ON r.merchant_id = c.merchant_id AND r.id = c.payment_id
LEFT JOIN payment_refunds g ON g.merchant_id = c.merchant_id AND g.id = c.payment_refund_id
LEFT JOIN payment_disputes x ON x.merchant_id = c.merchant_id AND x.id = c.dispute_id
LEFT JOIN payments v ON v.merchant_id = c.merchant_id
    AND v.id = coalesce(c.provider_payment_id, g.payment_id, x.payment_id)
JOIN orders o ON o.merchant_id = c.merchant_id AND o.id = coalesce(r.order_id, v.order_id)
LEFT JOIN orders k ON k.merchant_id = c.merchant_id AND k.id = c.kept_for_id
LEFT JOIN staff p ON p.merchant_id = c.merchant_id AND 'staff:' || p.public_id = c.resolved_by
"""


async def money_case_by_public_id(
    merchant_id: UUID, public_id: str, *, lock: bool = False
) -> MoneyCaseView | None:
    """A merchant's case about money, or None for a foreign or unknown one, or one about something else. `lock` holds
    the case until the caller's transaction ends."""
    if not ids.is_public_id("case", public_id):
        return None
    sql = f"{_SELECT} WHERE c.merchant_id = $1 AND c.public_id = $2"
    row = await db.fetch_one(f"{sql} FOR UPDATE OF c" if lock else sql, merchant_id, public_id)
    return None if row is None else _view(row)


async def money_waiting(merchant_id: UUID) -> tuple[MoneyCaseView, ...]:
    """Money that waits for somebody to say what to do with it, the longest waiting first."""
    sql = (
        f"{_SELECT} WHERE c.merchant_id = $1 AND c.state = 'open'"
        " AND c.kind IN ('late_payment', 'refund_refused', 'disputed_payment')"
        f" ORDER BY c.due_at, c.id LIMIT {QUEUE_MAX}"
    )
    return tuple(_view(row) for row in await db.fetch_all(sql, merchant_id))


async def money_answered(merchant_id: UUID) -> tuple[MoneyCaseView, ...]:
    """The newest cases about money that a person has answered."""
    sql = (
        f"{_SELECT} WHERE c.merchant_id = $1 AND c.state IN ('returned', 'kept')"
        f" ORDER BY c.id DESC LIMIT {RESOLVED_MAX}"
    )
    return tuple(_view(row) for row in await db.fetch_all(sql, merchant_id))


async def money_case_of_payment(merchant_id: UUID, payment_id: UUID) -> str | None:
    """The public id of the case about a recorded payment; None when it paid its order."""
    found: str | None = await db.fetch_value(
        "SELECT public_id FROM cases WHERE merchant_id = $1 AND payment_id = $2", merchant_id, payment_id
    )
    return found


def _view(row: db.Record) -> MoneyCaseView:
    return MoneyCaseView(**{**dict(row.items()), "state": CaseState(row["state"])})
