"""Every word with a provider about another way to pay for a subscription, outside any transaction.

Whoever dies between two steps is followed by the reconciler: the page is asked for under the same key, and what its
owner did there is asked after until it is known. Until then the subscription is charged as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from app.checkout.offering import Asked, Doors, offering_for
from app.checkout.paying import PaymentDoors, put_looks
from app.kernel import clock
from app.kernel.jobs import Done, Now, Outcome
from app.kernel.outbox import Job
from app.merchants.queries import Merchant
from app.payments.errors import ProviderNotReached, ProviderRefused, ProviderUnreachable
from app.payments.ports import NewSetup, PaymentProvider, ProviderMethod, SetUp, Standing
from app.payments.settling import MISMATCH
from app.subscriptions import actions as subscriptions
from app.subscriptions.actions import exchanging
from app.subscriptions.addresses import address_of
from app.subscriptions.exchange_queries import ExchangeView, exchange_by_public_id
from app.subscriptions.queries import SubscriptionView
from app.subscriptions.rules import METHODS, Method
from app.subscriptions.states import ExchangeState

CHECK_JOB: Final = subscriptions.EXCHANGE_JOB

_log = structlog.get_logger("subscriptions")


async def ways_open(
    merchant: Merchant, sub: SubscriptionView, doors: Doors, now: datetime
) -> tuple[Method, ...]:
    """The ways to pay that a subscription may go over to now, in the order of the country's law: those that its plan's
    price can be charged by again and again. Another card, or another agreement, is one of them."""
    terms = sub.following
    asked = Asked("consumer", terms.currency, terms.amount_minor, frozenset({"subscription"}), recurring=True)
    offering = await offering_for(merchant, asked, doors, on=merchant.local_date(now))
    found = [method for method in METHODS if method in offering.methods and (method, sub.method) != _SAME]
    if "invoice" in found and not await exchanging.may_be_invoiced(sub, now):
        found.remove("invoice")
    return tuple(found)


_SAME: Final = ("invoice", "invoice")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose subscription is to be paid in which way; `is_by_link` for whoever came by the address in a mail."""

    merchant: Merchant
    sub: SubscriptionView
    method: ProviderMethod
    lang: str
    is_by_link: bool = False


async def begin(wanted: Wanted, doors: PaymentDoors) -> ExchangeView:
    """Somebody wants to pay in this way: the page of the provider where they do it, as `url` of what is answered;
    without one it is failed, or nobody knows yet. Pressed twice it is the same page, and a new one once that is over.
    Raises SubscriptionUnknown, NotNow."""
    exchange, is_new = await _started(wanted)
    if is_new:
        return await _looked_at(exchange, doors, is_first=True)
    exchange = await check(exchange.public_id, doors) or exchange
    if not exchange.has_ended or exchange.state is ExchangeState.DONE:
        return exchange
    another, is_new = await _started(wanted)
    return await _looked_at(another, doors, is_first=True) if is_new else another


async def _started(wanted: Wanted) -> tuple[ExchangeView, bool]:
    return await exchanging.start_exchange(
        wanted.merchant,
        wanted.sub.public_id,
        wanted.method,
        lang=wanted.lang,
        now=await clock.business_now(),
        wall=clock.wall(),
        is_by_link=wanted.is_by_link,
    )


async def check(public_id: str, doors: PaymentDoors) -> ExchangeView | None:
    """Ask the provider, and do what follows; the try as it is then, None for an unknown one. While somebody else asks,
    and once it has ended, this asks nobody."""
    exchange = await exchanging.take_exchange(public_id, clock.wall())
    if exchange is None:
        return await exchange_by_public_id(public_id)
    return await _looked_at(exchange, doors)


async def _looked_at(exchange: ExchangeView, doors: PaymentDoors, *, is_first: bool = False) -> ExchangeView:
    """`is_first` says that no call before this one can have reached the provider."""
    provider = next((each for name, each in doors.providers.items() if name == exchange.method), None)
    if provider is None:
        await exchanging.postpone_exchange(exchange, clock.wall())
    elif exchange.provider_ref is None:
        await _open(exchange, provider, doors, is_first=is_first)
    else:
        await _ask(exchange, exchange.provider_ref, provider)
    found = await exchange_by_public_id(exchange.public_id)
    assert found is not None, "exchanges are never deleted"
    return found


async def _open(
    exchange: ExchangeView, provider: PaymentProvider, doors: PaymentDoors, *, is_first: bool
) -> None:
    try:
        opened = await provider.set_up(_new_setup(exchange, doors.base_url))
    except ProviderRefused as refused:
        _log.warning("exchange_refused", exchange=exchange.public_id, reason=refused.reason)
        await exchanging.exchange_failed(exchange, "provider_error")
    except ProviderUnreachable as why:
        _log.warning("exchange_unknown", exchange=exchange.public_id, reason=why.reason)
        if is_first and isinstance(why, ProviderNotReached):
            await exchanging.exchange_failed(exchange, "provider_error")
        else:
            await exchanging.postpone_exchange(exchange, clock.wall())
    else:
        await exchanging.exchange_opened(exchange, opened, clock.wall())


def _new_setup(exchange: ExchangeView, base_url: str) -> NewSetup:
    """The same whenever it is asked for: made of the row alone, so that the key finds what it found before."""
    path = f"/purchases/subscriptions/{exchange.subscription_public_id}/way"
    if exchange.is_by_link:
        path = address_of(exchange.merchant_id, exchange.subscription_id)
    back = f"{base_url}{path}"
    return NewSetup(
        key=exchange.public_id,
        reference=exchange.public_id,
        description=exchange.description,
        currency=exchange.currency,
        return_url=back,
        cancel_url=back,
        lang=exchange.lang,
        country=exchange.country,
        expires_at=exchange.expires_at,
    )


async def _ask(exchange: ExchangeView, provider_ref: str, provider: PaymentProvider) -> None:
    try:
        told = await provider.get_setup(provider_ref)
    except (ProviderRefused, ProviderUnreachable) as why:
        _log.warning("exchange_not_told", exchange=exchange.public_id, reason=why.reason)
        await exchanging.postpone_exchange(exchange, clock.wall())
        return
    if told.reference != exchange.public_id:
        _log.error("exchange_mismatch", exchange=exchange.public_id, provider_ref=provider_ref)
        await exchanging.exchange_failed(exchange, MISMATCH)
    elif told.standing is Standing.PENDING:
        await exchanging.postpone_exchange(exchange, clock.wall())
    else:
        await _follow(exchange, told)


async def _follow(exchange: ExchangeView, told: SetUp) -> None:
    if told.standing is Standing.AUTHORISED and told.saved is not None:
        await exchanging.exchange_done(exchange, told.saved)
    else:
        await exchanging.exchange_failed(exchange, told.standing.value)


async def look(job: Job, doors: PaymentDoors) -> Outcome:
    """A worker's look at one. That nobody knows yet is no failure: its own row says when to look again."""
    exchange = await check(str(job.payload["of"]), doors)
    return Done("" if exchange is None else exchange.state.value)


async def reconcile_due(now: Now, limit: int = 100) -> int:
    """A look at everything whose time has come. Answers how many."""
    return await put_looks("subscription_exchanges", CHECK_JOB, now.wall, limit)
