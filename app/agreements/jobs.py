"""One try to draw the agreement of a purchase, out of the quote that was confirmed."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from app.agreements import actions
from app.agreements.actions import Drawn
from app.agreements.content import Item, Party, Sheet, Signed
from app.agreements.parties import parties_of
from app.agreements.pdf import pdf_of
from app.agreements.queries import agreement_of_order
from app.agreements.rules import information_on
from app.invoices.queries import seller_of
from app.kernel import db, outbox
from app.kernel.jobs import Done, EndedAlready, GiveUp, Outcome, business_now
from app.kernel.outbox import Job
from app.law.queries import official_wording
from app.merchants.queries import Merchant, merchant_by_id
from app.orders.queries import OrderView, order_for_api
from app.plans.errors import QuoteDamagedError
from app.plans.quote import Quote
from app.settings import Operator


async def draw(job: Job, operator: Operator) -> Outcome:
    """Draw it outside any transaction, then keep it and end the job, all or nothing. A second try keeps the first."""
    order_public_id, lang = str(job.payload["order"]), str(job.payload["lang"])
    if await agreement_of_order(job.merchant_id, order_public_id) is not None:
        return Done("drawn before")
    merchant = await merchant_by_id(job.merchant_id)
    order = await order_for_api(job.merchant_id, order_public_id)
    assert merchant is not None, "merchants are never deleted"
    assert order is not None, "orders are never deleted"
    try:
        sheet = await _signed(merchant, order, operator)
    except QuoteDamagedError:
        return GiveUp("the stored figures of the quote do not fit its number")
    document = await pdf_of(sheet, lang)
    customer_id = await _customer_of(merchant.id, order.id)
    drawn = Drawn(merchant.id, order.id, order.public_id, customer_id, lang, sheet, document)

    async def run() -> None:
        kept = await actions.keep(drawn, business_now(job))
        await outbox.succeed(job, sheet.quote.id if kept else "drawn before")

    await db.in_tx(run)
    return EndedAlready()


async def _signed(merchant: Merchant, order: OrderView, operator: Operator) -> Sheet:
    assert order.paid_at is not None, "only a confirmed purchase is asked for"
    assert order.quote_content is not None, "a confirmed purchase has its quote"
    creditor, intermediary = parties_of(merchant, await seller_of(merchant.id), operator)
    sheet = information_on(
        Quote.from_data(order.quote_content),
        creditor=creditor,
        intermediary=intermediary,
        goods=tuple(Item(line.name, line.quantity, line.total_minor) for line in order.lines),
        official=await official_wording(merchant.country),
    )
    contact = order.contact
    place = " ".join(part for part in (contact.postcode, contact.city) if part)
    borrower = Party(contact.name or "", address=", ".join(part for part in (contact.street, place) if part))
    return replace(sheet, signed=Signed(borrower, order.reference, order.paid_at, merchant.time_zone))


async def _customer_of(merchant_id: UUID, order_id: UUID) -> UUID:
    found = await db.fetch_value(
        "SELECT customer_id FROM orders WHERE merchant_id = $1 AND id = $2", merchant_id, order_id
    )
    assert isinstance(found, UUID), "a confirmed purchase has its customer"
    return found
