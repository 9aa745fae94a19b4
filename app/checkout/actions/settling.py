"""What a payment's provider says is carried out: one transaction a step, under the locks of session and order.

`payments.settling` says what to do; here it is done, all of it or nothing. Of a callback, a page that comes back, the
reconciler, a shopper who turns away and the clock, whoever comes second finds the payment in another state and does
nothing. What has to be said to the provider is said afterwards by `checkout.paying`: the step that is answered tells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from app.checkout.actions.aside import free_in_tx
from app.checkout.actions.charging import pay_charge, tell_failed
from app.checkout.actions.confirming import buy_in_tx, take_up_in_tx
from app.checkout.actions.ending import end_others_in_tx, expire_locked_in_tx
from app.checkout.actions.holding import hold_purchase_in_tx, nothing_to_look_at_in_tx
from app.checkout.actions.late_money import ACTOR, LateMoney, ask_about_in_tx
from app.checkout.actions.paying import HOLD_OUTLASTS
from app.checkout.queries import CLOSED, Flow, hold
from app.checkout.queries import flow as read_flow
from app.checkout.states import MACHINE, SessionState
from app.kernel import audit, clock, db
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.links import actions as links
from app.merchants.queries import Merchant, merchant_by_id
from app.orders import actions as orders
from app.orders.actions import Contact
from app.orders.queries import OrderView
from app.orders.states import OrderState
from app.payments import actions as payments
from app.payments.ports import Aggregate, Opened
from app.payments.queries import PAYMENT_COLUMNS, PaymentView, payment_of
from app.payments.settling import GRACE, MISMATCH, Do, Ours, Step, Wish, next_step
from app.payments.states import PaymentState

# Orders that money may still pay.
_WAITING: Final = frozenset({OrderState.DRAFT, OrderState.OPEN, OrderState.IN_PAYMENT})

_log = structlog.get_logger("payments")


@dataclass(frozen=True, slots=True)
class Followed:
    """The payment as it is now, and what is still to be said to its provider: CAPTURE, CANCEL, or nothing (WAIT).
    `flow` is what was read of its session on the way: while it stands, the next step need not read it again."""

    payment: PaymentView
    do: Do
    flow: Flow | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """What a payment is for, held until the transaction ends: a session with its order, or for a charge the order."""

    merchant: Merchant
    now: datetime
    flow: Flow | None
    order: OrderView | None

    @property
    def order_state(self) -> OrderState:
        if self.flow is not None:
            return self.flow.order_state
        assert self.order is not None
        return self.order.state


@dataclass(frozen=True, slots=True)
class Held:
    """The payment, held until the transaction ends, and what is read with it: business time, whether a payment takes
    money for its order, this one or another, and whether money is frozen."""

    payment: PaymentView
    now: datetime
    somebody_takes: bool
    is_frozen: bool


async def follow(
    payment: PaymentView,
    told: Aggregate,
    *,
    wall: datetime,
    is_refused: bool = False,
    seen: Flow | None = None,
) -> Followed:
    """Do what follows from what the provider says of a payment, in one transaction. `is_refused` tells that it would
    not let us take what is authorised, `seen` is the session's flow as the step before has read it.

    Raises HoldEnded when the wallet's part came free at this very moment (the next look finds out), MoneyFrozen.
    """

    async def step() -> Followed:
        place = await _place_of(payment, seen)
        followed = await _follow(place, payment, told, wall, is_refused=is_refused)
        return replace(followed, flow=place.flow)

    return await db.in_tx(step)


async def _follow(
    place: _Place, payment: PaymentView, told: Aggregate, wall: datetime, *, is_refused: bool
) -> Followed:
    held = await hold_payment(payment)
    ours = held.payment
    if ours.state is not payment.state:
        # Somebody else was faster, and has done what was to be done.
        return Followed(ours, Do.WAIT)
    await db.race_point("payment held")
    wish = _wish(place, held, wall)
    step = next_step(Ours(ours.state, ours.public_id, ours.amount, is_refused), told, wish)
    ours = payments.as_told(ours, told)
    if ours.state is PaymentState.STARTED and not _ends_at_once(step):
        # A charge that its provider has taken and is not done with: it goes on as any other.
        ours = await _moved(ours, PaymentState.PENDING, place.now)
    if step.do in {Do.CAPTURE, Do.PAY} and place.flow is not None and place.flow.review_first:
        return await _hold_for_person(place, ours, wall)
    match step.do:
        case Do.WAIT:
            return await _go_on_waiting(ours, wall)
        case Do.CAPTURE:
            return await _claim(place, ours, wall, is_frozen=held.is_frozen)
        case Do.CANCEL:
            return await _let_go(place, ours, step)
        case Do.PAY:
            return await _pay(place, ours, told)
        case Do.LATE:
            return await _late(place, ours, Money(step.kept_minor, told.currency), step.failure)
        case Do.END:
            return await _end(place, ours, step)


def _ends_at_once(step: Step) -> bool:
    return step.do is Do.PAY or step.to is PaymentState.FAILED


async def _place_of(payment: PaymentView, seen: Flow | None = None) -> _Place:
    # A link may be paused meanwhile: its session is read whole under the lock.
    if seen is not None and seen.link_id is None and await hold(seen):
        return _Place(seen.merchant, seen.now, seen, None)
    if payment.session_public_id is not None:
        flow = await read_flow(payment.session_public_id, b"", lock=True)
        assert flow is not None, "a payment's session is never deleted"
        return _Place(flow.merchant, flow.now, flow, None)
    merchant = await merchant_by_id(payment.merchant_id)
    assert merchant is not None, "merchants are never deleted"
    order = await orders.lock(payment.merchant_id, payment.order_public_id)
    return _Place(merchant, await clock.business_now(), None, order)


# Who takes money for an order holds it, and so do we: it cannot change while this waits for the payment. Money that is
# frozen meanwhile is found frozen by what posts it.
_HOLD: Final = f"""
SELECT {PAYMENT_COLUMNS}, coalesce((SELECT offset_s FROM business_clock WHERE id = 1), 0) AS offset_s,
       EXISTS (SELECT FROM payments t
               WHERE t.merchant_id = p.merchant_id AND t.order_id = p.order_id AND t.is_taking) AS somebody_takes,
       EXISTS (SELECT FROM money_freezes WHERE ended_at IS NULL) AS is_frozen
FROM payments p WHERE p.merchant_id = $1 AND p.id = $2 FOR UPDATE OF p
"""  # noqa: S608 - column names alone


async def hold_payment(payment: PaymentView) -> Held:
    row = await db.fetch_one(_HOLD, payment.merchant_id, payment.id)
    assert row is not None, "payments are never deleted"
    now = clock.business(row["offset_s"])
    return Held(payment_of(row), now, row["somebody_takes"], row["is_frozen"])


def _wish(place: _Place, held: Held, wall: datetime) -> Wish:
    flow, payment = place.flow, held.payment
    if flow is not None and flow.stored_state is SessionState.HELD:
        return Wish.HELD
    if flow is not None and flow.stored_state is not SessionState.PROCESSING:
        return Wish.OVER
    if place.order_state not in _WAITING:
        return Wish.OVER
    if not payment.is_taking:
        if flow is not None and (flow.link_state in CLOSED or not _is_of_its_order(flow, payment)):
            return Wish.OVER
        if held.somebody_takes:
            return Wish.OVER
    over = wall >= payment.expires_at + GRACE or (flow is not None and place.now >= flow.expires_at)
    return Wish.LETTING_GO if payment.is_letting_go or over else Wish.WANTED


def _is_of_its_order(flow: Flow, payment: PaymentView) -> bool:
    """Whether what is being paid is the order as it stands: nobody changes one meanwhile, and this is the last look."""
    quote = flow.quote
    return quote is not None and quote.id == payment.quote_id and quote.price_minor == flow.total_minor


async def _moved(
    payment: PaymentView,
    to: PaymentState,
    now: datetime,
    *,
    failure: str | None = None,
    is_taking: bool = False,
) -> PaymentView:
    return await payments.move(payment, to, actor=ACTOR, now=now, failure=failure, is_taking=is_taking)


async def _go_on_waiting(payment: PaymentView, wall: datetime) -> Followed:
    await payments.note(payment)
    return Followed(await payments.postpone(payment, wall), Do.WAIT)


async def _hold_for_person(place: _Place, payment: PaymentView, wall: datetime) -> Followed:
    """A person looks at the purchase before its money is taken: what the provider has authorised waits with it. A
    payment that was being let go by then is let go."""
    flow = place.flow
    assert flow is not None, "the caller has looked"
    if payment.state is PaymentState.CANCELLING or not flow.money_aside:
        failure = None if flow.money_aside else "hold_ended"
        return await _let_go(place, payment, Step(Do.CANCEL, failure=failure))
    if payment.state is not PaymentState.AUTHORISED:
        payment = await _moved(payment, PaymentState.AUTHORISED, place.now)
    contact = Contact(**payment.contact) if payment.contact else flow.contact
    await hold_purchase_in_tx(flow, contact, payment.lang)
    return await _go_on_waiting(payment, wall)


async def _claim(place: _Place, payment: PaymentView, wall: datetime, *, is_frozen: bool) -> Followed:
    """From here on this payment alone takes money for the order: nobody else begins, edits or ends it meanwhile."""
    flow, now = place.flow, place.now
    if is_frozen:
        if payment.state in {PaymentState.PENDING, PaymentState.UNKNOWN}:
            payment = await _moved(payment, PaymentState.AUTHORISED, now)
        return await _go_on_waiting(payment, wall)
    if flow is not None and not flow.money_aside:
        # All of the price or nothing: the wallet's part is not there any more.
        return await _let_go(place, payment, Step(Do.CANCEL, failure="hold_ended"))
    if payment.state is PaymentState.CAPTURING:
        await payments.note(payment)
        return Followed(payment, Do.CAPTURE)
    payment = await _moved(payment, PaymentState.CAPTURING, now, is_taking=True)
    if flow is not None and flow.aside is not None and flow.quote is not None and flow.quote.wallet_minor:
        await ledger.outlast(payment.merchant_id, flow.aside.id, until=now + HOLD_OUTLASTS, now=now)
    return Followed(payment, Do.CAPTURE)


async def _let_go(place: _Place, payment: PaymentView, step: Step) -> Followed:
    if step.failure == MISMATCH:
        await _report(place, payment)
    if payment.state is PaymentState.CANCELLING:
        await payments.note(payment)
    else:
        payment = await _moved(payment, PaymentState.CANCELLING, place.now, failure=step.failure)
    return Followed(payment, Do.CANCEL)


async def _pay(place: _Place, payment: PaymentView, told: Aggregate) -> Followed:
    """The money is there: all that a confirmed purchase does, at once."""
    flow, now = place.flow, place.now
    if flow is None:
        assert place.order is not None
        if place.order.total_minor != payment.amount_minor:
            return await _late(place, payment, payment.amount, MISMATCH)
        await pay_charge(place.merchant, place.order, payment, now)
    elif flow.quote is None or not _is_of_its_order(flow, payment):
        return await _late(place, payment, payment.amount, MISMATCH)
    elif not flow.money_aside:
        return await _late(place, payment, payment.amount, "hold_ended")
    else:
        if flow.link_id is not None:
            await _use_link(flow)
        contact = Contact(**payment.contact) if payment.contact else flow.contact
        await buy_in_tx(flow, flow.quote, contact, payment.lang)
    if payment.is_saving and told.saved is not None:
        payment = await payments.save_method(payment, told.saved, now)
    return Followed(await _moved(payment, PaymentState.CAPTURED, now, is_taking=True), Do.WAIT)


async def _use_link(flow: Flow) -> None:
    """The order is paid, whatever became of its link since the money was claimed; whoever else was on the way stops."""
    merchant_id = flow.merchant.id
    await links.close_paid(await links.lock_of(merchant_id, flow.order_id), actor="shopper", now=flow.now)
    await take_up_in_tx(flow)
    await end_others_in_tx(merchant_id, flow.order_id, flow.session_id, actor="shopper", now=flow.now)


async def _late(place: _Place, payment: PaymentView, kept: Money, failure: str | None) -> Followed:
    """Money is there that pays no purchase: it stands in the books as nobody's, and a person is asked about it."""
    merchant, now = place.merchant, place.now
    if failure == MISMATCH:
        await _report(place, payment)
    payment = await _moved(payment, PaymentState.CAPTURED, now, failure=failure)
    # What is set aside in the wallet comes free before the accounts that everybody posts to.
    await _reopen(place, failure or "late")
    late = LateMoney(
        amount=kept,
        order_public_id=payment.order_public_id,
        key=f"received:{payment.public_id}",
        action="payment.late",
        subject=payment.public_id,
        provider_payment_id=payment.id,
    )
    await ask_about_in_tx(merchant, late, now)
    if place.flow is None and kept.currency != payment.currency:
        # Whoever waits for the charge hears that it came to nothing.
        await tell_failed(payment, failure or "late", now)
    return Followed(payment, Do.WAIT)


async def _end(place: _Place, payment: PaymentView, step: Step) -> Followed:
    assert step.to is not None, "an end is a state"
    if step.failure == MISMATCH:
        await _report(place, payment)
    has_failed = step.to is PaymentState.FAILED or payment.failure is not None
    ended = await _moved(payment, step.to, place.now, failure=step.failure)
    if place.flow is None:
        await tell_failed(payment, step.failure or payment.failure or step.to.value, place.now)
    elif has_failed:
        await _reopen(place, step.failure or payment.failure)
    else:
        # Whoever turned away hears that it was stopped, whatever word the provider has for its end.
        await _reopen(place, PaymentState.CANCELLED.value if payment.is_letting_go else step.to.value)
    return Followed(ended, Do.WAIT)


async def _report(place: _Place, payment: PaymentView) -> None:
    """The provider tells of another payment than ours under our payment's name: somebody has to find out why."""
    _log.error("payment_mismatch", payment=payment.public_id, provider_ref=payment.provider_ref)
    await audit.record(
        ACTOR,
        "payment.mismatch",
        payment.public_id,
        merchant_id=place.merchant.id,
        at=place.now,
        detail={"order": payment.order_public_id},
    )


_OPEN_AGAIN: Final = "UPDATE checkout_sessions SET payment_failure = $3 WHERE merchant_id = $1 AND id = $2"


async def _reopen(place: _Place, failure: str | None) -> None:
    """A session that waited for the payment goes on from step 1, or is over when its time is."""
    flow, now = place.flow, place.now
    if flow is None or flow.stored_state not in {SessionState.PROCESSING, SessionState.HELD}:
        return
    merchant_id, session_id = flow.merchant.id, flow.session_id
    if now >= flow.expires_at:
        await expire_locked_in_tx(merchant_id, flow.public_id, now)
        return
    if flow.stored_state is SessionState.HELD:
        await nothing_to_look_at_in_tx(flow, actor=ACTOR)
        await db.execute(_OPEN_AGAIN, merchant_id, session_id, failure)
        await free_in_tx(merchant_id, await _hold_of(merchant_id, session_id), actor=ACTOR, now=now)
        return
    await MACHINE.move(
        merchant_id,
        session_id,
        expected=SessionState.PROCESSING,
        to=SessionState.OPEN,
        actor=ACTOR,
        at=now,
        detail={} if failure is None else {"failure": failure},
    )
    await db.execute(_OPEN_AGAIN, merchant_id, session_id, failure)
    await free_in_tx(merchant_id, await _hold_of(merchant_id, session_id), actor=ACTOR, now=now)


async def _hold_of(merchant_id: UUID, session_id: UUID) -> UUID | None:
    found: UUID | None = await db.fetch_value(
        "SELECT hold_id FROM checkout_sessions WHERE merchant_id = $1 AND id = $2", merchant_id, session_id
    )
    return found


async def was_opened(payment: PaymentView, told: Opened, wall: datetime) -> PaymentView:
    """The provider knows the payment: the shopper can go there. The payment as it is then."""

    async def keep() -> PaymentView:
        # Nothing of session or order changes with it: the payment alone is held.
        held = await hold_payment(payment)
        if held.payment.state is not payment.state:
            return held.payment
        return await payments.opened(held.payment, told, actor=ACTOR, now=held.now, wall=wall)

    return await db.in_tx(keep)


async def never_opened(payment: PaymentView, reason: str) -> None:
    """The provider would not open the payment, or make the charge: nothing has happened there."""

    async def end() -> None:
        place = await _place_of(payment)
        held = (await hold_payment(payment)).payment
        if held.state is payment.state:
            _log.warning("payment_refused", payment=payment.public_id, reason=reason)
            await _end(place, held, Step(Do.END, PaymentState.FAILED, "provider_error"))

    await db.in_tx(end)


async def nobody_knows(payment: PaymentView, wall: datetime) -> None:
    """A call had no answer: it may have had its effect. Somebody asks soon, and nothing is done a second time."""

    async def doubt() -> None:
        place = await _place_of(payment)
        held = (await hold_payment(payment)).payment
        if held.state is not payment.state:
            return
        if held.state in {PaymentState.STARTED, PaymentState.CAPTURING}:
            held = await _moved(held, PaymentState.UNKNOWN, place.now)
        await payments.postpone(held, wall)

    await db.in_tx(doubt)
