"""Repaying early: the figure of a day, and the payment of it that closes every instalment."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.checkout.books import check_books
from app.invoices import actions
from app.invoices.actions import NewPayment
from app.invoices.errors import NothingToSettle, PaymentKeyReused, PaymentRefused, SettlementMoved
from app.invoices.queries import InvoiceView, PaymentView, invoices_of_order, settlement_on
from app.invoices.settlement import Part, Settlement, settle
from app.invoices.states import InvoiceState
from app.kernel import clock, db
from app.kernel.money import Money
from app.merchants.queries import Merchant
from tests.factories.invoices import (
    a_purchase,
    again,
    an_invoice,
    balances,
    chores_done,
    days_later,
    drawn,
    paid,
)

BOUGHT = date(2026, 11, 21)


@st.composite
def parts(draw: st.DrawFn) -> list[Part]:
    """A credit as it may stand: some instalments with their costs in the books, some partly paid."""
    made, starts = [], BOUGHT
    for _ in range(draw(st.integers(1, 36))):
        due = starts + timedelta(days=draw(st.integers(1, 45)))
        interest, fee = draw(st.integers(0, 5_000)), draw(st.integers(0, 500))
        is_posted = draw(st.booleans())
        principal = draw(st.integers(0 if interest + fee else 1, 100_000))
        made.append(Part(starts, due, principal + interest + fee, interest, fee, is_posted))
        starts = due
    return made


days = st.integers(-10, 2_000).map(lambda after: BOUGHT + timedelta(days=after))


@given(parts(), days)
def test_a_settlement_is_never_more_than_what_remains_nor_less_than_the_sum_itself(
    credit: list[Part], on: date
) -> None:
    settled = settle(credit, on)
    assert sum(part.principal_minor for part in credit) <= settled.figure_minor <= settled.remaining_minor
    assert settled.remaining_minor == sum(part.open_minor for part in credit)
    for part, less in zip(credit, settled.less, strict=True):
        assert less.credited_minor == 0
        assert 0 <= less.interest_minor <= part.interest_minor
        assert 0 <= less.fee_minor <= part.fee_minor
        assert not (part.is_posted and less.sum_minor)


@given(parts(), days)
def test_waiting_never_makes_it_cheaper(credit: list[Part], on: date) -> None:
    assert settle(credit, on).figure_minor <= settle(credit, on + timedelta(days=1)).figure_minor


@given(parts())
def test_on_the_last_due_date_nothing_is_saved_and_on_the_day_of_purchase_no_cost_is_asked(
    credit: list[Part],
) -> None:
    assert settle(credit, credit[-1].due_on).saved_minor == 0
    assert settle(credit, BOUGHT).figure_minor == sum(part.principal_minor for part in credit)


def test_a_month_that_is_half_over_costs_half_its_interest() -> None:
    """300.00 over three months of 30 days: one gone and posted, the second half over, the third not begun."""
    first, second, third = (BOUGHT + timedelta(days=30 * n) for n in (1, 2, 3))
    credit = [
        Part(BOUGHT, first, 103_00, 3_00, 0, is_posted=True),
        Part(first, second, 102_01, 2_01, 0, is_posted=False),
        Part(second, third, 101_00, 1_00, 0, is_posted=False),
    ]
    settled = settle(credit, first + timedelta(days=15))
    assert [less.interest_minor for less in settled.less] == [0, 1_00, 1_00]
    assert settled.figure_minor == 103_00 + 101_01 + 100_00


async def documents(merchant: Merchant, months: int = 6) -> tuple[str, tuple[InvoiceView, ...]]:
    order = await a_purchase(merchant, months=months)
    return order, await drawn(merchant, order)


async def figure(merchant: Merchant, order: str, on: date | None = None) -> Settlement:
    day = on or merchant.local_date(await clock.business_now())
    settled = settlement_on(await invoices_of_order(merchant.id, order), day)
    assert settled is not None
    return settled


async def settled(
    merchant: Merchant, order: str, amount_minor: int, key: str = "early", on: date | None = None
) -> tuple[PaymentView, ...]:
    now = await clock.business_now()
    payment = NewPayment(Money(amount_minor, "EUR"), on or merchant.local_date(now), "staff", "staff:x", key)
    return await db.in_tx(lambda: actions.settle_early(merchant, order, payment, now))


async def test_the_figure_closes_every_notice_and_the_costs_to_come_are_never_earned(
    merchant: Merchant,
) -> None:
    order, (_, first, *_) = await documents(merchant)
    assert first.due_on is not None
    await days_later((first.due_on - first.content.purchased_on).days + 10)
    await chores_done()
    due = await figure(merchant, order)
    assert due.saved_minor > 0
    payments = await settled(merchant, order, due.figure_minor)
    assert sum(payment.applied_minor for payment in payments) == due.figure_minor
    assert sum(payment.over_minor for payment in payments) == 0
    _, *notices = await invoices_of_order(merchant.id, order)
    assert {notice.state for notice in notices} == {InvoiceState.PAID}
    assert {notice.open_minor for notice in notices} == {0}
    assert await balances() == {
        "operator:bank": due.figure_minor,
        "operator:payable:merchant": -12_900,
        "operator:interest": -(due.figure_minor - 12_900),
    }
    assert await check_books() == []
    # Nothing wakes up later: no interest, no notice, no reminder.
    before = await balances()
    reminders = "SELECT count(*) FROM invoice_reminders"
    sent = await db.fetch_value(reminders)
    await days_later(300)
    await chores_done()
    assert await balances() == before
    assert await db.fetch_value(reminders) == sent
    assert await check_books() == []


async def test_on_the_day_of_purchase_the_price_alone_settles(merchant: Merchant) -> None:
    order, _ = await documents(merchant)
    assert (await figure(merchant, order)).figure_minor == 12_900
    await settled(merchant, order, 12_900)
    assert await balances() == {"operator:bank": 12_900, "operator:payable:merchant": -12_900}
    assert await check_books() == []


async def test_what_was_paid_before_counts(merchant: Merchant) -> None:
    order, (_, first, second, *_) = await documents(merchant)
    await paid(merchant, first, first.amount_minor, "one")
    await paid(merchant, second, 500, "two")
    due = await figure(merchant, order)
    assert due.remaining_minor == sum(each.open_minor for each in await invoices_of_order(merchant.id, order))
    await settled(merchant, order, due.figure_minor)
    assert (await again(merchant, second)).state is InvoiceState.PAID
    assert await check_books() == []


async def test_another_sum_than_the_days_figure_is_refused_with_the_figure(merchant: Merchant) -> None:
    order, _ = await documents(merchant)
    with pytest.raises(SettlementMoved) as refused:
        await settled(merchant, order, 12_899)
    assert refused.value.figure_minor == 12_900
    tomorrow = merchant.local_date(await clock.business_now()) + timedelta(days=1)
    with pytest.raises(PaymentRefused):
        await settled(merchant, order, 12_900, on=tomorrow)
    assert await balances() == {"customer:receivable": 12_900, "operator:payable:merchant": -12_900}


async def test_the_same_settlement_many_times_at_once_counts_once(merchant: Merchant) -> None:
    order, _ = await documents(merchant)
    answers = await asyncio.gather(*(settled(merchant, order, 12_900) for _ in range(6)))
    assert len(set(answers)) == 1
    assert (await balances())["operator:bank"] == 12_900
    with pytest.raises(PaymentKeyReused):
        await settled(merchant, order, 12_901)
    with pytest.raises(NothingToSettle):
        await settled(merchant, order, 12_900, "another")


async def test_an_invoice_has_nothing_to_settle_early(merchant: Merchant) -> None:
    invoice = await an_invoice(merchant)
    with pytest.raises(NothingToSettle):
        await settled(merchant, invoice.order_public_id, 12_900)
