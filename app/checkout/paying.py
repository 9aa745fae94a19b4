"""Payments through a provider, from the outside in: every call to one, each outside any transaction.

Whatever gives a reason to ask (the page that comes back, a callback, the reconciler, a shopper who turns away) ends in
`check`: it takes the payment's lease, asks the provider, has `actions.settling` do what follows, and says to the
provider what is to be said. It may be stopped anywhere: the payment's row tells the next one where to go on, each call
has a key, and the same call again has one effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import structlog

from app.checkout.actions import settling
from app.checkout.actions.settling import Followed
from app.checkout.errors import HoldEnded
from app.checkout.queries import Flow
from app.kernel import clock, db, outbox
from app.kernel.jobs import Done, Now, Outcome
from app.kernel.outbox import Job
from app.ledger.errors import MoneyFrozen
from app.payments import actions as payments
from app.payments.actions import hurrying
from app.payments.errors import ProviderNotReached, ProviderRefused, ProviderUnreachable
from app.payments.ports import Aggregate, Callback, NewCharge, NewPayment, PaymentProvider, ProviderMethod
from app.payments.queries import (
    PaymentView,
    payment_by_provider_ref,
    payment_by_public_id,
    saved_method_by_id,
)
from app.payments.settling import Do
from app.payments.states import PaymentState
from app.subscriptions.actions import EXCHANGE_JOB
from app.subscriptions.exchange_queries import ExchangeView, exchange_by_public_id

CHECK_JOB: Final = hurrying.CHECK_JOB
# A look that a worker was asked for is given this long before it is asked for again.
_JOB_TAKES_S: Final = 30
# Ask, capture, and ask once more when that was refused; nothing needs more.
_CALLS_MAX: Final = 4

_log = structlog.get_logger("payments")


@dataclass(frozen=True, slots=True)
class PaymentDoors:
    """The providers of this process, and the address under which shoppers reach us."""

    providers: Mapping[ProviderMethod, PaymentProvider]
    base_url: str


def return_url(base_url: str, session_public_id: str) -> str:
    """Where the provider sends the shopper back to, whatever they did there."""
    return f"{base_url}/pay/{session_public_id}/return"


async def open_at_provider(payment: PaymentView, doors: PaymentDoors) -> PaymentView:
    """Have the provider open a payment that `actions.start_payment` wrote down just now, or make a charge of
    `actions.start_charge`; the payment as it is then. Again: nothing, unless it was not opened yet.

    `pending` has a `url`; `failed` has reopened the session; `unknown` is being looked into.
    """
    provider = doors.providers.get(payment.method)
    after = None
    if provider is not None and payment.provider_ref is None and not payment.has_ended:
        after = await _open(payment, provider, doors, is_first=payment.state is PaymentState.STARTED)
    return await _again(payment) if after is None else after


async def check(public_id: str, doors: PaymentDoors) -> PaymentView | None:
    """Ask the provider about a payment and do what follows; the payment as it is then, None for an unknown one. While
    somebody else asks, and once it has ended, this asks nobody."""
    payment = await payments.take(public_id, clock.wall())
    if payment is None:
        return await payment_by_public_id(public_id)
    after = None
    provider = doors.providers.get(payment.method)
    if provider is None:
        await _look_later(payment)
    elif payment.provider_ref is None:
        after = await _open(payment, provider, doors) or await _again(payment)
        if after.is_letting_go and after.state is PaymentState.PENDING:
            # Whoever turned away before it was known lets go of it now.
            return await check(public_id, doors)
    else:
        after = await _ask(payment, payment.provider_ref, provider)
    return await _again(payment) if after is None else after


async def give_up(public_id: str, doors: PaymentDoors) -> PaymentView | None:
    """The shopper wants to pay another way: the provider lets go, and the session is open again, unless the payment
    turns out to be authorised: then it is settled instead. While nobody knows, it stays as it is and is asked after."""
    await payments.let_go(public_id, clock.wall())
    return await check(public_id, doors)


async def _again(payment: PaymentView) -> PaymentView:
    found = await payment_by_public_id(payment.public_id)
    assert found is not None, "payments are never deleted"
    return found


async def _look_later(payment: PaymentView) -> None:
    await db.in_tx(lambda: payments.postpone(payment, clock.wall()))


async def _open(
    payment: PaymentView, provider: PaymentProvider, doors: PaymentDoors, *, is_first: bool = False
) -> PaymentView | None:
    """`is_first` says that no call before this one can have opened it: one that did not come through leaves nothing to
    ask about then, and the shopper may choose another way at once. Answers the payment as it is then where the
    provider did what it was asked, else None."""
    try:
        if payment.kind == "charge":
            followed = await _carry_out(payment, await _charge(payment, provider))
            return None if followed is None else followed.payment
        opened = await provider.create(_new_payment(payment, doors.base_url))
    except ProviderRefused as refused:
        await settling.never_opened(payment, refused.reason)
        return None
    except ProviderUnreachable as why:
        if is_first and payment.kind != "charge" and isinstance(why, ProviderNotReached):
            await settling.never_opened(payment, why.reason)
        else:
            await _doubt(payment, "open", why)
        return None
    return await settling.was_opened(payment, opened, clock.wall())


def _new_payment(payment: PaymentView, base_url: str) -> NewPayment:
    """The same whenever it is asked for: it is made of the row alone, so that the key finds what it found before."""
    assert payment.session_public_id is not None, "the shopper pays it in a session"
    back = return_url(base_url, payment.session_public_id)
    contact = payment.contact or {}
    return NewPayment(
        key=payment.public_id,
        reference=payment.public_id,
        amount=payment.amount,
        description=payment.description,
        return_url=back,
        cancel_url=back,
        lang=payment.lang,
        country=payment.country,
        expires_at=payment.expires_at,
        email=contact.get("email"),
        phone=contact.get("phone"),
        way=payment.way,
        save=payment.is_saving,
    )


async def _charge(payment: PaymentView, provider: PaymentProvider) -> Aggregate:
    assert payment.saved_method_id is not None, "a charge has what it is made with"
    method = await saved_method_by_id(payment.merchant_id, payment.saved_method_id)
    assert method is not None, "what was saved stays as a row"
    assert method.saved is not None, "a token stays while a charge with it goes on"
    return await provider.charge(
        NewCharge(
            key=payment.public_id,
            reference=payment.public_id,
            amount=payment.amount,
            description=payment.description,
            token=method.saved.token,
        )
    )


async def _ask(payment: PaymentView, provider_ref: str, provider: PaymentProvider) -> PaymentView | None:
    """Ask, and go on for as long as something is to be said to the provider. Answers the payment as it is then, None
    where nobody knows: it is to be read."""
    try:
        told = await provider.get(provider_ref)
    except (ProviderRefused, ProviderUnreachable) as why:
        _log.warning("payment_not_told", payment=payment.public_id, reason=why.reason)
        await _look_later(payment)
        return None
    is_refused, seen = False, None
    for _ in range(_CALLS_MAX):
        followed = await _carry_out(payment, told, is_refused=is_refused, seen=seen)
        if followed is None:
            return None
        if followed.do is Do.WAIT:
            return followed.payment
        payment, seen = followed.payment, followed.flow
        try:
            told = await _say(followed, provider_ref, provider)
        except ProviderUnreachable as why:
            await _doubt(payment, followed.do.value, why)
            return None
        except ProviderRefused as refused:
            _log.warning("payment_not_moved", payment=payment.public_id, reason=refused.reason)
            if followed.do is Do.CANCEL and is_refused:
                break
            is_refused = True
            try:
                told = await provider.get(provider_ref)
            except (ProviderRefused, ProviderUnreachable):
                break
    await _look_later(payment)
    return None


async def _say(followed: Followed, provider_ref: str, provider: PaymentProvider) -> Aggregate:
    payment = followed.payment
    if followed.do is Do.CAPTURE:
        return await provider.capture(provider_ref, payment.amount, key=f"{payment.public_id}:capture")
    # A provider remembers a refusal under its key; whoever asks later asks anew.
    return await provider.cancel(provider_ref, key=f"{payment.public_id}:cancel:{payment.checks}")


async def _carry_out(
    payment: PaymentView, told: Aggregate, *, is_refused: bool = False, seen: Flow | None = None
) -> Followed | None:
    try:
        return await settling.follow(payment, told, wall=clock.wall(), is_refused=is_refused, seen=seen)
    except (HoldEnded, MoneyFrozen) as why:
        _log.warning("payment_not_settled", payment=payment.public_id, reason=type(why).__name__)
        await _look_later(payment)
        return None


async def _doubt(payment: PaymentView, call: str, why: ProviderUnreachable) -> None:
    _log.warning("payment_unknown", payment=payment.public_id, call=call, reason=why.reason)
    await settling.nobody_knows(payment, clock.wall())


# --- who gives a reason to ask ------------------------------------------------------------------------------


async def take_callback(method: ProviderMethod, callback: Callback) -> None:
    """A provider has called, and its signature holds: a worker asks. Repeated it changes nothing; about a payment, or a
    way to pay that is being saved, that we do not know it is nothing. A dispute is a reason to ask for all disputes
    (`disputing`)."""
    if callback.is_dispute:
        await payments.want_look(method, clock.wall())
        return
    payment = None
    if callback.reference is not None:
        payment = await payment_by_public_id(callback.reference)
    if payment is None and callback.provider_ref is not None:
        payment = await payment_by_provider_ref(method, callback.provider_ref)
    known: PaymentView | ExchangeView | None = payment
    if known is None and callback.reference is not None:
        known = await exchange_by_public_id(callback.reference)
    if known is None or known.method != method:
        return
    about, kind = known, CHECK_JOB if payment is not None else EXCHANGE_JOB
    key = f"callback:{method}:{callback.event_id}"

    async def put() -> None:
        await outbox.put(about.merchant_id, kind, {"of": about.public_id}, key=key)

    await db.in_tx(put)


async def look(job: Job, doors: PaymentDoors) -> Outcome:
    """A worker's look at one payment. That nobody knows yet is no failure: the payment's own row says when to look
    again."""
    payment = await check(str(job.payload["of"]), doors)
    return Done("" if payment is None else payment.state.value)


_DUE: Final = """
WITH due AS (
    SELECT merchant_id, id FROM {table}
    WHERE next_check_at <= $1 AND (leased_until IS NULL OR leased_until <= $1)
    ORDER BY next_check_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE {table} t SET next_check_at = $1 + make_interval(secs => $3) FROM due
WHERE t.merchant_id = due.merchant_id AND t.id = due.id RETURNING t.merchant_id, t.public_id
"""


async def put_looks(
    table: Literal["payments", "payment_refunds", "subscription_exchanges"],
    kind: str,
    wall: datetime,
    limit: int,
) -> int:
    """Put a job of this kind on the outbox for every row whose time has come, and ask for none of them again while it
    is done. Answers how many."""

    async def put() -> int:
        rows = await db.fetch_all(_DUE.format(table=table), wall, limit, _JOB_TAKES_S)
        for row in rows:
            await outbox.put(row["merchant_id"], kind, {"of": row["public_id"]})
        return len(rows)

    return await db.in_tx(put)


async def reconcile_due(now: Now, limit: int = 100) -> int:
    """The reconciler: a look at every payment whose time has come, those of sessions that are over at once. Answers how
    many."""
    await payments.let_go_due(now.business, now.wall)
    return await put_looks("payments", CHECK_JOB, now.wall, limit)
