"""The list of orders of a small, a large and a very large shop: `python -m bench.orders [how many orders ...]`.

What is measured is what the admin's list asks the database, from call to rows, warm. The shops are databases of their
own, and take turns, so that a noisy moment meets all of them.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from app.kernel import clock, db
from app.kernel.cursors import Position
from app.migrate import migrate
from app.orders.lists import Wanted, list_orders
from app.orders.states import OrderState
from app.supervisor import postgres
from app.supervisor.postgres import EmbeddedServer
from bench import orders_seed
from tests.factories.checkout import a_merchant

SIZES = (1_000, 100_000, 1_000_000)
PAGE_SIZE = 25
DEEP_PAGE = 1_000
ROUNDS = 8
WARM_CALLS = 8
CALLS = 20
RATIO_MAX = 1.3

# What the floor holds, and what is shown beside it.
GATED: dict[str, Wanted] = {
    "first page": Wanted(),
    f"page {DEEP_PAGE:,} by cursor": Wanted(),
    "how a name begins": Wanted(words="virt"),
    "how a phone begins": Wanted(words="0400 00"),
    "how a reference begins": Wanted(words="SHOP-1"),
}
BESIDE: dict[str, Wanted] = {
    "first letter of a name": Wanted(words="a"),
    "a whole name": Wanted(words="Väinö Väisänen"),
    "orders of one state": Wanted(state=OrderState.HELD),
    "orders of businesses": Wanted(buyer="business"),
    "sums of 500 and more": Wanted(min_minor=500_00),
    "one sum": Wanted(words="129.99"),
}


@dataclass(frozen=True, slots=True)
class Shop:
    """A database with so many orders of one merchant; `deep` is the place where the deep page begins."""

    orders: int
    dsn: str
    merchant_id: UUID
    deep: str
    seeding_s: float


# Nothing of these shops need outlive a crash, and a million orders write much.
_THROWAWAY = ("fsync = off", "full_page_writes = off", "max_wal_size = '16GB'")
# Of a round: what each wish took.
Times = Mapping[str, float]


async def table(server: EmbeddedServer, sizes: Sequence[int] = SIZES) -> bool:
    """Print the table; whether the largest shop's lists keep their bound. The server must be one to throw away."""
    for setting in _THROWAWAY:
        await _administer(server, f"ALTER SYSTEM SET {setting}")
    await _administer(server, "SELECT pg_reload_conf()")
    names = [f"orders_{size}_{uuid.uuid4().hex[:8]}" for size in sizes]
    try:
        shops = [await _open(server, name, size) for name, size in zip(names, sizes, strict=True)]
        rounds = [{shop.orders: await _measure(shop) for shop in shops} for _ in range(ROUNDS)]
    finally:
        # The server would write all of it out before it stops.
        for name in names:
            await _administer(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    return _print(shops, rounds)


async def _administer(server: EmbeddedServer, statement: str) -> None:
    administrator = await asyncpg.connect(server.url("postgres"))
    try:
        await administrator.execute(statement)
    finally:
        await administrator.close()


async def _open(server: EmbeddedServer, name: str, size: int) -> Shop:
    began = time.perf_counter()
    await _administer(server, f"CREATE DATABASE {name}")
    dsn = server.url(name)
    await migrate(dsn)
    await db.start_pool(dsn)
    try:
        merchant = await a_merchant()
        await orders_seed.seed(dsn, merchant.id, size, clock.wall())
        deep = await _deep_place(merchant.id, size)
    finally:
        await db.close_pool()
    return Shop(size, dsn, merchant.id, deep, time.perf_counter() - began)


async def _deep_place(merchant_id: UUID, size: int) -> str:
    """Where the deep page begins, or the last full one of a shop that has no such page."""
    before = PAGE_SIZE * (min(DEEP_PAGE, size // PAGE_SIZE) - 1)
    row = await db.fetch_one(
        "SELECT created_at, id FROM orders WHERE merchant_id = $1 ORDER BY created_at DESC, id DESC OFFSET $2 LIMIT 1",
        merchant_id,
        before - 1,
    )
    assert row is not None
    return Position(row["created_at"], row["id"]).text()


async def _measure(shop: Shop) -> Times:
    """The median milliseconds of each wish, warm."""
    times = {}
    await db.start_pool(shop.dsn, min_size=1, max_size=1)
    try:
        for what, wanted in (GATED | BESIDE).items():
            cursor = shop.deep if what.startswith("page") else None
            took = []
            for call in range(-WARM_CALLS, CALLS):
                began = time.perf_counter()
                page = await list_orders(
                    shop.merchant_id, wanted, cursor=cursor, limit=PAGE_SIZE, lines=False
                )
                if call >= 0:
                    took.append(time.perf_counter() - began)
                assert len(page.orders) == PAGE_SIZE or what in BESIDE, what
            times[what] = 1000 * statistics.median(took)
    finally:
        await db.close_pool()
    return times


def _print(shops: Sequence[Shop], rounds: Sequence[Mapping[int, Times]]) -> bool:
    small, large = shops[0].orders, shops[-1].orders
    print(f"\n| list of orders, median ms | {' | '.join(f'{shop.orders:,}' for shop in shops)} | ratio |")
    print("|---" * (len(shops) + 2) + "|")
    good = True
    for what in GATED | BESIDE:
        figures = " | ".join(
            f"{statistics.median(each[shop.orders][what] for each in rounds):.2f}" for shop in shops
        )
        # Of each round by itself: its shops were measured in the same quiet or noisy moment.
        ratio = statistics.median(each[large][what] / each[small][what] for each in rounds)
        floor = f" (at most {RATIO_MAX})" if what in GATED else ""
        print(f"| {what} | {figures} | **{ratio:.2f}**{floor} |")
        good = good and (what in BESIDE or ratio <= RATIO_MAX)
    seeding = " | ".join(f"{shop.seeding_s:.0f} s" for shop in shops)
    print(f"| (making the shop took) | {seeding} | |")
    return good


async def _alone(sizes: Sequence[int]) -> int:
    from app import doors  # noqa: PLC0415  needs the key ring's settings first
    from app.settings import load  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="kolme-bench-", ignore_cleanup_errors=True) as folder:
        server = postgres.start(Path(folder) / "postgres")
        try:
            doors.turn_keys(load({"KOLME_VAR_DIR": folder, "DATABASE_URL": server.url("postgres")}))
            return 0 if await table(server, sizes) else 1
        finally:
            postgres.stop(server.data_dir)


if __name__ == "__main__":
    sys.exit(asyncio.run(_alone([int(each.replace("_", "")) for each in sys.argv[1:]] or SIZES)))
