"""A transfer is taken back by another one, at most once; what it did to lots is undone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.kernel import db
from app.ledger import actions as ledger
from app.ledger import queries
from app.ledger.actions import NewLot
from app.ledger.errors import AlreadyReversed, InsufficientFunds, MoreThanTaken, NotReversible
from app.ledger.proof import check_ledger
from app.ledger.rules import purchase
from tests.factories.checkout import a_merchant
from tests.factories.ledger import NOON, Purse, euros

pytestmark = pytest.mark.usefixtures("db")
DAY = timedelta(days=1)


async def test_a_plain_transfer_is_reversed_once() -> None:
    merchant = await a_merchant()

    async def buy() -> bool:
        entries = purchase("cus_1", euros(500), "operator")
        return await ledger.post(
            merchant.id, key="bought", cause="purchase", about="o_1", entries=entries, now=NOON
        )

    async def reverse(key: str, of_key: str = "bought") -> bool:
        return await db.in_tx(
            lambda: ledger.reverse(merchant.id, of_key=of_key, key=key, cause="reversal", now=NOON)
        )

    await db.in_tx(buy)
    assert await reverse("back")
    assert not await reverse("back")
    with pytest.raises(AlreadyReversed):
        await reverse("again")
    with pytest.raises(NotReversible):
        await reverse("forth", of_key="back")
    postings = await queries.postings_about(merchant.id, "o_1")
    assert sorted(each.amount_minor for each in postings) == [-500, -500, 500, 500]
    assert await db.fetch_value("SELECT sum(abs(balance_minor)) FROM ledger_accounts") == 0
    assert await check_ledger() == []


async def test_reversing_what_came_takes_exactly_that_lot_while_nobody_used_it() -> None:
    wallet = await Purse.wallet()
    await wallet.put(300, NewLot(expires_at=NOON + DAY), key="gift")
    await wallet.put(500)
    await wallet.take(1)
    with pytest.raises(InsufficientFunds) as refused:
        await wallet.reverse("gift")
    assert (refused.value.available_minor, refused.value.asked_minor) == (299, 300)
    await wallet.put(40, key="mistake")
    assert await wallet.reverse("mistake")
    assert await wallet.lefts() == [299, 500]
    assert await check_ledger() == []


async def test_reversing_what_went_fills_the_same_lots() -> None:
    wallet = await Purse.wallet()
    await wallet.put(300, NewLot(expires_at=NOON + DAY))
    await wallet.put(500)
    await wallet.take(400, key="out")
    assert await wallet.reverse("out")
    assert await wallet.lefts() == [300, 500]
    with pytest.raises(AlreadyReversed):
        await wallet.reverse("out")
    assert await check_ledger() == []


async def test_reversing_a_lot_that_settled_a_debt_makes_the_debt_again() -> None:
    points = await Purse.points()
    await points.put(10)
    await points.claw_back(50)
    await points.put(100, key="earned")
    assert (await points.balance()).total == 60
    assert await points.reverse("earned")
    balance = await points.balance()
    assert (balance.total, balance.debt) == (-40, 40)
    assert await check_ledger() == []


async def test_what_came_back_in_parts_is_not_reversed_as_well() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500)
    await wallet.take(100, key="out")
    await wallet.restore("out", 1)
    with pytest.raises(NotReversible):
        await wallet.reverse("out")
    await wallet.take(100, key="other")
    await wallet.reverse("other")
    with pytest.raises(MoreThanTaken):
        await wallet.restore("other", 1)
    assert await check_ledger() == []


async def test_a_refund_fills_the_lot_that_lapses_last_first_and_keeps_its_end() -> None:
    wallet = await Purse.wallet()
    await wallet.put(100, NewLot(expires_at=NOON + 30 * DAY))
    await wallet.put(200, NewLot(expires_at=NOON + 60 * DAY))
    await wallet.put(300)
    await wallet.take(450, key="out")
    assert await wallet.lefts() == [150]
    assert await wallet.restore("out", 200, key="back")
    assert not await wallet.restore("out", 200, key="back")
    assert await wallet.lefts() == [50, 300]
    assert await wallet.restore("out", 250)
    lots = await queries.lots_of(wallet.merchant_id, wallet.account, "EUR")
    assert [(lot.left_minor, lot.expires_at) for lot in lots] == [
        (100, NOON + 30 * DAY),
        (200, NOON + 60 * DAY),
        (300, None),
    ]
    assert await check_ledger() == []


async def test_what_is_given_back_to_a_lot_that_is_over_lasts_thirty_days() -> None:
    wallet = await Purse.wallet()
    await wallet.put(100, NewLot(expires_at=NOON + DAY), about="gift_1")
    await wallet.put(200, NewLot(expires_at=NOON + 90 * DAY), about="gift_2")
    await wallet.take(250, key="out")
    wallet.now = NOON + 2 * DAY
    assert await wallet.restore("out", 240, key="back")
    assert not await wallet.restore("out", 240, key="back")
    assert await ledger.expire_lots(wallet.now, 1000) == 0
    assert (await wallet.balance()).available == 290
    lots = await queries.lots_of(wallet.merchant_id, wallet.account, "EUR")
    assert [(lot.about, lot.cause, lot.left_minor, lot.expires_at) for lot in lots] == [
        ("gift_1", "given", 90, wallet.now + 30 * DAY),
        ("gift_2", "given", 200, NOON + 90 * DAY),
    ]
    with pytest.raises(MoreThanTaken):
        await wallet.restore("out", 11)
    assert await wallet.restore("out", 10)
    assert (await wallet.balance()).available == 300
    assert await check_ledger() == []


async def test_what_is_given_back_does_not_make_the_rest_of_its_lot_last_longer() -> None:
    wallet = await Purse.wallet()
    await wallet.put(100, NewLot(expires_at=NOON + DAY))
    await wallet.take(60, key="out")
    await wallet.restore("out", 60)
    wallet.now = NOON + 2 * DAY
    assert (await wallet.balance()).available == 60
    assert await ledger.expire_lots(wallet.now, 1000) == 1
    assert await wallet.lefts() == [60]
    wallet.now = NOON + 30 * DAY
    assert await ledger.expire_lots(wallet.now, 1000) == 1
    assert await wallet.lefts() == []
    assert await check_ledger() == []


async def test_points_given_back_late_settle_a_debt_and_the_rest_lasts() -> None:
    points = await Purse.points()
    await points.put(100, NewLot(expires_at=NOON + DAY))
    await points.take(80, key="out")
    await points.claw_back(70)
    points.now = NOON + 2 * DAY
    assert await points.restore("out", 80)
    balance = await points.balance()
    assert (balance.total, balance.available, balance.debt) == (30, 30, 0)
    assert await check_ledger() == []


async def test_a_captured_hold_is_restored_like_any_payment() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500)
    held = await wallet.hold(300, NOON + DAY)
    await wallet.capture(held.id, 250, key="paid")
    assert await wallet.restore("paid", 250)
    assert (await wallet.balance()).available == 500
    assert await check_ledger() == []


async def test_points_given_back_settle_a_debt_first() -> None:
    points = await Purse.points()
    await points.put(100)
    await points.take(80, key="out")
    await points.claw_back(70)
    assert (await points.balance()).debt == 50
    await points.restore("out", 80)
    balance = await points.balance()
    assert (balance.total, balance.available, balance.debt) == (30, 30, 0)
    assert await check_ledger() == []
