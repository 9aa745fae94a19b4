"""A confirmed purchase, its documents drawn, and payments of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from app.checkout.actions import Details
from app.invoices import actions
from app.invoices.actions import NewPayment
from app.invoices.queries import InvoiceView, PaymentView, invoices_of_order
from app.kernel import clock, db
from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.orders.rules import Line
from app.plans.queries import forget_kept_plans
from app.settings import Operator
from tests.factories.checkout import Shopper, a_session

ADDRESS: Final = Details(street="Puistokatu 12 B 4", city="Helsinki")
OPERATOR: Final = Operator(name="Kolme Sandbox", company_id="0000000-0", iban="FI2112345600000785")


async def a_purchase(merchant: Merchant, *lines: Line, months: int = 0, delivery: str = "email") -> str:
    """A confirmed order's public id: by invoice, or by instalments over so many months."""
    forget_kept_plans()
    shopper = Shopper.at(await a_session(merchant, *lines))
    await shopper.choose("instalments" if months else "invoice", months=months, delivery=delivery)
    await shopper.return_from_bank()
    await shopper.be_decided()
    return (await shopper.confirm(ADDRESS)).order_public_id


async def drawn(merchant: Merchant, order: str, lang: str = "en") -> tuple[InvoiceView, ...]:
    """The order's documents, drawn now."""
    now = await clock.business_now()
    return await db.in_tx(lambda: actions.draw(merchant, order, lang, OPERATOR, now))


async def an_invoice(merchant: Merchant, *lines: Line) -> InvoiceView:
    [invoice] = await drawn(merchant, await a_purchase(merchant, *lines))
    return invoice


async def paid(
    merchant: Merchant, invoice: InvoiceView, amount_minor: int, key: str = "first", on: date | None = None
) -> PaymentView:
    """A payment recorded now."""
    now = await clock.business_now()
    payment = NewPayment(
        Money(amount_minor, invoice.currency), on or merchant.local_date(now), "api", "api", key
    )
    return await db.in_tx(lambda: actions.record_payment(merchant, invoice.public_id, payment, now))


async def again(merchant: Merchant, invoice: InvoiceView) -> InvoiceView:
    """The same document as it is now."""
    return next(
        each
        for each in await invoices_of_order(merchant.id, invoice.order_public_id)
        if each.id == invoice.id
    )


async def days_later(days: float) -> datetime:
    """The business clock moved; what it says now."""
    offset_s = await clock.read_offset_s() + int(timedelta(days=days).total_seconds())
    await db.in_tx(lambda: clock.set_offset_s(offset_s))
    return await clock.business_now()


async def chores_done() -> None:
    """Everything of invoices that falls due by the clock."""
    now = await clock.business_now()
    for chore in (actions.issue_due, actions.post_due_charges, actions.mark_overdue, actions.remind_due):
        await chore(now, 100)


async def balances() -> dict[str, int]:
    """Every account with something on it; what a customer's accounts are called without the id."""
    rows = await db.fetch_all("SELECT address, balance_minor FROM ledger_accounts WHERE balance_minor <> 0")
    return {_without_id(row["address"]): row["balance_minor"] for row in rows}


def _without_id(address: str) -> str:
    return f"customer:{address.rpartition(':')[2]}" if address.startswith("customer:") else address
