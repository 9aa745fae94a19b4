"""What a plan may ask for: its fields within their bounds, and within the law of the shop's country. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from app.kernel.card_numbers import holds_card_number
from app.kernel.typed import clean, one_line
from app.law.rules import CountryLaw
from app.orders.rules import UNIT_PRICE_MAX_MINOR
from app.subscriptions.errors import PlanRefused
from app.subscriptions.rules import UNITS, Terms, boundary

LANGUAGES: Final = ("fi", "sv", "en", "da", "bg")
NAME_MAX: Final = 100
EVERY_MAX: Final = {"week": 52, "month": 24}
TRIAL_DAYS_MAX: Final = 92
# Nobody need say it earlier than a month before: the strictest of the countries served asks for that.
NOTICE_DAYS_MAX: Final = 31
# Beyond what any law allows, and within what a calendar can count.
PERIODS_MAX: Final = 104
_TERM_FIGURE: Final = "subscription_term_months_max"
_ANY_DAY: Final = date(2028, 1, 1)


def checked(terms: Terms, law: CountryLaw, on: date) -> Terms:
    """The terms with their names made clean. Raises PlanRefused: the field, and why it will not do."""
    names = _names(terms.names, terms.locale)
    if not 1 <= terms.amount_minor <= UNIT_PRICE_MAX_MINOR:
        raise PlanRefused("amount", "out_of_range")
    if not Decimal(0) <= terms.vat_percent <= Decimal(100):
        raise PlanRefused("vat", "out_of_range")
    if terms.unit not in UNITS or not 1 <= terms.every <= EVERY_MAX[terms.unit]:
        raise PlanRefused("every", "out_of_range", most=EVERY_MAX.get(terms.unit, 0))
    if not 0 <= terms.notice_days <= NOTICE_DAYS_MAX:
        raise PlanRefused("notice_days", "out_of_range", most=NOTICE_DAYS_MAX)
    _check_trial(terms)
    _check_term(terms, law, on)
    return replace(terms, names=names)


def _names(names: Mapping[str, str], locale: str) -> dict[str, str]:
    kept: dict[str, str] = {}
    for lang in LANGUAGES:
        name = one_line(clean(names.get(lang, "")))
        if len(name) > NAME_MAX:
            raise PlanRefused(f"name_{lang}", "too_long", most=NAME_MAX)
        if holds_card_number(name):
            raise PlanRefused(f"name_{lang}", "card_number")
        if name:
            kept[lang] = name
    if set(names) - set(LANGUAGES):
        raise PlanRefused("names", "unknown_language")
    if locale not in kept:
        raise PlanRefused(f"name_{locale}", "missing")
    return kept


def _check_trial(terms: Terms) -> None:
    if not 0 <= terms.trial_days <= TRIAL_DAYS_MAX:
        raise PlanRefused("trial_days", "out_of_range", most=TRIAL_DAYS_MAX)
    if terms.trial_days and not 1 <= terms.trial_minor <= terms.amount_minor:
        # A purchase is of one minor unit at least: what is paid for the trial proves the way to pay.
        raise PlanRefused("trial_amount", "out_of_range")
    if not terms.trial_days and terms.trial_minor:
        raise PlanRefused("trial_days", "missing")


def _check_term(terms: Terms, law: CountryLaw, on: date) -> None:
    if terms.minimum_periods < 0:
        raise PlanRefused("minimum_periods", "out_of_range")
    months = longest_term(law, on)
    if terms.minimum_periods > PERIODS_MAX:
        raise PlanRefused("minimum_periods", "beyond_law", months=months)
    least = boundary(_ANY_DAY, terms.unit, terms.every, terms.minimum_periods)
    # A week more or less is what months of different lengths make.
    if least > boundary(_ANY_DAY, "month", months, 1) + timedelta(days=3):
        raise PlanRefused("minimum_periods", "beyond_law", months=months)


def longest_term(law: CountryLaw, on: date) -> int:
    """For how many months at most somebody may be bound. Raises FigureUnknown."""
    return int(law.figure(_TERM_FIGURE, on).value)
