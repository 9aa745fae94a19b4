"""Purchases as checkout tells them to risk, on sessions and orders that stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import db
from app.merchants.queries import Merchant
from app.risk.actions import assess_in_tx
from app.risk.facts import Item, Purchase
from app.risk.rules import Verdict
from tests.factories.checkout import a_session

NOON: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)
BLANKET: Final = Item("B-1", "Wool blanket", "home", 1, 12_900, "item")
GUEST_NETWORK: Final = "203.0.113.0/24"


def a_purchase(**changed: object) -> Purchase:
    """Aino buys a blanket in Helsinki, from her own phone and browser. No session and no order stand behind it."""
    aino = Purchase(
        merchant_id=UUID(int=1),
        session_id=UUID(int=2),
        order_id=UUID(int=3),
        at=NOON,
        time_zone="Europe/Helsinki",
        country="FI",
        currency="EUR",
        total_minor=12_900,
        items=(BLANKET,),
        method="invoice",
        buyer="consumer",
        customer_id=None,
        customer_since=None,
        verified_name="Aino Virta",
        name="Aino Virta",
        phone="+358480000101",
        email="aino@example.test",
        street="Satamakatu 3",
        postcode="00100",
        city="Helsinki",
        passed_name=None,
        passed_postcode=None,
        browser_id=None,
        device=b"aino's browser",
        network=GUEST_NETWORK,
    )
    return replace(aino, **changed)  # type: ignore[arg-type]


async def a_purchase_at(merchant: Merchant, **changed: object) -> Purchase:
    """The same in a shop that stands, with a session and an order of its own."""
    session = await a_session(merchant)
    row = await db.fetch_one(
        "SELECT id, order_id FROM checkout_sessions WHERE merchant_id = $1 AND public_id = $2",
        merchant.id,
        session,
    )
    assert row is not None
    standing = {"merchant_id": merchant.id, "session_id": row["id"], "order_id": row["order_id"]}
    return a_purchase(**{**standing, **changed})


async def remember(merchant: Merchant, **changed: object) -> Verdict:
    """Decide about a purchase of its own; five minutes before the one that a test looks at, unless it says when."""
    purchase = await a_purchase_at(merchant, **{"at": NOON - timedelta(minutes=5), **changed})
    return await db.in_tx(lambda: assess_in_tx(purchase))
