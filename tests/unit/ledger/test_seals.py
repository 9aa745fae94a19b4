"""Seals chain what was committed, and a proof of what is new finds what a proof of everything finds."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from app.checkout import proving
from app.kernel import db, ids
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger import queries
from app.ledger.actions import NewLot
from app.ledger.errors import MoneyFrozen
from app.ledger.proof import check_ledger
from app.ledger.rules import purchase
from tests.factories.checkout import a_merchant
from tests.factories.ledger import NOON, Purse

pytestmark = pytest.mark.usefixtures("db")


async def some_movements() -> Purse:
    """A purse of a shop with puts, takes, a hold, a lapse and a reversal, nothing sealed yet."""
    purse = await Purse.points()
    await purse.put(500, key="first")
    await purse.put(300, NewLot(expires_at=NOON.replace(hour=13)), key="second")
    await purse.take(100, key="spent")
    held = await purse.hold(50, NOON.replace(hour=14))
    await purse.capture(held.id, 20)
    await purse.reverse("spent")
    return purse


async def numbers(purse: Purse) -> list[tuple[int, int, int]]:
    rows = await db.fetch_all(
        """SELECT number, transfer_count, posting_count FROM ledger_seals WHERE merchant_id = $1 ORDER BY number""",
        purse.merchant_id,
    )
    return [tuple(row.values()) for row in rows]


async def damage(sql: str) -> None:
    """Past the triggers that forbid it."""

    async def do() -> None:
        await db.execute("SET LOCAL session_replication_role = replica")
        await db.execute(sql)

    await db.in_tx(do)


async def test_a_seal_covers_all_that_was_committed_and_the_next_one_what_came_after() -> None:
    purse = await some_movements()
    assert await ledger.seal(NOON, 100) == 5
    assert await ledger.seal(NOON, 100) == 0
    await purse.put(1)
    assert await ledger.seal(NOON, 100) == 1
    assert await numbers(purse) == [(1, 5, 10), (2, 1, 2)]
    assert await check_ledger() == []


async def test_a_batch_is_bounded_and_the_rest_comes_under_the_next_seal() -> None:
    purse = await some_movements()
    assert [await ledger.seal(NOON, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert [count for _, count, _ in await numbers(purse)] == [2, 2, 1]
    assert await check_ledger() == []


async def test_each_shop_has_a_chain_of_its_own() -> None:
    first, second = await Purse.wallet(), await Purse.wallet()
    await first.put(1)
    await second.put(2)
    await ledger.seal(NOON, 100)
    assert await numbers(first) == await numbers(second) == [(1, 1, 2)]
    assert await check_ledger() == []


async def test_a_payment_that_is_not_committed_is_neither_sealed_nor_kept_waiting() -> None:
    merchant = await a_merchant()
    posted, sealed = asyncio.Event(), asyncio.Event()

    async def pay() -> None:
        await ledger.post(
            merchant.id,
            key="late",
            cause="purchase",
            about="o_1",
            entries=purchase("cus_1", Money(500, "EUR"), "operator"),
            now=NOON,
        )
        posted.set()
        await sealed.wait()

    paying = asyncio.create_task(db.in_tx(pay))
    async with asyncio.timeout(10):
        await posted.wait()
        assert await ledger.seal(NOON, 100) == 0
        sealed.set()
        await paying
    assert await ledger.seal(NOON, 100) == 1
    assert await check_ledger() == []


async def test_sealing_workers_at_once_seal_everything_once() -> None:
    purse = await some_movements()
    for minor in range(1, 40):
        await purse.put(minor)
    await asyncio.gather(*(ledger.seal(NOON, 10) for _ in range(8)))
    while await ledger.seal(NOON, 10):
        pass
    assert sum(count for _, count, _ in await numbers(purse)) == 44
    assert await check_ledger() == []


# Each changes what was written, past the triggers.
DAMAGE = {
    "I1": "UPDATE postings SET amount_minor = amount_minor + 1 WHERE account_seq = 1",
    "I3 each": "UPDATE postings SET balance_after_minor = balance_after_minor - 1 WHERE account_seq = 2",
    "I3 an account": "UPDATE ledger_accounts SET balance_minor = balance_minor - 5",
    "I17 lots": "UPDATE lots SET left_minor = left_minor - 1 WHERE cause = 'given' AND left_minor > 0",
    "I17 a lot": "DELETE FROM lot_uses WHERE hold_id IS NULL",
    "I18 seals": "UPDATE ledger_seals SET previous_digest = digest WHERE number > 1",
    "I18 a seal's": "UPDATE transfers SET about = 'o_other' WHERE key = 'first'",
}


@pytest.mark.parametrize("invariant", DAMAGE)
async def test_damage_is_found_by_a_proof_of_what_is_new(invariant: str) -> None:
    purse = await some_movements()
    await ledger.seal(NOON, 3)
    await ledger.seal(NOON, 3)
    await damage(DAMAGE[invariant])
    found = await proving.prove_new(NOON)
    assert any(each.invariant.startswith(invariant) for each in found.violations), found
    full = await proving.prove_everything(NOON)
    assert any(each.invariant.startswith(invariant) for each in full.violations)
    with pytest.raises(MoneyFrozen):
        await purse.put(1)


async def test_what_was_proven_is_not_read_again_and_what_is_new_is() -> None:
    purse = await some_movements()
    await ledger.seal(NOON, 100)
    first = await proving.prove_new(NOON)
    assert (first.violations, first.transfers) == ([], 5)
    await purse.put(7)
    await ledger.seal(NOON, 100)
    second = await proving.prove_new(NOON)
    assert (second.violations, second.transfers) == ([], 1)
    assert (await proving.prove_new(NOON)).transfers == 0


async def test_a_failed_proof_is_told_and_looks_at_the_same_again(
    log_output: structlog.testing.LogCapture,
) -> None:
    await some_movements()
    await ledger.seal(NOON, 100)
    await damage("UPDATE ledger_accounts SET balance_minor = balance_minor - 5")
    for _ in range(2):
        assert (await proving.prove_new(NOON)).violations
    assert [entry["froze_money"] for entry in log_output.entries] == [True, False]
    frozen = await queries.frozen()
    assert frozen is not None
    assert frozen.because.startswith("The books do not hold: I")
    await damage("UPDATE ledger_accounts SET balance_minor = balance_minor + 5")
    assert (await proving.prove_everything(NOON)).violations == []
    assert await ledger.unfreeze_now("a hand had slipped", NOON)
    assert await queries.frozen() is None


@pytest.fixture
def log_output() -> structlog.testing.LogCapture:
    capture = structlog.testing.LogCapture()
    structlog.configure(processors=[capture])
    return capture


async def test_while_money_is_frozen_no_verb_moves_it_and_what_is_set_aside_can_be_let_go() -> None:
    purse = await Purse.points()
    await purse.put(500, key="in")
    await purse.take(10, key="out")
    held = await purse.hold(50, NOON.replace(hour=14))
    before = await purse.balance()
    await ledger.freeze_now("a drill", NOON)

    async def posting() -> bool:
        entries = purchase("cus_1", Money(500, "EUR"), "operator")
        return await ledger.post(
            purse.merchant_id,
            key=ids.public_id("key"),
            cause="purchase",
            about="o_1",
            entries=entries,
            now=NOON,
        )

    refused = (
        lambda: db.in_tx(posting),
        lambda: purse.put(1),
        lambda: purse.take(1),
        lambda: purse.hold(1, NOON.replace(hour=14)),
        lambda: purse.capture(held.id),
        lambda: purse.claw_back(1),
        lambda: purse.restore("out", 1),
        lambda: purse.reverse("out"),
    )
    for verb in refused:
        with pytest.raises(MoneyFrozen):
            await verb()
    assert await purse.balance() == before
    purse.now = NOON.replace(hour=20)
    assert await ledger.expire_lots(purse.now, 10) == 0
    assert await purse.release(held.id)
    assert (await purse.balance()).held == 0
    await ledger.unfreeze_now("it was a drill", NOON)
    await purse.put(1)
    assert await check_ledger() == []
