"""What staff may record of money that came outside the checkout, and where it lies in the books. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, Literal

from app.kernel.money import MAX_AMOUNT_MINOR, Money
from app.ledger.rules import MERCHANT_CASH, Account, bank_of
from app.payments.errors import RecordRefused

Source = Literal["bank", "cash"]

SOURCES: Final[tuple[Source, ...]] = ("bank", "cash")
NOTE_LENGTH_MAX: Final = 500
# An older day is a slip of the finger far more often than a payment.
RECORDED_WITHIN: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Received:
    """What came in, how and on which day, who says so, and `key`, which names this payment once and for all.

    The note is for the shop's own eyes, and shown in no representation: it may name whoever paid.
    """

    amount: Money
    source: Source
    received_on: date
    actor: str
    key: str
    note: str | None = field(default=None, repr=False)


def check(received: Received, today: date) -> None:
    """Whether this can have come in by `today`, the merchant's local day. Raises RecordRefused."""
    if not 0 < received.amount.amount_minor <= MAX_AMOUNT_MINOR:
        raise RecordRefused("amount", "out_of_range")
    if not today - RECORDED_WITHIN <= received.received_on <= today:
        raise RecordRefused("received_on", "out_of_range")
    if received.note is not None and not 0 < len(received.note) <= NOTE_LENGTH_MAX:
        raise RecordRefused("note", "too_long")


def account_of(source: Source) -> Account:
    """Where the money lies: it came to the shop itself, whoever its creditor is."""
    return bank_of("merchant") if source == "bank" else MERCHANT_CASH
