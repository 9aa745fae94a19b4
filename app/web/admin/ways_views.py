"""Who sees which ways to pay, and why the others are absent, as staff read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from app.checkout.offering import Asked, Doors, Offering, offering_for
from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.orders.queries import OrderView
from app.payments.methods import Absent, Buyer, Shown
from app.payments.ports import METHODS
from app.subscriptions.queries import offered_with

# Small, ordinary and large sums in minor units, by currency.
_SUMS: Final = {
    "EUR": (15_00, 150_00, 4_000_00),
    "SEK": (150_00, 1_500_00, 40_000_00),
    "DKK": (100_00, 1_000_00, 30_000_00),
}


@dataclass(frozen=True, slots=True)
class WaysView:
    """What one kind of buyer is shown, in the order of the law, and what not. `without` says that the example has every
    provider down."""

    buyer: Buyer
    amount: Money
    shown: Sequence[Shown]
    absent: Sequence[Absent]
    without: bool = False


async def six_kinds(merchant: Merchant, doors: Doors, on: date) -> list[WaysView]:
    """Examples of who would see what of this shop today: consumers and companies, small sums and large ones, and what
    is left while no provider answers."""
    small, ordinary, large = _SUMS[merchant.currency]
    down = replace(doors, health=dict.fromkeys(METHODS, "down"))
    asked: tuple[tuple[Buyer, int, Doors], ...] = (
        ("consumer", small, doors),
        ("consumer", ordinary, doors),
        ("consumer", large, doors),
        ("business", ordinary, doors),
        ("business", large, doors),
        ("consumer", ordinary, down),
    )
    views = []
    for buyer, amount_minor, behind in asked:
        example = Asked(buyer, merchant.currency, amount_minor)
        offering = await offering_for(merchant, example, behind, on=on)
        views.append(_view(example, offering, without=behind is down))
    return views


async def ways_of_order(merchant: Merchant, order: OrderView, doors: Doors, on: date) -> WaysView:
    """What the buyer of this very order would be shown now."""
    categories = frozenset(line.category for line in order.lines if line.category)
    begins = await offered_with(merchant.id, order.id) is not None
    asked = Asked(order.buyer, order.currency, order.total_minor, categories, recurring=begins)
    return _view(asked, await offering_for(merchant, asked, doors, on=on))


def _view(asked: Asked, offering: Offering, *, without: bool = False) -> WaysView:
    amount = Money(asked.amount_minor, asked.currency)
    return WaysView(asked.buyer, amount, offering.shown, offering.absent, without)
