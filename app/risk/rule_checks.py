"""What a shop's rule may be, before it is kept: each part that is wrong is named at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.kernel.money import MAX_AMOUNT_MINOR
from app.risk.conditions import (
    CONDITIONS_MAX,
    WINDOWS,
    Address,
    Area,
    Condition,
    FirstOrder,
    Goods,
    Identical,
    RuleOutcome,
    Value,
    Velocity,
)
from app.risk.errors import RuleRefused

NAME_MAX: Final = 80
LIST_MAX: Final = 50
ENTRY_MAX: Final = 60
# A subject is looked back on by its newest 200 orders: a larger count could never be reached.
COUNT_MIN: Final = 2
COUNT_MAX: Final = 100
PREFIX_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class WantedRule:
    """A rule as somebody wants it."""

    name: str
    conditions: tuple[Condition, ...]
    outcome: RuleOutcome


def checked(wanted: WantedRule) -> WantedRule:
    """The same rule. Raises RuleRefused with a reason for every part that is wrong: `name`, `conditions`, or the field
    that a condition is typed in."""
    errors: dict[str, str] = {}
    if not wanted.name:
        errors["name"] = "empty"
    elif len(wanted.name) > NAME_MAX:
        errors["name"] = "too_long"
    if not wanted.conditions:
        errors["conditions"] = "empty"
    elif len(wanted.conditions) > CONDITIONS_MAX:
        errors["conditions"] = "too_many"
    for condition in wanted.conditions:
        reason = _wrong(condition)
        if reason is not None:
            errors.setdefault(field_of(condition), reason)
    if errors:
        raise RuleRefused(errors)
    return wanted


def field_of(condition: Condition) -> str:
    """Where a condition is typed: goods have a field each for articles, categories and words."""
    match condition:
        case Goods():
            return condition.by
        case Value():
            return "value"
        case Identical():
            return "identical"
        case Area():
            return "area"
        case Address():
            return "street"
        case FirstOrder():
            return "first_order"
        case Velocity():
            return "seen"


def _wrong(condition: Condition) -> str | None:
    match condition:
        case Goods(any_of=entries) | Area(prefixes=entries):
            return _wrong_list(entries) or _wrong_area(condition)
        case Value(at_least_minor) | FirstOrder(at_least_minor):
            return None if 0 < at_least_minor <= MAX_AMOUNT_MINOR else "out_of_range"
        case Identical(count):
            return None if COUNT_MIN <= count <= COUNT_MAX else "out_of_range"
        case Velocity(subject, count, within):
            fits = COUNT_MIN <= count <= COUNT_MAX and within in WINDOWS[subject]
            return None if fits else "out_of_range"
        case Address(digests):
            return None if digests else "empty"


def _wrong_list(entries: tuple[str, ...]) -> str | None:
    if not entries:
        return "empty"
    if len(entries) > LIST_MAX:
        return "too_many"
    return "too_long" if any(len(entry) > ENTRY_MAX for entry in entries) else None


def _wrong_area(condition: Goods | Area) -> str | None:
    if isinstance(condition, Goods):
        return None
    digits = all(each.isascii() and each.isdigit() and len(each) <= PREFIX_MAX for each in condition.prefixes)
    return None if digits else "malformed"
