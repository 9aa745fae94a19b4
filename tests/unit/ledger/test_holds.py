"""A hold sets money aside with the lots it will come out of; a capture uses them, a release gives them back."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from app.kernel import db
from app.ledger import actions as ledger
from app.ledger import queries
from app.ledger.actions import ClawedBack, NewLot
from app.ledger.errors import HoldEnded, InsufficientFunds
from app.ledger.proof import check_ledger
from app.ledger.queries import Balance
from app.ledger.rules import Account
from tests.factories.ledger import NOON, Purse

pytestmark = pytest.mark.usefixtures("db")
HOUR = timedelta(hours=1)


async def test_what_is_held_cannot_be_spent_and_nothing_is_posted() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500)
    await wallet.hold(400, NOON + HOUR)
    assert await wallet.balance() == Balance(total=500, available=100, held=400, pending=0, debt=0)
    with pytest.raises(InsufficientFunds) as refused:
        await wallet.take(101)
    assert refused.value.available_minor == 100
    assert await db.fetch_value("SELECT count(*) FROM transfers") == 1
    assert await check_ledger() == []


async def test_a_capture_of_less_lets_the_rest_go() -> None:
    wallet = await Purse.wallet()
    await wallet.put(300, NewLot(expires_at=NOON + 5 * HOUR))
    await wallet.put(300)
    held = await wallet.hold(400, NOON + HOUR)
    assert await wallet.capture(held.id, 350, key="paid")
    assert await wallet.balance() == Balance(total=250, available=250, held=0, pending=0, debt=0)
    assert await wallet.lefts() == [250]
    assert not await wallet.capture(held.id, 350, key="paid")
    with pytest.raises(HoldEnded):
        await wallet.capture(held.id, 1, key="again")
    assert await check_ledger() == []


async def test_a_release_frees_all_of_it_once() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500)
    held = await wallet.hold(400, NOON + HOUR)
    assert await wallet.release(held.id)
    assert not await wallet.release(held.id)
    assert (await wallet.balance()).available == 500
    assert await check_ledger() == []


async def test_holds_run_out_by_themselves() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500)
    for number in range(3):
        await wallet.hold(100, NOON + number * HOUR + HOUR)
    assert await ledger.expire_holds(NOON + 2 * HOUR, 10) == 2
    assert (await wallet.balance()).held == 100
    rows = await db.fetch_all("SELECT event, count(*) AS n FROM hold_history GROUP BY event")
    assert {row["event"]: row["n"] for row in rows} == {"hold.placed": 3, "hold.expired": 2}
    assert await check_ledger() == []


async def test_what_lapses_while_it_is_held_pays_all_the_same_and_what_comes_free_lapses() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500, NewLot(expires_at=NOON + HOUR))
    held = await wallet.hold(400, NOON + 3 * HOUR)
    wallet.now = NOON + 2 * HOUR
    assert await ledger.expire_lots(wallet.now, 10) == 1
    assert (await wallet.balance()).total == 400
    assert await wallet.capture(held.id, 150)
    assert await ledger.expire_lots(wallet.now, 10) == 1
    assert await wallet.balance() == Balance(0, 0, 0, 0, 0)
    assert await check_ledger() == []


async def test_a_claw_back_leaves_what_is_held_and_the_debt_keeps_what_comes_free() -> None:
    points = await Purse.points()
    await points.put(100)
    held = await points.hold(60, NOON + HOUR)
    assert await points.claw_back(70) == ClawedBack(taken=40, debt=30)
    assert await points.balance() == Balance(total=30, available=0, held=60, pending=0, debt=30)
    await points.release(held.id)
    assert await points.balance() == Balance(total=30, available=30, held=0, pending=0, debt=30)
    with pytest.raises(InsufficientFunds):
        await points.take(31)
    assert await points.take(30)
    assert await check_ledger() == []


async def test_a_claw_back_of_money_never_makes_a_debt() -> None:
    wallet = await Purse.wallet()
    await wallet.put(100)
    assert await wallet.claw_back(150, key="back") == ClawedBack(taken=100, debt=0)
    assert await wallet.claw_back(150, key="back") == ClawedBack(taken=100, debt=0)
    assert (await wallet.balance()).total == 0
    assert await check_ledger() == []


async def test_what_lapses_goes_to_the_shop_and_points_to_nobody() -> None:
    wallet = await Purse.wallet()
    points = await Purse.points(wallet.merchant_id)
    for purse in (wallet, points):
        await purse.put(100, NewLot(expires_at=NOON + HOUR), about="o_7")
    assert await ledger.expire_lots(NOON + HOUR, 10) == 2
    assert await ledger.expire_lots(NOON + HOUR, 10) == 0
    lapsed = [
        each for each in await queries.postings_about(wallet.merchant_id, "o_7") if each.cause == "lapse"
    ]
    assert {(each.address, each.amount_minor) for each in lapsed if each.amount_minor < 0} == {
        ("merchant:expired", -100),
        ("merchant:points_issued", -100),
    }
    assert await check_ledger() == []


async def test_a_lot_that_always_fails_is_logged_and_stops_none_of_those_behind_it() -> None:
    broken = await Purse.wallet()
    await broken.put(100, NewLot(expires_at=NOON + HOUR))
    sound = await Purse.wallet(broken.merchant_id)
    for later in (2, 3):
        await sound.put(100, NewLot(expires_at=NOON + later * HOUR))

    async def tell(merchant_id: UUID, account: Account, key: str, now: datetime) -> None:
        del merchant_id, key, now
        if account == broken.account:
            raise LookupError("Aino Virta is not found")

    sound.now = broken.now = NOON + 4 * HOUR
    with capture_logs() as logged:
        assert await ledger.expire_lots(sound.now, 1, tell) == 1
        assert await ledger.expire_lots(sound.now, 1, tell) == 1
        assert await ledger.expire_lots(sound.now, 1, tell) == 0
    assert (await sound.balance()).total == 0
    assert (await broken.balance()).total == 100
    lot = await db.fetch_value("SELECT id::text FROM lots WHERE left_minor > 0")
    assert [(line["event"], line["lot"]) for line in logged] == [("lot_not_lapsed", lot)] * 3
    assert "Aino" not in str(logged)
    assert await ledger.expire_lots(sound.now, 1) == 1
    assert await check_ledger() == []
