"""What the worker does for the ledger by the clock alone: seals, proofs, and the ends of holds and lots."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from app.kernel import clock, db
from app.kernel.jobs import Handler
from app.ledger import actions as ledger
from app.ledger.actions import NewLot
from app.ledger.proof import check_ledger
from app.worker import Worker, chores
from tests.factories.ledger import Purse

pytestmark = pytest.mark.usefixtures("db")
NO_JOBS: Mapping[str, Handler] = {}


async def a_purse() -> Purse:
    purse = await Purse.points()
    purse.now = clock.wall()
    return purse


async def later(span: timedelta) -> None:
    offset_s = await clock.read_offset_s() + round(span.total_seconds())
    await db.in_tx(lambda: clock.set_offset_s(offset_s))


async def counted() -> tuple[int, int]:
    """Transfers that wait for a seal, and proofs so far."""
    row = await db.fetch_one(
        "SELECT (SELECT count(*) FROM ledger_unsealed) AS unsealed, (SELECT count(*) FROM book_proofs) AS proofs"
    )
    assert row is not None
    return row["unsealed"], row["proofs"]


async def test_what_was_committed_is_sealed_within_a_minute_and_proven_within_five() -> None:
    purse, worker = await a_purse(), Worker(NO_JOBS, chores())
    await purse.put(5)
    await worker.run_once()
    assert await counted() == (0, 1)
    await purse.put(5)
    await worker.run_once()
    assert await counted() == (1, 1), "neither is done again at once"
    await later(timedelta(minutes=1))
    await worker.run_once()
    assert await counted() == (0, 1)
    await later(timedelta(minutes=4))
    await worker.run_once()
    assert await counted() == (0, 2)
    assert await check_ledger() == []


async def test_holds_and_lots_that_ran_out_end_by_themselves() -> None:
    purse, worker = await a_purse(), Worker(NO_JOBS, chores())
    await purse.put(500, NewLot(expires_at=purse.now + timedelta(hours=2)))
    await purse.hold(400, purse.now + timedelta(hours=1))
    await later(timedelta(hours=1))
    await worker.run_once()
    assert (await purse.balance()).held == 0
    await later(timedelta(hours=1))
    await worker.run_once()
    assert (await purse.balance()).total == 0
    assert await check_ledger() == []


async def test_while_money_is_frozen_the_worker_goes_on_with_everything_else() -> None:
    purse, worker = await a_purse(), Worker(NO_JOBS, chores())
    await purse.put(500, NewLot(expires_at=purse.now + timedelta(hours=1)))
    await ledger.freeze_now("a drill", purse.now)
    await later(timedelta(hours=1))
    await worker.run_once()
    assert (await purse.balance()).total == 500, "nothing lapses meanwhile"
    assert await counted() == (0, 1), "what was there is sealed and proven all the same"
    await ledger.unfreeze_now("it was a drill", purse.now)
    await worker.run_once()
    assert (await purse.balance()).total == 0
