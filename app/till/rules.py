"""What stands on a receipt sums to, how a discount is spread over it, and how products are found. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from app.kernel.money import allocate, half_up_ratio
from app.orders.rules import LINES_MAX, Line, vat_groups

PRODUCTS_MAX: Final = 1000
# A discount takes one line of the order for each rate of VAT; a receipt leaves room for them.
ITEMS_MAX: Final = LINES_MAX - 10
# How long an order that was put on the till code is found there.
ON_CODE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Product:
    """One entry of the price list. The price includes VAT, in minor units of the shop's currency."""

    id: UUID
    public_id: str
    name: str
    category: str | None
    sku: str | None
    price_minor: int
    vat_percent: Decimal


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a receipt. `product_id` is None for an amount that was typed."""

    id: UUID
    product_id: UUID | None
    name: str
    category: str | None
    sku: str | None
    quantity: int
    unit_price_minor: int
    vat_percent: Decimal

    @property
    def total_minor(self) -> int:
        return self.quantity * self.unit_price_minor


@dataclass(frozen=True, slots=True)
class Discount:
    """On the whole receipt: a share of it, or a sum in minor units. Exactly one of the two is set."""

    percent: Decimal | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """Minor units; `discount_minor` is what is taken off, never more than there is."""

    gross_minor: int
    discount_minor: int

    @property
    def total_minor(self) -> int:
        return self.gross_minor - self.discount_minor


def sums_of(items: Sequence[Item], discount: Discount | None) -> Sums:
    return Sums(sum(item.total_minor for item in items), sum(part for _, part in _discounts(items, discount)))


def lines_of(items: Sequence[Item], discount: Discount | None, discount_name: str) -> tuple[Line, ...]:
    """The receipt as lines of an order. A discount is one line a rate of VAT, so that it lowers the VAT rightly."""
    off = (
        Line("discount", discount_name, 1, -part, percent)
        for percent, part in _discounts(items, discount)
        if part
    )
    return (*map(_line, items), *off)


def _line(item: Item) -> Line:
    return Line(
        "item",
        item.name,
        item.quantity,
        item.unit_price_minor,
        item.vat_percent,
        sku=item.sku,
        category=item.category,
    )


def _discounts(items: Sequence[Item], discount: Discount | None) -> list[tuple[Decimal, int]]:
    """What is taken off for each rate of VAT, in minor units: each share half up, a sum by largest remainder."""
    groups = vat_groups([_line(item) for item in items])
    gross_minor = sum(group.gross_minor for group in groups)
    if discount is None or not gross_minor:
        return []
    if discount.percent is not None:
        hundredths = int(discount.percent * 100)
        return [(group.percent, half_up_ratio(group.gross_minor * hundredths, 10_000)) for group in groups]
    assert discount.amount_minor is not None, "a discount is a share or a sum"
    off_minor = min(discount.amount_minor, gross_minor)
    parts = allocate(off_minor, [group.gross_minor for group in groups])
    return [(group.percent, part) for group, part in zip(groups, parts, strict=True)]


def is_on_code(since: datetime | None, now: datetime) -> bool:
    """Whether an order put on the till code at `since` is still found there. Both are business time."""
    return since is not None and since <= now < since + ON_CODE


def matching(products: Sequence[Product], wanted: str, category: str | None = None) -> tuple[Product, ...]:
    """The products of a category whose name has every typed word as the beginning of one of its own, or whose article
    number begins as typed.
    """
    words, whole = wanted.casefold().split(), wanted.casefold().strip()
    return tuple(
        product
        for product in products
        if (category is None or product.category == category) and _matches(product, words, whole)
    )


def _matches(product: Product, words: Sequence[str], whole: str) -> bool:
    if product.sku is not None and whole and product.sku.casefold().startswith(whole):
        return True
    said = [product.name.casefold(), *product.name.casefold().replace("-", " ").split()]
    return all(any(own.startswith(word) for own in said) for word in words)


def categories_of(products: Sequence[Product]) -> tuple[str, ...]:
    """In the order of the alphabet, each once."""
    return tuple(sorted({product.category for product in products if product.category}, key=str.casefold))


def usual_percent(products: Sequence[Product]) -> Decimal | None:
    """The rate of VAT that most products have; None for an empty price list."""
    counted: dict[Decimal, int] = {}
    for product in products:
        counted[product.vat_percent] = counted.get(product.vat_percent, 0) + 1
    return max(counted, key=lambda percent: (counted[percent], percent)) if counted else None
