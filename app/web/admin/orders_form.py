"""What staff type of an order, as its contents; and an order as what stands in the fields. No database, no request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, get_args

from app.kernel import typed
from app.kernel.card_numbers import holds_card_number
from app.kernel.phone import PhoneRefused, parse_phone
from app.kernel.postcode import PostcodeRefused, parse_postcode
from app.merchants.errors import FieldRefused
from app.merchants.rules import email_of
from app.orders.actions import Contact, Contents
from app.orders.errors import LineRefused, TotalRefused
from app.orders.queries import REFERENCE_LENGTH_MAX, OrderView
from app.orders.rules import LINES_MAX, Line, LineType, lines_of_shop, total_minor
from app.web.shared import forms
from app.web.shared.forms import FieldError, Form

TYPES: Final[tuple[LineType, ...]] = get_args(LineType)
# Fields of a line, and those that tell whether anything was typed into it.
LINE_FIELDS: Final = ("type", "name", "sku", "quantity", "price", "vat")
_TYPED: Final = ("name", "sku", "price")
FIELDS_MAX: Final = LINES_MAX * len(LINE_FIELDS) + 20
_LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {"reference": REFERENCE_LENGTH_MAX, "name": 100, "street": 200, "city": 100, "note": 2000}
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the form: which it is, counted from 0, and what stands in its fields."""

    index: int
    values: Mapping[str, str]


def lines_in(form: Form) -> int:
    """How many lines the form shows, 1 to LINES_MAX."""
    text = form.value("lines", "1")
    count = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 1
    return min(max(count, 1), LINES_MAX)


def entries_of(form: Form, count: int) -> tuple[Entry, ...]:
    """The lines as they stand in the form."""
    return tuple(
        Entry(index, {name: form.value(f"line-{index}.{name}") for name in LINE_FIELDS})
        for index in range(count)
    )


def form_of(order: OrderView) -> Form:
    """An order in the fields of the form, every line of the shop's with all that is known of it: what the shopper chose
    is theirs to change."""
    contact, lines = order.contact, lines_of_shop(order.lines)
    values = {
        "reference": order.reference,
        "buyer": order.buyer,
        "note": order.note or "",
        "lines": str(len(lines)),
        "name": contact.name or "",
        "email": contact.email or "",
        "phone": contact.phone or "",
        "postcode": contact.postcode or "",
        "street": contact.street or "",
        "city": contact.city or "",
    }
    for index, line in enumerate(lines):
        typed = {
            "type": line.type,
            "name": line.name,
            "sku": line.sku or "",
            "quantity": str(line.quantity),
            "price": f"{Decimal(abs(line.unit_price_minor)).scaleb(-2):.2f}",
            "vat": f"{line.vat_percent:f}".rstrip("0").rstrip(".") if line.vat_percent else "0",
        }
        values |= {f"line-{index}.{name}": text for name, text in typed.items()}
    return Form(MappingProxyType(values))


def contents_of(form: Form, country: str, before: Sequence[Line] = ()) -> Contents | Form:
    """What was typed as contents of an order, or the form with everything that is wrong in it.

    A line without name, number and price was left empty and is not counted. A category, which the form does not show,
    stays with the article it belongs to (`before`).
    """
    errors: dict[str, FieldError] = {}
    for name, longest in _LENGTHS.items():
        if len(form.value(name)) > longest:
            errors[name] = FieldError("too_long")
    reference = forms.one_line(form.value("reference"))
    if not reference:
        errors["reference"] = FieldError("missing")
    elif holds_card_number(reference):
        # It is not even shown again.
        form = Form({**form.values, "reference": ""})
        errors["reference"] = FieldError("card_number")
    places: list[int] = []
    lines: list[Line] = []
    categories = {(line.type, line.sku, line.name): line.category for line in before}
    for entry in entries_of(form, lines_in(form)):
        if any(entry.values[name] for name in _TYPED):
            places.append(entry.index)
            lines.append(_line(entry, categories, errors))
    contact = _contact(form, country, errors)
    if not errors:
        errors |= _faults(lines, places)
    if errors:
        return form.refused(**errors)
    return Contents(reference, tuple(lines), contact, form.value("note") or None)


def _line(
    entry: Entry,
    categories: Mapping[tuple[LineType, str | None, str], str | None],
    errors: dict[str, FieldError],
) -> Line:
    values, place = entry.values, f"line-{entry.index}"
    wanted: LineType = next((each for each in TYPES if each == values["type"]), "item")
    name, sku = forms.one_line(values["name"]), forms.one_line(values["sku"]) or None
    if not name:
        errors[f"{place}.name"] = FieldError("missing")
    if len(name) > 200:
        errors[f"{place}.name"] = FieldError("too_long")
    if len(sku or "") > 100:
        errors[f"{place}.sku"] = FieldError("too_long")
    quantity, price, percent = (
        _quantity(values["quantity"]),
        typed.amount_minor(values["price"]),
        typed.percent(values["vat"]),
    )
    for field, value in (("quantity", quantity), ("price", price), ("vat", percent)):
        if value is None:
            errors[f"{place}.{field}"] = FieldError("malformed")
    amount = abs(price or 0)
    return Line(
        type=wanted,
        name=name,
        quantity=quantity or 1,
        # A discount lowers the price, with a minus sign or without.
        unit_price_minor=-amount if wanted == "discount" else price or 0,
        vat_percent=percent or Decimal(0),
        sku=sku,
        category=categories.get((wanted, sku, name)),
    )


def _quantity(text: str) -> int | None:
    pieces = text or "1"
    return int(pieces) if pieces.isascii() and pieces.isdigit() and len(pieces) <= 4 and int(pieces) else None


def _contact(form: Form, country: str, errors: dict[str, FieldError]) -> Contact:
    email, phone, postcode = form.value("email"), form.value("phone"), form.value("postcode")
    try:
        email = email_of(email) if email else ""
    except FieldRefused as refused:
        errors["email"] = FieldError(refused.reason)
    try:
        phone = parse_phone(phone, country).e164 if phone else ""
    except PhoneRefused as refused:
        errors["phone"] = FieldError(refused.reason)
    try:
        postcode = parse_postcode(postcode, country) if postcode else ""
    except PostcodeRefused as refused:
        errors["postcode"] = FieldError(refused.reason)
    name, street, city = (forms.one_line(form.value(field)) for field in ("name", "street", "city"))
    return Contact(name or None, email or None, phone or None, postcode or None, street or None, city or None)


def _faults(lines: Sequence[Line], places: Sequence[int]) -> dict[str, FieldError]:
    """What the rules of orders say to these lines, at the field that it is about."""
    try:
        total_minor(lines)
    except TotalRefused:
        return {"total": FieldError("out_of_range")}
    except LineRefused as refused:
        words = refused.pointer.split("/")
        if len(words) < 4:
            return {"total": FieldError("missing")}
        field = {"unit_price_minor": "price", "vat_percent": "vat"}.get(words[3], words[3])
        return {f"line-{places[int(words[2])]}.{field}": FieldError(refused.reason)}
    return {}
