"""When a case has its answer, and what people may write in it. Pure."""

from __future__ import annotations

import math
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


# How many euros a unit of money is, roughly: only to compare the values of cases in one queue.
_EUROS: Final = {"EUR": 1.0, "SEK": 0.09, "DKK": 0.13}
_EARLIER_AT_MOST: Final = timedelta(hours=20)


def rank_at(due_at: datetime, amount_minor: int, currency: str) -> datetime:
    """Where a case stands in the queue, the earliest first: its deadline, brought forward by what is at risk.

    Each doubling of the value counts like two hours of age, twenty hours at most: so of two that are due on one day the
    dearer comes first, and no value lets a case of tomorrow pass one that is due today.
    """
    euros = amount_minor / 100 * _EUROS[currency]
    return due_at - min(_EARLIER_AT_MOST, timedelta(hours=2 * math.log2(1 + euros / 20)))


SNOOZE_SPARE: Final = timedelta(hours=1)


def snoozed_until(now: datetime, wanted: timedelta, due_at: datetime) -> datetime:
    """Until when a case rests: never past an hour before its deadline. At `now` or before it, it does not rest."""
    return min(now + wanted, due_at - SNOOZE_SPARE)


REASONS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("risk", "approved"): ("reached", "known_customer", "fits_customer", "explained", "nothing_against"),
    ("risk", "declined"): ("not_the_person", "reshipping", "repeated", "not_reached", "contradicts", "other"),
    ("credit", "approved"): ("papers_seen", "known_customer", "other"),
    ("credit", "declined"): ("no_papers", "cannot_repay", "other"),
    ("identity", "approved"): ("other",),
    ("identity", "declined"): ("not_the_person", "not_reached", "no_papers", "other"),
}
"""What may be said of an answer, by kind and answer, in the order in which the page offers it."""

TAGS: Final = ("stolen_identity", "reshipping", "resale", "test_order", "first_order", "vip")
QUESTIONS_MAX: Final = 5


def reason_of(kind: str, answer: str, reason: str) -> str | None:
    """A reason that is on offer; None for nothing where nothing is fine. Raises TextRefused."""
    if not reason and kind != "risk":
        return None
    if reason not in REASONS[kind, answer]:
        raise TextRefused("reason")
    return reason


def tags_of(tags: tuple[str, ...]) -> tuple[str, ...]:
    """The tags that exist, each once, in their own order."""
    return tuple(tag for tag in TAGS if tag in tags)
