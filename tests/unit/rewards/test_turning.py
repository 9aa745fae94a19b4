"""Points become money in the wallet: exactly, whole or not at all, and once a press."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from app.kernel import clock, db
from app.kernel.ids import internal_id
from app.ledger.queries import balance
from app.ledger.rules import wallet_of
from app.loyalty.actions import Adjustment, Turned, adjust
from app.loyalty.errors import (
    AdjustmentRefused,
    BelowMinimum,
    NoSuchCustomer,
    NotAStep,
    NotEnoughPoints,
    ProgrammeOff,
    TurnedOtherwise,
    TurnKeyRefused,
)
from app.loyalty.proof import PROOF
from app.loyalty.rules import Turning
from app.merchants.errors import ModuleOff
from app.merchants.queries import Merchant, forget_kept_merchants
from app.rewards import actions as rewards
from tests.factories.checkout import a_line
from tests.factories.invoices import a_purchase
from tests.factories.loyalty import (
    AT_ONCE,
    PLAIN,
    a_shop,
    buyer_of,
    earned,
    programme_saved,
    standing,
    wallet_switched,
)

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def _fresh_shops() -> None:
    forget_kept_merchants()


async def a_customer(merchant: Merchant, price: str = "350.00") -> str:
    order = await a_purchase(merchant, a_line(price=price))
    await earned(merchant, order)
    return await buyer_of(merchant, order)


async def turn(merchant: Merchant, customer: str, points: int, key: str = "press-one") -> Turned:
    return await rewards.turn_into_money(merchant, customer, points, key=key, now=await clock.business_now())


async def in_wallet(merchant: Merchant, customer: str) -> int:
    found = await balance(merchant.id, wallet_of(customer), merchant.currency, await clock.business_now())
    return found.available


async def give(merchant: Merchant, customer: str, points: int, reason: str = "Sorry for the wait") -> bool:
    adjustment = Adjustment(internal_id(), points, reason)
    return await adjust(merchant, customer, adjustment, actor="staff:st_1", now=await clock.business_now())


async def test_points_become_the_money_they_are_worth() -> None:
    merchant = await a_shop(replace(AT_ONCE, turning=Turning(50, 100, 50)))
    customer = await a_customer(merchant)
    turned = await turn(merchant, customer, 150)
    assert (turned.points, turned.amount.amount_minor, turned.again) == (150, 3_00, False)
    assert await in_wallet(merchant, customer) == 3_00
    assert (await standing(merchant, customer)).usable == 200


async def test_a_press_counts_once_and_answers_the_same_again() -> None:
    merchant = await a_shop(AT_ONCE)
    customer = await a_customer(merchant)
    first = await turn(merchant, customer, 200)
    again = await turn(merchant, customer, 200)
    assert (again.id, again.amount, again.again) == (first.id, first.amount, True)
    assert await in_wallet(merchant, customer) == 2_00


async def test_two_presses_at_one_moment_are_one() -> None:
    merchant = await a_shop(AT_ONCE)
    customer = await a_customer(merchant)
    both = await asyncio.gather(*(turn(merchant, customer, 300) for _ in range(4)))
    assert sorted(each.again for each in both) == [False, True, True, True]
    assert await in_wallet(merchant, customer) == 3_00


async def test_of_two_tabs_that_ask_for_more_than_there_is_one_is_refused() -> None:
    merchant = await a_shop(AT_ONCE)
    customer = await a_customer(merchant)
    tabs = await asyncio.gather(
        *(turn(merchant, customer, 200, f"of-tab-{tab}") for tab in range(3)), return_exceptions=True
    )
    assert sum(isinstance(each, Turned) for each in tabs) == 1
    assert sum(isinstance(each, NotEnoughPoints) for each in tabs) == 2
    assert await in_wallet(merchant, customer) == 2_00
    assert (await standing(merchant, customer)).usable == 150


async def test_a_key_is_one_persons_for_one_number() -> None:
    merchant = await a_shop(AT_ONCE)
    customer = await a_customer(merchant)
    await turn(merchant, customer, 100)
    with pytest.raises(TurnedOtherwise):
        await turn(merchant, customer, 200)
    for key in ("short", "x" * 101):
        with pytest.raises(TurnKeyRefused):
            await turn(merchant, customer, 100, key)


@pytest.mark.parametrize(
    ("points", "refusal"),
    [(-100, BelowMinimum), (0, BelowMinimum), (100, BelowMinimum), (250, NotAStep), (400, NotEnoughPoints)],
)
async def test_what_cannot_be_turned_is_refused_by_name_and_nothing_moves(
    points: int, refusal: type[Exception]
) -> None:
    merchant = await a_shop(replace(AT_ONCE, turning=Turning(100, 200, 100)))
    customer = await a_customer(merchant)
    with pytest.raises(refusal):
        await turn(merchant, customer, points)
    assert await in_wallet(merchant, customer) == 0
    assert (await standing(merchant, customer)).usable == 350


async def test_pending_points_cannot_be_turned() -> None:
    merchant = await a_shop(PLAIN)
    customer = await a_customer(merchant)
    with pytest.raises(NotEnoughPoints) as refused:
        await turn(merchant, customer, 100)
    assert refused.value.usable_points == 0


async def test_a_programme_that_rests_and_a_wallet_that_is_off_turn_nothing() -> None:
    merchant = await a_shop(AT_ONCE)
    customer = await a_customer(merchant)
    await programme_saved(merchant, replace(AT_ONCE, active=False))
    with pytest.raises(ProgrammeOff):
        await turn(merchant, customer, 100)
    assert (await standing(merchant, customer)).turnable == 0
    await programme_saved(merchant, AT_ONCE)
    off = await wallet_switched(merchant, on=False)
    with pytest.raises(ModuleOff):
        await turn(off, customer, 100)
    assert (await standing(off, customer)).turnable == 0


async def test_a_stranger_of_this_shop_has_nothing_to_turn() -> None:
    merchant = await a_shop(AT_ONCE)
    other = await a_shop(AT_ONCE)
    customer = await a_customer(merchant)
    with pytest.raises(NoSuchCustomer):
        await turn(other, customer, 100)


async def test_staff_give_and_take_with_a_reason_but_never_more_than_can_be_used() -> None:
    merchant = await a_shop(AT_ONCE)
    customer = await a_customer(merchant)
    assert await give(merchant, customer, 50)
    assert await give(merchant, customer, -400)
    assert (await standing(merchant, customer)).total == 0
    with pytest.raises(NotEnoughPoints):
        await give(merchant, customer, -1)
    logged = await db.fetch_all(
        "SELECT detail->>'points' AS n FROM audit_log WHERE action = 'loyalty.adjusted'"
    )
    assert sorted(row["n"] for row in logged) == ["-400", "50"]


async def test_an_adjustment_that_is_sent_twice_is_made_once() -> None:
    merchant = await a_shop(AT_ONCE)
    customer = await a_customer(merchant)
    adjustment, now = Adjustment(internal_id(), 50, "Missing points"), await clock.business_now()
    made = [await adjust(merchant, customer, adjustment, actor="staff:st_1", now=now) for _ in range(2)]
    assert made == [True, False]
    assert (await standing(merchant, customer)).total == 400


@pytest.mark.parametrize(
    ("points", "reason", "field"),
    [
        (0, "A reason", "points"),
        (1_000_001, "A reason", "points"),
        (5, " a ", "reason"),
        (5, "x" * 301, "reason"),
    ],
)
async def test_an_adjustment_needs_a_number_and_a_reason(points: int, reason: str, field: str) -> None:
    merchant = await a_shop(AT_ONCE)
    customer = await a_customer(merchant, "10.00")
    with pytest.raises(AdjustmentRefused) as refused:
        await give(merchant, customer, points, reason)
    assert refused.value.field == field


# --- the proof ------------------------------------------------------------------------------------------------


async def broken() -> set[str]:
    """The invariants that find something."""
    return {name for name, sql in PROOF.items() if await db.fetch_all(sql.replace("CHECKED", "true"))}


async def test_the_books_of_points_hold_after_everything_and_tell_what_does_not() -> None:
    merchant = await a_shop(AT_ONCE)
    customer = await a_customer(merchant)
    await turn(merchant, customer, 200)
    await give(merchant, customer, -10)
    order = str(await db.fetch_value("SELECT public_id FROM orders WHERE state = 'paid'"))
    now = await clock.business_now()
    await db.in_tx(lambda: rewards.take_back(merchant.id, rewards.Refund(order, "rf_1", 350_00), now=now))
    assert await broken() == set()

    async def spoil() -> None:
        await db.execute(
            """INSERT INTO loyalty_claw_backs (merchant_id, id, earning_id, refund, refunded_minor, points,
                                               debt_points, at)
               SELECT merchant_id, gen_random_uuid(), id, 'ref_forged', 1, 1, 0, now() FROM loyalty_earnings"""
        )

    await db.in_tx(spoil)
    assert await broken() == {
        "I20 refunds take back no more points than the order earned",
        "I20 what a refund took back stands in the ledger",
    }
