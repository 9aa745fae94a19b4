"""What a reusable link may be, and what somebody who pays by it may type. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from app.kernel.card_numbers import holds_card_number
from app.kernel.typed import amount_minor, clean, one_line, percent
from app.links.reusable.errors import Closed, FieldWrong
from app.links.rules import VALIDITY_MAX
from app.orders.rules import UNIT_PRICE_MAX_MINOR

Buyer = Literal["consumer", "business"]

TITLE_MAX: Final = 200
REFERENCE_MAX: Final = 100
HINT_MAX: Final = 100
USES_MAX: Final = 100_000
AMOUNT_MIN_MINOR: Final = 1
AMOUNT_MAX_MINOR: Final = UNIT_PRICE_MAX_MINOR
NO_VAT: Final = Decimal(0)
# What a free sum may be unless the shop says better: enough for a slip of a finger to be noticed.
FREE_MIN_MINOR: Final = 1_00
FREE_MAX_MINOR: Final = 5_000_00


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reusable link asks for. Either `amount_minor` is fixed, or whoever pays types a sum from `min_minor` to
    `max_minor`, in minor units of the shop's currency. Either `reference` is the same for all, or they type one, asked
    for by the words of `reference_hint`. `uses_max` payments at most, None for any number; `valid_until` is the last
    day.
    """

    title: str
    buyer: Buyer
    amount_minor: int | None
    min_minor: int | None
    max_minor: int | None
    vat_percent: Decimal
    reference: str | None
    reference_hint: str | None
    uses_max: int | None
    valid_until: date | None


def title_of(text: str) -> str:
    """Raises FieldWrong: title missing, too_long, card_number."""
    return _line(text, "title", TITLE_MAX)


def reference_of(text: str) -> str:
    """A reference that somebody types. The number of a card is none: it must be kept nowhere. Raises FieldWrong:
    reference missing, too_long, card_number."""
    return _line(text, "reference", REFERENCE_MAX)


def hint_of(text: str) -> str | None:
    """What whoever pays is asked for. Raises FieldWrong: reference_hint too_long."""
    words = one_line(clean(text))
    if len(words) > HINT_MAX:
        raise FieldWrong("reference_hint", "too_long")
    return words or None


def sum_of(text: str, field: str, *, least: int = AMOUNT_MIN_MINOR, most: int = AMOUNT_MAX_MINOR) -> int:
    """A sum that somebody types, in minor units. Raises FieldWrong: missing, malformed, too_small (`least`), too_large
    (`most`)."""
    typed = one_line(clean(text))
    if not typed:
        raise FieldWrong(field, "missing")
    amount = amount_minor(typed)
    if amount is None:
        raise FieldWrong(field, "malformed")
    if amount < least:
        raise FieldWrong(field, "too_small", amount_minor=least)
    if amount > most:
        raise FieldWrong(field, "too_large", amount_minor=most)
    return amount


def rate_of(text: str) -> Decimal:
    """Raises FieldWrong: vat missing, malformed."""
    if not text.strip():
        raise FieldWrong("vat", "missing")
    rate = percent(text)
    if rate is None:
        raise FieldWrong("vat", "malformed")
    return rate


def uses_of(text: str) -> int | None:
    """How often a link may be paid by; None for any number. Raises FieldWrong: uses malformed."""
    if not text:
        return None
    uses = int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0
    if not 1 <= uses <= USES_MAX:
        raise FieldWrong("uses", "malformed")
    return uses


def last_day_of(text: str, today: date) -> date | None:
    """The last day of a link, as a date field sends it; None for none. Raises FieldWrong: until malformed,
    out_of_range."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise FieldWrong("until", "malformed") from None
    if not today <= day <= today + VALIDITY_MAX:
        raise FieldWrong("until", "out_of_range")
    return day


def why_closed(
    state: str, expires_at: datetime | None, uses: int, uses_max: int | None, now: datetime
) -> Closed | None:
    """Why nothing can be paid by a link now; None where it can. `uses` are payments made or on their way."""
    if state != "active":
        return "stopped"
    if expires_at is not None and now >= expires_at:
        return "lapsed"
    return "used_up" if uses_max is not None and uses >= uses_max else None


def _line(text: str, field: str, longest: int) -> str:
    words = one_line(clean(text))
    if not words:
        raise FieldWrong(field, "missing")
    if len(words) > longest:
        raise FieldWrong(field, "too_long")
    if holds_card_number(words):
        raise FieldWrong(field, "card_number")
    return words
