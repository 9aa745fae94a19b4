"""The contract of `tx()` with the pinned Piccolo and asyncpg. It leans on one internal of Piccolo, so a new version
of either must pass all of this."""

from __future__ import annotations

import asyncio
import random

import pytest
from asyncpg import exceptions as pg

from app.kernel import db as kernel
from app.kernel import pool as kernel_pool
from app.kernel.db import counting, execute, execute_alone, fetch_all, fetch_value, in_tx, pool_sizes, tx
from tests.support.transactions import (
    SCRATCH,
    Died,
    Purse,
    assert_whole,
    dies_at,
    kill,
    let_commits_of_seen_take,
    make_scratch,
)


@pytest.fixture
async def scratch(db: str) -> str:
    return await make_scratch(db)


async def test_rows_are_committed_together_and_rolled_back_together(scratch: str) -> None:
    async with tx():
        await execute("INSERT INTO seen VALUES (1)")
        await execute("INSERT INTO seen VALUES (2)")
    with pytest.raises(ZeroDivisionError):
        async with tx():
            await execute("INSERT INTO seen VALUES (3)")
            raise ZeroDivisionError
    assert [row["n"] for row in await fetch_all("SELECT n FROM seen ORDER BY n")] == [1, 2]
    await assert_whole()


async def test_piccolo_queries_join_the_transaction(scratch: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with tx():
            await Purse.insert(Purse(balance=7))
            assert await fetch_value("SELECT count(*) FROM purse") == 2
            raise ZeroDivisionError
    assert await Purse.count() == 1
    async with tx():
        await Purse.update({Purse.balance: Purse.balance + 5}).where(Purse.id == 1)
    assert await fetch_value("SELECT balance FROM purse WHERE id = 1") == 5
    await assert_whole()


async def test_twenty_commits_that_fail_at_the_end_leave_the_pool_whole(scratch: str) -> None:
    async with tx():
        await execute("INSERT INTO ticket VALUES (1)")
    for _ in range(20):
        with pytest.raises(pg.UniqueViolationError):
            async with tx():
                await execute("INSERT INTO ticket VALUES (1)")
                await execute("INSERT INTO seen VALUES (9)")
    assert await fetch_value("SELECT count(*) FROM seen WHERE n = 9") == 0
    await assert_whole()


async def test_twenty_serializable_conflicts_leave_the_pool_whole_and_lose_nothing(scratch: str) -> None:
    async def deposit() -> bool:
        try:
            async with tx(isolation="serializable"):
                balance = await fetch_value("SELECT balance FROM purse WHERE id = 1")
                await execute("UPDATE purse SET balance = $1 WHERE id = 1", balance + 1)
        except kernel.Contended:
            return False
        return True

    landed = conflicts = 0
    while conflicts < 20:
        outcomes = await asyncio.gather(*(deposit() for _ in range(8)))
        landed += sum(outcomes)
        conflicts += len(outcomes) - sum(outcomes)
    assert await fetch_value("SELECT balance FROM purse WHERE id = 1") == landed
    await assert_whole()


async def test_six_hundred_random_cancellations_leave_the_pool_whole(scratch: str) -> None:
    dice = random.Random(600)
    loop = asyncio.get_running_loop()

    async def work(n: int) -> None:
        async with tx():
            await execute("INSERT INTO seen VALUES ($1)", n)
            await Purse.update({Purse.balance: Purse.balance + 1}).where(Purse.id == 1 + n % 5)
            await execute("INSERT INTO ticket VALUES ($1)", n % 550 if n >= 0 else n)

    async def cancelled(n: int) -> bool:
        task = asyncio.create_task(work(n))
        loop.call_later(dice.uniform(0, 2 * usual_s), task.cancel)
        await asyncio.wait((task,))
        return not task.cancelled() and task.exception() is None

    started_s = loop.time()
    await asyncio.gather(*(work(-1 - n) for n in range(20)))
    usual_s = loop.time() - started_s
    acknowledged = [
        n
        for start in range(0, 600, 20)
        for n, done in zip(
            range(start, start + 20),
            await asyncio.gather(*(cancelled(n) for n in range(start, start + 20))),
            strict=True,
        )
        if done
    ]
    stored = {row["n"] for row in await fetch_all("SELECT n FROM seen WHERE n >= 0")}
    assert 0 < len(acknowledged) < 600, "the delays must cut some and spare some"
    assert stored.issuperset(acknowledged)
    assert await fetch_value("SELECT count(*) FROM ticket WHERE n >= 0") == len(stored)
    await assert_whole()


async def test_cancelled_reads_outside_a_transaction_give_their_connections_back(scratch: str) -> None:
    dice = random.Random(7)
    loop = asyncio.get_running_loop()

    async def cancelled() -> None:
        task = asyncio.create_task(fetch_all("SELECT pg_sleep(0.005)"))
        loop.call_later(dice.uniform(0, 0.01), task.cancel)
        await asyncio.wait((task,))

    for _ in range(10):
        await asyncio.gather(*(cancelled() for _ in range(20)))
    await assert_whole()


async def test_a_commit_in_flight_ends_before_the_cancellation_is_raised(scratch: str) -> None:
    loop = asyncio.get_running_loop()
    await let_commits_of_seen_take(scratch, seconds=0.3)

    async def work() -> None:
        async with tx():
            await execute("INSERT INTO seen VALUES (5)")

    def cancel_soon(sql: str) -> None:
        if sql == "COMMIT":
            loop.call_later(0.1, task.cancel)
            loop.call_later(0.2, task.cancel)

    task = asyncio.create_task(work())
    kernel.set_statement_probe(cancel_soon)
    try:
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        kernel.set_statement_probe(None)
    assert len(set(pool_sizes())) == 1, "the connection is back when the caller hears of the cancellation"
    assert await fetch_value("SELECT count(*) FROM seen WHERE n = 5") == 1
    await assert_whole()


async def test_a_backend_killed_inside_a_transaction_is_a_lost_connection(scratch: str) -> None:
    for _ in range(10):
        with pytest.raises(kernel.ConnectionLost):
            async with tx():
                await kill([await fetch_value("SELECT pg_backend_pid()")], scratch)
                await fetch_value("SELECT 1")
        await assert_whole()


async def test_a_backend_killed_before_commit_is_a_lost_connection(scratch: str) -> None:
    for _ in range(10):
        with pytest.raises(kernel.ConnectionLost):
            async with tx():
                await execute("INSERT INTO seen VALUES (6)")
                await kill([await fetch_value("SELECT pg_backend_pid()")], scratch)
        await assert_whole()
    assert await fetch_value("SELECT count(*) FROM seen WHERE n = 6") == 0


async def test_an_error_of_the_caller_is_not_hidden_by_a_dead_connection(scratch: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with tx():
            await kill([await fetch_value("SELECT pg_backend_pid()")], scratch)
            raise ZeroDivisionError
    await assert_whole()


async def test_the_whole_closure_runs_again_after_its_backend_was_killed(scratch: str) -> None:
    attempts = 0

    async def closure() -> int:
        nonlocal attempts
        attempts += 1
        await execute("INSERT INTO seen VALUES (8)")
        if attempts < 3:
            await kill([await fetch_value("SELECT pg_backend_pid()")], scratch)
        return attempts

    assert await in_tx(closure) == 3
    assert await fetch_value("SELECT count(*) FROM seen WHERE n = 8") == 1
    await assert_whole()


async def test_a_connection_lost_four_times_is_given_up(scratch: str) -> None:
    attempts = 0

    async def closure() -> None:
        nonlocal attempts
        attempts += 1
        await kill([await fetch_value("SELECT pg_backend_pid()")], scratch)
        await fetch_value("SELECT 1")

    with pytest.raises(kernel.DatabaseUnavailable):
        await in_tx(closure)
    assert attempts == 4
    await assert_whole()


async def test_reads_outside_a_transaction_survive_the_death_of_every_pooled_backend(scratch: str) -> None:
    for _ in range(5):
        await asyncio.gather(*(fetch_value("SELECT pg_sleep(0.01)") for _ in range(10)))
        outside = await kernel.connect(scratch)
        pids = await outside.fetchval(
            "SELECT array_agg(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await outside.close()
        await kill(pids, scratch)
        assert set(await asyncio.gather(*(fetch_value("SELECT 1") for _ in range(10)))) == {1}
    await assert_whole()


async def test_a_statement_alone_is_a_transaction_in_one_round_trip(scratch: str) -> None:
    with counting() as counts:
        assert await execute_alone("INSERT INTO seen VALUES (9)") == "INSERT 0 1"
    assert (counts.writes, counts.commits, counts.round_trips) == (1, 1, 1)
    assert await fetch_value("SELECT count(*) FROM seen WHERE n = 9") == 1
    await assert_whole()


async def test_a_statement_alone_is_refused_inside_a_transaction(scratch: str) -> None:
    async with tx():
        with pytest.raises(kernel.NestedTransaction):
            await execute_alone("INSERT INTO seen VALUES (9)")
    assert await fetch_value("SELECT count(*) FROM seen WHERE n = 9") == 0


async def test_a_statement_alone_survives_the_death_of_every_pooled_backend(scratch: str) -> None:
    outside = await kernel.connect(scratch)
    pids = await outside.fetchval(
        "SELECT array_agg(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await outside.close()
    await kill(pids, scratch)
    await execute_alone("INSERT INTO seen SELECT 9 WHERE NOT EXISTS (SELECT FROM seen WHERE n = 9)")
    assert await fetch_value("SELECT count(*) FROM seen WHERE n = 9") == 1
    await assert_whole()


async def test_conflicting_closures_run_again_until_each_has_landed(scratch: str) -> None:
    async def deposit() -> None:
        balance = await fetch_value("SELECT balance FROM purse WHERE id = 1")
        await execute("UPDATE purse SET balance = $1 WHERE id = 1", balance + 1)

    for _ in range(10):
        await asyncio.gather(*(in_tx(deposit, isolation="serializable") for _ in range(3)))
    assert await fetch_value("SELECT balance FROM purse WHERE id = 1") == 30
    await assert_whole()


async def test_a_conflict_without_end_is_told_as_contended(scratch: str) -> None:
    attempts = 0

    async def closure() -> None:
        nonlocal attempts
        attempts += 1
        await execute("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$")

    with pytest.raises(kernel.Contended):
        await in_tx(closure)
    assert attempts == 6
    await assert_whole()


async def test_a_lock_that_is_not_had_in_time_is_told_as_contended(database_url: str) -> None:
    await kernel.start_pool(database_url, lock_timeout_s=0.05)
    held, tried = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with tx():
            await execute("UPDATE business_clock SET offset_s = 1")
            held.set()
            await tried.wait()

    try:
        holder = asyncio.create_task(hold())
        await held.wait()
        with pytest.raises(kernel.Contended):
            async with tx():
                await execute("UPDATE business_clock SET offset_s = 2")
        with pytest.raises(kernel.Contended):
            await fetch_value("SELECT 1 FROM business_clock FOR UPDATE")
        tried.set()
        await holder
        assert await fetch_value("SELECT offset_s FROM business_clock") == 1
        assert len(set(pool_sizes())) == 1
    finally:
        await kernel.close_pool()


async def test_a_server_that_does_not_answer_is_too_slow(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_pool, "COMMAND_TIMEOUT_S", 0.1)
    await kernel.start_pool(database_url, min_size=2, max_size=2)
    try:
        with pytest.raises(kernel.TooSlow):
            await fetch_value("SELECT pg_sleep(4)")
        with pytest.raises(kernel.TooSlow):
            async with tx():
                await fetch_value("SELECT pg_sleep(4)")
        assert await fetch_value("SELECT 1") == 1
        assert len(set(pool_sizes())) == 1
    finally:
        await kernel.close_pool()


async def test_a_commit_without_an_answer_is_a_lost_connection(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's statement timeout does not cover COMMIT; the client's own does."""
    outside = await kernel.connect(database_url)
    await outside.execute(SCRATCH)
    await outside.close()
    await let_commits_of_seen_take(database_url, seconds=1)
    monkeypatch.setattr(kernel_pool, "COMMAND_TIMEOUT_S", 0.1)
    await kernel.start_pool(database_url)
    try:
        with pytest.raises(kernel.ConnectionLost):
            async with tx():
                await execute("INSERT INTO seen VALUES (1)")
        assert await fetch_value("SELECT 1") == 1
        assert len(set(pool_sizes())) == 1
    finally:
        await kernel.close_pool()


async def test_the_process_may_end_at_any_statement_of_a_transaction(scratch: str) -> None:
    async def verb() -> None:
        await execute("INSERT INTO seen VALUES (1)")
        await Purse.update({Purse.balance: Purse.balance + 1}).where(Purse.id == 1)

    statements: list[str] = []
    kernel.set_statement_probe(statements.append)
    try:
        await in_tx(verb)
        assert [statements[0], statements[-1], len(statements)] == ["BEGIN", "COMMIT", 4]
        for k in range(len(statements)):
            kernel.set_statement_probe(dies_at(k))
            with pytest.raises(Died):
                await in_tx(verb)
    finally:
        kernel.set_statement_probe(None)
    assert await fetch_value("SELECT count(*) FROM seen") == 1
    assert await fetch_value("SELECT balance FROM purse WHERE id = 1") == 1
    await assert_whole()


async def test_reading_and_then_writing_loses_money_and_a_guarded_update_does_not(scratch: str) -> None:
    """The control: it shows that the race is real, so that the guard is known to be what prevents it."""
    everybody_has_read = asyncio.Barrier(8)

    async def careless() -> None:
        async with tx():
            balance = await fetch_value("SELECT balance FROM purse WHERE id = 1")
            await everybody_has_read.wait()
            await execute("UPDATE purse SET balance = $1 WHERE id = 1", balance + 1)

    async def guarded() -> None:
        async with tx():
            await fetch_value("SELECT balance FROM purse WHERE id = 1")
            await everybody_has_read.wait()
            await execute("UPDATE purse SET balance = balance + 1 WHERE id = 1")

    async def spend() -> bool:
        async with tx():
            taken = "UPDATE purse SET balance = balance - 5 WHERE id = 1 AND balance >= 5 RETURNING id"
            return await fetch_value(taken) is not None

    await asyncio.gather(*(careless() for _ in range(8)))
    assert await fetch_value("SELECT balance FROM purse WHERE id = 1") == 1, (
        "seven of eight deposits are gone"
    )
    await asyncio.gather(*(guarded() for _ in range(8)))
    assert await fetch_value("SELECT balance FROM purse WHERE id = 1") == 9
    assert sum(await asyncio.gather(*(spend() for _ in range(20)))) == 1
    await assert_whole()
