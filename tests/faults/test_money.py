"""kill -9 in the middle of every verb that moves money. `make torture` does the same thousands of times."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.supervisor.postgres import EmbeddedServer
from tests.faults.held_moves import HELD_MOVES
from tests.faults.money import MoneyDeaths
from tests.faults.mortal import Nursery
from tests.faults.product_moves import PRODUCT_MOVES

DEATHS = 200
WITHOUT_PROVIDER = {**PRODUCT_MOVES, **HELD_MOVES}


@pytest.mark.timeout(600)
async def test_a_move_of_money_killed_anywhere_stands_once_or_not_at_all_and_a_repeat_makes_it_whole(
    postgres_server: EmbeddedServer,
    template_database: str,
    open_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with Nursery.opened() as nursery:
        deaths = MoneyDeaths(
            postgres_server, template_database, open_folder, nursery, random.Random(1), WITHOUT_PROVIDER
        )
        tally = await deaths.run(DEATHS)
    with capsys.disabled():
        print(f"\n{tally.table()}")
    assert tally.violations == []
    assert sum(tally.died.values()) == DEATHS
    for name, statements in tally.statements.items():
        assert {statements, statements + 1} <= tally.places[name], f"{name}: died around its COMMIT"
        assert tally.landed[name] >= 1, f"{name}: a COMMIT whose answer was lost is found done"
