"""The times over which the figures of reviews are told: days, weeks or months of a shop's calendar. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

Unit = Literal["day", "week", "month"]
UNITS: Final[tuple[Unit, ...]] = ("day", "week", "month")
# So many of each are shown, the one of today included: about a month, a quarter, a year.
COUNTS: Final[dict[Unit, int]] = {"day": 30, "week": 13, "month": 12}
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Span:
    """`starts` are the first days of its periods, oldest first; `end` is the day after today."""

    unit: Unit
    time_zone: str
    starts: tuple[date, ...]
    end: date

    @property
    def since(self) -> datetime:
        """UTC."""
        return _midnight(self.starts[0], self.time_zone)

    @property
    def until(self) -> datetime:
        """UTC; what happened then is of tomorrow."""
        return _midnight(self.end, self.time_zone)

    @property
    def days(self) -> int:
        return (self.end - self.starts[0]).days


def span_of(unit: Unit, today: date, time_zone: str) -> Span:
    """The periods up to the one of `today`, as the database's `date_trunc` draws them: weeks begin on Monday."""
    at = {"day": today, "week": today - timedelta(days=today.weekday()), "month": today.replace(day=1)}[unit]
    starts = [at]
    while len(starts) < COUNTS[unit]:
        starts.append(_one_before(unit, starts[-1]))
    return Span(unit, time_zone, tuple(reversed(starts)), today + timedelta(days=1))


def _one_before(unit: Unit, start: date) -> date:
    if unit == "day":
        return start - timedelta(days=1)
    if unit == "week":
        return start - _WEEK
    return (start - timedelta(days=1)).replace(day=1)


def _midnight(day: date, time_zone: str) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(time_zone)).astimezone(UTC)
