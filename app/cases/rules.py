"""When a case has its answer, and what people may write in it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.cases.errors import TextRefused
from app.plans.schedule import next_business_day

TEXT_LENGTH_MAX: Final = 2_000
ANSWER_BY: Final = time(18, 0)
# A shopper may think better of waiting, and ask again. Without an end to it one session could fill a shop's queue.
ASKED_BY_SHOPPER_MAX: Final = 3


def due_at(now: datetime, *, country: str, time_zone: str) -> datetime:
    """The end of the next working day in the merchant's country: the time that the shopper is told."""
    zone = ZoneInfo(time_zone)
    day = next_business_day(now.astimezone(zone).date() + timedelta(days=1), country)
    return datetime.combine(day, ANSWER_BY, zone).astimezone(UTC)


def text_of(text: str, *, required: bool) -> str | None:
    """What somebody wrote, tidied; None for nothing where nothing is fine. Raises TextRefused."""
    text = text.strip()
    if not text:
        if required:
            raise TextRefused("empty")
        return None
    if len(text) > TEXT_LENGTH_MAX:
        raise TextRefused("too_long")
    return text
