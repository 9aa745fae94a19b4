"""A provider that cannot be reached at all leaves the shopper a choice; one that fell silent leaves a question."""

from __future__ import annotations

import pytest

from app.checkout import paying
from app.checkout.books import check_books
from app.checkout.states import SessionState
from app.merchants.queries import Merchant, forget_kept_merchants
from app.payments.errors import ProviderNotReached
from app.payments.ports import NewPayment, Opened
from app.payments.states import PaymentState
from tests.factories.checkout import Shopper, a_merchant, a_session
from tests.factories.payments import as_it_is, asked, choose_paid, confirmed, doors_to, its_lease_ends
from tests.factories.wallets import switched
from tests.support.providers import FakeProvider


class FarProvider(FakeProvider):
    """Nothing that is sent to it comes through while it is `away`."""

    away = True

    async def create(self, new: NewPayment) -> Opened:
        if self.away:
            raise ProviderNotReached("not_sent")
        return await super().create(new)


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await switched(await a_merchant())


async def test_what_was_never_sent_leaves_the_shopper_another_way_at_once(merchant: Merchant) -> None:
    provider = FarProvider("mobilepay")
    shopper = Shopper.at(await a_session(merchant))
    await choose_paid(shopper, "mobilepay")
    payment = await paying.open_at_provider(await confirmed(shopper), doors_to(provider))

    assert payment.state is PaymentState.FAILED
    assert (await shopper.flow()).state is SessionState.OPEN
    assert await check_books() == []


async def test_after_an_answer_that_was_lost_not_getting_through_settles_nothing(merchant: Merchant) -> None:
    provider = FarProvider("mobilepay")
    provider.away = False
    provider.cut("create", after=True)
    shopper = Shopper.at(await a_session(merchant))
    await choose_paid(shopper, "mobilepay")
    payment = await paying.open_at_provider(await confirmed(shopper), doors_to(provider))
    provider.away = True
    await its_lease_ends(payment)
    still = await asked(payment, provider)
    provider.away = False
    await its_lease_ends(still)
    found = await asked(still, provider)

    assert [each.state for each in (payment, still, found)] == [
        PaymentState.UNKNOWN,
        PaymentState.UNKNOWN,
        PaymentState.PENDING,
    ]
    assert [effect for effect, _, _ in provider.effects] == ["create"]
    assert (await as_it_is(found)).url is not None
