"""Reads of orders, for the API and the admin alike. Every list is one or two statements, whatever its length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, cast
from uuid import UUID

from app.kernel import db
from app.orders.companies import Company, company_of
from app.orders.rules import Line, LineChange, LineType, Origin, line_changes, lines_of_shop
from app.orders.states import OrderState
from app.payments.methods import Buyer

REFERENCE_LENGTH_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class OrderContact:
    """Who buys, as far as known. Personal data: it shows in no representation."""

    name: str | None = field(repr=False)
    email: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    postcode: str | None = field(repr=False)
    street: str | None = field(repr=False)
    city: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with its present lines. Amounts are minor units of `currency`.

    `quote_content` is the content of the quote it was paid on, `current_quote_content` that of what is left after
    refunds, where they changed the plan; `removed` tells that expiry took lines and contact away;
    `watched` that open pages hear of its changes; `customer_public_id` names who bought, once somebody has,
    `company` the company that it is for, and `shipping_options` how it can be delivered (`extras.rules`), as data.
    """

    id: UUID
    public_id: str
    state: OrderState
    version: int
    reference: str
    country: str
    currency: str
    buyer: Buyer
    total_minor: int
    refundable_minor: int
    created_at: datetime
    accepted_at: datetime | None
    watched: bool
    paid_at: datetime | None
    quote_id: str | None
    quote_content: Mapping[str, object] | None
    current_quote_content: Mapping[str, object] | None
    contact: OrderContact
    note: str | None = field(repr=False)
    customer_public_id: str | None
    lines: tuple[Line, ...]
    company: Company | None = None
    shipping_options: tuple[Mapping[str, object], ...] = ()

    @property
    def method(self) -> str | None:
        """How it was paid in the checkout."""
        return None if self.quote_content is None else str(self.quote_content["method"])

    @property
    def removed(self) -> bool:
        return self.state is OrderState.EXPIRED and not self.lines


TimelineKind = Literal["order", "session", "link", "send", "payment", "invoice", "delivery"]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened to an order: a move of it or of a session on it, or one try to deliver about it.

    `what` is the move's event, or the job's kind. `from_state` and `to_state` belong to moves; `attempt`, `outcome`
    ("done", "failed", "gave_up") and `note` to tries.
    """

    kind: TimelineKind
    at: datetime
    what: str
    actor: str | None
    from_state: str | None
    to_state: str | None
    detail: Mapping[str, object]
    attempt: int | None
    outcome: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class DeliveryTry:
    attempt: int
    started_at: datetime
    ended_at: datetime
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One job about an order or a session, with each of its tries. `next_at` is None once it ended."""

    id: UUID
    kind: str
    payload: Mapping[str, object]
    created_at: datetime
    next_at: datetime | None
    done_at: datetime | None
    failed_at: datetime | None
    tries: tuple[DeliveryTry, ...]


COLUMNS: Final = """
o.id, o.public_id, o.state, o.version, o.reference, o.country, o.currency, o.buyer, o.total_minor, o.refundable_minor,
o.created_at, o.accepted_at, o.watched, o.paid_at, o.shipping_options, o.quote_id, q.content AS quote_content,
nq.content AS current_quote_content,
c.name, c.email, c.phone, c.postcode, c.street, c.city, c.note,
c.company_country, c.company_number, c.company_name, c.purchase_order,
(SELECT u.public_id FROM customers u WHERE u.id = o.customer_id) AS customer_public_id
"""

# Beside an order, who buys and the quote it was paid on.
JOINS: Final = """
LEFT JOIN order_contacts c ON c.merchant_id = o.merchant_id AND c.order_id = o.id
LEFT JOIN quotes q ON q.merchant_id = o.merchant_id AND q.id = o.quote_id
LEFT JOIN quotes nq ON nq.merchant_id = o.merchant_id AND nq.id = o.current_quote_id
"""

# The two parts above are constants of this module.
_BY_PUBLIC_ID: Final = f"SELECT {COLUMNS} FROM orders o {JOINS} WHERE o.merchant_id = $1 AND o.public_id = $2"  # noqa: S608
_BY_ID: Final = f"SELECT {COLUMNS} FROM orders o {JOINS} WHERE o.merchant_id = $1 AND o.id = $2"  # noqa: S608

_LINES: Final = """
SELECT l.order_id, l.type, l.name, l.quantity, l.unit_price_minor, l.vat_percent, l.sku, l.category, l.origin
FROM order_lines l JOIN unnest($2::uuid[], $3::int[]) AS present (order_id, version)
    ON l.order_id = present.order_id AND l.version = present.version
WHERE l.merchant_id = $1
ORDER BY l.order_id, l.position
"""

# How sending a link ended is told by what was sent; its tries are told while they fail.
_TIMELINE: Final = """
WITH the_order AS (
    SELECT merchant_id, id, public_id, version FROM orders WHERE merchant_id = $1 AND id = $2
), its_sessions AS (
    SELECT s.merchant_id, s.id, s.public_id FROM checkout_sessions s
    JOIN the_order o ON s.merchant_id = o.merchant_id AND s.order_id = o.id
), its_link AS (
    SELECT l.merchant_id, l.id FROM payment_links l
    JOIN the_order o ON l.merchant_id = o.merchant_id AND l.order_id = o.id
)
SELECT 'order' AS kind, h.at, h.event AS what, h.actor, h.from_state, h.to_state, h.detail,
       NULL::int AS attempt, NULL AS outcome, NULL AS note, h.id AS tiebreak
FROM the_order o JOIN order_history h ON h.merchant_id = o.merchant_id AND h.subject_id = o.id
UNION ALL
SELECT 'order', v.at, 'order.edited', v.actor, NULL, NULL, jsonb_build_object('version', v.version),
       NULL, NULL, NULL, v.id
FROM the_order o JOIN order_versions v ON v.merchant_id = o.merchant_id AND v.order_id = o.id AND v.version > 1
UNION ALL
SELECT 'order', w.at, 'order.seen', 'shopper', NULL, NULL, jsonb_build_object('version', w.version),
       NULL, NULL, NULL, w.id
FROM the_order o JOIN order_views w ON w.merchant_id = o.merchant_id AND w.order_id = o.id AND o.version > 1
UNION ALL
SELECT 'session', h.at, h.event, h.actor, h.from_state, h.to_state, h.detail, NULL, NULL, NULL, h.id
FROM its_sessions s JOIN session_history h ON h.merchant_id = s.merchant_id AND h.subject_id = s.id
UNION ALL
SELECT 'link', h.at, h.event, h.actor, h.from_state, h.to_state, h.detail, NULL, NULL, NULL, h.id
FROM its_link l JOIN link_history h ON h.merchant_id = l.merchant_id AND h.subject_id = l.id
UNION ALL
SELECT 'send', e.at, e.what, e.actor, NULL, NULL, jsonb_build_object('channel', s.channel), NULL, NULL, NULL, s.id
FROM its_link l JOIN link_sends s ON s.merchant_id = l.merchant_id AND s.link_id = l.id
CROSS JOIN LATERAL (VALUES
    (s.sent_at, CASE WHEN s.reminder THEN 'link.reminded' ELSE 'link.sent' END, s.actor),
    (s.settled_at, 'link.' || s.state, NULL)
) AS e (at, what, actor) WHERE e.at IS NOT NULL
UNION ALL
SELECT 'payment', h.at, h.event, h.actor, h.from_state, h.to_state, h.detail || jsonb_build_object('method', p.method),
       NULL, NULL, NULL, h.id
FROM the_order o JOIN payments p ON p.merchant_id = o.merchant_id AND p.order_id = o.id
JOIN payment_history h ON h.merchant_id = p.merchant_id AND h.subject_id = p.id
UNION ALL
SELECT 'payment', h.at, h.event, h.actor, h.from_state, h.to_state, h.detail, NULL, NULL, NULL, h.id
FROM the_order o JOIN payments p ON p.merchant_id = o.merchant_id AND p.order_id = o.id
JOIN payment_disputes d ON d.merchant_id = p.merchant_id AND d.payment_id = p.id
JOIN payment_dispute_history h ON h.merchant_id = d.merchant_id AND h.subject_id = d.id
UNION ALL
SELECT 'invoice', h.at, h.event, h.actor, h.from_state, h.to_state, h.detail || jsonb_build_object('number', i.number),
       NULL, NULL, NULL, h.id
FROM the_order o JOIN invoices i ON i.merchant_id = o.merchant_id AND i.order_id = o.id
JOIN invoice_history h ON h.merchant_id = i.merchant_id AND h.subject_id = i.id
UNION ALL
SELECT 'delivery', t.ended_at, j.kind, NULL, NULL, NULL, j.payload, t.attempt, t.outcome, t.detail, j.id
FROM outbox j JOIN outbox_tries t ON t.merchant_id = j.merchant_id AND t.outbox_id = j.id
WHERE j.merchant_id = $1 AND j.kind <> 'event' AND (j.kind <> 'link_send' OR t.outcome = 'failed')
  AND j.about IN (SELECT public_id FROM the_order UNION ALL SELECT public_id FROM its_sessions)
ORDER BY at, tiebreak, attempt
"""

_DELIVERIES: Final = """
SELECT j.id, j.kind, j.payload, j.created_at, j.run_at, j.done_at, j.failed_at,
       t.attempt, t.started_at, t.ended_at, t.outcome, t.detail
FROM outbox j LEFT JOIN outbox_tries t ON t.merchant_id = j.merchant_id AND t.outbox_id = j.id
WHERE j.merchant_id = $1 AND j.about = ANY($2::text[]) AND j.kind <> 'event'
ORDER BY j.id, t.attempt
"""


async def order_for_api(merchant_id: UUID, public_id: str) -> OrderView | None:
    """One order by its public id, its `removed` ones too; None when this merchant has no such order. Two statements."""
    row = await db.fetch_one(_BY_PUBLIC_ID, merchant_id, public_id)
    return None if row is None else (await with_lines(merchant_id, [row]))[0]


async def references_of(merchant_id: UUID, public_ids: Sequence[str]) -> Mapping[str, str]:
    """The shop's own numbers of orders, by public id; what is no order of this shop is left out."""
    rows = await db.fetch_all(
        "SELECT public_id, reference FROM orders WHERE merchant_id = $1 AND public_id = ANY($2::text[])",
        merchant_id,
        list(public_ids),
    )
    return {row["public_id"]: row["reference"] for row in rows}


@dataclass(frozen=True, slots=True)
class OrderName:
    """What an order is called in a list, and whose it is as far as known."""

    public_id: str
    reference: str
    name: str | None = field(repr=False)


async def names_of(merchant_id: UUID, order_ids: Sequence[UUID]) -> Mapping[UUID, OrderName]:
    """By internal id; what is no order of this shop is left out."""
    rows = await db.fetch_all(
        """SELECT o.id, o.public_id, o.reference, coalesce(c.name, p.name) AS name
           FROM orders o LEFT JOIN order_contacts c ON c.merchant_id = o.merchant_id AND c.order_id = o.id
           LEFT JOIN customers p ON p.id = o.customer_id
           WHERE o.merchant_id = $1 AND o.id = ANY($2::uuid[])""",
        merchant_id,
        list(order_ids),
    )
    return {row["id"]: OrderName(row["public_id"], row["reference"], row["name"]) for row in rows}


async def order_by_id(merchant_id: UUID, order_id: UUID) -> OrderView | None:
    """As `order_for_api`, by the internal id."""
    row = await db.fetch_one(_BY_ID, merchant_id, order_id)
    return None if row is None else (await with_lines(merchant_id, [row]))[0]


async def orders_named(merchant_id: UUID, text: str) -> tuple[str, ...]:
    """The public ids of the orders, two at most, that this is the id or the whole reference of; the newest first."""
    rows = await db.fetch_all(
        """SELECT public_id FROM orders WHERE merchant_id = $1 AND (public_id = $2 OR reference = $2)
           ORDER BY created_at DESC, id DESC LIMIT 2""",
        merchant_id,
        text,
    )
    return tuple(row["public_id"] for row in rows)


@dataclass(frozen=True, slots=True)
class OrderVersion:
    """One version: who made it, when, what it summed to (minor units), and what it changed of the one before.

    `changes` names the parts ("lines", "reference", "customer", "note", "delivery"); `lines` tells what became of the
    lines.
    `seen` tells which sessions (public ids) went on from a page that showed this version, and when first.
    """

    id: UUID
    version: int
    total_minor: int
    at: datetime
    actor: str
    changes: tuple[str, ...]
    lines: tuple[LineChange, ...]
    seen: tuple[tuple[datetime, str], ...] = ()


_VERSIONS: Final = """
SELECT v.id, v.version, v.total_minor, v.at, v.actor, v.changes,
       (SELECT array_agg(ROW(w.at, s.public_id) ORDER BY w.at)
        FROM (SELECT session_id, min(at) AS at FROM order_views
              WHERE merchant_id = v.merchant_id AND order_id = v.order_id AND version = v.version
              GROUP BY session_id) w
        JOIN checkout_sessions s ON s.merchant_id = v.merchant_id AND s.id = w.session_id) AS seen
FROM order_versions v WHERE v.merchant_id = $1 AND v.order_id = $2 ORDER BY v.version
"""

_LINES_OF_VERSIONS: Final = """
SELECT l.version, l.type, l.name, l.quantity, l.unit_price_minor, l.vat_percent, l.sku, l.category, l.origin
FROM order_lines l WHERE l.merchant_id = $1 AND l.order_id = $2 ORDER BY l.version, l.position
"""


async def versions_of_order(merchant_id: UUID, order_id: UUID) -> tuple[OrderVersion, ...]:
    """Every version of an order, oldest first. Two statements."""
    lines: dict[int, list[Line]] = {}
    for line in await db.fetch_all(_LINES_OF_VERSIONS, merchant_id, order_id):
        lines.setdefault(line["version"], []).append(_line(line))
    return tuple(
        OrderVersion(
            id=row["id"],
            version=row["version"],
            total_minor=row["total_minor"],
            at=row["at"],
            actor=row["actor"],
            changes=tuple(row["changes"]),
            lines=line_changes(lines.get(row["version"] - 1, ()), lines.get(row["version"], ()))
            if "lines" in row["changes"]
            else (),
            seen=tuple((at, session) for at, session in row["seen"] or ()),
        )
        for row in await db.fetch_all(_VERSIONS, merchant_id, order_id)
    )


@dataclass(frozen=True, slots=True)
class OrderChange:
    """What the shop made of an order from one version to another. `parts` names what changed, as in `OrderVersion`;
    sums are minor units, each with what the shopper's own choices add to the later version."""

    before_minor: int
    after_minor: int
    parts: frozenset[str]
    lines: tuple[LineChange, ...]


async def change_between(merchant_id: UUID, order_id: UUID, before: int, after: int) -> OrderChange:
    """From version `before` to the later version `after`; both exist. Two statements."""
    versions = [
        version
        for version in await db.fetch_all(_VERSIONS, merchant_id, order_id)
        if before <= version["version"] <= after
    ]
    lines: dict[int, list[Line]] = {before: [], after: []}
    for line in await db.fetch_all(_LINES_OF_VERSIONS, merchant_id, order_id):
        if line["version"] in lines:
            lines[line["version"]].append(_line(line))
    was, now = lines_of_shop(lines[before]), lines_of_shop(lines[after])
    after_minor = versions[-1]["total_minor"]
    return OrderChange(
        before_minor=after_minor
        - sum(line.total_minor for line in now)
        + sum(line.total_minor for line in was),
        after_minor=after_minor,
        parts=frozenset(part for version in versions[1:] for part in version["changes"]),
        lines=line_changes(was, now),
    )


async def is_being_paid(merchant_id: UUID, order_id: UUID) -> bool:
    """Whether a provider is asked for the price of an order at this moment: nobody changes it meanwhile. For a caller
    that holds the order."""
    found = """SELECT EXISTS (SELECT FROM checkout_sessions
                              WHERE merchant_id = $1 AND order_id = $2 AND state = 'processing')
                   OR EXISTS (SELECT FROM payments
                              WHERE merchant_id = $1 AND order_id = $2 AND is_taking AND ended_at IS NULL)"""
    return bool(await db.fetch_value(found, merchant_id, order_id))


async def edit_landed(merchant_id: UUID, edit_id: UUID) -> bool:
    """Whether the version of this edit stands."""
    found = "SELECT EXISTS (SELECT FROM order_versions WHERE merchant_id = $1 AND id = $2)"
    return bool(await db.fetch_value(found, merchant_id, edit_id))


async def order_timeline(merchant_id: UUID, order_id: UUID) -> tuple[TimelineEntry, ...]:
    """Everything that happened around one order, oldest first: its moves, its sessions' moves, each try to deliver."""
    rows = await db.fetch_all(_TIMELINE, merchant_id, order_id)
    return tuple(
        TimelineEntry(
            kind=row["kind"],
            at=row["at"],
            what=row["what"],
            actor=row["actor"],
            from_state=row["from_state"],
            to_state=row["to_state"],
            detail=row["detail"],
            attempt=row["attempt"],
            outcome=row["outcome"],
            note=row["note"],
        )
        for row in rows
    )


async def deliveries_about(merchant_id: UUID, *about: str) -> tuple[DeliveryView, ...]:
    """What is or was to be delivered about these public ids (an order's, its sessions'), oldest first,
    with all tries.
    """
    rows = await db.fetch_all(_DELIVERIES, merchant_id, list(about))
    jobs: dict[UUID, list[db.Record]] = {}
    for row in rows:
        jobs.setdefault(row["id"], []).append(row)
    return tuple(_delivery(tries) for tries in jobs.values())


def _delivery(rows: Sequence[db.Record]) -> DeliveryView:
    job = rows[0]
    ended = job["done_at"] is not None or job["failed_at"] is not None
    return DeliveryView(
        id=job["id"],
        kind=job["kind"],
        payload=job["payload"],
        created_at=job["created_at"],
        next_at=None if ended else job["run_at"],
        done_at=job["done_at"],
        failed_at=job["failed_at"],
        tries=tuple(
            DeliveryTry(row["attempt"], row["started_at"], row["ended_at"], row["outcome"], row["detail"])
            for row in rows
            if row["attempt"] is not None
        ),
    )


async def with_lines(merchant_id: UUID, rows: Sequence[db.Record]) -> tuple[OrderView, ...]:
    """Rows of COLUMNS as orders with their present lines. One statement, whatever the number."""
    if not rows:
        return ()
    found = await db.fetch_all(
        _LINES, merchant_id, [row["id"] for row in rows], [row["version"] for row in rows]
    )
    lines: dict[UUID, list[Line]] = {}
    for line in found:
        lines.setdefault(line["order_id"], []).append(_line(line))
    return tuple(order_of(row, tuple(lines.get(row["id"], ()))) for row in rows)


def _line(row: db.Record) -> Line:
    return Line(
        type=row["type"],
        name=row["name"],
        quantity=row["quantity"],
        unit_price_minor=row["unit_price_minor"],
        vat_percent=Decimal(row["vat_percent"]),
        sku=row["sku"],
        category=row["category"],
        origin=row["origin"],
    )


def line_of(record: tuple[object, ...]) -> Line:
    """From a ROW of type, name, quantity, price, VAT, article, category and origin, as an aggregate gives it."""
    type_, name, quantity, unit_price_minor, vat_percent, sku, category, origin = record
    return Line(
        cast(LineType, type_),
        cast(str, name),
        cast(int, quantity),
        cast(int, unit_price_minor),
        cast(Decimal, vat_percent),
        cast("str | None", sku),
        cast("str | None", category),
        cast(Origin, origin),
    )


def order_of(row: db.Record, lines: tuple[Line, ...]) -> OrderView:
    """A row of COLUMNS."""
    return OrderView(
        id=row["id"],
        public_id=row["public_id"],
        state=OrderState(row["state"]),
        version=row["version"],
        reference=row["reference"],
        country=row["country"],
        currency=row["currency"],
        buyer=row["buyer"],
        total_minor=row["total_minor"],
        refundable_minor=row["refundable_minor"],
        created_at=row["created_at"],
        accepted_at=row["accepted_at"],
        watched=row["watched"],
        paid_at=row["paid_at"],
        quote_id=row["quote_id"],
        quote_content=row["quote_content"],
        current_quote_content=row["current_quote_content"],
        contact=OrderContact(
            row["name"], row["email"], row["phone"], row["postcode"], row["street"], row["city"]
        ),
        note=row["note"],
        customer_public_id=row["customer_public_id"],
        lines=lines,
        company=company_of(row),
        shipping_options=tuple(row["shipping_options"] or ()),
    )
