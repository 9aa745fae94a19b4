"""Money that staff say came in."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

from app.kernel import clock
from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.payments.rules import Received, Source
from tests.factories.links import STAFF


async def received(
    merchant: Merchant,
    amount_minor: int = 203_00,
    *,
    source: Source = "bank",
    on: date | None = None,
    note: str | None = None,
    key: str | None = None,
) -> Received:
    """The price of the order of `factories.links`, by bank and today, unless something else is said."""
    return Received(
        amount=Money(amount_minor, merchant.currency),
        source=source,
        received_on=on or merchant.local_date(await clock.business_now()),
        actor=STAFF,
        key=key or f"staff:{uuid4()}",
        note=note,
    )
