"""What is learnt: the page before the first lesson, and with a model that does better than the rules."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from app.kernel import db
from app.merchants.queries import merchant_by_public_id
from e2e.browsing import Phone
from e2e.stop import Stop
from e2e.world import World
from tests.factories.risk_models import a_model

MODEL: Final = "/admin/settings/model"

_taught: Final[set[str]] = set()


def with_a_model(world: World) -> Stop:
    """Once a world: a version stays."""
    if world.base_url not in _taught:
        url = (world.product.var_dir / "database_url").read_text(encoding="utf-8").strip()
        # In a thread: the browser's own event loop runs in this one.
        with ThreadPoolExecutor(1) as aside:
            aside.submit(asyncio.run, _teach(url, world.merchant_id)).result()
        _taught.add(world.base_url)

    def look(phone: Phone) -> None:
        phone.sees("Beside the rules, on your own orders")

    return Stop(MODEL, world.staff_cookies(), look)


async def _teach(url: str, merchant_id: str) -> None:
    await db.start_pool(url, min_size=1, max_size=1)
    try:
        merchant = await merchant_by_public_id(merchant_id)
        assert merchant is not None
        await a_model(merchant)
    finally:
        await db.close_pool()
