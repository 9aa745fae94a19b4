"""A programme as a form: from what is typed to a programme, and back. Sums and rates as people write them.

The lists (categories, periods, tiers) are numbered rows with some empty ones at the end; rows that are left empty are
nothing, and those behind them move up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from app.kernel.typed import amount_minor, one_line
from app.loyalty.checks import CATEGORIES_MAX, PERIODS_MAX, TIERS_MAX, checked
from app.loyalty.errors import ProgrammeRefused
from app.loyalty.rules import ONE, CategoryRate, Period, Programme, Rate, Rounding, Tier, Turning
from app.web.shared.forms import FieldError, Form

FIELDS_MAX: Final = 250
SPARE_ROWS: Final = 3
# Each list: the parts of a row behind its name, and how many rows it may have.
LISTS: Final[Mapping[str, tuple[tuple[str, ...], int]]] = MappingProxyType(
    {
        "category": (("", "-rate"), CATEGORIES_MAX),
        "period": (("", "-first", "-last", "-times"), PERIODS_MAX),
        "tier": (("", "-from", "-times"), TIERS_MAX),
    }
)
_WHOLE_LENGTH_MAX: Final = 9
PRICE: Final = 49_90
"""What the preview reckons with until somebody types another price; minor units."""

# What a shop that never had a programme is offered to begin with.
FIRST: Final = Programme(
    active=False,
    rate=Rate.per_unit(1_00),
    categories=(),
    periods=(),
    tiers=(),
    rounding="down",
    shipping_earns=False,
    wallet_part_earns=False,
    pending_days=14,
    expiry_months=24,
    turning=Turning(100, 100, 100),
)


def form_of(programme: Programme, version: int, price: str = "") -> Form:
    """As somebody would type it."""
    values = {
        "version": str(version),
        "active": "1" if programme.active else "",
        "rate": _typed(programme.rate.hundredths_per_unit),
        "rounding": programme.rounding,
        "shipping": "1" if programme.shipping_earns else "",
        "wallet": "1" if programme.wallet_part_earns else "",
        "pending": str(programme.pending_days),
        "expiry": "" if programme.expiry_months is None else str(programme.expiry_months),
        "per-unit": str(programme.turning.points_per_unit),
        "minimum": str(programme.turning.minimum_points),
        "step": str(programme.turning.step_points),
        "price": price or _sum(PRICE),
    }
    for index, each in enumerate(programme.categories):
        values[f"category-{index}"] = each.category
        values[f"category-{index}-rate"] = _typed(each.rate.hundredths_per_unit if each.rate else 0)
    for index, period in enumerate(programme.periods):
        values[f"period-{index}"] = period.name
        values[f"period-{index}-first"] = period.first.isoformat()
        values[f"period-{index}-last"] = period.last.isoformat()
        values[f"period-{index}-times"] = _typed(period.hundredths)
    for index, tier in enumerate(programme.tiers):
        values[f"tier-{index}"] = tier.name
        values[f"tier-{index}-from"] = str(tier.from_points)
        values[f"tier-{index}-times"] = _typed(tier.hundredths)
    return Form(MappingProxyType(values))


def moved_up(form: Form) -> Form:
    """The form with its lists in one piece, whatever rows were emptied between others."""
    kept = {name: value for name, value in form.values.items() if not _is_row(name)}
    for name, (parts, _) in LISTS.items():
        filled = [row for row in _rows(form, name) if any(row.values())]
        for index, row in enumerate(filled):
            kept |= {f"{name}-{index}{part}": row[part] for part in parts}
    return Form(MappingProxyType(kept), form.errors)


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows of a list are filled, and how many the page has in all."""

    filled: int
    shown: int


def rows_shown(form: Form) -> Mapping[str, Rows]:
    """By the name of the list."""
    filled = {name: sum(any(row.values()) for row in _rows(form, name)) for name in LISTS}
    return {
        name: Rows(filled[name], max(filled[name], min(filled[name] + SPARE_ROWS, at_most)))
        for name, (_, at_most) in LISTS.items()
    }


def read(form: Form) -> Programme | Form:
    """The programme as typed, or the form with everything that is wrong with it. Takes what `moved_up` answers."""
    reader = _Reader(form)
    programme = reader.programme()
    errors = dict(reader.errors)
    try:
        checked(programme)
    except ProgrammeRefused as refused:
        errors = {name: FieldError(reason) for name, reason in refused.errors.items()} | errors
    return form.refused(**errors) if errors else programme


class _Reader:
    """Reads field by field; what cannot be read is noted, and stands in as something harmless meanwhile."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.errors: dict[str, FieldError] = {}

    def programme(self) -> Programme:
        form = self.form
        return Programme(
            active=bool(form.value("active")),
            rate=Rate.per_unit(self._hundredths("rate")),
            categories=tuple(self._categories()),
            periods=tuple(self._periods()),
            tiers=tuple(self._tiers()),
            rounding=self._rounding(),
            shipping_earns=bool(form.value("shipping")),
            wallet_part_earns=bool(form.value("wallet")),
            pending_days=self._whole("pending", 0),
            expiry_months=self._whole("expiry", 1) if form.value("expiry") else None,
            turning=Turning(self._whole("per-unit", 1), self._whole("minimum", 1), self._whole("step", 1)),
        )

    def _categories(self) -> Iterator[CategoryRate]:
        for row in self._filled("category"):
            hundredths = self._hundredths(f"{row}-rate")
            rate = Rate.per_unit(hundredths) if hundredths else None
            yield CategoryRate(one_line(self.form.value(row)), rate)

    def _periods(self) -> Iterator[Period]:
        for row in self._filled("period"):
            first = self._day(f"{row}-first")
            last = self._day(f"{row}-last")
            times = self._hundredths(f"{row}-times")
            # A day that cannot be read is wrong once; it makes no second fault with its neighbour.
            readable = first is not None and last is not None
            days = (first, last) if readable else (date.min, date.max)
            yield Period(one_line(self.form.value(row)), days[0] or date.min, days[1] or date.max, times)

    def _tiers(self) -> Iterator[Tier]:
        for index, row in enumerate(self._filled("tier")):
            yield Tier(
                one_line(self.form.value(row)),
                self._whole(f"{row}-from", index),
                self._hundredths(f"{row}-times"),
            )

    def _filled(self, name: str) -> list[str]:
        return [f"{name}-{index}" for index, row in enumerate(_rows(self.form, name)) if any(row.values())]

    def _rounding(self) -> Rounding:
        typed = self.form.value("rounding")
        if typed not in {"down", "half_up"}:
            self.errors["rounding"] = FieldError("malformed")
        return "half_up" if typed == "half_up" else "down"

    def _hundredths(self, name: str) -> int:
        read = amount_minor(self.form.value(name))
        if read is None:
            self.errors[name] = FieldError("malformed")
        return ONE if read is None else read

    def _whole(self, name: str, otherwise: int) -> int:
        typed = "".join(self.form.value(name).split())
        if not (typed.isascii() and typed.isdigit() and len(typed) <= _WHOLE_LENGTH_MAX):
            self.errors[name] = FieldError("malformed")
            return otherwise
        return int(typed)

    def _day(self, name: str) -> date | None:
        try:
            return date.fromisoformat(self.form.value(name))
        except ValueError:
            self.errors[name] = FieldError("malformed")
            return None


def _rows(form: Form, name: str) -> Iterator[Mapping[str, str]]:
    """Every row of a list that may have been sent, empty ones too; more than may be kept are read and then refused."""
    parts, at_most = LISTS[name]
    for index in range(2 * at_most):
        yield {part: form.value(f"{name}-{index}{part}") for part in parts}


def _is_row(field: str) -> bool:
    return field.partition("-")[0] in LISTS


def _typed(hundredths: int) -> str:
    """As short as somebody would type it: 1, 1.5, 1.25."""
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".")


def _sum(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
