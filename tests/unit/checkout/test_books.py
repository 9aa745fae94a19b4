"""The proof of the books: silent over honest ones, and it finds each kind of damage."""

from __future__ import annotations

import pytest

from app.checkout.books import check_books
from app.kernel import db
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


async def test_an_acknowledged_order_that_is_not_there_is_found() -> None:
    await a_merchant()
    found = await check_books(["ord_lost"])
    assert [(v.invariant[:3], v.where) for v in found] == [("I10", "ord_lost")]
