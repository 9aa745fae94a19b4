"""What the templates of refunds and returns are given: made from the features' results, ready for the filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.kernel.money import Money
from app.plans.disclosure import QuoteView, view_of
from app.returns.queries import RefundView, ReturnView

if TYPE_CHECKING:
    from app.orders.queries import OrderView
    from app.returns.asking import NewRefund, Preview
    from app.returns.queries import RefundLine, Sale


@dataclass(frozen=True, slots=True)
class LeftLine:
    """A line of an order at its place, from 0, with how many pieces may still be taken back."""

    at: int
    name: str
    unit_price: Money
    left: int


@dataclass(frozen=True, slots=True)
class TakenLine:
    """A line of the credit note: `kind` is goods, sum, discount or fee; positive where something is taken back."""

    kind: str
    name: str
    quantity: int
    total: Money


@dataclass(frozen=True, slots=True)
class PreviewView:
    """What a refund does, in money. `after` is what may still be given back then; None for what is nothing."""

    to: str
    lines: Sequence[TakenLine]
    amount: Money
    restored: Money | None
    put: Money | None
    lowered: Money | None
    back: Money | None
    costs: Money | None
    ends: bool
    quote: QuoteView | None
    needs_approval: bool
    after: Money


@dataclass(frozen=True, slots=True)
class RefundRow:
    """One refund with what became of its money."""

    public_id: str
    state: str
    order_public_id: str
    reference: str
    return_public_id: str | None
    to: str
    amount: Money
    fee: Money | None
    note: str | None
    is_fraud: bool
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    restored: Money | None
    put: Money | None
    lowered: Money | None
    back: Money | None
    costs: Money | None
    credit_note_public_id: str | None
    credit_note_number: str | None


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """One return as lists and its page show it."""

    public_id: str
    number: str
    state: str
    order_public_id: str
    reference: str
    to: str
    reason: str
    statement: str | None
    lines: Sequence[tuple[str, int]]
    value: Money
    fee: Money | None
    refund: Money
    announced_by: str
    announced_at: datetime
    received_at: datetime | None
    ended_at: datetime | None
    refusal: str | None


def refundable_lines(order: OrderView, sale: Sale | None) -> tuple[LeftLine, ...]:
    """The lines of which something may still be taken back; before the documents are drawn, all of them."""
    left = [line.quantity for line in order.lines] if sale is None else sale.pieces_left
    return tuple(
        LeftLine(at, line.name, Money(line.unit_price_minor, order.currency), pieces)
        for at, (line, pieces) in enumerate(zip(order.lines, left, strict=True))
        if pieces and line.unit_price_minor > 0
    )


def preview_of(order: OrderView, new: NewRefund, shown: Preview) -> PreviewView:
    outcome, wallet, currency = shown.outcome, shown.wallet, order.currency
    return PreviewView(
        to=new.to,
        lines=tuple(
            TakenLine(row.kind, row.item.name, abs(row.item.quantity), Money(row.item.total_minor, currency))
            for row in shown.asked.rows
        ),
        amount=Money(shown.asked.amount_minor, currency),
        restored=_some(wallet.restored_minor, currency),
        put=_some(wallet.put_minor, currency),
        lowered=_some(outcome.lowered_minor, currency),
        back=_some(outcome.back_minor, currency),
        costs=_some(outcome.costs_minor, currency),
        ends=outcome.ends,
        quote=None if shown.quote is None else view_of(shown.quote),
        needs_approval=shown.needs_approval,
        after=Money(order.refundable_minor - shown.asked.amount_minor, currency),
    )


def taken_lines(lines: Sequence[RefundLine], currency: str) -> tuple[TakenLine, ...]:
    return tuple(
        TakenLine(line.kind, line.name, abs(line.quantity), Money(line.total_minor, currency))
        for line in lines
    )


def refund_row(refund: RefundView) -> RefundRow:
    currency = refund.currency
    return RefundRow(
        public_id=refund.public_id,
        state=refund.state.value,
        order_public_id=refund.order_public_id,
        reference=refund.order_reference,
        return_public_id=refund.return_public_id,
        to=refund.destination,
        amount=Money(refund.amount_minor, currency),
        fee=_some(refund.fee_minor, currency),
        note=refund.note,
        is_fraud=refund.is_fraud,
        asked_by=refund.asked_by,
        asked_at=refund.asked_at,
        decided_by=refund.decided_by,
        decided_at=refund.decided_at,
        restored=_some(refund.restored_minor, currency),
        put=_some(refund.put_minor, currency),
        lowered=_some(refund.lowered_minor, currency),
        back=_some(refund.back_minor, currency),
        costs=_some(refund.costs_minor, currency),
        credit_note_public_id=refund.credit_note_public_id,
        credit_note_number=refund.credit_note_number,
    )


def return_row(found: ReturnView) -> ReturnRow:
    currency = found.currency
    return ReturnRow(
        public_id=found.public_id,
        number=found.number_text,
        state=found.state.value,
        order_public_id=found.order_public_id,
        reference=found.order_reference,
        to=found.destination,
        reason=found.reason,
        statement=found.statement,
        lines=tuple((line.name, line.quantity) for line in found.lines),
        value=Money(found.value_minor, currency),
        fee=_some(found.fee_minor, currency),
        refund=Money(found.refund_minor, currency),
        announced_by=found.announced_by,
        announced_at=found.announced_at,
        received_at=found.received_at,
        ended_at=found.ended_at,
        refusal=found.refusal,
    )


def _some(amount_minor: int, currency: str) -> Money | None:
    return Money(amount_minor, currency) if amount_minor else None
