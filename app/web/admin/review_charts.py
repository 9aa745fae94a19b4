"""Columns of a chart in the units of its picture, a hundred high. Pure: the template draws them as an SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HEIGHT: Final = 100
# A column with the gap behind it, and the column alone.
_STEP: Final = 20
_WIDTH: Final = 14


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a column, `height` down from `y`; `place` is that of its series, which has one colour."""

    place: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Column:
    x: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """`top` is the value that a column of the full height stands for; 0: there is nothing to show."""

    columns: tuple[Column, ...]
    top: int
    width: int
    column_width: int = _WIDTH


def chart_of(columns: Sequence[Sequence[int]]) -> Chart:
    """Each column is the values of its series, which stand on each other from the foot up. None is negative."""
    top = max((sum(values) for values in columns), default=0)
    return Chart(
        columns=tuple(Column(at * _STEP, _parts(values, top)) for at, values in enumerate(columns)),
        top=top,
        width=max(1, len(columns) * _STEP - (_STEP - _WIDTH)),
    )


def _parts(values: Sequence[int], top: int) -> tuple[Part, ...]:
    """From the heights that the sums reach, so that rounding never adds up; what is there at all is seen."""
    parts: list[Part] = []
    reached, so_far = 0, 0
    for place, value in enumerate(values):
        so_far += value
        if value:
            height = max(1, so_far * HEIGHT // top - reached)
            reached = min(HEIGHT, reached + height)
            parts.append(Part(place, HEIGHT - reached, height))
    return tuple(parts)
