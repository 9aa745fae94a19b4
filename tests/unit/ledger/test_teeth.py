"""What would happen without the ledger's locks: each is taken away, and the damage that it prevents is seen.

Where a constraint of the database would still stop the damage, both are looked at: with the constraint the request
fails for no good reason, without it money is made.
"""

from __future__ import annotations

import asyncio
import contextvars

import asyncpg
import pytest

from app.kernel import db as database
from app.ledger import actions as ledger
from app.ledger.actions import posting, purses, reversing, sealing
from app.ledger.proof import check_ledger
from app.ledger.rules import Account, AccountKind, Entry
from tests.factories.checkout import a_merchant
from tests.factories.ledger import NOON, Purse, euros
from tests.support.waiting import until

LOCK = "FOR NO KEY UPDATE"


async def both(first: object, second: object) -> list[object]:
    """How two that meet at the next race point end."""
    meeting = asyncio.Barrier(2)

    async def meet(_name: str) -> None:
        async with asyncio.timeout(10):
            await meeting.wait()

    database.set_race_barrier(meet)
    try:
        ends = await asyncio.gather(first, second, return_exceptions=True)  # type: ignore[call-overload]
    finally:
        database.set_race_barrier(None)
    return sorted((type(end) if isinstance(end, BaseException) else end for end in ends), key=str)


async def do(*statements: str) -> None:
    async def run() -> None:
        for statement in statements:
            await database.execute(statement)

    await database.in_tx(run)


async def a_full_wallet() -> Purse:
    wallet = await Purse.wallet()
    await wallet.put(1000)
    return wallet


async def test_without_the_lock_a_second_spend_meets_the_constraint_and_fails(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet = await a_full_wallet()
    monkeypatch.setattr(purses, "_LOCK", purses._LOCK.replace(LOCK, ""))
    assert await both(wallet.take(600), wallet.take(600)) == [asyncpg.CheckViolationError, True]
    assert await check_ledger() == []


async def test_without_lock_and_constraint_money_is_spent_twice_and_the_books_say_so(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet = await a_full_wallet()
    await do(
        "ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_spend_what_is_there",
        "ALTER TABLE lots DROP CONSTRAINT lots_left_within, DROP CONSTRAINT lots_held_within",
    )
    monkeypatch.setattr(purses, "_LOCK", purses._LOCK.replace(LOCK, ""))
    assert await both(wallet.take(600), wallet.take(600)) == [True, True]
    assert (await wallet.balance()).total == -200
    assert "I4 nobody spent or set aside what was not there" in {
        each.invariant for each in await check_ledger()
    }


async def test_without_the_lock_a_transfer_is_reversed_twice_but_for_the_index(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = await a_merchant()
    account = Account("customer:a:receivable", AccountKind.RECEIVABLE)
    other = Account("customer:b:receivable", AccountKind.RECEIVABLE)

    async def post(key: str) -> None:
        entries = (Entry(account, "debit", euros(5)), Entry(other, "credit", euros(5)))
        await ledger.post(merchant.id, key=key, cause="test", about="o_1", entries=entries, now=NOON)

    async def reverse(of_key: str, key: str) -> bool:
        return await database.in_tx(
            lambda: ledger.reverse(merchant.id, of_key=of_key, key=key, cause="reversal", now=NOON)
        )

    for key in ("first", "second"):
        await database.in_tx(lambda key=key: post(key))  # type: ignore[misc]
    monkeypatch.setattr(reversing, "_LOCK", reversing._LOCK.replace(LOCK, ""))
    ends = await both(reverse("first", "a"), reverse("first", "b"))
    assert ends == [asyncpg.UniqueViolationError, True]
    await do("DROP INDEX transfers_reversed_once")
    assert await both(reverse("second", "c"), reverse("second", "d")) == [True, True]


# The first row that a transfer locks is held until the other one holds its first row too.
_LINGER = """
CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE patience integer := 400;
BEGIN
    IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND pid = pg_backend_pid()) THEN
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(77);
    WHILE patience > 0 AND (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77) < 2 LOOP
        PERFORM pg_sleep(0.01);
        patience := patience - 1;
    END LOOP;
    RETURN NEW;
END $$
"""


async def test_without_an_order_of_accounts_transfers_there_and_back_deadlock(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = await a_merchant()
    left, right = (Account(f"customer:{name}:receivable", AccountKind.RECEIVABLE) for name in "ab")

    async def move(key: str, here: Account, there: Account) -> bool:
        entries = (Entry(here, "debit", euros(1)), Entry(there, "credit", euros(1)))
        # One attempt: `in_tx` would try again, and hide it.
        async with database.tx():
            return await ledger.post(
                merchant.id, key=key, cause="test", about="o_1", entries=entries, now=NOON
            )

    await move("open", left, right)
    await do(
        _LINGER,
        "CREATE TRIGGER linger BEFORE UPDATE ON ledger_accounts FOR EACH ROW EXECUTE FUNCTION linger()",
    )
    monkeypatch.setattr(posting, "_POST", posting._POST.replace("ORDER BY e.address, e.currency", ""))
    ends = await asyncio.gather(move("there", left, right), move("back", right, left), return_exceptions=True)
    assert sorted((type(end).__name__ for end in ends), key=str) == ["Contended", "bool"]


async def test_without_the_lock_of_sealing_two_seals_take_the_same_number(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    purse = await Purse.wallet()
    await purse.put(1)
    await purse.put(2)

    async def a_second_sealer(sealed: int) -> int | None:
        """While a first one, which is not committed, has taken all there was, and another payment came since."""
        async with database.tx():
            assert await sealing._seal(NOON, 100) == sealed
            await asyncio.create_task(pay(), context=contextvars.Context())
            second = asyncio.create_task(ledger.seal(NOON, 100), context=contextvars.Context())
            await blocked_or_done(second)
        return await second

    async def pay() -> None:
        await purse.put(3)

    async def blocked_or_done(task: asyncio.Task[int]) -> None:
        connection = await asyncpg.connect(db)

        async def is_so() -> bool:
            waiting = await connection.fetchval(
                """SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'"""
            )
            return task.done() or waiting > 0

        try:
            await until(is_so, wait_s=30)
        finally:
            await connection.close()

    assert await a_second_sealer(2) == 0
    assert await ledger.seal(NOON, 100) == 1
    await purse.put(1)
    monkeypatch.setattr(sealing, "_LOCK", "SELECT $1::bigint IS NOT NULL")
    with pytest.raises(asyncpg.UniqueViolationError):
        await a_second_sealer(1)
    assert await check_ledger() == []
