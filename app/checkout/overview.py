"""What staff see of the flow at a glance: what waits for a person, a day's figures, an order's sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.money import Money

FAILED_SHOWN_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """A job that was given up. The order is None when it speaks of something else; `error` is the last try's."""

    kind: str
    payload: Mapping[str, object]
    order_public_id: str | None
    reference: str | None
    failed_at: datetime
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a machine could not end by itself; `failed` holds the newest few of `failed_total`. `soon_total` answers are
    due soon; `bad_total` approved orders were lately found bad by whoever looked at them blind. `refunds_total` refunds
    did not go through; `to_approve_total` of them, and `wallets_total` changes of wallets, wait for a second person."""

    failed: tuple[FailedDelivery, ...]
    failed_total: int
    held_total: int
    soon_total: int
    bad_total: int
    money_total: int
    refunds_total: int
    disputes_total: int
    to_approve_total: int
    wallets_total: int


@dataclass(frozen=True, slots=True)
class PaidSum:
    orders: int
    total: Money


@dataclass(frozen=True, slots=True)
class Steps:
    """How far the sessions that began in the time came, each counted in every step it reached. `held` waited for a
    person, before or after the press of "Confirm": most go on without."""

    opened: int
    chosen: int
    identified: int
    held: int
    confirmed: int


@dataclass(frozen=True, slots=True)
class Figures:
    """`paid` has one entry a currency, the largest first."""

    paid: tuple[PaidSum, ...]
    steps: Steps


@dataclass(frozen=True, slots=True)
class DecisionView:
    """An automatic decision; its reasons are stable codes."""

    outcome: str
    reasons: tuple[str, ...]
    decided_at: datetime
    amount: Money


@dataclass(frozen=True, slots=True)
class SessionView:
    """One shopper's way through the flow, for staff."""

    public_id: str
    state: str
    delivery: str | None
    identified_by: str | None
    identified_at: datetime | None
    created_at: datetime
    decisions: tuple[DecisionView, ...]


# A case stands in the queue before its deadline, so those that are due soon are near its beginning. $2: what is soon.
# $3: since when a find is new.
_WAITING: Final = """
SELECT (SELECT count(*) FROM outbox WHERE merchant_id = $1 AND failed_at IS NOT NULL) AS failed_total,
       (SELECT count(*) FROM orders WHERE merchant_id = $1 AND state = 'held') AS held_total,
       (SELECT count(*) FROM cases WHERE merchant_id = $1 AND kind = 'late_payment' AND state = 'open') AS money_total,
       (SELECT count(*) FROM cases WHERE merchant_id = $1 AND kind = 'refund_refused' AND state = 'open')
           AS refunds_total,
       (SELECT count(*) FROM cases WHERE merchant_id = $1 AND kind = 'disputed_payment' AND state = 'open')
           AS disputes_total,
       (SELECT count(*) FROM refunds WHERE merchant_id = $1 AND state = 'pending_approval') AS to_approve_total,
       (SELECT count(*) FROM wallet_adjustments WHERE merchant_id = $1 AND state = 'pending_approval')
           + (SELECT count(*) FROM wallet_payouts WHERE merchant_id = $1 AND state = 'pending_approval')
           AS wallets_total,
       (SELECT count(*) FROM cases WHERE merchant_id = $1 AND kind IN ('credit', 'identity', 'risk') AND state = 'open'
                                         AND rank_at <= $2 AND due_at <= $2) AS soon_total,
       (SELECT count(*) FROM cases WHERE merchant_id = $1 AND resolved_at >= $3 AND is_blind AND state = 'declined')
           AS bad_total
"""

_FAILED: Final = """
SELECT j.kind, j.payload, o.public_id AS order_public_id, o.reference, j.failed_at, j.attempts,
       coalesce(t.detail, '') AS error
FROM outbox j
LEFT JOIN orders o ON o.merchant_id = j.merchant_id AND o.public_id = j.about
LEFT JOIN outbox_tries t ON t.merchant_id = j.merchant_id AND t.outbox_id = j.id AND t.attempt = j.attempts
WHERE j.merchant_id = $1 AND j.failed_at IS NOT NULL
ORDER BY j.failed_at DESC, j.id DESC LIMIT $2
"""

_PAID: Final = """
SELECT currency, count(*) AS orders, sum(total_minor)::bigint AS total_minor
FROM orders WHERE merchant_id = $1 AND paid_at >= $2 AND paid_at < $3
GROUP BY currency ORDER BY total_minor DESC
"""

_STEPS: Final = """
SELECT count(*) AS opened,
       count(*) FILTER (WHERE quote_id IS NOT NULL) AS chosen,
       count(*) FILTER (WHERE identified_at IS NOT NULL) AS identified,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM cases c WHERE c.merchant_id = s.merchant_id AND c.session_id = s.id AND NOT c.is_blind)) AS held,
       count(*) FILTER (WHERE state = 'confirmed') AS confirmed
FROM checkout_sessions s WHERE merchant_id = $1 AND created_at >= $2 AND created_at < $3
"""

_SESSIONS: Final = """
SELECT s.id, s.public_id, s.state, s.delivery, s.identified_by, s.identified_at, s.created_at,
       d.outcome, d.reasons, d.decided_at, d.amount_minor, d.currency
FROM checkout_sessions s
LEFT JOIN credit_decisions d ON d.merchant_id = s.merchant_id AND d.session_id = s.id
WHERE s.merchant_id = $1 AND s.order_id = $2
ORDER BY s.id, d.id
"""


async def waiting_for_a_person(merchant_id: UUID, *, soon: datetime, found_since: datetime) -> Waiting:
    """Two statements."""
    totals = await db.fetch_one(_WAITING, merchant_id, soon, found_since)
    assert totals is not None, "counts always answer"
    rows = await db.fetch_all(_FAILED, merchant_id, FAILED_SHOWN_MAX) if totals["failed_total"] else []
    return Waiting(
        failed=tuple(FailedDelivery(**dict(row.items())) for row in rows),
        failed_total=totals["failed_total"],
        held_total=totals["held_total"],
        soon_total=totals["soon_total"],
        bad_total=totals["bad_total"],
        money_total=totals["money_total"],
        refunds_total=totals["refunds_total"],
        disputes_total=totals["disputes_total"],
        to_approve_total=totals["to_approve_total"],
        wallets_total=totals["wallets_total"],
    )


async def figures_between(merchant_id: UUID, since: datetime, until: datetime) -> Figures:
    """What was paid, and how far sessions came, from `since` to just before `until` (business time)."""
    paid = await db.fetch_all(_PAID, merchant_id, since, until)
    steps = await db.fetch_one(_STEPS, merchant_id, since, until)
    assert steps is not None, "counts always answer"
    return Figures(
        paid=tuple(PaidSum(row["orders"], Money(row["total_minor"], row["currency"])) for row in paid),
        steps=Steps(**dict(steps.items())),
    )


async def sessions_of_order(merchant_id: UUID, order_id: UUID) -> tuple[SessionView, ...]:
    """An order's sessions with their decisions, oldest first. One statement."""
    rows = await db.fetch_all(_SESSIONS, merchant_id, order_id)
    sessions: dict[UUID, list[db.Record]] = {}
    for row in rows:
        sessions.setdefault(row["id"], []).append(row)
    return tuple(_session(its_rows) for its_rows in sessions.values())


def _session(rows: list[db.Record]) -> SessionView:
    first = rows[0]
    return SessionView(
        public_id=first["public_id"],
        state=first["state"],
        delivery=first["delivery"],
        identified_by=first["identified_by"],
        identified_at=first["identified_at"],
        created_at=first["created_at"],
        decisions=tuple(
            DecisionView(
                row["outcome"],
                tuple(row["reasons"]),
                row["decided_at"],
                Money(row["amount_minor"], row["currency"]),
            )
            for row in rows
            if row["outcome"] is not None
        ),
    )
