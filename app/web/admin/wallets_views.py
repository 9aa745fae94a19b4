"""What the pages of wallets show: amounts as money, lots and movements with the orders that they speak of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from app.kernel.csv_text import BYTE_ORDER_MARK, csv_row
from app.kernel.money import MINOR_PER_MAJOR, Money
from app.loyalty.queries import TurnedPoints
from app.merchants.queries import Merchant
from app.orders.queries import references_of
from app.wallet.liability import Liability
from app.wallet.lists import WalletRow
from app.wallet.queries import HoldView, LotView, Movement, Wallet

_ROWS_AT_ONCE: Final = 100
# Of the chart: its height, a column with the gap behind it, and the column alone.
_HEIGHT: Final = 100
_STEP: Final = 20
_WIDTH: Final = 14


@dataclass(frozen=True, slots=True)
class Origin:
    """What a movement or a lot came from or went to: an order by its number, a payout, or nothing that has a page."""

    url: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class MovementRow:
    at: datetime
    cause: str
    origin: Origin
    amount: Money
    balance_after: Money
    points: int | None = None


@dataclass(frozen=True, slots=True)
class LotRow:
    cause: str
    origin: Origin
    came: Money
    left: Money
    came_at: datetime
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class HoldRow:
    origin: Origin
    amount: Money
    held_at: datetime


@dataclass(frozen=True, slots=True)
class ListRow:
    customer_id: str
    name: str | None
    phone: str | None
    email: str | None
    balance: Money
    held: Money


@dataclass(frozen=True, slots=True)
class AgeColumn:
    """One age of the chart: its sum, and its column in the picture, `height` of 100 from the foot up."""

    age: str
    amount: Money
    x: int
    height: int

    @property
    def y(self) -> int:
        return _HEIGHT - self.height


@dataclass(frozen=True, slots=True)
class AgeChart:
    """What is owed by age; `width` is that of the picture in its own units."""

    columns: Sequence[AgeColumn]
    total: Money
    lapsing: Money
    wallets: int
    counted_at: datetime
    width: int
    column_width: int


def chart_of(counted: Liability) -> AgeChart:
    most = max(minor for _, minor in counted.ages)
    columns = [
        AgeColumn(age, Money(minor, counted.currency), at * _STEP, _share(minor, most))
        for at, (age, minor) in enumerate(counted.ages)
    ]
    return AgeChart(
        columns=columns,
        total=Money(counted.total_minor, counted.currency),
        lapsing=Money(counted.lapsing_minor, counted.currency),
        wallets=counted.wallet_count,
        counted_at=counted.counted_at,
        width=len(columns) * _STEP - (_STEP - _WIDTH),
        column_width=_WIDTH,
    )


def _share(minor: int, most: int) -> int:
    """Of the height; what is there at all is seen."""
    return max(1, minor * _HEIGHT // most) if minor else 0


def list_row(row: WalletRow) -> ListRow:
    return ListRow(
        customer_id=row.customer_id,
        name=row.name,
        phone=row.phone,
        email=row.email,
        balance=Money(row.balance_minor, row.currency),
        held=Money(row.held_minor, row.currency),
    )


async def origins_of(merchant: Merchant, abouts: Sequence[str]) -> Mapping[str, Origin]:
    """Pages for what public ids name, in one statement."""
    orders = sorted({about for about in abouts if about.startswith("ord_")})
    references = await references_of(merchant.id, orders) if orders else {}
    found = {about: Origin(f"/admin/orders/{about}", name) for about, name in references.items()}
    found |= {about: Origin("/admin/wallets/payouts", None) for about in abouts if about.startswith("wpo_")}
    return found


_NOWHERE: Final = Origin(None, None)


def movement_row(
    movement: Movement, currency: str, origins: Mapping[str, Origin], turned: Mapping[str, TurnedPoints]
) -> MovementRow:
    """`points`: how many became this money; None where it came otherwise."""
    return MovementRow(
        at=movement.at,
        cause=movement.cause,
        origin=origins.get(movement.about, _NOWHERE),
        amount=Money(movement.amount_minor, currency),
        balance_after=Money(movement.balance_after_minor, currency),
        points=turned[movement.key].points if movement.key in turned else None,
    )


def lot_row(lot: LotView, merchant: Merchant, origins: Mapping[str, Origin]) -> LotRow:
    return LotRow(
        cause=lot.cause,
        origin=origins.get(lot.about, _NOWHERE),
        came=Money(lot.came_minor, merchant.currency),
        left=Money(lot.left_minor, merchant.currency),
        came_at=lot.came_at,
        expires_on=None if lot.expires_at is None else merchant.local_date(lot.expires_at),
    )


def hold_row(hold: HoldView, currency: str, origins: Mapping[str, Origin]) -> HoldRow:
    return HoldRow(
        origin=origins.get(hold.about, _NOWHERE),
        amount=Money(hold.amount_minor, currency),
        held_at=hold.held_at,
    )


@dataclass(frozen=True, slots=True)
class Figures:
    balance: Money
    available: Money
    held: Money


def figures_of(wallet: Wallet) -> Figures:
    return Figures(
        balance=Money(wallet.balance_minor, wallet.currency),
        available=Money(wallet.available_minor, wallet.currency),
        held=Money(wallet.held_minor, wallet.currency),
    )


# --- sheets -------------------------------------------------------------------------------------------------

WALLET_COLUMNS: Final = ("customer_id", "name", "phone", "email", "balance", "held", "currency")
MOVEMENT_COLUMNS: Final = ("number", "at", "cause", "about", "amount", "balance_after", "currency")


async def sheet_of_wallets(rows: AsyncIterator[WalletRow]) -> AsyncIterator[str]:
    """The pieces of a CSV file: sums with a decimal point."""
    async for piece in _pieces(WALLET_COLUMNS, (_wallet_cells(row) async for row in rows)):
        yield piece


async def sheet_of_movements(movements: AsyncIterator[Movement], currency: str) -> AsyncIterator[str]:
    """The pieces of a CSV file: sums with a decimal point, times in UTC, what left the wallet below zero."""
    async for piece in _pieces(
        MOVEMENT_COLUMNS, (_movement_cells(movement, currency) async for movement in movements)
    ):
        yield piece


def _wallet_cells(row: WalletRow) -> tuple[str | int | None, ...]:
    balance, held = _sum(row.balance_minor), _sum(row.held_minor)
    return (row.customer_id, row.name, row.phone, row.email, balance, held, row.currency)


def _movement_cells(movement: Movement, currency: str) -> tuple[str | int | None, ...]:
    return (
        movement.number,
        movement.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        movement.cause,
        movement.about,
        _sum(movement.amount_minor),
        _sum(movement.balance_after_minor),
        currency,
    )


async def _pieces(
    columns: Sequence[str], cells: AsyncIterator[tuple[str | int | None, ...]]
) -> AsyncIterator[str]:
    rows = [BYTE_ORDER_MARK + csv_row(columns)]
    async for each in cells:
        rows.append(csv_row(each))
        if len(rows) >= _ROWS_AT_ONCE:
            yield "".join(rows)
            rows.clear()
    yield "".join(rows)


def _sum(minor: int) -> str:
    whole, cents = divmod(abs(minor), MINOR_PER_MAJOR)
    return f"{'-' if minor < 0 else ''}{whole}.{cents:02}"
