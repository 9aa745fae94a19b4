"""A shop that has switched its wallet off while somebody still had money in it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from app.identity.actions import customers
from app.kernel import clock, db, ids
from app.kernel.money import Money
from app.merchants.actions import NewMerchant, create_merchant
from app.merchants.modules import switch_module
from app.merchants.queries import Merchant, merchant_by_public_id
from app.wallet import actions as wallet
from app.wallet.rules import WalletCause
from e2e.sandbox import Shopper
from e2e.world import World


def a_closed_wallet(world: World, shopper: Shopper, amount_minor: int) -> str:
    """The shopper has this much in the wallet of a shop of its own, which then closed it. Answers the shop's id."""
    url = (world.product.var_dir / "database_url").read_text(encoding="utf-8").strip()
    # In a thread: the browser's own event loop runs in this one.
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, _close(url, shopper, amount_minor)).result()


async def _close(url: str, shopper: Shopper, amount_minor: int) -> str:
    await db.start_pool(url, min_size=1, max_size=1)
    try:
        shop = await create_merchant(
            NewMerchant(
                name="Lumo", country="FI", contact_email="lumo@example.test", credit_limit_minor=2_000_00
            ),
            now=clock.wall(),
        )
        shop = await _switched(shop, on=True)
        await db.in_tx(lambda: _give(shop, shopper, amount_minor))
        await _switched(shop, on=False)
        return shop.public_id
    finally:
        await db.close_pool()


async def _switched(shop: Merchant, *, on: bool) -> Merchant:
    await switch_module(shop, "wallet", on=on, seen_price_minor=0, actor="operator", now=clock.wall())
    found = await merchant_by_public_id(shop.public_id)
    assert found is not None
    return found


async def _give(shop: Merchant, shopper: Shopper, amount_minor: int) -> None:
    row = await db.fetch_one(
        "SELECT c.id, c.public_id FROM customers c JOIN verified_identities v ON v.customer_id = c.id"
        " WHERE v.subject = $1",
        shopper.subject,
    )
    assert row is not None, "somebody whom a bank has named"
    now = clock.wall()
    await customers.bought(
        shop.id, row["id"], email=shopper.email, street=None, city=None, postcode=None, phone=None, now=now
    )
    await wallet.add(
        shop,
        row["public_id"],
        Money(amount_minor, shop.currency),
        cause=WalletCause.GIFT,
        about=row["public_id"],
        key=f"gift:{ids.internal_id()}",
        now=now,
    )
