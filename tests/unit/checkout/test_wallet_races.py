"""Many at one wallet at once: the guard decides, and a control shows each race without it."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from app.checkout import actions, shown
from app.checkout.actions import Details, aside
from app.checkout.books import check_books
from app.checkout.errors import HoldEnded, SessionEnded
from app.checkout.queries import Flow
from app.checkout.states import SessionState
from app.kernel import clock, db
from app.ledger import actions as ledger
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
)

pytestmark = pytest.mark.usefixtures("db")

PRICE = 12_900
# A purchase takes about sixty in a hundred of it.
WALLET = 21_500


async def shoppers(merchant: Merchant, count: int) -> list[Shopper]:
    return [await aino_identified(merchant) for _ in range(count)]


async def spend(shopper: Shopper) -> bool:
    """Choose the wallet and confirm; whether it was bought."""
    await pay_all_from_wallet(shopper)
    try:
        await shopper.confirm()
    except HoldEnded:
        return False
    return True


async def test_of_two_tabs_that_spend_sixty_percent_each_one_buys() -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, WALLET)
    bought = await asyncio.gather(*(spend(each) for each in await shoppers(merchant, 2)))
    assert sorted(bought) == [False, True]
    assert (await in_wallet(merchant, customer)).total == WALLET - PRICE
    assert await check_books() == []


async def test_of_eight_orders_as_many_are_paid_as_the_wallet_covers() -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 3 * PRICE + 1)
    bought = await asyncio.gather(*(spend(each) for each in await shoppers(merchant, 8)))
    assert sum(bought) == 3
    assert (await in_wallet(merchant, customer)).total == 1
    assert await check_books() == []


async def identified_with_the_wallet_chosen(merchant: Merchant) -> Shopper:
    """The wallet was chosen before anybody was identified: nothing is set aside yet."""
    shopper = Shopper.at(await a_session(merchant))
    await pay_all_from_wallet(shopper)
    await shopper.return_from_bank(an_identity(subject="aino-virta"))
    return shopper


async def test_one_session_sets_money_aside_once_however_many_requests_ask() -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 10 * PRICE)
    shopper = await identified_with_the_wallet_chosen(merchant)
    flow = await shopper.flow()
    await asyncio.gather(*(actions.set_aside(flow) for _ in range(5)))
    assert (await in_wallet(merchant, customer)).held == PRICE
    assert await check_books() == []


async def test_without_the_lock_on_the_session_money_stays_aside_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: both requests find a session that has set nothing aside, and the second one forgets the first's."""
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 10 * PRICE)
    shopper = await identified_with_the_wallet_chosen(merchant)
    flow = await shopper.flow()
    monkeypatch.setattr(aside, "_LOCK", aside._LOCK.replace("FOR UPDATE", ""))
    both_have_read = asyncio.Barrier(2)

    async def wait(name: str) -> None:
        if name == "session locked for its hold":
            await both_have_read.wait()

    db.set_race_barrier(wait)
    try:
        await asyncio.gather(*(actions.set_aside(flow) for _ in range(2)))
    finally:
        db.set_race_barrier(None)
    assert (await in_wallet(merchant, customer)).held == 2 * PRICE
    found = [violation.invariant for violation in await check_books()]
    assert found == ["I22 what is set aside has a session or a payout that waits for it"]


async def test_confirming_and_releasing_at_once_have_one_winner() -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 10 * PRICE)
    spent = 0
    # The fourth purchase alike would wait for a person.
    for _ in range(3):
        shopper = await aino_identified(merchant)
        await pay_all_from_wallet(shopper)
        flow = await shopper.flow()
        field = shown.sign(flow)
        assert flow.aside is not None
        results = await asyncio.gather(
            actions.confirm(shopper.session, shopper.browser, field, Details()),
            db.in_tx(partial(ledger.release, merchant.id, flow.aside.id, actor="test", now=flow.now)),
            return_exceptions=True,
        )
        assert isinstance(results[0], HoldEnded) is (results[1] is True), results
        spent += not isinstance(results[0], BaseException)
    assert (await in_wallet(merchant, customer)).total == (10 - spent) * PRICE
    assert (await in_wallet(merchant, customer)).held == 0


async def test_confirming_and_cancelling_at_once_have_one_winner_and_lose_no_money() -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 10 * PRICE)
    spent = 0
    for _ in range(6):
        shopper = await aino_identified(merchant)
        await pay_all_from_wallet(shopper)
        field, now = shown.sign(await shopper.flow()), await clock.business_now()
        results = await asyncio.gather(
            actions.confirm(shopper.session, shopper.browser, field, Details()),
            actions.cancel_session(merchant.id, shopper.session, actor="shopper", now=now),
            return_exceptions=True,
        )
        # Many alike wait for a person, and what waits may still be cancelled: only what is bought cannot.
        assert isinstance(results[0], Flow | SessionEnded), results
        bought = isinstance(results[0], Flow) and results[0].state is SessionState.CONFIRMED
        assert bought is (results[1] is False), results
        spent += bought
    balance = await in_wallet(merchant, customer)
    assert (balance.total, balance.held) == ((10 - spent) * PRICE, 0)
    assert await check_books() == []


async def test_switching_the_wallet_off_waits_for_money_on_its_way_and_refuses_what_comes_after() -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 10 * PRICE)
    # The fourth alike would wait for a person.
    here = await shoppers(merchant, 3)
    results = await asyncio.gather(
        *(pay_all_from_wallet(each) for each in here),
        switched(merchant, on=False),
        return_exceptions=True,
    )
    refused = [isinstance(result, ModuleOff) for result in results[:-1]]
    assert all(isinstance(result, ModuleOff) or not isinstance(result, BaseException) for result in results)
    assert (await in_wallet(merchant, customer)).held == refused.count(False) * PRICE
    for shopper, was_refused in zip(here, refused, strict=True):
        if not was_refused:
            await shopper.confirm()
    assert (await in_wallet(merchant, customer)).total == (10 - refused.count(False)) * PRICE
    assert await check_books() == []


async def test_two_tabs_of_one_session_set_aside_once() -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 10 * PRICE)
    shopper = await aino_identified(merchant)
    await asyncio.gather(*(pay_all_from_wallet(shopper) for _ in range(5)))
    assert (await in_wallet(merchant, customer)).held == PRICE
    await shopper.confirm()
    assert (await in_wallet(merchant, customer)).held == 0
    assert await check_books() == []
