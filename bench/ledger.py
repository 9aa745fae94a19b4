"""The ledger: transfers a second, the proof of the books, a page of a statement: `python -m bench.ledger [postings]`.

What is timed are the verbs and queries that the product calls. Transfers are durable; the databases of the other
tables are made in a few statements.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg

from app.checkout import proving
from app.kernel import clock, db
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger import queries
from app.ledger.rules import MERCHANT_PAYABLE, Account, Entry, receivable_of, wallet_of
from app.migrate import migrate
from app.supervisor import postgres
from app.supervisor.postgres import EmbeddedServer
from bench import ledger_seed
from tests.factories.checkout import a_merchant

POSTINGS = 1_000_000
# What 67 purchases a second leave behind in five minutes.
NEW_TRANSFERS = 20_000
WORKERS = 8
SECONDS = 8.0
ACCOUNTS = 10_000
FULL_MAX_S = 10.0
NEW_MAX_S = 1.0
PROOFS = 3
MOVEMENTS = (10, 100_000)
PAGE_SIZE = 10
RATIO_MAX = 1.3
ROUNDS = 8
CALLS = 30
# The proof of everything is a command, whose statements may take long.
PROOF_TIMEOUT_S = 600.0

# The two accounts of a transfer.
Pick = Callable[[], tuple[Account, Account]]


async def table(server: EmbeddedServer, postings: int = POSTINGS) -> bool:
    """Print the tables; whether the figures keep their bounds. The server's writes must be durable."""
    good = await _transfers(server)
    good = await _proofs(server, postings) and good
    return await _statements(server) and good


@asynccontextmanager
async def a_shop(server: EmbeddedServer, *, pool: int = 2) -> AsyncIterator[tuple[str, UUID]]:
    """A database of its own with one merchant, and the pool on it."""
    name = f"ledger_{uuid.uuid4().hex[:8]}"
    await _administer(server, f"CREATE DATABASE {name}")
    dsn = server.url(name)
    try:
        await migrate(dsn)
        await db.start_pool(dsn, min_size=pool, max_size=pool, statement_timeout_s=PROOF_TIMEOUT_S)
        try:
            yield dsn, (await a_merchant()).id
        finally:
            await db.close_pool()
    finally:
        await _administer(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _administer(server: EmbeddedServer, statement: str) -> None:
    administrator = await asyncpg.connect(server.url("postgres"))
    try:
        await administrator.execute(statement)
    finally:
        await administrator.close()


def _any_two() -> tuple[Account, Account]:
    left, right = random.sample(range(ACCOUNTS), 2)
    return receivable_of(f"cus_{left}"), receivable_of(f"cus_{right}")


def _one_hot() -> tuple[Account, Account]:
    return receivable_of(f"cus_{random.randrange(ACCOUNTS)}"), MERCHANT_PAYABLE  # noqa: S311 - spreads load


async def _transfers(server: EmbeddedServer) -> bool:
    print(f"\n| transfers of two postings, {WORKERS} workers, every write durable | postings/s |\n|---|---|")
    for words, pick in (("any two of 10,000 accounts", _any_two), ("one account in all of them", _one_hot)):
        async with a_shop(server, pool=WORKERS) as (_, merchant_id):
            # The first ones open the accounts.
            await _post_for(merchant_id, pick, SECONDS / 2)
            count = await _post_for(merchant_id, pick, SECONDS)
            print(f"| {words} | {2 * count / SECONDS:.0f} |")
            while await ledger.seal(clock.wall(), proving.SEAL_AT_ONCE):
                pass
            found = await proving.prove_everything(clock.wall())
            assert found.violations == [], found.violations
    return True


async def _post_for(merchant_id: UUID, pick: Pick, seconds: float) -> int:
    until, amount = time.perf_counter() + seconds, Money(100, "EUR")

    async def work() -> int:
        count = 0
        while time.perf_counter() < until:
            left, right = pick()
            entries = (Entry(left, "debit", amount), Entry(right, "credit", amount))
            key = f"bench:{uuid.uuid4()}"
            post = partial(
                ledger.post,
                merchant_id,
                key=key,
                cause="bench",
                about=key,
                entries=entries,
                now=clock.wall(),
            )
            await db.in_tx(post)
            count += 1
        return count

    return sum(await asyncio.gather(*(work() for _ in range(WORKERS))))


async def _proofs(server: EmbeddedServer, postings: int) -> bool:
    transfers = postings // 2
    async with a_shop(server) as (dsn, merchant_id):
        await ledger_seed.seed(dsn, merchant_id, transfers, clock.wall())
        began = time.perf_counter()
        while await ledger.seal(clock.wall(), proving.SEAL_AT_ONCE):
            pass
        sealing_s = time.perf_counter() - began
        await _settled(dsn)
        full = statistics.median([await _prove(proving.prove_everything, transfers) for _ in range(PROOFS)])
        news = []
        for turn in range(PROOFS):
            already = transfers + turn * NEW_TRANSFERS
            await ledger_seed.seed(dsn, merchant_id, NEW_TRANSFERS, clock.wall(), already)
            while await ledger.seal(clock.wall(), proving.SEAL_AT_ONCE):
                pass
            news.append(await _prove(proving.prove_new, NEW_TRANSFERS))
    new = statistics.median(news)
    print(f"\n| proof of the books, {postings:,} postings | median of {PROOFS} |\n|---|---|")
    print(f"| everything (`kolme check-books`) | **{full:.1f} s** (at most {FULL_MAX_S:.0f}) |")
    print(
        f"| {2 * NEW_TRANSFERS:,} new postings, as every five minutes | **{new:.2f} s** (at most {NEW_MAX_S:.0f}) |"
    )
    print(f"| sealing, a transfer | {1e6 * sealing_s / transfers:.0f} µs |")
    return full <= FULL_MAX_S and new <= NEW_MAX_S


async def _settled(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await ledger_seed.settle(connection)
    finally:
        await connection.close()


async def _prove(proof: Callable[..., object], transfers: int) -> float:
    found = await proof(clock.wall())  # type: ignore[misc]
    assert isinstance(found, proving.Proof)
    assert found.violations == [], found.violations
    assert found.transfers >= transfers, found.transfers
    return found.took_s


async def _statements(server: EmbeddedServer) -> bool:
    async with a_shop(server) as (dsn, merchant_id):
        wallets = {movements: wallet_of(f"cus_{movements}") for movements in MOVEMENTS}
        for movements, wallet in wallets.items():
            await ledger_seed.seed_statement(dsn, merchant_id, wallet.address, movements, clock.wall())
        rounds = [
            {movements: await _page_ms(merchant_id, wallet, None) for movements, wallet in wallets.items()}
            for _ in range(ROUNDS)
        ]
        small, large = MOVEMENTS
        deep = await _page_ms(merchant_id, wallets[large], str(large // 2))
    ratio = statistics.median(each[large] / each[small] for each in rounds)
    print(
        f"\n| page of a statement, median ms | {small:,} movements | {large:,} movements | ratio |\n|---|---|---|---|"
    )
    figures = " | ".join(
        f"{statistics.median(each[movements] for each in rounds):.2f}" for movements in MOVEMENTS
    )
    print(f"| first page | {figures} | **{ratio:.2f}** (at most {RATIO_MAX}) |")
    print(f"| from the middle, by cursor | | {deep:.2f} | |")
    return ratio <= RATIO_MAX


async def _page_ms(merchant_id: UUID, wallet: Account, cursor: str | None) -> float:
    took = []
    for call in range(-CALLS // 3, CALLS):
        began = time.perf_counter()
        page = await queries.statement(merchant_id, wallet, "EUR", cursor, PAGE_SIZE)
        if call >= 0:
            took.append(time.perf_counter() - began)
        assert len(page.lines) == PAGE_SIZE
    return 1000 * statistics.median(took)


async def _alone(postings: int) -> int:
    from app import doors  # noqa: PLC0415  needs the key ring's settings first
    from app.settings import load  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="kolme-bench-", ignore_cleanup_errors=True) as folder:
        server = postgres.start(Path(folder) / "postgres")
        try:
            doors.turn_keys(load({"KOLME_VAR_DIR": folder, "DATABASE_URL": server.url("postgres")}))
            return 0 if await table(server, postings) else 1
        finally:
            postgres.stop(server.data_dir)


if __name__ == "__main__":
    sys.exit(asyncio.run(_alone(int(sys.argv[1].replace("_", "")) if sys.argv[1:] else POSTINGS)))
