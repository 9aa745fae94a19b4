"""One browser with two tabs names two companies: customer, decision and order are never of different ones."""

from __future__ import annotations

import asyncio

import pytest

from app.checkout import actions
from app.checkout.actions import naming
from app.checkout.queries import Flow
from app.kernel import clock, db
from app.kernel.company_number import CompanyNumber
from app.merchants.queries import Merchant, forget_kept_merchants
from app.orders.companies import Company
from app.plans.company import company_plans
from app.plans.quote import make_quote
from tests.factories.checkout import PHONE, Shopper, a_merchant
from tests.factories.companies import KONE, a_business_session
from tests.support.racing import Held, somebody_waits_for_a_lock
from tests.support.waiting import until

OTHER = Company(CompanyNumber("FI", "15727078"), "Toinen Oy")


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await a_merchant()


async def choose_invoice(shopper: Shopper) -> None:
    flow = await shopper.flow()
    quote = make_quote(
        company_plans(flow.currency)[1],
        flow.total_minor,
        flow.currency,
        flow.merchant.country,
        flow.merchant.local_date(flow.now),
        merchant=flow.merchant.public_id,
        delivery="efile",
    )
    await actions.choose_plan(flow, quote, shopper.browser, clock.wall())


async def name(shopper: Shopper, flow: Flow, company: Company) -> None:
    await actions.name_company(flow, company, shopper.browser, clock.wall())


async def number_of_customer(flow: Flow) -> str | None:
    assert flow.customer is not None
    number: str | None = await db.fetch_value(
        "SELECT number FROM companies WHERE customer_id = $1", flow.customer.id
    )
    return number


async def test_a_tab_that_knew_of_no_company_takes_the_customer_of_the_other_away(merchant: Merchant) -> None:
    shopper = Shopper.at(await a_business_session(merchant))
    opened_before = await shopper.flow()
    await name(shopper, opened_before, KONE)
    await choose_invoice(shopper)
    await shopper.type_code(await shopper.ask_code(PHONE))
    assert await number_of_customer(await shopper.flow()) == KONE.number.value
    await name(shopper, opened_before, OTHER)
    flow = await shopper.flow()
    assert flow.company is not None
    assert (flow.company.number, flow.customer, flow.decision) == (OTHER.number, None, None)


async def test_a_code_typed_while_another_company_is_named_identifies_that_one(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    shopper = Shopper.at(await a_business_session(merchant, company=KONE))
    await choose_invoice(shopper)
    code = await shopper.ask_code(PHONE)
    held = Held(monkeypatch, naming, "put_company")
    naming_other = asyncio.create_task(name(shopper, await shopper.flow(), OTHER))
    await held.reached()
    typing = asyncio.create_task(shopper.type_code(code))
    await until(somebody_waits_for_a_lock, 20)
    held.let_go()
    await asyncio.gather(naming_other, typing)
    flow = await shopper.flow()
    assert flow.company is not None
    assert flow.company.number == OTHER.number
    assert await number_of_customer(flow) == OTHER.number.value
