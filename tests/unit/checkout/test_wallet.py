"""Paying with the wallet, below the web: what is set aside, what is spent, what comes free, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.checkout import actions, shown
from app.checkout.books import check_books
from app.checkout.errors import CreditRefused, HoldEnded, ShownTotalChanged
from app.checkout.queries import Flow
from app.checkout.states import SessionState
from app.checkout.steps import Progress
from app.kernel import clock, db
from app.ledger import actions as ledger
from app.ledger.queries import postings_about
from app.ledger.states import HoldState
from app.merchants.errors import ModuleOff
from app.merchants.queries import Merchant
from tests.factories.checkout import Shopper, a_session, an_identity
from tests.factories.wallets import switched
from tests.factories.wallets_in_flow import (
    a_shop_with_wallets,
    aino_identified,
    in_wallet,
    money_of_aino,
    pay_all_from_wallet,
    pay_part_from_wallet,
)

pytestmark = pytest.mark.usefixtures("db")

PRICE = 12_900


async def aino_with(amount_minor: int, merchant: Merchant | None = None) -> tuple[Merchant, str, Shopper]:
    shop = merchant or await a_shop_with_wallets()
    customer = await money_of_aino(shop, amount_minor)
    return shop, customer, await aino_identified(shop)


async def postings_of(flow: Flow) -> list[tuple[str, str, int]]:
    return [
        (each.cause, each.address.rpartition(":")[2], each.amount_minor)
        for each in await postings_about(flow.merchant.id, flow.order_public_id)
    ]


async def test_a_wallet_that_pays_all_needs_no_credit_and_owes_nothing() -> None:
    merchant, customer, shopper = await aino_with(15_000)
    await pay_all_from_wallet(shopper)
    assert (await in_wallet(merchant, customer)).available == 2_100
    flow = await shopper.confirm()
    assert await postings_of(flow) == [
        ("wallet_payment", "wallet", PRICE),
        ("wallet_payment", "receivable", -PRICE),
        ("purchase", "receivable", PRICE),
        ("purchase", "merchant", -PRICE),
    ]
    assert (await in_wallet(merchant, customer)).total == 2_100
    assert await db.fetch_value("SELECT count(*) FROM credit_decisions") == 0
    assert await db.fetch_value("SELECT count(*) FROM credit_exposures") == 0
    assert await check_books([flow.order_public_id]) == []


async def test_a_part_from_the_wallet_leaves_only_the_rest_to_credit() -> None:
    merchant, customer, shopper = await aino_with(2_900)
    await pay_part_from_wallet(shopper, 2_900)
    assert await shopper.be_decided() == "approved"
    await shopper.confirm()
    assert await db.fetch_value("SELECT exposure_minor FROM credit_exposures") == 10_000
    assert (await in_wallet(merchant, customer)).total == 0
    assert await check_books() == []


async def test_what_shops_are_told_names_the_wallets_part() -> None:
    _, _, shopper = await aino_with(15_000)
    await pay_all_from_wallet(shopper)
    await shopper.confirm()
    told = await db.fetch_value("SELECT data FROM events WHERE type = 'order.paid'")
    assert (told["method"], told["wallet_minor"], told["total_minor"]) == ("wallet", PRICE, PRICE)


async def test_nothing_is_set_aside_before_somebody_is_identified() -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 15_000)
    shopper = Shopper.at(await a_session(merchant))
    await pay_all_from_wallet(shopper)
    assert (await in_wallet(merchant, customer)).held == 0
    await shopper.return_from_bank(an_identity(subject="aino-virta"))
    after = await actions.set_aside(await shopper.flow())
    assert after.money_aside
    assert (await in_wallet(merchant, customer)).held == PRICE


async def test_without_enough_money_the_choice_stands_and_nothing_is_set_aside() -> None:
    merchant, customer, shopper = await aino_with(1_240)
    after = await pay_all_from_wallet(shopper)
    assert not after.money_aside
    flow = await shopper.flow()
    assert (flow.progress, flow.money_aside) == (Progress.IDENTIFIED, False)
    assert (await in_wallet(merchant, customer)).available == 1_240
    with pytest.raises(HoldEnded):
        await shopper.confirm()


async def test_a_customer_with_a_credit_ban_pays_from_the_wallet() -> None:
    _, _, shopper = await aino_with(15_000)
    assert await shopper.be_decided(credit_ban=True) == "declined"
    await pay_all_from_wallet(shopper)
    assert (await shopper.flow()).progress is Progress.IDENTIFIED
    assert (await shopper.confirm()).state is SessionState.CONFIRMED


async def test_another_choice_frees_what_was_set_aside() -> None:
    merchant, customer, shopper = await aino_with(15_000)
    await pay_all_from_wallet(shopper)
    await pay_part_from_wallet(shopper, 2_900)
    assert (await in_wallet(merchant, customer)).held == 2_900
    await shopper.choose("instalments", 6)
    assert (await in_wallet(merchant, customer)).held == 0


async def test_cancelling_and_expiring_free_what_was_set_aside() -> None:
    merchant, customer, shopper = await aino_with(30_000)
    await pay_all_from_wallet(shopper)
    now = await clock.business_now()
    await actions.cancel_session(merchant.id, shopper.session, actor="shopper", now=now)
    assert (await in_wallet(merchant, customer)).held == 0
    other = await aino_identified(merchant)
    await pay_all_from_wallet(other)
    assert (await in_wallet(merchant, customer)).held == PRICE
    await actions.expire_due(now + timedelta(days=2))
    assert (await in_wallet(merchant, customer)).held == 0
    assert await check_books() == []


async def test_the_money_is_set_aside_for_half_an_hour_and_choosing_again_renews_it() -> None:
    merchant, customer, shopper = await aino_with(15_000)
    await pay_all_from_wallet(shopper)
    await db.in_tx(lambda: clock.set_offset_s(31 * 60))
    now = await clock.business_now()
    with pytest.raises(HoldEnded):
        await shopper.confirm()
    assert await ledger.expire_holds(now, 10) == 1
    with pytest.raises(HoldEnded):
        await shopper.confirm()
    await pay_all_from_wallet(shopper)
    assert (await in_wallet(merchant, customer)).held == PRICE
    await shopper.confirm()
    assert (await in_wallet(merchant, customer)).total == 2_100


async def test_what_was_set_aside_pays_though_the_shop_has_switched_its_wallet_off_since() -> None:
    merchant, customer, shopper = await aino_with(15_000)
    await pay_all_from_wallet(shopper)
    await switched(merchant, on=False)
    await shopper.confirm()
    assert (await in_wallet(merchant, customer)).total == 2_100


async def test_without_money_aside_a_wallet_that_is_switched_off_is_refused_by_name() -> None:
    merchant, _, shopper = await aino_with(1_240)
    await pay_all_from_wallet(shopper)
    await switched(merchant, on=False)
    with pytest.raises(ModuleOff):
        await shopper.confirm()
    with pytest.raises(ModuleOff):
        await pay_part_from_wallet(shopper, 1_000)


async def test_what_was_shown_covers_the_wallets_part() -> None:
    _, _, shopper = await aino_with(15_000)
    await pay_part_from_wallet(shopper, 2_900)
    await shopper.be_decided()
    field = shown.sign(await shopper.flow())
    await pay_part_from_wallet(shopper, 3_000)
    with pytest.raises(ShownTotalChanged):
        await shopper.confirm(shown_field=field)


async def test_an_approval_holds_for_a_smaller_sum_on_the_same_plan_and_for_the_whole_again() -> None:
    _, _, shopper = await aino_with(15_000)
    assert await shopper.be_decided() == "approved"
    for choice in (
        lambda: pay_part_from_wallet(shopper, 2_900),
        lambda: pay_all_from_wallet(shopper),
        shopper.choose,
        lambda: pay_part_from_wallet(shopper, 100),
    ):
        await choice()
        assert (await shopper.flow()).progress is Progress.IDENTIFIED
    flow = await shopper.flow()
    assert flow.decision is not None
    assert (flow.decision.amount_minor, flow.decisions_made) == (PRICE, 1)
    await shopper.confirm()


async def test_an_approval_for_a_part_is_none_for_the_whole() -> None:
    _, _, shopper = await aino_with(15_000)
    await pay_part_from_wallet(shopper, 2_900)
    assert await shopper.be_decided() == "approved"
    await shopper.choose()
    assert (await shopper.flow()).decision is None
    with pytest.raises(CreditRefused):
        await shopper.confirm()


async def test_a_refusal_is_not_carried_to_a_smaller_sum() -> None:
    _, _, shopper = await aino_with(15_000)
    assert await shopper.be_decided(income_minor=1) == "declined"
    await pay_part_from_wallet(shopper, 12_000)
    flow = await shopper.flow()
    assert (flow.decision, flow.progress) == (None, Progress.IDENTIFIED)


async def test_confirming_twice_spends_once() -> None:
    merchant, customer, shopper = await aino_with(30_000)
    await pay_all_from_wallet(shopper)
    field = shown.sign(await shopper.flow())
    await shopper.confirm(shown_field=field)
    await shopper.confirm(shown_field=field)
    assert (await in_wallet(merchant, customer)).total == 17_100
    aside = (await shopper.flow()).aside
    assert aside is not None
    assert aside.state is HoldState.CAPTURED
