"""Everything that an information sheet or a signed agreement says, as one value. Its figures are the quote's.

The sheet before signing and the agreement after it are the same value but for `signed`. Words are not in it: they come
from the catalogue of the language (`app/agreements/words.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from app.plans.errors import QuoteDamagedError
from app.plans.quote import Quote


@dataclass(frozen=True, slots=True)
class Party:
    """Who lends, sells or borrows. `address` is one line, "" where nobody has said it."""

    name: str
    company_id: str | None = None
    address: str = ""
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the purchase; the sum is in minor units of the quote's currency."""

    name: str
    quantity: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What the law says on the day of the quote: days, and percent as text."""

    withdrawal_days: int
    withdrawal_repay_days: int
    early_repayment_max_percent: str
    early_repayment_max_percent_last_year: str


@dataclass(frozen=True, slots=True)
class Signed:
    """The purchase that made an agreement of the sheet. `time_zone` is the merchant's, where its time is told."""

    borrower: Party
    order_reference: str
    signed_at: datetime
    time_zone: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """`intermediary` is the shop where another one lends. `official` tells that an operator vouched for the wording;
    `database` and `complaints` are the country's own names, None while they are not known."""

    quote: Quote
    creditor: Party
    intermediary: Party | None
    goods: tuple[Item, ...]
    terms: Terms
    official: bool
    database: str | None
    complaints: str | None
    signed: Signed | None = None
    version: int = 1

    def to_data(self) -> dict[str, object]:
        """As plain objects, for a jsonb column."""
        data: dict[str, object] = msgspec.json.decode(_ENCODER.encode(self))
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> Sheet:
        """From what the column gives back. Raises QuoteDamagedError when it never came from `to_data`, or its figures
        are not those of its quote's id."""
        try:
            return msgspec.convert(data, type=cls)
        except msgspec.ValidationError as error:
            raise QuoteDamagedError(str(error)) from error


_ENCODER: Final = msgspec.json.Encoder(order="sorted")
