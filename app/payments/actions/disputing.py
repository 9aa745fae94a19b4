"""A dispute about a payment: written down, moved along its states, and asked after.

All of a provider's disputes are asked for at once: a callback about one does not name the payment as we know it, and
one that is lost is made good by the next look.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.kernel.money import Money
from app.kernel.states import Also
from app.payments.dispute_queries import DisputeView, disputes_of_payment
from app.payments.disputing import AWAY, GOES_ON, LOOK_EVERY, WAITS_S
from app.payments.errors import PaymentDisputed
from app.payments.ports import Dispute, ProviderMethod
from app.payments.queries import PaymentView
from app.payments.states import DISPUTES, DisputeState

# Longer than a list of many pages takes.
LOOK_LEASE: Final = timedelta(minutes=5)

_HOLD: Final = "SELECT FROM payments WHERE merchant_id = $1 AND id = $2 FOR UPDATE"


async def hold_disputes(payment: PaymentView) -> tuple[DisputeView, ...]:
    """The payment's disputes, which stay as they are until the caller's transaction ends."""
    await db.fetch_one(_HOLD, payment.merchant_id, payment.id)
    return await disputes_of_payment(payment.merchant_id, payment.id)


_INSERT: Final = """
INSERT INTO payment_disputes (merchant_id, id, public_id, payment_id, provider_ref, state, amount_minor, currency,
                              reason, answer_by, opened_at, told_at)
VALUES ($1, $2, $3, $4, $5, 'asked', $6, $7, $8, $9, $10, $11)
"""


async def begin_dispute(
    payment: PaymentView, told: Dispute, amount: Money, *, actor: str, now: datetime, told_at: datetime
) -> DisputeView:
    """Write a dispute down, as one that has moved no money yet. In a transaction that holds the payment."""
    begun = DisputeView(
        merchant_id=payment.merchant_id,
        id=ids.internal_id(),
        public_id=ids.public_id("dsp"),
        payment_id=payment.id,
        payment_public_id=payment.public_id,
        provider_ref=told.provider_ref,
        state=DisputeState.ASKED,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        reason=told.reason,
        answer_by=told.answer_by,
        opened_at=now,
        ended_at=None,
        moves=0,
        told_at=told_at,
    )
    await db.execute(
        _INSERT,
        begun.merchant_id,
        begun.id,
        begun.public_id,
        begun.payment_id,
        begun.provider_ref,
        begun.amount_minor,
        begun.currency,
        begun.reason,
        begun.answer_by,
        now,
        told_at,
    )
    await DISPUTES.begin(
        begun.merchant_id,
        begun.id,
        state=DisputeState.ASKED,
        event="payment_dispute.asked",
        actor=actor,
        at=now,
    )
    return begun


async def move_dispute(
    dispute: DisputeView, to: DisputeState, *, actor: str, now: datetime, told_at: datetime
) -> DisputeView:
    """Take one edge; the dispute as it is then. In a transaction that holds the payment. Raises LostRace."""
    after = replace(
        dispute,
        state=to,
        ended_at=None if to in GOES_ON else now,
        moves=dispute.moves + 1,
        told_at=told_at,
    )
    await DISPUTES.move(
        dispute.merchant_id,
        dispute.id,
        expected=dispute.state,
        to=to,
        actor=actor,
        at=now,
        also=Also("ended_at = $10, moves = $11, told_at = $12", (after.ended_at, after.moves, told_at)),
    )
    return after


async def note_answer_by(dispute: DisputeView, answer_by: datetime | None) -> None:
    """The bank gives another time to answer. In a transaction that holds the payment."""
    await db.execute(
        "UPDATE payment_disputes SET answer_by = $3 WHERE merchant_id = $1 AND id = $2",
        dispute.merchant_id,
        dispute.id,
        answer_by,
    )


_GONE: Final = """
SELECT p.captured_minor - p.refunded_minor AS taken_minor,
       (SELECT coalesce(sum(r.amount_minor), 0)::bigint FROM payment_refunds r
        WHERE r.merchant_id = p.merchant_id AND r.payment_id = p.id AND r.state <> 'refused') AS back_minor,
       (SELECT coalesce(sum(d.amount_minor), 0)::bigint FROM payment_disputes d
        WHERE d.merchant_id = p.merchant_id AND d.payment_id = p.id AND d.state = ANY($3::text[])) AS away_minor
FROM payments p WHERE p.merchant_id = $1 AND p.id = $2
"""


async def disputed_left(merchant_id: UUID, payment_id: UUID) -> int | None:
    """How much of a payment can still be given back, in minor units, when a part of it or all of it is away in a
    dispute; None when nothing is. Holds the payment until the caller's transaction ends, so that it stays so."""
    await db.fetch_one(_HOLD, merchant_id, payment_id)
    row = await db.fetch_one(_GONE, merchant_id, payment_id, sorted(AWAY))
    assert row is not None, "payments are never deleted"
    if not row["away_minor"]:
        return None
    left_minor: int = row["taken_minor"] - row["back_minor"] - row["away_minor"]
    return max(0, left_minor)


async def refuse_disputed(merchant_id: UUID, payment_id: UUID, amount_minor: int) -> None:
    """Money that the provider has taken back cannot be given back as well. In a transaction, before the ledger. Raises
    PaymentDisputed."""
    left_minor = await disputed_left(merchant_id, payment_id)
    if left_minor is not None and amount_minor > left_minor:
        raise PaymentDisputed(left_minor)


# --- asking after all of them -------------------------------------------------------------------------------

_WANT: Final = """
INSERT INTO dispute_looks (method, next_at) VALUES ($1, $2)
ON CONFLICT (method) DO UPDATE SET next_at = excluded.next_at
"""
_CLAIM: Final = """
UPDATE dispute_looks SET leased_until = $3
WHERE method = ANY($1::text[]) AND next_at <= $2 AND (leased_until IS NULL OR leased_until <= $2)
RETURNING method
"""
# Who was called while it asked has a reason to ask again.
_ANSWERED: Final = """
UPDATE dispute_looks SET checks = 0, leased_until = NULL, next_at = CASE WHEN next_at > $2 THEN next_at ELSE $3 END
WHERE method = $1
"""
_NOT_ANSWERED: Final = """
UPDATE dispute_looks SET checks = checks + 1, leased_until = NULL,
    next_at = $2::timestamptz + make_interval(secs => ($3::int[])[1 + least(checks, cardinality($3::int[]) - 1)])
WHERE method = $1
"""


async def want_look(method: ProviderMethod, wall: datetime) -> None:
    """There is a reason to ask for disputes now. Outside a transaction."""
    await db.execute_alone(_WANT, method, wall)


async def claim_looks(methods: Collection[ProviderMethod], wall: datetime) -> frozenset[str]:
    """The methods whose disputes are to be asked for now, by the caller alone. Outside a transaction, so that the lease
    stands at once; one that its holder dies with ends by itself."""
    rows = await db.fetch_all(_CLAIM, sorted(methods), wall, wall + LOOK_LEASE)
    return frozenset(row["method"] for row in rows)


async def looked(method: ProviderMethod, wall: datetime) -> None:
    """All was told and followed of a look that began at `wall`. Outside a transaction."""
    await db.execute_alone(_ANSWERED, method, wall, wall + LOOK_EVERY)


async def look_again(method: ProviderMethod, wall: datetime) -> None:
    """Nobody answered, or not all of it could be followed. Outside a transaction."""
    await db.execute_alone(_NOT_ANSWERED, method, wall, list(WAITS_S))
