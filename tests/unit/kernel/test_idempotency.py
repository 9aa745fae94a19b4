"""One effect per key, whoever asks how often and at the same time."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from app.kernel import db as kernel
from app.kernel import idempotency
from app.kernel.db import fetch_value, in_tx, tx
from app.kernel.idempotency import Fresh, KeyReused, Replay, StillRunning, claim, remember

SHOP = uuid.UUID(int=1)
SCOPE = "sessions.create"


async def answer(body: bytes = b"{}", digest: bytes = b"same", key: str = "key") -> Fresh | Replay:
    async def verb() -> Fresh | Replay:
        claimed = await claim(SHOP, SCOPE, key, digest)
        if isinstance(claimed, Fresh):
            await remember(SHOP, SCOPE, key, status=201, body=body, content_type="application/json")
        return claimed

    return await in_tx(verb)


async def test_the_second_request_gets_the_first_ones_answer_byte_for_byte(db: str) -> None:
    body = bytes(range(256))
    assert await answer(body) == Fresh()
    assert await answer(b"other") == Replay(201, body, "application/json")


async def test_the_same_key_with_another_request_is_refused(db: str) -> None:
    await answer()
    with pytest.raises(KeyReused):
        await answer(digest=b"other")


async def test_keys_of_two_shops_or_two_scopes_are_two_keys(db: str) -> None:
    await answer()
    async with tx():
        assert await claim(uuid.UUID(int=2), SCOPE, "key", b"same") == Fresh()
        assert await claim(SHOP, "sessions.cancel", "key", b"same") == Fresh()


async def test_a_request_that_failed_leaves_the_key_free(db: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with tx():
            assert await claim(SHOP, SCOPE, "key", b"same") == Fresh()
            raise ZeroDivisionError
    assert await answer() == Fresh()


async def test_while_the_first_one_runs_its_twin_hears_so_without_waiting(db: str) -> None:
    claimed, asked = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with tx():
            assert await claim(SHOP, SCOPE, "key", b"same") == Fresh()
            claimed.set()
            await asked.wait()
            await remember(SHOP, SCOPE, "key", status=200, body=b"1", content_type="text/plain")

    running = asyncio.create_task(first())
    await claimed.wait()
    for digest in (b"same", b"other"):
        with pytest.raises(StillRunning):
            async with asyncio.timeout(2):
                await answer(digest=digest)
    asked.set()
    await running
    assert await answer() == Replay(200, b"1", "text/plain")


async def test_of_twenty_parallel_requests_exactly_one_is_fresh(db: str) -> None:
    async def ask(key: str) -> str:
        try:
            return type(await answer(key=key)).__name__
        except StillRunning:
            return "StillRunning"

    for turn in range(25):
        outcomes = await asyncio.gather(*(ask(f"key {turn}") for _ in range(20)))
        assert outcomes.count("Fresh") == 1
        assert set(outcomes) <= {"Fresh", "Replay", "StillRunning"}
    assert await fetch_value("SELECT count(*) FROM idempotency_keys") == 25


async def test_looking_before_writing_lets_many_through(db: str) -> None:
    """The control: a check that is not the claim itself sees no row of a twin that has not committed."""
    everybody_has_looked = asyncio.Barrier(8)

    async def careless() -> bool:
        async with tx():
            found = await fetch_value("SELECT 1 FROM idempotency_keys WHERE key = 'key'")
            await everybody_has_looked.wait()
            return found is None

    assert sum(await asyncio.gather(*(careless() for _ in range(8)))) == 8


async def test_a_fresh_claim_costs_one_query(db: str) -> None:
    with kernel.counting() as counts:
        await answer()
    assert (counts.queries, counts.commits) == (2, 1)


async def test_outside_a_transaction_no_key_is_claimed(db: str) -> None:
    with pytest.raises(kernel.NotInTransaction):
        await claim(SHOP, SCOPE, "key", b"same")


async def test_an_answer_without_a_claim_is_a_mistake(db: str) -> None:
    with pytest.raises(AssertionError):
        async with tx():
            await remember(SHOP, SCOPE, "key", status=200, body=b"", content_type="text/plain")


async def test_old_keys_are_forgotten(db: str) -> None:
    await answer()
    async with tx():
        assert (
            await idempotency.forget_older_than(await fetch_value("SELECT now() - interval '1 day'"), 9) == 0
        )
        assert await idempotency.forget_older_than(await fetch_value("SELECT now() + interval '1 s'"), 9) == 1
    assert await answer() == Fresh()
