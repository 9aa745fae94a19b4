"""Reads of tills, the price list, the address book, and the receipt in the making."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.kernel import db
from app.till.rules import ON_CODE, PRODUCTS_MAX, Discount, Item, Product, Sums, is_on_code, sums_of

Buyer = Literal["consumer", "business"]

SEARCH_LENGTH_MAX: Final = 100
FOUND_MAX: Final = 12


@dataclass(frozen=True, slots=True)
class Till:
    """One till of a shop. `sign` begins the references of its orders; `code` is its fixed address."""

    merchant_id: UUID
    id: UUID
    public_id: str
    name: str
    sign: str
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShopCustomer:
    """Somebody in a shop's address book. It proves nothing about who they are."""

    id: UUID
    public_id: str
    buyer: Buyer
    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str | None = field(repr=False)
    street: str | None = field(repr=False)
    postcode: str | None = field(repr=False)
    city: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose receipt: each member of staff has one at each till."""

    merchant_id: UUID
    till_id: UUID
    staff_public_id: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is on a receipt now. With an order it is open, and the order tells what is owed."""

    items: tuple[Item, ...] = ()
    discount: Discount | None = None
    customer: ShopCustomer | None = None
    order_public_id: str | None = None

    @property
    def sums(self) -> Sums:
        return sums_of(self.items, self.discount)

    @property
    def pieces(self) -> int:
        return sum(item.quantity for item in self.items)

    @property
    def ready(self) -> bool:
        """Whether an order can be opened from it."""
        return self.customer is not None and self.sums.total_minor > 0


@dataclass(frozen=True, slots=True)
class OnCode:
    """What the code of a till leads to: `order_public_id` until `until`, both None while no order is on it."""

    till: Till
    order_public_id: str | None
    until: datetime | None = None


_TILL: Final = "t.merchant_id, t.id, t.public_id, t.name, t.sign, t.code"
_CUSTOMER: Final = "c.id, c.public_id, c.buyer, c.name, c.email, c.phone, c.street, c.postcode, c.city"
_PRODUCT: Final = "p.id, p.public_id, p.name, p.category, p.sku, p.price_minor, p.vat_percent"

# The parts above are constants of this module.
_RECEIPT: Final = f"""
SELECT r.id AS receipt_id, r.discount_percent, r.discount_minor, o.public_id AS order_public_id, {_CUSTOMER}
FROM till_receipts r
JOIN staff s ON s.merchant_id = r.merchant_id AND s.id = r.staff_id
LEFT JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
LEFT JOIN shop_customers c ON c.merchant_id = r.merchant_id AND c.id = r.customer_id
WHERE r.merchant_id = $1 AND r.till_id = $2 AND s.public_id = $3
"""  # noqa: S608

_ITEMS: Final = """
SELECT id, product_id, name, category, sku, quantity, unit_price_minor, vat_percent
FROM till_receipt_lines WHERE merchant_id = $1 AND receipt_id = $2 ORDER BY id
"""

_FIND: Final = f"""
SELECT {_CUSTOMER} FROM shop_customers c
WHERE c.merchant_id = $1 AND (
    lower(c.email) LIKE $2 OR c.phone LIKE $3
    OR to_tsvector('simple'::regconfig, c.name) @@ to_tsquery('simple'::regconfig, $4))
ORDER BY c.used_at DESC, c.id LIMIT $5
"""  # noqa: S608

_LATEST: Final = f"""
SELECT {_CUSTOMER} FROM shop_customers c WHERE c.merchant_id = $1 ORDER BY c.used_at DESC, c.id LIMIT $2
"""  # noqa: S608

_ON_CODE: Final = f"""
SELECT {_TILL}, t.code_since, o.public_id AS order_public_id, o.state
FROM tills t LEFT JOIN orders o ON o.merchant_id = t.merchant_id AND o.id = t.code_order_id
WHERE t.code = $1
"""  # noqa: S608


async def tills_of(merchant_id: UUID) -> tuple[Till, ...]:
    """Oldest first."""
    rows = await db.fetch_all(
        f"SELECT {_TILL} FROM tills t WHERE t.merchant_id = $1 ORDER BY t.id",  # noqa: S608
        merchant_id,
    )
    return tuple(_till(row) for row in rows)


async def till_of(merchant_id: UUID, public_id: str) -> Till | None:
    row = await db.fetch_one(
        f"SELECT {_TILL} FROM tills t WHERE t.merchant_id = $1 AND t.public_id = $2",  # noqa: S608
        merchant_id,
        public_id,
    )
    return None if row is None else _till(row)


async def on_code(code: str, now: datetime) -> OnCode | None:
    """What a till's fixed address leads to at this business time; None for an address that no till has.

    Only an order that somebody may still begin to pay is on a code.
    """
    row = await db.fetch_one(_ON_CODE, code)
    if row is None:
        return None
    leads = is_on_code(row["code_since"], now) and row["state"] in {"open", "in_payment"}
    if not leads:
        return OnCode(_till(row), None)
    return OnCode(_till(row), row["order_public_id"], row["code_since"] + ON_CODE)


async def products_of(merchant_id: UUID) -> tuple[Product, ...]:
    """The whole price list, by name."""
    rows = await db.fetch_all(
        f"""SELECT {_PRODUCT} FROM products p WHERE p.merchant_id = $1 AND p.retired_at IS NULL
            ORDER BY lower(p.name), p.id LIMIT {PRODUCTS_MAX}""",  # noqa: S608
        merchant_id,
    )
    return tuple(Product(**dict(row.items())) for row in rows)


async def product_of(merchant_id: UUID, public_id: str) -> Product | None:
    row = await db.fetch_one(
        f"""SELECT {_PRODUCT} FROM products p
            WHERE p.merchant_id = $1 AND p.public_id = $2 AND p.retired_at IS NULL""",  # noqa: S608
        merchant_id,
        public_id,
    )
    return None if row is None else Product(**dict(row.items()))


async def customers_found(merchant_id: UUID, search: str = "") -> tuple[ShopCustomer, ...]:
    """Those whose name, e-mail or phone begins as typed, the latest served first; without a search the latest."""
    if not search:
        rows = await db.fetch_all(_LATEST, merchant_id, FOUND_MAX)
    else:
        email, phone = _beginning(search.casefold()), _phone_beginning(search)
        rows = await db.fetch_all(_FIND, merchant_id, email, phone, _words(search), FOUND_MAX)
    return tuple(_customer(row) for row in rows)


async def customer_of(merchant_id: UUID, public_id: str) -> ShopCustomer | None:
    row = await db.fetch_one(
        f"SELECT {_CUSTOMER} FROM shop_customers c WHERE c.merchant_id = $1 AND c.public_id = $2",  # noqa: S608
        merchant_id,
        public_id,
    )
    return None if row is None else _customer(row)


async def receipt_of(place: Place) -> Receipt:
    """An empty one where nothing was typed yet."""
    row = await db.fetch_one(_RECEIPT, place.merchant_id, place.till_id, place.staff_public_id)
    if row is None:
        return Receipt()
    items = await db.fetch_all(_ITEMS, place.merchant_id, row["receipt_id"])
    return Receipt(
        tuple(Item(**dict(item.items())) for item in items),
        discount_in(row),
        None if row["id"] is None else _customer(row),
        row["order_public_id"],
    )


def discount_in(row: db.Record) -> Discount | None:
    percent, amount_minor = row["discount_percent"], row["discount_minor"]
    return None if percent is None and amount_minor is None else Discount(percent, amount_minor)


def _till(row: db.Record) -> Till:
    return Till(row["merchant_id"], row["id"], row["public_id"], row["name"], row["sign"], row["code"])


def _customer(row: db.Record) -> ShopCustomer:
    return ShopCustomer(
        row["id"],
        row["public_id"],
        row["buyer"],
        row["name"],
        row["email"],
        row["phone"],
        row["street"],
        row["postcode"],
        row["city"],
    )


def _beginning(text: str) -> str:
    """A LIKE pattern for texts that begin with `text`, whose own signs mean themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _phone_beginning(text: str) -> str:
    """A number as people begin one: with its country, or with the zero that stands for it. Words match no number."""
    digits = re.sub(r"[\s()./-]", "", text)
    if re.fullmatch(r"\+?\d{3,15}", digits, re.ASCII) is None:
        return ""
    # The country is not asked: whatever two or three digits it has, the number goes on as typed.
    return _beginning(digits) if digits.startswith("+") else f"+%{_beginning(digits.lstrip('0'))}"


def _words(text: str) -> str:
    """Each word as the beginning of one; a text without any matches nothing."""
    return " & ".join(f"'{word}':*" for word in re.findall(r"\w+", text))
