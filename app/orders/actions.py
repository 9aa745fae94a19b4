"""The verbs of orders. Each runs inside its caller's transaction: an order is made and paid by larger verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.orders.errors import OrderLocked, OrderRemoved, OrderUnknown, VersionConflict
from app.orders.queries import OrderView, is_being_paid, order_for_api
from app.orders.rules import Line, extras_of, lines_of_shop, total_minor
from app.orders.states import EDITABLE, MACHINE, OrderState
from app.plans.quote import Quote


@dataclass(frozen=True, slots=True)
class Contact:
    """Who buys, as far as known. All of it personal data, kept in a table of its own."""

    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)
    street: str | None = field(default=None, repr=False)
    city: str | None = field(default=None, repr=False)

    def over(self, other: Contact) -> Contact:
        """What is known here, and for the rest what is known there."""
        return Contact(
            name=self.name or other.name,
            email=self.email or other.email,
            phone=self.phone or other.phone,
            postcode=self.postcode or other.postcode,
            street=self.street or other.street,
            city=self.city or other.city,
        )


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a new order holds. Prices of lines include VAT and are minor units of `currency`."""

    reference: str
    country: str
    currency: str
    buyer: str
    lines: Sequence[Line]
    contact: Contact
    note: str | None = field(default=None, repr=False)
    shipping_options: Sequence[Mapping[str, object]] = ()


@dataclass(frozen=True, slots=True)
class CreatedOrder:
    id: UUID
    public_id: str
    total_minor: int


_CREATE: Final = """
WITH created AS (
    INSERT INTO orders (merchant_id, id, public_id, state, version, reference, country, currency, buyer,
                        total_minor, refundable_minor, created_at, shipping_options)
    VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, 0, $10, $21)
), contact AS (
    INSERT INTO order_contacts (merchant_id, order_id, name, email, phone, postcode, street, city, note)
    VALUES ($1, $2, $11, $12, $13, $14, $15, $16, $19)
), version AS (
    INSERT INTO order_versions (merchant_id, id, order_id, version, total_minor, changes, actor, at)
    VALUES ($1, $20, $2, 1, $9, '{}', $18, $10)
)
INSERT INTO order_history (merchant_id, id, subject_id, from_state, to_state, event, actor, at, detail)
VALUES ($1, $17, $2, NULL, $4, 'order.created', $18, $10, '{}')
"""

_ADD_LINES: Final = """
INSERT INTO order_lines (merchant_id, order_id, version, position, type, sku, name, category, quantity,
                         unit_price_minor, vat_percent, total_minor, origin)
SELECT $1, $2, $3, l.position, l.type, l.sku, l.name, l.category, l.quantity, l.unit_price, l.vat_percent,
       l.quantity * l.unit_price, l.origin
FROM unnest($4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[], $10::bigint[], $11::numeric[],
            $12::text[])
    AS l (position, type, sku, name, category, quantity, unit_price, vat_percent, origin)
"""


async def create(
    merchant_id: UUID, new: NewOrder, *, state: OrderState, actor: str, now: datetime
) -> CreatedOrder:
    """Write a new order with its lines. The total is computed here. Raises LineRefused, TotalRefused."""
    total = total_minor(new.lines)
    order_id, public_id = ids.internal_id(), ids.public_id("ord")
    contact = new.contact
    await db.execute(
        _CREATE,
        merchant_id,
        order_id,
        public_id,
        state.value,
        new.reference,
        new.country,
        new.currency,
        new.buyer,
        total,
        now,
        contact.name,
        contact.email,
        contact.phone,
        contact.postcode,
        contact.street,
        contact.city,
        ids.internal_id(),
        actor,
        new.note,
        ids.internal_id(),
        list(new.shipping_options) or None,
    )
    await add_lines(merchant_id, order_id, 1, new.lines)
    return CreatedOrder(order_id, public_id, total)


async def add_lines(merchant_id: UUID, order_id: UUID, version: int, lines: Sequence[Line]) -> None:
    """The lines of a version, in their order. In a transaction."""
    await db.execute(
        _ADD_LINES,
        merchant_id,
        order_id,
        version,
        list(range(1, len(lines) + 1)),
        [line.type for line in lines],
        [line.sku for line in lines],
        [line.name for line in lines],
        [line.category for line in lines],
        [line.quantity for line in lines],
        [line.unit_price_minor for line in lines],
        [line.vat_percent for line in lines],
        [line.origin for line in lines],
    )


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything of an order that the shop may change. `shipping_options` are as `NewOrder` has them; None leaves
    them as they are."""

    reference: str
    lines: Sequence[Line]
    contact: Contact
    note: str | None = field(default=None, repr=False)
    shipping_options: Sequence[Mapping[str, object]] | None = None


_LOCK: Final = "SELECT id FROM orders WHERE merchant_id = $1 AND public_id = $2 FOR UPDATE"

_EDIT: Final = """
WITH edited AS (
    UPDATE orders
    SET version = $3, total_minor = $4, reference = $5, shipping_options = $17,
        shown_version = CASE WHEN $14::text[] && ARRAY['lines', 'reference', 'customer', 'delivery'] THEN $3
                             ELSE shown_version END
    WHERE merchant_id = $1 AND id = $2
), contact AS (
    UPDATE order_contacts
    SET name = $6, email = $7, phone = $8, postcode = $9, street = $10, city = $11, note = $12
    WHERE merchant_id = $1 AND order_id = $2
)
INSERT INTO order_versions (merchant_id, id, order_id, version, total_minor, changes, actor, at)
VALUES ($1, $13, $2, $3, $4, $14, $15, $16)
"""


async def edit(
    merchant_id: UUID,
    public_id: str,
    contents: Contents,
    *,
    version: int,
    edit_id: UUID,
    actor: str,
    now: datetime,
) -> int:
    """Make the next version of an order whose present one is `version`; answers the number that holds now.

    What the shopper's own choices added stays: whoever goes on paying chooses anew where it no longer fits, and where
    the way to deliver is another one or gone. Contents
    that change nothing make no version. `edit_id` tells this edit from any other. Raises OrderUnknown, OrderRemoved,
    OrderLocked, VersionConflict, LineRefused, TotalRefused.
    """
    order = await lock(merchant_id, public_id)
    if order.state not in EDITABLE:
        raise OrderLocked(order.state.value)
    if order.state is OrderState.IN_PAYMENT and await is_being_paid(merchant_id, order.id):
        raise OrderLocked("being paid")
    if order.version != version:
        raise VersionConflict(order.version)
    contents = replace(contents, lines=(*lines_of_shop(contents.lines), *extras_of(order.lines)))
    total = total_minor(contents.lines)
    changes = _changes(order, contents)
    if not changes:
        return version
    contact = contents.contact
    await db.execute(
        _EDIT,
        merchant_id,
        order.id,
        version + 1,
        total,
        contents.reference,
        contact.name,
        contact.email,
        contact.phone,
        contact.postcode,
        contact.street,
        contact.city,
        contents.note,
        edit_id,
        changes,
        actor,
        now,
        list(order.shipping_options if contents.shipping_options is None else contents.shipping_options)
        or None,
    )
    # Each version has lines of its own, those that stayed the same included.
    await add_lines(merchant_id, order.id, version + 1, contents.lines)
    return version + 1


async def accept(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> None:
    """Somebody of the shop stands by an open order. Accepting twice is accepting once. Raises OrderUnknown,
    OrderRemoved, OrderLocked.
    """
    order = await lock(merchant_id, public_id)
    if order.accepted_at is not None:
        return
    if order.state is not OrderState.OPEN:
        raise OrderLocked(order.state.value)
    await db.execute(
        "UPDATE orders SET accepted_at = $3 WHERE merchant_id = $1 AND id = $2", merchant_id, order.id, now
    )
    await move(merchant_id, order.id, expected=OrderState.OPEN, to=OrderState.OPEN, actor=actor, now=now)


async def lock(merchant_id: UUID, public_id: str) -> OrderView:
    """The order as it is, held until the transaction ends. Raises OrderUnknown, OrderRemoved."""
    db.require_transaction("orders: changing one")
    if await db.fetch_one(_LOCK, merchant_id, public_id) is None:
        raise OrderUnknown
    # Read after the lock: a statement that waited for it would still see the lines of the version before.
    order = await order_for_api(merchant_id, public_id)
    assert order is not None, "a locked order is there"
    if order.removed:
        raise OrderRemoved
    return order


def _changes(order: OrderView, contents: Contents) -> list[str]:
    contact = order.contact
    was = Contact(contact.name, contact.email, contact.phone, contact.postcode, contact.street, contact.city)
    parts = {
        "lines": tuple(contents.lines) != order.lines,
        "reference": contents.reference != order.reference,
        "customer": contents.contact != was,
        "note": contents.note != order.note,
        "delivery": contents.shipping_options is not None
        and list(contents.shipping_options) != list(order.shipping_options),
    }
    return [name for name, changed in parts.items() if changed]


CONTACT_KEPT: Final = timedelta(days=30)

_FORGET: Final = """
UPDATE order_contacts SET name = NULL, email = NULL, phone = NULL, postcode = NULL, street = NULL, city = NULL,
                          note = NULL, forget_at = NULL, company_country = NULL, company_number = NULL,
                          company_name = NULL, purchase_order = NULL
WHERE (merchant_id, order_id) IN (
    SELECT merchant_id, order_id FROM order_contacts WHERE forget_at <= $1 ORDER BY forget_at LIMIT $2
)
"""


async def cancel(
    merchant_id: UUID, order_id: UUID, *, expected: OrderState, actor: str, now: datetime
) -> None:
    """End an unpaid order; what it knows of people goes thirty days later. Raises IllegalMove, LostRace."""
    await move(merchant_id, order_id, expected=expected, to=OrderState.CANCELLED, actor=actor, now=now)
    await db.execute(
        "UPDATE order_contacts SET forget_at = $3 WHERE merchant_id = $1 AND order_id = $2",
        merchant_id,
        order_id,
        now + CONTACT_KEPT,
    )


# The state goes first: only an expired order lets go of its lines.
_BLANK: Final = """
WITH lines AS (
    DELETE FROM order_lines WHERE merchant_id = $1 AND order_id = $2
)
UPDATE order_contacts SET name = NULL, email = NULL, phone = NULL, postcode = NULL, street = NULL, city = NULL,
                          note = NULL, forget_at = NULL, company_country = NULL, company_number = NULL,
                          company_name = NULL, purchase_order = NULL
WHERE merchant_id = $1 AND order_id = $2
"""


async def remove(
    merchant_id: UUID, order_id: UUID, *, expected: OrderState, actor: str, now: datetime
) -> None:
    """End an unpaid order for good: its lines and what it knows of people are gone; its number, its sums and its
    history stay. Raises IllegalMove, LostRace.
    """
    await move(merchant_id, order_id, expected=expected, to=OrderState.EXPIRED, actor=actor, now=now)
    await db.execute(_BLANK, merchant_id, order_id)


async def forget_contacts(now: datetime, limit: int) -> int:
    """Take away who was to buy what was cancelled long ago, up to `limit` orders. Answers how many."""
    return int((await db.execute(_FORGET, now, limit)).split()[-1])


@dataclass(frozen=True, slots=True)
class Payment:
    """What a confirmed purchase fixes on its order, with the details the shopper filled in. Whoever pays by card or
    MobilePay alone need not be known."""

    customer_id: UUID | None
    quote_id: str
    contact: Contact


_FIX: Final = """
WITH fixed AS (
    UPDATE orders SET customer_id = $3, quote_id = $4, paid_at = $5, refundable_minor = total_minor
    WHERE merchant_id = $1 AND id = $2
)
UPDATE order_contacts SET name = $6, email = $7, phone = $8, postcode = $9, street = $10, city = $11
WHERE merchant_id = $1 AND order_id = $2
"""


async def pay(merchant_id: UUID, order_id: UUID, payment: Payment, *, actor: str, now: datetime) -> None:
    """Fix who bought and on which quote, then move the order to paid: from here on it is locked."""
    contact = payment.contact
    await db.execute(
        _FIX,
        merchant_id,
        order_id,
        payment.customer_id,
        payment.quote_id,
        now,
        contact.name,
        contact.email,
        contact.phone,
        contact.postcode,
        contact.street,
        contact.city,
    )
    await MACHINE.move(
        merchant_id,
        order_id,
        expected=OrderState.IN_PAYMENT,
        to=OrderState.PAID,
        actor=actor,
        at=now,
    )


_KEEP_QUOTE: Final = """
INSERT INTO quotes (merchant_id, id, content, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id, id) DO NOTHING
"""


async def keep_quote(merchant_id: UUID, quote: Quote, now: datetime) -> None:
    """Store a quote that is bought on. In a transaction."""
    await db.execute(_KEEP_QUOTE, merchant_id, quote.id, quote.to_data(), now)


async def follow_quote(merchant_id: UUID, order_id: UUID, quote: Quote | None, now: datetime) -> None:
    """What the plan of an order comes to after a refund; None where nothing is lent any more. In a transaction."""
    if quote is not None:
        await keep_quote(merchant_id, quote, now)
    await db.execute(
        "UPDATE orders SET current_quote_id = $3 WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        order_id,
        None if quote is None else quote.id,
    )


# The condition is the guard: of two that spend the same money one finds another figure than it saw.
_RESERVE: Final = """
UPDATE orders SET refundable_minor = refundable_minor - $3
WHERE merchant_id = $1 AND id = $2 AND refundable_minor = $4 AND refundable_minor >= $3 RETURNING refundable_minor
"""


async def reserve_refund(
    merchant_id: UUID, order_id: UUID, *, amount_minor: int, seen_minor: int
) -> int | None:
    """Take so much off what may still be given back of an order, where that is the sum that was seen. What is left
    then; None where it is another. In a transaction."""
    assert amount_minor > 0
    left: int | None = await db.fetch_value(_RESERVE, merchant_id, order_id, amount_minor, seen_minor)
    return left


async def free_refund(merchant_id: UUID, order_id: UUID, amount_minor: int) -> None:
    """A refund that was reserved will not be. In a transaction; the table's CHECK keeps it below the total."""
    await db.execute(
        "UPDATE orders SET refundable_minor = refundable_minor + $3 WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        order_id,
        amount_minor,
    )


_FIX_RECORDED: Final = """
UPDATE orders SET recorded_payment_id = $3, paid_at = $4, refundable_minor = total_minor
WHERE merchant_id = $1 AND id = $2
"""


async def pay_by_record(
    merchant_id: UUID, order_id: UUID, recorded_payment_id: UUID, *, actor: str, now: datetime
) -> None:
    """Money that came outside the checkout pays an order that is in payment: from here on it is locked. Who bought is
    who the shop wrote down; there is no plan."""
    await db.execute(_FIX_RECORDED, merchant_id, order_id, recorded_payment_id, now)
    await MACHINE.move(
        merchant_id,
        order_id,
        expected=OrderState.IN_PAYMENT,
        to=OrderState.PAID,
        actor=actor,
        at=now,
    )


async def move(
    merchant_id: UUID, order_id: UUID, *, expected: OrderState, to: OrderState, actor: str, now: datetime
) -> None:
    """Any other edge of an order's life. Raises IllegalMove, LostRace."""
    await MACHINE.move(merchant_id, order_id, expected=expected, to=to, actor=actor, at=now)
