"""A later charge with a saved method: the order is paid once, or tells why not."""

from __future__ import annotations

import pytest

from app.checkout import actions, paying
from app.checkout.errors import CannotCharge
from app.kernel import clock, db
from app.merchants.queries import Merchant, forget_kept_merchants
from app.orders.queries import OrderView, order_for_api
from app.orders.states import OrderState
from app.payments import actions as payments
from app.payments.queries import PaymentView, SavedMethodView, saved_method_by_id, saved_method_of_order
from app.payments.states import PaymentState
from tests.factories.checkout import a_merchant
from tests.factories.links import an_open_order
from tests.factories.payments import a_paid_order, asked, doors_to, its_lease_ends
from tests.support.providers import FakeProvider


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await a_merchant()


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("card")


async def saved_by(merchant: Merchant, provider: FakeProvider) -> SavedMethodView:
    """What the first payment has saved."""
    _, payment = await a_paid_order(merchant, provider, is_saving=True)
    saved = await saved_method_of_order(merchant.id, payment.order_id)
    assert saved is not None
    return saved


async def the_order(merchant: Merchant, public_id: str) -> OrderView:
    order = await order_for_api(merchant.id, public_id)
    assert order is not None
    return order


async def charged(merchant: Merchant, order: str, saved: SavedMethodView) -> PaymentView:
    now = await clock.business_now()
    return await db.in_tx(
        lambda: actions.start_charge(
            merchant, order, saved, lang="fi", actor="clock", now=now, wall=clock.wall()
        )
    )


async def told(event: str, order: str) -> list[dict[str, object]]:
    rows = await db.fetch_all(
        "SELECT data FROM events WHERE type = $1 AND data->>'order_id' = $2", event, order
    )
    return [row["data"] for row in rows]


async def test_a_saved_card_pays_an_order_without_its_shopper(
    merchant: Merchant, provider: FakeProvider
) -> None:
    saved = await saved_by(merchant, provider)
    assert (saved.label, saved.expires_on) == ("Visa 4242", "2031-07")
    order = (await an_open_order(merchant)).public_id
    payment = await paying.open_at_provider(await charged(merchant, order, saved), doors_to(provider))
    assert payment.state is PaymentState.CAPTURED
    paid = await the_order(merchant, order)
    assert paid.state is OrderState.PAID
    [event] = await told("order.paid", order)
    assert (event["method"], event["paid_minor"]) == ("card", paid.total_minor)


async def test_a_charge_that_is_refused_tells_why_and_leaves_the_order_for_another_try(
    merchant: Merchant, provider: FakeProvider
) -> None:
    saved = await saved_by(merchant, provider)
    order = (await an_open_order(merchant)).public_id
    provider.charges_fail_with = "insufficient_funds"
    failed = await paying.open_at_provider(await charged(merchant, order, saved), doors_to(provider))
    assert failed.state is PaymentState.FAILED
    [event] = await told("charge.failed", order)
    assert (event["payment_id"], event["failure"]) == (failed.public_id, "insufficient_funds")
    provider.charges_fail_with = None
    again = await paying.open_at_provider(await charged(merchant, order, saved), doors_to(provider))
    assert again.state is PaymentState.CAPTURED


@pytest.mark.parametrize("after", [False, True])
async def test_a_charge_whose_answer_is_lost_is_unknown_and_never_made_twice(
    merchant: Merchant, provider: FakeProvider, *, after: bool
) -> None:
    saved = await saved_by(merchant, provider)
    order = (await an_open_order(merchant)).public_id
    provider.cut("charge", after=after)
    unknown = await paying.open_at_provider(await charged(merchant, order, saved), doors_to(provider))
    assert unknown.state is PaymentState.UNKNOWN
    now = await clock.business_now()
    assert not await db.in_tx(lambda: payments.forget_method(merchant.id, saved.id, now))
    with pytest.raises(CannotCharge):
        await charged(merchant, order, saved)
    await its_lease_ends(unknown)
    assert (await asked(unknown, provider)).state is PaymentState.CAPTURED
    assert [effect for effect, _, _ in provider.effects].count("charge") == 1


async def test_what_was_forgotten_charges_nobody(merchant: Merchant, provider: FakeProvider) -> None:
    saved = await saved_by(merchant, provider)
    now = await clock.business_now()
    assert await db.in_tx(lambda: payments.forget_method(merchant.id, saved.id, now))
    forgotten = await saved_method_by_id(merchant.id, saved.id)
    assert forgotten is not None
    order = (await an_open_order(merchant)).public_id
    with pytest.raises(CannotCharge):
        await charged(merchant, order, forgotten)
