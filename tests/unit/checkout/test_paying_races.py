"""Whoever has a reason to ask about a payment may do so at the same moment as everybody else. In both orders of any two
of them one thing happens: the order is paid once, or nobody is charged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import pytest

from app.cases.money import money_waiting
from app.checkout import actions, paying
from app.checkout.actions import confirming, settling
from app.checkout.books import check_books
from app.checkout.errors import BeingPaid, SessionEnded, StepNotReached
from app.checkout.states import SessionState
from app.kernel import clock, db
from app.kernel.jobs import Now
from app.kernel.outbox import claim
from app.kernel.states import LostRace
from app.links.queries import LinkView
from app.merchants.queries import Merchant, forget_kept_merchants
from app.orders.queries import order_for_api
from app.payments import actions as payments
from app.payments.ports import Callback, Standing
from app.payments.queries import PaymentView, payment_by_public_id
from app.payments.states import PaymentState
from tests.factories.checkout import Shopper, a_merchant, approving
from tests.factories.invoices import ADDRESS
from tests.factories.link_shoppers import at_confirm_of, press, to_decide_at
from tests.factories.links import a_link
from tests.factories.payments import (
    a_guest_at_provider,
    a_payment_in_session,
    as_it_is,
    asked,
    choose_paid,
    confirmed,
    doors_to,
    its_lease_ends,
)
from tests.support.providers import FakeProvider
from tests.support.racing import somebody_waits_for_a_lock
from tests.support.waiting import until

PRICE: Final = 12_900


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await a_merchant()


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("card")


@dataclass(frozen=True)
class Somebody:
    """A reason to ask, as a test names it."""

    name: str
    asks: Callable[[PaymentView, FakeProvider], Coroutine[object, object, None]]


async def _comes_back(payment: PaymentView, provider: FakeProvider) -> None:
    await paying.check(payment.public_id, doors_to(provider))


async def _calls_back(payment: PaymentView, provider: FakeProvider) -> None:
    await paying.take_callback(provider.method, Callback("evt_1", payment.provider_ref, payment.public_id))
    for job in await claim(10, 30, now=await clock.business_now()):
        if job.kind == paying.CHECK_JOB:
            await paying.look(job, doors_to(provider))


async def _reconciles(payment: PaymentView, provider: FakeProvider) -> None:
    wall = clock.wall() + timedelta(hours=1)
    await paying.reconcile_due(Now(await clock.business_now(), wall))
    await paying.check(payment.public_id, doors_to(provider))


async def _gives_up(payment: PaymentView, provider: FakeProvider) -> None:
    await paying.give_up(payment.public_id, doors_to(provider))


async def _expires(payment: PaymentView, provider: FakeProvider) -> None:
    await db.in_tx(lambda: clock.set_offset_s(2 * 86_400))
    await actions.expire_due(await clock.business_now())
    await _reconciles(payment, provider)


EVERYBODY: Final = (
    Somebody("the shopper who comes back", _comes_back),
    Somebody("the callback", _calls_back),
    Somebody("the reconciler", _reconciles),
    Somebody("the shopper who gives up", _gives_up),
    Somebody("the clock", _expires),
)
PAIRS: Final = [(one, other) for one in EVERYBODY for other in EVERYBODY if one is not other]


class InTheMiddle:
    """The first one who holds the payment waits there, its lease over as if it had died, until it is let go."""

    def __init__(self) -> None:
        self._there, self._go, self._first = asyncio.Event(), asyncio.Event(), True

    async def barrier(self, name: str) -> None:
        if name == "payment held" and self._first:
            self._first = False
            self._there.set()
            async with asyncio.timeout(20):
                await self._go.wait()

    async def reached(self) -> None:
        async with asyncio.timeout(20):
            await self._there.wait()

    def let_go(self) -> None:
        self._go.set()


async def ask_across(payment: PaymentView, provider: FakeProvider, first: Somebody, second: Somebody) -> None:
    """The first one holds the payment while the second one, for whom the lease is over, asks as well."""
    middle = InTheMiddle()
    db.set_race_barrier(middle.barrier)
    take = payments.take

    async def without_lease(public_id: str, wall: object) -> PaymentView | None:
        del wall
        found = await payment_by_public_id(public_id)
        return None if found is None or found.has_ended else found

    try:
        one = asyncio.create_task(first.asks(payment, provider))
        await middle.reached()
        payments.take = without_lease
        other = asyncio.create_task(second.asks(payment, provider))
        await until(somebody_waits_for_a_lock, 20)
        middle.let_go()
        results = await asyncio.gather(one, other, return_exceptions=True)
    finally:
        payments.take = take
        db.set_race_barrier(None)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def how_it_ended(shopper: Shopper, payment: PaymentView, provider: FakeProvider) -> PaymentView:
    """When everybody has asked once more."""
    await its_lease_ends(payment)
    ended = await asked(payment, provider)
    assert await check_books() == []
    order = await order_for_api(payment.merchant_id, payment.order_public_id)
    assert order is not None
    assert provider.taken_minor() == (PRICE if order.state == "paid" else 0)
    assert [effect for effect, _, _ in provider.effects].count("capture") <= 1
    assert (await shopper.flow()).stored_state is not SessionState.PROCESSING
    return ended


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda each: each.name)
async def test_of_two_who_ask_about_an_approved_payment_one_settles_it(
    merchant: Merchant, provider: FakeProvider, first: Somebody, second: Somebody
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref)
    await ask_across(payment, provider, first, second)
    ended = await how_it_ended(shopper, payment, provider)
    assert ended.state is PaymentState.CAPTURED


# Callback, reconciler and return page do the same; one of them stands for all here.
LETTING_GO: Final = [
    (one, other) for one, other in PAIRS if not {one.name, other.name} & {"the callback", "the reconciler"}
]


@pytest.mark.parametrize(("first", "second"), LETTING_GO, ids=lambda each: each.name)
async def test_of_two_one_of_whom_lets_go_of_a_payment_nobody_approved_nobody_is_charged(
    merchant: Merchant, provider: FakeProvider, first: Somebody, second: Somebody
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    await ask_across(payment, provider, first, second)
    ended = await how_it_ended(shopper, payment, provider)
    assert ended.state is PaymentState.CANCELLED


async def test_without_the_second_look_under_the_lock_both_act_on_what_they_read(
    merchant: Merchant, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: whoever waited for the session goes on with the payment as it was before."""
    _, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref)

    hold = settling.hold_payment

    async def as_it_was(read: PaymentView) -> settling.Held:
        return replace(await hold(read), payment=read)

    monkeypatch.setattr(settling, "hold_payment", as_it_was)
    with pytest.raises(LostRace):
        await ask_across(payment, provider, EVERYBODY[0], EVERYBODY[1])


async def test_two_workers_never_ask_about_one_payment_at_once(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_guest_at_provider(merchant, provider)
    there, go = asyncio.Event(), asyncio.Event()

    async def wait(call: str) -> None:
        if call == "get":
            there.set()
            await go.wait()

    provider.pause = wait
    one = asyncio.create_task(asked(payment, provider))
    async with asyncio.timeout(20):
        await there.wait()
    await asked(payment, provider)
    go.set()
    await one
    assert provider.asked.count("get") == 1


async def test_without_the_lease_both_ask(
    merchant: Merchant, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    _, payment = await a_guest_at_provider(merchant, provider)

    async def take(public_id: str, wall: object) -> PaymentView | None:
        del wall
        return await payment_by_public_id(public_id)

    monkeypatch.setattr(payments, "take", take)
    both = asyncio.Barrier(2)

    async def wait(call: str) -> None:
        if call == "get":
            await both.wait()

    provider.pause = wait
    await asyncio.gather(asked(payment, provider), asked(payment, provider))
    assert provider.asked.count("get") == 2


# --- callbacks ----------------------------------------------------------------------------------------------


async def test_a_callback_is_a_reason_to_ask_and_nothing_more(
    merchant: Merchant, provider: FakeProvider
) -> None:
    """It says that the payment is approved, and the provider's own book does not."""
    shopper, payment = await a_guest_at_provider(merchant, provider)
    for _ in range(3):
        await _calls_back(payment, provider)
    assert (await shopper.flow()).state is SessionState.PROCESSING
    assert provider.asked.count("get") == 1, "the same event three times is one reason"


async def test_a_callback_about_nothing_of_ours_is_nothing(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_guest_at_provider(merchant, provider)
    await paying.take_callback("mobilepay", Callback("evt_9", payment.provider_ref, payment.public_id))
    await paying.take_callback("card", Callback("evt_9", "card-99", None))
    await paying.take_callback("card", Callback("evt_9", None, "pay_99"))
    assert await db.fetch_value("SELECT count(*) FROM outbox WHERE kind = $1", paying.CHECK_JOB) == 0


async def test_callbacks_in_the_wrong_order_end_as_the_provider_says(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    provider.end(payment.provider_ref, Standing.FAILED, "declined")
    await _calls_back(payment, provider)
    assert (await as_it_is(payment)).state is PaymentState.FAILED
    await paying.take_callback("card", Callback("evt_0", payment.provider_ref, None))
    for job in await claim(10, 30, now=await clock.business_now()):
        if job.kind == paying.CHECK_JOB:
            await paying.look(job, doors_to(provider))
    assert (await shopper.flow()).state is SessionState.OPEN
    assert await check_books() == []


# --- two who pay one order ----------------------------------------------------------------------------------


async def at_the_page_by_link(
    merchant: Merchant, provider: FakeProvider
) -> tuple[LinkView, Shopper, PaymentView]:
    """Somebody who came by a link and is on the provider's page."""
    link = await a_link(merchant)
    shopper = await press(link)
    return link, shopper, await a_payment_in_session(shopper, provider)


async def test_by_one_link_one_at_a_time_is_at_a_provider(merchant: Merchant, provider: FakeProvider) -> None:
    link, first, payment = await at_the_page_by_link(merchant, provider)
    second = await press(link)
    await choose_paid(second)
    with pytest.raises(BeingPaid):
        await confirmed(second)
    await paying.give_up(payment.public_id, doors_to(provider))
    other = await paying.open_at_provider(await confirmed(second), doors_to(provider))
    provider.approve(other.provider_ref)
    await asked(other, provider)
    assert (await first.flow()).state is SessionState.CANCELLED
    assert (await second.flow()).state is SessionState.CONFIRMED
    assert await check_books() == []


async def test_of_two_who_press_at_once_one_goes_to_the_provider(
    merchant: Merchant, provider: FakeProvider
) -> None:
    link = await a_link(merchant)
    both = [await press(link) for _ in range(2)]
    for each in both:
        await choose_paid(each)
    results = await asyncio.gather(*(confirmed(each) for each in both), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["BeingPaid", "PaymentView"]


async def bought_by_invoice(link: LinkView) -> Shopper:
    shopper = await at_confirm_of(link)
    await shopper.confirm(ADDRESS)
    return shopper


async def test_whoever_approves_after_somebody_else_has_bought_is_not_charged(
    merchant: Merchant, provider: FakeProvider
) -> None:
    link, first, payment = await at_the_page_by_link(merchant, provider)
    await bought_by_invoice(link)
    provider.approve(payment.provider_ref)
    assert (await asked(payment, provider)).state is PaymentState.CANCELLED
    assert (await first.flow()).state is SessionState.CANCELLED
    assert provider.taken_minor() == 0
    assert await check_books() == []


async def test_once_money_is_being_taken_nobody_else_buys(merchant: Merchant, provider: FakeProvider) -> None:
    link, first, payment = await at_the_page_by_link(merchant, provider)
    provider.approve(payment.provider_ref)
    provider.cut("capture", after=True)
    assert (await asked(payment, provider)).state is PaymentState.UNKNOWN
    with pytest.raises(SessionEnded):
        await bought_by_invoice(link)
    now = await clock.business_now()
    await actions.withdraw_link(merchant.id, payment.order_public_id, actor="staff:st_1", now=now)
    assert (await asked(payment, provider)).state is PaymentState.CAPTURED
    assert (await first.flow()).state is SessionState.CONFIRMED
    assert await check_books() == []


async def test_while_somebody_is_at_the_provider_nobody_elses_credit_is_looked_at(
    merchant: Merchant, provider: FakeProvider
) -> None:
    link, first, payment = await at_the_page_by_link(merchant, provider)
    other = await to_decide_at(link)
    flow = await other.flow()
    unsure = replace(approving(flow), answer=None, register_failure="timeout")
    with pytest.raises(StepNotReached):
        await actions.decide(flow, unsure, lang="en")
    provider.approve(payment.provider_ref)
    assert (await asked(payment, provider)).state is PaymentState.CAPTURED
    assert (await first.flow()).state is SessionState.CONFIRMED
    assert await check_books() == []


async def test_without_the_claim_somebody_else_buys_what_is_being_charged(
    merchant: Merchant, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the card is charged for an order that an invoice has bought. Its money is a case."""
    link, first, payment = await at_the_page_by_link(merchant, provider)
    provider.approve(payment.provider_ref)
    provider.cut("capture", after=True)
    await asked(payment, provider)

    async def nobody(*_: object) -> bool:
        return False

    monkeypatch.setattr(confirming, "somebody_takes", nobody)
    await bought_by_invoice(link)
    assert (await asked(payment, provider)).state is PaymentState.CAPTURED
    assert (await first.flow()).state is SessionState.CANCELLED
    [case] = await money_waiting(merchant.id)
    assert (case.source, case.amount_minor) == ("card", payment.amount_minor)
    assert provider.taken_minor() == payment.amount_minor
    assert await check_books() == []


async def test_a_withdrawn_link_charges_nobody(merchant: Merchant, provider: FakeProvider) -> None:
    _, first, payment = await at_the_page_by_link(merchant, provider)
    provider.approve(payment.provider_ref)
    now = await clock.business_now()
    await actions.withdraw_link(merchant.id, payment.order_public_id, actor="staff:st_1", now=now)
    assert (await asked(payment, provider)).state is PaymentState.CANCELLED
    assert (await first.flow()).state is SessionState.CANCELLED
    assert provider.taken_minor() == 0
    assert await check_books() == []
