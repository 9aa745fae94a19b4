"""What a customer has comes in lots, and goes out of them in an order that loses the least."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.ledger.actions import ClawedBack, NewLot
from app.ledger.errors import InsufficientFunds
from app.ledger.proof import check_ledger
from app.ledger.queries import Balance
from tests.factories.ledger import NOON, Purse

pytestmark = pytest.mark.usefixtures("db")
DAY = timedelta(days=1)


async def test_what_lapses_first_is_spent_first_and_what_never_lapses_last() -> None:
    wallet = await Purse.wallet()
    await wallet.put(100)
    await wallet.put(200, NewLot(expires_at=NOON + 2 * DAY))
    await wallet.put(300, NewLot(expires_at=NOON + DAY))
    assert await wallet.lefts() == [300, 200, 100]
    assert await wallet.take(350)
    assert await wallet.lefts() == [150, 100]
    assert await wallet.balance() == Balance(total=250, available=250, held=0, pending=0, debt=0)
    assert await check_ledger() == []


async def test_of_lots_that_lapse_together_the_older_goes_first() -> None:
    wallet = await Purse.wallet()
    await wallet.put(100)
    wallet.now += timedelta(seconds=1)
    await wallet.put(200)
    await wallet.take(50)
    assert await wallet.lefts() == [50, 200]


async def test_the_same_key_moves_money_once() -> None:
    wallet = await Purse.wallet()
    assert await wallet.put(500, key="in")
    assert not await wallet.put(500, key="in")
    assert await wallet.take(500, key="out")
    # Nothing is left, and the repeat is a repeat all the same.
    assert not await wallet.take(500, key="out")
    assert (await wallet.balance()).total == 0
    assert await check_ledger() == []


async def test_more_than_is_there_is_refused_and_says_how_much_is_there() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500)
    with pytest.raises(InsufficientFunds) as refused:
        await wallet.take(501)
    assert (refused.value.available_minor, refused.value.asked_minor) == (500, 501)
    assert (await wallet.balance()).total == 500


async def test_a_claw_back_beyond_what_is_there_is_a_debt_that_later_points_settle_first() -> None:
    points = await Purse.points()
    await points.put(100, about="o_9")
    await points.put(40, about="o_1")
    assert await points.claw_back(60, first_about="o_1", key="back") == ClawedBack(60, 0)
    assert await points.lefts() == [80]
    assert await points.claw_back(200, key="more") == ClawedBack(80, 120)
    assert await points.claw_back(200, key="more") == ClawedBack(80, 120)
    assert await points.balance() == Balance(total=-120, available=0, held=0, pending=0, debt=120)
    await points.put(50)
    assert await points.balance() == Balance(total=-70, available=0, held=0, pending=0, debt=70)
    await points.put(100)
    assert await points.balance() == Balance(total=30, available=30, held=0, pending=0, debt=0)
    assert await check_ledger() == []
