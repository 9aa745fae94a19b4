"""`make torture`: thousands of deaths, and the tables that stand in docs/torture.md.

python -m tests.faults [--runs 2000] [--moves 10000] [--seed 1]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.crashes import Crashes, Tally
from tests.faults.money import MoneyDeaths, MoneyTally
from tests.faults.mortal import Nursery
from tests.support import database


def _say(progress: str) -> None:
    print(progress, file=sys.stderr)


async def _torture(runs: int, moves: int, seed: int) -> tuple[Tally, MoneyTally]:
    """`runs` purchases of each kind of death, then `moves` of every verb that moves money."""
    with database.test_server() as server, tempfile.TemporaryDirectory(prefix="kolme-") as folder:
        template = await database.migrated_template(server)
        async with Nursery.opened() as nursery:
            crashes = Crashes(server, template, Path(folder), nursery, random.Random(seed))
            purchases = await crashes.run(runs, runs, _say)
            deaths = MoneyDeaths(server, template, Path(folder), nursery, random.Random(seed))
            return purchases, await deaths.run(moves, _say)


def main() -> int:
    """Prints the tables. Returns 1 when an invariant was broken."""
    parser = argparse.ArgumentParser(prog="torture", description="Kill what moves money, then count it.")
    parser.add_argument(
        "--runs", type=int, default=2000, help="purchases of each kind of death (default 2000)"
    )
    parser.add_argument("--moves", type=int, default=10_000, help="moves of money (default 10000)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    purchases, moves = asyncio.run(_torture(given.runs, given.moves, given.seed))
    print(f"{purchases.table()}\n\n{purchases.summary()}\n\n{moves.table()}")
    return 1 if purchases.violations or moves.violations else 0


if __name__ == "__main__":
    sys.exit(main())
