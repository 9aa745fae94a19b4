"""What somebody has bought, in every shop of the deployment, and what they owe: reads for the buyer alone.

Each list is one statement, whatever its length. The customer stands in the statement itself: what is somebody else's is
as unknown as what never was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.cursors import Position
from app.kernel.money import Money
from app.law.rules import law_of
from app.merchants.queries import Merchant, merchants_of_customer
from app.orders.queries import COLUMNS, JOINS, OrderView, with_lines
from app.orders.states import OrderState

PAGE_LENGTH: Final = 10
NAMES_SHOWN: Final = 3
DUES_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Shops:
    """The shops that somebody has bought from. `closed` counts those that a code alone does not open."""

    open: tuple[Merchant, ...]
    closed: int

    def of(self, merchant_id: UUID) -> Merchant:
        """One of the open ones."""
        return next(shop for shop in self.open if shop.id == merchant_id)

    def named(self, public_id: str) -> Merchant | None:
        return next((shop for shop in self.open if shop.public_id == public_id), None)

    @property
    def ids(self) -> list[UUID]:
        return [shop.id for shop in self.open]


async def shops_of(customer_id: UUID, *, by_code: bool, vouched_by: Sequence[str] = ()) -> Shops:
    """A code opens what it would open in a purchase: shops that recognise whoever comes back, in countries whose policy
    lets a code do so. Where there is no electronic identity it opens the shop whose staff said who this is, of
    `vouched_by`: whom to show what they bought is less than for whom to buy. A bank or a passkey opens all."""
    every = await merchants_of_customer(customer_id)
    opened = tuple(shop for shop in every if not by_code or _code_opens(shop, vouched_by))
    return Shops(opened, len(every) - len(opened))


def _code_opens(shop: Merchant, vouched_by: Sequence[str]) -> bool:
    if not shop.recognise_returning:
        return False
    policy = law_of(shop.country).identification.policy
    if vouched_by:
        return policy == "manual" and shop.public_id in vouched_by
    return policy == "code_for_returning"


@dataclass(frozen=True, slots=True)
class Purchase:
    """One purchase in a list. `names` are the first few things bought of `kinds`; `owed` is what is still to be paid
    for it, the next part on `due_on`. `put` is what refunds of it put into the wallet: that lowered nothing owed."""

    merchant_id: UUID
    id: UUID
    public_id: str
    reference: str
    state: OrderState
    total: Money
    paid_at: datetime
    names: tuple[str, ...]
    kinds: int
    owed: Money
    due_on: date | None
    is_overdue: bool
    put: Money


@dataclass(frozen=True, slots=True)
class PurchasePage:
    """Newest first. `next_cursor` leads to the next page; None on the last."""

    purchases: tuple[Purchase, ...]
    next_cursor: str | None


# What a document still asks for. One in instalments asks for what will be earned of its interest as well.
_OPEN: Final = """(i.amount_minor - i.paid_minor - i.credited_minor - i.dropped_interest_minor
    - i.dropped_fee_minor)"""
_ASKS: Final = (
    "i.kind IN ('invoice', 'notice') AND i.state IN ('scheduled', 'issued', 'partly_paid', 'overdue')"
)

# What refunds put into the wallet anew while the purchase is still to be paid.
_PUT: Final = """CROSS JOIN LATERAL (
    SELECT coalesce(sum(r.put_minor), 0)::bigint AS put_minor FROM refunds r
    WHERE r.merchant_id = o.merchant_id AND r.order_id = o.id AND r.state = 'done') b"""

_BOUGHT: Final = f"""
SELECT o.merchant_id, o.id, o.public_id, o.reference, o.state, o.currency, o.total_minor, o.paid_at,
       n.names, n.kinds, b.put_minor, coalesce(d.open_minor, 0) AS open_minor, d.due_on,
       coalesce(d.is_overdue, false) AS is_overdue
FROM orders o
CROSS JOIN LATERAL (
    SELECT (array_agg(l.name ORDER BY l.position))[1:{NAMES_SHOWN}] AS names, count(*) AS kinds FROM order_lines l
    WHERE l.merchant_id = o.merchant_id AND l.order_id = o.id AND l.version = o.version AND l.type = 'item') n
CROSS JOIN LATERAL (
    SELECT sum({_OPEN})::bigint AS open_minor, min(i.due_on) AS due_on, bool_or(i.state = 'overdue') AS is_overdue
    FROM invoices i WHERE i.merchant_id = o.merchant_id AND i.order_id = o.id AND {_ASKS}) d
{_PUT}
WHERE o.customer_id = $1 AND o.paid_at IS NOT NULL AND o.merchant_id = ANY($2::uuid[])
  AND ($3::timestamptz IS NULL OR (o.paid_at, o.id) < ($3, $4))
ORDER BY o.paid_at DESC, o.id DESC LIMIT $5
"""  # noqa: S608 - constants of this module


async def purchases_of(
    customer_id: UUID, shops: list[UUID], *, cursor: str | None = None, limit: int = PAGE_LENGTH
) -> PurchasePage:
    """What a customer has bought in these shops. Raises CursorRefused."""
    after = Position.parse(cursor) if cursor else None
    at, last_id = (after.at, after.id) if after else (None, None)
    rows = await db.fetch_all(_BOUGHT, customer_id, shops, at, last_id, limit + 1)
    found = tuple(_purchase(row) for row in rows[:limit])
    last = found[-1] if len(rows) > limit else None
    return PurchasePage(found, None if last is None else Position(last.paid_at, last.id).text())


def _purchase(row: db.Record) -> Purchase:
    return Purchase(
        merchant_id=row["merchant_id"],
        id=row["id"],
        public_id=row["public_id"],
        reference=row["reference"],
        state=OrderState(row["state"]),
        total=Money(row["total_minor"], row["currency"]),
        paid_at=row["paid_at"],
        names=tuple(row["names"] or ()),
        kinds=row["kinds"],
        owed=Money(row["open_minor"], row["currency"]),
        due_on=row["due_on"],
        is_overdue=row["is_overdue"],
        put=Money(row["put_minor"], row["currency"]),
    )


@dataclass(frozen=True, slots=True)
class Due:
    """One sum that is asked for, now or on a day to come. `put` is as of its purchase."""

    merchant_id: UUID
    order_public_id: str
    order_reference: str
    number: str
    instalment: int
    open: Money
    due_on: date
    is_overdue: bool
    is_asked: bool
    put: Money


@dataclass(frozen=True, slots=True)
class Owed:
    """`dues` are what is asked for now and the next part of each purchase; `totals` all that is owed, by currency."""

    dues: tuple[Due, ...]
    totals: tuple[Money, ...]


_OWED: Final = f"""
WITH owed AS (
    SELECT i.merchant_id, i.order_id, i.number, i.instalment, i.currency, i.due_on, i.state, {_OPEN} AS open_minor,
           sum({_OPEN}) OVER (PARTITION BY i.currency)::bigint AS total_minor,
           row_number() OVER (PARTITION BY i.merchant_id, i.order_id, i.state ORDER BY i.due_on, i.id) AS place
    FROM invoices i WHERE i.customer_id = $1 AND i.merchant_id = ANY($2::uuid[]) AND {_ASKS}
)
SELECT w.*, o.public_id AS order_public_id, o.reference AS order_reference, b.put_minor
FROM owed w JOIN orders o ON o.merchant_id = w.merchant_id AND o.id = w.order_id
{_PUT}
WHERE w.open_minor > 0 AND (w.state <> 'scheduled' OR w.place = 1)
ORDER BY w.due_on, o.public_id, w.instalment LIMIT {DUES_SHOWN}
"""  # noqa: S608 - constants of this module


async def owed_by(customer_id: UUID, shops: list[UUID]) -> Owed:
    """What a customer owes for purchases in these shops, the earliest day first."""
    rows = await db.fetch_all(_OWED, customer_id, shops)
    totals = {row["currency"]: Money(row["total_minor"], row["currency"]) for row in rows}
    return Owed(tuple(_due(row) for row in rows), tuple(totals.values()))


def _due(row: db.Record) -> Due:
    return Due(
        merchant_id=row["merchant_id"],
        order_public_id=row["order_public_id"],
        order_reference=row["order_reference"],
        number=row["number"],
        instalment=row["instalment"],
        open=Money(row["open_minor"], row["currency"]),
        due_on=row["due_on"],
        is_overdue=row["state"] == "overdue",
        is_asked=row["state"] != "scheduled",
        put=Money(row["put_minor"], row["currency"]),
    )


@dataclass(frozen=True, slots=True)
class Bought:
    """One purchase whole, and whose shop it is from."""

    merchant_id: UUID
    order: OrderView


_ONE: Final = f"""SELECT o.merchant_id, {COLUMNS} FROM orders o {JOINS}
    WHERE o.customer_id = $1 AND o.public_id = $2 AND o.merchant_id = ANY($3::uuid[]) AND o.paid_at IS NOT NULL"""  # noqa: S608


async def purchase_of(customer_id: UUID, shops: list[UUID], public_id: str) -> Bought | None:
    """One purchase of this customer in one of these shops, with its lines; None for everything else. Two statements."""
    row = await db.fetch_one(_ONE, customer_id, public_id, shops)
    if row is None:
        return None
    [order] = await with_lines(row["merchant_id"], [row])
    return Bought(row["merchant_id"], order)
