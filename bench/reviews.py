"""What the queue of reviews costs, from 10 cases to 100,000: `python -m bench.reviews`.

Timed is everything that `/admin/reviews` reads: the first page, one in the middle, how many wait, and where `j` and `k`
lead from a case. A page holds fifty rows where there are as many; the queue is flat when a full page and all beside it
cost the same at 1,000 and at 100,000, and ten rows with all beside them the same in a queue of ten and of 100,000.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final
from uuid import UUID

import asyncpg

from app.cases.money import money_answered, money_waiting
from app.cases.queries import answered, case_by_public_id
from app.cases.queue import Wanted, bad_samples, neighbours, own_undoable, queue_page, queue_total
from app.kernel import clock, db
from app.kernel.cursors import Position
from app.merchants.queries import merchant_by_id
from app.supervisor import postgres
from bench.ledger import a_shop
from tests.factories.checkout import a_session

SIZES: Final = (10, 1_000, 100_000)
ROUNDS: Final = 60
GROWTH_MAX: Final = 1.3
ROWS: Final = 10
STAFF: Final = "staff:st_bench"

# One session of a shop is copied, with its order; each copy has a case, due within the next four days.
_ORDERS: Final = """
INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object(
    'id', md5('order' || n)::uuid, 'public_id', 'ord_' || n, 'reference', 'BENCH-' || n))).*
FROM orders o, generate_series(1, $1::int) n WHERE o.merchant_id = $2
"""
_SESSIONS: Final = """
INSERT INTO checkout_sessions SELECT (jsonb_populate_record(s, jsonb_build_object(
    'id', md5('session' || n)::uuid, 'public_id', 'cs_' || n, 'order_id', md5('order' || n)::uuid))).*
FROM checkout_sessions s, generate_series(1, $1::int) n WHERE s.merchant_id = $2
"""
_CASES: Final = """
INSERT INTO cases (merchant_id, id, public_id, kind, state, asked_by, session_id, amount_minor, currency, lang, name,
                   opened_at, due_at, rank_at)
SELECT $2, md5('case' || n)::uuid, 'case_' || lpad(n::text, 26, '0'), 'risk', 'open', 'rules',
       md5('session' || n)::uuid,
       1000 + n % 50000, 'EUR', 'en', 'Aino Virta', $3, $3::timestamptz + make_interval(secs => 7200 + n % 300000),
       $3::timestamptz + make_interval(secs => n % 300000)
FROM generate_series(1, $1::int) n
"""


async def main(sizes: tuple[int, ...] = SIZES) -> int:
    """Print the table; 0 when the queue is flat."""
    medians = []
    print(
        "| cases that wait | ten rows | first page | in the middle | total | `j` and `k` | the rest | a page |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="kolme-bench-", ignore_cleanup_errors=True) as folder:
        server = postgres.start(Path(folder) / "postgres")
        try:
            for size in sizes:
                async with a_shop(server) as (dsn, merchant_id):
                    medians.append(await _row(dsn, merchant_id, size))
        finally:
            postgres.stop(server.data_dir)
    (few_rows, _), *_, (_, some_page) = medians[:2]
    many_rows, many_page = medians[-1]
    full, ten = many_page / some_page, many_rows / few_rows
    print(f"\nTen rows, with all beside them, take {ten:.2f} times as long as at {sizes[0]:,},")
    print(f"a full page {full:.2f} times as long as at {sizes[1]:,} (each at most {GROWTH_MAX}).")
    return 0 if max(full, ten) <= GROWTH_MAX else 1


async def _seed(dsn: str, merchant_id: UUID, size: int) -> None:
    merchant = await merchant_by_id(merchant_id)
    assert merchant is not None
    await a_session(merchant)
    connection = await asyncpg.connect(dsn)
    try:
        # Copies need neither be told of nor checked: that they are what the page reads is enough.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(_ORDERS, size, merchant_id)
        await connection.execute(_SESSIONS, size, merchant_id)
        await connection.execute(_CASES, size, merchant_id, clock.wall())
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def _row(dsn: str, merchant_id: UUID, size: int) -> tuple[float, float]:
    began = time.perf_counter()
    await _seed(dsn, merchant_id, size)
    print(f"({size:,} cases made in {time.perf_counter() - began:.0f} s)", file=sys.stderr)
    now = clock.wall()
    middle = await db.fetch_one(
        "SELECT rank_at, id, public_id FROM cases ORDER BY rank_at, id OFFSET $1 LIMIT 1", size // 2
    )
    assert middle is not None
    cursor = Position(middle["rank_at"], middle["id"]).text()
    case = await case_by_public_id(merchant_id, middle["public_id"])
    assert case is not None

    async def rest() -> None:
        await answered(merchant_id)
        await money_waiting(merchant_id)
        await money_answered(merchant_id)
        await bad_samples(merchant_id, now)
        await own_undoable(merchant_id, STAFF, now)

    parts: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: queue_page(merchant_id, Wanted(), now=now, limit=ROWS),
        lambda: queue_page(merchant_id, Wanted(), now=now),
        lambda: queue_page(merchant_id, Wanted(), now=now, cursor=cursor),
        lambda: queue_total(merchant_id, now),
        lambda: neighbours(case, STAFF, wall=now, now=now),
        rest,
    )
    took = [await _timed(part) for part in parts]
    cells = " | ".join(f"{each:.1f} ms" for each in took)
    ten_rows, first_page, _, *beside = took
    print(f"| {size:,} | {cells} | **{first_page + sum(beside):.1f} ms** |")
    return ten_rows + sum(beside), first_page + sum(beside)


async def _timed(part: Callable[[], Awaitable[object]]) -> float:
    """The median in milliseconds."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await part()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
