"""What may stand on an invoice about its seller. Pure.

The numbers are checked by the rules of the seller's country, so that a slip is found before it is printed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Final

from stdnum import bic as bics
from stdnum import iban as ibans
from stdnum.bg import vat as bg_vat
from stdnum.dk import cvr
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.fi import ytunnus
from stdnum.se import orgnr

from app.invoices.errors import SellerRefused
from app.invoices.queries import Seller
from app.kernel.errors import Refusal
from app.merchants.errors import FieldRefused
from app.merchants.rules import email_of

TEXT_MAX: Final[Mapping[str, int]] = {
    "name": 100,
    "street": 100,
    "postcode": 16,
    "city": 60,
    "phone": 40,
    "footer": 300,
}

_COMPANY_ID: Final[Mapping[str, Callable[[str], str]]] = {
    "FI": lambda text: ytunnus.format(ytunnus.validate(text)),
    "SE": lambda text: orgnr.format(orgnr.validate(text)),
    "DK": cvr.validate,
    "BG": bg_vat.validate,
}


class _Wrong(Refusal):
    """One field; `code_` says what is the matter with it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def checked_seller(typed: Seller, country: str, *, is_creditor: bool) -> Seller:
    """The same, each number written as its country writes it, nothing instead of empty texts.

    A seller who is the creditor needs an account. Raises SellerRefused with what is wrong, field by field.
    """
    checks: Mapping[str, Callable[[str], str]] = {
        "company_id": lambda text: _number(_COMPANY_ID.get(country, str), text),
        "vat_id": lambda text: _number(eu_vat.validate, text),
        "iban": lambda text: _number(ibans.validate, text),
        "bic": lambda text: _number(bics.validate, text),
        "email": _email,
    }
    good: dict[str, str | None] = {}
    errors: dict[str, str] = {}
    for name in (each.name for each in fields(Seller)):
        text = getattr(typed, name)
        try:
            good[name] = checks[name](text) if text and name in checks else _text(name, text or "")
        except _Wrong as wrong:
            errors[name] = wrong.reason
    if is_creditor and not typed.iban:
        errors["iban"] = "missing"
    if errors:
        raise SellerRefused(errors)
    return Seller(**good)


def _text(name: str, text: str) -> str | None:
    """On one line; the footer may have several."""
    lines = (" ".join(line.split()) for line in unicodedata.normalize("NFC", text).splitlines())
    clean = ("\n" if name == "footer" else " ").join(line for line in lines if line)
    if len(clean) > TEXT_MAX.get(name, 100):
        raise _Wrong("too_long")
    return clean or None


def _number(check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except InvalidChecksum:
        raise _Wrong("checksum") from None
    except ValidationError:
        raise _Wrong("malformed") from None


def _email(text: str) -> str:
    try:
        return email_of(text)
    except FieldRefused as refused:
        raise _Wrong(refused.reason) from None
