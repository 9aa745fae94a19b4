"""What a provider says of a dispute is written down: its books, its case, who is told. One transaction.

It begins as one that has moved nothing, and moves to where its money is. Whoever comes with older news, or the same
again, changes nothing; whoever dies before the end has changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import structlog

from app.cases import actions as cases
from app.cases.actions import NewMoneyCase
from app.cases.rules import due_at
from app.kernel import audit, clock, db, outbox
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger.rules import between
from app.merchants.queries import Merchant, merchant_by_id
from app.payments import actions as payments
from app.payments.dispute_queries import DisputeView
from app.payments.disputing import AWAY, GOES_ON, account_of, state_of, sum_of
from app.payments.ports import Dispute
from app.payments.queries import PaymentView, payment_by_public_id
from app.payments.states import DisputeState

ACTOR: Final = "provider"

_log = structlog.get_logger("payments")


async def follow(payment: PaymentView, told: Dispute, told_at: datetime) -> bool:
    """Write down what the provider, asked at `told_at` (wall time), said of a dispute about a captured payment. Answers
    whether anything was new. Raises MoneyFrozen."""

    async def write() -> bool:
        merchant = await merchant_by_id(payment.merchant_id)
        assert merchant is not None, "merchants are never deleted"
        others = await payments.hold_disputes(payment)
        now = await clock.business_now()
        known = next((each for each in others if each.provider_ref == told.provider_ref), None)
        if known is not None and known.told_at >= told_at:
            return False
        if known is None:
            known = await _begin(merchant, payment, told, others, told_at, now)
            if known is None:
                return False
            is_new = True
        else:
            is_new = False
            if known.answer_by != told.answer_by:
                await payments.note_answer_by(known, told.answer_by)
        to = state_of(told)
        if to is known.state:
            return is_new
        if not _has_room(known, to, others, payment.captured_minor):
            _log.error("dispute_beyond_payment", payment=payment.public_id, dispute=told.provider_ref)
            return is_new
        await _move(merchant, payment, known, to, told_at, now)
        return True

    return await db.in_tx(write)


def _away_minor(disputes: Iterable[DisputeView]) -> int:
    """How much of a payment, in minor units, its disputes have taken from the provider."""
    return sum(each.amount_minor for each in disputes if each.state in AWAY)


def _has_room(dispute: DisputeView, to: DisputeState, every: Iterable[DisputeView], taken_minor: int) -> bool:
    """Whether a dispute may come to `to` beside all disputes of its payment, `every`. Several may each be about much of
    it: no more goes away than was taken. Each sum stays what it was when the dispute was first heard of."""
    others = (each for each in every if each.id != dispute.id)
    return to not in AWAY or _away_minor(others) + dispute.amount_minor <= taken_minor


async def _begin(
    merchant: Merchant,
    payment: PaymentView,
    told: Dispute,
    others: tuple[DisputeView, ...],
    told_at: datetime,
    now: datetime,
) -> DisputeView | None:
    payment = await payment_by_public_id(payment.public_id) or payment  # as it is now that it is held
    captured = Money(payment.captured_minor, payment.currency)
    amount = sum_of(
        told,
        captured,
        is_taking=payment.is_taking,
        away_minor=_away_minor(others),
        back_minor=payment.refunded_minor + payment.given_back_minor + payment.going_back_minor,
    )
    if amount is None:
        _log.error("dispute_beyond_payment", payment=payment.public_id, dispute=told.provider_ref)
        return None
    begun = await payments.begin_dispute(payment, told, amount, actor=ACTOR, now=now, told_at=told_at)
    await _ask(merchant, payment, begun, now)
    return begun


async def _move(
    merchant: Merchant,
    payment: PaymentView,
    before: DisputeView,
    to: DisputeState,
    told_at: datetime,
    now: datetime,
) -> None:
    after = await payments.move_dispute(before, to, actor=ACTOR, now=now, told_at=told_at)
    taken_from, goes_to = account_of(before.state, merchant.creditor), account_of(to, merchant.creditor)
    if taken_from != goes_to:
        await ledger.post(
            merchant.id,
            key=f"disputed:{after.public_id}:{after.moves}",
            cause="disputed",
            about=payment.order_public_id,
            entries=between(goes_to, taken_from, after.amount),
            now=now,
        )
    if to not in GOES_ON:
        await _end(merchant, payment, after, now)
    elif before.state not in GOES_ON:
        await _ask(merchant, payment, after, now)


async def _ask(merchant: Merchant, payment: PaymentView, dispute: DisputeView, now: datetime) -> None:
    """A person is asked, and whoever listens is told."""
    due = due_at(now, country=merchant.country, time_zone=merchant.time_zone)
    if dispute.answer_by is not None and dispute.answer_by > now:
        due = dispute.answer_by
    case = NewMoneyCase(
        payment_id=None,
        amount_minor=dispute.amount_minor,
        currency=dispute.currency,
        lang=merchant.locale,
        due_at=due,
        dispute_id=dispute.id,
    )
    case_id = await cases.open_money_case(merchant.id, case, actor=ACTOR, now=now)
    detail = {"order": payment.order_public_id, "case": case_id, "reason": dispute.reason}
    await audit.record(
        ACTOR, "payment.disputed", dispute.public_id, merchant_id=merchant.id, at=now, detail=detail
    )
    answer_by = None if dispute.answer_by is None else dispute.answer_by.isoformat()
    data = {**_told_of(payment, dispute), "reason": dispute.reason, "answer_by": answer_by}
    await outbox.emit(merchant.id, "payment.disputed", data, now=now, about=payment.order_public_id)


async def _end(merchant: Merchant, payment: PaymentView, dispute: DisputeView, now: datetime) -> None:
    is_lost = dispute.state is DisputeState.LOST
    kept_for_id = None if is_lost else payment.order_id
    await cases.close_of_dispute(merchant.id, dispute.id, kept_for_id=kept_for_id, actor=ACTOR, now=now)
    detail = {"order": payment.order_public_id, "outcome": dispute.state.value}
    await audit.record(
        ACTOR, "payment.dispute_closed", dispute.public_id, merchant_id=merchant.id, at=now, detail=detail
    )
    data = {**_told_of(payment, dispute), "outcome": dispute.state.value}
    await outbox.emit(merchant.id, "payment.dispute_closed", data, now=now, about=payment.order_public_id)


def _told_of(payment: PaymentView, dispute: DisputeView) -> dict[str, object]:
    return {
        "order_id": payment.order_public_id,
        "payment_id": payment.public_id,
        "dispute_id": dispute.public_id,
        "method": payment.method,
        "amount_minor": dispute.amount_minor,
        "currency": dispute.currency,
    }
