"""What would happen without the locks: each guard is taken away, and the damage that it prevents is seen.

A race test that also passes without its lock proves nothing. Both sides of each race meet at a barrier, so that the
order which is rare in life happens every time.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import UUID

import pytest

from app.checkout.actions import identifying
from app.checkout.books import check_books
from app.checkout.errors import CreditRefused
from app.credit import actions as credit
from app.credit.errors import LimitUsedUp
from app.identity.actions import codes
from app.kernel import db as database
from app.kernel import faults
from tests.factories.checkout import Shopper, a_merchant, a_session
from tests.faults.shoppers import at_confirm

GUESSES = 8


async def two_purchases_with_room_for_one() -> list[tuple[Shopper, str]]:
    merchant = await a_merchant(credit_limit_minor=20_000)
    return [await at_confirm(merchant) for _ in range(2)]


async def how_many_go_through(purchases: list[tuple[Shopper, str]]) -> int:
    ends = await asyncio.gather(
        *(shopper.confirm(shown_field=field) for shopper, field in purchases), return_exceptions=True
    )
    assert all(not isinstance(end, BaseException) or isinstance(end, CreditRefused) for end in ends), ends
    return sum(not isinstance(end, BaseException) for end in ends)


async def reserve_by_reading_first(
    merchant_id: UUID, customer_id: UUID, currency: str, *, amount_minor: int, limit_minor: int
) -> None:
    """What `credit.reserve` must not be: look, think, write."""
    stands = await database.fetch_value(
        "SELECT exposure_minor FROM credit_exposures WHERE merchant_id = $1 AND customer_id = $2",
        merchant_id,
        customer_id,
    )
    await faults.race_point("exposure was read")
    if (stands or 0) + amount_minor > limit_minor:
        raise LimitUsedUp
    await database.execute(
        """INSERT INTO credit_exposures (merchant_id, customer_id, currency, exposure_minor, limit_minor)
           VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (merchant_id, customer_id, currency) DO UPDATE SET exposure_minor = $4""",
        merchant_id,
        customer_id,
        currency,
        (stands or 0) + amount_minor,
        limit_minor,
    )


async def test_with_the_guard_one_of_two_purchases_goes_through(db: str) -> None:
    assert await how_many_go_through(await two_purchases_with_room_for_one()) == 1
    assert await check_books() == []


async def test_without_the_guard_both_go_through_and_the_books_say_so(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    purchases = await two_purchases_with_room_for_one()
    both = asyncio.Barrier(2)

    async def meet(_name: str) -> None:
        async with asyncio.timeout(5):
            await both.wait()

    monkeypatch.setattr(credit, "reserve", reserve_by_reading_first)
    database.set_race_barrier(meet)
    try:
        assert await how_many_go_through(purchases) == 2, "the limit was passed"
    finally:
        database.set_race_barrier(None)
    assert [found.invariant for found in await check_books()] == ["I3 exposure is what the receivable says"]


async def a_shopper_with_a_code() -> tuple[Shopper, str]:
    shopper = Shopper.at(await a_session(await a_merchant()))
    await shopper.choose()
    return shopper, await shopper.ask_code()


async def tries_left_after(shopper: Shopper, code: str) -> int:
    """After eight wrong guesses at once."""
    wrong = [typed for number in range(GUESSES + 1) if (typed := f"{number:06}") != code][:GUESSES]
    await asyncio.gather(*(shopper.type_code(typed) for typed in wrong))
    left = await database.fetch_value("SELECT tries_left FROM code_challenges")
    assert isinstance(left, int)
    return left


async def test_with_the_lock_eight_guesses_at_once_burn_the_code(db: str) -> None:
    assert await tries_left_after(*await a_shopper_with_a_code()) == 0


async def test_without_the_lock_eight_guesses_at_once_count_as_one(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shopper, code = await a_shopper_with_a_code()
    unlocked = codes._LOCK.replace(" FOR UPDATE OF c", "")
    # The session is held before its code, so that lock goes as well.
    monkeypatch.setattr(identifying, "_HOLD", re.sub(r"\sFOR UPDATE( OF s)?", "", identifying._HOLD))
    everybody = asyncio.Barrier(GUESSES)
    fetch_one = database.fetch_one

    async def fetch_and_meet(sql: str, *args: object) -> Any:
        row = await fetch_one(sql, *args)
        if sql == unlocked:
            async with asyncio.timeout(5):
                await everybody.wait()
        return row

    monkeypatch.setattr(codes, "_LOCK", unlocked)
    monkeypatch.setattr(database, "fetch_one", fetch_and_meet)
    assert await tries_left_after(shopper, code) == 4
