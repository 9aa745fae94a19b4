"""Reads of plans and of subscriptions. Each list is one statement, whatever its length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.cursors import Position
from app.kernel.money import Money
from app.subscriptions.rules import Course, Method, Terms
from app.subscriptions.states import PlanState, SubscriptionState

LIST_LIMIT_MAX: Final = 100
PAGE_LENGTH: Final = 25
PERIODS_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan with what it asks for now; `version_id` names those terms. `subscribers` have it and have not ended."""

    id: UUID
    public_id: str
    state: PlanState
    version: int
    version_id: UUID
    terms: Terms
    created_at: datetime
    subscribers: int


@dataclass(frozen=True, slots=True)
class PlanPage:
    """Newest first. `next_cursor` leads to the next page; None on the last."""

    plans: tuple[PlanView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Offered:
    """What an order begins once it is paid."""

    version_id: UUID
    plan_public_id: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Later:
    """Terms that hold from a day on: agreed (`next`), or asked for and not agreed yet (`asked`)."""

    version_id: UUID
    plan_public_id: str
    terms: Terms
    starts_on: date

    @property
    def price(self) -> Money:
        return Money(self.terms.amount_minor, self.terms.currency)


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """A subscription as it stands. Days are of the shop's country. `label` names the saved way to pay, such as
    "Visa 4242"; None for an invoice, or once it was forgotten. `order_id` is the order that began it."""

    merchant_id: UUID
    id: UUID
    public_id: str
    state: SubscriptionState
    customer_id: UUID
    customer_public_id: str
    order_id: UUID
    order_public_id: str
    reference: str
    plan_public_id: str
    version_id: UUID
    terms: Terms
    method: Method
    delivery: str
    saved_method_id: UUID | None
    label: str | None
    lang: str
    course: Course
    bound_until: date
    renewals: int
    refusals: int
    due_at: datetime | None
    cancel_on: date | None
    resume_on: date | None
    paused_days: int | None
    next: Later | None
    asked: Later | None
    ended_on: date | None
    end_reason: str | None
    created_at: datetime

    @property
    def price(self) -> Money:
        return Money(self.terms.amount_minor, self.terms.currency)

    @property
    def following(self) -> Terms:
        """What the next period asks for, as far as it is agreed."""
        if self.next is not None and self.next.starts_on <= self.course.ends_on:
            return self.next.terms
        return self.terms


@dataclass(frozen=True, slots=True)
class SubscriptionPage:
    """As `PlanPage`."""

    subscriptions: tuple[SubscriptionView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PeriodView:
    """What was paid for, by which order; `payment_state` is that of its last charge, None without one."""

    kind: str
    starts_on: date
    ends_on: date
    amount: Money
    order_public_id: str
    paid_at: datetime | None
    lapsed_at: datetime | None
    payment_state: str | None

    @property
    def last_on(self) -> date:
        """Its last day: the next period begins on the day after."""
        return self.ends_on - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    event: str
    from_state: str | None
    to_state: str
    actor: str
    at: datetime
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AgreementView:
    """What somebody said yes to, word for word; `hash` is the SHA-256 of `body` as hex."""

    kind: str
    lang: str
    body: str
    hash: str
    accepted_at: datetime


def terms_sql(alias: str) -> str:
    """The columns of a version as one JSON object; the rate as text, so that it stays a decimal."""
    return f"""jsonb_build_object('names', {alias}.names, 'locale', {alias}.locale, 'currency', {alias}.currency,
        'amount_minor', {alias}.amount_minor, 'vat_percent', {alias}.vat_percent::text, 'unit', {alias}.unit,
        'every', {alias}.every, 'trial_days', {alias}.trial_days, 'trial_minor', {alias}.trial_minor,
        'notice_days', {alias}.notice_days, 'minimum_periods', {alias}.minimum_periods)"""


_PLAN: Final = f"""
SELECT p.id, p.public_id, p.state, p.version, v.id AS version_id, {terms_sql("v")} AS terms, p.created_at,
       (SELECT count(*) FROM subscriptions s JOIN subscription_plan_versions w
            ON w.merchant_id = s.merchant_id AND w.id = s.version_id
        WHERE w.merchant_id = p.merchant_id AND w.plan_id = p.id AND s.state <> 'ended') AS subscribers
FROM subscription_plans p
JOIN subscription_plan_versions v ON v.merchant_id = p.merchant_id AND v.plan_id = p.id AND v.version = p.version
"""  # noqa: S608 - the part that is filled in is a constant

_OFFERED: Final = f"""
SELECT f.version_id, p.public_id AS plan_public_id, {terms_sql("v")} AS terms FROM subscription_offers f
JOIN subscription_plan_versions v ON v.merchant_id = f.merchant_id AND v.id = f.version_id
JOIN subscription_plans p ON p.merchant_id = v.merchant_id AND p.id = v.plan_id
WHERE f.merchant_id = $1 AND f.order_id = $2
"""  # noqa: S608 - the part that is filled in is a constant

_SUBSCRIPTION: Final = f"""
SELECT s.merchant_id, s.id, s.public_id, s.state, s.customer_id, k.public_id AS customer_public_id, s.order_id,
       o.public_id AS order_public_id, o.reference, p.public_id AS plan_public_id, s.version_id,
       {terms_sql("v")} AS terms, s.method, s.delivery, s.saved_method_id, m.label, s.lang, s.anchor_on, s.number,
       s.starts_on, s.ends_on, s.is_trial, s.bound_until, s.renewals, s.refusals, s.due_at, s.cancel_on, s.resume_on,
       s.paused_days, s.ended_on, s.end_reason, s.created_at,
       s.next_version_id, s.next_from, np.public_id AS next_plan, {terms_sql("nv")} AS next_terms,
       s.asked_version_id, s.asked_from, ap.public_id AS asked_plan, {terms_sql("av")} AS asked_terms
FROM subscriptions s
JOIN customers k ON k.id = s.customer_id
JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
JOIN subscription_plan_versions v ON v.merchant_id = s.merchant_id AND v.id = s.version_id
JOIN subscription_plans p ON p.merchant_id = v.merchant_id AND p.id = v.plan_id
LEFT JOIN saved_methods m ON m.merchant_id = s.merchant_id AND m.id = s.saved_method_id AND m.forgotten_at IS NULL
LEFT JOIN subscription_plan_versions nv ON nv.merchant_id = s.merchant_id AND nv.id = s.next_version_id
LEFT JOIN subscription_plans np ON np.merchant_id = nv.merchant_id AND np.id = nv.plan_id
LEFT JOIN subscription_plan_versions av ON av.merchant_id = s.merchant_id AND av.id = s.asked_version_id
LEFT JOIN subscription_plans ap ON ap.merchant_id = av.merchant_id AND ap.id = av.plan_id
"""  # noqa: S608 - the part that is filled in is a constant

_PERIODS: Final = """
SELECT d.kind, d.starts_on, d.ends_on, d.amount_minor, v.currency, o.public_id AS order_public_id, d.paid_at,
       d.lapsed_at, (SELECT y.state FROM payments y WHERE y.merchant_id = d.merchant_id AND y.order_id = d.order_id
                     ORDER BY y.id DESC LIMIT 1) AS payment_state
FROM subscription_periods d
JOIN subscription_plan_versions v ON v.merchant_id = d.merchant_id AND v.id = d.version_id
JOIN orders o ON o.merchant_id = d.merchant_id AND o.id = d.order_id
WHERE d.merchant_id = $1 AND d.subscription_id = $2 ORDER BY d.id DESC LIMIT $3
"""


async def plan_of(merchant_id: UUID, public_id: str) -> PlanView | None:
    row = await db.fetch_one(f"{_PLAN} WHERE p.merchant_id = $1 AND p.public_id = $2", merchant_id, public_id)
    return None if row is None else _plan(row)


async def plan_page(merchant_id: UUID, *, cursor: str | None = None, limit: int = PAGE_LENGTH) -> PlanPage:
    """Raises CursorRefused."""
    assert 1 <= limit <= LIST_LIMIT_MAX, "the caller checks the limit"
    after = None if cursor is None else Position.parse(cursor)
    rows = await db.fetch_all(
        f"{_PLAN} WHERE p.merchant_id = $1 AND ($2::timestamptz IS NULL OR (p.created_at, p.id) < ($2, $3))"
        " ORDER BY p.created_at DESC, p.id DESC LIMIT $4",
        merchant_id,
        after.at if after else None,
        after.id if after else None,
        limit + 1,
    )
    return PlanPage(tuple(_plan(row) for row in rows[:limit]), _next(rows, limit))


async def other_plans(merchant_id: UUID, version_id: UUID, currency: str) -> tuple[PlanView, ...]:
    """The plans that whoever has these terms may change to, the cheapest first."""
    rows = await db.fetch_all(
        f"""{_PLAN} WHERE p.merchant_id = $1 AND p.state = 'active' AND v.currency = $3 AND p.id <> (
                SELECT w.plan_id FROM subscription_plan_versions w WHERE w.merchant_id = $1 AND w.id = $2)
            ORDER BY v.amount_minor, p.id LIMIT 20""",  # noqa: S608 - a constant of this module
        merchant_id,
        version_id,
        currency,
    )
    return tuple(_plan(row) for row in rows)


async def offered_with(merchant_id: UUID, order_id: UUID) -> Offered | None:
    """What an order begins; None for one that is a purchase and nothing else."""
    row = await db.fetch_one(_OFFERED, merchant_id, order_id)
    return None if row is None else Offered(row["version_id"], row["plan_public_id"], terms_of(row["terms"]))


async def subscription_of(merchant_id: UUID, public_id: str) -> SubscriptionView | None:
    row = await db.fetch_one(
        f"{_SUBSCRIPTION} WHERE s.merchant_id = $1 AND s.public_id = $2", merchant_id, public_id
    )
    return None if row is None else _subscription(row)


async def subscription_by_id(merchant_id: UUID, subscription_id: UUID) -> SubscriptionView | None:
    row = await db.fetch_one(
        f"{_SUBSCRIPTION} WHERE s.merchant_id = $1 AND s.id = $2", merchant_id, subscription_id
    )
    return None if row is None else _subscription(row)


async def subscription_of_customer(customer_id: UUID, public_id: str) -> SubscriptionView | None:
    """Whichever shop it is with; somebody else's is as unknown as what never was."""
    row = await db.fetch_one(
        f"{_SUBSCRIPTION} WHERE s.customer_id = $1 AND s.public_id = $2", customer_id, public_id
    )
    return None if row is None else _subscription(row)


async def subscription_of_order(merchant_id: UUID, order_id: UUID) -> SubscriptionView | None:
    """The one that an order began, or that it renewed."""
    row = await db.fetch_one(
        f"""{_SUBSCRIPTION} WHERE s.merchant_id = $1 AND s.id = (SELECT d.subscription_id
                FROM subscription_periods d WHERE d.merchant_id = $1 AND d.order_id = $2)""",  # noqa: S608
        merchant_id,
        order_id,
    )
    return None if row is None else _subscription(row)


async def subscriptions_of_customer(customer_id: UUID, shops: Sequence[UUID]) -> tuple[SubscriptionView, ...]:
    """What somebody has in these shops: what goes on first, then what has ended, newest first; fifty at most."""
    rows = await db.fetch_all(
        f"{_SUBSCRIPTION} WHERE s.customer_id = $1 AND s.merchant_id = ANY($2::uuid[])"
        " ORDER BY s.state = 'ended', s.created_at DESC, s.id DESC LIMIT 50",
        customer_id,
        list(shops),
    )
    return tuple(_subscription(row) for row in rows)


async def subscription_page(
    merchant_id: UUID,
    *,
    state: SubscriptionState | None = None,
    cursor: str | None = None,
    limit: int = PAGE_LENGTH,
) -> SubscriptionPage:
    """The shop's subscriptions, newest first. Raises CursorRefused."""
    assert 1 <= limit <= LIST_LIMIT_MAX, "the caller checks the limit"
    after = None if cursor is None else Position.parse(cursor)
    rows = await db.fetch_all(
        f"{_SUBSCRIPTION} WHERE s.merchant_id = $1 AND ($2::text IS NULL OR s.state = $2)"
        " AND ($3::timestamptz IS NULL OR (s.created_at, s.id) < ($3, $4))"
        " ORDER BY s.created_at DESC, s.id DESC LIMIT $5",
        merchant_id,
        None if state is None else state.value,
        after.at if after else None,
        after.id if after else None,
        limit + 1,
    )
    return SubscriptionPage(tuple(_subscription(row) for row in rows[:limit]), _next(rows, limit))


async def count_due(now: datetime) -> int:
    """How many the clock should have looked at, or reminded of, by `now`."""
    found = await db.fetch_value(
        "SELECT count(*) FROM subscriptions WHERE due_at <= $1 OR remind_at <= $1", now
    )
    return int(found)


async def periods_of(merchant_id: UUID, subscription_id: UUID) -> tuple[PeriodView, ...]:
    """What was paid for, newest first."""
    rows = await db.fetch_all(_PERIODS, merchant_id, subscription_id, PERIODS_SHOWN)
    return tuple(
        PeriodView(
            row["kind"],
            row["starts_on"],
            row["ends_on"],
            Money(row["amount_minor"], row["currency"]),
            row["order_public_id"],
            row["paid_at"],
            row["lapsed_at"],
            row["payment_state"],
        )
        for row in rows
    )


async def history_of(merchant_id: UUID, subscription_id: UUID) -> tuple[HistoryEntry, ...]:
    """Oldest first."""
    rows = await db.fetch_all(
        "SELECT event, from_state, to_state, actor, at, detail FROM subscription_history"
        " WHERE merchant_id = $1 AND subject_id = $2 ORDER BY id LIMIT 500",
        merchant_id,
        subscription_id,
    )
    return tuple(HistoryEntry(**dict(row.items())) for row in rows)


async def agreements_of(merchant_id: UUID, subscription_id: UUID) -> tuple[AgreementView, ...]:
    """Oldest first: the last one holds."""
    rows = await db.fetch_all(
        "SELECT kind, lang, body, hash, accepted_at FROM subscription_agreements"
        " WHERE merchant_id = $1 AND subscription_id = $2 ORDER BY id",
        merchant_id,
        subscription_id,
    )
    return tuple(AgreementView(**dict(row.items())) for row in rows)


def terms_of(data: Mapping[str, object]) -> Terms:
    """From the object that `terms_sql` builds."""
    values = dict(data)
    # As it was typed, without the zeros that the column fills up with.
    values["vat_percent"] = Decimal(f"{Decimal(str(values['vat_percent'])).normalize():f}")
    return Terms(**values)  # type: ignore[arg-type]  # the columns' own CHECKs say what they hold


def _plan(row: db.Record) -> PlanView:
    values = dict(row.items())
    values["state"] = PlanState(row["state"])
    values["terms"] = terms_of(row["terms"])
    return PlanView(**values)


_COURSE: Final = ("anchor_on", "number", "starts_on", "ends_on", "is_trial")


def _subscription(row: db.Record) -> SubscriptionView:
    values = dict(row.items())
    values["state"] = SubscriptionState(row["state"])
    values["terms"] = terms_of(row["terms"])
    values["course"] = Course(*(values.pop(name) for name in _COURSE))
    for name in ("next", "asked"):
        version_id, starts_on = values.pop(f"{name}_version_id"), values.pop(f"{name}_from")
        plan, terms = values.pop(f"{name}_plan"), values.pop(f"{name}_terms")
        values[name] = None if version_id is None else Later(version_id, plan, terms_of(terms), starts_on)
    return SubscriptionView(**values)


def _next(rows: Sequence[db.Record], limit: int) -> str | None:
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return Position(last["created_at"], last["id"]).text()
