"""A subscription through its days: it renews once a period, is tried again, and ends when it should."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from app.checkout.actions import cancel_order
from app.checkout.books import check_books
from app.invoices import actions as invoices
from app.kernel import clock, db
from app.kernel.money import Money
from app.kernel.states import LostRace
from app.merchants.queries import Merchant
from app.subscriptions import actions
from app.subscriptions.actions import held
from app.subscriptions.actions.forgetting import forget_methods
from app.subscriptions.errors import NotNow, SubscriptionUnknown
from app.subscriptions.queries import SubscriptionView, history_of, periods_of, subscription_of
from app.subscriptions.rules import GRACE_DAYS, RETRY_AFTER_DAYS, add_months
from app.subscriptions.states import SubscriptionState as S
from tests.factories.checkout import a_merchant
from tests.factories.invoices import drawn
from tests.factories.subscriptions import (
    MONTHLY,
    STAFF,
    TRIAL,
    YEARLY,
    Days,
    a_plan,
    a_subscription,
    again,
    paid_periods,
)
from tests.support.providers import FakeProvider

pytestmark = pytest.mark.usefixtures("db")


async def today(merchant: Merchant) -> date:
    return merchant.local_date(await clock.business_now())


async def mails() -> list[str]:
    rows = await db.fetch_all(
        "SELECT payload ->> 'what' AS what FROM outbox WHERE kind = 'subscription_mail' ORDER BY id"
    )
    return [row["what"] for row in rows]


async def test_three_renewals_on_their_days_each_an_order_that_is_paid_and_in_the_books() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    began = sub.course.starts_on
    assert (sub.state, sub.course.ends_on) == (S.ACTIVE, add_months(began, 1))
    for number in (1, 2, 3):
        await days.go_to(add_months(began, number))
    assert await paid_periods(merchant, sub) == [
        (add_months(began, number), add_months(began, number + 1), 19_90) for number in range(4)
    ]
    assert days.charged == [19_90, 19_90, 19_90]
    found = await again(merchant, sub)
    assert (found.state, found.renewals, found.course.ends_on) == (S.ACTIVE, 3, add_months(began, 4))
    assert await check_books() == []


async def test_a_renewal_happens_once_whoever_asks_for_it_and_however_often() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    await days.go_to(sub.course.ends_on - timedelta(days=1))
    now = await clock.business_now() + timedelta(days=1)
    await asyncio.gather(*(actions.advance_due(now, 10) for _ in range(4)))
    await days.pass_(1)
    await asyncio.gather(days.work(), days.work())
    assert len(await paid_periods(merchant, sub)) == 2
    assert days.charged == [19_90]


async def test_a_charge_whose_answer_was_lost_is_asked_after_and_never_made_twice() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    provider.cut("charge", after=True)
    await days.go_to(sub.course.ends_on)
    assert len(await paid_periods(merchant, sub)) == 1, "nobody knows yet"
    assert (await again(merchant, sub)).state is S.ACTIVE
    await db.execute_alone(
        "UPDATE payments SET next_check_at = now() - interval '1 s', leased_until = NULL WHERE kind = 'charge'"
    )
    await days.work()
    assert len(await paid_periods(merchant, sub)) == 2
    assert days.charged == [19_90]
    assert await check_books() == []


async def test_a_refused_charge_is_tried_again_at_growing_distances_and_then_it_ends() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    days.declines()
    await days.go_to(sub.course.ends_on)
    found = await again(merchant, sub)
    assert (found.state, found.refusals) == (S.PAST_DUE, 1)
    for refusals, wait in enumerate(RETRY_AFTER_DAYS, start=2):
        await days.pass_(wait)
        assert (await again(merchant, sub)).refusals == refusals
    await days.pass_(GRACE_DAYS - 1)
    assert (await again(merchant, sub)).state is S.PAST_DUE
    await days.pass_(1)
    found = await again(merchant, sub)
    assert (found.state, found.end_reason) == (S.ENDED, "unpaid")
    assert days.charged == []
    assert await mails() == ["started", *["failed"] * len(RETRY_AFTER_DAYS), "last_failed", "ended"]
    state = await db.fetch_value("SELECT state FROM orders WHERE id <> $1", sub.order_id)
    assert state == "cancelled", "nobody is asked for it any more"
    assert await check_books() == []


async def test_a_later_try_that_goes_through_brings_it_back_and_its_days_stay_where_they_were() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    due = sub.course.ends_on
    days.declines()
    await days.go_to(due)
    days.declines(None)
    await days.pass_(RETRY_AFTER_DAYS[0])
    found = await again(merchant, sub)
    assert (found.state, found.refusals, found.course.starts_on) == (S.ACTIVE, 0, due)
    assert found.course.ends_on == add_months(sub.course.starts_on, 2)
    events = [entry.event for entry in await history_of(merchant.id, sub.id)]
    assert events == ["subscription.started", "subscription.past_due", "subscription.recovered"]


async def test_a_trial_is_paid_for_then_reminded_of_and_then_renewed_at_the_full_price() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider, TRIAL)
    assert (sub.state, sub.course.is_trial, sub.course.days) == (S.TRIALING, True, 14)
    await days.pass_(7)
    assert (await mails())[-1] == "reminder"
    await days.pass_(7)
    assert (await again(merchant, sub)).state is S.ACTIVE
    assert [amount for _, _, amount in await paid_periods(merchant, sub)] == [1_00, 19_90]


async def test_a_year_is_reminded_of_thirty_days_before_and_what_was_cancelled_is_not() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider, YEARLY)
    await days.go_to(sub.course.ends_on - timedelta(days=31))
    assert await mails() == ["started"]
    await days.pass_(1)
    assert await mails() == ["started", "reminder"]


async def test_on_invoice_each_renewal_is_a_sale_within_the_limit() -> None:
    merchant, provider = await a_merchant(credit_limit_minor=45_00), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider, by_invoice=True)
    await days.go_to(sub.course.ends_on)
    assert len(await paid_periods(merchant, sub)) == 2
    owed = await db.fetch_value("SELECT exposure_minor FROM credit_exposures")
    assert owed == 2 * 19_90
    await days.go_to((await again(merchant, sub)).course.ends_on)
    assert (await again(merchant, sub)).state is S.PAST_DUE
    assert (await history_of(merchant.id, sub.id))[-1].detail["reason"] == "limit_used_up"
    assert await check_books() == []


async def test_nothing_more_is_sold_on_invoice_while_an_earlier_one_is_overdue() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider, by_invoice=True)
    await drawn(merchant, sub.order_public_id)
    await invoices.mark_overdue(await clock.business_now() + timedelta(days=20), 10)
    await days.go_to(sub.course.ends_on)
    assert (await again(merchant, sub)).state is S.PAST_DUE
    assert (await history_of(merchant.id, sub.id))[-1].detail["reason"] == "invoice_overdue"


async def test_cancelling_ends_with_the_period_and_charges_nothing_after_it() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    await days.pass_(3)
    now = await clock.business_now()
    found = await actions.cancel(merchant, sub.public_id, actor="shopper", now=now)
    assert (found.state, found.cancel_on) == (S.CANCELLING, sub.course.ends_on)
    assert (await actions.cancel(merchant, sub.public_id, actor="shopper", now=now)).state is S.CANCELLING
    await days.go_to(sub.course.ends_on + timedelta(days=40))
    found = await again(merchant, sub)
    assert (found.state, found.end_reason, found.ended_on) == (S.ENDED, "cancelled", sub.course.ends_on)
    assert days.charged == []
    assert await mails() == ["started", "cancelled", "ended"]


async def test_a_cancellation_with_notice_is_renewed_once_more_and_can_be_taken_back() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider, replace(MONTHLY, notice_days=20))
    await days.go_to(sub.course.ends_on - timedelta(days=5))
    found = await actions.cancel(merchant, sub.public_id, actor="shopper", now=await clock.business_now())
    assert found.cancel_on == add_months(sub.course.starts_on, 2)
    await days.pass_(6)
    assert (await again(merchant, sub)).state is S.CANCELLING
    assert days.charged == [19_90]
    await actions.keep(merchant, sub.public_id, actor="shopper", now=await clock.business_now())
    await days.go_to(add_months(sub.course.starts_on, 2))
    assert days.charged == [19_90, 19_90]


async def test_a_cancellation_during_the_grace_ends_it_at_once_and_nothing_more_is_tried() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    days.declines()
    await days.go_to(sub.course.ends_on)
    found = await actions.cancel(merchant, sub.public_id, actor="shopper", now=await clock.business_now())
    assert found.state is S.ENDED
    days.declines(None)
    await days.pass_(30)
    assert days.charged == []


async def test_cancelled_while_the_charge_is_underway_it_ends_with_what_that_pays_for() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)

    async def cancel_meanwhile(call: str) -> None:
        if call == "charge":
            now = await clock.business_now()
            await actions.cancel(merchant, sub.public_id, actor="shopper", now=now)

    provider.pause = cancel_meanwhile
    await days.go_to(sub.course.ends_on)
    provider.pause = None
    found = await again(merchant, sub)
    assert (found.state, found.cancel_on) == (S.CANCELLING, add_months(sub.course.starts_on, 2))
    assert days.charged == [19_90]
    await days.go_to(add_months(sub.course.starts_on, 3))
    assert days.charged == [19_90]
    assert (await again(merchant, sub)).state is S.ENDED


async def test_the_shop_ends_what_is_owed_for_and_not_while_a_charge_is_on_its_way() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    days.declines()
    await days.go_to(sub.course.ends_on)
    days.declines(None)
    provider.cut("charge", after=True)
    await days.pass_(RETRY_AFTER_DAYS[0])
    now = await clock.business_now()
    with pytest.raises(NotNow, match="charging"):
        await actions.end(merchant, sub.public_id, actor=STAFF, now=now)
    other = await a_subscription(merchant, provider, phone="+358480000102")
    days.declines()
    await days.go_to(other.course.ends_on)
    now = await clock.business_now()
    assert (await again(merchant, other)).state is S.PAST_DUE
    ended = await actions.end(merchant, other.public_id, actor=STAFF, now=now)
    assert (ended.state, ended.end_reason) == (S.ENDED, "by_shop")
    days.declines(None)
    await days.pass_(RETRY_AFTER_DAYS[0])
    assert len(await paid_periods(merchant, other)) == 1, "nothing more is charged"
    assert await check_books() == []


async def test_a_pause_keeps_the_days_that_are_paid_and_goes_on_by_itself() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    await days.pass_(9)
    day = await today(merchant)
    until = day + timedelta(days=60)
    paused = await actions.pause(
        merchant, sub.public_id, until=until, actor="shopper", now=await clock.business_now()
    )
    assert paused.state is S.PAUSED
    kept = (sub.course.ends_on - day).days - 1
    assert paused.paused_days == kept
    await days.go_to(until - timedelta(days=1))
    assert days.charged == []
    await days.pass_(1)
    found = await again(merchant, sub)
    assert (found.state, found.course.ends_on) == (S.ACTIVE, until + timedelta(days=kept))
    await days.go_to(found.course.ends_on)
    assert days.charged == [19_90]


async def test_an_ended_one_begins_again_with_a_whole_period_and_not_after_ninety_days() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    await actions.cancel(merchant, sub.public_id, actor="shopper", now=await clock.business_now())
    await days.go_to(sub.course.ends_on + timedelta(days=20))
    price = Money(19_90, "EUR")
    await asyncio.gather(*(_revive(merchant, sub.public_id, price) for _ in range(2)))
    await days.work()
    found = await again(merchant, sub)
    assert (found.state, found.course.starts_on) == (S.ACTIVE, await today(merchant))
    assert days.charged == [19_90]
    await actions.cancel(merchant, sub.public_id, actor="shopper", now=await clock.business_now())
    await days.go_to(found.course.ends_on + timedelta(days=91))
    with pytest.raises(NotNow, match="too_late"):
        await actions.revive(merchant, sub.public_id, price=price, now=await clock.business_now())


async def _revive(merchant: Merchant, public_id: str, price: Money) -> None:
    try:
        await actions.revive(merchant, public_id, price=price, now=await clock.business_now())
    except NotNow as refused:
        assert refused.why == "charging"  # noqa: PT017 - the second tap finds the first


async def test_another_shop_knows_nothing_of_it() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    sub = await a_subscription(merchant, provider)
    other = await a_merchant("Other shop")
    with pytest.raises(SubscriptionUnknown):
        await actions.cancel(other, sub.public_id, actor=STAFF, now=await clock.business_now())
    assert (await again(merchant, sub)).state is S.ACTIVE


async def test_a_pause_that_is_taken_back_the_same_day_costs_no_day() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    await days.pass_(5)
    now = await clock.business_now()
    for _ in range(2):
        await actions.pause(merchant, sub.public_id, until=None, actor="shopper", now=now)
        await actions.resume(merchant, sub.public_id, actor="shopper", now=now)
    found = await again(merchant, sub)
    assert (found.state, found.course, found.due_at) == (S.ACTIVE, sub.course, sub.due_at)
    await days.go_to(sub.course.ends_on)
    assert days.charged == [19_90]


async def test_a_shop_that_cancels_the_order_of_a_period_ends_the_subscription() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    days.declines()
    await days.go_to(sub.course.ends_on)
    [open_one, _] = await periods_of(merchant.id, sub.id)
    await cancel_order(merchant.id, open_one.order_public_id, actor=STAFF, now=await clock.business_now())
    days.declines(None)
    await days.pass_(RETRY_AFTER_DAYS[0])
    found = await again(merchant, sub)
    assert (found.state, found.end_reason) == (S.ENDED, "by_shop")
    assert days.charged == []


async def test_a_shop_that_cancels_the_order_of_a_change_leaves_what_was_paid_for() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    big = await a_plan(merchant, replace(MONTHLY, amount_minor=39_90))
    now = await clock.business_now()
    await actions.change_plan(
        merchant, sub.public_id, big, price=Money(39_90, "EUR"), due=Money(20_00, "EUR"), now=now
    )
    [change, _] = await periods_of(merchant.id, sub.id)
    await cancel_order(merchant.id, change.order_public_id, actor=STAFF, now=now)
    await days.pass_(1)
    found = await again(merchant, sub)
    assert (found.state, found.plan_public_id) == (S.ACTIVE, sub.plan_public_id)
    await days.go_to(sub.course.ends_on)
    assert days.charged == [19_90]
    assert await check_books() == []


async def test_whoever_goes_to_another_plan_is_not_asked_for_the_price_of_this_one() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    small = await a_plan(merchant, replace(MONTHLY, amount_minor=9_90))
    now = await clock.business_now()
    await actions.change_plan(merchant, sub.public_id, small, price=Money(9_90, "EUR"), due=None, now=now)
    dearer = replace(MONTHLY, amount_minor=24_90)
    await actions.change_plan_terms(merchant, sub.plan_public_id, dearer, version=1, actor=STAFF, now=now)
    assert await actions.ask_price(merchant, sub.plan_public_id, actor=STAFF, now=now) == 0
    await days.go_to(sub.course.ends_on)
    assert days.charged == [9_90]


async def test_a_price_that_was_to_fall_and_falls_less_is_a_rise_that_needs_a_yes() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    plan = await a_plan(merchant)
    sub = await a_subscription(merchant, provider, plan=plan)
    now = await clock.business_now()
    for version, amount in ((1, 14_90), (2, 18_90)):
        terms = replace(MONTHLY, amount_minor=amount)
        await actions.change_plan_terms(merchant, plan, terms, version=version, actor=STAFF, now=now)
        assert await actions.ask_price(merchant, plan, actor=STAFF, now=now) == 1
    await days.go_to(sub.course.ends_on)
    assert days.charged == [14_90], "as it was told; nobody said yes to more"


async def test_what_it_was_charged_with_is_forgotten_once_nobody_can_begin_it_again() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    await actions.cancel(merchant, sub.public_id, actor="shopper", now=await clock.business_now())
    await days.go_to(sub.course.ends_on)
    ended = await clock.business_now()
    assert await db.in_tx(lambda: forget_methods(ended + timedelta(days=90), 10)) == 0
    assert await db.in_tx(lambda: forget_methods(ended + timedelta(days=93), 10)) == 1
    assert (await again(merchant, sub)).label is None
    assert await check_books() == []


async def test_of_a_cancellation_and_a_renewal_at_once_the_money_and_the_end_agree() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    await days.go_to(sub.course.ends_on - timedelta(days=1))
    due = await clock.business_now() + timedelta(days=1)
    await asyncio.gather(
        actions.advance_due(due, 10), actions.cancel(merchant, sub.public_id, actor="shopper", now=due)
    )
    await days.pass_(1)
    found = await again(merchant, sub)
    charged = len(days.charged)
    if found.state is S.ENDED:
        assert (charged, found.ended_on) == (0, sub.course.ends_on)
    else:
        assert (charged, found.state, found.cancel_on) == (
            1,
            S.CANCELLING,
            add_months(sub.course.starts_on, 2),
        )
    assert await check_books() == []


async def test_without_the_lock_two_verbs_would_both_believe_what_they_read_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control of the test above: not held, both read `active`, and the machine alone catches the second."""
    merchant, provider = await a_merchant(), FakeProvider()
    sub = await a_subscription(merchant, provider)
    unlocked = "SELECT id FROM subscriptions WHERE merchant_id = $1 AND public_id = $2"
    monkeypatch.setattr(held, "_LOCK", unlocked)
    together, readers = asyncio.Barrier(2), 0

    async def read_together(merchant_id: UUID, public_id: str) -> SubscriptionView | None:
        nonlocal readers
        found = await subscription_of(merchant_id, public_id)
        readers += 1
        if readers <= 2:
            await together.wait()
        return found

    monkeypatch.setattr("app.subscriptions.actions.held.subscription_of", read_together)
    now = await clock.business_now()
    results = await asyncio.gather(
        actions.cancel(merchant, sub.public_id, actor="shopper", now=now),
        actions.pause(merchant, sub.public_id, until=None, actor="shopper", now=now),
        return_exceptions=True,
    )
    assert any(isinstance(each, LostRace) for each in results), results
