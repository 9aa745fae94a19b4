"""What trying a rule on 90 days costs in a busy shop: `python -m bench.risk_replay [decisions]`.

Timed is what the preview of a rule asks for while somebody types, and beside it how long other requests of the process
waited for it at most: a replay reads page by page so that they need not.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from app.kernel import clock
from app.risk.conditions import Condition, Goods, Value, Velocity
from app.risk.replay import DECISIONS_MAX, Tried, replay
from app.supervisor import postgres
from app.supervisor.postgres import EmbeddedServer
from bench.ledger import a_shop
from bench.risk_seed import make_decisions

# One every 63 seconds: somewhat more than 90 days of them.
DECISIONS: Final = 130_000
TRIES: Final = 5
RULES: Final[tuple[tuple[str, tuple[Condition, ...]], ...]] = (
    ("fits nothing", (Value(10_000_000),)),
    ("fits every order", (Value(100),)),
    ("five conditions", (Value(1), Goods("words", ("wool",)), *(Velocity("phone", 1, "24h"),) * 3)),
)


async def table(server: EmbeddedServer, decisions: int = DECISIONS) -> None:
    async with a_shop(server) as (dsn, merchant_id):
        now = clock.wall()
        await make_decisions(dsn, merchant_id, decisions, now - timedelta(minutes=1))
        print(
            f"\n| a rule tried on {min(decisions, DECISIONS_MAX):,} decisions | median | others waited at most |"
        )
        print("|---|---|---|")
        for words, conditions in RULES:
            took, waited = [], 0.0
            for _ in range(TRIES):
                watch = asyncio.create_task(_longest_wait_s())
                began = time.perf_counter()
                await replay(merchant_id, "EUR", Tried(conditions, "hold"), now)
                took.append(time.perf_counter() - began)
                watch.cancel()
                with suppress(asyncio.CancelledError):
                    await watch
                waited = max(waited, _longest[0])
            print(f"| {words} | {sorted(took)[TRIES // 2]:.2f} s | {1000 * waited:.0f} ms |")


_longest: Final = [0.0]


async def _longest_wait_s() -> None:
    """How late somebody comes who only wants to be called every millisecond; kept in `_longest`."""
    _longest[0] = 0.0
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        _longest[0] = max(_longest[0], time.perf_counter() - began - 0.001)


async def _alone(decisions: int) -> None:
    from app import doors  # noqa: PLC0415  needs the key ring's settings first
    from app.settings import load  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="kolme-bench-", ignore_cleanup_errors=True) as folder:
        server = postgres.start(Path(folder) / "postgres")
        try:
            doors.turn_keys(load({"KOLME_VAR_DIR": folder, "DATABASE_URL": server.url("postgres")}))
            await table(server, decisions)
        finally:
            postgres.stop(server.data_dir)


if __name__ == "__main__":
    asyncio.run(_alone(int(sys.argv[1].replace("_", "")) if sys.argv[1:] else DECISIONS))
