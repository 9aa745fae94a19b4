"""The outbox: written with its cause, done by one worker at a time, every try on record."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timedelta

import pytest

from app.kernel import clock, outbox
from app.kernel import db as kernel
from app.kernel.db import fetch_all, fetch_one, fetch_value, in_tx, tx

SHOP = uuid.UUID(int=1)


async def put_jobs(count: int, now: datetime) -> None:
    async with tx():
        for n in range(count):
            await outbox.put(SHOP, "mail", {"n": n}, run_at=now)


async def tries() -> list[tuple[int, str, str]]:
    rows = await fetch_all("SELECT attempt, outcome, detail FROM outbox_tries ORDER BY attempt")
    return [(row["attempt"], row["outcome"], row["detail"]) for row in rows]


async def test_an_event_has_one_row_of_its_own_and_one_in_the_outbox(db: str, now: datetime) -> None:
    async with tx():
        event_id = await outbox.emit(SHOP, "order.paid", {"order": "ord_1"}, now=now, about="ord_1")
    event = await fetch_one("SELECT * FROM events")
    [job] = await outbox.claim(10, 30, now=now)
    assert event is not None
    assert (event["public_id"], event["type"], event["data"]) == (event_id, "order.paid", {"order": "ord_1"})
    assert event["created_at"] == now
    assert (job.kind, job.key, job.about, job.attempt) == ("event", event_id, "ord_1", 1)
    assert job.payload == {"event": event_id, "type": "order.paid", "data": {"order": "ord_1"}}


async def test_an_event_stands_or_falls_with_its_cause(db: str, now: datetime) -> None:
    with pytest.raises(ZeroDivisionError):
        async with tx():
            await outbox.emit(SHOP, "order.paid", {}, now=now)
            await outbox.put(SHOP, "mail", {})
            raise ZeroDivisionError
    assert await fetch_value("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM outbox)") == 0


async def test_outside_a_transaction_nothing_is_put(db: str, now: datetime) -> None:
    with pytest.raises(kernel.NotInTransaction):
        await outbox.put(SHOP, "mail", {})
    with pytest.raises(kernel.NotInTransaction):
        await outbox.emit(SHOP, "order.paid", {}, now=now)


async def test_a_second_job_with_the_same_key_is_not_written(db: str, now: datetime) -> None:
    async with tx():
        first = await outbox.put(SHOP, "expire", {"n": 1}, key="expire:1", run_at=now)
        assert await outbox.put(SHOP, "expire", {"n": 2}, key="expire:1", run_at=now) == first
        assert await outbox.put(uuid.UUID(int=2), "expire", {}, key="expire:1", run_at=now) != first
    assert await fetch_value("SELECT count(*) FROM outbox") == 2


async def test_a_job_without_a_time_is_due_at_once_on_the_business_clock(db: str) -> None:
    async with tx():
        await clock.set_offset_s(86_400 * 30)
    async with tx():
        await outbox.put(SHOP, "mail", {})
    assert await outbox.claim(10, 30, now=clock.wall()) == []
    assert len(await outbox.claim(10, 30, now=clock.business(86_400 * 30 + 1))) == 1


async def test_jobs_come_when_due_and_oldest_first(db: str, now: datetime) -> None:
    async with tx():
        for minutes in (3, 1, 2, 60):
            await outbox.put(SHOP, "mail", {"m": minutes}, run_at=now + timedelta(minutes=minutes))
    assert await outbox.claim(10, 30, now=now) == []
    assert await outbox.next_run_at() == now + timedelta(minutes=1)
    jobs = await outbox.claim(2, 30, now=now + timedelta(minutes=10))
    assert [job.payload["m"] for job in jobs] == [1, 2]


async def test_parallel_claims_never_share_a_job(db: str, now: datetime) -> None:
    await put_jobs(200, now)
    claimed = await asyncio.gather(*(outbox.claim(15, 30, now=now) for _ in range(20)))
    numbers = [job.id for jobs in claimed for job in jobs]
    assert len(numbers) == len(set(numbers))
    while jobs := await outbox.claim(15, 30, now=now):
        numbers.extend(job.id for job in jobs)
    assert len(numbers) == len(set(numbers)) == 200


async def test_claiming_by_reading_first_gives_one_job_to_many(db: str, now: datetime) -> None:
    """The control: without the row lock of the claim, workers that look at the same time take the same jobs."""
    await put_jobs(5, now)
    everybody_has_looked = asyncio.Barrier(4)

    async def careless() -> list[uuid.UUID]:
        async with tx():
            rows = await fetch_all("SELECT id FROM outbox WHERE leased_until IS NULL ORDER BY run_at LIMIT 5")
            await everybody_has_looked.wait()
            found = [row["id"] for row in rows]
            await kernel.execute("UPDATE outbox SET leased_until = now() WHERE id = ANY($1)", found)
            return found

    claimed = await asyncio.gather(*(careless() for _ in range(4)))
    assert sum(map(len, claimed)) == 20


async def test_a_success_ends_the_job_and_leaves_a_row(db: str, now: datetime) -> None:
    await put_jobs(1, now)
    [job] = await outbox.claim(1, 30, now=now)
    await outbox.succeed(job, "200")
    assert await tries() == [(1, "done", "200")]
    assert await outbox.claim(1, 30, now=now + timedelta(days=1)) == []
    row = await fetch_one(
        "SELECT t.started_at, t.ended_at, o.done_at, o.leased_until FROM outbox_tries t, outbox o"
    )
    assert row is not None
    assert row["started_at"] == now
    assert now <= row["ended_at"] == row["done_at"] < now + timedelta(seconds=20)
    assert row["leased_until"] is None


async def test_a_failure_comes_again_at_its_time_and_is_given_up_at_last(db: str, now: datetime) -> None:
    await put_jobs(1, now)
    [job] = await outbox.claim(1, 30, now=now)
    await outbox.retry(job, error="500", run_at=now + timedelta(minutes=5))
    assert await outbox.claim(1, 30, now=now + timedelta(minutes=4)) == []
    [job] = await outbox.claim(1, 30, now=now + timedelta(minutes=5))
    assert job.attempt == 2
    await outbox.retry(job, error="x" * 10_000, run_at=None)
    assert await outbox.claim(1, 30, now=now + timedelta(days=365)) == []
    assert await tries() == [(1, "failed", "500"), (2, "gave_up", "x" * outbox.MAX_DETAIL_CHARACTERS)]
    assert await fetch_value("SELECT failed_at IS NOT NULL AND done_at IS NULL FROM outbox") is True


async def test_a_dead_workers_job_is_taken_over_when_its_lease_has_ended(db: str, now: datetime) -> None:
    await put_jobs(1, now)
    [dead] = await outbox.claim(1, 30, now=now)
    assert await outbox.claim(1, 30, now=now + timedelta(days=1)) == [], "business time moves no lease"
    async with tx():
        await kernel.execute("UPDATE outbox SET leased_until = leased_until - interval '31 s'")
    [job] = await outbox.claim(1, 30, now=now)
    assert job.attempt == 2
    for outcome in (outbox.succeed(dead), outbox.retry(dead, error="late", run_at=None)):
        with pytest.raises(outbox.LeaseLost):
            await outcome
    await outbox.succeed(job)
    with pytest.raises(outbox.LeaseLost):
        await outbox.succeed(job)
    assert await tries() == [(1, "failed", "the worker never answered"), (2, "done", "")]


async def test_the_effect_of_a_job_and_its_end_can_be_one_transaction(db: str, now: datetime) -> None:
    await put_jobs(1, now)
    [job] = await outbox.claim(1, 30, now=now)

    async def react() -> None:
        await outbox.put(SHOP, "next", {}, run_at=now + timedelta(days=1))
        await outbox.succeed(job)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await in_tx(react)
    assert await tries() == []
    await outbox.succeed(job)


async def test_a_worker_is_woken_when_a_job_is_committed(db: str, now: datetime) -> None:
    woken = asyncio.Event()
    listener = await kernel.connect(db)
    await listener.add_listener(outbox.CHANNEL, lambda *_: woken.set())
    try:
        await put_jobs(1, now)
        async with asyncio.timeout(5):
            await woken.wait()
    finally:
        await listener.close()
