"""Points come with an order, go with its refunds, and never move twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.kernel import clock, db
from app.ledger import actions as ledger
from app.loyalty.queries import earning_of, points_statement, tier_of
from app.loyalty.rules import CategoryRate, Period, Rate, Tier
from app.merchants.queries import Merchant, forget_kept_merchants
from app.orders.rules import Line
from tests.factories.checkout import a_line
from tests.factories.invoices import a_purchase, days_later, drawn
from tests.factories.loyalty import (
    AT_ONCE,
    PLAIN,
    a_shop,
    buyer_of,
    earned,
    programme_saved,
    standing,
    taken_back,
    wallet_switched,
)
from tests.factories.payments import a_paid_order
from tests.factories.returns import paid_from_the_wallet, refunded
from tests.support.providers import FakeProvider

NEEDS_TWO = """INSERT INTO return_conditions (merchant_id, days, delivery_days, fee_minor, fee_waived_to_wallet,
                                               kept_categories, approval_above_minor)
               VALUES ($1, 14, 0, 0, true, '{}', 1000)"""

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def _fresh_shops() -> None:
    forget_kept_merchants()


async def bought(merchant: Merchant, price: str = "129.00", *more: Line) -> tuple[str, str]:
    """An order that has earned, and its buyer."""
    order = await a_purchase(merchant, a_line(price=price), *more)
    await earned(merchant, order)
    return order, await buyer_of(merchant, order)


async def customer_uuid(customer: str) -> object:
    return await db.fetch_value("SELECT id FROM customers WHERE public_id = $1", customer)


async def test_a_paid_order_earns_points_that_wait_for_the_return_window() -> None:
    merchant = await a_shop()
    order, customer = await bought(merchant)
    now = await standing(merchant, customer)
    assert (now.total, now.usable, now.pending_points) == (129, 0, 129)
    assert now.pending[0].about == order
    assert merchant.local_date(now.pending[0].usable_from) == merchant.local_date(
        await clock.business_now()
    ) + timedelta(days=15)
    await days_later(16)
    later = await standing(merchant, customer)
    assert (later.usable, later.pending, later.turnable, later.worth.amount_minor) == (129, (), 100, 1_00)
    assert [each.points for each in later.lapsing] == [129]


async def test_a_guest_earns_nothing_and_a_refund_takes_nothing_back() -> None:
    merchant = await a_shop()
    order, _ = await a_paid_order(merchant, FakeProvider("card"))
    assert await earned(merchant, order) is None
    assert await taken_back(merchant, order, "ref_1", 12_900) == 0


async def test_an_order_earns_once_however_often_its_job_comes() -> None:
    merchant = await a_shop()
    order, customer = await bought(merchant)
    assert await earned(merchant, order) is None
    assert (await standing(merchant, customer)).total == 129


async def test_nothing_is_earned_without_a_programme_while_it_rests_or_while_the_wallet_is_off() -> None:
    merchant = await a_shop(None)
    order = await a_purchase(merchant, a_line())
    assert await earned(merchant, order) is None
    await programme_saved(merchant, replace(PLAIN, active=False))
    assert await earned(merchant, await a_purchase(merchant, a_line())) is None
    await programme_saved(merchant, PLAIN)
    off = await wallet_switched(merchant, on=False)
    assert await earned(off, await a_purchase(merchant, a_line())) is None
    assert (await standing(merchant, await buyer_of(merchant, order))).total == 0


async def test_an_order_earns_by_the_version_that_held_when_it_was_paid() -> None:
    merchant = await a_shop()
    order = await a_purchase(merchant, a_line())
    await days_later(1)
    await programme_saved(merchant, replace(PLAIN, rate=Rate.per_unit(5_00)))
    assert await earned(merchant, order) == 129
    found = await earning_of(merchant.id, order)
    assert found is not None
    assert found.version == 1


async def test_every_step_from_the_lines_to_the_points_is_kept() -> None:
    today = merchant_day = (await clock.business_now()).date()
    programme = replace(
        PLAIN,
        categories=(CategoryRate("Gift cards", None),),
        periods=(Period("Double days", today - timedelta(days=2), merchant_day + timedelta(days=2), 2_00),),
    )
    merchant = await a_shop(programme)
    gift = replace(a_line("Gift card", "50.00"), category="gift cards")
    shipping = replace(a_line("Post", "5.90"), type="shipping", category=None)
    order, _ = await bought(merchant, "49.90", gift, shipping)
    found = await earning_of(merchant.id, order)
    assert found is not None
    assert found.points == found.earned.points == 99
    assert [(line.name, line.why, line.points) for line in found.earned.lines] == [
        ("Wool blanket", "basic", 99),
        ("Gift card", "category_none", 0),
        ("Post", "shipping_none", 0),
    ]
    assert found.earned.period is not None
    assert (found.earned.period.name, found.earned.basic_points) == ("Double days", 49)


async def test_what_was_paid_from_the_wallet_earns_nothing_unless_the_programme_says_so() -> None:
    merchant = await a_shop()
    order, _ = await paid_from_the_wallet(merchant, 29_00, a_line(price="129.00"))
    assert await earned(merchant, order) == 100
    await programme_saved(merchant, replace(PLAIN, wallet_part_earns=True))
    second, _ = await paid_from_the_wallet(merchant, 29_00, a_line(price="129.00"))
    assert await earned(merchant, second) == 129


async def test_refunds_take_back_in_proportion_and_a_full_one_exactly_what_was_earned() -> None:
    merchant = await a_shop()
    order, customer = await bought(merchant, "100.50")
    assert await taken_back(merchant, order, "rf_1", 33_50) == 33
    assert await taken_back(merchant, order, "rf_1", 33_50) == 0
    assert await taken_back(merchant, order, "rf_2", 33_50) == 33
    assert await taken_back(merchant, order, "rf_3", 33_50) == 34
    assert (await standing(merchant, customer)).total == 0
    found = await earning_of(merchant.id, order)
    assert found is not None
    assert (found.points, found.taken_back) == (100, 100)


async def test_what_the_shop_keeps_as_a_fee_is_not_taken_back_twice() -> None:
    merchant = await a_shop()
    order, customer = await bought(merchant, "100.00")
    assert await taken_back(merchant, order, "rf_1", 50_00) == 50
    # The rest of the order, with the 5.00 that the shop had kept of the first half.
    assert await taken_back(merchant, order, "rf_2", 55_00) == 50
    assert (await standing(merchant, customer)).total == 0


async def test_what_was_refunded_before_the_order_earned_is_taken_back_at_once_and_not_again() -> None:
    merchant = await a_shop()
    order = await a_purchase(merchant, a_line(price="100.00"))
    await drawn(merchant, order)
    before = await refunded(merchant, order, 60_00)
    assert await taken_back(merchant, order, before.public_id, 60_00) == 0
    assert await earned(merchant, order) == 100
    assert (await standing(merchant, await buyer_of(merchant, order))).total == 40
    assert await taken_back(merchant, order, before.public_id, 60_00) == 0


async def test_a_refund_that_waits_for_a_second_person_takes_no_points() -> None:
    merchant = await a_shop()
    order = await a_purchase(merchant, a_line(price="100.00"))
    await drawn(merchant, order)
    await db.in_tx(lambda: db.execute(NEEDS_TWO, merchant.id))
    assert (await refunded(merchant, order, 60_00)).state == "pending_approval"
    assert await earned(merchant, order) == 100
    assert (await standing(merchant, await buyer_of(merchant, order))).total == 100


async def test_an_order_without_points_is_refunded_without_any() -> None:
    merchant = await a_shop(None)
    order = await a_purchase(merchant, a_line())
    assert await taken_back(merchant, order, "rf_1", 129_00) == 0


async def test_points_that_were_used_meanwhile_are_owed_and_the_next_ones_settle_it() -> None:
    merchant = await a_shop(AT_ONCE)
    order, customer = await bought(merchant, "150.00")
    await spend(merchant, customer, 120)
    assert await taken_back(merchant, order, "rf_1", 150_00) == 150
    owing = await standing(merchant, customer)
    assert (owing.total, owing.usable, owing.debt) == (-120, 0, 120)
    second = await a_purchase(merchant, a_line(price="200.00"))
    assert await earned(merchant, second) == 200
    settled = await standing(merchant, customer)
    assert (settled.total, settled.usable, settled.debt) == (80, 80, 0)


async def spend(merchant: Merchant, customer: str, points: int) -> None:
    from app.kernel.money import Points  # noqa: PLC0415
    from app.ledger.rules import POINTS_ISSUED, points_of  # noqa: PLC0415

    now = await clock.business_now()
    await db.in_tx(
        lambda: ledger.take(
            merchant.id,
            key=f"spend:{points}",
            cause="points_turned",
            about=customer,
            account=points_of(customer),
            against=POINTS_ISSUED,
            amount=Points(points),
            now=now,
        )
    )


@pytest.mark.parametrize("swept", [True, False])
async def test_points_that_lapsed_are_not_taken_a_second_time(swept: bool) -> None:
    merchant = await a_shop(replace(AT_ONCE, expiry_months=1))
    order, customer = await bought(merchant, "100.00")
    await spend(merchant, customer, 30)
    now = await days_later(40)
    if swept:
        assert await ledger.expire_lots(now, 10) == 1
    assert await taken_back(merchant, order, "rf_1", 100_00) == 30
    await ledger.expire_lots(now, 10)
    left = await standing(merchant, customer)
    assert (left.total, left.debt) == (-30, 30)


async def test_a_tier_is_reached_by_a_years_points_and_multiplies_the_next_order() -> None:
    programme = replace(AT_ONCE, tiers=(Tier("Silver", 100, 1_50), Tier("Gold", 500, 2_00)))
    merchant = await a_shop(programme)
    order, customer = await bought(merchant, "120.00")
    who = await customer_uuid(customer)
    await days_later(1)
    now = await tier_of(merchant.id, who, await clock.business_now())  # type: ignore[arg-type]
    assert now is not None
    assert (now.tier, now.earned_points, now.missing) == (programme.tiers[0], 120, 380)
    assert await earned(merchant, await a_purchase(merchant, a_line(price="100.00"))) == 150
    assert await taken_back(merchant, order, "rf_1", 120_00) == 120
    after = await tier_of(merchant.id, who, await days_later(1))  # type: ignore[arg-type]
    assert after is not None
    assert (after.tier, after.earned_points) == (programme.tiers[0], 150)
    later = await tier_of(merchant.id, who, await days_later(370))  # type: ignore[arg-type]
    assert later is not None
    assert (later.tier, later.earned_points, later.next) == (None, 0, programme.tiers[0])


async def test_the_statement_tells_each_movement_with_what_stood_after_it() -> None:
    merchant = await a_shop(AT_ONCE)
    order, customer = await bought(merchant, "150.00")
    await taken_back(merchant, order, "rf_1", 50_00)
    page = await points_statement(merchant.id, customer, None, 10)
    assert [(line.cause, line.about, line.amount_minor, line.balance_after_minor) for line in page.lines] == [
        ("points_clawed_back", order, -50, 100),
        ("points_earned", order, 150, 150),
    ]


async def test_a_job_that_comes_after_the_points_would_have_lapsed_gives_none() -> None:
    merchant = await a_shop(replace(AT_ONCE, expiry_months=1))
    order = await a_purchase(merchant, a_line())
    await days_later(40)
    assert await earned(merchant, order) == 0
    assert (await standing(merchant, await buyer_of(merchant, order))).total == 0
