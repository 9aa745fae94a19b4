"""What a shop sets up: its tills with their codes, and the price list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import asyncpg

from app.kernel import db, ids
from app.till.errors import PriceListFull, ProductUnknown, SignTaken, SkuTaken, TillUnknown
from app.till.queries import Till
from app.till.rules import PRODUCTS_MAX


@dataclass(frozen=True, slots=True)
class ProductDetails:
    """What stands in the price list; the price includes VAT, in minor units of the shop's currency."""

    name: str
    category: str | None
    sku: str | None
    price_minor: int
    vat_percent: Decimal


_COUNT: Final = "SELECT count(*) FROM products WHERE merchant_id = $1 AND retired_at IS NULL"
_ADD: Final = """
INSERT INTO products (merchant_id, id, public_id, name, category, sku, price_minor, vat_percent, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_CHANGE: Final = """
UPDATE products SET name = $3, category = $4, sku = $5, price_minor = $6, vat_percent = $7
WHERE merchant_id = $1 AND public_id = $2 AND retired_at IS NULL
"""


async def make_till(merchant_id: UUID, name: str, sign: str, *, now: datetime) -> Till:
    """`sign` begins the references of its orders. Pressing twice makes one till. Raises SignTaken."""
    till = Till(merchant_id, ids.internal_id(), ids.public_id("till"), name, sign, _new_code())

    async def write() -> Till:
        made = await db.execute(
            """INSERT INTO tills (merchant_id, id, public_id, name, sign, code, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (merchant_id, sign) DO NOTHING""",
            merchant_id,
            till.id,
            till.public_id,
            name,
            sign,
            till.code,
            now,
        )
        if made == "INSERT 0 1":
            return till
        found = await db.fetch_one(
            "SELECT id, public_id, name, code FROM tills WHERE merchant_id = $1 AND sign = $2",
            merchant_id,
            sign,
        )
        if found is None or found["name"] != name:
            raise SignTaken
        return Till(merchant_id, found["id"], found["public_id"], name, sign, found["code"])

    return await db.in_tx(write)


async def renew_code(merchant_id: UUID, till_public_id: str) -> None:
    """A new fixed address; the sticker with the old one leads nowhere from now on. Raises TillUnknown."""
    code = _new_code()

    async def write() -> None:
        renewed = await db.execute(
            """UPDATE tills SET code = $3, code_order_id = NULL, code_since = NULL
               WHERE merchant_id = $1 AND public_id = $2""",
            merchant_id,
            till_public_id,
            code,
        )
        if renewed == "UPDATE 0":
            raise TillUnknown

    await db.in_tx(write)


def _new_code() -> str:
    """128 random bits without a prefix: short enough for any NFC tag."""
    return ids.public_id("t").removeprefix("t_")


async def add_product_to_list(merchant_id: UUID, details: ProductDetails, *, now: datetime) -> str:
    """Answers the public id. Raises SkuTaken, PriceListFull."""
    product_id, public_id = ids.internal_id(), ids.public_id("prod")

    async def write() -> str:
        if await db.fetch_value(
            "SELECT 1 FROM products WHERE merchant_id = $1 AND id = $2", merchant_id, product_id
        ):
            return public_id
        if await db.fetch_value(_COUNT, merchant_id) >= PRODUCTS_MAX:
            raise PriceListFull
        await db.execute(_ADD, merchant_id, product_id, public_id, *_columns(details), now)
        return public_id

    try:
        return await db.in_tx(write)
    except asyncpg.UniqueViolationError:
        raise SkuTaken from None


async def change_product(merchant_id: UUID, public_id: str, details: ProductDetails) -> None:
    """From now on; receipts that hold it keep the price they were made with. Raises ProductUnknown, SkuTaken."""

    async def write() -> None:
        if await db.execute(_CHANGE, merchant_id, public_id, *_columns(details)) == "UPDATE 0":
            raise ProductUnknown

    try:
        await db.in_tx(write)
    except asyncpg.UniqueViolationError:
        raise SkuTaken from None


async def retire_product(merchant_id: UUID, public_id: str, *, now: datetime) -> None:
    """Take a product off the price list. Twice is once."""

    async def write() -> None:
        await db.execute(
            """UPDATE products SET retired_at = $3
               WHERE merchant_id = $1 AND public_id = $2 AND retired_at IS NULL""",
            merchant_id,
            public_id,
            now,
        )

    await db.in_tx(write)


def _columns(details: ProductDetails) -> tuple[object, ...]:
    return details.name, details.category, details.sku, details.price_minor, details.vat_percent
