"""Statements: what goes in and comes out, what is counted, and where tasks can be made to meet."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.kernel import clock
from app.kernel import db as kernel
from app.kernel.counting import writes
from app.kernel.db import Counts, counting, execute, fetch_all, fetch_one, fetch_value, in_tx, tx
from app.kernel.tables import BusinessClock

JSON_VALUES: list[object] = [
    {},
    [],
    {"a": [1, 2.5, True, None, "ä€😀"], "b": {"c": "'; DROP TABLE x; --"}},
    [None, {"deep": [[[[]]]]}],
    10**15,
    True,
]


async def test_json_goes_in_and_out_as_python_objects(db: str) -> None:
    for value in JSON_VALUES:
        assert await fetch_value("SELECT $1::jsonb", value) == value
        assert await fetch_value("SELECT $1::json", value) == value


async def test_ids_and_times_inside_json_become_text(db: str) -> None:
    number = uuid.uuid4()
    stored = await fetch_value("SELECT $1::jsonb", {"id": number, "at": datetime(2026, 1, 2, tzinfo=UTC)})
    assert stored == {"id": str(number), "at": "2026-01-02T00:00:00Z"}
    from_database = await fetch_value("SELECT $1::uuid", number)
    assert await fetch_value("SELECT $1::jsonb", [from_database]) == [str(number)]


async def test_no_value_is_sql_null_and_not_json_null(db: str) -> None:
    assert await fetch_value("SELECT $1::jsonb IS NULL", None) is True


async def test_ids_and_times_come_back_as_they_went_in(db: str) -> None:
    number = uuid.uuid4()
    there = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=3)))
    row = await fetch_one("SELECT $1::uuid AS id, $2::timestamptz AS at", number, there)
    assert row is not None
    assert isinstance(row["id"], uuid.UUID)
    assert row["id"] == number
    assert row["at"] == there
    assert row["at"].tzinfo is UTC


async def test_no_row_is_none(db: str) -> None:
    assert await fetch_all("SELECT 1 WHERE false") == []
    assert await fetch_one("SELECT 1 WHERE false") is None
    assert await fetch_value("SELECT 1 WHERE false") is None


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", False),
        ("SELECT * FROM orders WHERE id = $1 FOR UPDATE", False),
        ("SELECT * FROM orders FOR NO KEY UPDATE SKIP LOCKED", False),
        ("SELECT 'INSERT INTO x'", False),
        ("INSERT INTO x VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", True),
        ("update x set a = 1", True),
        ("DELETE FROM x", True),
        ("WITH moved AS (UPDATE x SET a = 1 RETURNING a) SELECT * FROM moved", True),
        ("SELECT updated_at FROM x", False),
    ],
)
def test_a_statement_is_told_to_write_or_not(sql: str, expected: bool) -> None:
    assert writes(sql) is expected


async def test_queries_writes_and_commits_are_counted_raw_and_through_piccolo(db: str) -> None:
    async def verb() -> None:
        await clock.set_offset_s(5)
        await BusinessClock.update({BusinessClock.offset_s: 6}, force=True)
        await BusinessClock.select(BusinessClock.offset_s)

    with counting() as whole:
        with counting() as read:
            await clock.read_offset_s()
        with counting() as written:
            await in_tx(verb)
        await asyncio.create_task(clock.read_offset_s())
    await clock.read_offset_s()
    assert read == Counts(queries=1, writes=0, commits=0, round_trips=1)
    assert written == Counts(queries=3, writes=2, commits=1, round_trips=5)
    assert whole == Counts(queries=5, writes=2, commits=1, round_trips=7)


async def test_a_rolled_back_transaction_counts_no_commit(db: str) -> None:
    with counting() as counts, pytest.raises(ZeroDivisionError):
        async with tx():
            await execute("UPDATE business_clock SET offset_s = 9")
            raise ZeroDivisionError
    assert counts == Counts(queries=1, writes=1, commits=0, round_trips=3)


async def test_parallel_work_is_counted_apart(db: str) -> None:
    async def read(times: int) -> int:
        with counting() as counts:
            for _ in range(times):
                await fetch_value("SELECT 1")
        return counts.queries

    assert list(await asyncio.gather(read(3), read(1), read(5))) == [3, 1, 5]


async def test_a_race_point_waits_only_for_a_barrier_that_a_test_installs() -> None:
    met: list[str] = []

    async def barrier(name: str) -> None:
        met.append(name)

    await kernel.race_point("nobody listens")
    kernel.set_race_barrier(barrier)
    try:
        await kernel.race_point("after_balance_check")
    finally:
        kernel.set_race_barrier(None)
    await kernel.race_point("nobody listens any more")
    assert met == ["after_balance_check"]


async def test_the_business_clock_moves_and_the_wall_clock_does_not(db: str) -> None:
    assert await clock.read_offset_s() == 0
    async with tx():
        await clock.set_offset_s(86_400)
    ahead = await clock.business_now() - clock.wall()
    assert timedelta(hours=23, minutes=59) < ahead <= timedelta(hours=24)
    assert clock.business(-3600) < clock.wall()
    assert clock.wall().tzinfo is UTC
