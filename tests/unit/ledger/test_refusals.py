"""What the ledger refuses, by name, and that a refusal leaves nothing behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.kernel import db, ids
from app.kernel.errors import Refusal
from app.kernel.money import AmountOutOfBoundsError, Money, Points
from app.ledger import actions as ledger
from app.ledger.actions import NewLot
from app.ledger.errors import (
    CurrencyMismatch,
    HoldEnded,
    InsufficientFunds,
    KeyUsed,
    MoreThanHeld,
    MoreThanTaken,
    NeverUsable,
    NoSuchHold,
    NoSuchTransfer,
    NotForThisAccount,
    NotPositive,
    NotReversible,
)
from app.ledger.proof import check_ledger
from app.ledger.rules import GOODWILL, MERCHANT_SALES, POINTS_ISSUED, Entry
from tests.factories.ledger import NOON, Purse, euros

pytestmark = pytest.mark.usefixtures("db")
LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize("minor", [0, -1, -500])
async def test_nothing_or_less_is_refused_by_every_verb(minor: int) -> None:
    wallet = await Purse.wallet()
    await wallet.put(500, key="in")
    await wallet.take(100, key="out")
    held = await wallet.hold(100, LATER)
    before = await wallet.balance()
    verbs: list[Callable[[], Awaitable[object]]] = [
        lambda: wallet.put(minor),
        lambda: wallet.take(minor),
        lambda: wallet.hold(minor, LATER),
        lambda: wallet.capture(held.id, minor),
        lambda: wallet.claw_back(minor),
        lambda: wallet.restore("out", minor),
    ]
    for verb in verbs:
        with pytest.raises(NotPositive):
            await verb()
    assert await wallet.balance() == before
    assert await check_ledger() == []


@pytest.mark.parametrize("amount", [1.0, True, "5", None])
def test_an_amount_is_a_true_integer(amount: object) -> None:
    for unit in (lambda minor: Money(minor, "EUR"), Points):
        with pytest.raises(TypeError):
            unit(amount)  # type: ignore[arg-type]


def test_an_amount_is_bounded() -> None:
    Points(10**12)
    for unit in (lambda: Points(10**12 + 1), lambda: Money(10**12 + 1, "EUR")):
        with pytest.raises(AmountOutOfBoundsError):
            unit()


def test_points_and_money_do_not_mix() -> None:
    assert Points(3) + Points(4) - Points(1) == Points(6)
    assert Points(3) < Points(4) <= Points(4) < Points(5)
    for wrong in (
        lambda: Points(3) + Money(4, "EUR"),  # type: ignore[operator]
        lambda: Money(4, "EUR") + Points(3),  # type: ignore[operator]
        lambda: Points(3) < Money(4, "EUR"),  # type: ignore[operator]
    ):
        with pytest.raises(TypeError):
            wrong()


async def refused_put(purse: Purse, amount: Money | Points, **others: object) -> None:
    words: dict[str, object] = {"account": purse.account, "against": purse.against, "now": NOON} | others

    async def put() -> bool:
        return await ledger.put(
            purse.merchant_id,
            key=ids.public_id("key"),
            cause="given",
            about="o_1",
            amount=amount,
            **words,  # type: ignore[arg-type]
        )

    with pytest.raises(NotForThisAccount):
        await db.in_tx(put)


async def test_points_do_not_go_into_a_wallet_nor_money_among_points() -> None:
    wallet, points = await Purse.wallet(), await Purse.points()
    await refused_put(wallet, Points(5))
    await refused_put(points, euros(5))
    await refused_put(wallet, euros(5), against=POINTS_ISSUED)
    assert await check_ledger() == []


async def test_money_goes_from_purse_to_purse_only_through_an_account_of_the_shop() -> None:
    wallet, other = await Purse.wallet(), await Purse.wallet()
    await refused_put(wallet, euros(5), against=other.account)
    await refused_put(wallet, euros(5), account=GOODWILL, against=MERCHANT_SALES)


async def test_a_plain_posting_may_not_touch_a_purse() -> None:
    wallet = await Purse.wallet()
    entries = (Entry(GOODWILL, "debit", euros(5)), Entry(wallet.account, "credit", euros(5)))

    async def post() -> bool:
        return await ledger.post(
            wallet.merchant_id, key="k", cause="c", about="o_1", entries=entries, now=NOON
        )

    with pytest.raises(NotForThisAccount):
        await db.in_tx(post)


async def test_the_hold_of_another_shop_does_not_exist_here() -> None:
    wallet, elsewhere = await Purse.wallet(), await Purse.wallet()
    await wallet.put(500)
    held = await wallet.hold(100, LATER)
    with pytest.raises(NoSuchHold):
        await elsewhere.capture(held.id)
    with pytest.raises(NoSuchHold):
        await elsewhere.release(held.id)
    assert (await wallet.balance()).held == 100


async def test_the_transfer_of_another_shop_does_not_exist_here() -> None:
    wallet, elsewhere = await Purse.wallet(), await Purse.wallet()
    await wallet.put(500)
    await wallet.take(100, key="out")
    with pytest.raises(NoSuchTransfer):
        await elsewhere.restore("out", 1)
    with pytest.raises(NoSuchTransfer):
        await elsewhere.reverse("out")


async def test_the_wallet_of_one_shop_is_empty_at_another() -> None:
    here = await Purse.wallet()
    there = Purse((await Purse.wallet()).merchant_id, here.account)
    await here.put(500)
    with pytest.raises(InsufficientFunds):
        await there.take(1)
    with pytest.raises(InsufficientFunds):
        await there.hold(1, LATER)


async def test_a_currency_is_never_taken_for_another() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500)
    await wallet.take(100, key="out")
    held = await wallet.hold(100, LATER)
    wallet.unit = "SEK"
    with pytest.raises(InsufficientFunds):
        await wallet.take(1)
    with pytest.raises(CurrencyMismatch):
        await wallet.capture(held.id, 50)
    with pytest.raises(CurrencyMismatch):
        await wallet.restore("out", 50)
    wallet.unit = "EUR"
    assert (await wallet.balance()).total == 400


async def test_a_lot_that_could_never_be_used_is_refused() -> None:
    wallet = await Purse.wallet()
    for lot in (
        NewLot(expires_at=NOON),
        NewLot(expires_at=NOON - timedelta(seconds=1)),
        NewLot(usable_from=LATER, expires_at=LATER),
    ):
        with pytest.raises(NeverUsable):
            await wallet.put(5, lot)
    await wallet.put(5)
    with pytest.raises(NeverUsable):
        await wallet.hold(5, NOON)


async def test_what_lapsed_cannot_be_spent_even_before_it_was_taken_away() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500, NewLot(expires_at=LATER))
    wallet.now = LATER
    with pytest.raises(InsufficientFunds) as refused:
        await wallet.take(1)
    assert refused.value.available_minor == 0
    assert await ledger.expire_lots(LATER, 10) == 1
    # Stored is stored: a clock that is set back brings nothing again.
    wallet.now = NOON
    with pytest.raises(InsufficientFunds):
        await wallet.take(1)
    assert await check_ledger() == []


async def test_what_is_not_usable_yet_cannot_be_spent_but_counts() -> None:
    points = await Purse.points()
    await points.put(70, NewLot(usable_from=LATER))
    with pytest.raises(InsufficientFunds):
        await points.take(1)
    balance = await points.balance()
    assert (balance.total, balance.available, balance.pending) == (70, 0, 70)
    points.now = LATER
    assert await points.take(70)


async def test_what_came_can_be_spent_although_the_clock_was_set_back_since() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500)
    wallet.now = NOON - timedelta(hours=2)
    assert await wallet.take(500)
    assert await check_ledger() == []


async def test_a_hold_ends_once_whatever_the_clock_says() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500)
    held = await wallet.hold(100, LATER)
    wallet.now = LATER
    with pytest.raises(HoldEnded) as refused:
        await wallet.capture(held.id)
    assert refused.value.state == "expired"
    assert await ledger.expire_holds(LATER, 10) == 1
    wallet.now = NOON
    with pytest.raises(HoldEnded):
        await wallet.capture(held.id)
    assert not await wallet.release(held.id)
    assert await check_ledger() == []


async def test_no_more_is_captured_than_was_held() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500)
    held = await wallet.hold(100, LATER)
    with pytest.raises(MoreThanHeld):
        await wallet.capture(held.id, 101)
    assert (await wallet.balance()).held == 100


async def test_a_key_names_one_hold() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500)
    first = await wallet.hold(100, LATER, key="cs_1")
    assert await wallet.hold(100, LATER, key="cs_1") == first
    with pytest.raises(KeyUsed):
        await wallet.hold(200, LATER, key="cs_1")
    assert (await wallet.balance()).held == 100


async def test_no_more_comes_back_than_was_taken() -> None:
    wallet = await Purse.wallet()
    await wallet.put(500, key="in")
    await wallet.take(100, key="out")
    await wallet.restore("out", 60, key="back")
    with pytest.raises(MoreThanTaken) as refused:
        await wallet.restore("out", 41)
    assert (refused.value.left_minor, refused.value.asked_minor) == (40, 41)
    for of_key in ("in", "back"):
        with pytest.raises(NotReversible):
            await wallet.restore(of_key, 1)
    assert await check_ledger() == []


async def test_every_refusal_has_a_stable_code() -> None:
    codes = [kind.code for kind in Refusal.__subclasses__() if kind.__module__ == "app.ledger.errors"]
    assert len(set(codes)) == len(codes) >= 14
