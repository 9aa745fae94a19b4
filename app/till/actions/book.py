"""The address book of a shop's tills."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.till.errors import CustomerKnown, CustomerUnknown
from app.till.queries import Buyer

# Whoever was not served for so long is a stranger again, and what nobody went on with is no receipt any more.
CUSTOMERS_KEPT: Final = timedelta(days=2 * 365)
RECEIPTS_KEPT: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CustomerDetails:
    """What the shop knows of somebody; without an e-mail address nobody is in the book."""

    buyer: Buyer
    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str | None = field(default=None, repr=False)
    street: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)
    city: str | None = field(default=None, repr=False)


_ADD: Final = """
INSERT INTO shop_customers (merchant_id, id, public_id, buyer, name, email, phone, street, postcode, city,
                            created_at, used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
ON CONFLICT (merchant_id, lower(email) text_pattern_ops) DO NOTHING
"""
_CHANGE: Final = """
UPDATE shop_customers SET buyer = $3, name = $4, email = $5, phone = $6, street = $7, postcode = $8, city = $9
WHERE merchant_id = $1 AND public_id = $2
"""
_WITH_EMAIL: Final = """
SELECT public_id, name FROM shop_customers WHERE merchant_id = $1 AND lower(email) = lower($2)
"""
_FORGET_LINES: Final = """
DELETE FROM till_receipt_lines l USING till_receipts r
WHERE l.merchant_id = r.merchant_id AND l.receipt_id = r.id AND r.changed_at < $1
"""
_FORGET_CUSTOMERS: Final = """
DELETE FROM shop_customers WHERE (merchant_id, id) IN (
    SELECT c.merchant_id, c.id FROM shop_customers c WHERE c.used_at < $1 AND NOT EXISTS (
        SELECT FROM till_receipts r WHERE r.merchant_id = c.merchant_id AND r.customer_id = c.id)
    ORDER BY c.used_at LIMIT $2)
"""


async def add_customer(merchant_id: UUID, details: CustomerDetails, *, now: datetime) -> str:
    """Answers the public id; of whoever is in the book already with this name and e-mail. Raises CustomerKnown."""
    public_id = ids.public_id("cust")

    async def write() -> str:
        written = await db.execute(_ADD, merchant_id, ids.internal_id(), public_id, *_columns(details), now)
        if written == "INSERT 0 1":
            return public_id
        known = await db.fetch_one(_WITH_EMAIL, merchant_id, details.email)
        assert known is not None, "the address that stood in the way is there"
        if known["name"].casefold() != details.name.casefold():
            raise CustomerKnown(known["public_id"])
        return str(known["public_id"])

    return await db.in_tx(write)


async def change_customer(merchant_id: UUID, public_id: str, details: CustomerDetails) -> None:
    """Orders that were opened keep what was known then. Raises CustomerUnknown, CustomerKnown."""

    async def write() -> None:
        other = await db.fetch_one(_WITH_EMAIL, merchant_id, details.email)
        if other is not None and other["public_id"] != public_id:
            raise CustomerKnown(other["public_id"])
        if await db.execute(_CHANGE, merchant_id, public_id, *_columns(details)) == "UPDATE 0":
            raise CustomerUnknown

    await db.in_tx(write)


async def forget_customer(merchant_id: UUID, public_id: str) -> None:
    """Take somebody out of the book, and off every receipt. Twice is once."""

    async def write() -> None:
        await db.execute(
            """UPDATE till_receipts r SET customer_id = NULL FROM shop_customers c
               WHERE c.merchant_id = $1 AND c.public_id = $2
                 AND r.merchant_id = c.merchant_id AND r.customer_id = c.id""",
            merchant_id,
            public_id,
        )
        await db.execute(
            "DELETE FROM shop_customers WHERE merchant_id = $1 AND public_id = $2", merchant_id, public_id
        )

    await db.in_tx(write)


async def forget_old(now: datetime, limit: int) -> int:
    """Drop receipts that were left, and up to `limit` customers whom nobody served for long. Inside a transaction."""
    left = now - RECEIPTS_KEPT
    await db.execute(_FORGET_LINES, left)
    receipts = await db.execute("DELETE FROM till_receipts WHERE changed_at < $1", left)
    customers = await db.execute(_FORGET_CUSTOMERS, now - CUSTOMERS_KEPT, limit)
    return int(receipts.split()[-1]) + int(customers.split()[-1])


def _columns(details: CustomerDetails) -> tuple[object, ...]:
    return (
        details.buyer,
        details.name,
        details.email,
        details.phone,
        details.street,
        details.postcode,
        details.city,
    )
