"""Purchases that card or MobilePay pay: all of it happens or nothing, whatever the provider answers, whoever asks."""

from __future__ import annotations

import pytest

from app.checkout import paying
from app.checkout.books import check_books
from app.checkout.states import SessionState
from app.merchants.queries import Merchant, forget_kept_merchants
from app.orders.queries import order_for_api
from app.orders.states import OrderState
from app.payments.states import PaymentState
from tests.factories.checkout import a_merchant
from tests.factories.payments import a_guest_at_provider, asked, doors_to
from tests.support.providers import FakeProvider

PRICE = 12_900


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await a_merchant()


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("card")


async def test_a_guest_pays_by_card(merchant: Merchant, provider: FakeProvider) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    assert payment.state is PaymentState.PENDING
    assert payment.url == "https://provider.example/card-1"
    assert (await shopper.flow()).state is SessionState.PROCESSING
    provider.approve(payment.provider_ref)
    settled = await asked(payment, provider)
    assert settled.state is PaymentState.CAPTURED
    assert (await shopper.flow()).state is SessionState.CONFIRMED
    order = await order_for_api(merchant.id, payment.order_public_id)
    assert order is not None
    assert order.state is OrderState.PAID
    assert order.contact.email == "aino@example.test"
    assert provider.taken_minor() == PRICE
    assert await check_books() == []


async def test_giving_up_opens_the_session_again(merchant: Merchant, provider: FakeProvider) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    ended = await paying.give_up(payment.public_id, doors_to(provider))
    assert ended is not None
    assert ended.state is PaymentState.CANCELLED
    assert (await shopper.flow()).state is SessionState.OPEN
    assert provider.taken_minor() == 0
    assert await check_books() == []
