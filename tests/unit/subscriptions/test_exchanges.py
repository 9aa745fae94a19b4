"""Another way to pay in place of the one that a subscription renews by: had once it is certain, and charged once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app.checkout import exchanging
from app.checkout.books import check_books
from app.checkout.offering import Doors
from app.kernel import clock, db
from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.payments.errors import ProviderNotReached
from app.payments.ports import NewSetup, Opened, SavedMethod, Standing
from app.subscriptions import actions
from app.subscriptions.actions.forgetting import forget_methods
from app.subscriptions.errors import NotNow
from app.subscriptions.exchange_queries import ExchangeView, newest_exchange_of
from app.subscriptions.queries import SubscriptionView
from app.subscriptions.states import ExchangeState as E
from app.subscriptions.states import SubscriptionState as S
from tests.factories.checkout import a_merchant
from tests.factories.payments import doors_to
from tests.factories.subscriptions import MONTHLY, STAFF, Days, a_plan, a_subscription, again, paid_periods
from tests.support.providers import FakeProvider

pytestmark = pytest.mark.usefixtures("db")

OLD = "token-1"
NEW = SavedMethod("token-2", "Mastercard 4444", "2032-01")


async def begun(merchant: Merchant, sub: SubscriptionView, provider: FakeProvider) -> ExchangeView:
    return await exchanging.begin(exchanging.Wanted(merchant, sub, provider.method, "en"), doors_to(provider))


async def looked(exchange: ExchangeView, provider: FakeProvider) -> ExchangeView:
    found = await exchanging.check(exchange.public_id, doors_to(provider))
    assert found is not None
    return found


async def past_due(merchant: Merchant, provider: FakeProvider) -> SubscriptionView:
    """Its card was declined on the day of the renewal, and is from then on."""
    sub = await a_subscription(merchant, provider)
    provider.tokens_that_fail[OLD] = "insufficient_funds"
    await Days(provider).go_to(sub.course.ends_on)
    found = await again(merchant, sub)
    assert (found.state, found.refusals) == (S.PAST_DUE, 1)
    return found


async def events() -> list[str]:
    rows = await db.fetch_all(
        "SELECT payload ->> 'type' AS type FROM outbox WHERE kind = 'event'"
        " AND payload ->> 'type' LIKE 'subscription.%' ORDER BY id"
    )
    return [row["type"] for row in rows]


async def mails() -> list[str]:
    rows = await db.fetch_all(
        "SELECT payload ->> 'what' AS what FROM outbox WHERE kind = 'subscription_mail' ORDER BY id"
    )
    return [row["what"] for row in rows]


async def test_the_card_of_before_is_charged_until_the_new_one_is_certain_and_forgotten_then() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider)
    exchange = await begun(merchant, sub, provider)
    assert exchange.url is not None
    assert (await begun(merchant, sub, provider)).public_id == exchange.public_id, "twice is one page"
    await days.go_to(sub.course.ends_on)
    assert provider.charged_with == [OLD], "nobody has finished on the page"
    provider.agree(exchange.provider_ref, NEW)
    assert (await looked(exchange, provider)).state is E.DONE
    assert (await looked(exchange, provider)).state is E.DONE, "again is nothing"
    found = await again(merchant, sub)
    assert (found.method, found.label, found.state) == ("card", NEW.label, S.ACTIVE)
    await days.go_to(found.course.ends_on)
    assert provider.charged_with == [OLD, NEW.token]
    assert [effect for effect in provider.effects if effect[0] == "forget"] == [("forget", OLD, 0)]
    assert (await events()).count("subscription.method_changed") == 1
    assert (await mails()).count("method_changed") == 1
    audited = await db.fetch_value(
        "SELECT count(*) FROM audit_log WHERE action = 'subscription.method_changed' AND subject = $1",
        sub.public_id,
    )
    assert audited == 1
    assert await check_books() == []


async def test_what_is_owed_is_paid_at_once_with_the_new_card_and_once() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    sub = await past_due(merchant, provider)
    exchange = await begun(merchant, sub, provider)
    provider.agree(exchange.provider_ref, NEW)
    doors = doors_to(provider)
    await asyncio.gather(*(exchanging.check(exchange.public_id, doors) for _ in range(3)))
    await Days(provider).work()
    found = await again(merchant, sub)
    assert (found.state, found.refusals, found.label) == (S.ACTIVE, 0, NEW.label)
    assert len(await paid_periods(merchant, sub)) == 2
    assert Days(provider).charged == [19_90]
    owner = await db.fetch_value("SELECT count(DISTINCT customer_id) FROM orders WHERE paid_at IS NOT NULL")
    assert owner == 1, "the order of the period is its owner's"
    assert await check_books() == []


async def test_a_new_card_that_is_declined_too_leaves_it_where_it_was_and_is_tried_again_in_time() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    sub = await past_due(merchant, provider)
    provider.tokens_that_fail[NEW.token] = "card_expired"
    exchange = await begun(merchant, sub, provider)
    provider.agree(exchange.provider_ref, NEW)
    await looked(exchange, provider)
    await Days(provider).work()
    found = await again(merchant, sub)
    assert (found.state, found.refusals, found.label) == (S.PAST_DUE, 2, NEW.label)
    another = await begun(merchant, found, provider)
    provider.agree(another.provider_ref, replace(NEW, token="token-3"))
    await looked(another, provider)
    await Days(provider).work()
    assert (await again(merchant, sub)).state is S.ACTIVE
    assert provider.charged_with == [OLD, NEW.token, "token-3"]
    assert await check_books() == []


@pytest.mark.parametrize("after", [False, True])
async def test_a_page_whose_answer_was_lost_is_asked_for_again_and_is_one(*, after: bool) -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    sub = await a_subscription(merchant, provider)
    provider.cut("set_up", after=after)
    exchange = await begun(merchant, sub, provider)
    assert (exchange.state, exchange.url) == (E.UNKNOWN, None), "nobody knows"
    assert (await looked(exchange, provider)).state is E.PENDING
    assert len(provider.setups) == 1
    provider.cut("get_setup", after=after)
    provider.agree((await looked(exchange, provider)).provider_ref, NEW)
    assert (await looked(exchange, provider)).state is E.DONE


async def test_a_provider_that_was_not_reached_has_no_page_and_another_try_may_follow_at_once() -> None:
    class Away(FakeProvider):
        async def set_up(self, new: NewSetup) -> Opened:
            raise ProviderNotReached("no_connection")

    merchant, provider = await a_merchant(), FakeProvider()
    sub = await a_subscription(merchant, provider)
    exchange = await begun(merchant, sub, Away())
    assert (exchange.state, exchange.failure) == (E.FAILED, "provider_error")
    assert (await begun(merchant, sub, provider)).state is E.PENDING


@pytest.mark.parametrize("standing", [Standing.CANCELLED, Standing.EXPIRED])
async def test_whoever_leaves_the_page_keeps_what_was_before_and_may_come_back(standing: Standing) -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    sub = await a_subscription(merchant, provider)
    exchange = await begun(merchant, sub, provider)
    provider.end_setup(exchange.provider_ref, standing)
    another = await begun(merchant, sub, provider)
    assert another.public_id != exchange.public_id, "a page that is over is not shown again"
    assert (await looked(exchange, provider)).failure == standing.value
    assert (await again(merchant, sub)).label == "Visa 4242"


async def test_what_somebody_else_saved_under_our_name_is_not_taken() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    sub = await a_subscription(merchant, provider)
    exchange = await begun(merchant, sub, provider)
    assert exchange.provider_ref is not None
    provider.agree(exchange.provider_ref, NEW)
    told = provider.setups[exchange.provider_ref]
    provider.setups[exchange.provider_ref] = replace(told, reference="sx_another")
    assert (await looked(exchange, provider)).failure == "mismatch"
    assert (await again(merchant, sub)).label == "Visa 4242"


async def test_whoever_died_before_the_provider_heard_of_it_is_followed_by_the_reconciler() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    sub = await past_due(merchant, provider)
    now, wall = await clock.business_now(), clock.wall() - timedelta(minutes=1)
    await actions.exchanging.start_exchange(merchant, sub.public_id, "card", lang="en", now=now, wall=wall)
    await Days(provider).work()
    exchange = await newest_exchange_of(merchant.id, sub.id)
    assert exchange is not None
    assert exchange.state is E.PENDING
    provider.agree(exchange.provider_ref, NEW)
    await db.execute_alone("UPDATE subscription_exchanges SET next_check_at = $1", wall)
    await Days(provider).work()
    assert (await again(merchant, sub)).state is S.ACTIVE
    assert len(await paid_periods(merchant, sub)) == 2


@pytest.mark.parametrize("refused", [False, True])
async def test_a_charge_of_the_old_card_that_is_still_on_its_way_decides_first(*, refused: bool) -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await past_due(merchant, provider)
    if not refused:
        del provider.tokens_that_fail[OLD]
    provider.cut("charge", after=True)
    await days.pass_(1)
    exchange = await begun(merchant, sub, provider)
    provider.agree(exchange.provider_ref, NEW)
    await looked(exchange, provider)
    found = await again(merchant, sub)
    assert (found.state, found.label) == (S.PAST_DUE, NEW.label)
    assert NEW.token not in provider.charged_with, "nobody knows yet how the old one ended"
    assert not [effect for effect in provider.effects if effect[0] == "forget"], "it is asked after with it"
    await db.execute_alone(
        "UPDATE payments SET next_check_at = now(), leased_until = NULL WHERE ended_at IS NULL"
    )
    await days.work()
    assert (await again(merchant, sub)).state is S.ACTIVE
    assert days.charged == [19_90], "the period is paid once"
    assert (NEW.token in provider.charged_with) is refused
    now = await clock.business_now()
    assert await db.in_tx(lambda: forget_methods(now, 10)) == 1
    assert await db.in_tx(lambda: forget_methods(now, 10)) == 0
    assert await check_books() == []


@pytest.mark.parametrize("leaves", [False, True])
async def test_a_refusal_of_the_old_card_that_is_read_late_is_none_of_the_new_one(*, leaves: bool) -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await past_due(merchant, provider)
    refused = await db.fetch_one(
        "SELECT payload -> 'data' ->> 'order_id' AS on, payload -> 'data' ->> 'payment_id' AS by FROM outbox"
        " WHERE kind = 'event' AND payload ->> 'type' = 'charge.failed'"
    )
    assert refused is not None
    exchange = await begun(merchant, sub, provider)
    provider.agree(exchange.provider_ref, NEW)
    provider.cut("charge", after=True)
    await looked(exchange, provider)
    await days.work()
    now, told = await clock.business_now(), await mails()
    if leaves:
        await actions.cancel(merchant, sub.public_id, actor="shopper", now=now)
        told = await mails()
    await db.in_tx(
        lambda: actions.charge_failed(merchant.id, refused["on"], refused["by"], "insufficient_funds", now)
    )
    found = await again(merchant, sub)
    assert (found.state, found.refusals) == (S.PAST_DUE, 1), "the charge with the new card is on its way"
    assert await mails() == told
    await db.execute_alone(
        "UPDATE payments SET next_check_at = now(), leased_until = NULL WHERE ended_at IS NULL"
    )
    await days.work()
    assert (await again(merchant, sub)).state is (S.CANCELLING if leaves else S.ACTIVE)
    assert provider.charged_with == [OLD, NEW.token]
    assert days.charged == [19_90]
    assert await check_books() == []


async def test_an_invoice_is_for_whom_the_shop_has_approved_and_pays_what_is_owed() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    sub = await past_due(merchant, provider)
    now = await clock.business_now()
    doors = Doors(live=False, providers=("card", "mobilepay"))
    assert await exchanging.ways_open(merchant, sub, doors, now) == ("card", "mobilepay")
    with pytest.raises(NotNow, match="no_credit"):
        await actions.exchange_to_invoice(merchant, sub.public_id, lang="en", now=now)
    # A purchase on invoice is approved first: a second subscription, say.
    await a_subscription(merchant, provider, plan=await a_plan(merchant), by_invoice=True)
    assert "invoice" in await exchanging.ways_open(merchant, sub, doors, now)
    await actions.exchange_to_invoice(merchant, sub.public_id, lang="en", now=now)
    await actions.exchange_to_invoice(merchant, sub.public_id, lang="en", now=now)
    await Days(provider).work()
    found = await again(merchant, sub)
    assert (found.state, found.method, found.saved_method_id) == (S.ACTIVE, "invoice", None)
    assert len(await paid_periods(merchant, sub)) == 2
    assert provider.charged_with == [OLD]
    assert "invoice" not in await exchanging.ways_open(merchant, found, doors, now)
    assert await check_books() == []


async def test_an_invoice_beyond_the_limit_changes_nothing() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    sub = await past_due(merchant, provider)
    await a_subscription(merchant, provider, by_invoice=True)
    await db.execute_alone("UPDATE credit_exposures SET exposure_minor = limit_minor")
    with pytest.raises(NotNow, match="refused"):
        await actions.exchange_to_invoice(merchant, sub.public_id, lang="en", now=await clock.business_now())
    found = await again(merchant, sub)
    assert (found.state, found.method, found.label) == (S.PAST_DUE, "card", "Visa 4242")


async def test_one_that_has_ended_begins_again_with_a_new_card_and_not_after_ninety_days() -> None:
    merchant, provider = await a_merchant(), FakeProvider()
    days = Days(provider)
    sub = await a_subscription(merchant, provider, replace(MONTHLY, names={"fi": "Kahvi", "en": "Coffee"}))
    now = await clock.business_now()
    await actions.end(merchant, sub.public_id, actor=STAFF, now=now)
    provider.tokens_that_fail[OLD] = "card_expired"
    exchange = await begun(merchant, sub, provider)
    provider.agree(exchange.provider_ref, NEW)
    await looked(exchange, provider)
    await days.pass_(1)
    now = await clock.business_now()
    await actions.revive(merchant, sub.public_id, price=Money(19_90, "EUR"), now=now)
    await days.work()
    assert (await again(merchant, sub)).state is S.ACTIVE
    await actions.end(merchant, sub.public_id, actor=STAFF, now=now)
    await days.pass_(91)
    with pytest.raises(NotNow, match="too_late"):
        await begun(merchant, sub, provider)
