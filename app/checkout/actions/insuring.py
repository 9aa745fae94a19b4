"""An insurance that was bought with an order is given up: it ends, and its money goes back the way it was paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.extras import actions as extras
from app.extras.errors import InsuranceEnded, InsuranceUnknown
from app.extras.queries import InsuranceView, insurance_of_order
from app.extras.states import InsuranceState
from app.invoices.credits import Pieces
from app.kernel import db
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.queries import OrderView
from app.returns import actions as returns
from app.returns.asking import NewRefund
from app.returns.errors import NotRefundable, RefundRefused
from app.returns.queries import (
    RefundLine,
    RefundView,
    lines_of_refund,
    lines_of_refunds,
    refund_by_public_id,
    refunds_of_order,
)
from app.returns.states import RefundState


def may_cancel(insurance: InsuranceView, merchant: Merchant, now: datetime) -> bool:
    """Whether whoever holds it may still give it up: to the end of its last day."""
    return insurance.state is InsuranceState.ACTIVE and merchant.local_date(now) <= insurance.cancel_until


async def cancel_insurance(merchant: Merchant, order_public_id: str, *, actor: str, now: datetime) -> None:
    """Give it up and refund its line, in one transaction. Given up twice is given up once.

    Raises InsuranceUnknown, InsuranceEnded (its days are over, or its money went back with the goods), NotInvoicedYet
    (the documents of the purchase are drawn in a moment), and what a refund raises beside that.
    """

    async def write() -> None:
        # The order before its insurance, as everybody takes them.
        order = await orders.lock(merchant.id, order_public_id)
        found = await insurance_of_order(merchant.id, order_public_id, lock=True)
        if found is None:
            raise InsuranceUnknown
        if found.state is InsuranceState.CANCELLED:
            return
        if not may_cancel(found, merchant, now):
            raise InsuranceEnded
        refund = await _give_back(merchant, order, found, actor, now)
        await extras.end_insurance_in_tx(
            merchant.id, order_public_id, actor=actor, now=now, detail={"refund": refund.public_id}
        )

    await db.in_tx(write)


async def _give_back(
    merchant: Merchant, order: OrderView, found: InsuranceView, actor: str, now: datetime
) -> RefundView:
    """Its line; or so much of the price, where parts of the price went back before and lines can no longer be told."""
    if await _went_back(merchant, order, found):
        raise InsuranceEnded
    new = NewRefund(
        wanted=(Pieces(found.position, 1),),
        refundable_minor=order.refundable_minor,
        to="original",
        actor=actor,
        key=f"insurance:{found.public_id}",
        by_right=True,
    )
    try:
        try:
            return await returns.refund(merchant, order.public_id, new, now)
        except RefundRefused:
            sum_of_it = replace(new, wanted=min(found.premium_minor, order.refundable_minor))
            return await returns.refund(merchant, order.public_id, sum_of_it, now)
    except (NotRefundable, RefundRefused):
        raise InsuranceEnded from None


async def _went_back(merchant: Merchant, order: OrderView, found: InsuranceView) -> bool:
    refunds = [
        each
        for each in await refunds_of_order(merchant.id, order.id)
        if each.state is not RefundState.REFUSED
    ]
    lines = await lines_of_refunds(merchant.id, [each.id for each in refunds])
    return any(_is_its_line(line, found) for each in lines.values() for line in each)


def _is_its_line(line: RefundLine, found: InsuranceView) -> bool:
    return line.kind == "goods" and line.position == found.position


async def end_with_refund_in_tx(
    merchant: Merchant, order_public_id: str, refund_public_id: str, *, now: datetime
) -> None:
    """Money of an order went back: where its insurance's line is among it, the insurance ends with it. In the caller's
    transaction; asked again it changes nothing."""
    found = await insurance_of_order(merchant.id, order_public_id)
    if found is None or found.state is not InsuranceState.ACTIVE:
        return
    refund = await refund_by_public_id(merchant.id, refund_public_id)
    if refund is None:
        return
    lines = await lines_of_refund(merchant.id, refund.id)
    if any(_is_its_line(line, found) for line in lines):
        await extras.end_insurance_in_tx(
            merchant.id, order_public_id, actor=refund.asked_by, now=now, detail={"refund": refund_public_id}
        )
