"""kill -9 in the middle of purchases. `make torture` does the same thousands of times."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.supervisor.postgres import EmbeddedServer
from tests.faults.crashes import Crashes
from tests.faults.mortal import Nursery

# Of each half, so that two processes share them.
AT_A_STATEMENT = 100
AT_RANDOM = 15


@pytest.mark.parametrize("half", [1, 2])
@pytest.mark.timeout(600)
async def test_a_purchase_killed_anywhere_happens_once_or_not_at_all_and_a_repeat_makes_it_whole(
    postgres_server: EmbeddedServer,
    template_database: str,
    open_folder: Path,
    capsys: pytest.CaptureFixture[str],
    half: int,
) -> None:
    async with Nursery.opened() as nursery:
        crashes = Crashes(postgres_server, template_database, open_folder, nursery, random.Random(half))
        tally = await crashes.run(AT_A_STATEMENT, AT_RANDOM)
    with capsys.disabled():
        print(f"\n{tally.table()}\n\n{tally.summary()}")
    assert tally.violations == []
    for k in range(1, len(tally.statements) + 2):
        assert tally.died[k] >= 1, f"nothing died before statement {k}"
    assert tally.chosen_runs == AT_A_STATEMENT
    assert tally.chosen_died >= 0.6 * tally.chosen_runs
    assert tally.landed[len(tally.statements) + 1] >= 1, "a COMMIT whose answer was lost is answered as done"
    assert sum(tally.worker_deaths.values()) >= 10
