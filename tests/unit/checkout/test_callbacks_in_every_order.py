"""What a provider tells, and what the shopper does meanwhile, in every order there is: told early, late or twice, a
call of the provider's is a reason to ask, and what is bought is what was taken."""

from __future__ import annotations

from itertools import permutations
from typing import Final, Literal

import pytest

from app.checkout import paying
from app.checkout.books import check_books
from app.checkout.states import SessionState
from app.kernel import clock
from app.kernel.outbox import claim
from app.merchants.queries import Merchant, forget_kept_merchants
from app.payments.ports import Callback, Standing
from app.payments.queries import PaymentView
from tests.factories.checkout import a_merchant, nobody_has_bought_before
from tests.factories.payments import (
    a_guest_at_provider,
    asked,
    doors_to,
    its_lease_ends,
)
from tests.support.providers import FakeProvider

# "told ..." is a call of the provider's about it, whether or not it has happened by then.
Step = Literal["told authorised", "told captured", "pays", "gives up"]
STEPS: Final[tuple[Step, ...]] = ("told authorised", "told captured", "pays", "gives up")
PRICE: Final = 12_900


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await a_merchant()


async def _called(payment: PaymentView, provider: FakeProvider, about: str) -> None:
    callback = Callback(f"{about}:{payment.public_id}", payment.provider_ref, payment.public_id)
    await paying.take_callback(provider.method, callback)
    for job in await claim(10, 30, now=await clock.business_now()):
        if job.kind == paying.CHECK_JOB:
            await paying.look(job, doors_to(provider))


async def _step(step: Step, payment: PaymentView, provider: FakeProvider) -> None:
    match step:
        case "pays":
            assert payment.provider_ref is not None
            if provider.book[payment.provider_ref].standing is Standing.PENDING:
                provider.approve(payment.provider_ref)
        case "gives up":
            await paying.give_up(payment.public_id, doors_to(provider))
        case told:
            await _called(payment, provider, told)


async def _ends(payment: PaymentView, provider: FakeProvider) -> PaymentView:
    """Whatever came of it so far, somebody asks until it has an end; or the shopper stays on the provider's page."""
    for _ in range(3):
        await its_lease_ends(payment)
        payment = await asked(payment, provider)
    return payment


async def test_whatever_comes_in_whichever_order_what_is_bought_is_what_was_taken(merchant: Merchant) -> None:
    ends, provider = set(), FakeProvider("card")
    for order in permutations(STEPS):
        taken_minor = provider.taken_minor()
        await nobody_has_bought_before()
        shopper, payment = await a_guest_at_provider(merchant, provider)
        for step in order:
            await _step(step, payment, provider)
        await _called(payment, provider, order[0])
        payment = await _ends(payment, provider)

        state = (await shopper.flow()).state
        effects = [effect for effect, reference, _ in provider.effects if reference == payment.public_id]
        ends.add((order.index("pays") < order.index("gives up"), state))
        assert payment.has_ended, order
        assert state is (SessionState.CONFIRMED if "capture" in effects else SessionState.OPEN), order
        assert provider.taken_minor() - taken_minor == PRICE * effects.count("capture"), order
        assert len(effects) == len(set(effects)), order
    assert ends == {(True, SessionState.CONFIRMED), (False, SessionState.OPEN)}
    assert await check_books() == []
