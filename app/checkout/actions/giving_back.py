"""What became of money that was to go back through its provider: done, on its way, or refused for good.

A refusal for good leaves the money with the provider and the customer without it: the books say so, and a person is
asked, who has it sent back in another way.
"""

from __future__ import annotations

from app.checkout.actions.late_money import ACTOR, LateMoney, ask_about_in_tx
from app.kernel import clock, db
from app.merchants.queries import merchant_by_id
from app.payments import actions as payments
from app.payments.queries import RefundingView, payment_by_id
from app.payments.states import RefundingState


async def went_back(refund: RefundingView, provider_ref: str | None, *, done: bool) -> None:
    """The provider has taken the refund; `done` says that nothing more is to be waited for. Raises LostRace."""
    to = RefundingState.DONE if done else RefundingState.UNDERWAY

    async def write() -> None:
        now = await clock.business_now()
        await payments.move_refund(refund, to, actor=ACTOR, now=now, provider_ref=provider_ref)

    await db.in_tx(write)


async def nobody_knows_of(refund: RefundingView) -> None:
    """The provider gave no answer: the money may be on its way. It is asked again under one key. Raises LostRace."""

    async def write() -> None:
        now = await clock.business_now()
        await payments.move_refund(refund, RefundingState.UNKNOWN, actor=ACTOR, now=now)

    await db.in_tx(write)


async def never_went_back(refund: RefundingView, reason: str) -> None:
    """The provider has refused for good: the money is nobody's in the books, and a case asks for it. Raises LostRace,
    MoneyFrozen."""

    async def write() -> None:
        merchant = await merchant_by_id(refund.merchant_id)
        payment = await payment_by_id(refund.merchant_id, refund.payment_id)
        assert merchant is not None, "merchants are never deleted"
        assert payment is not None, "payments are never deleted"
        now = await clock.business_now()
        await payments.move_refund(refund, RefundingState.REFUSED, actor=ACTOR, now=now, reason=reason)
        late = LateMoney(
            amount=refund.amount,
            order_public_id=payment.order_public_id,
            key=f"refund_refused:{refund.public_id}",
            action="payment_refund.refused",
            subject=refund.public_id,
            payment_refund_id=refund.id,
            detail={"reason": reason},
        )
        await ask_about_in_tx(merchant, late, now)

    await db.in_tx(write)
