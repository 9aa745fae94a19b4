"""A list of orders as a spreadsheet: one row an order, the columns named for programs in whatever language."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

from app.kernel.csv_text import BYTE_ORDER_MARK, csv_row
from app.kernel.money import MINOR_PER_MAJOR
from app.orders.queries import OrderView

COLUMNS: Final = (
    "order_id",
    "reference",
    "state",
    "buyer",
    "created_at",
    "accepted_at",
    "paid_at",
    "total",
    "refundable",
    "currency",
    "name",
    "email",
    "phone",
    "method",
)
# Rows that go out together: a write to the network for each would cost more than the rows.
_ROWS_AT_ONCE: Final = 100


async def sheet_of(orders: AsyncIterator[OrderView]) -> AsyncIterator[str]:
    """The pieces of a CSV file: sums with a decimal point, times in UTC."""
    rows = [BYTE_ORDER_MARK + csv_row(COLUMNS)]
    async for order in orders:
        rows.append(_row(order))
        if len(rows) >= _ROWS_AT_ONCE:
            yield "".join(rows)
            rows.clear()
    yield "".join(rows)


def _row(order: OrderView) -> str:
    contact = order.contact
    cells = (
        order.public_id,
        order.reference,
        order.state.value,
        order.buyer,
        _time(order.created_at),
        _time(order.accepted_at),
        _time(order.paid_at),
        _sum(order.total_minor),
        _sum(order.refundable_minor),
        order.currency,
        contact.name,
        contact.email,
        contact.phone,
        order.method,
    )
    return csv_row(cells)


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _sum(minor: int) -> str:
    whole, cents = divmod(minor, MINOR_PER_MAJOR)
    return f"{whole}.{cents:02}"
