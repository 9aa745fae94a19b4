"""The proof of the books: silent over honest ones, and it finds each kind of damage."""

from __future__ import annotations

import pytest

from app.checkout import proving
from app.checkout.books import check_books
from app.kernel import clock, db
from tests.factories.checkout import a_merchant, a_session, a_shopper_at_confirm

pytestmark = pytest.mark.usefixtures("db")


async def test_honest_books_have_nothing_to_report() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_at_confirm(merchant)
    flow = await shopper.confirm()
    await a_session(merchant)
    assert await check_books([flow.order_public_id]) == []


# Each damages one thing, past the triggers that forbid it.
DAMAGE = {
    "I1": "UPDATE postings SET amount_minor = amount_minor + 1 WHERE amount_minor > 0",
    "I2": "UPDATE ledger_accounts SET balance_minor = balance_minor + 1 WHERE kind = 'receivable'",
    "I3": "UPDATE ledger_accounts SET balance_minor = balance_minor * 2",
    "I3 exposure": "UPDATE credit_exposures SET exposure_minor = exposure_minor + 1",
    "I6 a paid order": "UPDATE transfers SET cause = 'other'",
    "I6 a confirmed": "UPDATE checkout_sessions SET state = 'open'",
    "I6 an idempotency": """INSERT INTO idempotency_keys (merchant_id, scope, key, request_digest, created_at)
                            SELECT merchant_id, 's', 'k', 'x', now() FROM orders""",
    "I7 order": "UPDATE orders SET state = 'refunded'",
    "I7 session": "DELETE FROM session_history",
    "I8 an event": "DELETE FROM outbox",
    "I8 a paid": "UPDATE outbox SET about = NULL",
}


@pytest.mark.parametrize("invariant", DAMAGE)
async def test_damage_is_found(invariant: str) -> None:
    shopper = await a_shopper_at_confirm(await a_merchant())
    await shopper.confirm()

    async def damage() -> None:
        await db.execute("SET LOCAL session_replication_role = replica")
        await db.execute(DAMAGE[invariant])

    await db.in_tx(damage)
    assert any(violation.invariant.startswith(invariant) for violation in await check_books())


# Of a purchase made since the last proof, these are found without a look at anything older.
NEW = ("I1", "I3", "I6 a paid order", "I7 order", "I7 session", "I8 an event", "I8 a paid")


@pytest.mark.parametrize("invariant", NEW)
async def test_damage_since_the_last_proof_is_found_by_the_next(invariant: str) -> None:
    shopper = await a_shopper_at_confirm(await a_merchant())
    now = clock.wall()
    assert (await proving.prove_new(now)).violations == []
    await shopper.confirm()
    await proving.seal_due(now)
    assert (await proving.prove_new(now)).violations == [], "an honest purchase"
    # Nobody has proven it yet, as far as the next proof knows.
    await db.in_tx(lambda: db.execute("DELETE FROM book_proof_marks"))

    async def damage() -> None:
        await db.execute("SET LOCAL session_replication_role = replica")
        await db.execute(DAMAGE[invariant] if invariant != "I7 session" else LOST_STEP)

    await db.in_tx(damage)
    found = (await proving.prove_new(now)).violations
    assert any(violation.invariant.startswith(invariant) for violation in found), found


LOST_STEP = "DELETE FROM session_history WHERE from_state IS NULL"


async def test_an_acknowledged_order_that_is_not_there_is_found() -> None:
    await a_merchant()
    found = await check_books(["ord_lost"])
    assert [(v.invariant[:3], v.where) for v in found] == [("I10", "ord_lost")]
