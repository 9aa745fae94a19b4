"""A payment through a provider: born, leased by whoever asks about it, and moved along its states.

Who holds the lease alone talks to the provider. A lease that ended, because its holder died, does no harm: each call
has a key of its own, and each move expects the state that it starts from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.kernel.money import Money
from app.kernel.states import Also
from app.ledger.errors import MoneyFrozen
from app.payments import settling
from app.payments.ports import Aggregate, Opened, ProviderMethod, Way
from app.payments.queries import PAYMENT_COLUMNS, PaymentView, payment_of
from app.payments.states import ENDED, MACHINE, PaymentState

# Longer than one call to a provider and the transaction after it.
LEASE: Final = timedelta(seconds=30)
# Whoever opened it has this long to say how it went, before somebody else asks.
FIRST_LOOK: Final = timedelta(seconds=20)
CONTACT_KEPT: Final = timedelta(days=30)

_BEGIN: Final = f"""
{
    MACHINE.born_sql(
        '''INSERT INTO payments (merchant_id, id, public_id, kind, method, state, order_id, session_id, quote_id,
                                 amount_minor, currency, country, lang, way, description, is_saving, saved_method_id,
                                 contact, is_taking, created_at, expires_at, next_check_at, leased_until)
           SELECT $4, $5, $6, $7, $8, 'started', $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $3,
                  $22, $23, $23
           WHERE NOT EXISTS (SELECT FROM money_freezes WHERE ended_at IS NULL) RETURNING *''',
        "payment.started",
    )
}
SELECT {PAYMENT_COLUMNS} FROM born p
"""  # noqa: S608 - constants of the program


@dataclass(frozen=True, slots=True)
class NewProviderPayment:
    """What the provider is to take, and for what. `expires_at` is wall time. `contact` is who pays, kept until it has
    ended. A charge has a `saved_method_id` and no session, and takes at once."""

    method: ProviderMethod
    order_id: UUID
    session_id: UUID | None
    quote_id: str
    amount: Money
    country: str
    lang: str
    description: str
    expires_at: datetime
    way: Way = "redirect"
    is_saving: bool = False
    saved_method_id: UUID | None = None
    contact: Mapping[str, str | None] = field(default_factory=dict, repr=False)


async def begin(
    merchant_id: UUID, new: NewProviderPayment, *, actor: str, now: datetime, wall: datetime
) -> PaymentView:
    """Write a payment down before its provider hears of it, leased by the caller. In a transaction that holds session
    and order. Raises MoneyFrozen."""
    is_charge = new.session_id is None
    row = await db.fetch_one(
        _BEGIN,
        ids.internal_id(),
        actor,
        now,
        merchant_id,
        ids.internal_id(),
        ids.public_id("pay"),
        "charge" if is_charge else "checkout",
        new.method,
        new.order_id,
        new.session_id,
        new.quote_id,
        new.amount.amount_minor,
        new.amount.currency,
        new.country,
        new.lang,
        new.way,
        new.description,
        new.is_saving,
        new.saved_method_id,
        dict(new.contact),
        is_charge,
        new.expires_at,
        wall + FIRST_LOOK,
    )
    if row is None:
        raise MoneyFrozen
    return payment_of(row)


# A lease need not outlive a crash of the database, which ends its holder's connection too: nobody waits for the disk.
_TAKE: Final = f"""
UPDATE payments p SET leased_until = $3 FROM (SELECT set_config('synchronous_commit', 'off', true)) AS at_once
WHERE p.public_id = $1 AND p.ended_at IS NULL AND (p.leased_until IS NULL OR p.leased_until <= $2)
RETURNING {PAYMENT_COLUMNS}
"""  # noqa: S608 - column names alone


async def take(public_id: str, wall: datetime) -> PaymentView | None:
    """The payment, leased to the caller for a while; None when it has ended or somebody else is at it. Outside a
    transaction, so that the lease stands at once."""
    row = await db.fetch_one(_TAKE, public_id, wall, wall + LEASE)
    return None if row is None else payment_of(row)


_POSTPONE: Final = """
UPDATE payments SET checks = checks + 1, next_check_at = $3, leased_until = NULL
WHERE merchant_id = $1 AND id = $2 AND ended_at IS NULL
"""


async def postpone(payment: PaymentView, wall: datetime) -> PaymentView:
    """Nothing is new: look again after a while, and after a longer one then. In a transaction."""
    at = wall + settling.wait_after(payment.checks)
    over = payment.expires_at + settling.GRACE
    if wall < over < at:
        # The end of its time at the provider is worth a look of its own.
        at = over
    await db.execute(_POSTPONE, payment.merchant_id, payment.id, at)
    return replace(payment, checks=payment.checks + 1, next_check_at=at, leased_until=None)


def as_told(payment: PaymentView, told: Aggregate) -> PaymentView:
    """With what the provider's own book says; the next `move` writes it down, or `note` where there is none."""
    return replace(
        payment,
        provider_ref=payment.provider_ref or told.provider_ref,
        authorised_minor=told.authorised_minor,
        captured_minor=told.captured_minor,
        refunded_minor=told.refunded_minor,
    )


_NOTE: Final = """
UPDATE payments SET provider_ref = $3, authorised_minor = $4, captured_minor = $5, refunded_minor = $6
WHERE merchant_id = $1 AND id = $2
"""


async def note(payment: PaymentView) -> None:
    """Keep what the provider's own book says, and nothing else is new. In a transaction that holds the payment."""
    await db.execute(_NOTE, payment.merchant_id, payment.id, *_book(payment))


def _book(payment: PaymentView) -> tuple[object, ...]:
    return payment.provider_ref, payment.authorised_minor, payment.captured_minor, payment.refunded_minor


# What a move writes beside the state, all of it in one statement.
_GOES_ON: Final = (
    "provider_ref = $10, authorised_minor = $11, captured_minor = $12, refunded_minor = $13,"
    " failure = $14, is_taking = $15"
)
_IS_OPEN: Final = f"{_GOES_ON}, url = $16, qr_url = $17, checks = 0, next_check_at = $18, leased_until = NULL"
_ENDS: Final = (
    f"{_GOES_ON}, ended_at = $16, contact = NULL, url = NULL, qr_url = NULL, next_check_at = NULL,"
    " leased_until = NULL"
)


async def opened(
    payment: PaymentView, told: Opened, *, actor: str, now: datetime, wall: datetime
) -> PaymentView:
    """The provider knows the payment, and where its shopper goes. In a transaction that holds the payment. Raises
    LostRace."""
    after = replace(
        payment,
        state=PaymentState.PENDING,
        provider_ref=told.provider_ref,
        url=told.url,
        qr_url=told.qr_url,
        checks=0,
        next_check_at=wall + settling.wait_after(0),
        leased_until=None,
    )
    also = _also(_IS_OPEN, after, after.url, after.qr_url, after.next_check_at)
    await _take_edge(payment, after, also, actor=actor, now=now)
    return after


async def move(
    payment: PaymentView,
    to: PaymentState,
    *,
    actor: str,
    now: datetime,
    failure: str | None = None,
    is_taking: bool = False,
) -> PaymentView:
    """Take one edge; the payment as it is then, written as `payment` says in all that moves with it. `is_taking` claims
    the order for this payment: no other may take money for it. What has ended forgets who paid and where. In a
    transaction that holds session and order, and the payment. Raises IllegalMove, LostRace."""
    after = replace(payment, state=to, failure=failure or payment.failure)
    if to not in ENDED:
        after = replace(after, is_taking=is_taking or payment.is_taking)
        await _take_edge(payment, after, _also(_GOES_ON, after), actor=actor, now=now, failure=failure)
        return after
    after = replace(
        after,
        is_taking=is_taking,
        ended_at=now,
        contact=None,
        url=None,
        qr_url=None,
        next_check_at=None,
        leased_until=None,
    )
    await _take_edge(payment, after, _also(_ENDS, after, now), actor=actor, now=now, failure=failure)
    return after


def _also(sets: str, after: PaymentView, *values: object) -> Also:
    return Also(sets, (*_book(after), after.failure, after.is_taking, *values))


async def _take_edge(
    before: PaymentView,
    after: PaymentView,
    also: Also,
    *,
    actor: str,
    now: datetime,
    failure: str | None = None,
) -> None:
    await MACHINE.move(
        before.merchant_id,
        before.id,
        expected=before.state,
        to=after.state,
        actor=actor,
        at=now,
        detail={} if failure is None else {"failure": failure},
        also=also,
    )


async def let_go(public_id: str, wall: datetime) -> None:
    """The shopper turned away: the payment ends, unless it is authorised by now. Outside a transaction."""
    await db.execute_alone(
        """UPDATE payments SET is_letting_go = true, next_check_at = least(next_check_at, $2)
           WHERE public_id = $1 AND ended_at IS NULL""",
        public_id,
        wall,
    )


_LET_GO_DUE: Final = """
UPDATE payments p SET is_letting_go = true, next_check_at = least(p.next_check_at, $2)
FROM checkout_sessions s
WHERE s.merchant_id = p.merchant_id AND s.id = p.session_id AND s.state = 'processing' AND s.expires_at <= $1
  AND p.ended_at IS NULL AND NOT p.is_letting_go
"""


async def let_go_due(now: datetime, wall: datetime) -> None:
    """The time of these sessions is over: their payments are asked after at once. Outside a transaction."""
    await db.execute_alone(_LET_GO_DUE, now, wall)


_FORGET: Final = """
UPDATE payments SET contact = NULL
WHERE (merchant_id, id) IN (
    SELECT merchant_id, id FROM payments
    WHERE ended_at IS NULL AND contact IS NOT NULL AND created_at <= $1 AND NOT is_taking ORDER BY created_at LIMIT $2
)
"""


async def forget_contacts(before: datetime, limit: int) -> int:
    """Take away who was to pay, of payments that nobody has heard the end of. In a transaction. Answers how many."""
    return int((await db.execute(_FORGET, before, limit)).split()[-1])
