"""What a transaction refuses: another inside it, a foreign task, a door; and what a pool does when it is busy."""

from __future__ import annotations

import asyncio

import pytest

from app.kernel import db as kernel
from app.kernel import pool as kernel_pool
from app.kernel.db import engine, execute, fetch_value, in_tx, pool_sizes, tx
from tests.support.transactions import (
    EMPTY_CONTEXT,
    Purse,
    assert_whole,
    count_purses,
    make_scratch,
    only_read,
)


@pytest.fixture
async def scratch(db: str) -> str:
    return await make_scratch(db)


async def test_a_transaction_inside_a_transaction_is_refused(scratch: str) -> None:
    async def verb() -> None:
        await execute("INSERT INTO seen VALUES (1)")

    async with tx():
        with pytest.raises(kernel.NestedTransaction):
            async with tx():
                pass
        with pytest.raises(kernel.NestedTransaction):
            await in_tx(verb)
        with pytest.raises(kernel.NestedTransaction):
            engine.transaction()
        await execute("INSERT INTO seen VALUES (2)")
    assert await fetch_value("SELECT n FROM seen") == 2
    await assert_whole()


async def test_piccolos_own_transactions_are_refused(scratch: str) -> None:
    with pytest.raises(kernel.NestedTransaction):
        engine.transaction()
    atomic = engine.atomic()
    atomic.add(Purse.insert(Purse(balance=1)))
    with pytest.raises(kernel.NestedTransaction):
        await atomic.run()  # type: ignore[no-untyped-call]
    assert await Purse.count() == 1


async def test_a_second_task_may_not_use_the_transaction(scratch: str) -> None:
    async with tx():
        with pytest.raises(kernel.ForeignTask):
            await asyncio.gather(fetch_value("SELECT 1"), fetch_value("SELECT 2"))
        with pytest.raises(kernel.ForeignTask):
            await asyncio.create_task(count_purses())
        await execute("INSERT INTO seen VALUES (1)")
    await assert_whole()


async def test_a_task_that_outlives_the_transaction_may_not_use_it(scratch: str) -> None:
    ended = asyncio.Event()

    async def late() -> None:
        await ended.wait()
        await fetch_value("SELECT 1")

    async with tx():
        task = asyncio.create_task(late())
    ended.set()
    with pytest.raises(kernel.ForeignTask):
        await task
    await assert_whole()


async def test_writes_and_doors_know_whether_a_transaction_is_open(scratch: str) -> None:
    with pytest.raises(kernel.NotInTransaction):
        await execute("INSERT INTO seen VALUES (1)")
    with pytest.raises(kernel.NotInTransaction):
        kernel.require_transaction("verb")
    kernel.refuse_in_transaction("sms")
    assert not kernel.in_transaction()
    async with tx():
        assert kernel.in_transaction()
        kernel.require_transaction("verb")
        with pytest.raises(kernel.NetworkInTransaction, match="sms"):
            kernel.refuse_in_transaction("sms")


async def test_without_a_pool_a_query_says_so() -> None:
    with pytest.raises(kernel.PoolNotStarted):
        await fetch_value("SELECT 1")
    with pytest.raises(kernel.PoolNotStarted):
        async with tx():
            pass


async def test_a_busy_pool_refuses_after_its_waiting_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_pool, "ACQUIRE_TIMEOUT_S", 0.05)
    await kernel.start_pool(database_url, min_size=1, max_size=1)
    try:
        async with tx():
            outside = asyncio.get_running_loop().create_task(only_read(), context=EMPTY_CONTEXT.copy())
            with pytest.raises(kernel.PoolExhausted):
                await outside
        assert await fetch_value("SELECT 1") == 1
        assert pool_sizes() == (1, 1)
    finally:
        await kernel.close_pool()


async def test_the_server_is_told_every_time_limit(database_url: str) -> None:
    await kernel.start_pool(database_url, statement_timeout_s=0.3)
    try:
        with pytest.raises(RuntimeError, match="already"):
            await kernel.start_pool(database_url)
        assert await fetch_value("SHOW lock_timeout") == "3s"
        assert await fetch_value("SHOW statement_timeout") == "300ms"
        assert await fetch_value("SHOW idle_in_transaction_session_timeout") == "10s"
        with pytest.raises(kernel.TooSlow):
            await fetch_value("SELECT pg_sleep(5)")
        with pytest.raises(kernel.TooSlow):
            async with tx():
                await fetch_value("SELECT pg_sleep(5)")
        assert len(set(pool_sizes())) == 1
    finally:
        await kernel.close_pool()
