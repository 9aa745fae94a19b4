"""Days, sums and waits of a subscription. Pure: no database, no network, no clock.

A day is a date of the merchant's country. A period runs from its first day to the first day of the next one.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

from app.kernel.money import half_up_ratio

Unit = Literal["week", "month"]
Method = Literal["card", "mobilepay", "invoice"]

UNITS: Final[tuple[Unit, ...]] = ("week", "month")
METHODS: Final[tuple[Method, ...]] = ("card", "mobilepay", "invoice")

# Days before the next try, counted from each refusal; after the last one the grace, and then the end.
RETRY_AFTER_DAYS: Final = (1, 2, 4, 7)
GRACE_DAYS: Final = 7
# What falls due on a day is charged in its morning, when whoever is short of money can still do something about it.
CHARGED_AT: Final = time(6)
# A price that rises is told so long before, at least: the product's own figure, a month as payment services have it.
PRICE_NOTICE_DAYS: Final = 30
# From this length on a renewal is a surprise, and is told of before.
LONG_PERIOD_DAYS: Final = 180
REMIND_LONG_DAYS: Final = 30
REMIND_TRIAL_DAYS: Final = 7
# How long after the end one tap starts it again, on the same terms.
REVIVED_WITHIN_DAYS: Final = 90
PAUSE_DAYS_MAX: Final = 184


@dataclass(frozen=True, slots=True)
class Terms:
    """What one version of a plan asks for. `names` are by language, `locale` (the shop's own) always among them. Sums
    are minor units of `currency` with VAT. A trial lasts `trial_days` and costs `trial_minor`; 0 days is no trial.
    Whoever ends says so `notice_days` before, and stays for `minimum_periods` at least."""

    names: Mapping[str, str] = field(hash=False)
    locale: str
    currency: str
    amount_minor: int
    vat_percent: Decimal
    unit: Unit
    every: int
    trial_days: int = 0
    trial_minor: int = 0
    notice_days: int = 0
    minimum_periods: int = 0

    @property
    def first_minor(self) -> int:
        """What is paid at once."""
        return self.trial_minor if self.trial_days else self.amount_minor

    def name(self, lang: str) -> str:
        """The plan's name in a language, or in the shop's own."""
        return self.names.get(lang) or self.names[self.locale]

    def as_long_as(self, other: Terms) -> bool:
        return (self.unit, self.every) == (other.unit, other.every)


@dataclass(frozen=True, slots=True)
class Course:
    """Where a subscription stands: the present period, and the `anchor` that its boundaries are counted from, so that
    one begun on a 31st comes back to the 31st after a shorter month. `number` periods from the anchor end at
    `ends_on`; 0 is a trial, or what is left after a pause."""

    anchor: date
    number: int
    starts_on: date
    ends_on: date
    is_trial: bool = False

    @property
    def days(self) -> int:
        return (self.ends_on - self.starts_on).days

    def days_left(self, today: date) -> int:
        """Days of the present period that are still to come, today among them."""
        return max(0, min(self.days, (self.ends_on - today).days))


def add_months(day: date, months: int) -> date:
    """The same day of the month so many months later, or the month's last one where it has no such day."""
    place = day.year * 12 + day.month - 1 + months
    year, month = divmod(place, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def boundary(anchor: date, unit: Unit, every: int, number: int) -> date:
    """Where the period after `number` whole ones begins."""
    if unit == "week":
        return anchor + timedelta(weeks=every * number)
    return add_months(anchor, every * number)


def first_course(terms: Terms, today: date) -> Course:
    """The first period: the trial where there is one."""
    if terms.trial_days:
        ends_on = today + timedelta(days=terms.trial_days)
        return Course(ends_on, 0, today, ends_on, is_trial=True)
    return fresh_course(terms, today)


def fresh_course(terms: Terms, today: date) -> Course:
    """A whole period from today."""
    return Course(today, 1, today, boundary(today, terms.unit, terms.every, 1))


def next_course(course: Course, terms: Terms) -> Course:
    """The period after this one. Where the length has changed, it is counted from here."""
    ends_on = boundary(course.anchor, terms.unit, terms.every, course.number + 1)
    if course.number and boundary(course.anchor, terms.unit, terms.every, course.number) != course.ends_on:
        return fresh_course(terms, course.ends_on)
    return Course(course.anchor, course.number + 1, course.ends_on, ends_on)


def minimum_until(terms: Terms, course: Course) -> date:
    """The first day on which somebody who has just begun may be gone. A trial is not counted into it."""
    begins = course.ends_on if course.is_trial else course.starts_on
    return boundary(begins, terms.unit, terms.every, terms.minimum_periods)


def end_if_cancelled(course: Course, terms: Terms, *, bound_until: date, today: date) -> date:
    """The day on which it ends when it is cancelled today: the end of a period, after the notice and the least time.

    A trial that is cancelled ends with the trial, whatever the notice is: nobody has paid for more.
    """
    if course.is_trial:
        return course.ends_on
    earliest = max(today + timedelta(days=terms.notice_days), bound_until)
    while course.ends_on < earliest:
        course = next_course(course, terms)
    return course.ends_on


def paused_left(course: Course, today: date) -> int:
    """The paid days that a pause keeps: from tomorrow on, since today is used."""
    return course.days_left(today + timedelta(days=1))


def resumed_course(left_days: int, today: date) -> Course:
    """What is left runs from today; the next whole period is counted from its end."""
    ends_on = today + timedelta(days=left_days)
    return Course(ends_on, 0, today, ends_on)


def part(amount_minor: int, days: int, of_days: int) -> int:
    """The share of so many days in a period's price, half up. Raises ValueError where days are out of range."""
    if not 0 <= days <= of_days or of_days < 1:
        raise ValueError(f"{days} of {of_days} days")
    return half_up_ratio(amount_minor * days, of_days)


@dataclass(frozen=True, slots=True)
class Proration:
    """What a dearer plan costs for the rest of the present period: its own part, less what is unused of the old one."""

    days_left: int
    days: int
    new_minor: int
    unused_minor: int

    @property
    def due_minor(self) -> int:
        return self.new_minor - self.unused_minor


def proration(old: Terms, new: Terms, course: Course, today: date) -> Proration | None:
    """None where the change waits for the next period: nothing more is to be paid now, the lengths differ, the present
    period is a trial or the rest after a pause, or no day is left of it."""
    left = course.days_left(today)
    if course.number == 0 or not old.as_long_as(new) or left == 0:
        return None
    found = Proration(
        left,
        course.days,
        part(new.amount_minor, left, course.days),
        part(old.amount_minor, left, course.days),
    )
    return found if found.due_minor > 0 else None


@dataclass(frozen=True, slots=True)
class Retry:
    """Another try on that day."""

    on: date


@dataclass(frozen=True, slots=True)
class LastGrace:
    """No more tries; it ends on that day unless somebody pays."""

    on: date


def after_refusal(refusals: int, today: date) -> Retry | LastGrace:
    """What follows the refusal that is the `refusals`-th of a period."""
    if refusals < 1:
        raise ValueError("a refusal is the first at least")
    if refusals <= len(RETRY_AFTER_DAYS):
        return Retry(today + timedelta(days=RETRY_AFTER_DAYS[refusals - 1]))
    return LastGrace(today + timedelta(days=GRACE_DAYS))


def remind_on(course: Course, terms: Terms) -> date | None:
    """The day to remind of the renewal that ends the present period. A trial: a week before, or half-way through a
    shorter one. A long period: thirty days before. None for the others: their receipts say it often enough."""
    if course.is_trial:
        ahead = min(REMIND_TRIAL_DAYS, course.days // 2)
        return course.ends_on - timedelta(days=ahead) if ahead else None
    following = next_course(course, terms)
    if max(course.days, following.days) >= LONG_PERIOD_DAYS:
        return max(course.starts_on, course.ends_on - timedelta(days=REMIND_LONG_DAYS))
    return None


def price_from(course: Course, terms: Terms, *, rises: bool, bound_until: date, today: date) -> date:
    """The first day that a new price may hold from: the beginning of a period. One that rises is told thirty days
    before, or the plan's own notice where that is longer, and never comes within the least time: it binds the shop as
    well. One that falls holds from the next period."""
    if not rises:
        return course.ends_on
    earliest = max(today + timedelta(days=max(PRICE_NOTICE_DAYS, terms.notice_days)), bound_until)
    while course.ends_on < earliest:
        course = next_course(course, terms)
    return course.ends_on


def morning_of(day: date, time_zone: str) -> datetime:
    """The moment on which what falls due that day is done."""
    return datetime.combine(day, CHARGED_AT, tzinfo=ZoneInfo(time_zone))


def may_revive(ended_on: date, today: date) -> bool:
    return today <= ended_on + timedelta(days=REVIVED_WITHIN_DAYS)
