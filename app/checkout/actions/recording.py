"""Staff record money that came outside the checkout: by bank transfer, or in cash at the till.

The whole price of an order that waits to be paid pays it, as a confirmed purchase does. Any other sum, and money for an
order that is paid, held, ended or removed by now, is never dropped: it stands in the books as unassigned, and a case
asks what to do with it (`assigning`). Sessions, order and link are locked as everybody locks them, so that of a
confirm, an expiry and two recordings exactly one pays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.cases import actions as cases
from app.cases.actions import NewMoneyCase
from app.cases.money import money_case_of_payment
from app.cases.rules import due_at
from app.checkout.actions.ending import end_others_in_tx, end_session_in_tx, lock_sessions_of
from app.checkout.states import SessionState
from app.kernel import audit, db, outbox
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger.rules import MERCHANT_SALES, UNASSIGNED, Account, between
from app.links import actions as links
from app.links.queries import link_of_order
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.errors import OrderRemoved
from app.orders.queries import OrderView, is_being_paid, order_for_api
from app.orders.states import OrderState
from app.payments import actions as payments
from app.payments.errors import RecordKeyReused
from app.payments.queries import RecordedView, recorded_by_key
from app.payments.rules import Received, account_of, check

PAYABLE: Final = frozenset({OrderState.OPEN, OrderState.IN_PAYMENT})
_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded payment, and the case (its public id) about it where it paid no order."""

    payment: RecordedView
    case: str | None


async def record_payment(
    merchant: Merchant, order_public_id: str, received: Received, now: datetime
) -> Recorded:
    """Record what came in for an order. The same key again answers the first recording.

    Raises RecordRefused, RecordKeyReused, OrderUnknown.
    """
    check(received, merchant.local_date(now))
    return await db.in_tx(lambda: _record(merchant, order_public_id, received, now))


async def _record(merchant: Merchant, order_public_id: str, received: Received, now: datetime) -> Recorded:
    sessions = await lock_sessions_of(merchant.id, order_public_id)
    order = await lock_even_removed(merchant.id, order_public_id)
    known = await recorded_by_key(merchant.id, received.key)
    if known is not None:
        return await _same(merchant.id, known, order, received)
    payment = await payments.record(merchant.id, order.id, received, now)
    case = None
    if await can_pay(merchant.id, order, sessions, received.amount):
        await pay_in_tx(
            merchant.id,
            order,
            sessions,
            payment,
            taken_from=account_of(payment.source),
            actor=received.actor,
            now=now,
        )
    else:
        case = await _set_aside(merchant, order, payment, received.actor, now)
    detail = {"order": order_public_id, "source": payment.source, "case": case}
    await audit.record(
        received.actor, "payment.recorded", payment.public_id, merchant_id=merchant.id, at=now, detail=detail
    )
    return Recorded(payment, case)


async def lock_even_removed(merchant_id: UUID, order_public_id: str) -> OrderView:
    """The order as it is, also one that expiry has removed, held until the transaction ends. Raises OrderUnknown."""
    try:
        return await orders.lock(merchant_id, order_public_id)
    except OrderRemoved:
        order = await order_for_api(merchant_id, order_public_id)
        assert order is not None, "its row is locked"
        return order


async def _same(merchant_id: UUID, known: RecordedView, order: OrderView, received: Received) -> Recorded:
    said = (order.id, received.amount, received.source, received.received_on)
    if (known.order_id, known.amount, known.source, known.received_on) != said:
        raise RecordKeyReused
    return Recorded(known, await money_case_of_payment(merchant_id, known.id))


async def can_pay(merchant_id: UUID, order: OrderView, sessions: Sequence[db.Record], amount: Money) -> bool:
    """Whether this sum pays the order as it is now: all of it, and no payment of it waits for an answer."""
    if order.state not in PAYABLE or amount != Money(order.total_minor, order.currency):
        return False
    if any(row["state"] != SessionState.OPEN for row in sessions):
        return False
    return not await is_being_paid(merchant_id, order.id)


async def pay_in_tx(
    merchant_id: UUID,
    order: OrderView,
    sessions: Sequence[db.Record],
    payment: RecordedView,
    *,
    taken_from: Account,
    actor: str,
    now: datetime,
) -> None:
    """The order is paid and locked, its link is used, and whoever was on the way to pay it stops. In a transaction that
    holds sessions and order. `taken_from` is where the money lies in the books."""
    for row in sessions:
        await end_session_in_tx(merchant_id, row, SessionState.CANCELLED, actor, now)
    # Whoever began between the two locks.
    await end_others_in_tx(merchant_id, order.id, _NOBODY, actor=actor, now=now)
    if await link_of_order(merchant_id, order.id) is not None:
        await links.close_paid(await links.lock_of(merchant_id, order.id), actor=actor, now=now)
    if order.state is OrderState.OPEN:
        await orders.move(
            merchant_id, order.id, expected=OrderState.OPEN, to=OrderState.IN_PAYMENT, actor=actor, now=now
        )
    await orders.pay_by_record(merchant_id, order.id, payment.id, actor=actor, now=now)
    await ledger.post(
        merchant_id,
        key=f"purchase:{order.public_id}",
        cause="purchase",
        about=order.public_id,
        entries=between(taken_from, MERCHANT_SALES, payment.amount),
        now=now,
    )
    data = {
        "order_id": order.public_id,
        "reference": order.reference,
        "total_minor": order.total_minor,
        "currency": order.currency,
        "method": "recorded",
        "source": payment.source,
    }
    await outbox.emit(merchant_id, "order.paid", data, now=now, about=order.public_id)


async def _set_aside(
    merchant: Merchant, order: OrderView, payment: RecordedView, actor: str, now: datetime
) -> str:
    """The money is in the books, as nobody's yet; a person is asked what to do with it."""
    await ledger.post(
        merchant.id,
        key=f"received:{payment.public_id}",
        cause="received",
        about=order.public_id,
        entries=between(account_of(payment.source), UNASSIGNED, payment.amount),
        now=now,
    )
    new = NewMoneyCase(
        payment_id=payment.id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        lang=merchant.locale,
        due_at=due_at(now, country=merchant.country, time_zone=merchant.time_zone),
    )
    return await cases.open_money_case(merchant.id, new, actor=actor, now=now)
