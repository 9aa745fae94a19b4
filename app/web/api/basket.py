"""What every document about a basket is made of: lines, a customer, texts. All faults are gathered, none raised."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from app.checkout.drafts import ContactDraft
from app.kernel.company_number import CompanyNumberRefused, parse_company_number
from app.kernel.phone import PhoneRefused, parse_phone
from app.kernel.postcode import PostcodeRefused, parse_postcode
from app.law.rules import law_of
from app.merchants import rules as merchant_rules
from app.merchants.errors import FieldRefused
from app.orders.companies import Company
from app.orders.rules import Line
from app.web.api import schemas
from app.web.api.problems import fault

if TYPE_CHECKING:
    from app.web.shared.problems import FieldProblem

_JOINERS: Final = frozenset("\u200c\u200d")


def check_currency(currency: str, country: str, home_currency: str, faults: list[FieldProblem]) -> None:
    """The currency is that of the merchant's country (`home_currency`) or of the shopper's."""
    if currency not in {home_currency, law_of(country).currency}:
        faults.append(fault("/currency", "currency_mismatch"))


def line_of(given: schemas.NewLine, index: int, faults: list[FieldProblem]) -> Line:
    place = f"/lines/{index}"
    percent = given.vat_percent
    if percent.endswith("\n"):
        # `$` in a pattern lets one line break by.
        faults.append(fault(f"{place}/vat_percent", "malformed"))
        percent = "0"
    return Line(
        type=given.type,
        name=cleaned(given.name, f"{place}/name", faults),
        quantity=given.quantity,
        unit_price_minor=given.unit_price_minor,
        vat_percent=Decimal(percent),
        sku=optional(given.sku, f"{place}/sku", faults),
        category=optional(given.category, f"{place}/category", faults),
    )


def contact_of(given: schemas.NewCustomer, country: str, faults: list[FieldProblem]) -> ContactDraft:
    address, street_place = given.address, "/customer/address/street"
    if isinstance(address, str):
        address, street_place = schemas.NewAddress(street=address), "/customer/address"
    street, city = (None, None) if address is None else (address.street, address.city)
    return ContactDraft(
        name=optional(given.name, "/customer/name", faults),
        email=_email(given.email, faults),
        phone=_phone(given.phone, country, faults),
        postcode=_postcode(given.postcode, country, faults),
        street=optional(street, street_place, faults),
        city=optional(city, "/customer/address/city", faults),
    )


def company_of(given: schemas.NewSession, faults: list[FieldProblem]) -> Company | None:
    """The company that a business session is for, where the shop knows it."""
    if given.company is None:
        return None
    if given.buyer != "business":
        faults.append(fault("/company", "buyer_is_consumer"))
    name = cleaned(given.company.name, "/company/name", faults)
    purchase_order = optional(given.company.purchase_order, "/company/purchase_order", faults)
    try:
        number = parse_company_number(given.company.number, given.country)
    except CompanyNumberRefused as refused:
        faults.append(fault("/company/number", refused.reason))
        return None
    return Company(number, name, purchase_order)


def _email(text: str | None, faults: list[FieldProblem]) -> str | None:
    try:
        return None if text is None else merchant_rules.email_of(text)
    except FieldRefused as refused:
        faults.append(fault("/customer/email", refused.reason))
        return None


def _phone(text: str | None, country: str, faults: list[FieldProblem]) -> str | None:
    try:
        return None if text is None else parse_phone(text, country).e164
    except PhoneRefused as refused:
        faults.append(fault("/customer/phone", refused.reason))
        return None


def _postcode(text: str | None, country: str, faults: list[FieldProblem]) -> str | None:
    try:
        return None if text is None else parse_postcode(text, country)
    except PostcodeRefused as refused:
        faults.append(fault("/customer/postcode", refused.reason))
        return None


def optional(text: str | None, pointer: str, faults: list[FieldProblem]) -> str | None:
    return None if text is None else cleaned(text, pointer, faults)


def cleaned(text: str, pointer: str, faults: list[FieldProblem]) -> str:
    """NFC on one line, without characters that cannot be seen; joiners inside words and emoji stay."""
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    kept = "".join(
        c for c in spaced if c in _JOINERS or unicodedata.category(c) not in {"Cc", "Cf", "Cs"}
    ).strip()
    if not kept.strip("\u200c\u200d"):
        faults.append(fault(pointer, "empty"))
    return kept


def note_of(text: str | None, pointer: str, faults: list[FieldProblem]) -> str | None:
    """A text of several lines, each cleaned; nothing when nothing is left."""
    if text is None:
        return None
    unheeded: list[FieldProblem] = []
    lines = (cleaned(line, pointer, unheeded) for line in text.splitlines())
    kept = "\n".join(lines).strip()
    if not kept:
        faults.append(fault(pointer, "empty"))
    return kept or None
