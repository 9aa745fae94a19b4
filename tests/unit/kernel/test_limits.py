"""Limits count exactly, over any window, across parallel requests, and never store a subject in the clear."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel import db as kernel
from app.kernel import keys, limits
from app.kernel.db import fetch_all, fetch_value, in_tx, tx
from app.kernel.keys import Keyring, KeyringMissing
from app.kernel.limits import Limit, LimitReached, take

PHONE = Limit("code.send.phone", "+358401234567", at_most=3, per_s=60)
ADDRESS = Limit("code.send.address", "192.0.2.1", at_most=5, per_s=600)


async def hit(*asked: Limit, now: datetime) -> int:
    """0 when allowed, else the seconds to wait."""
    try:
        await in_tx(lambda: take(asked, now=now))
    except LimitReached as refused:
        return refused.resets_in_s
    return 0


async def test_the_window_slides(db: str, keyring: Keyring, now: datetime) -> None:
    def at(seconds: int) -> datetime:
        return now + timedelta(seconds=seconds)

    assert [await hit(PHONE, now=at(s)) for s in (0, 10, 20)] == [0, 0, 0]
    assert await hit(PHONE, now=at(30)) == 30
    assert await hit(PHONE, now=at(59)) == 1
    assert await hit(PHONE, now=at(60)) == 0
    assert await hit(PHONE, now=at(60)) == 10
    assert await hit(PHONE, now=at(70)) == 0


async def test_a_refusal_counts_no_hit_anywhere(db: str, keyring: Keyring, now: datetime) -> None:
    for _ in range(3):
        assert await hit(PHONE, ADDRESS, now=now) == 0
    for _ in range(5):
        assert await hit(PHONE, ADDRESS, now=now) == 60
    assert [await hit(ADDRESS, now=now) for _ in range(3)] == [0, 0, 600]


async def test_the_longest_wait_is_told(db: str, keyring: Keyring, now: datetime) -> None:
    slow = Limit("slow", "x", at_most=1, per_s=86_400)
    fast = Limit("fast", "x", at_most=1, per_s=10)
    assert await hit(slow, fast, now=now) == 0
    with pytest.raises(LimitReached) as refused:
        async with tx():
            await take([fast, slow], now=now + timedelta(seconds=1))
    assert (refused.value.scope, refused.value.resets_in_s) == ("slow", 86_399)


async def test_fifty_parallel_hits_are_counted_exactly(db: str, keyring: Keyring, now: datetime) -> None:
    limit = Limit("parallel", "x", at_most=20, per_s=60)
    other = Limit("beside", "y", at_most=300, per_s=60)
    asked = [(limit, other) if n % 2 else (other, limit) for n in range(50)]
    waits = await asyncio.gather(*(hit(*pair, now=now) for pair in asked))
    assert waits.count(0) == 20
    assert await fetch_value("SELECT cardinality(hits) FROM limits WHERE scope = 'parallel'") == 20
    assert await fetch_value("SELECT cardinality(hits) FROM limits WHERE scope = 'beside'") == 20


async def test_counting_before_writing_lets_too_many_through(db: str, now: datetime) -> None:
    """The control: counters that are read and then written are beaten by parallel requests."""
    async with tx():
        await kernel.execute("INSERT INTO limits VALUES ('careless', '', '{}')")
    everybody_has_read = asyncio.Barrier(8)

    async def careless() -> bool:
        async with tx():
            used = await fetch_value("SELECT cardinality(hits) FROM limits WHERE scope = 'careless'")
            await everybody_has_read.wait()
            if used >= 1:
                return False
            await kernel.execute("UPDATE limits SET hits = hits || $1::timestamptz", now)
            return True

    assert sum(await asyncio.gather(*(careless() for _ in range(8)))) == 8


async def test_a_refusal_that_someone_commits_still_locks_nobody_out(
    db: str, keyring: Keyring, now: datetime
) -> None:
    for second in range(3):
        await hit(PHONE, now=now + timedelta(seconds=second))
    for second in range(3, 50):
        async with tx():
            with pytest.raises(LimitReached):
                await take([PHONE], now=now + timedelta(seconds=second))
    assert [await hit(PHONE, now=now + timedelta(seconds=s)) for s in (60, 60, 61, 62, 62)] == [
        0,
        1,
        0,
        0,
        58,
    ]


async def test_a_lowered_limit_waits_until_enough_hits_have_left(
    db: str, keyring: Keyring, now: datetime
) -> None:
    for second in range(3):
        await hit(PHONE, now=now + timedelta(seconds=second))
    stricter = Limit(PHONE.scope, PHONE.subject, at_most=1, per_s=60)
    assert await hit(stricter, now=now + timedelta(seconds=10)) == 52
    assert await hit(stricter, now=now + timedelta(seconds=62)) == 0


async def test_a_clock_set_back_locks_nobody_out(db: str, keyring: Keyring, now: datetime) -> None:
    for _ in range(3):
        await hit(PHONE, now=now + timedelta(days=30))
    assert await hit(PHONE, now=now) == 0


async def test_subjects_are_stored_as_keyed_digests_alone(db: str, keyring: Keyring, now: datetime) -> None:
    await hit(PHONE, now=now)
    [row] = await fetch_all("SELECT subject, limits::text AS whole FROM limits")
    assert row["subject"] == keyring.mac("limits", PHONE.scope, PHONE.subject)
    assert "401234567" not in row["whole"]
    assert b"401234567".hex() not in row["whole"]


async def test_two_limits_cost_one_query(db: str, keyring: Keyring, now: datetime) -> None:
    with kernel.counting() as counts:
        await hit(PHONE, ADDRESS, now=now)
    assert (counts.queries, counts.writes) == (1, 1)


async def test_hits_can_be_forgotten(db: str, keyring: Keyring, now: datetime) -> None:
    for _ in range(3):
        await hit(PHONE, now=now)
    async with tx():
        await limits.forget(PHONE.scope, PHONE.subject)
    assert await hit(PHONE, now=now) == 0
    async with tx():
        assert await limits.forget_older_than(now, 9) == 0
        assert await limits.forget_older_than(now + timedelta(seconds=1), 9) == 1


async def test_the_same_limit_twice_is_a_mistake(db: str, keyring: Keyring, now: datetime) -> None:
    with pytest.raises(ValueError, match="twice"):
        async with tx():
            await take([PHONE, PHONE], now=now)


async def test_without_a_transaction_or_a_key_ring_nothing_is_taken(db: str, now: datetime) -> None:
    with pytest.raises(kernel.NotInTransaction):
        await take([PHONE], now=now)
    keys.use_keyring(None)
    with pytest.raises(KeyringMissing):
        async with tx():
            await take([PHONE], now=now)


@pytest.mark.parametrize(("at_most", "per_s"), [(0, 60), (301, 60), (1, 0), (-1, 60)])
def test_a_limit_out_of_range_is_refused(at_most: int, per_s: int) -> None:
    with pytest.raises(ValueError, match="limit"):
        Limit("scope", "subject", at_most, per_s)


@given(gaps=st.lists(st.integers(0, 40), min_size=1, max_size=25))
def test_the_model_of_a_sliding_window_allows_no_more_than_its_number(gaps: list[int]) -> None:
    """The rule that the statement follows, in Python: any window of `per_s` seconds holds at most `at_most`."""
    hits: list[datetime] = []
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for gap in gaps:
        at += timedelta(seconds=gap)
        if sum(hit_at > at - timedelta(seconds=60) for hit_at in hits) < 3:
            hits.append(at)
    for start in hits:
        assert sum(start <= hit_at < start + timedelta(seconds=60) for hit_at in hits) <= 3
