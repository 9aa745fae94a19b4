"""What stands behind a purchase that somebody looks at: who bought here before and how it went, where goods were sent,
and the orders that are like it. For staff who review."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.money import Money

EARLIER_SHOWN: Final = 5
EARLIER_READ: Final = 200
ADDRESSES_SHOWN: Final = 3
SIMILAR_SHOWN: Final = 12
ITEMS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class EarlierOrder:
    public_id: str
    reference: str
    state: str
    total: Money
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Address:
    """Where goods are sent, or were. Personal data: shown in no representation."""

    name: str | None = field(repr=False)
    street: str | None = field(repr=False)
    postcode: str | None = field(repr=False)
    city: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class EarlierAddress:
    address: Address
    orders: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """A customer at this shop before the order at hand: counts of the newest EARLIER_READ orders by how they stand,
    what was paid, the newest of them, other addresses of paid ones, and how earlier cases about risk were answered:
    what was said of their credit is nobody's here to read."""

    paid: int
    refunded: int
    stopped: int
    paid_sum: Money | None
    orders: tuple[EarlierOrder, ...]
    addresses: tuple[EarlierAddress, ...]
    approved_before: int
    declined_before: int


_EARLIER: Final = f"""
SELECT o.public_id, o.reference, o.state, o.total_minor, o.currency, o.created_at, t.name, t.street, t.postcode, t.city
FROM orders o
LEFT JOIN order_contacts t ON t.merchant_id = o.merchant_id AND t.order_id = o.id
WHERE o.merchant_id = $1 AND o.id <> $3 AND o.created_at < $4
  AND o.id IN (SELECT s.order_id FROM checkout_sessions s WHERE s.merchant_id = $1 AND s.customer_id = $2)
ORDER BY o.created_at DESC LIMIT {EARLIER_READ}
"""  # noqa: S608 - a figure of this module

_ANSWERED: Final = """
SELECT count(*) FILTER (WHERE c.state = 'approved') AS approved,
       count(*) FILTER (WHERE c.state = 'declined') AS declined
FROM checkout_sessions s
JOIN cases c ON c.merchant_id = s.merchant_id AND c.session_id = s.id AND c.kind = 'risk' AND NOT c.is_blind
WHERE s.merchant_id = $1 AND s.customer_id = $2 AND s.order_id <> $3 AND c.resolved_at < $4
"""

_PAID: Final = frozenset({"paid", "partly_refunded"})


async def history_of(merchant_id: UUID, customer_id: UUID, order_id: UUID, before: datetime) -> History:
    """What a customer did at this shop before `before`, apart from the order at hand. Two statements."""
    rows = await db.fetch_all(_EARLIER, merchant_id, customer_id, order_id, before)
    answered = await db.fetch_one(_ANSWERED, merchant_id, customer_id, order_id, before)
    assert answered is not None, "counts always answer"
    paid = [row for row in rows if row["state"] in _PAID]
    currency = paid[0]["currency"] if paid else None
    paid_minor = sum(row["total_minor"] for row in paid if row["currency"] == currency)
    return History(
        paid=len(paid),
        refunded=sum(row["state"] == "refunded" for row in rows),
        stopped=sum(row["state"] in {"declined", "cancelled", "expired"} for row in rows),
        paid_sum=None if currency is None else Money(paid_minor, currency),
        orders=tuple(_earlier(row) for row in rows[:EARLIER_SHOWN]),
        addresses=_addresses(rows),
        approved_before=answered["approved"],
        declined_before=answered["declined"],
    )


def _earlier(row: db.Record) -> EarlierOrder:
    total = Money(row["total_minor"], row["currency"])
    return EarlierOrder(row["public_id"], row["reference"], row["state"], total, row["created_at"])


def _addresses(rows: list[db.Record]) -> tuple[EarlierAddress, ...]:
    """Where paid orders went, the newest first; one place is told once."""
    found: dict[tuple[str, str], EarlierAddress] = {}
    for row in rows:
        if row["state"] not in {*_PAID, "refunded"} or not (row["street"] or row["postcode"]):
            continue
        key = ((row["street"] or "").casefold(), row["postcode"] or "")
        first = found.get(key)
        address = Address(row["name"], row["street"], row["postcode"], row["city"])
        found[key] = EarlierAddress(
            address if first is None else first.address,
            1 if first is None else first.orders + 1,
            row["created_at"] if first is None else first.last_at,
        )
    return tuple(found.values())[:ADDRESSES_SHOWN]


@dataclass(frozen=True, slots=True)
class LikeOrder:
    """An order beside the one at hand. `case` is one that still waits; `case_state` how a person answered it."""

    session_id: UUID
    order_public_id: str
    reference: str
    state: str
    total: Money
    created_at: datetime
    items: tuple[str, ...]
    items_more: int
    address: Address = field(repr=False)
    phone: str | None = field(repr=False)
    email: str | None = field(repr=False)
    case_public_id: str | None
    case_state: str | None


_LIKE: Final = """
SELECT s.id AS session_id, o.public_id AS order_public_id, o.reference, o.state, o.total_minor, o.currency,
       o.created_at, coalesce(t.name, s.typed->>'name', k.name) AS name,
       coalesce(t.street, s.typed->>'street', k.street) AS street,
       coalesce(t.postcode, s.typed->>'postcode', s.postcode) AS postcode,
       coalesce(t.city, s.typed->>'city', k.city) AS city, coalesce(t.phone, s.typed->>'phone', s.phone) AS phone,
       coalesce(t.email, s.typed->>'email') AS email, c.public_id AS case_public_id, c.state AS case_state,
       ARRAY(SELECT l.name || CASE WHEN l.quantity > 1 THEN ' ' || chr(215) || ' ' || l.quantity ELSE '' END
             FROM order_lines l
             WHERE l.merchant_id = o.merchant_id AND l.order_id = o.id AND l.version = o.version AND l.type = 'item'
             ORDER BY l.position) AS items
FROM unnest($2::uuid[]) WITH ORDINALITY AS w (session_id, place)
JOIN checkout_sessions s ON s.merchant_id = $1 AND s.id = w.session_id
JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
LEFT JOIN order_contacts t ON t.merchant_id = o.merchant_id AND t.order_id = o.id
LEFT JOIN customers k ON k.id = s.customer_id
LEFT JOIN LATERAL (SELECT public_id, state FROM cases c
                   WHERE c.merchant_id = s.merchant_id AND c.session_id = s.id AND c.kind = 'risk' AND NOT c.is_blind
                   ORDER BY c.id DESC LIMIT 1) c ON true
ORDER BY w.place
"""


async def orders_like(merchant_id: UUID, session_ids: tuple[UUID, ...]) -> tuple[LikeOrder, ...]:
    """The orders of these sessions, in the order given, SIMILAR_SHOWN at most. One statement."""
    rows = await db.fetch_all(_LIKE, merchant_id, list(session_ids[:SIMILAR_SHOWN]))
    return tuple(
        LikeOrder(
            session_id=row["session_id"],
            order_public_id=row["order_public_id"],
            reference=row["reference"],
            state=row["state"],
            total=Money(row["total_minor"], row["currency"]),
            created_at=row["created_at"],
            items=tuple(row["items"][:ITEMS_SHOWN]),
            items_more=max(0, len(row["items"]) - ITEMS_SHOWN),
            address=Address(row["name"], row["street"], row["postcode"], row["city"]),
            phone=row["phone"],
            email=row["email"],
            case_public_id=row["case_public_id"],
            case_state=row["case_state"],
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done about a case, from the audit: `what` like `case.taken`."""

    what: str
    actor: str
    at: datetime
    detail: dict[str, object]


async def deeds_about(case_public_id: str) -> tuple[Deed, ...]:
    """What staff did about a case, oldest first."""
    rows = await db.fetch_all(
        "SELECT action, actor, at, detail FROM audit_log WHERE subject = $1 ORDER BY id LIMIT 200",
        case_public_id,
    )
    return tuple(Deed(row["action"], row["actor"], row["at"], row["detail"]) for row in rows)
