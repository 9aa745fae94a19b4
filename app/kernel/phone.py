"""A mobile phone number in its one written form, E.164, from whatever a person typed."""

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import phonenumbers
from phonenumbers import PhoneNumberType

from app.kernel.errors import Refusal

CALLING_CODES: Final = {"FI": 358, "SE": 46, "DK": 45, "BG": 359}
"""The countries served. Åland shares Finland's code."""

EXAMPLES: Final = {"FI": "040 123 4567", "SE": "070 174 06 05", "DK": "20 12 34 56", "BG": "0888 123 456"}
"""How people of each country served write a number."""

PhoneReason = Literal["empty", "malformed", "not_mobile", "premium", "country_not_served"]

_MOBILE: Final = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
_PREMIUM: Final = frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST})
_SEPARATORS: Final = re.compile(r"[\s().\-/\u2010-\u2015\u2212]+")
_DIGITS: Final = re.compile(r"\+?[0-9]{4,17}")
_LONGEST_TEXT: Final = 64


class PhoneRefused(Refusal):
    """The text is no mobile number we can send a code to; `reason` says why. The text itself is not kept."""

    code: ClassVar[str] = "phone_refused"

    def __init__(self, reason: PhoneReason) -> None:
        super().__init__()
        self.reason: PhoneReason = reason


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """`e164` like "+358401234567". Only `parse_phone` makes one from outside text."""

    e164: str


def parse_phone(text: str, country: str) -> PhoneNumber:
    """The number that `text` means in `country` (ISO 3166, two letters), which must be a served one.

    Spaces, hyphens, dots, slashes, parentheses, full-width signs, digits of any script, invisible marks from a
    contact book, and the prefixes 00 and "+358 (0)" all lead to one form. A number written with another served
    country's code is taken. Raises PhoneRefused.
    """
    if country not in CALLING_CODES:
        raise PhoneRefused("country_not_served")
    compact = _compact(text)
    if not compact:
        raise PhoneRefused("empty")
    if not _DIGITS.fullmatch(compact):
        raise PhoneRefused("malformed")
    try:
        number = phonenumbers.parse(compact, country)
    except phonenumbers.NumberParseException:
        raise PhoneRefused("malformed") from None
    if number.country_code not in CALLING_CODES.values():
        raise PhoneRefused("country_not_served")
    kind = phonenumbers.number_type(number)
    if kind in _PREMIUM:
        raise PhoneRefused("premium")
    if kind == PhoneNumberType.UNKNOWN:
        raise PhoneRefused("malformed")
    if kind not in _MOBILE:
        raise PhoneRefused("not_mobile")
    return PhoneNumber(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def route_of(e164: str) -> str:
    """The country whose network carries messages to this number, as its calling code; empty for one not served."""
    return next((str(code) for code in CALLING_CODES.values() if e164.startswith(f"+{code}")), "")


def masked(e164: str) -> str:
    """A number that its owner knows again and nobody else learns: "+358 •• ••• 4567"."""
    code = route_of(e164)
    prefix = f"+{code} " if code else ""
    return f"{prefix}•• ••• {e164[-4:]}"


def _compact(text: str) -> str:
    if len(text) > _LONGEST_TEXT:
        raise PhoneRefused("malformed")
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    # Whoever types in another script means the same digits.
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in visible)
    compact = _SEPARATORS.sub("", plain)
    return f"+{compact[2:]}" if compact.startswith("00") else compact
