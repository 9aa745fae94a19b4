"""A payment schedule as a small picture: one column a payment, from the first to the last.

Every column is the price's part below, then the interest, then the fees. A part of all columns is one SVG path,
so that 36 payments cost a page a few hundred bytes. Shapes only: the figures stand beside it in text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.plans.disclosure import ScheduleRow

# The drawing is stretched to its place: only the proportions of these numbers count.
HEIGHT: Final = 100
COLUMN: Final = 10
GAP: Final = 2


@dataclass(frozen=True, slots=True)
class SchedulePicture:
    """The `d` of three paths in a drawing of `width` x `HEIGHT`; a part that no payment has is empty."""

    width: int
    price: str
    interest: str
    fees: str


def picture_of(rows: Sequence[ScheduleRow]) -> SchedulePicture:
    """Heights are in proportion to the largest payment."""
    largest = max(row.amount.amount_minor for row in rows)
    paths: tuple[list[str], list[str], list[str]] = ([], [], [])
    for place, row in enumerate(rows):
        below = 0
        for path, part in zip(paths, (row.principal, row.interest, row.fee), strict=True):
            reached = below + part.amount_minor
            bottom, top = _level(below, largest), _level(reached, largest)
            if top < bottom:
                width, height = COLUMN - GAP, bottom - top
                path.append(f"M{place * COLUMN} {top}h{width}v{height}h-{width}z")
            below = reached
    return SchedulePicture(len(rows) * COLUMN - GAP, *("".join(path) for path in paths))


def _level(amount_minor: int, largest_minor: int) -> int:
    """How far below the drawing's upper edge an amount ends, in whole units."""
    return HEIGHT - (HEIGHT * amount_minor + largest_minor // 2) // largest_minor
