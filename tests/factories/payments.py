"""Purchases that a provider takes the money for, and each step of them, as a test would say them."""

from __future__ import annotations

from app.checkout import actions, paying, shown
from app.checkout.actions import Details
from app.checkout.assessing import Press
from app.checkout.paying import PaymentDoors
from app.checkout.queries import Flow
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.orders.rules import Line
from app.payments.ports import PaymentProvider
from app.payments.queries import PaymentView, payment_by_public_id
from app.plans.quote import PaidMethod, beside_wallet, paid_quote
from tests.factories.checkout import Shopper, a_session
from tests.support.providers import FakeProvider

GUEST = Details(name="Aino Virta", email="aino@example.test")
BASE_URL = "http://localhost:9"


def doors_to(*providers: PaymentProvider) -> PaymentDoors:
    """What a process has that reaches these providers."""
    return PaymentDoors({each.method: each for each in providers}, BASE_URL)


async def choose_paid(shopper: Shopper, method: PaidMethod = "card", wallet_minor: int = 0) -> Flow:
    """Card or MobilePay pays the price, or what the wallet leaves of it."""
    flow = await shopper.flow()
    quote = paid_quote(
        method,
        flow.total_minor - wallet_minor,
        flow.currency,
        flow.merchant.country,
        flow.merchant.local_date(flow.now),
        merchant=flow.merchant.public_id,
    )
    if wallet_minor:
        quote = beside_wallet(quote, wallet_minor)
    return await actions.choose_plan(flow, quote, shopper.browser, clock.wall())


async def confirmed(
    shopper: Shopper, *, is_saving: bool = False, details: Details = GUEST, press: Press | None = None
) -> PaymentView:
    """The shopper pressed "Confirm purchase"; the provider has not heard of it yet."""
    return await actions.start_payment(
        shopper.session,
        shopper.browser,
        shown.sign(await shopper.flow()),
        details,
        lang="en",
        wall=clock.wall(),
        is_saving=is_saving,
        press=press or Press(),
    )


async def a_payment_in_session(
    shopper: Shopper, provider: FakeProvider, wallet_minor: int = 0, *, is_saving: bool = False
) -> PaymentView:
    """This shopper on the provider's page."""
    await choose_paid(shopper, provider.method, wallet_minor)
    return await paying.open_at_provider(await confirmed(shopper, is_saving=is_saving), doors_to(provider))


async def a_guest_at_provider(
    merchant: Merchant, provider: FakeProvider, *lines: Line, is_saving: bool = False
) -> tuple[Shopper, PaymentView]:
    """Somebody whom nobody knows, on the provider's page."""
    shopper = Shopper.at(await a_session(merchant, *lines))
    return shopper, await a_payment_in_session(shopper, provider, is_saving=is_saving)


async def a_paid_order(
    merchant: Merchant, provider: FakeProvider, *lines: Line, is_saving: bool = False
) -> tuple[str, PaymentView]:
    """An order that a guest has paid through the provider: its public id, and the payment."""
    _, payment = await a_guest_at_provider(merchant, provider, *lines, is_saving=is_saving)
    provider.approve(payment.provider_ref)
    settled = await asked(payment, provider)
    return settled.order_public_id, settled


async def asked(payment: PaymentView, provider: PaymentProvider) -> PaymentView:
    """Somebody looks: the payment as it is then."""
    found = await paying.check(payment.public_id, doors_to(provider))
    assert found is not None
    return found


async def as_it_is(payment: PaymentView) -> PaymentView:
    found = await payment_by_public_id(payment.public_id)
    assert found is not None
    return found


async def its_lease_ends(payment: PaymentView) -> None:
    """Whoever held the payment died, and enough time has passed."""
    await db.execute_alone("UPDATE payments SET leased_until = NULL WHERE public_id = $1", payment.public_id)
