"""An insurance that was bought with an order, as its holder sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.checkout.actions import may_cancel
from app.extras.queries import InsuranceView, insurance_of_order
from app.extras.states import InsuranceState
from app.kernel import clock
from app.kernel.money import Money

if TYPE_CHECKING:
    from datetime import date, datetime

    from app.merchants.queries import Merchant
    from app.orders.queries import OrderView

# Where money of a purchase goes back to: the ways it was paid.
BackTo = Literal["wallet", "card", "mobilepay", "debt"]


@dataclass(frozen=True, slots=True)
class InsuranceBox:
    """``until`` is the last day on which it can be given up; ``may_cancel`` says that this is not over. ``goods`` are
    the names of what is insured, ``back_to`` is empty where the purchase was paid outside the checkout."""

    url: str
    name: str
    insurer: str
    covered: str
    covered_lang: str
    goods: tuple[str, ...]
    premium: Money
    back_to: tuple[BackTo, ...]
    is_active: bool
    may_cancel: bool
    until: date
    terms_url: str | None
    terms_text: str | None


async def insurance_view(shop: Merchant, order: OrderView, lang: str) -> InsuranceBox | None:
    """On its holder's own pages; None where nothing was insured. One statement, and one of the time."""
    found = await insurance_of_order(shop.id, order.public_id)
    if found is None:
        return None
    url = f"/purchases/{order.public_id}/insurance"
    return insurance_box(found, shop, order, url, lang, await clock.business_now())


def insurance_box(
    found: InsuranceView, shop: Merchant, order: OrderView, url: str, lang: str, now: datetime
) -> InsuranceBox:
    """As a page at `url` shows it."""
    offer = found.offer
    return InsuranceBox(
        url=url,
        name=offer.name,
        insurer=offer.insurer,
        covered=offer.covered(lang, shop.locale),
        covered_lang=offer.language(lang, shop.locale),
        goods=offer.insured_of(order.lines),
        premium=Money(found.premium_minor, found.currency),
        back_to=_back_to(order),
        is_active=found.state is InsuranceState.ACTIVE,
        may_cancel=may_cancel(found, shop, now),
        until=found.cancel_until,
        terms_url=offer.terms_url,
        terms_text=offer.terms_text,
    )


def _back_to(order: OrderView) -> tuple[BackTo, ...]:
    quote = order.quote_content
    if quote is None:
        return ()
    rest: dict[str | None, BackTo] = {
        "card": "card",
        "mobilepay": "mobilepay",
        "invoice": "debt",
        "instalments": "debt",
    }
    other = rest.get(order.method)
    return (*(("wallet",) if quote.get("wallet_minor") else ()), *((other,) if other else ()))
