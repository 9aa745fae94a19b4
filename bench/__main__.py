"""`make bench`: prints the tables that stand in docs/bench.md."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import uuid
from pathlib import Path

import asyncpg
import httpx

from app.kernel import clock, db
from app.migrate import migrate
from app.settings import Settings, load
from app.supervisor import postgres
from bench import figures, ledger, machine, orders, payments, purchases, shop, size

PAIRS = 5
SECONDS = 4
PURCHASES = 300
PURCHASES_A_SECOND = 60
FLOOR = 0.28
AIM = 0.40


async def _prepare(dsn: str, settings: Settings) -> tuple[str, list[shop.Ready]]:
    from app import doors  # noqa: PLC0415  needs the key ring's settings first

    doors.turn_keys(settings)
    await db.start_pool(dsn)
    try:
        merchant = await shop.open_shop()
        first = await shop.ready_purchases(merchant, 1)
        ready = await shop.ready_purchases(merchant, PURCHASES)
        # A database in use has counted its rows, within a minute and by itself. One that never did plans for empty
        # tables, and reads all orders of a shop to find one.
        await db.fetch_all("ANALYZE")
    finally:
        await db.close_pool()
    return first[0].session, list(ready)


def _pages(base_url: str, session: str, bare_port: int, log: Path) -> bool:
    page = httpx.get(f"{base_url}/pay/{session}", headers={"Accept-Encoding": "identity"})
    environ = {"BARE_BYTES": str(len(page.content)), "BENCH_PORT": str(bare_port)}
    ratios, rows = [], []
    with machine.program(["-m", "bench.serve_bare"], environ, on_web_core=True, log=log):
        bare_url = f"http://127.0.0.1:{bare_port}"
        machine.wait_for(f"{bare_url}/plain")
        bare_size = len(httpx.get(f"{bare_url}/page").content)
        plain = machine.wrk(f"{bare_url}/plain", seconds=SECONDS)
        for _ in range(PAIRS):
            bare = machine.wrk(f"{bare_url}/page", seconds=SECONDS)
            ours = machine.wrk(f"{base_url}/pay/{session}", seconds=SECONDS)
            assert bare.errors == ours.errors == 0, "every answer was good"
            ratios.append(ours.requests_per_s / bare.requests_per_s)
            rows.append((bare.requests_per_s, ours.requests_per_s))
    ratio = statistics.median(ratios)
    print("\n| first page of the flow | requests/s |\n|---|---|")
    print(f"| plain text, bare Litestar | {plain.requests_per_s:.0f} |")
    print(f"| bare Jinja page, {bare_size} bytes | {statistics.median(row[0] for row in rows):.0f} |")
    print(
        f"| GET /pay/{{session}}, {len(page.content)} bytes | {statistics.median(row[1] for row in rows):.0f} |"
    )
    print(
        f"| ratio, median of {PAIRS} pairs (lowest {min(ratios):.0%}, highest {max(ratios):.0%}) |"
        f" **{ratio:.0%}** (at least {FLOOR:.0%}, aim {AIM:.0%}) |"
    )
    return ratio >= FLOOR


async def _purchases(base_url: str, dsn: str, ready: list[shop.Ready], words: str) -> bool:
    connection = await asyncpg.connect(dsn)
    await purchases.buy_all(base_url, dsn, ready[:20])
    before = await connection.fetchrow(_STATS)
    bought = await purchases.buy_all(base_url, dsn, ready[20:])
    await asyncio.sleep(1.2)  # PostgreSQL hands its statistics on once a second
    after = await connection.fetchrow(_STATS)
    await connection.close()
    count = bought.purchases
    commits = (after["commits"] - before["commits"]) / count
    print(f"\n| whole purchases, 8 shoppers at once, {words} | |\n|---|---|")
    floor = f"at least {PURCHASES_A_SECOND}, aim 100"
    print(f"| purchases a second, every write durable | **{bought.per_second:.1f}** ({floor}) |")
    print(f"| requests a purchase | {bought.requests / count:.1f} |")
    print(f"| commits of the database a purchase, worker and sandbox and reads included | {commits:.1f} |")
    print(f"| reading the codes took | {bought.reading_codes_s / bought.seconds:.1%} of the shoppers' time |")
    return bought.per_second >= PURCHASES_A_SECOND


_STATS = "SELECT xact_commit AS commits FROM pg_stat_database WHERE datname = current_database()"


async def run() -> int:
    machine.stay_on_load_core()
    print(f"{clock.wall():%Y-%m-%d}, {machine.describe()}")
    with tempfile.TemporaryDirectory(prefix="kolme-bench-", ignore_cleanup_errors=True) as folder:
        var_dir, log = Path(folder), Path(folder) / "log"
        server = postgres.start(var_dir / "postgres")
        try:
            name = f"bench_{uuid.uuid4().hex[:8]}"
            administrator = await asyncpg.connect(server.url("postgres"))
            await administrator.execute(f"CREATE DATABASE {name}")
            await administrator.close()
            dsn = server.url(name)
            await migrate(dsn)
            port = size.free_port()
            environ = {
                "KOLME_VAR_DIR": folder,
                "DATABASE_URL": dsn,
                "PORT": str(port),
                "KOLME_TRUSTED_PROXIES": "127.0.0.1",
            }
            session, ready = await _prepare(dsn, load(environ))
            base_url = f"http://localhost:{port}"
            with machine.program(["-m", "app", "serve"], environ, on_web_core=True, log=log):
                machine.wait_for(f"{base_url}/healthz")
                good = _pages(base_url, session, size.free_port(), log)
                good = size.first_load(f"{base_url}/pay/{session}") and good
                good = figures.table(base_url, session, log) and good
                half = len(ready) // 2
                good = await _purchases(base_url, dsn, ready[:half], "worker stopped") and good
                with machine.program(["-m", "app", "worker"], environ, on_web_core=False, log=log):
                    await _purchases(base_url, dsn, ready[half:], "worker drawing and sending beside them")
            good = await ledger.table(server) and good
            good = await payments.table(server) and good
            # Last: it makes the server forget to write through.
            good = await orders.table(server) and good
        except BaseException:
            sys.stderr.write(log.read_text(errors="replace")[-4000:] if log.exists() else "")
            raise
        finally:
            postgres.stop(server.data_dir)
    print("\nEvery floor holds." if good else "\nA figure is below its floor.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(run()))
