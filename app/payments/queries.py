"""Reads of money that staff have recorded, and of payments through a provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from app.kernel import db, ids
from app.kernel.keys import process_keyring
from app.kernel.money import Money
from app.payments.ports import ProviderMethod, SavedMethod, Way
from app.payments.rules import Source
from app.payments.states import ENDED, PaymentState, RefundingState


@dataclass(frozen=True, slots=True)
class RecordedView:
    """One payment that somebody on the staff recorded for an order; `actor` says who."""

    id: UUID
    public_id: str
    key: str
    order_id: UUID
    amount_minor: int
    currency: str
    source: Source
    received_on: date
    note: str | None = field(repr=False)
    actor: str
    recorded_at: datetime

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


_COLUMNS: Final = """r.id, r.public_id, r.key, r.order_id, r.amount_minor, r.currency, r.source, r.received_on,
    r.note, r.actor, r.recorded_at"""


async def recorded_by_key(merchant_id: UUID, key: str) -> RecordedView | None:
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM recorded_payments r WHERE r.merchant_id = $1 AND r.key = $2",  # noqa: S608
        merchant_id,
        key,
    )
    return None if row is None else RecordedView(**row)


async def recorded_by_id(merchant_id: UUID, payment_id: UUID) -> RecordedView | None:
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM recorded_payments r WHERE r.merchant_id = $1 AND r.id = $2",  # noqa: S608
        merchant_id,
        payment_id,
    )
    return None if row is None else RecordedView(**row)


async def payment_of_order(merchant_id: UUID, order_id: UUID) -> RecordedView | None:
    """The money that paid an order; None for one that is unpaid, or that a checkout paid."""
    row = await db.fetch_one(
        f"""SELECT {_COLUMNS} FROM orders o
            JOIN recorded_payments r ON r.merchant_id = o.merchant_id AND r.id = o.recorded_payment_id
            WHERE o.merchant_id = $1 AND o.id = $2""",  # noqa: S608 - a constant of this module
        merchant_id,
        order_id,
    )
    return None if row is None else RecordedView(**row)


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment through a provider as we know it. `amount_minor` is what the provider is to take, in minor units.

    `expires_at`, `next_check_at` and `leased_until` are wall time. `url` is where the shopper pays, `qr_url` a code to
    scan; both are gone once it has ended, as is `contact`, who pays. `failure` is one of `ports.FAILURES` or a word of
    `settling`. A charge with a saved method has no session. `refunded_minor` is what the provider's own book said
    before it ended; `given_back_minor` is what we had it give back since, `going_back_minor` what is on its way.
    """

    merchant_id: UUID
    id: UUID
    public_id: str
    kind: Literal["checkout", "charge"]
    method: ProviderMethod
    state: PaymentState
    order_id: UUID
    order_public_id: str
    session_id: UUID | None
    session_public_id: str | None
    quote_id: str
    amount_minor: int
    currency: str
    country: str
    lang: str
    way: Way
    description: str
    is_saving: bool
    saved_method_id: UUID | None
    contact: dict[str, str | None] | None = field(repr=False)
    provider_ref: str | None
    url: str | None = field(repr=False)
    qr_url: str | None = field(repr=False)
    failure: str | None
    authorised_minor: int
    captured_minor: int
    refunded_minor: int
    is_letting_go: bool
    is_taking: bool
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    checks: int
    next_check_at: datetime | None
    leased_until: datetime | None
    given_back_minor: int = 0
    going_back_minor: int = 0

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


PAYMENT_COLUMNS: Final = """p.merchant_id, p.id, p.public_id, p.kind, p.method, p.state, p.order_id,
    (SELECT o.public_id FROM orders o WHERE o.merchant_id = p.merchant_id AND o.id = p.order_id) AS order_public_id,
    p.session_id,
    (SELECT s.public_id FROM checkout_sessions s WHERE s.merchant_id = p.merchant_id AND s.id = p.session_id)
        AS session_public_id,
    p.quote_id, p.amount_minor, p.currency, p.country, p.lang, p.way, p.description, p.is_saving, p.saved_method_id,
    p.contact, p.provider_ref, p.url, p.qr_url, p.failure, p.authorised_minor, p.captured_minor, p.refunded_minor,
    p.is_letting_go, p.is_taking, p.created_at, p.expires_at, p.ended_at, p.checks, p.next_check_at, p.leased_until,
    (SELECT coalesce(sum(b.amount_minor), 0)::bigint FROM payment_refunds b
     WHERE b.merchant_id = p.merchant_id AND b.payment_id = p.id AND b.state = 'done') AS given_back_minor,
    (SELECT coalesce(sum(b.amount_minor), 0)::bigint FROM payment_refunds b
     WHERE b.merchant_id = p.merchant_id AND b.payment_id = p.id AND b.ended_at IS NULL) AS going_back_minor"""


_FIELDS: Final = tuple(each.name for each in fields(PaymentView))


def payment_of(row: db.Record) -> PaymentView:
    """From a row that has the PAYMENT_COLUMNS."""
    return PaymentView(**{**{name: row[name] for name in _FIELDS}, "state": PaymentState(row["state"])})


async def payment_by_public_id(public_id: str) -> PaymentView | None:
    """A payment by the id that the provider knows it by; None for an unknown one."""
    if not ids.is_public_id("pay", public_id):
        return None
    row = await db.fetch_one(
        f"SELECT {PAYMENT_COLUMNS} FROM payments p WHERE p.public_id = $1",  # noqa: S608 - a constant of this module
        public_id,
    )
    return None if row is None else payment_of(row)


async def payment_by_id(merchant_id: UUID, payment_id: UUID) -> PaymentView | None:
    row = await db.fetch_one(
        f"SELECT {PAYMENT_COLUMNS} FROM payments p WHERE p.merchant_id = $1 AND p.id = $2",  # noqa: S608
        merchant_id,
        payment_id,
    )
    return None if row is None else payment_of(row)


async def payment_by_provider_ref(method: ProviderMethod, provider_ref: str) -> PaymentView | None:
    """A payment by the name that the provider gave it."""
    row = await db.fetch_one(
        f"SELECT {PAYMENT_COLUMNS} FROM payments p WHERE p.method = $1 AND p.provider_ref = $2",  # noqa: S608
        method,
        provider_ref,
    )
    return None if row is None else payment_of(row)


async def newest_payment_of_session(merchant_id: UUID, session_id: UUID) -> PaymentView | None:
    """The payment that a session waits for, or the last that it waited for."""
    row = await db.fetch_one(
        f"""SELECT {PAYMENT_COLUMNS} FROM payments p WHERE p.merchant_id = $1 AND p.session_id = $2
            ORDER BY p.id DESC LIMIT 1""",  # noqa: S608 - a constant of this module
        merchant_id,
        session_id,
    )
    return None if row is None else payment_of(row)


async def payments_of_order(merchant_id: UUID, order_id: UUID) -> tuple[PaymentView, ...]:
    """Every try to pay an order through a provider, oldest first."""
    rows = await db.fetch_all(
        f"""SELECT {PAYMENT_COLUMNS} FROM payments p WHERE p.merchant_id = $1 AND p.order_id = $2
            ORDER BY p.id""",  # noqa: S608 - a constant of this module
        merchant_id,
        order_id,
    )
    return tuple(payment_of(row) for row in rows)


async def captured_payment_of_order(merchant_id: UUID, order_id: UUID) -> PaymentView | None:
    """The payment whose money paid an order; None where no provider took any. Money that came too late is another's."""
    row = await db.fetch_one(
        f"""SELECT {PAYMENT_COLUMNS} FROM payments p
            WHERE p.merchant_id = $1 AND p.order_id = $2 AND p.state = 'captured' AND p.is_taking""",  # noqa: S608
        merchant_id,
        order_id,
    )
    return None if row is None else payment_of(row)


async def somebody_takes(merchant_id: UUID, order_id: UUID) -> bool:
    """Whether a payment through a provider is taking money for an order at this moment, or has taken it."""
    return bool(
        await db.fetch_value(
            "SELECT EXISTS (SELECT FROM payments WHERE merchant_id = $1 AND order_id = $2 AND is_taking)",
            merchant_id,
            order_id,
        )
    )


_GOING_ON: Final = """
SELECT state, count(*) FROM payments WHERE next_check_at IS NOT NULL GROUP BY state
UNION ALL
SELECT 'refund_' || state, count(*) FROM payment_refunds WHERE next_check_at IS NOT NULL GROUP BY state
"""


async def count_going_on() -> Mapping[str, int]:
    """How many payments through providers are not over, by state; those that go back as "refund_" and theirs."""
    return {row["state"]: row["count"] for row in await db.fetch_all(_GOING_ON)}


@dataclass(frozen=True, slots=True)
class SavedMethodView:
    """What later charges are made with; `saved` is None once it was forgotten."""

    merchant_id: UUID
    id: UUID
    public_id: str
    method: ProviderMethod
    label: str
    expires_on: str | None
    saved: SavedMethod | None = field(repr=False)


SAVED_METHOD_PURPOSE: Final = "payments.saved"
_SAVED: Final = """SELECT m.merchant_id, m.id, m.public_id, m.method, m.label, m.expires_on, m.sealed
                   FROM saved_methods m"""


async def saved_method_by_id(merchant_id: UUID, saved_method_id: UUID) -> SavedMethodView | None:
    row = await db.fetch_one(f"{_SAVED} WHERE m.merchant_id = $1 AND m.id = $2", merchant_id, saved_method_id)
    return None if row is None else _saved(row)


async def saved_method_of_order(merchant_id: UUID, order_id: UUID) -> SavedMethodView | None:
    """What was saved with the payment of an order, for later charges."""
    row = await db.fetch_one(
        f"""{_SAVED} JOIN payments p ON p.merchant_id = m.merchant_id AND p.saved_method_id = m.id
            WHERE p.merchant_id = $1 AND p.order_id = $2 AND p.state = 'captured' AND p.kind = 'checkout'
            ORDER BY p.id DESC LIMIT 1""",
        merchant_id,
        order_id,
    )
    return None if row is None else _saved(row)


def _saved(row: db.Record) -> SavedMethodView:
    values = dict(row.items())
    sealed = values.pop("sealed")
    saved = None
    if sealed is not None:
        token = process_keyring().open(SAVED_METHOD_PURPOSE, sealed).decode()
        saved = SavedMethod(token, row["label"], row["expires_on"])
    return SavedMethodView(saved=saved, **values)


@dataclass(frozen=True, slots=True)
class RefundingView:
    """Money on its way back through the provider that took it. Amounts are minor units; `refund_id` is the refund that
    it is of, None for money that came too late."""

    merchant_id: UUID
    id: UUID
    public_id: str
    payment_id: UUID
    refund_id: UUID | None
    state: RefundingState
    amount_minor: int
    currency: str
    provider_ref: str | None
    reason: str | None
    asked_at: datetime
    ended_at: datetime | None
    checks: int

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


REFUNDING_COLUMNS: Final = """r.merchant_id, r.id, r.public_id, r.payment_id, r.refund_id, r.state, r.amount_minor,
    r.currency, r.provider_ref, r.reason, r.asked_at, r.ended_at, r.checks"""


def refunding_of(row: db.Record) -> RefundingView:
    """From a row of REFUNDING_COLUMNS."""
    return RefundingView(**{**dict(row.items()), "state": RefundingState(row["state"])})


async def refundings_of_payment(merchant_id: UUID, payment_id: UUID) -> tuple[RefundingView, ...]:
    """Everything that went or goes back of a payment, oldest first."""
    rows = await db.fetch_all(
        f"""SELECT {REFUNDING_COLUMNS} FROM payment_refunds r
            WHERE r.merchant_id = $1 AND r.payment_id = $2 ORDER BY r.id""",  # noqa: S608
        merchant_id,
        payment_id,
    )
    return tuple(refunding_of(row) for row in rows)
