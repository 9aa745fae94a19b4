"""A saved method that is forgotten here is ended at its provider too, however often that takes."""

from __future__ import annotations

import json

import pytest

from app.kernel import clock, db, outbox
from app.kernel.jobs import Done, TryAgain
from app.kernel.outbox import Job
from app.merchants.queries import forget_kept_merchants
from app.payments import actions as payments
from app.payments.jobs import tell_forgotten
from app.payments.queries import saved_method_by_id, saved_method_of_order
from tests.factories.checkout import a_merchant
from tests.factories.payments import a_paid_order
from tests.support.providers import FakeProvider

TOKEN = "token-1"  # the provider's of these tests


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("mobilepay")


async def forgotten_by(provider: FakeProvider) -> Job:
    """The job that somebody's saved method leaves when it is forgotten."""
    forget_kept_merchants()
    merchant = await a_merchant()
    _, payment = await a_paid_order(merchant, provider, is_saving=True)
    saved = await saved_method_of_order(merchant.id, payment.order_id)
    assert saved is not None
    now = await clock.business_now()
    assert await db.in_tx(lambda: payments.forget_method(merchant.id, saved.id, now))
    assert not await db.in_tx(lambda: payments.forget_method(merchant.id, saved.id, now))
    kept = await saved_method_by_id(merchant.id, saved.id)
    assert kept is not None
    assert kept.saved is None
    claimed = await outbox.claim(100, 60, now=await clock.business_now())
    [job] = [each for each in claimed if each.kind == payments.FORGET_JOB]
    return job


@pytest.mark.usefixtures("db")
async def test_the_provider_is_told_once_and_the_job_shows_no_token(provider: FakeProvider) -> None:
    job = await forgotten_by(provider)
    assert TOKEN not in json.dumps(dict(job.payload))
    for _ in range(2):
        assert isinstance(await tell_forgotten(job, {"mobilepay": provider}), Done)
    assert [effect for effect in provider.effects if effect[0] == "forget"] == [("forget", TOKEN, 0)]


@pytest.mark.usefixtures("db")
async def test_a_provider_that_does_not_answer_is_told_again(provider: FakeProvider) -> None:
    job = await forgotten_by(provider)
    provider.cut("forget", after=False)
    assert isinstance(await tell_forgotten(job, {"mobilepay": provider}), TryAgain)
    assert isinstance(await tell_forgotten(job, {"mobilepay": provider}), Done)
    assert ("forget", TOKEN, 0) in provider.effects


@pytest.mark.usefixtures("db")
async def test_an_agreement_that_is_gone_there_is_enough(provider: FakeProvider) -> None:
    job = await forgotten_by(provider)
    provider.refuse("forget", "not_found")
    assert await tell_forgotten(job, {"mobilepay": provider}) == Done("not_found")
    assert await tell_forgotten(job, {}) == Done("no provider")
