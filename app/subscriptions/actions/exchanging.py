"""Another way to pay in place of the one that a subscription renews by.

Nothing is paid by it: a way to pay is saved on the provider's page, and only once the provider says that it is there
does it take the place of the one before, in one transaction. What is owed then is charged with it as any other try
is, so that no period is ever paid twice. `checkout.exchanging` talks to the providers.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.credit.queries import was_approved
from app.kernel import audit, clock, db, ids
from app.kernel.states import Also
from app.merchants.queries import Merchant, merchant_by_id
from app.orders.states import OrderState
from app.payments import actions as payments
from app.payments.ports import Opened, ProviderMethod, SavedMethod
from app.payments.settling import TIME_AT_PROVIDER, wait_after
from app.subscriptions.actions.charging import NotPaid, Try, is_underway, pay_for
from app.subscriptions.actions.held import SHOPPER, hold, mail, tell, write
from app.subscriptions.actions.periods import OpenPeriod, open_period_of
from app.subscriptions.actions.renewing import attempt, held_as_paid, paid
from app.subscriptions.errors import NotNow
from app.subscriptions.exchange_queries import EXCHANGE_COLUMNS, ExchangeView, exchange_of
from app.subscriptions.queries import SubscriptionView
from app.subscriptions.rules import Method, may_revive
from app.subscriptions.states import EXCHANGES, ExchangeState, SubscriptionState

EXCHANGE_JOB: Final = "subscription_exchange"
# An invoice lends: whoever goes to it was approved for as much, by rules or a person, within this time.
APPROVED_WITHIN: Final = timedelta(days=365)
# As with a payment: so long is whoever began it given to say how it went, and one look may take.
_FIRST_LOOK: Final = timedelta(seconds=20)
_LEASE: Final = timedelta(seconds=30)
_DESCRIPTION_LENGTH_MAX: Final = 100

_BEGIN: Final = """
INSERT INTO subscription_exchanges (merchant_id, id, public_id, subscription_id, method, state, description, currency,
                                    country, lang, is_by_link, replaced_id, created_at, expires_at, ended_at,
                                    next_check_at, leased_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)
"""
_OPEN: Final = f"""
SELECT {EXCHANGE_COLUMNS} FROM subscription_exchanges e
WHERE e.merchant_id = $1 AND e.subscription_id = $2 AND e.method = $3 AND e.ended_at IS NULL
"""  # noqa: S608 - column names alone
_BY_ID: Final = f"""
SELECT {EXCHANGE_COLUMNS} FROM subscription_exchanges e WHERE e.merchant_id = $1 AND e.id = $2
"""  # noqa: S608 - column names alone


async def start_exchange(
    merchant: Merchant,
    public_id: str,
    method: ProviderMethod,
    *,
    lang: str,
    now: datetime,
    wall: datetime,
    is_by_link: bool = False,
) -> tuple[ExchangeView, bool]:
    """Write down that its owner wants to pay in another way; `checkout.exchanging` has the provider open its page next.
    One that is open already is answered in its place; True for a new one. Raises SubscriptionUnknown, NotNow once it
    has ended for good."""

    async def work() -> tuple[ExchangeView, bool]:
        sub = await held_as_paid(merchant.id, public_id, now)
        refuse_unless_exchangeable(merchant, sub, now)
        row = await db.fetch_one(_OPEN, merchant.id, sub.id, method)
        if row is not None:
            return exchange_of(row), False
        made = await _write_down(merchant, sub, method, lang, now=now, wall=wall, is_by_link=is_by_link)
        return made, True

    return await db.in_tx(work)


def refuse_unless_exchangeable(merchant: Merchant, sub: SubscriptionView, now: datetime) -> None:
    """Raises NotNow for one that has ended and cannot begin again."""
    if sub.ended_on is not None and not may_revive(sub.ended_on, merchant.local_date(now)):
        raise NotNow(sub.state.value, "too_late")


async def _write_down(
    merchant: Merchant,
    sub: SubscriptionView,
    method: Method,
    lang: str,
    *,
    now: datetime,
    wall: datetime,
    is_by_link: bool = False,
) -> ExchangeView:
    """An invoice needs no provider: it is done as it is born."""
    is_done = method == "invoice"
    state = ExchangeState.DONE if is_done else ExchangeState.STARTED
    exchange_id = ids.internal_id()
    await db.execute(
        _BEGIN,
        merchant.id,
        exchange_id,
        ids.public_id("sx"),
        sub.id,
        method,
        state.value,
        f"{merchant.name} {sub.terms.name(lang)}"[:_DESCRIPTION_LENGTH_MAX],
        sub.terms.currency,
        merchant.country,
        lang,
        is_by_link,
        sub.saved_method_id if is_done else None,
        now,
        wall + TIME_AT_PROVIDER["card" if method == "invoice" else method],
        now if is_done else None,
        None if is_done else wall + _FIRST_LOOK,
    )
    event = "exchange.done" if is_done else "exchange.started"
    await EXCHANGES.begin(merchant.id, exchange_id, state=state, event=event, actor=SHOPPER, at=now)
    row = await db.fetch_one(_BY_ID, merchant.id, exchange_id)
    assert row is not None, "it was written just now"
    return exchange_of(row)


# --- what the provider says -------------------------------------------------------------------------------------

_TAKE: Final = f"""
UPDATE subscription_exchanges e SET leased_until = $3
WHERE e.public_id = $1 AND e.ended_at IS NULL AND (e.leased_until IS NULL OR e.leased_until <= $2)
RETURNING {EXCHANGE_COLUMNS}
"""  # noqa: S608 - column names alone
_POSTPONE: Final = """
UPDATE subscription_exchanges SET checks = checks + 1, next_check_at = $3, leased_until = NULL
WHERE merchant_id = $1 AND id = $2 AND ended_at IS NULL
"""


async def take_exchange(public_id: str, wall: datetime) -> ExchangeView | None:
    """The try, leased to whoever asks the provider about it; None when it has ended or somebody else is at it. Outside
    a transaction."""
    row = await db.fetch_one(_TAKE, public_id, wall, wall + _LEASE)
    return None if row is None else exchange_of(row)


async def postpone_exchange(exchange: ExchangeView, wall: datetime) -> None:
    """Nothing is new, or nobody knows: look again after a while, and after a longer one then."""
    at = wall + wait_after(exchange.checks)

    async def work() -> None:
        held = await _hold(exchange)
        if held.state is exchange.state is ExchangeState.STARTED:
            now = await clock.business_now()
            await _take_edge(held, ExchangeState.UNKNOWN, now=now)
        await db.execute(_POSTPONE, exchange.merchant_id, exchange.id, at)

    await db.in_tx(work)


async def exchange_opened(exchange: ExchangeView, told: Opened, wall: datetime) -> None:
    """The provider has a page for it."""

    async def work() -> None:
        held = await _hold(exchange)
        if held.state not in {ExchangeState.STARTED, ExchangeState.UNKNOWN}:
            return
        sets = "provider_ref = $10, url = $11, checks = 0, next_check_at = $12, leased_until = NULL"
        also = Also(sets, (told.provider_ref, told.url, wall + wait_after(0)))
        await _take_edge(held, ExchangeState.PENDING, now=await clock.business_now(), also=also)

    await db.in_tx(work)


async def exchange_failed(exchange: ExchangeView, failure: str) -> None:
    """It came to nothing: what was before stays."""

    async def work() -> None:
        held = await _hold(exchange)
        if held.state is not exchange.state:
            # Somebody else was faster, and knows better.
            return
        now = await clock.business_now()
        sets = "failure = $10, ended_at = $11, url = NULL, next_check_at = NULL, leased_until = NULL"
        also = Also(sets, (failure, now))
        await _take_edge(held, ExchangeState.FAILED, now=now, also=also, failure=failure)

    await db.in_tx(work)


async def exchange_done(exchange: ExchangeView, saved: SavedMethod) -> None:
    """The provider has saved the new way to pay: from now on it is charged, at once where something is owed. All of it
    in one transaction; again it is nothing."""

    async def work() -> None:
        now = await clock.business_now()
        sub = await held_as_paid(exchange.merchant_id, exchange.subscription_public_id, now)
        held = await _hold(exchange)
        if held.state is not ExchangeState.PENDING or held.method == "invoice":
            return
        merchant = await _merchant(exchange.merchant_id)
        saved_id = await payments.keep_method(merchant.id, held.method, saved, now)
        sets = (
            "saved_method_id = $10, replaced_id = $11, ended_at = $12, url = NULL, next_check_at = NULL,"
            " leased_until = NULL"
        )
        also = Also(sets, (saved_id, sub.saved_method_id, now))
        await _take_edge(held, ExchangeState.DONE, now=now, also=also)
        await _use(sub, held, saved_id, now)
        sub, owed = await _owed(sub)
        if owed is not None:
            await attempt(merchant, sub, owed, now)

    await db.in_tx(work)


async def exchange_to_invoice(merchant: Merchant, public_id: str, *, lang: str, now: datetime) -> None:
    """From now on it comes as invoices, at once where something is owed. Raises SubscriptionUnknown, NotNow
    (`too_late`; `no_credit` for somebody who was not approved for as much; `refused` where what is owed cannot be
    invoiced): then all stays as it was."""

    async def work() -> None:
        sub = await held_as_paid(merchant.id, public_id, now)
        if sub.method == "invoice":
            return
        refuse_unless_exchangeable(merchant, sub, now)
        if not await may_be_invoiced(sub, now):
            raise NotNow(sub.state.value, "no_credit")
        exchange = await _write_down(merchant, sub, "invoice", lang, now=now, wall=clock.wall())
        await _use(sub, exchange, None, now)
        sub, owed = await _owed(sub)
        if owed is None:
            return
        found = await pay_for(merchant, sub, owed, now)
        if isinstance(found, NotPaid):
            raise NotNow(sub.state.value, "refused")
        assert found is Try.PAID, "an invoice is a sale at once"
        await paid(merchant, sub, owed, now)

    await db.in_tx(work)


async def may_be_invoiced(sub: SubscriptionView, now: datetime) -> bool:
    """Whether a decision on credit stands behind it: this shop has approved its owner for as much, not long ago."""
    terms = sub.following
    return await was_approved(
        sub.merchant_id,
        sub.customer_id,
        terms.currency,
        amount_minor=terms.amount_minor,
        since=now - APPROVED_WITHIN,
    )


async def _use(
    sub: SubscriptionView, exchange: ExchangeView, saved_method_id: UUID | None, now: datetime
) -> None:
    """The new one takes the place of the old one, which its provider is told to forget."""
    await write(sub, {"method": exchange.method, "saved_method_id": saved_method_id})
    if sub.saved_method_id is not None:
        # While a charge with it goes on it stays, and is forgotten by `forget_methods`.
        await payments.forget_method(sub.merchant_id, sub.saved_method_id, now)
    more = {"method": exchange.method, "before": sub.method}
    await tell(sub, "subscription.method_changed", sub.state, now=now, more=more)
    await audit.record(
        SHOPPER,
        "subscription.method_changed",
        sub.public_id,
        merchant_id=sub.merchant_id,
        at=now,
        detail=more,
    )
    await mail(sub, "method_changed", exchange.public_id)


async def _owed(sub: SubscriptionView) -> tuple[SubscriptionView, OpenPeriod | None]:
    """The subscription as it is now, and what is to be paid for at once. A charge of the way before that is still on
    its way decides first: refused it is made with the new one (`renewing.charge_failed`)."""
    sub = await hold(sub.merchant_id, sub.public_id)
    opened = await open_period_of(sub)
    if opened is None or sub.state is not SubscriptionState.PAST_DUE:
        return sub, None
    if opened.order_state is not OrderState.IN_PAYMENT or await is_underway(sub, opened):
        return sub, None
    return sub, opened


async def _hold(exchange: ExchangeView) -> ExchangeView:
    row = await db.fetch_one(f"{_BY_ID} FOR UPDATE", exchange.merchant_id, exchange.id)
    assert row is not None, "exchanges are never deleted"
    return exchange_of(row)


async def _take_edge(
    exchange: ExchangeView,
    to: ExchangeState,
    *,
    now: datetime,
    also: Also | None = None,
    failure: str | None = None,
) -> None:
    await EXCHANGES.move(
        exchange.merchant_id,
        exchange.id,
        expected=exchange.state,
        to=to,
        actor=SHOPPER,
        at=now,
        detail={} if failure is None else {"failure": failure},
        also=also or Also(""),
    )


async def _merchant(merchant_id: UUID) -> Merchant:
    found = await merchant_by_id(merchant_id)
    assert found is not None, "merchants are never deleted"
    return found
