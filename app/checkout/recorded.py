"""What staff have recorded of money for an order, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.money import Money
from app.payments.rules import Source


@dataclass(frozen=True, slots=True)
class RecordedMoney:
    """One payment. Without a case it paid its order at once. `reference` is of the order that it was recorded for,
    `kept_for` (a public id) the one that its case kept it for."""

    amount: Money
    source: Source
    received_on: date
    note: str | None = field(repr=False)
    actor: str
    order_public_id: str
    reference: str
    case: str | None
    case_state: str | None
    kept_for: str | None
    kept_for_reference: str | None


_OF_ORDER: Final = """
SELECT r.amount_minor, r.currency, r.source, r.received_on, r.note, r.actor, o.public_id AS order_public_id,
       o.reference, c.public_id AS case, c.state AS case_state, k.public_id AS kept_for,
       k.reference AS kept_for_reference
FROM recorded_payments r
JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
LEFT JOIN cases c ON c.merchant_id = r.merchant_id AND c.payment_id = r.id
LEFT JOIN orders k ON k.merchant_id = c.merchant_id AND k.id = c.kept_for_id
WHERE r.merchant_id = $1 AND r.id IN (
    SELECT id FROM recorded_payments WHERE merchant_id = $1 AND order_id = $2
    UNION ALL SELECT payment_id FROM cases WHERE merchant_id = $1 AND kept_for_id = $2)
ORDER BY r.id
"""


async def money_of_order(merchant_id: UUID, order_id: UUID) -> tuple[RecordedMoney, ...]:
    """Everything that was recorded for an order, or kept for it, oldest first. One statement."""
    found = []
    for row in await db.fetch_all(_OF_ORDER, merchant_id, order_id):
        values = dict(row.items())
        amount = Money(values.pop("amount_minor"), values.pop("currency"))
        found.append(RecordedMoney(amount=amount, **values))
    return tuple(found)
