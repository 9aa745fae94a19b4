"""What a credit note takes back of a sale: all that is left, a sum, or goods by the piece. Pure.

A sum is spread over the rates of VAT in proportion to what is left at each, by largest remainder. The VAT of a part is
what the parts so far owe of the whole, half up, less what the earlier notes took: so the last note leaves nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from app.invoices.content import Content, LineItem, VatItem
from app.invoices.errors import CreditRefused

LineKey: TypeAlias = tuple[str, str | None, int, str]


@dataclass(frozen=True, slots=True)
class Pieces:
    """So many pieces of the line at `position`, counted from 0 as the document prints them."""

    position: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Everything:
    """All that earlier credit notes left."""


Wanted: TypeAlias = Everything | int | Sequence[Pieces]
"""What is to be credited: everything, a sum in minor units, or pieces of lines."""

EVERYTHING: Final = Everything()


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Lines and VAT with positive figures that sum to `amount_minor`. `is_rest` tells that nothing is left after it."""

    lines: tuple[LineItem, ...]
    vat: tuple[VatItem, ...]
    amount_minor: int
    is_rest: bool


def left_of(sale: Content, earlier: Sequence[Content]) -> int:
    """What may still be credited of a sale's price, in minor units."""
    return sale.price_minor + sum(note.price_minor for note in earlier)


def pieces_left(sale: Content, earlier: Sequence[Content]) -> tuple[int, ...]:
    """How many pieces of each line no credit note has taken back, in the lines' order."""
    gone: Counter[LineKey] = Counter()
    for note in earlier:
        for line in note.lines:
            gone[_key(line)] -= line.quantity
    left = []
    for line in sale.lines:
        taken = min(line.quantity, gone[_key(line)])
        gone[_key(line)] -= taken
        left.append(line.quantity - taken)
    return tuple(left)


def take_back(sale: Content, earlier: Sequence[Content], wanted: Wanted) -> TakenBack:
    """What a credit note of `wanted` says, after the `earlier` ones. Raises CreditRefused: "amount_minor", "lines"."""
    left = left_of(sale, earlier)
    lines = None if isinstance(wanted, Everything | int) else _pieces(sale, earlier, wanted)
    if isinstance(wanted, Everything) or wanted == left:
        return _rest(sale, earlier)
    if lines is None:
        assert isinstance(wanted, int)
        if not 0 < wanted < left:
            raise CreditRefused("amount_minor")
        lines = _spread(sale, earlier, wanted)
    amount = sum(line.total_minor for line in lines)
    if amount == left:
        return _rest(sale, earlier)
    by_rate = _by_rate(lines)
    open_by_rate = _left_by_rate(sale, earlier)
    if not 0 < amount < left or any(gross > open_by_rate[rate] for rate, gross in by_rate.items()):
        raise CreditRefused("lines")
    vat = tuple(
        _vat_of_part(group, earlier, by_rate[group.percent]) for group in sale.vat if group.percent in by_rate
    )
    return TakenBack(lines, vat, amount, is_rest=False)


def _rest(sale: Content, earlier: Sequence[Content]) -> TakenBack:
    left = left_of(sale, earlier)
    if left <= 0:
        raise CreditRefused("amount_minor")
    pieces = pieces_left(sale, earlier)
    lines = tuple(
        replace(line, quantity=quantity, total_minor=quantity * line.unit_price_minor)
        for line, quantity in zip(sale.lines, pieces, strict=True)
        if quantity
    )
    open_by_rate = _left_by_rate(sale, earlier)
    if _by_rate(lines) != {rate: gross for rate, gross in open_by_rate.items() if gross}:
        # Sums without goods came first: what is left is a sum at each rate as well.
        lines = tuple(_unnamed(rate, gross) for rate, gross in open_by_rate.items() if gross)
    vat = tuple(_vat_of_part(group, earlier, open_by_rate[group.percent]) for group in sale.vat)
    return TakenBack(lines, tuple(group for group in vat if group.gross_minor), left, is_rest=True)


def _pieces(sale: Content, earlier: Sequence[Content], wanted: Sequence[Pieces]) -> tuple[LineItem, ...]:
    left = pieces_left(sale, earlier)
    positions = [piece.position for piece in wanted]
    if not wanted or len(set(positions)) != len(positions):
        raise CreditRefused("lines")
    lines = []
    for piece in sorted(wanted, key=lambda piece: piece.position):
        if not (0 <= piece.position < len(left) and 1 <= piece.quantity <= left[piece.position]):
            raise CreditRefused("lines")
        line = sale.lines[piece.position]
        lines.append(
            replace(line, quantity=piece.quantity, total_minor=piece.quantity * line.unit_price_minor)
        )
    return tuple(lines)


def _spread(sale: Content, earlier: Sequence[Content], amount_minor: int) -> tuple[LineItem, ...]:
    """A sum over the rates that have something left, in proportion, by largest remainder."""
    open_by_rate = {rate: gross for rate, gross in _left_by_rate(sale, earlier).items() if gross > 0}
    whole = sum(open_by_rate.values())
    if amount_minor > whole:
        raise CreditRefused("amount_minor")
    shares = {rate: amount_minor * gross // whole for rate, gross in open_by_rate.items()}
    rest = amount_minor - sum(shares.values())
    by_remainder = sorted(open_by_rate, key=lambda rate: -(amount_minor * open_by_rate[rate] % whole))
    for rate in by_remainder[:rest]:
        shares[rate] += 1
    return tuple(_unnamed(rate, share) for rate, share in shares.items() if share)


def _unnamed(rate: str, gross_minor: int) -> LineItem:
    return LineItem("", None, 1, gross_minor, rate, gross_minor)


def _left_by_rate(sale: Content, earlier: Sequence[Content]) -> Mapping[str, int]:
    left = {group.percent: group.gross_minor for group in sale.vat}
    for note in earlier:
        for group in note.vat:
            left[group.percent] += group.gross_minor
    return left


def _by_rate(lines: Sequence[LineItem]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.vat_percent] = sums.get(line.vat_percent, 0) + line.total_minor
    return {rate: gross for rate, gross in sums.items() if gross}


def _vat_of_part(group: VatItem, earlier: Sequence[Content], gross_minor: int) -> VatItem:
    before = [each for note in earlier for each in note.vat if each.percent == group.percent]
    gross_before = -sum(each.gross_minor for each in before)
    vat_before = -sum(each.vat_minor for each in before)
    vat = _half_up(group.vat_minor * (gross_before + gross_minor), group.gross_minor) - vat_before
    return VatItem(group.percent, gross_minor - vat, vat, gross_minor)


def _half_up(numerator: int, denominator: int) -> int:
    """Rounded half away from zero; nothing of nothing is nothing."""
    if denominator == 0:
        return 0
    magnitude = (2 * abs(numerator) + abs(denominator)) // (2 * abs(denominator))
    return magnitude if (numerator < 0) == (denominator < 0) else -magnitude


def _key(line: LineItem) -> LineKey:
    return line.name, line.sku, line.unit_price_minor, line.vat_percent
