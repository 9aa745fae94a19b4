"""Credit notes that were drawn before there were refunds are refunds after the migration, and the books are proven."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from app.checkout.books import check_books
from app.invoices.actions import NewCredit, credit
from app.invoices.credits import EVERYTHING, Pieces, Wanted
from app.kernel import clock, db
from app.kernel.db import engine
from app.merchants.queries import Merchant
from app.returns.queries import lines_of_refund, refunds_of_order
from tests.factories.checkout import a_line
from tests.factories.invoices import a_purchase, drawn, paid
from tests.factories.returns import STAFF, refunded, the_order

FILE = (
    Path(__file__).resolve().parents[3] / "migrations" / "kolme_2026_11_21t0541_credit_notes_are_refunds.py"
)


async def migrate() -> None:
    spec = importlib.util.spec_from_file_location("migration", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    async def run() -> None:
        # A script of many statements goes through the connection itself, as the migration command sends it.
        transaction = engine.current_transaction.get()
        assert transaction is not None
        await transaction.connection.execute(module.SQL)

    await db.in_tx(run)


async def credited(merchant: Merchant, order: str, wanted: Wanted) -> None:
    """A note as it was drawn before: no refund, and the order does not move."""
    document, *_ = await drawn(merchant, order)
    now = await clock.business_now()
    await db.in_tx(lambda: credit(merchant, document.public_id, NewCredit(wanted, STAFF), now))


async def test_old_notes_become_the_refunds_that_they_were(merchant: Merchant) -> None:
    part = await a_purchase(merchant, a_line(), a_line("Soap", "4.50", quantity=3))
    await credited(merchant, part, (Pieces(1, 2),))
    await credited(merchant, part, 500)
    whole = await a_purchase(merchant, months=3)
    _, first, *_ = await drawn(merchant, whole)
    await paid(merchant, first, first.amount_minor)
    await credited(merchant, whole, EVERYTHING)
    await migrate()
    assert await check_books() == []
    now = await the_order(merchant, part)
    assert (now.state, now.refundable_minor) == ("partly_refunded", 14_250 - 900 - 500)
    pieces, sum_ = await refunds_of_order(merchant.id, now.id)
    assert [(line.position, line.quantity) for line in await lines_of_refund(merchant.id, pieces.id)] == [
        (1, 2)
    ]
    assert (sum_.amount_minor, sum_.credit_note_id is not None) == (500, True)
    assert (await the_order(merchant, whole)).state == "refunded"
    # A second run finds nothing more, and refunds go on from there.
    await migrate()
    await refunded(merchant, part)
    assert (await the_order(merchant, part)).state == "refunded"
    assert await check_books() == []
