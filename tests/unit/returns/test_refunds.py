"""Refunds: what goes back where, what is owed after it, and what is refused by name."""

from __future__ import annotations

from app.checkout.books import check_books
from app.merchants.queries import Merchant
from tests.factories.invoices import a_purchase, balances, drawn
from tests.factories.returns import refunded, the_order


async def test_a_part_of_an_unpaid_invoice_lowers_what_is_owed(merchant: Merchant) -> None:
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    refund = await refunded(merchant, order, 2_900)
    assert (refund.state, refund.lowered_minor, refund.back_minor) == ("done", 2_900, 0)
    now = await the_order(merchant, order)
    assert (now.state, now.refundable_minor) == ("partly_refunded", 10_000)
    assert await balances() == {"customer:receivable": 10_000, "operator:payable:merchant": -10_000}
    assert await check_books() == []
