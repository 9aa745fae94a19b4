"""Money of a paid order goes back: whole, a sum, or by the piece, to where it came from or into the wallet.

One transaction. Locks, in this order: the order, its refund, the shop's module, the documents, their series, the
credit line, the wallet, the ledger's other accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.credit import actions as credit_lines
from app.invoices.actions.crediting import Credited, credit_together, locked_together
from app.invoices.actions.storing import hold_series
from app.invoices.content import LineItem
from app.invoices.credits import Everything, Row
from app.invoices.errors import CreditRefused
from app.invoices.taking import IntoWallet
from app.kernel import db, ids, outbox
from app.kernel.money import Money
from app.merchants.modules import require_module
from app.merchants.queries import Merchant
from app.merchants.two_people import check_second
from app.orders import actions as orders
from app.orders.queries import OrderView
from app.orders.states import OrderState
from app.payments import actions as payments
from app.payments.ports import METHODS
from app.payments.queries import captured_payment_of_order
from app.returns.actions.closing import end_refunded
from app.returns.asking import Asked, NewRefund, asked_of, check_wallet, into_wallet, needs_second_person
from app.returns.errors import (
    NotInvoicedYet,
    PaymentDisputed,
    RefundableChanged,
    RefundDecided,
    RefundKeyReused,
    RefundRefused,
    RefundUnknown,
)
from app.returns.queries import (
    RefundView,
    Sale,
    conditions_of,
    items_of_refund,
    lines_of_refund,
    refund_by_key,
    refund_by_public_id,
    sale_of,
)
from app.returns.rules import Destination
from app.returns.states import REFUNDS, RefundState
from app.risk.labels import label_order_in_tx
from app.wallet import actions as wallets
from app.wallet.rules import WalletCause

_INSERT: Final = """
INSERT INTO refunds (merchant_id, id, public_id, key, order_id, return_id, state, destination, amount_minor, fee_minor,
                     currency, note, asked_by, asked_at, decided_by, decided_at, restored_minor, put_minor,
                     lowered_minor, back_minor, costs_minor, credit_note_id, quote_id, is_fraud)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)
"""

_ADD_LINES: Final = """
INSERT INTO refund_lines (merchant_id, refund_id, place, position, kind, name, sku, quantity, unit_price_minor,
                          vat_percent, total_minor)
SELECT $1, $2, l.place, l.position, l.kind, l.name, l.sku, l.quantity, l.unit_price, l.vat_percent,
       l.quantity * l.unit_price
FROM unnest($3::int[], $4::int[], $5::text[], $6::text[], $7::text[], $8::int[], $9::bigint[], $10::text[])
    AS l (place, position, kind, name, sku, quantity, unit_price, vat_percent)
"""

# One statement for what CHECKs tie together; the machine's own could not set the rest.
_DECIDE: Final = """
WITH moved AS (
    UPDATE refunds
    SET state = $3, decided_by = $4, decided_at = $5, restored_minor = $6, put_minor = $7, lowered_minor = $8,
        back_minor = $9, costs_minor = $10, credit_note_id = $11, quote_id = $12
    WHERE merchant_id = $1 AND id = $2 AND state = 'pending_approval' RETURNING id
)
INSERT INTO refund_history (merchant_id, id, subject_id, from_state, to_state, event, actor, at, detail)
SELECT $1, $13, id, 'pending_approval', $3, $14, $4, $5, '{}' FROM moved
"""


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of a refund's money, in minor units."""

    wallet: IntoWallet
    credited: Credited

    @property
    def columns(self) -> tuple[object, ...]:
        outcome, quote = self.credited.outcome, self.credited.quote
        return (
            self.wallet.restored_minor,
            self.wallet.put_minor,
            outcome.lowered_minor,
            outcome.back_minor,
            outcome.costs_minor,
            self.credited.note.id,
            None if quote is None else quote.id,
        )


_NOTHING: Final[tuple[object, ...]] = (0, 0, 0, 0, 0, None, None)


async def refund(
    merchant: Merchant, order_public_id: str, new: NewRefund, now: datetime, *, return_id: UUID | None = None
) -> RefundView:
    """Give back what was paid for an order, in the caller's transaction. The same key again answers the first refund.

    Above the shop's limit it waits for a second person, unless it is by right: the sum is set aside, and nothing else
    happens yet. `return_id` names the return whose goods it is for. Raises OrderUnknown, OrderRemoved, NotRefundable,
    PaymentDisputed, NotInvoicedYet, RefundableChanged, RefundRefused, RefundKeyReused, ModuleOff (of `merchants`),
    MoneyFrozen.
    """
    order = await orders.lock(merchant.id, order_public_id)
    key = f"{order_public_id}:{new.key}"
    known = await refund_by_key(merchant.id, key)
    if known is not None:
        return await _same(merchant.id, known, new)
    if new.to == "wallet":
        await require_module(merchant.id, "wallet")
    left_of_disputed = await _left_of_disputed(merchant.id, order)
    sale = await _locked_sale(merchant, order)
    asked = await asked_of(merchant, order, sale, new)
    if left_of_disputed == 0:
        raise PaymentDisputed(order.state.value)
    left = await orders.reserve_refund(
        merchant.id, order.id, amount_minor=asked.amount_minor, seen_minor=new.refundable_minor
    )
    if left is None:
        raise RefundableChanged(order.refundable_minor)
    conditions = await conditions_of(merchant, merchant.local_date(now))
    refund_id, public_id = ids.internal_id(), ids.public_id("rf")
    done = None
    if new.by_right or not needs_second_person(asked.sale.refunds, asked.amount_minor, conditions):
        items = [row.item for row in asked.rows]
        done = await _carry_out(merchant, order, asked.sale, _Order(public_id, new.to, items, new.actor), now)
        _check_disputed(order, done, left_of_disputed)
    await _keep(merchant.id, order, new, asked, _Kept(refund_id, public_id, key, return_id, done), now)
    made = await refund_by_public_id(merchant.id, public_id)
    assert made is not None
    await _through_provider(merchant.id, asked.sale, made, now)
    if done is not None:
        await _follow(merchant.id, order, asked.sale, made, left)
    return made


async def approve(merchant: Merchant, refund_public_id: str, *, actor: str, now: datetime) -> RefundView:
    """A second person says yes: the refund happens now, in the caller's transaction.

    Raises RefundUnknown, RefundDecided, SamePerson, ModuleOff, RefundRefused (the goods were taken back otherwise
    meanwhile, or the shop changed its currency), PaymentDisputed, MoneyFrozen.
    """
    order, waiting = await _locked(merchant.id, refund_public_id, actor)
    if waiting.destination == "wallet":
        await require_module(merchant.id, "wallet")
    left_of_disputed = await _left_of_disputed(merchant.id, order)
    sale = await _locked_sale(merchant, order)
    if sale is None:
        raise NotInvoicedYet
    items = await items_of_refund(merchant.id, waiting.id)
    asked = _Order(waiting.public_id, waiting.destination, items, actor)
    done = await _carry_out(merchant, order, sale, asked, now)
    _check_disputed(order, done, left_of_disputed)
    await _decide(merchant.id, waiting, RefundState.DONE, done, actor, now)
    made = await refund_by_public_id(merchant.id, refund_public_id)
    assert made is not None
    await _through_provider(merchant.id, sale, made, now)
    await _follow(merchant.id, order, sale, made, order.refundable_minor)
    return made


async def refuse_refund(
    merchant: Merchant, refund_public_id: str, *, actor: str, now: datetime
) -> RefundView:
    """A second person says no: the sum may be given back again. In the caller's transaction; whoever asked may take
    their own question back so. Raises RefundUnknown, RefundDecided."""
    order, waiting = await _locked(merchant.id, refund_public_id, None)
    await _decide(merchant.id, waiting, RefundState.REFUSED, None, actor, now)
    await orders.free_refund(merchant.id, order.id, waiting.amount_minor)
    refused = await refund_by_public_id(merchant.id, refund_public_id)
    assert refused is not None
    return refused


async def _same(merchant_id: UUID, known: RefundView, new: NewRefund) -> RefundView:
    """The first refund of the key. Raises RefundKeyReused when another one was asked for."""
    is_same = (known.destination, known.fee_minor) == (new.to, new.fee_minor)
    if isinstance(new.wanted, int):
        is_same = is_same and new.wanted == known.amount_minor + known.fee_minor
    elif not isinstance(new.wanted, Everything):
        lines = await lines_of_refund(merchant_id, known.id)
        taken = {(line.position, line.quantity) for line in lines if line.position is not None}
        is_same = is_same and taken == {(piece.position, piece.quantity) for piece in new.wanted}
    if new.amount_minor is not None:
        is_same = is_same and new.amount_minor == known.amount_minor
    if not is_same:
        raise RefundKeyReused
    return known


_FORGET: Final = """
UPDATE refunds SET note = NULL
WHERE (merchant_id, id) IN (
    SELECT merchant_id, id FROM refunds WHERE decided_at <= $1 AND note IS NOT NULL ORDER BY decided_at LIMIT $2
)
"""


async def forget_notes(before: datetime, limit: int) -> int:
    """Take away what was written down of refunds that were decided before then. In a transaction. Answers how many."""
    return int((await db.execute(_FORGET, before, limit)).split()[-1])


async def _left_of_disputed(merchant_id: UUID, order: OrderView) -> int | None:
    """What can still be given back of a payment through a provider, in minor units; None where no bank has taken any of
    it back. Holds the payment, whose place is between the order and its documents."""
    if order.method not in METHODS:
        return None
    payment = await captured_payment_of_order(merchant_id, order.id)
    return None if payment is None else await payments.disputed_left(merchant_id, payment.id)


def _check_disputed(order: OrderView, done: _Done, left_minor: int | None) -> None:
    """What was paid through the provider goes back once: by the bank, through the provider, or into the wallet. Raises
    PaymentDisputed."""
    given_minor = done.credited.outcome.back_minor + done.wallet.put_minor
    if left_minor is not None and given_minor > left_minor:
        raise PaymentDisputed(order.state.value)


async def _locked_sale(merchant: Merchant, order: OrderView) -> Sale | None:
    together = await locked_together(merchant.id, order.public_id)
    return await sale_of(merchant.id, order, together=together)


async def _locked(
    merchant_id: UUID, refund_public_id: str, second_person: str | None
) -> tuple[OrderView, RefundView]:
    """A refund that waits, with its order, both held. Raises RefundUnknown, RefundDecided, SamePerson."""
    asked = await refund_by_public_id(merchant_id, refund_public_id)
    if asked is None:
        raise RefundUnknown
    order = await orders.lock(merchant_id, asked.order_public_id)
    waiting = await refund_by_public_id(merchant_id, refund_public_id, lock=True)
    assert waiting is not None
    if waiting.state is not RefundState.PENDING_APPROVAL:
        raise RefundDecided(waiting.state.value)
    if second_person is not None:
        check_second(waiting.asked_by, second_person)
    return order, waiting


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be carried out, and on whose word."""

    public_id: str
    to: Destination
    items: Sequence[LineItem]
    actor: str


async def _carry_out(merchant: Merchant, order: OrderView, sale: Sale, asked: _Order, now: datetime) -> _Done:
    """The money itself. The wallet's own part comes back first, because its account is locked before all others."""
    amount = sum(item.total_minor for item in asked.items)
    wallet = into_wallet(order, sale, amount, asked.to)
    check_wallet(merchant, order, wallet)
    if wallet.restored_minor:
        await hold_series(merchant.id, merchant.local_date(now).year)
        await credit_lines.hold(merchant.id, sale.opposed.customer_id, order.currency)
        await wallets.give_back(
            merchant,
            Money(wallet.restored_minor, order.currency),
            of_key=f"wallet:{order.public_id}",
            about=order.public_id,
            key=f"refund_restored:{asked.public_id}",
            now=now,
        )
    try:
        credited = await credit_together(
            merchant, sale.opposed, sale.together, asked.items, asked.actor, now, wallet=wallet
        )
    except CreditRefused as refused:
        raise RefundRefused(refused.field, "not_left") from None
    if wallet.put_minor:
        await wallets.add(
            merchant,
            sale.opposed.customer_public_id,
            Money(wallet.put_minor, order.currency),
            cause=WalletCause.REFUND,
            about=order.public_id,
            key=f"refund_put:{asked.public_id}",
            now=now,
        )
    return _Done(wallet, credited)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The names of a refund to be written, and what became of it; None while it waits."""

    id: UUID
    public_id: str
    key: str
    return_id: UUID | None
    done: _Done | None


async def _keep(
    merchant_id: UUID, order: OrderView, new: NewRefund, asked: Asked, kept: _Kept, now: datetime
) -> None:
    state = RefundState.PENDING_APPROVAL if kept.done is None else RefundState.DONE
    await db.execute(
        _INSERT,
        merchant_id,
        kept.id,
        kept.public_id,
        kept.key,
        order.id,
        kept.return_id,
        state.value,
        new.to,
        asked.amount_minor,
        new.fee_minor,
        order.currency,
        new.note,
        new.actor,
        now,
        None if kept.done is None else new.actor,
        None if kept.done is None else now,
        *(_NOTHING if kept.done is None else kept.done.columns),
        new.is_fraud,
    )
    await _add_lines(merchant_id, kept.id, asked.rows)
    event = "refund.asked" if kept.done is None else "refund.done"
    await REFUNDS.begin(merchant_id, kept.id, state=state, event=event, actor=new.actor, at=now)


async def _add_lines(merchant_id: UUID, refund_id: UUID, rows: Sequence[Row]) -> None:
    items = [row.item for row in rows]
    await db.execute(
        _ADD_LINES,
        merchant_id,
        refund_id,
        list(range(len(rows))),
        [row.position for row in rows],
        [row.kind for row in rows],
        [item.name for item in items],
        [item.sku for item in items],
        [item.quantity for item in items],
        [item.unit_price_minor for item in items],
        [item.vat_percent for item in items],
    )


async def _decide(
    merchant_id: UUID, waiting: RefundView, to: RefundState, done: _Done | None, actor: str, now: datetime
) -> None:
    status = await db.execute(
        _DECIDE,
        merchant_id,
        waiting.id,
        to.value,
        actor,
        now,
        *(_NOTHING if done is None else done.columns),
        ids.internal_id(),
        REFUNDS.event(RefundState.PENDING_APPROVAL, to),
    )
    assert status == "INSERT 0 1", "the caller holds the refund"


async def _through_provider(merchant_id: UUID, sale: Sale, made: RefundView, now: datetime) -> None:
    """What a provider took goes back through it: written down here, and asked for by a worker
    (`checkout.giving_back`)."""
    if sale.opposed.content.provider is None or not made.back_minor:
        return
    payment = await captured_payment_of_order(merchant_id, made.order_id)
    assert payment is not None, "what a provider took has its payment"
    await payments.begin_refund(
        merchant_id,
        payment.id,
        Money(made.back_minor, made.currency),
        actor=made.decided_by or made.asked_by,
        now=now,
        refund_id=made.id,
    )


async def _follow(
    merchant_id: UUID, order: OrderView, sale: Sale, made: RefundView, refundable_minor: int
) -> None:
    """The order moves, its return ends, and everybody who listens is told, the rules of risk of a fraud."""
    actor, now = made.decided_by, made.decided_at
    assert actor is not None
    assert now is not None
    given = made.amount_minor + sum(refund.amount_minor for refund in sale.done)
    to = OrderState.REFUNDED if given == order.total_minor else OrderState.PARTLY_REFUNDED
    await orders.move(merchant_id, order.id, expected=order.state, to=to, actor=actor, now=now)
    if made.return_id is not None:
        await end_refunded(merchant_id, made.return_id, actor=actor, now=now)
    if made.is_fraud:
        await label_order_in_tx(merchant_id, order.id, "refund", is_bad=True, now=now)
    await outbox.emit(
        merchant_id,
        "order.refunded",
        {
            "order_id": order.public_id,
            "refund_id": made.public_id,
            "amount_minor": made.amount_minor,
            "fee_minor": made.fee_minor,
            "currency": made.currency,
            "to": made.destination,
            "refundable_minor": refundable_minor,
        },
        now=now,
        about=order.public_id,
    )
