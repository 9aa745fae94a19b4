"""What the page of prices shows, ready for the locale's filters, and the same as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from app.kernel.csv_text import BYTE_ORDER_MARK, csv_row
from app.kernel.money import Money
from app.merchants.rules import Module
from app.prices.queries import SoFar, Statement
from app.prices.rules import Line, LineKind, PlanVersion, month_of, monthly_version

COLUMNS = (
    "month",
    "line",
    "percent",
    "bought",
    "refunded",
    "module",
    "monthly_price",
    "days",
    "days_in_month",
    "amount",
    "currency",
)


@dataclass(frozen=True, slots=True)
class PlanView:
    """The plan today: `percent` of purchases, `monthly` for this month. `next_monthly` is another amount that is agreed
    on from `next_from` on."""

    percent: Decimal | None
    monthly: Money | None
    next_monthly: Money | None
    next_from: date | None


@dataclass(frozen=True, slots=True)
class LineView:
    """A line in the shop's currency; what is None does not belong to its kind. `days` of `month_days`."""

    kind: LineKind
    amount: Money
    percent: Decimal | None
    bought: Money | None
    refunded: Money | None
    module: Module | None
    price: Money | None
    days: int | None
    month_days: int | None


@dataclass(frozen=True, slots=True)
class MonthView:
    """A month, named by its first day; `counted_at` of one that still runs."""

    month: date
    lines: tuple[LineView, ...]
    total: Money
    counted_at: datetime | None = None


def plan_of(versions: Sequence[PlanVersion], today: date, currency: str) -> PlanView | None:
    """None where nothing was ever agreed. The version that was set last holds for purchases at once."""
    if not versions:
        return None
    latest, now = versions[-1], monthly_version(versions, month_of(today))
    now_minor = now.monthly_minor if now is not None else 0
    changes = latest.monthly_minor != now_minor
    return PlanView(
        percent=_percent(latest.percent_bps) if latest.percent_bps else None,
        monthly=Money(now_minor, currency) if now_minor else None,
        next_monthly=Money(latest.monthly_minor, currency) if changes else None,
        next_from=latest.monthly_from if changes else None,
    )


def month_so_far(running: SoFar, currency: str) -> MonthView:
    return _month(running.month, running.lines, Money(running.total_minor, currency), running.counted_at)


def closed_month(closed: Statement) -> MonthView:
    return _month(closed.month, closed.lines, Money(closed.total_minor, closed.currency), None)


def sheet_of(closed: Iterable[Statement]) -> str:
    """One row a line, the newest month first."""
    rows = (_cells(each, line) for each in closed for line in each.lines)
    return BYTE_ORDER_MARK + csv_row(COLUMNS) + "".join(csv_row(row) for row in rows)


def _cells(closed: Statement, line: Line) -> tuple[str | int | None, ...]:
    sales = line.sales
    return (
        f"{closed.month:%Y-%m}",
        line.kind,
        f"{_percent(sales.percent_bps)}" if sales else None,
        _major(sales.bought_minor) if sales else None,
        _major(sales.refunded_minor) if sales else None,
        line.module,
        _major(line.price_minor) if line.price_minor is not None else None,
        line.days,
        line.month_days,
        _major(line.amount_minor),
        closed.currency,
    )


def _month(month: date, lines: Sequence[Line], total: Money, counted_at: datetime | None) -> MonthView:
    return MonthView(month, tuple(_line(line, total.currency) for line in lines), total, counted_at)


def _line(line: Line, currency: str) -> LineView:
    sales = line.sales
    return LineView(
        kind=line.kind,
        amount=Money(line.amount_minor, currency),
        percent=_percent(sales.percent_bps) if sales else None,
        bought=Money(sales.bought_minor, currency) if sales else None,
        refunded=Money(sales.refunded_minor, currency) if sales else None,
        module=line.module,
        price=Money(line.price_minor, currency) if line.price_minor is not None else None,
        days=line.days,
        month_days=line.month_days,
    )


def _percent(bps: int) -> Decimal:
    return Decimal(bps).scaleb(-2)


def _major(minor: int) -> str:
    """Two decimals and a point. A spreadsheet is kept from running one that begins with a minus."""
    return str(Decimal(minor).scaleb(-2))
