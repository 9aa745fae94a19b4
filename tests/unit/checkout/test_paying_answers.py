"""What a look at a payment answers is not read again: it is the row to the last column. And while money is frozen,
a look takes none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.checkout import paying
from app.kernel import clock, db
from app.ledger import actions as ledger
from app.merchants.queries import Merchant, forget_kept_merchants
from app.payments import actions as payments
from app.payments.ports import Standing
from app.payments.states import PaymentState
from tests.factories.checkout import Shopper, a_merchant, a_session
from tests.factories.payments import (
    a_guest_at_provider,
    as_it_is,
    asked,
    choose_paid,
    confirmed,
    doors_to,
)
from tests.support.providers import FakeProvider

Ref = str | None


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await a_merchant()


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("card")


async def test_what_is_written_down_and_opened_is_answered_as_it_stands(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper = Shopper.at(await a_session(merchant))
    await choose_paid(shopper)
    written = await confirmed(shopper)
    assert written == await as_it_is(written)
    opened = await paying.open_at_provider(written, doors_to(provider))
    assert opened.url is not None
    assert opened == await as_it_is(opened)


Happening = Callable[[FakeProvider, Ref], object]
HAPPENINGS: dict[str, tuple[Happening, PaymentState]] = {
    "nothing yet": (lambda _provider, _ref: None, PaymentState.PENDING),
    "approved": (lambda provider, ref: provider.approve(ref), PaymentState.CAPTURED),
    "declined": (lambda provider, ref: provider.end(ref, Standing.FAILED, "declined"), PaymentState.FAILED),
    "run out": (lambda provider, ref: provider.end(ref, Standing.EXPIRED), PaymentState.EXPIRED),
    "another sum": (lambda provider, ref: provider.captured(ref, 100), PaymentState.CAPTURED),
}


@pytest.mark.parametrize("happening", HAPPENINGS)
async def test_a_look_answers_the_payment_as_it_stands(
    merchant: Merchant, provider: FakeProvider, happening: str
) -> None:
    happens, state = HAPPENINGS[happening]
    _, payment = await a_guest_at_provider(merchant, provider, is_saving=True)
    happens(provider, payment.provider_ref)
    seen = await asked(payment, provider)
    assert seen.state is state
    assert seen == await as_it_is(payment)


async def test_a_look_after_a_lost_answer_answers_the_payment_as_it_stands(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref)
    provider.cut("capture", after=True)
    assert await asked(payment, provider) == await as_it_is(payment)
    assert (await asked(payment, provider)).state is PaymentState.CAPTURED
    assert await asked(payment, provider) == await as_it_is(payment)


async def test_giving_up_answers_the_payment_as_it_stands(merchant: Merchant, provider: FakeProvider) -> None:
    _, payment = await a_guest_at_provider(merchant, provider)
    ended = await paying.give_up(payment.public_id, doors_to(provider))
    assert ended is not None
    assert ended.state is PaymentState.CANCELLED
    assert ended == await as_it_is(payment)


async def test_while_money_is_frozen_what_is_authorised_is_not_taken(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref)
    await ledger.freeze_now("a test", clock.wall())
    waiting = await asked(payment, provider)
    assert (waiting.state, provider.taken_minor()) == (PaymentState.AUTHORISED, 0)
    assert waiting == await as_it_is(payment)
    await ledger.unfreeze_now("it was a test", clock.wall())
    assert (await asked(payment, provider)).state is PaymentState.CAPTURED
    assert provider.taken_minor() == payment.amount_minor


async def test_to_take_the_lease_nobody_waits_for_the_disk(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_guest_at_provider(merchant, provider)

    async def taken() -> object:
        # As in production; the databases of tests wait for no disk at all.
        await db.execute("SET LOCAL synchronous_commit = on")
        assert await payments.take(payment.public_id, clock.wall()) is not None
        return await db.fetch_value("SHOW synchronous_commit")

    assert await db.in_tx(taken) == "off"
