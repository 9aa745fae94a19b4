"""What the cells of one row mean: an order, or everything that is wrong with it. Pure.

One row is one order. More lines of it stand in columns of their own: `item_2`, `price_2`, `vat_2` and so on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from app.kernel.card_numbers import holds_card_number
from app.kernel.phone import PhoneRefused, parse_phone
from app.kernel.postcode import PostcodeRefused, parse_postcode
from app.kernel.typed import amount_minor, clean, one_line, percent
from app.links.bulk.sheet import LINE_COLUMNS, ORDER_LINES_MAX
from app.links.rules import VALIDITY_MAX
from app.merchants.errors import FieldRefused
from app.merchants.rules import email_of
from app.orders.errors import LineRefused, TotalRefused
from app.orders.rules import QUANTITY_MAX, Line, total_minor

Buyer = Literal["consumer", "business"]

_LENGTHS: Final[Mapping[str, int]] = {
    "reference": 100,
    "name": 100,
    "street": 200,
    "city": 100,
    "note": 2000,
    "item": 200,
    "sku": 100,
}
# A last day ends when it is over, and may be an hour longer than others.
_A_DAY_AND_CLOCKS_CHANGED: Final = timedelta(days=2)
_DAY: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
# A sign that a spreadsheet would read as the beginning of a formula is written behind an apostrophe, by us as well.
_GUARDED: Final = re.compile(r"^'(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")


@dataclass(frozen=True, slots=True)
class Shop:
    """What a row is read against: the shop's country and currency, its time zone, today's date there, and the language
    in which it writes to its customers."""

    country: str
    currency: str
    time_zone: str
    today: date
    lang: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the column it stands in (empty for the whole row), and a stable code."""

    column: str
    code: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """The order that a row asks for. `valid_until` is the last day on which its link holds, None for the import's own.

    What is known of people is in `contact`, by the names of the columns.
    """

    reference: str
    buyer: Buyer
    lines: tuple[Line, ...]
    total_minor: int
    valid_until: date | None
    contact: Mapping[str, str] = field(repr=False)
    note: str | None = field(repr=False)


def read_row(columns: Sequence[str], cells: Sequence[str], shop: Shop) -> Wanted | tuple[Fault, ...]:
    """One row as an order, or all its faults in the order of the columns."""
    named = {name: _text(cell) for name, cell in zip(columns, cells, strict=False) if name}
    faults: list[Fault] = []
    texts = {name: one_line(text) for name, text in named.items() if name != "note"}
    _check_lengths(texts, named.get("note", ""), faults)
    reference = texts.get("reference", "")
    if not reference:
        faults.append(Fault("reference", "missing"))
    faults += [
        Fault(name, "card_number") for name in ("reference", "note") if holds_card_number(named.get(name, ""))
    ]
    lines = _lines(texts, faults)
    contact = _contact(texts, shop.country, faults)
    buyer = _buyer(texts.get("buyer", ""), faults)
    valid_until = _valid_until(texts.get("valid_until", ""), shop.today, faults)
    total = _total(lines, faults) if not faults else 0
    if faults:
        places = {name: place for place, name in enumerate(columns)}
        return tuple(sorted(dict.fromkeys(faults), key=lambda fault: places.get(fault.column, -1)))
    return Wanted(reference, buyer, lines, total, valid_until, contact, named.get("note") or None)


def row_key(wanted: Wanted) -> bytes:
    """A digest of everything that a row says, whatever the order of the file's columns: the same row is the same order
    again. 32 bytes."""
    lines = "\x1e".join(
        "\x1f".join(
            (
                line.type,
                line.name,
                line.sku or "",
                str(line.quantity),
                str(line.unit_price_minor),
                f"{line.vat_percent.normalize():f}",
            )
        )
        for line in wanted.lines
    )
    contact = "\x1f".join(f"{name}={wanted.contact[name]}" for name in sorted(wanted.contact))
    last_day = "" if wanted.valid_until is None else wanted.valid_until.isoformat()
    # The separators are control signs, which no cleaned cell holds.
    said = (wanted.reference, wanted.buyer, lines, contact, wanted.note or "", last_day)
    return hashlib.sha256("\x1d".join(said).encode()).digest()


def _text(cell: str) -> str:
    return clean(_GUARDED.sub("", cell))


def _check_lengths(texts: Mapping[str, str], note: str, faults: list[Fault]) -> None:
    for name, text in (*texts.items(), ("note", note)):
        longest = _LENGTHS.get(re.sub(r"_\d+$", "", name), 254)
        if len(text) > longest:
            faults.append(Fault(name, "too_long"))


def _lines(texts: Mapping[str, str], faults: list[Fault]) -> tuple[Line, ...]:
    lines = []
    for number in range(1, ORDER_LINES_MAX + 1):
        suffix = "" if number == 1 else f"_{number}"
        values = {name: texts.get(f"{name}{suffix}", "") for name in LINE_COLUMNS}
        # The first line is needed; another one is there when anything but a rate or a quantity was written.
        if number == 1 or any(values[name] for name in ("item", "price", "sku")):
            lines.append(_line(values, suffix, faults))
    return tuple(lines)


def _line(values: Mapping[str, str], suffix: str, faults: list[Fault]) -> Line:
    price, rate, pieces = (
        amount_minor(values["price"]),
        percent(values["vat"]),
        _quantity(values["quantity"]),
    )
    if not values["item"]:
        faults.append(Fault(f"item{suffix}", "missing"))
    for name, value in (("price", price), ("vat", rate), ("quantity", pieces)):
        if value is None:
            faults.append(Fault(f"{name}{suffix}", "malformed" if values[name] else "missing"))
    amount = price or 0
    return Line(
        # A price below nothing is a discount: nothing else may be.
        type="discount" if amount < 0 else "item",
        name=values["item"],
        quantity=pieces or 1,
        unit_price_minor=amount,
        vat_percent=rate or Decimal(0),
        sku=values["sku"] or None,
    )


def _quantity(text: str) -> int | None:
    pieces = text or "1"
    is_number = pieces.isascii() and pieces.isdigit() and len(pieces) <= 4
    return int(pieces) if is_number and 1 <= int(pieces) <= QUANTITY_MAX else None


def _contact(texts: Mapping[str, str], country: str, faults: list[Fault]) -> dict[str, str]:
    contact = {name: texts[name] for name in ("name", "street", "city") if texts.get(name)}
    try:
        if texts.get("email"):
            contact["email"] = email_of(texts["email"])
    except FieldRefused:
        faults.append(Fault("email", "malformed"))
    try:
        if texts.get("phone"):
            contact["phone"] = parse_phone(texts["phone"], country).e164
    except PhoneRefused as refused:
        faults.append(Fault("phone", refused.reason))
    try:
        if texts.get("postcode"):
            contact["postcode"] = parse_postcode(texts["postcode"], country)
    except PostcodeRefused:
        faults.append(Fault("postcode", "malformed"))
    return contact


def _buyer(text: str, faults: list[Fault]) -> Buyer:
    match text.lower():
        case "" | "consumer":
            return "consumer"
        case "business":
            return "business"
        case _:
            faults.append(Fault("buyer", "malformed"))
            return "consumer"


def _valid_until(text: str, today: date, faults: list[Fault]) -> date | None:
    if not text:
        return None
    match = _DAY.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        year, month, day = (int(match[n]) for n in ((1, 2, 3) if match[1] else (6, 5, 4)))
        last_day = date(year, month, day)
    except ValueError:
        faults.append(Fault("valid_until", "malformed"))
        return None
    if last_day < today:
        faults.append(Fault("valid_until", "passed"))
    elif last_day > today + VALIDITY_MAX - _A_DAY_AND_CLOCKS_CHANGED:
        faults.append(Fault("valid_until", "too_far"))
    return last_day


def _total(lines: Sequence[Line], faults: list[Fault]) -> int:
    try:
        return total_minor(lines)
    except TotalRefused:
        faults.append(Fault("", "total"))
    except LineRefused as refused:
        faults.append(Fault("", refused.reason))
    return 0
