"""An insurance that was bought with an order, as its holder sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.checkout.actions import may_cancel
from app.extras.queries import insurance_of_order
from app.extras.states import InsuranceState
from app.kernel import clock
from app.kernel.money import Money

if TYPE_CHECKING:
    from datetime import date

    from app.merchants.queries import Merchant


@dataclass(frozen=True, slots=True)
class InsuranceBox:
    """``until`` is the last day on which it can be given up; ``may_cancel`` says that this is not over."""

    url: str
    name: str
    insurer: str
    premium: Money
    is_active: bool
    may_cancel: bool
    until: date
    terms_url: str | None
    terms_text: str | None


async def insurance_view(shop: Merchant, order_public_id: str) -> InsuranceBox | None:
    """None where nothing was insured. One statement, and one of the time."""
    found = await insurance_of_order(shop.id, order_public_id)
    if found is None:
        return None
    return InsuranceBox(
        url=f"/purchases/{order_public_id}/insurance",
        name=found.offer.name,
        insurer=found.offer.insurer,
        premium=Money(found.premium_minor, found.currency),
        is_active=found.state is InsuranceState.ACTIVE,
        may_cancel=may_cancel(found, shop, await clock.business_now()),
        until=found.cancel_until,
        terms_url=found.offer.terms_url,
        terms_text=found.offer.terms_text,
    )
