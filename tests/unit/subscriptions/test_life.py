"""A subscription through its days: it renews once a period, is tried again, and ends when it should."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from app.checkout.books import check_books
from app.kernel import clock, db
from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.subscriptions import actions
from app.subscriptions.errors import NotNow, OfferChanged, SubscriptionUnknown
from app.subscriptions.queries import agreements_of, history_of, periods_of
from app.subscriptions.rules import GRACE_DAYS, RETRY_AFTER_DAYS, add_months
from app.subscriptions.states import SubscriptionState as S
from tests.factories.checkout import a_merchant
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
