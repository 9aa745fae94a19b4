"""Money goes back through the provider that took it: asked for under one key until its end is known.

The refund was written down with its credit note, or with the answer to a case; nothing here decides about money.
"""

from __future__ import annotations

from typing import Final

import structlog

from app.checkout.actions import giving_back
from app.checkout.paying import PaymentDoors, put_looks
from app.kernel import clock
from app.kernel.jobs import Done, Now, Outcome
from app.kernel.outbox import Job
from app.kernel.states import LostRace
from app.ledger.errors import MoneyFrozen
from app.payments import actions as payments
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import PaymentProvider
from app.payments.queries import RefundingView, payment_by_id, refundings_of_payment
from app.payments.states import RefundingState

GIVE_BACK_JOB: Final = "payment_refund"

_log = structlog.get_logger("payments")


async def give_back(public_id: str, doors: PaymentDoors) -> None:
    """Ask the provider for one refund, or how one that it took stands. While somebody else asks, and once its end is
    known, this asks nobody."""
    refund = await payments.take_refund(public_id, clock.wall())
    if refund is None:
        return
    payment = await payment_by_id(refund.merchant_id, refund.payment_id)
    assert payment is not None, "payments are never deleted"
    assert payment.provider_ref is not None, "what was captured is known to its provider"
    provider = doors.providers.get(payment.method)
    try:
        if provider is None:
            await payments.postpone_refund(refund, clock.wall())
        elif refund.state is RefundingState.UNDERWAY:
            await _look(refund, payment.provider_ref, provider)
        else:
            await _ask(refund, payment.provider_ref, provider)
    except LostRace:
        _log.info("refund_moved_meanwhile", refund=refund.public_id)
    except MoneyFrozen:
        await payments.postpone_refund(refund, clock.wall())


async def _ask(refund: RefundingView, provider_ref: str, provider: PaymentProvider) -> None:
    try:
        told = await provider.refund(provider_ref, refund.amount, key=refund.public_id)
    except ProviderRefused as refused:
        _log.error("refund_refused", refund=refund.public_id, reason=refused.reason)
        await giving_back.never_went_back(refund, refused.reason)
    except ProviderUnreachable as why:
        _log.warning("refund_unknown", refund=refund.public_id, reason=why.reason)
        if refund.state is RefundingState.UNKNOWN:
            await payments.postpone_refund(refund, clock.wall())
        else:
            await giving_back.nobody_knows_of(refund)
    else:
        await giving_back.went_back(refund, told.provider_ref, done=told.done)


async def _look(refund: RefundingView, provider_ref: str, provider: PaymentProvider) -> None:
    """Of a refund that takes its time: the provider's own sums say when it is done."""
    try:
        told = await provider.get(provider_ref)
    except (ProviderRefused, ProviderUnreachable) as why:
        _log.warning("refund_not_told", refund=refund.public_id, reason=why.reason)
        await payments.postpone_refund(refund, clock.wall())
        return
    others = await refundings_of_payment(refund.merchant_id, refund.payment_id)
    done_minor = sum(each.amount_minor for each in others if each.state is RefundingState.DONE)
    if told.refunded_minor >= done_minor + refund.amount_minor:
        await giving_back.went_back(refund, None, done=True)
    else:
        await payments.postpone_refund(refund, clock.wall())


async def work(job: Job, doors: PaymentDoors) -> Outcome:
    """A worker's try. That a provider does not answer is no failure: the refund's own row says when to ask again."""
    await give_back(str(job.payload["of"]), doors)
    return Done()


async def give_back_due(now: Now, limit: int = 100) -> int:
    """A try for every refund whose time has come. Answers how many."""
    return await put_looks("payment_refunds", GIVE_BACK_JOB, now.wall, limit)
