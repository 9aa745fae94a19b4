"""Money in the wallet of somebody of the sandbox, put there by the verb that gifts of the shop come by."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from app.identity.actions import customers
from app.kernel import clock, db, ids
from app.kernel.money import Money
from app.merchants.queries import merchant_by_public_id
from app.wallet import actions as wallet
from app.wallet.rules import WalletCause
from e2e.sandbox import Shopper
from e2e.world import World


def fill_wallet(world: World, shopper: Shopper, amount_minor: int) -> None:
    """The shopper is a customer of the demo shop from now on, with this much more in the wallet there."""
    url = (world.product.var_dir / "database_url").read_text(encoding="utf-8").strip()
    # In a thread: the browser's own event loop runs in this one.
    with ThreadPoolExecutor(1) as aside:
        aside.submit(asyncio.run, _fill(url, world.merchant_id, shopper, amount_minor)).result()


async def _fill(url: str, merchant_id: str, shopper: Shopper, amount_minor: int) -> None:
    await db.start_pool(url, min_size=1, max_size=1)
    try:
        await db.in_tx(lambda: _give(merchant_id, shopper, amount_minor))
    finally:
        await db.close_pool()


async def _give(merchant_public_id: str, shopper: Shopper, amount_minor: int) -> None:
    merchant = await merchant_by_public_id(merchant_public_id)
    assert merchant is not None
    holder = await customers.holder_of(shopper.phone)
    assert holder is not None, "somebody whom the shop knows by their phone"
    now = clock.wall()
    await customers.bought(
        merchant.id,
        holder.id,
        email=shopper.email,
        street=None,
        city=None,
        postcode=shopper.postcode,
        phone=shopper.phone,
        now=now,
    )
    await wallet.add(
        merchant,
        holder.public_id,
        Money(amount_minor, merchant.currency),
        cause=WalletCause.GIFT,
        about=holder.public_id,
        key=f"gift:{ids.internal_id()}",
        now=now,
    )
