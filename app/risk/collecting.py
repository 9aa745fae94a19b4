"""Collecting the facts of a purchase: one statement, over what was decided before."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from app.risk.digests import Digests, digests_of
from app.risk.facts import Facts, Purchase


@dataclass(frozen=True, slots=True)
class Collected:
    """The facts, and the digests under which this purchase will be found by later ones."""

    facts: Facts
    digests: Digests


async def collect(purchase: Purchase) -> Collected:
    """What is known at this press. Its own session and order never count."""
    digests = digests_of(purchase)
    goods = [item for item in purchase.items if item.type == "item"]
    facts = Facts(
        total_minor=purchase.total_minor,
        currency=purchase.currency,
        method=purchase.method,
        buyer=purchase.buyer,
        hour=purchase.at.astimezone(ZoneInfo(purchase.time_zone)).hour,
        pieces=sum(item.quantity for item in goods),
        skus=tuple(sorted({item.sku for item in goods if item.sku})),
        categories=tuple(sorted({item.category for item in goods if item.category})),
        basket=digests.basket.hex() if digests.basket else "",
        postcode=purchase.postcode,
        address=digests.address.hex() if digests.address else None,
    )
    return Collected(facts, digests)
