"""Reads of refunds, returns and conditions. Every list is one or two statements, whatever its length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final
from uuid import UUID

from app.invoices.content import Content, LineItem
from app.invoices.credits import Pieces, RowKind, pieces_left, taken_of
from app.invoices.queries import InvoiceView, invoices_of_order
from app.invoices.rules import opposing
from app.kernel import db
from app.kernel.cursors import Position
from app.law.rules import law_of
from app.merchants.queries import Merchant
from app.orders.queries import OrderView
from app.returns import rules
from app.returns.rules import Conditions, Destination, Reason
from app.returns.states import OPEN, RefundState, ReturnState

LIST_LIMIT_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class RefundLine:
    """A line of the credit note: goods by their place in the order (`position`, from 0), or a sum, a discount's share,
    a fee that is kept. Positive where something is taken back."""

    kind: RowKind
    position: int | None
    name: str
    quantity: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund with what became of its money; amounts are minor units of `currency`. `amount_minor` came off the sale:
    the goods less `fee_minor`. `asked_by` and `decided_by` are what histories call people ("staff:st_...").
    """

    id: UUID
    public_id: str
    key: str
    order_id: UUID
    order_public_id: str
    order_reference: str
    return_id: UUID | None
    return_public_id: str | None
    state: RefundState
    destination: Destination
    amount_minor: int
    fee_minor: int
    currency: str
    note: str | None = field(repr=False)
    is_fraud: bool
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    restored_minor: int
    put_minor: int
    lowered_minor: int
    back_minor: int
    costs_minor: int
    credit_note_id: UUID | None
    credit_note_public_id: str | None
    credit_note_number: str | None
    quote_id: str | None

    @property
    def to_wallet_minor(self) -> int:
        return self.restored_minor + self.put_minor


@dataclass(frozen=True, slots=True)
class RefundPage:
    """One page of an order's refunds, oldest first. `next_cursor` leads to the next one; None on the last."""

    refunds: tuple[RefundView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """So many pieces of the order's line at `position` (from 0)."""

    position: int
    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ReturnView:
    """An announced return; amounts are minor units of `currency`, as the shopper was told. `number` is the shop's own
    count of its returns, which stands on the parcel."""

    id: UUID
    public_id: str
    number: int
    order_id: UUID
    order_public_id: str
    order_reference: str
    state: ReturnState
    destination: Destination
    reason: Reason
    statement: str | None = field(repr=False)
    value_minor: int
    fee_minor: int
    currency: str
    announced_by: str
    announced_at: datetime
    received_at: datetime | None
    ended_at: datetime | None
    refusal: str | None = field(repr=False)
    lines: tuple[ReturnLine, ...]

    @property
    def number_text(self) -> str:
        """As it is written on the parcel."""
        return f"R-{self.number:05d}"

    @property
    def refund_minor(self) -> int:
        return self.value_minor - self.fee_minor


@dataclass(frozen=True, slots=True)
class ReturnPage:
    """One page of a list, newest first. `next_cursor` leads to the next one; None on the last."""

    returns: tuple[ReturnView, ...]
    next_cursor: str | None


_REFUND: Final = """
SELECT r.id, r.public_id, r.key, r.order_id, o.public_id AS order_public_id, o.reference AS order_reference,
       r.return_id, t.public_id AS return_public_id, r.state, r.destination, r.amount_minor, r.fee_minor, r.currency,
       r.note, r.is_fraud, r.asked_by, r.asked_at, r.decided_by, r.decided_at, r.restored_minor, r.put_minor,
       r.lowered_minor, r.back_minor, r.costs_minor, r.credit_note_id, i.public_id AS credit_note_public_id,
       i.number AS credit_note_number, r.quote_id
FROM refunds r JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
LEFT JOIN returns t ON t.merchant_id = r.merchant_id AND t.id = r.return_id
LEFT JOIN invoices i ON i.merchant_id = r.merchant_id AND i.id = r.credit_note_id
"""

_RETURN: Final = """
SELECT t.id, t.public_id, t.number, t.order_id, o.public_id AS order_public_id, o.reference AS order_reference, t.state,
       t.destination, t.reason, t.statement, t.value_minor, t.fee_minor, t.currency, t.announced_by, t.announced_at,
       t.received_at, t.ended_at, t.refusal,
       (SELECT array_agg(ROW(l.position, coalesce(g.name, ''), l.quantity) ORDER BY l.position) FROM return_lines l
        LEFT JOIN order_lines g ON g.merchant_id = l.merchant_id AND g.order_id = t.order_id AND g.version = o.version
             AND g.position = l.position + 1
        WHERE l.merchant_id = t.merchant_id AND l.return_id = t.id) AS lines
FROM returns t JOIN orders o ON o.merchant_id = t.merchant_id AND o.id = t.order_id
"""


async def conditions_of(merchant: Merchant, on: date) -> Conditions:
    """A shop's conditions; never fewer days than the law of the day gives."""
    least = rules.law_days(law_of(merchant.country), on)
    row = await db.fetch_one(
        """SELECT days, delivery_days, fee_minor, fee_waived_to_wallet, kept_categories, approval_above_minor
           FROM return_conditions WHERE merchant_id = $1""",
        merchant.id,
    )
    if row is None:
        return rules.standard(least)
    return Conditions(
        days=max(row["days"], least),
        delivery_days=row["delivery_days"],
        fee_minor=row["fee_minor"],
        fee_waived_to_wallet=row["fee_waived_to_wallet"],
        kept_categories=tuple(row["kept_categories"]),
        approval_above_minor=row["approval_above_minor"],
    )


async def refund_by_public_id(merchant_id: UUID, public_id: str, *, lock: bool = False) -> RefundView | None:
    """One refund; with `lock` its row stays locked until the end of the transaction."""
    sql = f"{_REFUND} WHERE r.merchant_id = $1 AND r.public_id = $2"
    row = await db.fetch_one(f"{sql} FOR UPDATE OF r" if lock else sql, merchant_id, public_id)
    return None if row is None else _refund(row)


async def refund_by_key(merchant_id: UUID, key: str) -> RefundView | None:
    row = await db.fetch_one(f"{_REFUND} WHERE r.merchant_id = $1 AND r.key = $2", merchant_id, key)
    return None if row is None else _refund(row)


async def refund_of_note(merchant_id: UUID, credit_note_id: UUID) -> RefundView | None:
    row = await db.fetch_one(
        f"{_REFUND} WHERE r.merchant_id = $1 AND r.credit_note_id = $2", merchant_id, credit_note_id
    )
    return None if row is None else _refund(row)


async def refunds_of_order(merchant_id: UUID, order_id: UUID) -> tuple[RefundView, ...]:
    """Every refund of an order, oldest first: done, waiting and refused ones."""
    rows = await db.fetch_all(
        f"{_REFUND} WHERE r.merchant_id = $1 AND r.order_id = $2 ORDER BY r.id", merchant_id, order_id
    )
    return tuple(_refund(row) for row in rows)


async def waiting_refunds(merchant_id: UUID) -> tuple[RefundView, ...]:
    """Refunds that a second person is asked about, the oldest first; a hundred at most."""
    rows = await db.fetch_all(
        f"{_REFUND} WHERE r.merchant_id = $1 AND r.state = 'pending_approval'"
        f" ORDER BY r.asked_at, r.id LIMIT {LIST_LIMIT_MAX}",
        merchant_id,
    )
    return tuple(_refund(row) for row in rows)


async def list_refunds(
    merchant_id: UUID, order_id: UUID, *, cursor: str | None = None, limit: int = 50
) -> RefundPage:
    """Refunds of an order, oldest first: done, waiting and refused ones. Raises CursorRefused."""
    assert 1 <= limit <= LIST_LIMIT_MAX, "the caller checks the limit"
    # Ids begin with the time they were made at.
    after = None if cursor is None else Position.parse(cursor).id
    rows = await db.fetch_all(
        f"{_REFUND} WHERE r.merchant_id = $1 AND r.order_id = $2 AND ($3::uuid IS NULL OR r.id > $3)"
        " ORDER BY r.id LIMIT $4",
        merchant_id,
        order_id,
        after,
        limit + 1,
    )
    found = tuple(_refund(row) for row in rows[:limit])
    last = found[-1] if len(rows) > limit else None
    return RefundPage(found, None if last is None else Position(last.asked_at, last.id).text())


async def lines_of_refund(merchant_id: UUID, refund_id: UUID) -> tuple[RefundLine, ...]:
    return (await lines_of_refunds(merchant_id, [refund_id])).get(refund_id, ())


async def lines_of_refunds(
    merchant_id: UUID, refund_ids: Sequence[UUID]
) -> dict[UUID, tuple[RefundLine, ...]]:
    """The lines of each of these refunds, by its id; all in one statement."""
    rows = await db.fetch_all(
        """SELECT refund_id, kind, position, name, quantity, total_minor FROM refund_lines
           WHERE merchant_id = $1 AND refund_id = ANY($2::uuid[]) ORDER BY refund_id, place""",
        merchant_id,
        list(refund_ids),
    )
    lines: dict[UUID, list[RefundLine]] = {}
    for row in rows:
        values = dict(row.items())
        lines.setdefault(values.pop("refund_id"), []).append(RefundLine(**values))
    return {refund_id: tuple(found) for refund_id, found in lines.items()}


async def items_of_refund(merchant_id: UUID, refund_id: UUID) -> tuple[LineItem, ...]:
    """The lines of its credit note, as they were asked for."""
    return (await _items(merchant_id, [refund_id])).get(refund_id, ())


async def _items(merchant_id: UUID, refund_ids: Sequence[UUID]) -> dict[UUID, tuple[LineItem, ...]]:
    rows = await db.fetch_all(
        """SELECT refund_id, name, sku, quantity, unit_price_minor, vat_percent, total_minor FROM refund_lines
           WHERE merchant_id = $1 AND refund_id = ANY($2::uuid[]) ORDER BY refund_id, place""",
        merchant_id,
        list(refund_ids),
    )
    items: dict[UUID, tuple[LineItem, ...]] = {}
    for row in rows:
        values = dict(row.items())
        refund_id = values.pop("refund_id")
        items[refund_id] = (*items.get(refund_id, ()), LineItem(**values))
    return items


@dataclass(frozen=True, slots=True)
class Sale:
    """An order's documents as a refund sees them: the one that is opposed, all of them, and what was taken back of it
    or is asked to be (`earlier`, credit notes that wait for a second person included)."""

    opposed: InvoiceView
    together: tuple[InvoiceView, ...]
    earlier: tuple[Content, ...]
    refunds: tuple[RefundView, ...]

    @property
    def pieces_left(self) -> tuple[int, ...]:
        """How many pieces of each line no refund takes back; a discount has none."""
        left = pieces_left(self.opposed.content, self.earlier)
        return tuple(
            0 if line.total_minor < 0 else count
            for line, count in zip(self.opposed.content.lines, left, strict=True)
        )

    @property
    def done(self) -> tuple[RefundView, ...]:
        return tuple(refund for refund in self.refunds if refund.state is RefundState.DONE)


async def sale_of(
    merchant_id: UUID, order: OrderView, *, together: tuple[InvoiceView, ...] | None = None
) -> Sale | None:
    """The sale of a paid order; None while its documents are not drawn. `together` where the caller holds them."""
    if together is None:
        together = await invoices_of_order(merchant_id, order.public_id)
    opposed = next((each for each in together if each.kind in {"invoice", "receipt"}), None)
    if opposed is None:
        return None
    refunds = await refunds_of_order(merchant_id, order.id)
    earlier = [each.content for each in together if each.kind == "credit_note"]
    waiting = [refund for refund in refunds if refund.state is RefundState.PENDING_APPROVAL]
    items = await _items(merchant_id, [refund.id for refund in waiting]) if waiting else {}
    for refund in waiting:
        taken = taken_of(opposed.content, earlier, items[refund.id])
        earlier.append(opposing(opposed.content, "", opposed.issue_on, taken))
    return Sale(opposed, together, tuple(earlier), refunds)


async def return_by_public_id(merchant_id: UUID, public_id: str, *, lock: bool = False) -> ReturnView | None:
    sql = f"{_RETURN} WHERE t.merchant_id = $1 AND t.public_id = $2"
    row = await db.fetch_one(f"{sql} FOR UPDATE OF t" if lock else sql, merchant_id, public_id)
    return None if row is None else _return(row)


async def returns_of_order(merchant_id: UUID, order_id: UUID) -> tuple[ReturnView, ...]:
    """Every return of an order, oldest first."""
    rows = await db.fetch_all(
        f"{_RETURN} WHERE t.merchant_id = $1 AND t.order_id = $2 ORDER BY t.id", merchant_id, order_id
    )
    return tuple(_return(row) for row in rows)


async def list_returns(
    merchant_id: UUID,
    *,
    states: Sequence[ReturnState] = (),
    number: int | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> ReturnPage:
    """Returns, newest first; of these states, or all of them. Raises CursorRefused."""
    assert 1 <= limit <= LIST_LIMIT_MAX, "the caller checks the limit"
    arguments: list[object] = [merchant_id]

    def given(value: object) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    conditions = ["t.merchant_id = $1"]
    if states:
        conditions.append(f"t.state = ANY({given([state.value for state in states])}::text[])")
    if number is not None:
        conditions.append(f"t.number = {given(number)}")
    if cursor is not None:
        position = Position.parse(cursor)
        conditions.append(f"(t.announced_at, t.id) < ({given(position.at)}, {given(position.id)})")
    # Only conditions written above are joined here; every value is a parameter.
    rows = await db.fetch_all(
        f"{_RETURN} WHERE {' AND '.join(conditions)}"
        f" ORDER BY t.announced_at DESC, t.id DESC LIMIT {given(limit + 1)}",
        *arguments,
    )
    found = tuple(_return(row) for row in rows[:limit])
    last = found[-1] if len(rows) > limit else None
    return ReturnPage(found, None if last is None else Position(last.announced_at, last.id).text())


@dataclass(frozen=True, slots=True)
class ReturnableLine:
    """A line of an order whose goods may come back. `left` is how many pieces still can; `is_kept` says that the shop's
    conditions keep its category sold, whatever the reason but a fault."""

    position: int
    name: str
    unit_price_minor: int
    left: int
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Returnable:
    """What a shopper may announce of a paid order. `last_day` is the last on which goods that were as they should be
    may be announced; `is_in_time` says whether it lies ahead. `delivery` is what of delivery and fees is neither given
    back nor on its way back."""

    lines: tuple[ReturnableLine, ...]
    delivery: tuple[Pieces, ...]
    last_day: date
    is_in_time: bool
    conditions: Conditions


async def returnable_of(
    merchant: Merchant, order: OrderView, today: date, *, sale: Sale | None = None
) -> Returnable | None:
    """None for an order that is not paid, or whose documents are not drawn. `sale` where the caller has it."""
    if order.paid_at is None:
        return None
    sale = sale or await sale_of(merchant.id, order)
    if sale is None:
        return None
    conditions = await conditions_of(merchant, today)
    on_their_way = _pieces_of(await returns_of_order(merchant.id, order.id))
    purchased_on = merchant.local_date(order.paid_at)
    left = [
        max(0, pieces - on_their_way.get(position, 0)) for position, pieces in enumerate(sale.pieces_left)
    ]
    lines = [
        ReturnableLine(
            position=position,
            name=line.name,
            unit_price_minor=line.unit_price_minor,
            left=left[position],
            is_kept=rules.is_kept(conditions, line.category, "other"),
        )
        for position, line in enumerate(order.lines)
        if line.type == "item"
    ]
    return Returnable(
        lines=tuple(lines),
        delivery=tuple(
            Pieces(position, left[position])
            for position, line in enumerate(order.lines)
            if line.type in {"shipping", "fee"} and left[position]
        ),
        last_day=rules.last_day(conditions, purchased_on),
        is_in_time=rules.in_time(conditions, purchased_on, today, "other"),
        conditions=conditions,
    )


def _pieces_of(returns: Sequence[ReturnView]) -> dict[int, int]:
    """How many pieces of each line open returns speak of."""
    pieces: dict[int, int] = {}
    for each in returns:
        if each.state in OPEN:
            for line in each.lines:
                pieces[line.position] = pieces.get(line.position, 0) + line.quantity
    return pieces


def _refund(row: db.Record) -> RefundView:
    return RefundView(**{**dict(row.items()), "state": RefundState(row["state"])})


def _return(row: db.Record) -> ReturnView:
    lines = tuple(ReturnLine(*line) for line in row["lines"] or ())
    return ReturnView(**{**dict(row.items()), "state": ReturnState(row["state"]), "lines": lines})
