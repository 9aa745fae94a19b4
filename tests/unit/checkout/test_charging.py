"""A later charge with a saved method: the order is paid once, or tells why not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.checkout import actions, paying
from app.checkout.errors import CannotCharge
from app.kernel import clock, db, ids
from app.kernel.money import Money
from app.merchants.queries import Merchant, forget_kept_merchants
from app.orders import actions as orders
from app.orders.actions import Contact, Contents
from app.orders.errors import OrderLocked
from app.orders.queries import OrderView, order_for_api
from app.orders.states import OrderState
from app.payments import actions as payments
from app.payments.ports import Aggregate, NewCharge, Standing
from app.payments.queries import PaymentView, SavedMethodView, saved_method_by_id, saved_method_of_order
from app.payments.rules import Received
from app.payments.states import PaymentState
from tests.factories.checkout import a_merchant
from tests.factories.links import an_open_order
from tests.factories.payments import a_paid_order, asked, doors_to, its_lease_ends
from tests.support.providers import FakeProvider

STAFF = "staff:usr_0000000001"


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


async def a_charge_nobody_knows_the_end_of(
    merchant: Merchant, provider: FakeProvider
) -> tuple[OrderView, PaymentView]:
    """The provider took the money, and its answer was lost."""
    saved = await saved_by(merchant, provider)
    order = (await an_open_order(merchant)).public_id
    provider.cut("charge", after=True)
    unknown = await paying.open_at_provider(await charged(merchant, order, saved), doors_to(provider))
    return await the_order(merchant, order), unknown


async def test_while_a_charge_is_on_its_way_nobody_changes_or_cancels_its_order(
    merchant: Merchant, provider: FakeProvider
) -> None:
    order, unknown = await a_charge_nobody_knows_the_end_of(merchant, provider)
    now = await clock.business_now()
    with pytest.raises(OrderLocked):
        await actions.cancel_order(merchant.id, order.public_id, actor=STAFF, now=now)
    cheaper = Contents(order.reference, (replace(order.lines[0], unit_price_minor=1_00),), Contact())
    with pytest.raises(OrderLocked):
        await db.in_tx(
            lambda: orders.edit(
                merchant.id,
                order.public_id,
                cheaper,
                version=order.version,
                edit_id=ids.internal_id(),
                actor=STAFF,
                now=now,
            )
        )
    await its_lease_ends(unknown)
    assert (await asked(unknown, provider)).state is PaymentState.CAPTURED
    assert (await the_order(merchant, order.public_id)).state is OrderState.PAID


async def test_money_recorded_while_a_charge_is_on_its_way_is_asked_about_and_pays_nothing_twice(
    merchant: Merchant, provider: FakeProvider
) -> None:
    order, unknown = await a_charge_nobody_knows_the_end_of(merchant, provider)
    now = await clock.business_now()
    total = Money(order.total_minor, order.currency)
    received = Received(total, "bank", merchant.local_date(now), STAFF, "a transfer")
    recorded = await actions.record_payment(merchant, order.public_id, received, now)
    assert recorded.case is not None
    await its_lease_ends(unknown)
    assert (await asked(unknown, provider)).state is PaymentState.CAPTURED
    assert (await the_order(merchant, order.public_id)).method == "card"


class SlowProvider(FakeProvider):
    """It takes a charge, and says later what became of it, as MobilePay does."""

    async def charge(self, new: NewCharge) -> Aggregate:
        ref = f"slow-{new.reference}"
        self.book[ref] = Aggregate(ref, new.reference, Standing.PENDING, new.amount.currency, 0)
        return self.book[ref]


@pytest.mark.parametrize(
    ("standing", "ends"),
    [
        (Standing.CANCELLED, PaymentState.CANCELLED),
        (Standing.EXPIRED, PaymentState.EXPIRED),
        (Standing.FAILED, PaymentState.FAILED),
        (Standing.AUTHORISED, PaymentState.CAPTURED),
    ],
)
async def test_a_charge_that_takes_its_time_comes_to_each_of_its_ends(
    merchant: Merchant, standing: Standing, ends: PaymentState
) -> None:
    provider = SlowProvider("card")
    saved = await saved_by(merchant, provider)
    order = await the_order(merchant, (await an_open_order(merchant)).public_id)
    waiting = await charged(merchant, order.public_id, saved)
    waiting = await paying.open_at_provider(waiting, doors_to(provider))
    assert waiting.state is PaymentState.PENDING
    assert waiting.provider_ref is not None
    sum_minor = order.total_minor if standing is Standing.AUTHORISED else 0
    before = provider.book[waiting.provider_ref]
    provider.book[waiting.provider_ref] = replace(before, standing=standing, authorised_minor=sum_minor)
    assert (await asked(waiting, provider)).state is ends
    failed = await told("charge.failed", order.public_id)
    assert bool(failed) is (ends is not PaymentState.CAPTURED)
