"""Above a shop's limit two people say so; and what would happen without the locks of a refund."""

from __future__ import annotations

import asyncio

import pytest

from app.checkout.books import check_books
from app.invoices.credits import Pieces
from app.invoices.queries import invoices_of_order
from app.kernel import clock, db
from app.merchants.errors import SamePerson
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.queries import OrderView
from app.returns import actions
from app.returns.actions import refunding
from app.returns.errors import RefundableChanged, RefundDecided, RefundRefused
from app.returns.queries import RefundView, Sale, refund_by_public_id, sale_of, waiting_refunds
from app.returns.rules import Conditions
from tests.factories.checkout import a_line
from tests.factories.invoices import a_purchase, balances, drawn
from tests.factories.returns import OTHER_STAFF, STAFF, refunded, the_order


@pytest.fixture
async def order(merchant: Merchant) -> str:
    """Paid, drawn, of a shop where one person gives back up to 50.00."""
    now = await clock.business_now()
    limit = Conditions(14, approval_above_minor=5_000)
    await actions.save_conditions(merchant, limit, actor=STAFF, now=now)
    order = await a_purchase(merchant, a_line("Soap", "43.00", quantity=3))
    await drawn(merchant, order)
    return order


async def approved(merchant: Merchant, refund: RefundView, actor: str = OTHER_STAFF) -> RefundView:
    now = await clock.business_now()
    return await db.in_tx(lambda: actions.approve(merchant, refund.public_id, actor=actor, now=now))


async def refused(merchant: Merchant, refund: RefundView, actor: str = OTHER_STAFF) -> RefundView:
    now = await clock.business_now()
    return await db.in_tx(lambda: actions.refuse_refund(merchant, refund.public_id, actor=actor, now=now))


async def test_up_to_the_limit_one_person_is_enough(merchant: Merchant, order: str) -> None:
    assert (await refunded(merchant, order, 5_000)).state == "done"


async def test_above_it_the_sum_is_set_aside_and_nothing_else_happens(merchant: Merchant, order: str) -> None:
    before = await balances()
    waiting = await refunded(merchant, order, 5_001)
    assert waiting.state == "pending_approval"
    now = await the_order(merchant, order)
    assert (now.state, now.refundable_minor) == ("paid", 7_899)
    assert await balances() == before
    assert [each.kind for each in await invoices_of_order(merchant.id, order)] == ["invoice"]
    assert [each.public_id for each in await waiting_refunds(merchant.id)] == [waiting.public_id]
    with pytest.raises(RefundRefused):
        await refunded(merchant, order, 7_900)
    assert await check_books() == []


async def test_small_pieces_do_not_pass_the_limit(merchant: Merchant, order: str) -> None:
    assert (await refunded(merchant, order, 3_000)).state == "done"
    assert (await refunded(merchant, order, 2_001)).state == "pending_approval"


async def test_whoever_asked_does_not_approve(merchant: Merchant, order: str) -> None:
    waiting = await refunded(merchant, order, actor=STAFF)
    with pytest.raises(SamePerson):
        await approved(merchant, waiting, STAFF)
    assert (await the_order(merchant, order)).state == "paid"
    done = await approved(merchant, waiting)
    assert (done.state, done.asked_by, done.decided_by) == ("done", STAFF, OTHER_STAFF)
    assert (await the_order(merchant, order)).state == "refunded"
    assert await balances() == {}
    assert await check_books() == []


async def test_pieces_that_wait_are_nobody_elses(merchant: Merchant, order: str) -> None:
    waiting = await refunded(merchant, order, (Pieces(0, 2),))
    with pytest.raises(RefundRefused):
        await refunded(merchant, order, (Pieces(0, 2),))
    await refunded(merchant, order, (Pieces(0, 1),))
    await approved(merchant, waiting)
    assert (await the_order(merchant, order)).state == "refunded"
    assert await check_books() == []


async def test_a_refused_refund_gives_its_sum_free_and_may_be_asked_again(
    merchant: Merchant, order: str
) -> None:
    waiting = await refunded(merchant, order)
    assert (await refused(merchant, waiting, STAFF)).state == "refused"
    assert (await the_order(merchant, order)).refundable_minor == 12_900
    for decide in (approved, refused):
        with pytest.raises(RefundDecided):
            await decide(merchant, waiting)
    again = await refunded(merchant, order)
    await approved(merchant, again)
    assert await check_books() == []


async def test_of_many_who_decide_at_once_one_does(merchant: Merchant, order: str) -> None:
    waiting = await refunded(merchant, order)

    async def decide(at: int) -> str:
        try:
            made = await (approved if at % 2 else refused)(merchant, waiting)
        except RefundDecided:
            return ""
        return made.state.value

    ends = [end for end in await asyncio.gather(*(decide(at) for at in range(6))) if end]
    found = await refund_by_public_id(merchant.id, waiting.public_id)
    assert found is not None
    assert ends == [found.state.value]
    assert await check_books() == []


class Pair:
    """Two who press at once: both have read the sale before either goes on, because nobody holds the order."""

    def __init__(self, merchant: Merchant, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.merchant, self.order, self.meeting = merchant, order, asyncio.Barrier(2)
        monkeypatch.setattr(orders, "_LOCK", orders._LOCK.replace("FOR UPDATE", ""))
        monkeypatch.setattr(refunding, "_locked_sale", self.read)

    async def read(self, merchant: Merchant, order: OrderView) -> Sale | None:
        sale = await sale_of(merchant.id, order)
        async with asyncio.timeout(20):
            await self.meeting.wait()
        return sale

    async def press(self) -> list[bool]:
        async def one() -> bool:
            try:
                await refunded(self.merchant, self.order, 4_000, seen_minor=12_800)
            except RefundableChanged:
                return False
            return True

        return sorted(await asyncio.gather(one(), one()))


async def a_partly_refunded(merchant: Merchant) -> str:
    """An order whose next refund moves no state that could tell two of them apart."""
    order = await a_purchase(merchant)
    await drawn(merchant, order)
    await refunded(merchant, order, 100)
    return order


async def test_without_lock_and_guard_two_refunds_that_saw_one_figure_are_both_made(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await a_partly_refunded(merchant)
    unguarded = orders._RESERVE.replace("refundable_minor = $4", "$4::bigint IS NOT NULL")
    monkeypatch.setattr(orders, "_RESERVE", unguarded)
    assert await Pair(merchant, order, monkeypatch).press() == [True, True]
    assert (await the_order(merchant, order)).refundable_minor == 4_800


async def test_without_the_lock_the_guard_still_lets_one_through(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await a_partly_refunded(merchant)
    assert await Pair(merchant, order, monkeypatch).press() == [False, True]
    assert (await the_order(merchant, order)).refundable_minor == 8_800
    assert await check_books() == []
