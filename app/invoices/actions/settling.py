"""An instalment purchase is repaid before its time, by one payment of the figure that settles it on that day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.invoices import settlement
from app.invoices.actions.charges import post_charges
from app.invoices.actions.crediting import ask_for_less, locked_together
from app.invoices.actions.paying import NewPayment, check_payment, record_payment
from app.invoices.errors import NothingToSettle, PaymentKeyReused, SettlementMoved
from app.invoices.queries import InvoiceView, PaymentView, payments_of, unpaid_of
from app.invoices.states import MACHINE, InvoiceState
from app.kernel.money import Money
from app.merchants.queries import Merchant


async def settle_early(
    merchant: Merchant, order_public_id: str, payment: NewPayment, now: datetime
) -> tuple[PaymentView, ...]:
    """Close every instalment that is left by a payment of the day's figure, in the caller's transaction.

    What has not accrued by the day of payment is dropped for good. Each notice gets its share as a payment of its own;
    the same key again answers the first ones. Raises NothingToSettle, SettlementMoved, PaymentRefused,
    PaymentKeyReused.
    """
    together = await locked_together(merchant.id, order_public_id)
    notices = [invoice for invoice in together if invoice.kind == "notice"]
    known = await _known(merchant.id, notices, payment)
    if known:
        return known
    unpaid, parts = unpaid_of(notices)
    if not unpaid:
        raise NothingToSettle
    check_payment(merchant, unpaid[0], payment, now)
    settled = settlement.settle(parts, payment.paid_on)
    if payment.amount.amount_minor != settled.figure_minor:
        raise SettlementMoved(settled.figure_minor)
    lowered = [
        await ask_for_less(merchant.id, invoice, less)
        for invoice, less in zip(unpaid, settled.less, strict=True)
    ]
    for lower in lowered:
        if lower.open_minor:
            # All of them before the first payment: whoever pays elsewhere takes the costs' accounts before the bank's.
            await post_charges(merchant, lower, now)
    recorded = []
    for invoice, lower in zip(unpaid, lowered, strict=True):
        if lower.open_minor:
            share = _share(payment, lower)
            recorded.append(await record_payment(merchant, invoice.public_id, share, now))
        else:
            # It asked for nothing but costs that will not be earned.
            await MACHINE.move(
                merchant.id,
                invoice.id,
                expected=invoice.state,
                to=InvoiceState.PAID,
                actor=payment.actor,
                at=now,
            )
    return tuple(recorded)


async def _known(
    merchant_id: UUID, notices: Sequence[InvoiceView], payment: NewPayment
) -> tuple[PaymentView, ...]:
    """What this key recorded before. Raises PaymentKeyReused when that was another sum or another day."""
    keys = {_key(payment, notice) for notice in notices}
    recorded = await payments_of(merchant_id, *(notice.id for notice in notices))
    found = tuple(each for each in recorded if each.key in keys)
    if found and (
        sum(each.amount_minor for each in found) != payment.amount.amount_minor
        or any(each.paid_on != payment.paid_on for each in found)
    ):
        raise PaymentKeyReused
    return found


def _share(payment: NewPayment, notice: InvoiceView) -> NewPayment:
    amount = Money(notice.open_minor, notice.currency)
    return NewPayment(amount, payment.paid_on, payment.source, payment.actor, _key(payment, notice))


def _key(payment: NewPayment, notice: InvoiceView) -> str:
    return f"{payment.key}:{notice.instalment}"
