"""A company that buys, on the way through its purchase or invoiced for it."""

from __future__ import annotations

from typing import Final

from app.checkout import actions
from app.checkout.actions import Details
from app.checkout.drafts import ContactDraft, SessionDraft
from app.checkout.facts import without_register
from app.invoices.queries import InvoiceView
from app.kernel import clock
from app.kernel.company_number import CompanyNumber
from app.merchants.queries import Merchant
from app.orders.companies import Company
from app.orders.rules import Line
from app.plans.company import company_plans
from app.plans.quote import make_quote
from tests.factories.checkout import PHONE, POSTCODE, Shopper, a_line
from tests.factories.invoices import drawn

KONE: Final = Company(CompanyNumber("FI", "20774740"), "Kone Oy", "PO-77")
# The contact person, as step 3 asks for them.
OUTI: Final = Details(name="Outi Ostaja", street="Tehtaankatu 1", city="Helsinki")


async def a_business_session(
    merchant: Merchant, *lines: Line, company: Company | None = None, country: str = "FI"
) -> str:
    draft = SessionDraft(
        reference="SHOP-B-1",
        country=country,
        currency=merchant.currency,
        locale="en",
        buyer="business",
        lines=lines or (a_line(),),
        customer=ContactDraft(email="osto@kone.example", phone=PHONE, postcode=POSTCODE),
        success_url="http://localhost:9/thanks",
        cancel_url="http://localhost:9/basket",
        expires_in_s=86_400,
        company=company,
    )
    return (await actions.open_session(merchant, draft, await clock.business_now())).session_id


async def an_order_of_a_company(
    merchant: Merchant,
    *lines: Line,
    delivery: str = "efile",
    company: Company = KONE,
    phone: str = PHONE,
) -> str:
    """The public id of an order that a company has bought on an invoice of 30 days."""
    shopper = Shopper.at(await a_business_session(merchant, *lines, company=company))
    flow = await shopper.flow()
    quote = make_quote(
        company_plans(flow.currency)[1],
        flow.total_minor,
        flow.currency,
        merchant.country,
        merchant.local_date(flow.now),
        merchant=merchant.public_id,
        delivery=delivery,
    )
    await actions.choose_plan(flow, quote, shopper.browser, clock.wall())
    await shopper.type_code(await shopper.ask_code(phone))
    flow = await shopper.flow()
    assert flow.customer is not None
    await actions.decide(flow, await without_register(flow, flow.customer.id), lang="en")
    return (await shopper.confirm(OUTI)).order_public_id


async def an_invoice_of_a_company(
    merchant: Merchant,
    *lines: Line,
    delivery: str = "efile",
    company: Company = KONE,
    phone: str = PHONE,
) -> InvoiceView:
    order = await an_order_of_a_company(merchant, *lines, delivery=delivery, company=company, phone=phone)
    [invoice] = await drawn(merchant, order)
    return invoice
