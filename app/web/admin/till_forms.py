"""What staff type at the till, read. No database, no request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from app.kernel import typed
from app.kernel.phone import PhoneRefused, parse_phone
from app.kernel.postcode import PostcodeRefused, parse_postcode
from app.merchants.errors import FieldRefused
from app.merchants.rules import email_of
from app.orders.rules import QUANTITY_MAX, UNIT_PRICE_MAX_MINOR
from app.till.actions.book import CustomerDetails
from app.till.actions.setup import ProductDetails
from app.till.addresses import meant
from app.till.rules import Discount, Product
from app.web.shared import forms
from app.web.shared.forms import FieldError, Form

PERCENTS: Final = (5, 10, 15, 20, 25, 50)
_SIGN: Final = re.compile(r"[A-Z0-9]{1,8}", re.ASCII)
_LENGTHS: Final[Mapping[str, int]] = MappingProxyType({"name": 100, "street": 200, "city": 100})


@dataclass(frozen=True, slots=True)
class Amount:
    """Something to sell that is on no list."""

    name: str
    amount_minor: int
    percent: Decimal


@dataclass(frozen=True, slots=True)
class LineChange:
    quantity: int
    unit_price_minor: int


def product_of(form: Form) -> ProductDetails | Form:
    """An entry of the price list as typed, or the form with what is wrong in it."""
    errors: dict[str, FieldError] = {}
    name = _words(form, "name", 200, errors)
    category = _words(form, "category", 60, errors, needed=False)
    sku = _words(form, "sku", 100, errors, needed=False)
    price, percent = _price(form, "price", errors), _percent(form, errors)
    if errors or price is None or percent is None:
        return form.refused(**errors)
    return ProductDetails(name, category or None, sku or None, price, percent)


def form_of(product: Product) -> Form:
    return Form(
        {
            "name": product.name,
            "category": product.category or "",
            "sku": product.sku or "",
            "price": money_typed(product.price_minor),
            "vat": percent_typed(product.vat_percent),
        }
    )


def till_of(form: Form) -> tuple[str, str] | Form:
    """Name and sign of a till as typed; without a sign it is made of the name's letters and figures."""
    errors: dict[str, FieldError] = {}
    name = _words(form, "till", 60, errors)
    sign = form.value("sign").upper() or _sign_of(name)
    if not errors and _SIGN.fullmatch(sign) is None:
        errors["sign"] = FieldError("malformed")
    return form.refused(**errors) if errors else (name, sign)


def _sign_of(name: str) -> str:
    """`Till 1` -> `T1`: the first letter or all figures of each word."""
    words = re.findall(r"\d+|[A-Za-z]+", name)
    return "".join(word if word.isdigit() else word[0] for word in words).upper()[:8]


def amount_of(form: Form) -> Amount | Form:
    errors: dict[str, FieldError] = {}
    price, percent = _price(form, "price", errors), _percent(form, errors)
    name = _words(form, "name", 200, errors)
    if errors or price is None or percent is None:
        return form.refused(**errors)
    return Amount(name, price, percent)


def line_of(form: Form) -> LineChange | Form:
    errors: dict[str, FieldError] = {}
    price = _price(form, "price", errors)
    text = form.value("quantity")
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= QUANTITY_MAX):
        errors["quantity"] = FieldError("malformed")
    if errors or price is None:
        return form.refused(**errors)
    return LineChange(int(text), price)


def discount_of(form: Form) -> Discount | Form:
    """A share that was tapped or typed, or a sum."""
    share = form.value("percent")
    if share:
        percent = typed.percent(share)
        if percent is None or not percent:
            return form.refused(percent=FieldError("malformed"))
        return Discount(percent=percent)
    minor = typed.amount_minor(form.value("off"))
    if minor is None or not 0 < minor <= UNIT_PRICE_MAX_MINOR:
        return form.refused(off=FieldError("malformed"))
    return Discount(amount_minor=minor)


def customer_of(form: Form, country: str) -> CustomerDetails | Form:
    """A customer as typed, or the form with what is wrong in it. Without an e-mail nobody is sent a link."""
    errors: dict[str, FieldError] = {}
    for name, longest in _LENGTHS.items():
        if len(form.value(name)) > longest:
            errors[name] = FieldError("too_long")
    values = {name: forms.one_line(form.value(name)) for name in ("name", "street", "city")}
    if not values["name"]:
        errors["name"] = FieldError("missing")
    email, phone, postcode = form.value("email"), form.value("phone"), form.value("postcode")
    try:
        email = email_of(email)
    except FieldRefused as refused:
        errors["email"] = FieldError("missing" if refused.reason == "empty" else refused.reason)
    try:
        phone = parse_phone(phone, country).e164 if phone else ""
    except PhoneRefused as refused:
        errors["phone"] = FieldError(refused.reason)
    try:
        postcode = parse_postcode(postcode, country) if postcode else ""
    except PostcodeRefused as refused:
        errors["postcode"] = FieldError(refused.reason)
    if errors:
        return form.refused(**errors)
    return CustomerDetails(
        "business" if form.value("buyer") == "business" else "consumer",
        values["name"],
        email,
        phone or None,
        values["street"] or None,
        postcode or None,
        values["city"] or None,
    )


def slip_in(form: Form) -> str | None:
    """The address that was probably meant, unless somebody has looked at it and means what is typed."""
    email = form.value("email")
    return None if form.value("sure") == email else meant(email)


def begun_from(search: str) -> Form:
    """A new customer's form with what was searched for in its field."""
    if "@" in search:
        return Form({"email": search})
    if re.fullmatch(r"[+\d][\d\s()./-]{4,}", search):
        return Form({"phone": search})
    return Form({"name": search})


def money_typed(amount_minor: int) -> str:
    """As somebody would type it."""
    return f"{amount_minor // 100}.{amount_minor % 100:02d}"


def percent_typed(percent: Decimal) -> str:
    text = f"{percent:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rates_of(products: Sequence[Product]) -> tuple[str, ...]:
    """The rates of VAT that the price list uses, the highest first."""
    return tuple(
        percent_typed(rate) for rate in sorted({each.vat_percent for each in products}, reverse=True)
    )


def _words(form: Form, name: str, longest: int, errors: dict[str, FieldError], *, needed: bool = True) -> str:
    words = forms.one_line(form.value(name))
    if needed and not words:
        errors[name] = FieldError("missing")
    if len(words) > longest:
        errors[name] = FieldError("too_long")
    return words


def _price(form: Form, name: str, errors: dict[str, FieldError]) -> int | None:
    minor = typed.amount_minor(form.value(name))
    if minor is None or not 0 <= minor <= UNIT_PRICE_MAX_MINOR:
        errors[name] = FieldError("malformed" if form.value(name) else "missing")
        return None
    return minor


def _percent(form: Form, errors: dict[str, FieldError]) -> Decimal | None:
    percent = typed.percent(form.value("vat"))
    if percent is None:
        errors["vat"] = FieldError("malformed" if form.value("vat") else "missing")
    return percent
