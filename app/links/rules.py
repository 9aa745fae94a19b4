"""How long links and the sessions they make may hold. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.links.errors import ValidityRefused

VALIDITY_MAX: Final = timedelta(days=366)
SESSION_LASTS: Final = timedelta(hours=24)
# A minute before the day is over, so that whoever reads the time reads the right day.
_END_OF_DAY: Final = time(23, 59)


def checked_validity(expires_at: datetime | None, now: datetime) -> datetime | None:
    """The end of a link as it may be stored; None for none. Raises ValidityRefused."""
    if expires_at is not None and not now < expires_at <= now + VALIDITY_MAX:
        raise ValidityRefused
    return expires_at


def session_ends_at(expires_at: datetime | None, grace_s: int, now: datetime) -> datetime:
    """When a session that is begun now ends: a day from now, and no later than the grace after its link has lapsed."""
    end = now + SESSION_LASTS
    return end if expires_at is None else min(end, expires_at + timedelta(seconds=grace_s))


def end_of_day(last_day: date, time_zone: str) -> datetime:
    """The end of a link that holds through this day, where the shop is."""
    return datetime.combine(last_day, _END_OF_DAY, ZoneInfo(time_zone))
