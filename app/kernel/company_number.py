"""The number of a company in its one form: by country, whichever way it was typed. The check digits are checked, not
whether the company exists."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from stdnum.bg import vat as bg_vat
from stdnum.dk import cvr
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.fi import ytunnus
from stdnum.se import orgnr

from app.kernel.errors import Refusal

CompanyNumberReason = Literal["empty", "malformed"]

_LONGEST_TEXT: Final = 32


class CompanyNumberRefused(Refusal):
    """The text is no company's number; `reason` says why."""

    code: ClassVar[str] = "company_number_refused"

    def __init__(self, reason: CompanyNumberReason) -> None:
        super().__init__()
        self.reason: CompanyNumberReason = reason


@dataclass(frozen=True, slots=True)
class CompanyNumber:
    """`country` is two letters; `value` the national number without separators in FI, SE, DK and BG, elsewhere the VAT
    number without its country mark. One company has one, however it was typed."""

    country: str
    value: str

    @property
    def printed(self) -> str:
        """As documents print it: "2077474-0", "556036-0793", a VAT number with its country mark."""
        if self.country == "FI":
            return ytunnus.format(self.value)
        if self.country == "SE":
            return orgnr.format(self.value)
        return self.value if self.country in {"DK", "BG"} else f"{self.country}{self.value}"

    @property
    def vat_id(self) -> str:
        """The VAT number that belongs to it; whether the company is registered for VAT is not known."""
        if self.country == "SE":
            return f"SE{self.value}01"
        mark = "EL" if self.country == "GR" else self.country
        return f"{mark}{self.value}"


@dataclass(frozen=True, slots=True)
class _National:
    """How a country numbers its companies: `validate` gives the bare number, or raises ValidationError."""

    validate: Callable[[str], str]
    from_vat: Callable[[str], str] = lambda digits: digits


def _bare(value: str) -> str:
    return str(bg_vat.validate(value)).removeprefix("BG")


_NATIONAL: Final = {
    "FI": _National(ytunnus.validate),
    "DK": _National(cvr.validate),
    # A Swedish VAT number ends with two digits that tell branches apart.
    "SE": _National(orgnr.validate, lambda digits: digits[:10]),
    "BG": _National(_bare),
}


def parse_company_number(text: str, country: str) -> CompanyNumber:
    """A number of a company of `country`, or a VAT number of any country of the European Union with its mark.

    Full-width digits, spaces, dots and hyphens are understood. Raises CompanyNumberRefused.
    """
    if len(text) > _LONGEST_TEXT:
        raise CompanyNumberRefused("malformed")
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    plain = "".join(visible.split()).upper()
    if not plain:
        raise CompanyNumberRefused("empty")
    if not plain.isascii():
        raise CompanyNumberRefused("malformed")
    try:
        if plain[:2].isalpha():
            return _of_vat(plain)
        national = _NATIONAL.get(country)
        if national is None:
            raise CompanyNumberRefused("malformed")
        return CompanyNumber(country, national.validate(plain))
    except ValidationError:
        raise CompanyNumberRefused("malformed") from None


def _of_vat(text: str) -> CompanyNumber:
    number = str(eu_vat.validate(text))
    mark, digits = number[:2], number[2:]
    country = "GR" if mark == "EL" else mark
    national = _NATIONAL.get(country)
    return CompanyNumber(country, national.validate(national.from_vat(digits)) if national else digits)
