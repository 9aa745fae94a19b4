"""Reads of what waits for a second person: changes of wallets by hand, and payouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.kernel import db
from app.kernel.money import Money

LIST_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Approval:
    """One that waits. `amount` is what the wallet gains, below zero what it loses; `cause`, `note` and `expires_at` are
    those of a change, `hint` the last four characters of a payout's account. `balance` is what is in the wallet now."""

    kind: Literal["adjustment", "payout"]
    public_id: str
    customer_id: str
    amount: Money
    cause: str
    expires_at: datetime | None
    hint: str
    asked_by: str
    asked_at: datetime
    balance: Money
    name: str | None = field(repr=False)
    note: str = field(repr=False)


_WAITING: Final = """
SELECT w.*, c.public_id AS customer_id, c.name, coalesce(-a.balance_minor, 0) AS balance_minor
FROM (
    (SELECT 'adjustment' AS kind, public_id, customer_id AS owner_id, amount_minor, currency, cause, note, expires_at,
            '' AS hint, adjusted_by AS asked_by, created_at AS asked_at
     FROM wallet_adjustments WHERE merchant_id = $1 AND state = 'pending_approval' ORDER BY id LIMIT $2)
    UNION ALL
    (SELECT 'payout', public_id, customer_id, -amount_minor, currency, 'payout', '', NULL, hint, requested_by,
            requested_at
     FROM wallet_payouts WHERE merchant_id = $1 AND state = 'pending_approval' ORDER BY id LIMIT $2)
) w
JOIN customers c ON c.id = w.owner_id
LEFT JOIN ledger_accounts a ON a.merchant_id = $1 AND a.currency = w.currency
    AND a.address = 'customer:' || c.public_id || ':wallet'
"""


async def waiting_approvals(merchant_id: UUID) -> Sequence[Approval]:
    """The oldest first; at most LIST_MAX of each kind. One statement."""
    rows = await db.fetch_all(f"{_WAITING} ORDER BY w.asked_at, w.public_id", merchant_id, LIST_MAX)
    return [_approval(row) for row in rows]


async def is_waiting(merchant_id: UUID, public_id: str) -> bool:
    """Whether the change or the payout of this public id waits for a second person now."""
    found: bool = await db.fetch_value(
        """SELECT EXISTS (SELECT FROM wallet_adjustments
                          WHERE merchant_id = $1 AND public_id = $2 AND state = 'pending_approval')
               OR EXISTS (SELECT FROM wallet_payouts
                          WHERE merchant_id = $1 AND public_id = $2 AND state = 'pending_approval')""",
        merchant_id,
        public_id,
    )
    return found


async def count_approvals(merchant_id: UUID) -> int:
    """How many wait, counted up to LIST_MAX of each kind and one more."""
    count: int = await db.fetch_value(
        """SELECT (SELECT count(*) FROM (SELECT FROM wallet_adjustments
                   WHERE merchant_id = $1 AND state = 'pending_approval' LIMIT $2) AS adjustments)
                + (SELECT count(*) FROM (SELECT FROM wallet_payouts
                   WHERE merchant_id = $1 AND state = 'pending_approval' LIMIT $2) AS payouts)""",
        merchant_id,
        LIST_MAX + 1,
    )
    return count


def _approval(row: db.Record) -> Approval:
    return Approval(
        kind=row["kind"],
        public_id=row["public_id"],
        customer_id=row["customer_id"],
        amount=Money(row["amount_minor"], row["currency"]),
        cause=row["cause"],
        expires_at=row["expires_at"],
        hint=row["hint"],
        asked_by=row["asked_by"],
        asked_at=row["asked_at"],
        balance=Money(row["balance_minor"], row["currency"]),
        name=row["name"],
        note=row["note"],
    )
