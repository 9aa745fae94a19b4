"""Money that a provider took too late, or would not give back: it stands in the books as nobody's, and a case asks."""

from __future__ import annotations

import pytest

from app.cases.money import MoneyCaseView, money_case_by_public_id, money_waiting
from app.cases.states import CaseState
from app.checkout import actions, giving_back
from app.checkout.books import check_books
from app.checkout.errors import CannotKeepFor
from app.checkout.states import SessionState
from app.kernel import clock, db
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.merchants.queries import Merchant, forget_kept_merchants
from app.payments.queries import PaymentView, refundings_of_payment
from app.payments.states import PaymentState, RefundingState
from tests.factories.checkout import Shopper, a_merchant
from tests.factories.invoices import drawn
from tests.factories.links import an_open_order
from tests.factories.payments import (
    a_guest_at_provider,
    a_paid_order,
    a_payment_in_session,
    asked,
    doors_to,
)
from tests.factories.returns import refunded
from tests.factories.wallets import switched
from tests.factories.wallets_in_flow import aino_identified, in_wallet, money_of_aino
from tests.support.providers import FakeProvider

PRICE = 12_900
WALLET = 2_900
STAFF = "staff:st_1"


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await switched(await a_merchant())


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("card")


async def late_money(
    merchant: Merchant, provider: FakeProvider
) -> tuple[Shopper, PaymentView, MoneyCaseView]:
    """The card was charged, its answer was lost, and the wallet's part came free before anybody knew."""
    customer = await money_of_aino(merchant, 5_000)
    shopper = await aino_identified(merchant)
    payment = await a_payment_in_session(shopper, provider, WALLET)
    provider.approve(payment.provider_ref)
    provider.cut("capture", after=True)
    await asked(payment, provider)
    flow = await shopper.flow()
    aside = flow.aside
    assert aside is not None
    await db.in_tx(lambda: ledger.release(merchant.id, aside.id, actor="test", now=flow.now))
    payment = await asked(payment, provider)
    assert (await in_wallet(merchant, customer)).total == 5_000
    [case] = await money_waiting(merchant.id)
    return shopper, payment, case


async def given_back(payment: PaymentView, provider: FakeProvider) -> RefundingState:
    """The worker comes by."""
    for refund in await refundings_of_payment(payment.merchant_id, payment.id):
        await giving_back.give_back(refund.public_id, doors_to(provider))
    [refund] = await refundings_of_payment(payment.merchant_id, payment.id)
    return refund.state


async def test_money_that_comes_too_late_is_a_case_and_the_session_goes_on(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment, case = await late_money(merchant, provider)
    assert (payment.state, payment.is_taking) == (PaymentState.CAPTURED, False)
    assert (case.kind, case.source, case.amount_minor) == ("late_payment", "card", PRICE - WALLET)
    assert case.order_public_id == payment.order_public_id
    flow = await shopper.flow()
    assert (flow.state, flow.payment_failure) == (SessionState.OPEN, "hold_ended")
    assert await check_books() == []


async def test_it_goes_back_through_its_provider(merchant: Merchant, provider: FakeProvider) -> None:
    _, payment, case = await late_money(merchant, provider)
    await actions.return_money(merchant, case.public_id, "came too late", STAFF, await clock.business_now())
    assert await check_books() == []
    assert await given_back(payment, provider) is RefundingState.DONE
    assert provider.taken_minor() == 0
    answered = await money_case_by_public_id(merchant.id, case.public_id)
    assert answered is not None
    assert answered.state is CaseState.RETURNED
    assert await check_books() == []


async def test_money_in_another_currency_is_a_case_in_that_currency_and_goes_back(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref, Money(PRICE, "SEK"))
    provider.captured(payment.provider_ref, PRICE)
    ended = await asked(payment, provider)
    assert (ended.state, ended.failure, ended.is_taking) == (PaymentState.CAPTURED, "mismatch", False)
    [case] = await money_waiting(merchant.id)
    assert (case.amount_minor, case.currency) == (PRICE, "SEK")
    assert (await shopper.flow()).state is SessionState.OPEN
    assert await check_books() == []
    await actions.return_money(merchant, case.public_id, "in kronor", STAFF, await clock.business_now())
    assert await given_back(payment, provider) is RefundingState.DONE
    assert provider.taken_minor() == 0
    assert await check_books() == []


async def test_it_pays_no_order_that_waits_for_its_own_payment(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, _, case = await late_money(merchant, provider)
    order = await an_open_order(merchant)
    with pytest.raises(CannotKeepFor) as refused:
        await actions.keep_money(
            merchant, case.public_id, order.public_id, "his", STAFF, await clock.business_now()
        )
    assert refused.value.reason == "provider"


async def test_it_can_be_kept_for_an_order_that_has_ended(merchant: Merchant, provider: FakeProvider) -> None:
    shopper, payment, case = await late_money(merchant, provider)
    now = await clock.business_now()
    await actions.cancel_session(merchant.id, shopper.session, actor="merchant", now=now)
    await actions.keep_money(merchant, case.public_id, payment.order_public_id, "a fee", STAFF, now)
    assert provider.taken_minor() == PRICE - WALLET
    assert await check_books() == []


# --- a refund that does not go through ----------------------------------------------------------------------


async def a_refund(merchant: Merchant, provider: FakeProvider, sum_minor: int = 5_000) -> PaymentView:
    """Of an order that a card has paid."""
    order, payment = await a_paid_order(merchant, provider)
    await drawn(merchant, order)
    await refunded(merchant, order, sum_minor)
    return payment


async def test_a_refund_goes_back_through_the_provider(merchant: Merchant, provider: FakeProvider) -> None:
    payment = await a_refund(merchant, provider)
    assert await check_books() == []
    assert await given_back(payment, provider) is RefundingState.DONE
    assert provider.taken_minor() == PRICE - 5_000
    assert await check_books() == []


@pytest.mark.parametrize("after", [False, True])
async def test_a_refund_whose_answer_is_lost_is_asked_for_again_and_made_once(
    merchant: Merchant, provider: FakeProvider, *, after: bool
) -> None:
    payment = await a_refund(merchant, provider)
    provider.cut("refund", after=after)
    assert await given_back(payment, provider) is RefundingState.UNKNOWN
    assert await given_back(payment, provider) is RefundingState.DONE
    assert provider.taken_minor() == PRICE - 5_000
    assert await check_books() == []


async def test_a_refund_that_takes_its_time_is_looked_after(
    merchant: Merchant, provider: FakeProvider
) -> None:
    provider.refunds_done = False
    payment = await a_refund(merchant, provider)
    assert await given_back(payment, provider) is RefundingState.UNDERWAY
    assert await given_back(payment, provider) is RefundingState.UNDERWAY
    provider.refunded(payment.provider_ref, 5_000)
    assert await given_back(payment, provider) is RefundingState.DONE
    assert provider.asked.count("refund") == 1
    assert await check_books() == []


async def test_a_refund_that_the_provider_refuses_for_good_is_a_case(
    merchant: Merchant, provider: FakeProvider
) -> None:
    payment = await a_refund(merchant, provider)
    provider.refuse("refund", "card_closed")
    assert await given_back(payment, provider) is RefundingState.REFUSED
    assert await check_books() == []
    [case] = await money_waiting(merchant.id)
    assert (case.kind, case.amount_minor) == ("refund_refused", 5_000)
    await actions.return_money(merchant, case.public_id, "by bank", STAFF, await clock.business_now())
    assert len(await refundings_of_payment(merchant.id, payment.id)) == 1
    assert await check_books() == []


async def test_what_the_wallet_paid_comes_back_to_it_and_the_rest_to_the_card(
    merchant: Merchant, provider: FakeProvider
) -> None:
    customer = await money_of_aino(merchant, WALLET)
    shopper = await aino_identified(merchant)
    payment = await a_payment_in_session(shopper, provider, WALLET)
    provider.approve(payment.provider_ref)
    await asked(payment, provider)
    await drawn(merchant, payment.order_public_id)
    await refunded(merchant, payment.order_public_id)
    assert await given_back(payment, provider) is RefundingState.DONE
    assert (await in_wallet(merchant, customer)).total == WALLET
    assert provider.taken_minor() == 0
    assert await check_books() == []


async def test_a_refund_into_the_wallet_leaves_the_card_alone(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper = await aino_identified(merchant)
    payment = await a_payment_in_session(shopper, provider)
    provider.approve(payment.provider_ref)
    await asked(payment, provider)
    await drawn(merchant, payment.order_public_id)
    await refunded(merchant, payment.order_public_id, to="wallet")
    assert await refundings_of_payment(merchant.id, payment.id) == ()
    assert provider.taken_minor() == PRICE
    assert await check_books() == []
