"""A scratch schema, and ways to hurt a transaction."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
from collections.abc import Callable

from piccolo.columns import BigInt, Serial
from piccolo.table import Table

from app.kernel import db as kernel
from app.kernel.db import engine, execute, fetch_value, pool_sizes, tx

SCRATCH = """
CREATE TABLE purse (id serial PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0));
CREATE TABLE ticket (n integer NOT NULL, UNIQUE (n) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE seen (n integer NOT NULL);
INSERT INTO purse (balance) VALUES (0);
"""


class Purse(Table, tablename="purse", db=engine):
    id: Serial
    balance = BigInt()


async def make_scratch(db: str) -> str:
    connection = await kernel.connect(db)
    await connection.execute(SCRATCH)
    await connection.close()
    return db


async def assert_whole() -> None:
    """Every connection is back, no transaction is open here, reads and writes work, raw and through Piccolo."""
    async with asyncio.timeout(5):
        while len(set(pool_sizes())) > 1:  # noqa: ASYNC110 - the pool tells nobody when a connection is back
            await asyncio.sleep(0)
    assert engine.current_transaction.get() is None
    assert await fetch_value("SELECT 1") == 1
    async with tx():
        await execute("INSERT INTO seen VALUES (-1)")
        assert await Purse.select(Purse.balance).where(Purse.id == 1)
    assert len(set(pool_sizes())) == 1


async def let_commits_of_seen_take(url: str, *, seconds: float) -> None:
    outside = await kernel.connect(url)
    await outside.execute(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER dawdles AFTER INSERT ON seen DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION dawdle()"
    )
    await outside.close()


async def kill(pids: list[int], url: str) -> None:
    """End backends, and wait until they are gone."""
    outside = await kernel.connect(url)
    await outside.execute("SELECT pg_terminate_backend(pid) FROM unnest($1::integer[]) AS pid", pids)
    while await outside.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)", pids):
        pass
    await outside.close()


class Died(BaseException):
    """Stands for the end of the process: nothing that catches errors catches it."""


def dies_at(k: int) -> Callable[[str], None]:
    """A statement probe that dies at the k-th statement, counted from 0, and lets the clean-up pass."""
    passed = itertools.count()

    def probe(sql: str) -> None:
        if next(passed) == k:
            raise Died(sql)

    return probe


async def count_purses() -> int:
    return int(await Purse.count())


async def only_read() -> object:
    return await fetch_value("SELECT 1")


EMPTY_CONTEXT = contextvars.Context()
