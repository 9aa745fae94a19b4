"""What the pages of loyalty show: the preview of a programme, and the history of its versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from itertools import zip_longest
from zoneinfo import ZoneInfo

from app.kernel.money import Money
from app.loyalty import rules
from app.loyalty.queries import ProgrammeVersion
from app.loyalty.rules import Earned, Period, Programme, Sale, SaleLine, Tier
from app.merchants.queries import Merchant


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """What an order of one category would earn, in each tier of the preview. `category` None: any other."""

    category: str | None
    points: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order of `price`, paid today, would earn. The first of `tiers` is None: no tier yet."""

    price: Money
    day: date
    period: Period | None
    tiers: tuple[Tier | None, ...]
    rows: tuple[PreviewRow, ...]
    points: int
    worth: Money
    usable_on: date | None
    last_day: date | None
    active: bool


def preview_of(programme: Programme, price: Money, merchant: Merchant, now: datetime) -> Preview:
    """Every figure comes from the rules that an order meets."""
    zone = ZoneInfo(merchant.time_zone)
    day = now.astimezone(zone).date()
    tiers = (None, *sorted(programme.tiers, key=lambda tier: tier.from_points))
    categories = (None, *(each.category for each in programme.categories))

    def earned(category: str | None, tier: Tier | None) -> Earned:
        sale = Sale((SaleLine("item", "", category, price.amount_minor),), day)
        return rules.earn(programme, sale, tier)

    rows = tuple(
        PreviewRow(category, tuple(earned(category, tier).points for tier in tiers))
        for category in categories
    )
    first = rules.usable_from(programme, now, merchant.time_zone)
    last = rules.expires_at(programme, now, merchant.time_zone)
    points = rows[0].points[0]
    return Preview(
        price=price,
        day=day,
        period=programme.period_on(day),
        tiers=tiers,
        rows=rows,
        points=points,
        worth=Money(programme.turning.worth_minor(points), merchant.currency),
        usable_on=first.astimezone(zone).date() if first else None,
        last_day=(last - timedelta(days=1)).astimezone(zone).date() if last else None,
        active=programme.active,
    )


@dataclass(frozen=True, slots=True)
class VersionView:
    """One saved version: `changed` names the parts of `Programme` that differ from the version before; `actor` is as
    histories call whoever saved it."""

    version: int
    at: datetime
    actor: str
    active: bool
    changed: tuple[str, ...]


def history_of(versions: Sequence[ProgrammeVersion]) -> tuple[VersionView, ...]:
    """From versions newest first."""
    return tuple(
        VersionView(
            version=each.version,
            at=each.from_at,
            actor=each.actor,
            active=each.programme.active,
            changed=_changed(old.programme, each.programme) if old is not None else (),
        )
        for each, old in zip_longest(versions, versions[1:])
    )


def _changed(old: Programme, new: Programme) -> tuple[str, ...]:
    return tuple(each.name for each in fields(new) if getattr(old, each.name) != getattr(new, each.name))
