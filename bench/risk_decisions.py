"""What a decision about risk costs with very many orders behind it: `python -m bench.risk_decisions [orders]`.

Timed is the verb that the press of "Confirm" calls: facts collected in one statement, everybody asked, the decision
written down. Writes are durable; the commit, which is the whole purchase's, is not in the time.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from app.kernel import clock, db, ids
from app.merchants.queries import merchant_by_id
from app.risk.actions import assess_in_tx
from app.risk.collecting import asked_to_collect
from app.risk.digests import digests_of
from app.risk.facts import Purchase
from app.supervisor import postgres
from app.supervisor.postgres import EmbeddedServer
from bench.ledger import a_shop
from bench.risk_seed import (
    MOBILE_NETWORKS,
    PARCEL_POINTS,
    PEOPLE,
    Standing,
    make_decisions,
    purchase_by,
    standing,
)
from tests.factories.risk import a_purchase_at

ORDERS: Final = 1_000_000
PRESSES: Final = 300
WARMING: Final = 30
MEDIAN_MAX_MS: Final = 5.0


async def table(server: EmbeddedServer, orders: int = ORDERS) -> bool:
    """Print the table; whether the figures keep their bound."""
    async with a_shop(server) as (dsn, merchant_id):
        now = clock.wall()
        began = time.perf_counter()
        await make_decisions(dsn, merchant_id, orders, now - timedelta(minutes=1))
        print(f"({orders:,} decisions made in {time.perf_counter() - began:.0f} s)", file=sys.stderr)
        print(f"\n| a decision about risk, {orders:,} orders before it | median | slowest of 100 | work |")
        print("|---|---|---|---|")
        medians = []
        for words, who in _shoppers(orders):
            took, busy_ms = await _timed(merchant_id, now, who)
            medians.append(statistics.median(took))
            slow = statistics.quantiles(took, n=100)[98]
            bound = f" (at most {MEDIAN_MAX_MS:.0f})" if len(medians) == 1 else ""
            print(f"| {words} | **{medians[-1]:.1f} ms**{bound} | {slow:.1f} ms | {busy_ms:.1f} ms |")
        scans = await _scans(merchant_id, now)
    print(f"\nRows of the table are found by index alone: {'yes' if not scans else ', '.join(scans)}.")
    return medians[0] <= MEDIAN_MAX_MS and not scans


def _shoppers(orders: int) -> tuple[tuple[str, list[Standing]], ...]:
    presses = range(PRESSES + WARMING)
    new = [Standing(PEOPLE + n, 2 * PEOPLE + n, 9_000_000 + n, 5) for n in presses]
    busy = [Standing(n * 977 % PEOPLE, n % PARCEL_POINTS, n % MOBILE_NETWORKS, 0) for n in presses]
    return (
        # Every fourth has never bought before.
        ("shoppers as they come", [new[n] if n % 4 == 1 else standing(orders + n) for n in presses]),
        ("customers who have bought before", [standing(1 + n * 2_999) for n in presses]),
        ("people who are new", new),
        ("a parcel point, a mobile network and the basket of the season, each press", busy),
    )


async def _timed(merchant_id: UUID, now: datetime, who: list[Standing]) -> tuple[list[float], float]:
    """How long each press took, and how long processors worked for one, here and in the server: the rest of the time is
    spent waiting for them. Milliseconds."""
    merchant = await merchant_by_id(merchant_id)
    assert merchant is not None
    purchases = []
    for one in who:
        told = purchase_by(merchant_id, one, at=now, customer_id=UUID(int=one.person))
        purchases.append(await a_purchase_at(merchant, **{name: getattr(told, name) for name in _TOLD}))
    await _press(purchases[:WARMING])
    worked_s = await _worked_s()
    took = await _press(purchases[WARMING:])
    return took, 1000 * (await _worked_s() - worked_s) / len(took)


async def _press(purchases: list[Purchase]) -> list[float]:
    took = []
    for purchase in purchases:
        async with db.tx():
            began = time.perf_counter()
            await assess_in_tx(purchase)
            took.append(1000 * (time.perf_counter() - began))
    return took


def _stat(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text()


async def _worked_s() -> float:
    """Seconds of processors so far: of this process, and of the server's for our connections."""
    rows = await db.fetch_all("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
    ticks = 0
    for row in rows:
        told = _stat(row["pid"]).rpartition(")")[2].split()
        ticks += int(told[11]) + int(told[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


_TOLD: Final = ("at", "customer_id", "phone", "email", "street", "device", "network", "items")


async def _scans(merchant_id: UUID, now: datetime) -> list[str]:
    """Which parts of the plan walk over the whole table."""
    purchase = purchase_by(
        merchant_id, standing(2_999), at=now, customer_id=UUID(int=5), browser_id=ids.internal_id()
    )
    plan = await plan_of(*asked_to_collect(purchase, digests_of(purchase)))
    return [f"{node['Node Type']} on {node['Relation Name']}" for node in plan if is_a_walk(node)]


async def plan_of(sql: str, *asked: object) -> list[Mapping[str, object]]:
    """The nodes of the plan that the database makes for a statement."""
    told = await db.fetch_value(f"EXPLAIN (FORMAT JSON) {sql}", *asked)
    return list(nodes((json.loads(told) if isinstance(told, str) else told)[0]["Plan"]))


def is_a_walk(node: Mapping[str, object]) -> bool:
    """Whether this part reads a table that grows with every order in another way than along an index."""
    grows = ("risk_decisions", "risk_labels")
    return node.get("Relation Name") in grows and "Index" not in str(node["Node Type"])


def nodes(plan: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    yield plan
    parts = plan.get("Plans", [])
    assert isinstance(parts, list)
    for part in parts:
        yield from nodes(part)


async def _alone(orders: int) -> int:
    from app import doors  # noqa: PLC0415  needs the key ring's settings first
    from app.settings import load  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="kolme-bench-", ignore_cleanup_errors=True) as folder:
        server = postgres.start(Path(folder) / "postgres")
        try:
            doors.turn_keys(load({"KOLME_VAR_DIR": folder, "DATABASE_URL": server.url("postgres")}))
            return 0 if await table(server, orders) else 1
        finally:
            postgres.stop(server.data_dir)


if __name__ == "__main__":
    sys.exit(asyncio.run(_alone(int(sys.argv[1].replace("_", "")) if sys.argv[1:] else ORDERS)))
