"""What a shop pays, on the page of a shop of its own that has been here for months: the clock need not move for it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

from app.kernel import clock, db, ids
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger.rules import MERCHANT_CASH, MERCHANT_SALES, between
from app.merchants.actions import OPERATOR, NewMerchant, create_merchant
from app.merchants.modules import set_module_price, switch_module
from app.prices.actions import close_due, count_due, set_plan
from e2e import admin_states
from e2e.stop import Stop
from e2e.world import World

_PAGE: Final = "/admin/settings/prices"
_AGO: Final = timedelta(days=75)
_made: Final[dict[str, Stop]] = {}


def _closed(world: World) -> Stop:
    if world.base_url not in _made:
        url = (world.product.var_dir / "database_url").read_text(encoding="utf-8").strip()
        # In a thread: the browser's own event loop runs in this one.
        with ThreadPoolExecutor(1) as aside:
            shop = aside.submit(asyncio.run, _a_shop_with_months(url)).result()
        staff = world.new_staff("owner@kanerva.example", shop)
        _made[world.base_url] = Stop(_PAGE, world.signed_in(staff))
    return _made[world.base_url]


async def _a_shop_with_months(url: str) -> str:
    await db.start_pool(url, min_size=1, max_size=1)
    try:
        new = NewMerchant(
            name="Kanerva", country="FI", contact_email="kanerva@example.test", credit_limit_minor=2_000_00
        )
        now = await clock.business_now()
        shop = await create_merchant(new, now=now - _AGO)
        await set_plan(shop, 150, 29_00, actor=OPERATOR, now=now - _AGO)
        await set_module_price(shop, "wallet", 19_00, actor=OPERATOR, now=now - _AGO)
        await switch_module(
            shop,
            "wallet",
            on=True,
            seen_price_minor=19_00,
            actor=OPERATOR,
            now=now - _AGO + timedelta(days=9),
        )
        for days in range(0, _AGO.days, 9):
            order = ids.public_id("ord")
            entries = between(MERCHANT_CASH, MERCHANT_SALES, Money(1_234_50 + days * 7_77, shop.currency))
            at = now - _AGO + timedelta(days=days)
            await db.in_tx(
                lambda order=order, entries=entries, at=at: ledger.post(  # type: ignore[misc]
                    shop.id, key=f"purchase:{order}", cause="purchase", about=order, entries=entries, now=at
                )
            )
        await set_plan(shop, 120, 39_00, actor=OPERATOR, now=now)
        await close_due(now, 10)
        await count_due(now, 10)
        return shop.public_id
    finally:
        await db.close_pool()


# Name, route, and the way there: each becomes a `states.View`.
ALL: Final = (
    ("admin-prices", _PAGE, admin_states.page(_PAGE)),
    ("admin-prices-months", _PAGE, _closed),
)
