"""Five hundred transfers over eighty accounts by twenty hands, each then reversed twice at once: exact counts."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import pytest

from app.kernel import db
from app.ledger import actions as ledger
from app.ledger.errors import AlreadyReversed
from app.ledger.proof import check_ledger
from app.ledger.rules import Account, AccountKind, Entry
from tests.factories.checkout import a_merchant
from tests.factories.ledger import NOON, euros

TRANSFERS: Final = 500
ACCOUNTS: Final = 80
# The pool lends ten connections: more hands than that wait for each other, as in a busy process.
HANDS: Final = 20

pytestmark = pytest.mark.usefixtures("db")


async def by_hands(work: Sequence[Callable[[], Awaitable[object]]]) -> Counter[object]:
    """How all of it ended, done by twenty at once."""
    queue = list(reversed(work))
    ends: Counter[object] = Counter()

    async def hand() -> None:
        while queue:
            do = queue.pop()
            try:
                ends[await do()] += 1
            except AlreadyReversed:
                ends[AlreadyReversed] += 1
            except db.PoolExhausted:
                # Nothing was done: a very slow machine, and somebody else's turn.
                queue.append(do)

    await asyncio.gather(*(hand() for _ in range(HANDS)))
    return ends


async def test_five_hundred_random_transfers_are_made_and_each_is_reversed_exactly_once() -> None:
    merchant = await a_merchant()
    chance = random.Random(20)
    accounts = [Account(f"customer:{n}:receivable", AccountKind.RECEIVABLE) for n in range(ACCOUNTS)]
    moved: Counter[str] = Counter()

    def transfer(number: int) -> Callable[[], Awaitable[bool]]:
        here, there, *more = chance.sample(accounts, chance.choice([2, 2, 3]))
        amount = chance.randrange(1, 10_000)
        entries = [Entry(here, "debit", euros(amount * (1 + len(more))))]
        entries += [Entry(account, "credit", euros(amount)) for account in (there, *more)]
        for entry in entries:
            moved[entry.account.address] += entry.signed_minor
        return lambda: db.in_tx(
            lambda: ledger.post(
                merchant.id, key=f"t{number}", cause="test", about=f"o{number}", entries=entries, now=NOON
            )
        )

    def reversal(number: int, turn: str) -> Callable[[], Awaitable[bool]]:
        return lambda: db.in_tx(
            lambda: ledger.reverse(
                merchant.id, of_key=f"t{number}", key=f"r{number}{turn}", cause="reversal", now=NOON
            )
        )

    async def balances() -> Counter[str]:
        rows = await db.fetch_all("SELECT address, balance_minor FROM ledger_accounts")
        return Counter({row["address"]: row["balance_minor"] for row in rows})

    assert await by_hands([transfer(number) for number in range(TRANSFERS)]) == {True: TRANSFERS}
    assert await balances() == moved
    # Side by side in the queue: two hands take up the same transfer at the same moment.
    twice = [reversal(number, turn) for number in range(TRANSFERS) for turn in "ab"]
    assert await by_hands(twice) == {True: TRANSFERS, AlreadyReversed: TRANSFERS}
    assert set((await balances()).values()) == {0}
    assert await db.fetch_value("SELECT count(*) FROM transfers") == 2 * TRANSFERS
    assert await ledger.seal(NOON, 10 * TRANSFERS) == 2 * TRANSFERS
    assert await check_ledger() == []
