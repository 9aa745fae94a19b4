"""Plans on a real database: offered, read without a query while they are fresh, retired."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from app.kernel import clock, db
from app.merchants.actions import NewMerchant, create_merchant
from app.merchants.queries import Merchant
from app.plans import rules
from app.plans.actions import create_plan, retire_plan
from app.plans.errors import CapBroken, CurrencyMismatch, PlanKeyTaken, PlanRefused, PlanUnknown
from app.plans.queries import plans_of
from app.plans.quote import Plan

INVOICE, INSTALMENTS = rules.standard_plans("EUR")


@pytest.fixture
async def merchant(db: str) -> Merchant:
    shop = NewMerchant(
        name="Havu", country="FI", contact_email="shop@havu.example", credit_limit_minor=200_000
    )
    return await create_merchant(shop, now=clock.wall())


async def test_plans_are_read_as_they_were_written_in_the_shops_order(merchant: Merchant) -> None:
    now = clock.wall()
    await create_plan(merchant.id, INSTALMENTS, now=now)
    await create_plan(merchant.id, INVOICE, now=now)
    first = replace(INVOICE, key="first", due_days=30)
    await create_plan(merchant.id, first, now=now, position=-1)

    assert await plans_of(merchant.id) == (first, INSTALMENTS, INVOICE)


async def test_plans_cost_no_query_while_they_are_fresh(merchant: Merchant) -> None:
    await create_plan(merchant.id, INVOICE, now=clock.wall())
    await plans_of(merchant.id)
    with db.counting() as counts:
        await plans_of(merchant.id)

    assert counts.queries == 0


async def test_a_retired_plan_is_offered_no_more_and_its_key_stays_taken(merchant: Merchant) -> None:
    now = clock.wall()
    await create_plan(merchant.id, INVOICE, now=now)
    await retire_plan(merchant.id, INVOICE.key, now=now)

    assert await plans_of(merchant.id) == ()
    with pytest.raises(PlanKeyTaken):
        await create_plan(merchant.id, INVOICE, now=now)
    with pytest.raises(PlanUnknown):
        await retire_plan(merchant.id, INVOICE.key, now=now)


@pytest.mark.parametrize(
    ("plan", "refusal"),
    [
        (replace(INSTALMENTS, nominal_rate=Decimal("19.9")), CapBroken),
        (replace(INVOICE, paper_fee_minor=195), CapBroken),
        (replace(INVOICE, currency="SEK"), CurrencyMismatch),
        (replace(INVOICE, due_days=0), PlanRefused),
    ],
)
async def test_a_plan_that_the_law_or_the_bounds_refuse_leaves_nothing(
    merchant: Merchant, plan: Plan, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await create_plan(merchant.id, plan, now=clock.wall())
    assert await plans_of(merchant.id) == ()
    assert await db.fetch_value("SELECT count(*) FROM audit_log WHERE action = 'plan.created'") == 0


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        (replace(INVOICE, key="In voice"), "key"),
        (replace(INVOICE, currency="NOK"), "currency"),
        (replace(INVOICE, min_amount_minor=0), "max_amount_minor"),
        (replace(INVOICE, min_amount_minor=2, max_amount_minor=1), "max_amount_minor"),
        (replace(INVOICE, due_days=366), "due_days"),
        (replace(INVOICE, max_months=3), "max_months"),
        (replace(INVOICE, paper_fee_minor=-1), "paper_fee_minor"),
        (replace(INSTALMENTS, nominal_rate=Decimal("100.1")), "nominal_rate"),
        (replace(INSTALMENTS, nominal_rate=Decimal("14.90001")), "nominal_rate"),
        (replace(INSTALMENTS, nominal_rate=Decimal("NaN")), "nominal_rate"),
        (replace(INSTALMENTS, nominal_rate=Decimal("Infinity")), "nominal_rate"),
        (replace(INSTALMENTS, nominal_rate=Decimal("-0.1")), "nominal_rate"),
        (replace(INSTALMENTS, max_amount_minor=10**30), "max_amount_minor"),
        (replace(INSTALMENTS, fee_minor=10**30), "fee_minor"),
        (replace(INSTALMENTS, max_months=121), "max_months"),
        (replace(INSTALMENTS, min_months=0), "max_months"),
        (replace(INSTALMENTS, min_months=37), "max_months"),
        (replace(INSTALMENTS, interest_free_months=37), "interest_free_months"),
    ],
)
def test_a_plan_out_of_its_bounds_is_refused(plan: Plan, field: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        rules.check(plan)
    assert refused.value.field == field


@pytest.mark.parametrize("currency", ["EUR", "SEK", "DKK"])
def test_the_standard_plans_are_in_bounds(currency: str) -> None:
    for plan in rules.standard_plans(currency):
        rules.check(plan)
