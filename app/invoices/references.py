"""How a payment names itself: Finnish references, RF references (ISO 11649), the bank barcode, the EPC QR code. Pure.

Sources: the Finnish reference number and the virtual bank barcode as Finance Finland describes them (54 digits, Code
128 C, versions 4 and 5); ISO 11649; the European Payments Council's guideline 069-12 for the QR code.
"""

from __future__ import annotations

from datetime import date
from itertools import cycle
from typing import Final

import segno
from segno import helpers
from stdnum import iban as ibans
from stdnum import iso11649
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError
from stdnum.iso7064 import mod_97_10

from app.invoices.errors import BarcodeRefused, ReferenceRefused
from app.kernel.money import Money

WEIGHTS: Final = (7, 3, 1)
REFERENCE_DIGITS: Final = range(4, 21)
BARCODE_AMOUNT_MAX_MINOR: Final = 999_999_99
QR_NAME_MAX: Final = 70
_QR_AMOUNT_MAX_MINOR: Final = 999_999_999_99
_FINNISH_IBAN_LENGTH: Final = 18


def finnish_reference(base: str | int) -> str:
    """The reference of a base of 3 to 19 digits: leading zeros dropped, the check digit at the end.

    Raises ReferenceRefused.
    """
    digits = _digits(str(base)).lstrip("0")
    if len(digits) + 1 not in REFERENCE_DIGITS:
        raise ReferenceRefused("length")
    return digits + _check_digit(digits)


def rf_reference(reference: str) -> str:
    """The RF reference of a Finnish one, without spaces; an RF reference is checked and comes back as it is.

    Spaces are let pass. Raises ReferenceRefused.
    """
    if _compact(reference).startswith("RF"):
        return _checked_rf(reference)
    national = _checked_national(reference)
    return f"RF{mod_97_10.calc_check_digits(national + 'RF')}{national}"


def virtual_barcode(iban: str, reference: str, amount_minor: int, due: date | None, version: int) -> str:
    """The 54 digits of the Finnish bank barcode: account, amount in cents, reference, due date (zeros for None).

    Version 4 carries a Finnish reference, version 5 an RF reference; each is made from the other where it can be.
    Spaces are let pass. Raises ReferenceRefused, BarcodeRefused.
    """
    if version not in {4, 5}:
        raise BarcodeRefused("version")
    if type(amount_minor) is not int or not 0 <= amount_minor <= BARCODE_AMOUNT_MAX_MINOR:
        raise BarcodeRefused("amount_minor")
    account = _finnish_account(iban)
    if version == 4:
        field = f"000{_national(reference):0>20}"
    else:
        rf = rf_reference(reference)
        # The barcode is digits alone: an RF reference with letters has none.
        field = f"{rf[2:4]}{_digits(rf[4:]):0>21}"
    day = "000000" if due is None else f"{due:%y%m%d}"
    return f"{version}{account}{amount_minor:08d}{field}{day}"


def epc_qr(name: str, iban: str, amount: Money, reference: str) -> segno.QRCode:
    """The QR code that a banking app turns into a SEPA transfer in euros, with the RF reference.

    `name` is cut to the 70 characters that the code may hold. The text is UTF-8, the one encoding that every reader
    guesses right: a QR code itself does not tell. Raises ReferenceRefused, BarcodeRefused.
    """
    if amount.currency != "EUR" or not 1 <= amount.amount_minor <= _QR_AMOUNT_MAX_MINOR:
        raise BarcodeRefused("amount_minor")
    return helpers.make_epc_qr(
        name=name[:QR_NAME_MAX],
        iban=checked_iban(iban),
        amount=amount.major,
        reference=rf_reference(reference),
        encoding="utf-8",
    )


def in_groups(reference: str) -> str:
    """A reference as people read it: RF in fours from the left, a Finnish one in fives from the right."""
    compact = _compact(reference)
    if compact.startswith("RF"):
        return iso11649.format(compact)
    first = len(compact) % 5 or 5
    groups = [compact[:first], *(compact[at : at + 5] for at in range(first, len(compact), 5))]
    return " ".join(groups)


def checked_iban(iban: str) -> str:
    """An account number without spaces. Raises BarcodeRefused when its check digits or its country are wrong."""
    try:
        return ibans.validate(iban)
    except ValidationError:
        raise BarcodeRefused("iban") from None


def iban_in_groups(iban: str) -> str:
    return ibans.format(iban)


def _compact(text: str) -> str:
    return "".join(text.split()).upper()


def _digits(text: str) -> str:
    compact = _compact(text)
    if not (compact.isascii() and compact.isdigit()):
        raise ReferenceRefused("malformed")
    return compact


def _check_digit(digits: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(reversed(digits), cycle(WEIGHTS), strict=False))
    return str(-total % 10)


def _checked_national(reference: str) -> str:
    digits = _digits(reference).lstrip("0")
    if len(digits) not in REFERENCE_DIGITS:
        raise ReferenceRefused("length")
    if _check_digit(digits[:-1]) != digits[-1]:
        raise ReferenceRefused("checksum")
    return digits


def _checked_rf(reference: str) -> str:
    try:
        return iso11649.validate(_compact(reference))
    except InvalidLength:
        raise ReferenceRefused("length") from None
    except InvalidChecksum:
        raise ReferenceRefused("checksum") from None
    except ValidationError:
        raise ReferenceRefused("malformed") from None


def _national(reference: str) -> str:
    compact = _compact(reference)
    return _checked_national(_checked_rf(compact)[4:] if compact.startswith("RF") else compact)


def _finnish_account(iban: str) -> str:
    compact = checked_iban(iban)
    if not compact.startswith("FI") or len(compact) != _FINNISH_IBAN_LENGTH:
        raise BarcodeRefused("iban")
    return compact[2:]
