"""What the shop sells, and the basket: a cookie of article numbers and counts that is believed only as far
as it is true.

Names and descriptions are the shop's own data, in every language of the product; the words around them come from
the templates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from app.kernel.money import Money

CURRENCY: Final = "EUR"
COUNTRY: Final = "FI"
MOST_OF_ONE: Final = 9
SHIPPING_MINOR: Final = 5_90
SHIPPING_FREE_FROM_MINOR: Final = 100_00
_SHIPPING_VAT: Final = "25.5"
_SHOP_LANGUAGE: Final = "en"
_ENTRY: Final = re.compile(r"(HK-[0-9]{3})\.([1-9])", re.ASCII)
_COOKIE_LENGTH_MAX: Final = 400


class Product(msgspec.Struct, frozen=True):
    """Prices are minor units of EUR and include VAT. `art` names a drawing in `templates/demo/art/`."""

    sku: str
    art: str
    category: str
    price_minor: int
    vat_percent: str
    name: dict[str, str]
    words: dict[str, str]

    @property
    def price(self) -> Money:
        return Money(self.price_minor, CURRENCY)

    def named(self, lang: str) -> str:
        return self.name.get(lang, self.name[_SHOP_LANGUAGE])

    def described(self, lang: str) -> str:
        return self.words.get(lang, self.words[_SHOP_LANGUAGE])


@dataclass(frozen=True, slots=True)
class BasketLine:
    product: Product
    quantity: int

    @property
    def total(self) -> Money:
        return Money(self.product.price_minor * self.quantity, CURRENCY)


@dataclass(frozen=True, slots=True)
class Basket:
    """Lines in the order in which the shop lists its products."""

    lines: tuple[BasketLine, ...] = ()

    @property
    def count(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def goods(self) -> Money:
        return Money(sum(line.total.amount_minor for line in self.lines), CURRENCY)

    @property
    def shipping(self) -> Money:
        free = not self.lines or self.goods.amount_minor >= SHIPPING_FREE_FROM_MINOR
        return Money(0 if free else SHIPPING_MINOR, CURRENCY)

    @property
    def total(self) -> Money:
        return self.goods + self.shipping

    def with_quantities(self, wanted: Mapping[str, int]) -> Basket:
        """The basket with these counts by article number; zero takes out, too many is brought down to the
        most."""
        counts = {line.product.sku: line.quantity for line in self.lines} | dict(wanted)
        return _basket(counts)

    def with_one_more(self, sku: str) -> Basket:
        counts = {line.product.sku: line.quantity for line in self.lines}
        return self.with_quantities({sku: counts.get(sku, 0) + 1})


class _Shop(msgspec.Struct, frozen=True):
    shipping: dict[str, str]
    products: list[Product]


@lru_cache(maxsize=1)
def _shop() -> _Shop:
    return msgspec.json.decode((Path(__file__).parent / "shop.json").read_bytes(), type=_Shop)


@lru_cache(maxsize=1)
def products() -> Mapping[str, Product]:
    """Everything on sale by article number."""
    return MappingProxyType({each.sku: each for each in _shop().products})


def read_basket(cookie: str | None) -> Basket:
    """The basket that a cookie speaks of; whatever the shop does not sell is not in it."""
    if cookie is None or len(cookie) > _COOKIE_LENGTH_MAX:
        return Basket()
    entries = (_ENTRY.fullmatch(part) for part in cookie.split("_"))
    return _basket({entry[1]: int(entry[2]) for entry in entries if entry is not None})


def written_basket(basket: Basket) -> str:
    return "_".join(f"{line.product.sku}.{line.quantity}" for line in basket.lines)


def api_lines(basket: Basket, lang: str) -> list[dict[str, object]]:
    """The basket as the lines of `POST /api/v1/sessions`."""
    lines: list[dict[str, object]] = [
        {
            "type": "item",
            "sku": line.product.sku,
            "name": line.product.named(lang),
            "quantity": line.quantity,
            "unit_price_minor": line.product.price_minor,
            "vat_percent": line.product.vat_percent,
            "category": line.product.category,
        }
        for line in basket.lines
    ]
    if basket.shipping:
        lines.append(
            {
                "type": "shipping",
                "name": _shop().shipping.get(lang, _shop().shipping[_SHOP_LANGUAGE]),
                "quantity": 1,
                "unit_price_minor": basket.shipping.amount_minor,
                "vat_percent": _SHIPPING_VAT,
            }
        )
    return lines


def _basket(counts: Mapping[str, int]) -> Basket:
    wanted = {sku: min(max(counts.get(sku, 0), 0), MOST_OF_ONE) for sku in products()}
    return Basket(tuple(BasketLine(products()[sku], count) for sku, count in wanted.items() if count))
