"""Which programmes can be. Pure.

The names of parts are those of the form that asks for them; lists are counted from 0: `category-0-rate`.
"""

from __future__ import annotations

from typing import Final

from app.kernel.money import MINOR_PER_MAJOR
from app.loyalty.errors import ProgrammeRefused
from app.loyalty.rules import Programme, Turning

RATE_HUNDREDTHS_MAX: Final = 100_00
MULTIPLIER_HUNDREDTHS_MAX: Final = 10_00
NAME_MAX: Final = 60
CATEGORIES_MAX: Final = 20
PERIODS_MAX: Final = 12
TIERS_MAX: Final = 6
PENDING_DAYS_MAX: Final = 120
EXPIRY_MONTHS_MAX: Final = 120
TURNING_POINTS_MAX: Final = 1_000_000


def checked(programme: Programme) -> Programme:
    """The programme, or ProgrammeRefused with every part that is wrong.

    Reasons: out_of_range, empty, too_long, twice, ends_before, not_whole, not_a_step, too_many.
    """
    errors: dict[str, str] = {}
    if not 0 <= programme.rate.hundredths_per_unit <= RATE_HUNDREDTHS_MAX:
        errors["rate"] = "out_of_range"
    if not 0 <= programme.pending_days <= PENDING_DAYS_MAX:
        errors["pending"] = "out_of_range"
    if programme.expiry_months is not None and not 1 <= programme.expiry_months <= EXPIRY_MONTHS_MAX:
        errors["expiry"] = "out_of_range"
    errors |= (
        _of_categories(programme) | _of_periods(programme) | _of_tiers(programme) | _of(programme.turning)
    )
    if errors:
        raise ProgrammeRefused(errors)
    return programme


def _of_categories(programme: Programme) -> dict[str, str]:
    errors: dict[str, str] = {}
    if len(programme.categories) > CATEGORIES_MAX:
        errors["category"] = "too_many"
    seen: set[str] = set()
    for index, each in enumerate(programme.categories):
        errors |= _of_name(f"category-{index}", each.category, seen)
        if each.rate is not None and not 0 <= each.rate.hundredths_per_unit <= RATE_HUNDREDTHS_MAX:
            errors[f"category-{index}-rate"] = "out_of_range"
    return errors


def _of_periods(programme: Programme) -> dict[str, str]:
    errors: dict[str, str] = {}
    if len(programme.periods) > PERIODS_MAX:
        errors["period"] = "too_many"
    for index, each in enumerate(programme.periods):
        # Two sales may have one name; their days tell them apart.
        errors |= _of_name(f"period-{index}", each.name, set())
        if each.last < each.first:
            errors[f"period-{index}-last"] = "ends_before"
        if not 0 <= each.hundredths <= MULTIPLIER_HUNDREDTHS_MAX:
            errors[f"period-{index}-times"] = "out_of_range"
    return errors


def _of_tiers(programme: Programme) -> dict[str, str]:
    errors: dict[str, str] = {}
    if len(programme.tiers) > TIERS_MAX:
        errors["tier"] = "too_many"
    names: set[str] = set()
    thresholds: set[int] = set()
    for index, each in enumerate(programme.tiers):
        errors |= _of_name(f"tier-{index}", each.name, names)
        if not 0 <= each.from_points <= TURNING_POINTS_MAX:
            errors[f"tier-{index}-from"] = "out_of_range"
        elif each.from_points in thresholds:
            errors[f"tier-{index}-from"] = "twice"
        thresholds.add(each.from_points)
        if not 0 <= each.hundredths <= MULTIPLIER_HUNDREDTHS_MAX:
            errors[f"tier-{index}-times"] = "out_of_range"
    return errors


def _of_name(part: str, name: str, seen: set[str]) -> dict[str, str]:
    key = name.strip().casefold()
    if not key:
        return {part: "empty"}
    if len(name) > NAME_MAX:
        return {part: "too_long"}
    if key in seen:
        return {part: "twice"}
    seen.add(key)
    return {}


def _of(turning: Turning) -> dict[str, str]:
    """Every turn is worth whole minor units: a step is, and the minimum is whole steps."""
    parts = {
        "per-unit": turning.points_per_unit,
        "minimum": turning.minimum_points,
        "step": turning.step_points,
    }
    errors = {part: "out_of_range" for part, points in parts.items() if not 1 <= points <= TURNING_POINTS_MAX}
    if errors:
        return errors
    if turning.step_points * MINOR_PER_MAJOR % turning.points_per_unit:
        errors["step"] = "not_whole"
    elif turning.minimum_points % turning.step_points:
        errors["minimum"] = "not_a_step"
    return errors
