"""What paying says of an order's risk: sixty days overdue is bad, a hundred quiet days are good, and both stay."""

from __future__ import annotations

from app.invoices.labelling import label_paying
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.risk.actions import assess_in_tx
from tests.factories.invoices import a_purchase, again, chores_done, days_later, drawn, paid
from tests.factories.risk import a_purchase as pressed


async def a_bought_order(merchant: Merchant) -> str:
    """Bought by invoice, drawn, and decided about as at the press of the button."""
    order = await a_purchase(merchant)
    row = await db.fetch_one(
        "SELECT s.id, s.order_id FROM checkout_sessions s JOIN orders o ON o.merchant_id = s.merchant_id"
        " AND o.id = s.order_id WHERE s.merchant_id = $1 AND o.public_id = $2",
        merchant.id,
        order,
    )
    assert row is not None
    if not await db.fetch_value("SELECT count(*) FROM risk_decisions WHERE session_id = $1", row["id"]):
        told = pressed(
            merchant_id=merchant.id,
            session_id=row["id"],
            order_id=row["order_id"],
            at=await clock.business_now(),
        )
        await db.in_tx(lambda: assess_in_tx(told))
    return order


async def labels() -> list[tuple[str, bool]]:
    rows = await db.fetch_all("SELECT source, is_bad FROM risk_labels ORDER BY at, id")
    return [(row["source"], row["is_bad"]) for row in rows]


async def test_an_invoice_sixty_days_overdue_says_that_the_order_was_bad_once(merchant: Merchant) -> None:
    [invoice] = await drawn(merchant, await a_bought_order(merchant))
    assert invoice.due_on is not None
    due_in = (invoice.due_on - merchant.local_date(await clock.business_now())).days
    await days_later(due_in + 59)
    await chores_done()
    assert await label_paying(await clock.business_now()) == 0
    await days_later(2)
    assert await label_paying(await clock.business_now()) == 1
    assert await label_paying(await clock.business_now()) == 0
    await days_later(60)
    await label_paying(await clock.business_now())
    assert await labels() == [("unpaid", True)]


async def test_an_order_that_was_paid_for_says_that_it_was_good_after_a_hundred_days(
    merchant: Merchant,
) -> None:
    [invoice] = await drawn(merchant, await a_bought_order(merchant))
    await paid(merchant, invoice, invoice.amount_minor)
    assert (await again(merchant, invoice)).state == "paid"
    await days_later(99)
    assert await label_paying(await clock.business_now()) == 0
    await days_later(2)
    assert await label_paying(await clock.business_now()) == 1
    assert await labels() == [("unpaid", False)]


async def test_an_invoice_that_is_a_little_late_says_nothing_yet(merchant: Merchant) -> None:
    [invoice] = await drawn(merchant, await a_bought_order(merchant))
    assert invoice.due_on is not None
    await days_later((invoice.due_on - merchant.local_date(await clock.business_now())).days + 10)
    await chores_done()
    assert await label_paying(await clock.business_now()) == 0
    assert await labels() == []
