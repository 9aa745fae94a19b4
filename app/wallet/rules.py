"""Why a wallet's money moves, where the other half of each transfer stands, and what may lapse. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from stdnum import iban as iban_numbers
from stdnum.exceptions import ValidationError

from app.kernel.money import Money
from app.law.rules import law_of
from app.ledger.rules import GOODWILL, LOYALTY_COST, MERCHANT_PAYABLE, MERCHANT_SALES, Account, Creditor
from app.wallet.errors import AdjustmentRefused, MayNotLapse, PayoutRefused

NOTE_LENGTH_MAX: Final = 500
HOLDER_LENGTH_MAX: Final = 100
# The figure of the law files that `checked_lapse` reads.
LAPSE_FIGURE: Final = "wallet_gift_lapse_min_days"


class WalletCause(StrEnum):
    """Why money came into a wallet or left it: the cause of its transfer, which a statement words for the customer."""

    REFUND = "refund"
    POINTS = "points"
    GIFT = "gift"
    APOLOGY = "apology"
    PRICE = "price"
    MISTAKE = "mistake"
    PAYMENT = "wallet_payment"
    GIVEN_BACK = "wallet_given_back"
    PAYOUT = "payout"
    LAPSED = "lapse"


# Before the id of a turn of points into money: the key of the money's movement.
TURNED_KEY: Final = "points:"

# What staff may give as the reason for a change; by the last one alone may a wallet lose money.
ADJUSTMENT_CAUSES: Final = (
    WalletCause.GIFT,
    WalletCause.APOLOGY,
    WalletCause.PRICE,
    WalletCause.MISTAKE,
)
# What the shop gave without being paid for it. All else is the customer's own money and never lapses.
GIVEN: Final = frozenset({WalletCause.POINTS, WalletCause.GIFT, WalletCause.APOLOGY})


def against_of(cause: WalletCause, creditor: Creditor) -> Account:
    """Where the other half of money that comes into a wallet stands.

    The operator, where it is the creditor, owes the shop that much less. A shop that is its own creditor sees what its
    kindness costs.
    """
    if creditor == "operator":
        return MERCHANT_PAYABLE
    if cause in {WalletCause.REFUND, WalletCause.PRICE}:
        return MERCHANT_SALES
    return LOYALTY_COST if cause is WalletCause.POINTS else GOODWILL


def earliest_lapse(cause: WalletCause, country: str, today: date) -> date | None:
    """The first day on which money that comes today may lapse; None when it never may.

    Source: the country's law file, `wallet_gift_lapse_min_days`. Where the file says nothing, nothing lapses.
    """
    figure = law_of(country).find(LAPSE_FIGURE, today) if cause in GIVEN else None
    return None if figure is None else today + timedelta(days=int(figure.value))


def checked_lapse(cause: WalletCause, lapses_on: date | None, country: str, today: date) -> None:
    """Raises MayNotLapse: the customer's own money, or too soon."""
    if lapses_on is None:
        return
    earliest = earliest_lapse(cause, country, today)
    if earliest is None or lapses_on < earliest:
        raise MayNotLapse(earliest)


def checked_adjustment(cause: WalletCause, amount: Money, note: str) -> str:
    """The note, on one line. Raises AdjustmentRefused."""
    if cause not in ADJUSTMENT_CAUSES:
        raise AdjustmentRefused("cause", "malformed")
    if not amount:
        raise AdjustmentRefused("amount", "malformed")
    if amount.amount_minor < 0 and cause is not WalletCause.MISTAKE:
        raise AdjustmentRefused("cause", "only_gives")
    text = _one_line(note)
    if not text:
        raise AdjustmentRefused("note", "empty")
    if len(text) > NOTE_LENGTH_MAX:
        raise AdjustmentRefused("note", "too_long")
    return text


def iban_of(text: str) -> str:
    """An account number in its compact form. Raises PayoutRefused ("iban"): empty, malformed."""
    compact = re.sub(r"\s", "", text).upper()
    if not compact:
        raise PayoutRefused("iban", "empty")
    try:
        if not compact.isascii():
            raise PayoutRefused("iban", "malformed")
        return str(iban_numbers.validate(compact))
    except ValidationError:
        raise PayoutRefused("iban", "malformed") from None


def holder_of(text: str) -> str:
    """Whose account it is. Raises PayoutRefused ("holder"): empty, too_long."""
    name = _one_line(text)
    if not name:
        raise PayoutRefused("holder", "empty")
    if len(name) > HOLDER_LENGTH_MAX:
        raise PayoutRefused("holder", "too_long")
    return name


def _one_line(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
