"""National numbers that are well formed and belong to nobody, for the people of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from stdnum import luhn
from stdnum.dk import cpr, cvr
from stdnum.fi import ytunnus

_FINNISH_CHECKS: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def national_number(country: str, birthdate: date, draw: int) -> str:
    """The number of somebody invented; `draw` (any natural number) picks one of those that a birthday has."""
    if country == "DK":
        return _danish(birthdate, draw)
    return _swedish(birthdate, draw) if country == "SE" else finnish(birthdate, 900 + draw % 100)


def finnish(birthdate: date, individual: int) -> str:
    """A Finnish personal identity code (DVV): day, century sign, individual number, check character. The register gives
    an individual number from 900 on to nobody."""
    sign = {18: "+", 19: "-", 20: "A"}[birthdate.year // 100]
    digits = f"{birthdate:%d%m%y}{individual:03d}"
    return f"{birthdate:%d%m%y}{sign}{individual:03d}{_FINNISH_CHECKS[int(digits) % 31]}"


def company_number(country: str, draw: int) -> str:
    """The number of a company that was never founded, from a part of the range that no register has come to; `draw`
    (any natural number) picks one."""
    if country == "DK":
        return next(number for number in _from(f"99{draw % 10**4:04d}") if cvr.is_valid(number))
    if country == "SE":
        # A limited company begins with 5; the third digit is above 1, the month that a person's number has there.
        head = f"5599{draw % 10**5:05d}"
        return f"{head[:6]}-{head[6:]}{luhn.calc_check_digit(head)}"
    return next(
        ytunnus.format(number) for number in _from(f"00{draw % 10**4:04d}") if ytunnus.is_valid(number)
    )


def _from(head: str) -> Iterator[str]:
    """Eight digits that begin like this; of each ten in a row one has the right check digit."""
    missing = 8 - len(head)
    return (f"{head}{tail:0{missing}d}" for tail in range(10**missing))


def _danish(birthdate: date, draw: int) -> str:
    """A CPR number whose old check digit is wrong: none such was given to anybody born before 2007, but for a few who
    are registered on the first of January."""
    # The first digit of the running number tells the century.
    lowest = 0 if birthdate.year < 2000 else 4000
    for step in range(2):
        number = f"{birthdate:%d%m%y}{lowest + (draw + step) % 4000:04d}"
        if cpr.checksum(number) != 0:
            return number
    raise AssertionError("of two running numbers in a row one has a wrong check digit")


def _swedish(birthdate: date, draw: int) -> str:
    """A personnummer with a birth number of 238 or 239, which Skatteverket sets aside for tests."""
    number = f"{birthdate:%y%m%d}{238 + draw % 2}"
    return f"{birthdate:%Y%m%d}-{238 + draw % 2}{luhn.calc_check_digit(number)}"
