"""The worker gives points for what was paid, and takes them back for what was refunded."""

from __future__ import annotations

import pytest

from app import reactions
from app.kernel import clock, db, outbox
from app.kernel.jobs import EndedAlready, Outcome, TryAgain
from app.kernel.outbox import Job
from app.ledger import actions as ledger
from app.merchants.queries import forget_kept_merchants
from app.rewards import jobs
from tests.factories.checkout import a_line
from tests.factories.invoices import a_purchase, drawn
from tests.factories.loyalty import PLAIN, a_shop, buyer_of, programme_saved, standing
from tests.factories.returns import refunded

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def _fresh_shops() -> None:
    forget_kept_merchants()


async def claimed() -> list[Job]:
    return await outbox.claim(20, 30, now=await clock.business_now())


async def run_events() -> list[Job]:
    """React to every event, and answer the jobs that followed from them."""
    for job in await claimed():
        if job.kind == outbox.EVENT_KIND:
            assert isinstance(await reactions.react(job), EndedAlready)
    return await claimed()


async def of_points(found: list[Job]) -> list[Outcome]:
    doing = {jobs.EARN_JOB: jobs.earn, jobs.TAKE_BACK_JOB: jobs.take_back}
    return [await doing[job.kind](job) for job in found if job.kind in doing]


async def test_a_paid_order_earns_and_a_refund_takes_back() -> None:
    merchant = await a_shop()
    order = await a_purchase(merchant, a_line(price="100.00"))
    assert await of_points(await run_events()) == [EndedAlready()]
    customer = await buyer_of(merchant, order)
    assert (await standing(merchant, customer)).total == 100
    await drawn(merchant, order)
    await refunded(merchant, order, 25_00)
    assert await of_points(await run_events()) == [EndedAlready()]
    assert (await standing(merchant, customer)).total == 75


async def test_a_shop_that_never_had_a_programme_has_no_such_jobs() -> None:
    merchant = await a_shop(None)
    await a_purchase(merchant, a_line())
    assert await of_points(await run_events()) == []


async def test_while_money_is_frozen_points_wait_and_nothing_else_does() -> None:
    merchant = await a_shop()
    order = await a_purchase(merchant, a_line(price="100.00"))
    followed = await run_events()
    now = await clock.business_now()
    await db.in_tx(lambda: ledger.freeze("for the test", now))
    [outcome] = await of_points(followed)
    assert isinstance(outcome, TryAgain)
    assert {job.kind for job in followed} > {jobs.EARN_JOB}
    await db.in_tx(lambda: ledger.unfreeze("for the test", now))
    assert await of_points(followed) == [EndedAlready()]
    assert (await standing(merchant, await buyer_of(merchant, order))).total == 100


async def test_a_programme_that_begins_later_gives_nothing_for_what_was_paid_before() -> None:
    merchant = await a_shop(None)
    order = await a_purchase(merchant, a_line())
    await programme_saved(merchant, PLAIN)
    await of_points(await run_events())
    assert (await standing(merchant, await buyer_of(merchant, order))).total == 0
