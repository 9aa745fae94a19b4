"""`make torture`: thousands of deaths, and the table that stands in docs/torture.md.

python -m tests.faults [--runs 2000] [--seed 1]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.crashes import Crashes, Tally
from tests.faults.mortal import Nursery
from tests.support import database


async def _torture(runs: int, seed: int) -> Tally:
    with database.test_server() as server, tempfile.TemporaryDirectory(prefix="kolme-") as folder:
        template = await database.migrated_template(server)
        async with Nursery.opened() as nursery:
            crashes = Crashes(server, template, Path(folder), nursery, random.Random(seed))
            return await crashes.run(runs, runs, lambda progress: print(progress, file=sys.stderr))


def main() -> int:
    """Prints the table. Returns 1 when an invariant was broken."""
    parser = argparse.ArgumentParser(prog="torture", description="Kill purchases, then count the money.")
    parser.add_argument("--runs", type=int, default=2000, help="of each kind (default 2000)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    tally = asyncio.run(_torture(given.runs, given.seed))
    print(f"{tally.table()}\n\n{tally.summary()}")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
