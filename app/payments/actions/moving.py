"""A payment through a provider: born, leased by whoever asks about it, and moved along its states.

Who holds the lease alone talks to the provider. A lease that ended, because its holder died, does no harm: each call
has a key of its own, and each move expects the state that it starts from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.kernel.money import Money
from app.payments import settling
from app.payments.ports import Aggregate, Opened, ProviderMethod, Way
from app.payments.queries import PAYMENT_COLUMNS, PaymentView, payment_by_id, payment_of
from app.payments.states import ENDED, MACHINE, PaymentState

# Longer than one call to a provider and the transaction after it.
LEASE: Final = timedelta(seconds=30)
# Whoever opened it has this long to say how it went, before somebody else asks.
FIRST_LOOK: Final = timedelta(seconds=20)
CONTACT_KEPT: Final = timedelta(days=30)

_INSERT: Final = """
INSERT INTO payments (merchant_id, id, public_id, kind, method, state, order_id, session_id, quote_id, amount_minor,
                      currency, country, lang, way, description, is_saving, saved_method_id, contact, is_taking,
                      created_at, expires_at, next_check_at, leased_until)
VALUES ($1, $2, $3, $4, $5, 'started', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
"""


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
    and order."""
    payment_id = ids.internal_id()
    is_charge = new.session_id is None
    await db.execute(
        _INSERT,
        merchant_id,
        payment_id,
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
        now,
        new.expires_at,
        wall + FIRST_LOOK,
        wall + FIRST_LOOK,
    )
    await MACHINE.begin(
        merchant_id, payment_id, state=PaymentState.STARTED, event="payment.started", actor=actor, at=now
    )
    made = await payment_by_id(merchant_id, payment_id)
    assert made is not None, "it was written just now"
    return made


_TAKE: Final = f"""
UPDATE payments p SET leased_until = $3
WHERE p.public_id = $1 AND p.ended_at IS NULL AND (p.leased_until IS NULL OR p.leased_until <= $2)
RETURNING {PAYMENT_COLUMNS}
"""  # noqa: S608 - column names alone


async def take(public_id: str, wall: datetime) -> PaymentView | None:
    """The payment, leased to the caller for a while; None when it has ended or somebody else is at it. Outside a
    transaction, so that the lease stands at once."""
    row = await db.fetch_one(_TAKE, public_id, wall, wall + LEASE)
    return None if row is None else payment_of(row)


async def release(payment: PaymentView) -> None:
    """Let somebody else ask. Outside a transaction."""
    await db.execute_alone(
        "UPDATE payments SET leased_until = NULL WHERE merchant_id = $1 AND id = $2",
        payment.merchant_id,
        payment.id,
    )


_POSTPONE: Final = """
UPDATE payments SET checks = checks + 1, next_check_at = $3, leased_until = NULL
WHERE merchant_id = $1 AND id = $2 AND ended_at IS NULL
"""


async def postpone(payment: PaymentView, wall: datetime) -> None:
    """Nothing is new: look again after a while, and after a longer one then. In a transaction."""
    at = wall + settling.wait_after(payment.checks)
    over = payment.expires_at + settling.GRACE
    if wall < over < at:
        # The end of its time at the provider is worth a look of its own.
        at = over
    await db.execute(_POSTPONE, payment.merchant_id, payment.id, at)


_OPENED: Final = """
UPDATE payments SET provider_ref = $3, url = $4, qr_url = $5, checks = 0, next_check_at = $6, leased_until = NULL
WHERE merchant_id = $1 AND id = $2
"""


async def opened(payment: PaymentView, told: Opened, *, actor: str, now: datetime, wall: datetime) -> None:
    """The provider knows the payment, and where its shopper goes. In a transaction. Raises LostRace."""
    await move(payment, PaymentState.PENDING, actor=actor, now=now)
    await db.execute(
        _OPENED,
        payment.merchant_id,
        payment.id,
        told.provider_ref,
        told.url,
        told.qr_url,
        wall + settling.wait_after(0),
    )


_NOTE: Final = """
UPDATE payments SET provider_ref = coalesce(provider_ref, $3), authorised_minor = $4, captured_minor = $5,
                    refunded_minor = $6
WHERE merchant_id = $1 AND id = $2
"""


async def note(payment: PaymentView, told: Aggregate) -> None:
    """Keep what the provider's own book says. In a transaction."""
    await db.execute(
        _NOTE,
        payment.merchant_id,
        payment.id,
        told.provider_ref,
        told.authorised_minor,
        told.captured_minor,
        told.refunded_minor,
    )


_END: Final = """
UPDATE payments SET ended_at = $3, contact = NULL, url = NULL, qr_url = NULL, next_check_at = NULL, leased_until = NULL,
                    failure = coalesce($4, failure), is_taking = $5
WHERE merchant_id = $1 AND id = $2
"""
_MARK: Final = """
UPDATE payments SET failure = coalesce($3, failure), is_taking = is_taking OR $4 WHERE merchant_id = $1 AND id = $2
"""


async def move(
    payment: PaymentView,
    to: PaymentState,
    *,
    actor: str,
    now: datetime,
    failure: str | None = None,
    is_taking: bool = False,
) -> None:
    """Take one edge. `is_taking` claims the order for this payment: no other may take money for it. What has ended
    forgets who paid and where. In a transaction that holds session and order. Raises IllegalMove, LostRace."""
    detail = {} if failure is None else {"failure": failure}
    await MACHINE.move(
        payment.merchant_id, payment.id, expected=payment.state, to=to, actor=actor, at=now, detail=detail
    )
    if to in ENDED:
        await db.execute(_END, payment.merchant_id, payment.id, now, failure, is_taking)
    elif failure is not None or is_taking:
        await db.execute(_MARK, payment.merchant_id, payment.id, failure, is_taking)


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
