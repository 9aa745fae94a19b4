"""What an order's lines may be and what they sum to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from app.kernel.money import MAX_AMOUNT_MINOR, half_up_ratio
from app.orders.errors import LineRefused, TotalRefused

LineType = Literal["item", "discount", "shipping", "fee"]
# Who put a line on an order: the shop, or a choice of the shopper's.
Origin = Literal["shop", "shipping", "method_fee", "insurance"]

QUANTITY_MAX: Final = 9999
UNIT_PRICE_MAX_MINOR: Final = 10**10
LINES_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order. Prices include VAT; only a discount is negative; `vat_percent` is from text."""

    type: LineType
    name: str
    quantity: int
    unit_price_minor: int
    vat_percent: Decimal
    sku: str | None = None
    category: str | None = None
    origin: Origin = "shop"

    @property
    def total_minor(self) -> int:
        return self.quantity * self.unit_price_minor


@dataclass(frozen=True, slots=True)
class VatGroup:
    """The lines of one rate: gross with VAT, the VAT in it, and the net. They add up to the minor unit."""

    percent: Decimal
    gross_minor: int
    vat_minor: int

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.vat_minor


def total_minor(lines: Sequence[Line]) -> int:
    """Check every line and answer their sum in minor units. What the shopper's choices added counts to the sum and not
    to the number. Raises LineRefused, TotalRefused."""
    if not 1 <= len(lines_of_shop(lines)) <= LINES_MAX:
        raise LineRefused("/lines", "count")
    for index, line in enumerate(lines):
        _check(line, index)
    total = sum(line.total_minor for line in lines)
    if not 1 <= total <= MAX_AMOUNT_MINOR:
        raise TotalRefused(total)
    return total


def lines_of_shop(lines: Sequence[Line]) -> tuple[Line, ...]:
    """What the shop sells, without what the shopper's own choices added."""
    return tuple(line for line in lines if line.origin == "shop")


def extras_of(lines: Sequence[Line]) -> tuple[Line, ...]:
    """What the shopper's own choices added."""
    return tuple(line for line in lines if line.origin != "shop")


def _check(line: Line, index: int) -> None:
    if not 1 <= line.quantity <= QUANTITY_MAX:
        raise LineRefused(f"/lines/{index}/quantity", "out_of_range")
    if abs(line.unit_price_minor) > UNIT_PRICE_MAX_MINOR:
        raise LineRefused(f"/lines/{index}/unit_price_minor", "out_of_range")
    if line.type == "discount" and line.unit_price_minor > 0:
        raise LineRefused(f"/lines/{index}/unit_price_minor", "discount_not_negative")
    if line.type != "discount" and line.unit_price_minor < 0:
        raise LineRefused(f"/lines/{index}/unit_price_minor", "negative")
    if not Decimal(0) <= line.vat_percent <= Decimal(100):
        raise LineRefused(f"/lines/{index}/vat_percent", "out_of_range")


@dataclass(frozen=True, slots=True)
class LineChange:
    """One line that an edit touched. Without `before` it was added, without `after` it was taken away."""

    before: Line | None
    after: Line | None


def line_changes(before: Sequence[Line], after: Sequence[Line]) -> tuple[LineChange, ...]:
    """What became of the lines: changed and added ones in the new order, then those that are gone.

    Lines that are the same in both are not told, wherever they stand. The others are paired by article number, or by
    name where there is none.
    """
    gone = list(before)
    touched = []
    for line in after:
        if line in gone:
            gone.remove(line)
        else:
            touched.append(line)
    changes = []
    for line in touched:
        was = next((each for each in gone if _article(each) == _article(line)), None)
        if was is not None:
            gone.remove(was)
        changes.append(LineChange(was, line))
    return (*changes, *(LineChange(line, None) for line in gone))


def _article(line: Line) -> tuple[str, str]:
    return line.type, line.sku or line.name


def vat_groups(lines: Sequence[Line]) -> list[VatGroup]:
    """VAT per rate on the sum of the rate's lines, half up; the groups' gross sums to the total.

    VAT inside a gross sum is gross * p / (100 + p), computed with integers (p in hundredths of a percent).
    """
    gross: dict[Decimal, int] = {}
    for line in lines:
        gross[line.vat_percent] = gross.get(line.vat_percent, 0) + line.total_minor
    groups = []
    for percent, amount in sorted(gross.items(), reverse=True):
        hundredths = int(percent * 100)
        groups.append(VatGroup(percent, amount, half_up_ratio(amount * hundredths, 10_000 + hundredths)))
    return groups
