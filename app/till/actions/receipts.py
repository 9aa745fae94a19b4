"""The receipt in the making: one a till and member of staff, in the database, so that a reload loses nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.orders.rules import QUANTITY_MAX
from app.till.errors import CustomerUnknown, ProductUnknown, ReceiptFull, ReceiptOpened, TillUnknown
from app.till.queries import Place
from app.till.rules import ITEMS_MAX, Discount


@dataclass(frozen=True, slots=True)
class Locked:
    """A receipt that nobody else changes until the transaction ends."""

    id: UUID
    customer_id: UUID | None
    order_id: UUID | None
    discount: Discount | None


# Made at the first change, locked at each: whoever changes a receipt waits for whoever does already.
_LOCK: Final = """
INSERT INTO till_receipts AS r (merchant_id, id, till_id, staff_id, press, changed_at)
SELECT s.merchant_id, $2, t.id, s.id, $5, $6
FROM staff s JOIN tills t ON t.merchant_id = s.merchant_id AND t.id = $3
WHERE s.merchant_id = $1 AND s.public_id = $4
ON CONFLICT (merchant_id, till_id, staff_id) DO UPDATE SET press = $5, changed_at = $6
RETURNING r.id, r.customer_id, r.order_id, r.discount_percent, r.discount_minor
"""
_LANDED: Final = "SELECT true FROM till_receipts WHERE merchant_id = $1 AND till_id = $2 AND press = $3"

_ONE_MORE: Final = """
UPDATE till_receipt_lines l SET quantity = least(l.quantity + 1, $4)
FROM products p
WHERE p.merchant_id = $1 AND p.public_id = $3 AND p.retired_at IS NULL AND l.merchant_id = p.merchant_id
  AND l.receipt_id = $2 AND l.product_id = p.id AND l.unit_price_minor = p.price_minor
RETURNING l.id
"""
_ADD_PRODUCT: Final = """
INSERT INTO till_receipt_lines (merchant_id, id, receipt_id, product_id, name, category, sku, quantity,
                                unit_price_minor, vat_percent)
SELECT merchant_id, $3, $2, id, name, category, sku, 1, price_minor, vat_percent
FROM products WHERE merchant_id = $1 AND public_id = $4 AND retired_at IS NULL
"""
_ADD_AMOUNT: Final = """
INSERT INTO till_receipt_lines (merchant_id, id, receipt_id, name, quantity, unit_price_minor, vat_percent)
VALUES ($1, $2, $3, $4, 1, $5, $6)
"""
_COUNT: Final = "SELECT count(*) FROM till_receipt_lines WHERE merchant_id = $1 AND receipt_id = $2"


async def lock(place: Place, *, now: datetime, press: UUID | None = None) -> Locked:
    """Inside a transaction. Raises TillUnknown."""
    db.require_transaction("till: changing a receipt")
    row = await db.fetch_one(
        _LOCK,
        place.merchant_id,
        ids.internal_id(),
        place.till_id,
        place.staff_public_id,
        press or ids.internal_id(),
        now,
    )
    if row is None:
        raise TillUnknown
    percent, minor = row["discount_percent"], row["discount_minor"]
    discount = None if percent is None and minor is None else Discount(percent, minor)
    return Locked(row["id"], row["customer_id"], row["order_id"], discount)


async def add_product(place: Place, product_public_id: str, *, now: datetime) -> None:
    """One piece more. Raises TillUnknown, ReceiptOpened, ProductUnknown, ReceiptFull."""

    async def write(receipt: Locked) -> None:
        at = place.merchant_id, receipt.id
        if await db.fetch_value(_ONE_MORE, *at, product_public_id, QUANTITY_MAX):
            return
        await _room_for_one_more(place, receipt)
        if await db.execute(_ADD_PRODUCT, *at, ids.internal_id(), product_public_id) == "INSERT 0 0":
            raise ProductUnknown

    await _change(place, write, now)


async def add_amount(place: Place, name: str, amount_minor: int, percent: Decimal, *, now: datetime) -> None:
    """Something that is not on the price list. Raises TillUnknown, ReceiptOpened, ReceiptFull."""

    async def write(receipt: Locked) -> None:
        await _room_for_one_more(place, receipt)
        await db.execute(
            _ADD_AMOUNT, place.merchant_id, ids.internal_id(), receipt.id, name, amount_minor, percent
        )

    await _change(place, write, now)


async def step_line(place: Place, line_id: UUID, by: int, *, now: datetime) -> None:
    """A piece more or less; the last one takes the line away. A line that is gone stays gone."""

    async def write(receipt: Locked) -> None:
        key = place.merchant_id, receipt.id, line_id
        await db.execute(
            """DELETE FROM till_receipt_lines
               WHERE merchant_id = $1 AND receipt_id = $2 AND id = $3 AND quantity + $4 < 1""",
            *key,
            by,
        )
        await db.execute(
            """UPDATE till_receipt_lines SET quantity = least(quantity + $4, $5)
               WHERE merchant_id = $1 AND receipt_id = $2 AND id = $3""",
            *key,
            by,
            QUANTITY_MAX,
        )

    await _change(place, write, now)


async def change_line(
    place: Place, line_id: UUID, quantity: int, unit_price_minor: int, *, now: datetime
) -> None:
    """Another number of pieces, another price of one; no pieces take the line away."""

    async def write(receipt: Locked) -> None:
        key = place.merchant_id, receipt.id, line_id
        if quantity < 1:
            await db.execute(
                "DELETE FROM till_receipt_lines WHERE merchant_id = $1 AND receipt_id = $2 AND id = $3", *key
            )
            return
        await db.execute(
            """UPDATE till_receipt_lines SET quantity = $4, unit_price_minor = $5
               WHERE merchant_id = $1 AND receipt_id = $2 AND id = $3""",
            *key,
            quantity,
            unit_price_minor,
        )

    await _change(place, write, now)


async def give_discount(place: Place, discount: Discount | None, *, now: datetime) -> None:
    """On the whole receipt, in place of the one before; None takes it away."""

    async def write(receipt: Locked) -> None:
        await db.execute(
            """UPDATE till_receipts SET discount_percent = $3, discount_minor = $4
               WHERE merchant_id = $1 AND id = $2""",
            place.merchant_id,
            receipt.id,
            discount.percent if discount else None,
            discount.amount_minor if discount else None,
        )

    await _change(place, write, now)


async def choose_customer(place: Place, customer_public_id: str | None, *, now: datetime) -> None:
    """Whose receipt it is; None for nobody yet. Raises TillUnknown, ReceiptOpened, CustomerUnknown."""

    async def write(receipt: Locked) -> None:
        customer_id = None
        if customer_public_id is not None:
            customer_id = await db.fetch_value(
                "SELECT id FROM shop_customers WHERE merchant_id = $1 AND public_id = $2 FOR KEY SHARE",
                place.merchant_id,
                customer_public_id,
            )
            if customer_id is None:
                raise CustomerUnknown
        await db.execute(
            "UPDATE till_receipts SET customer_id = $3 WHERE merchant_id = $1 AND id = $2",
            place.merchant_id,
            receipt.id,
            customer_id,
        )

    await _change(place, write, now)


async def clear(place: Place, *, now: datetime) -> None:
    """Begin again, with an empty receipt for nobody. Raises TillUnknown, ReceiptOpened."""
    await _change(place, lambda receipt: empty(place, receipt), now)


async def empty(place: Place, receipt: Locked) -> None:
    """Inside a transaction."""
    at = place.merchant_id, receipt.id
    await db.execute("DELETE FROM till_receipt_lines WHERE merchant_id = $1 AND receipt_id = $2", *at)
    await db.execute(
        """UPDATE till_receipts SET order_id = NULL, customer_id = NULL, discount_percent = NULL, discount_minor = NULL
           WHERE merchant_id = $1 AND id = $2""",
        *at,
    )


async def _change(place: Place, work: Callable[[Locked], Awaitable[None]], now: datetime) -> None:
    """One change of a receipt from which no order was opened; one whose answer was lost is not made again."""
    press = ids.internal_id()

    async def write() -> bool:
        receipt = await lock(place, now=now, press=press)
        if receipt.order_id is not None:
            raise ReceiptOpened
        await work(receipt)
        return True

    async def landed() -> bool | None:
        return True if await db.fetch_value(_LANDED, place.merchant_id, place.till_id, press) else None

    await db.in_tx(write, landed=landed)


async def _room_for_one_more(place: Place, receipt: Locked) -> None:
    if await db.fetch_value(_COUNT, place.merchant_id, receipt.id) >= ITEMS_MAX:
        raise ReceiptFull
