"""Repayment schedules: which day, how much, and what of it is principal, interest and fee.

The rules, in one place:
- Interest of a month is the open balance times the nominal rate over twelve (equal months), computed exactly
  and rounded half up once. In the first `interest_free_months` it is zero.
- Annuity: every instalment is one level amount or one minor unit less, the last one too (`_annuity_payments`
  says how and why). Equal principal: the principal is split by largest remainder.
- Instalment n falls n months after the start, on the same day of the month; a day that the month lacks
  becomes its last day, and a start on a month's last day stays on last days. A due date that is no business
  day of the country moves to the next one. The move never changes the interest.
- The fee per instalment is on every instalment, the arrangement fee on the first.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal

import holidays

from app.kernel.money import allocate
from app.plans.apr import add_months, is_month_end

Style = Literal["annuity", "equal_principal"]

# Days on which banks stand still although no law names them holidays: Swedish eves, Danish bank days.
_HOLIDAY_KINDS: Final = {
    "FI": ("public",),
    "SE": ("public", "de_facto"),
    "DK": ("public", "optional"),
    "BG": ("public",),
}


@dataclass(frozen=True, slots=True)
class Instalment:
    """One payment of a schedule; amount = principal + interest + fee, all in minor units."""

    number: int
    due: date
    amount_minor: int
    principal_minor: int
    interest_minor: int
    fee_minor: int
    balance_after_minor: int


@dataclass(frozen=True, slots=True)
class Pricing:
    """What decides the amounts of a schedule. `nominal_rate` is percent a year; fees are minor units."""

    style: Style
    nominal_rate: Decimal
    interest_free_months: int = 0
    fee_minor: int = 0
    arrangement_fee_minor: int = 0


def instalments(
    amount_minor: int, months: int, pricing: Pricing, *, start: date, country: str
) -> tuple[Instalment, ...]:
    """The schedule of `amount_minor` (1 or more) over `months` (1 or more) from the day of purchase.

    Principals sum to the amount, the last balance is zero, no part is negative.
    """
    principals, interests = _parts(amount_minor, months, pricing)
    rows: list[Instalment] = []
    balance = amount_minor
    for number, (principal, interest) in enumerate(zip(principals, interests, strict=True), start=1):
        fee = pricing.fee_minor + (pricing.arrangement_fee_minor if number == 1 else 0)
        balance -= principal
        due = due_date(start, number, country)
        rows.append(Instalment(number, due, principal + interest + fee, principal, interest, fee, balance))
    return tuple(rows)


def single_payment(
    amount_minor: int, due_days: int, fee_minor: int, *, start: date, country: str
) -> Instalment:
    """An invoice as a schedule of one: due after so many days, on the next business day."""
    due = next_business_day(start + timedelta(days=due_days), country)
    return Instalment(1, due, amount_minor + fee_minor, amount_minor, 0, fee_minor, 0)


def monthly_minor(amount_minor: int, months: int, pricing: Pricing) -> int:
    """The largest regular instalment: that of a month which does not carry the arrangement fee."""
    if pricing.style == "annuity":
        return level_minor(amount_minor, months, pricing) + pricing.fee_minor
    largest_principal = -(-amount_minor // months)
    if pricing.interest_free_months == 0:
        return largest_principal + _interest(amount_minor, _monthly_rate(pricing)) + pricing.fee_minor
    principals, interests = _parts(amount_minor, months, pricing)
    return max(map(sum, zip(principals, interests, strict=True))) + pricing.fee_minor


def level_minor(amount_minor: int, months: int, pricing: Pricing) -> int:
    """The smallest amount that, paid each month, leaves a last payment which is not above it.

    That is the exact annuity rounded up, unless the rounding of the interest adds up to a unit more or less.
    """
    rate = _monthly_rate(pricing)
    free = min(pricing.interest_free_months, months)
    if months == 1:
        return _last_payment(amount_minor, [], rate, free)

    def suffices(level: int) -> bool:
        return _last_payment(amount_minor, [level] * (months - 1), rate, free) <= level

    level = _exact_annuity_rounded_up(amount_minor, months - free, free, rate)
    if not suffices(level):
        while not suffices(level := level + 1):
            pass
        return level
    while level > 1 and suffices(level - 1):
        level -= 1
    return level


# Every schedule of a day has the same dates, whatever its amount.
@lru_cache(maxsize=4096)
def due_date(start: date, months: int, country: str) -> date:
    """The business day on which the payment of the n-th month falls."""
    return next_business_day(months_after(start, months), country)


def months_after(start: date, months: int) -> date:
    """n months later; a start on the last day of its month stays on last days."""
    day = add_months(start, months)
    if is_month_end(start):
        return add_months(day.replace(day=1), 1) - timedelta(days=1)
    return day


@lru_cache(maxsize=4096)
def next_business_day(day: date, country: str) -> date:
    """The day itself, or the first one after it that is no weekend and no bank holiday of the country."""
    while day.weekday() >= 5 or day in _holidays(country, day.year):
        day += timedelta(days=1)
    return day


def load_calendars(today: date, years: int = 4) -> None:
    """Read the calendars of this and the next years, so that no shopper waits for them; for a process's start."""
    for country in _HOLIDAY_KINDS:
        for year in range(today.year, today.year + years):
            _holidays(country, year)


@lru_cache(maxsize=256)
def _holidays(country: str, year: int) -> frozenset[date]:
    # A plain set: asking the package's own object for every day costs a hundred times as much.
    return frozenset(holidays.country_holidays(country, categories=_HOLIDAY_KINDS[country], years=year))


def _parts(amount_minor: int, months: int, pricing: Pricing) -> tuple[list[int], list[int]]:
    """Principal and interest of every instalment."""
    rate = _monthly_rate(pricing)
    if pricing.style == "equal_principal":
        payments: list[int] | None = None
        principals = allocate(amount_minor, [1] * months)
    else:
        payments = _annuity_payments(amount_minor, months, pricing)
        principals = []
    interests: list[int] = []
    balance = amount_minor
    for index in range(months):
        interest = _interest(balance, rate) if index >= pricing.interest_free_months else 0
        if payments is not None:
            is_last = index == months - 1
            principals.append(balance if is_last else min(max(payments[index] - interest, 0), balance))
        interests.append(interest)
        balance -= principals[index]
    return principals, interests


def _annuity_payments(amount_minor: int, months: int, pricing: Pricing) -> list[int]:
    """All payments but the last: the level amount or one unit less, so that the last is one of the two as well.

    A unit paid in a month lowers the last payment by what that unit grows to, and by less the later the month:
    the open balance with its rounded interest never falls when the balance rises. So the extra units go
    to the earliest months that do not push the last payment below level - 1: first a run from the first month
    on, then, where one month more would be too much, single later months, whose unit grows less.

    Why the last is then level or level - 1, for i = rate / 12 with i * (months - 1) <= 1: let k be the last month
    that had to go without, m the months after it. An extra unit in k would have left level - 2 or less, so without
    it the last would be at most level - 2 + D, where D is what the unit grows to, the m roundings included. While
    the unit has grown to d, rounded interest adds at most ceil(i * d) = 1 a month to it: D <= 1 + m. Each of the
    m - 1 payments after k carries an extra unit, worth one at least: the last is at most level - 2 + 1 + m - (m - 1)
    = level. For a dearer and longer credit the latest month free takes a unit more if need be: the last is then
    below level - 1, never above level.
    """
    rate = _monthly_rate(pricing)
    free = min(pricing.interest_free_months, months)
    level = level_minor(amount_minor, months, pricing)
    payments = [level - 1] * (months - 1)

    def is_too_much(first: int, end: int) -> bool:
        """Whether extra units in the months from index `first` up to `end` leave less than level - 1."""
        tried = [*payments[:first], *[level] * (end - first), *payments[end:]]
        return _last_payment(amount_minor, tried, rate, free) < level - 1

    month = bisect_left(range(1, months), 1, key=lambda count: is_too_much(0, count))
    payments[:month] = [level] * month
    while _last_payment(amount_minor, payments, rate, free) > level:
        later = range(month + 1, months - 1)
        found = bisect_left(later, 1, key=lambda index: not is_too_much(index, index + 1))
        if found == len(later):
            payments[max(index for index in range(months - 1) if payments[index] < level)] = level
            break
        month = later[found]
        payments[month] = level
    return payments


def _last_payment(amount_minor: int, payments: list[int], rate: Fraction, free: int) -> int:
    """What remains to be paid in the last month, its interest included, after the other payments."""
    # The halves are doubled away: (2bn + d) // 2d is b*n/d rounded half up.
    twice_numerator, denominator = 2 * rate.numerator, rate.denominator
    twice_denominator = 2 * denominator
    balance = amount_minor - sum(payments[:free])
    for payment in payments[free:]:
        balance += (balance * twice_numerator + denominator) // twice_denominator - payment
    if free <= len(payments):
        balance += (balance * twice_numerator + denominator) // twice_denominator
    return balance


def _exact_annuity_rounded_up(amount_minor: int, months: int, free: int, rate: Fraction) -> int:
    """amount / (free + (1 - (1+i)^-months) / i), in integers, rounded up: free months discount nothing."""
    if rate == 0 or months == 0:
        return -(-amount_minor // (months + free))
    numerator, denominator = rate.numerator, rate.denominator
    grown = int((denominator + numerator) ** months)
    plain = int(denominator**months)
    top = amount_minor * grown * numerator
    bottom = free * grown * numerator + (grown - plain) * denominator
    return -(-top // bottom)


def _monthly_rate(pricing: Pricing) -> Fraction:
    return _rate_of_month(pricing.nominal_rate)


@lru_cache(maxsize=256)
def _rate_of_month(nominal_rate: Decimal) -> Fraction:
    return Fraction(nominal_rate) / 1200


def _interest(balance_minor: int, rate: Fraction) -> int:
    return (2 * balance_minor * rate.numerator + rate.denominator) // (2 * rate.denominator)
