"""A plain programme, as most shops would begin with, and a shop that has one beside its wallet."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.kernel import clock, db
from app.loyalty.actions import save_programme
from app.loyalty.queries import PointsStanding, latest_programme, standing_of
from app.loyalty.rules import Programme, Rate, Turning
from app.merchants.modules import switch_module
from app.merchants.queries import Merchant, merchant_by_id
from app.rewards import actions as rewards
from app.rewards.actions import Refund
from tests.factories.checkout import a_merchant

PLAIN: Final = Programme(
    active=True,
    rate=Rate.per_unit(1_00),
    categories=(),
    periods=(),
    tiers=(),
    rounding="down",
    shipping_earns=False,
    wallet_part_earns=False,
    pending_days=14,
    expiry_months=24,
    turning=Turning(100, 100, 100),
)
AT_ONCE: Final = replace(PLAIN, pending_days=0)


async def a_shop(programme: Programme | None = PLAIN) -> Merchant:
    """A shop whose wallet is on, with this programme from now on."""
    merchant = await a_merchant(credit_limit_minor=5_000_00)
    merchant = await wallet_switched(merchant, on=True)
    if programme is not None:
        await programme_saved(merchant, programme)
    return merchant


async def wallet_switched(merchant: Merchant, *, on: bool) -> Merchant:
    await switch_module(
        merchant, "wallet", on=on, seen_price_minor=0, actor="staff:st_1", now=await clock.business_now()
    )
    found = await merchant_by_id(merchant.id)
    assert found is not None
    return found


async def programme_saved(merchant: Merchant, programme: Programme) -> int:
    held = await latest_programme(merchant.id)
    return await save_programme(
        merchant.id,
        merchant.public_id,
        programme,
        seen_version=held.version if held else 0,
        actor="staff:st_1",
        now=await clock.business_now(),
    )


async def earned(merchant: Merchant, order: str) -> int | None:
    """What the worker gives for an order, now."""
    now = await clock.business_now()
    found = await db.in_tx(lambda: rewards.earn(merchant, order, now=now))
    return None if found is None else found.points


async def taken_back(merchant: Merchant, order: str, refund: str, value_minor: int) -> int:
    """What the worker takes back for a refund of so much."""
    now = await clock.business_now()
    told = Refund(order, refund, value_minor)
    return await db.in_tx(lambda: rewards.take_back(merchant.id, told, now=now))


async def buyer_of(merchant: Merchant, order: str) -> str:
    """The public id of who bought."""
    found = await db.fetch_value(
        """SELECT c.public_id FROM orders o JOIN customers c ON c.id = o.customer_id
           WHERE o.merchant_id = $1 AND o.public_id = $2""",
        merchant.id,
        order,
    )
    return str(found)


async def standing(merchant: Merchant, customer: str) -> PointsStanding:
    return await standing_of(merchant, customer, await clock.business_now())
