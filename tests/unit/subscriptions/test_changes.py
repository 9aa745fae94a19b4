"""Another price and another plan: had by whoever says yes, for what was said yes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from app.checkout.books import check_books
from app.kernel import clock, db
from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.subscriptions import actions
from app.subscriptions.errors import OfferChanged
from app.subscriptions.price_queries import PriceAnswers, last_declined, price_answers
from app.subscriptions.queries import agreements_of, plan_of
from app.subscriptions.rules import add_months
from app.subscriptions.states import SubscriptionState as S
from tests.factories.checkout import a_merchant
from tests.factories.subscriptions import (
    MONTHLY,
    STAFF,
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


async def test_a_dearer_price_holds_for_whoever_says_yes_and_for_nobody_else() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    plan = await a_plan(merchant)
    silent = await a_subscription(merchant, provider, plan=plan)
    willing = await a_subscription(merchant, provider, plan=plan, phone="+358480000102")
    dearer = replace(MONTHLY, amount_minor=24_90)
    now = await clock.business_now()
    await actions.change_plan_terms(merchant, plan, dearer, version=1, actor=STAFF, now=now)
    assert await actions.ask_price(merchant, plan, actor=STAFF, now=now) == 2
    assert await actions.ask_price(merchant, plan, actor=STAFF, now=now) == 0, "nobody is asked twice"
    asked = (await again(merchant, willing)).asked
    assert asked is not None
    assert asked.starts_on >= (await today(merchant)) + timedelta(days=30)
    with pytest.raises(OfferChanged):
        await actions.accept_price(merchant, willing.public_id, price=Money(25_00, "EUR"), now=now)
    await actions.accept_price(merchant, willing.public_id, price=Money(24_90, "EUR"), now=now)
    await days.go_to(add_months(willing.course.starts_on, 3))
    for starts_on, _, amount in await paid_periods(merchant, willing):
        assert amount == (24_90 if starts_on >= asked.starts_on else 19_90)
    assert 24_90 in days.charged
    assert [amount for _, _, amount in await paid_periods(merchant, silent)] == [19_90] * 4
    assert [each.kind for each in await agreements_of(merchant.id, willing.id)] == ["begin", "price"]


async def test_a_no_stays_an_answer_to_that_price_and_another_may_be_asked() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    plan = await a_plan(merchant)
    sub = await a_subscription(merchant, provider, plan=plan)
    now = await clock.business_now()

    async def asked_for(amount_minor: int, version: int) -> int:
        terms = replace(MONTHLY, amount_minor=amount_minor)
        await actions.change_plan_terms(merchant, plan, terms, version=version, actor=STAFF, now=now)
        return await actions.ask_price(merchant, plan, actor=STAFF, now=now)

    async def answers() -> PriceAnswers:
        found = await plan_of(merchant.id, plan)
        assert found is not None
        return await price_answers(merchant.id, found.version_id)

    assert await asked_for(24_90, 1) == 1
    assert await answers() == PriceAnswers(declined=0, waiting=1, agreed=0)
    for _ in range(2):
        await actions.decline_price(merchant, sub.public_id, now=now)
    assert await actions.ask_price(merchant, plan, actor=STAFF, now=now) == 0
    assert await answers() == PriceAnswers(declined=1, waiting=0, agreed=0)
    assert await asked_for(29_90, 2) == 1, "another price is another question"
    await actions.accept_price(merchant, sub.public_id, price=Money(29_90, "EUR"), now=now)
    assert await answers() == PriceAnswers(declined=0, waiting=0, agreed=1)
    assert await asked_for(24_90, 3) == 1, (
        "what falls is nobody's to refuse, whatever was said to it as a rise"
    )
    found = await again(merchant, sub)
    assert found.next is not None
    assert (found.next.terms.amount_minor, found.asked) == (24_90, None)
    declined = await last_declined(merchant.id, sub.id)
    assert declined is not None
    assert declined.price == Money(24_90, "EUR")


async def test_the_same_price_under_another_version_is_answered_by_the_no_of_before() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    plan = await a_plan(merchant)
    sub = await a_subscription(merchant, provider, plan=plan)
    now = await clock.business_now()
    for version, amount_minor in enumerate((24_90, 19_90, 24_90), start=1):
        terms = replace(MONTHLY, amount_minor=amount_minor)
        await actions.change_plan_terms(merchant, plan, terms, version=version, actor=STAFF, now=now)
        await actions.ask_price(merchant, plan, actor=STAFF, now=now)
        assert ((await again(merchant, sub)).asked is not None) is (version == 1), version
        await actions.decline_price(merchant, sub.public_id, now=now)
    assert (await mails()).count("price_asked") == 1


async def test_a_price_that_falls_holds_from_the_next_period_without_a_word() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    plan = await a_plan(merchant)
    sub = await a_subscription(merchant, provider, plan=plan)
    now = await clock.business_now()
    cheaper = replace(MONTHLY, amount_minor=14_90)
    await actions.change_plan_terms(merchant, plan, cheaper, version=1, actor=STAFF, now=now)
    await actions.ask_price(merchant, plan, actor=STAFF, now=now)
    await days.go_to(sub.course.ends_on)
    assert days.charged == [14_90]


async def test_a_dearer_plan_is_had_at_once_for_the_difference_of_the_days_that_are_left() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    big = await a_plan(merchant, replace(MONTHLY, amount_minor=39_90, names={"fi": "Iso", "en": "Large"}))
    await days.pass_(10)
    now = await clock.business_now()
    price = Money(39_90, "EUR")
    with pytest.raises(OfferChanged):
        await actions.change_plan(merchant, sub.public_id, big, price=price, due=None, now=now)
    left = (sub.course.ends_on - await today(merchant)).days
    whole = sub.course.days
    due = Money((2 * 3990 * left + whole) // (2 * whole) - (2 * 1990 * left + whole) // (2 * whole), "EUR")
    await actions.change_plan(merchant, sub.public_id, big, price=price, due=due, now=now)
    await days.work()
    found = await again(merchant, sub)
    assert (found.plan_public_id, found.course) == (big, sub.course)
    assert days.charged == [due.amount_minor]
    await days.go_to(sub.course.ends_on)
    assert days.charged[-1] == 39_90
    assert await check_books() == []


async def test_a_change_that_is_declined_leaves_all_as_it_was() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    big = await a_plan(merchant, replace(MONTHLY, amount_minor=39_90))
    days.declines()
    now = await clock.business_now()
    await actions.change_plan(
        merchant, sub.public_id, big, price=Money(39_90, "EUR"), due=Money(20_00, "EUR"), now=now
    )
    await days.work()
    found = await again(merchant, sub)
    assert (found.state, found.plan_public_id, found.refusals) == (S.ACTIVE, sub.plan_public_id, 0)
    assert (await mails())[-1] == "change_failed"
    days.declines(None)
    await days.go_to(sub.course.ends_on)
    assert days.charged == [19_90]
