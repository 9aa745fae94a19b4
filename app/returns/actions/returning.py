"""Goods come back: announced by the shopper or by staff, received, and refunded, refused or called off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from app.invoices.credits import Pieces, rows_of, taken_of
from app.invoices.errors import CreditRefused
from app.kernel import db, ids, outbox
from app.law.rules import law_of
from app.merchants.modules import require_module
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.queries import OrderView
from app.orders.states import REFUNDABLE
from app.returns import rules
from app.returns.actions.closing import end
from app.returns.actions.refunding import refund
from app.returns.asking import NewRefund
from app.returns.errors import NotInvoicedYet, NotRefundable, ReturnMoved, ReturnRefused, ReturnUnknown
from app.returns.queries import (
    RefundView,
    Returnable,
    ReturnView,
    lines_of_refunds,
    refunds_of_order,
    return_by_public_id,
    returnable_of,
    sale_of,
)
from app.returns.rules import Destination, Offer, Reason
from app.returns.states import RETURNS, RefundState, ReturnState

# A mail about a return: what became of it is read when it is sent.
TELL_JOB: Final = "return_mail"

_NEXT_NUMBER: Final = """
INSERT INTO return_numbers AS n (merchant_id, last_number) VALUES ($1, 1)
ON CONFLICT (merchant_id) DO UPDATE SET last_number = n.last_number + 1 RETURNING last_number
"""

_INSERT: Final = """
WITH made AS (
    INSERT INTO returns (merchant_id, id, public_id, number, order_id, state, destination, reason, statement,
                         value_minor, fee_minor, currency, announced_by, announced_at)
    VALUES ($1, $2, $3, $4, $5, 'announced', $6, $7, $8, $9, $10, $11, $12, $13)
)
INSERT INTO return_lines (merchant_id, return_id, position, quantity)
SELECT $1, $2, l.position, l.quantity FROM unnest($14::int[], $15::int[]) AS l (position, quantity)
"""


@dataclass(frozen=True, slots=True)
class NewReturn:
    """Which goods come back and why, and where the money shall go. `is_staff` may announce what the conditions keep
    out: the shop may always be kinder than they are.
    """

    pieces: Sequence[Pieces]
    reason: Reason
    to: Destination
    actor: str
    statement: str = field(default="", repr=False)
    is_staff: bool = False


@dataclass(frozen=True, slots=True)
class Offered:
    """What chosen goods come to, and the pieces that the money is for: all of an order that goes back in the law's days
    takes its delivery with it."""

    offer: Offer
    pieces: tuple[Pieces, ...]


async def announce(merchant: Merchant, order_public_id: str, new: NewReturn, now: datetime) -> ReturnView:
    """Announce goods of a paid order, in the caller's transaction. The shopper is told by mail, with the number.

    Raises OrderUnknown, OrderRemoved, NotRefundable, NotInvoicedYet, ReturnRefused, ModuleOff.
    """
    order = await orders.lock(merchant.id, order_public_id)
    if new.to == "wallet":
        await require_module(merchant.id, "wallet")
    statement = rules.statement_of(new.statement)
    offered = await offer_for(merchant, order, new, merchant.local_date(now))
    fee = offered.offer.fee_minor(new.to)
    return_id, public_id = ids.internal_id(), ids.public_id("ret")
    number = await db.fetch_value(_NEXT_NUMBER, merchant.id)
    await db.execute(
        _INSERT,
        merchant.id,
        return_id,
        public_id,
        number,
        order.id,
        new.to,
        new.reason,
        statement,
        offered.offer.value_minor,
        fee,
        order.currency,
        new.actor,
        now,
        [piece.position for piece in offered.pieces],
        [piece.quantity for piece in offered.pieces],
    )
    await RETURNS.begin(
        merchant.id,
        return_id,
        state=ReturnState.ANNOUNCED,
        event="return.announced",
        actor=new.actor,
        at=now,
    )
    await _tell(merchant.id, public_id, order_public_id, ReturnState.ANNOUNCED)
    announced = await return_by_public_id(merchant.id, public_id)
    assert announced is not None
    return announced


async def offer_for(merchant: Merchant, order: OrderView, new: NewReturn, today: date) -> Offered:
    """What these goods would come to. Writes nothing. Raises NotRefundable, NotInvoicedYet, ReturnRefused."""
    if order.state not in REFUNDABLE:
        raise NotRefundable(order.state.value)
    sale = await sale_of(merchant.id, order)
    if sale is None:
        raise NotInvoicedYet
    if new.to == "wallet" and sale.opposed.debtor_id is None:
        raise ReturnRefused("to", "no_customer")
    if new.to == "wallet" and order.currency != merchant.currency:
        raise ReturnRefused("to", "other_currency")
    returnable = await returnable_of(merchant, order, today, sale=sale)
    assert returnable is not None, "a paid order with its documents"
    chosen = rules.checked_pieces(new.pieces, {line.position: line.left for line in returnable.lines})
    if not new.is_staff:
        _check_conditions(merchant, order, returnable, chosen, new.reason, today)
    pieces = (*chosen, *_delivery_of(merchant, order, returnable, chosen, today))
    try:
        rows = rows_of(sale.opposed.content, sale.earlier, pieces)
        value = taken_of(sale.opposed.content, sale.earlier, [row.item for row in rows]).amount_minor
    except CreditRefused:
        # What these goods cost was given back as a sum already.
        raise ReturnRefused("lines", "nothing_left") from None
    return Offered(rules.offer_of(value, returnable.conditions, new.reason), pieces)


def _check_conditions(
    merchant: Merchant,
    order: OrderView,
    returnable: Returnable,
    chosen: Sequence[Pieces],
    reason: Reason,
    today: date,
) -> None:
    assert order.paid_at is not None
    conditions = returnable.conditions
    if not rules.in_time(conditions, merchant.local_date(order.paid_at), today, reason):
        raise ReturnRefused("lines", "too_late")
    for piece in chosen:
        if rules.is_kept(conditions, order.lines[piece.position].category, reason):
            raise ReturnRefused("lines", "not_taken_back", piece.position)


def _delivery_of(
    merchant: Merchant, order: OrderView, returnable: Returnable, chosen: Sequence[Pieces], today: date
) -> tuple[Pieces, ...]:
    """Delivery and fees of an order whose goods all go back in the law's days: with the last of them, since what went
    back before or is on its way was announced earlier still."""
    assert order.paid_at is not None
    least = rules.standard(rules.law_days(law_of(merchant.country), today))
    if today > rules.last_day(least, merchant.local_date(order.paid_at)):
        return ()
    left = {line.position: line.left for line in returnable.lines}
    return returnable.delivery if rules.are_the_last(chosen, left) else ()


async def receive(merchant: Merchant, return_public_id: str, *, actor: str, now: datetime) -> ReturnView:
    """The goods are at the shop. In the caller's transaction; received twice is received once.

    Raises ReturnUnknown, ReturnMoved.
    """
    found = await _locked(merchant.id, return_public_id)
    if found.state is ReturnState.RECEIVED:
        return found
    await _require(found, ReturnState.ANNOUNCED)
    await RETURNS.move(
        merchant.id, found.id, expected=found.state, to=ReturnState.RECEIVED, actor=actor, at=now
    )
    await db.execute(
        "UPDATE returns SET received_at = $3 WHERE merchant_id = $1 AND id = $2", merchant.id, found.id, now
    )
    return await _again(merchant.id, return_public_id)


async def refuse_return(
    merchant: Merchant, return_public_id: str, reason: str, *, actor: str, now: datetime
) -> ReturnView:
    """The shop does not take the goods back, and tells the shopper why. In the caller's transaction.

    While a second person is asked about its money the answer is theirs: what is refused is not refunded as well. Raises
    ReturnUnknown, ReturnMoved, ReturnRefused ("statement").
    """
    text = rules.statement_of(reason, required=True)
    found = await _locked(merchant.id, return_public_id)
    await _require(found, ReturnState.ANNOUNCED, ReturnState.RECEIVED)
    if await _refund_waits(merchant.id, found):
        raise ReturnMoved(found.state.value)
    await end(
        merchant.id,
        found.id,
        expected=found.state,
        to=ReturnState.REFUSED,
        actor=actor,
        now=now,
        refusal=text,
    )
    await _tell(merchant.id, return_public_id, found.order_public_id, ReturnState.REFUSED)
    return await _again(merchant.id, return_public_id)


async def cancel_return(
    merchant: Merchant, return_public_id: str, *, actor: str, now: datetime
) -> ReturnView:
    """Whoever announced thinks better of it. In the caller's transaction; called off twice is called off once.

    Raises ReturnUnknown, ReturnMoved.
    """
    found = await _locked(merchant.id, return_public_id)
    if found.state is ReturnState.CANCELLED:
        return found
    await _require(found, ReturnState.ANNOUNCED)
    await end(merchant.id, found.id, expected=found.state, to=ReturnState.CANCELLED, actor=actor, now=now)
    return await _again(merchant.id, return_public_id)


async def refund_return(
    merchant: Merchant,
    return_public_id: str,
    *,
    refundable_minor: int,
    actor: str,
    now: datetime,
    fee_minor: int | None = None,
) -> RefundView:
    """Give back what a return was announced for, in the caller's transaction; goods on their way are received with it.

    `fee_minor` is another fee than the shopper was told, never a higher one; `refundable_minor` is what whoever presses
    saw as refundable of the order. Pressed twice gives back once. Raises ReturnUnknown, ReturnMoved, ReturnRefused, and
    what `refund` raises.
    """
    named = await return_by_public_id(merchant.id, return_public_id)
    if named is None:
        raise ReturnUnknown
    order = await orders.lock(merchant.id, named.order_public_id)
    found = await _locked(merchant.id, return_public_id)
    await _require(found, ReturnState.ANNOUNCED, ReturnState.RECEIVED, ReturnState.REFUNDED)
    fee = found.fee_minor if fee_minor is None else fee_minor
    if not 0 <= fee <= found.fee_minor:
        raise ReturnRefused("fee", "out_of_range")
    if found.state is ReturnState.ANNOUNCED:
        found = await receive(merchant, return_public_id, actor=actor, now=now)
    before = await refunds_of_order(merchant.id, found.order_id)
    refused = sum(each.return_id == found.id and each.state is RefundState.REFUSED for each in before)
    given_up = await _given_up(merchant.id, order, found, before)
    new = NewRefund(
        wanted=tuple(
            Pieces(line.position, line.quantity) for line in found.lines if line.position not in given_up
        ),
        refundable_minor=refundable_minor,
        to=found.destination,
        actor=actor,
        # What a second person has refused may be asked again.
        key=f"return:{return_public_id}:{refused}",
        fee_minor=fee,
    )
    return await refund(merchant, found.order_public_id, new, now, return_id=found.id)


async def _given_up(
    merchant_id: UUID, order: OrderView, found: ReturnView, before: Sequence[RefundView]
) -> frozenset[int]:
    """The lines of insurances whose money went back by itself since the goods were announced: their holder may give
    them up at any time."""
    insured = frozenset(at for at, line in enumerate(order.lines) if line.origin == "insurance")
    if not insured:
        return insured
    others = [
        each.id for each in before if each.return_id != found.id and each.state is not RefundState.REFUSED
    ]
    lines = await lines_of_refunds(merchant_id, others)
    return insured & {line.position for each in lines.values() for line in each if line.position is not None}


_FORGET: Final = """
UPDATE returns SET statement = NULL, refusal = NULL
WHERE (merchant_id, id) IN (
    SELECT merchant_id, id FROM returns
    WHERE ended_at <= $1 AND (statement IS NOT NULL OR refusal IS NOT NULL) ORDER BY ended_at LIMIT $2
)
"""


async def forget_words(before: datetime, limit: int) -> int:
    """Take away what people wrote about returns that ended before then. In a transaction. Answers how many."""
    return int((await db.execute(_FORGET, before, limit)).split()[-1])


async def _refund_waits(merchant_id: UUID, found: ReturnView) -> bool:
    """Of a return that the caller holds: a refund of it is only asked for by whoever holds it too."""
    return any(
        each.return_id == found.id and each.state is RefundState.PENDING_APPROVAL
        for each in await refunds_of_order(merchant_id, found.order_id)
    )


async def _locked(merchant_id: UUID, return_public_id: str) -> ReturnView:
    found = await return_by_public_id(merchant_id, return_public_id, lock=True)
    if found is None:
        raise ReturnUnknown
    # Read after the lock: a statement that waited for it may have seen the row before.
    return await _again(merchant_id, return_public_id)


async def _again(merchant_id: UUID, return_public_id: str) -> ReturnView:
    found = await return_by_public_id(merchant_id, return_public_id)
    assert found is not None
    return found


async def _require(found: ReturnView, *states: ReturnState) -> None:
    if found.state not in states:
        raise ReturnMoved(found.state.value)


async def _tell(merchant_id: UUID, public_id: str, order_public_id: str, what: ReturnState) -> None:
    payload = {"return": public_id, "what": what.value}
    key = f"return:{what.value}:{public_id}"
    await outbox.put(merchant_id, TELL_JOB, payload, key=key, about=order_public_id)
