"""What a credit note takes back of a sale: all that is left, a sum, or goods by the piece. Pure.

A sum is spread over the rates of VAT in proportion to what is left at each, by largest remainder. The VAT of a part is
what the parts so far owe of the whole, half up, less what the earlier notes took: so the last note leaves nothing.

Goods come back at what was paid for them: with each piece goes its share of the discounts, in proportion to the price
of everything else but an insurance, cumulatively rounded. A fee that the shop keeps is spread over the rates of what
comes back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from app.invoices.content import Content, LineItem, VatItem
from app.invoices.errors import CreditRefused
from app.kernel import ids
from app.kernel.money import allocate

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


RowKind: TypeAlias = Literal["goods", "sum", "discount", "fee"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a credit note to be, positive where something is taken back. Goods tell which line of the sale they
    are of, counted from 0."""

    kind: RowKind
    item: LineItem
    position: int | None = None


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
    return taken_of(sale, earlier, [row.item for row in rows_of(sale, earlier, wanted)])


def rows_of(sale: Content, earlier: Sequence[Content], wanted: Wanted, fee_minor: int = 0) -> tuple[Row, ...]:
    """The lines of a credit note of `wanted`, of which the shop keeps a fee.

    Raises CreditRefused: "amount_minor", "lines", "fee_minor".
    """
    left = left_of(sale, earlier)
    if isinstance(wanted, Everything) or wanted == left:
        rows = _rest(sale, earlier)
    elif isinstance(wanted, int):
        if not 0 < wanted < left:
            raise CreditRefused("amount_minor")
        rows = _spread(sale, earlier, wanted)
    else:
        rows = _pieces(sale, earlier, wanted)
    return (*rows, *_fee(rows, fee_minor))


def taken_of(sale: Content, earlier: Sequence[Content], lines: Sequence[LineItem]) -> TakenBack:
    """These lines as a credit note after the `earlier` ones. Raises CreditRefused: "lines"."""
    left = left_of(sale, earlier)
    amount = sum(line.total_minor for line in lines)
    by_rate = _by_rate(lines)
    open_by_rate = _left_by_rate(sale, earlier)
    if not 0 < amount <= left:
        raise CreditRefused("lines")
    is_rest = amount == left
    if is_rest and by_rate != _without_zeros(open_by_rate):
        # Sums without goods came first: what is left is a sum at each rate as well.
        lines = [row.item for row in _sums(open_by_rate)]
        by_rate = _by_rate(lines)
    if any(gross > max(open_by_rate.get(rate, 0), 0) for rate, gross in by_rate.items()):
        raise CreditRefused("lines")
    vat = tuple(
        _vat_of_part(group, earlier, by_rate[group.percent]) for group in sale.vat if group.percent in by_rate
    )
    return TakenBack(tuple(lines), vat, amount, is_rest)


def _rest(sale: Content, earlier: Sequence[Content]) -> tuple[Row, ...]:
    if left_of(sale, earlier) <= 0:
        raise CreditRefused("amount_minor")
    open_by_rate = _left_by_rate(sale, earlier)
    wanted = [
        Pieces(position, quantity)
        for position, quantity in enumerate(pieces_left(sale, earlier))
        if quantity and sale.lines[position].total_minor >= 0
    ]
    if wanted:
        rows = _pieces(sale, earlier, wanted)
        if _by_rate([row.item for row in rows]) == _without_zeros(open_by_rate):
            return rows
    return _sums(open_by_rate)


def _pieces(sale: Content, earlier: Sequence[Content], wanted: Sequence[Pieces]) -> tuple[Row, ...]:
    left = pieces_left(sale, earlier)
    positions = [piece.position for piece in wanted]
    if not wanted or len(set(positions)) != len(positions):
        raise CreditRefused("lines")
    rows = []
    for piece in sorted(wanted, key=lambda piece: piece.position):
        if not (0 <= piece.position < len(left) and 1 <= piece.quantity <= left[piece.position]):
            raise CreditRefused("lines")
        line = sale.lines[piece.position]
        if line.total_minor < 0:
            # A discount goes with the goods that it was given on.
            raise CreditRefused("lines")
        item = replace(line, quantity=piece.quantity, total_minor=piece.quantity * line.unit_price_minor)
        rows.append(Row("goods", item, piece.position))
    value = sum(row.item.total_minor for row in rows if _is_discounted(row.item))
    return (*rows, *_discounts(sale, earlier, value))


def _discounts(sale: Content, earlier: Sequence[Content], value_minor: int) -> tuple[Row, ...]:
    """The share of each discount that goes back with goods of that price, as negative rows."""
    priced = {_key(line) for line in sale.lines if _is_discounted(line)}
    base = sum(line.total_minor for line in sale.lines if _is_discounted(line))
    before = -sum(line.total_minor for note in earlier for line in note.lines if _key(line) in priced)
    given: dict[tuple[str, str | None, str], int] = {}
    for line in sale.lines:
        if line.total_minor < 0:
            key = _discount_key(line)
            given[key] = given.get(key, 0) + line.total_minor
    rows = []
    for (name, sku, rate), total in given.items():
        gone = -sum(
            line.total_minor
            for note in earlier
            for line in note.lines
            if line.total_minor > 0 and line.name and _discount_key(line) == (name, sku, rate)
        )
        share = _half_up(total * (before + value_minor), base) - gone
        if share:
            rows.append(Row("discount", LineItem(name, sku, 1, share, rate, share)))
    return tuple(rows)


def _is_discounted(line: LineItem) -> bool:
    """Whether the discounts of a sale are given on this line. An insurance costs its premium, and all of that comes
    back: it is another's contract, without VAT."""
    return line.total_minor > 0 and not (line.sku is not None and ids.is_public_id("ins", line.sku))


def _fee(rows: Sequence[Row], fee_minor: int) -> tuple[Row, ...]:
    """The fee at the rates of what comes back; less must be kept than that is worth."""
    if fee_minor == 0:
        return ()
    gross = {rate: sum_ for rate, sum_ in _by_rate([row.item for row in rows]).items() if sum_ > 0}
    if not 0 < fee_minor < sum(row.item.total_minor for row in rows):
        raise CreditRefused("fee_minor")
    shares = allocate(fee_minor, list(gross.values()))
    return tuple(
        Row("fee", LineItem("", None, -1, share, rate, -share))
        for rate, share in zip(gross, shares, strict=True)
        if share
    )


def _sums(by_rate: Mapping[str, int]) -> tuple[Row, ...]:
    return tuple(Row("sum", _unnamed(rate, gross)) for rate, gross in by_rate.items() if gross)


def _spread(sale: Content, earlier: Sequence[Content], amount_minor: int) -> tuple[Row, ...]:
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
    return _sums(shares)


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
    return _without_zeros(sums)


def _without_zeros(sums: Mapping[str, int]) -> dict[str, int]:
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


def _discount_key(line: LineItem) -> tuple[str, str | None, str]:
    return line.name, line.sku, line.vat_percent


def _key(line: LineItem) -> LineKey:
    return line.name, line.sku, line.unit_price_minor, line.vat_percent
