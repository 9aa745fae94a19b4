"""Which lots an amount comes out of, and what is left. Pure: no database, no clock of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

# What is given back can be used for so long at least, however soon the lot that it was taken from is over.
BACK_LASTS_MIN: Final = timedelta(days=30)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NewLot:
    """The conditions of what comes in, in business time: None is usable at once, None never lapses."""

    expires_at: datetime | None = None
    usable_from: datetime | None = None

    def is_never_usable(self, now: datetime) -> bool:
        start = self.usable_from or now
        return self.expires_at is not None and self.expires_at <= max(start, now)


@dataclass(frozen=True, slots=True)
class Lot:
    """What came at once from one cause; of `amount_minor` so much is left, and of that so much is set aside."""

    id: UUID
    cause: str
    about: str
    amount_minor: int
    left_minor: int
    held_minor: int
    usable_from: datetime | None
    expires_at: datetime | None
    created_at: datetime

    @property
    def free_minor(self) -> int:
        return self.left_minor - self.held_minor

    def is_pending(self, now: datetime) -> bool:
        return self.usable_from is not None and now < self.usable_from

    def is_over(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def is_usable(self, now: datetime) -> bool:
        return not self.is_pending(now) and not self.is_over(now)


@dataclass(frozen=True, slots=True)
class Part:
    """So much of one lot."""

    lot_id: UUID
    amount_minor: int


def spending_order(lots: Iterable[Lot]) -> list[Lot]:
    """What lapses first goes first, what never lapses last; of equals the one that came first."""
    return sorted(lots, key=lambda lot: (lot.expires_at or _NEVER, lot.created_at, lot.id))


def usable(lots: Iterable[Lot], now: datetime) -> list[Lot]:
    """What can be spent now, in the order it is spent."""
    return spending_order(lot for lot in lots if lot.is_usable(now) and lot.free_minor)


def available_minor(lots: Iterable[Lot], debt_minor: int, now: datetime) -> int:
    """What can be spent now: a debt goes first, and a hold released into one does not free what it owes."""
    return max(0, sum(lot.free_minor for lot in usable(lots, now)) - debt_minor)


def parts_of(lots: Sequence[Lot], amount_minor: int) -> list[Part]:
    """Up to so much of the free parts of these lots, in the order given."""
    parts = []
    for lot in lots:
        part = min(lot.free_minor, amount_minor)
        if part > 0:
            parts.append(Part(lot.id, part))
            amount_minor -= part
    return parts


def split(parts: Sequence[Part], amount_minor: int) -> tuple[list[Part], list[Part]]:
    """The first so much of these parts, and the rest."""
    first, rest = [], []
    for part in parts:
        taken = min(part.amount_minor, amount_minor)
        amount_minor -= taken
        if taken:
            first.append(Part(part.lot_id, taken))
        if part.amount_minor > taken:
            rest.append(Part(part.lot_id, part.amount_minor - taken))
    return first, rest


def total(parts: Iterable[Part]) -> int:
    return sum(part.amount_minor for part in parts)
