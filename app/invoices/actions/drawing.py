"""Drawing the documents of a purchase: once an order, numbered without a gap, never changed afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from app.invoices import outside, rules
from app.invoices.actions.paying import record_at_once
from app.invoices.actions.storing import Belonging, next_number, store
from app.invoices.content import Party, ReceivedItem
from app.invoices.errors import NoAccount
from app.invoices.events import tell_issued
from app.invoices.outside import OutsideSale
from app.invoices.queries import InvoiceView, Seller, invoices_of_order, seller_of
from app.invoices.references import finnish_reference
from app.invoices.rules import Payee, Sale
from app.invoices.states import InvoiceState
from app.kernel import db, outbox
from app.merchants.queries import Merchant
from app.orders.queries import OrderView, order_for_api
from app.payments.queries import RecordedView, payment_of_order
from app.plans.quote import Quote
from app.settings import Operator

DRAW_JOB: Final = "invoice"


async def ask_to_draw(merchant_id: UUID, order_public_id: str, lang: str) -> None:
    """Put the drawing of a paid order on the outbox, in the caller's transaction; asked again it changes nothing."""
    payload = {"order": order_public_id, "lang": lang}
    await outbox.put(merchant_id, DRAW_JOB, payload, key=f"invoice:{order_public_id}", about=order_public_id)


async def draw(
    merchant: Merchant, order_public_id: str, lang: str, operator: Operator, now: datetime
) -> tuple[InvoiceView, ...]:
    """Draw the documents of a paid order in the caller's transaction; a second call answers the first one's.

    Every figure is the stored quote's; what was paid with the purchase is recorded as a payment. A sale that was paid
    outside the checkout has a receipt alone. A guest's has no debtor. Raises NoAccount.
    """
    # Two drawings of one order wait for each other here.
    locked = await db.fetch_one(
        "SELECT id, customer_id FROM orders WHERE merchant_id = $1 AND public_id = $2 FOR UPDATE",
        merchant.id,
        order_public_id,
    )
    order = await order_for_api(merchant.id, order_public_id)
    assert locked is not None
    assert order is not None
    drawn = await invoices_of_order(merchant.id, order_public_id)
    if drawn:
        return drawn
    payment = await payment_of_order(merchant.id, order.id)
    if payment is not None:
        await _draw_outside(merchant, order, payment, lang, now)
        return await _issued(merchant.id, order_public_id, now)
    sale = _sale(merchant, order, await seller_of(merchant.id), operator)
    series = await next_number(merchant.id, sale.purchased_on.year)
    references = await _references(rules.references_needed(sale.quote))
    belonging = Belonging(
        merchant_id=merchant.id,
        order_id=order.id,
        customer_id=locked["customer_id"],
        quote_id=sale.quote.id,
        delivery=sale.quote.delivery,
        lang=lang,
    )
    for document in rules.documents(sale, rules.number_text(series.year, series.number), references):
        await store(belonging, document, series, now)
    drawn = await _issued(merchant.id, order_public_id, now)
    if not drawn[0].content.at_once_minor:
        return drawn
    await record_at_once(merchant.id, drawn[0], now)
    return await invoices_of_order(merchant.id, order_public_id)


async def _issued(merchant_id: UUID, order_public_id: str, now: datetime) -> tuple[InvoiceView, ...]:
    """What was drawn just now; those that go out at once are told of."""
    drawn = await invoices_of_order(merchant_id, order_public_id)
    for invoice in drawn:
        if invoice.state is InvoiceState.ISSUED:
            await tell_issued(merchant_id, invoice, now)
    return drawn


async def _draw_outside(
    merchant: Merchant, order: OrderView, payment: RecordedView, lang: str, now: datetime
) -> None:
    """The receipt of a sale that recorded money has paid. It asks for nothing, so it needs no account."""
    assert order.paid_at is not None, "only a paid order is drawn"
    seller = await seller_of(merchant.id)
    sale = OutsideSale(
        order_reference=order.reference,
        lines=order.lines,
        currency=order.currency,
        total_minor=order.total_minor,
        seller=_seller(merchant, seller),
        buyer=_buyer(merchant, order),
        purchased_on=merchant.local_date(order.paid_at),
        received=ReceivedItem(payment.source, payment.received_on),
        footer=seller.footer or "",
    )
    series = await next_number(merchant.id, sale.purchased_on.year)
    belonging = Belonging(
        merchant_id=merchant.id,
        order_id=order.id,
        customer_id=None,
        quote_id=None,
        delivery="email",
        lang=lang,
    )
    document = outside.receipt(sale, rules.number_text(series.year, series.number))
    await store(belonging, document, series, now)


async def _references(count: int) -> Sequence[str]:
    rows = await db.fetch_all(
        "SELECT nextval('invoice_references') AS base FROM generate_series(1, $1)", count
    )
    return [finnish_reference(row["base"]) for row in rows]


def _sale(merchant: Merchant, order: OrderView, seller: Seller, operator: Operator) -> Sale:
    assert order.paid_at is not None, "only a paid order is drawn"
    assert order.quote_content is not None, "a paid order has the quote it was paid on"
    quote = Quote.from_data(order.quote_content)
    return Sale(
        order_reference=order.reference,
        lines=order.lines,
        quote=quote,
        seller=_seller(merchant, seller),
        buyer=_buyer(merchant, order),
        payee=_payee(merchant, seller, operator) if quote.is_credit else None,
        purchased_on=merchant.local_date(order.paid_at),
        footer=seller.footer or "",
        for_company=order.company is not None,
        purchase_order=(order.company.purchase_order if order.company else None) or "",
    )


def _seller(merchant: Merchant, seller: Seller) -> Party:
    return Party(
        name=seller.name or merchant.name,
        address=_address(seller.street, seller.postcode, seller.city),
        company_id=seller.company_id,
        vat_id=seller.vat_id,
        email=seller.email or merchant.contact_email,
        phone=seller.phone,
        street=seller.street,
        postcode=seller.postcode,
        city=seller.city,
        country=merchant.country,
    )


def _buyer(merchant: Merchant, order: OrderView) -> Party:
    """A company is addressed by its name and number, in care of whoever bought for it. One from another country gave
    its VAT number; of one at home nobody has asked whether it is registered for VAT."""
    contact, company = order.contact, order.company
    address = _address(contact.street, contact.postcode, contact.city)
    if company is None:
        return Party(contact.name or "", address)
    return Party(
        name=company.name,
        address=tuple(part for part in (contact.name, *address) if part),
        company_id=company.number.printed,
        vat_id=company.number.vat_id if company.number.country != merchant.country else None,
        email=contact.email,
        street=contact.street,
        postcode=contact.postcode,
        city=contact.city,
        country=company.number.country,
        contact=contact.name,
    )


def _payee(merchant: Merchant, seller: Seller, operator: Operator) -> Payee:
    if merchant.creditor == "operator":
        return Payee(operator.name, operator.company_id, operator.iban, assigned=True, bic=operator.bic)
    if seller.iban is None:
        raise NoAccount
    return Payee(seller.name or merchant.name, seller.company_id, seller.iban, assigned=False, bic=seller.bic)


def _address(street: str | None, postcode: str | None, city: str | None) -> tuple[str, ...]:
    place = " ".join(part for part in (postcode, city) if part)
    return tuple(part for part in (street, place) if part)
