"""Many at once: no money is spent twice, no transfer is taken back twice, nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from datetime import timedelta

import pytest

from app.kernel import db
from app.ledger import actions as ledger
from app.ledger.actions import NewLot
from app.ledger.errors import AlreadyReversed, HoldEnded, InsufficientFunds
from app.ledger.proof import check_ledger
from app.ledger.rules import Account, AccountKind, Entry
from tests.factories.checkout import a_merchant
from tests.factories.ledger import NOON, Purse, euros

pytestmark = pytest.mark.usefixtures("db")
HOUR = timedelta(hours=1)


# As many as the pool lends connections: whoever waits for one would wait for a limited time only.
HANDS = 10


async def ends(tasks: Iterable[Awaitable[object]]) -> Counter[object]:
    """How many came to which end: what was answered, or the kind of what was raised."""
    hands = asyncio.Semaphore(HANDS)

    async def in_turn(task: Awaitable[object]) -> object:
        async with hands:
            return await task

    found = await asyncio.gather(*map(in_turn, tasks), return_exceptions=True)
    return Counter(type(end) if isinstance(end, BaseException) else end for end in found)


@pytest.mark.parametrize("tabs", [2, 20, 50])
async def test_of_spends_of_most_of_a_wallet_at_once_one_succeeds(tabs: int) -> None:
    wallet = await Purse.wallet()
    await wallet.put(400, NewLot(expires_at=NOON + HOUR))
    await wallet.put(600)
    assert await ends(wallet.take(600) for _ in range(tabs)) == {True: 1, InsufficientFunds: tabs - 1}
    assert (await wallet.balance()).total == 400
    assert await check_ledger() == []


async def test_as_many_spends_succeed_as_the_wallet_pays() -> None:
    wallet = await Purse.wallet()
    for _ in range(10):
        await wallet.put(100)
    assert await ends(wallet.take(150) for _ in range(20)) == {True: 6, InsufficientFunds: 14}
    assert (await wallet.balance()).total == 100
    assert await check_ledger() == []


async def test_the_same_spend_from_many_tabs_is_one_spend() -> None:
    wallet = await Purse.wallet()
    await wallet.put(1000)
    assert await ends(wallet.take(300, key="once") for _ in range(20)) == {True: 1, False: 19}
    assert (await wallet.balance()).total == 700


async def test_holds_spends_claw_backs_and_lapses_at_once_never_use_a_cent_twice() -> None:
    points = await Purse.points()
    for number in range(10):
        await points.put(100, NewLot(expires_at=NOON + HOUR) if number % 2 else NewLot())
    await ends(
        [
            *(points.take(60) for _ in range(8)),
            *(points.hold(70, NOON + 2 * HOUR) for _ in range(8)),
            *(points.claw_back(90) for _ in range(3)),
            ledger.expire_lots(NOON + HOUR, 3),
        ]
    )
    balance = await points.balance()
    assert balance.available >= 0
    assert balance.total + balance.debt >= balance.held
    assert await check_ledger() == []


async def test_of_a_capture_a_release_and_the_end_of_its_time_exactly_one_ends_a_hold() -> None:
    wallet = await Purse.wallet()
    await wallet.put(1000)
    held = await wallet.hold(500, NOON + HOUR)
    found = await ends(
        [
            *(wallet.capture(held.id, key=f"paid-{number}") for number in range(5)),
            *(wallet.release(held.id) for _ in range(5)),
            ledger.expire_holds(NOON + HOUR, 10),
        ]
    )
    assert sum(count for end, count in found.items() if end in (True, 1)) == 1
    assert found[HoldEnded] >= 4
    assert (await wallet.balance()).total in (500, 1000)
    assert await check_ledger() == []


async def test_of_reversals_at_once_one_succeeds() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500)
    await wallet.take(200, key="out")
    assert await ends(wallet.reverse("out") for _ in range(10)) == {True: 1, AlreadyReversed: 9}
    assert (await wallet.balance()).total == 500
    assert await check_ledger() == []


async def test_the_first_money_of_a_wallet_may_come_from_many_sides_at_once() -> None:
    wallet = await Purse.wallet()
    assert await ends(wallet.put(10) for _ in range(20)) == {True: 20}
    assert (await wallet.balance()).total == 200
    assert await check_ledger() == []


async def test_transfers_there_and_back_at_once_never_stand_in_each_others_way() -> None:
    merchant = await a_merchant()
    left, right = (Account(f"customer:{name}:receivable", AccountKind.RECEIVABLE) for name in "ab")

    async def move(number: int) -> None:
        here, there = (left, right) if number % 2 else (right, left)
        entries = (Entry(here, "debit", euros(1)), Entry(there, "credit", euros(1)))
        # One attempt: what would be tried again counts as an error here.
        async with db.tx():
            await ledger.post(
                merchant.id, key=f"k{number}", cause="test", about="o_1", entries=entries, now=NOON
            )

    assert await ends(move(number) for number in range(200)) == {None: 200}
    assert await db.fetch_value("SELECT sum(abs(balance_minor))::int FROM ledger_accounts") == 0
    assert await check_ledger() == []
