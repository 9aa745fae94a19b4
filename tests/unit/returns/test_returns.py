"""Goods that come back: the conditions, what chosen goods come to, and the life of a return."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkout.actions import cancel_insurance
from app.checkout.books import check_books
from app.invoices.content import Content
from app.invoices.credits import Pieces, rows_of, taken_of
from app.invoices.errors import CreditRefused
from app.invoices.rules import opposing
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.orders.rules import Line
from app.returns import actions, rules
from app.returns.actions import NewReturn
from app.returns.errors import ConditionsRefused, RefundableChanged, ReturnMoved, ReturnRefused, ReturnUnknown
from app.returns.queries import (
    RefundView,
    ReturnView,
    conditions_of,
    list_returns,
    refunds_of_order,
    return_by_public_id,
    returnable_of,
)
from app.returns.rules import Conditions, Destination, Reason
from app.returns.states import ReturnState
from tests.factories.checkout import a_line, a_merchant
from tests.factories.extras import an_insured_purchase
from tests.factories.invoices import a_purchase, days_later, drawn
from tests.factories.returns import OTHER_STAFF, STAFF, refunded, the_order
from tests.factories.wallets import switched
from tests.unit.invoices.test_credits import a_sale_of, a_thing
from tests.unit.invoices.test_pdf import DAY

SHOPPER = "shopper"


async def conditions(merchant: Merchant, **changes: object) -> None:
    now = await clock.business_now()
    wanted = replace(Conditions(14), **changes)  # type: ignore[arg-type]
    await actions.save_conditions(merchant, wanted, actor=STAFF, now=now)


async def announced(
    merchant: Merchant,
    order: str,
    *pieces: Pieces,
    reason: Reason = "changed_mind",
    to: Destination = "original",
    is_staff: bool = False,
) -> ReturnView:
    now = await clock.business_now()
    new = NewReturn(pieces or (Pieces(0, 1),), reason, to, SHOPPER, is_staff=is_staff)
    return await db.in_tx(lambda: actions.announce(merchant, order, new, now))


async def given_back(merchant: Merchant, found: ReturnView, seen_minor: int | None = None) -> RefundView:
    now = await clock.business_now()
    seen = (await the_order(merchant, found.order_public_id)).refundable_minor
    return await db.in_tx(
        lambda: actions.refund_return(
            merchant,
            found.public_id,
            refundable_minor=seen if seen_minor is None else seen_minor,
            actor=STAFF,
            now=now,
        )
    )


async def again(merchant: Merchant, found: ReturnView) -> ReturnView:
    present = await return_by_public_id(merchant.id, found.public_id)
    assert present is not None
    return present


async def a_drawn(merchant: Merchant, *lines: Line) -> str:
    order = await a_purchase(merchant, *lines)
    await drawn(merchant, order)
    return order


async def test_a_shop_that_says_nothing_gives_the_laws_days_and_takes_no_fee(merchant: Merchant) -> None:
    today = merchant.local_date(await clock.business_now())
    assert await conditions_of(merchant, today) == Conditions(14)
    found = await announced(merchant, await a_drawn(merchant))
    assert (found.value_minor, found.fee_minor, found.state) == (12_900, 0, "announced")
    assert found.number_text == "R-00001"


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"days": 13}, "days", "below_the_law"),
        ({"days": 0}, "days", "out_of_range"),
        ({"days": 366}, "days", "out_of_range"),
        ({"delivery_days": -1}, "delivery_days", "out_of_range"),
        ({"fee_minor": -1}, "fee", "out_of_range"),
        ({"approval_above_minor": -1}, "approval_above", "out_of_range"),
        ({"kept_categories": ("x" * 101,)}, "kept_categories", "out_of_range"),
    ],
)
async def test_conditions_that_cannot_be_are_refused(
    merchant: Merchant, changes: dict[str, object], field: str, reason: str
) -> None:
    with pytest.raises(ConditionsRefused) as refused:
        await conditions(merchant, **changes)
    assert refused.value.errors == {field: reason}
    assert await db.fetch_value("SELECT count(*) FROM return_conditions") == 0


def test_a_fault_of_the_shops_costs_nothing_and_knows_no_days() -> None:
    strict = Conditions(14, fee_minor=490, fee_waived_to_wallet=False, kept_categories=("hygiene",))
    bought, today = date(2026, 1, 1), date(2026, 6, 1)
    for reason in rules.REASONS:
        faulty = reason in rules.FAULTS
        assert rules.in_time(strict, bought, today, reason) is faulty
        assert rules.is_kept(strict, "hygiene", reason) is not faulty
        assert rules.offer_of(1_000, strict, reason).to_wallet_minor == (1_000 if faulty else 510)


def test_the_days_begin_when_a_delivery_may_have_come() -> None:
    conditions = Conditions(30, delivery_days=7)
    bought = date(2026, 1, 1)
    last = rules.last_day(conditions, bought)
    assert last == date(2026, 2, 7)
    assert rules.in_time(conditions, bought, last, "changed_mind")
    assert not rules.in_time(conditions, bought, last + timedelta(days=1), "changed_mind")


@given(st.integers(2, 10**9), st.integers(0, 10**9), st.booleans())
def test_an_offer_leaves_something_and_the_wallet_never_gets_less(value: int, fee: int, waived: bool) -> None:
    offer = rules.offer_of(value, Conditions(14, fee_minor=fee, fee_waived_to_wallet=waived), "wrong_size")
    assert 0 < offer.to_original_minor <= offer.to_wallet_minor <= value
    assert offer.difference_minor == (offer.fee_to_original_minor if waived else 0)


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.lists(st.integers(1, 10**9), min_size=0, max_size=8))
def test_the_wallets_part_comes_back_whole_in_whatever_parts(
    total: int, wallet: int, parts: list[int]
) -> None:
    wallet = min(wallet, total)
    refunded_minor = restored = 0
    for wanted in (*parts, total):
        amount = min(wanted, total - refunded_minor)
        part = rules.restored_of(
            total_minor=total,
            wallet_minor=wallet,
            refunded_minor=refunded_minor,
            restored_minor=restored,
            amount_minor=amount,
        )
        assert 0 <= part <= amount
        refunded_minor, restored = refunded_minor + amount, restored + part
    assert restored == wallet


@given(st.data())
def test_goods_with_discounts_and_fees_come_back_to_exactly_nothing(data: st.DataObject) -> None:
    goods = data.draw(
        st.lists(
            st.builds(
                a_thing, st.integers(100, 50_000), st.sampled_from(["25.5", "14", "0"]), st.integers(1, 4)
            ),
            min_size=1,
            max_size=4,
        )
    )
    named = [replace(line, name=f"Thing {at}") for at, line in enumerate(goods)]
    worth = sum(line.total_minor for line in named)
    discount = a_thing(-data.draw(st.integers(1, worth // 2)), "25.5", 1, "Discount")
    sale = a_sale_of(*named, replace(discount, type="discount"))
    notes: list[Content] = []
    for at, line in enumerate(named):
        pieces = data.draw(st.integers(1, line.quantity))
        for quantity in {pieces, line.quantity - pieces} - {0}:
            fee = data.draw(st.sampled_from([0, 1, 90]))
            try:
                rows = rows_of(sale, notes, (Pieces(at, quantity),), fee)
                taken = taken_of(sale, notes, [row.item for row in rows])
            except CreditRefused:
                # The share of a piece is too small for this fee, or of a rate that has nothing left.
                continue
            assert sum(group.gross_minor for group in taken.vat) == taken.amount_minor
            notes.append(opposing(sale, "", DAY, taken))
    left = sale.price_minor + sum(note.price_minor for note in notes)
    if left:
        rest = taken_of(sale, notes, [row.item for row in rows_of(sale, notes, left)])
        notes.append(opposing(sale, "", DAY, rest))
    for group in sale.vat:
        gone = [each for note in notes for each in note.vat if each.percent == group.percent]
        assert sum(each.gross_minor for each in gone) == -group.gross_minor
        assert sum(each.vat_minor for each in gone) == -group.vat_minor


async def test_the_difference_is_told_before_the_choice(merchant: Merchant) -> None:
    merchant = await switched(merchant)
    await conditions(merchant, fee_minor=490)
    order = await the_order(merchant, await a_drawn(merchant))
    today = merchant.local_date(await clock.business_now())
    new = NewReturn((Pieces(0, 1),), "changed_mind", "wallet", SHOPPER)
    offer = (await actions.offer_for(merchant, order, new, today)).offer
    assert (offer.to_original_minor, offer.to_wallet_minor, offer.difference_minor) == (12_410, 12_900, 490)
    found = await announced(merchant, order.public_id, to="wallet")
    refund = await given_back(merchant, found)
    assert (refund.put_minor, refund.fee_minor) == (12_900, 0)
    assert await check_books() == []


async def test_everything_within_the_laws_days_brings_its_delivery_back(merchant: Merchant) -> None:
    shipping = replace(a_line("Post", "5.90"), type="shipping")
    order = await a_drawn(merchant, a_line(), a_line("Soap", "4.50", quantity=2), shipping)
    part = await announced(merchant, order, Pieces(0, 1))
    assert part.value_minor == 12_900
    now = await clock.business_now()
    await db.in_tx(lambda: actions.cancel_return(merchant, part.public_id, actor=SHOPPER, now=now))
    whole = await announced(merchant, order, Pieces(0, 1), Pieces(1, 2))
    assert whole.value_minor == 12_900 + 900 + 590
    await given_back(merchant, whole)
    assert (await the_order(merchant, order)).state == "refunded"
    assert await check_books() == []


@pytest.mark.parametrize("is_first_back", [True, False])
async def test_the_last_goods_within_the_laws_days_bring_the_delivery_back(
    merchant: Merchant, is_first_back: bool
) -> None:
    shipping = replace(a_line("Post", "5.90"), type="shipping")
    order = await a_drawn(merchant, a_line(), a_line("Soap", "4.50", quantity=2), shipping)
    first = await announced(merchant, order, Pieces(0, 1), Pieces(1, 1))
    if is_first_back:
        await given_back(merchant, first)
    last = await announced(merchant, order, Pieces(1, 1))
    assert (first.value_minor, last.value_minor) == (12_900 + 450, 450 + 590)
    for each in [last] if is_first_back else [last, first]:
        await given_back(merchant, each)
    assert (await the_order(merchant, order)).state == "refunded"
    assert await check_books() == []


async def test_a_delivery_that_is_on_its_way_back_goes_with_nothing_else(merchant: Merchant) -> None:
    shipping = replace(a_line("Post", "5.90"), type="shipping")
    order = await a_drawn(merchant, a_line(), a_line("Soap", "4.50"), shipping)
    first = await announced(merchant, order, Pieces(0, 1))
    await announced(merchant, order, Pieces(1, 1))
    now = await clock.business_now()
    await db.in_tx(lambda: actions.cancel_return(merchant, first.public_id, actor=SHOPPER, now=now))
    assert (await announced(merchant, order, Pieces(0, 1))).value_minor == 12_900


async def test_the_last_goods_after_the_laws_days_leave_the_delivery_paid(merchant: Merchant) -> None:
    await conditions(merchant, days=100)
    shipping = replace(a_line("Post", "5.90"), type="shipping")
    order = await a_drawn(merchant, a_line(), a_line("Soap", "4.50"), shipping)
    await given_back(merchant, await announced(merchant, order, Pieces(0, 1)))
    await days_later(60)
    assert (await announced(merchant, order, Pieces(1, 1))).value_minor == 450


def test_goods_are_the_last_when_nothing_of_any_line_is_left() -> None:
    assert rules.are_the_last((Pieces(0, 2),), {0: 2, 1: 0})
    assert not rules.are_the_last((Pieces(0, 1),), {0: 2, 1: 0})
    assert not rules.are_the_last((Pieces(0, 2),), {0: 2, 1: 1})


async def test_what_the_conditions_keep_out_is_refused_at_its_line(merchant: Merchant) -> None:
    await conditions(merchant, kept_categories=("hygiene",))
    soap = replace(a_line("Soap", "4.50"), category="hygiene")
    order = await a_drawn(merchant, a_line(), soap)
    with pytest.raises(ReturnRefused) as refused:
        await announced(merchant, order, Pieces(1, 1))
    assert (refused.value.reason, refused.value.position) == ("not_taken_back", 1)
    # It came broken: then it is nothing to keep. And staff may be kinder than the conditions.
    await announced(merchant, order, Pieces(1, 1), reason="damaged")
    await days_later(60)
    with pytest.raises(ReturnRefused) as refused:
        await announced(merchant, order, Pieces(0, 1))
    assert refused.value.reason == "too_late"
    await announced(merchant, order, Pieces(0, 1), is_staff=True)


@pytest.mark.parametrize("pieces", [(Pieces(0, 2),), (Pieces(9, 1),), (Pieces(0, -1),), (Pieces(0, 0),)])
async def test_pieces_that_are_not_there_cannot_come_back(
    merchant: Merchant, pieces: tuple[Pieces, ...]
) -> None:
    order = await a_drawn(merchant)
    with pytest.raises(ReturnRefused):
        await announced(merchant, order, *pieces)
    assert await db.fetch_value("SELECT count(*) FROM returns") == 0


async def test_pieces_on_their_way_are_not_announced_again(merchant: Merchant) -> None:
    order = await a_drawn(merchant, a_line("Soap", "4.50", quantity=3))
    await announced(merchant, order, Pieces(0, 2))

    async def press() -> bool:
        try:
            await announced(merchant, order, Pieces(0, 1))
        except ReturnRefused:
            return False
        return True

    assert sum(await asyncio.gather(*(press() for _ in range(4)))) == 1
    view = await the_order(merchant, order)
    today = merchant.local_date(await clock.business_now())
    returnable = await returnable_of(merchant, view, today)
    assert returnable is not None
    assert [line.left for line in returnable.lines] == [0]
    page = await list_returns(merchant.id)
    assert [each.number for each in page.returns] == [2, 1]


async def test_a_return_is_received_and_its_money_given_back_once(merchant: Merchant) -> None:
    await conditions(merchant, fee_minor=490)
    order = await a_drawn(merchant)
    found = await announced(merchant, order)
    now = await clock.business_now()
    for _ in range(2):
        await db.in_tx(lambda: actions.receive(merchant, found.public_id, actor=STAFF, now=now))
    assert (await again(merchant, found)).state is ReturnState.RECEIVED
    with pytest.raises(RefundableChanged):
        await given_back(merchant, found, seen_minor=1)

    async def press() -> str:
        return (await given_back(merchant, found, seen_minor=12_900)).public_id

    assert len(set(await asyncio.gather(*(press() for _ in range(4))))) == 1
    [refund] = await refunds_of_order(merchant.id, found.order_id)
    assert (refund.amount_minor, refund.fee_minor, refund.return_public_id) == (
        12_410,
        490,
        found.public_id,
    )
    ended = await again(merchant, found)
    assert (ended.state, ended.ended_at is not None) == (ReturnState.REFUNDED, True)
    with pytest.raises(ReturnMoved):
        await db.in_tx(lambda: actions.cancel_return(merchant, found.public_id, actor=SHOPPER, now=now))
    assert await check_books() == []


async def test_a_return_waits_with_its_refund_for_a_second_person(merchant: Merchant) -> None:
    await conditions(merchant, approval_above_minor=0)
    found = await announced(merchant, await a_drawn(merchant))
    waiting = await given_back(merchant, found)
    assert waiting.state == "pending_approval"
    assert (await again(merchant, found)).state is ReturnState.RECEIVED
    now = await clock.business_now()
    await db.in_tx(lambda: actions.refuse_refund(merchant, waiting.public_id, actor=OTHER_STAFF, now=now))
    once_more = await given_back(merchant, found)
    assert once_more.public_id != waiting.public_id
    await db.in_tx(lambda: actions.approve(merchant, once_more.public_id, actor=OTHER_STAFF, now=now))
    assert (await again(merchant, found)).state is ReturnState.REFUNDED
    assert await check_books() == []


async def test_goods_that_were_refunded_otherwise_are_not_refunded_again(merchant: Merchant) -> None:
    order = await a_drawn(merchant)
    found = await announced(merchant, order)
    await refunded(merchant, order)
    with pytest.raises(Exception, match="refunded"):
        await given_back(merchant, found)
    now = await clock.business_now()
    await db.in_tx(
        lambda: actions.refuse_return(merchant, found.public_id, "Given back before.", actor=STAFF, now=now)
    )
    assert (await again(merchant, found)).refusal == "Given back before."
    assert await check_books() == []


async def test_a_foreign_return_is_not_there(merchant: Merchant) -> None:
    found = await announced(merchant, await a_drawn(merchant))
    other, now = await a_merchant("Pihla Oy"), await clock.business_now()
    with pytest.raises(ReturnUnknown):
        await db.in_tx(lambda: actions.receive(other, found.public_id, actor=STAFF, now=now))
    with pytest.raises(ReturnUnknown):
        await db.in_tx(
            lambda: actions.refund_return(
                other, found.public_id, refundable_minor=12_900, actor=STAFF, now=now
            )
        )


async def test_what_people_wrote_of_a_return_goes_in_time(merchant: Merchant) -> None:
    found = await announced(merchant, await a_drawn(merchant))
    now = await clock.business_now()
    await db.in_tx(lambda: actions.refuse_return(merchant, found.public_id, "No.", actor=STAFF, now=now))
    assert await db.in_tx(lambda: actions.forget_words(now - timedelta(days=1), 10)) == 0
    assert await db.in_tx(lambda: actions.forget_words(now, 10)) == 1
    assert (await again(merchant, found)).refusal is None


async def test_goods_come_back_though_their_insurance_was_given_up_meanwhile(merchant: Merchant) -> None:
    order = await an_insured_purchase(merchant, price_minor=20_000)
    found = await announced(merchant, order)
    assert [line.position for line in found.lines] == [0, 1], "all of it, so the insurance too"
    await cancel_insurance(merchant, order, actor=SHOPPER, now=await clock.business_now())
    refund = await given_back(merchant, found)
    assert refund.amount_minor == 20_000
    assert (await given_back(merchant, found)).public_id == refund.public_id, "pressed twice"
    assert (await the_order(merchant, order)).refundable_minor == 0
    assert await check_books() == []
