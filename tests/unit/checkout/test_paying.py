"""Purchases that card or MobilePay pay: all of it happens or nothing, whatever the provider answers, whoever asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from app.checkout import actions, paying, shown
from app.checkout.actions import Details
from app.checkout.books import check_books
from app.checkout.errors import DetailsMissing, SessionEnded, ShownTotalChanged, StepNotReached
from app.checkout.queries import Flow
from app.checkout.states import SessionState
from app.kernel import clock, db
from app.kernel.jobs import Now
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger.errors import MoneyFrozen
from app.merchants.queries import Merchant, forget_kept_merchants
from app.orders import actions as orders
from app.orders.actions import Contact, Contents
from app.orders.errors import OrderLocked
from app.orders.queries import OrderView, order_for_api
from app.orders.states import OrderState
from app.payments.ports import Standing
from app.payments.queries import PaymentView, payments_of_order
from app.payments.states import PaymentState
from tests.factories.checkout import Shopper, a_line, a_merchant, a_session, an_identity
from tests.factories.payments import (
    GUEST,
    a_guest_at_provider,
    a_paid_order,
    a_payment_in_session,
    as_it_is,
    asked,
    choose_paid,
    confirmed,
    doors_to,
)
from tests.factories.wallets import switched
from tests.factories.wallets_in_flow import aino_identified, in_wallet, money_of_aino
from tests.support.providers import FakeProvider

PRICE = 12_900
WALLET = 2_900


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await switched(await a_merchant())


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("card")


async def the_order(payment: PaymentView) -> OrderView:
    order = await order_for_api(payment.merchant_id, payment.order_public_id)
    assert order is not None
    return order


async def later(by: timedelta) -> None:
    """Business time, for everybody."""
    await db.in_tx(lambda: clock.set_offset_s(round(by.total_seconds())))


async def balance_of(merchant_id: UUID, address: str) -> int:
    found = await db.fetch_value(
        "SELECT balance_minor FROM ledger_accounts WHERE merchant_id = $1 AND address = $2",
        merchant_id,
        address,
    )
    return int(found or 0)


# --- it is paid ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["card", "mobilepay"])
async def test_a_guest_pays(merchant: Merchant, method: str) -> None:
    provider = FakeProvider("card" if method == "card" else "mobilepay")
    shopper, payment = await a_guest_at_provider(merchant, provider)
    assert payment.state is PaymentState.PENDING
    assert payment.url == f"https://provider.example/{method}-1"
    assert (await shopper.flow()).state is SessionState.PROCESSING
    provider.approve(payment.provider_ref)
    settled = await asked(payment, provider)
    assert settled.state is PaymentState.CAPTURED
    assert (settled.url, settled.contact) == (None, None)
    assert (await shopper.flow()).state is SessionState.CONFIRMED
    order = await the_order(payment)
    assert (order.state, order.contact.email) == (OrderState.PAID, "aino@example.test")
    assert order.customer_public_id is None
    assert provider.taken_minor() == PRICE
    assert await balance_of(merchant.id, "operator:psp") == PRICE
    assert await check_books() == []


async def test_what_the_shop_is_told_names_the_method_and_what_the_provider_took(
    merchant: Merchant, provider: FakeProvider
) -> None:
    order, _ = await a_paid_order(merchant, provider)
    data = await db.fetch_value(
        "SELECT data FROM events WHERE type = 'order.paid' AND data->>'order_id' = $1", order
    )
    assert (data["method"], data["paid_minor"], data["wallet_minor"]) == ("card", PRICE, 0)


async def test_the_wallet_pays_a_part_and_the_card_the_rest(
    merchant: Merchant, provider: FakeProvider
) -> None:
    customer = await money_of_aino(merchant, 5_000)
    shopper = await aino_identified(merchant)
    payment = await a_payment_in_session(shopper, provider, WALLET)
    assert payment.amount_minor == PRICE - WALLET
    assert (await in_wallet(merchant, customer)).held == WALLET
    provider.approve(payment.provider_ref)
    await asked(payment, provider)
    balance = await in_wallet(merchant, customer)
    assert (balance.total, balance.held) == (5_000 - WALLET, 0)
    assert (await the_order(payment)).customer_public_id == customer
    assert provider.taken_minor() == PRICE - WALLET
    assert await check_books() == []


async def test_somebody_identified_stays_the_customer_of_what_their_card_pays(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper = await aino_identified(merchant)
    payment = await a_payment_in_session(shopper, provider)
    provider.approve(payment.provider_ref)
    await asked(payment, provider)
    assert (await the_order(payment)).customer_public_id is not None
    assert await check_books() == []


async def test_pressing_twice_leads_to_one_payment(merchant: Merchant, provider: FakeProvider) -> None:
    shopper = Shopper.at(await a_session(merchant))
    await choose_paid(shopper)
    field = shown.sign(await shopper.flow())

    async def press() -> PaymentView:
        details = Details(name="Aino Virta", email="aino@example.test")
        return await actions.start_payment(
            shopper.session, shopper.browser, field, details, lang="en", wall=clock.wall()
        )

    first, second = await press(), await press()
    assert first.public_id == second.public_id
    await paying.open_at_provider(first, doors_to(provider))
    await paying.open_at_provider(await as_it_is(second), doors_to(provider))
    assert provider.asked == ["create"]


async def test_what_a_session_saves_is_kept_sealed(merchant: Merchant, provider: FakeProvider) -> None:
    _, payment = await a_paid_order(merchant, provider, is_saving=True)
    assert payment.saved_method_id is not None
    sealed = await db.fetch_value("SELECT sealed FROM saved_methods WHERE id = $1", payment.saved_method_id)
    assert b"token-1" not in sealed


# --- it is refused before it begins -------------------------------------------------------------------------


async def test_a_guest_says_where_the_receipt_goes(merchant: Merchant) -> None:
    shopper = Shopper.at(await a_session(merchant, email=None))
    await choose_paid(shopper)
    field = shown.sign(await shopper.flow())
    with pytest.raises(DetailsMissing) as missing:
        await actions.start_payment(
            shopper.session, shopper.browser, field, Details(), lang="en", wall=clock.wall()
        )
    assert missing.value.fields == {"name", "email"}


async def test_a_part_from_the_wallet_needs_somebody_whose_wallet_it_is(merchant: Merchant) -> None:
    shopper = Shopper.at(await a_session(merchant))
    await choose_paid(shopper, "card", WALLET)
    with pytest.raises(StepNotReached):
        await confirmed(shopper)


async def test_what_was_not_shown_is_not_paid(merchant: Merchant) -> None:
    shopper = Shopper.at(await a_session(merchant))
    await choose_paid(shopper)
    with pytest.raises(ShownTotalChanged):
        await actions.start_payment(
            shopper.session, shopper.browser, "forged", Details(), lang="en", wall=clock.wall()
        )


async def test_nothing_is_lent_on_a_card(merchant: Merchant) -> None:
    """And what a provider takes is confirmed by no other verb."""
    shopper = await aino_identified(merchant)
    await choose_paid(shopper)
    with pytest.raises(StepNotReached):
        await shopper.confirm()


async def test_while_money_is_frozen_nobody_is_sent_to_a_provider(merchant: Merchant) -> None:
    shopper = Shopper.at(await a_session(merchant))
    await choose_paid(shopper)
    await ledger.freeze_now("a test", clock.wall())
    with pytest.raises(MoneyFrozen):
        await confirmed(shopper)
    assert (await shopper.flow()).state is SessionState.OPEN


async def test_the_shop_changes_nothing_while_a_provider_is_asked_for_the_price(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    now = await clock.business_now()
    order = await the_order(payment)
    contents = Contents(order.reference, (a_line(price="1.00"),), Contact(), None)

    async def edit() -> object:
        return await orders.edit(
            merchant.id,
            order.public_id,
            contents,
            version=order.version,
            edit_id=order.id,
            actor="staff:st_1",
            now=now,
        )

    with pytest.raises(OrderLocked):
        await db.in_tx(edit)
    with pytest.raises(OrderLocked):
        await actions.cancel_order(merchant.id, order.public_id, actor="merchant", now=now)
    assert not await actions.cancel_session(merchant.id, shopper.session, actor="merchant", now=now)


# --- it comes to nothing ------------------------------------------------------------------------------------


async def opened_again(shopper: Shopper) -> Flow:
    flow = await shopper.flow()
    assert flow.state is SessionState.OPEN
    assert flow.order_state is OrderState.IN_PAYMENT
    return flow


async def test_giving_up_opens_the_session_again(merchant: Merchant, provider: FakeProvider) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    ended = await paying.give_up(payment.public_id, doors_to(provider))
    assert ended is not None
    assert ended.state is PaymentState.CANCELLED
    assert (await opened_again(shopper)).payment_failure == "cancelled"
    assert provider.taken_minor() == 0
    assert await check_books() == []


async def test_whoever_gives_up_after_approving_has_paid(merchant: Merchant, provider: FakeProvider) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref)
    await paying.give_up(payment.public_id, doors_to(provider))
    assert (await shopper.flow()).state is SessionState.CONFIRMED
    assert await check_books() == []


@pytest.mark.parametrize(
    ("standing", "failure", "said"),
    [
        (Standing.FAILED, "declined", "declined"),
        (Standing.FAILED, "insufficient_funds", "insufficient_funds"),
        (Standing.CANCELLED, None, "cancelled"),
        (Standing.EXPIRED, None, "expired"),
    ],
)
async def test_a_payment_that_ends_there_opens_the_session_again_and_says_why(
    merchant: Merchant, provider: FakeProvider, standing: Standing, failure: str | None, said: str
) -> None:
    customer = await money_of_aino(merchant, 5_000)
    shopper = await aino_identified(merchant)
    payment = await a_payment_in_session(shopper, provider, WALLET)
    provider.end(payment.provider_ref, standing, failure)
    await asked(payment, provider)
    assert (await opened_again(shopper)).payment_failure == said
    assert (await in_wallet(merchant, customer)).held == 0
    assert await check_books() == []


async def test_after_a_refusal_the_same_session_is_paid_in_another_try(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    provider.end(payment.provider_ref, Standing.FAILED, "declined")
    await asked(payment, provider)
    again = await paying.open_at_provider(await confirmed(shopper), doors_to(provider))
    assert (await shopper.flow()).payment_failure is None
    provider.approve(again.provider_ref)
    await asked(again, provider)
    assert (await shopper.flow()).state is SessionState.CONFIRMED
    states = [each.state for each in await payments_of_order(merchant.id, payment.order_id)]
    assert states == [PaymentState.FAILED, PaymentState.CAPTURED]
    assert await check_books() == []


async def test_a_provider_that_will_not_open_it_fails_it(merchant: Merchant, provider: FakeProvider) -> None:
    provider.refuse("create")
    shopper, payment = await a_guest_at_provider(merchant, provider)
    assert payment.state is PaymentState.FAILED
    assert (await opened_again(shopper)).payment_failure == "provider_error"
    assert await check_books() == []


async def test_what_the_provider_will_not_let_us_take_is_let_go_of(
    merchant: Merchant, provider: FakeProvider
) -> None:
    customer = await money_of_aino(merchant, 5_000)
    shopper = await aino_identified(merchant)
    payment = await a_payment_in_session(shopper, provider, WALLET)
    provider.approve(payment.provider_ref)
    provider.refuse("capture", "not_now")
    ended = await asked(payment, provider)
    assert (ended.state, ended.failure) == (PaymentState.CANCELLED, "not_taken")
    assert (await opened_again(shopper)).payment_failure == "not_taken"
    assert (await in_wallet(merchant, customer)).held == 0
    assert provider.taken_minor() == 0
    assert await check_books() == []


async def test_a_session_past_its_time_ends_once_the_provider_has_let_go(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    await later(timedelta(days=2))
    now = await clock.business_now()
    assert await actions.expire_due(now) == 0
    assert (await shopper.flow()).state is SessionState.PROCESSING
    provider.cut("cancel", after=False)
    assert await paying.reconcile_due(Now(now, clock.wall())) == 1
    await asked(payment, provider)
    assert (await shopper.flow()).state is SessionState.PROCESSING
    await asked(payment, provider)
    assert (await shopper.flow()).state is SessionState.EXPIRED
    assert (await the_order(payment)).state is OrderState.EXPIRED
    assert await check_books() == []


async def test_whoever_approved_before_anybody_asked_has_bought_also_past_the_time(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref)
    await later(timedelta(days=2))
    await asked(payment, provider)
    assert (await shopper.flow()).state is SessionState.CONFIRMED
    assert await check_books() == []


# --- something else than ours -------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [Money(PRICE - 1, "EUR"), Money(PRICE, "SEK")])
async def test_another_sum_or_currency_never_pays(
    merchant: Merchant, provider: FakeProvider, other: Money
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref, other)
    ended = await asked(payment, provider)
    assert (ended.state, ended.failure) == (PaymentState.CANCELLED, "mismatch")
    assert (await opened_again(shopper)).payment_failure == "mismatch"
    told = await db.fetch_value("SELECT count(*) FROM audit_log WHERE action = 'payment.mismatch'")
    assert told == 1
    assert await check_books() == []


async def test_a_wallet_whose_part_came_free_leaves_the_card_uncharged(
    merchant: Merchant, provider: FakeProvider
) -> None:
    customer = await money_of_aino(merchant, 5_000)
    shopper = await aino_identified(merchant)
    payment = await a_payment_in_session(shopper, provider, WALLET)
    provider.approve(payment.provider_ref)
    await ledger_lets_go(shopper)
    ended = await asked(payment, provider)
    assert (ended.state, ended.failure) == (PaymentState.CANCELLED, "hold_ended")
    assert (await in_wallet(merchant, customer)).total == 5_000
    assert provider.taken_minor() == 0
    assert await check_books() == []


async def ledger_lets_go(shopper: Shopper) -> None:
    flow = await shopper.flow()
    aside = flow.aside
    assert aside is not None
    await db.in_tx(lambda: ledger.release(flow.merchant.id, aside.id, actor="test", now=flow.now))


async def test_the_wallets_part_waits_for_as_long_as_the_payment_does(
    merchant: Merchant, provider: FakeProvider
) -> None:
    await money_of_aino(merchant, 5_000)
    shopper = await aino_identified(merchant)
    await choose_paid(shopper, "card", WALLET)
    await confirmed(shopper)
    flow = await shopper.flow()
    assert flow.aside is not None
    assert flow.aside.expires_at > flow.expires_at
    await later(timedelta(hours=2))
    assert await ledger.expire_holds(await clock.business_now(), 10) == 0
    del provider


# --- guests -------------------------------------------------------------------------------------------------


async def test_what_another_browser_told_is_nobody_elses(merchant: Merchant, provider: FakeProvider) -> None:
    """Somebody opened the link in another browser: they pay as themselves, and see nothing of the first one."""
    first = Shopper.at(await a_session(merchant))
    await choose_paid(first)
    second = Shopper.at(first.session)
    payment = await paying.open_at_provider(await confirmed(second), doors_to(provider))
    assert payment.contact is not None
    assert payment.contact["phone"] is None
    assert (await second.flow()).ours
    assert not (await first.flow()).ours


async def test_what_a_guest_typed_is_theirs_in_whichever_browser_it_was(
    merchant: Merchant, provider: FakeProvider
) -> None:
    """The second one pays in another browser: their own words come back to them, those of the first one to nobody."""
    first = Shopper.at(await a_session(merchant, email=None))
    payment = await a_payment_in_session(first, provider)
    provider.end(payment.provider_ref, Standing.FAILED, "declined")
    await asked(payment, provider)
    assert (await first.flow()).passed.name == GUEST.name
    second = Shopper.at(first.session)
    assert (await second.flow()).passed == Contact()
    await choose_paid(second)
    own = replace(GUEST, name="Onni Mets", email=None, city="Oulu")
    with pytest.raises(DetailsMissing):
        await confirmed(second, details=own)
    payment = await confirmed(second, details=replace(own, email="onni@example.test"))
    assert (await second.flow()).passed == Contact("Onni Mets", "onni@example.test", city="Oulu")
    assert (await first.flow()).passed == Contact()


async def test_a_session_that_is_somebody_elses_takes_no_card(merchant: Merchant) -> None:
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.return_from_bank(an_identity())
    await choose_paid(shopper)
    stranger = Shopper.at(shopper.session)
    with pytest.raises(StepNotReached):
        await confirmed(stranger)


async def test_an_ended_session_starts_no_payment(merchant: Merchant) -> None:
    shopper = Shopper.at(await a_session(merchant))
    await choose_paid(shopper)
    now = await clock.business_now()
    await actions.cancel_session(merchant.id, shopper.session, actor="merchant", now=now)
    with pytest.raises(SessionEnded):
        await confirmed(shopper)
